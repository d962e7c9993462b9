/**
 * OpenAI's request wire: messages, content parts, tools, choices. `null` means absent everywhere, so
 * optional fields are nullish. Fields we do not know inside these objects are dropped by zod; unknown-fields.ts
 * finds them for the report, all but those that clients echo (`refusal`, `annotations`, `parsed`, ...).
 * The request as a whole is composed from the parameter table in parameters.ts.
 */

import { z } from 'zod';
import { breakpointFields as breakpoints } from '../content/cache-breakpoint.ts';

const textPart = z.object({ type: z.literal('text'), text: z.string(), ...breakpoints });

const imagePart = z.object({
  type: z.literal('image_url'),
  image_url: z.union([z.object({ url: z.string(), detail: z.string().nullish() }), z.string()]),
  ...breakpoints,
});

const filePart = z.object({
  type: z.literal('file'),
  file: z.object({
    file_data: z.string().nullish(),
    file_id: z.string().nullish(),
    filename: z.string().nullish(),
  }),
  ...breakpoints,
});

const audioPart = z.object({ type: z.literal('input_audio') });

const refusalPart = z.object({ type: z.literal('refusal'), refusal: z.string() });

/** Anthropic's own blocks, as clients keep them that know them. */
const thinkingPart = z.object({
  type: z.literal('thinking'),
  thinking: z.string().nullish(),
  signature: z.string().nullish(),
});
const redactedThinkingPart = z.object({ type: z.literal('redacted_thinking'), data: z.string().nullish() });

const userPart = z.discriminatedUnion('type', [textPart, imagePart, filePart, audioPart]);

const assistantPart = z.discriminatedUnion('type', [
  textPart,
  refusalPart,
  thinkingPart,
  redactedThinkingPart,
]);

const textContent = z.union([z.string(), z.array(textPart)]);

const toolCall = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('function'),
    id: z.string().min(1),
    function: z.object({ name: z.string().min(1), arguments: z.string().nullish() }),
    ...breakpoints,
  }),
  z.object({
    type: z.literal('custom'),
    id: z.string().min(1),
    custom: z.object({ name: z.string().min(1), input: z.string() }),
    ...breakpoints,
  }),
]);

/** A list is none: spread into an object, its problem would be named as a field that is not there. */
const isObject = (value: unknown): value is { readonly type?: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Some clients leave `type` out of calls and tools they send back. */
const assumingFunction = <T extends z.ZodType>(schema: T) =>
  z.preprocess(
    (value) => (isObject(value) && (value.type ?? null) === null ? { ...value, type: 'function' } : value),
    schema,
  );

/** The forms in which clients return thinking: ours, OpenRouter's, Heroku's. */
const thinkingForms = {
  thinking_blocks: z.array(z.looseObject({ type: z.string() })).nullish(),
  reasoning_details: z.array(z.looseObject({})).nullish(),
  reasoning: z
    .union([z.object({ thinking: z.string().nullish(), signature: z.string().nullish() }), z.string()])
    .nullish(),
};

/** On messages, where OpenAI has none. */
const withBreakpoint = { cache_control: breakpoints.cache_control };

export const messageSchema = z.discriminatedUnion('role', [
  z.object({ role: z.literal('system'), content: textContent, ...withBreakpoint }),
  z.object({ role: z.literal('developer'), content: textContent, ...withBreakpoint }),
  z.object({ role: z.literal('user'), content: z.union([z.string(), z.array(userPart)]), ...withBreakpoint }),
  z.object({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(assistantPart)]).nullish(),
    refusal: z.string().nullish(),
    tool_calls: z.array(assumingFunction(toolCall)).nullish(),
    function_call: z.object({ name: z.string().min(1), arguments: z.string().nullish() }).nullish(),
    ...thinkingForms,
    ...withBreakpoint,
  }),
  z.object({
    role: z.literal('tool'),
    tool_call_id: z.string(),
    content: z
      .union([z.string(), z.array(z.discriminatedUnion('type', [textPart, imagePart, filePart]))])
      .nullish(),
    ...withBreakpoint,
  }),
  z.object({
    role: z.literal('function'),
    name: z.string().min(1),
    content: z.string().nullish(),
    ...withBreakpoint,
  }),
]);

