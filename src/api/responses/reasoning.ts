/**
 * Reasoning items: the upstream's signed blocks sealed in `encrypted_content`, so that a client can carry them without
 * reading hidden reasoning or altering it. Behaviour 12.3.
 */

import { z } from 'zod';
import type { DroppedThinking, ThinkingBlock } from '../../core/chat.ts';
import type { Sealer } from '../../core/sealer.ts';

const sealedSchema = z.object({
  /** The model that gave it. */
  model: z.string(),
  block: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() }),
      z.object({ type: z.literal('redacted_thinking'), data: z.string() }),
    ])
    .nullable(),
});

export interface SealedBlock {
  readonly model: string;
  /** Null: it was not signed, and nothing of it goes back. The AI SDK takes no item that carries nothing. */
  readonly block: ThinkingBlock | null;
}

const place = 'reasoning item';

export const sealBlock = (sealer: Sealer, sealed: SealedBlock): string =>
  sealer.seal(JSON.stringify(sealed), place);

/** Undefined for what was not sealed here. */
export const openBlock = (sealer: Sealer, content: string): SealedBlock | undefined => {
  const opened = sealer.open(content, place);
  if (opened === undefined) return undefined;
  return sealedSchema.parse(JSON.parse(opened));
};

/** OpenAI's way to say that reasoning of the input was not used. */
export interface InputTransformation {
  readonly id: string;
  readonly type: 'reasoning';
  readonly action: 'removed';
  readonly reason:
    | 'organization_mismatch'
    | 'end_user_mismatch'
    | 'model_mismatch'
    | 'prefix_mismatch'
    | 'turn_boundary';
}

export const removed = (id: string, reason: InputTransformation['reason']): InputTransformation => ({
  id,
  type: 'reasoning',
  action: 'removed',
  reason,
});

const reasons = {
  prefix: 'prefix_mismatch',
  model: 'model_mismatch',
  account: 'organization_mismatch',
  user: 'end_user_mismatch',
  other: 'turn_boundary',
} as const satisfies Record<DroppedThinking['reason'], InputTransformation['reason']>;

interface Carried {
  /** Ids of the input's reasoning items, by the digests of their blocks. */
  readonly reasoningIds: ReadonlyMap<string, string>;
  /** Blocks that went upstream. */
  readonly sentBlocks: readonly { readonly digest: string; readonly turn: number; readonly part: number }[];
}

/** Reasoning that could be read and was not used all the same: it stayed here, or the upstream dropped it. */
export const unusedReasoning = (
  { reasoningIds, sentBlocks }: Carried,
  dropped: readonly DroppedThinking[],
): readonly InputTransformation[] => {
  const sent = new Set(sentBlocks.map(({ digest }) => digest));
  const stayed = [...reasoningIds].flatMap(([digest, id]) =>
    sent.has(digest) ? [] : [removed(id, 'turn_boundary')],
  );
  const lost = dropped.flatMap(({ reason, place }) => {
    const block = sentBlocks.find(({ turn, part }) => turn === place?.turn && part === place.part);
    const id = block && reasoningIds.get(block.digest);
    return id === undefined ? [] : [removed(id, reasons[reason])];
  });
  return [...stayed, ...lost];
};

const summaryPlace = 'compaction item';

/** Of the conversation so far, for a compaction item. */
export const sealSummary = (sealer: Sealer, summary: string): string => sealer.seal(summary, summaryPlace);

/** Undefined for what was not sealed here. */
export const openSummary = (sealer: Sealer, content: string): string | undefined =>
  sealer.open(content, summaryPlace);
