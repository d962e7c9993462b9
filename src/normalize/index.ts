/** What a client asks, fitted to one target: the prompt to send and what had to give. */

import type { Ask, AskFormat, AskTurn } from '../core/ask.ts';
import type { Part, Prompt, Turn, UpstreamName } from '../core/chat.ts';
import { unsupportedParameter } from '../core/errors.ts';
import { shortNameList } from '../core/name-list.ts';
import type { ParameterNames, Report } from '../core/report.ts';
import type { Target } from '../models/catalogue.ts';
import type { Endpoint } from '../models/model.ts';
import { selectBetas } from './betas.ts';
import { placeMarks } from './caching.ts';
import { arrangeConversation, continueLine, type LateSystem } from './conversation.ts';
import { decide } from './decisions.ts';
import { answerTool, chooseFormat, formatInstruction } from './format.ts';
import { type Recall, restoreThinking } from './history.ts';
import { checkMedia } from './limits.ts';
import { isCall, partsOf } from './parts.ts';
import { Reporter } from './report.ts';
import type { Settings } from './settings.ts';
import { makeForcible, toolsOfHistory } from './tools.ts';

export interface Normalized {
  readonly prompt: Prompt;
  readonly settings: Settings;
  readonly report: Report;
}

/** Tokens: the operator's default, else by the size of the window; unless the upstream has a default of its own. */
const defaultMaxTokens = (
  { model, endpoint }: Target,
  configured: number | undefined,
): number | undefined => {
  if (configured === undefined && !endpoint.quirks.needsMaxTokens) return undefined;
  return Math.min(configured ?? (model.contextWindow <= 200_000 ? 32_000 : 64_000), model.maxOutput);
};

const initialSettings = (
  target: Target,
  { defaultMaxTokens: configuredMaxTokens, showReasoning = false }: NormalizeOptions,
): Settings => ({
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
  misplacedThinking: undefined,
  showReasoning,
  format: { type: 'text' },
  user: undefined,
  metadata: {},
  serviceTier: undefined,
  includeReasoning: showReasoning,
  reasoningShownBy: undefined,
  reasoningIsSigned: target.endpoint.quirks.replay === 'signed',
  maxTokensFrom: undefined,
  thinkingRequest: undefined,
  callInstruction: undefined,
  cacheWhole: undefined,
  cacheTtl: '5m',
});

export interface NormalizeOptions {
  /** Tokens. */
  readonly defaultMaxTokens?: number | undefined;
  /** Whether clients who say nothing of it see the reasoning. */
  readonly showReasoning?: boolean | undefined;
  /** The thinking blocks a tool call came with, where that is remembered. */
  readonly recall?: Recall | undefined;
  /** Whether the server may set cache marks of its own. */
  readonly promptCaching?: boolean | undefined;
}

const callIdsOf = (turns: readonly AskTurn[]): readonly string[] =>
  partsOf(turns, isCall).map(({ id }) => id);

/** What the user said, and not the result of a call. */
const isUserWord = ({ role, parts }: AskTurn): boolean => role === 'user' && parts[0]?.type !== 'tool-result';

/**
 * The calls of the history whose thinking may be remembered, oldest first; those of the first answer after the
 * user's last words once more at the end, because theirs is the thinking that the upstream demands.
 */
export const toolCallIds = ({ turns }: Ask): readonly string[] => {
  const begin = turns.findLastIndex(isUserWord) + 1;
  const first = turns.find(({ role }, index) => index >= begin && role === 'assistant');
  const all = callIdsOf(turns);
  return first === undefined ? all : [...all, ...callIdsOf([first])];
};

/** Tool calls or results in the history, by which the upstreams demand declarations. */
const hasToolHistory = ({ turns }: Ask): boolean =>
  turns.some(({ parts }) => parts.some(({ type }) => type === 'tool-call' || type === 'tool-result'));

const lateSystemAt = ({ model, endpoint }: Target): LateSystem => {
  const { midSystem } = endpoint.quirks;
  if (model.bindsThinking === 'never') return midSystem ? 'moved' : 'hoisted';
  return midSystem ? 'kept' : 'as-user';
};

const hasParts = ({ parts }: AskTurn): boolean => parts.length > 0;

/**
 * With what is said for the next answer alone, last in the user's turn: thinking is bound to what stands before it, and a
 * line in `system` would be gone with the next request. Behaviour 5.10.
 */
const withLines = (
  turns: readonly AskTurn[],
  lines: readonly Part[],
  { model }: Target,
  report: Reporter,
): readonly AskTurn[] => {
  const last = turns.findLast(hasParts);
  if (last === undefined) return turns;
  const goesOn = last.role === 'assistant' && !model.prefill;
  if (goesOn) report.adjust(report.nameOf('messages'));
  const parts = goesOn ? [continueLine, ...lines] : lines;
  return parts.length === 0 ? turns : [...turns, { role: 'user', parts }];
};

