/** The store in the process's own memory: values by collection, and one token bucket per key. */

import type { Allowance, Collection, Store } from './store.ts';

export interface LocalStore extends Store {
  /** Held in all collections. */
  readonly bytes: () => number;
}

interface Entry {
  readonly value: string;
  readonly expiresAt: number;
  readonly bytes: number;
}

/** What an entry costs beside its key and value: 140 as measured. It makes the bound on bytes one on entries too. */
const entryBytes = 200;

/** The values of one collection. All live equally long, so the first one is both the oldest and the next to expire. */
class Entries {
  readonly #entries = new Map<string, Entry>();
  bytes = 0;

  get(key: string): string | undefined {
    return this.#entries.get(key)?.value;
  }

  put(key: string, value: string, expiresAt: number): void {
    this.delete(key);
    const bytes = Buffer.byteLength(key) + Buffer.byteLength(value) + entryBytes;
    this.#entries.set(key, { value, expiresAt, bytes });
    this.bytes += bytes;
  }

  delete(key: string): void {
    this.bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
  }

  trim(maxBytes: number, now: number): void {
    for (const [key, { expiresAt }] of this.#entries) {
      if (this.bytes <= maxBytes && expiresAt > now) return;
      this.delete(key);
    }
  }
}

interface Bucket {
  readonly tokens: number;
  readonly filledAt: number;
}

const minute = 60_000;

/** `now` is in ms. */
export const createLocalStore = ({ now = () => performance.now() } = {}): LocalStore => {
  const collections = new Map<string, Entries>();
  // One for each key that was accepted, so there are never more than keys configured.
  const buckets = new Map<string, Bucket>();

  const entriesOf = ({ name }: Collection): Entries => {
    const entries = collections.get(name) ?? new Entries();
    collections.set(name, entries);
    return entries;
  };

  const take = (key: string, perMinute: number): Allowance => {
    const at = now();
    const { tokens, filledAt } = buckets.get(key) ?? { tokens: perMinute, filledAt: at };
    const filled = Math.min(perMinute, tokens + ((at - filledAt) * perMinute) / minute);
    const isAllowed = filled >= 1;
    const left = isAllowed ? filled - 1 : filled;
    buckets.set(key, { tokens: left, filledAt: at });
    return { isAllowed, left };
  };

  return {
    get: async (collection, keys) => {
      const { maxBytes, maxAge, renewedByReading } = collection;
      const entries = entriesOf(collection);
      entries.trim(maxBytes, now());
      return keys.map((key) => {
        const value = entries.get(key);
        if (value === undefined) return null;
        if (renewedByReading) entries.put(key, value, now() + maxAge);
        return value;
      });
    },
    put: async (collection, keys, value) => {
      const entries = entriesOf(collection);
      for (const key of keys) entries.put(key, value, now() + collection.maxAge);
      entries.trim(collection.maxBytes, now());
    },
    delete: async (collection, keys) => {
      const entries = entriesOf(collection);
      for (const key of keys) entries.delete(key);
    },
    take: async (key, perMinute) => take(key, perMinute),
    close: async () => {},
    bytes: () => [...collections.values()].reduce((sum, { bytes }) => sum + bytes, 0),
  };
};
