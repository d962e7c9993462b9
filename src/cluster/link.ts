/**
 * Questions and answers between the primary and a worker, over Node's own channel. Both ends may ask. A
 * question that is not answered in time fails, so that neither end waits for one that is stuck or gone.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Allowance } from '../store/store.ts';

/** What may be asked, and what the answer is. Maps travel as lists of pairs. */
export interface Questions {
  /** Of the primary, by a worker: what they share. */
  read: { input: readonly string[]; output: readonly (readonly [string, string])[] };
  write: { input: { keys: readonly string[]; value: string }; output: null };
  take: { input: { key: string; perMinute: number }; output: Allowance };
  /** The metrics of all workers, in Prometheus's text form. */
  allMetrics: { input: null; output: string };
  /** Of a worker, by the primary: prom-client's JSON form. */
  ownMetrics: { input: null; output: readonly object[] };
  drain: { input: null; output: null };
}

export type Answers = {
  [Name in keyof Questions]?: (input: Questions[Name]['input']) => Promise<Questions[Name]['output']>;
};

export interface Link {
  /** Rejects where there is no answer in time, or nobody left to give one. */
  ask<Name extends keyof Questions>(
    name: Name,
    input: Questions[Name]['input'],
  ): Promise<Questions[Name]['output']>;
}

/** A worker as the primary sees it, or `process` as the worker does. */
export interface Channel {
  readonly connected?: boolean;
  isConnected?(): boolean;
  send?(message: object, sent: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

/** Ms that an answer may take. */
const patience = {
  read: 1000,
  write: 1000,
  take: 1000,
  ownMetrics: 1000,
  // The primary asks all the others first.
  allMetrics: 2000,
  // Who is busy for a moment has running requests to finish; only who is stuck does not hear for so long.
  drain: 5000,
} satisfies Record<keyof Questions, number>;

type Message =
  | {
      readonly parley: 'question';
      readonly id: number;
      readonly name: keyof Questions;
      readonly input: never;
    }
  | { readonly parley: 'answer'; readonly id: number; readonly output: never }
  | { readonly parley: 'failure'; readonly id: number };

/** Node and others send over the same channel. */
const isOurs = (message: unknown): message is Message =>
  typeof message === 'object' && message !== null && 'parley' in message;

export const createLink = (channel: Channel, answers: Answers): Link => {
  const waiting = new Map<number, { resolve: (output: never) => void; reject: (error: Error) => void }>();
  let last = 0;

  const send = (message: object, onFailure: (error: Error) => void): void => {
    channel.send?.(message, (error) => {
      if (error !== null) onFailure(error);
    });
  };

  const answer = async ({ id, name, input }: Extract<Message, { parley: 'question' }>): Promise<void> => {
    const reply = await Promise.resolve(answers[name]?.(input))
      .then((output) => ({ parley: 'answer', id, output }))
      .catch(() => ({ parley: 'failure', id }));
    // Whoever asked is gone; there is nobody to be told.
    send(reply, () => {});
  };

  channel.on('message', (message) => {
    if (!isOurs(message)) return;
    if (message.parley === 'question') {
      void answer(message);
      return;
    }
    const asked = waiting.get(message.id);
    if (message.parley === 'answer') asked?.resolve(message.output);
    else asked?.reject(new Error('The other process could not answer.'));
  });

  return {
    ask: async (name, input) => {
      last += 1;
      const id = last;
      const late = new AbortController();
      try {
        return await Promise.race([
          new Promise<never>((resolve, reject) => {
            waiting.set(id, { resolve, reject });
            send({ parley: 'question', id, name, input }, reject);
          }),
          sleep(patience[name], undefined, { signal: late.signal }).then(() => {
            throw new Error('The other process did not answer in time.');
          }),
        ]);
      } finally {
        late.abort();
        waiting.delete(id);
      }
    },
  };
};
