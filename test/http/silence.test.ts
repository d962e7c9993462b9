import { connect, createServer, type Socket } from 'node:net';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import { readConfig } from '../../src/config.ts';
import { afterReading } from '../support/after-reading.ts';
import { readUntilCut } from '../support/cut.ts';
import { expectError } from '../support/errors.ts';
import { listen } from '../support/listen.ts';
import { raw, request } from '../support/raw.ts';
import { startScriptedUpstream, textBlock } from '../support/scripted-upstream.ts';
import { startServer, type TestServer, testKey } from '../support/server.ts';
import { today } from '../support/today.ts';
import { until } from '../support/until.ts';

let simulator: Simulator;
const open: { close(): Promise<void> }[] = [];
beforeEach(async () => {
  simulator = await startSimulator({ now: () => today });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
  await simulator.close();
});

/** Hold and interval in ms, for streams and plain answers alike. */
const start = async (
  pace: { hold: number; interval: number },
  more: Record<string, string> = {},
  anthropicUrl = simulator.anthropicUrl,
) => {
  const server = await startServer({
    anthropicUrl,
    env: {
      HEADER_HOLD_MS: String(pace.hold),
      PLAIN_HOLD_MS: String(pace.hold),
      KEEPALIVE_INTERVAL_MS: String(pace.interval),
      ...more,
    },
  });
  open.push(server);
  return server;
};

/** An upstream that answers when it is released. */
const startHeld = async () => {
  const upstream = await startScriptedUpstream();
  open.push(upstream);
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  upstream.answer(async () => {
    await released;
    return { blocks: [textBlock('Hello')] };
  });
  return { url: upstream.url, release: () => release() };
};

/** The whole text; `release` is called once as much of it is there as `isEnough` wants. */
const readAndRelease = async (
  response: Response,
  isEnough: (text: string) => boolean,
  release: () => void,
): Promise<string> => {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece, { stream: true });
    if (isEnough(text)) release();
  }
  return text;
};

/** Between client and server: drops a connection that says nothing for too long. Ms. */
const startRouter = async (target: string, limits: { firstByte: number; between: number }) => {
  const sockets = new Set<Socket>();
  let dropped = 0;
  const router = createServer((client) => {
    const server = connect(Number(new URL(target).port), '127.0.0.1');
    let timer: NodeJS.Timeout | undefined;
    let pieces = 0;
    const expect = (within: number) => {
      clearTimeout(timer);
      pieces += 1;
      const last = pieces;
      const drop = () => {
        if (pieces !== last) return;
        dropped += 1;
        client.destroy();
        server.destroy();
      };
      timer = setTimeout(() => afterReading(drop), within);
    };
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearTimeout(timer);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (bytes) => {
      expect(limits.firstByte);
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      expect(limits.between);
      client.write(bytes);
      // An answer that is over may be followed by any silence.
      if (/\r\n0\r\n\r\n$|[\]}]$/.test(bytes.toString('latin1'))) clearTimeout(timer);
    });
  });
  const { url, close } = await listen(router);
  open.push({ close });
  return { url, dropped: () => dropped };
};

const body = (stream: boolean, content = 'Hi') => ({
  model: 'claude-4-5-haiku',
  messages: [{ role: 'user' as const, content }],
  stream,
});
const clientOf = (url: string) => new OpenAI({ apiKey: testKey, baseURL: `${url}/v1`, maxRetries: 0 });
const chatLines = (server: TestServer) => server.logs.filter((line) => line.route === '/v1/chat/completions');
const never = 60_000;

/** The frames of a stream, comments included, each whole. */
const framesOf = (text: string): string[] => {
  expect(text.endsWith('\n\n')).toBe(true);
  const frames = text.slice(0, -2).split('\n\n');
  for (const frame of frames) {
    if (frame === ': keep-alive' || frame === 'data: [DONE]') continue;
    expect(frame).toMatch(/^data: \{.*\}$/);
    JSON.parse(frame.slice('data: '.length));
  }
  return frames;
};
const contentOf = (frames: readonly string[]): string =>
  frames
    .filter((frame) => frame.startsWith('data: {'))
    .map((frame) => JSON.parse(frame.slice('data: '.length)).choices?.[0]?.delta?.content ?? '')
    .join('');

