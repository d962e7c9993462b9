import { beforeEach, describe, expect, it } from 'vitest';
import { useScripted, useServer, useSimulator } from '../support/fixtures.ts';
import { type ScriptedBlock, textBlock } from '../support/scripted-upstream.ts';
import { testKey } from '../support/server.ts';

type Fields = Record<string, unknown>;

const { upstream, server } = useScripted({ LOG_LEVEL: 'silent' }, ['anthropic']);

const hello = [{ role: 'user', content: 'Hello' }];
const answer: readonly ScriptedBlock[] = [
  { type: 'thinking', thinking: 'One thought. ', signature: 'sig-1' },
  { type: 'redacted_thinking', data: 'hidden-1' },
  { type: 'thinking', thinking: 'Another.', signature: 'sig-2' },
  textBlock('Hello there.'),
];
beforeEach(() => {
  upstream.answer({ blocks: answer, deltaLength: 7 });
});

const headersOf = (response: Response) => ({
  ignored: response.headers.get('x-ignored-params'),
  adjusted: response.headers.get('x-adjusted-params'),
});

const plain = async (body: Fields, at = server) => {
  const response = await at.post({ model: 'claude-4-5-haiku', messages: hello, ...body });
  const json = (await response.json()) as { choices?: { message: Fields }[]; error?: Fields };
  const message: Fields = json.choices?.[0]?.message ?? {};
  return { status: response.status, ...headersOf(response), message, error: json.error };
};

const deltasOf = async (body: Fields, at = server): Promise<Fields[]> => {
  const response = await at.post({ model: 'claude-4-5-haiku', messages: hello, stream: true, ...body });
  const frames = (await response.text()).split('\n\n').filter((frame) => frame.startsWith('data: {'));
  return frames.flatMap((frame) => {
    const { choices } = JSON.parse(frame.slice(6)) as { choices: { delta: Fields }[] };
    return choices.map(({ delta }) => delta);
  });
};

