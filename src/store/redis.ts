/**
 * The store in Redis, for several machines. Whatever Redis cannot do in time is done by the process's own
 * store instead: a caller never waits long for it, and never fails for it. Going and coming back are logged,
 * once each.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { type Allowance, maxAge, type Store } from './store.ts';

export interface RedisStoreOptions {
  readonly url: string;
  /** Asked while Redis is away. */
  readonly fallback: Store;
  /** Told when Redis goes and when it is back. */
  readonly onChange: (isThere: boolean, reason?: string) => void;
}

/** Ms that a request waits for Redis at most. */
const patience = 500;
/** Ms in which nobody else waits for one that just let a request wait in vain. */
const pause = 1000;
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

const reasonOf = (error: unknown): string => {
  const { code, name } = error as { code?: unknown; name?: string };
  // Messages may name the host.
  return typeof code === 'string' ? code : (name ?? 'unknown');
};

export const createRedisStore = ({ url, fallback, onChange }: RedisStoreOptions): Store => {
  const client = createClient({
    url,
    // While it is away commands fail at once, and the fallback is asked.
    disableOfflineQueue: true,
    commandsQueueMaxLength: 10_000,
    // A connection on which nothing comes back any more is given up.
    pingInterval: 5000,
    socket: {
      connectTimeout: 5000,
      socketTimeout: 15_000,
      reconnectStrategy: (attempt) => Math.min(5000, 100 * 2 ** Math.min(attempt, 6)) * (0.5 + Math.random()),
    },
  });

  let askAgainAt = 0;
  // Not known at first, so that both states are told.
  let isThere: boolean | undefined;
  const change = (next: boolean, reason?: string): void => {
    if (isThere === next) return;
    isThere = next;
    onChange(next, reason);
  };
  client.on('ready', () => {
    askAgainAt = 0;
    change(true);
  });
  client.on('error', (error) => change(false, reasonOf(error)));
  client.connect().catch((error: unknown) => change(false, reasonOf(error)));

  /** What Redis says, or what the process's own store does. */
  const either = async <Value>(
    command: () => Promise<Value>,
    instead: () => Promise<Value>,
  ): Promise<Value> => {
    if (!client.isReady || performance.now() < askAgainAt) return instead();
    const late = new AbortController();
    try {
      const answer = await Promise.race([
        command(),
        sleep(patience, undefined, { signal: late.signal }).then(() => {
          throw Object.assign(new Error('Redis did not answer in time.'), { code: 'TIMEOUT' });
        }),
      ]);
      change(true);
      return answer;
    } catch (error) {
      askAgainAt = performance.now() + pause;
      change(false, reasonOf(error));
      return instead();
    } finally {
      late.abort();
    }
  };

  const read = async (keys: readonly string[]): Promise<ReadonlyMap<string, string>> => {
    const values = await Promise.all(
      keys.map((key) => client.getEx(prefix + key, { type: 'PX', value: maxAge })),
    );
    return new Map(
      keys.flatMap((key, index) => {
        const value = values[index];
        return value === null || value === undefined ? [] : [[key, value] as const];
      }),
    );
  };

  const write = async (keys: readonly string[], value: string): Promise<void> => {
    await Promise.all(
      keys.map((key) => client.set(prefix + key, value, { expiration: { type: 'PX', value: maxAge } })),
    );
  };

  return {
    read: (keys) =>
      either(
        () => read(keys),
        () => fallback.read(keys),
      ),
    write: async (keys, value) => {
      // Here as well, for when Redis goes.
      await fallback.write(keys, value);
      await either(
        () => write(keys, value),
        async () => {},
      );
    },
    take: (key, perMinute) =>
      either(
        async () =>
          toAllowance(
            await client.eval(takeScript, { keys: [`${prefix}rate:${key}`], arguments: [String(perMinute)] }),
          ),
        () => fallback.take(key, perMinute),
      ),
    close: async () => {
      client.destroy();
      await fallback.close();
    },
  };
};
