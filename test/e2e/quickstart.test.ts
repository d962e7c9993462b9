import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from 'openai';
import { beforeAll, describe, expect, it } from 'vitest';
import { useServer, useSimulator } from '../support/fixtures.ts';
import { testKey } from '../support/server.ts';

const simulator = useSimulator();
const server = useServer({ upstream: simulator, env: { MAX_RETRIES: '0' } });
let client: OpenAI;
beforeAll(() => {
  // As README writes it: INFERENCE_URL + '/v1/'.
  client = new OpenAI({ apiKey: testKey, baseURL: `${server.url}/v1/`, maxRetries: 0 });
});

const messages = [
  { role: 'system' as const, content: 'You are a helpful assistant.' },
  { role: 'user' as const, content: 'Explain quantum computing in simple terms.' },
];
const sent = () => simulator.requests.at(-1)?.body as Record<string, unknown>;

describe.each(['claude-4-5-sonnet', 'nova-lite'])('the quick start with %s', (model) => {
  it('answers', async () => {
    const response = await client.chat.completions.create({ model, messages });
    expect(response).toMatchObject({
      object: 'chat.completion',
      model,
      choices: [
        { index: 0, finish_reason: 'stop', logprobs: null, message: { role: 'assistant', refusal: null } },
      ],
    });
    expect(response.id).toMatch(/^msg_/);
    expect(response.choices[0]?.message.content).toContain('quantum');
    expect(response.choices[0]?.message).not.toHaveProperty('tool_calls');
    const { usage } = response;
    expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0));
    expect(usage?.prompt_tokens).toBeGreaterThan(0);
    expect(Math.abs(response.created - Date.now() / 1000)).toBeLessThan(10);
  });

  it('streams, and the usual loop does not trip over a chunk', async () => {
    const stream = await client.chat.completions.create({ model, messages, stream: true });
    let text = '';
    const finishes: unknown[] = [];
    for await (const chunk of stream) {
      // As many write it: every chunk has a first choice.
      const [choice] = chunk.choices;
      if (choice === undefined) throw new Error('a chunk without choices was not asked for');
      if (choice.delta.content) text += choice.delta.content;
      if (choice.finish_reason !== null) finishes.push(choice.finish_reason);
    }
    expect(text).toContain('quantum');
    expect(finishes).toEqual(['stop']);
  });

  it('streams and answers the same, to the token', async () => {
    const plain = await client.chat.completions.create({ model, messages });
    const streamed = await client.chat.completions
      .stream({ model, messages, stream_options: { include_usage: true } })
      .finalChatCompletion();
    expect(streamed.choices[0]?.message.content).toBe(plain.choices[0]?.message.content);
    expect(streamed.usage?.prompt_tokens).toBe(plain.usage?.prompt_tokens);
    expect(streamed.usage?.completion_tokens).toBe(plain.usage?.completion_tokens);
  });

  it('says what it ignored and adjusted', async () => {
    const { data, response } = await client.chat.completions
      .create({ model, messages, seed: 7, n: 2, temperature: 1.5, user: 'u-1' })
      .withResponse();
    expect(data.choices).toHaveLength(1);
    expect(response.headers.get('x-ignored-params')?.split(', ').sort()).toEqual(['n', 'seed']);
    expect(response.headers.get('x-adjusted-params')).toBe('temperature');
    expect(response.headers.get('x-upstream')).toBe(model === 'nova-lite' ? 'bedrock-converse' : 'anthropic');
    expect(data).toHaveProperty('_request_id', response.headers.get('x-request-id'));
  });

  it('refuses what it would ignore, if told to', async () => {
    const strict = { model, messages, seed: 7, allow_ignored_params: false };
    await expect(client.chat.completions.create(strict)).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_parameter',
      param: 'seed',
    });
    expect(simulator.requests).toEqual([]);
  });
});

// Behaviour 2: where the model takes sampling, the API version that still accepts it is sent.
describe('sampling parameters really arrive upstream', () => {
  it('at the Anthropic API', async () => {
    await client.chat.completions.create({
      model: 'claude-4-5-sonnet',
      messages,
      temperature: 0.2,
      stop: ['END'],
      max_tokens: 300,
      user: 'u-1',
    });
    expect(sent()).toMatchObject({
      model: 'claude-sonnet-4-5-20250929',
      temperature: 0.2,
      stop_sequences: ['END'],
      max_tokens: 300,
      metadata: { user_id: 'u-1' },
    });
    expect(simulator.requests[0]?.headers['anthropic-version']).toBe('2023-06-01');
  });

  it('for Claude on Bedrock', async () => {
    await client.chat.completions.create({
      model: 'claude-4-sonnet',
      messages,
      temperature: 0.2,
      top_p: 0.5,
    });
    expect(simulator.requests[0]?.upstream).toBe('bedrock-invoke');
    expect(sent()).toMatchObject({ anthropic_version: 'bedrock-2023-05-31', temperature: 0.2, top_p: 0.5 });
  });

  it('on Converse', async () => {
    const sampling = { temperature: 0.2, top_p: 0.5, top_k: 20, stop: 'END', max_tokens: 300 };
    await client.chat.completions.create({ model: 'nova-lite', messages, ...sampling });
    expect(sent()).toMatchObject({
      inferenceConfig: { temperature: 0.2, topP: 0.5, stopSequences: ['END'], maxTokens: 300 },
      additionalModelRequestFields: { inferenceConfig: { topK: 20 } },
    });
  });

  it('and do not where the model takes none', async () => {
    const { response } = await client.chat.completions
      .create({ model: 'claude-opus-5-5', messages, temperature: 0.2 })
      .withResponse();
    expect(sent()).not.toHaveProperty('temperature');
    expect(response.headers.get('x-ignored-params')).toBe('temperature');
  });
});

