import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../simulator/index.ts';
import { useServer, useSimulator } from '../support/fixtures.ts';
import { raw, request } from '../support/raw.ts';
import { testKey } from '../support/server.ts';

const simulator = useSimulator();
const server = useServer({
  upstream: simulator,
  played: ['anthropic'],
  env: {
    MAX_RETRIES: '0',
    HEADERS_TIMEOUT_MS: '300',
    BODY_TIMEOUT_MS: '100',
    HEADER_HOLD_MS: '30',
    PLAIN_HOLD_MS: '30',
  },
});

const key = { authorization: `Bearer ${testKey}` };
const chat = (body: object, more: Record<string, string> = key): string => {
  const text = JSON.stringify({
    model: 'claude-4-5-haiku',
    messages: [{ role: 'user', content: 'Hi' }],
    ...body,
  });
  return request(
    'POST /v1/chat/completions',
    { 'content-type': 'application/json', 'content-length': String(text.length), ...more },
    text,
  );
};
const slow: Fault = { kind: 'delay', ms: 100 };

interface Row {
  readonly name: string;
  readonly bytes: string;
  readonly status: number;
  readonly faults?: readonly Fault[];
  /** Where it is not `no-store`. */
  readonly cache?: string;
}

const rows: readonly Row[] = [
  { name: 'the page', bytes: request('GET /'), status: 200 },
  { name: 'health', bytes: request('GET /health'), status: 200 },
  { name: 'readiness', bytes: request('GET /ready'), status: 200 },
  { name: 'metrics', bytes: request('GET /metrics', key), status: 200 },
  { name: 'the description', bytes: request('GET /openapi.json', key), status: 200 },
  { name: 'the models', bytes: request('GET /v1/models', key), status: 200 },
  { name: 'the head of the models', bytes: request('HEAD /v1/models', key), status: 200 },
  { name: 'a completion', bytes: chat({}), status: 200 },
  { name: 'a completion that begins with white space', bytes: chat({}), status: 200, faults: [slow] },
  { name: 'a stream', bytes: chat({ stream: true }), status: 200, cache: 'no-cache, no-transform' },
  {
    name: 'a stream that begins with a comment',
    bytes: chat({ stream: true }),
    status: 200,
    faults: [slow],
    cache: 'no-cache, no-transform',
  },
  { name: 'a refused parameter', bytes: chat({ temperature: 9 }), status: 400 },
  { name: 'no key', bytes: chat({}, {}), status: 401 },
  { name: 'an unknown path', bytes: request('GET /nothing', key), status: 404 },
  { name: 'a wrong method', bytes: request('PUT /v1/models', key), status: 405 },
  {
    name: 'a failure of the upstream',
    bytes: chat({}),
    status: 503,
    faults: [{ kind: 'status', status: 529 }],
  },
  { name: 'a bad escape in the path', bytes: request('GET /v1/models/%zz', key), status: 400 },
  { name: 'a path too long', bytes: request(`GET /v1/models/${'m'.repeat(3000)}`, key), status: 400 },
  { name: 'oversized headers', bytes: request('GET /', { 'x-long': 'y'.repeat(20_000) }), status: 431 },
  { name: 'no HTTP', bytes: 'what?\r\n\r\n', status: 400 },
  { name: 'headers without an end', bytes: 'GET / HTTP/1.1\r\n', status: 408 },
  { name: 'a body without an end', bytes: chat({}).slice(0, -5), status: 408 },
];

describe('what is sent is what its type says, and nobody\u2019s to keep', () => {
  it.each(rows)('$name', async ({ bytes, status, faults = [], cache = 'no-store' }) => {
    for (const fault of faults) simulator.inject(fault);
    const { headers, ...answer } = await raw(server.url, bytes, 800);
    expect(answer.status, answer.text.slice(0, 300)).toBe(status);
    // Joined with commas where one came twice.
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe(cache);
    expect(headers.get('content-type')).toBeTruthy();
    // Whose server this is, and of which make, is nobody's business; TLS is the router's.
    for (const name of ['server', 'x-powered-by', 'strict-transport-security', 'set-cookie'])
      expect(headers.get(name)).toBeNull();
    // No page of anybody else's may call with the client's browser.
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('the page', () => {
  it('runs its own script and style, and no other, wherever they come from', async () => {
    const response = await fetch(server.url);
    const html = await response.text();
    const policy = new Map(
      (response.headers.get('content-security-policy') ?? '').split('; ').map((directive) => {
        const [name = '', ...values] = directive.split(' ');
        return [name, values.join(' ')];
      }),
    );
    const hashes = (tag: string) =>
      [...html.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))].map(
        ([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
      );
    expect(hashes('script')).toHaveLength(1);
    expect(Object.fromEntries(policy)).toEqual({
      'default-src': "'none'",
      'script-src': hashes('script').join(' '),
      'style-src': hashes('style').join(' '),
      'connect-src': "'self'",
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
    });
    // What a policy by hashes would not run.
    expect(html).not.toMatch(/ (style|on[a-z]+)=/);
    expect(response.headers.get('x-frame-options')).toBe('DENY');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
  });
});

describe('a browser on somebody else\u2019s page', () => {
  it('cannot ask the model: what it may send without asking first is no JSON', async () => {
    const asked = simulator.requests.length;
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const response = await server.post({ model: 'claude-4-5-haiku' }, { 'content-type': type });
      expect(response.status).toBe(415);
    }
    const preflight = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: { ...key, origin: 'https://page.example', 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(405);
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
    expect(simulator.requests).toHaveLength(asked);
  });
});
