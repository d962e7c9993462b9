/**
 * Functions that the primary and its workers call of each other, over Node's own channel. A call that is not answered in
 * time fails, so that neither end waits for one that is stuck or has ended.
 */

import { withTimeout } from '../core/with-timeout.ts';
import type { StoreCommands } from '../store/store.ts';

/** What they take and return travels as JSON. */
export interface PrimaryFunctions extends StoreCommands {
  /** The metrics of all workers, in Prometheus's text form. */
  allMetrics(): Promise<string>;
}

export interface WorkerFunctions {
  /** In prom-client's JSON form. */
  ownMetrics(): Promise<readonly object[]>;
  drain(): Promise<void>;
}

/** A worker as the primary sees it, or `process` as the worker does. */
export interface Channel {
  send?(message: object, sent: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

type Message =
  | {
      readonly parley: 'call';
      readonly id: number;
      readonly name: string;
      readonly input: readonly unknown[];
    }
  | { readonly parley: 'result'; readonly id: number; readonly output: unknown }
  | { readonly parley: 'failure'; readonly id: number };

/** Node and others send over the same channel. */
const isOurs = (message: unknown): message is Message =>
  typeof message === 'object' && message !== null && 'parley' in message;

/** One end of a channel. */
class Link {
  readonly #channel: Channel;
  /** What the other end may call. */
  readonly #ours: Record<string, (...input: readonly unknown[]) => Promise<unknown>>;
  readonly #waiting = new Map<
    number,
    { resolve: (output: unknown) => void; reject: (error: Error) => void }
  >();
  #lastId = 0;

  constructor(channel: Channel, ours: object) {
    this.#channel = channel;
    this.#ours = ours as Record<string, () => Promise<unknown>>;
    channel.on('message', (message) => {
      if (isOurs(message)) this.#receive(message);
    });
  }

  async call(name: string, input: readonly unknown[], ms: number): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answered = new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ parley: 'call', id, name, input }, reject);
    });
    try {
      return await withTimeout(answered, ms, () => new Error('The other process did not answer in time.'));
    } finally {
      this.#waiting.delete(id);
    }
  }

  #receive(message: Message): void {
    switch (message.parley) {
      case 'call':
        void this.#answer(message);
        break;
      case 'result':
        this.#waiting.get(message.id)?.resolve(message.output);
        break;
      case 'failure':
        this.#waiting.get(message.id)?.reject(new Error('The other process could not answer.'));
        break;
      default:
        message satisfies never;
    }
  }

  async #answer({ id, name, input }: Extract<Message, { parley: 'call' }>): Promise<void> {
    const reply = await Promise.resolve(this.#ours[name]?.(...input)).then(
      (output): Message => ({ parley: 'result', id, output }),
      (): Message => ({ parley: 'failure', id }),
    );
    // Where the other process has ended, none waits for it.
    this.#send(reply, () => {});
  }

  #send(message: Message, onFailure: (error: Error) => void): void {
    this.#channel.send?.(message, (error) => {
      if (error !== null) onFailure(error);
    });
  }
}

/** The functions of the other end, each with the ms that it may take. */
const functionsOf = <Theirs extends object>(
  link: Link,
  timeouts: Readonly<Record<keyof Theirs, number>>,
): Theirs =>
  Object.fromEntries(
    Object.entries<number>(timeouts).map(([name, ms]) => [
      name,
      (...input: readonly unknown[]) => link.call(name, input, ms),
    ]),
  ) as Theirs;

/** For a worker. */
export const linkToPrimary = (channel: Channel, ours: WorkerFunctions): PrimaryFunctions =>
  functionsOf<PrimaryFunctions>(new Link(channel, ours), {
    get: 1000,
    put: 1000,
    delete: 1000,
    take: 1000,
    // It asks all the others first.
    allMetrics: 2000,
  });

/** For the primary. */
export const linkToWorker = (channel: Channel, ours: PrimaryFunctions): WorkerFunctions =>
  functionsOf<WorkerFunctions>(new Link(channel, ours), {
    ownMetrics: 1000,
    // A worker that is busy for a moment has running requests to finish; only a stuck one takes this long to answer.
    drain: 5000,
  });
