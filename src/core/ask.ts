/**
 * What a client wants of a chat, in our words: read once from its request by the folder of its API, free of any
 * target. The normalizer says what of it a target can be told. Types only.
 */

import type { Part } from './chat.ts';

/**
 * A message in the client's order. It may be empty, share its role with a neighbour, and hold calls and results that
 * do not match; results stand in a user turn of their own, and `system` turns where the client put them.
 */
export interface AskTurn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly parts: readonly Part[];
}

export interface Ask {
  readonly turns: readonly AskTurn[];
  /** What had to give while the messages were read, for the report. */
  readonly turnsAdjusted: readonly string[];
  /** Names and paths of what has no effect on any model. */
  readonly ignored: readonly string[];
}
