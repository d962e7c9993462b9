/**
 * The one table of request parameters: for each its support level, its schema and its effect. The
 * request's schema, the normaliser and README's table all come from these rows; to add a parameter is
 * to add a row. Effects run in the order of the rows, each seeing what the earlier ones decided.
 */

import { z } from 'zod';
import type { OpenRouterFields } from '../api/chat-completions/reply.ts';
import {
  cacheControlSchema,
  functionSchema,
  messageSchema,
  responseFormatSchema,
  toolChoiceSchema,
  toolSchema,
} from '../api/chat-completions/request.ts';
import type { Effort } from '../core/chat.ts';
import { unsupportedParameter } from '../core/errors.ts';
import { opaqueUser } from './identity.ts';
import { type SamplingParameter, takesSampling } from './sampling.ts';
import type { Context, Settings } from './settings.ts';
import { asksNothingMore, planThinking, type ThinkingRequest } from './thinking.ts';
import { allowParallelCalls, chooseTool, declareFunctions, declareTools } from './tools.ts';

export interface Parameter<Value> {
  readonly level: 'full' | 'partial' | 'ignored';
  /** One line for README's table. */
  readonly note: string;
  readonly schema: z.ZodType<Value>;
  /** Values that already have their effect, and so are not reported as ignored. */
  readonly neutral?: (value: Value) => boolean;
  readonly effect?: (value: Value, context: Context) => Partial<Settings>;
}

/** Ties a row's effect to the type of its schema. */
const row = <Value>(parameter: Parameter<Value>): Parameter<Value> => parameter;

const capTokens = (value: number, { target, settings, report, name }: Context): Partial<Settings> => {
  const maxTokens = Math.min(value, target.model.maxOutput);
  if (settings.maxTokensIsExplicit) {
    if (maxTokens !== settings.maxTokens) report.ignore(name);
    return {};
  }
  if (maxTokens < value) report.adjust(name);
  return { maxTokens, maxTokensIsExplicit: true, maxTokensFrom: name };
};

const think = (request: ThinkingRequest, { target, settings, report }: Context): Partial<Settings> => {
  const decided = settings.thinkingRequest;
  if (decided !== undefined) {
    const isRefused = request.enabled && settings.thinking.mode === 'default';
    if (isRefused || !asksNothingMore(decided, request)) report.ignore(request.parameter);
    return {};
  }
  const { outcome, ...plan } = planThinking(request, { ...settings, model: target.model });
  if (outcome === 'ignored') report.ignore(request.parameter);
  if (outcome === 'adjusted') report.adjust(request.parameter);
  if (plan.maxTokens === undefined && settings.maxTokensFrom !== undefined)
    report.ignore(settings.maxTokensFrom);
  return { ...plan, thinkingRequest: request };
};

/** Whether the caller sees reasoning. The first parameter that says so decides; `name` is where it stands. */
const show = (wanted: boolean, name: string, { settings, report }: Context): Partial<Settings> => {
  if (settings.reasoningShownBy !== undefined) {
    if (wanted !== settings.includeReasoning) report.ignore(name);
    return {};
  }
  return { includeReasoning: wanted, showReasoning: wanted, reasoningShownBy: name };
};

const sample =
  (setting: SamplingParameter) =>
  (value: number, { target, settings, report, name }: Context): Partial<Settings> => {
    if (!takesSampling(target.model, settings.thinking, setting, value)) {
      if (value !== 1 || setting === 'topK') report.ignore(name);
      return {};
    }
    if (setting === 'topP' && settings.temperature !== undefined && target.model.sampling === 'exclusive') {
      if (value !== 1) report.ignore(name);
      return {};
    }
    if (setting === 'temperature' && value > 1) report.adjust(name);
    return { [setting]: setting === 'topK' ? value : Math.min(value, 1) };
  };

const identify = (value: string, { settings, report, name }: Context): Partial<Settings> => {
  if (value.trim() === '') return {};
  const user = opaqueUser(value);
  if (settings.user !== undefined && settings.user !== user) report.ignore(name);
  else if (user !== value) report.adjust(name);
  return settings.user === undefined ? { user } : {};
};

