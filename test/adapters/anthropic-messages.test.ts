/** An OpenAI request as the Messages API is asked it: normalize and encode together, no network. */

import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../src/adapters/anthropic-messages/index.ts';
import { parameterNames } from '../../src/api/chat-completions/parameter-names.ts';
import { withConcepts } from '../../src/core/report.ts';
import { type Body, hello, normalized, refusal, targetOf } from '../normalize/fit.ts';

interface Case {
  /** The rule of docs/behaviour.md and what it guards. */
  readonly name: string;
  /** Sonnet 4.5 at the Anthropic API unless told. */
  readonly model?: string;
  readonly upstream?: 'anthropic' | 'bedrock';
  readonly input: Body;
  /** Fields of the body; undefined: not there. */
  readonly expected: Body;
  readonly version?: '2023-06-01' | '2026-10-21';
  readonly ignored?: readonly string[];
  readonly adjusted?: readonly string[];
}

const encoded = ({
  input,
  model = 'claude-4-5-sonnet',
  upstream = 'anthropic',
}: Pick<Case, 'input' | 'model' | 'upstream'>) => {
  const { prompt, report } = normalized(input, { model, upstream });
  const { request, report: wire } = anthropicMessages.encode(prompt, targetOf(model, upstream));
  return {
    version: request.version,
    body: JSON.parse(JSON.stringify(request.body)) as Record<string, unknown>,
    ...withConcepts(report, wire, parameterNames),
  };
};

const check = (each: Case) => {
  const { version, body, ignored, adjusted } = encoded(each);
  for (const [field, value] of Object.entries(each.expected)) expect(body[field], field).toEqual(value);
  if (each.version !== undefined) expect(version).toBe(each.version);
  expect({ ignored, adjusted }).toEqual({ ignored: each.ignored ?? [], adjusted: each.adjusted ?? [] });
};

const text = (value: string, more: object = {}) => ({ type: 'text', text: value, ...more });
const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown, more: object = {}) => ({ role: 'assistant', content, ...more });
const wireCall = (id: string, name = 'f', args: string | null = '{}') => ({
  ...{ id, type: 'function' },
  function: { name, arguments: args },
});
const calling = (...calls: readonly unknown[]) => assistant(null, { tool_calls: calls });
const answer = (id: string, content: unknown = 'ok') => ({ role: 'tool', tool_call_id: id, content });
const use = (id: string, name = 'f', input: unknown = {}) => ({ type: 'tool_use', id, name, input });
const result = (id: string, content: unknown = [text('ok')], more: object = {}) => ({
  type: 'tool_result',
  tool_use_id: id,
  content,
  ...more,
});
const missing = (id: string) =>
  result(id, [text('No result was provided for this call.')], { is_error: true });
const fn = (name: string, parameters?: unknown, more: object = {}) => ({
  type: 'function',
  function: { name, ...(parameters === undefined ? {} : { parameters }), ...more },
});
const empty = { type: 'object', properties: {} };
const declared = (name: string, schema: unknown = empty, more: object = {}) => ({
  name,
  input_schema: schema,
  ...more,
});
const rebuilt = (name: string) =>
  declared(name, empty, { description: 'Was available earlier in the conversation.' });
const ephemeral = { cache_control: { type: 'ephemeral' } };
const hour = { cache_control: { type: 'ephemeral', ttl: '1h' } };

const base64 = (bytes: string) => Buffer.from(bytes, 'latin1').toString('base64');
const png = base64('\x89PNG\r\n\x1a\n....');
const pdf = base64('%PDF-1.4');
const imageUrl = (url: string) => ({ type: 'image_url', image_url: { url } });
const image = (media_type: string, data: string) => ({
  type: 'image',
  source: { type: 'base64', media_type, data },
});
const file = (filename: string, file_data: string) => ({ type: 'file', file: { filename, file_data } });

const closed = (properties: object) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const point = closed({ x: { type: 'number' } });
const jsonSchema = (schema: unknown, name = 'point') => ({
  response_format: { type: 'json_schema', json_schema: { name, schema } },
});

const opus = 'claude-fable-5';
const budget = (budget_tokens: number) => ({ extended_thinking: { enabled: true, budget_tokens } });

