import { describe, expect, it } from 'vitest';
import { bedrockConverse } from '../../src/adapters/bedrock-converse/index.ts';
import type { ConverseEvent, ConverseMessage } from '../../src/adapters/bedrock-converse/wire.ts';
import type { ChatEvent, FinishKind } from '../../src/core/chat.ts';
import { ApiError } from '../../src/core/errors.ts';

/** Events as values: what Converse may send includes what its SDK's types do not know yet. */
const event = (type: string, payload: unknown) => ({ [type]: payload }) as unknown as ConverseEvent;
const start = event('messageStart', { role: 'assistant' });
const opened = (contentBlockIndex: number, begin: unknown) =>
  event('contentBlockStart', { contentBlockIndex, start: begin });
const delta = (contentBlockIndex: number, value: unknown) =>
  event('contentBlockDelta', { contentBlockIndex, delta: value });
const closed = (contentBlockIndex: number) => event('contentBlockStop', { contentBlockIndex });
const text = (index: number, value: string) => delta(index, { text: value });
const called = (index: number, name: string, more: object = {}) =>
  opened(index, { toolUse: { toolUseId: `tooluse_${index}`, name, ...more } });
const input = (index: number, json: string) => delta(index, { toolUse: { input: json } });
const stop = (stopReason: string) => event('messageStop', { stopReason });
const figures = { inputTokens: 12, outputTokens: 5, totalTokens: 17 };
const metadata = event('metadata', { usage: figures, metrics: { latencyMs: 1 } });

const usage: ChatEvent = { type: 'usage', usage: { input: 12, output: 5, cacheRead: 0, cacheWrite: 0 } };
const finish = (kind: FinishKind, upstreamReason: string): ChatEvent => ({
  type: 'finish',
  kind,
  upstreamReason,
});
const said = (value: string): ChatEvent => ({ type: 'text', text: value });
const begun: ChatEvent = { type: 'start', id: undefined };
const call = (index: number, name: string): ChatEvent => ({
  type: 'tool-call',
  id: `tooluse_${index}`,
  name,
});
const args = (value: string): ChatEvent => ({ type: 'tool-arguments', text: value });

const plainNames = { restore: (name: string) => name };
const decoderOf = (thinkingTags = false, tools = plainNames) =>
  bedrockConverse.createDecoder({ tools, tag: thinkingTags ? 'thinking' : null });

/** Everything at once, and again one event at a time: a batch is only how they were read. */
const decoded = (events: readonly ConverseEvent[], thinkingTags = false): ChatEvent[] => {
  const whole = decoderOf(thinkingTags);
  const once = [...whole.push(events), ...whole.end()];
  const single = decoderOf(thinkingTags);
  expect([...events.flatMap((each) => single.push([each])), ...single.end()]).toEqual(once);
  return once;
};