// Behaviour 5.1 to 5.4
describe("thinking asked for in OpenRouter's form", () => {
  it.each([
    {
      name: 'an effort is a budget on a model that takes one',
      body: { reasoning: { effort: 'high' }, max_tokens: 20_000 },
      sent: { thinking: { type: 'enabled', budget_tokens: 16_384 } },
    },
    {
      name: 'an effort shrinks to fit, as the word of `reasoning_effort` does',
      body: { reasoning: { effort: 'high' }, max_tokens: 3000 },
      sent: { thinking: { type: 'enabled', budget_tokens: 1500 } },
    },
    {
      name: 'max_tokens is the budget',
      body: { reasoning: { max_tokens: 2000 } },
      sent: { thinking: { type: 'enabled', budget_tokens: 2000 } },
    },
    {
      name: 'a number says more than a word beside it, and the word is reported',
      body: { reasoning: { max_tokens: 2000, effort: 'high' } },
      sent: { thinking: { type: 'enabled', budget_tokens: 2000 } },
      ignored: 'reasoning.effort',
    },
    {
      name: 'enabled alone has the usual budget',
      body: { reasoning: { enabled: true } },
      sent: { thinking: { type: 'enabled', budget_tokens: 4096 } },
    },
    {
      name: 'an effort is the effort of an adaptive model',
      body: { model: 'claude-opus-5-5', reasoning: { effort: 'xhigh' } },
      sent: {
        thinking: { type: 'adaptive', display: 'summarized' },
        output_config: { effort: 'xhigh' },
      },
    },
    {
      name: 'a number becomes an effort there',
      body: { model: 'claude-sonnet-5', reasoning: { max_tokens: 20_000, exclude: true } },
      sent: { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } },
    },
    {
      name: 'enabled: false switches it off where a model thinks of its own accord',
      body: { model: 'claude-sonnet-5', reasoning: { enabled: false } },
      sent: { thinking: { type: 'disabled' } },
    },
    {
      name: 'so does the effort none',
      body: { model: 'claude-sonnet-5', reasoning: { effort: 'none' } },
      sent: { thinking: { type: 'disabled' } },
    },
    {
      name: 'what cannot be switched off is set to its lowest, reported',
      body: { model: 'claude-opus-5-5', reasoning: { enabled: false } },
      sent: { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } },
      adjusted: 'reasoning',
    },
    { name: 'an empty form asks for nothing', body: { reasoning: {} }, sent: { thinking: undefined } },
    {
      name: 'extended_thinking wins',
      body: { reasoning: { effort: 'high' }, extended_thinking: { enabled: true, budget_tokens: 2000 } },
      sent: { thinking: { type: 'enabled', budget_tokens: 2000 } },
      ignored: 'reasoning',
    },
    {
      name: 'reasoning_effort wins',
      body: { reasoning: { effort: 'high' }, reasoning_effort: 'low' },
      sent: { thinking: { type: 'enabled', budget_tokens: 1024 } },
      ignored: 'reasoning',
    },
    {
      name: "Anthropic's own form wins",
      body: { reasoning: { effort: 'high' }, thinking: { type: 'enabled', budget_tokens: 3000 } },
      sent: { thinking: { type: 'enabled', budget_tokens: 3000 } },
      ignored: 'reasoning',
    },
    {
      name: 'the same wish in two forms is not ignored in either',
      body: { reasoning: { effort: 'low' }, reasoning_effort: 'low' },
      sent: { thinking: { type: 'enabled', budget_tokens: 1024 } },
    },
    {
      name: 'a model that does not think ignores it, reported',
      body: { model: 'claude-3-5-haiku', reasoning: { max_tokens: 2000 } },
      sent: { thinking: undefined },
      ignored: 'reasoning',
    },
    {
      name: 'an effort that cannot fit below the cap is dropped, reported',
      body: { reasoning: { effort: 'high' }, max_tokens: 1024 },
      sent: { thinking: undefined },
      ignored: 'reasoning',
    },
    {
      name: 'exclude alone decides nothing about thinking',
      body: { reasoning: { exclude: true } },
      sent: { thinking: undefined },
    },
  ])('$name', async ({ body, sent, ignored = null, adjusted = null }) => {
    expect(await plain(body)).toMatchObject({ status: 200, ignored, adjusted });
    const { thinking, output_config: output } = upstream.requests[0]?.body ?? {};
    expect({ thinking, ...(output === undefined ? {} : { output_config: output }) }).toEqual(sent);
  });

  it.each([
    { body: { reasoning: { max_tokens: 500 } }, says: ['500', '1024'], param: 'reasoning.max_tokens' },
    {
      body: { reasoning: { max_tokens: 5000 }, max_tokens: 4000 },
      says: ['5000', '4000'],
      param: 'reasoning.max_tokens',
    },
    { body: { reasoning: { max_tokens: 2000 }, max_tokens: 1024 }, says: ['1024'], param: 'reasoning' },
    { body: { reasoning: { effort: 'extreme' } }, says: ['xhigh'], param: 'reasoning.effort' },
    { body: { reasoning: 'high' }, says: ['object'], param: 'reasoning' },
  ])('a number is meant as it is said, and nonsense refused: $body', async ({ body, says, param }) => {
    const { status, error } = await plain(body);
    expect({ status, param: error?.param }).toEqual({ status: 400, param });
    for (const words of says) expect(error?.message).toContain(words);
    expect(upstream.requests).toHaveLength(0);
  });
});

const content = {
  reasoning_content: 'One thought. Another.',
  thinking_blocks: [
    { index: 0, type: 'thinking', thinking: 'One thought. ', signature: 'sig-1' },
    { index: 1, type: 'redacted_thinking', data: 'hidden-1' },
    { index: 2, type: 'thinking', thinking: 'Another.', signature: 'sig-2' },
  ],
};
const format = 'anthropic-claude-v1';
const openRouter = {
  reasoning: 'One thought. Another.',
  reasoning_details: [
    { type: 'reasoning.text', text: 'One thought. ', signature: 'sig-1', format, index: 0 },
    { type: 'reasoning.encrypted', data: 'hidden-1', format, index: 1 },
    { type: 'reasoning.text', text: 'Another.', signature: 'sig-2', format, index: 2 },
  ],
};
const reasoningOf = ({ reasoning_content, thinking_blocks, reasoning, reasoning_details }: Fields) => ({
  ...(reasoning_content === undefined ? {} : { reasoning_content }),
  ...(thinking_blocks === undefined ? {} : { thinking_blocks }),
  ...(reasoning === undefined ? {} : { reasoning }),
  ...(reasoning_details === undefined ? {} : { reasoning_details }),
});

