/**
 * Thinking that comes back in the history: restored from memory where the client lost it, taken out where
 * it must not go, and thinking itself switched off where the upstream would refuse a gap. Behaviour 5.8.
 *
 * Only thinking by budget has gaps: there the first assistant turn after the user's last words must begin with
 * its block, and the later turns of the same tool loop need none. Adaptive thinking asks for no block at all.
 * (platform.claude.com/docs/en/build-with-claude/extended-thinking, adaptive-thinking)
 */

import type { Part, Thinking, ThinkingBlock, Turn } from '../core/chat.ts';
import type { Target } from '../models/catalogue.ts';
import type { Model } from '../models/model.ts';
import type { Reporter } from './report.ts';
import type { Settings } from './settings.ts';

/** The blocks a tool call came with, none if it came without; undefined where that is not known. */
export type Recall = (toolCallId: string) => readonly ThinkingBlock[] | undefined;

const isThinking = (part: Part) => part.type === 'thinking-block';

/** The blocks of a turn go with its first call; every call of the turn remembers them all. */
const restore = (turn: Turn, recall: Recall): Turn => {
  if (turn.role !== 'assistant' || turn.parts.some(isThinking)) return turn;
  for (const part of turn.parts) {
    const blocks = part.type === 'tool-call' ? recall(part.id) : undefined;
    if (blocks === undefined) continue;
    if (blocks.length === 0) return turn;
    return {
      ...turn,
      parts: [...blocks.map((block): Part => ({ type: 'thinking-block', block })), ...turn.parts],
    };
  }
  return turn;
};

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
const cameWithout = ({ parts }: Turn, recall: Recall): boolean =>
  parts.some((part) => part.type === 'tool-call' && recall(part.id)?.length === 0);

/** Whether the block is missing that thinking by budget demands. */
const hasGap = (turns: readonly Turn[], recall: Recall): boolean => {
  const begin = turns.findLastIndex(hasUserWords) + 1;
  const first = turns.find(({ role }, index) => index >= begin && role === 'assistant');
  const [head] = first?.parts ?? [];
  if (first === undefined || head === undefined) return false;
  return !isThinking(head) && !cameWithout(first, recall);
};

export interface History {
  readonly turns: readonly Turn[];
  readonly settings: Settings;
}

export const restoreThinking = (
  turns: readonly Turn[],
  settings: Settings,
  { model, endpoint }: Target,
  recall: Recall,
  report: Reporter,
): History => {
  const stripped = () => turns.map(withoutThinking);
  // Unsigned reasoning stays here; without thinking there is nothing to send either.
  if (endpoint.quirks.replay === 'never' || !willThink(settings.thinking, model)) {
    return { turns: stripped(), settings };
  }
  const restored = turns.map((turn) => restore(turn, recall));
  if (settings.thinking.mode !== 'budget' || !hasGap(restored, recall)) return { turns: restored, settings };
  // Left to go on by itself where there is no way to switch it off.
  if (model.thinking?.off === 'no') return { turns: stripped(), settings };
  report.adjust(settings.thinkingRequest?.parameter ?? report.nameOf('thinking'));
  return { turns: stripped(), settings: { ...settings, thinking: { mode: 'off' } } };
};
