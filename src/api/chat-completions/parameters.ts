/**
 * The one table of request parameters: for each its support level, what README says of it, and its schema. The
 * request's schema, README's table and openapi.json come from these rows.
 */

import { z } from 'zod';
import {
  cacheControlSchema,
  functionSchema,
  messageSchema,
  responseFormatSchema,
  toolChoiceSchema,
  toolSchema,
} from './request.ts';

export interface Parameter<Value> {
  readonly level: 'full' | 'partial' | 'ignored';
  /** One line for README's table. */
  readonly note: string;
  readonly schema: z.ZodType<Value>;
  /** Values that already have their effect, and so are not reported as ignored. */
  readonly neutral?: (value: Value) => boolean;
}

/** Ties a row's functions to the type of its schema. */
const row = <Value>(parameter: Parameter<Value>): Parameter<Value> => parameter;

/** Accepted, checked for its type, and without effect on any model. */
const inert = <Value>(note: string, schema: z.ZodType<Value>, neutral: (value: Value) => boolean) =>
  row({ level: 'ignored', note, schema, neutral });

const never = () => false;

const withoutNulls = (pairs: Record<string, string | null | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(pairs).flatMap(([key, value]) => (value == null ? [] : [[key, value]])));

const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;

const budgetTokens = z.int().min(0).nullish();

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
    schema: z.object({
      enabled: z.boolean().nullish(),
      budget_tokens: budgetTokens,
      include_reasoning: z.boolean().nullish(),
    }),
  }),
  include_reasoning: row({
    level: 'full',
    note: 'Extension. Shows the reasoning, as in `extended_thinking`; where neither is said, `SHOW_REASONING` decides.',
    schema: z.boolean(),
  }),
  reasoning_effort: row({
    level: 'full',
    note: '`none` to `max`; becomes a budget or an effort, whichever the model takes. Ignored on models that do not think.',
    schema: z.enum(efforts),
  }),
  thinking: row({
    level: 'full',
    note: "Extension. Anthropic's own form, e.g. `{type: 'enabled', budget_tokens}` or `{type: 'adaptive'}`; its `block_binding` decides about preserved thinking.",
    schema: z.object({
      type: z.enum(['enabled', 'adaptive', 'disabled', 'between_tools']),
      budget_tokens: budgetTokens,
      display: z.enum(['summarized', 'omitted']).nullish(),
      block_binding: z
        .object({ prefix_mismatch_behavior: z.enum(['error', 'drop_block']).nullish() })
        .nullish(),
    }),
  }),
  reasoning: row({
    level: 'full',
    note: "Extension. OpenRouter's form, `{effort, max_tokens, enabled, exclude}`: shown unless `exclude`, also in OpenRouter's fields. Ignored on models that do not think.",
    schema: z.object({
      effort: z.enum(efforts).nullish(),
      max_tokens: budgetTokens,
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
    schema: z
      .record(z.string().max(64), z.string().max(512).nullish())
      .transform(withoutNulls)
      .refine((pairs) => Object.keys(pairs).length <= 16, { error: 'must hold at most 16 pairs' }),
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

const required: ReadonlySet<string> = new Set(['model', 'messages']);

export const chatRequestSchema = z.looseObject(
  Object.fromEntries(
    Object.entries(parameters).map(([name, { schema }]) => [
      name,
      required.has(name) ? schema : schema.nullish(),
    ]),
  ),
) as unknown as z.ZodType<ChatRequest>;
