import type { Fields } from './json.ts';

/** What the "model" is asked, once a wire's own spelling is gone. */
export interface Ask {
  readonly modelName: string;
  readonly family: 'claude' | 'nova';
  /** How a call's id begins on this wire. */
  readonly callPrefix: 'toolu_' | 'toolu_bdrk_' | 'tooluse_';
  /** Of the whole request: ids, delta sizes and padding come from it. */
  readonly seed: string;
  readonly system: string;
  readonly turns: readonly Turn[];
  readonly tools: readonly Tool[];
  readonly choice: Choice;
  readonly thinking: Thinking | undefined;
  /** Nova 1 thinks aloud, inside its text, when it may call tools. */
  readonly thinkingTags: boolean;
  readonly schema: Fields | undefined;
  readonly maxTokens: number;
  readonly stops: readonly string[];
}

export interface Turn {
  readonly role: 'user' | 'assistant';
  readonly parts: readonly Part[];
}

export type Part =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'media'; readonly kind: 'image' | 'document' | 'video'; readonly format: string }
  | { readonly type: 'call'; readonly id: string; readonly name: string }
  | { readonly type: 'result'; readonly id: string; readonly text: string; readonly failed: boolean };

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly schema: Fields;
}

export interface Choice {
  readonly type: 'auto' | 'any' | 'tool' | 'none';
  readonly name?: string;
  readonly single: boolean;
}

export interface Thinking {
  readonly shown: boolean;
  /** Sentences to think. */
  readonly depth: number;
  /** Signs a block as the named model; the family without signatures has none. */
  readonly sign: ((text: string) => string) | undefined;
  readonly redact: ((text: string) => string) | undefined;
  /** What the answer has said itself: a later block of it is bound to that too. */
  readonly note: ((text: string) => void) | undefined;
}

export type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'thinking'; readonly text: string; readonly signature: string | undefined }
  | { readonly type: 'redacted'; readonly data: string }
  | {
      readonly type: 'call';
      readonly id: string;
      readonly name: string;
      readonly input: Fields;
      /** Of the JSON of `input`: cut short when the token limit struck within it. */
      readonly json: string;
      readonly cut: boolean;
    };

export interface Answer {
  readonly blocks: readonly Block[];
  readonly stop: 'end_turn' | 'max_tokens' | 'stop_sequence' | 'tool_use' | 'refusal';
  readonly stopSequence: string | null;
  readonly outputTokens: number;
  readonly thinkingTokens: number;
}
