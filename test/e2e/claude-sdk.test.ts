/**
 * Claude through the clients people use: the official SDK and its helpers, LangChain, the Agents SDK. Each
 * against the strict simulator, on the Anthropic API and on Bedrock. Behaviour 3 to 6 and 8, as seen from there.
 */

import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool as langchainTool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { Agent, tool as agentTool, OpenAIChatCompletionsModel, Runner } from '@openai/agents';
import OpenAI from 'openai';
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Fault } from '../../simulator/index.ts';
import { endpointAtUpstream } from '../../src/models/model.ts';
import { models } from '../../src/models/rows.ts';
import { createLocalStore } from '../../src/store/local.ts';
import type { Store } from '../../src/store/store.ts';
import { readUntilCut } from '../support/cut.ts';
import { serverOfTest, useHttp, useSimulated } from '../support/fixtures.ts';
import { pixelBytes as png } from '../support/images.ts';
import { type TestServer, testKey } from '../support/server.ts';
import { today } from '../support/today.ts';
import { until } from '../support/until.ts';

const redactedWord = 'ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING';

type Upstream = 'anthropic' | 'bedrock';
const upstreams: readonly Upstream[] = ['anthropic', 'bedrock'];

const images = useHttp((_request, response) => {
  response.writeHead(200, { 'content-type': 'image/png' }).end(png);
});
const { simulator, servers } = useSimulated({
  INFERENCE_KEY: `${testKey},other-key`,
  MAX_RETRIES: '0',
  BREAKER_COOLDOWN_MS: '1',
  LOG_LEVEL: 'silent',
  IMAGE_FETCH_ALLOW_HOSTS: '127.0.0.1',
});

// ---- looking at what went upstream ---------------------------------------------------------------

interface SentBlock {
  readonly type: string;
  readonly [field: string]: unknown;
}
interface Sent {
  readonly thinking?: { readonly type: string; readonly budget_tokens?: number };
  readonly tool_choice?: unknown;
  readonly tools?: readonly { readonly name: string; readonly strict?: boolean }[];
  readonly messages: readonly { readonly role: string; readonly content: readonly SentBlock[] }[];
}

const sent = (): Sent => simulator.requests.at(-1)?.body as Sent;
/** The block types of the latest assistant turn that was sent. */
const replayed = (): readonly string[] =>
  sent()
    .messages.findLast(({ role }) => role === 'assistant')
    ?.content.map(({ type }) => type) ?? [];

const weather = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'Get current weather for a location',
    parameters: {
      type: 'object',
      properties: { location: { type: 'string', description: 'City name' } },
      required: ['location'],
    },
  },
};
const question: ChatCompletionMessageParam = {
  role: 'user',
  content: "What's the weather in San Francisco?",
};
const thinkHard = { extended_thinking: { enabled: true, budget_tokens: 2000 } };
type Extended = OpenAI.ChatCompletionCreateParamsNonStreaming;
/** Extensions are not in the SDK's types. */
const extended = (body: Record<string, unknown>) => body as unknown as Extended;

describe.each(upstreams)('the documented examples by way of %s', (upstream) => {
  // As README writes it: INFERENCE_URL + '/v1/'.
  const connect = () =>
    new OpenAI({ apiKey: testKey, baseURL: `${servers[upstream].url}/v1/`, maxRetries: 0 });

  it('tools: the call, the function, the answer', async () => {
    const client = connect();
    const messages: ChatCompletionMessageParam[] = [question];
    const response = await client.chat.completions.create({
      model: 'claude-4-5-sonnet',
      messages,
      tools: [weather],
      tool_choice: 'auto',
    });
    const message = response.choices[0]?.message;
    const call = message?.tool_calls?.[0];
    if (message === undefined || call?.type !== 'function') throw new Error('no call');
    expect(response.choices[0]?.finish_reason).toBe('tool_calls');
    expect(JSON.parse(call.function.arguments)).toEqual({ location: 'San Francisco' });

    messages.push(message);
    messages.push({ role: 'tool', tool_call_id: call.id, content: JSON.stringify({ temperature: 18 }) });
    const final = await client.chat.completions.create({
      model: 'claude-4-5-sonnet',
      messages,
      tools: [weather],
    });
    expect(final.choices[0]).toMatchObject({ finish_reason: 'stop' });
    expect(final.choices[0]?.message.content).toContain('18');
  });

  it('extended thinking', async () => {
    const response = await connect().chat.completions.create(
      extended({
        model: 'claude-4-5-sonnet',
        messages: [
          { role: 'user', content: 'Analyze the pros and cons of different database architectures.' },
        ],
        extended_thinking: { enabled: true, budget_tokens: 5000 },
      }),
    );
    expect(response.choices[0]?.message.content).toContain('database');
    expect(response.choices[0]?.message).not.toHaveProperty('reasoning_content');
    expect(sent().thinking).toEqual({ type: 'enabled', budget_tokens: 5000 });
    expect(response.usage?.completion_tokens_details?.reasoning_tokens).toBeGreaterThan(0);
  });

  it('streaming', async () => {
    const stream = await connect().chat.completions.create({
      model: 'claude-4-5-haiku',
      messages: [{ role: 'user', content: 'Write a short story about AI.' }],
      stream: true,
    });
    let text = '';
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) text += chunk.choices[0].delta.content;
    }
    expect(text).toContain('short story');
  });
});

