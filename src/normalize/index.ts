/** A request as the caller wrote it, fitted to one target: the prompt to send and what had to give. */

import type { Target } from '../catalogue.ts';
import type { Prompt, Report, UpstreamName } from '../chat.ts';
import { unsupportedParameter } from '../errors.ts';
import { invalidBody } from '../openai/request.ts';
import { readConversation } from './messages.ts';
import { type ChatRequest, chatRequestSchema, type Parameter, parameters } from './parameters.ts';
import { Reporter } from './report.ts';
import type { Settings } from './settings.ts';

export type { ChatRequest } from './parameters.ts';

export interface Normalized {
  readonly prompt: Prompt;
  readonly settings: Settings;
  readonly report: Report;
}

/** The body of a request, checked field by field. Throws 400 naming the first field at fault. */
export const parseRequest = (body: unknown): ChatRequest => {
  const result = chatRequestSchema.safeParse(body, { reportInput: true });
  if (!result.success) throw invalidBody(result.error);
  return result.data;
};

/** Tokens: the operator's default, else by the size of the window; Converse has a default of its own. */
const defaultMaxTokens = (
  { model, upstream }: Target,
  configured: number | undefined,
): number | undefined => {
  if (configured === undefined && upstream === 'bedrock-converse') return undefined;
  return Math.min(configured ?? (model.contextWindow <= 200_000 ? 32_000 : 64_000), model.maxOutput);
};

const initialSettings = (target: Target, configuredMaxTokens: number | undefined): Settings => ({
  tools: [],
  toolChoice: { type: 'auto' },
  parallelToolCalls: true,
  maxTokens: defaultMaxTokens(target, configuredMaxTokens),
  maxTokensIsExplicit: false,
  temperature: undefined,
  topP: undefined,
  topK: undefined,
  stop: [],
  thinking: { mode: 'default' },
  showReasoning: false,
  format: { type: 'text' },
  user: undefined,
  metadata: {},
  serviceTier: undefined,
  stream: false,
  includeUsage: false,
  includeReasoning: false,
  legacyFunctions: false,
  customTools: new Set(),
  thinkingFrom: undefined,
  responseFormat: { type: 'text' },
  allowIgnored: true,
  cacheTtl: '5m',
});

const rows = Object.entries(parameters) as unknown as readonly (readonly [
  keyof ChatRequest,
  Parameter<unknown>,
])[];
const known: ReadonlySet<string> = new Set(rows.map(([name]) => name));

const applyParameters = (
  request: ChatRequest,
  target: Target,
  initial: Settings,
  report: Reporter,
): Settings => {
  let settings = initial;
  for (const [name, { level, neutral, effect }] of rows) {
    const value: unknown = request[name];
    if (value === null || value === undefined) continue;
    if (level === 'ignored' && neutral?.(value) !== true) report.ignore(name);
    if (effect !== undefined)
      settings = { ...settings, ...effect(value, { target, settings, report, name }) };
  }
  return settings;
};

/** `defaultMaxTokens` in tokens. Throws 400 for what the target cannot be asked. */
export const normalize = (
  request: ChatRequest,
  target: Target,
  options: { readonly defaultMaxTokens?: number | undefined } = {},
): Normalized => {
  const report = new Reporter();
  const settings = applyParameters(
    request,
    target,
    initialSettings(target, options.defaultMaxTokens),
    report,
  );
  for (const [name, value] of Object.entries(request)) {
    if (!known.has(name) && value !== null && value !== undefined) report.ignore(name);
  }
  const { model, upstream } = target;
  const thinks = settings.thinking.mode === 'budget' || settings.thinking.mode === 'adaptive';
  const { system, turns, adjusted } = readConversation(request.messages, {
    midSystem: model.midSystem && upstream === 'anthropic',
    prefill: model.prefill && !thinks,
  });
  if (adjusted) report.adjust('messages');
  return { prompt: { ...settings, system, turns }, settings, report: report.toReport() };
};

/**
 * For callers who said `allow_ignored_params: false`: throws a 400 naming everything that was ignored
 * or adjusted. `upstream` is where the request would have gone.
 */
export const refuseChanges = ({ ignored, adjusted }: Report, upstream: UpstreamName): void => {
  const all = [...ignored, ...adjusted];
  const [first] = all;
  if (first === undefined) return;
  const parts = [
    ignored.length > 0 ? `${ignored.join(', ')} would have no effect` : '',
    adjusted.length > 0 ? `${adjusted.join(', ')} would be changed to fit the model` : '',
  ].filter((part) => part !== '');
  throw unsupportedParameter(
    `With allow_ignored_params set to false: ${parts.join('; ')} (upstream '${upstream}'). Leave them out, or allow ignored parameters.`,
    first,
  );
};
