import { describe, expect, it } from 'vitest';
import { bedrockConverse } from '../../src/adapters/bedrock-converse/index.ts';
import { parameterNames } from '../../src/api/chat-completions/parameter-names.ts';
import { withConcepts } from '../../src/core/report.ts';
import { type Body, hello, normalized, refusal, targetOf } from '../normalize/fit.ts';

/** What Converse is sent, and what the client is told about it. */
const encoded = (body: Body, model = 'nova-lite') => {
  const { prompt, report } = normalized(body, { model });
  const { request, report: wire, decoder } = bedrockConverse.encode(prompt, targetOf(model));
  const { ignored, adjusted } = withConcepts(report, wire, parameterNames);
  return {
    // As it travels: what is undefined is not there.
    request: JSON.parse(JSON.stringify(request)) as Record<string, unknown>,
    ignored: ignored.toSorted(),
    adjusted: adjusted.toSorted(),
    decoder,
  };
};

const user = (content: unknown) => ({ role: 'user', content });
const texts = (...values: readonly string[]) => values.map((text) => ({ text }));
const said = { role: 'user', content: texts('Hello') };
const wireCall = (id: string, name: string, args: string | null = '{}') => ({
  ...{ id, type: 'function' },
  function: { name, arguments: args },
});
const calling = (...calls: readonly unknown[]) => ({ role: 'assistant', content: null, tool_calls: calls });
const result = (id: string, content: unknown) => ({ role: 'tool', tool_call_id: id, content });
const toolUse = (toolUseId: string, name: string, input: unknown = {}) => ({
  toolUse: { toolUseId, name, input },
});
const toolResult = (toolUseId: string, ...content: readonly unknown[]) => ({
  toolResult: { toolUseId, content },
});
const fn = (name: string, parameters?: unknown, more: object = {}) => ({
  type: 'function',
  function: { name, ...(parameters === undefined ? {} : { parameters }) },
  ...more,
});
const empty = { type: 'object', properties: {} };
const spec = (name: string, json: unknown = empty) => ({ toolSpec: { name, inputSchema: { json } } });
const rebuilt = (name: string) => ({
  toolSpec: { name, description: 'Was available earlier in the conversation.', inputSchema: { json: empty } },
});
const greedy = {
  inferenceConfig: { temperature: 0 },
  additionalModelRequestFields: { inferenceConfig: { topK: 1 } },
};
const mark = { cache_control: { type: 'ephemeral' } };
const point = { cachePoint: { type: 'default' } };

const base64 = (bytes: string) => Buffer.from(bytes, 'latin1').toString('base64');
const png = base64('\x89PNG\r\n\x1a\n....');
const imageUrl = (url: string) => ({ type: 'image_url', image_url: { url } });
const file = (filename: string, data = `data:application/pdf;base64,${base64('%PDF-1.4')}`) => ({
  type: 'file',
  file: { filename, file_data: data },
});
const document = (name: string, format = 'pdf', bytes = base64('%PDF-1.4')) => ({
  document: { format, name, source: { bytes } },
});
const suffix = /^[A-Za-z][A-Za-z0-9_]{0,54}_[0-9a-f]{8}$/;

interface Case {
  readonly name: string;
  readonly model?: string;
  readonly body: Body;
  /** The whole body for Converse, but for an empty `inferenceConfig`. */
  readonly expected: Record<string, unknown>;
  readonly ignored?: readonly string[];
  readonly adjusted?: readonly string[];
}

