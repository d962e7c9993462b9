/** Tools, choices and schemas in the forms that clients send, as the strict upstreams see them. Behaviour 4, 6, 9. */

import { describe, expect, it } from 'vitest';
import { useScripted, useSimulated } from '../support/fixtures.ts';
import type { Fields } from '../support/replay.ts';
import { callBlock } from '../support/scripted-upstream.ts';
import { testKey } from '../support/server.ts';

const { simulator, servers } = useSimulated({ MAX_RETRIES: '0' });

const hello = [{ role: 'user', content: 'Say hello.' }];
const claude = 'claude-4-5-haiku';

interface Asked {
  readonly status: number;
  readonly headers: Headers;
  readonly reply: Fields & { readonly error?: { readonly message: string; readonly param: string | null } };
  /** What reached the upstream, if anything did. */
  readonly sent: Fields;
}

const ask = async (body: Fields, headers: Record<string, string> = {}): Promise<Asked> => {
  const model = String(body.model ?? claude);
  const server = servers[model.startsWith('nova') ? 'bedrock' : 'anthropic'];
  const response = await server.post({ model, messages: hello, ...body }, headers);
  const reply = (await response.json()) as Asked['reply'];
  const sent = (simulator.requests.at(-1)?.body ?? {}) as Fields;
  return { status: response.status, headers: response.headers, reply, sent };
};

/** Sent to Claude, and taken by it. */
const sentTools = ({ status, sent, reply }: Asked): readonly Fields[] => {
  expect(status, JSON.stringify(reply)).toBe(200);
  return (sent.tools ?? []) as Fields[];
};

const withSchema = (parameters: Fields) => [{ type: 'function', function: { name: 'f', parameters } }];
const object = (properties: Fields, more: Fields = {}) => ({ type: 'object', properties, ...more });

