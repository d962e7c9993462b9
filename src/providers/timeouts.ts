/** How long one attempt at an upstream is waited for, and how a wait ends. Behaviour 8.6. */

import { Cancellation } from '../core/cancellation.ts';
import { upstreamTimeout } from '../core/errors.ts';
import { type Silence, watchSilence } from '../core/idle-timer.ts';
import type { Timeouts } from '../core/timeouts.ts';

export interface Watch {
  /** Aborted when a wait has ended or the caller has left, with the error as its reason. */
  readonly cancellation: Cancellation;
  /** A sign of life; before the first event it does not count. */
  readonly activity: () => void;
  /** The first event is here: from now on silence is what is measured. */
  readonly started: () => void;
  /** False while the caller takes its time with what came: that silence is not the upstream's. */
  readonly listening: (isListening: boolean) => void;
  /** The answer is complete; the end of the connection is waited for a moment, so that it can be used again. */
  readonly finished: () => void;
  /** Ends all waits. Unless the answer is complete, the upstream call is cancelled. */
  readonly done: (complete: boolean) => void;
}

export interface Attempt {
  /** Whether the upstream is asked for a stream; a plain call is bounded by its total alone. */
  readonly stream: boolean;
  /** The caller's leaving. */
  readonly caller: Cancellation;
  /** `performance.now()` at the first attempt: what bounds the whole covers retries. */
  readonly startedAt: number;
}

/** Ms for an upstream to close what it has finished. */
const lastWait = 1000;

const notWanted = () => new Error('The answer is not wanted any more.');

/** Times in ms. */
export const watch = (timeouts: Timeouts, { stream, caller, startedAt }: Attempt): Watch => {
  const { firstByte, idle } = timeouts;
  const total = stream ? timeouts.stream : timeouts.total;
  const cancellation = new Cancellation();
  const expire = (which: string, named: number, after: number = named) =>
    setTimeout(() => cancellation.abort(upstreamTimeout(which, named)), after);
  const expireSilence = () => {
    if (!isListening) return;
    silence?.stop();
    cancellation.abort(upstreamTimeout('The model stopped in the middle of its answer', idle));
  };

  let isListening = true;
  let silence: Silence | undefined;
  /** For the first event, and at last for the end. */
  let timer: NodeJS.Timeout | undefined = stream
    ? expire('The model did not begin to answer in time', firstByte)
    : undefined;
  const left = Math.max(0, startedAt + total - performance.now());
  const whole = expire('The answer took longer than this server allows', total, left);
  const settle = () => {
    clearTimeout(timer);
    silence?.stop();
    clearTimeout(whole);
    caller.forget(leave);
  };
  const leave = () => {
    settle();
    cancellation.abort(caller.reason);
  };
  if (caller.aborted) leave();
  else caller.listen(leave);

  const activity = () => silence?.sign();
  return {
    cancellation,
    activity,
    started: () => {
      clearTimeout(timer);
      if (stream && !cancellation.aborted) silence = watchSilence(idle, expireSilence);
    },
    listening: (now) => {
      isListening = now;
      if (now) activity();
    },
    finished: () => {
      settle();
      if (!cancellation.aborted) timer = setTimeout(() => cancellation.abort(notWanted()), lastWait);
    },
    done: (complete) => {
      settle();
      if (!complete) cancellation.abort(notWanted());
    },
  };
};
