import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import { signThinking } from '../../simulator/thinking.ts';
import { gifOf, pngOf, webpOf } from '../support/images.ts';
import { HAIKU, PNG, post, TODAY } from './clients.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ now: () => TODAY });
});
afterAll(() => simulator.close());

const user = (content: unknown = 'hi') => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });
const system = (content: unknown = 'x') => ({ role: 'system', content });
const tool = (extra: object = {}) => ({
  name: 'look',
  input_schema: { type: 'object', properties: {} },
  ...extra,
});
const use = (id = 'toolu_1', extra: object = {}) => ({
  type: 'tool_use',
  id,
  name: 'look',
  input: {},
  ...extra,
});
const result = (id = 'toolu_1', extra: object = {}) => ({
  type: 'tool_result',
  tool_use_id: id,
  content: 'ok',
  ...extra,
});
const image = (media_type: string, data: string) => ({
  type: 'image',
  source: { type: 'base64', media_type, data },
});
const format = (schema: object) => ({ output_config: { format: { type: 'json_schema', schema } } });
const closed = (properties: object, extra: object = {}) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...extra,
});
const marked = { type: 'text', text: 'x', cache_control: { type: 'ephemeral' } };

type Case = [name: string, body: object, message: RegExp | string, status?: number, version?: string];

const NEW = '2026-10-21';

