/** The store in Redis, for several machines. */

import { createClient, ErrorReply } from '@redis/client';
import { withTimeout } from '../core/with-timeout.ts';
import { SharedStore } from './shared.ts';
import type { Allowance, Collection, Store } from './store.ts';

export interface RedisStoreOptions {
  readonly url: string;
  /** Asked while Redis is away. */
  readonly own: Store;
  /** Notified when Redis goes and when it is back. */
  readonly onChange: (isThere: boolean, reason?: string) => void;
}

/** Ms that a request waits for Redis at most. */
const patience = 500;
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

const timedOut = () => Object.assign(new Error('Redis did not answer in time.'), { code: 'TIMEOUT' });

export const createRedisStore = ({ url, own, onChange }: RedisStoreOptions): Store => {
  const client = createClient({
    url,
    // While it is away commands fail at once, and the process's own store is asked.
    disableOfflineQueue: true,
    commandsQueueMaxLength: 10_000,
    // Keeps an idle connection within `socketTimeout`, which sees a dead one only while nothing else is sent.
    pingInterval: 5000,
    socket: {
      connectTimeout: 5000,
      socketTimeout: 15_000,
      reconnectStrategy: (attempt) => Math.min(5000, 100 * 2 ** Math.min(attempt, 6)) * (0.5 + Math.random()),
    },
  });

  /** When it first let a request wait in vain and has said nothing since. */
  let silentSince: number | undefined;
  const noteSilence = (): void => {
    const now = performance.now();
    silentSince ??= now;
    if (now - silentSince < longestSilence || !client.isReady) return;
    client.destroy();
    connect();
  };

  const inTime = async <Value>(command: Promise<Value>): Promise<Value> => {
    const answer = await withTimeout(command, patience, () => {
      noteSilence();
      return timedOut();
    });
    silentSince = undefined;
    return answer;
  };

  /** They are sent together. */
  const forEach = <Value>(
    { name }: Collection,
    keys: readonly string[],
    command: (key: string) => Promise<Value>,
  ): Promise<Value[]> => inTime(Promise.all(keys.map((key) => command(`${prefix}${name}:${key}`))));

  const store = new SharedStore({
    own,
    keepsCopies: true,
    onChange: (isThere, error) => onChange(isThere, isThere ? undefined : reasonOf(error)),
    remote: {
      isReady: () => client.isReady,
      close: () => client.destroy(),
      get: (collection, keys) =>
        forEach(collection, keys, (key) =>
          collection.renewedByReading
            ? client.getEx(key, { type: 'PX', value: collection.maxAge })
            : client.get(key),
        ),
      put: async (collection, keys, value) => {
        const expiration = { type: 'PX', value: collection.maxAge } as const;
        await forEach(collection, keys, (key) => client.set(key, value, { expiration }));
      },
      delete: async (collection, keys) => {
        await forEach(collection, keys, (key) => client.unlink(key));
      },
      take: async (key, perMinute) =>
        toAllowance(
          await inTime(
            client.eval(takeScript, { keys: [`${prefix}rate:${key}`], arguments: [String(perMinute)] }),
          ),
        ),
    },
  });

  client.on('ready', () => {
    silentSince = undefined;
    store.connected();
  });
  client.on('error', (error) => store.disconnected(error));
  const connect = () => {
    client.connect().catch((error: unknown) => store.disconnected(error));
  };
  connect();

  return store;
};
