/**
 * How long the status of an answer is held back for the model to begin. Only the time in which a model is waited for
 * counts. While we wait to ask again after a failure the status stays open, so that a 429 in the end is still a 429;
 * but not so long that a router gives the request up. Behaviour 7.6, 7.7.
 */

import type { AttemptListener } from '../core/attempt-listener.ts';

/** Ms for which a status is held back in all, unless the hold itself is longer. Heroku's router waits for 30 s. */
const longestHold = 25_000;

export class HeaderHold implements AttemptListener {
  readonly #isEndless: boolean;
  /** Ms of waiting for a model that are left. */
  #left: number;
  /** `performance.now()`. */
  readonly #limitAt: number;
  #waitingSince: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #onOver: (() => void) | undefined;

  /** In ms; 0: the status is held back for ever. */
  constructor(hold: number) {
    this.#isEndless = hold === 0;
    this.#left = hold;
    this.#limitAt = performance.now() + Math.max(hold, longestHold);
  }

  /** Calls back when it is over, unless it is stopped before. */
  start(onOver: () => void): void {
    if (this.#isEndless) return;
    this.#onOver = onOver;
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#onOver = undefined;
  }

  attemptStarted(): void {
    // A second attempt after one that went well, a repair say, is part of the same wait.
    this.#waitingSince ??= performance.now();
    this.#schedule();
  }

  attemptFailed(): void {
    if (this.#waitingSince === undefined) return;
    this.#left -= performance.now() - this.#waitingSince;
    this.#waitingSince = undefined;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#onOver === undefined) return;
    clearTimeout(this.#timer);
    const waitedUntil =
      this.#waitingSince === undefined ? Number.POSITIVE_INFINITY : this.#waitingSince + this.#left;
    const due = Math.min(this.#limitAt, waitedUntil);
    this.#timer = setTimeout(this.#end, Math.max(0, due - performance.now()));
  }

  readonly #end = (): void => {
    const onOver = this.#onOver;
    this.stop();
    onOver?.();
  };
}
