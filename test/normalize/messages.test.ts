import { describe, expect, it } from 'vitest';
import { legacyCallId } from '../../src/api/chat-completions/read-messages.ts';
import type { Part, Turn } from '../../src/core/chat.ts';
import { textPart } from '../../src/core/message-text.ts';
import { normalized, refusal } from './fit.ts';

const text = (value: string): Part => textPart(value);
const user = (...parts: readonly (string | Part)[]): Turn => ({
  role: 'user',
  parts: parts.map((part) => (typeof part === 'string' ? text(part) : part)),
});
const assistant = (...parts: readonly (string | Part)[]): Turn => ({ ...user(...parts), role: 'assistant' });
const system = (...values: readonly string[]): Turn => ({ role: 'system', parts: values.map(text) });
const late = (content: string) => ({ role: 'system', content });
const call = (id: string, input: Record<string, unknown> = {}, name = 'look'): Part => ({
  type: 'tool-call',
  id,
  name,
  input,
});
const result = (id: string, ...content: readonly string[]): Part => ({
  type: 'tool-result',
  id,
  content: content.map((value) => textPart(value)),
  isError: false,
});
const missing = (id: string): Part => ({
  type: 'tool-result',
  id,
  content: [textPart('No result was provided for this call.')],
  isError: true,
});

const wireCall = (id: string, args: string | null | undefined = '{}', name = 'look') => ({
  id,
  type: 'function',
  function: { name, arguments: args },
});
const tool = (id: string, content: unknown = 'ok') => ({ role: 'tool', tool_call_id: id, content });
const hi = { role: 'user', content: 'Hi' };

interface Case {
  readonly name: string;
  readonly model?: string;
  readonly upstream?: 'anthropic' | 'bedrock';
  readonly body?: Record<string, unknown>;
  readonly input: readonly unknown[];
  readonly system?: readonly string[];
  readonly expected: readonly Turn[];
  readonly adjusted?: boolean;
}

const opus = 'claude-opus-5';

