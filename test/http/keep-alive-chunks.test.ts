/**
 * Streams whose model is silent for minutes: after each minute without a chunk an empty one goes out, because some
 * clients (LangChain's async streams) count chunks and not comments. Behaviour 7.6. The minutes are made by fake timers.
 */

import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import { listen } from '../support/listen.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { today } from '../support/today.ts';

/** Between server and upstream: what the upstream says passes while the gate is open. */
class Gate {
  readonly #upstreams = new Set<Socket>();
  readonly #server: Server;
  #isOpen = true;

  constructor(target: string) {
    this.#server = createServer((client) => {
      const upstream = connect(Number(new URL(target).port), '127.0.0.1');
      this.#upstreams.add(upstream);
      if (!this.#isOpen) upstream.pause();
      upstream.on('data', (bytes) => client.write(bytes));
      client.on('data', (bytes) => upstream.write(bytes));
      for (const socket of [client, upstream]) {
        socket.on('error', () => undefined);
        socket.on('close', () => {
          client.destroy();
          upstream.destroy();
        });
      }
    });
  }

  async listen(): Promise<string> {
    return (await listen(this.#server)).url;
  }

  shut(): void {
    this.#isOpen = false;
    for (const upstream of this.#upstreams) upstream.pause();
  }

  open(): void {
    this.#isOpen = true;
    for (const upstream of this.#upstreams) upstream.resume();
  }

  close(): Promise<unknown> {
    for (const upstream of this.#upstreams) upstream.destroy();
    return new Promise((resolve) => this.#server.close(resolve));
  }
}

const models = { 'claude-4-5-haiku': 'anthropicUrl', 'nova-lite': 'bedrockUrl' } as const;
type Model = keyof typeof models;

let simulator: Simulator;
let gate: Gate;
let server: TestServer;
const start = async (model: Model): Promise<void> => {
  // Paced, so that the gate can be shut in the middle of an answer.
  simulator = await startSimulator({ now: () => today, delayMs: 30 });
  gate = new Gate(simulator[models[model]]);
  const env = { FIRST_BYTE_TIMEOUT_MS: '600000' };
  server = await startServer({ [models[model]]: await gate.listen(), env });
};
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await server.close();
  await gate.close();
  await simulator.close();
});

interface Chunk {
  readonly id: string;
  readonly choices: readonly {
    readonly delta: Readonly<Record<string, unknown>>;
    readonly finish_reason: string | null;
  }[];
  readonly usage?: unknown;
}

/** In real time. */
const until = async (isTrue: () => boolean): Promise<void> => {
  for (let wait = 0; wait < 1000 && !isTrue(); wait++) await pause(2);
  expect(isTrue()).toBe(true);
};
const pass = async (seconds: number): Promise<void> => {
  for (let second = 0; second < seconds; second++) {
    vi.advanceTimersByTime(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await pause(20);
};

/** What has come so far: the chunks, and how many comments. */
const follow = (response: Response) => {
  const seen = { text: '', isOver: false };
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  const read = async (): Promise<void> => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      seen.text += decoder.decode(value, { stream: true });
    }
    seen.isOver = true;
  };
  const ended = read();
  const frames = () => seen.text.split('\n\n').filter((frame) => frame !== '');
  return {
    ended,
    isOver: () => seen.isOver,
    frames,
    chunks: () =>
      frames()
        .filter((frame) => frame.startsWith('data: {'))
        .map((frame) => JSON.parse(frame.slice('data: '.length)) as Chunk),
    comments: () => frames().filter((frame) => frame === ': keep-alive').length,
  };
};

const roleDelta = { role: 'assistant', content: '', refusal: null };
const body = (model: string, more: object = {}) => ({
  model,
  stream: true,
  messages: [{ role: 'user', content: '[[say It was worth the wait.]]' }],
  ...more,
});
const textOf = (chunks: readonly Chunk[]) =>
  chunks.map(({ choices: [choice] }) => choice?.delta.content ?? '').join('');

describe.each(Object.keys(models) as Model[])('a stream of %s', (model) => {
  beforeEach(() => start(model));

  it('that does not begin for minutes has the role chunk and then empty ones, under one id', async () => {
    gate.shut();
    const asked = server.post(body(model, { stream_options: { include_usage: true } }));
    await until(() => simulator.requests.length === 1);
    await pass(11);
    const stream = follow(await asked);
    await pass(55);
    expect(stream.chunks()).toEqual([]);
    expect(stream.comments()).toBe(4);
    await pass(10);
    expect(stream.chunks().map(({ choices }) => choices)).toEqual([
      [{ index: 0, delta: roleDelta, logprobs: null, finish_reason: null }],
    ]);
    await pass(60);
    expect(stream.chunks().map(({ choices }) => choices[0]?.delta)).toEqual([roleDelta, {}]);
    gate.open();
    await until(stream.isOver);
    const chunks = stream.chunks();
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    expect(chunks[0]?.id).toMatch(/^msg_/);
    expect(chunks.filter(({ choices: [choice] }) => choice?.delta.role !== undefined)).toHaveLength(1);
    expect(textOf(chunks)).toBe('It was worth the wait.');
    // As every other chunk of a stream whose usage is asked for.
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
    expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: expect.any(Number) });
    expect(stream.frames().at(-1)).toBe('data: [DONE]');
  });

  it('that is silent in the middle has empty chunks, and keeps its id and its text', async () => {
    const asked = server.post(body(model));
    const stream = follow(await asked);
    await until(() => stream.chunks().length > 0);
    gate.shut();
    await pause(60);
    const before = stream.chunks().length;
    await pass(130);
    const empty = stream.chunks().slice(before);
    expect(empty.map(({ choices: [choice] }) => choice)).toEqual(
      Array.from({ length: 2 }, () => ({ index: 0, delta: {}, logprobs: null, finish_reason: null })),
    );
    gate.open();
    await until(stream.isOver);
    const chunks = stream.chunks();
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    expect(textOf(chunks)).toBe('It was worth the wait.');
  });

  it('that fails after its role chunk ends in an error frame', async () => {
    gate.shut();
    simulator.inject({ kind: 'status', status: 400 });
    const asked = server.post(body(model));
    await until(() => simulator.requests.length === 1);
    await pass(11);
    const stream = follow(await asked);
    stream.ended.catch(() => undefined);
    await pass(65);
    gate.open();
    await until(() => stream.frames().some((frame) => frame.startsWith('data: {"error"')));
    expect(stream.chunks()).toHaveLength(2);
    expect(stream.chunks()[0]?.choices[0]?.delta).toEqual(roleDelta);
    await expect(stream.ended).rejects.toThrow();
  });
});
