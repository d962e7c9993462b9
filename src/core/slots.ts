/** A bound on work done at once, and on how much of it may wait. */

import { overloaded } from './errors.ts';

/** Not cockatiel's bulkhead, which keeps the place of a waiter that has left (docs/decisions/2026-11-26-own-or-library.md). */
export class Slots {
  readonly #maxWaiting: number;
  readonly #fullMessage: string;
  readonly #queue = new Set<() => void>();
  #free: number;

  constructor(limit: number, maxWaiting: number, fullMessage: string) {
    this.#free = limit;
    this.#maxWaiting = maxWaiting;
    this.#fullMessage = fullMessage;
  }

  /**
   * Does the work when there is room for it, in order of asking. Rejects with 503 where too many wait already, or with
   * the signal's reason, which ends the wait but not the work.
   */
  async run<Result>(work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      const [next] = this.#queue;
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    if (this.#queue.size >= this.#maxWaiting) throw overloaded(this.#fullMessage);
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#queue.delete(enter);
        signal?.removeEventListener('abort', leave);
      };
      const enter = () => {
        end();
        resolve();
      };
      const leave = () => {
        end();
        reject(signal?.reason);
      };
      this.#queue.add(enter);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }
}
