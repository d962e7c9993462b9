import { describe, expect, it } from 'vitest';
import type { Fault } from '../../simulator/index.ts';
import { expectError } from '../support/errors.ts';
import { useServer, useSimulator } from '../support/fixtures.ts';
import { type RawAnswer, raw, request } from '../support/raw.ts';
import { testKey } from '../support/server.ts';
import { until } from '../support/until.ts';

const page = 'https://app.example.com';
const desktop = 'app://obsidian.md';
const times = {
  MAX_RETRIES: '0',
  HEADERS_TIMEOUT_MS: '300',
  BODY_TIMEOUT_MS: '100',
  HEADER_HOLD_MS: '30',
  PLAIN_HOLD_MS: '30',
  BODY_LIMIT_BYTES: '20000',
};

const simulator = useSimulator();
const setup = { upstream: simulator, played: ['anthropic'] } as const;
const listed = useServer({ ...setup, env: { ...times, CORS_ORIGINS: `${page}/, ${desktop}` } });
const any = useServer({ ...setup, env: { ...times, CORS_ORIGINS: '*', RATE_LIMIT_RPM: '1000' } });
const closed = useServer({ ...setup, env: times });

const key = { authorization: `Bearer ${testKey}` };
const chat = '/v1/chat/completions';

const post = (body: object, headers: Record<string, string>): string => {
  const text = JSON.stringify({
    model: 'claude-4-5-haiku',
    messages: [{ role: 'user', content: 'Hi' }],
    ...body,
  });
  return request(
    `POST ${chat}`,
    { 'content-type': 'application/json', 'content-length': String(text.length), ...headers },
    text,
  );
};

const preflight = (origin: string, path = chat, more: Record<string, string> = {}) =>
  request(`OPTIONS ${path}`, { origin, 'access-control-request-method': 'POST', ...more });

const corsOf = ({ headers }: RawAnswer): Record<string, string> =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));

// Behaviour 1.6
describe('a preflight', () => {
  const asked = 'authorization,content-type,x-stainless-lang,x-stainless-retry-count';

  it.each([
    { name: 'of a listed page', server: () => listed, origin: page, allowed: page },
    { name: 'of a listed app', server: () => listed, origin: desktop, allowed: desktop },
    { name: 'of any page', server: () => any, origin: 'http://localhost:5173', allowed: '*' },
    { name: 'of a file', server: () => any, origin: 'null', allowed: '*' },
  ])('$name needs no key, and allows every header that SDKs send', async ({ server, origin, allowed }) => {
    const answer = await raw(
      server().url,
      preflight(origin, chat, { 'access-control-request-headers': asked }),
    );
    expect(answer.status).toBe(204);
    expect(answer.body).toBe('');
    expect(corsOf(answer)).toMatchObject({
      'access-control-allow-origin': allowed,
      'access-control-allow-headers': asked,
      'access-control-allow-methods': expect.stringMatching(/\bPOST\b/),
      'access-control-max-age': expect.stringMatching(/^\d+$/),
    });
    expect(answer.headers.get('vary')).toContain('Origin');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    await until(() => server().logs.length === 1, 'its log line');
  });

  it.each(['/nothing', '/v1/models', '/v1/models/nova-lite', '/v1/v1/chat/completions', '/health', '/'])(
    'is answered on %s as well: what the path is, the request itself is told',
    async (path) => {
      expect((await raw(any.url, preflight(page, path))).status).toBe(204);
    },
  );

  it.each([
    { name: 'of another page', server: () => listed, origin: 'https://evil.example' },
    { name: 'of a listed host with another scheme', server: () => listed, origin: 'http://app.example.com' },
    { name: 'of a host that only ends like it', server: () => listed, origin: 'https://x-app.example.com' },
    { name: 'of a file, which is not listed', server: () => listed, origin: 'null' },
    { name: 'where nothing is configured', server: () => closed, origin: page },
  ])('$name is refused like any request without a key', async ({ server, origin }) => {
    const answer = await raw(server().url, preflight(origin));
    expect(answer.status).toBe(401);
    expect(corsOf(answer)).toEqual({});
    expectError(answer.body, answer.headers);
  });

  it('OPTIONS that asks for no method is none', async () => {
    expect((await raw(any.url, request(`OPTIONS ${chat}`, { origin: page }))).status).toBe(401);
    expect((await raw(any.url, request(`OPTIONS ${chat}`, { ...key, origin: page }))).status).toBe(405);
  });
});