const messages: readonly Case[] = [
  {
    name: '3.1 system and developer messages are separate system blocks, empty ones skipped',
    input: {
      messages: [
        { role: 'system', content: 'a' },
        { role: 'developer', content: [text('b'), text(' ')] },
        ...hello,
      ],
    },
    expected: { system: [text('a'), text('b')], messages: [user('Hello')] },
  },
  { name: '3.1 no system, no field', input: {}, expected: { system: undefined } },
  {
    name: '3.1 a late one is hoisted',
    input: { messages: [...hello, { role: 'system', content: 'late' }] },
    expected: { system: 'late', messages: [user('Hello')] },
    adjusted: ['messages'],
  },
  {
    name: '3.1 and stays where the row says so',
    model: opus,
    input: { messages: [...hello, { role: 'system', content: 'late' }, assistant('Yes?'), user('so?')] },
    expected: {
      system: undefined,
      messages: [user('Hello'), { role: 'system', content: 'late' }, assistant('Yes?'), user('so?')],
    },
  },
  {
    name: '3.1 but moves behind the next user message, where it would stand before one',
    model: opus,
    input: { messages: [...hello, { role: 'system', content: 'late' }, user('so?')] },
    expected: {
      system: undefined,
      messages: [user([text('Hello'), text('so?')]), { role: 'system', content: 'late' }],
    },
    adjusted: ['messages'],
  },
  {
    name: '3.1 but not on Bedrock',
    model: opus,
    upstream: 'bedrock',
    input: { messages: [...hello, { role: 'system', content: 'late' }] },
    expected: { system: 'late' },
    adjusted: ['messages'],
  },
  {
    name: '3.5 a system message behind the answer does not hide that the answer is last',
    model: opus,
    input: { messages: [...hello, assistant('So.'), { role: 'system', content: 'late' }] },
    expected: {
      messages: [user('Hello'), assistant('So.'), user('Continue.'), { role: 'system', content: 'late' }],
    },
    adjusted: ['messages'],
  },
  {
    name: '3.2 a run of results is one user turn, results first and in the order of the calls',
    input: {
      messages: [...hello, calling(wireCall('a'), wireCall('b')), answer('b'), answer('a'), user('so?')],
    },
    expected: {
      messages: [
        user('Hello'),
        assistant([use('a'), use('b')]),
        user([result('a'), result('b'), text('so?')]),
      ],
    },
  },
  {
    name: '3.2 neighbours of one role are merged',
    input: { messages: [user('a'), user('b'), assistant('c'), assistant('d'), user('e')] },
    expected: {
      messages: [user([text('a'), text('b')]), assistant([text('c'), text('d')]), user('e')],
    },
  },
  {
    name: "3.2 the first turn is the user's",
    input: { messages: [assistant('Hi'), user('a')] },
    expected: { messages: [user('.'), assistant('Hi'), user('a')] },
    adjusted: ['messages'],
  },
  ...[null, '', undefined, ' '].map((content) => ({
    name: `3.3 a call beside content ${JSON.stringify(content)} is padded with nothing`,
    input: { messages: [...hello, assistant(content, { tool_calls: [wireCall('a')] }), answer('a')] },
    expected: { messages: [user('Hello'), assistant([use('a')]), user([result('a')])] },
  })),
  {
    name: '3.4 images in a result, and an empty result',
    input: {
      messages: [
        ...hello,
        calling(wireCall('a'), wireCall('b')),
        answer('a', [text('see'), imageUrl(`data:image/png;base64,${png}`)]),
        answer('b', ''),
      ],
    },
    expected: {
      messages: [
        user('Hello'),
        assistant([use('a'), use('b')]),
        user([
          result('a', [text('see'), image('image/png', png)]),
          { type: 'tool_result', tool_use_id: 'b' },
        ]),
      ],
    },
  },
  {
    name: '3.4 a stray result is text, a missing one an error',
    input: { messages: [...hello, calling(wireCall('a')), answer('z', 'stray')] },
    expected: {
      messages: [user('Hello'), assistant([use('a')]), user([missing('a'), text('stray')])],
    },
    adjusted: ['messages'],
  },
  {
    name: '3.4 ids counted anew in every turn stay apart',
    input: {
      messages: [
        ...hello,
        calling(wireCall('c'), wireCall('c')),
        answer('c', 'one'),
        answer('c', 'two'),
        calling(wireCall('c')),
        answer('c', 'three'),
      ],
    },
    expected: {
      messages: [
        user('Hello'),
        assistant([use('c'), use('c_96f38edd9394')]),
        user([result('c', [text('one')]), result('c_96f38edd9394', [text('two')])]),
        assistant([use('c_96f38edd9394_2')]),
        user([result('c_96f38edd9394_2', [text('three')])]),
      ],
    },
  },
  {
    name: '3.5 a prefill, trimmed',
    input: { messages: [...hello, assistant('The answer: \n')] },
    expected: { messages: [user('Hello'), assistant('The answer:')] },
  },
  {
    name: '3.5 where there is none, a turn that asks to continue',
    model: 'claude-opus-4-6',
    input: { messages: [...hello, assistant('The answer:')] },
    expected: {
      messages: [user('Hello'), assistant('The answer:'), user('Continue.')],
    },
    adjusted: ['messages'],
  },
  {
    name: '3.6 the bytes decide what an image is',
    input: { messages: [user([imageUrl(`data:image/jpg;base64,${png}`)])] },
    expected: { messages: [user([image('image/png', png)])] },
  },
  {
    name: '3.6 an https URL goes to the Anthropic API as it is',
    input: { messages: [user([imageUrl('https://example.com/a.png')])] },
    expected: {
      messages: [user([{ type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }])],
    },
  },
  {
    name: '3.7 PDFs, as files and as images, and text files',
    input: {
      messages: [
        user([
          file('a.pdf', `data:application/pdf;base64,${pdf}`),
          imageUrl(`data:application/pdf;base64,${pdf}`),
          file('b.csv', `data:text/csv;base64,${base64('a,b')}`),
        ]),
      ],
    },
    expected: {
      messages: [
        user([
          {
            type: 'document',
            source: { type: 'base64', media_type: 'application/pdf', data: pdf },
            title: 'a.pdf',
          },
          {
            type: 'document',
            source: { type: 'base64', media_type: 'application/pdf', data: pdf },
            title: 'document',
          },
          {
            type: 'document',
            source: { type: 'text', media_type: 'text/plain', data: 'a,b' },
            title: 'b.csv',
          },
        ]),
      ],
    },
  },
  {
    name: '3.8 what clients echo is ignored quietly',
    input: {
      messages: [
        { ...user('a'), name: 'Ada' },
        assistant('b', {
          refusal: null,
          annotations: [],
          audio: null,
          function_call: null,
          parsed: {},
          provider_specific_fields: {},
        }),
        user('c'),
      ],
    },
    expected: { messages: [user('a'), assistant('b'), user('c')] },
  },
];

