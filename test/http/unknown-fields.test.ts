import { beforeEach, describe, expect, it } from 'vitest';
import { useScripted } from '../support/fixtures.ts';
import { pixel } from '../support/images.ts';
import { textBlock } from '../support/scripted-upstream.ts';

type Fields = Record<string, unknown>;

const { upstream, server } = useScripted({ LOG_LEVEL: 'silent' }, ['anthropic']);
beforeEach(() => {
  upstream.answer({ blocks: [textBlock('{}')] });
});

const look = { type: 'function', function: { name: 'look', parameters: { type: 'object', foo: 1 } } };
const call = { id: 'toolu_1', type: 'function', function: { name: 'look', arguments: '{"foo":1}' } };
const user = { role: 'user', content: 'Hello' };

const ask = async (body: Fields) => {
  const response = await server.post({ model: 'claude-4-5-haiku', messages: [user], ...body });
  const { error } = (await response.json()) as { error?: Fields };
  return { status: response.status, ignored: response.headers.get('x-ignored-params'), error };
};

// Behaviour 1.5
describe('a field within a parameter that has no effect is reported with its path', () => {
  it.each<{ body: Fields; ignored: string }>([
    {
      body: {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'a', schema: { type: 'object' }, foo: 1 },
        },
      },
      ignored: 'response_format.json_schema.foo',
    },
    { body: { response_format: { type: 'text', foo: 1 } }, ignored: 'response_format.foo' },
    { body: { tools: [look, { ...look, function: { name: 'b' }, foo: 1 }] }, ignored: 'tools[1].foo' },
    {
      body: { tools: [{ type: 'function', function: { name: 'look', foo: 1 } }] },
      ignored: 'tools[0].function.foo',
    },
    { body: { tools: [{ function: { name: 'look', foo: 1 } }] }, ignored: 'tools[0].function.foo' },
    {
      body: { tools: [{ type: 'custom', custom: { name: 'look', foo: 1 } }] },
      ignored: 'tools[0].custom.foo',
    },
    { body: { functions: [{ name: 'look', foo: 1 }] }, ignored: 'functions[0].foo' },
    {
      body: { tools: [look], tool_choice: { type: 'function', function: { name: 'look' }, foo: 1 } },
      ignored: 'tool_choice.foo',
    },
    {
      body: {
        tools: [look],
        tool_choice: {
          type: 'allowed_tools',
          allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'look' } }], foo: 1 },
        },
      },
      ignored: 'tool_choice.allowed_tools.foo',
    },
    { body: { extended_thinking: { enabled: false, foo: 1 } }, ignored: 'extended_thinking.foo' },
    { body: { thinking: { type: 'disabled', foo: 1 } }, ignored: 'thinking.foo' },
    { body: { reasoning: { enabled: false, foo: 1 } }, ignored: 'reasoning.foo' },
    { body: { messages: [{ ...user, foo: 1 }] }, ignored: 'messages[0].foo' },
    { body: { messages: [{ role: 'system', content: 'x', foo: 1 }, user] }, ignored: 'messages[0].foo' },
    {
      body: { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi', foo: 1 }] }] },
      ignored: 'messages[0].content[0].foo',
    },
    {
      body: {
        messages: [
          {
            role: 'user',
            content: [{ type: 'text', text: 'Hi', cache_control: { type: 'ephemeral', foo: 1 } }],
          },
        ],
      },
      ignored: 'messages[0].content[0].cache_control.foo',
    },
    {
      body: {
        tools: [look],
        messages: [
          user,
          { role: 'assistant', content: null, tool_calls: [{ ...call, foo: 1 }] },
          { role: 'tool', tool_call_id: 'toolu_1', content: 'x', foo: 1 },
        ],
      },
      ignored: 'messages[1].tool_calls[0].foo, messages[2].foo',
    },
    {
      body: { stream_options: { foo: 1 }, top: 1 },
      ignored: 'stream_options.foo, top',
    },
  ])('$ignored', async ({ body, ignored }) => {
    const answered = await ask(body);
    expect(answered.error).toBeUndefined();
    expect(answered.status).toBe(200);
    expect(answered.ignored?.split(', ').sort()).toEqual(ignored.split(', ').sort());
  });

  it.each([
    { detail: 'high', ignored: 'messages[0].content[0].image_url.detail' },
    { detail: 'low', ignored: 'messages[0].content[0].image_url.detail' },
    { detail: 'auto', ignored: null },
    { detail: null, ignored: null },
  ])('an image\u2019s detail of $detail', async ({ detail, ignored }) => {
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}`, detail } };
    const answered = await ask({
      messages: [{ role: 'user', content: [image, { type: 'text', text: '?' }] }],
    });
    expect(answered).toMatchObject({ status: 200, ignored });
  });

  it('is a 400 that names it for a client that allows nothing to be ignored', async () => {
    const { status, error } = await ask({
      allow_ignored_params: false,
      messages: [user, { role: 'user', content: [{ type: 'text', text: 'Hi', foo: 1 }] }],
    });
    expect(status).toBe(400);
    expect(error).toMatchObject({ code: 'unsupported_parameter', param: 'messages[1].content[0].foo' });
    expect(upstream.requests).toHaveLength(0);
  });

  it('is told once of the many places that differ only in their index, and not without end', async () => {
    const messages = Array.from({ length: 200 }, (_, index) => ({ ...user, foo: index }));
    expect(await ask({ messages })).toMatchObject({ status: 200, ignored: 'messages[0].foo' });
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`field_${index}`, 1]));
    const { status, ignored } = await ask({ messages: [{ ...user, ...many }] });
    expect(status).toBe(200);
    expect(ignored?.split(', ').length).toBeLessThanOrEqual(51);
  });
});

// Behaviour 3.8
describe('what clients send back of earlier replies is accepted quietly', () => {
  const echoed = {
    role: 'assistant',
    content: null,
    name: 'helper',
    refusal: null,
    annotations: [],
    audio: null,
    function_call: null,
    parsed: { a: 1 },
    provider_specific_fields: { a: 1 },
    reasoning_content: 'Hm.',
    reasoning: 'Hm.',
    reasoning_details: [{ type: 'reasoning.text', text: 'Hm.', format: 'unknown', index: 0, id: 'x' }],
    thinking_blocks: [{ type: 'thinking', thinking: 'Hm.', index: 0 }],
    tool_calls: [
      {
        ...call,
        index: 0,
        provider_specific_fields: null,
        function: { ...call.function, parsed_arguments: { foo: 1 } },
      },
    ],
  };
  it('by a client that echoes all of it and allows nothing to be ignored', async () => {
    const messages = [
      { ...user, name: 'ada' },
      echoed,
      { role: 'tool', tool_call_id: 'toolu_1', name: 'look', content: 'seen' },
      { role: 'assistant', content: [{ type: 'text', text: 'Well.', annotations: [] }] },
      user,
    ];
    expect(await ask({ allow_ignored_params: false, tools: [look], messages })).toEqual({
      status: 200,
      ignored: null,
      error: undefined,
    });
  });

  it('a schema and arguments are the client\u2019s own, and null is nothing', async () => {
    const body = {
      tools: [{ ...look, foo: null }],
      stream_options: null,
      messages: [{ ...user, foo: null }],
    };
    expect(await ask({ allow_ignored_params: false, ...body })).toMatchObject({ status: 200, ignored: null });
  });
});