describe("older drafts' forms become those that Claude reads", () => {
  it.each<{ name: string; given: Fields; expected: Fields }>([
    {
      name: 'exclusive bounds that were flags',
      given: object({
        a: { type: 'integer', minimum: 0, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false },
        b: { type: 'number', exclusiveMaximum: true, maximum: 1 },
        c: { type: 'number', exclusiveMinimum: true },
      }),
      expected: object({
        a: { type: 'integer', exclusiveMinimum: 0, maximum: 9 },
        b: { type: 'number', exclusiveMaximum: 1 },
        c: { type: 'number' },
      }),
    },
    {
      name: 'tuples',
      given: object({
        closed: { type: 'array', items: [{ type: 'number' }, { type: 'string' }], additionalItems: false },
        open: { type: 'array', items: [{ type: 'number' }], additionalItems: { type: 'string' } },
        bare: { type: 'array', items: [true] },
        empty: { type: 'array', items: [], additionalItems: { type: 'number' } },
      }),
      expected: object({
        closed: { type: 'array', prefixItems: [{ type: 'number' }, { type: 'string' }], items: false },
        open: { type: 'array', prefixItems: [{ type: 'number' }], items: { type: 'string' } },
        bare: { type: 'array', prefixItems: [true] },
        empty: { type: 'array', items: { type: 'number' } },
      }),
    },
    {
      name: 'definitions, ids, and what refers to them, deep inside as well',
      given: {
        $schema: 'http://json-schema.org/draft-07/schema#',
        id: 'https://example.com/tool',
        type: 'object',
        definitions: {
          pair: {
            type: 'array',
            items: [{ $ref: '#/definitions/word' }, { $ref: '#/definitions/pair/items/0' }],
          },
          word: { id: '#word', type: 'string' },
        },
        properties: {
          a: { $ref: '#/definitions/pair' },
          b: { not: { anyOf: [{ $ref: 'https://example.com/tool#/definitions/word' }] } },
          items: { $ref: '#/properties/definitions' },
          definitions: { type: 'string' },
        },
      },
      expected: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        $id: 'https://example.com/tool',
        type: 'object',
        $defs: {
          pair: {
            type: 'array',
            prefixItems: [{ $ref: '#/$defs/word' }, { $ref: '#/$defs/pair/prefixItems/0' }],
          },
          word: { $anchor: 'word', type: 'string' },
        },
        properties: {
          a: { $ref: '#/$defs/pair' },
          b: { not: { anyOf: [{ $ref: 'https://example.com/tool#/$defs/word' }] } },
          items: { $ref: '#/properties/definitions' },
          definitions: { type: 'string' },
        },
      },
    },
    {
      name: 'dependencies',
      given: object({ a: {}, b: {} }, { dependencies: { a: ['b'], b: { required: ['a'] } } }),
      expected: object(
        { a: {}, b: {} },
        { dependentRequired: { a: ['b'] }, dependentSchemas: { b: { required: ['a'] } } },
      ),
    },
    {
      name: 'what 2020-12 wants once or not at all',
      given: object({ a: { anyOf: [], description: null } }, { required: ['a', 'a'] }),
      expected: object({ a: {} }, { required: ['a'] }),
    },
    {
      name: 'nothing of a schema that is of this draft already, its own words for the draft included',
      given: object(
        { a: { $ref: '#/$defs/x' } },
        {
          $schema: 'http://json-schema.org/draft-07/schema#',
          $defs: { x: { type: 'array', prefixItems: [{}], items: false } },
        },
      ),
      expected: object(
        { a: { $ref: '#/$defs/x' } },
        {
          $schema: 'http://json-schema.org/draft-07/schema#',
          $defs: { x: { type: 'array', prefixItems: [{}], items: false } },
        },
      ),
    },
  ])('$name', async ({ given, expected }) => {
    const [tool] = sentTools(await ask({ tools: withSchema(given) }));
    expect(tool?.input_schema).toEqual(expected);
    const [older] = sentTools(await ask({ functions: [{ name: 'f', parameters: given }] }));
    expect(older?.input_schema).toEqual(expected);
  });

  it('in strict tools and in response_format too', async () => {
    const old = object(
      { n: { type: 'integer', minimum: 0, exclusiveMinimum: true }, w: { $ref: '#/definitions/word' } },
      { required: ['n', 'w'], additionalProperties: false, definitions: { word: { type: 'string' } } },
    );
    sentTools(
      await ask({ tools: [{ type: 'function', function: { name: 'f', parameters: old, strict: true } }] }),
    );
    const response_format = { type: 'json_schema', json_schema: { name: 'out', schema: old } };
    const native = await ask({ response_format });
    expect(native.status).toBe(200);
    // A tuple has no native form: the forced tool takes it.
    const tuple = object({ pair: { type: 'array', items: [{ type: 'number' }], additionalItems: false } });
    const forced = await ask({
      response_format: { type: 'json_schema', json_schema: { name: 'out', schema: tuple } },
    });
    expect(sentTools(forced)[0]?.input_schema).toMatchObject({
      properties: { pair: { prefixItems: [{ type: 'number' }], items: false } },
    });
  });

  it.each<{ name: string; parameters: Fields; param: string }>([
    { name: 'a type that is none', parameters: object({ a: { type: 'any' } }), param: 'properties.a.type' },
    {
      name: 'a bound that is text',
      parameters: object({ a: { minLength: '3' } }),
      param: 'properties.a.minLength',
    },
    { name: 'a condition that is no schema', parameters: object({ a: { if: 1 } }), param: 'properties.a.if' },
  ])('what no draft has is a 400 with its path: $name', async ({ parameters, param }) => {
    const { status, reply } = await ask({ tools: withSchema(parameters) });
    expect([status, reply.error?.param]).toEqual([400, `tools[0].function.parameters.${param}`]);
    expect(simulator.requests).toEqual([]);
  });
});

describe('the call of a tool for text that the token limit cut off', () => {
  const { upstream, server } = useScripted();

  it.each([
    ['{"input": "ls -l \\"a', 'ls -l "a'],
    ['{"input": "li\\u00f', 'li'],
    ['{"inp', ''],
    ['', ''],
    ['{}', ''],
    // Not ours to read.
    ['{"command": "ls', '{"command": "ls'],
    ['ls -l', 'ls -l'],
  ])('%s is its text as far as it came', async (json, expected) => {
    upstream.answer({ blocks: [callBlock('shell', {}, { json })], stop: 'max_tokens' });
    for (const model of [claude, 'nova-lite']) {
      const stream = await server.client.chat.completions.create({
        stream: true,
        model,
        messages: [{ role: 'user', content: 'List.' }],
        tools: [{ type: 'custom', custom: { name: 'shell' } }],
      });
      let input = '';
      let finish: string | null = null;
      for await (const { choices } of stream) {
        const [call] = (choices[0]?.delta.tool_calls ?? []) as { custom?: { input?: string } }[];
        input += call?.custom?.input ?? '';
        finish = choices[0]?.finish_reason ?? finish;
      }
      expect([input, finish]).toEqual([expected, 'length']);
    }
  });
});

