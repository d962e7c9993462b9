import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HeaderHold } from '../../src/api/header-hold.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

type Step = 'asked' | 'failed' | number;

/** Seconds at which the hold is over; undefined: not within an hour. A number is a wait, in seconds. */
const endOf = (holdSeconds: number, steps: readonly Step[]): number | undefined => {
  const start = performance.now();
  const hold = new HeaderHold(holdSeconds * 1000);
  let end: number | undefined;
  hold.start(() => {
    expect(end).toBeUndefined();
    end = performance.now() - start;
  });
  for (const step of steps) {
    if (step === 'asked') hold.attemptStarted();
    else if (step === 'failed') hold.attemptFailed();
    else vi.advanceTimersByTime(step * 1000);
  }
  vi.advanceTimersByTime(3_600_000);
  return end === undefined ? undefined : Math.round(end / 1000);
};

// Behaviour 7.6, 7.7
describe('a status is held back', () => {
  it.each<{ name: string; hold: number; steps: readonly Step[]; end: number | undefined }>([
    { name: 'for as long as the setting says, while the model thinks', hold: 10, steps: ['asked'], end: 10 },
    { name: 'not while we wait to ask again', hold: 10, steps: ['asked', 1, 'failed', 8, 'asked'], end: 18 },
    {
      name: 'for what the attempts before have left',
      hold: 10,
      steps: ['asked', 4, 'failed', 2, 'asked', 4, 'failed', 2, 'asked'],
      end: 14,
    },
    { name: 'for 25 s at most while nothing is asked', hold: 10, steps: ['asked', 1, 'failed'], end: 25 },
    { name: 'for 25 s at most before anything is asked', hold: 10, steps: [], end: 25 },
    {
      name: 'for 25 s at most, however often it is asked',
      hold: 10,
      steps: ['asked', 1, 'failed', 8, 'asked', 1, 'failed', 8, 'asked', 1, 'failed', 5.5, 'asked'],
      end: 25,
    },
    {
      name: 'for one wait in all while a second answer is asked for after a first that did not do',
      hold: 20,
      steps: ['asked', 15, 'asked'],
      end: 20,
    },
    {
      name: 'for longer where the setting says so',
      hold: 60,
      steps: ['asked', 1, 'failed', 8, 'asked'],
      end: 60,
    },
    { name: 'for ever where it is off', hold: 0, steps: ['asked', 1, 'failed', 8, 'asked'], end: undefined },
  ])('$name', ({ hold, steps, end }) => {
    expect(endOf(hold, steps)).toBe(end);
  });

  it('until it is stopped, and then no timer is left', () => {
    const hold = new HeaderHold(10);
    const onOver = vi.fn();
    hold.start(onOver);
    hold.attemptStarted();
    hold.stop();
    hold.attemptFailed();
    hold.attemptStarted();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(60_000);
    expect(onOver).not.toHaveBeenCalled();
  });
});
