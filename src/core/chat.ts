/**
 * The vocabulary every part of the server speaks: what a target is asked (`Prompt`; what a client wants is an `Ask`,
 * ask.ts), and what a model answered (`ChatEvent`). Types only. Wire formats live at the edges: OpenAI's in api/,
 * Anthropic's and AWS's in adapters/.
 */

import type { LongTexts, MessageText } from './message-text.ts';
import type { Line } from './remembered-answer.ts';

export type JsonObject = { readonly [key: string]: unknown };

/** As settings, headers, log and metrics name it (models/upstreams.ts). */
export type UpstreamName = string;

/** A client's prompt-caching breakpoint: everything up to and including the part that has it may be cached. */
export interface CacheBreakpoint {
  /** How long; undefined: the request's default, five minutes unless it asks for more. */
  readonly ttl?: '5m' | '1h' | undefined;
}

export interface TextPart {
  readonly type: 'text';
  readonly text: MessageText;
  readonly cache?: CacheBreakpoint | undefined;
}

/** Base64 without line breaks, as both upstreams want it on the wire. */
export interface Bytes {
  readonly mediaType: string;
  readonly data: string;
}

export interface ImagePart {
  readonly type: 'image';
  readonly source: Bytes | { readonly url: string };
  /** Where the client put it, e.g. `messages[3].content[1].image_url.url`, for errors. */
  readonly path: string;
  readonly cache?: CacheBreakpoint | undefined;
}

export interface DocumentPart {
  readonly type: 'document';
  /** `text` for plain-text kinds, else base64 bytes. */
  readonly source: Bytes | { readonly mediaType: string; readonly text: string };
  readonly name: string;
  readonly path: string;
  readonly cache?: CacheBreakpoint | undefined;
}

/** A block of the model's own reasoning, signed by the upstream; goes back unaltered or not at all. */
export type ThinkingBlock =
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string }
  | { readonly type: 'redacted_thinking'; readonly data: string };

export interface ToolCallPart {
  readonly type: 'tool-call';
  readonly id: string;
  readonly name: string;
  readonly input: JsonObject;
  readonly cache?: CacheBreakpoint | undefined;
}

export interface ToolResultPart {
  readonly type: 'tool-result';
  readonly id: string;
  readonly content: readonly (TextPart | ImagePart | DocumentPart)[];
  readonly isError: boolean;
  readonly cache?: CacheBreakpoint | undefined;
}

export interface ThinkingPart {
  readonly type: 'thinking-block';
  readonly block: ThinkingBlock;
}

/**
 * A line of ours about the next answer: which tools may be called in it, or have to be. Its words name the tools as they
 * are sent.
 */
export interface CallInstructionPart {
  readonly type: 'call-instruction';
  /** Whether one has to be called. */
  readonly isDemanded: boolean;
  /** Empty: any. */
  readonly tools: readonly string[];
  readonly cache?: CacheBreakpoint | undefined;
}

export type Part =
  | TextPart
  | ImagePart
  | DocumentPart
  | ToolCallPart
  | ToolResultPart
  | ThinkingPart
  | CallInstructionPart;

/**
 * Neighbouring turns never share a role; the first is the user's; a user turn that follows tool calls
 * begins with exactly one result per call. `system` turns occur only where the target takes them.
 */
export interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly parts: readonly Part[];
}

export interface Tool {
  readonly name: string;
  readonly description?: string | undefined;
  /** A JSON Schema whose top level is an object. */
  readonly parameters: JsonObject;
  readonly strict: boolean;
  /** Where the client put its schema, for errors; absent: it is not the client's. */
  readonly path?: string | undefined;
  readonly cache?: CacheBreakpoint | undefined;
}

export type ToolChoice =
  | { readonly type: 'auto' }
  | { readonly type: 'required' }
  /** Asked in words to call one of the tools, because it cannot be forced. */
  | { readonly type: 'instructed' }
  | { readonly type: 'none' }
  | { readonly type: 'named'; readonly name: string };

export type Effort = 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';

/** `drop`: they and those after them are left out, and the answer says so; `refuse`: the request is. */
export type MisplacedThinking = 'drop' | 'refuse';

/** What is said to the model about thinking, decided within its row. `default`: say nothing. */
export type Thinking =
  | { readonly mode: 'default' }
  | { readonly mode: 'off' }
  | { readonly mode: 'between_tools' }
  | { readonly mode: 'budget'; readonly budgetTokens: number }
  | { readonly mode: 'adaptive'; readonly effort?: Effort | undefined };

/**
 * How JSON output is brought about at this target. `check` is the client's schema where the answer still has
 * to be held against it, because the upstream does not enforce all of it.
 */