describe('a union on top of a tool', () => {
  it('of many alternatives is one list of them, however many there are', async () => {
    const kinds = Array.from({ length: 150 }, (_, kind) => ({ const: `kind ${kind}` }));
    const anyOf = kinds.map((kind) => object({ kind, n: { type: 'number' } }, { required: ['kind', 'n'] }));
    const [tool] = sentTools(await ask({ tools: withSchema({ anyOf }) }));
    expect(tool?.input_schema).toMatchObject({
      type: 'object',
      properties: { kind: { anyOf: kinds }, n: { type: 'number' } },
      required: ['kind', 'n'],
    });
  });

  it('that a few references make exponentially large is a 400, and no stall', async () => {
    const levels = 20;
    const $defs = Object.fromEntries(
      Array.from({ length: levels }, (_, level) => {
        const next = { $ref: `#/$defs/d${level + 1}` };
        return [`d${level}`, level === levels - 1 ? object({ a: {} }) : { allOf: [next, next] }];
      }),
    );
    const { status, reply } = await ask({ tools: withSchema({ anyOf: [{ $ref: '#/$defs/d0' }], $defs }) });
    expect([status, reply.error?.param]).toEqual([400, 'tools[0].function.parameters']);
    expect(simulator.requests).toEqual([]);
  });
});

describe('a tool declared twice', () => {
  const f = {
    type: 'function',
    function: { name: 'f', description: 'does f', parameters: object({ a: {} }) },
  };
  const g = { type: 'function', function: { name: 'g' } };

  it.each(['claude-4-5-haiku', 'nova-lite'])('alike is sent once to %s', async (model) => {
    const asked = await ask({ model, tools: [f, g, { ...f }, g] });
    expect(asked.status).toBe(200);
    const { tools, toolConfig } = asked.sent as { tools?: Fields[]; toolConfig?: { tools: Fields[] } };
    expect(tools ?? toolConfig?.tools).toHaveLength(2);
    expect(asked.headers.get('x-ignored-params')).toBeNull();
  });

  it('alike in the older spelling, and in another form of the same, too', async () => {
    expect(sentTools(await ask({ functions: [f.function, f.function] }))).toHaveLength(1);
    const anthropic = { name: 'f', description: 'does f', input_schema: object({ a: {} }) };
    expect(sentTools(await ask({ tools: [f, anthropic] }))).toHaveLength(1);
  });

  it('keeps the cache mark of the one that is left out', async () => {
    const mark = { cache_control: { type: 'ephemeral' } };
    const tools = sentTools(await ask({ tools: [f, g, { ...f, ...mark }] }, { 'x-prompt-caching': 'off' }));
    expect(tools.map((tool) => tool.cache_control !== undefined)).toEqual([false, true]);
  });

  it.each<{ name: string; tools: Fields[]; param: string }>([
    {
      name: 'a function',
      tools: [f, g, { type: 'function', function: { name: 'f' } }],
      param: 'tools[2].function.name',
    },
    {
      name: 'a text tool',
      tools: [f, { type: 'custom', custom: { name: 'f' } }],
      param: 'tools[1].custom.name',
    },
    { name: 'the flat form', tools: [f, { type: 'function', name: 'f' }], param: 'tools[1].name' },
  ])('otherwise is a 400: $name', async ({ tools, param }) => {
    const { status, reply } = await ask({ tools });
    expect([status, reply.error?.param]).toEqual([400, param]);
  });
});

