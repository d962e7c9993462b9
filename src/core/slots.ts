/** A bound on work done at once, and on how much of it may wait. */

import { overloaded } from './errors.ts';

export interface Slots {
  /**
   * Resolves, in order of asking, to a function that gives the slot back (once; further calls do nothing).
   * Rejects with the signal's reason, where there is one, or with 503 where too many wait already.
   */
  take(signal?: AbortSignal): Promise<() => void>;
}

export const createSlots = (limit: number, waiting: number, fullMessage: string): Slots => {
  const queue = new Set<() => void>();
  let free = limit;

  const hold = () => {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const [next] = queue;
      if (next === undefined) free += 1;
      else next();
    };
  };

  return {
    take: async (signal) => {
      signal?.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return hold();
      }
      if (queue.size >= waiting) throw overloaded(fullMessage);
      return new Promise((resolve, reject) => {
        const leaveQueue = () => {
          queue.delete(enter);
          signal?.removeEventListener('abort', leave);
        };
        const enter = () => {
          leaveQueue();
          resolve(hold());
        };
        const leave = () => {
          leaveQueue();
          reject(signal?.reason);
        };
        queue.add(enter);
        signal?.addEventListener('abort', leave, { once: true });
      });
    },
  };
};