describe.each(upstreams)("the SDK's helpers by way of %s", (upstream) => {
  const runnable = {
    type: 'function' as const,
    function: {
      name: 'get_weather',
      description: 'Get current weather for a location',
      parameters: weather.function.parameters,
      parse: JSON.parse,
      function: ({ location }: { location: string }) => ({ location, temperature: 18 }),
    },
  };

  it.each(['claude-4-5-sonnet', 'claude-opus-5-5', 'claude-sonnet-5'])(
    'runTools, plain and streaming, on %s',
    async (model) => {
      const { client } = servers[upstream];
      const plain = client.chat.completions.runTools({ model, messages: [question], tools: [runnable] });
      expect(await plain.finalContent()).toContain('18');

      const streaming = client.chat.completions.runTools({
        model,
        messages: [question],
        tools: [runnable],
        stream: true,
      });
      let text = '';
      streaming.on('content', (delta) => {
        text += delta;
      });
      expect(await streaming.finalContent()).toContain('18');
      expect(text).toContain('18');
      // The model's thinking came back with the call although this client keeps none of it.
      if (model !== 'claude-4-5-sonnet') expect(replayed()[0]).toBe('thinking');
    },
  );

  it('.stream() sees the same as a plain call', async () => {
    const { client } = servers[upstream];
    const body = { model: 'claude-4-5-sonnet', messages: [question], tools: [weather] };
    const plain = await client.chat.completions.create(body);
    const helper = client.chat.completions.stream(body);
    const streamed = await helper.finalChatCompletion();
    const [one, other] = [plain.choices[0]?.message, streamed.choices[0]?.message];
    expect(other?.content).toBe(one?.content);
    expect(other?.tool_calls).toMatchObject(
      (one?.tool_calls ?? []).map((call) => (call.type === 'function' ? { function: call.function } : {})),
    );
  });
});

// ---- structured output ---------------------------------------------------------------------------

const Event = z.object({
  name: z.string(),
  date: z.string(),
  participants: z.array(z.string()),
  place: z.object({ city: z.string(), online: z.boolean() }).nullable(),
  seats: z.number().int().min(1).max(500),
});
const SetReminder = z.object({ text: z.string(), minutes: z.number().int() });

const served = upstreams.flatMap((upstream) =>
  models
    .filter((model) => {
      const endpoint = endpointAtUpstream(model, upstream);
      return (
        endpoint !== undefined && (endpoint.retires === undefined || Date.parse(endpoint.retires) > today)
      );
    })
    .map(({ id }) => ({ model: id, upstream })),
);

describe('parse() with zod on every row that is served', () => {
  it.each(served)('$model at $upstream: a response format', async ({ model, upstream }) => {
    const { client } = servers[upstream];
    const body = {
      model,
      messages: [{ role: 'user' as const, content: 'Ada and Grace meet in Paris on Friday, with 20 seats.' }],
      response_format: zodResponseFormat(Event, 'event'),
    };
    const plain = await client.chat.completions.parse(body);
    expect(plain.choices[0]?.finish_reason).toBe('stop');
    expect(Object.keys(plain.choices[0]?.message.parsed ?? {}).sort()).toEqual(
      Object.keys(Event.shape).sort(),
    );
    const streamed = await client.chat.completions.stream(body).finalChatCompletion();
    expect(streamed.choices[0]?.message.parsed).toEqual(plain.choices[0]?.message.parsed);
    expect(streamed.choices[0]?.message.tool_calls ?? []).toEqual([]);
  });

  it.each(served)('$model at $upstream: a function', async ({ model, upstream }) => {
    const completion = await servers[upstream].client.chat.completions.parse({
      model,
      messages: [{ role: 'user', content: 'Please set_reminder to call Tom in 10 minutes.' }],
      tools: [zodFunction({ name: 'set_reminder', parameters: SetReminder })],
    });
    const call = completion.choices[0]?.message.tool_calls?.[0];
    expect(SetReminder.safeParse(call?.function.parsed_arguments).success).toBe(true);
  });
});