describe('tools in other forms than that of this endpoint', () => {
  const parameters = object({ path: { type: 'string' } }, { required: ['path'] });
  const read = { name: 'read_file', description: 'reads' };
  const sent = { ...read, input_schema: parameters };

  it.each<{ name: string; tool: Fields }>([
    { name: "Anthropic's", tool: { ...read, input_schema: parameters } },
    { name: "Anthropic's with a type", tool: { type: 'custom', ...read, input_schema: parameters } },
    { name: "Anthropic's with a type that is null", tool: { type: null, ...read, input_schema: parameters } },
    { name: "the flat form of OpenAI's Responses", tool: { type: 'function', ...read, parameters } },
    { name: 'the flat form without a type', tool: { ...read, parameters } },
  ])('$name', async ({ tool }) => {
    const asked = await ask({ tools: [tool], messages: [{ role: 'user', content: 'read_file "a.txt"' }] });
    expect(sentTools(asked)).toEqual([sent]);
    const [choice] = asked.reply.choices as { message: { tool_calls: { function: Fields }[] } }[];
    expect(choice?.message.tool_calls[0]?.function.name).toBe('read_file');
    expect(asked.headers.get('x-ignored-params')).toBeNull();
  });

  it('are told apart by the server: the description knows no such field', async () => {
    const response = await fetch(`${servers.anthropic.url}/openapi.json`, {
      headers: { authorization: `Bearer ${testKey}` },
    });
    const text = await response.text();
    expect(text).toContain('"input_schema"');
    expect(text).not.toContain('"form"');
  });

  it('for Nova as well', async () => {
    const { status, sent } = await ask({
      model: 'nova-lite',
      tools: [{ ...read, input_schema: parameters }],
    });
    expect(status).toBe(200);
    expect(sent.toolConfig).toMatchObject({
      tools: [{ toolSpec: { name: 'read_file', inputSchema: { json: parameters } } }],
    });
  });

  it('with strict and a mark', async () => {
    const closed = { ...parameters, additionalProperties: false };
    const tool = {
      type: 'function',
      ...read,
      parameters: closed,
      strict: true,
      cache_control: { type: 'ephemeral' },
    };
    const tools = sentTools(await ask({ tools: [tool] }));
    expect(tools).toEqual([
      { ...read, input_schema: closed, strict: true, cache_control: { type: 'ephemeral' } },
    ]);
  });

  it('flat tools for text come back as text', async () => {
    const { reply } = await ask({
      tools: [{ type: 'custom', name: 'shell', description: 'runs' }],
      tool_choice: 'required',
    });
    const [choice] = reply.choices as { message: { tool_calls: Fields[] } }[];
    expect(choice?.message.tool_calls[0]).toMatchObject({ type: 'custom', custom: { name: 'shell' } });
  });

  it.each<{ name: string; tool: Fields; param: string }>([
    { name: 'no name', tool: { input_schema: parameters }, param: 'tools[0].name' },
    { name: 'a schema that is text', tool: { name: 'f', input_schema: 'x' }, param: 'tools[0].input_schema' },
    {
      name: 'a schema built wrong',
      tool: { name: 'f', input_schema: { type: 'object', required: 'a' } },
      param: 'tools[0].input_schema.required',
    },
    {
      name: 'parameters built wrong',
      tool: { type: 'function', name: 'f', parameters: { properties: 1 } },
      param: 'tools[0].parameters.properties',
    },
    {
      name: "a tool of Anthropic's own",
      tool: { type: 'web_search_20250305', name: 'web_search' },
      param: 'tools[0].type',
    },
    { name: 'a function that is none', tool: { type: 'function' }, param: 'tools[0].function' },
  ])('what is wrong is named where it stands: $name', async ({ tool, param }) => {
    const { status, reply } = await ask({ tools: [tool] });
    expect([status, reply.error?.param], reply.error?.message).toEqual([400, param]);
  });
});

