import { digest } from './ids.ts';

/** One piece of a prompt, in prefix order (tools, system, messages). */
export interface Segment {
  readonly text: string;
  readonly tokens: number;
  /** A cache mark stands after this piece. */
  readonly mark?: '5m' | '1h';
}

export interface CachedInput {
  readonly total: number;
  readonly read: number;
  readonly written: number;
  readonly written1h: number;
}

const LIFETIME = { '5m': 300_000, '1h': 3_600_000 } as const;
const LIMIT = 2000;

/** Remembers marked prefixes by hash, so that the second request reads what the first one wrote. */
export class PrefixCache {
  readonly #expiry = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  measure(scope: string, segments: readonly Segment[], minimum: number): CachedInput {
    const now = this.#now();
    const fresh: { key: string; mark: '5m' | '1h' }[] = [];
    let hash = digest(scope);
    let total = 0;
    let read = 0;
    let marked = 0;
    let lastMark: '5m' | '1h' = '5m';
    for (const segment of segments) {
      total += segment.tokens;
      hash = digest(hash.toString('hex'), segment.text);
      const key = hash.toString('hex');
      if (total < minimum) continue;
      if ((this.#expiry.get(key) ?? 0) > now) read = total;
      if (segment.mark === undefined) continue;
      marked = total;
      lastMark = segment.mark;
      fresh.push({ key, mark: segment.mark });
    }
    for (const { key, mark } of fresh) this.#remember(key, now + LIFETIME[mark]);
    // Without a mark of its own a request neither reads nor writes.
    if (marked === 0) return { total, read: 0, written: 0, written1h: 0 };
    const hit = Math.min(read, marked);
    const written = marked - hit;
    return { total, read: hit, written, written1h: lastMark === '1h' ? written : 0 };
  }

  #remember(key: string, until: number): void {
    this.#expiry.delete(key);
    this.#expiry.set(key, until);
    const oldest = this.#expiry.keys().next().value;
    if (this.#expiry.size > LIMIT && oldest !== undefined) this.#expiry.delete(oldest);
  }
}