describe('JSON beside tools and thinking', () => {
  const format = zodResponseFormat(z.object({ answer: z.string() }), 'answer');

  it.each(upstreams)('is asked for, checked and given by way of %s', async (upstream) => {
    const response = await servers[upstream].client.chat.completions.create(
      extended({
        model: 'claude-4-5-haiku',
        messages: [{ role: 'user', content: 'Say something.' }],
        tools: [weather],
        response_format: format,
        ...thinkHard,
      }),
    );
    expect(Object.keys(JSON.parse(response.choices[0]?.message.content ?? '') as object)).toEqual(['answer']);
  });

  it('an answer that is no JSON is mended once, and both tries are counted', async () => {
    const ask = (content: string) =>
      servers.bedrock.client.chat.completions.create(
        extended({
          model: 'claude-4-5-haiku',
          messages: [{ role: 'user', content }],
          response_format: format,
          ...thinkHard,
        }),
      );
    const good = await ask('Say something nice about it.');
    expect(simulator.requests).toHaveLength(1);
    const mended = await ask('[[bad-json]] Say something nice about it.');
    expect(simulator.requests).toHaveLength(3);
    expect(JSON.parse(mended.choices[0]?.message.content ?? '')).toHaveProperty('answer');
    expect(mended.usage?.prompt_tokens).toBeGreaterThan((good.usage?.prompt_tokens ?? 0) * 1.8);
  });

  it('JSON that misses the schema is given where mending it fails', async () => {
    const answer = servers.bedrock.client.chat.completions.create(
      extended({
        model: 'claude-4-5-haiku',
        messages: [{ role: 'user', content: '[[delay 200]] [[say {"wrong":1}]]' }],
        response_format: format,
        ...thinkHard,
      }),
    );
    await until(() => simulator.requests.length === 1, 'the first try');
    simulator.inject({ kind: 'status', status: 429 });
    const { choices, usage } = await answer;
    expect(simulator.requests).toHaveLength(2);
    expect(choices[0]?.message.content).toBe('{"wrong":1}');
    expect(usage?.completion_tokens).toBeGreaterThan(0);
  });

  it('in a stream that cannot be mended it is an error frame, with no finish before it', async () => {
    const response = await servers.bedrock.post({
      model: 'claude-4-5-haiku',
      messages: [{ role: 'user', content: '[[say no json at all]]' }],
      response_format: format,
      stream: true,
      ...thinkHard,
    });
    const { text, isCut } = await readUntilCut(response);
    expect(isCut).toBe(true);
    expect(text).toContain('"malformed_model_output"');
    expect(text).not.toContain('"finish_reason":"');
    expect(text).not.toContain('[DONE]');
  });
});

// ---- thinking through a tool loop ----------------------------------------------------------------

/** One row of each way to think. */
const thinkers = [
  { model: 'claude-4-5-sonnet', body: thinkHard },
  { model: 'claude-sonnet-4-6', body: { reasoning_effort: 'high' } },
  { model: 'claude-opus-4-8', body: thinkHard },
  { model: 'claude-sonnet-5', body: {} },
  { model: 'claude-opus-5-5', body: {} },
  { model: 'claude-haiku-5-5', body: { extended_thinking: { enabled: true, include_reasoning: true } } },
];
const thinkingTargets = upstreams.flatMap((upstream) => thinkers.map((each) => ({ upstream, ...each })));

/** The same client, as the types of the Agents SDK's own copy have it. */
type AgentsClient = ConstructorParameters<typeof OpenAIChatCompletionsModel>[0];

/** The effort has a setting of its own there, which would overwrite one in providerData. */
const agentSettings = (body: Record<string, unknown>) =>
  body.reasoning_effort === 'high' ? { reasoning: { effort: 'high' as const } } : { providerData: body };

interface Thinking {
  readonly type: string;
  readonly thinking: string;
  readonly signature: string;
  readonly data: string;
}
type WireMessage = OpenAI.ChatCompletionMessage & {
  readonly reasoning_content?: string;
  readonly thinking_blocks?: readonly Thinking[];
};

const firstCall = (message: OpenAI.ChatCompletionMessage) => message.tool_calls?.[0]?.id ?? '';

/** What each kind of client sends back of a message with a call. */
const clients: readonly {
  readonly name: string;
  readonly keep: (message: WireMessage) => Record<string, unknown>;
}[] = [
  {
    name: 'keeps nothing but the call',
    keep: ({ tool_calls }) => ({ role: 'assistant', content: null, tool_calls }),
  },
  {
    name: 'echoes thinking_blocks',
    keep: (message) => message as unknown as Record<string, unknown>,
  },
  {
    name: "speaks OpenRouter's reasoning_details",
    keep: ({ content, tool_calls, thinking_blocks = [] }) => ({
      role: 'assistant',
      content,
      tool_calls,
      reasoning_details: thinking_blocks.map(({ thinking, signature }) => ({
        type: 'reasoning.text',
        text: thinking,
        signature,
        format: 'anthropic-claude-v1',
      })),
    }),
  },
  {
    name: "speaks Heroku's reasoning",
    keep: ({ content, tool_calls, thinking_blocks: [block] = [] }) => ({
      role: 'assistant',
      content,
      tool_calls,
      reasoning: { thinking: block?.thinking, signature: block?.signature },
    }),
  },
];

