/** The store in Redis, for several machines. Values lie there sealed, each for its own key. */

import { createClient, ErrorReply } from '@redis/client';
import type { Sealer } from '../core/sealer.ts';
import { withTimeout } from '../core/with-timeout.ts';
import { type RemoteStore, SharedStore } from './shared.ts';
import type { Allowance, Collection, Store } from './store.ts';

export interface RedisStoreOptions {
  readonly url: string;
  readonly sealer: Sealer;
  /** Asked while Redis is away. */
  readonly own: Store;
  /** Notified when Redis goes and when it is back. */
  readonly onChange: (isThere: boolean, reason?: string) => void;
}

/** Ms that a request waits for Redis at most. */
const timeout = 500;
/** Ms without an answer after which the connection is given up: its other end may be gone without a word. */
const longestSilence = 10_000;
/** Of one installation, beside whatever else lives in that Redis. */
const prefix = 'parley:';

/** The token bucket of `local.ts`, in one step and by Redis's clock, so that machines need not agree on theirs. */
const takeScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local perMinute = tonumber(ARGV[1])
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'filledAt')
local tokens = tonumber(bucket[1]) or perMinute
local filledAt = tonumber(bucket[2]) or now
local left = math.min(perMinute, tokens + math.max(0, now - filledAt) * perMinute / 60000)
local isAllowed = 0
if left >= 1 then
  isAllowed = 1
  left = left - 1
end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', left), 'filledAt', string.format('%.3f', now))
redis.call('PEXPIRE', KEYS[1], 60000)
return {isAllowed, string.format('%.6f', left)}
`;

const toAllowance = (reply: unknown): Allowance => {
  const [isAllowed, left] = reply as [number, string];
  return { isAllowed: isAllowed === 1, left: Number(left) };
};

/** A word for the log; the whole message may name the host. */
const reasonOf = (error: unknown): string => {
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return code;
  // What Redis refuses it names first: OOM, READONLY, WRONGPASS.
  if (error instanceof ErrorReply) return /^[A-Z]+/.exec(error.message)?.[0] ?? 'ERR';
  return error instanceof Error ? error.constructor.name : 'unknown';
};

interface Listener {
  connected(): void;
  disconnected(error: unknown): void;
}

class Redis implements RemoteStore {
  readonly #client: ReturnType<typeof createClient>;
  readonly #listener: Listener;
  readonly #sealer: Sealer;
  /** When it first let a request wait in vain and has said nothing since. */
  #silentSince: number | undefined;

  constructor(url: string, sealer: Sealer, listener: Listener) {
    this.#sealer = sealer;
    this.#listener = listener;
    this.#client = createClient({
      url,
      // While it is away commands fail at once, and the process's own store is asked.
      disableOfflineQueue: true,
      commandsQueueMaxLength: 10_000,
      // Keeps an idle connection within `socketTimeout`, which sees a dead one only while nothing else is sent.
      pingInterval: 5000,
      socket: {
        connectTimeout: 5000,
        socketTimeout: 15_000,
        reconnectStrategy: (attempt) =>
          Math.min(5000, 100 * 2 ** Math.min(attempt, 6)) * (0.5 + Math.random()),
      },
    });
    this.#client.on('ready', () => {
      this.#silentSince = undefined;
      listener.connected();
    });
    this.#client.on('error', (error) => listener.disconnected(error));
    this.#connect();
  }

  isReady(): boolean {
    return this.#client.isReady;
  }

  get({ name, maxAge, renewedByReading }: Collection, keys: readonly string[]) {
    return this.#forEach(name, keys, async (key) => {
      const value = await (renewedByReading
        ? this.#client.getEx(key, { type: 'PX', value: maxAge })
        : this.#client.get(key));
      // What does not open is another installation's, or of a secret that is no more.
      return value === null ? null : (this.#sealer.open(value, key) ?? null);
    });
  }

  async put({ name, maxAge }: Collection, keys: readonly string[], value: string): Promise<void> {
    const expiration = { type: 'PX', value: maxAge } as const;
    await this.#forEach(name, keys, (key) =>
      this.#client.set(key, this.#sealer.seal(value, key), { expiration }),
    );
  }

  async delete({ name }: Collection, keys: readonly string[]): Promise<void> {
    await this.#forEach(name, keys, (key) => this.#client.unlink(key));
  }

  async take(key: string, perMinute: number): Promise<Allowance> {
    const bucket = { keys: [`${prefix}rate:${key}`], arguments: [String(perMinute)] };
    return toAllowance(await this.#inTime(this.#client.eval(takeScript, bucket)));
  }

  close(): void {
    this.#client.destroy();
  }

  /** The commands are sent together. */
  #forEach<Value>(
    collection: string,
    keys: readonly string[],
    command: (key: string) => Promise<Value>,
  ): Promise<Value[]> {
    return this.#inTime(Promise.all(keys.map((key) => command(`${prefix}${collection}:${key}`))));
  }

  async #inTime<Value>(command: Promise<Value>): Promise<Value> {
    const answer = await withTimeout(command, timeout, () => {
      this.#noteSilence();
      return Object.assign(new Error('Redis did not answer in time.'), { code: 'TIMEOUT' });
    });
    this.#silentSince = undefined;
    return answer;
  }

  #noteSilence(): void {
    const now = performance.now();
    this.#silentSince ??= now;
    if (now - this.#silentSince < longestSilence || !this.#client.isReady) return;
    this.#client.destroy();
    this.#connect();
  }

  #connect(): void {
    this.#client.connect().catch((error: unknown) => this.#listener.disconnected(error));
  }
}

export const createRedisStore = ({ url, sealer, own, onChange }: RedisStoreOptions): Store => {
  const remote: Redis = new Redis(url, sealer, {
    connected: () => store.connected(),
    disconnected: (error) => store.disconnected(error),
  });
  const store = new SharedStore({
    remote,
    own,
    keepsCopies: true,
    onChange: (isThere, error) => onChange(isThere, isThere ? undefined : reasonOf(error)),
  });
  return store;
};
