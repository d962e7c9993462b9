/**
 * Remembers which thinking blocks came with which tool call, for clients that keep nothing but the call:
 * the upstream wants the blocks back, unaltered, with the result. That a call came without any is remembered
 * too: such a call has lost nothing. Scoped to the client's key and the model, because blocks belong
 * to these two alone; bounded in bytes and time by the store.
 */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ThinkingBlock } from '../core/chat.ts';
import type { Collection, StoreCommands } from '../store/store.ts';

/** Whose memory it is. */
export interface Scope {
  readonly client: string;
  readonly model: string;
}

/** The blocks a tool call came with, none if it came without; undefined where that is not known. */
export type Recalled = (toolCallId: string) => readonly ThinkingBlock[] | undefined;

export interface ThinkingMemory {
  /** Done when the next request can recall them. */
  remember(scope: Scope, toolCallIds: readonly string[], blocks: readonly ThinkingBlock[]): Promise<void>;
  recall(scope: Scope, toolCallIds: readonly string[]): Promise<Recalled>;
}

const collection: Collection = {
  name: 'thinking',
  maxAge: 3600 * 1000,
  renewedByReading: true,
  maxBytes: 64 * 1024 * 1024,
};

/** Calls of one history that are looked up: the last ones of the list. */
const mostRecalled = 500;

const nothing: Recalled = () => undefined;

const blocksSchema = z.array(
  z.union([
    z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() }),
    z.strictObject({ type: z.literal('redacted_thinking'), data: z.string() }),
  ]),
) satisfies z.ZodType<ThinkingBlock[]>;

/** The store may be shared: what another version or another program left there is as good as nothing. */
const parseBlocks = (value: string): readonly ThinkingBlock[] | undefined => {
  try {
    return blocksSchema.parse(JSON.parse(value));
  } catch {
    return undefined;
  }
};

export const createThinkingMemory = (store: StoreCommands): ThinkingMemory => {
  /** Hashed: ids come from clients and may be of any length, and the store may be another's. */
  const keyOf = ({ client, model }: Scope, id: string) =>
    createHash('sha256')
      .update(JSON.stringify([client, model, id]))
      .digest('base64url');

  return {
    remember: async (scope, toolCallIds, blocks) => {
      if (toolCallIds.length === 0) return;
      await store.put(
        collection,
        toolCallIds.map((id) => keyOf(scope, id)),
        JSON.stringify(blocks),
      );
    },
    recall: async (scope, toolCallIds) => {
      if (toolCallIds.length === 0) return nothing;
      const ids = toolCallIds.slice(-mostRecalled);
      const values = await store.get(
        collection,
        ids.map((id) => keyOf(scope, id)),
      );
      const found = new Map(ids.map((id, index) => [id, values[index]]));
      return (id) => {
        const value = found.get(id);
        return value === undefined || value === null ? undefined : parseBlocks(value);
      };
    },
  };
};