describe.each(clients)('a tool loop with a client that $name', ({ keep, name }) => {
  it.each(thinkingTargets)('keeps the thinking of $model at $upstream', async ({ model, upstream, body }) => {
    const { client } = servers[upstream];
    const shown =
      'extended_thinking' in body
        ? { extended_thinking: { ...body.extended_thinking, include_reasoning: true } }
        : { ...body, extended_thinking: { include_reasoning: true } };
    const ask = { model, tools: [weather], ...shown };
    const first = await client.chat.completions.create(extended({ ...ask, messages: [question] }));
    const message = first.choices[0]?.message as WireMessage;
    expect(message.reasoning_content).not.toBe('');
    expect(message.thinking_blocks?.[0]).toMatchObject({ index: 0, type: 'thinking' });

    const fresh = await startIfForgetful(name, upstream);
    const { data, response } = await (fresh?.client ?? client).chat.completions
      .create(
        extended({
          ...ask,
          messages: [
            question,
            keep(message),
            { role: 'tool', tool_call_id: firstCall(message), content: '18' },
          ],
        }),
      )
      .withResponse();
    expect(data.choices[0]?.message.content).toContain('18');
    expect(response.headers.get('x-adjusted-params')).toBeNull();
    expect(replayed()[0]).toBe('thinking');
    expect(sent().thinking?.type).not.toBe('disabled');
  });
});

/** A server without memory, so that what the client sends is what counts. */
const startIfForgetful = async (name: string, upstream: Upstream): Promise<TestServer | undefined> =>
  name.startsWith('keeps nothing')
    ? undefined
    : serverOfTest({
        upstream: simulator,
        played: [upstream],
        env: { LOG_LEVEL: 'silent', MAX_RETRIES: '0' },
      });

describe('thinking of one server', () => {
  it('is known to another that shares its store, and not to one that does not', async () => {
    const store = createLocalStore();
    const start = (shared?: Store) =>
      serverOfTest({
        upstream: simulator,
        played: ['anthropic'],
        env: { LOG_LEVEL: 'silent' },
        store: shared,
      });
    const [one, other, stranger] = await Promise.all([start(store), start(store), start()]);
    const ask = { model: 'claude-4-5-sonnet', tools: [weather], ...thinkHard };
    const first = await one.client.chat.completions.create(extended({ ...ask, messages: [question] }));
    const calls = first.choices[0]?.message.tool_calls;
    const messages = [
      question,
      { role: 'assistant', content: null, tool_calls: calls },
      { role: 'tool', tool_call_id: calls?.[0]?.id, content: '18' },
    ];
    const adjusted = async (server: TestServer) =>
      (await server.post({ ...ask, messages })).headers.get('x-adjusted-params');
    expect(await adjusted(other)).toBeNull();
    expect(await adjusted(stranger)).toBe('extended_thinking');
  });
});

describe('thinking that is lost', () => {
  const loop = async (model: string, body: Record<string, unknown>, key?: string) => {
    const first = await servers.anthropic.client.chat.completions.create(
      extended({ model, tools: [weather], messages: [question], ...body }),
    );
    const message = first.choices[0]?.message;
    if (message === undefined) throw new Error('no message');
    const id = key === undefined ? 'call_never_seen' : firstCall(message);
    const call = { id, type: 'function', function: { name: 'get_weather', arguments: '{}' } };
    return servers.anthropic.post(
      {
        model,
        tools: [weather],
        ...body,
        messages: [
          question,
          { role: 'assistant', content: '', tool_calls: [call] },
          { role: 'tool', tool_call_id: id, content: '18' },
        ],
      },
      key === undefined ? {} : { authorization: `Bearer ${key}` },
    );
  };

  it.each([
    { model: 'claude-4-5-sonnet', body: thinkHard, reported: 'extended_thinking' },
    {
      model: 'claude-sonnet-4-6',
      body: { thinking: { type: 'enabled', budget_tokens: 2000 } },
      reported: 'thinking',
    },
  ])('$model by budget: switched off for that request, and reported', async ({ model, body, reported }) => {
    const response = await loop(model, body);
    expect(response.status).toBe(200);
    expect(response.headers.get('x-adjusted-params')).toBe(reported);
    expect(sent().thinking).toBeUndefined();
  });

  it.each([
    { model: 'claude-opus-4-8', body: { reasoning_effort: 'high' }, mode: 'adaptive' },
    { model: 'claude-sonnet-4-6', body: { reasoning_effort: 'high' }, mode: 'adaptive' },
    { model: 'claude-haiku-5-5', body: thinkHard, mode: 'adaptive' },
    { model: 'claude-sonnet-5', body: {}, mode: undefined },
  ])('$model, which is adaptive, goes on thinking', async ({ model, body, mode }) => {
    const response = await loop(model, body);
    expect(response.status).toBe(200);
    expect(response.headers.get('x-adjusted-params')).toBeNull();
    expect(sent().thinking?.type).toBe(mode);
  });

  it.each(['claude-opus-5-5', 'claude-fable-5-2', 'claude-sonnet-5-5'])(
    '%s, which cannot switch it off, is left to continue',
    async (model) => {
      const response = await loop(model, thinkHard);
      expect(response.status).toBe(200);
      expect(replayed()).toEqual(['tool_use']);
    },
  );

  it("another key's thinking is not recalled", async () => {
    const mine = await loop('claude-4-5-sonnet', thinkHard, testKey);
    expect(mine.headers.get('x-adjusted-params')).toBeNull();
    expect(replayed()).toEqual(['thinking', 'tool_use']);
    const theirs = await loop('claude-4-5-sonnet', thinkHard, 'other-key');
    expect(theirs.status).toBe(200);
    expect(theirs.headers.get('x-adjusted-params')).toBe('extended_thinking');
    expect(replayed()).toEqual(['tool_use']);
  });

  it.each(upstreams)('redacted thinking goes back by way of %s', async (upstream) => {
    const { client } = servers[upstream];
    const ask = {
      model: 'claude-4-5-sonnet',
      tools: [weather],
      extended_thinking: { ...thinkHard.extended_thinking, include_reasoning: true },
    };
    const asked = { role: 'user', content: `${redactedWord} What's the weather in Oslo?` };
    const first = await client.chat.completions.create(extended({ ...ask, messages: [asked] }));
    const message = first.choices[0]?.message as WireMessage;
    expect(message.thinking_blocks?.map(({ type }) => type)).toEqual([
      'redacted_thinking',
      'redacted_thinking',
    ]);
    expect(message).not.toHaveProperty('reasoning_content');
    for (const kept of [message, { role: 'assistant', content: null, tool_calls: message.tool_calls }]) {
      const result = { role: 'tool', tool_call_id: firstCall(message), content: '3' };
      await client.chat.completions.create(extended({ ...ask, messages: [asked, kept, result] }));
      expect(replayed().slice(0, 2)).toEqual(['redacted_thinking', 'redacted_thinking']);
    }
  });
});

