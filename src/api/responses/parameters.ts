/** The one table of request parameters of POST /v1/responses, as chat-completions/parameters.ts is of its API. */

import { z } from 'zod';
import { inert, metadataSchema, never, requestSchema, row } from '../content/parameter.ts';
import { effortSchema, extendedThinkingSchema, thinkingSchema } from '../content/thinking-forms.ts';
import { formatSchema, itemSchema, toolSchema } from './items.ts';

const toolName = z.object({ type: z.string().min(1), name: z.string().nullish() });

const toolChoiceSchema = z.union([
  z.enum(['none', 'auto', 'required']),
  z.object({
    type: z.literal('allowed_tools'),
    mode: z.enum(['auto', 'required']).nullish(),
    tools: z.array(toolName).min(1),
  }),
  // Chat's form.
  z.object({ type: z.literal('function'), function: z.object({ name: z.string().min(1) }) }),
  z.object({
    type: z.enum(['function', 'custom']),
    name: z.string().min(1),
    namespace: z.string().nullish(),
  }),
  toolName,
]);

export const parameters = {
  model: row({ level: 'full', note: 'Model id or alias. Required.', schema: z.string().min(1) }),
  input: row({
    level: 'full',
    note: 'A text, or a list of items. Required, unless `previous_response_id` goes on.',
    schema: z.union([z.string(), z.array(itemSchema).max(100_000)]),
  }),
  instructions: row({
    level: 'full',
    note: 'The first system text. Not carried over by `previous_response_id`.',
    schema: z.string(),
  }),
  allow_ignored_params: row({
    level: 'full',
    note: 'Extension. `false` turns everything that would be reported as ignored or adjusted into one 400.',
    schema: z.boolean(),
  }),
  previous_response_id: row({
    level: 'full',
    note: 'Goes on from a stored response of the same key.',
    schema: z.string().min(1),
  }),
  store: row({
    level: 'full',
    note: 'Whether the response is kept, for `RESPONSES_TTL_MS`; `true` unless said.',
    schema: z.boolean(),
  }),
  stream: row({ level: 'full', note: 'Server-sent events.', schema: z.boolean() }),
  stream_options: row({
    level: 'full',
    note: '`include_obfuscation` is accepted; there is no padding.',
    schema: z.looseObject({}),
  }),
  max_output_tokens: row({
    level: 'full',
    note: "Limit on the answer, in tokens, reasoning included. Above the model's maximum it is lowered.",
    schema: z.int().positive(),
  }),
  reasoning: row({
    level: 'full',
    note: '`effort` becomes a budget or an effort, whichever the model takes; `summary` shows the reasoning.',
    schema: z.object({
      effort: effortSchema.nullish(),
      summary: z.string().nullish(),
      generate_summary: z.string().nullish(),
      context: z.string().nullish(),
      mode: z.string().nullish(),
    }),
  }),
  extended_thinking: row({
    level: 'full',
    note: 'Extension. `{enabled, budget_tokens, include_reasoning}`, as in Chat Completions.',
    schema: extendedThinkingSchema,
  }),
  include_reasoning: row({
    level: 'full',
    note: 'Extension. Shows the reasoning, as `reasoning.summary` does.',
    schema: z.boolean(),
  }),
  thinking: row({
    level: 'full',
    note: "Extension. Anthropic's own form, as in Chat Completions.",
    schema: thinkingSchema,
  }),
  temperature: row({
    level: 'full',
    note: '0 to 1; above 1 (up to 2) becomes 1. Dropped where the model takes no sampling, or thinks.',
    schema: z.number().min(0).max(2),
  }),
  top_p: row({
    level: 'full',
    note: '0 to 1. Dropped beside `temperature` on models that take only one of the two.',
    schema: z.number().min(0).max(1),
  }),
  top_k: row({
    level: 'full',
    note: 'Extension. The number of candidates to sample from.',
    schema: z.int().positive(),
  }),
  tools: row({
    level: 'partial',
    note: '`function`, `custom`, `namespace`, and `tool_search` that the client executes; tools that OpenAI hosts are dropped.',
    schema: z.array(toolSchema).max(1024),
  }),
  tool_choice: row({
    level: 'full',
    note: '`auto`, `required`, `none`, a named tool, or `allowed_tools`. Relaxed to `auto` where the model cannot be forced.',
    schema: toolChoiceSchema,
  }),
  parallel_tool_calls: row({
    level: 'full',
    note: '`false` allows one call at a time. Nova has no such switch.',
    schema: z.boolean(),
  }),
  text: row({
    level: 'partial',
    note: '`format` as `response_format` in Chat Completions; `verbosity` has no effect.',
    schema: z.object({
      format: formatSchema.nullish(),
      verbosity: z.enum(['low', 'medium', 'high']).nullish(),
    }),
  }),
  safety_identifier: row({
    level: 'full',
    note: "The end user's opaque id, sent upstream; an e-mail address or phone number is sent as a hash. Wins over `user`.",
    schema: z.string().max(1024),
  }),
  user: row({
    level: 'full',
    note: 'The older name of `safety_identifier`.',
    schema: z.string().max(1024),
  }),
  metadata: row({
    level: 'partial',
    note: "Up to 16 pairs, echoed, and in the request's log line; on Nova also `requestMetadata`. On Claude `user_id` is sent.",
    schema: metadataSchema,
  }),
  service_tier: row({
    level: 'partial',
    note: '`default`, `priority` and `flex` where the upstream has an equal.',
    schema: z.enum(['auto', 'default', 'flex', 'scale', 'priority', 'fast', 'ultrafast']),
  }),
  prompt_cache_options: row({
    level: 'partial',
    note: '`ttl: 12h` asks for the longest time to live there is (1 hour).',
    schema: z.looseObject({ ttl: z.string().nullish() }),
  }),
  prompt_cache_retention: row({
    level: 'partial',
    note: '`24h` asks for the longest time to live there is (1 hour).',
    schema: z.string(),
  }),
  include: row({
    level: 'full',
    note: 'Accepted. `reasoning.encrypted_content` is always there.',
    schema: z.array(z.string()),
  }),
  background: row({ level: 'partial', note: '`false` only.', schema: z.boolean() }),
  conversation: row({
    level: 'partial',
    note: 'Always a 400: use `previous_response_id`.',
    schema: z.union([z.string(), z.looseObject({})]),
  }),
  prompt: row({
    level: 'partial',
    note: 'Always a 400: templates are stored at OpenAI alone.',
    schema: z.looseObject({}),
  }),

  max_tool_calls: inert('It counts hosted tools.', z.int().positive(), never),
  prompt_cache_key: inert('Echoed. Caching goes by the prompt itself.', z.string(), never),
  truncation: inert('A prompt that is too long is a 400.', z.string(), (value) => value === 'disabled'),
  top_logprobs: inert('The upstreams give none.', z.int().min(0).max(20), (value) => value === 0),
  presence_penalty: inert('', z.number().min(-2).max(2), (value) => value === 0),
  frequency_penalty: inert('', z.number().min(-2).max(2), (value) => value === 0),
  context_management: inert('', z.array(z.unknown()), (value) => value.length === 0),
  moderation: inert('', z.unknown(), never),
  access_programs: inert('', z.unknown(), never),
  image: inert('', z.unknown(), never),
};

export type Parameters = typeof parameters;
export type ValueOf<Name extends keyof Parameters> = z.infer<Parameters[Name]['schema']>;

/** A request as it came, checked. `null` and absent are the same; unknown fields are kept for the report. */
export type ResponsesRequest = { model: string } & {
  [Name in Exclude<keyof Parameters, 'model'>]?: ValueOf<Name> | null | undefined;
};

export const responsesRequestSchema = requestSchema(
  parameters,
  new Set(['model']),
) as unknown as z.ZodType<ResponsesRequest>;
