/** How long an upstream is waited for, and how a wait ends. */

import type { Timeouts } from '../config.ts';
import { upstreamTimeout } from '../errors.ts';

export interface Watch {
  /** Aborted when a wait has ended or the caller has left, with the error as its reason. */
  readonly signal: AbortSignal;
  /** A sign of life; before the first event it does not count. */
  readonly activity: () => void;
  /** The first event is here: from now on silence is what is measured. */
  readonly started: () => void;
  /** Ends all waits. Unless the answer is complete, the upstream call is cancelled. */
  readonly done: (complete: boolean) => void;
}

/** `stream`: whether events are awaited; a plain call is bounded by its total alone. Times in ms. */
export const watch = ({ firstByte, idle, total }: Timeouts, stream: boolean, caller: AbortSignal): Watch => {
  const controller = new AbortController();
  const expire = (which: string, after: number) =>
    setTimeout(() => controller.abort(upstreamTimeout(which, after)), after);

  let silence = stream ? expire('The model did not begin to answer in time', firstByte) : undefined;
  let hasStarted = false;
  const whole = expire('The answer took longer than this server allows', total);
  const settle = () => {
    clearTimeout(silence);
    clearTimeout(whole);
    caller.removeEventListener('abort', leave);
  };
  const leave = () => {
    settle();
    controller.abort(caller.reason);
  };
  if (caller.aborted) leave();
  else caller.addEventListener('abort', leave, { once: true });

  return {
    signal: controller.signal,
    activity: () => {
      if (hasStarted) silence?.refresh();
    },
    started: () => {
      hasStarted = true;
      clearTimeout(silence);
      silence =
        stream && !controller.signal.aborted
          ? expire('The model stopped in the middle of its answer', idle)
          : undefined;
    },
    done: (complete) => {
      settle();
      if (!complete) controller.abort();
    },
  };
};
