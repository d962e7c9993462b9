/**
 * Thinking that comes back in the history: restored from memory where the client lost it, taken out where
 * it must not go, and thinking itself switched off where the upstream would refuse a gap. BEHAVIOUR 5.8.
 */

import type { Part, ThinkingBlock, Turn } from '../chat.ts';
import type { Model } from '../models.ts';
import type { Reporter } from './report.ts';
import type { Settings } from './settings.ts';

export type Recall = (toolCallId: string) => readonly ThinkingBlock[] | undefined;

const isThinking = (part: Part) => part.type === 'thinking-block';

/** The blocks of a turn go with its first call; every call of the turn remembers them all. */
const restore = (turn: Turn, recall: Recall): Turn => {
  if (turn.role !== 'assistant' || turn.parts.some(isThinking)) return turn;
  for (const part of turn.parts) {
    const blocks = part.type === 'tool-call' ? recall(part.id) : undefined;
    if (blocks !== undefined) {
      return {
        ...turn,
        parts: [...blocks.map((block): Part => ({ type: 'thinking-block', block })), ...turn.parts],
      };
    }
  }
  return turn;
};

const withoutThinking = (turn: Turn): Turn =>
  turn.parts.some(isThinking) ? { ...turn, parts: turn.parts.filter((part) => !isThinking(part)) } : turn;

/** Undefined where there is no thinking in the turns that could be left out. */
export const dropThinking = (turns: readonly Turn[]): readonly Turn[] | undefined =>
  turns.some(({ parts }) => parts.some(isThinking)) ? turns.map(withoutThinking) : undefined;

const willThink = ({ thinking }: Settings, { thinking: ability }: Model): boolean =>
  ability !== null && (thinking.mode === 'default' ? ability.byDefault : thinking.mode !== 'off');

/** The upstream checks the latest turn with calls: it must begin with its thinking. */
const hasGap = (turns: readonly Turn[]): boolean => {
  const latest = turns.findLast(
    ({ role, parts }) => role === 'assistant' && parts.some((part) => part.type === 'tool-call'),
  );
  const [first] = latest?.parts ?? [];
  return first !== undefined && !isThinking(first);
};

export interface History {
  readonly turns: readonly Turn[];
  readonly settings: Settings;
}

export const settleThinking = (
  turns: readonly Turn[],
  settings: Settings,
  model: Model,
  recall: Recall,
  report: Reporter,
): History => {
  // Nova's reasoning is unsigned and stays here; without thinking there is nothing to send either.
  if (model.family !== 'claude' || !willThink(settings, model)) {
    return { turns: turns.map(withoutThinking), settings };
  }
  const restored = turns.map((turn) => restore(turn, recall));
  if (!hasGap(restored) || model.thinking?.off === 'no') return { turns: restored, settings };
  report.adjust(settings.thinkingFrom ?? 'thinking');
  return { turns: turns.map(withoutThinking), settings: { ...settings, thinking: { mode: 'off' } } };
};
