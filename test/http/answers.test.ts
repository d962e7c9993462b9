/** What becomes of an upstream's blocks and end words, plain and streamed, in both families. Behaviour 4.6, 5.9, 7. */

import type { ChatCompletion, ChatCompletionCreateParamsNonStreaming } from 'openai/resources';
import { describe, expect, it } from 'vitest';
import { readUntilCut } from '../support/cut.ts';
import { useScripted } from '../support/fixtures.ts';
import type { Fields } from '../support/replay.ts';
import { type ScriptedAnswer, type ScriptedBlock, textBlock } from '../support/scripted-upstream.ts';

const { upstream, server } = useScripted({ MAX_RETRIES: '0', LOG_LEVEL: 'silent' });

type Body = Omit<ChatCompletionCreateParamsNonStreaming, 'model' | 'messages'> & Fields;

const messages = [{ role: 'user' as const, content: 'Hi' }];
const tools = [{ type: 'function' as const, function: { name: 'look', parameters: { type: 'object' } } }];

/** The answer as the official client has it, plain or accumulated from a stream. */
const ask = async (
  model: string,
  how: 'plain' | 'stream',
  answer: ScriptedAnswer,
  body: Body = {},
): Promise<ChatCompletion> => {
  upstream.answer(answer);
  const asked = { ...body, model, messages };
  return how === 'plain'
    ? server.client.chat.completions.create(asked)
    : server.client.chat.completions.stream({ ...asked, stream: true }).finalChatCompletion();
};

const call = (name = 'look', type: 'tool_use' | 'server_tool_use' = 'tool_use'): ScriptedBlock => ({
  type,
  id: 'toolu_1',
  name,
  input: { at: 'Rome' },
});

const everyWay = (['claude', 'nova'] as const).flatMap((family) =>
  (['plain', 'stream'] as const).map((how) => ({
    family,
    how,
    model: family === 'claude' ? 'claude-4-5-haiku' : 'nova-lite',
  })),
);

describe.each(everyWay)('$family, $how: the finish reason tells whether there is a tool to run', (way) => {
  const { family, how, model } = way;
  const said = textBlock('Let me look.');

  it.each(['end_turn', 'tool_use', 'stop_sequence', 'a_word_of_tomorrow'])(
    'a call that ends in %s finishes as tool_calls, or agents do not run it',
    async (stop) => {
      const answer = await ask(model, how, { blocks: [said, call()], stop }, { tools });
      expect(answer.choices[0]).toMatchObject({
        finish_reason: 'tool_calls',
        message: { content: 'Let me look.', tool_calls: [{ function: { arguments: '{"at":"Rome"}' } }] },
      });
    },
  );

  it('tool_use without any call finishes as stop, or agents wait for nothing', async () => {
    const answer = await ask(model, how, { blocks: [said], stop: 'tool_use' }, { tools });
    expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'Let me look.' } });
    expect(answer.choices[0]?.message.tool_calls).toBeUndefined();
  });

  it('a call that the token limit cuts off finishes as length', async () => {
    const answer = await ask(model, how, { blocks: [call()], stop: 'max_tokens' }, { tools });
    expect(answer.choices[0]).toMatchObject({ finish_reason: 'length' });
  });

  it('the legacy spelling has its own word for it', async () => {
    const { choices } = await ask(
      model,
      how,
      { blocks: [call()], stop: 'end_turn' },
      { functions: [{ name: 'look', parameters: { type: 'object' } }] },
    );
    expect(choices[0]).toMatchObject({
      finish_reason: 'function_call',
      message: { function_call: { name: 'look', arguments: '{"at":"Rome"}' } },
    });
  });

  it('calls of the upstream’s own tools do not count', async () => {
    const own = call(family === 'claude' ? 'web_search' : 'nova_grounding', 'server_tool_use');
    const { choices } = await ask(model, how, { blocks: [own, said], stop: 'end_turn' }, { tools });
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'Let me look.' } });
  });

  it('a tool that only brings JSON about finishes as stop, whatever the upstream calls it', async () => {
    for (const stop of ['tool_use', 'end_turn']) {
      const blocks = [call('answer')];
      const answer = await ask(model, how, { blocks, stop }, { response_format: { type: 'json_object' } });
      expect(answer.choices[0]).toMatchObject({
        finish_reason: 'stop',
        message: { content: '{"at":"Rome"}' },
      });
    }
  });
});