const object = { type: 'object', properties: { a: { type: 'string' } } };
const tools: readonly Case[] = [
  {
    name: '4.1 no parameters, an empty object',
    input: { tools: [fn('f')] },
    expected: { tools: [declared('f')], tool_choice: undefined },
  },
  {
    name: '4.1 the schema whole, description and all',
    input: { tools: [fn('f', { ...object, $defs: { x: true }, minProperties: 1 }, { description: 'd' })] },
    expected: {
      tools: [
        { name: 'f', description: 'd', input_schema: { ...object, $defs: { x: true }, minProperties: 1 } },
      ],
    },
  },
  {
    name: '4.1 a nullable object is an object',
    input: { tools: [fn('f', { ...object, type: ['object', 'null'] })] },
    expected: { tools: [declared('f', object)] },
  },
  {
    name: '4.1 alternatives on top, which the API refuses, are one object and words',
    input: {
      tools: [
        fn('f', { ...object, anyOf: [{ required: ['a'] }, { required: ['b'], properties: { b: {} } }] }),
      ],
    },
    expected: {
      tools: [
        declared('f', {
          type: 'object',
          properties: { a: { type: 'string' }, b: {} },
          description:
            'The arguments must match one of these schemas: [{"required":["a"]},{"required":["b"],"properties":{"b":{}}}]',
        }),
      ],
    },
  },
  {
    name: '4.1 types that extend others, on top, are one object',
    input: {
      tools: [
        fn('f', {
          allOf: [{ $ref: '#/$defs/b' }, { required: ['a'] }],
          properties: object.properties,
          $defs: { b: { properties: { b: {} } } },
        }),
      ],
    },
    expected: {
      tools: [
        declared('f', {
          type: 'object',
          properties: { a: { type: 'string' }, b: {} },
          required: ['a'],
          $defs: { b: { properties: { b: {} } } },
        }),
      ],
    },
  },
  {
    name: '4.2 names and ids outside the rule are renamed everywhere',
    input: {
      tools: [fn('get weather!'), fn('get_weather_')],
      tool_choice: { type: 'function', function: { name: 'get weather!' } },
      messages: [...hello, calling(wireCall('an id', 'get weather!')), answer('an id')],
    },
    expected: {
      tools: [declared('get_weather__6b8a1f21'), declared('get_weather_')].map((each, index) =>
        index === 0 ? { ...each, name: expect.stringMatching(/^get_weather__[0-9a-f]{8}$/) } : each,
      ),
      tool_choice: { type: 'tool', name: expect.stringMatching(/^get_weather__[0-9a-f]{8}$/) },
      messages: [
        user('Hello'),
        assistant([
          use(expect.stringMatching(/^call_[0-9a-f]{24}$/), expect.stringMatching(/^get_weather__/)),
        ]),
        user([result(expect.stringMatching(/^call_[0-9a-f]{24}$/))]),
      ],
    },
  },
  ...(
    [
      ['auto', undefined],
      ['required', { type: 'any' }],
      ['none', { type: 'none' }],
      [
        { type: 'function', function: { name: 'f' } },
        { type: 'tool', name: 'f' },
      ],
    ] as const
  ).map(([tool_choice, expected]) => ({
    name: `4.3 tool_choice ${JSON.stringify(tool_choice)}`,
    input: { tools: [fn('f')], tool_choice },
    expected: { tool_choice: expected },
  })),
  {
    name: '4.3 allowed_tools trims the list',
    input: {
      tools: [fn('f'), fn('g')],
      tool_choice: {
        type: 'allowed_tools',
        allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'g' } }] },
      },
    },
    expected: { tools: [declared('g')], tool_choice: { type: 'any' } },
  },
  {
    name: '4.3 one call at a time',
    input: { tools: [fn('f')], parallel_tool_calls: false },
    expected: { tool_choice: { type: 'auto', disable_parallel_tool_use: true } },
  },
  {
    name: '4.3 none takes no other key',
    input: { tools: [fn('f')], tool_choice: 'none', parallel_tool_calls: false },
    expected: { tool_choice: { type: 'none' } },
  },
  {
    name: '4.3 a choice without tools is nothing',
    input: { tool_choice: 'auto', parallel_tool_calls: false },
    expected: { tools: undefined, tool_choice: undefined },
  },
  {
    name: '4.3 forcing is relaxed where the model refuses it, a name offers only that tool',
    model: opus,
    input: { tools: [fn('f'), fn('g')], tool_choice: { type: 'function', function: { name: 'g' } } },
    expected: { tools: [declared('g')], tool_choice: undefined },
    adjusted: ['tool_choice'],
  },
  {
    name: '4.3 and beside thinking',
    input: { tools: [fn('f')], tool_choice: 'required', ...budget(2000) },
    expected: { tool_choice: undefined },
    adjusted: ['tool_choice'],
  },
  {
    name: '4.3 Sonnet 5 forces beside its default thinking',
    model: 'claude-sonnet-5',
    input: { tools: [fn('f')], tool_choice: 'required' },
    expected: { tool_choice: { type: 'any' }, thinking: undefined },
  },
  {
    name: '4.3 but on Bedrock only without',
    model: 'claude-sonnet-5',
    upstream: 'bedrock',
    input: { tools: [fn('f')], tool_choice: 'required' },
    expected: { tool_choice: { type: 'any' }, thinking: { type: 'disabled' } },
    adjusted: ['thinking'],
  },
  {
    name: '4.4 tools that only the history knows are declared, and not callable',
    input: { messages: [...hello, calling(wireCall('a', 'old')), answer('a')] },
    expected: { tools: [rebuilt('old')], tool_choice: { type: 'none' } },
  },
  {
    name: '4.5 empty arguments are an empty object',
    input: {
      messages: [
        ...hello,
        calling(wireCall('a', 'f', ''), wireCall('b', 'f', null)),
        answer('a'),
        answer('b'),
      ],
    },
    expected: {
      messages: [user('Hello'), assistant([use('a'), use('b')]), user([result('a'), result('b')])],
    },
  },
  {
    name: '4.7 strict goes to the Anthropic API where the schema can be said whole',
    input: {
      tools: [
        fn('f', point, { strict: true }),
        fn('g', point),
        fn('h', { ...object, minProperties: 1 }, { strict: true }),
      ],
    },
    expected: {
      tools: [
        declared('f', point, { strict: true }),
        declared('g', point),
        declared('h', { ...object, minProperties: 1 }),
      ],
    },
  },
  ...(
    [
      ['on Bedrock', 'claude-4-5-sonnet', 'bedrock'],
      ['on a model without', 'claude-4-sonnet', 'anthropic'],
    ] as const
  ).map(([name, model, upstream]) => ({
    name: `4.7 strict does not go ${name}`,
    model,
    upstream,
    input: { tools: [fn('f', point, { strict: true })] },
    expected: { tools: [declared('f', point)] },
  })),
  ...(
    [
      ['twenty', 20, true],
      ['twenty-one, too many,', 21, false],
    ] as const
  ).map(([name, count, strict]) => ({
    name: `4.7 ${name} strict tools`,
    input: { tools: Array.from({ length: count }, (_, index) => fn(`f${index}`, point, { strict: true })) },
    expected: {
      tools: Array.from({ length: count }, (_, index) =>
        declared(`f${index}`, point, strict ? { strict } : {}),
      ),
    },
  })),
  ...(
    [
      ['sixteen', 8, true],
      ['eighteen, too many,', 9, false],
    ] as const
  ).map(([name, count, strict]) => {
    const nullable = closed(
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [`p${index}`, { type: ['string', 'null'] }]),
      ),
    );
    return {
      name: `4.7 ${name} parameters of strict tools with several types`,
      input: { tools: [fn('f', nullable, { strict: true }), fn('g', nullable, { strict: true })] },
      expected: { tools: ['f', 'g'].map((each) => declared(each, nullable, strict ? { strict } : {})) },
    };
  }),
  {
    name: '4.7 a custom tool is a function with one text',
    input: {
      tools: [{ type: 'custom', custom: { name: 'c' } }],
      messages: [
        ...hello,
        calling({ id: 'a', type: 'custom', custom: { name: 'c', input: 'ls' } }),
        answer('a'),
      ],
    },
    expected: {
      tools: [
        declared('c', { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] }),
      ],
      messages: [user('Hello'), assistant([use('a', 'c', { input: 'ls' })]), user([result('a')])],
    },
  },
  {
    name: '2 the legacy spelling',
    input: {
      functions: [{ name: 'f' }],
      function_call: { name: 'f' },
      messages: [
        ...hello,
        assistant(null, { function_call: { name: 'f', arguments: '{}' } }),
        { role: 'function', name: 'f', content: 'ok' },
      ],
    },
    expected: {
      tools: [declared('f')],
      tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: true },
      messages: [
        user('Hello'),
        assistant([use('call_legacy_96f38edd9394')]),
        user([result('call_legacy_96f38edd9394')]),
      ],
    },
  },
];