const messages: readonly Case[] = [
  {
    name: 'a hello: no cap of ours, Converse has its own default',
    body: { messages: hello },
    expected: { messages: [said] },
  },
  {
    name: 'system messages are blocks of their own, a late one is hoisted',
    body: {
      messages: [
        { role: 'system', content: 'a' },
        ...hello,
        { role: 'developer', content: 'b' },
        user('more'),
      ],
    },
    expected: { system: texts('a', 'b'), messages: [{ role: 'user', content: texts('Hello', 'more') }] },
    adjusted: ['messages'],
  },
  {
    name: 'turns alternate and the first is the user’s; blanks and empty turns vanish',
    body: {
      messages: [
        { role: 'assistant', content: 'Hi.' },
        ...[
          user('a'),
          user(' '),
          user([
            { type: 'text', text: 'b' },
            { type: 'text', text: '' },
          ]),
        ],
        ...[{ role: 'assistant', content: '' }, user('c')],
      ],
    },
    expected: {
      messages: [
        { role: 'user', content: texts('.') },
        { role: 'assistant', content: texts('Hi.') },
        { role: 'user', content: texts('a', 'b', 'c') },
      ],
    },
    adjusted: ['messages'],
  },
  {
    name: 'a last assistant message is a prefill, without the white space at its end',
    body: { messages: [...hello, { role: 'assistant', content: 'It is ' }] },
    expected: { messages: [said, { role: 'assistant', content: texts('It is') }] },
  },
  {
    name: 'Nova 2 takes no prefill: it is asked to go on',
    model: 'nova-2-lite',
    body: { messages: [...hello, { role: 'assistant', content: 'It is ' }] },
    expected: {
      messages: [
        said,
        { role: 'assistant', content: texts('It is ') },
        { role: 'user', content: texts('Continue.') },
      ],
    },
    adjusted: ['messages'],
  },
  {
    name: 'unsigned and signed thinking of the history stays here',
    body: {
      messages: [
        ...hello,
        {
          ...{ role: 'assistant', content: 'Hi.', reasoning_content: 'Hm.' },
          thinking_blocks: [{ type: 'thinking', thinking: 'Hm.', signature: 'c2ln' }],
        },
        user('more'),
      ],
    },
    expected: {
      messages: [
        said,
        { role: 'assistant', content: texts('Hi.') },
        { role: 'user', content: texts('more') },
      ],
    },
  },
  {
    name: 'images go as bytes, under the type the bytes show',
    body: {
      messages: [
        user([
          imageUrl(`data:image/jpg;base64,${base64('\xff\xd8\xff\xe0')}`),
          imageUrl(`data:image/gif;base64,${png}`),
          imageUrl(`data:image/png;base64,${base64('GIF89a..')}`),
          imageUrl(`data:;base64,${base64('RIFF....WEBP')}`),
        ]),
      ],
    },
    expected: {
      messages: [
        {
          role: 'user',
          content: [
            { image: { format: 'jpeg', source: { bytes: base64('\xff\xd8\xff\xe0') } } },
            { image: { format: 'png', source: { bytes: png } } },
            { image: { format: 'gif', source: { bytes: base64('GIF89a..') } } },
            { image: { format: 'webp', source: { bytes: base64('RIFF....WEBP') } } },
          ],
        },
      ],
    },
  },
  {
    name: 'documents have clean names, each once in the whole conversation, and text beside them',
    body: {
      messages: [
        user([file('Q3_report.final.pdf'), file('Q3 report.final.pdf')]),
        { role: 'assistant', content: 'Read.' },
        user([
          file('a.pdf'),
          ...[
            file('a.md', `data:text/markdown;base64,${base64('# A')}`),
            file('a (2).csv', 'data:text/csv,a%2Cb'),
          ],
          file('ü.pdf'),
          { type: 'text', text: 'Compare.' },
        ]),
      ],
    },
    expected: {
      messages: [
        {
          role: 'user',
          content: [
            document('Q3 report final'),
            document('Q3 report final (2)'),
            ...texts('See the document.'),
          ],
        },
        { role: 'assistant', content: texts('Read.') },
        {
          role: 'user',
          content: [
            document('a'),
            document('a (2)', 'md', base64('# A')),
            document('a (2) (2)', 'csv', base64('a,b')),
            document('document'),
            ...texts('Compare.'),
          ],
        },
      ],
    },
  },
  {
    name: 'a long name is cut, and not at a space',
    body: { messages: [user([file(`${'n'.repeat(179)} ${'m'.repeat(50)}.pdf`)])] },
    expected: {
      messages: [{ role: 'user', content: [document('n'.repeat(179)), ...texts('See the document.')] }],
    },
  },
  {
    name: 'office files go as they are',
    body: {
      messages: [
        user([
          file('plan.xlsx', base64('PK')),
          file('x', `data:application/msword;base64,${base64('doc')}`),
          { type: 'text', text: 'Go.' },
        ]),
      ],
    },
    expected: {
      messages: [
        {
          role: 'user',
          content: [
            ...[document('plan', 'xlsx', base64('PK')), document('x', 'doc', base64('doc'))],
            ...texts('Go.'),
          ],
        },
      ],
    },
  },
];