// Behaviour 7.6, 7.7
describe('behind a router that drops silent connections', () => {
  const limits = { firstByte: 200, between: 200 };
  const slow = () => {
    simulator.inject({ kind: 'delay', ms: 290 });
    simulator.inject({ kind: 'stall', afterEvents: 4, ms: 290 });
  };

  it.each([true, false])('an answer that is silent for long gets through, stream: %s', async (stream) => {
    const router = await startRouter((await start({ hold: 40, interval: 40 })).url, limits);
    slow();
    const client = clientOf(router.url);
    if (stream) {
      const answer = await client.chat.completions.create({ ...body(true, '[[length 50]]'), stream: true });
      let text = '';
      let finish: string | null = null;
      for await (const { choices } of answer) {
        text += choices[0]?.delta.content ?? '';
        finish = choices[0]?.finish_reason ?? finish;
      }
      expect(text).not.toBe('');
      expect(finish).toBe('stop');
    } else {
      const answer = await client.chat.completions.create({ ...body(false), stream: false });
      expect(answer.choices[0]?.message.content).toBeTruthy();
    }
    expect(router.dropped()).toBe(0);
  });

  it.each([true, false])('without a hold it would be dropped, stream: %s', async (stream) => {
    const router = await startRouter((await start({ hold: never, interval: never })).url, limits);
    simulator.inject({ kind: 'hang' });
    await expect(clientOf(router.url).chat.completions.create(body(stream))).rejects.toThrow();
    expect(router.dropped()).toBe(1);
  });
});

