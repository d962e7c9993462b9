/** Tools that a target is offered, and the choice among them. Behaviour 4. */

import { isDeepStrictEqual } from 'node:util';
import type { AskParallelCalls, AskTool, AskToolChoice, AskTools } from '../core/ask.ts';
import type { CacheBreakpoint, JsonObject, Tool, ToolChoice, Turn } from '../core/chat.ts';
import { invalidRequest } from '../core/errors.ts';
import type { Target } from '../models/catalogue.ts';
import type { Quirks } from '../models/model.ts';
import { isCall, partsOf } from './parts.ts';
import type { Reporter } from './report.ts';
import { currentDraft, readSchema } from './schemas.ts';
import type { Settings, SettingsDraft } from './settings.ts';

/** An object whatever else the schema allows: arguments are never anything else. */
const withObjectType = (schema: JsonObject): JsonObject =>
  schema.type === 'object' ? schema : { ...schema, type: 'object' };

const fitSchema = ({ schema, schemaPath }: AskTool, quirks: Quirks): JsonObject => {
  if (schema === undefined) return { type: 'object', properties: {} };
  if (schemaPath === undefined) return schema;
  return withObjectType(currentDraft(readSchema(schema, schemaPath, quirks), quirks));
};

interface Declared {
  readonly tool: Tool;
  readonly takesText: boolean;
  readonly namePath: string;
}

const fitTool = (asked: AskTool, quirks: Quirks): Declared => ({
  tool: {
    name: asked.name,
    description: asked.description,
    parameters: fitSchema(asked, quirks),
    strict: asked.strict,
    path: asked.schemaPath,
    cache: asked.cache,
  },
  takesText: asked.takesText,
  namePath: asked.namePath,
});

/** Where and how a tool was declared is no difference. */
const isAlike = (one: Declared, other: Declared): boolean =>
  one.takesText === other.takesText &&
  isDeepStrictEqual(
    { ...one.tool, path: undefined, cache: undefined },
    { ...other.tool, path: undefined, cache: undefined },
  );

/** Agents that gather tools from several places declare some twice: one of those alike is sent. */
const withoutRepeats = (all: readonly Declared[]): readonly Tool[] => {
  const byName = new Map<string, Declared>();
  for (const each of all) {
    const { tool, namePath } = each;
    const earlier = byName.get(tool.name);
    if (earlier !== undefined && !isAlike(earlier, each)) {
      throw invalidRequest(
        `${namePath}: the name '${tool.name}' is taken by an earlier tool that differs. Names must be unique.`,
        namePath,
      );
    }
    if (earlier === undefined) byName.set(tool.name, each);
    else if (tool.cache !== undefined) setOnLast(byName, tool.cache);
  }
  const kept = byName.size === all.length ? all : [...byName.values()];
  return kept.map(({ tool }) => tool);
};

/** The breakpoint of a tool that is left out: everything before it may still be cached. */
const setOnLast = (byName: Map<string, Declared>, cache: CacheBreakpoint): void => {
  const last = [...byName.values()].at(-1);
  if (last !== undefined && last.tool.cache === undefined)
    byName.set(last.tool.name, { ...last, tool: { ...last.tool, cache } });
};

/** A choice of one of the given tools. */
const interpret = (
  asked: AskToolChoice,
  tools: readonly Tool[],
): { readonly choice: ToolChoice; readonly offered: readonly Tool[] } => {
  const find = (name: string): string => {
    if (tools.some((tool) => tool.name === name)) return name;
    throw invalidRequest(`${asked.path}: there is no tool named '${name}' in tools.`, asked.path);
  };
  switch (asked.type) {
    case 'allowed': {
      const names = new Set(asked.names.map(find));
      return { choice: { type: asked.mode }, offered: tools.filter(({ name }) => names.has(name)) };
    }
    case 'named':
      return { choice: { type: 'named', name: find(asked.name) }, offered: tools };
    case 'auto':
    case 'none':
    case 'required':
      return { choice: { type: asked.type }, offered: tools };
    default:
      return asked satisfies never;
  }
};

