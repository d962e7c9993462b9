/** What a protocol of upstreams is to the server, and what an upstream does: the two sides that pipeline/backends.ts joins. */

import type { Cancellation } from '../core/cancellation.ts';
import type { ChatEvent, Prompt, UpstreamName } from '../core/chat.ts';
import type { ApiError, Origin } from '../core/errors.ts';
import type { LongTexts } from '../core/message-text.ts';
import type { ConceptReport } from '../core/report.ts';
import type { Target } from '../models/catalogue.ts';

/** Names the client uses, under those that the upstream takes. */
export interface Renaming {
  /** The client's name for one the upstream sent. */
  readonly restore: (sent: string) => string;
}

/** Property keys that were replaced in the schemas of a request. */
export interface ReplacedKeys {
  /** By the client's name for the tool that is called. */
  readonly inCalls: ReadonlyMap<string, Renaming>;
  /** Where the text of the answer is JSON of a schema with such keys. */
  readonly inText: Renaming | undefined;
}

export interface Encoded<Request> {
  readonly request: Request;
  /** What the wire has no room for. */
  readonly report: ConceptReport;
  readonly decoder: DecoderOptions;
}

/** What a decoder has to know about the request it reads the answer of. */
export interface DecoderOptions {
  readonly tools: Renaming;
  /** Absent: none was replaced. */
  readonly keys?: ReplacedKeys | undefined;
  /** The model writes its thinking into its text, between tags of this name. */
  readonly tag: string | null;
}

/**
 * Upstream events in, chat events out, in batches as they were read. One per answer: it has state.
 * `push` after the upstream's end marker and unknown events are ignored. `end` says that nothing more
 * will come; it throws 502 when the upstream stopped without its end marker.
 */
export interface Decoder<Event> {
  push(events: readonly Event[]): ChatEvent[];
  end(): ChatEvent[];
}

/** A protocol's translation between our vocabulary and its wire. Pure. */
export interface Adapter<Request, Message, Event> {
  encode(prompt: Prompt, target: Target): Encoded<Request>;
  createDecoder(options: DecoderOptions): Decoder<Event>;
  /** The events that would have made this message, so that a plain answer needs no second translation. */
  toEvents(message: Message): readonly Event[];
}

export interface OpenOptions {
  readonly modelId: string;
  /** Tokens; what a refusal for length tells the client. */
  readonly contextWindow: number;
  readonly stream: boolean;
  /** What the placeholders in the request stand for. */
  readonly texts: LongTexts;
  readonly cancellation: Cancellation;
}

/** Events that were read together, up to a failure if there is one. */
export interface ReadBatch<Event> {
  readonly events: readonly Event[];
  readonly failure: ApiError | undefined;
}

/** A plain answer. */
export interface OpenedMessage<Message> {
  readonly origin: Origin;
  readonly message: Message;
}

export interface OpenedStream<Event> {
  readonly origin: Origin;
  /** What was read together; throws an ApiError where the connection fails. */
  readonly pieces: AsyncIterable<Buffer>;
  /** The events a piece makes whole. Each piece goes in once: it has state. */
  readonly read: (piece: Buffer) => ReadBatch<Event>;
}

export type Opened<Message, Event> = OpenedMessage<Message> | OpenedStream<Event>;

/**
 * The only place that touches the network. `open` writes the request before it waits, and does not hold it while it
 * does. It rejects with an ApiError while the failure can still be an HTTP status; once a stream has begun, its
 * pieces throw one, or `read` tells of it.
 */
export interface Upstream<Request, Message, Event> {
  readonly name: UpstreamName;
  open(request: Request, options: OpenOptions): Promise<Opened<Message, Event>>;
}
