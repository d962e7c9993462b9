/**
 * What requests leave behind for later ones: values that are remembered for a while, and rates. Held in the
 * process, in the primary of several processes, or in Redis. Bounded everywhere: values live for `maxAge`,
 * and the process holds no more than it is told to.
 */

/** What a rate says to one more request. */
export interface Allowance {
  readonly isAllowed: boolean;
  /** Requests left, a fraction included. */
  readonly left: number;
}

export interface Store {
  /** The values under those of the keys that have one. Reading keeps a value for another `maxAge`. */
  read(keys: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** The same value under every key. */
  write(keys: readonly string[], value: string): Promise<void>;
  /** Counts one request against a rate, if it still fits. */
  take(key: string, perMinute: number): Promise<Allowance>;
  close(): Promise<void>;
}

/** How long a value that nobody asks for is held. Ms. */
export const maxAge = 3600 * 1000;
