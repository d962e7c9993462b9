/**
 * What requests leave behind for later ones: values that are remembered for a while, and rates. Held in the process
 * (`local.ts`), in the primary of several processes (`cluster/link.ts`) or in Redis (`redis.ts`); where the store is
 * elsewhere, `shared.ts` stands in front of it.
 */

/** Values of one kind, within bounds of their own. */
export interface Collection {
  readonly name: string;
  /** Ms that a value is held. */
  readonly maxAge: number;
  /** Whether reading a value keeps it for another `maxAge`. */
  readonly renewedByReading: boolean;
  /** Held by a process; the oldest go first. Redis holds what that is given. */
  readonly maxBytes: number;
}

/** What a rate says to one more request. */
export interface Allowance {
  readonly isAllowed: boolean;
  /** Requests left, a fraction included. */
  readonly left: number;
}

/** What they take and return is JSON: it may travel between processes. */
export interface StoreCommands {
  /** In the order of the keys; null where there is no value. */
  get(collection: Collection, keys: readonly string[]): Promise<readonly (string | null)[]>;
  /** The same value under every key. */
  put(collection: Collection, keys: readonly string[], value: string): Promise<void>;
  delete(collection: Collection, keys: readonly string[]): Promise<void>;
  /** Counts one request against a rate, if it still fits. */
  take(key: string, perMinute: number): Promise<Allowance>;
}

export interface Store extends StoreCommands {
  close(): Promise<void>;
}