const weather = [fn('get_weather')];
const offered = { toolConfig: { tools: [spec('get_weather')] } };
const history = (calls: readonly unknown[], ...results: readonly unknown[]) => [
  ...hello,
  calling(...calls),
  ...results,
];

const tooling: readonly Case[] = [
  {
    name: 'results: text, the text of a JSON object, parts, nothing, and what only begins like JSON',
    body: {
      tools: weather,
      messages: history(
        ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => wireCall(id, 'get_weather')),
        ...[result('a', 'warm'), result('b', ' {"t": 20}'), result('d', ''), result('e', '{"t": 20')],
        result('c', [{ type: 'text', text: '{"t":1}' }, imageUrl(`data:image/png;base64,${png}`)]),
        result('f', '[1]'),
        user('So?'),
      ),
    },
    expected: {
      ...greedy,
      ...offered,
      messages: [
        said,
        {
          role: 'assistant',
          content: ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => toolUse(id, 'get_weather')),
        },
        {
          role: 'user',
          content: [
            ...[toolResult('a', { text: 'warm' }), toolResult('b', { json: { t: 20 } })],
            toolResult('c', { text: '{"t":1}' }, { image: { format: 'png', source: { bytes: png } } }),
            ...[toolResult('d', { json: {} }), toolResult('e', { text: '{"t": 20' })],
            ...[toolResult('f', { text: '[1]' }), ...texts('So?')],
          ],
        },
      ],
    },
  },
  {
    name: 'a call without a result gets one, a result without a call is text',
    body: {
      tools: weather,
      messages: [...history([wireCall('a', 'get_weather', '')]), result('z', 'stray')],
    },
    expected: {
      ...greedy,
      ...offered,
      messages: [
        said,
        { role: 'assistant', content: [toolUse('a', 'get_weather')] },
        {
          role: 'user',
          content: [
            {
              toolResult: {
                toolUseId: 'a',
                content: texts('No result was provided for this call.'),
                status: 'error',
              },
            },
            ...texts('stray'),
          ],
        },
      ],
    },
    adjusted: ['messages'],
  },
  {
    name: 'empty keys, which Converse refuses, are renamed in arguments and leave a result as text',
    body: {
      tools: weather,
      messages: history([wireCall('a', 'get_weather', '{"":1,"_":2,"in":[{"":3}]}')], result('a', '{"":1}')),
    },
    expected: {
      ...greedy,
      ...offered,
      messages: [
        said,
        { role: 'assistant', content: [toolUse('a', 'get_weather', { __: 1, _: 2, in: [{ _: 3 }] })] },
        { role: 'user', content: [toolResult('a', { text: '{"":1}' })] },
      ],
    },
  },
  {
    name: 'names with hyphens and dots are renamed in declarations, choice and history',
    body: {
      tools: [fn('get-weather'), fn('2nd.tool')],
      tool_choice: { type: 'function', function: { name: 'get-weather' } },
      messages: history([wireCall('a', 'get-weather')], result('a', 'warm')),
    },
    expected: {
      ...greedy,
      toolConfig: {
        tools: [spec('get_weather_19a275db'), spec('t2nd_tool_b17014ad')],
        toolChoice: { tool: { name: 'get_weather_19a275db' } },
      },
      messages: [
        said,
        { role: 'assistant', content: [toolUse('a', 'get_weather_19a275db')] },
        { role: 'user', content: [toolResult('a', { text: 'warm' })] },
      ],
    },
  },
  {
    name: 'required',
    body: { messages: hello, tools: weather, tool_choice: 'required' },
    expected: { ...greedy, messages: [said], toolConfig: { ...offered.toolConfig, toolChoice: { any: {} } } },
  },
  {
    name: 'allowed_tools trims the list',
    body: {
      messages: hello,
      tools: [...weather, fn('look')],
      tool_choice: {
        type: 'allowed_tools',
        allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'get_weather' } }] },
      },
    },
    expected: { ...greedy, messages: [said], ...offered },
  },
  {
    name: 'none offers no tools, tells the history in words, and is no reason to decode greedily',
    body: {
      tools: weather,
      tool_choice: 'none',
      messages: history(
        [wireCall('a', 'get_weather', '{"at":"Rome"}')],
        result('a', '{"t":20}'),
        user('So?'),
      ),
    },
    expected: {
      messages: [
        said,
        { role: 'assistant', content: texts('[Called the tool get_weather with {"at":"Rome"}]') },
        { role: 'user', content: texts('[It returned:]', '{"t":20}', 'So?') },
      ],
    },
  },
  {
    name: 'history without tools: the declarations are rebuilt',
    body: { messages: history([wireCall('a', 'get-weather')], result('a', 'warm')) },
    expected: {
      ...greedy,
      toolConfig: { tools: [rebuilt('get_weather_19a275db')] },
      messages: [
        said,
        { role: 'assistant', content: [toolUse('a', 'get_weather_19a275db')] },
        { role: 'user', content: [toolResult('a', { text: 'warm' })] },
      ],
    },
  },
  {
    name: 'history without tools, and none: in words as well',
    body: {
      tool_choice: 'none',
      messages: history([wireCall('a', 'get_weather')], result('a', '')),
    },
    expected: {
      messages: [
        said,
        { role: 'assistant', content: texts('[Called the tool get_weather with {}]') },
        { role: 'user', content: texts('[It returned:]') },
      ],
    },
  },
  {
    name: 'a schema keeps type, properties and required on top; references are inlined, strict is not sent',
    body: {
      messages: hello,
      tools: [
        {
          type: 'function',
          function: {
            name: 'find',
            strict: true,
            parameters: {
              $schema: 'https://json-schema.org/draft/2020-12/schema',
              title: 'Find',
              type: 'object',
              properties: {
                place: { $ref: '#/$defs/place' },
                unit: { oneOf: [{ const: 'c' }, { const: 'f' }] },
              },
              required: ['place', 'gone'],
              additionalProperties: false,
              $defs: { place: { type: 'string', description: 'A city.' } },
            },
          },
        },
      ],
    },
    expected: {
      ...greedy,
      messages: [said],
      toolConfig: {
        tools: [
          spec('find', {
            type: 'object',
            properties: { place: { type: 'string', description: 'A city.' }, unit: { enum: ['c', 'f'] } },
            required: ['place'],
          }),
        ],
      },
    },
  },
  {
    name: 'parallel_tool_calls: false has no equal',
    body: { messages: hello, tools: weather, parallel_tool_calls: false },
    expected: { ...greedy, messages: [said], ...offered },
    ignored: ['parallel_tool_calls'],
  },
  {
    name: 'Nova 2 is not asked to decode greedily',
    model: 'nova-2-lite',
    body: { messages: hello, tools: weather },
    expected: { messages: [said], ...offered },
  },
  {
    name: 'a JSON schema is a tool that must be called',
    body: {
      messages: hello,
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'city-info',
          schema: { type: 'object', properties: { n: { type: 'integer' } }, additionalProperties: false },
        },
      },
    },
    expected: {
      ...greedy,
      messages: [said],
      toolConfig: {
        tools: [
          {
            toolSpec: {
              name: 'city_info_974b8214',
              description: 'Gives the answer. The arguments are the whole answer to the user.',
              inputSchema: { json: { type: 'object', properties: { n: { type: 'integer' } } } },
            },
          },
        ],
        toolChoice: { tool: { name: 'city_info_974b8214' } },
      },
    },
  },
];