/** Blocks of another model or account, or touched on the way: good nowhere else. */
const foreignBlocks = [
  { type: 'thinking', thinking: 'Somebody else thought so.', signature: 'RXJj' },
  { type: 'redacted_thinking', data: 'RXJj' },
];

describe.each(upstreams)('thinking that another model signed, by way of %s', (upstream) => {
  const asking = (body: Record<string, unknown>, block: object | undefined) => ({
    tools: [weather],
    ...body,
    messages: [
      question,
      {
        role: 'assistant',
        content: null,
        thinking_blocks: [block],
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: '18' },
    ],
  });
  const cases = [
    { model: 'claude-4-5-sonnet', body: thinkHard, reported: 'extended_thinking', mode: undefined },
    { model: 'claude-sonnet-5', body: {}, reported: 'messages', mode: undefined },
    {
      model: 'claude-haiku-5-5',
      body: { reasoning_effort: 'max' },
      reported: 'messages',
      mode: 'adaptive',
    },
    { model: 'claude-opus-5-5', body: thinkHard, reported: 'messages', mode: 'adaptive' },
  ];

  it.each(cases.flatMap((each) => foreignBlocks.map((block) => ({ ...each, block, type: block.type }))))(
    '$model is asked once more without its $type, and it is reported',
    async ({ model, body, block, reported, mode }) => {
      for (const stream of [false, true]) {
        simulator.requests.length = 0;
        const response = await servers[upstream].post({ model, stream, ...asking(body, block) });
        expect(await response.text()).toContain('18');
        expect(response.status).toBe(200);
        expect(response.headers.get('x-adjusted-params')).toBe(reported);
        expect(simulator.requests).toHaveLength(2);
        expect(replayed()).toEqual(['tool_use']);
        expect(sent().thinking?.type).toBe(mode);
      }
    },
  );

  it('is a 400 that names it for a client that allows no changes', async () => {
    const body = { ...asking(thinkHard, foreignBlocks[0]), allow_ignored_params: false };
    const response = await servers[upstream].post({ model: 'claude-4-5-sonnet', ...body });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { code: string; param: string } };
    expect(error).toMatchObject({ code: 'unsupported_parameter', param: 'extended_thinking' });
    expect(simulator.requests).toHaveLength(1);
  });
});

describe.each(thinkingTargets)(
  'frameworks that drop reasoning: $model at $upstream',
  ({ model, upstream, body }) => {
    it('LangChain', async () => {
      const getWeather = langchainTool(async ({ location }) => `18 degrees in ${location}`, {
        name: 'get_weather',
        description: 'Get current weather for a location',
        schema: z.object({ location: z.string() }),
      });
      const chat = new ChatOpenAI({
        model,
        apiKey: testKey,
        maxRetries: 0,
        configuration: { baseURL: `${servers[upstream].url}/v1` },
        modelKwargs: body,
      }).bindTools([getWeather]);
      const human = new HumanMessage("What's the weather in San Francisco?");
      const called = await chat.invoke([human]);
      const [call] = called.tool_calls ?? [];
      if (call === undefined) throw new Error('no call');
      const result = await getWeather.invoke(call);
      expect(result).toBeInstanceOf(ToolMessage);
      const answer = await chat.invoke([human, called, result as ToolMessage]);
      expect(answer.text).toContain('18 degrees');
      expect(replayed()[0]).toBe('thinking');
    });

    it.each([false, true])('the Agents SDK, streaming: %s', async (stream) => {
      const { client } = servers[upstream];
      const agent = new Agent({
        name: 'Weather',
        instructions: 'Answer in one sentence.',
        model: new OpenAIChatCompletionsModel(client as unknown as AgentsClient, model),
        modelSettings: agentSettings(body),
        tools: [
          agentTool({
            name: 'get_weather',
            description: 'Get current weather for a location',
            parameters: z.object({ location: z.string() }),
            execute: async ({ location }) => `18 degrees in ${location}`,
          }),
        ],
      });
      const runner = new Runner({ tracingDisabled: true });
      const asked = "What's the weather in San Francisco?";
      if (stream) {
        const result = await runner.run(agent, asked, { stream: true });
        await result.completed;
        expect(result.finalOutput).toContain('18 degrees');
      } else {
        const result = await runner.run(agent, asked);
        expect(result.finalOutput).toContain('18 degrees');
      }
      expect(replayed()[0]).toBe('thinking');
    });
  },
);

