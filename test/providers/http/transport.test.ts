import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { expectError } from '../../support/errors.ts';
import { useServers, useSimulator } from '../../support/fixtures.ts';
import { listen } from '../../support/listen.ts';
import { startServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

// Paced, so that a broken connection cannot swallow the headers before it.
const simulator = useSimulator({ delayMs: 1 });
const servers = {
  patient: useServers({ upstream: simulator, env: { MAX_RETRIES: '0' } }),
  hasty: useServers({
    upstream: simulator,
    env: { MAX_RETRIES: '0', FIRST_BYTE_TIMEOUT_MS: '400', TOTAL_TIMEOUT_MS: '500' },
  }),
};

const upstreams = [
  { upstream: 'anthropic', server: 'anthropic', model: 'claude-4-5-haiku' },
  { upstream: 'bedrock', server: 'bedrock', model: 'claude-4-5-haiku' },
  { upstream: 'bedrock-converse', server: 'bedrock', model: 'nova-lite' },
] as const;

const failures = [
  {
    name: 'a reset',
    fault: { kind: 'reset', afterEvents: 0 },
    waits: 'patient',
    status: 502,
    type: 'connection_lost',
  },
  {
    name: 'silence',
    fault: { kind: 'stall', afterEvents: 0 },
    waits: 'hasty',
    status: 504,
    type: 'timeout',
  },
] as const;

// Behaviour 1.4
describe('a connection that fails once the upstream has answered says which upstream that was', () => {
  const rows = upstreams.flatMap((upstream) =>
    failures.flatMap((failure) => [true, false].map((stream) => ({ ...upstream, ...failure, stream }))),
  );
  it.each(rows)('$name, $upstream, stream: $stream', async (row) => {
    const { upstream, server, model, fault, waits, status, type, stream } = row;
    simulator.inject(fault);
    const { post, logs } = servers[waits][server];
    const response = await post({ model, stream, messages: [{ role: 'user', content: '[[length 60]]' }] });
    expect(response.status).toBe(status);
    expectError(await response.text(), response.headers);
    expect(response.headers.get('x-upstream')).toBe(upstream);
    const id = response.headers.get('x-upstream-request-id');
    expect(id).toBeTruthy();
    await until(() => logs.some((line) => line.status === status), 'the log line');
    expect(logs.find((line) => line.status === status)).toMatchObject({
      upstream,
      upstream_request_id: id,
      error: { status, cause: { upstream, upstream_type: type, upstream_request_id: id } },
    });
  });

  it('and one that fails before says nothing', async () => {
    simulator.inject({ kind: 'refuse' });
    const response = await servers.patient.anthropic.post({
      model: 'claude-4-5-haiku',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    expect(response.status).toBe(502);
    expect(response.headers.get('x-upstream')).toBeNull();
  });
});

// Behaviour 8.9
describe('a redirect of an upstream', () => {
  it.each([301, 302, 303, 307, 308])('%i is a failure, and the credential goes nowhere', async (status) => {
    const seen: string[] = [];
    const elsewhere = createServer((incoming, response) => {
      seen.push(incoming.url ?? '');
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
    const { url: target, close: closeElsewhere } = await listen(elsewhere);
    const upstream = createServer((incoming, response) => {
      incoming.resume();
      // Both to another host and to another path of the same one.
      const location = incoming.headers['x-api-key'] === undefined ? '/elsewhere' : `${target}/elsewhere`;
      seen.push(incoming.url ?? '');
      response.writeHead(status, { location }).end();
    });
    const { url, close } = await listen(upstream);
    for (const where of [{ anthropicUrl: url }, { bedrockUrl: url }]) {
      const server = await startServer({ ...where, env: { MAX_RETRIES: '0' } });
      const response = await server.post({
        model: 'claude-4-5-haiku',
        messages: [{ role: 'user', content: 'Hi' }],
      });
      expect(response.status).toBe(502);
      const text = await response.text();
      expectError(text, response.headers);
      expect(text).not.toContain('elsewhere');
      await server.close();
    }
    expect(seen).toHaveLength(2);
    expect(seen).not.toContain('/elsewhere');
    await Promise.all([closeElsewhere(), close()]);
  });
});