describe('a block whose announcement does not say what it is', () => {
  it('on Converse is what its first delta says, and no text is lost', async () => {
    const start = (contentBlockIndex: number) => ({ contentBlockStart: { contentBlockIndex, start: {} } });
    const delta = (contentBlockIndex: number, value: Fields) => ({
      contentBlockDelta: { contentBlockIndex, delta: value },
    });
    const stop = (contentBlockIndex: number) => ({ contentBlockStop: { contentBlockIndex } });
    const blockEvents = [
      ...[start(0), delta(0, { reasoningContent: { text: 'Hm.' } }), stop(0)],
      ...[start(1), delta(1, { text: 'It is ' }), delta(1, { text: 'warm.' }), stop(1)],
    ];
    const { choices } = await ask('nova-lite', 'stream', { blockEvents });
    expect(choices[0]?.message.content).toBe('It is warm.');
  });

  it.each<{ name: string; start: Fields; said: string }>([
    { name: 'its type alone', start: { type: 'text' }, said: 'It is warm.' },
    { name: 'its first words', start: { text: 'So: ' }, said: 'So: It is warm.' },
    { name: 'a call of nothing', start: { toolUse: {} }, said: 'It is warm.' },
    { name: 'members that are null', start: { toolUse: null, text: null }, said: 'It is warm.' },
  ])('on Converse loses nothing and adds nothing where it holds $name', async ({ start, said }) => {
    const blockEvents = [
      { contentBlockStart: { contentBlockIndex: 0, start } },
      { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'It is warm.' } } },
      { contentBlockStop: { contentBlockIndex: 0 } },
    ];
    const { choices } = await ask('nova-lite', 'stream', { blockEvents });
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: said } });
  });

  it.each<{ name: string; start: Fields[] }>([
    { name: 'missing', start: [] },
    { name: 'without a block', start: [{ type: 'content_block_start', index: 0 }] },
    {
      name: 'without a word for the type',
      start: [{ type: 'content_block_start', index: 0, content_block: { type: null } }],
    },
  ])('on the Messages API is what its first delta says, the announcement $name', async ({ start }) => {
    const blockEvents = [
      ...start,
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'It is ' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'warm.' } },
    ];
    const { choices } = await ask('claude-4-5-haiku', 'stream', { blockEvents });
    expect(choices[0]?.message.content).toBe('It is warm.');
  });

  it('on the Messages API stays unheard where it is none of the client’s business', async () => {
    const blockEvents = [
      { type: 'content_block_start', index: 0, content_block: { type: 'of_tomorrow' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Not this.' } },
      { type: 'content_block_stop', index: 0 },
    ];
    const { choices } = await ask('claude-4-5-haiku', 'stream', { blockEvents });
    expect(choices[0]?.message.content ?? '').toBe('');
  });

  it('on the Messages API too', async () => {
    const events = (index: number, content_block: Fields, ...deltas: Fields[]): Fields[] => [
      { type: 'content_block_start', index, content_block },
      ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
      { type: 'content_block_stop', index },
    ];
    const blockEvents = [
      ...events(
        0,
        {},
        { type: 'thinking_delta', thinking: 'Hm.' },
        { type: 'signature_delta', signature: 's' },
      ),
      ...events(1, {}, { type: 'citations_delta', citation: {} }, { type: 'text_delta', text: 'It is ' }),
      ...events(2, { text: 'warm.' }),
      ...events(3, { id: 'toolu_1', name: 'look' }, { type: 'input_json_delta', partial_json: '{"a":1}' }),
    ];
    const { choices } = await ask('claude-4-5-haiku', 'stream', { blockEvents, stop: 'tool_use' }, { tools });
    expect(choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: 'It is warm.',
        tool_calls: [{ id: 'toolu_1', function: { arguments: '{"a":1}' } }],
      },
    });
  });
});

describe('a call whose block', () => {
  const start = {
    claude: (input: Fields) => ({
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'tool_use', id: 'toolu_1', name: 'look', input },
    }),
    nova: {
      contentBlockStart: { contentBlockIndex: 0, start: { toolUse: { toolUseId: 't', name: 'look' } } },
    },
  };

  it.each([
    { model: 'claude-4-5-haiku', blockEvents: [start.claude({})] },
    { model: 'nova-lite', blockEvents: [start.nova] },
  ])('is never closed has arguments all the same: $model', async ({ model, blockEvents }) => {
    const { choices } = await ask(model, 'stream', { blockEvents, stop: 'tool_use' }, { tools });
    expect(choices[0]?.message.tool_calls).toMatchObject([{ function: { arguments: '{}' } }]);
  });

  it.each([
    { name: 'in its announcement alone', deltas: [] },
    { name: 'there and in its deltas', deltas: ['{"at":', '"Rome"}'] },
  ])('holds the arguments $name has them once', async ({ deltas }) => {
    const blockEvents = [
      start.claude({ at: 'Rome' }),
      ...deltas.map((partial_json) => ({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'input_json_delta', partial_json },
      })),
      { type: 'content_block_stop', index: 0 },
    ];
    const answer: ScriptedAnswer = { blockEvents, stop: 'tool_use' };
    const { choices } = await ask('claude-4-5-haiku', 'stream', answer, { tools });
    expect(choices[0]?.message.tool_calls).toMatchObject([{ function: { arguments: '{"at":"Rome"}' } }]);
  });
});

