/**
 * The primary of several processes: starts them behind one port, replaces one that died, holds what they
 * share, adds up their metrics, and stops them together. It serves nobody itself.
 */

import cluster, { type Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import { AggregatorRegistry } from 'prom-client';
import type { Store } from '../store/store.ts';
import { type Answers, createLink, type Link } from './link.ts';

export interface PrimaryOptions {
  readonly count: number;
  readonly store: Store;
  /** Ms that the processes have for their running requests. */
  readonly shutdownTimeout: number;
  readonly onDeath: (death: {
    readonly pid: number | undefined;
    readonly code: number;
    readonly signal: string;
  }) => void;
}

export interface Primary {
  /** Resolves when every process listens; rejects with ProcessFailed when one ends before it does. */
  readonly listening: Promise<void>;
  /** Rejects with ProcessFailed when one that was to take a dead one's place ends before it listens. */
  readonly failed: Promise<never>;
  /** Lets every process finish; resolves when all are gone. */
  stop(): Promise<void>;
}

/** Ms before a process that died is replaced, so that a fault at start does not spin. */
const replacementDelay = 1000;
/** Ms beyond the time for running requests until what is left is killed. */
const grace = 2000;

/** A process that could not even start; it said why itself. */
export class ProcessFailed extends Error {}

export const startPrimary = ({ count, store, shutdownTimeout, onDeath }: PrimaryOptions): Primary => {
  const links = new Map<Worker, Link>();
  let isStopping = false;
  let fail: (error: unknown) => void;
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });

  const allMetrics = async (): Promise<string> => {
    const all = await Promise.all([...links.values()].map((link) => link.ask('ownMetrics', null)));
    return AggregatorRegistry.aggregate(all as object[]).metrics();
  };

  const answers: Answers = {
    read: async (keys) => [...(await store.read(keys))],
    write: async ({ keys, value }) => {
      await store.write(keys, value);
      return null;
    },
    take: ({ key, perMinute }) => store.take(key, perMinute),
    allMetrics,
  };

  const start = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = cluster.fork();
      let isListening = false;
      const link = createLink(worker, answers);
      worker.once('listening', () => {
        isListening = true;
        links.set(worker, link);
        // One that comes up while the others go down goes with them.
        if (isStopping) void link.ask('drain', null).catch(() => worker.kill());
        resolve();
      });
      worker.once('exit', (code, signal) => {
        links.delete(worker);
        if (!isListening) return reject(new ProcessFailed());
        if (isStopping) return;
        onDeath({ pid: worker.process.pid, code, signal });
        void sleep(replacementDelay).then(() => (isStopping ? undefined : start().catch(fail)));
      });
    });

  return {
    // The first one alone, so that a port in use is told once.
    listening: start().then(async () => {
      await Promise.all(Array.from({ length: count - 1 }, start));
    }),
    failed,
    stop: async () => {
      isStopping = true;
      const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
      const gone = Promise.all(
        workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve))),
      );
      for (const worker of workers) {
        // One that does not hear, or is not up yet, has nothing to finish.
        const link = links.get(worker);
        if (link === undefined) worker.process.kill('SIGKILL');
        else void link.ask('drain', null).catch(() => worker.process.kill('SIGKILL'));
      }
      const late = await Promise.race([
        gone,
        sleep(shutdownTimeout + grace, 'late' as const, { ref: false }),
      ]);
      if (late === 'late') for (const worker of workers) worker.process.kill('SIGKILL');
      await gone;
    },
  };
};