describe('a stream that is silent', () => {
  it('is 200 after the hold with the headers of a stream, and comments go on until it speaks', async () => {
    const upstream = await startHeld();
    const server = await start({ hold: 30, interval: 30 }, {}, upstream.url);
    const response = await server.post(body(true));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(response.headers.get('x-request-id')).toBeTruthy();
    expect(response.headers.get('openai-processing-ms')).toMatch(/^\d+$/);
    const hasTwo = (text: string) => text.startsWith(': keep-alive\n\n: keep-alive\n\n');
    const frames = framesOf(await readAndRelease(response, hasTwo, upstream.release));
    const first = frames.findIndex((frame) => frame !== ': keep-alive');
    expect(first).toBeGreaterThanOrEqual(2);
    expect(frames[first]).toContain('"role":"assistant"');
    expect(frames.at(-1)).toBe('data: [DONE]');
  });

  it('that speaks in time has no comment at all', async () => {
    const server = await start({ hold: 5000, interval: 5000 });
    expect(await (await server.post(body(true, '[[length 100]]'))).text()).not.toContain('keep-alive');
  });

  it('has comments between frames only, and loses none of its text', async () => {
    const silent = await start({ hold: never, interval: never });
    const chatty = await start({ hold: 1, interval: 1 });
    const content = '[[length 60]]';
    const expected = contentOf(framesOf(await (await silent.post(body(true, content))).text()));
    await simulator.close();
    simulator = await startSimulator({
      now: () => today,
      delayMs: 5,
      anthropicPort: Number(new URL(simulator.anthropicUrl).port),
    });
    const frames = framesOf(await (await chatty.post(body(true, content))).text());
    expect(contentOf(frames)).toBe(expected);
    const comments = frames.flatMap((frame, at) => (frame === ': keep-alive' ? [at] : []));
    expect(comments.length).toBeGreaterThan(5);
    expect(frames.at(-1)).toBe('data: [DONE]');
  });

  it('is silent once it is over, for the next answer on the connection', async () => {
    const server = await start({ hold: 5, interval: 5 });
    simulator.inject({ kind: 'delay', ms: 30 });
    for (const stream of [true, false]) {
      const payload = JSON.stringify(body(stream));
      const head = {
        authorization: `Bearer ${testKey}`,
        'content-type': 'application/json',
        'content-length': String(payload.length),
      };
      const isOver = () =>
        text.endsWith('\r\n0\r\n\r\n') || (text.includes('content-length') && text.endsWith('}'));
      let text = '';
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
      socket.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      socket.write(request('POST /v1/chat/completions', head, payload).replace('connection: close\r\n', ''));
      await until(isOver, 'the end of the answer');
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(isOver()).toBe(true);
      socket.destroy();
    }
  });

  it('that fails within the hold has a real status', async () => {
    const server = await start({ hold: 5000, interval: 20 }, { MAX_RETRIES: '0' });
    simulator.inject({ kind: 'delay', ms: 60 });
    simulator.inject({ kind: 'status', status: 529 });
    const response = await server.post(body(true));
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
    expectError(await response.text(), response.headers);
  });

  it.each([
    { name: 'a refusal', fault: { kind: 'status', status: 529 }, code: 'overloaded' },
    { name: 'a bad request', fault: { kind: 'status', status: 400 }, code: null },
    { name: 'a refused connection', fault: { kind: 'refuse' }, code: 'upstream_error' },
    {
      name: 'an error as first event',
      fault: { kind: 'error-event', afterEvents: 0, type: 'api_error', message: 'x' },
      code: 'upstream_error',
    },
  ] as const)('that fails after the hold by $name ends in an error frame', async ({ fault, code }) => {
    const server = await start({ hold: 15, interval: 15 }, { MAX_RETRIES: '0' });
    simulator.inject({ kind: 'delay', ms: 80 });
    simulator.inject(fault);
    const response = await server.post(body(true));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const { text, isCut } = await readUntilCut(response);
    expect(isCut).toBe(true);
    const frames = framesOf(text);
    expect(frames.filter((frame) => frame !== ': keep-alive')).toHaveLength(1);
    expect(JSON.parse(frames.at(-1)?.slice('data: '.length) ?? '')).toEqual({
      error: { message: expect.any(String), type: expect.any(String), param: null, code },
    });
    await until(() => chatLines(server).length === 1, 'the log line');
    expect(chatLines(server)[0]).toMatchObject({ ended: 'failed', status: 200, error: expect.anything() });
  });

  it('goes on retrying after the hold', async () => {
    const server = await start({ hold: 10, interval: 10 });
    simulator.inject({ kind: 'delay', ms: 50 });
    simulator.inject({ kind: 'status', status: 529, headers: { 'retry-after': '0.05' } });
    const response = await server.post(body(true));
    const frames = framesOf(await response.text());
    expect(frames[0]).toBe(': keep-alive');
    expect(frames.at(-1)).toBe('data: [DONE]');
    expect(simulator.requests.map(({ status }) => status)).toEqual([529, 200]);
    await until(() => chatLines(server).length === 1, 'the log line');
    expect(chatLines(server)[0]).toMatchObject({ ended: 'complete', retries: 1 });
  });

  it('refuses what is wrong with the request itself with a status, however short the hold', async () => {
    const server = await start({ hold: 1, interval: 1 });
    const response = await server.post({ ...body(true), messages: [] });
    expect(response.status).toBe(400);
  });
});