const block = { type: 'thinking', thinking: 'Hm.', signature: 's' };
const withBlock = [...hello, assistant('Hi', { thinking_blocks: [{ index: 0, ...block }] }), user('so?')];
const thinking: readonly Case[] = [
  {
    name: '5.2 a budget, with the cap raised',
    input: budget(5000),
    expected: { thinking: { type: 'enabled', budget_tokens: 5000 }, max_tokens: 37_000 },
  },
  {
    name: '5.2 no budget given',
    input: { extended_thinking: { enabled: true }, max_tokens: 5000 },
    expected: { thinking: { type: 'enabled', budget_tokens: 2500 }, max_tokens: 5000 },
  },
  {
    name: '5.3 adaptive and an effort from the budget',
    model: 'claude-opus-4-8',
    input: budget(5000),
    expected: { thinking: { type: 'adaptive' }, output_config: { effort: 'medium' } },
    version: '2026-10-21',
  },
  {
    name: '5.3 4.6 takes a budget',
    model: 'claude-sonnet-4-6',
    input: budget(5000),
    expected: { thinking: { type: 'enabled', budget_tokens: 5000 }, output_config: undefined },
  },
  {
    name: '5.3 or an effort',
    model: 'claude-sonnet-4-6',
    input: { reasoning_effort: 'high' },
    expected: { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } },
  },
  {
    name: '5.3 a word beyond the levels becomes the nearest',
    model: 'claude-sonnet-4-6',
    input: { reasoning_effort: 'minimal' },
    expected: { output_config: { effort: 'low' } },
    adjusted: ['reasoning_effort'],
  },
  {
    name: '5.3 off where it can be',
    model: 'claude-sonnet-5',
    input: { extended_thinking: { enabled: false } },
    expected: { thinking: { type: 'disabled' } },
  },
  {
    name: '5.3 off is said only where it is on by default',
    input: { extended_thinking: { enabled: false } },
    expected: { thinking: undefined },
  },
  {
    name: '5.3 the lowest where it cannot',
    model: opus,
    input: { reasoning_effort: 'none' },
    expected: { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } },
    adjusted: ['reasoning_effort'],
  },
  {
    name: '5.3 which is between_tools on Sonnet 5.5',
    model: 'claude-sonnet-5-5',
    input: { thinking: { type: 'disabled' } },
    expected: { thinking: { type: 'between_tools' }, output_config: undefined },
    adjusted: ['thinking'],
  },
  {
    name: '5.1 nothing asked, nothing said',
    model: opus,
    input: {},
    expected: { thinking: undefined, output_config: undefined },
  },
  {
    name: '5.4 an effort on a model without thinking',
    model: 'claude-3-5-sonnet',
    input: { reasoning_effort: 'high' },
    expected: { thinking: undefined },
    ignored: ['reasoning_effort'],
  },
  {
    name: '5.5 sampling beside thinking',
    input: { ...budget(2000), temperature: 0.2, top_p: 1, top_k: 5 },
    expected: { temperature: undefined, top_p: undefined, top_k: undefined },
    ignored: ['temperature', 'top_k'],
  },
  {
    name: '5.6 shown where it is hidden by default',
    model: opus,
    input: { extended_thinking: { include_reasoning: true } },
    expected: { thinking: { type: 'adaptive', display: 'summarized' } },
  },
  {
    name: '5.6 nothing to ask for where it is not',
    input: { extended_thinking: { enabled: true, budget_tokens: 2000, include_reasoning: true } },
    expected: { thinking: { type: 'enabled', budget_tokens: 2000 } },
  },
  {
    name: '5.7 blocks go back first in their turn',
    input: { ...budget(2000), messages: withBlock },
    expected: { messages: [user('Hello'), assistant([block, text('Hi')]), user('so?')] },
  },
  {
    name: '5.7 and nowhere where nothing thinks',
    input: { messages: withBlock },
    expected: { messages: [user('Hello'), assistant('Hi'), user('so?')] },
  },
  {
    name: '5.8 blocks that are missing switch thinking off',
    input: { ...budget(2000), tools: [fn('f')], messages: [...hello, calling(wireCall('a')), answer('a')] },
    expected: { thinking: undefined },
    adjusted: ['extended_thinking'],
  },
  {
    name: '5.8 or not where that cannot be',
    model: opus,
    input: { tools: [fn('f')], messages: [...hello, calling(wireCall('a')), answer('a')] },
    expected: { thinking: undefined },
  },
];

