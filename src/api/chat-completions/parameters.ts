/**
 * The one table of request parameters: for each its support level, what README says of it, and its schema. The
 * request's schema, README's table and openapi.json come from these rows.
 */

import { z } from 'zod';
import { cacheControlSchema } from '../content/cache-breakpoint.ts';
import { inert, metadataSchema, never, requestSchema, row } from '../content/parameter.ts';
import {
  budgetSchema,
  effortSchema,
  extendedThinkingSchema,
  thinkingSchema,
} from '../content/thinking-forms.ts';
import {
  functionSchema,
  messageSchema,
  responseFormatSchema,
  toolChoiceSchema,
  toolSchema,
} from './request.ts';

export const parameters = {
  model: row({ level: 'full', note: 'Model id or alias. Required.', schema: z.string().min(1) }),
  messages: row({
    level: 'full',
    note: 'The conversation. Required.',
    schema: z.array(messageSchema).min(1).max(100_000),
  }),
  allow_ignored_params: row({
    level: 'full',
    note: 'Extension. `false` turns everything that would be reported as ignored or adjusted into one 400.',
    schema: z.boolean(),
  }),

  max_completion_tokens: row({
    level: 'full',
    note: "Limit on the answer, in tokens, thinking included. Above the model's maximum it is lowered. Wins over `max_tokens`.",
    schema: z.int().positive(),
  }),
  max_tokens: row({
    level: 'full',
    note: 'The older name of `max_completion_tokens`.',
    schema: z.int().positive(),
  }),
  stop: row({
    level: 'full',
    note: 'A string or a list. Blank entries, which the upstreams refuse, are dropped.',
    schema: z.union([z.string(), z.array(z.string())]),
  }),
  stream: row({
    level: 'full',
    note: 'Server-sent events.',
    schema: z.boolean(),
  }),
  stream_options: row({
    level: 'full',
    note: '`include_usage` sends a last chunk with the usage.',
    schema: z.object({ include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish() }),
  }),
  usage: row({
    level: 'full',
    note: "Extension, OpenRouter's. `{include: true}` puts `cost` and `cost_details` (USD) into the usage, where the price is known; a stream then sends its usage.",
    schema: z.object({ include: z.boolean().nullish() }),
  }),

  extended_thinking: row({
    level: 'full',
    note: 'Extension. `{enabled, budget_tokens, include_reasoning}`; see Extended thinking.',
    schema: extendedThinkingSchema,
  }),
  include_reasoning: row({
    level: 'full',
    note: 'Extension. Shows the reasoning, as in `extended_thinking`; where neither is said, `SHOW_REASONING` decides.',
    schema: z.boolean(),
  }),
  reasoning_effort: row({
    level: 'full',
    note: '`none` to `max`; becomes a budget or an effort, whichever the model takes. Ignored on models that do not think.',
    schema: effortSchema,
  }),
  thinking: row({
    level: 'full',
    note: "Extension. Anthropic's own form, e.g. `{type: 'enabled', budget_tokens}` or `{type: 'adaptive'}`; its `block_binding` decides about preserved thinking.",
    schema: thinkingSchema,
  }),
  reasoning: row({
    level: 'full',
    note: "Extension. OpenRouter's form, `{effort, max_tokens, enabled, exclude}`: shown unless `exclude`, also in OpenRouter's fields. Ignored on models that do not think.",
    schema: z.object({
      effort: effortSchema.nullish(),
      max_tokens: budgetSchema,
      enabled: z.boolean().nullish(),
      exclude: z.boolean().nullish(),
    }),
  }),

  temperature: row({
    level: 'full',
    note: '0 to 1; above 1 (up to 2) becomes 1. Dropped where the model takes no sampling, or thinks.',
    schema: z.number().min(0).max(2),
  }),
  top_p: row({
    level: 'full',
    note: '0 to 1. Dropped beside `temperature` on models that take only one of the two; beside thinking Claude takes 0.95 and above.',
    schema: z.number().min(0).max(1),
  }),
  top_k: row({
    level: 'full',
    note: 'Extension. The number of candidates to sample from.',
    schema: z.int().positive(),
  }),

  tools: row({
    level: 'full',
    note: 'Function tools; `custom` tools as functions with one string parameter.',
    schema: z.array(toolSchema).max(1024),
  }),
  functions: row({
    level: 'full',
    note: 'The older spelling of `tools`; calls then come back as `function_call`.',
    schema: z.array(functionSchema).max(1024),
  }),
  tool_choice: row({
    level: 'full',
    note: '`auto`, `required`, `none`, a named tool, or `allowed_tools`. Relaxed to `auto` where the model cannot be forced.',
    schema: toolChoiceSchema,
  }),
  function_call: row({
    level: 'full',
    note: 'The older spelling of `tool_choice`.',
    schema: z.union([z.enum(['none', 'auto']), z.object({ name: z.string() })]),
  }),
  parallel_tool_calls: row({
    level: 'full',
    note: '`false` allows one call at a time. Nova has no such switch.',
    schema: z.boolean(),
  }),
  response_format: row({
    level: 'partial',
    note: '`json_schema` and `json_object`; see Structured output.',
    schema: responseFormatSchema,
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
    note: "Up to 16 pairs, in the request's log line; on Nova also `requestMetadata`. On Claude `user_id` is sent.",
    schema: metadataSchema,
  }),
  service_tier: row({
    level: 'partial',
    note: '`default`, `priority` and `flex` where the upstream has an equal.',
    schema: z.enum(['auto', 'default', 'flex', 'scale', 'priority', 'fast']),
  }),
  cache_control: row({
    level: 'full',
    note: 'Extension. Caches the whole prompt: sent as it is to the Anthropic API, elsewhere a breakpoint on the last block.',
    schema: cacheControlSchema,
  }),
  prompt_cache_retention: row({
    level: 'partial',
    note: '`24h` asks for the longest time to live there is (1 hour).',
    schema: z.string(),
  }),
  modalities: row({
    level: 'partial',
    note: '`["text"]` only; anything with audio is a 400.',
    schema: z.array(z.string()),
  }),

  prompt_cache_key: inert('Caching goes by the prompt itself.', z.string(), never),
  seed: inert('Neither family samples by seed.', z.number(), never),
  n: inert('One answer per request.', z.int().min(1).max(128), (value) => value === 1),
  presence_penalty: inert('', z.number().min(-2).max(2), (value) => value === 0),
  frequency_penalty: inert('', z.number().min(-2).max(2), (value) => value === 0),
  logit_bias: inert('', z.record(z.string(), z.number()), (value) => Object.keys(value).length === 0),
  logprobs: inert('The upstreams give none.', z.boolean(), (value) => !value),
  top_logprobs: inert('', z.int().min(0).max(20), (value) => value === 0),
  verbosity: inert('', z.enum(['low', 'medium', 'high']), (value) => value === 'medium'),
  store: inert('Nothing is stored.', z.boolean(), (value) => !value),
  prediction: inert('', z.unknown(), never),
};

export type Parameters = typeof parameters;
export type ValueOf<Name extends keyof Parameters> = z.infer<Parameters[Name]['schema']>;

/** A request as it came, checked. `null` and absent are the same; unknown fields are kept for the report. */
export type ChatRequest = { model: string; messages: ValueOf<'messages'> } & {
  [Name in keyof Parameters]?: ValueOf<Name> | null | undefined;
};

export const chatRequestSchema = requestSchema(
  parameters,
  new Set(['model', 'messages']),
) as unknown as z.ZodType<ChatRequest>;
