/** What the "model" does next: what a script of directives says, else what words ask for, else what it must. */

import { valueForSchema } from './arguments.ts';
import type { Ask, Tool } from './ask.ts';
import { nearestTool, wantedCalls } from './calls.ts';
import { callParts, type Directive, type DirectiveName, readDirectives } from './directives.ts';
import { type Fields, fieldsOf } from './json.ts';
import { openJson } from './json-answer.ts';
import { asksAgain, materialFor, type Question } from './question.ts';

export interface PlannedCall {
  readonly tool: Tool;
  readonly input: Fields;
}

export interface Step {
  /** Words of `[[say ...]]`, beside the calls or instead of them. */
  readonly says: string | undefined;
  readonly calls: readonly PlannedCall[];
}

const saying = (says: string): Step => ({ says, calls: [] });

/** The server renames tools, and adds a digest of the name that its caller knows. */
const findTool = (tools: readonly Tool[], name: string): Tool | undefined => {
  const plain = (text: string): string => text.replace(/[^A-Za-z0-9]+/g, '_');
  return (
    tools.find((tool) => tool.name === name) ??
    tools.find((tool) => plain(tool.name.replace(/_[0-9a-f]{8}$/, '')) === plain(name))
  );
};

/** A tool by which frameworks let a model hand in its answer. */
const ENDS =
  /^(?:final|finish|submit|answer|respond|response|output|result|return|complete|done|attempt_completion)/i;

const isEnding = ({ name }: Tool): boolean => ENDS.test(name);

/** A tool that takes any object stands for a JSON answer; what it should hold is in the prompt. */
const isOpen = (tool: Tool): boolean =>
  isEnding(tool) && Object.keys(fieldsOf(tool.schema.properties)).length === 0;

const argumentsFor = (ask: Ask, tool: Tool, about: string, question: Question): Fields =>
  isOpen(tool)
    ? openJson(ask, question)
    : fieldsOf(valueForSchema({ type: 'object', ...tool.schema }, materialFor(ask, question, about)));

const unescaped = (text: string): string => text.replaceAll('\\n', '\n');

const unknownTool = (name: string, tools: readonly Tool[]): string =>
  `There is no tool “${name}” here; there are: ${tools.map((tool) => tool.name).join(', ') || 'none'}.`;

/** One step for each answer: `[[then]]` parts them. */
const readScript = (ask: Ask, question: Question): Step[] => {
  const steps: { says: string | undefined; calls: PlannedCall[] }[] = [{ says: undefined, calls: [] }];
  const add = ({ name, rest }: Directive): void => {
    const step = steps.at(-1);
    if (name === 'then') steps.push({ says: undefined, calls: [] });
    else if (step === undefined) return;
    else if (name === 'say')
      step.says = [step.says, unescaped(rest)].filter((text) => text !== undefined).join('\n');
    else if (name === 'call') {
      const parts = callParts(rest);
      const tool = parts === undefined ? undefined : findTool(ask.tools, parts.name);
      if (parts === undefined) step.says = `[[call ${rest}]]: what follows the name is no JSON object.`;
      else if (tool === undefined) step.says = unknownTool(parts.name, ask.tools);
      else
        step.calls.push({
          tool,
          input: parts.input ?? argumentsFor(ask, tool, question.words, question),
        });
    }
  };
  for (const directive of readDirectives(question.raw)) add(directive);
  return steps.filter(({ says, calls }) => says !== undefined || calls.length > 0);
};

/** The step that follows `made` calls; what is left of it, where only a part of its calls was made. */
const stepAfter = (steps: readonly Step[], made: number): Step | undefined => {
  let left = made;
  for (const [index, step] of steps.entries()) {
    if (step.calls.length > left)
      return left === 0 ? step : { says: undefined, calls: step.calls.slice(left) };
    left -= step.calls.length;
    // Words without calls end the turn.
    if (step.calls.length === 0 && (left === 0 || index === steps.length - 1)) return step;
  }
  return undefined;
};

const wordsPlan = (ask: Ask, tools: readonly Tool[], question: Question): Step[] =>
  wantedCalls(tools, question.words).map((wanted) => ({
    says: undefined,
    calls: wanted.map(({ tool, about }) => ({ tool, input: argumentsFor(ask, tool, about, question) })),
  }));

/** A call that is answered is not made again, unless its result asks for it. */
const openTools = (ask: Ask, { made }: Question): Tool[] =>
  ask.tools.filter(
    ({ name }) => !made.some((call) => call.name === name && call.result !== undefined && !asksAgain(call)),
  );

/** Some tool must be called: the nearest one first, then the one that ends, then what is left. */
const mustCall = (ask: Ask, question: Question): Tool | undefined => {
  const open = openTools(ask, question);
  const last = question.made.at(-1);
  const again =
    last !== undefined && asksAgain(last) ? open.find(({ name }) => name === last.name) : undefined;
  const working = open.filter((tool) => !isEnding(tool));
  return (
    again ??
    (question.made.length === 0 ? nearestTool(working, question.words) : undefined) ??
    open.find(isEnding) ??
    open[0]
  );
};

const limitCalls = (ask: Ask, step: Step): Step =>
  ask.choice.single ? { ...step, calls: step.calls.slice(0, 1) } : step;

const mandatory = (ask: Ask, question: Question, tool: Tool): Step => ({
  says: undefined,
  calls: [{ tool, input: argumentsFor(ask, tool, question.words, question) }],
});

const SHAPES: readonly DirectiveName[] = ['say', 'call', 'length', 'bad-json'];

/** A directive that says what the answer is leaves nothing to guess. */
const isShaped = ({ raw }: Question): boolean =>
  readDirectives(raw).some(({ name }) => SHAPES.includes(name));

export const nextStep = (ask: Ask, question: Question): Step | undefined => {
  const { choice } = ask;
  const script = readScript(ask, question);
  const scripted = stepAfter(script, question.made.length);
  const mayCall = ask.tools.length > 0 && choice.type !== 'none';
  if (!mayCall) return scripted?.says === undefined ? undefined : saying(scripted.says);

  if (choice.type === 'tool') {
    const named = ask.tools.filter(({ name }) => name === choice.name);
    const calls = scripted?.calls.filter(({ tool }) => tool.name === choice.name) ?? [];
    const [only] = named;
    if (calls.length > 0) return limitCalls(ask, { says: undefined, calls });
    if (only === undefined) return undefined;
    const wanted = isEnding(only) ? undefined : stepAfter(wordsPlan(ask, named, question), 0);
    return limitCalls(ask, wanted ?? mandatory(ask, question, only));
  }

  const isForced = choice.type === 'any';
  if (scripted !== undefined && (scripted.calls.length > 0 || !isForced)) return limitCalls(ask, scripted);
  const wanted = isShaped(question)
    ? undefined
    : stepAfter(wordsPlan(ask, ask.tools, question), question.made.length);
  if (wanted !== undefined) return limitCalls(ask, wanted);
  const tool = isForced ? mustCall(ask, question) : undefined;
  return tool === undefined ? undefined : mandatory(ask, question, tool);
};
