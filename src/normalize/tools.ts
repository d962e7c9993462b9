/** Tools and the choice among them, in all of OpenAI's spellings. Behaviour 4. */

import { isDeepStrictEqual } from 'node:util';
import { cacheMark } from '../api/chat-completions/cache-mark.ts';
import { customInput } from '../api/chat-completions/reply.ts';
import type {
  WireCustom,
  WireFunction,
  WireTool,
  WireToolChoice,
  WireToolName,
} from '../api/chat-completions/request.ts';
import type { CacheMark, JsonObject, Tool, ToolChoice, Turn } from '../core/chat.ts';
import { invalidRequest } from '../core/errors.ts';
import { isTooDeep } from '../json-schema/bounds.ts';
import type { Target } from '../models/catalogue.ts';
import type { Model } from '../models/rows.ts';
import { isCall, partsOf } from './parts.ts';
import type { Reporter } from './report.ts';
import { currentDraft, readSchema } from './schemas.ts';
import type { Context, Settings } from './settings.ts';

const customParameters: JsonObject = {
  type: 'object',
  properties: { [customInput]: { type: 'string' } },
  required: [customInput],
};

/** An object whatever else the schema allows: arguments are never anything else. */
const withObjectType = (schema: JsonObject): JsonObject =>
  schema.type === 'object' ? schema : { ...schema, type: 'object' };

/** Before anything measures or writes them. */
const checkDepth = (value: unknown, path: string): void => {
  if (isTooDeep(value)) throw invalidRequest(`${path}: is nested too deeply. Simplify it.`, path);
};

interface Declared {
  readonly tool: Tool;
  readonly isCustom: boolean;
  /** Where its name stands. */
  readonly namePath: string;
}

interface Place {
  /** Of the object that holds the name. */
  readonly path: string;
  /** A mark that stands beside that object. */
  readonly cache?: CacheMark | undefined;
}

/** `parameters` under the name it has there, which is Anthropic's in tools of its form. */
const readFunction = (
  wire: WireFunction,
  { path, cache }: Place,
  model: Model,
  key: 'parameters' | 'input_schema' = 'parameters',
): Declared => {
  const at = `${path}.${key}`;
  const { name, description, parameters } = wire;
  checkDepth(parameters, at);
  const tool: Tool = {
    name,
    description: description?.trim() ? description : undefined,
    parameters: parameters
      ? withObjectType(currentDraft(readSchema(parameters, at, model), model))
      : { type: 'object', properties: {} },
    strict: wire.strict === true,
    path: at,
    cache: cache ?? cacheMark(wire),
  };
  return { tool, isCustom: false, namePath: `${path}.name` };
};

const readCustom = (wire: WireCustom, { path, cache }: Place): Declared => {
  const { name, description, format } = wire;
  checkDepth(format, `${path}.format`);
  const grammar =
    format?.type === 'grammar' ? `The input must follow this grammar: ${JSON.stringify(format.grammar)}` : '';
  const tool: Tool = {
    name,
    description: [description ?? '', grammar].filter((text) => text.trim() !== '').join('\n\n') || undefined,
    parameters: customParameters,
    strict: false,
    cache: cache ?? cacheMark(wire),
  };
  return { tool, isCustom: true, namePath: `${path}.name` };
};

const readTool = (wire: WireTool, path: string, model: Model): Declared => {
  if (wire.form === 'nested') {
    return wire.type === 'function'
      ? readFunction(wire.function, { path: `${path}.function`, cache: cacheMark(wire) }, model)
      : readCustom(wire.custom, { path: `${path}.custom`, cache: cacheMark(wire) });
  }
  // `custom` is OpenAI's word for tools that take text, and Anthropic's for those that have a schema.
  if (wire.input_schema)
    return readFunction({ ...wire, parameters: wire.input_schema }, { path }, model, 'input_schema');
  return wire.type === 'custom' ? readCustom(wire, { path }) : readFunction(wire, { path }, model);
};

/** Where and how a tool was declared is no difference. */
const isAlike = (one: Declared, other: Declared): boolean =>
  one.isCustom === other.isCustom &&
  isDeepStrictEqual(
    { ...one.tool, path: undefined, cache: undefined },
    { ...other.tool, path: undefined, cache: undefined },
  );

/** Agents that gather tools from several places declare some twice: one of those alike is sent. */
const withoutRepeats = (all: readonly Declared[]): readonly Declared[] => {
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
    else if (tool.cache !== undefined) markLast(byName, tool.cache);
  }
  return byName.size === all.length ? all : [...byName.values()];
};

/** The mark of a tool that is left out: everything before it may still be cached. */
const markLast = (byName: Map<string, Declared>, cache: CacheMark): void => {
  const last = [...byName.values()].at(-1);
  if (last !== undefined && last.tool.cache === undefined)
    byName.set(last.tool.name, { ...last, tool: { ...last.tool, cache } });
};