const parameters: readonly Case[] = [
  {
    name: 'sampling: top_k has its odd place, and a wish of the client ends the greed',
    body: { messages: hello, tools: weather, temperature: 0.3, top_p: 0.5, top_k: 20, max_tokens: 300 },
    expected: {
      messages: [said],
      inferenceConfig: { maxTokens: 300, temperature: 0.3, topP: 0.5 },
      additionalModelRequestFields: { inferenceConfig: { topK: 20 } },
      ...offered,
    },
  },
  {
    name: 'one wish is enough',
    body: { messages: hello, tools: weather, top_p: 0.5 },
    expected: { messages: [said], inferenceConfig: { topP: 0.5 }, ...offered },
  },
  {
    name: 'what is too much is lowered and reported',
    body: {
      messages: hello,
      ...{ temperature: 1.5, top_k: 500, max_tokens: 20_000, stop: ['1', '2', '3', '4', '5'] },
    },
    expected: {
      messages: [said],
      inferenceConfig: { maxTokens: 10_000, temperature: 1, stopSequences: ['1', '2', '3', '4'] },
      additionalModelRequestFields: { inferenceConfig: { topK: 128 } },
    },
    adjusted: ['max_tokens', 'stop', 'temperature', 'top_k'],
  },
  {
    name: 'blank stops are dropped',
    body: { messages: hello, stop: ['END', ' ', ''] },
    expected: { messages: [said], inferenceConfig: { stopSequences: ['END'] } },
    adjusted: ['stop'],
  },
  {
    name: 'user and metadata, cleaned: white space is ASCII’s, and the user is not replaced by a pair',
    body: {
      messages: hello,
      user: 'u-1',
      metadata: { user: 'other', 'trace id': 'a\u00a0b{c}', ü: 'é', n: null },
    },
    expected: {
      messages: [said],
      requestMetadata: { user: 'u-1', 'trace id': 'a_b_c_', _: '_' },
    },
  },
  {
    name: 'of sixteen pairs and a user, the user stays; values are cut at 256 characters',
    body: {
      messages: hello,
      user: 'u-1',
      metadata: Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`k${index}`, 'v'.repeat(300)])),
    },
    expected: {
      messages: [said],
      requestMetadata: {
        user: 'u-1',
        ...Object.fromEntries(Array.from({ length: 15 }, (_, index) => [`k${index}`, 'v'.repeat(256)])),
      },
    },
  },
  {
    name: 'the service tier',
    body: { messages: hello, service_tier: 'flex' },
    expected: { messages: [said], serviceTier: { type: 'flex' } },
  },
  ...(['low', 'medium'] as const).map(
    (level): Case => ({
      name: `Nova 2 reasons with ${level} effort beside a cap and sampling`,
      model: 'nova-2-lite',
      body: { messages: hello, reasoning_effort: level, max_tokens: 300, temperature: 0.3, top_k: 5 },
      expected: {
        messages: [said],
        inferenceConfig: { maxTokens: 300, temperature: 0.3 },
        additionalModelRequestFields: {
          inferenceConfig: { topK: 5 },
          reasoningConfig: { type: 'enabled', maxReasoningEffort: level },
        },
      },
    }),
  ),
  {
    name: 'at the highest level cap and sampling are dropped and reported',
    model: 'nova-2-lite',
    body: {
      messages: hello,
      reasoning_effort: 'high',
      max_tokens: 300,
      temperature: 0.3,
      top_p: 0.5,
      top_k: 5,
    },
    expected: {
      messages: [said],
      additionalModelRequestFields: { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'high' } },
    },
    ignored: ['max_tokens', 'temperature', 'top_k', 'top_p'],
  },
  ...[
    { asked: { extended_thinking: { enabled: true } }, level: 'medium' },
    { asked: { extended_thinking: { enabled: true, budget_tokens: 2000 } }, level: 'low' },
    { asked: { thinking: { type: 'enabled', budget_tokens: 5000 } }, level: 'medium' },
    { asked: { extended_thinking: { enabled: true, budget_tokens: 20_000 } }, level: 'high' },
  ].map(
    ({ asked, level }): Case => ({
      name: `${JSON.stringify(asked)} is ${level}`,
      model: 'nova-2-lite',
      body: { messages: hello, ...asked },
      expected: {
        messages: [said],
        additionalModelRequestFields: { reasoningConfig: { type: 'enabled', maxReasoningEffort: level } },
      },
    }),
  ),
  ...(['none', 'minimal'] as const).map(
    (word): Case => ({
      name: `the word ${word} on Nova 2`,
      model: 'nova-2-lite',
      body: { messages: hello, reasoning_effort: word },
      expected: {
        messages: [said],
        ...(word === 'none'
          ? {}
          : {
              additionalModelRequestFields: {
                reasoningConfig: { type: 'enabled', maxReasoningEffort: 'low' },
              },
            }),
      },
      adjusted: word === 'none' ? [] : ['reasoning_effort'],
    }),
  ),
  {
    name: 'an effort is ignored where there is nothing to think with',
    body: { messages: hello, reasoning_effort: 'high' },
    expected: { messages: [said] },
    ignored: ['reasoning_effort'],
  },
  {
    name: 'beside thinking no call is forced; a named tool is then the only one, and the model is told',
    model: 'nova-2-lite',
    body: {
      ...{ messages: hello, reasoning_effort: 'low', tools: [...weather, fn('look')] },
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
    },
    expected: {
      system: [
        {
          text: 'You have to call the tool "get_weather" in your next answer. Do not answer in words instead.',
        },
      ],
      messages: [said],
      additionalModelRequestFields: { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'low' } },
      ...offered,
    },
    adjusted: ['tool_choice'],
  },
];

