import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream';
import { describe, expect, it, vi } from 'vitest';
import { createChunkEncoder } from '../../../src/api/chat-completions/chunks.ts';
import { toCompletion } from '../../../src/api/chat-completions/completion.ts';
import type { ReplyOptions } from '../../../src/api/chat-completions/reply.ts';
import { StreamHead } from '../../../src/api/chat-completions/stream-head.ts';
import type { ChatEvent, Cost } from '../../../src/core/chat.ts';
import { fold } from '../../../src/core/fold.ts';
import {
  batchesOf,
  call,
  finish,
  reasoning,
  redacted,
  replyOptions,
  start,
  startWithoutId,
  text,
  thought,
  used,
} from '../../support/reply.ts';

const completionOf = async (events: readonly ChatEvent[], more?: Partial<ReplyOptions>, cost?: Cost) =>
  toCompletion(await fold(batchesOf(events), () => {}), replyOptions(more), cost);

const empty = { role: 'assistant', refusal: null, annotations: [] };
const format = 'anthropic-claude-v1';

interface Case {
  readonly name: string;
  readonly events: readonly ChatEvent[];
  readonly options?: Partial<ReplyOptions>;
  readonly message: unknown;
  readonly finish?: string;
}

const cases: readonly Case[] = [
  {
    name: 'Pieces of text are joined, and totals between them tear nothing apart',
    events: [start(), text('Hel'), used(), text('lo'), finish()],
    message: { ...empty, content: 'Hello' },
  },
  {
    name: 'An answer of nothing is an empty string, since clients take null for a call',
    events: [start(), finish()],
    message: { ...empty, content: '' },
  },
  {
    name: 'An answer of calls alone has null for its content, with each piece of arguments at its call',
    events: [start(), ...call('t1', 'look', '{"a"', ':1}'), ...call('t2', 'hear'), finish('tool-calls')],
    message: {
      ...empty,
      content: null,
      tool_calls: [
        { id: 't1', type: 'function', function: { name: 'look', arguments: '{"a":1}' } },
        { id: 't2', type: 'function', function: { name: 'hear', arguments: '' } },
      ],
    },
    finish: 'tool_calls',
  },
  {
    name: 'Words before a call are not lost',
    events: [start(), text('Let me see.'), ...call('t1', 'look', '{}'), finish('tool-calls')],
    message: {
      ...empty,
      content: 'Let me see.',
      tool_calls: [{ id: 't1', type: 'function', function: { name: 'look', arguments: '{}' } }],
    },
    finish: 'tool_calls',
  },
  {
    name: 'A client of the older spelling gets the first call only, since there is no room for a second',
    events: [...call('t1', 'look', '{}'), ...call('t2', 'hear', '{}'), finish('tool-calls')],
    options: { legacyFunctions: true },
    message: { ...empty, content: null, function_call: { name: 'look', arguments: '{}' } },
    finish: 'function_call',
  },
  {
    name: 'A custom call is its text',
    events: [...call('t1', 'shell', '{"input":"ls -l"}'), finish('tool-calls')],
    options: { customTools: new Set(['shell']) },
    message: {
      ...empty,
      content: null,
      tool_calls: [{ id: 't1', type: 'custom', custom: { name: 'shell', input: 'ls -l' } }],
    },
    finish: 'tool_calls',
  },
  {
    name: 'A custom call that the token limit cut off is passed on as far as its text came',
    events: [...call('t1', 'shell', '{"input":"ls -'), finish('length')],
    options: { customTools: new Set(['shell']) },
    message: {
      ...empty,
      content: null,
      tool_calls: [{ id: 't1', type: 'custom', custom: { name: 'shell', input: 'ls -' } }],
    },
    finish: 'length',
  },
  {
    name: 'A custom call without the one parameter is passed on as it was written',
    events: [...call('t1', 'shell', '{"command":"ls"}'), finish('tool-calls')],
    options: { customTools: new Set(['shell']) },
    message: {
      ...empty,
      content: null,
      tool_calls: [{ id: 't1', type: 'custom', custom: { name: 'shell', input: '{"command":"ls"}' } }],
    },
    finish: 'tool_calls',
  },
  {
    name: 'An explained refusal is told beside the finish reason',
    events: [start(), finish('refusal', 'Not this.')],
    message: { ...empty, content: '', refusal: 'Not this.' },
    finish: 'content_filter',
  },
  {
    name: 'Reasoning stands beside the text, with the signed blocks that clients send back',
    events: [reasoning('H'), reasoning('m'), thought('Hm', 's1'), redacted('xyz'), text('Hi'), finish()],
    message: {
      ...empty,
      content: 'Hi',
      reasoning_content: 'Hm',
      thinking_blocks: [
        { index: 0, type: 'thinking', thinking: 'Hm', signature: 's1' },
        { index: 1, type: 'redacted_thinking', data: 'xyz' },
      ],
    },
  },
  {
    name: 'A client that wants no reasoning gets neither its text nor its blocks',
    events: [reasoning('Hm'), thought('Hm'), text('Hi'), finish()],
    options: { includeReasoning: false, openRouterReasoning: 'details' },
    message: { ...empty, content: 'Hi' },
  },
  {
    name: "OpenRouter's clients find the text of the reasoning under their name too",
    events: [reasoning('Hm'), thought('Hm', 's1'), text('Hi'), finish()],
    options: { openRouterReasoning: 'text' },
    message: {
      ...empty,
      content: 'Hi',
      reasoning_content: 'Hm',
      reasoning: 'Hm',
      thinking_blocks: [{ index: 0, type: 'thinking', thinking: 'Hm', signature: 's1' }],
    },
  },
  {
    name: "OpenRouter's details hold each block whole, the hidden ones as they came",
    events: [reasoning('Hm'), thought('Hm', 's1'), redacted('xyz'), text('Hi'), finish()],
    options: { openRouterReasoning: 'details' },
    message: {
      ...empty,
      content: 'Hi',
      reasoning_content: 'Hm',
      reasoning: 'Hm',
      thinking_blocks: [
        { index: 0, type: 'thinking', thinking: 'Hm', signature: 's1' },
        { index: 1, type: 'redacted_thinking', data: 'xyz' },
      ],
      reasoning_details: [
        { type: 'reasoning.text', text: 'Hm', format, index: 0, signature: 's1' },
        { type: 'reasoning.encrypted', data: 'xyz', format, index: 1 },
      ],
    },
  },
];

