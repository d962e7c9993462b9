import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectError } from '../support/errors.ts';
import { raw, request } from '../support/raw.ts';
import { startServer, type TestServer } from '../support/server.ts';

const nowhere = 'http://127.0.0.1:9';
let server: TestServer;
beforeAll(async () => {
  server = await startServer({ anthropicUrl: nowhere, env: { INFERENCE_KEY: 'first-key, second-key' } });
});
afterAll(() => server.close());

const status = async (authorization: string | undefined, path = '/v1/models') =>
  (await raw(server.url, request(`GET ${path}`, authorization === undefined ? {} : { authorization })))
    .status;

// BEHAVIOUR 1.2
describe('a key', () => {
  it.each([
    'Bearer first-key',
    'Bearer second-key',
    'bearer first-key',
    'BEARER first-key',
    'Bearer    first-key',
    'Bearer first-key  ',
  ])('%j is accepted', async (authorization) => {
    expect(await status(authorization)).toBe(200);
  });

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer wrong',
    'Bearer first-ke',
    'Bearer first-keyy',
    'Bearer FIRST-KEY',
    'Bearer first-key,second-key',
    'Bearer first-key second-key',
    'Basic first-key',
    'first-key',
    'Bearerfirst-key',
  ])('%j is refused', async (authorization) => {
    expect(await status(authorization)).toBe(401);
  });

  it('that is wrong is not shown, neither in the answer nor in the log', async () => {
    const answer = await raw(
      server.url,
      request('GET /v1/models', { authorization: 'Bearer sk-marker-typo' }),
    );
    const error = expectError(answer.body, answer.headers);
    expect(error).toMatchObject({ type: 'authentication_error', code: 'invalid_api_key' });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(answer.text).not.toContain('marker');
    expect(JSON.stringify(server.logs)).not.toContain('marker');
  });

  it('is checked before the body is read', async () => {
    const head = request('POST /v1/chat/completions', {
      authorization: 'Bearer wrong',
      'content-type': 'application/json',
      'content-length': '10000000',
    });
    expect((await raw(server.url, head)).status).toBe(401);
  });
});

describe('what needs a key', () => {
  it.each([
    ['/', 200],
    ['/health', 200],
    ['/ready', 200],
    ['/metrics', 401],
    ['/openapi.json', 401],
    ['/v1/models', 401],
    ['/v1/models/claude-4-5-haiku', 401],
    ['/v1/chat/completions', 401],
    ['/unknown', 401],
    ['//health', 200],
    ['/health/..%2fv1/models', 401],
  ] as const)('%s without one: %i', async (path, expected) => {
    expect(await status(undefined, path)).toBe(expected);
  });

  it('the metrics do not where the operator opens them', async () => {
    const open = await startServer({ anthropicUrl: nowhere, env: { METRICS: 'open' } });
    expect((await fetch(`${open.url}/metrics`)).status).toBe(200);
    await open.close();
  });

  it('nothing does with anonymous access, and a wrong key does no harm', async () => {
    const open = await startServer({
      anthropicUrl: nowhere,
      env: { INFERENCE_KEY: '', ALLOW_ANONYMOUS: 'true' },
    });
    expect((await fetch(`${open.url}/v1/models`)).status).toBe(200);
    expect((await fetch(`${open.url}/v1/models`, { headers: { authorization: 'Bearer x' } })).status).toBe(
      200,
    );
    await open.close();
  });
});
