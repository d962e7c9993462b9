import { afterEach, describe, expect, it } from 'vitest';
import { type App, buildApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { Sealer } from '../../src/core/sealer.ts';
import { createCatalogue } from '../../src/models/catalogue.ts';
import { createProviders } from '../../src/providers/registry.ts';
import { createLogger } from '../../src/server/logger.ts';
import { createLocalStore } from '../../src/store/local.ts';
import { expectError } from '../support/errors.ts';
import { today } from '../support/today.ts';

let app: App | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

const build = (env: Record<string, string> = {}): App => {
  const config = readConfig({
    INFERENCE_KEY: 'k',
    AWS_REGION: 'us-east-1',
    AWS_BEARER_TOKEN_BEDROCK: 'b',
    ...env,
  });
  const { upstreams, aliases, aws } = config;
  app = buildApp({
    config,
    catalogue: createCatalogue({
      upstreams,
      aliases,
      region: aws?.region,
      overrides: [],
      now: () => new Date(today),
    }),
    providers: createProviders(config),
    logger: createLogger('silent'),
    store: createLocalStore(),
    responseStore: createLocalStore(),
    sealer: new Sealer(['a secret of this test']),
  });
  return app;
};

const get = async ({ server }: App, url: string, headers: Record<string, string> = {}) => {
  const response = await server.inject({ url, headers });
  return {
    status: response.statusCode,
    text: response.body,
    headers: new Headers(response.headers as Record<string, string>),
  };
};

// Behaviour 1.1, 11.4
describe('health and readiness', () => {
  it('are both fine in a server that serves', async () => {
    const built = build();
    expect((await get(built, '/health')).status).toBe(200);
    expect((await get(built, '/ready')).status).toBe(200);
  });

  it('while draining: alive, not ready, and no new requests', async () => {
    const built = build();
    built.drain();
    expect((await get(built, '/health')).status).toBe(200);
    const ready = await get(built, '/ready');
    expect(ready.status).toBe(503);
    expect(expectError(ready.text, ready.headers).type).toBe('server_error');
    const refused = await get(built, '/v1/models', { authorization: 'Bearer k' });
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(expectError(refused.text, refused.headers).type).toBe('server_error');
  });

  it('with no usable upstream: alive, not ready', async () => {
    const config = readConfig({ INFERENCE_KEY: 'k', AWS_REGION: 'us-east-1' });
    app = buildApp({
      config,
      catalogue: createCatalogue({
        upstreams: [],
        region: undefined,
        aliases: {},
        overrides: [],
        now: () => new Date(today),
      }),
      providers: createProviders(config),
      logger: createLogger('silent'),
      store: createLocalStore(),
      responseStore: createLocalStore(),
      sealer: new Sealer(['a secret of this test']),
    });
    expect((await get(app, '/health')).status).toBe(200);
    expect((await get(app, '/ready')).status).toBe(503);
  });
});

describe('the names that Kubernetes uses', () => {
  it.each([
    ['/livez', '/health'],
    ['/healthz', '/health'],
    ['/readyz', '/ready'],
  ])('%s answers as %s, draining or not', async (alias, path) => {
    const built = build();
    expect(await get(built, alias)).toMatchObject({ status: 200, text: (await get(built, path)).text });
    built.drain();
    expect((await get(built, alias)).status).toBe((await get(built, path)).status);
  });
});

describe('the other pages', () => {
  it('/ is a static page without data', async () => {
    const { status, text, headers } = await get(build(), '/');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('text/html');
    expect(text).not.toContain('nova-lite');
    expect(text).toContain('href="openapi.json"');
  });

  it('/openapi.json describes every parameter of the table', async () => {
    const { text } = await get(build(), '/openapi.json');
    const document = JSON.parse(text) as { openapi: string; paths: Record<string, unknown> };
    expect(document.openapi).toMatch(/^3\.1/);
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/v1/chat/completions', '/v1/models', '/v1/models/{id}', '/health', '/ready']),
    );
    for (const name of ['max_completion_tokens', 'extended_thinking', 'metadata', 'seed'])
      expect(text).toContain(`"${name}"`);
  });

  it('/metrics speaks Prometheus', async () => {
    const built = build({ METRICS: 'open' });
    await get(built, '/nothing', { authorization: 'Bearer k' });
    const { status, text, headers } = await get(built, '/metrics');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('text/plain');
    for (const name of [
      'parley_requests_total',
      'parley_errors_total',
      'parley_time_to_first_token_seconds',
      'parley_request_duration_seconds',
      'parley_tokens_total',
      'parley_cost_usd_total',
      'parley_open_streams',
      'nodejs_eventloop_lag',
    ])
      expect(text).toContain(name);
  });

  it('/metrics does not exist where it is off', async () => {
    expect((await get(build({ METRICS: 'off' }), '/metrics', { authorization: 'Bearer k' })).status).toBe(
      404,
    );
  });
});
