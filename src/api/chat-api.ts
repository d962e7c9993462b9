/**
 * What an inbound API of chats is: how its requests are read and its answers written. One folder in api/ for each;
 * serve.ts joins it with the pipeline, and the line in app.ts that says so is all that it takes to serve it.
 */

import type { IncomingHttpHeaders } from 'node:http';
import type { Ask } from '../core/ask.ts';
import type { ChatEvent, Cost, Usage } from '../core/chat.ts';
import type { ApiError, ErrorShape } from '../core/errors.ts';
import type { Folded } from '../core/fold.ts';
import type { LongTexts } from '../core/message-text.ts';
import type { KeepAliveKind } from './keep-alive.ts';

/** What is known of a request before it is read as a whole, and also if it cannot be. */
export interface Identified {
  /** As the client calls it. */
  readonly model: string;
  readonly stream: boolean;
  /** For the log. */
  readonly metadata: Readonly<Record<string, string>> | undefined;
}

export interface ParseContext {
  readonly headers: IncomingHttpHeaders;
  /** Something that stands for the client's key. */
  readonly client: string;
  /** The long texts that were cut from the body. */
  readonly texts: LongTexts;
  /** To be called once, as soon as the body's shape has been checked. */
  identified(request: Identified): void;
}

export interface Parsed<Context> {
  /** What the client wants, in our words. */
  readonly ask: Ask;
  /** What only this API's answer needs to know of the request: ids, echoed fields. */
  readonly context: Context;
}

/** What is known of an answer when it begins. */
export interface AnswerFacts {
  /** The id of the row that answers. */
  readonly model: string;
  /** Whether the client sees the reasoning. */
  readonly includeReasoning: boolean;
  /** Whether the model signs its reasoning, so that there are blocks to show. */
  readonly reasoningIsSigned: boolean;
  /** Thinking blocks that went upstream, for an API whose clients carry them; else empty. */
  readonly sentBlocks: readonly { readonly digest: string; readonly turn: number; readonly part: number }[];
  /** Undefined where the price is not known. */
  readonly costOf: (usage: Usage) => Cost | undefined;
}

/** The last frames of an answer that failed once it had begun. */
export interface FailedEnding {
  readonly frames: string;
  /** `cut`: the connection is closed without the end of an answer, for clients that do not know the frames. */
  readonly ending: 'cut' | 'complete';
}

/** A streamed answer as frames; it has state, and may have to show life before `begin`. */
export interface AnswerEncoder {
  begin(facts: AnswerFacts): void;
  /** The frames for a batch; empty where it holds nothing for the client. */
  push(events: readonly ChatEvent[]): string;
  /** What follows the last batch of an answer that ended well. */
  end(): string | Promise<string>;
  fail(error: ApiError): FailedEnding;
  keepAlive(kind: KeepAliveKind): string;
  /** Running totals and the upstream's word for the ending, so far. */
  summary(): { readonly usage: Usage | undefined; readonly finish: string | undefined };
}

export interface ChatApi<Context> {
  /** Of its POST route. */
  readonly path: string;
  /** Throws 400 naming the first field that is wrong. */
  parse(body: unknown, context: ParseContext): Parsed<Context> | Promise<Parsed<Context>>;
  /** Absent where no answer is ever streamed. */
  encoder?(context: Context): AnswerEncoder;
  /** A plain answer. `cost` is of all that was used, where that is known. */
  toBody(
    message: Folded,
    context: Context,
    facts: AnswerFacts,
    cost: Cost | undefined,
  ): object | Promise<object>;
  /** Of every error under its path, from whichever layer. */
  readonly errorBody: ErrorShape;
}