describe('an end word that says the output is malformed', () => {
  const cases = everyWay.flatMap((way) =>
    ['malformed_model_output', 'malformed_tool_use', 'malformed_of_tomorrow'].map((stop) => ({
      ...way,
      stop,
    })),
  );
  it.each(cases)('$stop is no finish: $family, $how', async ({ model, how, stop }) => {
    upstream.answer({ blocks: [textBlock('Half of')], stop });
    const response = await server.post({ model, messages, stream: how === 'stream' });
    const { text } = await readUntilCut(response);
    expect(text).toContain('"code":"malformed_model_output"');
    expect(text).not.toMatch(/"finish_reason":"|\[DONE\]/);
    if (how === 'plain') {
      expect(response.status).toBe(502);
      expect(response.headers.get('x-should-retry')).toBe('false');
    }
    expect(upstream.requests).toHaveLength(1);
  });
});

describe('a refusal', () => {
  const refusal = {
    stop: 'refusal',
    stopDetails: { type: 'refusal', category: 'cyber', explanation: 'Not with this one.' },
  };

  it.each([
    { model: 'claude-4-5-haiku', how: 'plain' as const },
    { model: 'claude-4-5-haiku', how: 'stream' as const },
  ])('$how: says why, where OpenAI’s clients look for it', async ({ model, how }) => {
    const answer = await ask(model, how, { ...refusal, blocks: [textBlock('First')] });
    expect(answer.choices[0]).toMatchObject({
      finish_reason: 'content_filter',
      message: { content: 'First', refusal: 'Not with this one.' },
    });
  });

  it('without an explanation has null there, as every answer', async () => {
    for (const how of ['plain', 'stream'] as const) {
      const answer = await ask('claude-4-5-haiku', how, {
        stop: 'refusal',
        stopDetails: { type: 'refusal', category: null, explanation: null },
      });
      expect(answer.choices[0]?.finish_reason).toBe('content_filter');
      expect(answer.choices[0]?.message.refusal).toBeNull();
    }
  });

  it('whose explanation is no text has null there', async () => {
    const stopDetails = { type: 'refusal', explanation: { text: 'Not with this one.' } };
    for (const how of ['plain', 'stream'] as const) {
      const answer = await ask('claude-4-5-haiku', how, { stop: 'refusal', stopDetails });
      expect(answer.choices[0]?.message.refusal).toBeNull();
    }
  });

  it('is not what an answer has that ended well, whatever is said of its end', async () => {
    const stopDetails = { type: 'of_tomorrow', explanation: 'All was said.' };
    for (const how of ['plain', 'stream'] as const) {
      const answer = await ask('claude-4-5-haiku', how, { blocks: [textBlock('Yes.')], stopDetails });
      expect(answer.choices[0]?.message).toMatchObject({ content: 'Yes.', refusal: null });
    }
  });

  it('in a stream comes in one delta before the finish', async () => {
    upstream.answer(refusal);
    const response = await server.post({ model: 'claude-4-5-haiku', stream: true, messages });
    const frames = (await response.text()).split('\n\n').filter((frame) => frame.startsWith('data: {'));
    const deltas = frames.map((frame) => JSON.parse(frame.slice('data: '.length)).choices[0]);
    expect(deltas.map(({ delta }) => delta)).toEqual([
      { role: 'assistant', content: '', refusal: null },
      { refusal: 'Not with this one.' },
      {},
    ]);
    expect(deltas.at(-1).finish_reason).toBe('content_filter');
  });
});

describe('thinking that Nova 1 begins aloud and never ends', () => {
  it.each(['plain', 'stream'] as const)('%s: is given as the answer too', async (how) => {
    const blocks = [textBlock('<thinking> The user greets me.\n\nHello! How can I help?')];
    const { choices } = await ask(
      'nova-lite',
      how,
      { blocks },
      { tools, extended_thinking: { include_reasoning: true } },
    );
    expect(choices[0]?.message).toMatchObject({
      content: 'The user greets me.\n\nHello! How can I help?',
      reasoning_content: ' The user greets me.\n\nHello! How can I help?',
    });
  });
});
