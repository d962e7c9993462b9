import { describe, expect, it } from 'vitest';
import { expectError } from '../support/errors.ts';
import { nowhere, serverOfTest, useServer } from '../support/fixtures.ts';
import { raw, request } from '../support/raw.ts';
import { until } from '../support/until.ts';

const setup = { upstream: nowhere, played: ['anthropic'] } as const;
const server = useServer({ ...setup, env: { INFERENCE_KEY: 'first-key, second-key' } });

const statusWith = async (headers: Record<string, string>, path = '/v1/models') =>
  (await raw(server.url, request(`GET ${path}`, headers))).status;
const status = async (authorization: string | undefined, path = '/v1/models') =>
  (await raw(server.url, request(`GET ${path}`, authorization === undefined ? {} : { authorization })))
    .status;

// Behaviour 1.2
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

  it.each<Record<string, string>>([
    { 'x-api-key': 'first-key' },
    { 'api-key': 'second-key' },
    { 'X-API-Key': '  first-key  ' },
    { authorization: 'Bearer wrong', 'x-api-key': 'first-key' },
    { authorization: 'Bearer first-key', 'x-api-key': 'wrong' },
    { authorization: 'Basic d3Jvbmc6a2V5', 'api-key': 'first-key' },
    { authorization: '', 'x-api-key': '', 'api-key': 'first-key' },
    { 'x-api-key': 'wrong', 'api-key': 'second-key' },
    { 'x-api-key': 'first-key', 'api-key': 'second-key' },
  ])('%j is accepted: the headers are of equal rank, and one valid key is enough', async (headers) => {
    expect(await statusWith(headers)).toBe(200);
  });

  it.each<Record<string, string>>([
    { 'x-api-key': '' },
    { 'x-api-key': 'wrong' },
    { 'api-key': 'wrong' },
    { 'x-api-key': 'Bearer first-key' },
    { 'x-api-key': 'first-key, second-key' },
    { authorization: 'Bearer wrong', 'x-api-key': 'wrong', 'api-key': 'wrong' },
    { 'proxy-authorization': 'Bearer first-key' },
    { apikey: 'first-key' },
  ])('%j is refused', async (headers) => {
    expect(await statusWith(headers)).toBe(401);
  });

  it.each<Record<string, string>>([{}, { authorization: 'Bearer wrong' }, { 'x-api-key': 'wrong' }])(
    'that is missing or wrong, %j: the answer names the ways to send one',
    async (headers) => {
      const answer = await raw(server.url, request('GET /v1/models', headers));
      const { message } = expectError(answer.body, answer.headers);
      for (const way of ['Authorization: Bearer', 'x-api-key', 'api-key']) expect(message).toContain(way);
    },
  );

  it('leaves the same fingerprint in the log, whichever header had it and whatever was beside it', async () => {
    server.clearLogs();
    const all = [
      { authorization: 'Bearer first-key' },
      { 'x-api-key': 'first-key' },
      { 'api-key': 'first-key' },
      { authorization: 'Bearer wrong', 'x-api-key': 'first-key' },
    ];
    for (const headers of all) await statusWith(headers);
    await until(() => server.logs.length === all.length, 'a line for each');
    expect(new Set(server.logs.map((line) => line.key_fingerprint)).size).toBe(1);
  });

  it('that is wrong is not shown, neither in the answer nor in the log', async () => {
    const answer = await raw(
      server.url,
      request('GET /v1/models', { authorization: 'Bearer sk-marker-typo', 'x-api-key': 'marker' }),
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
    ['/openapi.json', 200],
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
    const open = await serverOfTest({ ...setup, env: { METRICS: 'open' } });
    expect((await fetch(`${open.url}/metrics`)).status).toBe(200);
  });

  it('nothing does with anonymous access, and a wrong key does no harm', async () => {
    const open = await serverOfTest({ ...setup, env: { INFERENCE_KEY: '', ALLOW_ANONYMOUS: 'true' } });
    expect((await fetch(`${open.url}/v1/models`)).status).toBe(200);
    expect((await fetch(`${open.url}/v1/models`, { headers: { authorization: 'Bearer x' } })).status).toBe(
      200,
    );
  });
});
