import { describe, expect, it } from 'vitest';
import { readUntilCut } from '../support/cut.ts';
import { serverOfTest, useServer, useSimulator } from '../support/fixtures.ts';
import { testKey } from '../support/server.ts';
import { until } from '../support/until.ts';

const simulator = useSimulator();
const server = useServer({ upstream: simulator, env: { MAX_RETRIES: '0' } });

const lineOf = async (body: object, headers?: Record<string, string>) => {
  const response = await server.post({ messages: [{ role: 'user', content: 'Hi' }], ...body }, headers);
  await readUntilCut(response);
  await until(() => server.logs.length > 0, 'the log line');
  expect(server.logs).toHaveLength(1);
  return { line: server.logs[0] ?? {}, response };
};

// Behaviour 11.2
describe('one line a request', () => {
  it.each([
    { model: 'claude-4-5-haiku', stream: false, upstream: 'anthropic', id: 'claude-haiku-4-5-20251001' },
    { model: 'claude-4-5-haiku', stream: true, upstream: 'anthropic', id: 'claude-haiku-4-5-20251001' },
    { model: 'nova-lite', stream: false, upstream: 'bedrock-converse', id: 'amazon.nova-lite-v1:0' },
    { model: 'nova-lite', stream: true, upstream: 'bedrock-converse', id: 'amazon.nova-lite-v1:0' },
  ])('$model, stream: $stream', async ({ model, stream, upstream, id }) => {
    const { line, response } = await lineOf(
      { model, stream, seed: 1, temperature: 1.5, metadata: { job: '7' } },
      { 'x-request-id': 'r-1' },
    );
    expect(line).toMatchObject({
      level: 'info',
      request_id: 'r-1',
      method: 'POST',
      route: '/v1/chat/completions',
      status: 200,
      ended: 'complete',
      model,
      stream,
      upstream,
      upstream_model: id,
      upstream_request_id: response.headers.get('x-upstream-request-id'),
      key_fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/),
      duration_ms: expect.any(Number),
      prompt_tokens: expect.any(Number),
      completion_tokens: expect.any(Number),
      cached_tokens: 0,
      cost_usd: expect.any(Number),
      finish: 'end_turn',
      ignored: ['seed'],
      adjusted: ['temperature'],
      metadata: { job: '7' },
    });
    if (stream) expect(line.first_byte_ms).toEqual(expect.any(Number));
    expect(line.cost_usd).toBeGreaterThan(0);
  });

  it('of a refused request names the path', async () => {
    const { line } = await lineOf({ model: 'claude-4-5-haiku', temperature: 9 });
    expect(line).toMatchObject({
      status: 400,
      ended: 'failed',
      error: { type: 'invalid_request_error', param: 'temperature' },
    });
  });

  it("of an upstream's failure names its type, status and request id", async () => {
    const { line } = await lineOf({
      model: 'nova-lite',
      messages: [{ role: 'user', content: '[[fault status=500]]' }],
    });
    expect(line).toMatchObject({
      level: 'error',
      status: 502,
      ended: 'failed',
      upstream: 'bedrock-converse',
      error: {
        cause: {
          upstream_status: 500,
          upstream_type: 'InternalServerException',
          upstream_request_id: expect.any(String),
        },
      },
    });
  });

  // An outage writes thousands of these a second.
  it.each([
    { name: 'refused', fault: '[[fault refuse]]' },
    { name: 'reset before the headers', fault: '[[fault reset after=0]]' },
    { name: 'reset in the middle', fault: '[[fault reset after=4]] [[length 60]]' },
  ])('of a lost upstream connection, $name, is short and has no stack', async ({ fault }) => {
    for (const stream of [false, true]) {
      server.clearLogs();
      const { line } = await lineOf({
        model: 'claude-4-5-haiku',
        stream,
        messages: [{ role: 'user', content: fault }],
      });
      expect(line).toMatchObject({
        level: 'error',
        ended: 'failed',
        error: { status: 502, cause: { name: expect.any(String), code: expect.any(String) } },
      });
      expect(JSON.stringify(line)).not.toContain('stack');
      expect(JSON.stringify(line).length).toBeLessThan(900);
    }
  });

  it('of an answer that failed after its 200 is as loud as one that failed before', async () => {
    const { line } = await lineOf({
      model: 'claude-4-5-haiku',
      stream: true,
      messages: [{ role: 'user', content: 'Hi [[fault end-early after=3]]' }],
    });
    expect(line).toMatchObject({ level: 'error', status: 200, ended: 'failed', error: { status: 502 } });
  });

  it('of a wrong key is there as well', async () => {
    const { line } = await lineOf({ model: 'nova-lite' }, { authorization: 'Bearer wrong' });
    expect(line).toMatchObject({ status: 401, ended: 'failed' });
  });

  it('of probes is quiet', async () => {
    for (const path of ['/health', '/livez', '/healthz', '/ready', '/readyz'])
      await fetch(`${server.url}${path}`);
    await fetch(`${server.url}/v1/models`, { headers: { authorization: `Bearer ${testKey}` } });
    await until(() => server.logs.length > 0, 'the log line');
    expect(server.logs.map((line) => line.route)).toEqual(['/v1/models']);
  });

  it('names as many unknown fields as the headers and the refusal do', async () => {
    const unknown = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`x${at}`, at]));
    const { line, response } = await lineOf({ model: 'nova-lite', ...unknown });
    const header = response.headers.get('x-ignored-params')?.split(', ') ?? [];
    expect(header).toHaveLength(51);
    expect(header.at(-1)).toBe('and 10 more');
    expect(line.ignored).toEqual(header.slice(0, 50));
    const refused = await server.post({
      model: 'nova-lite',
      messages: [{ role: 'user', content: 'Hi' }],
      ...unknown,
      allow_ignored_params: false,
    });
    expect(await refused.text()).toContain('x49 and 10 more would have no effect');
  });

  it('two clients have two fingerprints, one client has one', async () => {
    const one = await lineOf({ model: 'nova-lite' });
    server.clearLogs();
    const again = await lineOf({ model: 'nova-lite' });
    server.clearLogs();
    const other = await lineOf({ model: 'nova-lite' }, { authorization: 'Bearer other' });
    expect(again.line.key_fingerprint).toBe(one.line.key_fingerprint);
    expect(other.line.key_fingerprint).not.toBe(one.line.key_fingerprint);
  });
});

describe('the log of a start', () => {
  it("holds no line of the framework's beside ours", async () => {
    const fresh = await serverOfTest({ upstream: simulator, env: { LOG_LEVEL: 'trace' } });
    expect(fresh.logs).toEqual([]);
  });

  it('is empty where it is switched off', async () => {
    const silent = await serverOfTest({ upstream: simulator, env: { LOG_LEVEL: 'silent' } });
    await (await silent.post({ model: 'nova' })).text();
    expect(silent.logs).toEqual([]);
  });
});
