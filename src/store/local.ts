/** The store in the process's own memory: values in the order of use, and one token bucket per key. */

import { type Allowance, maxAge as defaultAge, type Store } from './store.ts';

export interface LocalStoreOptions {
  /** Characters of values and keys held at most, a close stand-in for bytes. */
  readonly maxSize?: number;
  /** Ms. */
  readonly maxAge?: number;
  /** Ms. */
  readonly now?: () => number;
}

export interface LocalStore extends Store {
  /** Characters held. */
  readonly size: () => number;
}

interface Entry {
  readonly value: string;
  readonly expires: number;
}

interface Bucket {
  readonly tokens: number;
  readonly filledAt: number;
}

/** What an entry costs beside its text. */
const overhead = 200;

const minute = 60_000;

export const createLocalStore = ({
  maxSize = 64 * 1024 * 1024,
  maxAge = defaultAge,
  now = () => performance.now(),
}: LocalStoreOptions = {}): LocalStore => {
  // In the order of use: the first entry is the one least recently touched.
  const entries = new Map<string, Entry>();
  let held = 0;
  // One for each key that passed the door, so there are never more than keys configured.
  const buckets = new Map<string, Bucket>();

  const sizeOf = (key: string, { value }: Entry) => key.length + value.length + overhead;

  const forget = (key: string): void => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    held -= sizeOf(key, entry);
    entries.delete(key);
  };

  const put = (key: string, value: string): void => {
    forget(key);
    const entry = { value, expires: now() + maxAge };
    entries.set(key, entry);
    held += sizeOf(key, entry);
  };

  const makeRoom = (): void => {
    for (const [key, { expires }] of entries) {
      if (held <= maxSize && expires > now()) return;
      forget(key);
    }
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
    read: async (keys) => {
      makeRoom();
      const found = new Map<string, string>();
      for (const key of keys) {
        const entry = entries.get(key);
        if (entry === undefined) continue;
        found.set(key, entry.value);
        put(key, entry.value);
      }
      return found;
    },
    write: async (keys, value) => {
      for (const key of keys) put(key, value);
      makeRoom();
    },
    take: async (key, perMinute) => take(key, perMinute),
    close: async () => {},
    size: () => held,
  };
};
