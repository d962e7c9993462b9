/**
 * What a client wants of a chat, in our words: read once from its request by the folder of its API, free of any
 * target. The normalizer says what of it a target can be told. Types only.
 */

import type { CacheMark, JsonObject, Part } from './chat.ts';

/**
 * A message in the client's order. It may be empty, share its role with a neighbour, and hold calls and results that
 * do not match; results stand in a user turn of their own, and `system` turns where the client put them.
 */
export interface AskTurn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly parts: readonly Part[];
}

export interface AskTool {
  readonly name: string;
  /** Where the name stands, for errors. */
  readonly namePath: string;
  readonly description: string | undefined;
  /** A JSON Schema as the client wrote it; undefined: no arguments. */
  readonly schema: JsonObject | undefined;
  /** Where the schema stands, for errors; undefined: it is not the client's. */
  readonly schemaPath: string | undefined;
  readonly strict: boolean;
  /** Its calls go back to the client as a text, of which the schema is only the wrapping. */
  readonly takesText: boolean;
  readonly cache: CacheMark | undefined;
}

/** `path`: where the choice stands, for errors and the report. */
export type AskToolChoice =
  | { readonly type: 'auto' | 'required' | 'none'; readonly path: string }
  | { readonly type: 'named'; readonly name: string; readonly path: string }
  | {
      readonly type: 'allowed';
      readonly mode: 'auto' | 'required';
      readonly names: readonly string[];
      readonly path: string;
    };

/** Whether several calls may come in one answer. */
export interface AskParallelCalls {
  readonly allowed: boolean;
  readonly path: string;
}

export interface AskTools {
  readonly declared: readonly AskTool[];
  /** Names of declarations that others have taken the place of. */
  readonly ignored: readonly string[];
  /** The client's form of an answer has room for one call: a second would be paid for and thrown away. */
  readonly oneCallAtMost: boolean;
  /** Mostly one; each is among what those before it have left. */
  readonly choices: readonly AskToolChoice[];
  readonly parallelCalls: readonly AskParallelCalls[];
}

export interface Ask {
  readonly turns: readonly AskTurn[];
  /** What had to give while the messages were read, for the report. */
  readonly turnsAdjusted: readonly string[];
  readonly tools: AskTools;
  /** Names and paths of what has no effect on any model. */
  readonly ignored: readonly string[];
}
