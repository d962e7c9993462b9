import { describe, expect, it } from 'vitest';
import { createLocalStore } from '../../src/store/local.ts';

/** With a clock of its own. */
const setUp = (options: { maxSize?: number; maxAge?: number } = {}) => {
  let time = 0;
  const store = createLocalStore({ maxSize: 10_000, maxAge: 1000, ...options, now: () => time });
  const read = async (key: string) => (await store.read([key])).get(key);
  return { store, read, wait: (ms: number) => (time += ms) };
};

describe('the store in memory', () => {
  it('forgets what nobody asked for in time, and keeps what somebody did', async () => {
    const { store, read, wait } = setUp();
    await store.write(['kept', 'lost'], 'a');
    wait(900);
    expect(await read('kept')).toBe('a');
    wait(100);
    expect(await read('lost')).toBeUndefined();
    expect(await read('kept')).toBe('a');
  });

  it('stays within its size, the least recently used going first', async () => {
    const { store, read } = setUp({ maxSize: 3000 });
    await store.write(['1'], 'x'.repeat(1000));
    await store.write(['2'], 'x'.repeat(1000));
    await read('1');
    await store.write(['3'], 'x'.repeat(1000));
    expect(await read('2')).toBeUndefined();
    expect(await read('1')).toBeDefined();
    expect(store.size()).toBeLessThanOrEqual(3000);
  });

  it('a value larger than everything leaves it empty, not overfull', async () => {
    const { store } = setUp({ maxSize: 500 });
    await store.write(['1'], 'x'.repeat(1000));
    expect(store.size()).toBe(0);
  });

  it('writing again replaces, and the count comes back to nothing', async () => {
    const { store, read, wait } = setUp();
    for (let round = 0; round < 50; round++) await store.write(['1'], 'x'.repeat(100));
    expect(store.size()).toBeLessThan(500);
    wait(1000);
    expect(await read('1')).toBeUndefined();
    expect(store.size()).toBe(0);
  });
});