const withoutNulls = (pairs: Record<string, string | null | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(pairs).flatMap(([key, value]) => (value == null ? [] : [[key, value]])));

const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
const effortWord = (value: (typeof efforts)[number]): Effort | undefined =>
  value === 'none' ? undefined : value;

const budgetTokens = z.int().min(0).nullish();

/** Anthropic's own form: what its blocks are to hold, which is not yet that the caller is shown them. */
const showAsAnthropic = (
  display: 'summarized' | 'omitted' | null | undefined,
  context: Context,
): Partial<Settings> => {
  if (display === 'summarized') return { showReasoning: true };
  return display === 'omitted' ? show(false, `${context.name}.display`, context) : {};
};

/** Whether the form asks for thinking or against it; undefined where it says nothing of that. */
const openRouterWish = ({
  enabled,
  effort,
  max_tokens: tokens,
}: OpenRouterReasoning): boolean | undefined => {
  if (enabled === false || effort === 'none') return false;
  return enabled === true || effort != null || tokens != null ? true : undefined;
};

const openRouterReasoning = z.object({
  effort: z.enum(efforts).nullish(),
  max_tokens: budgetTokens,
  enabled: z.boolean().nullish(),
  exclude: z.boolean().nullish(),
});
type OpenRouterReasoning = z.infer<typeof openRouterReasoning>;

/** Nova signs none of its reasoning, so that there are no blocks to tell of. */
const openRouterFields = ({ target }: Context): OpenRouterFields =>
  target.model.family === 'claude' ? 'details' : 'text';

const reasonAsOpenRouter = (value: OpenRouterReasoning, context: Context): Partial<Settings> => {
  const { name, report, settings } = context;
  const enabled = openRouterWish(value);
  const isShown = value.exclude !== true;
  // That it is shown unless `exclude` is no wish against what another parameter says.
  const isSilent = value.exclude == null && (enabled === false || settings.reasoningShownBy !== undefined);
  const shown = isSilent ? {} : show(isShown, `${name}.exclude`, context);
  const fields = { ...shown, openRouterReasoning: isShown ? openRouterFields(context) : 'none' } as const;
  if (enabled === undefined) return fields;
  const effort = value.effort ?? undefined;
  const budget = value.max_tokens ?? undefined;
  // A number says more than a word.
  if (enabled && effort !== undefined && budget !== undefined) report.ignore(`${name}.effort`);
  const request: ThinkingRequest = {
    parameter: name,
    enabled,
    budgetTokens: budget,
    budgetPath: `${name}.max_tokens`,
    effort: effort === undefined || budget !== undefined ? undefined : effortWord(effort),
    isWish: true,
  };
  return { ...fields, ...think(request, context) };
};

/** Accepted, checked for its type, and without effect on any model. */
const inert = <Value>(note: string, schema: z.ZodType<Value>, neutral: (value: Value) => boolean) =>
  row({ level: 'ignored', note, schema, neutral });