// Nova takes cache points after text alone, and none among tools.
const caching: readonly Case[] = [
  {
    name: 'marks on text are cache points after it',
    body: {
      messages: [
        { role: 'system', content: [{ type: 'text', text: 's', ...mark }] },
        user([
          { type: 'text', text: 'a', ...mark },
          { type: 'text', text: 'b' },
        ]),
      ],
    },
    expected: {
      system: [{ text: 's' }, point],
      messages: [{ role: 'user', content: [{ text: 'a' }, point, { text: 'b' }] }],
    },
  },
  {
    name: 'a mark on the message stands for one on its last part; an hour is not to be had',
    body: { messages: [{ role: 'user', content: 'Hello', cache_control: { type: 'ephemeral', ttl: '1h' } }] },
    expected: { messages: [{ role: 'user', content: [{ text: 'Hello' }, point] }] },
    adjusted: ['cache_control'],
  },
  {
    name: 'marks on tools, images, calls and results have no place on this wire, and that is said',
    body: {
      tools: [fn('get_weather', undefined, mark)],
      messages: [
        user([
          { ...imageUrl(`data:image/png;base64,${png}`), ...mark },
          { type: 'text', text: 'Hello' },
        ]),
        calling(wireCall('a', 'get_weather')),
        { ...result('a', 'warm'), ...mark },
      ],
    },
    expected: {
      ...greedy,
      ...offered,
      messages: [
        { role: 'user', content: [{ image: { format: 'png', source: { bytes: png } } }, ...texts('Hello')] },
        { role: 'assistant', content: [toolUse('a', 'get_weather')] },
        { role: 'user', content: [toolResult('a', { text: 'warm' })] },
      ],
    },
    adjusted: ['cache_control'],
  },
  {
    name: 'told in words, a marked result can keep its mark',
    body: {
      tools: weather,
      tool_choice: 'none',
      messages: history([wireCall('a', 'get_weather')], { ...result('a', 'warm'), ...mark }),
    },
    expected: {
      messages: [
        said,
        { role: 'assistant', content: texts('[Called the tool get_weather with {}]') },
        { role: 'user', content: [...texts('[It returned:]', 'warm'), point] },
      ],
    },
  },
  {
    name: 'four at most, the earliest go',
    body: {
      messages: [user(['a', 'b', 'c', 'd', 'e'].map((text) => ({ type: 'text', text, ...mark })))],
    },
    expected: {
      messages: [
        {
          role: 'user',
          content: [{ text: 'a' }, ...['b', 'c', 'd', 'e'].flatMap((text) => [{ text }, point])],
        },
      ],
    },
    adjusted: ['cache_control'],
  },
];

