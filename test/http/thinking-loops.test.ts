import { describe, expect, it } from 'vitest';
import { useScripted, useServer, useSimulator } from '../support/fixtures.ts';
import { callBlock, type ScriptedBlock, textBlock } from '../support/scripted-upstream.ts';
import type { TestServer } from '../support/server.ts';

type Fields = Record<string, unknown>;

interface Reply {
  readonly status: number;
  readonly adjusted: string | null;
  readonly ignored: string | null;
  readonly message: Fields & { readonly content: string | null; readonly tool_calls?: { id: string }[] };
}

const question = { role: 'user', content: "What's the weather in Oslo?" };
const tools = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'Get current weather for a location',
      parameters: { type: 'object', properties: { location: { type: 'string' } } },
    },
  },
];

const ask = async (server: TestServer, body: Fields): Promise<Reply> => {
  const response = await server.post({ tools, ...body });
  const json = (await response.json()) as { choices?: { message: Reply['message'] }[] };
  return {
    status: response.status,
    adjusted: response.headers.get('x-adjusted-params'),
    ignored: response.headers.get('x-ignored-params'),
    message: json.choices?.[0]?.message ?? { content: JSON.stringify(json) },
  };
};

/** What a client that keeps nothing but the call sends back. */
const bare = ({ content, tool_calls }: Reply['message']) => ({ role: 'assistant', content, tool_calls });
const resultOf = ({ tool_calls: calls }: Reply['message']) => ({
  role: 'tool',
  tool_call_id: calls?.[0]?.id,
  content: '3 degrees',
});

// ---- what the model did -----------------------------------------------------------------------------

const thought: ScriptedBlock = { type: 'thinking', thinking: 'Let me look.', signature: 'sig-1' };
const call = (id: string): ScriptedBlock => callBlock('get_weather', { location: 'Oslo' }, { id });

// Behaviour 5.8
describe('a tool loop in which the model calls a tool without thinking first', () => {
  const { upstream, server } = useScripted({ LOG_LEVEL: 'silent' }, ['anthropic']);

  /** Ten turns, the model thinking before those that `thinks` says. */
  const loop = async (body: Fields, thinks: (turn: number) => boolean) => {
    upstream.answer((_, count) => ({
      blocks: [
        ...(thinks(count) ? [thought] : []),
        count < 10 ? call(`toolu_${crypto.randomUUID()}`) : textBlock('Three degrees.'),
      ],
    }));
    const messages: unknown[] = [question];
    for (let turn = 1; turn <= 10; turn += 1) {
      const reply = await ask(server, { ...body, messages, allow_ignored_params: false });
      expect(reply, `turn ${turn}`).toMatchObject({ status: 200, adjusted: null, ignored: null });
      messages.push(bare(reply.message), resultOf(reply.message));
    }
    return upstream.requests.map((asked) => asked.body.thinking);
  };

  it.each([
    { model: 'claude-sonnet-5', body: {}, thinking: undefined },
    { model: 'claude-haiku-5-5', body: { reasoning_effort: 'low' }, thinking: { type: 'adaptive' } },
    { model: 'claude-opus-4-8', body: { reasoning_effort: 'high' }, thinking: { type: 'adaptive' } },
    { model: 'claude-sonnet-4-6', body: { reasoning_effort: 'high' }, thinking: { type: 'adaptive' } },
    { model: 'claude-opus-5-5', body: {}, thinking: undefined },
  ])('goes on thinking on $model, which is adaptive', async ({ model, body, thinking }) => {
    const sent = await loop({ model, ...body }, (turn) => turn % 3 === 0);
    expect(sent).toEqual(Array.from({ length: 10 }, () => thinking));
    // What there was of it is there again.
    const turns = upstream.requests.at(-1)?.body.messages.filter(({ role }) => role === 'assistant') ?? [];
    const heads = turns.map(({ content }) => (typeof content === 'string' ? '' : content[0]?.type));
    expect(heads.filter((type) => type === 'thinking')).toHaveLength(3);
  });

  it.each([
    { name: 'once, as such models do', thinks: (turn: number) => turn === 1 },
    { name: 'now and then', thinks: (turn: number) => turn === 1 || turn % 4 === 0 },
    { name: 'never, although it was told to', thinks: () => false },
  ])('goes on thinking by budget, where the model thinks $name', async ({ thinks }) => {
    const body = { model: 'claude-4-5-sonnet', extended_thinking: { enabled: true, budget_tokens: 2000 } };
    const sent = await loop(body, thinks);
    expect(sent).toEqual(Array.from({ length: 10 }, () => ({ type: 'enabled', budget_tokens: 2000 })));
  });

  it('is asked once more without thinking where the upstream demands the block after all', async () => {
    upstream.answer((body, count) => {
      if (count === 1) return { blocks: [call('toolu_unthought')] };
      if (body.thinking === undefined) return { blocks: [textBlock('Three.')] };
      const message =
        'messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.';
      return { error: { type: 'invalid_request_error', message } };
    });
    const body = { model: 'claude-4-5-sonnet', reasoning_effort: 'medium' };
    const first = await ask(server, { ...body, messages: [question] });
    const messages = [question, bare(first.message), resultOf(first.message)];
    expect(await ask(server, { ...body, messages })).toMatchObject({
      status: 200,
      adjusted: 'reasoning_effort',
      message: { content: 'Three.' },
    });
    expect(upstream.requests).toHaveLength(3);
  });

  it('knows the first call of a loop that is longer than the memory looks back', async () => {
    upstream.answer((_, count) => ({
      blocks: count === 1 ? [thought, call('toolu_first')] : [textBlock('Three.')],
    }));
    const body = {
      model: 'claude-4-5-haiku',
      extended_thinking: { enabled: true, budget_tokens: 2000 },
    };
    const first = await ask(server, { ...body, messages: [question] });
    const later = Array.from({ length: 600 }, (_, index) => ({
      content: null,
      tool_calls: [
        { id: `toolu_${index}`, type: 'function', function: { name: 'get_weather', arguments: '{}' } },
      ],
    })).flatMap((message) => [bare(message as Reply['message']), resultOf(message as Reply['message'])]);
    const messages = [question, bare(first.message), resultOf(first.message), ...later];
    expect(await ask(server, { ...body, messages })).toMatchObject({ status: 200, adjusted: null });
    const { thinking, messages: sent = [] } = upstream.requests.at(-1)?.body ?? {};
    expect(thinking?.type).toBe('enabled');
    expect(sent[1]?.content[0]).toEqual(thought);
  });
});

