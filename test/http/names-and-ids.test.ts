/** Names of tools and ids of calls that an upstream does not take, in request after request. Behaviour 4.2. */

import { describe, expect, it } from 'vitest';
import { useScripted } from '../support/fixtures.ts';
import type { Fields } from '../support/replay.ts';
import { callBlock } from '../support/scripted-upstream.ts';

const { upstream, server } = useScripted({ MAX_RETRIES: '0' });

const models = ['claude-4-5-haiku', 'nova-lite'] as const;
const fn = (name: string) => ({ type: 'function', function: { name } });
const question = { role: 'user', content: 'Go on.' };

const turn = (id: string, name: string, args: unknown, result = 'done') => [
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id, type: 'function', function: { name, arguments: JSON.stringify(args) } }],
  },
  { role: 'tool', tool_call_id: id, content: result },
];

interface Sent {
  readonly tools: readonly string[];
  readonly calls: readonly { readonly id: string; readonly name: string }[];
  readonly results: readonly string[];
}

/** The names and ids of a request, in whichever wire. */
const sentNames = (body: Fields): Sent => {
  const {
    tools = [],
    toolConfig,
    messages,
  } = body as {
    tools?: { name: string }[];
    toolConfig?: { tools: { toolSpec: { name: string } }[] };
    messages: { content: Fields[] | string }[];
  };
  const blocks = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content));
  const calls = blocks.flatMap(({ type, id, name, toolUse }) => {
    const { toolUseId, name: sentName } = (toolUse ?? {}) as Fields;
    return type === 'tool_use' || toolUse !== undefined
      ? [{ id: String(id ?? toolUseId), name: String(name ?? sentName) }]
      : [];
  });
  const results = blocks.flatMap(({ tool_use_id: id, toolResult }) => {
    const sent = id ?? ((toolResult ?? {}) as Fields).toolUseId;
    return sent === undefined ? [] : [String(sent)];
  });
  return {
    tools: [
      ...tools.map(({ name }) => name),
      ...(toolConfig?.tools ?? []).map(({ toolSpec }) => toolSpec.name),
    ],
    calls,
    results,
  };
};

const ask = async (body: Fields): Promise<Sent> => {
  const response = await server.post(body);
  expect(response.status, await response.text()).toBe(200);
  return sentNames(upstream.requests.at(-1)?.body ?? {});
};

describe.each(models)('names of tools outside the rule of %s', (model) => {
  it('get the same replacement whatever else is declared', async () => {
    const name = 'files/read it';
    const alone = await ask({ model, messages: [question], tools: [fn(name)] });
    const beside = await ask({ model, messages: [question], tools: [fn('files_read_it'), fn(name)] });
    expect(beside.tools[1]).toBe(alone.tools[0]);
    expect(alone.tools[0]).toMatch(/^files_read_it_[0-9a-f]{8}$/);
    expect(beside.tools[0]).toBe('files_read_it');
  });

  it('do not collide with a name that is written like a replacement', async () => {
    const {
      tools: [replacement = ''],
    } = await ask({ model, messages: [question], tools: [fn('a/b')] });
    const { tools } = await ask({ model, messages: [question], tools: [fn(replacement), fn('a/b')] });
    expect(new Set(tools).size).toBe(2);
    expect(tools[0]).toBe(replacement);
  });

  it('are restored, plain and streamed', async () => {
    const long = `mcp.${'x'.repeat(90)}`;
    upstream.answer((body) => ({ blocks: [callBlock(sentNames(body).tools[0] ?? '')] }));
    for (const stream of [false, true]) {
      const text = await (
        await server.post({ model, messages: [question], tools: [fn(long)], stream })
      ).text();
      expect(text).toContain(`"name":"${long}"`);
    }
    expect(upstream.requests.map(({ body }) => sentNames(body).tools[0]?.length)).toEqual([64, 64]);
  });
});

describe('ids of calls', () => {
  it.each([
    { model: 'claude-4-5-haiku', id: 'toolu_01-A', sent: 'toolu_01-A' },
    { model: 'claude-4-5-haiku', id: 'functions.read:0', sent: /^call_[0-9a-f]{24}$/ },
    { model: 'nova-lite', id: 'functions.read:0', sent: 'functions.read:0' },
    { model: 'nova-lite', id: 'call/1', sent: /^call_[0-9a-f]{24}$/ },
    { model: 'nova-lite', id: 'c'.repeat(65), sent: /^call_[0-9a-f]{24}$/ },
  ])('$id is what $model takes, or the same replacement in call and result', async ({ model, id, sent }) => {
    const messages = [question, ...turn(id, 'f', {})];
    const { calls, results } = await ask({ model, messages, tools: [fn('f')] });
    expect(calls[0]?.id).toEqual(typeof sent === 'string' ? sent : expect.stringMatching(sent));
    expect(results).toEqual([calls[0]?.id]);
  });

  it.each(models)(
    'that a client counts anew in every turn stay when older turns are cut off (%s)',
    async (model) => {
      const turns = [1, 2, 3, 4].map((n) => turn('call_0', 'f', { n }));
      const idsOf = async (kept: readonly (readonly object[])[]) => {
        const { calls, results } = await ask({
          model,
          messages: [question, ...kept.flat()],
          tools: [fn('f')],
        });
        const ids = calls.map(({ id }) => id);
        expect(results).toEqual(ids);
        expect(new Set(ids).size).toBe(ids.length);
        return ids;
      };
      const whole = await idsOf(turns);
      // The first of an id keeps it; all others say the same in every request.
      expect(whole[0]).toBe('call_0');
      expect(await idsOf(turns.slice(0, 3))).toEqual(whole.slice(0, 3));
      expect((await idsOf(turns.slice(1))).slice(1)).toEqual(whole.slice(2));
      expect((await idsOf(turns.slice(2))).slice(1)).toEqual(whole.slice(3));
    },
  );

  it.each(models)('of function_call stay when older turns are cut off (%s)', async (model) => {
    const legacy = (n: number) => [
      { role: 'assistant', content: null, function_call: { name: 'f', arguments: `{"n":${n}}` } },
      { role: 'function', name: 'f', content: String(n) },
    ];
    const body = { model, functions: [{ name: 'f' }] };
    const whole = await ask({ ...body, messages: [question, ...legacy(1), ...legacy(2), ...legacy(3)] });
    const cut = await ask({ ...body, messages: [question, ...legacy(2), ...legacy(3)] });
    expect(cut.calls).toEqual(whole.calls.slice(1));
    expect(cut.results).toEqual(whole.results.slice(1));
  });
});