describe('the message of a plain answer', () => {
  it.each(cases)('$name', async ({ events, options, message, finish: reason = 'stop' }) => {
    const { choices } = await completionOf(events, options);
    expect(choices).toEqual([{ index: 0, message, logprobs: null, finish_reason: reason }]);
  });
});

// The official client is the judge: what it makes of the stream is what stands in the plain answer.
describe('a stream as the official client reads it says what the plain answer says', () => {
  const isStandard = ({ options }: Case) => options?.customTools === undefined && !options?.legacyFunctions;

  it.each(cases.filter(isStandard))('$name', async ({ events, options }) => {
    const given = replyOptions({ ...options, includeUsage: true });
    const encoder = createChunkEncoder(given, new StreamHead(given), () => undefined);
    const frames = encoder.push(events) + encoder.end();
    const lines = frames
      .split('\n\n')
      .filter((frame) => frame.startsWith('data: {'))
      .map((frame) => `${frame.slice('data: '.length)}\n`);
    const stream = ChatCompletionStream.fromReadableStream(new Blob(lines).stream());
    const read = await stream.finalChatCompletion();
    const plain = await completionOf(events, options);
    const { content, refusal, tool_calls: calls } = read.choices[0]?.message ?? {};
    const message = plain.choices[0]?.message;
    expect({ content: content ?? '', refusal: refusal ?? null }).toEqual({
      content: message?.content ?? '',
      refusal: message?.refusal,
    });
    expect(
      calls?.map(({ id, type, function: called }) => ({
        id,
        type,
        function: { name: called.name, arguments: called.arguments },
      })),
    ).toEqual(message && 'tool_calls' in message ? message.tool_calls : undefined);
    expect(read.choices[0]?.finish_reason).toBe(plain.choices[0]?.finish_reason);
    expect(read.usage ?? undefined).toEqual(plain.usage);
  });
});

describe('a plain answer', () => {
  it("has the upstream's id, and the model as the client named it", async () => {
    expect(await completionOf([start('msg_7'), finish()], { model: 'my/claude' })).toMatchObject({
      id: 'msg_7',
      object: 'chat.completion',
      created: 1_700_000_000,
      model: 'my/claude',
    });
  });

  it('gets an id of its own where the upstream gives none', async () => {
    expect((await completionOf([startWithoutId, finish()])).id).toBe('msg_made');
    expect((await completionOf([finish()])).id).toBe('msg_made');
  });

  it('has no usage where the upstream gave no figures, rather than figures that were made up', async () => {
    expect(await completionOf([start(), finish()])).not.toHaveProperty('usage');
  });

  it('has the last running total, cached tokens counted into the prompt as OpenAI does', async () => {
    const events = [
      start(),
      used({ output: 1 }),
      used({ input: 3, cacheRead: 4, cacheWrite: 5, output: 6, reasoning: 2 }),
      finish(),
    ];
    expect((await completionOf(events)).usage).toEqual({
      prompt_tokens: 12,
      completion_tokens: 6,
      total_tokens: 18,
      prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 5 },
      completion_tokens_details: { reasoning_tokens: 2 },
    });
  });

  // Behaviour 7.9
  it('tells the cost only where it is asked for and known', async () => {
    const events = [start(), used(), finish()];
    const cost = { prompt: 0.5, completion: 0.25, total: 0.75 };
    const told = await completionOf(events, { includeCost: true }, cost);
    expect(told.usage).toMatchObject({
      cost: 0.75,
      cost_details: {
        upstream_inference_cost: 0.75,
        upstream_inference_prompt_cost: 0.5,
        upstream_inference_completions_cost: 0.25,
      },
    });
    expect((await completionOf(events, { includeCost: false }, cost)).usage).not.toHaveProperty('cost');
    expect((await completionOf(events, { includeCost: true })).usage).not.toHaveProperty('cost');
  });
});

describe('events folded into one answer', () => {
  it('are a 502 where they end without a finish, since half an answer must not look whole', async () => {
    await expect(fold(batchesOf([start(), text('Half')]), () => {})).rejects.toMatchObject({ status: 502 });
    await expect(fold(batchesOf(), () => {})).rejects.toMatchObject({ status: 502 });
  });

  it('fail as their source fails', async () => {
    const failure = new Error('connection lost');
    const failing = async function* (): AsyncGenerator<readonly ChatEvent[]> {
      yield [start(), text('Half')];
      throw failure;
    };
    await expect(fold(failing(), () => {})).rejects.toBe(failure);
  });

  it('report every running total as it comes, so that a failed answer still has its price', async () => {
    const onUsage = vi.fn();
    await fold(batchesOf([start(), used({ output: 1 })], [used({ output: 2 }), finish()]), onUsage);
    expect(onUsage.mock.calls).toMatchObject([[{ output: 1 }], [{ output: 2 }]]);
  });

  it('drop arguments that come before any call', async () => {
    const stray: ChatEvent = { type: 'tool-arguments', text: '{}' };
    expect(await fold(batchesOf([start(), stray, finish()]), () => {})).toMatchObject({ calls: [] });
  });
});
