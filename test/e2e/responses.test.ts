/**
 * The Responses API through the official SDK, against the strict simulator: conversations with and without state, tools of
 * every form, reasoning that clients carry, failures, and what each key may see. Behaviour 12.
 */

import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import type {
  ResponseCreateParamsNonStreaming,
  ResponseInputItem,
  ResponseOutputItem,
} from 'openai/resources/responses/responses';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { useServer, useSimulated, useSimulator } from '../support/fixtures.ts';
import { pixelBytes } from '../support/images.ts';
import { expectValidResponse } from '../support/openresponses.ts';
import { checkEvents, type Item, readEvents } from '../support/response-events.ts';
import { type TestServer, testKey } from '../support/server.ts';

const otherKey = 'another-key-of-someone';
const { simulator, servers } = useSimulated({
  INFERENCE_KEY: `${testKey},${otherKey}`,
  MAX_RETRIES: '0',
  BREAKER_COOLDOWN_MS: '1',
});

const post = (server: TestServer, body: object, path = '/v1/responses', key = testKey) =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const refusal = async (server: TestServer, body: object) => {
  const response = await post(server, body);
  const { error } = (await response.json()) as { error: { message: string; param: string; code: string } };
  return { status: response.status, ...error };
};

const weather = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather in a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  strict: false,
} as const;

const lookTwice =
  'Look. [[think always]] [[call get_weather {"city":"Oslo"}]] [[then]] [[call get_weather {"city":"Rome"}]] [[then]] [[say both are sunny]]';

const outputsFor = (output: readonly ResponseOutputItem[]): ResponseInputItem[] =>
  output.flatMap((item): ResponseInputItem[] =>
    item.type === 'function_call'
      ? [{ type: 'function_call_output', call_id: item.call_id, output: 'sunny' }]
      : [],
  );

interface SentMessages {
  readonly messages: readonly {
    readonly role: string;
    readonly content: string | readonly { readonly type?: string }[];
  }[];
  readonly system?: readonly { readonly text: string }[];
  readonly tools?: readonly { readonly name: string; readonly description?: string }[];
  readonly max_tokens?: number;
}
const sent = () => simulator.requests.at(-1)?.body as SentMessages;
const kindsSent = () =>
  sent().messages.map(
    ({ role, content }) =>
      [role, typeof content === 'string' ? ['text'] : content.map(({ type }) => type)] as const,
  );

// Claude as it is asked on both upstreams, and Nova.
const places = [
  { name: 'claude-sonnet-4-5 by the Anthropic API', model: 'claude-sonnet-4-5', at: 'anthropic' },
  { name: 'claude-sonnet-5-5 by the Anthropic API', model: 'claude-sonnet-5-5', at: 'anthropic' },
  { name: 'claude-sonnet-4-5 on Bedrock', model: 'claude-sonnet-4-5', at: 'bedrock' },
  { name: 'nova-2-lite', model: 'nova-2-lite', at: 'bedrock' },
] as const;

const thinking = { effort: 'medium' } as const;

