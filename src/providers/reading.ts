/**
 * An upstream's answer as chat events, in batches. The steps are written as iterators, not as generators, which
 * take two turns of the microtask queue more for every piece of a stream (docs/performance.md).
 */

import type { Adapter, Decoder, OpenedMessage, OpenedStream } from '../adapters/adapter.ts';
import type { ChatEvent } from '../core/chat.ts';
import { ApiError, type Origin } from '../core/errors.ts';
import { notTheProtocol } from './errors.ts';
import type { ReadingListener } from './timeouts.ts';

/** Read one step after the other. Throws an ApiError where the answer fails; whoever stops reading gives it up. */
export type Events = AsyncIterable<readonly ChatEvent[]>;

type Step = IteratorResult<readonly ChatEvent[], undefined>;

const isFinish = ({ type }: ChatEvent): boolean => type === 'finish';

const over: Step = { value: undefined, done: true };

/** Where an upstream's words make no sense, it does not speak its API: 502. */
const misunderstood = (error: unknown, origin: Origin): ApiError =>
  error instanceof ApiError ? error : notTheProtocol(origin, error);

/** A plain answer as the one batch it would have been; decoded late, so that a bad one still has its origin. */
export const readMessage = <Message, Event>(
  { origin, message }: OpenedMessage<Message>,
  { toEvents }: Pick<Adapter<never, Message, Event>, 'toEvents'>,
  decoder: Decoder<Event>,
): Events => {
  let isRead = false;
  const next = async (): Promise<Step> => {
    if (isRead) return over;
    isRead = true;
    try {
      const events = decoder.push(toEvents(message));
      for (const event of decoder.end()) events.push(event);
      return { value: events, done: false };
    } catch (error) {
      throw misunderstood(error, origin);
    }
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
};

export interface StreamReading extends Events {
  /** Waits for the upstream's first events. False where its answer ends without any. */
  begin(): Promise<boolean>;
}

/** `listener` is notified of what happens, and of its end. */
export const readStream = <Event>(
  { origin, pieces, read }: OpenedStream<Event>,
  decoder: Decoder<Event>,
  listener: ReadingListener,
): StreamReading => {
  const source: AsyncIterator<Buffer, undefined> = pieces[Symbol.asyncIterator]();
  /** Read, and not decoded yet: what is wrong with them belongs to the answer, which has begun. */
  let heard: readonly Event[] | undefined;
  /** What came before it is the client's. */
  let failure: ApiError | undefined;
  let hasFinish = false;
  let isOver = false;

  const hear = (piece: Buffer): readonly Event[] => {
    listener.activity();
    const batch = read(piece);
    failure = batch.failure;
    return batch.events;
  };

  const begin = async (): Promise<boolean> => {
    while (heard === undefined || heard.length === 0) {
      if (failure !== undefined) throw failure;
      const { value: piece } = await source.next();
      if (piece === undefined) return false;
      heard = hear(piece);
    }
    return true;
  };

  const decode = (events: readonly Event[]): readonly ChatEvent[] => {
    try {
      return decoder.push(events);
    } catch (error) {
      throw misunderstood(error, origin);
    }
  };

  const close = (complete: boolean): void => {
    if (isOver) return;
    isOver = true;
    listener.done(complete);
  };

  const next = async (): Promise<Step> => {
    if (isOver) return over;
    listener.listening(true);
    if (hasFinish) listener.finished();
    try {
      for (;;) {
        if (heard === undefined) {
          if (failure !== undefined) throw failure;
          const { value: piece } = await source.next();
          if (piece === undefined) break;
          heard = hear(piece);
        }
        const events = decode(heard);
        heard = undefined;
        if (events.length === 0) continue;
        hasFinish ||= events.some(isFinish);
        listener.listening(false);
        return { value: events, done: false };
      }
    } catch (error) {
      close(false);
      // The answer is whole with its finish: however the connection ends after that takes nothing from it.
      if (!hasFinish) throw error;
    }
    close(true);
    const rest = decoder.end();
    return rest.length > 0 ? { value: rest, done: false } : over;
  };

  const leave = async (): Promise<Step> => {
    close(false);
    return over;
  };

  return { begin, [Symbol.asyncIterator]: () => ({ next, return: leave }) };
};
