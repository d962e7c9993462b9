/** The same promises wherever the values are held: in the process, in the primary, in Redis. */

import { EventEmitter } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createClient } from '@redis/client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Channel, linkToPrimary, linkToWorker } from '../../src/cluster/link.ts';
import { Sealer } from '../../src/core/sealer.ts';
import { createLocalStore } from '../../src/store/local.ts';
import { createRedisStore } from '../../src/store/redis.ts';
import { SharedStore } from '../../src/store/shared.ts';
import type { Collection, Store } from '../../src/store/store.ts';
import { listen } from '../support/listen.ts';
import { hasRedis, startRedis } from '../support/redis.ts';

const toClose: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

/** Two ends of one channel; messages travel as JSON, as between processes. */
const channels = (): readonly [Channel, Channel] => {
  const ends = [new EventEmitter(), new EventEmitter()] as const;
  const towards = (other: EventEmitter, own: EventEmitter): Channel => ({
    on: (event, listener) => own.on(event, listener),
    send: (message, sent) => {
      const copy = JSON.parse(JSON.stringify(message));
      setImmediate(() => other.emit('message', copy));
      sent(null);
      return true;
    },
  });
  return [towards(ends[1], ends[0]), towards(ends[0], ends[1])];
};

const collection: Collection = {
  name: 'test',
  maxAge: 60_000,
  renewedByReading: true,
  maxBytes: 100_000,
};

const broken = (message: string): Store => {
  const fail = async () => {
    throw new Error(message);
  };
  return { get: fail, put: fail, delete: fail, take: fail, close: async () => {} };
};

/** Where the store itself has to answer. Copies may be left in it. */
const noFallback: Store = {
  ...broken('the process’s own store was asked'),
  put: async () => {},
  delete: async () => {},
};

const workerOf = (primary: Store, own: Store, onChange: (isThere: boolean) => void = () => {}): Store => {
  const [ours, theirs] = channels();
  linkToWorker(theirs, {
    get: (...input) => primary.get(...input),
    put: (...input) => primary.put(...input),
    delete: (...input) => primary.delete(...input),
    take: (...input) => primary.take(...input),
    allMetrics: async () => '',
  });
  const remote = linkToPrimary(ours, { ownMetrics: async () => [], drain: async () => {} });
  return new SharedStore({ remote, own, keepsCopies: false, onChange });
};

const sealer = new Sealer(['a secret of the tests']);

/** Two users of one store: what one writes the other reads. */
const kinds: readonly { name: string; isHere: boolean; two: () => Promise<readonly [Store, Store]> }[] = [
  {
    name: 'the process',
    isHere: true,
    two: async () => {
      const store = createLocalStore();
      return [store, store];
    },
  },
  {
    name: 'the primary',
    isHere: true,
    two: async () => {
      const primary = createLocalStore();
      return [workerOf(primary, noFallback), workerOf(primary, noFallback)];
    },
  },
  {
    name: hasRedis ? 'Redis' : 'Redis (redis-server is not installed)',
    isHere: hasRedis,
    two: async () => {
      const redis = await startRedis();
      toClose.push(redis.stop);
      const ready = async () => {
        const onChange = vi.fn();
        const store = createRedisStore({ url: redis.url, sealer, own: noFallback, onChange });
        toClose.push(() => store.close());
        await vi.waitFor(() => expect(onChange).toHaveBeenCalledWith(true, undefined));
        return store;
      };
      return [await ready(), await ready()];
    },
  },
];

