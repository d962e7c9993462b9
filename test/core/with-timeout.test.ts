import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withTimeout } from '../../src/core/with-timeout.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const late = () => new Error('late');

describe('work with a timeout', () => {
  it.each([
    {
      name: 'its value',
      work: () => Promise.resolve(1),
      check: (p: Promise<unknown>) => expect(p).resolves.toBe(1),
    },
    {
      name: 'its failure',
      work: () => Promise.reject(new Error('failed')),
      check: (p: Promise<unknown>) => expect(p).rejects.toThrow('failed'),
    },
  ])('gives $name, and leaves no timer behind', async ({ work, check }) => {
    await check(withTimeout(work(), 10, late));
    await Promise.resolve();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects when the time is over, and takes no notice of a failure after that', async () => {
    let fail: (error: Error) => void = () => {};
    const work = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    const outcome = expect(withTimeout(work, 10, late)).rejects.toThrow('late');
    await vi.advanceTimersByTimeAsync(10);
    await outcome;
    fail(new Error('too late to matter'));
  });
});
