/** The thinking blocks of a prompt, by their digests: the prompt itself is not held as long as an answer comes. */

import type { Prompt } from '../core/chat.ts';
import { blockDigest } from '../core/remembered-answer.ts';

/** A block, and where it stands in the prompt. */
export interface SentBlock {
  readonly turn: number;
  readonly part: number;
  readonly digest: string;
}

export const sentBlocks = ({ turns }: Prompt): readonly SentBlock[] =>
  turns.flatMap(({ parts }, turn) =>
    parts.flatMap((each, part): SentBlock[] =>
      each.type === 'thinking-block' ? [{ turn, part, digest: blockDigest(each.block) }] : [],
    ),
  );
