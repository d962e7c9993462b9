/** Tools and the choice among them, in all of OpenAI's spellings. BEHAVIOUR section 4. */

import type { z } from 'zod';
import type { Target } from '../catalogue.ts';
import type { CacheMark, JsonObject, Part, Tool, ToolCallPart, ToolChoice, Turn } from '../chat.ts';
import { invalidRequest } from '../errors.ts';
import type { Model } from '../models.ts';
import { customInput } from '../openai/reply.ts';
import type { functionSchema, WireMarks, WireTool, WireToolChoice } from '../openai/request.ts';
import { isTooDeep } from '../schema/bounds.ts';
import { partsOf } from './parts.ts';
import type { Reporter } from './report.ts';
import { readSchema } from './schemas.ts';
import type { Context, Settings } from './settings.ts';

/** A caller's cache mark, in either spelling. */
export const cacheMark = (marks: WireMarks): CacheMark | undefined => {
  if (marks.cache_control) return { ttl: marks.cache_control.ttl ?? undefined };
  return marks.prompt_cache_breakpoint?.mode === 'explicit' ? {} : undefined;
};

const customSchema: JsonObject = {
  type: 'object',
  properties: { [customInput]: { type: 'string' } },
  required: [customInput],
};

/** An object whatever else the schema allows: arguments are never anything else. */
const withObjectType = (schema: JsonObject): JsonObject =>
  schema.type === 'object' ? schema : { ...schema, type: 'object' };

/** `path` is the function's own. */
const functionTool = (
  wire: z.infer<typeof functionSchema>,
  marks: WireMarks,
  path: string,
  model: Model,
): Tool => ({
  name: wire.name,
  description: wire.description?.trim() ? wire.description : undefined,
  parameters: wire.parameters
    ? withObjectType(readSchema(wire.parameters, `${path}.parameters`, model))
    : { type: 'object', properties: {} },
  strict: wire.strict === true,
  cache: cacheMark(marks),
});

const toTool = (wire: WireTool, path: string, model: Model): Tool => {
  if (wire.type === 'function') return functionTool(wire.function, wire, `${path}.function`, model);
  const { name, description, format } = wire.custom;
  const grammar =
    format?.type === 'grammar' ? `The input must follow this grammar: ${JSON.stringify(format.grammar)}` : '';
  return {
    name,
    description: [description ?? '', grammar].filter((text) => text.trim() !== '').join('\n\n') || undefined,
    parameters: customSchema,
    strict: false,
    cache: cacheMark(wire),
  };
};

/** `pathOf` says where the tool of an index has its name. */
const checkNames = (tools: readonly Tool[], pathOf: (index: number) => string): void => {
  const seen = new Set<string>();
  for (const [index, { name }] of tools.entries()) {
    if (seen.has(name)) {
      const path = pathOf(index);
      throw invalidRequest(
        `${path}: the name '${name}' is taken by an earlier tool. Names must be unique.`,
        path,
      );
    }
    seen.add(name);
  }
};

/** Before anything measures or writes them. */
const checkDepth = (value: unknown, path: string): void => {
  if (isTooDeep(value)) throw invalidRequest(`${path}: is nested too deeply. Simplify it.`, path);
};

export const declareTools = (wire: readonly WireTool[], { name, target }: Context): Partial<Settings> => {
  for (const [index, tool] of wire.entries()) {
    if (tool.type === 'function')
      checkDepth(tool.function.parameters, `${name}[${index}].function.parameters`);
    else checkDepth(tool.custom.format, `${name}[${index}].custom.format`);
  }
  const tools = wire.map((tool, index) => toTool(tool, `${name}[${index}]`, target.model));
  checkNames(tools, (index) => `${name}[${index}].${wire[index]?.type ?? 'function'}.name`);
  const custom = wire.flatMap((tool) => (tool.type === 'custom' ? [tool.custom.name] : []));
  return { tools, customTools: new Set(custom) };
};

export const declareFunctions = (
  wire: readonly z.infer<typeof functionSchema>[],
  { target, settings, report, name }: Context,
): Partial<Settings> => {
  if (settings.tools.length > 0) {
    report.ignore(name);
    return {};
  }
  for (const [index, each] of wire.entries()) checkDepth(each.parameters, `${name}[${index}].parameters`);
  const tools = wire.map((each, index) => functionTool(each, {}, `${name}[${index}]`, target.model));
  checkNames(tools, (index) => `${name}[${index}].name`);
  // The older answer has room for one call: a second would be paid for and thrown away.
  return { tools, legacyFunctions: true, parallelToolCalls: false };
};

const nameOf = (choice: Exclude<WireToolChoice, string> & { type: 'function' | 'custom' }): string =>
  choice.type === 'function' ? choice.function.name : choice.custom.name;

/** The choice and the tools it leaves on offer. */
const interpret = (wire: WireToolChoice, tools: readonly Tool[], parameter: string) => {
  const find = (name: string): Tool => {
    const tool = tools.find((each) => each.name === name);
    if (tool === undefined) {
      throw invalidRequest(`${parameter}: there is no tool named '${name}' in tools.`, parameter);
    }
    return tool;
  };
  if (typeof wire === 'string') return { choice: { type: wire } as ToolChoice, offered: tools };
  if (wire.type === 'allowed_tools') {
    const { mode, tools: allowed } = wire.allowed_tools;
    const names = new Set(allowed.map((each) => find(nameOf(each)).name));
    return { choice: { type: mode } as ToolChoice, offered: tools.filter((tool) => names.has(tool.name)) };
  }
  const name = find(nameOf(wire)).name;
  return { choice: { type: 'named', name } as ToolChoice, offered: tools };
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

export const chooseTool = (
  wire: WireToolChoice,
  { target, settings, report, name }: Context,
): Partial<Settings> => {
  // Without tools there is nothing to choose, and nothing to report; but `none` holds for the history's as well.
  if (settings.tools.length === 0) return wire === 'none' ? { toolChoice: { type: 'none' } } : {};
  const { choice, offered } = interpret(wire, settings.tools, name);
  const forced = choice.type === 'required' || choice.type === 'named';
  const { mode } = settings.thinking;
  if (!forced) return { toolChoice: choice, tools: offered };
  if (target.model.forcedToolChoice && (mode === 'default' || mode === 'off')) {
    return { toolChoice: choice, tools: offered, ...makeForcible(target, settings, report) };
  }
  // The nearest thing to forcing a named tool is to offer no other.
  report.adjust(name);
  const tools = choice.type === 'named' ? offered.filter((tool) => tool.name === choice.name) : offered;
  return { toolChoice: { type: 'auto' }, tools };
};

export const allowParallelCalls = (
  allowed: boolean,
  { target, settings, report, name }: Context,
): Partial<Settings> => {
  if (settings.tools.length === 0 || allowed) return {};
  if (target.model.family === 'nova') {
    report.ignore(name);
    return {};
  }
  return { parallelToolCalls: false };
};

const isCall = (part: Part): part is ToolCallPart => part.type === 'tool-call';

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