for (const { name, isHere, two } of kinds) {
  describe.skipIf(!isHere)(`a store in ${name}`, () => {
    it('gives one what another has put, in the order of the keys, and null where there is nothing', async () => {
      const [one, other] = await two();
      await one.put(collection, ['a', 'b'], 'first');
      await one.put(collection, ['b'], 'späte 🍎');
      expect(await other.get(collection, ['b', 'c', 'a'])).toEqual(['späte 🍎', null, 'first']);
      expect(await other.get(collection, [])).toEqual([]);
    });

    it('keeps one collection out of another', async () => {
      const [one, other] = await two();
      await one.put(collection, ['a'], 'x');
      expect(await other.get({ ...collection, name: 'else' }, ['a'])).toEqual([null]);
    });

    it('deletes for both, and what is not there without complaint', async () => {
      const [one, other] = await two();
      await one.put(collection, ['a', 'b'], 'x');
      await other.delete(collection, ['a', 'never put']);
      await other.delete(collection, []);
      expect(await one.get(collection, ['a', 'b'])).toEqual([null, 'x']);
    });

    it('forgets in time what reading does not renew', async () => {
      const [one, other] = await two();
      const short: Collection = { ...collection, maxAge: 300, renewedByReading: false };
      await one.put(short, ['a'], 'x');
      await vi.waitFor(async () => expect(await other.get(short, ['a'])).toEqual([null]), {
        timeout: 10_000,
      });
    });

    it('counts both against one rate, each key against its own', async () => {
      const [one, other] = await two();
      // Slow enough to fill that no request comes back while this runs.
      const allowed = [];
      for (const store of [one, other, one, other]) allowed.push((await store.take('k', 3)).isAllowed);
      expect(allowed).toEqual([true, true, true, false]);
      const { isAllowed, left } = await one.take('else', 3);
      expect(isAllowed).toBe(true);
      expect(left).toBeCloseTo(2, 3);
      const refused = await other.take('k', 3);
      expect(refused.isAllowed).toBe(false);
      expect(refused.left).toBeLessThan(1);
    });

    it('does not let two take the same last request', async () => {
      const [one, other] = await two();
      const taken = await Promise.all(
        Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? one : other).take('k', 7)),
      );
      expect(taken.filter(({ isAllowed }) => isAllowed)).toHaveLength(7);
    });
  });
}

describe('a primary that does not answer', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is done without, which is reported once', async () => {
    vi.useFakeTimers();
    const [channel] = channels();
    const onChange = vi.fn();
    const remote = linkToPrimary(channel, { ownMetrics: async () => [], drain: async () => {} });
    const store = new SharedStore({ remote, own: createLocalStore(), keepsCopies: false, onChange });
    const put = store.put(collection, ['a'], 'x');
    await vi.advanceTimersByTimeAsync(1000);
    await put;
    // At once: it has just let one request wait in vain.
    expect(await store.get(collection, ['a'])).toEqual(['x']);
    expect((await store.take('k', 1)).isAllowed).toBe(true);
    expect(onChange.mock.calls).toEqual([[false, expect.any(Error)]]);
  });

  it('and one that fails is, until it works again', async () => {
    vi.useFakeTimers();
    const onChange = vi.fn();
    const primary = { ...createLocalStore(), put: broken('stuck').put };
    const own = createLocalStore();
    const store = workerOf(primary, own, onChange);
    const settled = async <Value>(work: Promise<Value>): Promise<Value> => {
      await vi.advanceTimersByTimeAsync(10);
      return work;
    };
    await settled(store.put(collection, ['a'], 'x'));
    expect(await own.get(collection, ['a'])).toEqual(['x']);
    expect(onChange.mock.calls).toEqual([[false, expect.any(Error)]]);

    // What it failed at has to work, not something else.
    await vi.advanceTimersByTimeAsync(1000);
    expect(await settled(store.get(collection, ['a']))).toEqual([null]);
    expect(onChange).toHaveBeenCalledTimes(1);
    primary.put = createLocalStore().put;
    await settled(store.put(collection, ['a'], 'x'));
    expect(onChange.mock.calls[1]).toEqual([true, undefined]);
  });
});

describe.skipIf(!hasRedis)('what lies in Redis', () => {
  it('can be read with the secret alone, and only under its own key', async () => {
    const redis = await startRedis();
    toClose.push(redis.stop);
    const open = async (secret: string) => {
      const onChange = vi.fn();
      const store = createRedisStore({
        url: redis.url,
        sealer: new Sealer([secret]),
        own: noFallback,
        onChange,
      });
      toClose.push(() => store.close());
      await vi.waitFor(() => expect(onChange).toHaveBeenCalledWith(true, undefined));
      return store;
    };
    const store = await open('a secret of the tests');
    await store.put(collection, ['a'], 'what was thought');
    const raw = createClient({ url: redis.url });
    await raw.connect();
    toClose.push(async () => raw.destroy());
    const [key = ''] = await raw.keys('*');
    const lies = (await raw.get(key)) ?? '';
    expect(Buffer.from(lies.replace('p1.', ''), 'base64url').toString()).not.toContain('thought');
    await raw.set(key.replace(/a$/, 'b'), lies);
    expect(await store.get(collection, ['a', 'b'])).toEqual(['what was thought', null]);
    expect(await (await open('another secret')).get(collection, ['a'])).toEqual([null]);
  });
});

