/**
 * What each parameter decides at a target. Effects run in the order of this table, each seeing what the earlier ones
 * decided.
 */

import type { ChatRequest, Parameters, ValueOf } from '../api/chat-completions/parameters.ts';
import type { OpenRouterFields } from '../api/chat-completions/reply.ts';
import type { Ask } from '../core/ask.ts';
import type { Effort, JsonObject } from '../core/chat.ts';
import { unsupportedParameter } from '../core/errors.ts';
import type { Target } from '../models/catalogue.ts';
import { opaqueUser } from './identity.ts';
import type { Reporter } from './report.ts';
import { type SamplingParameter, takesSampling } from './sampling.ts';
import type { Context, Settings, SettingsDraft } from './settings.ts';
import { asksNothingMore, planThinking, type ThinkingRequest } from './thinking.ts';
import { offerTools } from './tools.ts';

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

const effortWord = (value: ValueOf<'reasoning_effort'>): Effort | undefined =>
  value === 'none' ? undefined : value;

/** Anthropic's own form: what its blocks are to hold, which is not yet that the caller is shown them. */
const showAsAnthropic = (
  display: 'summarized' | 'omitted' | null | undefined,
  context: Context,
): Partial<Settings> => {
  if (display === 'summarized') return { showReasoning: true };
  return display === 'omitted' ? show(false, `${context.name}.display`, context) : {};
};

type OpenRouterReasoning = ValueOf<'reasoning'>;

/** Whether the form asks for thinking or against it; undefined where it says nothing of that. */
const openRouterWish = ({
  enabled,
  effort,
  max_tokens: tokens,
}: OpenRouterReasoning): boolean | undefined => {
  if (enabled === false || effort === 'none') return false;
  return enabled === true || effort != null || tokens != null ? true : undefined;
};

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

type Effects = {
  readonly [Name in keyof Parameters]?: (value: ValueOf<Name>, context: Context) => Partial<Settings>;
};

const effects = {
  allow_ignored_params: (value) => ({ allowIgnored: value }),
  max_completion_tokens: capTokens,
  max_tokens: capTokens,
  stop: (value, { report, name }) => {
    const given = typeof value === 'string' ? [value] : value;
    const stop = given.filter((each) => each.trim() !== '');
    if (stop.length === 0 && given.length > 0) report.ignore(name);
    else if (stop.length < given.length) report.adjust(name);
    return { stop };
  },
  stream: (value) => ({ stream: value }),
  stream_options: (value, { settings, report, name }) => {
    if (value.include_obfuscation === true) report.ignore(`${name}.include_obfuscation`);
    if (value.include_usage === true && !settings.stream) report.ignore(name);
    return { includeUsage: value.include_usage === true };
  },
  usage: (value, { settings }) =>
    value.include === true
      ? { includeCost: true, includeUsage: settings.includeUsage || settings.stream }
      : {},
  extended_thinking: (value, context) => {
    const { include_reasoning: include } = value;
    const shown = include == null ? {} : show(include, `${context.name}.include_reasoning`, context);
    const enabled = value.enabled ?? (typeof value.budget_tokens === 'number' ? true : undefined);
    if (enabled === undefined) return shown;
    const budget = value.budget_tokens ?? undefined;
    const request = { parameter: context.name, enabled, budgetTokens: budget, isWish: false };
    return { ...shown, ...think(request, context) };
  },
  include_reasoning: (value, context) => show(value, context.name, context),
  reasoning_effort: (value, context) =>
    think(
      { parameter: context.name, enabled: value !== 'none', effort: effortWord(value), isWish: true },
      context,
    ),
  thinking: (value, context) => {
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
  reasoning: reasonAsOpenRouter,
  temperature: sample('temperature'),
  top_p: sample('topP'),
  top_k: sample('topK'),
} satisfies Effects;

const laterEffects = {
  response_format: (value) => ({ responseFormat: value }),
  safety_identifier: identify,
  user: identify,
  metadata: (value, context) => ({
    ...(context.target.model.family === 'claude' && context.settings.user === undefined
      ? identify(value.user_id ?? '', context)
      : {}),
    metadata: value,
  }),
  service_tier: (value, { report, name }) => {
    if (value === 'auto') return {};
    if (value === 'scale' || value === 'fast') {
      report.ignore(name);
      return {};
    }
    return { serviceTier: value };
  },
  cache_control: (value) => ({ cacheWhole: { ttl: value.ttl ?? undefined } }),
  prompt_cache_retention: (value, { target, report, name }) => {
    if (value !== '24h') return {};
    if (target.model.family === 'nova') report.ignore(name);
    return { cacheTtl: '1h' };
  },
  modalities: (value, { name }) => {
    const other = value.find((modality) => modality !== 'text');
    if (other !== undefined)
      throw unsupportedParameter(`${name}: only "text" is available, not audio or others.`, name);
    return {};
  },
} satisfies Effects;

type Effect = (value: unknown, context: Context) => Partial<Settings>;

const inOrder = (table: Effects) => Object.entries(table as unknown as Record<string, Effect>);
const before = inOrder(effects);
const after = inOrder(laterEffects);

export const applyParameters = (
  ask: Ask,
  request: ChatRequest,
  target: Target,
  initial: Settings,
  report: Reporter,
): Settings => {
  // A draft that nobody else sees yet: a new copy for every parameter costs more than the effects.
  const settings: SettingsDraft = { ...initial };
  const values = request as unknown as JsonObject;
  const apply = ([name, effect]: readonly [string, Effect]): void => {
    const value = values[name];
    if (value === null || value === undefined) return;
    Object.assign(settings, effect(value, { target, settings, report, name }));
  };
  before.forEach(apply);
  offerTools(ask.tools, settings, target, report);
  after.forEach(apply);
  return settings;
};
