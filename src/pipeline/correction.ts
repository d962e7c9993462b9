/**
 * Second tries that say something else: what a target refused, or answered badly, tells how to ask it better. Each is
 * made once; a failure that none of them knows is the client's.
 */

import type { Prompt } from '../core/chat.ts';
import { ApiError } from '../core/errors.ts';
import { canSayMisplaced } from '../core/misplaced-thinking.ts';
import type { ParameterNames } from '../core/report.ts';
import type { Target } from '../models/catalogue.ts';
import { dropThinking, willThink } from '../normalize/history.ts';
import type { Settings } from '../normalize/settings.ts';
import { roomLeft, says } from '../providers/error-patterns.ts';
import type { JsonOutcome } from './json-output.ts';
import { repairPrompt } from './json-repair.ts';
import type { Shown } from './thinking-binding.ts';

/** What one target is asked. */
export interface Question {
  readonly target: Target;
  readonly settings: Settings;
  readonly prompt: Prompt;
  /** What the client's API calls what is reported. */
  readonly names: ParameterNames;
}

export interface Correction {
  readonly prompt: Prompt;
  /** What it changes of the client's request, in the words of its API; absent: nothing. */
  readonly adjusted?: string;
  /** What the failure has shown beyond this request. */
  readonly shown?: Shown;
}

/** A JSON answer that is over: a failure beside those that are thrown. */
export class BadJson {
  constructor(readonly outcome: JsonOutcome) {}
}

const isMisplaced = (failure: unknown): boolean =>
  failure instanceof ApiError && failure.status === 400 && says(failure.message, 'thinking misplaced');

type Correct = (question: Question, failure: unknown) => Correction | undefined;

/**
 * Our own cap lowered to the room that the window has. Anthropic refuses where prompt and cap together pass the window,
 * and a client that set no cap cannot have meant that. Its own cap is its own business.
 */
const lowerOwnCap: Correct = ({ prompt }, failure) => {
  if (
    !(failure instanceof ApiError) ||
    failure.code !== 'context_length_exceeded' ||
    prompt.maxTokensIsExplicit
  ) {
    return undefined;
  }
  const room = roomLeft(failure.message);
  const needed = prompt.thinking.mode === 'budget' ? prompt.thinking.budgetTokens + 1 : 1;
  return room !== undefined && room >= needed ? { prompt: { ...prompt, maxTokens: room } } : undefined;
};

/** Blocks of a history that has changed: the upstream is asked to drop those that do not fit. Behaviour 5.10. */
const dropMisplaced: Correct = ({ prompt }, failure) =>
  isMisplaced(failure) && prompt.misplacedThinking === undefined && canSayMisplaced(prompt.thinking)
    ? { prompt: { ...prompt, misplacedThinking: 'drop' }, shown: 'check' }
    : undefined;

/**
 * Where that cannot be said, all blocks are left out, and thinking stays on. A client that wants misplaced ones refused
 * has them refused.
 */
const leaveOutMisplaced: Correct = ({ prompt, settings, names }, failure) => {
  if (!isMisplaced(failure) || settings.misplacedThinking === 'refuse') return undefined;
  const turns = dropThinking(prompt.turns);
  return turns && { prompt: { ...prompt, turns }, adjusted: names.messages, shown: 'conversation' };
};

/**
 * Without the thinking blocks that were refused; without thinking, where a block is demanded that is not there.
 * Clients switch models and accounts in the middle of a conversation, and lose or alter blocks: the conversation goes
 * on. Adaptive thinking demands none, and stays: switching it would cost the conversation's prompt cache.
 */
const leaveOutThinking: Correct = ({ prompt, target: { model }, settings, names }, failure) => {
  if (!(failure instanceof ApiError) || failure.status !== 400 || isMisplaced(failure)) return undefined;
  const isDemanded = says(failure.message, 'thinking demanded');
  if (!isDemanded && !says(failure.message, 'thinking refused')) return undefined;
  const turns = dropThinking(prompt.turns);
  const canSwitchOff = model.thinking?.off !== 'no' && willThink(prompt.thinking, model);
  if (canSwitchOff && (isDemanded || prompt.thinking.mode === 'budget')) {
    return {
      prompt: { ...prompt, turns: turns ?? prompt.turns, thinking: { mode: 'off' } },
      adjusted: settings.thinkingRequest?.parameter ?? names.thinking,
    };
  }
  if (turns === undefined) return undefined;
  // Thinking goes on, and has only lost what was sent of it; where it is off, it was so before.
  const isOff = prompt.thinking.mode === 'off';
  const adjusted = isOff ? (settings.thinkingRequest?.parameter ?? names.thinking) : names.messages;
  return { prompt: { ...prompt, turns }, adjusted };
};

/**
 * A JSON answer that is none, or misses the schema, with what is wrong with it. Only where JSON is asked for in words:
 * an upstream's own format and a forced tool bring what they can. Behaviour 6.
 */
const repairJson: Correct = ({ prompt }, failure) => {
  if (!(failure instanceof BadJson) || prompt.format.type !== 'instructed') return undefined;
  const { isJudged, isJson, problems } = failure.outcome;
  return isJudged && (!isJson || problems.length > 0)
    ? { prompt: repairPrompt(prompt, failure.outcome) }
    : undefined;
};

/** In the order in which they are tried. */
const corrections: readonly Correct[] = [
  lowerOwnCap,
  dropMisplaced,
  leaveOutMisplaced,
  leaveOutThinking,
  repairJson,
];

/** Those that have not been made yet. */
export class Corrections {
  readonly #left = new Set(corrections);

  next(question: Question, failure: unknown): Correction | undefined {
    for (const correct of this.#left) {
      const correction = correct(question, failure);
      if (correction === undefined) continue;
      this.#left.delete(correct);
      return correction;
    }
    return undefined;
  }
}
