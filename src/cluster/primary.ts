/**
 * The primary of several processes: starts them behind one port, replaces one that died, holds what they
 * share, adds up their metrics, and stops them together. It serves no one itself.
 */

import cluster, { type Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import { AggregatorRegistry } from 'prom-client';
import type { Store } from '../store/store.ts';
import { linkToWorker, type PrimaryFunctions, type WorkerFunctions } from './link.ts';

export interface Death {
  readonly pid: number | undefined;
  readonly code: number;
  readonly signal: string;
}

export interface PrimaryOptions {
  readonly count: number;
  readonly store: Store;
  /** Ms that the processes have for their running requests. */
  readonly shutdownTimeout: number;
  readonly onDeath: (death: Death) => void;
  /** Of the processes, beside their own. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

export interface Primary {
  /** Resolves when every process listens; rejects with ProcessFailed when one ends before it does. */
  readonly listening: Promise<void>;
  /** Rejects with ProcessFailed when none is left and one that was to take a dead one's place cannot start. */
  readonly failed: Promise<never>;
  /** Lets every process finish; resolves when all have ended. */
  stop(): Promise<void>;
}

/** Ms before a process that died is replaced, so that a fault at start does not spin. */
const replacementDelay = 1000;
/** Ms beyond the time for running requests until what is left is killed. */
const grace = 2000;
/** Timers take a longer time than this for none at all. Ms. */
const longestTimer = 2_147_483_647;

/** A process that could not even start; it said why itself. */
export class ProcessFailed extends Error {
  readonly death: Death;
  constructor(death: Death) {
    super();
    this.death = death;
  }
}

export const startPrimary = ({ count, store, shutdownTimeout, onDeath, env }: PrimaryOptions): Primary => {
  const links = new Map<Worker, WorkerFunctions>();
  let isStopping = false;
  let fail: (error: ProcessFailed) => void;
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });

  const allMetrics = async (): Promise<string> => {
    const asked = await Promise.allSettled([...links.values()].map((link) => link.ownMetrics()));
    // One that is stuck, or died just now, must not hide what the others say.
    const metrics = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    return AggregatorRegistry.aggregate(metrics as object[]).metrics();
  };

  const ours: PrimaryFunctions = {
    get: (collection, keys) => store.get(collection, keys),
    put: (collection, keys, value) => store.put(collection, keys, value),
    delete: (collection, keys) => store.delete(collection, keys),
    take: (key, perMinute) => store.take(key, perMinute),
    allMetrics,
  };

  const start = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = cluster.fork(env);
      let isListening = false;
      const link = linkToWorker(worker, ours);
      worker.once('listening', () => {
        isListening = true;
        links.set(worker, link);
        // One that comes up while the others go down goes with them.
        if (isStopping) void link.drain().catch(() => worker.kill());
        resolve();
      });
      worker.once('exit', (code, signal) => {
        links.delete(worker);
        // Stopping stops those as well that are not up yet.
        if (isStopping) return;
        const death = { pid: worker.process.pid, code, signal };
        if (!isListening) return reject(new ProcessFailed(death));
        onDeath(death);
        void replace();
      });
    });

  /** Again and again while others serve: one that cannot start must not take their running answers along. */
  const replace = async (): Promise<void> => {
    await sleep(replacementDelay);
    if (isStopping) return;
    await start().catch((error: ProcessFailed) => {
      if (links.size === 0) return fail(error);
      onDeath(error.death);
      return replace();
    });
  };

  return {
    // Not before the client had time to listen for signals; the first one alone, so that a port in use is said once.
    listening: Promise.resolve()
      .then(start)
      .then(async () => {
        await Promise.all(Array.from({ length: count - 1 }, start));
      }),
    failed,
    stop: async () => {
      isStopping = true;
      const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
      const ended = Promise.all(
        workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve))),
      );
      for (const worker of workers) {
        // One that does not hear, or is not up yet, has nothing to finish.
        const link = links.get(worker);
        if (link === undefined) worker.process.kill('SIGKILL');
        else void link.drain().catch(() => worker.process.kill('SIGKILL'));
      }
      const late = await Promise.race([
        ended,
        sleep(Math.min(shutdownTimeout + grace, longestTimer), 'late' as const, { ref: false }),
      ]);
      if (late === 'late') for (const worker of workers) worker.process.kill('SIGKILL');
      await ended;
    },
  };
};
