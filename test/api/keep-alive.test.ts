import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KeepAlive, type KeepAliveIntervals } from '../../src/api/keep-alive.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** What is sent, as `kind at second`, over so many seconds in which pieces come at the given ones. */
const sentWithin = (seconds: number, intervals: KeepAliveIntervals, pieces: readonly number[] = []) => {
  const start = performance.now();
  const sent: string[] = [];
  const keepAlive = new KeepAlive(intervals, (kind) => {
    sent.push(`${kind} at ${Math.round((performance.now() - start) / 1000)}`);
  });
  keepAlive.start();
  for (let second = 1; second <= seconds; second++) {
    vi.advanceTimersByTime(1000);
    if (pieces.includes(second)) keepAlive.pieceSent();
  }
  keepAlive.stop();
  expect(vi.getTimerCount()).toBe(0);
  return sent;
};

const never = Number.POSITIVE_INFINITY;

// Behaviour 7.6
describe('a silent answer gets', () => {
  it.each<{
    name: string;
    intervals: KeepAliveIntervals;
    seconds: number;
    pieces?: number[];
    sent: string[];
  }>([
    {
      name: 'a comment for each interval, and a chunk for each minute',
      intervals: { silence: 15_000, chunk: 60_000 },
      seconds: 125,
      sent: [15, 30, 45, 60, 75, 90, 105, 120].map(
        (second) => `${second % 60 === 0 ? 'chunk' : 'comment'} at ${second}`,
      ),
    },
    {
      name: 'the chunk in time where the interval does not divide the minute',
      intervals: { silence: 25_000, chunk: 60_000 },
      seconds: 90,
      sent: ['comment at 25', 'comment at 50', 'chunk at 60', 'comment at 85'],
    },
    {
      name: 'the chunk where the interval is longer than the minute',
      intervals: { silence: 300_000, chunk: 60_000 },
      seconds: 130,
      sent: ['chunk at 60', 'chunk at 120'],
    },
    {
      name: 'nothing while pieces come',
      intervals: { silence: 15_000, chunk: 60_000 },
      seconds: 50,
      pieces: [10, 20, 30, 40, 50],
      sent: [],
    },
    {
      name: 'comments alone where it is one piece',
      intervals: { silence: 15_000, chunk: never },
      seconds: 70,
      sent: ['comment at 15', 'comment at 30', 'comment at 45', 'comment at 60'],
    },
    {
      name: 'both counted from the last piece',
      intervals: { silence: 15_000, chunk: 60_000 },
      seconds: 75,
      pieces: [10],
      sent: ['comment at 25', 'comment at 40', 'comment at 55', 'chunk at 70'],
    },
  ])('$name', ({ intervals, seconds, pieces, sent }) => {
    expect(sentWithin(seconds, intervals, pieces)).toEqual(sent);
  });

  it('no more, and leaves no timer, where sending finds that it is over', () => {
    const keepAlive = new KeepAlive({ silence: 10, chunk: never }, () => keepAlive.stop());
    keepAlive.start();
    vi.advanceTimersByTime(1000);
    expect(vi.getTimerCount()).toBe(0);
  });
});
