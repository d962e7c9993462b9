/** What a client asks, fitted to one target: the prompt to send and what had to give. */

import type { Ask, AskFormat, AskTurn } from '../core/ask.ts';
import type { Prompt, Turn, UpstreamName } from '../core/chat.ts';
import { unsupportedParameter } from '../core/errors.ts';
import { textPart } from '../core/message-text.ts';
import { shortNameList } from '../core/name-list.ts';
import { type Line, nothingRecalled, type Recalled } from '../core/remembered-answer.ts';
import type { ParameterNames, Report } from '../core/report.ts';
import type { Target } from '../models/catalogue.ts';
import type { Endpoint } from '../models/model.ts';
import { selectBetas } from './betas.ts';
import { placeBreakpoints } from './caching.ts';
import { arrangeConversation, continueLine, type LateSystem } from './conversation.ts';
import { decide } from './decisions.ts';
import { linePart, restoreAnswers } from './earlier-answers.ts';
import { answerTool, chooseFormat, formatInstruction } from './format.ts';
import { fitThinking } from './history.ts';
import { checkMedia } from './limits.ts';
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
  /** What is remembered of the answers in the history. */
  readonly recalled?: Recalled | undefined;
  /** Whether the server may set cache breakpoints of its own. */
  readonly promptCaching?: boolean | undefined;
}

/** Tool calls or results in the history, by which the upstreams demand declarations. */
const hasToolHistory = ({ turns }: Ask): boolean =>
  turns.some(({ parts }) => parts.some(({ type }) => type === 'tool-call' || type === 'tool-result'));

/** Whether tools will be declared: the client's, or those of its history. */
const willHaveTools = (ask: Ask): boolean => ask.tools.declared.length > 0 || hasToolHistory(ask);

const lateSystemAt = ({ model, endpoint }: Target): LateSystem => {
  const { midSystem } = endpoint.quirks;
  if (model.bindsThinking === 'never') return midSystem ? 'moved' : 'hoisted';
  return midSystem ? 'kept' : 'as-user';
};

const hasParts = ({ parts }: AskTurn): boolean => parts.length > 0;

/**
 * What is said for the next answer alone. Thinking is bound to what stands before it, and a line in `system` would be gone
 * with the next request: it stands last in the user's turn, and is remembered with the answer. Behaviour 5.10.
 */
const linesFor = (
  turns: readonly AskTurn[],
  { callInstruction }: Settings,
  formatLines: readonly string[],
  { model }: Target,
  report: Reporter,
): readonly Line[] => {
  const last = turns.findLast(hasParts);
  if (last === undefined) return [];
  const goesOn = last.role === 'assistant' && !model.prefill;
  if (goesOn) report.adjust(report.nameOf('messages'));
  const words = goesOn ? [continueLine, ...formatLines] : formatLines;
  const said = words.map((text): Line => ({ type: 'words', text }));
  return callInstruction === undefined ? said : [...said, callInstruction];
};

const withLines = (turns: readonly AskTurn[], lines: readonly Line[]): readonly AskTurn[] =>
  lines.length === 0 ? turns : [...turns, { role: 'user', parts: lines.map(linePart) }];

/** Tools as they will be offered: the client's, the one that stands for a JSON format, or the history's. */
const chooseTools = (
  asked: AskFormat,
  settings: Settings,
  turns: readonly Turn[],
  { quirks }: Endpoint,
  recalled: Recalled,
): Partial<Settings> => {
  if (settings.format.type === 'forced-tool') {
    const tool = answerTool(settings.format, asked);
    return { tools: [tool], toolChoice: { type: 'named', name: tool.name }, parallelToolCalls: false };
  }
  if (settings.tools.length > 0) return {};
  const ofHistory = toolsOfHistory(turns);
  if (ofHistory.length === 0) return {};
  // As they were declared last: thinking is bound to that.
  if (recalled.tools.length > 0) return { tools: recalled.tools, toolChoice: { type: 'none' } };
  // Where that none may be called cannot be said, a client who says so gets the history in words.
  const isOpen = !quirks.choices.includes('none') && settings.toolChoice.type !== 'none';
  return { tools: ofHistory, toolChoice: { type: isOpen ? 'auto' : 'none' } };
};

/** What of the settings goes upstream, field by field: adding to a spread of so many is slow. */
const toPrompt = (
  settings: Settings,
  {
    system,
    turns,
    texts,
    betas,
    forMemory,
  }: Pick<Prompt, 'system' | 'turns' | 'texts' | 'betas' | 'forMemory'>,
): Prompt => ({
  forMemory,
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
  const lines = binds ? linesFor(ask.turns, asked, formatLines, target, report) : [];
  const { recalled = nothingRecalled } = options;
  const turns =
    recalled === nothingRecalled
      ? ask.turns
      : restoreAnswers(
          ask.turns,
          recalled,
          target,
          { texts: ask.texts, hasTools: willHaveTools(ask) },
          report,
        );
  const conversation = arrangeConversation(
    withLines(turns, lines),
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
  const history = fitThinking(conversation.turns, { ...asked, format, ...forcing }, target, recalled, report);
  const settings = {
    ...history.settings,
    ...chooseTools(ask.format, history.settings, history.turns, endpoint, recalled),
  };
  const system = binds
    ? conversation.system
    : [...conversation.system, ...formatLines.map((line) => textPart(line))];
  const forMemory = {
    lines,
    hasOwnTools: ask.tools.declared.length > 0,
    isCarried: ask.carriesThinking || settings.includeReasoning,
  };
  const prompt = placeBreakpoints(
    toPrompt(settings, { system, turns: history.turns, texts: ask.texts, betas, forMemory }),
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
