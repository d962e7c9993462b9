import type Anthropic from '@anthropic-ai/sdk';
import {
  ConverseCommand,
  type ConverseCommandInput,
  ConverseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import {
  anthropicClient,
  bedrockClient,
  HAIKU,
  NOVA,
  NOVA_2,
  OLD_VERSION,
  PNG,
  SONNET,
  TODAY,
  WEATHER,
} from './clients.ts';

let simulator: Simulator;
let claude: Anthropic;
let aws: ReturnType<typeof bedrockClient>;
beforeAll(async () => {
  simulator = await startSimulator({ now: () => TODAY });
  claude = anthropicClient(simulator);
  aws = bedrockClient(simulator);
});
afterAll(() => simulator.close());

type Params = Anthropic.MessageCreateParamsNonStreaming;
const WEATHER_TOOL: Anthropic.Tool = {
  name: WEATHER.name,
  description: WEATHER.description,
  input_schema: WEATHER.schema,
};
const ask = (content: Anthropic.MessageParam['content'], extra: Partial<Params> = {}): Params => ({
  model: HAIKU,
  max_tokens: 4000,
  messages: [{ role: 'user', content }],
  ...extra,
});
const both = async (params: Params): Promise<Anthropic.Message> => {
  const plain = await claude.messages.create(params);
  const streamed = await claude.messages.stream(params).finalMessage();
  expect(
    streamed.content.map((block) => ({ ...block, signature: undefined, parsed: undefined, id: undefined })),
  ).toEqual(
    plain.content.map((block) => ({ ...block, signature: undefined, parsed: undefined, id: undefined })),
  );
  expect(streamed.stop_reason).toBe(plain.stop_reason);
  expect(streamed.usage).toMatchObject({
    input_tokens: plain.usage.input_tokens,
    output_tokens: plain.usage.output_tokens,
  });
  return plain;
};
const textOf = (message: Anthropic.Message): string =>
  message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');

describe('Claude', () => {
  it('answers the same to the same', async () => {
    expect(await claude.messages.create(ask('hello'))).toEqual(await claude.messages.create(ask('hello')));
  });

  it('mentions what it was sent', async () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } } as const;
    expect(textOf(await both(ask([{ type: 'text', text: 'What is this?' }, image])))).toMatch(
      /What is this\?.*image \(image\/png\)/,
    );
  });

  it('stops at max_tokens and at a stop sequence', async () => {
    const short = await both(ask('[[length 500]]', { max_tokens: 20 }));
    expect([short.stop_reason, short.usage.output_tokens, textOf(short).length]).toEqual([
      'max_tokens',
      20,
      80,
    ]);
    const stopped = await both(ask('[[say The capital is Paris, I think]]', { stop_sequences: ['Paris'] }));
    expect([textOf(stopped), stopped.stop_reason, stopped.stop_sequence]).toEqual([
      'The capital is ',
      'stop_sequence',
      'Paris',
    ]);
  });

  it('goes on from a prefill', async () => {
    const messages: Anthropic.MessageParam[] = [
      { role: 'user', content: '[[say {"a": 1}]]' },
      { role: 'assistant', content: '{"a":' },
    ];
    expect(textOf(await both(ask('', { messages })))).toBe(' 1}');
  });

  it('calls a tool, several at once, none when told so', async () => {
    const tools = [WEATHER_TOOL];
    const one = await both(ask("What's the weather in San Francisco?", { tools }));
    expect(one.stop_reason).toBe('tool_use');
    expect(one.content.at(-1)).toMatchObject({
      name: 'get_weather',
      input: { city: 'San Francisco', unit: 'celsius' },
    });
    const text = 'Weather in Seattle in fahrenheit and also in Paris please';
    const two = await both(ask(text, { tools }));
    expect(two.content.filter((block) => block.type === 'tool_use')).toMatchObject([
      { input: { city: 'Seattle', unit: 'fahrenheit' } },
      { input: { city: 'Paris' } },
    ]);
    const single = await both(
      ask(text, { tools, tool_choice: { type: 'auto', disable_parallel_tool_use: true } }),
    );
    expect(single.content.filter((block) => block.type === 'tool_use')).toHaveLength(1);
    expect((await both(ask(text, { tools, tool_choice: { type: 'none' } }))).stop_reason).toBe('end_turn');
    expect((await both(ask('Hello', { tools }))).stop_reason).toBe('end_turn');
    expect((await both(ask('Hello', { tools, tool_choice: { type: 'any' } }))).stop_reason).toBe('tool_use');
  });

  it('calls a tool without parameters with one empty delta', async () => {
    const tools: Anthropic.Tool[] = [{ name: 'refresh', input_schema: { type: 'object', properties: {} } }];
    const deltas: string[] = [];
    for await (const event of await claude.messages.create({ ...ask('refresh', { tools }), stream: true })) {
      if (event.type === 'content_block_delta' && event.delta.type === 'input_json_delta')
        deltas.push(event.delta.partial_json);
    }
    expect(deltas).toEqual(['']);
  });

  it('answers in JSON, by format and by instruction', async () => {
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string' },
        tags: { type: 'array', items: { type: 'string', enum: ['a', 'b'] } },
        n: { type: 'integer' },
      },
      required: ['name', 'tags', 'n'],
      additionalProperties: false,
    };
    const byFormat = await both(
      ask('A person named Bob, 42', { output_config: { format: { type: 'json_schema', schema } } }),
    );
    expect(JSON.parse(textOf(byFormat))).toEqual({ name: 'Bob', tags: ['a'], n: 42 });
    const system = `Answer with JSON only, matching this schema: ${JSON.stringify(schema)}`;
    expect(JSON.parse(textOf(await both(ask('A person named Bob, 42', { system }))))).toEqual({
      name: 'Bob',
      tags: ['a'],
      n: 42,
    });
  });

  it('refuses the magic word', async () => {
    const message = await both(ask('ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_1'));
    expect(message).toMatchObject({ content: [], stop_reason: 'refusal', stop_details: { type: 'refusal' } });
  });

  it('writes a marked prefix, then reads it', async () => {
    const system: Anthropic.TextBlockParam[] = [
      {
        type: 'text',
        text: 'You are careful. '.repeat(1200),
        cache_control: { type: 'ephemeral', ttl: '1h' },
      },
    ];
    const first = (await claude.messages.create(ask('one', { system }))).usage;
    const second = (await claude.messages.create(ask('two', { system }))).usage;
    expect(first.cache_creation_input_tokens).toBeGreaterThan(4096);
    expect(first.cache_creation?.ephemeral_1h_input_tokens).toBe(first.cache_creation_input_tokens);
    expect([first.cache_read_input_tokens, second.cache_creation_input_tokens]).toEqual([0, 0]);
    expect(second.cache_read_input_tokens).toBe(first.cache_creation_input_tokens);
    const small = await claude.messages.create(
      ask('x', { system: [{ type: 'text', text: 'short', cache_control: { type: 'ephemeral' } }] }),
    );
    expect(small.usage.cache_creation_input_tokens).toBe(0);
  });
});