describe('a Redis that is not there', () => {
  const withRedis = (url: string) => {
    const changes: [boolean, string | undefined][] = [];
    const store = createRedisStore({
      url,
      sealer,
      own: createLocalStore(),
      onChange: (isThere, reason) => changes.push([isThere, reason]),
    });
    toClose.push(() => store.close());
    return { store, changes };
  };

  const works = async (store: Store) => {
    await store.put(collection, ['a'], 'x');
    expect(await store.get(collection, ['a'])).toEqual(['x']);
    expect((await store.take('k', 1)).isAllowed).toBe(true);
    expect((await store.take('k', 1)).isAllowed).toBe(false);
  };

  it('refused: the process goes on alone, and says so once', async () => {
    const { store, changes } = withRedis('redis://127.0.0.1:1');
    await works(store);
    await vi.waitFor(() => expect(changes).toEqual([[false, 'ECONNREFUSED']]));
  });

  it('accepts and never answers: nobody waits for it', async () => {
    const { host, close } = await listen(createServer());
    toClose.push(close);
    await works(withRedis(`redis://${host}`).store);
  });

  it.skipIf(!hasRedis)('full: what it refuses is done here, and that is said once', async () => {
    const redis = await startRedis();
    toClose.push(redis.stop);
    const { store, changes } = withRedis(redis.url);
    await vi.waitFor(() => expect(changes).toEqual([[true, undefined]]));
    const operator = createClient({ url: redis.url });
    await operator.connect();
    await operator.configSet('maxmemory', '1');
    // It is asked again every second; reading works all the time.
    for (let round = 0; round < 2; round++) {
      await store.get(collection, ['b']);
      await store.put(collection, ['a'], 'x');
      expect(changes).toEqual([
        [true, undefined],
        [false, 'OOM'],
      ]);
      await new Promise((resolve) => setTimeout(resolve, 1100));
    }
    await operator.configSet('maxmemory', '0');
    await store.put(collection, ['a'], 'x');
    expect(changes.at(-1)).toEqual([true, undefined]);
    operator.destroy();
  });

  it.skipIf(!hasRedis)('wants another password: its word for that is told, not the password', async () => {
    const redis = await startRedis();
    toClose.push(redis.stop);
    const operator = createClient({ url: redis.url });
    await operator.connect();
    await operator.configSet('requirepass', 'right');
    operator.destroy();
    const { store, changes } = withRedis(redis.url.replace('//', '//:wrong@'));
    await works(store);
    await vi.waitFor(() => expect(changes).toEqual([[false, 'WRONGPASS']]));
  });

  it.skipIf(!hasRedis)(
    'gone without a word: the connection is given up for a new one',
    async () => {
      const redis = await startRedis();
      toClose.push(redis.stop);
      const isCut = new WeakSet<Socket>();
      const open = new Set<Socket>();
      const between = createServer((near) => {
        const far = connect(Number(new URL(redis.url).port), '127.0.0.1');
        for (const socket of [near, far]) open.add(socket.on('error', () => {}));
        near.on('data', (bytes) => far.write(bytes));
        far.on('data', (bytes) => isCut.has(near) || near.write(bytes));
      });
      const { host, close } = await listen(between);
      toClose.push(async () => {
        for (const socket of open) socket.destroy();
        await close();
      });
      const { store, changes } = withRedis(`redis://${host}`);
      await vi.waitFor(() => expect(changes).toEqual([[true, undefined]]));
      for (const socket of open) isCut.add(socket);
      await vi.waitFor(
        async () => {
          await store.take('k', 10);
          expect(changes).toEqual([
            [true, undefined],
            [false, 'TIMEOUT'],
            [true, undefined],
          ]);
        },
        { timeout: 25_000, interval: 200 },
      );
    },
    40_000,
  );

  it.skipIf(!hasRedis)(
    'stuck, gone and back again: alone meanwhile, together after',
    async () => {
      const first = await startRedis();
      const { store, changes } = withRedis(first.url);
      await vi.waitFor(() => expect(changes).toEqual([[true, undefined]]));
      await store.put(collection, ['a'], 'x');

      first.process.kill('SIGSTOP');
      await works(store);
      expect(changes).toEqual([
        [true, undefined],
        [false, 'TIMEOUT'],
      ]);

      await first.stop();
      const second = await startRedis(Number(new URL(first.url).port));
      toClose.push(second.stop);
      await vi.waitFor(() => expect(changes.at(-1)).toEqual([true, undefined]), { timeout: 15_000 });
      // A new one, which knows nothing: so it was asked.
      expect(await store.get(collection, ['a'])).toEqual([null]);
    },
    30_000,
  );
});
