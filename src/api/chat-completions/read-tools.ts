/** Tools and the choice among them, in all of OpenAI's spellings. Behaviour 4. */

import type { AskParallelCalls, AskTool, AskToolChoice, AskTools } from '../../core/ask.ts';
import type { CacheBreakpoint } from '../../core/chat.ts';
import { invalidRequest } from '../../core/errors.ts';
import { isTooDeep } from '../../json-schema/bounds.ts';
import { cacheBreakpoint } from '../content/cache-breakpoint.ts';
import { customDescription, customParameters } from '../content/custom-tool.ts';
import type { ChatRequest } from './parameters.ts';
import type { WireCustom, WireFunction, WireTool, WireToolChoice, WireToolName } from './request.ts';

/** Before anything measures or writes them. */
const checkDepth = (value: unknown, path: string): void => {
  if (isTooDeep(value)) throw invalidRequest(`${path}: is nested too deeply. Simplify it.`, path);
};

interface Place {
  /** Of the object that holds the name. */
  readonly path: string;
  /** A breakpoint that stands beside that object. */
  readonly cache?: CacheBreakpoint | undefined;
}

/** `parameters` under the name it has there, which is Anthropic's in tools of its form. */
const readFunction = (
  wire: WireFunction,
  { path, cache }: Place,
  key: 'parameters' | 'input_schema' = 'parameters',
): AskTool => {
  const schemaPath = `${path}.${key}`;
  const { name, description, parameters, strict } = wire;
  checkDepth(parameters, schemaPath);
  return {
    name,
    namePath: `${path}.name`,
    description: description?.trim() ? description : undefined,
    schema: parameters ?? undefined,
    schemaPath,
    strict: strict === true,
    takesText: false,
    cache: cache ?? cacheBreakpoint(wire),
  };
};

const readCustom = (wire: WireCustom, { path, cache }: Place): AskTool => {
  const { name, description, format } = wire;
  checkDepth(format, `${path}.format`);
  const grammar = format?.type === 'grammar' ? JSON.stringify(format.grammar) : undefined;
  return {
    name,
    namePath: `${path}.name`,
    description: customDescription(description, grammar),
    schema: customParameters,
    schemaPath: undefined,
    strict: false,
    takesText: true,
    cache: cache ?? cacheBreakpoint(wire),
  };
};

const readTool = (wire: WireTool, path: string): AskTool => {
  if (wire.form === 'nested') {
    return wire.type === 'function'
      ? readFunction(wire.function, { path: `${path}.function`, cache: cacheBreakpoint(wire) })
      : readCustom(wire.custom, { path: `${path}.custom`, cache: cacheBreakpoint(wire) });
  }
  // `custom` is OpenAI's word for tools that take text, and Anthropic's for those that have a schema.
  if (wire.input_schema)
    return readFunction({ ...wire, parameters: wire.input_schema }, { path }, 'input_schema');
  return wire.type === 'custom' ? readCustom(wire, { path }) : readFunction(wire, { path });
};

const nameOf = (choice: WireToolName): string => {
  if ('name' in choice) return choice.name;
  return choice.type === 'function' ? choice.function.name : choice.custom.name;
};

const readChoice = (wire: WireToolChoice, path: string): AskToolChoice => {
  if (typeof wire === 'string') return { type: wire, path };
  switch (wire.type) {
    case 'allowed_tools': {
      const { mode, tools } = 'allowed_tools' in wire ? wire.allowed_tools : wire;
      return { type: 'allowed', mode, names: tools.map(nameOf), path };
    }
    case 'none':
    case 'auto':
    case 'required':
      return { type: wire.type, path };
    case 'any':
      return { type: 'required', path };
    default:
      return { type: 'named', name: nameOf(wire), path };
  }
};

const wantsSingleCall = (wire: WireToolChoice): boolean =>
  typeof wire === 'object' && 'disable_parallel_tool_use' in wire && wire.disable_parallel_tool_use === true;

type ToolFields = Pick<
  ChatRequest,
  'tools' | 'functions' | 'tool_choice' | 'function_call' | 'parallel_tool_calls'
>;

const readDeclared = ({
  tools,
  functions,
}: ToolFields): Pick<AskTools, 'declared' | 'ignored' | 'oneCallAtMost'> => {
  const declared = (tools ?? []).map((tool, index) => readTool(tool, `tools[${index}]`));
  if (!functions) return { declared, ignored: [], oneCallAtMost: false };
  if (declared.length > 0) return { declared, ignored: ['functions'], oneCallAtMost: false };
  const older = functions.map((each, index) => readFunction(each, { path: `functions[${index}]` }));
  return { declared: older, ignored: [], oneCallAtMost: true };
};

/** Throws 400 with the path of what cannot be read. */
export const readTools = (fields: ToolFields): AskTools => {
  const { tool_choice: choice, function_call: older, parallel_tool_calls: parallel } = fields;
  const choices: AskToolChoice[] = [];
  const parallelCalls: AskParallelCalls[] = [];
  if (choice) {
    if (wantsSingleCall(choice))
      parallelCalls.push({ allowed: false, path: 'tool_choice.disable_parallel_tool_use' });
    choices.push(readChoice(choice, 'tool_choice'));
  }
  if (older)
    choices.push(
      typeof older === 'string'
        ? { type: older, path: 'function_call' }
        : { type: 'named', name: older.name, path: 'function_call' },
    );
  if (typeof parallel === 'boolean') parallelCalls.push({ allowed: parallel, path: 'parallel_tool_calls' });
  const { declared, ignored, oneCallAtMost } = readDeclared(fields);
  return { declared, ignored, oneCallAtMost, choices, parallelCalls };
};
