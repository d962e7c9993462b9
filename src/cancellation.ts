/**
 * Ends work early: the caller left, or a wait of ours ended. What an AbortController with its signal is, at a
 * fraction of the cost: each of those with a listener takes 4 us of a request (docs/performance.md).
 */
export class Cancellation {
  #aborted = false;
  #reason: unknown;
  readonly #listeners = new Set<() => void>();
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
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason;
  }

  /** Called once, when it is aborted; not where it already is. */
  listen(listener: () => void): void {
    if (!this.#aborted) this.#listeners.add(listener);
  }

  forget(listener: () => void): void {
    this.#listeners.delete(listener);
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