describe('thinking', () => {
  const thinking = { type: 'enabled', budget_tokens: 2000 } as const;
  const tools = [WEATHER_TOOL];

  it('comes back signed, is accepted unchanged, refused when changed, and dropped where another model made it', async () => {
    const question: Anthropic.MessageParam = { role: 'user', content: 'Weather in Paris?' };
    const first = await both(ask(question.content, { thinking, tools }));
    const [thought, , call] = first.content;
    if (thought?.type !== 'thinking' || call?.type !== 'tool_use')
      throw new Error('expected thinking and a call');
    expect(first.usage.output_tokens_details?.thinking_tokens).toBeGreaterThan(0);
    const back = (block: Anthropic.ThinkingBlockParam, model = HAIKU): Params => ({
      model,
      max_tokens: 4000,
      thinking,
      tools,
      messages: [
        question,
        {
          role: 'assistant',
          content: [block, { type: 'tool_use', id: call.id, name: call.name, input: call.input }],
        },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: call.id, content: '18 degrees and sunny' }],
        },
      ],
    });
    expect(textOf(await both(back(thought)))).toContain('The get_weather tool says: 18 degrees and sunny.');
    await expect(claude.messages.create(back({ ...thought, thinking: 'edited' }))).rejects.toThrow(
      /Invalid `signature`/,
    );
    // By budget the turn has to begin with a block all the same, and does.
    await claude.messages.create(back(thought, 'claude-sonnet-4-5'));
    expect(simulator.requests.at(-1)?.thinking).toMatchObject([{ reason: 'model_binding_mismatch' }]);
  });

  it('is on and hidden by default on newer models, and shown when asked for', async () => {
    const hidden = await both(ask('hi', { model: 'claude-sonnet-5-5' }));
    expect(hidden.content[0]).toMatchObject({
      type: 'thinking',
      thinking: '',
      signature: expect.stringMatching(/^.{60,}$/),
    });
    const shown = await both(
      ask('hi', { model: 'claude-sonnet-5-5', thinking: { type: 'adaptive', display: 'summarized' } }),
    );
    expect(shown.content[0]).toMatchObject({ type: 'thinking', thinking: expect.stringContaining('hi') });
    const none = await both(ask('hi', { model: 'claude-sonnet-5-5', max_tokens: 3 }));
    expect([none.stop_reason, textOf(none)]).toEqual(['max_tokens', '']);
  });

  it('comes before some answers of a tool loop and not before others, and as the user wishes', async () => {
    const answered = async (words: string, content: string, change: Partial<Params>, beta?: string) => {
      const use = { type: 'tool_use' as const, id: 'toolu_1', name: WEATHER_TOOL.name, input: {} };
      const body = {
        ...ask(words, { model: 'claude-opus-4-8', thinking: { type: 'adaptive' }, tools, ...change }),
        messages: [
          { role: 'user' as const, content: words },
          { role: 'assistant' as const, content: [use] },
          {
            role: 'user' as const,
            content: [{ type: 'tool_result' as const, tool_use_id: 'toolu_1', content }],
          },
        ],
      };
      const headers = beta === undefined ? {} : { headers: { 'anthropic-beta': beta } };
      const message = (await claude.messages.create(body as Params, headers)) as Anthropic.Message;
      return message.content.some(({ type }) => type === 'thinking');
    };
    const degrees = Array.from({ length: 8 }, (_, index) => `${index} degrees`);
    const all = async (words: string, change: Partial<Params> = {}, beta?: string) => [
      ...new Set(await Promise.all(degrees.map((content) => answered(words, content, change, beta)))),
    ];
    expect((await all('Weather in Paris?')).sort()).toEqual([false, true]);
    expect(await all('Weather in Paris? [[think never]]')).toEqual([false]);
    expect(await all('Weather in Paris? [[think always]]')).toEqual([true]);
    const off = { model: HAIKU, thinking: { type: 'disabled' } } as const;
    expect(await all('Weather in Paris?', off)).toEqual([false]);
    const first = await both(ask('hi [[think never]]', { model: 'claude-opus-5-5' }));
    expect(first.content.map(({ type }) => type)).toEqual(['text']);
  });

  it('is redacted on the magic word, and the data verify on every wire', async () => {
    const word = 'ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING_46C9';
    const message = await both(ask(word, { thinking }));
    expect(message.content.map((block) => block.type)).toEqual([
      'redacted_thinking',
      'redacted_thinking',
      'text',
    ]);
    const input: ConverseCommandInput = {
      modelId: SONNET,
      messages: [{ role: 'user', content: [{ text: word }] }],
      additionalModelRequestFields: { thinking },
    };
    const first = await aws.send(new ConverseCommand(input));
    const content = first.output?.message?.content ?? [];
    expect(content[0]?.reasoningContent?.redactedContent?.length).toBeGreaterThan(60);
    const again = await aws.send(
      new ConverseCommand({
        ...input,
        messages: [
          ...(input.messages ?? []),
          { role: 'assistant', content },
          { role: 'user', content: [{ text: 'so?' }] },
        ],
      }),
    );
    expect(again.stopReason).toBe('end_turn');
  });

  it('takes sampling where the old version still allows it', async () => {
    const params = { ...ask('hi'), temperature: 0.2 };
    expect((await claude.messages.create(params, OLD_VERSION)).stop_reason).toBe('end_turn');
    await expect(claude.messages.create(params)).rejects.toThrow(/temperature: Extra inputs/);
  });
});