describe('the choice in other forms', () => {
  const tools = [
    { name: 'a', input_schema: object({}) },
    { name: 'b', input_schema: object({}) },
  ];
  it.each<{ choice: Fields; expected: Fields | undefined; offered?: readonly string[] }>([
    { choice: { type: 'auto' }, expected: undefined },
    { choice: { type: 'any' }, expected: { type: 'any' } },
    { choice: { type: 'none' }, expected: { type: 'none' } },
    { choice: { type: 'tool', name: 'b' }, expected: { type: 'tool', name: 'b' } },
    { choice: { type: 'function', name: 'b' }, expected: { type: 'tool', name: 'b' } },
    {
      choice: { type: 'auto', disable_parallel_tool_use: true },
      expected: { type: 'auto', disable_parallel_tool_use: true },
    },
    {
      choice: { type: 'tool', name: 'a', disable_parallel_tool_use: true },
      expected: { type: 'tool', name: 'a', disable_parallel_tool_use: true },
    },
    {
      choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'b' }] },
      expected: { type: 'any' },
      offered: ['b'],
    },
  ])('$choice', async ({ choice, expected, offered = ['a', 'b'] }) => {
    const asked = await ask({ tools, tool_choice: choice });
    expect(sentTools(asked).map(({ name }) => name)).toEqual(offered);
    expect(asked.sent.tool_choice).toEqual(expected);
  });

  it('one at a time is reported where there is no such switch', async () => {
    const asked = await ask({
      model: 'nova-lite',
      tools,
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
    });
    expect(asked.headers.get('x-ignored-params')).toBe('tool_choice.disable_parallel_tool_use');
  });

  it('of a tool that is not there is a 400', async () => {
    const { status, reply } = await ask({ tools, tool_choice: { type: 'tool', name: 'c' } });
    expect([status, reply.error?.param]).toEqual([400, 'tool_choice']);
  });

  it.each<{ choice: Fields; param: string; message?: string }>([
    { choice: { type: 'allowed_tools', mode: 'any', tools: [{ type: 'tool', name: 'a' }] }, param: '.mode' },
    {
      choice: { type: 'allowed_tools', mode: 'auto', tools: [{ name: 'a' }] },
      param: '.tools[0].type',
      message: 'must be one of function, custom, tool.',
    },
    { choice: { type: 'tool' }, param: '.name', message: 'is required.' },
    {
      choice: { type: 'any_of' },
      param: '.type',
      message: 'must be one of function, custom, allowed_tools, tool, none, auto, required, any.',
    },
  ])('that is written wrong is told by its own type: $choice', async ({ choice, param, message = '' }) => {
    const { status, reply } = await ask({ tools, tool_choice: choice });
    expect([status, reply.error?.param]).toEqual([400, `tool_choice${param}`]);
    expect(reply.error?.message).toContain(`tool_choice${param}: ${message}`);
  });
});

describe('a cache mark inside the function', () => {
  const mark = { cache_control: { type: 'ephemeral' } };
  it.each<{ name: string; body: Fields }>([
    { name: 'tools', body: { tools: [{ type: 'function', function: { name: 'f', ...mark } }] } },
    { name: 'a text tool', body: { tools: [{ type: 'custom', custom: { name: 'f', ...mark } }] } },
    { name: 'functions', body: { functions: [{ name: 'f', ...mark }] } },
  ])('counts as one on the tool: $name', async ({ body }) => {
    const [tool] = sentTools(await ask(body, { 'x-prompt-caching': 'off' }));
    expect(tool?.cache_control).toEqual({ type: 'ephemeral' });
  });
});

describe('json_object with a schema', () => {
  const schema = object({ n: { type: 'integer' } }, { required: ['n'], additionalProperties: false });

  it.each(['claude-4-5-haiku', 'claude-sonnet-5-5', 'nova-lite'])('is held to it by %s', async (model) => {
    const { status, reply, headers, sent } = await ask({
      model,
      response_format: { type: 'json_object', schema },
    });
    expect(status).toBe(200);
    const [choice] = reply.choices as { message: { content: string } }[];
    expect(JSON.parse(choice?.message.content ?? '')).toEqual({ n: expect.any(Number) });
    expect(headers.get('x-ignored-params')).toBeNull();
    // The native format would close objects that the client left open.
    expect(sent.output_config ?? {}).not.toHaveProperty('format');
  });

  it('names what is wrong with it where it stands', async () => {
    const { status, reply } = await ask({
      response_format: { type: 'json_object', schema: { type: 'object', required: 'n' } },
    });
    expect([status, reply.error?.param]).toEqual([400, 'response_format.schema.required']);
  });

  it('without one is as open as it was', async () => {
    const { sent, status } = await ask({ response_format: { type: 'json_object', schema: null } });
    expect(status).toBe(200);
    expect(sent.output_config).toBeUndefined();
  });
});
