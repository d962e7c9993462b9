import { connect } from 'node:net';
import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../src/core/errors.ts';
import { registerLimits } from '../../src/server/limits.ts';
import { registerRecord } from '../../src/server/record.ts';
import { createLocalStore } from '../../src/store/local.ts';
import { expectError } from '../support/errors.ts';
import { serverOfTest, useSimulator } from '../support/fixtures.ts';
import { type TestServer, testKey } from '../support/server.ts';
import { until } from '../support/until.ts';

const simulator = useSimulator({ isFresh: true });
let server: TestServer;
const start = async (env: Record<string, string>) => {
  server = await serverOfTest({ upstream: simulator, played: ['anthropic'], env });
};

const body = (content = 'Hi', stream = false) => ({
  model: 'claude-4-5-haiku',
  messages: [{ role: 'user', content }],
  stream,
});

const hanging = (count: number) => {
  simulator.inject({ kind: 'hang', times: count });
  const hangUp = new AbortController();
  const calls = Array.from({ length: count }, () =>
    fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body()),
      signal: hangUp.signal,
    }).catch(() => undefined),
  );
  return { calls, hangUp: () => hangUp.abort() };
};

const get = (path: string) =>
  fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${testKey}` } });

// Behaviour 8.10
describe('more requests at once than the server may take', () => {
  it('are a 503 with retry-after, at once, and never reach an upstream', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '3' });
    const { calls, hangUp } = hanging(3);
    await until(() => simulator.requests.length === 3, 'three requests upstream');

    const before = performance.now();
    const responses = await Promise.all(Array.from({ length: 5 }, () => server.post(body())));
    expect(performance.now() - before).toBeLessThan(1000);
    for (const response of responses) {
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('1');
      expect(response.headers.get('x-should-retry')).toBeNull();
      expect(expectError(await response.text(), response.headers)).toMatchObject({
        type: 'server_error',
        code: 'overloaded',
      });
    }
    expect((await get('/v1/models')).status).toBe(503);
    expect(simulator.requests).toHaveLength(3);

    hangUp();
    await Promise.all(calls);
  });

  it('leave health, readiness and the door as they are', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '1' });
    const { calls, hangUp } = hanging(1);
    await until(() => simulator.requests.length === 1, 'one request upstream');
    expect((await get('/health')).status).toBe(200);
    expect((await get('/ready')).status).toBe(200);
    // Whether the server is busy is nobody's business without a key.
    expect((await fetch(`${server.url}/v1/models`)).status).toBe(401);
    hangUp();
    await Promise.all(calls);
  });

  it('make room again, however they ended', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '1', MAX_RETRIES: '0' });
    const endings: (() => Promise<unknown>)[] = [
      async () => (await server.post(body())).text(),
      async () => (await server.post(body('Hi', true))).text(),
      async () => (await server.post({})).text(),
      async () => (await get('/v1/nowhere')).text(),
      async () => {
        simulator.inject({ kind: 'status', status: 500 });
        return (await server.post(body())).text();
      },
      async () => {
        simulator.inject({ kind: 'reset', afterEvents: 4 });
        return (await server.post(body('[[length 100]]', true))).text().catch(() => '');
      },
      async () => {
        const asked = simulator.requests.length;
        const { calls, hangUp } = hanging(1);
        await until(() => simulator.requests.length > asked, 'the upstream is asked');
        hangUp();
        return Promise.all(calls);
      },
    ];
    for (const end of endings) {
      const lines = server.logs.length;
      await end();
      await until(() => server.logs.length > lines, 'the log line');
      expect((await get('/v1/models')).status).toBe(200);
    }
  });
});

// Behaviour 11.1
describe('requests per minute', () => {
  it('are told in headers, and refused beyond the limit with the wait', async () => {
    await start({ RATE_LIMIT_RPM: '2' });
    for (const remaining of ['1', '0']) {
      const response = await server.post(body('Hi', remaining === '0'));
      expect(response.status).toBe(200);
      expect(response.headers.get('x-ratelimit-limit-requests')).toBe('2');
      expect(response.headers.get('x-ratelimit-remaining-requests')).toBe(remaining);
      expect(response.headers.get('x-ratelimit-reset-requests')).toMatch(/^(\d+m)?[\d.]+m?s$/);
      await response.text();
    }
    const refused = await server.post(body());
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(25);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(30);
    expect(refused.headers.get('x-should-retry')).toBeNull();
    expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(expectError(await refused.text(), refused.headers)).toMatchObject({
      type: 'rate_limit_error',
      code: 'rate_limit_exceeded',
    });
    expect(simulator.requests).toHaveLength(2);
    // Looking is free.
    for (let look = 0; look < 3; look++) expect((await get('/v1/models')).status).toBe(200);
  });

  it('are counted per key', async () => {
    await start({ RATE_LIMIT_RPM: '1', INFERENCE_KEY: `${testKey},other-key` });
    expect((await server.post(body())).status).toBe(200);
    expect((await server.post(body())).status).toBe(429);
    expect((await server.post(body(), { authorization: 'Bearer other-key' })).status).toBe(200);
    expect((await server.post(body(), { authorization: 'Bearer other-key' })).status).toBe(429);
    // A wrong key has no bucket, and says nothing about anybody's.
    const wrong = await server.post(body(), { authorization: 'Bearer wrong' });
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get('x-ratelimit-limit-requests')).toBeNull();
  });

  it('are counted together where keys need not be known, so that none can be made up for more', async () => {
    await start({ RATE_LIMIT_RPM: '1', ALLOW_ANONYMOUS: 'true' });
    expect((await server.post(body(), { authorization: 'Bearer made-up-1' })).status).toBe(200);
    expect((await server.post(body(), { authorization: 'Bearer made-up-2' })).status).toBe(429);
  });

  it('are off unless set, and then say nothing', async () => {
    await start({});
    const response = await server.post(body());
    expect(response.headers.get('x-ratelimit-limit-requests')).not.toBe('0');
    expect(response.status).toBe(200);
  });

  it('come back evenly over the minute, up to the limit and no further', async () => {
    let now = 0;
    const store = createLocalStore({ now: () => now });
    const app = Fastify();
    registerRecord(app, []);
    registerLimits(app, {
      maxConcurrent: 10,
      requestsPerMinute: 6,
      allowAnonymous: false,
      takeRequest: store.take,
    });
    app.setErrorHandler((error, _request, reply) => {
      if (!(error instanceof ApiError)) throw error;
      return reply
        .code(error.status)
        .headers({ ...error.headers })
        .send();
    });
    app.get('/', { config: { metered: true } }, async () => 'fine');
    const ask = async () => {
      const { statusCode, headers } = await app.inject({ url: '/', headers: { connection: 'close' } });
      return [statusCode, headers['x-ratelimit-remaining-requests'], headers['retry-after']];
    };
    for (const left of ['5', '4', '3', '2', '1', '0']) expect(await ask()).toEqual([200, left, undefined]);
    expect(await ask()).toEqual([429, '0', '10']);
    now += 9_000;
    // Those that were refused cost nothing.
    expect(await ask()).toEqual([429, '0', '1']);
    now += 1_000;
    expect(await ask()).toEqual([200, '0', undefined]);
    expect(await ask()).toEqual([429, '0', '10']);
    now += 3_600_000;
    expect(await ask()).toEqual([200, '5', undefined]);
    await app.close();
  });
});

// Behaviour 11.1
describe('a client that sends slowly', () => {
  /** What came back until the server closed, and after how many ms; `drip` is sent every 20 ms. */
  const slowly = (head: string, drip: string) =>
    new Promise<{ text: string; ms: number }>((resolve, reject) => {
      const begun = performance.now();
      let text = '';
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(head));
      const dripping = setInterval(() => {
        if (drip !== '' && socket.writable) socket.write(drip);
      }, 20);
      const late = setTimeout(() => socket.destroy(new Error('the server waits for ever')), 2500);
      socket.setEncoding('utf8');
      socket.on('data', (piece: string) => {
        text += piece;
      });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === undefined) reject(error);
      });
      socket.on('close', () => {
        clearInterval(dripping);
        clearTimeout(late);
        resolve({ text, ms: performance.now() - begun });
      });
    });
  const expectTimeout = ({ text, ms }: { text: string; ms: number }) => {
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(JSON.parse(text.slice(text.indexOf('{')))).toEqual({
      error: { message: expect.any(String), type: 'invalid_request_error', param: null, code: null },
    });
    expect(ms).toBeGreaterThan(100);
    expect(ms).toBeLessThan(2000);
  };
  const head = (length: number) =>
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${testKey}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;

  it('the headers is cut off with a 408', async () => {
    await start({ HEADERS_TIMEOUT_MS: '150', BODY_TIMEOUT_MS: '60000' });
    expectTimeout(await slowly('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n', 'a: b\r\n'));
  });

  it('nothing at all is cut off too', async () => {
    await start({ HEADERS_TIMEOUT_MS: '150', BODY_TIMEOUT_MS: '60000' });
    expect((await slowly('', '')).ms).toBeLessThan(2000);
  });

  it('the body is cut off with a 408, and makes room again', async () => {
    await start({ HEADERS_TIMEOUT_MS: '100', BODY_TIMEOUT_MS: '150', MAX_CONCURRENT_REQUESTS: '1' });
    expectTimeout(await slowly(head(1000), ' '));
    await until(() => server.logs.some((line) => line.route === '/v1/chat/completions'), 'the log line');
    expect((await get('/v1/models')).status).toBe(200);
    expect(simulator.requests).toHaveLength(0);
  });

  it('but is then waited for by the model is not', async () => {
    await start({ HEADERS_TIMEOUT_MS: '50', BODY_TIMEOUT_MS: '50' });
    simulator.inject({ kind: 'delay', ms: 290 });
    expect((await server.post(body())).status).toBe(200);
  });
});
