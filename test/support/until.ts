import { expect } from 'vitest';

/** Waits for something to come true, a few milliseconds at a time; `limit` is for a busy machine. Returns how long it took, in ms. */
export const until = async (isTrue: () => boolean, what: string, limit = 10_000): Promise<number> => {
  const start = performance.now();
  while (!isTrue()) {
    if (performance.now() - start > limit) expect.fail(`not within ${limit} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return performance.now() - start;
};
