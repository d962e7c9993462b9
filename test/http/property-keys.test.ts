/** Property keys that Claude's API does not take, through the whole server. Behaviour 4.2, 6. */

import type { ChatCompletionMessageParam } from 'openai/resources';
import { describe, expect, it } from 'vitest';
import { serverOfTest, useScriptedUpstream, useServers, useSimulated } from '../support/fixtures.ts';
import type { Fields } from '../support/replay.ts';
import { callBlock, textBlock } from '../support/scripted-upstream.ts';

const routes = ['anthropic', 'bedrock'] as const;

const { simulator, servers: strict } = useSimulated({ MAX_RETRIES: '0' });
const upstream = useScriptedUpstream();
const scripted = useServers({ upstream, env: { MAX_RETRIES: '0' } });

const valid = /^[a-zA-Z0-9_.-]{1,64}$/;
const question: ChatCompletionMessageParam = { role: 'user', content: 'List the items of the drive.' };
const long = 'k'.repeat(80);
const text = { type: 'string' };

/** Hostile keys at every place a schema can have them. */
const schema = {
  type: 'object',
  properties: {
    $select: text,
    'filter[name]': text,
    größe: { type: 'integer' },
    [long]: text,
    plain: text,
    rows: { type: 'array', items: { type: 'object', properties: { '@id': text }, required: ['@id'] } },
    either: { anyOf: [{ type: 'object', properties: { 'a b': text } }, { $ref: '#/$defs/node' }] },
    same: { $ref: '#/properties/%24select' },
  },
  required: ['$select', 'plain'],
  dependentRequired: { größe: ['$select'] },
  dependentSchemas: { plain: { required: ['filter[name]'] } },
  $defs: { node: { type: 'object', properties: { '': text, next: { $ref: '#/$defs/node' } } } },
};
const tools = [
  { type: 'function' as const, function: { name: 'list', description: 'Lists items', parameters: schema } },
];

/** Every key below any `properties`. */
const keysOf = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(keysOf);
  const { properties } = value as Fields;
  const own = typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
  return [...own, ...Object.values(value).flatMap(keysOf)];
};

const sentSchema = (body: Fields | undefined): Fields => {
  const [tool] = (body?.tools ?? []) as { input_schema: Fields }[];
  return tool?.input_schema ?? {};
};

interface Properties {
  readonly properties: Readonly<Record<string, Properties & { readonly items: Properties }>>;
}
/** The sent key that stands where the client's stood. */
const keyAt = (sent: unknown, index: number): string =>
  Object.keys((sent as Properties).properties)[index] ?? '';

