import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool as langchainTool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { Agent, OpenAIChatCompletionsModel, run, setTracingDisabled, tool } from '@openai/agents';
import OpenAI, { APIError } from 'openai';
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
import type { ChatCompletionMessageParam } from 'openai/resources';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Fault } from '../../simulator/index.ts';
import { readUntilCut } from '../support/cut.ts';
import { expectError } from '../support/errors.ts';
import { serverOfTest, useHttp, useServer, useSimulator } from '../support/fixtures.ts';
import { pixelBytes } from '../support/images.ts';
import { testKey } from '../support/server.ts';

const pictures = useHttp((request, response) => {
  if (request.url === '/gone.png') response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': 'text/plain' }).end(pixelBytes);
});
const simulator = useSimulator();
const server = useServer({
  upstream: simulator,
  played: ['bedrock'],
  env: () => ({ MAX_RETRIES: '0', IMAGE_FETCH_ALLOW_HOSTS: pictures.host }),
  models: [
    { id: 'misconfigured', like: 'nova-lite', ids: { 'bedrock-converse': 'us.amazon.nova-none-v9:9' } },
  ],
});
let client: OpenAI;
beforeAll(() => {
  client = server.client;
});

interface Sent {
  readonly messages: { role: string; content: Record<string, unknown>[] }[];
  readonly toolConfig?: { tools: { toolSpec: { name: string } }[]; toolChoice?: unknown };
}
const sent = (index = -1) => simulator.requests.at(index)?.body as Sent;

const City = z.object({ city: z.string(), unit: z.enum(['celsius', 'fahrenheit']) });
const question: ChatCompletionMessageParam[] = [
  { role: 'user', content: 'What is the weather in Paris, in celsius?' },
];
/** The feature's own example of an odd name: Nova itself would stumble over the hyphen. */
const weatherName = 'get-current-weather';

const novas = ['nova-pro', 'nova-lite', 'nova-micro', 'nova-2-lite'] as const;