/** Tools as they will be offered: the client's, the one that stands for a JSON format, or the history's. */
const chooseTools = (
  asked: AskFormat,
  settings: Settings,
  turns: readonly Turn[],
  { quirks }: Endpoint,
): Partial<Settings> => {
  if (settings.format.type === 'forced-tool') {
    const tool = answerTool(settings.format, asked);
    return { tools: [tool], toolChoice: { type: 'named', name: tool.name }, parallelToolCalls: false };
  }
  if (settings.tools.length > 0) return {};
  const tools = toolsOfHistory(turns);
  if (tools.length === 0) return {};
  // Where that none may be called cannot be said, a client who says so gets the history in words.
  const isOpen = !quirks.choices.includes('none') && settings.toolChoice.type !== 'none';
  return { tools, toolChoice: { type: isOpen ? 'auto' : 'none' } };
};

/** What of the settings goes upstream, field by field: adding to a spread of so many is slow. */
const toPrompt = (
  settings: Settings,
  { system, turns, texts, betas }: Pick<Prompt, 'system' | 'turns' | 'texts' | 'betas'>,
): Prompt => ({
  system,
  turns,
  texts,
  betas,
  tools: settings.tools,
  toolChoice: settings.toolChoice,
  parallelToolCalls: settings.parallelToolCalls,
  maxTokens: settings.maxTokens,
  maxTokensIsExplicit: settings.maxTokensIsExplicit,
  temperature: settings.temperature,
  topP: settings.topP,
  topK: settings.topK,
  stop: settings.stop,
  thinking: settings.thinking,
  misplacedThinking: settings.misplacedThinking,
  showReasoning: settings.showReasoning,
  format: settings.format,
  user: settings.user,
  metadata: settings.metadata,
  serviceTier: settings.serviceTier,
  cache: undefined,
});

/** Throws 400 for what the target cannot be asked. */
export const normalize = (ask: Ask, target: Target, options: NormalizeOptions = {}): Normalized => {
  const { model, endpoint } = target;
  const report = new Reporter(ask.names);
  const asked = decide(ask, target, initialSettings(target, options), report);
  const betas = selectBetas(ask.betas, endpoint, report);

  const format = chooseFormat(ask.format, asked, target, hasToolHistory(ask));
  const thinks = asked.thinking.mode === 'budget' || asked.thinking.mode === 'adaptive';
  for (const concept of ask.turnsAdjusted) report.adjust(report.nameOf(concept));
  const binds = model.bindsThinking !== 'never';
  const formatLines = formatInstruction(format, ask.format);
  const lines = asked.callInstruction === undefined ? formatLines : [asked.callInstruction, ...formatLines];
  const conversation = arrangeConversation(
    binds ? withLines(ask.turns, lines, target, report) : ask.turns,
    {
      lateSystem: lateSystemAt(target),
      // The beginning of an answer would be missing from its JSON, and cannot stand before thinking.
      prefill: model.prefill && !thinks && format.type === 'text',
      takes: { image: model.vision, document: model.documents },
    },
    report,
  );
  checkMedia(conversation.turns, target);

  const forcing = format.type === 'forced-tool' ? makeForcible(target, asked, report) : {};
  const history = restoreThinking(
    conversation.turns,
    { ...asked, format, ...forcing },
    target,
    options.recall ?? (() => undefined),
    report,
  );
  const settings = {
    ...history.settings,
    ...chooseTools(ask.format, history.settings, history.turns, endpoint),
  };
  const system = binds ? conversation.system : [...conversation.system, ...formatLines];
  const prompt = placeMarks(
    toPrompt(settings, { system, turns: history.turns, texts: ask.texts, betas }),
    target,
    {
      whole: settings.cacheWhole,
      ttl: settings.cacheTtl,
      ttlFrom: ask.caching.longestBy,
      automatic: options.promptCaching ?? false,
    },
    report,
  );
  return { prompt, settings, report: report.toReport() };
};

const named = (names: readonly string[]): string => {
  const { shown, more } = shortNameList(names);
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
};

/**
 * For clients who allow nothing to be ignored: throws a 400 naming everything that was ignored
 * or adjusted. `upstream` is where the request would have gone.
 */
export const refuseChanges = (
  { ignored, adjusted }: Report,
  upstream: UpstreamName,
  names: ParameterNames,
): void => {
  const all = [...ignored, ...adjusted];
  const [first] = all;
  if (first === undefined) return;
  const parts = [
    ignored.length > 0 ? `${named(ignored)} would have no effect` : '',
    adjusted.length > 0 ? `${named(adjusted)} would be changed to fit the model` : '',
  ].filter((part) => part !== '');
  throw unsupportedParameter(
    `With ${names.allowIgnored} set to false: ${parts.join('; ')} (upstream '${upstream}'). Leave them out, or allow ignored parameters.`,
    first,
  );
};
