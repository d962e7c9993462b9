/** One of several processes, as it sees its primary: what they share is asked of it. */

import type { Store } from '../store/store.ts';
import { type Channel, createLink } from './link.ts';

export interface Worker {
  /** Held by the primary; where that does not answer, by `fallback`. */
  readonly store: Store;
  /** The metrics of all processes together. */
  readonly allMetrics: () => Promise<string>;
}

export interface WorkerOptions {
  readonly channel: Channel;
  readonly fallback: Store;
  readonly ownMetrics: () => Promise<readonly object[]>;
  readonly onDrain: () => void;
  /** Told when the fallback had to be asked. */
  readonly onUnanswered: () => void;
}

export const joinPrimary = (options: WorkerOptions): Worker => {
  const { channel, fallback, ownMetrics, onDrain, onUnanswered } = options;
  const link = createLink(channel, {
    ownMetrics,
    drain: async () => {
      onDrain();
      return null;
    },
  });
  const instead =
    <Value>(ask: () => Promise<Value>) =>
    () => {
      onUnanswered();
      return ask();
    };
  return {
    store: {
      read: (keys) =>
        link.ask('read', keys).then(
          (pairs) => new Map(pairs),
          instead(() => fallback.read(keys)),
        ),
      write: (keys, value) =>
        link.ask('write', { keys, value }).then(
          () => undefined,
          instead(() => fallback.write(keys, value)),
        ),
      take: (key, perMinute) =>
        link.ask('take', { key, perMinute }).catch(instead(() => fallback.take(key, perMinute))),
      close: () => fallback.close(),
    },
    allMetrics: () => link.ask('allMetrics', null),
  };
};