describe.each([
  ['messages', messages],
  ['tools', tooling],
  ['parameters', parameters],
  ['caching', caching],
])('a request to Converse is one that it takes, and says what was changed: %s', (_subject, cases) => {
  it.each(cases)('$name', ({ body, model, expected, ignored = [], adjusted = [] }) => {
    const { request, ...report } = encoded(body, model);
    expect(request).toEqual({ inferenceConfig: {}, ...expected });
    expect(report).toMatchObject({ ignored, adjusted });
  });
});

describe('tool names', () => {
  const sent = (...names: readonly string[]) => {
    const { request, decoder } = encoded({ messages: hello, tools: names.map((name) => fn(name)) });
    const { tools } = request.toolConfig as { tools: { toolSpec: { name: string } }[] };
    const wire = tools.map(({ toolSpec }) => toolSpec.name);
    expect(wire.map((name) => decoder.tools.restore(name))).toEqual(names);
    expect(new Set(wire).size).toBe(names.length);
    for (const name of wire) expect(name).toMatch(/^[A-Za-z][A-Za-z0-9_]{0,63}$/);
    return wire;
  };

  it('are left alone where they may', () => {
    expect(sent('get_weather', 'A1', 'x'.repeat(64))).toEqual(['get_weather', 'A1', 'x'.repeat(64)]);
  });

  it('get a suffix where two would be the same, and the same one in every request', () => {
    const [plain, renamed] = sent('get_weather', 'get-weather');
    expect(plain).toBe('get_weather');
    expect(renamed).toMatch(suffix);
    expect(sent('get-weather', 'get_weather')).toEqual([renamed, plain]);
    expect(new Set(sent('a-b', 'a.b', 'a b', 'a_b')).size).toBe(4);
  });

  it('that are too long keep their beginning', () => {
    const [first, second] = sent(`${'x'.repeat(70)}a`, `${'x'.repeat(70)}b`);
    expect(first).toMatch(/^x{55}_[0-9a-f]{8}$/);
    expect(second).not.toBe(first);
  });

  it('survive whatever they are made of', () => {
    sent('ü', '日本', '$', '1st', '_x', '-', '__proto__', 'constructor', ' ', 't1st');
  });
});