// ---- forced tools, custom tools, images ----------------------------------------------------------

describe('a forced call', () => {
  const named = { type: 'function', function: { name: 'get_weather' } };
  const other = { type: 'function', function: { name: 'other' } };
  const ask = (upstream: Upstream, body: Record<string, unknown>) =>
    servers[upstream].post({ messages: [question], tools: [weather, other], ...body });

  it.each([
    {
      name: 'is relaxed where the model refuses it',
      upstream: 'anthropic' as const,
      body: { model: 'claude-opus-5-5', tool_choice: 'required' },
      choice: undefined,
      tools: 2,
      reported: 'tool_choice',
    },
    {
      name: 'of a name leaves only that tool',
      upstream: 'bedrock' as const,
      body: { model: 'claude-fable-5', tool_choice: named },
      choice: undefined,
      tools: 1,
      reported: 'tool_choice',
    },
    {
      name: 'of a name leaves all tools where thinking is bound to them',
      upstream: 'bedrock' as const,
      body: { model: 'claude-sonnet-5-5', tool_choice: named },
      choice: undefined,
      tools: 2,
      reported: 'tool_choice',
    },
    {
      name: 'is relaxed beside thinking',
      upstream: 'bedrock' as const,
      body: { model: 'claude-4-5-sonnet', tool_choice: named, ...thinkHard },
      choice: undefined,
      tools: 1,
      reported: 'tool_choice',
    },
    {
      name: 'stays where thinking is only a default',
      upstream: 'anthropic' as const,
      body: { model: 'claude-sonnet-5', tool_choice: 'required' },
      choice: { type: 'any' },
      tools: 2,
      reported: null,
    },
    {
      name: 'switches that default off where it must',
      upstream: 'bedrock' as const,
      body: { model: 'claude-sonnet-5', tool_choice: named },
      choice: { type: 'tool', name: 'get_weather' },
      tools: 2,
      reported: 'thinking',
    },
  ])('$name', async ({ upstream, body, choice, tools, reported }) => {
    const response = await ask(upstream, body);
    expect(response.status).toBe(200);
    expect(response.headers.get('x-adjusted-params')).toBe(reported);
    expect(sent().tool_choice).toEqual(choice);
    expect(sent().tools).toHaveLength(tools);
  });
});

describe('custom tools', () => {
  const shell = { type: 'custom' as const, custom: { name: 'run_shell', description: 'Runs a command' } };
  const ask = {
    model: 'claude-4-5-sonnet',
    messages: [{ role: 'user' as const, content: 'Please run_shell with "ls".' }],
    tools: [shell],
  };

  it('come back as calls with text, plain and streaming, and are understood on replay', async () => {
    const { client } = servers.anthropic;
    const plain = await client.chat.completions.create(ask);
    const [call] = plain.choices[0]?.message.tool_calls ?? [];
    if (call?.type !== 'custom') throw new Error('no custom call');
    expect(call.custom.name).toBe('run_shell');
    expect(call.custom.input).not.toContain('{');

    const response = await servers.anthropic.post({ ...ask, stream: true });
    const deltas = (await response.text())
      .split('\n\n')
      .filter((frame) => frame.startsWith('data: {'))
      .map((frame) => JSON.parse(frame.slice(6)) as OpenAI.ChatCompletionChunk)
      .flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? [])
      .map((delta) => delta as unknown as { type?: string; custom: { name?: string; input: string } });
    expect(deltas[0]).toMatchObject({ index: 0, type: 'custom', custom: { name: 'run_shell', input: '' } });
    expect(deltas.map(({ custom }) => custom.input).join('')).toBe(call.custom.input);

    const final = await client.chat.completions.create({
      ...ask,
      messages: [
        ...ask.messages,
        plain.choices[0]?.message as ChatCompletionMessageParam,
        { role: 'tool', tool_call_id: call.id, content: 'README.md' },
      ],
    });
    expect(final.choices[0]?.message.content).toContain('README.md');
    expect(sent().messages[1]?.content.at(-1)).toMatchObject({ input: { input: call.custom.input } });
  });
});

