import type { ChatCompletionChunk } from 'openai/resources';
import { describe, expect, it, vi } from 'vitest';
import { createChunkEncoder, errorFrame } from '../../../src/api/chat-completions/chunks.ts';
import type { ReplyOptions } from '../../../src/api/chat-completions/reply.ts';
import { StreamHead } from '../../../src/api/chat-completions/stream-head.ts';
import type { ChatEvent, Cost } from '../../../src/core/chat.ts';
import {
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

const encoderWith = (more: Partial<ReplyOptions> = {}, cost?: Cost) => {
  const options = replyOptions(more);
  const head = new StreamHead(options);
  return { head, encoder: createChunkEncoder(options, head, () => cost) };
};

/** The data of each frame. Whatever is not a frame fails. */
const dataOf = (frames: string): readonly string[] => {
  if (frames === '') return [];
  expect(frames.endsWith('\n\n')).toBe(true);
  return frames
    .slice(0, -2)
    .split('\n\n')
    .map((frame) => {
      expect(frame).toMatch(/^data: [^\n]*$/);
      return frame.slice('data: '.length);
    });
};
const chunksOf = (frames: string): readonly ChatCompletionChunk[] =>
  dataOf(frames).map((data) => JSON.parse(data) as ChatCompletionChunk);

/** What the chunks of one batch say, the finish reason beside the delta where there is one. */
const said = (events: readonly ChatEvent[], more?: Partial<ReplyOptions>) =>
  chunksOf(encoderWith(more).encoder.push(events)).map(({ choices: [choice] }) =>
    choice?.finish_reason ? { ...choice.delta, finish_reason: choice.finish_reason } : choice?.delta,
  );

const opening = { role: 'assistant', content: '', refusal: null };
const details = { openRouterReasoning: 'details' } as const;
const format = 'anthropic-claude-v1';

// Behaviour 7.4
describe('the chunks of a stream', () => {
  it.each<{
    readonly name: string;
    readonly events: readonly ChatEvent[];
    readonly options?: Partial<ReplyOptions>;
    readonly expected: readonly unknown[];
  }>([
    {
      name: 'A first chunk carries the role, since clients read it there and nowhere else',
      events: [start()],
      expected: [opening],
    },
    {
      name: 'An answer without a start still begins with the role',
      events: [text('Hi')],
      expected: [opening, { content: 'Hi' }],
    },
    {
      name: 'Each piece of text is a chunk of its own, escaped as JSON wants it',
      events: [start(), text('a "b"\n\u2028'), text('\ud83d\ude00')],
      expected: [opening, { content: 'a "b"\n\u2028' }, { content: '\ud83d\ude00' }],
    },
    {
      name: 'The last chunk has an empty delta beside its finish reason',
      events: [start(), text('Hi'), finish('length')],
      expected: [opening, { content: 'Hi' }, { finish_reason: 'length' }],
    },
    {
      name: 'An explained refusal is told before the finish, so that no client misses it',
      events: [start(), finish('refusal', 'Not "this".')],
      expected: [opening, { refusal: 'Not "this".' }, { finish_reason: 'content_filter' }],
    },
    {
      name: 'Calls are counted from zero, and pieces of arguments name the call they belong to',
      events: [
        start(),
        ...call('t1', 'look', '{"a"', ':1}'),
        ...call('t2', 'hear', '{}'),
        finish('tool-calls'),
      ],
      expected: [
        opening,
        { tool_calls: [{ index: 0, id: 't1', type: 'function', function: { name: 'look', arguments: '' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] },
        { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] },
        { tool_calls: [{ index: 1, id: 't2', type: 'function', function: { name: 'hear', arguments: '' } }] },
        { tool_calls: [{ index: 1, function: { arguments: '{}' } }] },
        { finish_reason: 'tool_calls' },
      ],
    },
    {
      name: 'A client of the older spelling gets the first call only, since there is no room for a second',
      events: [...call('t1', 'look', '{}'), ...call('t2', 'hear', '{}'), finish('tool-calls')],
      options: { legacyFunctions: true },
      expected: [
        opening,
        { function_call: { name: 'look', arguments: '' } },
        { function_call: { arguments: '{}' } },
        { finish_reason: 'function_call' },
      ],
    },
    {
      name: 'A custom call becomes its text once its arguments are whole, not a torn piece of JSON',
      events: [
        ...call('t1', 'shell', '{"inp', 'ut":"ls -l"}'),
        ...call('t2', 'look', '{}'),
        finish('tool-calls'),
      ],
      options: { customTools: new Set(['shell']) },
      expected: [
        opening,
        { tool_calls: [{ index: 0, id: 't1', type: 'custom', custom: { name: 'shell', input: '' } }] },
        { tool_calls: [{ index: 0, custom: { input: 'ls -l' } }] },
        { tool_calls: [{ index: 1, id: 't2', type: 'function', function: { name: 'look', arguments: '' } }] },
        { tool_calls: [{ index: 1, function: { arguments: '{}' } }] },
        { finish_reason: 'tool_calls' },
      ],
    },
    {
      name: 'A custom call that the token limit cut off is passed on as far as its text came',
      events: [...call('t1', 'shell', '{"input":"ls -'), finish('length')],
      options: { customTools: new Set(['shell']) },
      expected: [
        opening,
        { tool_calls: [{ index: 0, id: 't1', type: 'custom', custom: { name: 'shell', input: '' } }] },
        { tool_calls: [{ index: 0, custom: { input: 'ls -' } }] },
        { finish_reason: 'length' },
      ],
    },
    {
      name: 'Reasoning comes as it is thought, its signed blocks in one chunk before the finish',
      events: [reasoning('Hm'), thought('Hm', 's1'), redacted('xyz'), text('Hi'), finish()],
      expected: [
        opening,
        { reasoning_content: 'Hm' },
        { content: 'Hi' },
        {
          thinking_blocks: [
            { index: 0, type: 'thinking', thinking: 'Hm', signature: 's1' },
            { index: 1, type: 'redacted_thinking', data: 'xyz' },
          ],
        },
        { finish_reason: 'stop' },
      ],
    },
    {
      name: 'A client that wants no reasoning gets neither its text nor its blocks',
      events: [reasoning('Hm'), thought('Hm'), text('Hi'), finish()],
      options: { includeReasoning: false, ...details },
      expected: [opening, { content: 'Hi' }, { finish_reason: 'stop' }],
    },
    {
      name: "OpenRouter's clients find the text of the reasoning under their name too",
      events: [reasoning('Hm')],
      options: { openRouterReasoning: 'text' },
      expected: [opening, { reasoning_content: 'Hm', reasoning: 'Hm' }],
    },
    {
      name: "OpenRouter's details of one block share an index, so that clients can join text and signature",
      events: [reasoning('Hm'), thought('Hm', 's1'), redacted('xyz'), reasoning('So'), thought('So', 's2')],
      options: details,
      expected: [
        opening,
        {
          reasoning_content: 'Hm',
          reasoning: 'Hm',
          reasoning_details: [{ type: 'reasoning.text', text: 'Hm', format, index: 0 }],
        },
        { reasoning_details: [{ type: 'reasoning.text', text: '', format, index: 0, signature: 's1' }] },
        { reasoning_details: [{ type: 'reasoning.encrypted', data: 'xyz', format, index: 1 }] },
        {
          reasoning_content: 'So',
          reasoning: 'So',
          reasoning_details: [{ type: 'reasoning.text', text: 'So', format, index: 2 }],
        },
        { reasoning_details: [{ type: 'reasoning.text', text: '', format, index: 2, signature: 's2' }] },
      ],
    },
  ])('$name', ({ events, options, expected }) => {
    expect(said(events, options)).toEqual(expected);
  });

  it('All have one id, one date and the model as the client named it, and finish reasons only at the end', () => {
    const { encoder } = encoderWith({ model: 'my/claude' });
    const chunks = chunksOf(
      encoder.push([start('msg_7'), text('Hi'), ...call('t1', 'look', '{}'), finish()]),
    );
    for (const chunk of chunks) {
      const { choices, ...common } = chunk;
      expect(common).toEqual({
        id: 'msg_7',
        object: 'chat.completion.chunk',
        created: 1_700_000_000,
        model: 'my/claude',
      });
      expect(choices).toHaveLength(1);
      expect(choices[0]).toMatchObject({ index: 0, logprobs: null });
    }
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([null, null, null, null, 'stop']);
  });

  it('However events are batched, the same bytes are sent', () => {
    const events = [
      start(),
      reasoning('Hm'),
      thought('Hm'),
      text('Hi'),
      ...call('t1', 'shell', '{"input"', ':"ls"}'),
      ...call('t2', 'look', '{}'),
      used(),
      finish('tool-calls'),
    ];
    const options = { customTools: new Set(['shell']), includeUsage: true, ...details };
    const whole = encoderWith(options).encoder;
    const single = encoderWith(options).encoder;
    expect(events.map((event) => single.push([event])).join('') + single.end()).toBe(
      whole.push(events) + whole.end(),
    );
  });

  it('A batch that holds nothing for the client is no frame, since an empty one would end some parsers', () => {
    const { encoder } = encoderWith();
    encoder.push([start()]);
    expect(encoder.push([])).toBe('');
    expect(encoder.push([used()])).toBe('');
  });

  it('An id is made where the upstream gives none, and kept', () => {
    const makeId = vi.fn(() => 'msg_own');
    const { encoder } = encoderWith({ makeId });
    const chunks = chunksOf(encoder.push([startWithoutId, text('Hi'), finish()]));
    expect(new Set(chunks.map(({ id }) => id))).toEqual(new Set(['msg_own']));
    expect(makeId).toHaveBeenCalledTimes(1);
  });
});

// Behaviour 7.6
describe('a chunk that keeps a silent stream alive', () => {
  it('carries the role where it is the first, and its id stands against the one the upstream gives later', () => {
    const { head, encoder } = encoderWith();
    const [first] = chunksOf(head.keepAlive());
    expect(first).toMatchObject({ id: 'msg_made', choices: [{ delta: opening }] });
    const later = chunksOf(encoder.push([start('msg_late'), text('Hi')]));
    expect(later.map(({ id, choices }) => [id, choices[0]?.delta])).toEqual([
      ['msg_made', { content: 'Hi' }],
    ]);
  });

  it('says nothing where the stream has begun', () => {
    const { head, encoder } = encoderWith();
    encoder.push([start(), text('Hi')]);
    expect(chunksOf(head.keepAlive()).map(({ choices }) => choices)).toEqual([
      [{ index: 0, delta: {}, logprobs: null, finish_reason: null }],
    ]);
  });
});

describe('the end of a stream', () => {
  it('is [DONE] alone where no usage is asked for, and no chunk speaks of usage', () => {
    const { encoder } = encoderWith();
    const frames = encoder.push([start(), used(), text('Hi'), finish()]);
    expect(frames).not.toContain('usage');
    expect(encoder.end()).toBe('data: [DONE]\n\n');
  });

  it('has a chunk without choices for the last running total, and null in all chunks before it', () => {
    const { encoder } = encoderWith({ includeUsage: true });
    const events = [
      start(),
      used({ output: 1 }),
      text('Hi'),
      used({ input: 3, cacheRead: 4, cacheWrite: 5, output: 6, reasoning: 2 }),
      finish(),
    ];
    for (const chunk of chunksOf(encoder.push(events))) expect(chunk.usage).toBeNull();
    const [last = '', done] = dataOf(encoder.end());
    expect(done).toBe('[DONE]');
    expect(JSON.parse(last)).toEqual({
      id: 'msg_1',
      object: 'chat.completion.chunk',
      created: 1_700_000_000,
      model: 'claude-4-5-haiku',
      choices: [],
      usage: {
        prompt_tokens: 12,
        completion_tokens: 6,
        total_tokens: 18,
        prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 5 },
        completion_tokens_details: { reasoning_tokens: 2 },
      },
    });
  });

  it('is [DONE] alone where the upstream gave no figures, rather than figures that were made up', () => {
    const { encoder } = encoderWith({ includeUsage: true });
    encoder.push([start(), finish()]);
    expect(encoder.end()).toBe('data: [DONE]\n\n');
  });

  // Behaviour 7.9
  it.each([
    { name: 'tells the cost where it is asked for', includeCost: true, cost: 0.75 },
    { name: 'keeps the cost to itself where it is not asked for', includeCost: false, cost: undefined },
  ])('$name', ({ includeCost, cost }) => {
    const { encoder } = encoderWith(
      { includeUsage: true, includeCost },
      { prompt: 0.5, completion: 0.25, total: 0.75 },
    );
    encoder.push([start(), used(), finish()]);
    const [chunk] = dataOf(encoder.end());
    expect((JSON.parse(chunk ?? '') as { usage: { cost?: number } }).usage.cost).toBe(cost);
  });

  it('leaves the totals and the reason in the words of the upstream for the log', () => {
    const { encoder } = encoderWith();
    expect(encoder.summary()).toEqual({ usage: undefined, finish: undefined });
    encoder.push([start(), used({ output: 1 }), used({ output: 9 }), finish('length')]);
    expect(encoder.summary()).toMatchObject({ usage: { output: 9 }, finish: 'upstream_length' });
  });
});

describe('the frame of an error', () => {
  it('is one line of data, whatever line breaks its message has', () => {
    const body = {
      error: { message: 'a\nb\r\n\nc', type: 'server_error', param: null, code: null },
    } as const;
    expect(dataOf(errorFrame(body)).map((data) => JSON.parse(data) as unknown)).toEqual([body]);
  });
});