describe.each(places)('$name', ({ model, at }) => {
  const ask = (body: Omit<ResponseCreateParamsNonStreaming, 'model'>) =>
    servers[at].client.responses.create({ model, ...body });

  it('answers a text, and the response is as published', async () => {
    const response = await ask({ input: 'Say it. [[say hello]]' });
    expectValidResponse(JSON.parse(JSON.stringify({ ...response, output_text: undefined })));
    expect(response).toMatchObject({ status: 'completed', output_text: 'hello', error: null });
    expect(response.usage?.total_tokens).toBe(
      (response.usage?.input_tokens ?? 0) + (response.usage?.output_tokens ?? 0),
    );
  });

  it('goes through a tool loop by previous_response_id, all thinking in its place', async () => {
    let response = await ask({ input: lookTwice, tools: [weather], reasoning: thinking });
    for (let turn = 0; turn < 2; turn += 1) {
      response = await ask({
        previous_response_id: response.id,
        input: outputsFor(response.output),
        tools: [weather],
        reasoning: thinking,
      });
    }
    expect(response.output_text).toBe('both are sunny');
    expect(response).not.toHaveProperty('input_transformations');
    if (at === 'anthropic') {
      const kinds = kindsSent().filter(([role]) => role === 'assistant');
      expect(kinds.map(([, [first]]) => first)).toEqual(['thinking', 'thinking']);
    }
  });

  it('goes through the same loop without state, with nothing but what the client was given', async () => {
    const input: ResponseInputItem[] = [{ role: 'user', content: lookTwice }];
    const turn = () => ask({ input, tools: [weather], reasoning: thinking, store: false });
    let response = await turn();
    for (let each = 0; each < 2; each += 1) {
      input.push(...(response.output as ResponseInputItem[]), ...outputsFor(response.output));
      response = await turn();
    }
    expect(response.output_text).toBe('both are sunny');
    expect(response).not.toHaveProperty('input_transformations');
  });

  it('streams events that the SDK accumulates to the response that is stored', async () => {
    const stream = servers[at].client.responses.stream({
      model,
      input: lookTwice,
      tools: [weather],
      reasoning: { effort: 'medium', summary: 'auto' },
    });
    const final = await stream.finalResponse();
    const stored = await servers[at].client.responses.retrieve(final.id);
    expect(final.output.map(({ id }) => id)).toEqual(stored.output.map(({ id }) => id));
    expect(stored.output.map(({ type }) => type)).toContain('function_call');
    expect(stored.status).toBe('completed');
  });

  it('gives JSON of a schema to responses.parse', async () => {
    const { output_parsed: parsed } = await servers[at].client.responses.parse({
      model,
      input: 'As JSON. [[json]]',
      text: { format: zodTextFormat(z.object({ name: z.string() }), 'person') },
    });
    expect(parsed).toEqual({ name: expect.any(String) });
  });
});

describe('reasoning that a client carries', () => {
  const model = 'claude-sonnet-4-5';
  const begin = async () => {
    const input: ResponseInputItem[] = [{ role: 'user', content: lookTwice }];
    const response = await servers.anthropic.client.responses.create({
      model,
      input,
      tools: [weather],
      reasoning: thinking,
      store: false,
    });
    return { input, output: response.output };
  };

  const goOn = async (input: readonly unknown[], more: object = {}) => {
    const body = { model, input, tools: [weather], reasoning: thinking, store: false, ...more };
    const response = await post(servers.anthropic, body);
    return {
      status: response.status,
      adjusted: response.headers.get('x-adjusted-params'),
      body: (await response.json()) as {
        output: readonly Item[];
        input_transformations?: readonly { id: string; reason: string; action: string }[];
      },
    };
  };

  it('can be read by no one but the server', async () => {
    const { output } = await begin();
    const reasoning = output.find(({ type }) => type === 'reasoning');
    expect(reasoning).toMatchObject({
      summary: [],
      encrypted_content: expect.stringMatching(/^p1\.[\w-]+$/),
    });
    expect(Buffer.from(JSON.stringify(reasoning)).includes('signature')).toBe(false);
  });

  it.each([
    ['altered', (sealed: string) => `${sealed.slice(0, -2)}AA`],
    ['cut off', (sealed: string) => sealed.slice(0, 30)],
    ["OpenAI's own", () => 'gAAAAABnotours'],
    ['empty after its prefix', () => 'p1.'],
    ['no text of ours at all', () => '\u0000'],
  ])('is left out and said where it is %s, and the turn goes on', async (_, change) => {
    const { input, output } = await begin();
    const changed = output.map((item) =>
      item.type === 'reasoning' ? { ...item, encrypted_content: change(item.encrypted_content ?? '') } : item,
    );
    const { status, adjusted, body } = await goOn([...input, ...changed, ...outputsFor(output)]);
    expect(status).toBe(200);
    expect(adjusted).toContain('input');
    expect(body.input_transformations).toEqual([
      { id: changed[0]?.id, type: 'reasoning', action: 'removed', reason: 'model_mismatch' },
    ]);
  });

  it('is remembered where a client drops it', async () => {
    const { input, output } = await begin();
    const kept = output.filter(({ type }) => type !== 'reasoning');
    expect((await goOn([...input, ...kept, ...outputsFor(output)])).status).toBe(200);
    expect(kindsSent().find(([role]) => role === 'assistant')?.[1]?.[0]).toBe('thinking');
  });

  it('stays away from a model of another maker', async () => {
    const { input, output } = await begin();
    const answered = await post(servers.bedrock, {
      model: 'nova-2-lite',
      input: [...input, ...output, ...outputsFor(output)],
      tools: [weather],
      store: false,
    });
    expect(await answered.json()).toMatchObject({
      status: 'completed',
      input_transformations: [{ reason: 'model_mismatch' }],
    });
  });

  it('with a null where clients have nothing to say is as it was', async () => {
    const { input, output } = await begin();
    const replayed = output.map((item) =>
      item.type === 'reasoning' ? { ...item, content: null, status: null } : item,
    );
    const { status, body } = await goOn([...input, ...replayed, ...outputsFor(output)]);
    expect(status).toBe(200);
    expect(body).not.toHaveProperty('input_transformations');
  });
});

