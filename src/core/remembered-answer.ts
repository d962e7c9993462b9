/** What is remembered of an answer that thought, so that it can be sent back as it was. Behaviour 5.8, 5.10. */

import { createHash } from 'node:crypto';
import type { CallInstructionPart, ThinkingBlock, ThinkingPart, Tool, UpstreamName } from './chat.ts';

/** A line of ours that was said for one answer. */
export type Line = { readonly type: 'words'; readonly text: string } | Omit<CallInstructionPart, 'cache'>;

/** In the order in which the model gave them; of texts, how many characters there were. */
export type AnswerPiece =
  | ThinkingPart
  | { readonly type: 'text'; readonly length: number }
  | { readonly type: 'tool-call'; readonly id: string };

export interface RememberedAnswer {
  readonly pieces: readonly AnswerPiece[];
  /** What stood last in the user's turn before it, and the client knows nothing of. */
  readonly lines: readonly Line[];
  /** The digest of the last thinking block that was sent before it; null: there was none. */
  readonly previous: string | null;
  /** Where it was given: blocks are bound to the account. */
  readonly upstream: UpstreamName;
  /** Whether tools were declared when it was asked for: thinking is bound to that. Undefined: not known. */
  readonly hadTools?: boolean | undefined;
}

/** What is known of the answers in a history. */
export interface Recalled {
  byCall(id: string): RememberedAnswer | undefined;
  byBlock(block: ThinkingBlock): RememberedAnswer | undefined;
  /** The tools that were declared last, where they were asked for. */
  readonly tools: readonly Tool[];
}

export const nothingRecalled: Recalled = {
  byCall: () => undefined,
  byBlock: () => undefined,
  tools: [],
};

/** Of what a block is signed by: its text may be hidden, or reworded by a client. */
export const blockDigest = (block: ThinkingBlock): string =>
  createHash('sha256')
    .update(block.type === 'thinking' ? block.signature : block.data)
    .digest('base64url')
    .slice(0, 22);

export const blocksOf = ({ pieces }: Pick<RememberedAnswer, 'pieces'>): readonly ThinkingBlock[] =>
  pieces.flatMap((piece) => (piece.type === 'thinking-block' ? [piece.block] : []));
