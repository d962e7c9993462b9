/**
 * An upstream's answer as chat events, in batches. The steps are written as iterators, not as generators, which
 * take two turns of the microtask queue more for every piece of a stream (docs/performance.md).
 */

import type { Adapter, Decoder, OpenedMessage, OpenedStream } from '../adapters/adapter.ts';
import type { ChatEvent } from '../core/chat.ts';
import { ApiError, type Origin } from '../core/errors.ts';
import { notTheProtocol } from '../providers/errors.ts';
import type { ReadingListener } from '../providers/timeouts.ts';

/** Read one step after the other. Throws an ApiError where the answer fails; to stop reading is to give it up. */
export type EventBatches = AsyncIterable<readonly ChatEvent[]>;

type Step = IteratorResult<readonly ChatEvent[], undefined>;

const isFinish = ({ type }: ChatEvent): boolean => type === 'finish';

const over: Step = { value: undefined, done: true };

/** Where an upstream's words make no sense, it does not speak its API: 502. */
const misunderstood = (error: unknown, origin: Origin): ApiError =>
  error instanceof ApiError ? error : notTheProtocol(origin, error);

/** A plain answer as the one batch it would have been; decoded late, so that a bad one still has its origin. */
export const readMessage = async function* <Message, Event>(
  { origin, message }: OpenedMessage<Message>,
  { toEvents }: Pick<Adapter<never, Message, Event>, 'toEvents'>,
  decoder: Decoder<Event>,
): AsyncGenerator<readonly ChatEvent[], undefined> {
  try {
    yield [...decoder.push(toEvents(message)), ...decoder.end()];
  } catch (error) {
    throw misunderstood(error, origin);
  }
};

/**
 * `waiting` for the first event; `answering` until the finish; `finished`: the answer is whole, the end of the
 * connection is not here yet; `over`: nothing more is read.
 */
type State = 'waiting' | 'answering' | 'finished' | 'over';

/** A stream that is read; its listener is notified of what happens, and of its end. */
export class StreamReading<Event> implements AsyncIterator<readonly ChatEvent[], undefined> {
  readonly #origin: Origin;
  readonly #pieces: AsyncIterator<Buffer, undefined>;
  readonly #read: OpenedStream<Event>['read'];
  readonly #decoder: Decoder<Event>;
  readonly #listener: ReadingListener;
  #state: State = 'waiting';
  /** Read, and not decoded yet: what is wrong with them belongs to the answer, which has begun. */
  #undecoded: readonly Event[] | undefined;
  /** What came before it is the client's. */
  #failure: ApiError | undefined;

  constructor(
    { origin, pieces, read }: OpenedStream<Event>,
    decoder: Decoder<Event>,
    listener: ReadingListener,
  ) {
    this.#origin = origin;
    this.#pieces = pieces[Symbol.asyncIterator]();
    this.#read = read;
    this.#decoder = decoder;
    this.#listener = listener;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Waits for the upstream's first events. False where its answer ends without any. */
  async begin(): Promise<boolean> {
    while (this.#undecoded === undefined || this.#undecoded.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      const { value: piece } = await this.#pieces.next();
      if (piece === undefined) return false;
      this.#take(piece);
    }
    this.#state = 'answering';
    return true;
  }

  async next(): Promise<Step> {
    if (this.#state === 'over') return over;
    this.#listener.listening(true);
    if (this.#state === 'finished') this.#listener.finished();
    try {
      for (;;) {
        if (this.#undecoded === undefined) {
          if (this.#failure !== undefined) throw this.#failure;
          const { value: piece } = await this.#pieces.next();
          if (piece === undefined) break;
          this.#take(piece);
        }
        const events = this.#decode();
        if (events.length === 0) continue;
        this.#listener.listening(false);
        return { value: events, done: false };
      }
    } catch (error) {
      // The answer is whole with its finish: however the connection ends after that takes nothing from it.
      const isWhole = this.#state === 'finished';
      this.#close(false);
      if (!isWhole) throw error;
    }
    this.#close(true);
    const rest = this.#decoder.end();
    return rest.length > 0 ? { value: rest, done: false } : over;
  }

  async return(): Promise<Step> {
    this.#close(false);
    return over;
  }

  #take(piece: Buffer): void {
    this.#listener.activity();
    const { events, failure } = this.#read(piece);
    this.#undecoded = events;
    this.#failure = failure;
  }

  #decode(): readonly ChatEvent[] {
    const events = this.#undecoded ?? [];
    this.#undecoded = undefined;
    try {
      const decoded = this.#decoder.push(events);
      if (this.#state === 'answering' && decoded.some(isFinish)) this.#state = 'finished';
      return decoded;
    } catch (error) {
      throw misunderstood(error, this.#origin);
    }
  }

  #close(isComplete: boolean): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#listener.done(isComplete);
  }
}
