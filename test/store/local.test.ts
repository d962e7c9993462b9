import { describe, expect, it } from 'vitest';
import { createLocalStore } from '../../src/store/local.ts';
import type { Collection } from '../../src/store/store.ts';

const renewed: Collection = { name: 'renewed', maxAge: 1000, renewedByReading: true, maxBytes: 3000 };
const fixed: Collection = { ...renewed, name: 'fixed', renewedByReading: false };

/** With a clock of its own. */
const setUp = () => {
  let time = 0;
  const store = createLocalStore({ now: () => time });
  const get = async (collection: Collection, key: string) => (await store.get(collection, [key]))[0];
  return { store, get, wait: (ms: number) => (time += ms) };
};

describe('the store in memory', () => {
  it('forgets what is not read in time, and keeps what is', async () => {
    const { store, get, wait } = setUp();
    await store.put(renewed, ['kept', 'lost'], 'a');
    wait(900);
    expect(await get(renewed, 'kept')).toBe('a');
    wait(100);
    expect(await get(renewed, 'lost')).toBeNull();
    expect(await get(renewed, 'kept')).toBe('a');
  });

  it('forgets what reading does not renew in time, however often it is read', async () => {
    const { store, get, wait } = setUp();
    await store.put(fixed, ['a'], 'a');
    wait(900);
    expect(await get(fixed, 'a')).toBe('a');
    wait(100);
    expect(await get(fixed, 'a')).toBeNull();
    expect(store.bytes()).toBe(0);
  });

  it.each([
    {
      name: 'the least recently used goes first where reading renews',
      collection: renewed,
      left: ['1', '3'],
    },
    { name: 'the oldest goes first where it does not', collection: fixed, left: ['2', '3'] },
  ])('stays within its bytes: $name', async ({ collection, left }) => {
    const { store, get } = setUp();
    await store.put(collection, ['1'], 'x'.repeat(1000));
    await store.put(collection, ['2'], 'x'.repeat(1000));
    await get(collection, '1');
    await store.put(collection, ['3'], 'x'.repeat(1000));
    const values = await store.get(collection, ['1', '2', '3']);
    expect(['1', '2', '3'].filter((_key, index) => values[index] !== null)).toEqual(left);
    expect(store.bytes()).toBeLessThanOrEqual(3000);
  });

  it('counts bytes, not characters', async () => {
    const { store, get } = setUp();
    await store.put(fixed, ['1'], '語'.repeat(900));
    await store.put(fixed, ['2'], 'x'.repeat(900));
    expect(await get(fixed, '1')).toBeNull();
    expect(await get(fixed, '2')).not.toBeNull();
  });

  it('bounds the number of entries by what each costs beside its text', async () => {
    const { store } = setUp();
    const keys = Array.from({ length: 1000 }, (_, index) => String(index));
    await store.put(fixed, keys, '');
    const held = (await store.get(fixed, keys)).filter((value) => value !== null);
    expect(held.length).toBeGreaterThan(0);
    expect(held.length).toBeLessThanOrEqual(15);
  });

  it('lets no collection take the room of another', async () => {
    const { store, get } = setUp();
    await store.put(fixed, ['a'], 'kept');
    for (const key of ['1', '2', '3', '4']) await store.put(renewed, [key], 'x'.repeat(2000));
    expect(await get(fixed, 'a')).toBe('kept');
    expect(await get(renewed, 'a')).toBeNull();
  });

  it('is left empty, not overfull, by a value larger than everything', async () => {
    const { store } = setUp();
    await store.put(fixed, ['1'], 'x'.repeat(4000));
    expect(store.bytes()).toBe(0);
  });

  it('counts back to nothing after replacing and deleting', async () => {
    const { store } = setUp();
    for (let round = 0; round < 50; round++) await store.put(fixed, ['1'], 'x'.repeat(100));
    expect(store.bytes()).toBeLessThan(500);
    await store.delete(fixed, ['1', 'never put']);
    expect(store.bytes()).toBe(0);
  });
});
