import { describe, expect, it } from 'vitest';
import type { AskTurn } from '../../src/core/ask.ts';
import type { Part, ThinkingBlock, Tool } from '../../src/core/chat.ts';
import { textPart } from '../../src/core/message-text.ts';
import type { RememberedAnswer } from '../../src/core/remembered-answer.ts';
import { type Scope, ThinkingMemory } from '../../src/pipeline/thinking-memory.ts';
import { createLocalStore } from '../../src/store/local.ts';

const block = (signature: string): ThinkingBlock => ({ type: 'thinking', thinking: '', signature });
const me: Scope = { client: 'me', model: 'm' };

const answer = (calls: readonly string[], ...blocks: readonly ThinkingBlock[]): RememberedAnswer => ({
  pieces: [
    ...blocks.map((each) => ({ type: 'thinking-block' as const, block: each })),
    { type: 'text', length: 3 },
    ...calls.map((id) => ({ type: 'tool-call' as const, id })),
  ],
  lines: [
    { type: 'words', text: 'Continue.' },
    { type: 'call-instruction', isDemanded: true, tools: ['f'] },
  ],
  previous: 'before',
  upstream: 'anthropic',
});

const call = (id: string): Part => ({ type: 'tool-call', id, name: 'f', input: {} });
const thought = (each: ThinkingBlock): Part => ({ type: 'thinking-block', block: each });
const said = (...parts: Part[]): AskTurn => ({ role: 'assistant', parts });
const user: AskTurn = { role: 'user', parts: [textPart('x')] };
const everyKey = { tools: undefined, byBlocks: true };
const callsAlone = { tools: undefined, byBlocks: false };

const setUp = (now = () => 0) => {
  const store = createLocalStore({ now });
  const memory = new ThinkingMemory(store);
  const byCall = async (id: string, scope = me) =>
    (await memory.recall(scope, { turns: [said(call(id))] }, false)).byCall(id);
  return { store, memory, byCall };
};

describe('the memory of thinking', () => {
  it('finds an answer by each of its calls, as one and the same', async () => {
    const { memory } = setUp();
    const given = answer(['1', '2'], block('a'), { type: 'redacted_thinking', data: 'd' });
    await memory.remember(me, given, callsAlone);
    const { byCall } = await memory.recall(me, { turns: [said(call('1'), call('2'), call('3'))] }, false);
    expect(byCall('1')).toEqual(given);
    expect(byCall('2')).toBe(byCall('1'));
    expect(byCall('3')).toBeUndefined();
  });

  it('finds one by its blocks where that is wanted: a final answer has no calls', async () => {
    const { memory } = setUp();
    await memory.remember(me, answer([], block('a'), block('b')), everyKey);
    await memory.remember(me, answer(['1'], block('c')), callsAlone);
    const turns = [said(thought(block('b'))), said(thought(block('c')))];
    const { byBlock } = await memory.recall(me, { turns }, false);
    expect(byBlock(block('b'))).toEqual(answer([], block('a'), block('b')));
    expect(byBlock(block('c'))).toBeUndefined();
  });

  it.each<Scope>([
    { client: 'other', model: 'm' },
    { client: 'me', model: 'other' },
    // Not by joining names either.
    { client: 'me\nm', model: '1' },
    { client: 'me","m', model: '1' },
  ])('shows it to no other client and no other model: %o', async (scope) => {
    const { memory, byCall } = setUp();
    await memory.remember(me, answer(['1'], block('a')), everyKey);
    expect(await byCall('1', scope)).toBeUndefined();
  });

  it('takes no room for what could not be found again', async () => {
    const { memory, store } = setUp();
    await memory.remember(me, answer([], block('a')), callsAlone);
    await memory.remember(me, answer([]), everyKey);
    expect(store.bytes()).toBe(0);
  });

  it('knows an answer that came without thinking from one it never saw', async () => {
    const { memory, byCall } = setUp();
    await memory.remember(me, answer(['1']), callsAlone);
    expect(await byCall('1')).toEqual(answer(['1']));
    expect(await byCall('2')).toBeUndefined();
  });

  it('of a history without end looks up only the latest answers, and the first one after the user’s last words', async () => {
    const { memory } = setUp();
    const ids = Array.from({ length: 4100 }, (_, index) => `call_${index}`);
    for (const id of ['call_0', 'call_1', 'call_4099'])
      await memory.remember(me, answer([id], block('a')), callsAlone);
    const { byCall } = await memory.recall(me, { turns: [user, ...ids.map((id) => said(call(id)))] }, false);
    expect(byCall('call_1')).toBeUndefined();
    expect(byCall('call_0')).toBeDefined();
    expect(byCall('call_4099')).toBeDefined();
  });

  const tools: readonly Tool[] = [
    { name: 'f', description: 'd', parameters: { type: 'object' }, strict: true },
    { name: 'g', parameters: {}, strict: false },
  ];

  it('knows the tools that the newest known answer was asked for with', async () => {
    const { memory } = setUp();
    const known = await memory.rememberTools(me, tools);
    await memory.remember(me, answer(['1']), { tools: known, byBlocks: true });
    await memory.remember(me, answer(['2']), everyKey);
    const turns = [said(call('1')), user, said(call('2')), user];
    expect((await memory.recall(me, { turns }, true)).tools).toEqual(tools);
    expect((await memory.recall(me, { turns }, false)).tools).toEqual([]);
    expect((await memory.recall({ ...me, client: 'other' }, { turns }, true)).tools).toEqual([]);
  });

  it.each([
    'oops',
    '',
    'null',
    '5',
    '[]',
    '{}',
    JSON.stringify({ ...answer(['1']), pieces: [{ type: 'thinking' }] }),
    JSON.stringify({ ...answer(['1']), lines: [null] }),
    JSON.stringify({ ...answer(['1']), previous: 5 }),
    JSON.stringify({ ...answer(['1']), extra: 1 }),
  ])('what is no answer in a store that others use is nothing: %s', async (value) => {
    const memory = new ThinkingMemory({
      ...createLocalStore(),
      get: async (_collection, keys) => keys.map(() => value),
    });
    const recalled = await memory.recall(me, { turns: [said(call('1'))] }, true);
    expect([recalled.byCall('1'), recalled.tools]).toEqual([undefined, []]);
  });

  it('keeps an answer for an hour from its last use, not from its first', async () => {
    let now = 0;
    const { memory, byCall } = setUp(() => now);
    await memory.remember(me, answer(['1']), callsAlone);
    for (const wait of [3_599_000, 3_599_000]) {
      now += wait;
      expect(await byCall('1')).toBeDefined();
    }
    now += 3_600_000;
    expect(await byCall('1')).toBeUndefined();
  });

  it('keeps ids and clients out of the store’s keys', async () => {
    const keys: string[] = [];
    const memory = new ThinkingMemory({
      ...createLocalStore(),
      put: async (_collection, written) => void keys.push(...written),
    });
    await memory.remember(me, answer(['secret'.repeat(1000)], block('secret')), everyKey);
    expect(keys).toEqual([expect.stringMatching(/^[\w-]{43}$/), expect.stringMatching(/^[\w-]{43}$/)]);
  });
});
