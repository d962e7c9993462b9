import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { nowhere, serverOfTest, type Upstream, useSimulator } from '../support/fixtures.ts';
import { raw, request } from '../support/raw.ts';
import { type TestServer, testKey } from '../support/server.ts';
import { until } from '../support/until.ts';

const simulator = useSimulator();
let server: TestServer;

const start = async (env: Record<string, string> = {}, upstream: Upstream = nowhere) => {
  server = await serverOfTest({ upstream, played: ['anthropic'], env });
};

/** The lines of requests, but for those that look at the metrics. */
const requestLines = () =>
  server.logs.filter(({ status, route }) => status !== undefined && route !== '/metrics');

const countOf = async (route: string, status: number): Promise<number> => {
  const response = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${testKey}` } });
  const lines = (await response.text()).split('\n');
  const found = lines.filter(
    (line) =>
      line.startsWith('parley_requests_total{') &&
      line.includes(`route="${route}"`) &&
      line.includes(`status="${status}"`) &&
      line.includes('ended="failed"'),
  );
  return found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
};

const chat = '/v1/chat/completions';
const question = JSON.stringify({ model: 'claude-4-5-haiku', messages: [{ role: 'user', content: 'Hi' }] });
const chatHead = (id: string) =>
  `POST ${chat} HTTP/1.1\r\nhost: x\r\nx-request-id: ${id}\r\nauthorization: Bearer ${testKey}\r\ncontent-type: application/json\r\ncontent-length: ${question.length}\r\n\r\n`;

// Behaviour 1.3, 11.2, 11.3
describe('what is refused before it has a route is logged and counted like the rest', () => {
  const named = { authorization: `Bearer ${testKey}`, 'x-request-id': 'named-by-client' };
  it.each([
    { name: 'a bad escape', bytes: request('GET /v1/models/%zz', named), status: 400, id: 'named-by-client' },
    {
      name: 'a path too long',
      bytes: request(`GET /v1/models/${'m'.repeat(3000)}`, named),
      status: 400,
      id: 'named-by-client',
    },
    { name: 'too many headers', bytes: request('GET /', { 'x-long': 'y'.repeat(20_000) }), status: 431 },
    { name: 'no HTTP', bytes: 'marker-no-http\r\n\r\n', status: 400 },
    {
      name: 'headers that never end',
      bytes: 'GET / HTTP/1.1\r\nmarker: 1\r\n',
      status: 408,
      env: { HEADERS_TIMEOUT_MS: '100' },
    },
  ])('$name', async ({ bytes, status, id, env }) => {
    await start(env);
    const answer = await raw(server.url, bytes, 1000);
    expect(answer.status).toBe(status);
    const answeredId = answer.headers.get('x-request-id');
    expect(answeredId).toMatch(id ?? /^req_[0-9a-f-]{36}$/);
    await until(() => requestLines().length > 0, 'the log line');
    expect(requestLines()).toHaveLength(1);
    const [line = {}] = requestLines();
    expect(line).toMatchObject({
      level: 'info',
      msg: 'request',
      request_id: answeredId,
      status,
      ended: 'failed',
      duration_ms: expect.any(Number),
      error: { status, type: 'invalid_request_error' },
    });
    expect(line).not.toHaveProperty('route');
    expect(JSON.stringify(server.logs)).not.toMatch(/marker|%zz|mmm/);
    expect(await countOf('unknown', status)).toBe(1);
  });

  it('a connection that says nothing is no request, and nothing is said of it', async () => {
    await start({ HEADERS_TIMEOUT_MS: '100' });
    const text = await new Promise<string>((resolve) => {
      let seen = '';
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
      socket.on('data', (piece) => {
        seen += piece;
      });
      socket.on('close', () => resolve(seen));
    });
    expect(text).toBe('');
    expect(await countOf('unknown', 408)).toBe(0);
    expect(requestLines()).toEqual([]);
  });
});

/** Says `bytes`, and goes on with `later` once there is an answer; never hangs up. Resolves when the server has. */
const stubborn = (bytes: string, later: string) =>
  new Promise<string>((resolve) => {
    let seen = '';
    const socket = connect({
      port: Number(new URL(server.url).port),
      host: '127.0.0.1',
      allowHalfOpen: true,
    });
    socket.write(bytes);
    let talking: NodeJS.Timeout | undefined;
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => {
      seen += piece;
      talking ??= setInterval(() => socket.write(later), 20);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(talking);
      resolve(seen);
    });
  });

describe('a body that is sent too slowly', () => {
  it('is one 408, with the client\u2019s id in answer and log, and the route it was for', async () => {
    await start({ HEADERS_TIMEOUT_MS: '400', BODY_TIMEOUT_MS: '60' });
    const answer = await raw(server.url, chatHead('slow-one'), 1000);
    expect(answer.status).toBe(408);
    expect(answer.headers.get('x-request-id')).toBe('slow-one');
    await until(() => requestLines().length > 0, 'the log line');
    expect(await countOf(chat, 408)).toBe(1);
    expect(requestLines()).toMatchObject([
      {
        level: 'info',
        request_id: 'slow-one',
        method: 'POST',
        status: 408,
        ended: 'failed',
        key_fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/),
        error: { status: 408 },
      },
    ]);
  });

  it('does not keep its socket by never hanging up, and reaches no model when it is complete in the end', async () => {
    await start({ HEADERS_TIMEOUT_MS: '400', BODY_TIMEOUT_MS: '60' }, simulator);
    const text = await stubborn(chatHead('stubborn'), question);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 408']);
    await until(() => requestLines().length > 0, 'the log line');
    expect(requestLines().map((line) => line.status)).toEqual([408]);
    expect(simulator.requests).toHaveLength(0);
  });
});

describe('headers that are sent too slowly', () => {
  it('are no request any more when they are complete in the end', async () => {
    await start({ HEADERS_TIMEOUT_MS: '60', BODY_TIMEOUT_MS: '60' });
    const text = await stubborn(`GET /v1/models HTTP/1.1\r\nauthorization: Bearer ${testKey}\r\nx: `, '\r\n');
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 408']);
    await until(() => requestLines().length > 0, 'the log line');
    expect(requestLines().map((line) => line.status)).toEqual([408]);
  });
});
