/**
 * A store that others use as well, and that may be away. What it cannot do in time is done by the process's own
 * instead: a client never waits long for it, and never fails for it. Going and coming back are reported, once each.
 */

import type { Collection, Store, StoreCommands } from './store.ts';

/** Each command rejects where there is no answer in time. */
export interface RemoteStore extends StoreCommands {
  /** False where asking is in vain. */
  readonly isReady?: () => boolean;
  readonly close?: () => void;
}

export interface SharedStoreOptions {
  readonly remote: RemoteStore;
  /** Asked while the remote one is away. */
  readonly own: Store;
  /** Whether what is put is kept in the own one as well, for when the remote one goes. */
  readonly keepsCopies: boolean;
  /** With the error, where it is away. */
  readonly onChange: (isThere: boolean, error?: unknown) => void;
}

/** Ms in which no request waits for a store that just let one wait in vain. */
const pause = 1000;

export class SharedStore implements Store {
  readonly #options: SharedStoreOptions;
  #askAgainAt = 0;
  /** Commands that failed last: a full Redis still reads. It is back when none is left. */
  readonly #failing = new Set<keyof StoreCommands>();
  /** Undefined until one or the other has been reported. */
  #isThere: boolean | undefined;

  constructor(options: SharedStoreOptions) {
    this.#options = options;
  }

  get(collection: Collection, keys: readonly string[]): Promise<readonly (string | null)[]> {
    return this.#ask('get', (store) => store.get(collection, keys));
  }

  async put(collection: Collection, keys: readonly string[], value: string): Promise<void> {
    if (this.#options.keepsCopies) await this.#options.own.put(collection, keys, value);
    await this.#ask('put', (store) => store.put(collection, keys, value));
  }

  async delete(collection: Collection, keys: readonly string[]): Promise<void> {
    // It may hold what was put while the remote one was away.
    await this.#options.own.delete(collection, keys);
    await this.#ask('delete', (store) => store.delete(collection, keys));
  }

  take(key: string, perMinute: number) {
    return this.#ask('take', (store) => store.take(key, perMinute));
  }

  close(): Promise<void> {
    this.#options.remote.close?.();
    return this.#options.own.close();
  }

  /** The remote one is there, for the first time or again. */
  connected(): void {
    this.#askAgainAt = 0;
    this.#failing.clear();
    this.#report(true);
  }

  disconnected(error: unknown): void {
    this.#report(false, error);
  }

  async #ask<Value>(
    name: keyof StoreCommands,
    command: (store: StoreCommands) => Promise<Value>,
  ): Promise<Value> {
    const { remote, own } = this.#options;
    if (remote.isReady?.() === false || performance.now() < this.#askAgainAt) return command(own);
    try {
      const answer = await command(remote);
      this.#failing.delete(name);
      if (this.#isThere === false && this.#failing.size === 0) this.#report(true);
      return answer;
    } catch (error) {
      this.#failing.add(name);
      this.#askAgainAt = performance.now() + pause;
      this.#report(false, error);
      return command(own);
    }
  }

  #report(isThere: boolean, error?: unknown): void {
    if (this.#isThere === isThere) return;
    this.#isThere = isThere;
    this.#options.onChange(isThere, error);
  }
}
