import { describe, expect, it } from 'vitest';
import { useServer, useSimulator } from '../support/fixtures.ts';
import { raw, request } from '../support/raw.ts';
import { testKey } from '../support/server.ts';

const simulator = useSimulator();
const server = useServer({ upstream: simulator });

const ask = (body: object = {}, headers: Record<string, string> = {}) =>
  server.post({ model: 'claude-4-5-haiku', messages: [{ role: 'user', content: 'Hi' }], ...body }, headers);

// Behaviour 1.4
describe('x-request-id', () => {
  it.each(['abc', 'req_123', '550e8400-e29b-41d4-a716-446655440000', 'a.b:c', 'x'.repeat(64)])(
    '%s is taken over',
    async (id) => {
      expect(
        (await fetch(`${server.url}/health`, { headers: { 'x-request-id': id } })).headers.get(
          'x-request-id',
        ),
      ).toBe(id);
    },
  );

  it.each(['x'.repeat(65), 'two words', 'a"b', '<script>', 'a,b', ''])(
    '%j is replaced by one of ours',
    async (id) => {
      const answer = await raw(server.url, request('GET /health', { 'x-request-id': id }));
      expect(answer.headers.get('x-request-id')).toMatch(/^req_[0-9a-f-]{36}$/);
    },
  );

  it('is new for every request', async () => {
    const ids = await Promise.all(
      [1, 2, 3].map(async () => (await fetch(`${server.url}/health`)).headers.get('x-request-id')),
    );
    expect(new Set(ids).size).toBe(3);
  });
});

describe('every response', () => {
  it.each([
    ['GET', '/', 200],
    ['GET', '/health', 200],
    ['GET', '/ready', 200],
    ['GET', '/metrics', 200],
    ['GET', '/openapi.json', 200],
    ['GET', '/v1/models', 200],
    ['HEAD', '/v1/models', 200],
    ['GET', '/nothing', 404],
    ['PUT', '/v1/models', 405],
    ['GET', '/v1/models/%zz', 400],
  ] as const)('%s %s carries its id and the time it took', async (method, path, status) => {
    const answer = await raw(
      server.url,
      request(`${method} ${path}`, { authorization: `Bearer ${testKey}` }),
    );
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-request-id')).toBeTruthy();
    expect(answer.headers.get('openai-processing-ms')).toMatch(/^\d+$/);
  });
});

describe('a completion says where it came from', () => {
  it.each([
    { model: 'claude-4-5-haiku', stream: false, upstream: 'anthropic' },
    { model: 'claude-4-5-haiku', stream: true, upstream: 'anthropic' },
    { model: 'claude-4-sonnet', stream: false, upstream: 'bedrock' },
    { model: 'nova-lite', stream: false, upstream: 'bedrock-converse' },
    { model: 'nova-lite', stream: true, upstream: 'bedrock-converse' },
  ])('$model, stream: $stream', async ({ model, stream, upstream }) => {
    const { headers } = await ask({ model, stream });
    expect(headers.get('x-upstream')).toBe(upstream);
    expect(headers.get('x-upstream-request-id')).toBeTruthy();
    expect(headers.get('x-request-id')).toBeTruthy();
    expect(headers.get('openai-processing-ms')).toMatch(/^\d+$/);
  });

  it.each([false, true])('an error of the upstream as well, stream: %s', async (stream) => {
    const response = await ask({ stream, messages: [{ role: 'user', content: '[[fault status=400]]' }] });
    expect(response.status).toBe(400);
    expect(response.headers.get('x-upstream')).toBe('anthropic');
    expect(response.headers.get('x-upstream-request-id')).toBeTruthy();
  });

  it('a refusal of ours, before any upstream was asked, does not', async () => {
    const { headers } = await ask({ max_tokens: 0 });
    expect(headers.get('x-upstream')).toBeNull();
  });
});

// Behaviour 1.5
describe('nothing is changed silently', () => {
  it.each([false, true])('ignored and adjusted parameters are named, stream: %s', async (stream) => {
    const { headers } = await ask({ stream, seed: 1, n: 2, temperature: 1.5 });
    expect(headers.get('x-ignored-params')?.split(', ').sort()).toEqual(['n', 'seed']);
    expect(headers.get('x-adjusted-params')).toBe('temperature');
  });

  it('and nothing is named when nothing was', async () => {
    const { headers } = await ask({ temperature: 0.5, n: 1, seed: null });
    expect(headers.get('x-ignored-params')).toBeNull();
    expect(headers.get('x-adjusted-params')).toBeNull();
  });

  it('a field name cannot smuggle in a header', async () => {
    const { status, headers } = await ask({ 'x\r\nset-cookie: a=b, ü': 1 });
    expect(status).toBe(200);
    expect(headers.get('set-cookie')).toBeNull();
    expect(headers.get('x-ignored-params')).toMatch(/^[\x21-\x7e]+$/);
  });

  it('thousands of unknown fields still make a header that fits', async () => {
    const { status, headers } = await ask(
      Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`${'f'.repeat(200)}${at}`, at])),
    );
    expect(status).toBe(200);
    expect(headers.get('x-ignored-params')?.length).toBeLessThan(8000);
  });
});

// Behaviour 10.2
describe('a model near its end', () => {
  it.each([false, true])('says so in its replies, stream: %s', async (stream) => {
    const { headers } = await ask({ model: 'claude-4-5-sonnet', stream });
    expect(headers.get('sunset')).toBe('Mon, 30 Nov 2026 00:00:00 GMT');
    expect(headers.get('deprecation')).toMatch(/^@\d+$/);
  });

  it('others do not', async () => {
    expect((await ask()).headers.get('sunset')).toBeNull();
  });
});

// Behaviour 7.8
describe('a stream', () => {
  it('is not cached, buffered or recoded on its way', async () => {
    const { headers } = await ask({ stream: true });
    expect(headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(headers.get('x-accel-buffering')).toBe('no');
    expect(simulator.requests.at(-1)?.headers['accept-encoding']).toBe('identity');
  });
});