// Behaviour 7.7
describe('a plain answer that is silent', () => {
  it('is 200 after the hold, with white space before the JSON', async () => {
    const upstream = await startHeld();
    const server = await start({ hold: 30, interval: 20 }, {}, upstream.url);
    const response = await server.post(body(false));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('content-length')).toBeNull();
    expect(response.headers.get('x-request-id')).toBeTruthy();
    expect(response.headers.get('openai-processing-ms')).toMatch(/^\d+$/);
    const text = await readAndRelease(response, (read) => read.length >= 3, upstream.release);
    expect(text).toMatch(/^ {3,}\{"/);
    expect(JSON.parse(text)).toMatchObject({ object: 'chat.completion' });
    await until(() => chatLines(server).length === 1, 'the log line');
    expect(chatLines(server)[0]).toMatchObject({ ended: 'complete', status: 200 });
  });

  it('that is ready in time is sent whole, with its length', async () => {
    const server = await start({ hold: 5000, interval: 20 });
    const response = await server.post(body(false));
    expect(response.headers.get('content-length')).toMatch(/^\d+$/);
    expect(response.headers.get('x-upstream')).toBe('anthropic');
    expect(await response.text()).toMatch(/^\{/);
  });

  it('that fails within the hold has a real status', async () => {
    const server = await start({ hold: 5000, interval: 20 }, { MAX_RETRIES: '0' });
    simulator.inject({ kind: 'status', status: 529 });
    expect((await server.post(body(false))).status).toBe(503);
  });

  it.each([
    { name: 'a refusal', fault: { kind: 'status', status: 529 } },
    { name: 'a refused connection', fault: { kind: 'refuse' } },
    { name: 'half an answer', fault: { kind: 'end-early', afterEvents: 0 } },
  ] as const)('that fails after the hold by $name is cut off, not completed', async ({ fault }) => {
    const server = await start({ hold: 15, interval: 15 }, { MAX_RETRIES: '0' });
    simulator.inject({ kind: 'delay', ms: 60 });
    simulator.inject(fault);
    const payload = JSON.stringify(body(false));
    const head = {
      authorization: `Bearer ${testKey}`,
      'content-type': 'application/json',
      'content-length': String(payload.length),
    };
    const answer = await raw(server.url, request('POST /v1/chat/completions', head, payload), 5000);
    expect(answer.status).toBe(200);
    // Chunks of white space, and not the chunk that ends an answer.
    expect(answer.body).toMatch(/^(1\r\n \r\n)+$/);

    simulator.inject({ kind: 'delay', ms: 60 });
    simulator.inject(fault);
    const response = await server.post(body(false));
    await expect(response.text()).rejects.toThrow();

    simulator.inject({ kind: 'delay', ms: 60 });
    simulator.inject(fault);
    await expect(server.client.chat.completions.create({ ...body(false), stream: false })).rejects.toThrow();

    await until(() => chatLines(server).length === 3, 'the log lines');
    for (const line of chatLines(server)) {
      expect(line).toMatchObject({ ended: 'failed', status: 200, error: expect.anything() });
    }
  });
});

// Behaviour 11.1
describe('the settings', () => {
  const least = { INFERENCE_KEY: 'k', ANTHROPIC_API_KEY: 'sk' };
  it.each([
    { name: 'off by default', env: {}, hold: 0 },
    { name: '20 s on Heroku', env: { DYNO: 'web.1' }, hold: 20_000 },
    { name: 'off on Heroku if told', env: { DYNO: 'web.1', PLAIN_HOLD_MS: '0' }, hold: 0 },
    { name: 'as told elsewhere', env: { PLAIN_HOLD_MS: '7000' }, hold: 7000 },
    { name: 'off for an empty DYNO', env: { DYNO: '' }, hold: 0 },
  ])('a plain answer\u2019s hold is $name', ({ env, hold }) => {
    expect(readConfig({ ...least, ...env })).toMatchObject({
      plainSilence: { hold, interval: 15_000 },
      streamSilence: { hold: 10_000, interval: 15_000 },
    });
  });

  it('a plain answer with no hold waits in silence', async () => {
    const server = await start({ hold: 5, interval: 5 }, { PLAIN_HOLD_MS: '0' });
    simulator.inject({ kind: 'delay', ms: 80 });
    const response = await server.post(body(false));
    expect(response.headers.get('content-length')).toMatch(/^\d+$/);
    expect(await response.text()).toMatch(/^\{/);
  });
});