describe.each(novas)('the official SDK with %s', (model) => {
  const weatherTool = (seen: unknown[]) => ({
    type: 'function' as const,
    function: {
      name: weatherName,
      description: 'Get the current weather in a city.',
      parameters: z.toJSONSchema(City) as Record<string, unknown>,
      parse: (text: string) => City.parse(JSON.parse(text)),
      function: (args: z.infer<typeof City>) => {
        seen.push(args);
        return { celsius: 21, city: args.city };
      },
    },
  });

  const expectLoop = (answer: string | null, seen: readonly unknown[]) => {
    expect(seen).toEqual([{ city: 'Paris', unit: 'celsius' }]);
    expect(answer).toContain('21');
    expect(answer).not.toContain('<thinking>');
    expect(simulator.requests.map(({ status }) => status)).toEqual([200, 200]);
    expect(sent().toolConfig?.tools[0]?.toolSpec.name).toMatch(/^get_current_weather_[0-9a-f]{8}$/);
    const [, call, result] = sent().messages;
    expect(call?.content.at(-1)).toMatchObject({
      toolUse: { name: sent().toolConfig?.tools[0]?.toolSpec.name },
    });
    expect(result?.content[0]).toMatchObject({ toolResult: { content: [{ json: { celsius: 21 } }] } });
  };

  it('runs tools', async () => {
    const seen: unknown[] = [];
    const runner = client.chat.completions.runTools({
      model,
      messages: question,
      tools: [weatherTool(seen)],
    });
    expectLoop(await runner.finalContent(), seen);
    const calls = runner.messages.flatMap((message) =>
      message.role === 'assistant' ? (message.tool_calls ?? []) : [],
    );
    expect(calls).toMatchObject([{ type: 'function', function: { name: weatherName } }]);
  });

  it('runs tools, streaming', async () => {
    const seen: unknown[] = [];
    const runner = client.chat.completions.runTools({
      ...{ model, messages: question, stream: true },
      tools: [weatherTool(seen)],
    });
    const indexes: number[] = [];
    runner.on('chunk', (chunk) => {
      for (const call of chunk.choices[0]?.delta.tool_calls ?? []) indexes.push(call.index);
    });
    expectLoop(await runner.finalContent(), seen);
    expect(new Set(indexes)).toEqual(new Set([0]));
  });

  const Person = z.object({ name: z.string(), age: z.number().int(), tags: z.array(z.string()).nullable() });

  it('parses a JSON answer', async () => {
    const completion = await client.chat.completions.parse({
      model,
      messages: [{ role: 'user', content: 'Ada Lovelace is 36 years old.' }],
      response_format: zodResponseFormat(Person, 'person'),
    });
    const [choice] = completion.choices;
    expect(choice?.finish_reason).toBe('stop');
    expect(choice?.message.parsed).toMatchObject({ name: 'Ada Lovelace', age: 36 });
    expect(choice?.message).not.toHaveProperty('tool_calls');
  });

  it('streams a JSON answer', async () => {
    const stream = client.chat.completions.stream({
      model,
      messages: [{ role: 'user', content: 'Ada Lovelace is 36 years old.' }],
      response_format: zodResponseFormat(Person, 'person'),
    });
    const completion = await stream.finalChatCompletion();
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { parsed: { name: 'Ada Lovelace', age: 36 } },
    });
  });

  it('parses the arguments of a call', async () => {
    const completion = await client.chat.completions.parse({
      model,
      messages: question,
      tools: [zodFunction({ name: weatherName, description: 'Current weather.', parameters: City })],
      tool_choice: 'required',
    });
    const [choice] = completion.choices;
    expect(choice?.finish_reason).toBe('tool_calls');
    expect(choice?.message.content).toBeNull();
    expect(choice?.message.tool_calls?.[0]?.function).toMatchObject({
      name: weatherName,
      parsed_arguments: { city: 'Paris', unit: 'celsius' },
    });
  });

  it('streams and answers the same, to the token', async () => {
    const body = { model, messages: question, tools: [weatherTool([])] };
    const plain = await client.chat.completions.create(body);
    const stream = client.chat.completions.stream({ ...body, stream_options: { include_usage: true } });
    const streamed = await stream.finalChatCompletion();
    const shown = ({ message, finish_reason }: (typeof plain.choices)[number]) => ({
      finish_reason,
      content: message.content,
      calls: message.tool_calls?.map((call) => (call.type === 'function' ? call.function.arguments : '')),
    });
    expect(streamed.choices.map(shown)).toEqual(plain.choices.map(shown));
    expect(streamed.usage).toEqual(plain.usage);
    expect(plain.usage?.completion_tokens).toBeGreaterThan(0);
  });
});

/** The same class: the Agents SDK sees it through the package's CommonJS types. */
const agentsClient = () => client as unknown as ConstructorParameters<typeof OpenAIChatCompletionsModel>[0];

