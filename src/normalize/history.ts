/**
 * Thinking in the history: taken out where it must not go, and thinking itself switched off where the upstream would
 * refuse a gap. Behaviour 5.8.
 *
 * Only thinking by budget has gaps: there the first assistant turn after the user's last words must begin with
 * its block, and the later turns of the same tool loop need none. Adaptive thinking asks for no block at all.
 * (platform.claude.com/docs/en/build-with-claude/extended-thinking, adaptive-thinking)
 */

import type { Part, Thinking, Turn } from '../core/chat.ts';
import { blocksOf, type Recalled } from '../core/remembered-answer.ts';
import type { Target } from '../models/catalogue.ts';
import type { Model } from '../models/model.ts';
import type { Reporter } from './report.ts';
import type { Settings } from './settings.ts';

const isThinking = (part: Part) => part.type === 'thinking-block';

const withoutThinking = (turn: Turn): Turn =>
  turn.parts.some(isThinking) ? { ...turn, parts: turn.parts.filter((part) => !isThinking(part)) } : turn;

/** Undefined where there is no thinking in the turns that could be left out. */
export const dropThinking = (turns: readonly Turn[]): readonly Turn[] | undefined =>
  turns.some(({ parts }) => parts.some(isThinking)) ? turns.map(withoutThinking) : undefined;

/** Whether a model will think with these settings. */
export const willThink = (thinking: Thinking, { thinking: ability }: Model): boolean =>
  ability !== null && (thinking.mode === 'default' ? ability.byDefault : thinking.mode !== 'off');

/** A user turn with more in it than the results of tools: with it a new tool loop begins. */
const hasUserWords = ({ role, parts }: Turn): boolean =>
  role === 'user' && parts.some((part) => part.type !== 'tool-result');

/** Whether a turn's calls are known to have come without thinking. */
const cameWithout = ({ parts }: Turn, { byCall }: Recalled): boolean =>
  parts.some((part) => {
    const known = part.type === 'tool-call' ? byCall(part.id) : undefined;
    return known !== undefined && blocksOf(known).length === 0;
  });

/** Whether the block is missing that thinking by budget demands. */
const hasGap = (turns: readonly Turn[], recalled: Recalled): boolean => {
  const begin = turns.findLastIndex(hasUserWords) + 1;
  const first = turns.find(({ role }, index) => index >= begin && role === 'assistant');
  const [head] = first?.parts ?? [];
  if (first === undefined || head === undefined) return false;
  return !isThinking(head) && !cameWithout(first, recalled);
};

export interface History {
  readonly turns: readonly Turn[];
  readonly settings: Settings;
}

export const fitThinking = (
  turns: readonly Turn[],
  settings: Settings,
  { model, endpoint }: Target,
  recalled: Recalled,
  report: Reporter,
): History => {
  const stripped = () => turns.map(withoutThinking);
  // Unsigned reasoning stays here; without thinking there is nothing to send either.
  if (endpoint.quirks.replay === 'never' || !willThink(settings.thinking, model)) {
    return { turns: stripped(), settings };
  }
  if (settings.thinking.mode !== 'budget' || !hasGap(turns, recalled)) return { turns, settings };
  // Left to go on by itself where there is no way to switch it off.
  if (model.thinking?.off === 'no') return { turns: stripped(), settings };
  report.adjust(settings.thinkingRequest?.parameter ?? report.nameOf('thinking'));
  return { turns: stripped(), settings: { ...settings, thinking: { mode: 'off' } } };
};