const sampling: readonly Case[] = [
  {
    name: '2 sampling where it is taken needs the older version',
    input: { temperature: 0.2, top_k: 4 },
    expected: { temperature: 0.2, top_k: 4 },
    version: '2023-06-01',
  },
  {
    name: '2 on Bedrock too',
    upstream: 'bedrock',
    input: { top_p: 0.2 },
    expected: { top_p: 0.2 },
    version: '2023-06-01',
  },
  {
    name: '2 one of the two',
    input: { temperature: 0.2, top_p: 0.5 },
    expected: { temperature: 0.2, top_p: undefined },
    ignored: ['top_p'],
  },
  {
    name: '2 both where both are taken',
    model: 'claude-4-sonnet',
    input: { temperature: 0.2, top_p: 0.5 },
    expected: { temperature: 0.2, top_p: 0.5 },
  },
  { name: '2 above 1', input: { temperature: 1.5 }, expected: { temperature: 1 }, adjusted: ['temperature'] },
  {
    name: '2 none on newer models',
    model: opus,
    input: { temperature: 0.2, top_p: 0.5 },
    expected: { temperature: undefined, top_p: undefined },
    version: '2026-10-21',
    ignored: ['temperature', 'top_p'],
  },
  { name: '2 the default cap', input: {}, expected: { max_tokens: 32_000 } },
  { name: '2 the default cap of a large window', model: opus, input: {}, expected: { max_tokens: 64_000 } },
  { name: '2 never above the model', model: 'claude-3-5-haiku', input: {}, expected: { max_tokens: 8192 } },
  {
    name: '2 a cap above it is lowered',
    input: { max_tokens: 100_000 },
    expected: { max_tokens: 64_000 },
    adjusted: ['max_tokens'],
  },
  {
    name: '2 blank stops',
    input: { stop: ['\n', 'END'] },
    expected: { stop_sequences: ['END'] },
    adjusted: ['stop'],
  },
  {
    name: '2 only blank stops',
    input: { stop: ' ' },
    expected: { stop_sequences: undefined },
    ignored: ['stop'],
  },
  { name: '2 the user', input: { user: 'u-1' }, expected: { metadata: { user_id: 'u-1' } } },
  {
    name: '2 the user on Bedrock',
    upstream: 'bedrock',
    input: { metadata: { user_id: 'u-1' } },
    expected: { metadata: { user_id: 'u-1' } },
  },
  {
    name: '2 an address is hashed',
    input: { user: 'a@b.example' },
    expected: { metadata: { user_id: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    adjusted: ['user'],
  },
  { name: '2 the tier', input: { service_tier: 'default' }, expected: { service_tier: 'standard_only' } },
  {
    name: '2 the tier on Bedrock',
    upstream: 'bedrock',
    input: { service_tier: 'priority' },
    expected: { service_tier: undefined },
    ignored: ['service_tier'],
  },
];

const formats: readonly Case[] = [
  {
    name: '6.1 native',
    input: jsonSchema(point),
    expected: { output_config: { format: { type: 'json_schema', schema: point } }, tools: undefined },
  },
  {
    name: '6.1 native beside effort and tools',
    model: opus,
    input: { ...jsonSchema(point), reasoning_effort: 'low', tools: [fn('f')] },
    expected: {
      output_config: { effort: 'low', format: { type: 'json_schema', schema: point } },
      tools: [declared('f')],
    },
  },
  {
    name: '6.1 a forced tool where it is not',
    model: 'claude-4-sonnet',
    input: jsonSchema(point),
    expected: {
      output_config: undefined,
      tool_choice: { type: 'tool', name: 'point', disable_parallel_tool_use: true },
      tools: [declared('point', point, { description: expect.any(String) })],
    },
  },
  {
    name: '6.1 and on Bedrock',
    model: 'claude-4-5-haiku',
    upstream: 'bedrock',
    input: jsonSchema(point),
    expected: { tool_choice: { type: 'tool', name: 'point', disable_parallel_tool_use: true } },
  },
  {
    name: '6.1 Sonnet 5 on Bedrock is forced without thinking',
    model: 'claude-sonnet-5',
    upstream: 'bedrock',
    input: jsonSchema(point),
    expected: {
      tool_choice: { type: 'tool', name: 'point', disable_parallel_tool_use: true },
      thinking: { type: 'disabled' },
    },
    adjusted: ['thinking'],
  },
  {
    name: '6.1 words where neither works',
    model: opus,
    upstream: 'bedrock',
    input: jsonSchema(point),
    expected: {
      tools: undefined,
      output_config: undefined,
      system: expect.stringContaining('"x"') as unknown,
    },
  },
  {
    name: "6.1 words beside the client's tools",
    model: 'claude-4-sonnet',
    input: { ...jsonSchema(point), tools: [fn('f')] },
    expected: {
      tools: [declared('f')],
      tool_choice: undefined,
      system: expect.stringContaining('"x"') as unknown,
    },
  },
  {
    name: '6.1 no prefill before JSON',
    input: { ...jsonSchema(point), messages: [...hello, assistant('{')] },
    expected: { messages: [user('Hello'), assistant('{'), user('Continue.')] },
    adjusted: ['messages'],
  },
  {
    name: '6.2 what is refused moves into words, objects are closed',
    input: jsonSchema({
      type: 'object',
      properties: { n: { type: 'integer', minimum: 1 } },
      required: ['n'],
    }),
    expected: {
      output_config: {
        format: {
          type: 'json_schema',
          schema: closed({ n: { type: 'integer', description: 'at least 1' } }),
        },
      },
    },
  },
  {
    name: '6.3 json_object is never native',
    input: { response_format: { type: 'json_object' } },
    expected: {
      output_config: undefined,
      tool_choice: { type: 'tool', name: 'answer', disable_parallel_tool_use: true },
    },
  },
  {
    name: '6.3 text is nothing',
    input: { response_format: { type: 'text' } },
    expected: { output_config: undefined, tools: undefined },
  },
];

const caching: readonly Case[] = [
  {
    name: '9 marks on parts, messages, tools and results',
    input: {
      tools: [{ ...fn('f'), ...hour }],
      messages: [
        { role: 'system', content: [text('s', hour)] },
        { ...user('a'), ...ephemeral },
        calling({ ...wireCall('c') }),
        answer('c', [text('ok', ephemeral)]),
      ],
    },
    expected: {
      tools: [declared('f', empty, hour)],
      system: [text('s', hour)],
      messages: [
        user([text('a', ephemeral)]),
        assistant([use('c')]),
        user([result('c', [text('ok')], ephemeral)]),
      ],
    },
  },
  {
    name: '9 at most four, earliest dropped, the longer life first',
    input: {
      messages: [
        user([text('1', hour), text('2', ephemeral), text('3', hour), text('4', ephemeral), text('5', hour)]),
      ],
    },
    expected: {
      messages: [
        user([
          text('1'),
          text('2', ephemeral),
          text('3', ephemeral),
          text('4', ephemeral),
          text('5', ephemeral),
        ]),
      ],
    },
    adjusted: ['cache_control'],
  },
];

describe.each([
  ['messages and content', messages],
  ['tools', tools],
  ['thinking', thinking],
  ['parameters', sampling],
  ['structured output', formats],
  ['prompt caching', caching],
])('a request to Claude is one that its API takes, and says what was changed: %s', (_, cases) => {
  it.each(cases)('$name', check);
});

describe('what cannot be sent', () => {
  it.each([
    {
      name: '3.7 an office file',
      param: 'messages[0].content[0].file.file_data',
      input: { messages: [user([file('a.docx', base64('PK'))])] },
    },
    {
      name: '4.5 arguments that are no object',
      param: 'messages[1].tool_calls[0].function.arguments',
      input: { messages: [...hello, calling(wireCall('a', 'f', '[1]'))] },
    },
    {
      name: '4.3 a choice of an unknown tool',
      param: 'tool_choice',
      input: { tools: [fn('f')], tool_choice: { type: 'function', function: { name: 'g' } } },
    },
    {
      name: '5.2 a budget above the cap',
      param: 'extended_thinking.budget_tokens',
      input: { ...budget(3000), max_tokens: 3000 },
    },
    {
      name: '5.4 thinking where there is none',
      model: 'claude-3-5-sonnet',
      param: 'extended_thinking',
      input: budget(2000),
    },
  ])('$name is a 400 with its path', ({ input, param, model }) => {
    const error = refusal(() => encoded({ input, ...(model === undefined ? {} : { model }) }));
    expect([error.status, error.param]).toEqual([400, param]);
  });

  it('4.1 a tool whose schema is beyond reason names it', () => {
    let schema: Record<string, unknown> = { type: 'string' };
    for (let level = 0; level < 300; level++) schema = { type: 'object', properties: { a: schema } };
    const error = refusal(() => encoded({ input: { tools: [fn('f', { ...schema, anyOf: [schema] })] } }));
    expect([error.status, error.param]).toEqual([400, 'tools[0].function.parameters']);
  });
});