/** What forcing a call brings along where the model would refuse it beside its default thinking. */
export const makeForcible = (
  { endpoint }: Target,
  { thinking }: Settings,
  report: Reporter,
): Partial<Settings> => {
  if (thinking.mode !== 'default' || !endpoint.quirks.forcingNeedsThinkingOff) return {};
  report.adjust(report.nameOf('thinking'));
  return { thinking: { mode: 'off' } };
};

const canForce = ({ endpoint: { quirks } }: Target, choice: ToolChoice): boolean =>
  quirks.choices.includes(choice.type === 'named' ? 'tool' : 'any');

/** Without tools there is nothing to choose, and nothing to report; but `none` holds for the history's as well. */
const chooseAmong = (
  asked: AskToolChoice,
  settings: Settings,
  target: Target,
  report: Reporter,
): Partial<Settings> => {
  if (settings.tools.length === 0) return asked.type === 'none' ? { toolChoice: { type: 'none' } } : {};
  const { choice, offered } = interpret(asked, settings.tools);
  const forced = choice.type === 'required' || choice.type === 'named';
  const { mode } = settings.thinking;
  if (!forced) return { toolChoice: choice, tools: offered };
  if (canForce(target, choice) && (mode === 'default' || mode === 'off')) {
    return { toolChoice: choice, tools: offered, ...makeForcible(target, settings, report) };
  }
  // The nearest thing to forcing is to offer a named tool alone, and to say so to the model.
  report.adjust(asked.path);
  const tools = choice.type === 'named' ? offered.filter((tool) => tool.name === choice.name) : offered;
  return { toolChoice: { type: 'instructed' }, tools };
};

/**
 * The list stays whole where thinking is bound to it: a line says which of its tools may be called, or have to be.
 * Behaviour 5.10.
 */
const inWords = (
  whole: readonly Tool[],
  { tools, toolChoice }: Settings,
  choices: readonly AskToolChoice[],
  report: Reporter,
): Partial<Settings> => {
  const isFewer = tools.length < whole.length && toolChoice.type !== 'none';
  const isInstructed = toolChoice.type === 'instructed';
  if (!isFewer && !isInstructed) return { tools: whole };
  // What was a rule is a request now.
  for (const { type, path } of choices) if (type === 'allowed') report.adjust(path);
  return {
    tools: whole,
    toolChoice: isInstructed ? { type: 'auto' } : toolChoice,
    callInstruction:
      toolChoice.type === 'named'
        ? undefined
        : {
            type: 'call-instruction',
            isDemanded: toolChoice.type !== 'auto',
            tools: isFewer || tools.length === 1 ? tools.map(({ name }) => name) : [],
          },
  };
};

const allowsParallelCalls = (
  wishes: readonly AskParallelCalls[],
  { oneCallAtMost }: AskTools,
  { endpoint }: Target,
  report: Reporter,
): boolean => {
  let allowed = !oneCallAtMost;
  for (const wish of wishes) {
    const isIgnored = wish.allowed ? oneCallAtMost : !endpoint.quirks.singleCalls;
    if (isIgnored) report.ignore(wish.path);
    else if (!wish.allowed) allowed = false;
  }
  return allowed;
};

/** The client's tools as they are offered, and what their choice does to thinking. */
export const offerTools = (asked: AskTools, draft: SettingsDraft, target: Target, report: Reporter): void => {
  const { declared, choices, parallelCalls, ignored, oneCallAtMost } = asked;
  draft.parallelToolCalls = !oneCallAtMost;
  if (declared.length > 0) {
    draft.tools = withoutRepeats(declared.map((tool) => fitTool(tool, target.endpoint.quirks)));
    for (const name of ignored) report.ignore(name);
    draft.parallelToolCalls = allowsParallelCalls(parallelCalls, asked, target, report);
  }
  const whole = draft.tools;
  for (const choice of choices) Object.assign(draft, chooseAmong(choice, draft, target, report));
  if (target.model.bindsThinking !== 'never') Object.assign(draft, inWords(whole, draft, choices, report));
};

/** Declarations for tools that only the history knows: the upstreams refuse calls of undeclared tools. */
export const toolsOfHistory = (turns: readonly Turn[]): readonly Tool[] => {
  const names = new Set(partsOf(turns, isCall).map(({ name }) => name));
  return [...names].map((name) => ({
    name,
    description: 'Was available earlier in the conversation.',
    parameters: { type: 'object', properties: {} },
    strict: false,
  }));
};
