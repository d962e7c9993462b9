import type Anthropic from '@anthropic-ai/sdk';
import type { APIError } from '@anthropic-ai/sdk';
import { ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Fault, type Simulator, startSimulator } from '../../simulator/index.ts';
import { today } from '../support/today.ts';
import { anthropicClient, bedrockClient, HAIKU, NOVA, WEATHER } from './clients.ts';

let simulator: Simulator;
let claude: Anthropic;
let aws: ReturnType<typeof bedrockClient>;
beforeEach(async () => {
  simulator = await startSimulator({ now: () => today });
  claude = anthropicClient(simulator);
  aws = bedrockClient(simulator);
});
afterEach(async () => {
  aws.destroy();
  await simulator.close();
});

const params = (content = '[[length 50]]') => ({
  model: HAIKU,
  max_tokens: 400,
  messages: [{ role: 'user' as const, content }],
});
const plain = (content?: string) => claude.messages.create(params(content));
const streamed = async (content?: string): Promise<string[]> => {
  const seen: string[] = [];
  for await (const event of await claude.messages.create({ ...params(content), stream: true }))
    seen.push(event.type);
  return seen;
};
const converse = async (): Promise<string[]> => {
  const seen: string[] = [];
  const answer = await aws.send(
    new ConverseStreamCommand({
      modelId: NOVA,
      messages: [{ role: 'user', content: [{ text: '[[length 50]]' }] }],
    }),
  );
  for await (const event of answer.stream ?? []) seen.push(Object.keys(event)[0] ?? '');
  return seen;
};

describe('an injected fault', () => {
  it('answers with a status and its headers, once', async () => {
    simulator.inject({ kind: 'status', status: 529, headers: { 'retry-after': '3' } });
    const failed = await plain().catch((error: unknown) => error as APIError);
    expect(failed).toMatchObject({ status: 529, type: 'overloaded_error' });
    expect((failed as APIError).headers?.get('retry-after')).toBe('3');
    expect((await plain()).stop_reason).toBe('end_turn');
    expect(simulator.requests.map((request) => request.status)).toEqual([529, 200]);
  });

  it('strikes only the upstream and the model it names, as often as told', async () => {
    simulator.inject({ kind: 'status', status: 500, upstream: 'bedrock', times: 2 });
    simulator.inject({ kind: 'status', status: 503, model: 'opus' });
    expect((await plain()).stop_reason).toBe('end_turn');
    for (const _ of [1, 2])
      await expect(converse()).rejects.toMatchObject({ name: 'InternalServerException' });
    expect((await converse()).at(-1)).toBe('metadata');
  });

  it('refuses the connection', async () => {
    simulator.inject({ kind: 'refuse', times: 2 });
    await expect(plain()).rejects.toThrow(/Connection error/);
    await expect(converse()).rejects.toThrow();
    expect((await converse()).at(-1)).toBe('metadata');
  });

  it('answers in HTML', async () => {
    simulator.inject({ kind: 'html', status: 502 });
    await expect(plain()).rejects.toMatchObject({ status: 502, type: null });
  });

  it.each<[string, Fault]>([
    ['reset', { kind: 'reset', afterEvents: 2 }],
    ['end-early', { kind: 'end-early', afterEvents: 2 }],
    ['garbage', { kind: 'garbage', afterEvents: 2 }],
  ])('%s spoils a plain answer', async (_name, fault) => {
    simulator.inject(fault);
    await expect(plain()).rejects.toThrow();
  });

  it('resets a stream, ends it early, and puts an error or garbage into it', async () => {
    simulator.inject({ kind: 'reset', afterEvents: 3 });
    await expect(streamed()).rejects.toThrow(/terminated/);
    simulator.inject({ kind: 'end-early', afterEvents: 4 });
    expect(await streamed()).toEqual(['message_start', 'content_block_start', 'content_block_delta']);
    simulator.inject({
      kind: 'error-event',
      afterEvents: 3,
      type: 'overloaded_error',
      message: 'Overloaded',
    });
    await expect(streamed()).rejects.toMatchObject({ type: 'overloaded_error' });
    simulator.inject({ kind: 'garbage', afterEvents: 3 });
    await expect(streamed()).rejects.toThrow(/JSON/);
  });

  it('does so on the event stream as well, checksums included', async () => {
    simulator.inject({ kind: 'reset', afterEvents: 2 });
    await expect(converse()).rejects.toThrow();
    simulator.inject({ kind: 'end-early', afterEvents: 2 });
    expect(await converse()).toEqual(['messageStart', 'contentBlockDelta']);
    simulator.inject({ kind: 'error-event', afterEvents: 2, type: 'throttlingException', message: 'slow' });
    await expect(converse()).rejects.toMatchObject({ name: 'ThrottlingException', message: 'slow' });
    simulator.inject({ kind: 'bad-crc', afterEvents: 2 });
    await expect(converse()).rejects.toThrow(/checksum/);
    simulator.inject({ kind: 'garbage', afterEvents: 2 });
    await expect(converse()).rejects.toThrow();
  });

  it('cuts a tool call off', async () => {
    simulator.inject({ kind: 'unfinished-tool' });
    const tools = [{ name: WEATHER.name, input_schema: WEATHER.schema }];
    const pieces: string[] = [];
    for await (const event of await claude.messages.create({
      ...params('weather in Rome'),
      tools,
      stream: true,
    })) {
      if (event.type === 'content_block_delta' && event.delta.type === 'input_json_delta')
        pieces.push(event.delta.partial_json);
      if (event.type === 'message_delta') expect(event.delta.stop_reason).toBe('max_tokens');
    }
    expect(pieces.join('')).toBe('{"city":"Rome","');
  });

  it('delays, and stalls for a while', async () => {
    simulator.inject({ kind: 'delay', ms: 30 });
    simulator.inject({ kind: 'stall', afterEvents: 2, ms: 30 });
    const before = Date.now();
    expect((await streamed()).at(-1)).toBe('message_stop');
    expect(Date.now() - before).toBeGreaterThanOrEqual(55);
  });
});