describe.each(['nova-pro', 'nova-lite'])('agent frameworks with %s', (model) => {
  it('LangChain calls a tool and answers with its result', async () => {
    const seen: unknown[] = [];
    const weather = langchainTool(
      (args) => {
        seen.push(args);
        return JSON.stringify({ celsius: 21 });
      },
      { name: weatherName, description: 'Get the current weather in a city.', schema: City },
    );
    const chat = new ChatOpenAI({
      ...{ model, apiKey: testKey, maxRetries: 0 },
      configuration: { baseURL: `${server.url}/v1` },
    }).bindTools([weather]);

    for (const streaming of [false, true]) {
      const messages: BaseMessage[] = [new HumanMessage('What is the weather in Paris, in celsius?')];
      for (let turn = 0; turn < 3; turn += 1) {
        let answer: AIMessage | undefined;
        if (streaming) {
          let gathered: Awaited<ReturnType<typeof chat.invoke>> | undefined;
          for await (const chunk of await chat.stream(messages)) {
            gathered = gathered === undefined ? chunk : gathered.concat(chunk);
          }
          answer = new AIMessage({
            content: gathered?.content ?? '',
            tool_calls: gathered?.tool_calls ?? [],
          });
        } else answer = await chat.invoke(messages);
        messages.push(answer);
        if ((answer.tool_calls ?? []).length === 0) break;
        for (const call of answer.tool_calls ?? []) {
          expect(call.name).toBe(weatherName);
          const output = await weather.invoke(call.args as z.infer<typeof City>);
          messages.push(new ToolMessage({ content: output, tool_call_id: call.id ?? '' }));
        }
      }
      expect(messages).toHaveLength(4);
      expect(messages.at(-1)?.text).toContain('21');
      expect(messages.at(-1)?.text).not.toContain('thinking');
    }
    expect(seen).toEqual([
      { city: 'Paris', unit: 'celsius' },
      { city: 'Paris', unit: 'celsius' },
    ]);
  });

  it('LangChain reads structured output', async () => {
    const chat = new ChatOpenAI({
      ...{ model, apiKey: testKey, maxRetries: 0 },
      configuration: { baseURL: `${server.url}/v1` },
    });
    for (const method of ['jsonSchema', 'functionCalling'] as const) {
      const asked = chat.withStructuredOutput(City, { name: 'city', method });
      expect(await asked.invoke('Paris, in celsius')).toEqual({ city: 'Paris', unit: 'celsius' });
    }
  });

  it('the Agents SDK calls a tool and answers with its result, plain and streaming', async () => {
    setTracingDisabled(true);
    const seen: unknown[] = [];
    const agent = new Agent({
      name: 'Weather',
      instructions: 'You are a helpful assistant.',
      model: new OpenAIChatCompletionsModel(agentsClient(), model),
      tools: [
        tool({
          name: 'get_weather',
          description: 'Get the current weather in a city.',
          parameters: City,
          execute: (args) => {
            seen.push(args);
            return 'It is 21 degrees.';
          },
        }),
      ],
    });
    const plain = await run(agent, 'What is the weather in Paris, in celsius?');
    expect(plain.finalOutput).toContain('21');
    const streamed = await run(agent, 'What is the weather in Paris, in celsius?', { stream: true });
    for await (const _ of streamed) {
      // Read to the end.
    }
    await streamed.completed;
    expect(streamed.finalOutput).toContain('21');
    expect(seen).toHaveLength(2);
    expect(simulator.requests.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });
});

// ---- what else is Converse's own ------------------------------------------------------------------

const ask = (content: unknown, more: object = {}) => ({
  ...{ model: 'nova-lite', messages: [{ role: 'user', content }] },
  ...more,
});

describe('image URLs', () => {
  const picture = (path: string) => [
    { type: 'image_url', image_url: { url: `${pictures.url}${path}` } },
    { type: 'text', text: 'What is this?' },
  ];

  it('are fetched, because Converse takes none; the bytes decide the type', async () => {
    const response = await server.post(ask(picture('/cat.jpg')));
    expect(response.status).toBe(200);
    expect(sent().messages[0]?.content[0]).toEqual({
      image: { format: 'png', source: { bytes: pixelBytes.toString('base64') } },
    });
  });

  it('in a tool result are fetched as well', async () => {
    const calls = [{ id: 'a', type: 'function', function: { name: 'look', arguments: '{}' } }];
    const response = await server.post({
      model: 'nova-lite',
      messages: [
        { role: 'user', content: 'Look.' },
        { role: 'assistant', content: null, tool_calls: calls },
        { role: 'tool', tool_call_id: 'a', content: picture('/cat.png') },
      ],
    });
    expect(response.status).toBe(200);
    expect(sent().messages[2]?.content[0]).toMatchObject({
      toolResult: { content: [{ image: { format: 'png' } }, { text: 'What is this?' }] },
    });
  });

  it('that lead nowhere, or to a private address, are a 400 with their path', async () => {
    for (const url of [
      `${pictures.url}/gone.png`,
      'http://127.0.0.1:1/x.png',
      'http://169.254.169.254/x.png',
    ]) {
      const response = await server.post(ask([{ type: 'image_url', image_url: { url } }]));
      expect(response.status).toBe(400);
      const error = expectError(await response.text(), response.headers);
      expect(error.param).toBe('messages[0].content[0].image_url.url');
    }
    expect(simulator.requests).toEqual([]);
  });
});

it('what was cached is part of the prompt, and said apart', async () => {
  const system = {
    type: 'text',
    text: `${'Long rules. '.repeat(800)}`,
    cache_control: { type: 'ephemeral' },
  };
  const body = {
    model: 'nova-lite',
    messages: [
      { role: 'system', content: [system] },
      { role: 'user', content: 'Hello' },
    ],
  };
  const usageOf = async () => {
    const { usage } = (await (await server.post(body)).json()) as { usage: OpenAI.CompletionUsage };
    expect(usage.total_tokens).toBe(usage.prompt_tokens + usage.completion_tokens);
    return usage;
  };
  const first = await usageOf();
  const second = await usageOf();
  expect(first.prompt_tokens_details).toMatchObject({ cached_tokens: 0 });
  const written = (first.prompt_tokens_details as { cache_write_tokens?: number }).cache_write_tokens;
  expect(written).toBeGreaterThan(2000);
  expect(second.prompt_tokens_details).toMatchObject({ cached_tokens: written, cache_write_tokens: 0 });
  expect(second.prompt_tokens).toBe(first.prompt_tokens);
});

it('Nova 2 shows that it reasoned, where that is asked for', async () => {
  const response = await server.post(
    ask('Why?', { model: 'nova-2-lite', extended_thinking: { enabled: true, include_reasoning: true } }),
  );
  const { choices } = (await response.json()) as { choices: { message: Record<string, unknown> }[] };
  expect(choices[0]?.message.reasoning_content).toBe('[REDACTED]');
  expect(choices[0]?.message).not.toHaveProperty('thinking_blocks');
});

// ---- errors ---------------------------------------------------------------------------------------

interface Failing {
  readonly name: string;
  readonly status: number;
  readonly type: string;
  readonly message?: string;
  readonly headers?: Record<string, string>;
  readonly expected: { status: number; type: string; code: string | null };
  readonly retryAfter?: string;
  readonly shouldRetry?: string;
}

const invalid = { status: 400, type: 'invalid_request_error' };
const limited = { status: 429, type: 'rate_limit_error' };
const broken = { status: 502, type: 'server_error' };
/** Says nothing beyond the 404 it becomes. */
const unknownId = 'The provided model identifier is invalid.';

const failures: readonly Failing[] = [
  {
    ...{ name: 'too fast', status: 429, type: 'ThrottlingException' },
    message: 'Too many requests, please wait before trying again.',
    expected: { ...limited, code: 'rate_limit_exceeded' },
    retryAfter: '2',
  },
  {
    ...{
      name: 'too fast, with a wait',
      status: 429,
      type: 'ThrottlingException',
      headers: { 'retry-after': '7' },
    },
    expected: { ...limited, code: 'rate_limit_exceeded' },
    retryAfter: '7',
  },
  {
    ...{ name: 'the day is spent', status: 429, type: 'ThrottlingException' },
    message: 'Too many tokens per day, please wait before trying again.',
    expected: { ...limited, code: 'insufficient_quota' },
    ...{ retryAfter: '60', shouldRetry: 'false' },
  },
  {
    ...{ name: 'a quota, which arrives as a 400', status: 400, type: 'ServiceQuotaExceededException' },
    expected: { ...limited, code: 'insufficient_quota' },
    ...{ retryAfter: '60', shouldRetry: 'false' },
  },
  {
    ...{ name: 'a prompt that is too long', status: 400, type: 'ValidationException' },
    message: 'Input Tokens Exceeded: Number of input tokens exceeds maximum length.',
    expected: { ...invalid, code: 'context_length_exceeded' },
  },
  {
    ...{ name: 'a request against the rules', status: 400, type: 'ValidationException' },
    message: 'Malformed input request: #: something, please reformat your input and try again.',
    expected: { ...invalid, code: null },
  },
  {
    ...{ name: 'an unknown model, which arrives as a 400', status: 400, type: 'ValidationException' },
    message: unknownId,
    expected: { ...invalid, status: 404, code: 'model_not_found' },
    shouldRetry: 'false',
  },
  {
    ...{ name: 'a model that is a profile only', status: 400, type: 'ValidationException' },
    message:
      "Invocation of model ID x with on-demand throughput isn't supported. Retry with an inference profile.",
    expected: { ...invalid, status: 404, code: 'model_not_found' },
    shouldRetry: 'false',
  },
  {
    ...{ name: 'a model that is gone', status: 404, type: 'ResourceNotFoundException' },
    message: 'This model version has reached the end of its life.',
    expected: { ...invalid, status: 404, code: 'model_not_found' },
    shouldRetry: 'false',
  },
  ...['AccessDeniedException', 'UnrecognizedClientException', 'ExpiredTokenException'].map((type) => ({
    ...{ name: `our own credential: ${type}`, status: 403, type },
    expected: { ...broken, code: 'upstream_credential_refused' },
    shouldRetry: 'false',
  })),
  ...[
    'The model produced an invalid sequence as part of ToolUse. Please refer to the troubleshooting guide.',
    'Model produced invalid sequence as part of ToolUse. Please refer to the troubleshooting guide.',
  ].map((message) => ({
    ...{ name: 'tool syntax that failed', status: 424, type: 'ModelErrorException', message },
    expected: { ...broken, code: 'malformed_model_output' },
    shouldRetry: 'false',
  })),
  {
    ...{ name: 'a model that failed otherwise', status: 424, type: 'ModelErrorException' },
    message: 'The model has encountered an unexpected error.',
    expected: { ...broken, code: 'upstream_error' },
  },
  {
    ...{ name: 'a model that took too long', status: 408, type: 'ModelTimeoutException' },
    expected: { ...broken, status: 504, code: 'upstream_timeout' },
  },
  {
    ...{
      name: 'a model not yet loaded, which arrives as a 429',
      status: 429,
      type: 'ModelNotReadyException',
    },
    expected: { ...broken, status: 503, code: 'overloaded' },
    retryAfter: '2',
  },
  {
    ...{ name: 'overload', status: 503, type: 'ServiceUnavailableException' },
    expected: { ...broken, status: 503, code: 'overloaded' },
    retryAfter: '2',
  },
  {
    ...{ name: 'its own trouble', status: 500, type: 'InternalServerException' },
    expected: { ...broken, code: 'upstream_error' },
  },
  {
    ...{ name: 'a name nobody knows yet', status: 418, type: 'TeapotException' },
    expected: { ...broken, code: 'upstream_error' },
  },
];

describe("Bedrock's errors", () => {
  it.each(failures)(
    '$name',
    async ({ status, type, message, headers, expected, retryAfter, shouldRetry }) => {
      for (const stream of [false, true]) {
        const words = message ?? 'What the simulator says.';
        simulator.inject({ kind: 'status', status, type, message: words, ...(headers && { headers }) });
        const response = await server.post(ask('Hello', { stream }));
        const error = expectError(await response.text(), response.headers);
        expect({ status: response.status, type: error.type, code: error.code }).toEqual(expected);
        expect(response.headers.get('x-upstream')).toBe('bedrock-converse');
        expect(response.headers.get('x-upstream-request-id')).toMatch(/^[0-9a-f-]{36}$/);
        expect(response.headers.get('retry-after')).toBe(retryAfter ?? null);
        expect(response.headers.get('x-should-retry')).toBe(shouldRetry ?? null);
        // The client reads what the client can mend, and why there is no such model; the operator's trouble stays here.
        const isTold = [400, 404, 429].includes(expected.status) && message !== unknownId;
        expect(error.message.includes(words)).toBe(isTold);
      }
    },
  );

  it('name the id this server is configured with', async () => {
    const response = await server.post(ask('Hello', { model: 'misconfigured' }));
    expect(response.status).toBe(404);
    const { message } = expectError(await response.text(), response.headers);
    expect(message).toContain('us.amazon.nova-none-v9:9');
  });

  it('say when a real prompt is too long', async () => {
    const response = await server.post(ask('word '.repeat(110_000), { model: 'nova-micro' }));
    expect(response.status).toBe(400);
    expect(expectError(await response.text(), response.headers)).toMatchObject({
      code: 'context_length_exceeded',
      param: 'messages',
    });
  });

  const weather = [zodFunction({ name: weatherName, description: 'Current weather.', parameters: City })];

  it.each([false, true])(
    'failed tool syntax is asked again neither by us nor by the client (stream: %s)',
    async (stream) => {
      simulator.inject({ kind: 'unfinished-tool', times: 5 });
      const patient = await serverOfTest({
        upstream: simulator,
        played: ['bedrock'],
        env: { MAX_RETRIES: '2' },
      });
      const eager = new OpenAI({ apiKey: testKey, baseURL: `${patient.url}/v1`, maxRetries: 3 });
      const asked = eager.chat.completions.create({
        model: 'nova-lite',
        messages: question,
        tools: weather,
        stream,
      });
      const error = await asked.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(APIError);
      expect(error).toMatchObject({ status: 502, code: 'malformed_model_output' });
      expect(simulator.requests).toHaveLength(1);
      // What was not used up must not strike the next test.
      for (let left = 0; left < 4; left += 1) await server.post(ask('Hello'));
    },
  );
});

// ---- failures in mid-stream -----------------------------------------------------------------------

describe('a stream that fails after its beginning', () => {
  const cases: readonly { name: string; fault: Fault; code: string; type: string }[] = [
    ...(
      [
        ['throttlingException', 'rate_limit_exceeded', 'rate_limit_error'],
        ['modelStreamErrorException', 'upstream_error', 'server_error'],
        ['internalServerException', 'upstream_error', 'server_error'],
        ['serviceUnavailableException', 'overloaded', 'server_error'],
      ] as const
    ).map(([type, code, kind]) => ({
      name: `an exception frame: ${type}`,
      fault: { kind: 'error-event', afterEvents: 3, type, message: 'Sorry.' } as const,
      ...{ code, type: kind },
    })),
    {
      name: 'an exception frame that names failed tool syntax',
      fault: {
        ...{ kind: 'error-event', afterEvents: 3, type: 'modelStreamErrorException' },
        message: 'Model produced invalid sequence as part of ToolUse.',
      },
      ...{ code: 'malformed_model_output', type: 'server_error' },
    },
    {
      name: 'an exception frame about the request itself',
      fault: {
        ...{ kind: 'error-event', afterEvents: 3, type: 'validationException' },
        message: 'Input Tokens Exceeded: Number of input tokens exceeds maximum length.',
      },
      ...{ code: 'context_length_exceeded', type: 'invalid_request_error' },
    },
    ...(['bad-crc', 'garbage', 'end-early'] as const).map((kind) => ({
      name: kind,
      fault: { kind, afterEvents: 3 } as const,
      ...{ code: 'upstream_error', type: 'server_error' },
    })),
  ];

  it.each(cases)('$name', async ({ fault, code, type }) => {
    simulator.inject(fault);
    const response = await server.post(ask('Tell me about streams.', { stream: true }));
    expect(response.status).toBe(200);
    const { text, isCut } = await readUntilCut(response);
    expect(isCut).toBe(true);
    const frames = text.split('\n\n').filter((frame) => frame !== '');
    const parsed = frames.map((frame) => JSON.parse(frame.replace(/^data: /, '')) as Record<string, unknown>);
    expect(parsed.at(-1)).toMatchObject({
      error: { code, type, param: code.startsWith('context') ? 'messages' : null },
    });
    expect(parsed.slice(0, -1).every((chunk) => 'choices' in chunk)).toBe(true);
    expect(parsed.length).toBeGreaterThan(2);
    expect(JSON.stringify(parsed)).not.toMatch(/"finish_reason":"/);
  });

  it('an exception as the very first frame is still a status', async () => {
    simulator.inject({
      kind: 'error-event',
      afterEvents: 0,
      type: 'throttlingException',
      message: 'Slow down.',
    });
    const response = await server.post(ask('Hello', { stream: true }));
    expect(response.status).toBe(429);
    expect(expectError(await response.text(), response.headers)).toMatchObject({
      code: 'rate_limit_exceeded',
      message: 'Slow down.',
    });
  });

  it('is an error to the official client, never a short answer', async () => {
    simulator.inject({ kind: 'bad-crc', afterEvents: 3 });
    const stream = client.chat.completions.stream({ model: 'nova-pro', messages: question });
    await expect(stream.finalChatCompletion()).rejects.toBeInstanceOf(APIError);
  });
});
