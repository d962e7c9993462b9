/**
 * Items of a request, and the tools that stand among them. `null` means absent everywhere. Fields that we do not know are
 * dropped: clients send back what they were given, and add to it. (openai `resources/responses`, `ResponseInputItem`)
 */

import { z } from 'zod';
import { breakpointFields } from '../content/cache-breakpoint.ts';
import { effortSchema } from '../content/thinking-forms.ts';

const text = z.object({
  type: z.enum(['input_text', 'output_text', 'text']),
  text: z.string(),
  ...breakpointFields,
});
const refusal = z.object({ type: z.literal('refusal'), refusal: z.string() });
const image = z.object({
  type: z.literal('input_image'),
  image_url: z.string().nullish(),
  file_id: z.string().nullish(),
  ...breakpointFields,
});
const file = z.object({
  type: z.literal('input_file'),
  file_data: z.string().nullish(),
  file_url: z.string().nullish(),
  file_id: z.string().nullish(),
  filename: z.string().nullish(),
  ...breakpointFields,
});
const unavailable = z.object({ type: z.enum(['input_audio', 'input_video']) });

const part = z.discriminatedUnion('type', [text, refusal, image, file, unavailable]);
const content = z.union([z.string(), z.array(part)]);

const id = z.string().nullish();
const callId = z.string().min(1);
const jsonObject = z.record(z.string(), z.unknown());

const functionTool = z.object({
  type: z.literal('function'),
  name: z.string().min(1),
  description: z.string().nullish(),
  parameters: jsonObject.nullish(),
  strict: z.boolean().nullish(),
  ...breakpointFields,
});
const customTool = z.object({
  type: z.literal('custom'),
  name: z.string().min(1),
  description: z.string().nullish(),
  format: z
    .looseObject({ type: z.string(), syntax: z.string().nullish(), definition: z.string().nullish() })
    .nullish(),
  ...breakpointFields,
});
const namespaceTool = z.object({
  type: z.literal('namespace'),
  name: z.string().min(1),
  description: z.string().nullish(),
  tools: z.array(z.discriminatedUnion('type', [functionTool, customTool])),
});
const toolSearch = z.object({
  type: z.literal('tool_search'),
  execution: z.string().nullish(),
  description: z.string().nullish(),
  parameters: jsonObject.nullish(),
});
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const described: ReadonlySet<unknown> = new Set(['function', 'custom', 'namespace', 'tool_search']);

/** Which form it is (`hosted`: OpenAI runs it, or its models know it by heart) is decided first, so that what is wrong with it is named in that form. */
const form = (value: unknown): string => {
  if (!isObject(value)) return 'hosted';
  return described.has(value.type) ? (value.type as string) : 'hosted';
};

/** Chat's form, which some clients send here too: the function stands in an object of its own. */
const flattened = (value: unknown): unknown => {
  if (!isObject(value) || typeof value.type !== 'string') return value;
  const inner = value[value.type];
  return (value.type === 'function' || value.type === 'custom') && isObject(inner) && value.name === undefined
    ? { ...inner, type: value.type }
    : value;
};

const formed = <Form extends string, Shape extends z.ZodRawShape>(name: Form, schema: z.ZodObject<Shape>) =>
  schema.extend({ form: z.literal(name) });

export const toolSchema = z.preprocess(
  (value) => {
    const flat = flattened(value);
    return isObject(flat) ? { ...flat, form: form(flat) } : flat;
  },
  z.discriminatedUnion('form', [
    formed('function', functionTool),
    formed('custom', customTool),
    formed('namespace', namespaceTool),
    formed('tool_search', toolSearch),
    z.looseObject({ form: z.literal('hosted'), type: z.string().min(1) }),
  ]),
);

export type WireFunction = z.infer<typeof functionTool>;
export type WireCustom = z.infer<typeof customTool>;
export type WireNamespace = z.infer<typeof namespaceTool>;
export type WireToolSearch = z.infer<typeof toolSearch>;
export type WireTool = z.infer<typeof toolSchema>;

export const formatSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    name: z.string().nullish(),
    description: z.string().nullish(),
    schema: jsonObject.nullish(),
    strict: z.boolean().nullish(),
  }),
]);

const output = z.union([z.string(), z.array(part)]);

const itemOf = <Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.object({ type: z.literal(type), id, ...shape });

/** What a client's own tool did, under names that OpenAI's models know: as calls of a tool of that name. */
export const namedCallTypes = ['local_shell_call', 'shell_call', 'apply_patch_call'] as const;
const namedOutputTypes = ['local_shell_call_output', 'shell_call_output', 'apply_patch_call_output'] as const;

/** Records of what ran at OpenAI: there is nothing to send of them. */
export const hostedItemTypes = [
  'file_search_call',
  'web_search_call',
  'computer_call',
  'computer_call_output',
  'image_generation_call',
  'code_interpreter_call',
  'mcp_list_tools',
  'mcp_call',
  'mcp_approval_request',
  'mcp_approval_response',
  'program',
  'program_output',
  'compaction_trigger',
] as const;

const typedItem = z.discriminatedUnion('type', [
  itemOf('message', {
    role: z.enum(['user', 'assistant', 'system', 'developer']),
    content: content.nullish(),
  }),
  itemOf('function_call', {
    call_id: callId,
    name: z.string().min(1),
    namespace: z.string().nullish(),
    arguments: z.string().nullish(),
  }),
  itemOf('custom_tool_call', {
    call_id: callId,
    name: z.string().min(1),
    namespace: z.string().nullish(),
    input: z.string(),
  }),
  itemOf('tool_search_call', { call_id: callId.nullish(), arguments: z.unknown() }),
  itemOf('function_call_output', { call_id: callId, output: output.nullish() }),
  itemOf('custom_tool_call_output', { call_id: callId, output: output.nullish() }),
  itemOf('tool_search_output', { call_id: callId.nullish(), tools: z.array(toolSchema).nullish() }),
  itemOf('reasoning', { encrypted_content: z.string().nullish() }),
  itemOf('compaction', { encrypted_content: z.string() }),
  itemOf('additional_tools', { tools: z.array(toolSchema) }),
  itemOf('configuration_update', {
    reasoning: z.object({ effort: effortSchema.nullish() }).nullish(),
    text: z.object({ format: formatSchema.nullish() }).nullish(),
  }),
  z.object({ type: z.literal('item_reference'), id: z.string().min(1) }),
  z.looseObject({ type: z.enum(namedCallTypes), id, call_id: callId }),
  z.looseObject({ type: z.enum(namedOutputTypes), id, call_id: callId, output: z.unknown() }),
  z.object({ type: z.enum(hostedItemTypes), id }),
]);

/** Messages may come without a type, and so may references, which are an id alone. */
const withType = (value: unknown): unknown => {
  if (!isObject(value) || (value.type ?? null) !== null) return value;
  if (typeof value.role === 'string') return { ...value, type: 'message' };
  return typeof value.id === 'string' ? { ...value, type: 'item_reference' } : value;
};

export const itemSchema = z.preprocess(withType, typedItem);

export type Item = z.infer<typeof itemSchema>;
export type ItemOf<Type extends Item['type']> = Extract<Item, { type: Type }>;
export type ContentPart = z.infer<typeof part>;