describe('an image by its URL', () => {
  const ask = (upstream: Upstream, url: string) =>
    servers[upstream].post({
      model: 'claude-4-5-sonnet',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url } },
          ],
        },
      ],
    });
  const local = () => `${images.url}/a.png`;
  const source = () => sent().messages[0]?.content[1]?.source;
  const base64 = { type: 'base64', media_type: 'image/png', data: png.toString('base64') };

  it('is fetched for Bedrock', async () => {
    expect((await ask('bedrock', local())).status).toBe(200);
    expect(source()).toEqual(base64);
  });

  it('goes to the Anthropic API as it is', async () => {
    expect((await ask('anthropic', 'https://example.com/a.png')).status).toBe(200);
    expect(source()).toEqual({ type: 'url', url: 'https://example.com/a.png' });
  });

  it('is fetched for the Anthropic API too where it is not https, which that refuses', async () => {
    expect((await ask('anthropic', local())).status).toBe(200);
    expect(source()).toEqual(base64);
  });

  it('at an address of ours is refused with the path of the part', async () => {
    const response = await ask('bedrock', 'http://localhost:1/a.png');
    expect(response.status).toBe(400);
    expect(response.headers.get('x-upstream')).toBeNull();
    expect(await response.json()).toMatchObject({
      error: { param: 'messages[0].content[1].image_url.url' },
    });
  });
});

// ---- errors --------------------------------------------------------------------------------------

interface Failure {
  readonly upstream: Upstream;
  readonly status: number;
  readonly type?: string;
  readonly message?: string;
  readonly retryAfter?: string;
  readonly expected: {
    readonly status: number;
    readonly type: string;
    readonly code: string | null;
    readonly message?: string;
    readonly retryAfter?: string;
    readonly noRetry?: boolean;
  };
}