describe('tools of every form', () => {
  const model = 'claude-sonnet-4-5';
  const output = async (body: object): Promise<readonly Item[]> => {
    const response = await post(servers.anthropic, { model, store: false, ...body });
    const read = (await response.json()) as { output: readonly Item[] };
    expect(response.status, JSON.stringify(read)).toBe(200);
    return read.output;
  };

  it('a custom tool is called with its text, and its answer goes on', async () => {
    const tools = [
      {
        type: 'custom',
        name: 'apply_patch',
        description: 'Edits files.',
        format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' },
      },
    ];
    const said = 'Patch it. [[call apply_patch {"input":"*** Begin \\"x\\""}]] [[then]] [[say patched]]';
    const first = await output({ input: said, tools });
    const call = first.find(({ type }) => type === 'custom_tool_call');
    expect(call).toMatchObject({ name: 'apply_patch', input: '*** Begin "x"', status: 'completed' });
    expect(sent().tools?.[0]?.description).toContain('lark');
    const second = await output({
      input: [
        { role: 'user', content: said },
        ...first,
        { type: 'custom_tool_call_output', call_id: call?.call_id, output: 'done' },
      ],
      tools,
    });
    expect(JSON.stringify(second)).toContain('patched');
  });

  it('a namespace is one name upstream and two fields here, in both directions', async () => {
    const tools = [
      {
        type: 'namespace',
        name: 'files',
        description: 'About files.',
        tools: [{ ...weather, name: 'open' }],
      },
    ];
    const said = 'Open it. [[call files__open {"city":"x"}]] [[then]] [[say opened]]';
    const first = await output({ input: said, tools });
    const call = first.find(({ type }) => type === 'function_call');
    expect(call).toMatchObject({ name: 'open', namespace: 'files' });
    expect(sent().tools?.[0]).toMatchObject({
      name: 'files__open',
      description: expect.stringContaining('About files.'),
    });
    const second = await output({
      input: [
        { role: 'user', content: said },
        ...first,
        { type: 'function_call_output', call_id: call?.call_id, output: 'ok' },
      ],
      tools,
    });
    expect(JSON.stringify(second)).toContain('opened');
  });

  it('a search for tools that the client executes brings tools that can be called', async () => {
    const tools = [
      {
        type: 'tool_search',
        execution: 'client',
        description: 'Finds tools.',
        parameters: weather.parameters,
      },
    ];
    const said =
      'Find. [[call tool_search {"city":"weather"}]] [[then]] [[call get_weather {"city":"Oslo"}]]';
    const first = await output({ input: said, tools });
    const search = first.find(({ type }) => type === 'tool_search_call');
    expect(search).toMatchObject({
      execution: 'client',
      arguments: { city: 'weather' },
      status: 'completed',
    });
    const found = {
      type: 'tool_search_output',
      call_id: search?.call_id,
      execution: 'client',
      tools: [weather],
    };
    const second = await output({ input: [{ role: 'user', content: said }, ...first, found], tools });
    expect(second.find(({ type }) => type === 'function_call')).toMatchObject({ name: 'get_weather' });
  });

  it('what OpenAI hosts is left out and said, and cannot be demanded', async () => {
    const hosted = {
      model,
      input: 'hi',
      tools: [weather, { type: 'code_interpreter', container: { type: 'auto' } }],
    };
    const response = await post(servers.anthropic, hosted);
    expect(response.headers.get('x-ignored-params')).toBe('tools[1]');
    expect(sent().tools?.map(({ name }) => name)).toEqual(['get_weather']);
    expect(
      await refusal(servers.anthropic, { ...hosted, tool_choice: { type: 'code_interpreter' } }),
    ).toMatchObject({ status: 400, param: 'tool_choice', code: 'unsupported_parameter' });
  });

  it('allowed_tools is held to', async () => {
    const choice = {
      type: 'allowed_tools',
      mode: 'auto',
      tools: [{ type: 'function', name: 'get_weather' }],
    };
    await output({ input: 'hi', tools: [weather, { ...weather, name: 'other' }], tool_choice: choice });
    expect(sent().tools?.map(({ name }) => name)).toEqual(['get_weather']);
  });

  it('additional_tools and configuration_update count from where they stand', async () => {
    const answer = await output({
      input: [
        { role: 'user', content: 'As JSON. [[json]]' },
        { type: 'additional_tools', role: 'developer', tools: [weather] },
        { type: 'configuration_update', text: { format: { type: 'json_object' } } },
      ],
    });
    expect(sent().tools?.map(({ name }) => name)).toContain('get_weather');
    expect(answer.at(-1)?.type).toBe('message');
  });

  it('calls of tools that OpenAI’s models know by heart, and their outputs, are kept in the history', async () => {
    await output({
      input: [
        { role: 'user', content: 'list' },
        {
          type: 'local_shell_call',
          call_id: 'call_1',
          action: { type: 'exec', command: ['ls'] },
          status: 'completed',
        },
        { type: 'local_shell_call_output', call_id: 'call_1', output: 'a.txt' },
        { role: 'user', content: 'and? [[say a]]' },
      ],
    });
    expect(kindsSent()[1]).toEqual(['assistant', ['tool_use']]);
  });
});