interface Detail {
  readonly index: number;
  readonly type: string;
  readonly text?: string;
  readonly signature?: string;
}

/** As clients do that know OpenRouter: texts of one index joined, the rest as it comes. */
const accumulate = (deltas: readonly Fields[]): Fields => {
  let whole: Fields = {};
  const details = new Map<number, Detail>();
  for (const delta of deltas) {
    for (const key of ['reasoning_content', 'reasoning'] as const) {
      if (delta[key] !== undefined) whole = { ...whole, [key]: `${whole[key] ?? ''}${delta[key]}` };
    }
    if (delta.thinking_blocks !== undefined) {
      expect(whole.thinking_blocks, 'thinking_blocks come once').toBeUndefined();
      whole = { ...whole, thinking_blocks: delta.thinking_blocks };
    }
    for (const detail of (delta.reasoning_details as Detail[] | undefined) ?? []) {
      const before = details.get(detail.index);
      const text = detail.type === 'reasoning.text' ? { text: `${before?.text ?? ''}${detail.text}` } : {};
      details.set(detail.index, { ...before, ...detail, ...text });
    }
  }
  return details.size === 0 ? whole : { ...whole, reasoning_details: [...details.values()] };
};

// Behaviour 5.1, 5.6
describe('reasoning that is shown', () => {
  const thinks = { extended_thinking: { enabled: true, budget_tokens: 2000 } };
  const shown = { extended_thinking: { enabled: true, budget_tokens: 2000, include_reasoning: true } };
  const cases: { name: string; body: Fields; expected: Fields; ignored?: string }[] = [
    { name: 'is not, where nobody asks', body: thinks, expected: {} },
    { name: 'by extended_thinking', body: shown, expected: content },
    {
      name: 'by include_reasoning at the top',
      body: { ...thinks, include_reasoning: true },
      expected: content,
    },
    { name: 'alone, whatever there is', body: { include_reasoning: true }, expected: content },
    {
      name: "by OpenRouter's form, and then in its fields too",
      body: { reasoning: { effort: 'low' } },
      expected: { ...content, ...openRouter },
    },
    { name: 'by an empty one as well', body: { reasoning: {} }, expected: { ...content, ...openRouter } },
    { name: 'unless it says exclude', body: { reasoning: { effort: 'low', exclude: true } }, expected: {} },
    { name: 'or switches thinking off', body: { reasoning: { enabled: false } }, expected: {} },
    {
      name: 'an explicit false wins over that form',
      body: { reasoning: { effort: 'low' }, include_reasoning: false },
      expected: {},
    },
    {
      name: 'of two that disagree the first counts, and the other is reported',
      body: { ...shown, include_reasoning: false, reasoning: { exclude: true } },
      expected: content,
      ignored: 'include_reasoning, reasoning.exclude',
    },
  ];
  it.each(cases)('$name', async ({ body, expected, ignored = null }) => {
    const { message, ...rest } = await plain(body);
    expect(rest).toMatchObject({ status: 200, ignored, adjusted: null });
    expect(reasoningOf(message)).toEqual(expected);
    const deltas = await deltasOf(body);
    expect(accumulate(deltas)).toEqual(expected);
  });

  it('comes piece by piece, the signature last, the whole blocks once before the finish', async () => {
    const deltas = await deltasOf({ reasoning: { effort: 'low' } });
    const details = deltas.flatMap((delta) => (delta.reasoning_details as Detail[] | undefined) ?? []);
    expect(details.filter(({ index }) => index === 0)).toEqual([
      { type: 'reasoning.text', text: 'One tho', format, index: 0 },
      { type: 'reasoning.text', text: 'ught. ', format, index: 0 },
      { type: 'reasoning.text', text: '', signature: 'sig-1', format, index: 0 },
    ]);
    expect(deltas.findIndex((delta) => 'thinking_blocks' in delta)).toBe(deltas.length - 2);
  });

  it('asks for readable blocks where the model hides them', async () => {
    await plain({ model: 'claude-sonnet-5', include_reasoning: true });
    expect(upstream.requests[0]?.body.thinking).toEqual({ type: 'adaptive', display: 'summarized' });
  });
});

