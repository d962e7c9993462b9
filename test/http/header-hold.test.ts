/**
 * When the status of a slow answer goes out: the time in which a model is waited for counts, not the time in which we
 * wait to ask again. Behaviour 7.6, 7.7, 8.2.
 */

import { createServer, type Server } from 'node:http';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startSimulator } from '../../simulator/index.ts';
import { readUntilCut } from '../support/cut.ts';
import { expectError } from '../support/errors.ts';
import { serverOfTest, useSimulator } from '../support/fixtures.ts';
import { listen } from '../support/listen.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { today } from '../support/today.ts';
import { until } from '../support/until.ts';

const models = ['claude-4-5-haiku', 'nova-lite'];

const simulator = useSimulator({ isFresh: true });
let server: TestServer;

/** The SDKs are loaded with the first request; that takes longer than the holds here. */
beforeAll(async () => {
  const warm = await startSimulator({ now: () => today });
  const { anthropicUrl, bedrockUrl } = warm;
  const first = await startServer({ anthropicUrl, bedrockUrl });
  for (const model of models) await (await first.post(body(model, false))).text();
  await first.close();
  await warm.close();
});

const start = async (env: Record<string, string>) => {
  server = await serverOfTest({
    upstream: simulator,
    env: { CLAUDE_UPSTREAMS: 'anthropic', KEEPALIVE_INTERVAL_MS: '20', ...env },
  });
};
const hold = (ms: number) => ({ HEADER_HOLD_MS: String(ms), PLAIN_HOLD_MS: String(ms) });
const body = (model: string, stream: boolean) => ({
  model,
  stream,
  messages: [{ role: 'user', content: 'Hi' }],
});
const always = { times: 20 };
const statuses = () => simulator.requests.map(({ status }) => status);

const everywhere = models.flatMap((model) => [true, false].map((stream) => ({ model, stream })));

describe.each(everywhere)('$model, stream: $stream', ({ model, stream }) => {
  it('a 429 with a short retry-after is still a 429 when it has been asked again in vain', async () => {
    await start(hold(200));
    simulator.inject({ kind: 'status', status: 429, headers: { 'retry-after': '0.18' }, ...always });
    const startedAt = performance.now();
    const response = await server.post(body(model, stream));
    expect(performance.now() - startedAt).toBeGreaterThan(340);
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('1');
    expectError(await response.text(), response.headers);
    expect(statuses()).toEqual([429, 429, 429]);
  });

  it('an answer that comes after such waits has the headers of who answered', async () => {
    await start(hold(200));
    simulator.inject({ kind: 'status', status: 429, headers: { 'retry-after': '0.3' } });
    const response = await server.post(body(model, stream));
    expect(response.status).toBe(200);
    expect(response.headers.get('x-upstream-request-id')).toBeTruthy();
    expect(await response.text()).toMatch(/^(data: )?\{/);
  });

  it('a model that thinks is not waited for any longer because it was asked twice', async () => {
    await start(hold(60));
    simulator.inject({ kind: 'status', status: 429, headers: { 'retry-after': '0.05' } });
    simulator.inject({ kind: 'delay', ms: 400 });
    const response = await server.post(body(model, stream));
    // What is known only after the answer has begun is not in the headers.
    expect(response.headers.get('x-upstream-request-id')).toBeNull();
    expect(await response.text()).toMatch(/^(: keep-alive\n\n| )/);
  });
});

describe('once the status is out', () => {
  it('the model is asked again all the same, and the last failure is in the stream', async () => {
    await start(hold(20));
    simulator.inject({ kind: 'delay', ms: 100 });
    simulator.inject({ kind: 'status', status: 429, headers: { 'retry-after': '0.02' }, ...always });
    const response = await server.post(body('claude-4-5-haiku', true));
    expect(response.status).toBe(200);
    const { text, isCut } = await readUntilCut(response);
    expect(text).toMatch(/data: \{"error":\{.*"code":"rate_limit_exceeded"\}\}\n\n$/);
    expect(isCut).toBe(true);
    expect(statuses()).toEqual([429, 429, 429]);
    await until(() => server.logs.some(({ retries }) => retries === 2), 'the log line');
  });
});

describe('while an image is fetched', () => {
  it('nothing is sent, so that a URL that leads nowhere is a 400', async () => {
    const images: Server = createServer((_request, response) => {
      setTimeout(() => response.writeHead(404).end(), 150);
    });
    const { host, close } = await listen(images);
    onTestFinished(close);
    await start({ ...hold(20), IMAGE_FETCH_ALLOW_HOSTS: host });
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: `http://${host}/cat.png` } },
    ];
    const response = await server.post({
      model: 'nova-lite',
      stream: true,
      messages: [{ role: 'user', content }],
    });
    expect(response.status).toBe(400);
    expect(expectError(await response.text(), response.headers).param).toBe(
      'messages[0].content[1].image_url.url',
    );
  });
});

// Behaviour 8.2
describe('a model that does not begin in time', () => {
  it('is asked again only within the time for retries', async () => {
    await start({ FIRST_BYTE_TIMEOUT_MS: '80', RETRY_BUDGET_MS: '40' });
    simulator.inject({ kind: 'hang', ...always });
    const response = await server.post(body('claude-4-5-haiku', true));
    expect(response.status).toBe(504);
    expect(simulator.requests).toHaveLength(1);
  });

  it('is asked at the second upstream at once, however little time for retries there is', async () => {
    await start({
      FIRST_BYTE_TIMEOUT_MS: '80',
      RETRY_BUDGET_MS: '40',
      CLAUDE_UPSTREAMS: 'anthropic,bedrock',
    });
    simulator.inject({ kind: 'hang', upstream: 'anthropic' });
    const response = await server.post(body('claude-4-5-haiku', true));
    expect(response.status).toBe(200);
    expect(response.headers.get('x-upstream')).toBe('bedrock');
    await response.text();
  });
});