describe('call ids', () => {
  it('Converse would refuse are mapped in calls and results alike', () => {
    const long = 'call/'.repeat(40);
    const { request } = encoded({
      messages: [...hello, calling(wireCall(long, 'look'), wireCall('ok-1', 'look')), result(long, 'a')],
    });
    const [, turn, answer] = request.messages as {
      content: { toolUse?: { toolUseId: string }; toolResult?: { toolUseId: string } }[];
    }[];
    const ids = turn?.content.map((block) => block.toolUse?.toolUseId);
    expect(ids).toEqual([expect.stringMatching(/^call_[0-9a-f]{24}$/), 'ok-1']);
    expect(answer?.content.map((block) => block.toolResult?.toolUseId)).toEqual(ids);
  });

  it('that occur twice in a turn are told apart', () => {
    const { request } = encoded({
      messages: [...hello, calling(wireCall('a', 'look'), wireCall('a', 'look')), result('a', 'x')],
    });
    const [, turn] = request.messages as { content: { toolUse: { toolUseId: string } }[] }[];
    expect(turn?.content.map(({ toolUse: { toolUseId } }) => toolUseId)).toEqual([
      'a',
      expect.stringMatching(/^a_[0-9a-f]{12}$/),
    ]);
  });
});

describe('thinking tags are looked for', () => {
  it.each([
    { name: 'where Nova 1 has tools', model: 'nova-lite', body: { tools: weather }, expected: 'thinking' },
    { name: 'not without tools', model: 'nova-lite', body: {}, expected: null },
    {
      name: 'not with none',
      model: 'nova-lite',
      body: { tools: weather, tool_choice: 'none' },
      expected: null,
    },
    { name: 'not in Nova 2', model: 'nova-2-lite', body: { tools: weather }, expected: null },
  ])('$name', ({ model, body, expected }) => {
    expect(encoded({ messages: hello, ...body }, model).decoder.tag).toBe(expected);
  });
});