describe('SHOW_REASONING', () => {
  const open = useServer({
    upstream,
    played: ['anthropic'],
    env: { LOG_LEVEL: 'silent', SHOW_REASONING: 'on' },
  });

  it('shows it to clients who cannot send an extension, plain and streaming', async () => {
    expect(reasoningOf((await plain({ reasoning_effort: 'low' }, open)).message)).toEqual(content);
    expect(accumulate(await deltasOf({ reasoning_effort: 'low' }, open))).toEqual(content);
    await plain({ model: 'claude-opus-5-5' }, open);
    expect(upstream.requests.at(-1)?.body.thinking).toEqual({ type: 'adaptive', display: 'summarized' });
  });

  it.each([
    { include_reasoning: false },
    { extended_thinking: { enabled: true, include_reasoning: false } },
    { reasoning: { effort: 'low', exclude: true } },
    { model: 'claude-opus-5-5', thinking: { type: 'adaptive', display: 'omitted' } },
  ])('is beaten by an explicit wish: %j', async (body) => {
    expect(reasoningOf((await plain(body, open)).message)).toEqual({});
    expect(upstream.requests.at(-1)?.body.thinking?.display).toBeUndefined();
  });
});

describe('reasoning that Nova does not sign', () => {
  const nova = useServer({
    upstream: useSimulator(),
    played: ['bedrock'],
    env: { LOG_LEVEL: 'silent' },
  });

  it('stands in the texts alone, plain and streaming', async () => {
    const body = { model: 'nova-2-lite', reasoning: { effort: 'low' } };
    const { message } = await plain(body, nova);
    expect(message.reasoning).toBe(message.reasoning_content);
    expect(Object.keys(reasoningOf(message))).toEqual(['reasoning_content', 'reasoning']);
    const streamed = accumulate(await deltasOf(body, nova));
    expect(streamed).toEqual(reasoningOf(message));
  });
});

// Behaviour 5.7
describe("OpenRouter's details on their way back", () => {
  const details = openRouter.reasoning_details;
  const pieces = [
    { type: 'reasoning.text', text: 'One ', format, index: 0 },
    { type: 'reasoning.text', text: 'thought. ', format, index: 0 },
    { type: 'reasoning.text', text: '', signature: 'sig-1', format, index: 0 },
    details[1],
    { type: 'reasoning.text', text: 'Another.', format, index: 2 },
    { type: 'reasoning.text', signature: 'sig-2', format, index: 2 },
  ];
  it.each([
    { name: 'whole', given: details },
    { name: 'in the pieces of a stream', given: pieces },
  ])('are the blocks that they were, $name', async ({ given }) => {
    const tool = { type: 'function', function: { name: 'look', parameters: { type: 'object' } } };
    const call = { id: 'toolu_1', type: 'function', function: { name: 'look', arguments: '{}' } };
    const messages = [
      ...hello,
      { role: 'assistant', content: null, reasoning_details: given, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'toolu_1', content: 'seen' },
    ];
    const { ignored, adjusted } = await plain({ messages, tools: [tool], reasoning: { effort: 'low' } });
    expect({ ignored, adjusted }).toEqual({ ignored: null, adjusted: null });
    expect(upstream.requests[0]?.body.messages[1]?.content).toMatchObject([
      ...answer.slice(0, 3),
      { id: 'toolu_1' },
    ]);
  });
});

it('the description of the API names the parameters', async () => {
  const response = await fetch(`${server.url}/openapi.json`, {
    headers: { authorization: `Bearer ${testKey}` },
  });
  const text = await response.text();
  expect(text).toContain('include_reasoning');
  expect(text).toContain('OpenRouter');
});
