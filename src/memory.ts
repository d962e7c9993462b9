/**
 * Remembers which thinking blocks came with which tool call, for clients that keep nothing but the call:
 * the upstream wants the blocks back, unaltered, with the result. Bounded in bytes and in time; scoped
 * to the caller's key and the model, because blocks are nobody else's and no other model's.
 */

import type { ThinkingBlock } from './chat.ts';

export interface MemoryOptions {
  /** Characters of blocks and keys held at most, a close stand-in for bytes. */
  readonly maxSize: number;
  /** How long an entry that nobody asks for is held. Ms. */
  readonly maxAge: number;
  readonly now: () => number;
}

/** Whose memory it is. */
export interface Scope {
  readonly caller: string;
  readonly model: string;
}

export interface ThinkingMemory {
  remember(scope: Scope, toolCallIds: readonly string[], blocks: readonly ThinkingBlock[]): void;
  recall(scope: Scope, toolCallId: string): readonly ThinkingBlock[] | undefined;
  /** Characters held. */
  readonly size: () => number;
}

interface Entry {
  readonly blocks: readonly ThinkingBlock[];
  readonly size: number;
  readonly expires: number;
}

const sizeOf = (block: ThinkingBlock): number =>
  block.type === 'thinking' ? block.thinking.length + block.signature.length : block.data.length;

/** What an entry costs beside its text. */
const overhead = 200;

export const createThinkingMemory = ({ maxSize, maxAge, now }: MemoryOptions): ThinkingMemory => {
  // In the order of use: the first entry is the one least recently touched.
  const entries = new Map<string, Entry>();
  let held = 0;

  const keyOf = ({ caller, model }: Scope, id: string) => `${caller}\n${model}\n${id}`;

  const forget = (key: string): void => {
    held -= entries.get(key)?.size ?? 0;
    entries.delete(key);
  };

  const put = (key: string, entry: Entry): void => {
    forget(key);
    entries.set(key, entry);
    held += entry.size;
  };

  const makeRoom = (): void => {
    for (const [key, { expires }] of entries) {
      if (held <= maxSize && expires > now()) return;
      forget(key);
    }
  };

  return {
    remember: (scope, toolCallIds, blocks) => {
      if (blocks.length === 0) return;
      const text = blocks.reduce((sum, block) => sum + sizeOf(block), 0);
      const expires = now() + maxAge;
      for (const id of toolCallIds) {
        const key = keyOf(scope, id);
        put(key, { blocks, size: text + key.length + overhead, expires });
      }
      makeRoom();
    },
    recall: (scope, toolCallId) => {
      const key = keyOf(scope, toolCallId);
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (entry.expires <= now()) {
        forget(key);
        return undefined;
      }
      put(key, { ...entry, expires: now() + maxAge });
      return entry.blocks;
    },
    size: () => held,
  };
};