export type Format =
  | { readonly type: 'text' }
  | { readonly type: 'native'; readonly schema: JsonObject; readonly check: JsonObject | undefined }
  | {
      readonly type: 'forced-tool';
      readonly name: string;
      readonly schema: JsonObject;
      readonly check: JsonObject | undefined;
    }
  | {
      readonly type: 'instructed';
      readonly schema: JsonObject | undefined;
      readonly check: JsonObject | undefined;
    };

/** What is remembered with an answer. */
export interface ForMemory {
  /** The lines that were added for it. */
  readonly lines: readonly Line[];
  /** Whether the tools are the client's. */
  readonly hasOwnTools: boolean;
  /** Whether the client gets the blocks, and may bring them back. */
  readonly isCarried: boolean;
}

export interface Prompt {
  readonly forMemory: ForMemory;
  readonly system: readonly TextPart[];
  readonly turns: readonly Turn[];
  /** What the placeholders in those stand for. */
  readonly texts: LongTexts;
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice;
  readonly parallelToolCalls: boolean;
  /** Tokens. Undefined: the upstream's own default (Converse). */
  readonly maxTokens: number | undefined;
  /** Whether the cap is the client's own; ours may be lowered to fit the window. */
  readonly maxTokensIsExplicit: boolean;
  readonly temperature: number | undefined;
  readonly topP: number | undefined;
  readonly topK: number | undefined;
  readonly stop: readonly string[];
  readonly thinking: Thinking;
  /** What becomes of thinking blocks that are bound to another conversation; undefined: as the upstream has it. */
  readonly misplacedThinking: MisplacedThinking | undefined;
  /** Ask for readable reasoning where the model hides it by default. */
  readonly showReasoning: boolean;
  readonly format: Format;
  /** The end user, opaque: never an e-mail address or phone number. */
  readonly user: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly serviceTier: ServiceTier | undefined;
  /** Features of the upstream's API that are switched on by name. */
  readonly betas: readonly string[];
  /** A breakpoint that the upstream places itself, on the last block there is. */
  readonly cache: CacheBreakpoint | undefined;
}

export type ServiceTier = 'default' | 'priority' | 'flex';

/** What an answer used, in tokens, and what else its price depends on. */
export interface Usage {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  /** The part of `cacheWrite` that lives an hour; undefined where the upstream does not tell them apart. */
  readonly cacheWrite1h?: number | undefined;
  readonly output: number;
  /** A part of `output`; undefined where the upstream gives no figure. */
  readonly reasoning?: number | undefined;
  /** The service tier that served, in the upstream's word, where it says so. */
  readonly serviceTier?: string | undefined;
  /** Where the model ran, in the upstream's word, where it says so. */
  readonly geography?: string | undefined;
  /** Of an answer that was asked for more than once, whose tries this adds up: they are priced one by one. */
  readonly tries?: readonly Usage[] | undefined;
}

/** USD. */
export interface Cost {
  readonly prompt: number;
  readonly completion: number;
  readonly total: number;
}

/** Why a block was dropped: what stood before it has changed, or its model, account or end user is another. */
export interface DroppedThinking {
  readonly reason: 'prefix' | 'model' | 'account' | 'user' | 'other';
  /** Where it stood in the prompt, where that is known. */
  readonly place?: { readonly turn: number; readonly part: number } | undefined;
}

/**
 * Why an answer ended: by itself, at a stop sequence of the client's, at the cap on tokens or at the end of the window, to
 * have tools called, because it was refused, or to be asked to go on (server tools).
 */
export type FinishKind =
  | 'end'
  | 'stop-sequence'
  | 'length'
  | 'context-window'
  | 'tool-calls'
  | 'refusal'
  | 'pause';

/**
 * What a model says, in order. Every answer is: at most one `start`, first; then text, reasoning, tool
 * calls and running totals in the upstream's order; then exactly one `finish`, last. `tool-arguments`
 * belongs to the latest `tool-call`. `usage` replaces the one before. An answer without `finish` failed.
 */
export type ChatEvent =
  | {
      readonly type: 'start';
      readonly id: string | undefined;
      /** Thinking blocks of the request that the model did not get; absent where none is known. */
      readonly droppedThinking?: readonly DroppedThinking[] | undefined;
    }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'reasoning'; readonly text: string }
  | { readonly type: 'thinking-block'; readonly block: ThinkingBlock }
  | { readonly type: 'tool-call'; readonly id: string; readonly name: string }
  | { readonly type: 'tool-arguments'; readonly text: string }
  | { readonly type: 'usage'; readonly usage: Usage }
  | {
      readonly type: 'finish';
      readonly kind: FinishKind;
      readonly upstreamReason: string;
      /** Which it was, where the upstream says so. */
      readonly stopSequence?: string | undefined;
      /** Why the upstream refused to answer, in its own words. */
      readonly explanation?: string | undefined;
    };