interface Row {
  readonly name: string;
  readonly bytes: (headers: Record<string, string>) => string;
  readonly status: number;
  readonly faults?: readonly Fault[];
}

const slow: Fault = { kind: 'delay', ms: 100 };
const rows: readonly Row[] = [
  { name: 'a completion', bytes: (more) => post({}, { ...key, ...more }), status: 200 },
  { name: 'a late completion', bytes: (more) => post({}, { ...key, ...more }), status: 200, faults: [slow] },
  { name: 'a stream', bytes: (more) => post({ stream: true }, { ...key, ...more }), status: 200 },
  {
    name: 'a late stream',
    bytes: (more) => post({ stream: true }, { ...key, ...more }),
    status: 200,
    faults: [slow],
  },
  { name: 'the models', bytes: (more) => request('GET /v1/models', { ...key, ...more }), status: 200 },
  { name: 'health', bytes: (more) => request('GET /health', more), status: 200 },
  { name: 'a refused parameter', bytes: (more) => post({ n: 'x' }, { ...key, ...more }), status: 400 },
  { name: 'no key', bytes: (more) => post({}, more), status: 401 },
  { name: 'an unknown path', bytes: (more) => request('GET /x', { ...key, ...more }), status: 404 },
  {
    name: 'a wrong method',
    bytes: (more) => request('DELETE /v1/models', { ...key, ...more }),
    status: 405,
  },
  {
    name: 'a body too large',
    bytes: (more) => post({ user: 'x'.repeat(20_000) }, { ...key, ...more }),
    status: 413,
  },
  {
    name: 'a body of another type',
    bytes: (more) => post({}, { ...key, 'content-type': 'text/plain', ...more }),
    status: 415,
  },
  {
    name: 'a failure of the upstream',
    bytes: (more) => post({}, { ...key, ...more }),
    status: 503,
    faults: [{ kind: 'status', status: 529 }],
  },
  {
    name: 'a bad escape, refused by the router',
    bytes: (more) => request('GET /v1/models/%zz', { ...key, ...more }),
    status: 400,
  },
  {
    name: 'a body that never ends, refused by the parser',
    bytes: (more) => post({}, { ...key, ...more }).slice(0, -5),
    status: 408,
  },
];

describe('an answer can be read by the page', () => {
  it.each(rows)('$name', async ({ bytes, status, faults = [] }) => {
    for (const [server, origin, allowed] of [
      [listed, page, page],
      [any, page, '*'],
    ] as const) {
      for (const fault of faults) simulator.inject(fault);
      const answer = await raw(server.url, bytes({ origin }), 800);
      expect(answer.status, answer.text.slice(0, 300)).toBe(status);
      expect(answer.headers.get('access-control-allow-origin')).toBe(allowed);
      const exposed = answer.headers.get('access-control-expose-headers')?.split(', ') ?? [];
      expect(exposed).toEqual(
        expect.arrayContaining(['x-request-id', 'x-ratelimit-remaining-tokens', 'retry-after']),
      );
      // Every header of ours, but for those that speak to the browser.
      const ours = [...answer.headers.keys()].filter((name) => /^(x-|openai-|retry|allow$)/.test(name));
      const forBrowsers = ['x-content-type-options', 'x-accel-buffering'];
      expect(exposed).toEqual(expect.arrayContaining(ours.filter((name) => !forBrowsers.includes(name))));
      if (server === listed) expect(answer.headers.get('vary')).toBe('Origin');
    }
  });

  it('unless it comes from elsewhere', async () => {
    const answer = await raw(listed.url, post({}, { ...key, origin: 'https://evil.example' }));
    expect(answer.status).toBe(200);
    expect(corsOf(answer)).toEqual({});
    expect(answer.headers.get('vary')).toBe('Origin');
  });

  it.each(rows)('and without the setting nothing is said: $name', async ({ bytes, status, faults = [] }) => {
    for (const fault of faults) simulator.inject(fault);
    const answer = await raw(closed.url, bytes({ origin: page }), 800);
    expect(answer.status).toBe(status);
    expect(corsOf(answer)).toEqual({});
    expect(answer.headers.get('vary')).toBeNull();
  });
});