const deep = `{"a":${'['.repeat(9000)}${']'.repeat(9000)}}`;
const wide = (levels: number) => ({
  type: 'object',
  properties: { a: { $ref: '#/$defs/d0' } },
  $defs: Object.fromEntries(
    Array.from({ length: levels }, (_, level) => {
      const next = { $ref: `#/$defs/d${Math.min(level + 1, levels - 1)}` };
      return [`d${level}`, { type: 'object', properties: { a: next, b: next } }];
    }),
  ),
});

describe('refused before anything is sent', () => {
  it.each([
    {
      name: 'an image for a model that sees none',
      model: 'nova-micro',
      body: { messages: [user([imageUrl(`data:image/png;base64,${png}`)])] },
      param: 'messages[0].content[0].image_url.url',
    },
    {
      name: 'a document for a model that reads none',
      model: 'nova-micro',
      body: { messages: [user([file('a.pdf')])] },
      param: 'messages[0].content[0].file.file_data',
    },
    {
      name: 'the twenty-first image of a message',
      body: { messages: [user(Array.from({ length: 21 }, () => imageUrl(`data:image/png;base64,${png}`)))] },
      param: 'messages[0].content[20].image_url.url',
    },
    {
      name: 'the sixth document of a turn, merged messages counted',
      body: { messages: Array.from({ length: 6 }, () => user([file('a.pdf')])) },
      param: 'messages[5].content[0].file.file_data',
    },
    {
      name: 'an image over 3.75 MB',
      body: {
        messages: [
          user([imageUrl(`data:image/png;base64,${base64(`\x89PNG\r\n\x1a\n${'.'.repeat(3_932_160)}`)}`)]),
        ],
      },
      param: 'messages[0].content[0].image_url.url',
    },
    {
      name: 'a document over 4.5 MB',
      body: { messages: [user([file('a.txt', `data:text/plain,${'a'.repeat(4_718_593)}`)])] },
      param: 'messages[0].content[0].file.file_data',
    },
    {
      name: 'arguments nested beyond what can be written again',
      body: { messages: [...hello, calling(wireCall('a', 'look'), wireCall('b', 'look', deep))] },
      param: 'messages[1].tool_calls[1].function.arguments',
    },
    {
      name: 'a schema nested beyond that',
      body: { messages: hello, tools: [fn('a'), fn('b', JSON.parse(deep))] },
      param: 'tools[1].function.parameters',
    },
    {
      name: 'a schema that unfolds without end',
      body: { messages: hello, tools: [fn('a'), fn('b', wide(60))] },
      param: 'tools[1].function.parameters',
    },
    {
      name: 'the same for a JSON answer, which is a tool only to us',
      body: {
        messages: hello,
        response_format: { type: 'json_schema', json_schema: { name: 'a', schema: wide(60) } },
      },
      param: 'response_format.json_schema.schema',
    },
    {
      name: 'the grammar of a custom tool nested without measure',
      body: {
        messages: hello,
        tools: [
          { type: 'custom', custom: { name: 'a', format: { type: 'grammar', grammar: JSON.parse(deep) } } },
        ],
      },
      param: 'tools[0].custom.format',
    },
    {
      name: 'thinking on a model that has none',
      body: { messages: hello, extended_thinking: { enabled: true } },
      param: 'extended_thinking',
    },
  ])('$name', ({ body, model, param }) => {
    expect(refusal(() => encoded(body, model))).toMatchObject({ status: 400, param });
  });

  it('a result nested without measure is not: it stays text', () => {
    const { request } = encoded({ messages: history([wireCall('a', 'look')], result('a', deep)) });
    expect(JSON.stringify(request)).toContain('{"toolResult":{"toolUseId":"a","content":[{"text":"{');
  });
});

it('gives 50,000 documents of one name names of their own without a stall', () => {
  const data = 'data:text/plain,a';
  const messages = Array.from({ length: 100_000 }, (_, index) =>
    index % 2 === 0 ? user([file('a.txt', data)]) : { role: 'assistant', content: 'Read.' },
  );
  const { request } = encoded({ messages });
  const names = [...JSON.stringify(request).matchAll(/"name":"(a[^"]*)"/g)].map(([, name]) => name);
  expect(new Set(names).size).toBe(50_000);
  expect(names.slice(0, 3)).toEqual(['a', 'a (2)', 'a (3)']);
});