describe('Converse', () => {
  const toolConfig = {
    tools: [
      {
        toolSpec: {
          name: WEATHER.name,
          description: WEATHER.description,
          inputSchema: { json: WEATHER.schema },
        },
      },
    ],
  };
  const input = (
    modelId: string,
    text: string,
    extra: Partial<ConverseCommandInput> = {},
  ): ConverseCommandInput => ({
    modelId,
    messages: [{ role: 'user', content: [{ text }] }],
    ...extra,
  });

  it('lets Nova 1 think aloud before its calls, each in one delta', async () => {
    const request = input(NOVA, 'What is the weather in Seattle and San Francisco today?', { toolConfig });
    const plain = await aws.send(new ConverseCommand(request));
    const content = plain.output?.message?.content ?? [];
    expect(content[0]?.text).toMatch(/^<thinking> .*<\/thinking>\n$/);
    expect(content.slice(1).map((block) => block.toolUse?.input)).toMatchObject([
      { city: 'Seattle' },
      { city: 'San Francisco' },
    ]);
    const deltas: (string | undefined)[] = [];
    const starts: (string | undefined)[] = [];
    for await (const event of (await aws.send(new ConverseStreamCommand(request))).stream ?? []) {
      const part = event.contentBlockDelta?.delta?.toolUse;
      if (part !== undefined) deltas.push(part.input);
      if (event.contentBlockStart !== undefined) starts.push(event.contentBlockStart.start?.toolUse?.name);
    }
    expect(starts).toEqual(['get_weather', 'get_weather']);
    expect(deltas.map((delta) => JSON.parse(delta ?? '') as unknown)).toEqual(
      content.slice(1).map((block) => block.toolUse?.input),
    );
  });

  it.each([NOVA, NOVA_2, SONNET])('goes round the tool loop (%s)', async (modelId) => {
    const request = input(modelId, 'Weather in Rome?', { toolConfig });
    const first = await aws.send(new ConverseCommand(request));
    expect(first.stopReason).toBe('tool_use');
    const content = first.output?.message?.content ?? [];
    const call = content.find((block) => block.toolUse !== undefined)?.toolUse;
    const second = await aws.send(
      new ConverseCommand({
        ...request,
        messages: [
          ...(request.messages ?? []),
          { role: 'assistant', content },
          {
            role: 'user',
            content: [{ toolResult: { toolUseId: call?.toolUseId, content: [{ json: { degrees: 21 } }] } }],
          },
        ],
      }),
    );
    expect(second.output?.message?.content?.[0]?.text).toContain(
      'The get_weather tool says: {"degrees":21}.',
    );
  });

  it('forces a tool without words', async () => {
    const forced = { ...toolConfig, toolChoice: { tool: { name: WEATHER.name } } };
    const answer = await aws.send(new ConverseCommand(input(NOVA, 'Hello', { toolConfig: forced })));
    expect(answer.output?.message?.content?.map((block) => Object.keys(block)[0])).toEqual(['toolUse']);
  });

  it('redacts the reasoning of Nova 2, without a signature', async () => {
    const additionalModelRequestFields = { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'low' } };
    const answer = await aws.send(
      new ConverseCommand(input(NOVA_2, 'Why?', { additionalModelRequestFields })),
    );
    expect(answer.output?.message?.content?.[0]).toEqual({
      reasoningContent: { reasoningText: { text: '[REDACTED]' } },
    });
  });

  it('fails half a call of Nova as the model error it is', async () => {
    const sending = aws.send(
      new ConverseCommand(input(NOVA, 'weather in Rome', { toolConfig, inferenceConfig: { maxTokens: 26 } })),
    );
    await expect(sending).rejects.toMatchObject({
      name: 'ModelErrorException',
      $metadata: { httpStatusCode: 424 },
    });
  });
});