const never = () => false;

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
    effect: (value) => ({ allowIgnored: value }),
  }),

  max_completion_tokens: row({
    level: 'full',
    note: "Limit on the answer, in tokens, thinking included. Above the model's maximum it is lowered. Wins over `max_tokens`.",
    schema: z.int().positive(),
    effect: capTokens,
  }),
  max_tokens: row({
    level: 'full',
    note: 'The older name of `max_completion_tokens`.',
    schema: z.int().positive(),
    effect: capTokens,
  }),
  stop: row({
    level: 'full',
    note: 'A string or a list. Blank entries, which the upstreams refuse, are dropped.',
    schema: z.union([z.string(), z.array(z.string())]),
    effect: (value, { report, name }) => {
      const given = typeof value === 'string' ? [value] : value;
      const stop = given.filter((each) => each.trim() !== '');
      if (stop.length === 0 && given.length > 0) report.ignore(name);
      else if (stop.length < given.length) report.adjust(name);
      return { stop };
    },
  }),
  stream: row({
    level: 'full',
    note: 'Server-sent events.',
    schema: z.boolean(),
    effect: (value) => ({ stream: value }),
  }),
  stream_options: row({
    level: 'full',
    note: '`include_usage` sends a last chunk with the usage.',
    schema: z.object({ include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish() }),
    effect: (value, { settings, report, name }) => {
      if (value.include_obfuscation === true) report.ignore(`${name}.include_obfuscation`);
      if (value.include_usage === true && !settings.stream) report.ignore(name);
      return { includeUsage: value.include_usage === true };
    },
  }),
  usage: row({
    level: 'full',
    note: "Extension, OpenRouter's. `{include: true}` puts `cost` and `cost_details` (USD) into the usage, where the price is known; a stream then sends its usage.",
    schema: z.object({ include: z.boolean().nullish() }),
    effect: (value, { settings }) =>
      value.include === true
        ? { includeCost: true, includeUsage: settings.includeUsage || settings.stream }
        : {},
  }),

  extended_thinking: row({
    level: 'full',
    note: 'Extension. `{enabled, budget_tokens, include_reasoning}`; see Extended thinking.',
    schema: z.object({
      enabled: z.boolean().nullish(),
      budget_tokens: budgetTokens,
      include_reasoning: z.boolean().nullish(),
    }),
    effect: (value, context) => {
      const { include_reasoning: include } = value;
      const shown = include == null ? {} : show(include, `${context.name}.include_reasoning`, context);
      const enabled = value.enabled ?? (typeof value.budget_tokens === 'number' ? true : undefined);
      if (enabled === undefined) return shown;
      const budget = value.budget_tokens ?? undefined;
      const request = { parameter: context.name, enabled, budgetTokens: budget, isWish: false };
      return { ...shown, ...think(request, context) };
    },
  }),
  include_reasoning: row({
    level: 'full',
    note: 'Extension. Shows the reasoning, as in `extended_thinking`; where neither is said, `SHOW_REASONING` decides.',
    schema: z.boolean(),
    effect: (value, context) => show(value, context.name, context),
  }),
  reasoning_effort: row({
    level: 'full',
    note: '`none` to `max`; becomes a budget or an effort, whichever the model takes. Ignored on models that do not think.',
    schema: z.enum(efforts),
    effect: (value, context) =>
      think(
        { parameter: context.name, enabled: value !== 'none', effort: effortWord(value), isWish: true },
        context,
      ),
  }),
  thinking: row({
    level: 'full',
    note: "Extension. Anthropic's own form, e.g. `{type: 'enabled', budget_tokens}` or `{type: 'adaptive'}`.",
    schema: z.object({
      type: z.enum(['enabled', 'adaptive', 'disabled', 'between_tools']),
      budget_tokens: budgetTokens,
      display: z.enum(['summarized', 'omitted']).nullish(),
    }),
    effect: (value, context) => {
      const display = showAsAnthropic(value.display, context);
      return {
        ...display,
        ...think(
          {
            parameter: context.name,
            enabled: value.type !== 'disabled',
            budgetTokens: value.type === 'enabled' ? (value.budget_tokens ?? undefined) : undefined,
            betweenTools: value.type === 'between_tools',
            isWish: false,
          },
          context,
        ),
      };
    },
  }),
  reasoning: row({
    level: 'full',
    note: "Extension. OpenRouter's form, `{effort, max_tokens, enabled, exclude}`: shown unless `exclude`, also in OpenRouter's fields. Ignored on models that do not think.",
    schema: openRouterReasoning,
    effect: reasonAsOpenRouter,
  }),

  temperature: row({
    level: 'full',
    note: '0 to 1; above 1 (up to 2) becomes 1. Dropped where the model takes no sampling, or thinks.',
    schema: z.number().min(0).max(2),
    effect: sample('temperature'),
  }),
  top_p: row({
    level: 'full',
    note: '0 to 1. Dropped beside `temperature` on models that take only one of the two; beside thinking Claude takes 0.95 and above.',
    schema: z.number().min(0).max(1),
    effect: sample('topP'),
  }),
  top_k: row({
    level: 'full',
    note: 'Extension. The number of candidates to sample from.',
    schema: z.int().positive(),
    effect: sample('topK'),
  }),

  tools: row({
    level: 'full',
    note: 'Function tools; `custom` tools as functions with one string parameter.',
    schema: z.array(toolSchema).max(1024),
    effect: declareTools,
  }),
  functions: row({
    level: 'full',
    note: 'The older spelling of `tools`; calls then come back as `function_call`.',
    schema: z.array(functionSchema).max(1024),
    effect: declareFunctions,
  }),
  tool_choice: row({
    level: 'full',
    note: '`auto`, `required`, `none`, a named tool, or `allowed_tools`. Relaxed to `auto` where the model cannot be forced.',
    schema: toolChoiceSchema,
    effect: chooseTool,
  }),
  function_call: row({
    level: 'full',
    note: 'The older spelling of `tool_choice`.',
    schema: z.union([z.enum(['none', 'auto']), z.object({ name: z.string() })]),
    effect: (value, context) =>
      chooseTool(typeof value === 'string' ? value : { type: 'function', function: value }, context),
  }),
  parallel_tool_calls: row({
    level: 'full',
    note: '`false` allows one call at a time. Nova has no such switch.',
    schema: z.boolean(),
    effect: allowParallelCalls,
  }),
  response_format: row({
    level: 'partial',
    note: '`json_schema` and `json_object`; see Structured output.',
    schema: responseFormatSchema,
    effect: (value) => ({ responseFormat: value }),
  }),

  safety_identifier: row({
    level: 'full',
    note: "The end user's opaque id, sent upstream; an e-mail address or phone number is sent as a hash. Wins over `user`.",
    schema: z.string().max(1024),
    effect: identify,
  }),
  user: row({
    level: 'full',
    note: 'The older name of `safety_identifier`.',
    schema: z.string().max(1024),
    effect: identify,
  }),
  metadata: row({
    level: 'partial',
    note: "Up to 16 pairs, in the request's log line; on Nova also `requestMetadata`. On Claude `user_id` is sent.",
    schema: z
      .record(z.string().max(64), z.string().max(512).nullish())
      .transform(withoutNulls)
      .refine((pairs) => Object.keys(pairs).length <= 16, { error: 'must hold at most 16 pairs' }),
    effect: (value, context) => ({
      ...(context.target.model.family === 'claude' && context.settings.user === undefined
        ? identify(value.user_id ?? '', context)
        : {}),
      metadata: value,
    }),
  }),
  service_tier: row({
    level: 'partial',
    note: '`default`, `priority` and `flex` where the upstream has an equal.',
    schema: z.enum(['auto', 'default', 'flex', 'scale', 'priority', 'fast']),
    effect: (value, { report, name }) => {
      if (value === 'auto') return {};
      if (value === 'scale' || value === 'fast') {
        report.ignore(name);
        return {};
      }
      return { serviceTier: value };
    },
  }),
  cache_control: row({
    level: 'full',
    note: 'Extension. Caches the whole prompt: sent as it is to the Anthropic API, elsewhere a mark on the last block.',
    schema: cacheControlSchema,
    effect: (value) => ({ cacheWhole: { ttl: value.ttl ?? undefined } }),
  }),
  prompt_cache_retention: row({
    level: 'partial',
    note: '`24h` asks for the longest time to live there is (1 hour).',
    schema: z.string(),
    effect: (value, { target, report, name }) => {
      if (value !== '24h') return {};
      if (target.model.family === 'nova') report.ignore(name);
      return { cacheTtl: '1h' };
    },
  }),
  modalities: row({
    level: 'partial',
    note: '`["text"]` only; anything with audio is a 400.',
    schema: z.array(z.string()),
    effect: (value, { name }) => {
      const other = value.find((modality) => modality !== 'text');
      if (other !== undefined)
        throw unsupportedParameter(`${name}: only "text" is available, not audio or others.`, name);
      return {};
    },
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

type Parameters = typeof parameters;
type ValueOf<Name extends keyof Parameters> = z.infer<Parameters[Name]['schema']>;

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