export const declareTools = (wire: readonly WireTool[], { name, target }: Context): Partial<Settings> => {
  const declared = withoutRepeats(
    wire.map((tool, index) => readTool(tool, `${name}[${index}]`, target.model)),
  );
  const custom = declared.flatMap(({ isCustom, tool }) => (isCustom ? [tool.name] : []));
  return { tools: declared.map(({ tool }) => tool), customTools: new Set(custom) };
};

export const declareFunctions = (
  wire: readonly WireFunction[],
  { target, settings, report, name }: Context,
): Partial<Settings> => {
  if (settings.tools.length > 0) {
    report.ignore(name);
    return {};
  }
  const declared = withoutRepeats(
    wire.map((each, index) => readFunction(each, { path: `${name}[${index}]` }, target.model)),
  );
  // The older answer has room for one call: a second would be paid for and thrown away.
  return { tools: declared.map(({ tool }) => tool), legacyFunctions: true, parallelToolCalls: false };
};

const nameOf = (choice: WireToolName): string => {
  if ('name' in choice) return choice.name;
  return choice.type === 'function' ? choice.function.name : choice.custom.name;
};

/** A choice of one of the given tools, whichever form it has. */
const interpret = (wire: WireToolChoice, tools: readonly Tool[], parameter: string) => {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const find = (name: string): Tool => {
    const tool = byName.get(name);
    if (tool === undefined) {
      throw invalidRequest(`${parameter}: there is no tool named '${name}' in tools.`, parameter);
    }
    return tool;
  };
  if (typeof wire === 'string') return { choice: { type: wire } as ToolChoice, offered: tools };
  switch (wire.type) {
    case 'allowed_tools': {
      const { mode, tools: allowed } = 'allowed_tools' in wire ? wire.allowed_tools : wire;
      const names = new Set(allowed.map((each) => find(nameOf(each)).name));
      return { choice: { type: mode } as ToolChoice, offered: tools.filter((tool) => names.has(tool.name)) };
    }
    case 'none':
    case 'auto':
    case 'required':
      return { choice: { type: wire.type } as ToolChoice, offered: tools };
    case 'any':
      return { choice: { type: 'required' } as ToolChoice, offered: tools };
    default:
      return { choice: { type: 'named', name: find(nameOf(wire)).name } as ToolChoice, offered: tools };
  }
};

/** What forcing a call brings along where the model would refuse it beside its default thinking. */
export const makeForcible = (
  { model, upstream }: Target,
  { thinking }: Settings,
  report: Reporter,
): Partial<Settings> => {
  if (thinking.mode !== 'default' || model.forcingNeedsThinkingOff?.includes(upstream) !== true) return {};
  report.adjust('thinking');
  return { thinking: { mode: 'off' } };
};

const isNone = (wire: WireToolChoice): boolean =>
  wire === 'none' || (typeof wire === 'object' && wire.type === 'none');

const wantsSingleCall = (wire: WireToolChoice): boolean =>
  typeof wire === 'object' && 'disable_parallel_tool_use' in wire && wire.disable_parallel_tool_use === true;

export const chooseTool = (wire: WireToolChoice, context: Context): Partial<Settings> => {
  const single = wantsSingleCall(wire)
    ? allowParallelCalls(false, { ...context, name: `${context.name}.disable_parallel_tool_use` })
    : {};
  return { ...single, ...chooseAmong(wire, context) };
};

const chooseAmong = (
  wire: WireToolChoice,
  { target, settings, report, name }: Context,
): Partial<Settings> => {
  // Without tools there is nothing to choose, and nothing to report; but `none` holds for the history's as well.
  if (settings.tools.length === 0) return isNone(wire) ? { toolChoice: { type: 'none' } } : {};
  const { choice, offered } = interpret(wire, settings.tools, name);
  const forced = choice.type === 'required' || choice.type === 'named';
  const { mode } = settings.thinking;
  if (!forced) return { toolChoice: choice, tools: offered };
  if (target.model.forcedToolChoice && (mode === 'default' || mode === 'off')) {
    return { toolChoice: choice, tools: offered, ...makeForcible(target, settings, report) };
  }
  // The nearest thing to forcing is to offer a named tool alone, and to tell the model.
  report.adjust(name);
  const tools = choice.type === 'named' ? offered.filter((tool) => tool.name === choice.name) : offered;
  return { toolChoice: { type: 'instructed' }, tools };
};

export const allowParallelCalls = (
  allowed: boolean,
  { target, settings, report, name }: Context,
): Partial<Settings> => {
  if (settings.tools.length === 0) return {};
  if (allowed) {
    if (settings.legacyFunctions) report.ignore(name);
    return {};
  }
  if (target.model.family === 'nova') {
    report.ignore(name);
    return {};
  }
  return { parallelToolCalls: false };
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