describe('input in its spellings', () => {
  const model = 'claude-sonnet-4-5';
  const image = `data:image/png;base64,${pixelBytes.toString('base64')}`;

  it('messages with and without type, developers, replayed answers, images in a tool’s output', async () => {
    const response = await post(servers.anthropic, {
      model,
      instructions: 'Be brief.',
      store: null,
      metadata: null,
      tools: null,
      reasoning: null,
      text: {},
      input: [
        { role: 'developer', content: [{ type: 'input_text', text: 'Be kind.' }] },
        { type: 'message', role: 'user', content: 'Look.', id: null },
        {
          type: 'message',
          role: 'assistant',
          id: 'msg_1',
          status: 'completed',
          content: [{ type: 'output_text', text: 'I do.', annotations: [], logprobs: [] }],
          phase: 'commentary',
        },
        {
          type: 'function_call',
          id: 'fc_1',
          call_id: 'call_1',
          name: 'view',
          arguments: '{}',
          status: 'completed',
        },
        {
          type: 'function_call_output',
          call_id: 'call_1',
          output: [{ type: 'input_image', image_url: image }],
        },
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'And this? [[say fine]]' },
            { type: 'input_image', image_url: image, detail: 'auto' },
          ],
        },
      ],
    });
    expect(response.status, await response.clone().text()).toBe(200);
    expect(sent().system?.map(({ text }) => text)).toEqual(['Be brief.', 'Be kind.']);
    expect(kindsSent()).toEqual([
      ['user', ['text']],
      ['assistant', ['text', 'tool_use']],
      ['user', ['tool_result', 'text', 'image']],
    ]);
  });

  it.each([
    ['an empty body', {}, 'model'],
    ['no input', { model }, 'input'],
    ['an empty list', { model, input: [] }, 'input'],
    ['an unknown item', { model, input: [{ type: 'something' }] }, 'input[0].type'],
    [
      'a nested image',
      { model, input: [{ role: 'user', content: [{ type: 'input_image', image_url: { url: image } }] }] },
      'input[0].content[0].image_url',
    ],
    [
      'a file by id',
      { model, input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file_1' }] }] },
      'input[0].content[0].file_id',
    ],
    [
      'audio',
      { model, input: [{ role: 'user', content: [{ type: 'input_audio' }] }] },
      'input[0].content[0]',
    ],
    [
      'arguments that are no object',
      { model, input: [{ type: 'function_call', call_id: 'c', name: 'f', arguments: '[1]' }] },
      'input[0].arguments',
    ],
    ['background', { model, input: 'x', background: true }, 'background'],
    ['a conversation', { model, input: 'x', conversation: 'conv_1' }, 'conversation'],
    ['a template', { model, input: 'x', prompt: { id: 'p' } }, 'prompt'],
    ['a tool without a name', { model, input: 'x', tools: [{ type: 'function' }] }, 'tools[0].name'],
    [
      'a nameless tool in a namespace',
      { model, input: 'x', tools: [{ type: 'namespace', name: 'n', tools: [{ type: 'function' }] }] },
      'tools[0].tools[0].name',
    ],
  ])('%s is a 400 that names the field', async (_, body, param) => {
    const refused = await refusal(servers.anthropic, body);
    expect(refused).toMatchObject({ status: 400, param });
    expect(refused.message).toContain(param);
  });

  it('a prompt that is too long is a 400 about the input', async () => {
    const refused = await refusal(servers.anthropic, {
      model: 'claude-haiku-4-5',
      input: 'word '.repeat(260_000),
    });
    expect(refused).toMatchObject({ status: 400, param: 'input', code: 'context_length_exceeded' });
  });
});

