/**
 * The store in Redis, for several machines. Whatever Redis cannot do in time is done by the process's own
 * store instead: a client never waits long for it, and never fails for it. Going and coming back are logged,
 * once each.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, ErrorReply } from '@redis/client';
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

export const createRedisStore = ({ url, fallback, onChange }: RedisStoreOptions): Store => {
  const client = createClient({
    url,
    // While it is away commands fail at once, and the fallback is asked.
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

  let askAgainAt = 0;
  /** When it first let a request wait in vain and has said nothing since. */
  let silentSince: number | undefined;
  /** Commands that Redis answers, but refuses: a full one still reads. It is back when it takes all of them. */
  const refused = new Set<keyof Store>();
  // Not known at first, so that both states are told.
  let isThere: boolean | undefined;
  const change = (next: boolean, reason?: string): void => {
    if (isThere === next) return;
    isThere = next;
    onChange(next, reason);
  };
  client.on('ready', () => {
    askAgainAt = 0;
    silentSince = undefined;
    refused.clear();
    change(true);
  });
  client.on('error', (error) => change(false, reasonOf(error)));
  const connect = () => {
    client.connect().catch((error: unknown) => change(false, reasonOf(error)));
  };
  connect();

  const noteSilence = (): void => {
    const now = performance.now();
    silentSince ??= now;
    if (now - silentSince < longestSilence || !client.isReady) return;
    client.destroy();
    connect();
  };

  /** What Redis says, or what the process's own store does. */
  const either = async <Value>(
    name: keyof Store,
    command: () => Promise<Value>,
    instead: () => Promise<Value>,
  ): Promise<Value> => {
    if (!client.isReady || performance.now() < askAgainAt) return instead();
    const late = new AbortController();
    try {
      const answer = await Promise.race([
        command(),
        sleep(patience, undefined, { signal: late.signal }).then(() => {
          noteSilence();
          throw Object.assign(new Error('Redis did not answer in time.'), { code: 'TIMEOUT' });
        }),
      ]);
      silentSince = undefined;
      refused.delete(name);
      if (refused.size === 0) change(true);
      return answer;
    } catch (error) {
      if (error instanceof ErrorReply) refused.add(name);
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
        'read',
        () => read(keys),
        () => fallback.read(keys),
      ),
    write: async (keys, value) => {
      // Here as well, for when Redis goes.
      await fallback.write(keys, value);
      await either(
        'write',
        () => write(keys, value),
        async () => {},
      );
    },
    take: (key, perMinute) =>
      either(
        'take',
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