describe('a client that leaves', () => {
  it.each<[string, Fault]>([
    ['before the answer', { kind: 'hang' }],
    ['in a silent stream', { kind: 'stall', afterEvents: 2 }],
    ['in a delay', { kind: 'delay', ms: 5000 }],
  ])('is noticed %s', async (_name, fault) => {
    simulator.inject(fault);
    const stop = new AbortController();
    const asking = claude.messages
      .create({ ...params(), stream: true }, { signal: stop.signal })
      .then(async (stream) => {
        for await (const _ of stream) stop.abort();
      })
      .catch(() => undefined);
    await vi.waitFor(() => expect(simulator.requests).toHaveLength(1));
    if (fault.kind !== 'stall') stop.abort();
    await asking;
    await vi.waitFor(() => expect(simulator.requests[0]?.aborted).toBe(true), { timeout: 500, interval: 5 });
  });

  it('is noticed over HTTP/2', async () => {
    simulator.inject({ kind: 'hang' });
    const stop = new AbortController();
    const asking = aws
      .send(
        new ConverseStreamCommand({ modelId: NOVA, messages: [{ role: 'user', content: [{ text: 'x' }] }] }),
        {
          abortSignal: stop.signal,
        },
      )
      .catch(() => undefined);
    await vi.waitFor(() => expect(simulator.requests).toHaveLength(1));
    stop.abort();
    await asking;
    await vi.waitFor(() => expect(simulator.requests[0]?.aborted).toBe(true), { timeout: 500, interval: 5 });
  });

  it('does not keep close() waiting', async () => {
    simulator.inject({ kind: 'hang' });
    const asking = plain().catch(() => 'failed');
    await vi.waitFor(() => expect(simulator.requests).toHaveLength(1));
    await simulator.close();
    expect(await asking).toBe('failed');
  });
});

it('takes neither a whole answer nor its own reset for a client that left', async () => {
  await converse();
  await streamed();
  simulator.inject({ kind: 'reset', afterEvents: 2, times: 2 });
  await expect(converse()).rejects.toThrow();
  await expect(streamed()).rejects.toThrow();
  expect(simulator.requests.map((request) => request.aborted)).toEqual([false, false, false, false]);
});

describe('a directive in the text', () => {
  it('breaks the answer, every time or as often as it says', async () => {
    await expect(plain('[[fault status=529 retry-after=2]] hi')).rejects.toMatchObject({ status: 529 });
    await expect(plain('[[fault status=529 retry-after=2]] hi')).rejects.toMatchObject({ status: 529 });
    await expect(plain('[[fault status=503 times=1]] hi')).rejects.toMatchObject({ status: 503 });
    expect((await plain('[[fault status=503 times=1]] hi')).stop_reason).toBe('end_turn');
    expect((await plain('[[fault status=500 upstream=bedrock]] hi')).stop_reason).toBe('end_turn');
    expect(await streamed('[[fault end-early after=2]] hi')).not.toContain('message_stop');
  });

  it('waits, and is not part of what was said', async () => {
    const before = Date.now();
    const answer = await plain('Hello there [[delay 40]]');
    expect(Date.now() - before).toBeGreaterThanOrEqual(38);
    expect(JSON.stringify(answer.content)).toContain('“Hello there”');
  });
});

it('keeps the most recent 200 requests', async () => {
  for (let batch = 0; batch < 7; batch += 1) await Promise.all(Array.from({ length: 30 }, () => plain('x')));
  expect(simulator.requests).toHaveLength(200);
});
