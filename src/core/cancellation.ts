/**
 * Ends work early: the client left, or a wait of ours ended. What an AbortController with its signal is, at a
 * fraction of the cost: each of those with a listener takes 4 us of a request (docs/performance.md).
 */
export class Cancellation {
  #aborted = false;
  #reason: unknown;
  /** A few at most. */
  #listeners: (() => void)[] = [];
  #controller: AbortController | undefined;

  get aborted(): boolean {
    return this.#aborted;
  }

  /** An Error, once it is aborted. */
  get reason(): unknown {
    return this.#reason;
  }

  /** The first reason stands. */
  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason;
  }

  /** Called once, when it is aborted; not where it already is. */
  listen(listener: () => void): void {
    if (!this.#aborted) this.#listeners.push(listener);
  }

  forget(listener: () => void): void {
    const at = this.#listeners.indexOf(listener);
    if (at >= 0) this.#listeners.splice(at, 1);
  }

  /** For what wants the platform's own. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }
}
