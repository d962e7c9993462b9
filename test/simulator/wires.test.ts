import type Anthropic from '@anthropic-ai/sdk';
import {
  type BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  type ConverseStreamOutput,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import { anthropicClient, bedrockClient, HAIKU, NOVA, SONNET, TODAY } from './clients.ts';

let simulator: Simulator;
let claude: Anthropic;
let http2: BedrockRuntimeClient;
let http1: BedrockRuntimeClient;

beforeAll(async () => {
  simulator = await startSimulator({ now: () => TODAY, awsSecretAccessKey: 'secret' });
  claude = anthropicClient(simulator);
  http2 = bedrockClient(simulator);
  http1 = bedrockClient(simulator, 1);
});
afterAll(() => simulator.close());

const SAID = 'Grüße aus Köln 👋🏽 日本語';

describe('the official Anthropic client', () => {
  const request = { model: HAIKU, max_tokens: 200, messages: [{ role: 'user' as const, content: SAID }] };

  it('accumulates a stream to the plain answer', async () => {
    const plain = await claude.messages.create(request);
    const streamed = await claude.messages.stream(request).finalMessage();
    expect(plain.content).toEqual([{ type: 'text', text: expect.stringContaining(SAID) }]);
    expect(streamed.content).toEqual(plain.content);
    expect(streamed.usage.output_tokens).toBe(plain.usage.output_tokens);
    expect(plain.model).toBe('claude-haiku-4-5-20251001');
  });

  it('sees the events in their order, with one ping after the first block start', async () => {
    const response = await fetch(`${simulator.anthropicUrl}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': 'k', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ ...request, stream: true }),
    });
    const text = await response.text();
    const names = Array.from(text.matchAll(/^event: (.*)$/gm), ([, name]) => name);
    expect(names.slice(0, 3)).toEqual(['message_start', 'content_block_start', 'ping']);
    expect(names.slice(-3)).toEqual(['content_block_stop', 'message_delta', 'message_stop']);
    expect(response.headers.get('anthropic-ratelimit-requests-limit')).toBe('4000');
    expect(response.headers.get('request-id')).toMatch(/^req_01/);
  });
});

const textOf = (events: ConverseStreamOutput[]): string =>
  events.map((event) => event.contentBlockDelta?.delta?.text ?? '').join('');

describe('the official AWS client', () => {
  it.each([
    ['h2c', NOVA, () => http2],
    ['h2c', SONNET, () => http2],
    ['HTTP/1.1', NOVA, () => http1],
    ['HTTP/1.1', SONNET, () => http1],
  ] as const)('verifies its signature and decodes Converse over %s (%s)', async (_name, modelId, client) => {
    const input = { modelId, messages: [{ role: 'user' as const, content: [{ text: SAID }] }] };
    const plain = await client().send(new ConverseCommand(input));
    const events: ConverseStreamOutput[] = [];
    for await (const event of (await client().send(new ConverseStreamCommand(input))).stream ?? [])
      events.push(event);
    expect(plain.output?.message?.content?.[0]?.text).toContain(SAID);
    expect(textOf(events)).toBe(plain.output?.message?.content?.[0]?.text);
    expect(events[0]?.messageStart?.role).toBe('assistant');
    expect(events.at(-2)?.messageStop?.stopReason).toBe('end_turn');
    expect(events.at(-1)?.metadata?.usage).toEqual(plain.usage);
    const { inputTokens = 0, outputTokens = 0, totalTokens } = plain.usage ?? {};
    expect(totalTokens).toBe(inputTokens + outputTokens);
    expect(plain.$metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('decodes Invoke in both modes', async () => {
    const body = JSON.stringify({
      anthropic_version: 'bedrock-2023-05-31',
      max_tokens: 100,
      messages: [{ role: 'user', content: SAID }],
    });
    const plain = await http2.send(new InvokeModelCommand({ modelId: SONNET, body }));
    const message = JSON.parse(new TextDecoder().decode(plain.body)) as Anthropic.Message;
    const stream = await http2.send(new InvokeModelWithResponseStreamCommand({ modelId: SONNET, body }));
    const events: Record<string, unknown>[] = [];
    for await (const event of stream.body ?? []) {
      events.push(JSON.parse(new TextDecoder().decode(event.chunk?.bytes)) as Record<string, unknown>);
    }
    const text = events.map((event) => (event.delta as { text?: string } | undefined)?.text ?? '').join('');
    expect(message.id).toMatch(/^msg_bdrk_01/);
    expect(text).toBe((message.content[0] as Anthropic.TextBlock).text);
    expect(events.at(-1)).toMatchObject({
      type: 'message_stop',
      'amazon-bedrock-invocationMetrics': { outputTokenCount: message.usage.output_tokens },
    });
  });

  it('is refused with a wrong secret, over both protocols', async () => {
    for (const http of [1, 2] as const) {
      const stranger = bedrockClient(simulator, http);
      stranger.config.credentials = async () => ({ accessKeyId: 'AKIATEST', secretAccessKey: 'other' });
      const sending = stranger.send(
        new ConverseCommand({ modelId: NOVA, messages: [{ role: 'user', content: [{ text: 'x' }] }] }),
      );
      await expect(sending).rejects.toMatchObject({
        name: 'InvalidSignatureException',
        $metadata: { httpStatusCode: 403 },
      });
      stranger.destroy();
    }
  });
});

it('remembers what it was asked, newest last', async () => {
  await claude.messages.create({
    model: HAIKU,
    max_tokens: 5,
    messages: [{ role: 'user', content: 'remember me' }],
  });
  expect(simulator.requests.at(-1)).toMatchObject({
    upstream: 'anthropic',
    path: '/v1/messages',
    status: 200,
    aborted: false,
    body: { messages: [{ role: 'user', content: 'remember me' }] },
  });
});
