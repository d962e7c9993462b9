/**
 * Functions that the primary and its workers call of each other, over Node's own channel. A call that is not answered in
 * time fails, so that neither end waits for one that is stuck or gone.
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

/** `patience`: ms that each of their functions may take. */
const createLink = <Theirs extends object>(
  channel: Channel,
  ours: object,
  patience: Readonly<Record<keyof Theirs, number>>,
): Theirs => {
  const waiting = new Map<number, { resolve: (output: unknown) => void; reject: (error: Error) => void }>();
  let last = 0;

  const send = (message: Message, onFailure: (error: Error) => void): void => {
    channel.send?.(message, (error) => {
      if (error !== null) onFailure(error);
    });
  };

  const call = async (name: string, input: readonly unknown[], ms: number): Promise<unknown> => {
    last += 1;
    const id = last;
    const answered = new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      send({ parley: 'call', id, name, input }, reject);
    });
    try {
      return await withTimeout(answered, ms, () => new Error('The other process did not answer in time.'));
    } finally {
      waiting.delete(id);
    }
  };

  const functions = ours as Record<string, (...input: readonly unknown[]) => Promise<unknown>>;
  const answer = async ({ id, name, input }: Extract<Message, { parley: 'call' }>): Promise<void> => {
    const reply = await Promise.resolve(functions[name]?.(...input)).then(
      (output): Message => ({ parley: 'result', id, output }),
      (): Message => ({ parley: 'failure', id }),
    );
    // Where the other process is gone, none waits for it.
    send(reply, () => {});
  };

  channel.on('message', (message) => {
    if (!isOurs(message)) return;
    if (message.parley === 'call') {
      void answer(message);
      return;
    }
    const call = waiting.get(message.id);
    if (message.parley === 'result') call?.resolve(message.output);
    else call?.reject(new Error('The other process could not answer.'));
  });

  return Object.fromEntries(
    Object.entries<number>(patience).map(([name, ms]) => [
      name,
      (...input: readonly unknown[]) => call(name, input, ms),
    ]),
  ) as Theirs;
};

/** For a worker. */
export const linkToPrimary = (channel: Channel, ours: WorkerFunctions): PrimaryFunctions =>
  createLink<PrimaryFunctions>(channel, ours, {
    get: 1000,
    put: 1000,
    delete: 1000,
    take: 1000,
    // It asks all the others first.
    allMetrics: 2000,
  });

/** For the primary. */
export const linkToWorker = (channel: Channel, ours: PrimaryFunctions): WorkerFunctions =>
  createLink<WorkerFunctions>(channel, ours, {
    ownMetrics: 1000,
    // A worker that is busy for a moment has running requests to finish; only a stuck one takes this long to answer.
    drain: 5000,
  });
