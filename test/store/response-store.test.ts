/** What is kept of responses: by client, with what they go on from, within its bytes. Behaviour 12.6. */

import { describe, expect, it } from 'vitest';
import { echoOf, toResponse } from '../../src/api/responses/response-object.ts';
import { createLocalStore } from '../../src/store/local.ts';
import { ResponseStore, type StoredResponse } from '../../src/store/response-store.ts';

const base = (number: number): string => number.toString(16).padStart(40, '0');

const stored = (number: number, parents: readonly number[] = []): StoredResponse => {
  const id = `resp_${base(number)}`;
  const output = [
    {
      type: 'message',
      id: `msg_${base(number)}0000`,
      status: 'completed',
      role: 'assistant',
      content: [{ type: 'output_text', text: `Answer ${number}.`, annotations: [], logprobs: [] }],
    },
  ];
  return {
    id,
    parents: parents.map((parent) => `resp_${base(parent)}`),
    input: [
      { type: 'message', role: 'user', content: `Question ${number}.`, id: `msg_${base(number)}i0000` },
    ],
    response: toResponse(
      { id, createdAt: 1, echo: echoOf({ model: 'claude-haiku-4-5' }, { tools: undefined, isStored: true }) },
      {
        status: 'completed',
        completedAt: 2,
        output,
        usage: { input: 10, cacheRead: 0, cacheWrite: 0, output: 5 },
        error: null,
        incomplete: null,
        removed: [],
      },
    ),
  };
};

const setUp = (maxBytes = 64 * 1024 * 1024) => {
  const local = createLocalStore();
  return { local, store: new ResponseStore(local, { maxAge: 3_600_000, maxBytes }) };
};

describe('stored responses', () => {
  it('hold what they go on from, the oldest first', async () => {
    const { store } = setUp();
    for (const each of [stored(1), stored(2, [1]), stored(3, [1, 2])]) await store.put('me', each);
    const chain = await store.chain('me', `resp_${base(3)}`);
    expect(chain?.map(({ id }) => id)).toEqual([1, 2, 3].map((number) => `resp_${base(number)}`));
  });

  it('cannot be gone on from where one of those is not there any more', async () => {
    const { store } = setUp();
    for (const each of [stored(1), stored(2, [1]), stored(3, [1, 2])]) await store.put('me', each);
    expect(await store.delete('me', `resp_${base(1)}`)).toBe(true);
    expect(await store.chain('me', `resp_${base(3)}`)).toBeUndefined();
    expect(await store.get('me', `resp_${base(3)}`)).toBeDefined();
  });

  it('have their items by id, of input and output, of any of them', async () => {
    const { store } = setUp();
    for (const each of [stored(1), stored(2)]) await store.put('me', each);
    const ids = [`msg_${base(1)}0000`, `msg_${base(2)}i0000`, 'msg_nothing', `msg_${base(9)}0000`];
    expect([...(await store.items('me', ids)).keys()]).toEqual(ids.slice(0, 2));
  });

  it('are nothing to another client', async () => {
    const { store } = setUp();
    await store.put('me', stored(1));
    expect(await store.get('you', `resp_${base(1)}`)).toBeUndefined();
    expect(await store.delete('you', `resp_${base(1)}`)).toBe(false);
    expect((await store.items('you', [`msg_${base(1)}0000`])).size).toBe(0);
  });

  it('of which there are 10,000 stay within their bytes, and all of them are there', async () => {
    const { local, store } = setUp();
    for (let number = 0; number < 10_000; number += 1) await store.put('me', stored(number));
    expect(local.bytes()).toBeLessThanOrEqual(64 * 1024 * 1024);
    expect(await store.get('me', `resp_${base(0)}`)).toBeDefined();
    expect(await store.get('me', `resp_${base(9999)}`)).toBeDefined();
  });

  it('go, the oldest first, where there is no room for more', async () => {
    const { local, store } = setUp(100_000);
    for (let number = 0; number < 1000; number += 1) await store.put('me', stored(number));
    expect(local.bytes()).toBeLessThanOrEqual(100_000);
    expect(await store.get('me', `resp_${base(0)}`)).toBeUndefined();
    expect(await store.get('me', `resp_${base(999)}`)).toBeDefined();
  });
});