const cases: readonly Case[] = [
  // Behaviour 3.1
  {
    name: 'system and developer messages, strings and parts, stay separate blocks in order',
    input: [
      { role: 'system', content: 'one' },
      {
        role: 'developer',
        content: [
          { type: 'text', text: 'two' },
          { type: 'text', text: 'three' },
        ],
      },
      hi,
    ],
    system: ['one', 'two', 'three'],
    expected: [user('Hi')],
  },
  {
    name: 'empty system messages, which upstreams refuse, are skipped',
    input: [
      { role: 'system', content: '' },
      { role: 'system', content: [{ type: 'text', text: ' \n' }] },
      { role: 'system', content: 'kept' },
      hi,
    ],
    system: ['kept'],
    expected: [user('Hi')],
  },
  {
    name: 'a late system message is hoisted and reported',
    input: [hi, { role: 'system', content: 'late' }, { role: 'user', content: 'again' }],
    system: ['late'],
    expected: [user('Hi', 'again')],
    adjusted: true,
  },
  {
    name: 'a late but empty system message moves nothing and is not reported',
    input: [hi, { role: 'system', content: '' }, { role: 'user', content: 'again' }],
    expected: [user('Hi', 'again')],
  },
  {
    name: 'a late system message stays where the model row says so',
    model: opus,
    input: [
      { role: 'system', content: 'first' },
      hi,
      { role: 'assistant', content: 'Yes?' },
      { role: 'user', content: 'more' },
      { role: 'system', content: 'late' },
    ],
    system: ['first'],
    expected: [user('Hi'), assistant('Yes?'), user('more'), system('late')],
  },
  {
    name: 'a late system message is hoisted on Bedrock, which knows none in mid-conversation',
    model: opus,
    upstream: 'bedrock',
    input: [hi, { role: 'system', content: 'late' }, { role: 'user', content: 'again' }],
    system: ['late'],
    expected: [user('Hi', 'again')],
    adjusted: true,
  },
  {
    name: 'a conversation of system messages alone gets a user turn, reported',
    input: [{ role: 'system', content: 'alone' }],
    system: ['alone'],
    expected: [user('.')],
    adjusted: true,
  },

  {
    name: 'a late system message between user messages moves behind the last of them',
    model: opus,
    input: [hi, late('note'), { role: 'user', content: 'more' }, { role: 'assistant', content: 'Yes' }, hi],
    expected: [user('Hi', 'more'), system('note'), assistant('Yes'), user('Hi')],
    adjusted: true,
  },
  {
    name: 'a late system message behind the assistant moves behind the next user message',
    model: opus,
    input: [hi, { role: 'assistant', content: 'Yes?' }, late('note'), { role: 'user', content: 'more' }],
    expected: [user('Hi'), assistant('Yes?'), user('more'), system('note')],
    adjusted: true,
  },
  {
    name: 'several that meet become one, those that had to move among them',
    model: opus,
    input: [
      ...[hi, late('a'), late('b'), { role: 'assistant', content: 'Yes?' }],
      ...[late('c'), { role: 'user', content: 'more' }, late('d')],
    ],
    expected: [user('Hi'), system('a', 'b'), assistant('Yes?'), user('more'), system('c', 'd')],
    adjusted: true,
  },
  {
    name: 'two in a row in a legal place become one without a word, as all neighbours of one role',
    model: opus,
    input: [hi, late('a'), late('b')],
    expected: [user('Hi'), system('a', 'b')],
  },
  {
    name: 'a late system message between a result and the next user text moves behind the text',
    model: opus,
    input: [
      ...[hi, { role: 'assistant', tool_calls: [wireCall('a')] }, tool('a', 'A'), late('note')],
      { role: 'user', content: 'go on' },
    ],
    expected: [user('Hi'), assistant(call('a')), user(result('a', 'A'), 'go on'), system('note')],
    adjusted: true,
  },
  {
    name: 'a late system message between calls and results moves behind the results',
    model: opus,
    input: [
      hi,
      { role: 'assistant', tool_calls: [wireCall('a'), wireCall('b')] },
      tool('a', 'A'),
      { role: 'system', content: 'note' },
      tool('b', 'B'),
    ],
    expected: [
      user('Hi'),
      assistant(call('a'), call('b')),
      user(result('a', 'A'), result('b', 'B')),
      system('note'),
    ],
    adjusted: true,
  },
  {
    name: 'a late system message behind a call without a result stands behind the result it is given',
    model: opus,
    input: [hi, { role: 'assistant', tool_calls: [wireCall('a')] }, late('note')],
    expected: [user('Hi'), assistant(call('a')), user(missing('a')), system('note')],
    adjusted: true,
  },
  {
    name: 'a late system message behind a user turn that comes to nothing waits for the next',
    model: opus,
    input: [
      ...[hi, { role: 'assistant', content: 'Yes?' }, tool('ghost', ''), late('note')],
      ...[
        { role: 'assistant', content: 'Well.' },
        { role: 'user', content: 'more' },
      ],
    ],
    expected: [user('Hi'), assistant('Yes?', 'Well.'), user('more'), system('note')],
    adjusted: true,
  },
  {
    name: 'a late system message behind the answer stands behind a user turn that asks to go on',
    model: opus,
    input: [hi, { role: 'assistant', content: 'Yes?' }, late('a'), late('b')],
    expected: [user('Hi'), assistant('Yes?'), user('Continue.'), system('a', 'b')],
    adjusted: true,
  },

  // Behaviour 3.2
  {
    name: 'a run of tool messages becomes one user turn with the next user message after them',
    input: [
      hi,
      { role: 'assistant', content: null, tool_calls: [wireCall('a'), wireCall('b')] },
      tool('a', 'A'),
      tool('b', 'B'),
      { role: 'user', content: 'and?' },
    ],
    expected: [user('Hi'), assistant(call('a'), call('b')), user(result('a', 'A'), result('b', 'B'), 'and?')],
  },
  {
    name: 'results come first even where the user spoke before them',
    input: [
      hi,
      { role: 'assistant', tool_calls: [wireCall('a')] },
      { role: 'user', content: 'wait' },
      tool('a', 'A'),
    ],
    expected: [user('Hi'), assistant(call('a')), user(result('a', 'A'), 'wait')],
  },
  {
    name: 'results in another order are put into the order of the calls',
    input: [
      hi,
      { role: 'assistant', tool_calls: [wireCall('a'), wireCall('b')] },
      tool('b', 'B'),
      tool('a', 'A'),
    ],
    expected: [user('Hi'), assistant(call('a'), call('b')), user(result('a', 'A'), result('b', 'B'))],
  },
  {
    name: 'neighbouring turns of one role are merged',
    input: [
      { role: 'user', content: 'a' },
      { role: 'user', content: [{ type: 'text', text: 'b' }] },
      { role: 'assistant', content: 'c' },
      { role: 'assistant', content: 'd' },
      { role: 'user', content: 'e' },
    ],
    expected: [user('a', 'b'), assistant('c', 'd'), user('e')],
  },
  {
    name: 'a conversation that begins with the assistant gets a user turn first, reported',
    input: [{ role: 'assistant', content: 'Welcome' }, hi],
    expected: [user('.'), assistant('Welcome'), user('Hi')],
    adjusted: true,
  },

  // Behaviour 3.3
  ...([null, '', undefined, ' ', []] as const).map(
    (content): Case => ({
      name: `an assistant with calls and content ${JSON.stringify(content)} just works`,
      model: 'nova-lite',
      input: [hi, { role: 'assistant', content, tool_calls: [wireCall('a')] }, tool('a')],
      expected: [user('Hi'), assistant(call('a')), user(result('a', 'ok'))],
    }),
  ),
  {
    name: 'text beside calls is kept',
    input: [hi, { role: 'assistant', content: 'Looking.', tool_calls: [wireCall('a')] }, tool('a')],
    expected: [user('Hi'), assistant('Looking.', call('a')), user(result('a', 'ok'))],
  },
  {
    name: 'blank text parts vanish',
    input: [
      {
        role: 'user',
        content: [
          { type: 'text', text: '' },
          { type: 'text', text: 'x' },
          { type: 'text', text: '\n' },
        ],
      },
    ],
    expected: [user('x')],
  },
  {
    name: 'a turn left empty vanishes and its neighbours merge',
    input: [hi, { role: 'assistant', content: '' }, { role: 'user', content: 'there?' }],
    expected: [user('Hi', 'there?')],
  },
  {
    name: 'an empty tool_calls list is no call',
    input: [hi, { role: 'assistant', content: 'Yes', tool_calls: [] }, { role: 'user', content: 'ok' }],
    expected: [user('Hi'), assistant('Yes'), user('ok')],
  },

  // Behaviour 3.4
  {
    name: 'tool results as text parts',
    input: [
      hi,
      { role: 'assistant', tool_calls: [wireCall('a')] },
      tool('a', [
        { type: 'text', text: 'p' },
        { type: 'text', text: 'q' },
      ]),
    ],
    expected: [user('Hi'), assistant(call('a')), user(result('a', 'p', 'q'))],
  },
  ...(['', null, [], undefined] as const).map(
    (content): Case => ({
      name: `a tool result of ${JSON.stringify(content)} is an answered call all the same`,
      input: [hi, { role: 'assistant', tool_calls: [wireCall('a')] }, { ...tool('a'), content }],
      expected: [user('Hi'), assistant(call('a')), user(result('a'))],
    }),
  ),
  {
    name: 'a result without its call becomes user text, not an upstream 400, and is reported',
    input: [hi, tool('ghost', 'boo'), { role: 'user', content: 'well' }],
    expected: [user('Hi', 'boo', 'well')],
    adjusted: true,
  },
  {
    name: 'a second result for one call becomes user text',
    input: [hi, { role: 'assistant', tool_calls: [wireCall('a')] }, tool('a', 'first'), tool('a', 'second')],
    expected: [user('Hi'), assistant(call('a')), user(result('a', 'first'), 'second')],
    adjusted: true,
  },
  {
    name: 'a call without a result at the end gets an error result, reported',
    input: [hi, { role: 'assistant', tool_calls: [wireCall('a')] }],
    expected: [user('Hi'), assistant(call('a')), user(missing('a'))],
    adjusted: true,
  },
  {
    name: 'a call without a result in the middle gets an error result before what follows',
    input: [
      hi,
      { role: 'assistant', tool_calls: [wireCall('a'), wireCall('b')] },
      tool('b'),
      { role: 'user', content: 'so?' },
    ],
    expected: [user('Hi'), assistant(call('a'), call('b')), user(missing('a'), result('b', 'ok'), 'so?')],
    adjusted: true,
  },
  {
    name: 'the same call id in two rounds answers each round by itself, under an id of its own',
    input: [
      hi,
      { role: 'assistant', tool_calls: [wireCall('a')] },
      tool('a', 'one'),
      { role: 'assistant', tool_calls: [wireCall('a')] },
      tool('a', 'two'),
    ],
    expected: [
      user('Hi'),
      assistant(call('a')),
      user(result('a', 'one')),
      assistant(call('a_08ebe108ce80')),
      user(result('a_08ebe108ce80', 'two')),
    ],
  },
  {
    name: 'legacy function messages answer the latest legacy call',
    input: [
      hi,
      { role: 'assistant', content: null, function_call: { name: 'look', arguments: '{"x":1}' } },
      { role: 'function', name: 'look', content: 'seen' },
    ],
    expected: [
      user('Hi'),
      assistant(call('call_legacy_6b9646e5ed6b', { x: 1 })),
      user(result('call_legacy_6b9646e5ed6b', 'seen')),
    ],
  },

  // Behaviour 3.5
  {
    name: 'a final assistant message is a prefill without trailing white space',
    model: 'claude-4-5-haiku',
    input: [hi, { role: 'assistant', content: 'The answer is \n' }],
    expected: [user('Hi'), assistant('The answer is')],
  },
  {
    name: 'Nova 1 takes a prefill',
    model: 'nova-pro',
    input: [hi, { role: 'assistant', content: '{ ' }],
    expected: [user('Hi'), assistant('{')],
  },
  {
    name: 'where there is no prefill a user turn asks to continue, reported',
    model: 'claude-sonnet-4-6',
    input: [hi, { role: 'assistant', content: 'The answer is' }],
    expected: [user('Hi'), assistant('The answer is'), user('Continue.')],
    adjusted: true,
  },
  {
    name: 'beside thinking there is no prefill',
    body: { reasoning_effort: 'low' },
    input: [hi, { role: 'assistant', content: 'The answer is' }],
    expected: [user('Hi'), assistant('The answer is'), user('Continue.')],
    adjusted: true,
  },

  ...(['claude-4-5-haiku', 'nova-pro', 'claude-sonnet-4-6'] as const).map(
    (model): Case => ({
      name: `${model}: a blank last user message asks for an answer, and makes no prefill of the one before`,
      model,
      input: [hi, { role: 'assistant', content: 'It is warm.' }, { role: 'user', content: ' \n' }],
      expected: [user('Hi'), assistant('It is warm.'), user('Continue.')],
      adjusted: true,
    }),
  ),
  {
    name: 'a result that comes to nothing makes no prefill of the answer before it',
    model: 'claude-4-5-haiku',
    input: [hi, { role: 'assistant', content: 'It is warm.' }, tool('ghost', '')],
    expected: [user('Hi'), assistant('It is warm.'), user('Continue.')],
    adjusted: true,
  },
  {
    name: 'blank messages of the assistant behind a prefill leave it one',
    model: 'claude-4-5-haiku',
    input: [hi, { role: 'assistant', content: 'It is' }, { role: 'assistant', content: ' ' }, late('')],
    expected: [user('Hi'), assistant('It is')],
  },

  // Behaviour 3.8
  {
    name: 'fields that clients echo are accepted and ignored quietly',
    input: [
      { role: 'user', content: 'Hi', name: 'ada' },
      {
        role: 'assistant',
        content: 'Yes',
        name: 'bot',
        refusal: null,
        annotations: [],
        audio: null,
        function_call: null,
        tool_calls: null,
        parsed: { a: 1 },
        provider_specific_fields: { x: 1 },
        reasoning_content: 'hm',
        reasoning: 'hm',
      },
      { role: 'user', content: 'ok' },
    ],
    expected: [user('Hi'), assistant('Yes'), user('ok')],
  },
  {
    name: 'a refusal stands in for missing content',
    input: [hi, { role: 'assistant', content: null, refusal: 'No.' }, { role: 'user', content: 'ok' }],
    expected: [user('Hi'), assistant('No.'), user('ok')],
  },

  // Behaviour 4.5
  ...(['', null, undefined, ' ', '{}'] as const).map(
    (args): Case => ({
      name: `arguments ${JSON.stringify(args)} on replay are an empty object`,
      input: [
        hi,
        {
          role: 'assistant',
          tool_calls: [{ ...wireCall('a'), function: { name: 'look', arguments: args } }],
        },
        tool('a'),
      ],
      expected: [user('Hi'), assistant(call('a')), user(result('a', 'ok'))],
    }),
  ),
  ...(
    [
      ['{"location": "Par', { location: 'Par' }],
      ['{"a":1,"b":[true,{"c":"x', { a: 1, b: [true, { c: 'x' }] }],
      ['{"a":1,"b', { a: 1 }],
      ['{"a":1,"b":', { a: 1 }],
      ['{"a":12', {}],
      ['{', {}],
    ] as const
  ).map(
    ([args, expected]): Case => ({
      name: `arguments that a limit cut off, ${args}, are sent as far as they can be read, reported`,
      input: [hi, { role: 'assistant', tool_calls: [wireCall('a', args)] }, tool('a')],
      expected: [user('Hi'), assistant(call('a', expected)), user(result('a', 'ok'))],
      adjusted: true,
    }),
  ),
  {
    name: 'legacy arguments that a limit cut off as well',
    input: [
      hi,
      { role: 'assistant', content: null, function_call: { name: 'look', arguments: '{"x":"1' } },
      { role: 'function', name: 'look', content: 'seen' },
    ],
    expected: [
      user('Hi'),
      assistant(call(legacyCallId('look', '{"x":"1'), { x: '1' })),
      user(result(legacyCallId('look', '{"x":"1'), 'seen')),
    ],
    adjusted: true,
  },
  {
    name: 'a call sent back without its type is a function call',
    input: [
      hi,
      { role: 'assistant', tool_calls: [{ id: 'a', function: { name: 'look', arguments: '{"q":1}' } }] },
      tool('a'),
    ],
    expected: [user('Hi'), assistant(call('a', { q: 1 })), user(result('a', 'ok'))],
  },
  {
    name: 'a custom call goes back as the one text parameter it was emulated with',
    input: [
      hi,
      {
        role: 'assistant',
        tool_calls: [{ id: 'a', type: 'custom', custom: { name: 'look', input: 'free text' } }],
      },
      tool('a'),
    ],
    expected: [user('Hi'), assistant(call('a', { input: 'free text' })), user(result('a', 'ok'))],
  },
];