describe.each(routes)('property keys outside the rule, to Claude by way of %s', (route) => {
  const model = 'claude-4-5-haiku';

  it('are replaced at every depth, so that the strict upstream takes the schema and its calls come back as declared', async () => {
    const { client } = strict[route];
    const reply = await client.chat.completions.create({
      model,
      messages: [question],
      tools,
      tool_choice: { type: 'function', function: { name: 'list' } },
    });
    const [call] = reply.choices[0]?.message.tool_calls ?? [];
    const input = JSON.parse(call?.type === 'function' ? call.function.arguments : '') as Fields;
    expect(Object.keys(input).sort()).toEqual(['$select', 'plain']);
    const again = await client.chat.completions.create({
      model,
      messages: [
        question,
        reply.choices[0]?.message as ChatCompletionMessageParam,
        { role: 'tool', tool_call_id: call?.id ?? '', content: '[]' },
      ],
      tools,
    });
    expect(again.choices[0]?.finish_reason).toBe('stop');
    expect(simulator.requests.map(({ status }) => status)).toEqual([200, 200]);
  });

  it('keep what the schema says of them', async () => {
    await scripted[route].post({ model, messages: [question], tools });
    const sent = sentSchema(upstream.requests[0]?.body);
    const keys = keysOf(sent);
    expect(keys).toHaveLength(keysOf(schema).length);
    for (const key of keys) expect(key).toMatch(valid);
    const [select, filter, size] = [0, 1, 2].map((index) => keyAt(sent, index));
    expect(sent.required).toEqual([select, 'plain']);
    expect(sent.dependentRequired).toEqual({ [size ?? '']: [select] });
    expect(sent.dependentSchemas).toEqual({ plain: { required: [filter] } });
    const { properties } = sent as unknown as Properties;
    expect(properties.same).toEqual({ $ref: `#/properties/${select}` });
    const rows = properties.rows?.items as unknown as Fields;
    expect(rows.required).toEqual(Object.keys(rows.properties as Fields));
    // What lost letters is explained.
    expect(properties[size ?? '']).toEqual({ title: 'größe', type: 'integer' });
  });

  it('are the same in every request, whatever else is declared', async () => {
    const other = {
      type: 'function',
      function: { name: 'b', parameters: { type: 'object', properties: { $: text } } },
    };
    await scripted[route].post({ model, messages: [question], tools });
    await scripted[route].post({ model, messages: [question], tools: [other, ...tools] });
    const [first, second] = upstream.requests.map(({ body }) =>
      (body.tools as { input_schema: Fields }[]).at(-1),
    );
    expect(second).toEqual(first);
  });

  it('do not collide with a key that is written like a replacement', async () => {
    const one = { type: 'object', properties: { $top: text } };
    await scripted[route].post({
      model,
      messages: [question],
      tools: [{ type: 'function', function: { name: 'f', parameters: one } }],
    });
    const replacement = keyAt(sentSchema(upstream.requests[0]?.body), 0);
    const both = { type: 'object', properties: { [replacement]: text, $top: text } };
    upstream.answer((body) => ({
      blocks: [callBlock('f', Object.fromEntries(keysOf(sentSchema(body)).map((key, n) => [key, n])))],
      stop: 'end_turn',
    }));
    const response = await scripted[route].post({
      model,
      messages: [question],
      tools: [{ type: 'function', function: { name: 'f', parameters: both } }],
    });
    const reply = (await response.json()) as {
      choices: { message: { tool_calls: { function: { arguments: string } }[] } }[];
    };
    expect(JSON.parse(reply.choices[0]?.message.tool_calls[0]?.function.arguments ?? '')).toEqual({
      [replacement]: 0,
      $top: 1,
    });
  });

  it('are replaced in the calls of the history, but not in what a map of the client holds', async () => {
    const input = { $select: 'a', rows: [{ '@id': '1' }], free: { 'x:y': 1 } };
    await scripted[route].post({
      model,
      messages: [
        question,
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'c', type: 'function', function: { name: 'list', arguments: JSON.stringify(input) } },
          ],
        },
        { role: 'tool', tool_call_id: 'c', content: 'none' },
      ],
      tools,
    });
    const body: Fields = upstream.requests[0]?.body ?? {};
    const sent = sentSchema(body);
    const call = (body.messages as { content: Fields[] }[])[1]?.content[0];
    const id = Object.keys((sent as unknown as Properties).properties.rows?.items.properties ?? {})[0] ?? '';
    expect(call?.input).toEqual({ [keyAt(sent, 0)]: 'a', rows: [{ [id]: '1' }], free: { 'x:y': 1 } });
  });

  describe.each([1, 2, 7, 1000])('of an answer that comes in pieces of %i characters', (size) => {
    it('are restored, plain and streamed, and nothing else is touched', async () => {
      const values = { says: '{"$select": "no key"}', odd: 'quote " brace } comma ,' };
      const inputs: Fields[] = [];
      upstream.answer((body) => {
        const sent = sentSchema(body);
        const id =
          Object.keys((sent as unknown as Properties).properties.rows?.items.properties ?? {})[0] ?? '';
        const input = {
          [keyAt(sent, 0)]: values.says,
          [keyAt(sent, 1)]: values.odd,
          rows: [{ [id]: keyAt(sent, 0) }, { [id]: '\\"' }],
          plain: 'ü€😀',
        };
        inputs.push(input);
        return {
          blocks: [textBlock('Looking.'), callBlock('list', input, { json: JSON.stringify(input, null, 1) })],
          deltaLength: size,
        };
      });
      const { client } = scripted[route];
      const request = { model, messages: [question], tools };
      const plain = await client.chat.completions.create(request);
      const stream = client.chat.completions.stream(request);
      const streamed = await stream.finalChatCompletion();
      const expected = {
        $select: values.says,
        'filter[name]': values.odd,
        rows: [{ '@id': Object.keys(inputs[0] ?? {})[0] }, { '@id': '\\"' }],
        plain: 'ü€😀',
      };
      for (const { choices } of [plain, streamed]) {
        const [call] = choices[0]?.message.tool_calls ?? [];
        expect(JSON.parse(call?.type === 'function' ? call.function.arguments : '')).toEqual(expected);
        expect(choices[0]?.message.content).toBe('Looking.');
      }
    });
  });

  it('of a call that the limit cut off come as far as the call does', async () => {
    upstream.answer((body) => {
      const key = keyAt(sentSchema(body), 0);
      return {
        blocks: [callBlock('list', {}, { json: `{"${key}": "a", "${key.slice(0, 5)}` })],
        stop: 'max_tokens',
        deltaLength: 3,
      };
    });
    const text = await (
      await scripted[route].post({ model, messages: [question], tools, stream: true })
    ).text();
    const written = [...text.matchAll(/"arguments":"((?:[^"\\]|\\.)*)"/g)].map(([, each]) =>
      JSON.parse(`"${each}"`),
    );
    expect(written.join('')).toBe('{"$select": "a", "_sele');
  });

  it('that nobody replaced leave the answer as it is, delta by delta', async () => {
    const plainTool = {
      type: 'function',
      function: { name: 'f', parameters: { type: 'object', properties: { a: text } } },
    };
    upstream.answer({ blocks: [callBlock('f', { a: 'bcd' })], deltaLength: 4 });
    const body = await (
      await scripted[route].post({ model, messages: [question], tools: [plainTool], stream: true })
    ).text();
    const written = [...body.matchAll(/"arguments":"((?:[^"\\]|\\.)*)"/g)].map(([, each]) =>
      JSON.parse(`"${each}"`),
    );
    expect(written.filter((each) => each !== '')).toEqual(['{"a"', ':"bc', 'd"}']);
  });
});

