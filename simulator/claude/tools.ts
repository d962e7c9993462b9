import { type Fields, isFields, listOf, textOf } from '../json.ts';
import { refuse } from '../refusal.ts';
import { at, needBoolean, needList, needObject, needString, needTag, onlyKnown } from './fields.ts';
import { checkInputSchema } from './input-schema.ts';
import { type ClaudeRequest, thinkingMode } from './request.ts';
import { checkStrictSchema } from './schema-limits.ts';

const FIELDS = [
  'name',
  'input_schema',
  'description',
  'strict',
  'cache_control',
  'type',
  'input_examples',
  'eager_input_streaming',
  'defer_loading',
  'allowed_callers',
];

const MOST_STRICT = 20;
const MOST_UNIONS = 16;

/** Whether decoding can be bound to a schema there. */
export const takesSchemas = ({ model, via }: ClaudeRequest): boolean =>
  via === 'api' ? model.schema.api : model.schema.bedrock;

const checkSchema = (schema: Fields, path: string): void => {
  if (schema.type === undefined) refuse(`${at(path, 'type')}: Field required`);
  if (schema.type !== 'object') refuse(`${at(path, 'type')}: Input should be 'object'`);
  for (const key of ['oneOf', 'allOf', 'anyOf']) {
    if (schema[key] !== undefined)
      refuse(`${path}: input_schema does not support oneOf, allOf, or anyOf at the top level`);
  }
  checkInputSchema(schema, path);
};

const checkTool = (value: unknown, index: number, request: ClaudeRequest): Fields => {
  const tool = needObject(value, at('tools', index));
  // Server tools have shapes of their own; the simulator has none to offer.
  if (tool.type !== undefined && tool.type !== null && tool.type !== 'custom') {
    return refuse(
      `tools.${index}: Input tag '${String(tool.type)}' found using 'type' does not match any of the expected tags: 'custom'`,
    );
  }
  const path = at('tools', index, 'custom');
  onlyKnown(tool, FIELDS, path);
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(needString(tool, 'name', path))) {
    refuse(`${at(path, 'name')}: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'`);
  }
  if (tool.description !== undefined) needString(tool, 'description', path);
  checkSchema(needObject(tool.input_schema, at(path, 'input_schema')), at(path, 'input_schema'));
  needBoolean(tool.strict, at(path, 'strict'));
  if (tool.strict !== undefined && tool.strict !== null && !takesSchemas(request)) {
    refuse(`${at(path, 'strict')}: Extra inputs are not permitted`);
  }
  return tool;
};

const checkStrict = (tools: Fields[]): void => {
  const strict = tools.filter((tool) => tool.strict === true);
  if (strict.length > MOST_STRICT) {
    refuse(
      `Too many strict tools (${strict.length}). The maximum number of strict tools supported is ${MOST_STRICT}. Try reducing the number of tools marked as strict.`,
    );
  }
  let unions = 0;
  for (const tool of strict) {
    const path = at('tools', tools.indexOf(tool), 'custom', 'input_schema');
    const found = checkStrictSchema(isFields(tool.input_schema) ? tool.input_schema : {}, path);
    unions += found.unions + found.optional;
  }
  if (unions > MOST_UNIONS) {
    refuse(
      `Schemas contains too many parameters with union types (${unions} parameters with type arrays or anyOf). This exceeds the limit of ${MOST_UNIONS}.`,
    );
  }
};

const CHOICES: Record<string, readonly string[]> = {
  any: ['type', 'disable_parallel_tool_use'],
  auto: ['type', 'disable_parallel_tool_use'],
  none: ['type'],
  tool: ['type', 'name', 'disable_parallel_tool_use'],
};

const checkChoice = (request: ClaudeRequest, names: string[]): void => {
  const { tool_choice: given, max_tokens: maxTokens } = request.body;
  if (given === undefined) return;
  const choice = needObject(given, 'tool_choice');
  const type = needTag(choice, Object.keys(CHOICES), 'tool_choice');
  onlyKnown(choice, CHOICES[type] ?? [], at('tool_choice', type));
  needBoolean(choice.disable_parallel_tool_use, at('tool_choice', type, 'disable_parallel_tool_use'));
  if (names.length === 0) refuse('tool_choice: tool_choice may only be specified while providing tools.');
  if (type === 'tool' && !names.includes(needString(choice, 'name', 'tool_choice.tool'))) {
    refuse(`tool_choice: Tool '${textOf(choice.name)}' not found in provided tools`);
  }
  if (type !== 'any' && type !== 'tool') return;
  if (!request.model.forcedTool) refuse('tool_choice forces tool use is not compatible with this model.');
  const mode = thinkingMode(request);
  if (mode === 'enabled') refuse('Thinking may not be enabled when tool_choice forces tool use.');
  // Sonnet 5 on Bedrock is the one that wants `disabled` here.
  if (mode === 'adaptive' && request.via !== 'api' && request.model.id === 'claude-sonnet-5') {
    refuse('Thinking may not be enabled when tool_choice forces tool use.');
  }
  if (maxTokens === 0) refuse('max_tokens: 0 is not supported when tool_choice forces tool use');
};

export const checkTools = (request: ClaudeRequest): void => {
  const { tools: given } = request.body;
  const tools =
    given === undefined ? [] : needList(given, 'tools').map((tool, index) => checkTool(tool, index, request));
  const names = tools.map((tool) => textOf(tool.name));
  if (new Set(names).size < names.length) refuse('tools: Tool names must be unique.');
  checkStrict(tools);
  checkChoice(request, listOf(given).length === 0 ? [] : names);
};
