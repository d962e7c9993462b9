import { describe, expect, it } from 'vitest';
import type { ThinkingBlock } from '../../src/core/chat.ts';
import { createThinkingMemory } from '../../src/pipeline/thinking-memory.ts';
import { createLocalStore } from '../../src/store/local.ts';

const block = (thinking: string): ThinkingBlock => ({ type: 'thinking', thinking, signature: 's' });
const me = { client: 'me', model: 'm' };

const setUp = () => {
  const store = createLocalStore();
  const memory = createThinkingMemory(store);
  const recall = async (id: string, scope = me) => (await memory.recall(scope, [id]))(id);
  return { store, memory, recall };
};

describe('the memory of thinking', () => {
  it('gives every call of an answer all its blocks', async () => {
    const { memory } = setUp();
    const blocks = [block('a'), { type: 'redacted_thinking', data: 'd' } as const];
    await memory.remember(me, ['1', '2'], blocks);
    const recalled = await memory.recall(me, ['1', '2', '3']);
    expect(['1', '2', '3'].map(recalled)).toEqual([blocks, blocks, undefined]);
  });

  it.each([
    { client: 'other', model: 'm' },
    { client: 'me', model: 'other' },
    // Not by joining names either.
    { client: 'me\nm', model: '1' },
    { client: 'me","m', model: '1' },
  ])('is nobody else’s and no other model’s: %o', async (scope) => {
    const { memory, recall } = setUp();
    await memory.remember(me, ['1'], [block('a')]);
    expect(await recall('1', scope)).toBeUndefined();
  });

  it('no calls take no room', async () => {
    const { memory, store } = setUp();
    await memory.remember(me, [], [block('a')]);
    expect(store.bytes()).toBe(0);
  });

  it('knows a call that came without thinking from one it never saw', async () => {
    const { memory, recall } = setUp();
    await memory.remember(me, ['1'], []);
    expect(await recall('1')).toEqual([]);
    expect(await recall('2')).toBeUndefined();
  });

  it('an id that was not asked for is not known, whatever is remembered', async () => {
    const { memory } = setUp();
    await memory.remember(me, ['1'], [block('a')]);
    expect((await memory.recall(me, []))('1')).toBeUndefined();
    expect((await memory.recall(me, ['2']))('1')).toBeUndefined();
  });

  it('of a history without end only the latest calls are looked up', async () => {
    const { memory } = setUp();
    const ids = Array.from({ length: 600 }, (_, index) => `call_${index}`);
    await memory.remember(me, ids, [block('a')]);
    const recalled = await memory.recall(me, ids);
    expect(recalled('call_0')).toBeUndefined();
    expect(recalled('call_599')).toEqual([block('a')]);
  });

  it.each([
    'oops',
    '',
    'null',
    '5',
    '{}',
    '[null]',
    '[{"type":"thinking"}]',
    '[{"type":"text","text":"x"}]',
    '[{"type":"thinking","thinking":"a","signature":"s","cache_control":{}}]',
  ])('what is no thinking in a store that others use is nothing: %s', async (value) => {
    const memory = createThinkingMemory({
      ...createLocalStore(),
      get: async (_collection, keys) => keys.map(() => value),
    });
    expect((await memory.recall(me, ['1']))('1')).toBeUndefined();
  });

  it('is kept for an hour from its last use, not from its first', async () => {
    let now = 0;
    const memory = createThinkingMemory(createLocalStore({ now: () => now }));
    const recall = async () => (await memory.recall(me, ['1']))('1');
    await memory.remember(me, ['1'], [block('a')]);
    now += 3_599_000;
    expect(await recall()).toEqual([block('a')]);
    now += 3_599_000;
    expect(await recall()).toEqual([block('a')]);
    now += 3_600_000;
    expect(await recall()).toBeUndefined();
  });

  it('keeps ids and clients out of the store’s keys', async () => {
    const keys: string[] = [];
    const memory = createThinkingMemory({
      ...createLocalStore(),
      put: async (_collection, written) => void keys.push(...written),
    });
    await memory.remember(me, ['secret'.repeat(1000)], [block('a')]);
    expect(keys).toHaveLength(1);
    expect(keys[0]).toMatch(/^[\w-]{43}$/);
  });
});