const cases: Case[] = [
  ['no model', { model: undefined }, 'model: Field required'],
  ['unknown model', { model: 'claude-9' }, 'model: claude-9', 404],
  ['retired model', { model: 'claude-3-5-haiku-20241022' }, 'model: claude-3-5-haiku-20241022', 404],
  ['unknown field', { frequency_penalty: 1 }, 'frequency_penalty: Extra inputs are not permitted'],
  ['no max_tokens', { max_tokens: undefined }, 'max_tokens: Field required'],
  ['max_tokens too high', { max_tokens: 64_001 }, /^max_tokens: 64001 > 64000, which is the maximum/],
  ['max_tokens 0 with stream', { max_tokens: 0, stream: true }, /^max_tokens: 0/],
  ['no messages', { messages: [] }, 'messages: at least one message is required'],
  [
    'assistant first',
    { messages: [assistant('x'), user()] },
    'messages: first message must use the "user" role',
  ],
  [
    'system role',
    { messages: [{ role: 'system', content: 'x' }, user()] },
    /^messages: Unexpected role "system"/,
  ],
  [
    'unknown key in a message',
    { messages: [{ ...user(), name: 'bob' }] },
    'messages.0.name: Extra inputs are not permitted',
  ],
  ['empty content', { messages: [user([])] }, /^messages.0: all messages must have non-empty content/],
  [
    'empty text',
    { messages: [user([{ type: 'text', text: '' }])] },
    'messages: text content blocks must be non-empty',
  ],
  [
    'blank text',
    { messages: [user(' \n')] },
    'messages: text content blocks must contain non-whitespace text',
  ],
  [
    'unknown block',
    { messages: [user([{ type: 'video' }])] },
    /^messages.0.content.0: Input tag 'video' found using 'type'/,
  ],
  [
    'unknown key in a block',
    { messages: [user([{ type: 'text', text: 'x', id: 1 }])] },
    'messages.0.content.0.text.id: Extra inputs are not permitted',
  ],
  [
    'blank stop',
    { stop_sequences: ['\n'] },
    /^stop_sequences: each stop sequence must contain non-whitespace/,
  ],
  ['temperature above 1', { temperature: 1.5 }, 'temperature: range: 0..1'],
  [
    'temperature under the new version',
    { temperature: 1 },
    'temperature: Extra inputs are not permitted',
    400,
    NEW,
  ],
  ['temperature and top_p', { temperature: 0.5, top_p: 0.5 }, /cannot both be specified/],
  [
    'temperature on a modern model',
    { model: 'claude-opus-4-7', temperature: 0.5 },
    /`temperature` is deprecated/,
  ],
  ['top_k on a modern model', { model: 'claude-opus-4-7', top_k: 5 }, /`top_k` is deprecated/],
  [
    'two calls, one result',
    { tools: [tool()], messages: [user(), assistant([use('a'), use('b')]), user([result('a')])] },
    /^messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: b\./,
  ],
  [
    'results not first',
    {
      tools: [tool()],
      messages: [user(), assistant([use()]), user([{ type: 'text', text: 'x' }, result()])],
    },
    /^messages.2: Did not find 1 `tool_result` block/,
  ],
  [
    'result for nothing',
    { tools: [tool()], messages: [user([result('zzz')])] },
    /unexpected `tool_use_id` found in `tool_result` blocks: zzz/,
  ],
  [
    'input that is a string',
    { messages: [user(), assistant([use('a', { input: '{}' })]), user([result('a')])] },
    'messages.1.content.0.tool_use.input: Input should be a valid dictionary',
  ],
  [
    'call id with a colon',
    { messages: [user(), assistant([use('a:b')]), user([result('a:b')])] },
    /tool_use.id: String should match pattern/,
  ],
  [
    'error result with an image',
    {
      messages: [
        user(),
        assistant([use()]),
        user([result('toolu_1', { is_error: true, content: [image('image/png', PNG)] })]),
      ],
    },
    /all content must be type `text`/,
  ],
  [
    'call in a user turn',
    { messages: [user([use()])] },
    'messages.0: `tool_use` blocks can only be in `assistant` messages',
  ],
  [
    'document in an assistant turn',
    {
      messages: [
        user(),
        assistant([{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' } }]),
        user(),
      ],
    },
    /`document` blocks can only be in `user` messages/,
  ],
  [
    'tool name with a dot',
    { tools: [tool({ name: 'a.b' })] },
    /^tools.0.custom.name: String should match pattern/,
  ],
  ...(
    [
      ['a flag of draft 4', { n: { type: 'integer', minimum: 0, exclusiveMinimum: true } }],
      ['a tuple of draft 7', { t: { type: 'array', items: [{ type: 'string' }] } }],
      ['an empty list of options', { a: { anyOf: [] } }],
      ['a type that is none, deep inside', { a: { items: { not: { properties: { b: { type: 'any' } } } } } }],
    ] as const
  ).map(
    ([what, properties]): Case => [
      `a tool's schema with ${what}`,
      { tools: [tool({ input_schema: { type: 'object', properties } })] },
      /^tools\.0\.custom\.input_schema: JSON schema is invalid\. It must match JSON Schema draft 2020-12/,
    ],
  ),
  ...['$top', 'filter[id]', 'größe', '', 'k'.repeat(65)].map(
    (key): Case => [
      `the property key '${key}'`,
      { tools: [tool({ input_schema: { type: 'object', properties: { [key]: {} } } })] },
      "tools.0.custom.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'",
    ],
  ),
  [
    'a property key deep inside',
    {
      tools: [
        tool({ input_schema: { type: 'object', $defs: { a: { items: { properties: { 'a b': true } } } } } }),
      ],
    },
    /^tools\.0\.custom\.input_schema\.\$defs\.a\.items\.properties: Property keys should match pattern/,
  ],
  ['two tools of one name', { tools: [tool(), tool()] }, 'tools: Tool names must be unique.'],
  ['tool without schema', { tools: [{ name: 'x' }] }, 'tools.0.custom.input_schema: Field required'],
  [
    'unknown key in a tool',
    { tools: [tool({ parameters: {} })] },
    'tools.0.custom.parameters: Extra inputs are not permitted',
  ],
  ['choice without tools', { tool_choice: { type: 'auto' } }, /may only be specified while providing tools/],
  [
    'choice of an unknown tool',
    { tools: [tool()], tool_choice: { type: 'tool', name: 'y' } },
    /Tool 'y' not found/,
  ],
  [
    'none with another key',
    { tools: [tool()], tool_choice: { type: 'none', disable_parallel_tool_use: true } },
    'tool_choice.none.disable_parallel_tool_use: Extra inputs are not permitted',
  ],
  [
    'forced choice with thinking',
    {
      tools: [tool()],
      tool_choice: { type: 'any' },
      max_tokens: 4000,
      thinking: { type: 'enabled', budget_tokens: 2000 },
    },
    'Thinking may not be enabled when tool_choice forces tool use.',
  ],
  [
    'forced choice on a model without',
    { model: 'claude-sonnet-5-5', tools: [tool()], tool_choice: { type: 'any' } },
    'tool_choice forces tool use is not compatible with this model.',
  ],
  [
    'strict tool left open',
    { tools: [tool({ strict: true })] },
    /'additionalProperties' must be explicitly set to false/,
  ],
  [
    'budget too small',
    { thinking: { type: 'enabled', budget_tokens: 500 } },
    /greater than or equal to 1024/,
  ],
  [
    'budget not below max_tokens',
    { max_tokens: 2000, thinking: { type: 'enabled', budget_tokens: 2000 } },
    /^`max_tokens` must be greater than `thinking.budget_tokens`/,
  ],
  [
    'enabled on 4.7',
    { model: 'claude-opus-4-7', max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2000 } },
    /^"thinking.type.enabled" is not supported for this model/,
  ],
  ['adaptive on 4.5', { thinking: { type: 'adaptive' } }, 'adaptive thinking is not supported on this model'],
  [
    'disabled on Opus 5.5',
    { model: 'claude-opus-5-5', thinking: { type: 'disabled' } },
    /^"thinking.type.disabled" is not supported/,
  ],
  ['disabled on Sonnet 5.5', { model: 'claude-sonnet-5-5', thinking: { type: 'disabled' } }, /between_tools/],
  [
    'disabled on Opus 5 at max',
    { model: 'claude-opus-5', thinking: { type: 'disabled' }, output_config: { effort: 'max' } },
    /^"thinking.type.disabled" is only supported/,
  ],
  [
    'between_tools elsewhere',
    { model: 'claude-opus-5-5', thinking: { type: 'between_tools' } },
    /^"thinking.type.between_tools" is not supported/,
  ],
  [
    'between_tools at max',
    { model: 'claude-sonnet-5-5', thinking: { type: 'between_tools' }, output_config: { effort: 'max' } },
    /^"thinking.type.between_tools" is only/,
  ],
  [
    'effort on a model without',
    { output_config: { effort: 'low' } },
    'This model does not support the effort parameter.',
  ],
  [
    'effort level of a newer model',
    { model: 'claude-opus-4-6', output_config: { effort: 'xhigh' } },
    "This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium.",
  ],
  [
    'temperature with thinking',
    { temperature: 0.5, max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2000 } },
    /`temperature` may only be set to 1/,
  ],
  [
    'no thinking block before a call',
    {
      tools: [tool()],
      max_tokens: 4000,
      thinking: { type: 'enabled', budget_tokens: 2000 },
      messages: [user(), assistant([use()]), user([result()])],
    },
    /^messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`/,
  ],
  [
    'made-up signature',
    {
      messages: [
        user(),
        assistant([
          { type: 'thinking', thinking: 'x', signature: 'abc' },
          { type: 'text', text: 'y' },
        ]),
        user(),
      ],
    },
    'messages.1.content.0: Invalid `signature` in `thinking` block',
  ],
  [
    'made-up redacted data',
    {
      messages: [
        user(),
        assistant([
          { type: 'redacted_thinking', data: 'abc' },
          { type: 'text', text: 'y' },
        ]),
        user(),
      ],
    },
    'messages.1.content.0: Invalid `data` in `redacted_thinking` block',
  ],
  [
    'cache mark on thinking',
    {
      messages: [
        user(),
        assistant([
          { type: 'thinking', thinking: 'x', signature: 'abc', cache_control: { type: 'ephemeral' } },
        ]),
        user(),
      ],
    },
    'messages.1.content.0.thinking.cache_control: Extra inputs are not permitted',
  ],
  [
    'prefill on 4.6',
    { model: 'claude-opus-4-6', messages: [user(), assistant('So')] },
    /does not support assistant message prefill/,
  ],
  [
    'prefill with white space',
    { messages: [user(), assistant('So ')] },
    /cannot end with trailing whitespace/,
  ],
  [
    'five cache marks',
    { messages: [user([marked, marked, marked, marked, marked])] },
    'A maximum of 4 blocks with cache_control may be provided. Found 5.',
  ],
  [
    'format on an old model',
    { model: 'claude-sonnet-4-20250514', ...format(closed({})) },
    /claude-sonnet-4-20250514/,
    404,
  ],
  [
    'open schema',
    format({ type: 'object', properties: {} }),
    /^output_config.format.schema: For 'object' type, 'additionalProperties'/,
  ],
  [
    'minimum in a schema',
    format(closed({ n: { type: 'integer', minimum: 1 } })),
    /'minimum' is not supported/,
  ],
  ['oneOf in a schema', format(closed({ n: { oneOf: [{ type: 'string' }] } })), /'oneOf' is not supported/],
  ['recursion in a schema', format(closed({ n: { $ref: '#' } })), /Circular reference/],
  [
    'format with a name',
    { output_config: { format: { type: 'json_schema', name: 'x', schema: closed({}) } } },
    'output_config.format.name: Extra inputs are not permitted',
  ],
  [
    'image that is something else',
    { messages: [user([image('image/jpeg', PNG)])] },
    /appears to be a image\/png image/,
  ],
  ['image in broken base64', { messages: [user([image('image/png', 'a%b')])] }, /invalid base64 data/],
  [
    'image of another type',
    { messages: [user([image('image/bmp', PNG)])] },
    /media_type: Input should be 'image\/jpeg'/,
  ],
  [
    '101 images',
    { messages: [user(Array.from({ length: 101 }, () => image('image/png', PNG)))] },
    /101 > 100/,
  ],
  [
    'PDF that is none',
    {
      messages: [
        user([{ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: PNG } }]),
      ],
    },
    /PDF specified was not valid/,
  ],
  [
    'image over 8,000 pixels',
    { messages: [user([image('image/png', pngOf(8001, 10))])] },
    'messages.0.content.0.image.source.base64.data: At least one of the image dimensions exceed max allowed size: 8000 pixels',
  ],
  [
    'image over 8,000 pixels in a result',
    {
      tools: [tool()],
      messages: [
        user(),
        assistant([use()]),
        user([result('toolu_1', { content: [image('image/gif', gifOf(9, 8001))] })]),
      ],
    },
    /tool_result.content.0.image.source.base64.data: At least one of the image dimensions/,
  ],
  [
    'image over 2,000 pixels among more than 20',
    {
      messages: [
        user([
          ...Array.from({ length: 20 }, () => image('image/png', PNG)),
          image('image/webp', webpOf.lossless(2001, 1)),
        ]),
      ],
    },
    'messages.0.content.20.image.source.base64.data: At least one of the image dimensions exceed max allowed size for many-image requests: 2000 pixels',
  ],
  [
    'image over 5 MB of base64',
    { messages: [user([image('image/png', pngOf(9, 9, 4_200_000))])] },
    /^messages.0.content.0.image.source.base64: image exceeds 5 MB maximum: \d+ bytes > 5242880 bytes$/,
  ],
  ...(
    [
      [
        'system message behind the assistant',
        [user(), assistant('x'), system(), assistant('y'), user()],
        'messages.2: a system message must immediately follow a user turn',
      ],
      [
        'system message before a user turn',
        [user(), system(), user()],
        'messages.1: a system message must be last or be followed by an assistant turn',
      ],
      [
        'two system messages in a row',
        [user(), system(), system()],
        'messages.1: a system message must be last or be followed by an assistant turn',
      ],
      [
        'blank system message',
        [user(), system(' ')],
        'messages: text content blocks must contain non-whitespace text',
      ],
      [
        'system message with an image',
        [user(), system([image('image/png', PNG)])],
        /^messages.1.content.0: Input tag 'image'/,
      ],
    ] as const
  ).map(([name, messages, message]): Case => [name, { model: 'claude-opus-4-8', messages }, message]),
  ['mail address as user', { metadata: { user_id: 'a@example.com' } }, /email address/],
  [
    'prompt too long',
    { messages: [user('word '.repeat(170_000))] },
    /^prompt is too long: \d+ tokens > 200000 maximum$/,
  ],
  [
    'prompt and max_tokens too long',
    { max_tokens: 64_000, messages: [user('word '.repeat(120_000))] },
    /^input length and `max_tokens` exceed context limit: \d+ \+ 64000 > 200000/,
  ],
];

const thought = (thinking: string) => ({
  type: 'thinking',
  thinking,
  signature: signThinking('claude-haiku-4-5-20251001', thinking, 's'),
});
const byBudget = { max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2000 }, tools: [tool()] };

describe('thinking in a tool loop', () => {
  it.each([
    [
      'by budget, with the block of the first turn alone',
      byBudget,
      [
        user(),
        assistant([thought('a'), use()]),
        user([result()]),
        assistant([use('toolu_2')]),
        user([result('toolu_2')]),
      ],
    ],
    [
      'by budget, without any in an earlier loop',
      byBudget,
      [
        user(),
        assistant([use()]),
        user([result()]),
        assistant('x'),
        user(),
        assistant([thought('a'), use('toolu_2')]),
        user([result('toolu_2')]),
      ],
    ],
    [
      'by budget, where the user spoke beside the result',
      byBudget,
      [user(), assistant([use()]), user([result(), { type: 'text', text: 'and?' }])],
    ],
    [
      'adaptive, without any',
      { model: 'claude-opus-4-8', max_tokens: 4000, thinking: { type: 'adaptive' }, tools: [tool()] },
      [user(), assistant([use()]), user([result()])],
    ],
    [
      'by default, without any',
      { model: 'claude-sonnet-5', max_tokens: 4000, tools: [tool()] },
      [user(), assistant([use()]), user([result()])],
    ],
  ])('%s is taken', async (_name, change, messages) => {
    const seen = await post(
      `${simulator.anthropicUrl}/v1/messages`,
      { model: HAIKU, ...change, messages },
      { 'x-api-key': 'k', 'anthropic-version': NEW },
    );
    expect([seen.status, seen.message]).toEqual([200, '']);
  });
});

describe('features that are switched on by name', () => {
  const ask = (beta: string) =>
    post(
      `${simulator.anthropicUrl}/v1/messages`,
      { model: HAIKU, max_tokens: 100, messages: [user()] },
      { 'x-api-key': 'k', 'anthropic-version': NEW, 'anthropic-beta': beta },
    );
  it('are taken where they are known, and refused by name where not', async () => {
    expect((await ask('interleaved-thinking-2025-05-14, effort-2025-11-24')).status).toBe(200);
    const seen = await ask('effort-2025-11-24,made-up-2020-01-01');
    expect(seen.status).toBe(400);
    expect(seen.message).toMatch(
      /^Unexpected value\(s\) `made-up-2020-01-01` for the `anthropic-beta` header/,
    );
  });
});

describe('the Messages API refuses', () => {
  it.each(cases)('%s', async (_name, change, message, status = 400, version = '2023-06-01') => {
    const body = { model: HAIKU, max_tokens: 100, messages: [user()], ...change };
    const seen = await post(`${simulator.anthropicUrl}/v1/messages`, body, {
      'x-api-key': 'k',
      'anthropic-version': version,
    });
    expect(seen.message).toMatch(message);
    if (typeof message === 'string') expect(seen.message).toBe(message);
    expect(seen.status).toBe(status);
    expect(seen.body).toMatchObject({
      type: 'error',
      error: { type: expect.any(String) },
      request_id: expect.any(String),
    });
  });

  it.each([
    ['no key', { 'anthropic-version': NEW }, 401, 'x-api-key header is required'],
    ['a bad key', { 'anthropic-version': NEW, 'x-api-key': 'invalid' }, 401, 'invalid x-api-key'],
    [
      'a bad token',
      { 'anthropic-version': NEW, authorization: 'Bearer invalid' },
      401,
      'Invalid bearer token',
    ],
    ['no version', { 'x-api-key': 'k' }, 400, 'anthropic-version: header is required'],
  ])('%s', async (_name, headers, status, message) => {
    const seen = await post(
      `${simulator.anthropicUrl}/v1/messages`,
      { model: HAIKU },
      headers as Record<string, string>,
    );
    expect([seen.status, seen.message]).toEqual([status, message]);
  });

  it('a body over 32 MB', async () => {
    const seen = await post(`${simulator.anthropicUrl}/v1/messages`, 'x'.repeat(33 * 1024 * 1024), {
      'x-api-key': 'k',
    });
    expect(seen.status).toBe(413);
    expect(seen.body).toMatchObject({ error: { type: 'request_too_large' } });
  });

  it('claude-sonnet-4-5 from its last day on', async () => {
    const later = await startSimulator({ now: () => Date.parse('2026-11-30T00:00:00Z') });
    const headers = { 'x-api-key': 'k', 'anthropic-version': NEW };
    const body = { model: 'claude-sonnet-4-5', max_tokens: 10, messages: [user()] };
    expect((await post(`${simulator.anthropicUrl}/v1/messages`, body, headers)).status).toBe(200);
    expect((await post(`${later.anthropicUrl}/v1/messages`, body, headers)).status).toBe(404);
    await later.close();
  });
});