// ---- what the API takes -----------------------------------------------------------------------------

describe.each(['anthropic', 'bedrock'] as const)('the strict simulator by way of %s', (upstream) => {
  const simulator = useSimulator();
  const server = useServer({ upstream: simulator, played: [upstream], env: { LOG_LEVEL: 'silent' } });

  const budget = { extended_thinking: { enabled: true, budget_tokens: 2000 } };
  const rows = [
    { model: 'claude-4-5-sonnet', body: budget },
    { model: 'claude-4-5-haiku', body: budget },
    { model: 'claude-opus-4-5', body: budget },
    { model: 'claude-sonnet-4-6', body: budget },
    { model: 'claude-sonnet-4-6', body: { reasoning_effort: 'high' } },
    { model: 'claude-opus-4-7', body: { reasoning_effort: 'low' } },
    { model: 'claude-opus-4-8', body: { reasoning_effort: 'high' } },
    { model: 'claude-sonnet-5', body: {} },
    { model: 'claude-opus-5', body: {} },
    { model: 'claude-haiku-5-5', body: budget },
    { model: 'claude-sonnet-5-5', body: {} },
    { model: 'claude-opus-5-5', body: {} },
    { model: 'claude-fable-5-2', body: {} },
  ];

  it.each(rows)(
    'takes ten turns of $model whose later calls came without thinking',
    async ({ model, body }) => {
      const first = await ask(server, { model, ...body, messages: [question] });
      expect(first.message.tool_calls).toHaveLength(1);
      const messages: unknown[] = [question, bare(first.message), resultOf(first.message)];
      for (let turn = 2; turn <= 10; turn += 1) {
        const reply = await ask(server, { model, ...body, messages, allow_ignored_params: false });
        expect(reply, `turn ${turn}`).toMatchObject({ status: 200, adjusted: null, ignored: null });
        const id = `call_${model}_${turn}`;
        const unthought = { id, type: 'function', function: { name: 'get_weather', arguments: '{}' } };
        messages.push(
          { role: 'assistant', content: null, tool_calls: [unthought] },
          { role: 'tool', tool_call_id: id, content: '4 degrees' },
        );
      }
    },
  );

  it.each(rows)(
    'thinks before some answers of a loop and not before others: $model',
    async ({ model, body }) => {
      const thoughtAbout = new Set<boolean>();
      const first = await ask(server, { model, ...body, messages: [question], include_reasoning: true });
      expect(first.message).toHaveProperty('thinking_blocks');
      for (const content of ['1 degree', '2 degrees', '3 degrees', '4 degrees', '5 degrees', '6 degrees']) {
        const messages = [question, bare(first.message), { ...resultOf(first.message), content }];
        const { message } = await ask(server, { model, ...body, messages, include_reasoning: true });
        thoughtAbout.add('thinking_blocks' in message);
      }
      const byBudget = 'extended_thinking' in body && model !== 'claude-haiku-5-5';
      expect([...thoughtAbout].sort()).toEqual(byBudget ? [false] : [false, true]);
    },
  );

  // Behaviour 3.7: the blocks as they were given, with the index they have in our reply.
  it.each(rows)('takes thinking_blocks back as content parts: $model', async ({ model, body }) => {
    const first = await ask(server, { model, ...body, messages: [question], include_reasoning: true });
    const { thinking_blocks, ...message } = first.message;
    const kept = { ...bare({ ...message, content: null }), content: thinking_blocks };
    const messages = [question, kept, resultOf(first.message)];
    const reply = await ask(server, { model, ...body, messages, allow_ignored_params: false });
    expect(reply).toMatchObject({ status: 200, adjusted: null, ignored: null });
  });

  it.each([
    { model: 'claude-4-5-haiku', adjusted: 'reasoning_effort' },
    { model: 'claude-sonnet-4-6', adjusted: 'messages' },
    { model: 'claude-opus-5', adjusted: 'messages' },
    { model: 'claude-sonnet-5-5', adjusted: 'messages' },
  ])('says what altered blocks cost on $model: $adjusted', async ({ model, adjusted }) => {
    const body = { model, reasoning_effort: 'medium' };
    const first = await ask(server, { ...body, messages: [question], include_reasoning: true });
    const altered = [{ type: 'thinking', thinking: 'I never thought so.', signature: 'AAAA' }];
    const kept = { ...bare(first.message), thinking_blocks: altered };
    const reply = await ask(server, { ...body, messages: [question, kept, resultOf(first.message)] });
    expect(reply).toMatchObject({ status: 200, adjusted, ignored: null });
  });
});
