/**
 * Notices silence on a stream, where signs of life come with every piece: to note the time costs less than to move a
 * timer.
 */
export class IdleTimer {
  readonly #ms: number;
  readonly #onSilence: () => void;
  #lastSign = performance.now();
  #timer: NodeJS.Timeout;

  /** Calls back after each `ms` without a reset, from now on until it is stopped. */
  constructor(ms: number, onSilence: () => void) {
    this.#ms = ms;
    this.#onSilence = onSilence;
    this.#timer = setTimeout(this.#check, ms);
  }

  /** Something came. */
  reset(): void {
    this.#lastSign = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  readonly #check = (): void => {
    const left = this.#lastSign + this.#ms - performance.now();
    this.#timer = setTimeout(this.#check, left > 0 ? left : this.#ms);
    if (left > 0) return;
    this.reset();
    this.#onSilence();
  };
}