const failure = (run: () => unknown): ApiError => {
  try {
    run();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('did not fail');
};

interface Case {
  readonly name: string;
  readonly events: readonly ConverseEvent[];
  readonly expected: readonly ChatEvent[];
  readonly tags?: boolean;
}

const cases: readonly Case[] = [
  {
    name: 'text has no start event; the usage comes after the stop, and before our finish',
    events: [start, text(0, 'It '), text(0, 'is warm.'), closed(0), stop('end_turn'), metadata],
    expected: [begun, said('It '), said('is warm.'), usage, finish('end', 'end_turn')],
  },
  {
    name: 'metadata that never comes costs the usage and nothing else',
    events: [start, text(0, 'Hi'), closed(0), stop('end_turn')],
    expected: [begun, said('Hi'), finish('end', 'end_turn')],
  },
  {
    name: 'metadata without usage is no usage of nothing',
    events: [start, text(0, 'Hi'), closed(0), stop('end_turn'), event('metadata', {})],
    expected: [begun, said('Hi'), finish('end', 'end_turn')],
  },
  {
    name: 'cached tokens, which Converse names twice, are counted once',
    events: [
      start,
      text(0, 'Hi'),
      closed(0),
      stop('end_turn'),
      event('metadata', {
        usage: {
          ...{ inputTokens: 22, outputTokens: 13, totalTokens: 2527 },
          ...{ cacheReadInputTokens: 2492, cacheReadInputTokenCount: 2492 },
          ...{ cacheWriteInputTokens: 0, cacheWriteInputTokenCount: 0 },
        },
      }),
    ],
    expected: [
      begun,
      said('Hi'),
      { type: 'usage', usage: { input: 22, output: 13, cacheRead: 2492, cacheWrite: 0 } },
      finish('end', 'end_turn'),
    ],
  },
  {
    name: 'arguments in one delta, after text: the block index is not the index of the call',
    events: [
      ...[start, text(0, 'Looking.'), closed(0), called(1, 'look'), input(1, '{"at":"Rome"}'), closed(1)],
      ...[called(2, 'look'), input(2, '{"at":"Oslo"}'), closed(2), stop('tool_use'), metadata],
    ],
    expected: [
      ...[begun, said('Looking.'), call(1, 'look'), args('{"at":"Rome"}')],
      ...[call(2, 'look'), args('{"at":"Oslo"}'), usage, finish('tool-calls', 'tool_use')],
    ],
  },
  {
    name: 'no arguments are an empty object',
    events: [start, called(0, 'now'), closed(0), stop('tool_use'), metadata],
    expected: [begun, call(0, 'now'), args('{}'), usage, finish('tool-calls', 'tool_use')],
  },
  {
    name: 'empty pieces of arguments are an empty object as well',
    events: [start, called(0, 'now'), input(0, ''), closed(0), stop('tool_use'), metadata],
    expected: [begun, call(0, 'now'), args('{}'), usage, finish('tool-calls', 'tool_use')],
  },
  {
    name: "the upstream's own tools and their results never appear",
    events: [
      ...[start, called(0, 'nova_grounding', { type: 'server_tool_use' }), input(0, '{"q":"x"}'), closed(0)],
      opened(1, { toolResult: { toolUseId: 'tooluse_0', type: 'nova_grounding_result', status: 'success' } }),
      ...[delta(1, { toolResult: [{ text: 'secret' }] }), text(1, 'secret'), closed(1)],
      ...[text(2, 'Found.'), closed(2), called(3, 'look', { type: 'tool_use' }), input(3, '{}'), closed(3)],
      ...[stop('end_turn'), metadata],
    ],
    expected: [begun, said('Found.'), call(3, 'look'), args('{}'), usage, finish('tool-calls', 'end_turn')],
  },
  {
    name: 'tool_use beside nothing but the upstream’s own tools ends as stop: there is nothing to run',
    events: [
      ...[start, called(0, 'nova_grounding', { type: 'server_tool_use' }), closed(0), text(1, 'Found.')],
      ...[closed(1), stop('tool_use'), metadata],
    ],
    expected: [begun, said('Found.'), usage, finish('end', 'tool_use')],
  },
  {
    name: 'a call that the token limit cuts off is passed on as it is, with length',
    events: [start, called(0, 'look'), input(0, '{"at":"Ro'), closed(0), stop('max_tokens'), metadata],
    expected: [begun, call(0, 'look'), args('{"at":"Ro'), usage, finish('length', 'max_tokens')],
  },
  ...[{}, { text: '' }, { toolUse: null }, undefined].map(
    (begin): Case => ({
      name: `blocks announced by ${JSON.stringify(begin)} are what their first delta says`,
      events: [
        ...[start, opened(0, begin), delta(0, { reasoningContent: { text: 'Hm.' } }), closed(0)],
        ...[opened(1, begin), delta(1, { citation: {} }), text(1, 'Yes.'), closed(1)],
        ...[opened(2, begin), closed(2), stop('end_turn'), metadata],
      ],
      expected: [
        ...[begun, { type: 'reasoning', text: 'Hm.' } as const, said('Yes.'), usage],
        finish('end', 'end_turn'),
      ],
    }),
  ),
  {
    name: "Nova's reasoning is unsigned: text for reading, no block to return",
    events: [
      ...[start, delta(0, { reasoningContent: { text: '[REDACTED]' } }), closed(0)],
      ...[text(1, 'Yes.'), closed(1), stop('end_turn'), metadata],
    ],
    expected: [
      begun,
      { type: 'reasoning', text: '[REDACTED]' },
      said('Yes.'),
      usage,
      finish('end', 'end_turn'),
    ],
  },
  {
    name: 'signed reasoning becomes a block when it ends',
    events: [
      start,
      delta(0, { reasoningContent: { text: 'Let me ' } }),
      delta(0, { reasoningContent: { text: 'see.' } }),
      delta(0, { reasoningContent: { signature: 'c2ln' } }),
      ...[closed(0), text(1, 'Yes.'), closed(1), stop('end_turn'), metadata],
    ],
    expected: [
      begun,
      { type: 'reasoning', text: 'Let me ' },
      { type: 'reasoning', text: 'see.' },
      { type: 'thinking-block', block: { type: 'thinking', thinking: 'Let me see.', signature: 'c2ln' } },
      said('Yes.'),
      usage,
      finish('end', 'end_turn'),
    ],
  },
  {
    name: "redacted bytes are the text of Anthropic's data, in however many pieces",
    events: [
      start,
      delta(0, { reasoningContent: { redactedContent: Buffer.from('EmwK').toString('base64') } }),
      delta(0, { reasoningContent: { redactedContent: Buffer.from('AbC=').toString('base64') } }),
      ...[closed(0), text(1, 'Yes.'), closed(1), stop('end_turn'), metadata],
    ],
    expected: [
      begun,
      { type: 'thinking-block', block: { type: 'redacted_thinking', data: 'EmwKAbC=' } },
      said('Yes.'),
      usage,
      finish('end', 'end_turn'),
    ],
  },
  {
    name: 'thinking tags, cut across deltas, go to reasoning; the call is kept',
    tags: true,
    events: [
      ...[
        start,
        text(0, '<think'),
        text(0, 'ing> I need'),
        text(0, ' it.</thinking'),
        text(0, '>'),
        text(0, '\n'),
      ],
      ...[closed(0), called(1, 'look'), input(1, '{}'), closed(1), stop('tool_use'), metadata],
    ],
    expected: [
      begun,
      { type: 'reasoning', text: ' I need' },
      { type: 'reasoning', text: ' it.' },
      ...[call(1, 'look'), args('{}'), usage, finish('tool-calls', 'tool_use')],
    ],
  },
  {
    name: 'thinking tags in a final answer go as well; what only looks like the beginning of one stays',
    tags: true,
    events: [
      ...[start, text(0, '<thinking>Hm.</thinking>'), text(0, '\n\n'), text(0, ' 4 '), text(0, '<')],
      ...[closed(0), text(1, '5'), closed(1), stop('end_turn'), metadata],
    ],
    expected: [
      begun,
      { type: 'reasoning', text: 'Hm.' },
      ...[said('4 '), said('<'), said('5'), usage, finish('end', 'end_turn')],
    ],
  },
  {
    name: 'thinking tags are text where the model has no such habit',
    events: [start, text(0, '<thinking>Hm.</thinking>'), closed(0), stop('end_turn'), metadata],
    expected: [begun, said('<thinking>Hm.</thinking>'), usage, finish('end', 'end_turn')],
  },
  {
    name: 'unknown events, blocks and deltas are ignored, and so are members that say nothing',
    events: [
      ...[event('somethingNew', { a: 1 }), start, opened(0, { hologram: {} }), delta(0, { hologram: 1 })],
      ...[text(0, 'not text of ours'), closed(0), text(1, ''), text(1, 'Hi'), delta(1, { citation: {} })],
      ...[event('contentBlockDelta', { contentBlockIndex: 1 }), closed(1), closed(7), stop('end_turn')],
      ...[event('somethingNew', {}), metadata],
    ],
    expected: [begun, said('Hi'), usage, finish('end', 'end_turn')],
  },
  {
    name: 'nothing follows the finish',
    events: [start, text(0, 'a'), closed(0), stop('end_turn'), metadata, text(1, 'b'), metadata, stop('x')],
    expected: [begun, said('a'), usage, finish('end', 'end_turn')],
  },
  ...(
    [
      ['stop_sequence', 'stop-sequence'],
      ['max_tokens', 'length'],
      ['model_context_window_exceeded', 'context-window'],
      ['guardrail_intervened', 'refusal'],
      ['content_filtered', 'refusal'],
      ['a_reason_of_tomorrow', 'end'],
      ['tool_use', 'end'],
    ] as const
  ).map(
    ([upstreamReason, kind]): Case => ({
      name: `${upstreamReason} is ${kind}`,
      events: [start, text(0, 'Sorry'), closed(0), stop(upstreamReason), metadata],
      expected: [begun, said('Sorry'), usage, finish(kind, upstreamReason)],
    }),
  ),
];

describe("Converse's stream", () => {
  it.each(cases)('$name', ({ events, expected, tags }) => {
    expect(decoded(events, tags)).toEqual(expected);
  });

  it("gives back the client's name of a tool", () => {
    const decoder = decoderOf(false, { restore: (name) => name.replace('get_', 'get-') });
    expect(decoder.push([start, called(0, 'get_weather')])).toContainEqual(call(0, 'get-weather'));
  });

  it('keeps no delta waiting for another', () => {
    const decoder = decoderOf(true);
    expect(decoder.push([start])).toEqual([begun]);
    expect(decoder.push([text(0, 'a')])).toEqual([said('a')]);
    expect(decoder.push([called(1, 'look')])).toEqual([call(1, 'look')]);
  });

  it.each(['malformed_tool_use', 'malformed_model_output'])(
    '%s is a failure nobody should repeat',
    (reason) => {
      for (const tail of [[], [metadata]]) {
        const decoder = decoderOf();
        const events = decoder.push([start, text(0, 'a'), closed(0), stop(reason), ...tail]);
        expect(events.filter(({ type }) => type === 'finish')).toEqual([]);
        const error = failure(() => decoder.end());
        expect(error).toMatchObject({ status: 502, type: 'server_error', code: 'malformed_model_output' });
        expect(error.headers).toEqual({ 'x-should-retry': 'false' });
      }
    },
  );

  it.each([
    ['nothing at all', []],
    ['text without a stop', [start, text(0, 'a'), closed(0)]],
    ['a call without a stop', [start, called(0, 'look'), input(0, '{"a"')]],
    ['usage without a stop', [start, text(0, 'a'), metadata]],
  ])('%s is no answer', (_name, events) => {
    const decoder = decoderOf();
    expect(decoder.push(events).filter(({ type }) => type === 'finish')).toEqual([]);
    const error = failure(() => decoder.end());
    expect(error).toMatchObject({ status: 502, code: 'upstream_error' });
    expect(error.headers).toEqual({});
  });
});

// ---- plain answers --------------------------------------------------------------------------------

const told = (content: readonly unknown[], stopReason = 'end_turn', thinkingTags = false): ChatEvent[] =>
  decoded(
    bedrockConverse.toEvents({
      output: { message: { role: 'assistant', content } },
      stopReason,
      usage: figures,
      metrics: { latencyMs: 1 },
    } as unknown as ConverseMessage),
    thinkingTags,
  );

describe('a plain answer', () => {
  it.each([
    {
      name: 'text blocks stay in order',
      content: [{ text: 'a' }, { text: 'b' }],
      expected: [said('a'), said('b')],
    },
    { name: 'no content at all', content: [], expected: [] },
    { name: 'an empty text', content: [{ text: '' }], expected: [] },
    {
      name: 'cited words stand only inside the citation, and belong to the text',
      content: [
        { text: 'It says ' },
        { citationsContent: { content: [{ text: 'warm' }, { text: ' and dry' }], citations: [{}] } },
        { citationsContent: { citations: [{}] } },
        { text: '.' },
      ],
      expected: [said('It says '), said('warm'), said(' and dry'), said('.')],
    },
    {
      name: "the upstream's own tools and their results never appear",
      content: [
        { toolUse: { toolUseId: 's', name: 'nova_grounding', input: { q: 1 }, type: 'server_tool_use' } },
        { toolResult: { toolUseId: 's', content: [{ text: 'secret' }], type: 'nova_grounding_result' } },
        { text: 'Found.' },
        { toolUse: { toolUseId: 'tooluse_3', name: 'look', input: { at: 'Rome' } } },
      ],
      expected: [said('Found.'), call(3, 'look'), args('{"at":"Rome"}')],
    },
    {
      name: 'a call without input',
      content: [{ toolUse: { toolUseId: 'tooluse_0', name: 'now', input: {} } }],
      expected: [call(0, 'now'), args('{}')],
    },
    {
      name: 'reasoning, signed, unsigned and redacted',
      content: [
        { reasoningContent: { reasoningText: { text: 'a', signature: 'c2ln' } } },
        { reasoningContent: { reasoningText: { text: '[REDACTED]' } } },
        { reasoningContent: { redactedContent: Buffer.from('EmwK').toString('base64') } },
      ],
      expected: [
        { type: 'reasoning', text: 'a' },
        { type: 'thinking-block', block: { type: 'thinking', thinking: 'a', signature: 'c2ln' } },
        { type: 'reasoning', text: '[REDACTED]' },
        { type: 'thinking-block', block: { type: 'redacted_thinking', data: 'EmwK' } },
      ],
    },
    {
      name: 'a block of tomorrow',
      content: [{ hologram: { text: 'x' } }, { text: 'a' }],
      expected: [said('a')],
    },
  ])('$name', ({ content, expected }) => {
    const kind = expected.some(({ type }) => type === 'tool-call') ? 'tool-calls' : 'end';
    expect(told(content)).toEqual([begun, ...expected, usage, finish(kind, 'end_turn')]);
  });

  it('loses its thinking tags too', () => {
    expect(told([{ text: '<thinking>Hm.</thinking>\n\nYes.' }], 'end_turn', true)).toEqual([
      ...[begun, { type: 'reasoning', text: 'Hm.' }, said('Yes.'), usage, finish('end', 'end_turn')],
    ]);
  });

  it('that is malformed is a failure nobody should repeat', () => {
    expect(failure(() => told([], 'malformed_tool_use')).headers).toEqual({ 'x-should-retry': 'false' });
  });
});
