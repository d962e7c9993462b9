import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Cancellation } from '../../src/core/cancellation.ts';
import { ApiError, ClientDisconnected } from '../../src/core/errors.ts';
import { type Attempt, AttemptTimeouts } from '../../src/providers/timeouts.ts';

const never = 60_000;
const patient = { connect: never, firstByte: never, idle: never, total: never, stream: never };

/** The waits of an attempt, whose methods may be passed on. */
const begin = (times: Partial<typeof patient>, attempt: Partial<Attempt> = {}) => {
  const waits = new AttemptTimeouts(
    { ...patient, ...times },
    {
      stream: true,
      client: new Cancellation(),
      startedAt: performance.now(),
      ...attempt,
    },
  );
  return {
    cancellation: waits.cancellation,
    activity: () => waits.activity(),
    started: () => waits.started(),
    finished: () => waits.finished(),
    listening: (isListening: boolean) => waits.listening(isListening),
    done: (isComplete: boolean) => waits.done(isComplete),
  };
};

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  // Whatever ends a wait leaves no timer behind.
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const passes = (ms: number) => vi.advanceTimersByTime(ms);

/** Ms until the wait has ended by itself. */
const timeUntilEnd = (cancellation: Cancellation): number => {
  const start = performance.now();
  while (!cancellation.aborted && vi.getTimerCount() > 0) vi.advanceTimersToNextTimer();
  expect(cancellation.aborted).toBe(true);
  return performance.now() - start;
};

const ended = ({ aborted, reason }: Cancellation) => (aborted ? (reason as Error).message : 'still waiting');

// Behaviour 8.6
describe('each wait ends with a 504 of its own', () => {
  const texts = {
    firstByte: /did not begin to answer in time \(30 ms\)/,
    idle: /stopped in the middle of its answer \(30 ms\)/,
    stream: /took longer than this server allows \(30 ms\)/,
  };

  it.each(['firstByte', 'idle', 'stream'] as const)(
    'so that the operator knows which setting is too short: %s',
    (which) => {
      const { cancellation, started, done } = begin({ [which]: 30 });
      if (which === 'idle') started();
      expect(timeUntilEnd(cancellation)).toBe(30);
      expect(cancellation.reason).toBeInstanceOf(ApiError);
      expect(cancellation.reason).toMatchObject({
        status: 504,
        type: 'server_error',
        code: 'upstream_timeout',
        headers: {},
        message: expect.stringMatching(texts[which]),
      });
      done(false);
    },
  );

  it('and says in words of its own which wait it was', () => {
    expect(new Set(Object.values(texts).map(String)).size).toBe(3);
  });
});

describe('the wait for the first byte of an upstream', () => {
  it('ends with the first event: pings before it are no answer, and an upstream that only pings is given up', () => {
    const { cancellation, activity, done } = begin({ firstByte: 60 });
    const pings = setInterval(activity, 10);
    expect(timeUntilEnd(cancellation)).toBe(60);
    clearInterval(pings);
    expect(ended(cancellation)).toMatch(/did not begin/);
    done(false);
  });

  it('is over once that is here, and ends no answer that has begun', () => {
    const { cancellation, started, done } = begin({ firstByte: 30 });
    started();
    passes(80);
    expect(ended(cancellation)).toBe('still waiting');
    done(true);
  });
});

describe('the silence between events', () => {
  it('begins anew with every sign of life', () => {
    const { cancellation, activity, started, done } = begin({ idle: 150 });
    started();
    for (let step = 0; step < 10; step++) {
      passes(25);
      activity();
    }
    expect(ended(cancellation)).toBe('still waiting');
    expect(timeUntilEnd(cancellation)).toBe(150);
    expect(ended(cancellation)).toMatch(/stopped in the middle/);
    done(false);
  });
});

describe('a client that takes its time', () => {
  it('is no silence of the upstream, which begins when we listen again', () => {
    const { cancellation, started, listening, done } = begin({ idle: 50 });
    started();
    listening(false);
    passes(160);
    expect(ended(cancellation)).toBe('still waiting');
    listening(true);
    expect(timeUntilEnd(cancellation)).toBe(50);
    expect(ended(cancellation)).toMatch(/stopped in the middle/);
    done(false);
  });

  it('is bounded by the total all the same', () => {
    const { cancellation, started, listening, done } = begin({ idle: 20, stream: 80 });
    started();
    listening(false);
    expect(timeUntilEnd(cancellation)).toBe(80);
    expect(ended(cancellation)).toMatch(/took longer/);
    done(false);
  });
});