export type Message = z.infer<typeof messageSchema>;
export type MessageOf<Role extends Message['role']> = Extract<Message, { role: Role }>;
export type ContentPart = z.infer<typeof userPart> | z.infer<typeof refusalPart>;
export type AssistantPart = z.infer<typeof assistantPart>;
export type WireToolCall = z.infer<typeof toolCall>;

const jsonSchemaObject = z.record(z.string(), z.unknown());

export const functionSchema = z.object({
  name: z.string().min(1),
  description: z.string().nullish(),
  parameters: jsonSchemaObject.nullish(),
  strict: z.boolean().nullish(),
  // Some clients (LiteLLM's) set one on a tool in here.
  ...breakpoints,
});

const customSchema = z.object({
  name: z.string().min(1),
  description: z.string().nullish(),
  format: z.looseObject({ type: z.string() }).nullish(),
  ...breakpoints,
});

/** Without an object of its own for the function: as OpenAI's Responses have tools, and as Anthropic has them. */
const flatTool = z.object({
  form: z.literal('flat'),
  type: z.enum(['function', 'custom']).nullish(),
  ...functionSchema.shape,
  input_schema: jsonSchemaObject.nullish(),
  format: customSchema.shape.format,
});

const nested = { form: z.literal('nested') };

const isFlat = (tool: object): boolean => {
  const { function: inner, custom, name, input_schema: schema } = tool as Record<string, unknown>;
  return (inner ?? custom ?? null) === null && (typeof name === 'string' || isObject(schema));
};

/** Which form a tool has is decided before it is checked, so that what is wrong with it is named in that form. */
const withForm = (value: unknown): unknown => {
  if (!isObject(value)) return value;
  if (isFlat(value)) return { ...value, form: 'flat' };
  return { ...value, type: value.type ?? 'function', form: 'nested' };
};

export const toolSchema = z.preprocess(
  withForm,
  z.discriminatedUnion('form', [
    z.discriminatedUnion('type', [
      z.object({ ...nested, type: z.literal('function'), function: functionSchema, ...breakpoints }),
      z.object({ ...nested, type: z.literal('custom'), custom: customSchema, ...breakpoints }),
    ]),
    flatTool,
  ]),
);

export type WireFunction = z.infer<typeof functionSchema>;
export type WireCustom = z.infer<typeof customSchema>;
export type WireTool = z.infer<typeof toolSchema>;

const nestedName = z.union([
  z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
  z.object({ type: z.literal('custom'), custom: z.object({ name: z.string() }) }),
]);
const flatName = z.object({ type: z.enum(['function', 'custom', 'tool']), name: z.string() });
const namedTool = z.union([nestedName, flatName]);

const allowedTools = { mode: z.enum(['auto', 'required']), tools: z.array(namedTool).min(1) };
/** Anthropic says it in the choice. */
const parallelism = { disable_parallel_tool_use: z.boolean().nullish() };

/** OpenAI's forms, then those of the flat tools above. */
export const toolChoiceSchema = z.union([
  z.enum(['none', 'auto', 'required']),
  nestedName,
  z.object({ type: z.literal('allowed_tools'), allowed_tools: z.object(allowedTools) }),
  z.object({ type: z.literal('allowed_tools'), ...allowedTools }),
  flatName.extend(parallelism),
  z.object({ type: z.enum(['none', 'auto', 'required', 'any']), ...parallelism }),
]);

export type WireToolChoice = z.infer<typeof toolChoiceSchema>;
export type WireToolName = z.infer<typeof namedTool>;

export const responseFormatSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  // Some servers take a schema here too (Together's, llama.cpp's), and some clients send it.
  z.object({ type: z.literal('json_object'), schema: jsonSchemaObject.nullish() }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({
      name: z.string().nullish(),
      description: z.string().nullish(),
      schema: jsonSchemaObject.nullish(),
      strict: z.boolean().nullish(),
    }),
  }),
]);
