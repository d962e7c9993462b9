/**
 * What a client wants of a chat, in our words: read once from its request by the folder of its API, free of any
 * target. The normalizer says what of it a target can be asked. Types only.
 */

import type { CacheBreakpoint, Effort, JsonObject, MisplacedThinking, Part, ServiceTier } from './chat.ts';
import type { LongTexts } from './message-text.ts';
import type { Concept, ParameterNames } from './report.ts';

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
  readonly cache: CacheBreakpoint | undefined;
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

/** A value, and where it stands, for errors and the report. */
export interface Wish<Value> {
  readonly value: Value;
  readonly path: string;
}

export interface AskThinking {
  readonly type: 'thinking';
  /** Where it stands, for errors and the report. */
  readonly parameter: string;
  readonly enabled: boolean;
  /** Tokens, if the client named a number. */
  readonly budgetTokens?: number | undefined;
  /** Where that number stands, or would. */
  readonly budgetPath?: string | undefined;
  readonly effort?: Effort | undefined;
  /** Where thinking between tools is asked for by name, which Anthropic's own form can do. */
  readonly betweenToolsBy?: string | undefined;
  /** What the client wants done with blocks that are bound to another conversation, where it says so. */
  readonly misplaced?: MisplacedThinking | undefined;
  /** Where something stands that the number of tokens says better. */
  readonly overruled?: string | undefined;
  /**
   * An effort word is a wish, and so is OpenRouter's form, which its clients send to every model; the other forms
   * are an order, refused where they cannot be met. A number of tokens is meant as it is said in every form.
   */
  readonly isWish: boolean;
}

/** About thinking, and whether the client sees it. */
export type AskReasoning =
  | AskThinking
  /** `isAssumed`: said by the form alone, and no wish against what another says. */
  | { readonly type: 'shown'; readonly value: boolean; readonly isAssumed: boolean; readonly path: string }
  /** Blocks are to hold text, which is not yet that the client is shown it. */
  | { readonly type: 'readable' };

export type AskFormat =
  | { readonly type: 'text' }
  /** Any object; `schema` is one that it should follow. */
  | { readonly type: 'json-object'; readonly schema: JsonObject | undefined; readonly path: string }
  | {
      readonly type: 'json-schema';
      readonly name: string | undefined;
      readonly description: string | undefined;
      readonly schema: JsonObject | undefined;
      /** Where the schema stands. */
      readonly path: string;
    };

export interface AskCaching {
  /** The client's breakpoint on the prompt as a whole. */
  readonly whole: CacheBreakpoint | undefined;
  /** Where it asks for the longest time to live there is, if it does. */
  readonly longestBy: string | undefined;
}

export interface Ask {
  /** What placeholders in the turns stand for. */
  readonly texts: LongTexts;
  /** As the client calls it. */
  readonly model: string;
  readonly stream: boolean;
  readonly turns: readonly AskTurn[];
  /** What had to give while the messages were read, for the report. */
  readonly turnsAdjusted: readonly Concept[];
  readonly tools: AskTools;
  /** The first counts. */
  readonly maxTokens: readonly Wish<number>[];
  readonly stop: Wish<readonly string[]> | undefined;
  /** Whether the client gets the signed blocks of an answer although it may not see what they say. */
  readonly carriesThinking: boolean;
  /** In the order in which they count. */
  readonly reasoning: readonly AskReasoning[];
  /** 0 to 2. */
  readonly temperature: Wish<number> | undefined;
  readonly topP: Wish<number> | undefined;
  readonly topK: Wish<number> | undefined;
  readonly format: AskFormat;
  /** Who the end user is; the first counts. */
  readonly users: readonly Wish<string>[];
  readonly metadata: Wish<Readonly<Record<string, string>>> | undefined;
  /** `other`: one that no upstream has. */
  readonly serviceTier: Wish<ServiceTier | 'other'> | undefined;
  readonly caching: AskCaching;
  /** Features of Anthropic's API that the client switches on by name. */
  readonly betas: readonly string[];
  /** Names and paths of what is said about a stream and has no effect. */
  readonly streamIgnored: readonly string[];
  /** Whether an answer is wanted where something had no effect or was changed. */
  readonly allowIgnored: boolean;
  /** What the client's API calls what is reported. */
  readonly names: ParameterNames;
  /** Names and paths of what has no effect on any model. */
  readonly ignored: readonly string[];
}