describe('extended thinking as documented', () => {
  it.each([
    { name: 'hidden by default', include: undefined },
    { name: 'shown when asked for', include: true },
  ])('$name', async ({ include }) => {
    const thinking = {
      extended_thinking: {
        enabled: true,
        budget_tokens: 5000,
        ...(include === undefined ? {} : { include_reasoning: include }),
      },
    };
    const response = await client.chat.completions.create({
      model: 'claude-4-5-sonnet',
      messages,
      ...thinking,
    });
    expect(sent()).toMatchObject({ thinking: { type: 'enabled', budget_tokens: 5000 } });
    expect('reasoning_content' in (response.choices[0]?.message ?? {})).toBe(include === true);
  });

  it('goes to Nova 2 at its highest level without being refused', async () => {
    const response = await client.chat.completions.create({
      model: 'nova-2-lite',
      messages,
      reasoning_effort: 'high',
      max_tokens: 2000,
      temperature: 0.5,
    });
    expect(response.choices[0]?.finish_reason).toBe('stop');
  });
});

describe('tools as documented', () => {
  const tools = [
    {
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
    },
  ];

  it.each(['claude-4-5-sonnet', 'nova-lite'])('call, result, final answer with %s', async (model) => {
    const asked: OpenAI.ChatCompletionMessageParam[] = [
      { role: 'user', content: "What's the weather in San Francisco?" },
    ];
    const first = await client.chat.completions.create({
      model,
      messages: asked,
      tools,
      tool_choice: 'required',
    });
    const message = first.choices[0]?.message;
    const call = message?.tool_calls?.[0];
    if (message === undefined || call?.type !== 'function') throw new Error('no call came');
    expect(first.choices[0]?.finish_reason).toBe('tool_calls');
    expect(JSON.parse(call.function.arguments)).toHaveProperty('location');
    asked.push(message, { role: 'tool', tool_call_id: call.id, content: JSON.stringify({ degrees: 21 }) });
    const last = await client.chat.completions.create({ model, messages: asked, tools });
    expect(last.choices[0]?.finish_reason).toBe('stop');
    expect(last.choices[0]?.message.content).toContain('21');
  });

  // Behaviour 4.4
  it.each(['claude-4-5-sonnet', 'nova-lite'])(
    'history with tools but a request without them, with %s',
    async (model) => {
      const history: OpenAI.ChatCompletionMessageParam[] = [
        { role: 'user', content: 'Weather?' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
      ];
      const answer = await client.chat.completions.create({ model, messages: history });
      expect(answer.choices[0]?.finish_reason).toBe('stop');
    },
  );
});

describe('models', () => {
  it('are listed and retrieved', async () => {
    const ids: string[] = [];
    for await (const { id } of client.models.list()) ids.push(id);
    expect(ids).toEqual(expect.arrayContaining(['claude-4-5-sonnet', 'nova-lite']));
    expect((await client.models.retrieve('claude-4-5-sonnet')).id).toBe('claude-4-5-sonnet');
  });
});

describe("errors have the SDK's classes", () => {
  const ask = (params: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> = {}, by = client) =>
    by.chat.completions.create({ model: 'claude-4-5-haiku', messages, ...params });

  it('as the SDK has them caught', async () => {
    const error = await ask({ model: 'gpt-4' }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toBeInstanceOf(NotFoundError);
    expect((error as APIError).message).toContain("'gpt-4'");
    expect((error as APIError).requestID).toBeTruthy();
  });

  it('for a wrong key', async () => {
    const stranger = new OpenAI({ apiKey: 'wrong', baseURL: `${server.url}/v1`, maxRetries: 0 });
    await expect(ask({}, stranger)).rejects.toBeInstanceOf(AuthenticationError);
    await expect(ask({}, stranger)).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
  });

  it('for a bad request', async () => {
    const error = await ask({ temperature: 3 }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ status: 400, param: 'temperature', type: 'invalid_request_error' });
  });

  it('for a rate limit, with the wait and the message of the upstream', async () => {
    const limited = '[[fault status=429 message="Slow down, please" retry-after=7]]';
    const error = await ask({ messages: [{ role: 'user', content: limited }] }).catch(
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(RateLimitError);
    expect((error as APIError).message).toContain('Slow down');
    expect((error as APIError).headers?.get('retry-after')).toBe('7');
  });

  it('in the middle of a stream', async () => {
    const stream = await client.chat.completions.create({
      model: 'nova-lite',
      messages: [{ role: 'user', content: '[[length 200]] [[fault end-early after=5]]' }],
      stream: true,
    });
    const read = async () => {
      for await (const chunk of stream) expect(chunk.object).toBe('chat.completion.chunk');
    };
    await expect(read()).rejects.toBeInstanceOf(APIError);
  });

  it("for our own credential, which is not the client's fault", async () => {
    const error = await ask({
      model: 'nova-lite',
      messages: [{ role: 'user', content: '[[fault status=403]]' }],
    }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(InternalServerError);
    expect(error).toMatchObject({ status: 502 });
  });
});