describe('state', () => {
  const model = 'claude-haiku-4-5';
  const create = (body: object) =>
    servers.anthropic.client.responses.create({ model, ...body } as ResponseCreateParamsNonStreaming);
  const get = (path: string, key = testKey) =>
    fetch(`${servers.anthropic.url}/v1/responses/${path}`, { headers: { authorization: `Bearer ${key}` } });

  it('items are referred to by their ids, and stored as what they are', async () => {
    const first = await create({ input: 'Say it. [[say blue]]' });
    const [message] = first.output;
    const second = await create({
      input: [
        { role: 'user', content: 'Say it.' },
        { id: message?.id },
        { role: 'user', content: 'Again. [[say red]]' },
      ],
    });
    expect(kindsSent().map(([role]) => role)).toEqual(['user', 'assistant', 'user']);
    const { data } = await servers.anthropic.client.responses.inputItems.list(second.id, { order: 'asc' });
    expect(data.map(({ type }) => type)).toEqual(['message', 'message', 'message']);
    expect(data[1]).toMatchObject({ id: message?.id, role: 'assistant' });
  });

  it('unknown references are a 400, but for reasoning, which is left out and said', async () => {
    expect(
      await refusal(servers.anthropic, { model, input: [{ type: 'item_reference', id: 'msg_no' }] }),
    ).toMatchObject({
      status: 400,
      param: 'input[0].id',
      message: expect.stringContaining("Item with id 'msg_no' not found."),
    });
    const response = await post(servers.anthropic, {
      model,
      input: [{ role: 'user', content: 'hi' }, { id: 'rs_no' }],
    });
    expect(await response.json()).toMatchObject({
      input_transformations: [{ id: 'rs_no', action: 'removed' }],
    });
  });

  it('instructions are not carried over; a chain of three is', async () => {
    const first = await create({ input: 'one', instructions: 'Rhyme.' });
    const second = await create({ input: 'two', previous_response_id: first.id });
    const third = await create({ input: 'three', previous_response_id: second.id });
    expect(sent().system).toBeUndefined();
    expect(kindsSent().map(([role]) => role)).toEqual(['user', 'assistant', 'user', 'assistant', 'user']);
    expect(third.previous_response_id).toBe(second.id);
  });

  it('another key’s responses and items are not found', async () => {
    const { id, output } = await create({ input: 'mine' });
    expect((await get(id, otherKey)).status).toBe(404);
    expect((await get(`${id}/input_items`, otherKey)).status).toBe(404);
    const deleted = await fetch(`${servers.anthropic.url}/v1/responses/${id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${otherKey}` },
    });
    expect(deleted.status).toBe(404);
    const asked = async (body: object) =>
      (await post(servers.anthropic, { model, ...body }, '/v1/responses', otherKey)).json();
    expect(await asked({ input: 'x', previous_response_id: id })).toMatchObject({
      error: { code: 'previous_response_not_found', param: 'previous_response_id' },
    });
    expect(await asked({ input: [{ id: output[0]?.id }] })).toMatchObject({
      error: { param: 'input[0].id' },
    });
    expect((await get(id)).status).toBe(200);
  });

  it('what is deleted, not stored or failed is not there', async () => {
    const stored = await create({ input: 'x' });
    const loose = await create({ input: 'x', store: false });
    expect(loose).toHaveProperty('store', false);
    await servers.anthropic.client.responses.delete(stored.id);
    for (const { id } of [stored, loose]) expect((await get(id)).status).toBe(404);
    expect((await get('resp_nothing')).status).toBe(404);
  });

  it('is deleted by clients that name the type of a body they do not send', async () => {
    const { id } = await create({ input: 'x' });
    const deleted = await fetch(`${servers.anthropic.url}/v1/responses/${id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
    });
    expect(await deleted.json()).toEqual({ id, object: 'response', deleted: true });
  });

  it('input items come in pages', async () => {
    const input = Array.from({ length: 5 }, (_, index) => ({ role: 'user', content: `line ${index}` }));
    const { id } = await create({ input });
    const page = (await (await get(`${id}/input_items?limit=2&order=asc`)).json()) as {
      data: Item[];
      last_id: string;
      has_more: boolean;
    };
    expect(page).toMatchObject({ object: 'list', has_more: true });
    const next = await (await get(`${id}/input_items?limit=3&order=asc&after=${page.last_id}`)).json();
    expect(next).toMatchObject({ has_more: false, data: [{}, {}, {}] });
    expect((await get(`${id}/input_items?limit=0`)).status).toBe(400);
    expect((await get(`${id}/input_items?after=nothing`)).status).toBe(400);
  });
});

describe('compaction', () => {
  const model = 'claude-haiku-4-5';

  it('gives a sealed summary that a conversation goes on from', async () => {
    const first = await post(
      servers.anthropic,
      { model, input: [{ role: 'user', content: 'Remember the heron. [[say the heron is grey]]' }] },
      '/v1/responses/compact',
    );
    const compaction = (await first.json()) as { output: readonly Item[]; usage: object };
    expect(compaction).toMatchObject({
      object: 'response.compaction',
      usage: { total_tokens: expect.any(Number) },
      output: [{ type: 'compaction', encrypted_content: expect.stringMatching(/^p1\./) }],
    });
    const next = await post(servers.anthropic, {
      model,
      input: [...compaction.output, { role: 'user', content: 'And now?' }],
    });
    expect(next.status).toBe(200);
    expect(JSON.stringify(sent().messages)).toContain('Summary of the conversation so far');
  });

  it('of another server is a 400, because the conversation would be lost without it', async () => {
    const input = [
      { type: 'compaction', id: 'cmp_1', encrypted_content: 'gAAAAAB' },
      { role: 'user', content: 'x' },
    ];
    expect(await refusal(servers.anthropic, { model, input })).toMatchObject({
      status: 400,
      param: 'input[0].encrypted_content',
    });
  });

  it('needs a model', async () => {
    const response = await post(servers.anthropic, { input: 'x' }, '/v1/responses/compact');
    expect(response.status).toBe(400);
  });
});

describe('without a store', () => {
  const local = useSimulator();
  const server = useServer({ upstream: local, env: { RESPONSES_STORE: 'off' } });

  it('answers say that they are not kept, and cannot be gone on from', async () => {
    const response = await post(server, { model: 'claude-haiku-4-5', input: 'hi', store: true });
    expect(response.headers.get('x-ignored-params')).toBe('store');
    const { id, store } = (await response.json()) as { id: string; store: boolean };
    expect(store).toBe(false);
    expect(
      await refusal(server, { model: 'claude-haiku-4-5', input: 'x', previous_response_id: id }),
    ).toMatchObject({
      code: 'previous_response_not_found',
      message: expect.stringContaining('stores no responses'),
    });
    expect(await refusal(server, { model: 'claude-haiku-4-5', input: [{ id: 'msg_1' }] })).toMatchObject({
      message: expect.stringContaining('Items are not persisted'),
    });
  });
});

describe('failures', () => {
  const body = { model: 'claude-haiku-4-5', input: 'Tell me a story.', stream: true };

  it('in mid-stream are told in band, with a clean end, and nothing is kept', async () => {
    simulator.inject({ kind: 'error-event', afterEvents: 4, type: 'overloaded_error', message: 'Busy.' });
    const response = await post(servers.anthropic, body);
    const { response: final } = checkEvents(readEvents(await response.text()));
    expect(final.status).toBe('failed');
    const stored = await fetch(`${servers.anthropic.url}/v1/responses/${final.id}`, {
      headers: { authorization: `Bearer ${testKey}` },
    });
    expect(stored.status).toBe(404);
  });

  it('before the first byte are a status', async () => {
    expect(await refusal(servers.anthropic, { ...body, model: 'no-such' })).toMatchObject({
      status: 404,
      param: 'model',
      code: 'model_not_found',
    });
    const unauthorised = await post(servers.anthropic, body, '/v1/responses', 'wrong');
    expect(await unauthorised.json()).toMatchObject({ error: { param: '', code: 'invalid_api_key' } });
  });

  it('an answer cut by the limit is incomplete, and can be gone on from', async () => {
    const response = (await (
      await post(servers.anthropic, { ...body, stream: false, max_output_tokens: 5 })
    ).json()) as {
      id: string;
      status: string;
    };
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [{ status: 'incomplete' }],
    });
    const next = await post(servers.anthropic, {
      model: body.model,
      input: 'go on',
      previous_response_id: response.id,
    });
    expect(next.status).toBe(200);
  });
});

it('a client of Chat Completions and one of Responses share nothing but the core', async () => {
  const client = new OpenAI({ apiKey: testKey, baseURL: `${servers.anthropic.url}/v1`, maxRetries: 0 });
  const chat = await client.chat.completions.create({
    model: 'claude-haiku-4-5',
    messages: [{ role: 'user', content: 'x [[say y]]' }],
  });
  const response = await client.responses.create({ model: 'claude-haiku-4-5', input: 'x [[say y]]' });
  expect(response.output_text).toBe(chat.choices[0]?.message.content);
  expect(response.usage?.input_tokens).toBe(chat.usage?.prompt_tokens);
});