describe('the longest time that a whole request may take', () => {
  it('ends a stream that says nothing but pings for ever too', () => {
    const { cancellation, activity, started, done } = begin({ idle: 50, stream: 120 });
    started();
    const pings = setInterval(activity, 10);
    expect(timeUntilEnd(cancellation)).toBe(120);
    clearInterval(pings);
    expect(ended(cancellation)).toMatch(/took longer .* \(120 ms\)/);
    done(false);
  });

  it('counts from the first attempt, and names the whole', () => {
    const { cancellation, done } = begin({ stream: 5000 }, { startedAt: performance.now() - 4970 });
    expect(timeUntilEnd(cancellation)).toBe(30);
    expect(ended(cancellation)).toMatch(/\(5000 ms\)/);
    done(false);
  });

  it('that is over already ends the attempt at once', () => {
    const { cancellation, done } = begin({}, { startedAt: performance.now() - never - 1000 });
    expect(timeUntilEnd(cancellation)).toBe(0);
    done(false);
  });

  it('is all that bounds a plain call', () => {
    const { cancellation, activity, started, done } = begin(
      { firstByte: 20, idle: 20, stream: 20 },
      { stream: false },
    );
    passes(60);
    activity();
    started();
    passes(60);
    expect(ended(cancellation)).toBe('still waiting');
    done(true);
  });

  it('of a plain call is its own', () => {
    const { cancellation, done } = begin({ total: 30 }, { stream: false });
    expect(timeUntilEnd(cancellation)).toBe(30);
    expect(ended(cancellation)).toMatch(/took longer .* \(30 ms\)/);
    done(false);
  });

  it('of a plain call does not end a stream', () => {
    const { cancellation, started, done } = begin({ total: 20 });
    started();
    passes(60);
    expect(ended(cancellation)).toBe('still waiting');
    done(true);
  });
});

describe('a client of a request that is waited for', () => {
  it('who leaves ends the wait with that reason', () => {
    const hangUp = new Cancellation();
    const { cancellation, done } = begin({}, { client: hangUp });
    const reason = new ClientDisconnected();
    hangUp.abort(reason);
    expect(cancellation.reason).toBe(reason);
    done(false);
  });

  it('who has left already is noticed before anything is sent', () => {
    const reason = new ClientDisconnected();
    const gone = new Cancellation();
    gone.abort(reason);
    const { cancellation, done } = begin({ firstByte: 10 }, { client: gone });
    expect(cancellation.reason).toBe(reason);
    done(false);
  });

  it('who leaves first is the reason, even when a wait ends afterwards', () => {
    const hangUp = new Cancellation();
    const { cancellation, done } = begin({ firstByte: 20, stream: 20 }, { client: hangUp });
    hangUp.abort(new ClientDisconnected());
    passes(50);
    expect(cancellation.reason).toBeInstanceOf(ClientDisconnected);
    done(false);
  });
});

describe('once a request is over', () => {
  it.each([
    { complete: true, aborted: false },
    { complete: false, aborted: true },
  ])(
    'its upstream call is cancelled unless its answer is complete (complete: $complete, cancelled: $aborted)',
    ({ complete, aborted }) => {
      const { cancellation, started, done } = begin({ idle: 20, stream: 20 });
      started();
      done(complete);
      passes(50);
      expect(cancellation.aborted).toBe(aborted);
      expect(cancellation.reason ?? 'none').not.toBeInstanceOf(ApiError);
    },
  );

  it('its connection is waited for a second, to be used again, and then given up', () => {
    const { cancellation, finished } = begin({ idle: 20, stream: 20 });
    finished();
    expect(timeUntilEnd(cancellation)).toBe(1000);
    expect(cancellation.reason).not.toBeInstanceOf(ApiError);
  });

  it('nothing listens to its client any more, so that long connections gather no listeners', () => {
    const hangUp = new Cancellation();
    const { cancellation, done } = begin({}, { client: hangUp });
    done(true);
    hangUp.abort(new ClientDisconnected());
    expect(cancellation.aborted).toBe(false);
  });
});
