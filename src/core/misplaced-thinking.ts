import type { DroppedThinking, Thinking } from './chat.ts';

/** Whether what becomes of misplaced blocks can be said: beside a budget and adaptive thinking alone has it a place. */
export const canSayMisplaced = ({ mode }: Thinking): boolean =>
  mode === 'default' || mode === 'budget' || mode === 'adaptive';

/** Blocks by the reason why the model did not get them. */
export type DroppedByReason = Readonly<Partial<Record<DroppedThinking['reason'], number>>>;

export const countDropped = (dropped: readonly DroppedThinking[]): DroppedByReason => {
  const counts: Partial<Record<DroppedThinking['reason'], number>> = {};
  for (const { reason } of dropped) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
};