/** Marks that were not given are left out, so that tables need not name them. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('messages become turns that any upstream accepts', () => {
  it.each(cases)('$name', ({ model, upstream, body, input, system: blocks, expected, adjusted }) => {
    const { prompt, report } = normalized(
      { messages: input, ...body },
      { ...(model === undefined ? {} : { model }), ...(upstream === undefined ? {} : { upstream }) },
    );
    expect(plain(prompt.turns)).toEqual(expected);
    expect(prompt.system.map((part) => part.text)).toEqual(blocks ?? []);
    expect(report).toEqual({ ignored: [], adjusted: adjusted === true ? ['messages'] : [] });
  });
});

const refused = [
  {
    name: 'arguments that are no JSON',
    input: [hi, { role: 'assistant', tool_calls: [wireCall('a', '{"x":1 2')] }],
    param: 'messages[1].tool_calls[0].function.arguments',
  },
  {
    name: 'arguments that are no JSON from the start',
    input: [hi, { role: 'assistant', tool_calls: [wireCall('a', 'look for it')] }],
    param: 'messages[1].tool_calls[0].function.arguments',
  },
  {
    name: 'arguments that end in something else than JSON',
    input: [hi, { role: 'assistant', tool_calls: [wireCall('a', '{"x":oops')] }],
    param: 'messages[1].tool_calls[0].function.arguments',
  },
  {
    name: 'a list that a limit cut off',
    input: [hi, { role: 'assistant', tool_calls: [wireCall('a', '[1,2')] }],
    param: 'messages[1].tool_calls[0].function.arguments',
  },
  {
    name: 'arguments that are a list',
    input: [hi, { role: 'assistant', tool_calls: [wireCall('b'), wireCall('a', '[1]')] }],
    param: 'messages[1].tool_calls[1].function.arguments',
  },
  {
    name: 'arguments that are null in JSON',
    input: [hi, { role: 'assistant', tool_calls: [wireCall('a', 'null')] }],
    param: 'messages[1].tool_calls[0].function.arguments',
  },
  {
    name: 'legacy arguments that are no object',
    input: [hi, { role: 'assistant', function_call: { name: 'f', arguments: '5' } }],
    param: 'messages[1].function_call.arguments',
  },
  {
    name: 'nothing but blanks in the whole conversation',
    input: [{ role: 'user', content: ' ' }],
    param: 'messages',
  },
  {
    name: 'audio input, which no model here hears',
    input: [
      { role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }] },
    ],
    param: 'messages[0].content[0]',
  },
];

describe('a message that cannot be sent is a 400 with its path', () => {
  it.each(refused)('$name', ({ input, param }) => {
    const error = refusal(() => normalized({ messages: input }));
    expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', param });
    expect(error.message).toContain(param);
  });
});

describe('two calls of one id in one turn', () => {
  it('are told apart, so that every call has exactly one result', () => {
    const { prompt } = normalized({
      messages: [
        hi,
        { role: 'assistant', tool_calls: [wireCall('a'), wireCall('a'), wireCall('a_1')] },
        tool('a', 'A'),
      ],
    });
    const calls = prompt.turns[1]?.parts.flatMap((part) => (part.type === 'tool-call' ? [part.id] : []));
    const results = prompt.turns[2]?.parts.flatMap((part) => (part.type === 'tool-result' ? [part.id] : []));
    expect(new Set(calls).size).toBe(3);
    expect(results).toEqual(calls);
  });
});

const block = (thinking: string, signature: string): Part => ({
  type: 'thinking-block',
  block: { type: 'thinking', thinking, signature },
});

describe('thinking that clients send back, in whichever form they keep it', () => {
  it.each([
    {
      name: 'thinking_blocks',
      fields: { thinking_blocks: [{ index: 0, type: 'thinking', thinking: 't', signature: 's' }] },
      expected: [block('t', 's')],
    },
    {
      name: 'redacted thinking_blocks',
      fields: { thinking_blocks: [{ type: 'redacted_thinking', data: 'd' }] },
      expected: [{ type: 'thinking-block', block: { type: 'redacted_thinking', data: 'd' } }],
    },
    {
      name: "OpenRouter's reasoning_details",
      fields: { reasoning_details: [{ type: 'reasoning.text', text: 't', signature: 's' }] },
      expected: [block('t', 's')],
    },
    {
      name: "OpenRouter's pieces as a stream brought them: those of one index are one block, up to its signature",
      fields: {
        reasoning_details: [
          { type: 'reasoning.text', text: 'a', index: 0 },
          { type: 'reasoning.text', text: 'b', index: 0 },
          { type: 'reasoning.text', text: '', signature: 's', index: 0 },
          { type: 'reasoning.encrypted', data: 'd', index: 1 },
          { type: 'reasoning.text', text: 'unsigned', index: 2 },
          { type: 'reasoning.text', text: 'c', index: 3 },
          { type: 'reasoning.text', signature: 't', index: 3 },
        ],
      },
      expected: [
        block('ab', 's'),
        { type: 'thinking-block', block: { type: 'redacted_thinking', data: 'd' } },
        block('c', 't'),
      ],
    },
    {
      name: 'whole blocks of one index, each with a signature of its own, stay apart',
      fields: {
        reasoning_details: [
          { type: 'reasoning.text', text: 'a', signature: 's', index: 0 },
          { type: 'reasoning.text', text: 'b', signature: 't', index: 0 },
        ],
      },
      expected: [block('a', 's'), block('b', 't')],
    },
    {
      name: 'signed details beside unsigned blocks of another form',
      fields: {
        thinking_blocks: [{ type: 'thinking', thinking: 't' }],
        reasoning_details: [{ type: 'reasoning.text', text: 't', signature: 's' }],
      },
      expected: [block('t', 's')],
    },
    {
      name: "Heroku's reasoning",
      fields: { reasoning: { thinking: 't', signature: 's' } },
      expected: [block('t', 's')],
    },
    {
      name: 'unsigned thinking is dropped, never sent as text',
      fields: { thinking_blocks: [{ type: 'thinking', thinking: 't' }] },
      expected: [],
    },
    {
      name: 'an empty thought keeps its signature',
      fields: { thinking_blocks: [{ type: 'thinking', thinking: '', signature: 's' }] },
      expected: [block('', 's')],
    },
  ])('$name', ({ fields, expected }) => {
    const { prompt } = normalized({
      messages: [hi, { role: 'assistant', content: 'Yes', ...fields }, { role: 'user', content: 'ok' }],
      reasoning_effort: 'low',
    });
    expect(plain(prompt.turns[1]?.parts)).toEqual([...expected, text('Yes')]);
  });
});

describe('thinking that comes back as content parts', () => {
  const history = (content: readonly unknown[], more: object = {}) =>
    plain(
      normalized({
        messages: [hi, { role: 'assistant', content, ...more }, { role: 'user', content: 'ok' }],
        reasoning_effort: 'low',
      }).prompt.turns[1]?.parts,
    );

  it('keeps its place among them', () => {
    const parts = history([
      { type: 'thinking', thinking: 't', signature: 's' },
      { type: 'text', text: 'Yes' },
      { type: 'redacted_thinking', data: 'd' },
      { type: 'text', text: 'and no' },
    ]);
    const redacted = { type: 'thinking-block', block: { type: 'redacted_thinking', data: 'd' } };
    expect(parts).toEqual([block('t', 's'), text('Yes'), redacted, text('and no')]);
  });

  it('stands before calls', () => {
    const parts = history([{ type: 'thinking', thinking: '', signature: 's' }], {
      tool_calls: [wireCall('a')],
    });
    expect(parts).toEqual([block('', 's'), call('a')]);
  });

  it('is dropped where it is not signed, never sent as text', () => {
    expect(
      history([
        { type: 'thinking', thinking: 't' },
        { type: 'text', text: 'Yes' },
      ]),
    ).toEqual([text('Yes')]);
  });

  it('is not sent twice where a client keeps it in two places', () => {
    const parts = history(
      [
        { type: 'thinking', thinking: 't', signature: 's' },
        { type: 'text', text: 'Yes' },
      ],
      { thinking_blocks: [{ type: 'thinking', thinking: 't', signature: 's' }] },
    );
    expect(parts).toEqual([block('t', 's'), text('Yes')]);
  });

  it('alone is no turn', () => {
    const messages = [
      hi,
      { role: 'assistant', content: [{ type: 'thinking', thinking: 't', signature: 's' }] },
    ];
    expect(plain(normalized({ messages, reasoning_effort: 'low' }).prompt.turns)).toEqual([user('Hi')]);
  });
});