const server = (status: number, code: string) => ({ status, type: 'server_error', code });
const rate = { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' };
const spent = { status: 429, type: 'rate_limit_error', code: 'insufficient_quota', noRetry: true };
const invalid = { status: 400, type: 'invalid_request_error', code: null };
const overflow = { status: 400, type: 'invalid_request_error', code: 'context_length_exceeded' };
const gone = { status: 404, type: 'invalid_request_error', code: 'model_not_found', noRetry: true };
const credential = { ...server(502, 'upstream_credential_refused'), noRetry: true };

const failures: readonly Failure[] = [
  {
    upstream: 'anthropic',
    status: 400,
    message: 'top_k: no',
    expected: { ...invalid, message: 'top_k: no' },
  },
  {
    upstream: 'anthropic',
    status: 400,
    message: 'prompt is too long: 210000 tokens > 200000 maximum',
    expected: overflow,
  },
  {
    upstream: 'anthropic',
    status: 400,
    message: 'Your credit balance is too low to access the Anthropic API.',
    expected: spent,
  },
  {
    upstream: 'anthropic',
    status: 400,
    message: 'You have reached your specified API usage limits.',
    expected: spent,
  },
  { upstream: 'anthropic', status: 401, message: 'invalid x-api-key', expected: credential },
  {
    upstream: 'anthropic',
    status: 402,
    message: 'Please pay.',
    expected: { ...spent, message: 'Please pay.' },
  },
  { upstream: 'anthropic', status: 403, expected: credential },
  {
    upstream: 'anthropic',
    status: 404,
    message: 'model: claude-sonnet-4-5-20250929',
    expected: { ...gone, message: 'claude-sonnet-4-5-20250929' },
  },
  {
    upstream: 'anthropic',
    status: 413,
    expected: { status: 413, type: 'invalid_request_error', code: 'request_too_large' },
  },
  {
    upstream: 'anthropic',
    status: 429,
    message: 'Slow down.',
    retryAfter: '7',
    expected: { ...rate, message: 'Slow down.', retryAfter: '7' },
  },
  { upstream: 'anthropic', status: 429, expected: { ...rate, retryAfter: '2' } },
  { upstream: 'anthropic', status: 500, expected: server(502, 'upstream_error') },
  { upstream: 'anthropic', status: 503, expected: { ...server(503, 'overloaded'), retryAfter: '2' } },
  { upstream: 'anthropic', status: 504, expected: server(504, 'upstream_timeout') },
  {
    upstream: 'anthropic',
    status: 529,
    retryAfter: '9',
    expected: { ...server(503, 'overloaded'), retryAfter: '9' },
  },
  {
    upstream: 'bedrock',
    status: 400,
    message: 'messages: no',
    expected: { ...invalid, message: 'messages: no' },
  },
  { upstream: 'bedrock', status: 400, message: 'Input is too long for requested model.', expected: overflow },
  {
    upstream: 'bedrock',
    status: 400,
    message: 'The provided model identifier is invalid.',
    expected: { ...gone, message: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0' },
  },
  {
    upstream: 'bedrock',
    status: 400,
    message: 'Invocation of model ID x with on-demand throughput isn’t supported.',
    expected: gone,
  },
  {
    upstream: 'bedrock',
    status: 400,
    type: 'ServiceQuotaExceededException',
    message: 'Quota.',
    expected: spent,
  },
  { upstream: 'bedrock', status: 403, expected: credential },
  { upstream: 'bedrock', status: 403, type: 'ExpiredTokenException', expected: credential },
  { upstream: 'bedrock', status: 403, type: 'UnrecognizedClientException', expected: credential },
  { upstream: 'bedrock', status: 404, expected: gone },
  { upstream: 'bedrock', status: 408, expected: server(504, 'upstream_timeout') },
  { upstream: 'bedrock', status: 424, message: 'The model failed.', expected: server(502, 'upstream_error') },
  {
    upstream: 'bedrock',
    status: 429,
    message: 'Too many requests.',
    expected: { ...rate, message: 'Too many requests.', retryAfter: '2' },
  },
  { upstream: 'bedrock', status: 429, message: 'Too many tokens per day, please wait.', expected: spent },
  {
    upstream: 'bedrock',
    status: 429,
    type: 'ModelNotReadyException',
    expected: { ...server(503, 'overloaded'), retryAfter: '2' },
  },
  { upstream: 'bedrock', status: 500, expected: server(502, 'upstream_error') },
  { upstream: 'bedrock', status: 503, expected: { ...server(503, 'overloaded'), retryAfter: '2' } },
];

const frames = (text: string) =>
  text
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: {'))
    .map((frame) => JSON.parse(frame.slice(6)) as { error?: Record<string, unknown> });

describe('errors of the upstreams', () => {
  describe.each([false, true])('before the first byte, stream: %s', (stream) => {
    it.each(failures)('$upstream $status $type $message', async ({ expected, retryAfter, ...failure }) => {
      simulator.inject({
        kind: 'status',
        ...failure,
        ...(retryAfter === undefined ? {} : { headers: { 'retry-after': retryAfter } }),
      });
      const response = await servers[failure.upstream].post({
        model: 'claude-4-5-sonnet',
        messages: [question],
        stream,
      });
      const { error } = (await response.json()) as { error: Record<string, unknown> };
      expect([response.status, error.type, error.code]).toEqual([
        expected.status,
        expected.type,
        expected.code,
      ]);
      if (expected.message !== undefined) expect(error.message).toContain(expected.message);
      const { headers } = response;
      expect(headers.get('x-upstream')).toBe(failure.upstream);
      expect(headers.get('x-upstream-request-id')).toBeTruthy();
      if (expected.retryAfter !== undefined) expect(headers.get('retry-after')).toBe(expected.retryAfter);
      if (expected.status === 429 || expected.status === 503) expect(headers.get('retry-after')).toBeTruthy();
      expect(headers.get('x-should-retry')).toBe(expected.noRetry === true ? 'false' : null);
    });
  });

  const inBand: readonly { fault: Fault; code: string }[] = [
    {
      fault: {
        kind: 'error-event',
        afterEvents: 3,
        type: 'overloaded_error',
        message: 'Overloaded',
        upstream: 'anthropic',
      },
      code: 'overloaded',
    },
    {
      fault: { kind: 'error-event', afterEvents: 3, type: 'api_error', message: 'No', upstream: 'anthropic' },
      code: 'upstream_error',
    },
    {
      fault: {
        kind: 'error-event',
        afterEvents: 3,
        type: 'throttlingException',
        message: 'Slow',
        upstream: 'bedrock',
      },
      code: 'rate_limit_exceeded',
    },
    {
      fault: {
        kind: 'error-event',
        afterEvents: 3,
        type: 'modelStreamErrorException',
        message: 'No',
        upstream: 'bedrock',
      },
      code: 'upstream_error',
    },
    {
      fault: {
        kind: 'error-event',
        afterEvents: 3,
        type: 'serviceUnavailableException',
        message: 'No',
        upstream: 'bedrock',
      },
      code: 'overloaded',
    },
    ...upstreams.flatMap((upstream) => [
      { fault: { kind: 'end-early', afterEvents: 4, upstream } as const, code: 'upstream_error' },
      { fault: { kind: 'garbage', afterEvents: 4, upstream } as const, code: 'upstream_error' },
    ]),
  ];

  it.each(inBand)('in the middle: $fault.kind $fault.type at $fault.upstream', async ({ fault, code }) => {
    simulator.inject(fault);
    const response = await servers[fault.upstream as Upstream].post({
      model: 'claude-4-5-sonnet',
      messages: [{ role: 'user', content: 'Tell me something long.' }],
      stream: true,
    });
    expect(response.status).toBe(200);
    const { text, isCut } = await readUntilCut(response);
    expect(isCut).toBe(true);
    expect(frames(text).at(-1)?.error?.code).toBe(code);
    expect(text).not.toContain('[DONE]');
    expect(text).not.toContain('"finish_reason":"');
  });

  it('rate limits are passed on in OpenAI’s form', async () => {
    const response = await servers.anthropic.post({ model: 'claude-4-5-sonnet', messages: [question] });
    for (const kind of ['requests', 'tokens']) {
      expect(response.headers.get(`x-ratelimit-limit-${kind}`)).toMatch(/^\d+$/);
      expect(response.headers.get(`x-ratelimit-remaining-${kind}`)).toMatch(/^\d+$/);
      expect(response.headers.get(`x-ratelimit-reset-${kind}`)).toMatch(/^[\dhms.]+$/);
    }
  });
});