describe.each([
  { how: 'in the native format', model: 'claude-4-5-haiku', route: 'anthropic' },
  { how: 'by a forced tool', model: 'claude-4-5-haiku', route: 'bedrock' },
] as const)('keys of a structured answer, brought about $how', ({ model, route }) => {
  const format = {
    type: 'json_schema' as const,
    json_schema: {
      name: 'out',
      schema: {
        type: 'object',
        properties: { größe: { type: 'integer', minimum: 3 }, 数量: text },
        required: ['größe', '数量'],
        additionalProperties: false,
      },
    },
  };

  it('are taken by the strict upstream and come back as declared, plain and streamed', async () => {
    const request = { model, messages: [question], response_format: format };
    const { client } = strict[route];
    const plain = await client.chat.completions.create(request);
    const streamed = await client.chat.completions.stream(request).finalChatCompletion();
    for (const { choices } of [plain, streamed])
      expect(Object.keys(JSON.parse(choices[0]?.message.content ?? ''))).toEqual(['größe', '数量']);
    const [sent] = simulator.requests.map(({ body }) => body as Fields);
    for (const key of keysOf(sent)) expect(key).toMatch(valid);
  });

  it('are restored before the answer is held against the schema', async () => {
    upstream.answer((body) => {
      const config = body.output_config as { format: { schema: Fields } } | undefined;
      const [size, count] = keysOf(config?.format.schema ?? sentSchema(body));
      const input = { [size ?? '']: 7, [count ?? '']: 'two' };
      return {
        blocks: [config === undefined ? callBlock('out', input) : textBlock(JSON.stringify(input))],
        stop: 'end_turn',
        deltaLength: 2,
      };
    });
    const server = scripted[route];
    for (const stream of [false, true]) {
      const response = await server.post({ model, messages: [question], response_format: format, stream });
      const body = await response.text();
      const written = stream
        ? [...body.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)]
            .map(([, each]) => JSON.parse(`"${each}"`))
            .join('')
        : (JSON.parse(body) as { choices: { message: { content: string } }[] }).choices[0]?.message.content;
      expect(JSON.parse(written ?? '')).toEqual({ größe: 7, 数量: 'two' });
    }
    expect(JSON.stringify(server.logs)).not.toContain('schema_problems');
  });
});

describe('an empty key, which Converse refuses', () => {
  it('is replaced and restored for Nova', async () => {
    const nova = await serverOfTest({ upstream: simulator, env: { MAX_RETRIES: '0' } });
    const parameters = { type: 'object', properties: { '': text }, required: [''] };
    const tool = { type: 'function' as const, function: { name: 'list', parameters } };
    const request = { model: 'nova-lite', messages: [question], tools: [tool] };
    const reply = await nova.client.chat.completions.create({ ...request, tool_choice: 'required' });
    const [call] = reply.choices[0]?.message.tool_calls ?? [];
    expect(Object.keys(JSON.parse(call?.type === 'function' ? call.function.arguments : ''))).toEqual(['']);
    await nova.client.chat.completions.create({
      ...request,
      messages: [
        question,
        reply.choices[0]?.message as ChatCompletionMessageParam,
        { role: 'tool', tool_call_id: call?.id ?? '', content: 'none' },
      ],
    });
    const { toolConfig, messages } = simulator.requests.map(({ body }) => body as unknown).at(-1) as {
      toolConfig: { tools: { toolSpec: { inputSchema: { json: Fields } } }[] };
      messages: { content: { toolUse?: { input: Fields } }[] }[];
    };
    const [key] = keysOf(toolConfig.tools[0]?.toolSpec.inputSchema.json);
    const sent = messages[1]?.content.find(({ toolUse }) => toolUse !== undefined)?.toolUse;
    expect(Object.keys(sent?.input ?? {})).toEqual([key]);
  });
});
