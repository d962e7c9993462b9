import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { readUntilCut } from '../support/cut.ts';
import { expectError } from '../support/errors.ts';
import { serverOfTest, useServers, useSimulator } from '../support/fixtures.ts';
import { request } from '../support/raw.ts';
import { testKey } from '../support/server.ts';
import { until } from '../support/until.ts';

type Upstream = (typeof upstreams)[number];

// Events come one by one, so that a broken connection cannot swallow those before it.
const simulator = useSimulator({ delayMs: 1, isFresh: true });
/** One server per provider, so that no failure is hidden by failing over to another. */
const servers = useServers({ upstream: simulator, env: { MAX_RETRIES: '0' }, isFresh: true });

const upstreams = ['anthropic', 'bedrock', 'bedrock-converse'] as const;
const models = {
  anthropic: 'claude-4-5-haiku',
  bedrock: 'claude-4-sonnet',
  'bedrock-converse': 'nova-lite',
} as const;

const body = (upstream: Upstream, stream: boolean, content = 'Hi', more: object = {}) => ({
  model: models[upstream],
  messages: [{ role: 'user', content }],
  ...(stream ? { stream } : {}),
  ...more,
});

/** A request that can be hung up on. */
const call = (upstream: Upstream, stream: boolean, content?: string, more?: object) => {
  const hangUp = new AbortController();
  const response = fetch(`${serverFor(upstream).url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body(upstream, stream, content, more)),
    signal: hangUp.signal,
  });
  response.catch(() => undefined);
  return { response, hangUp: () => hangUp.abort() };
};

const serverFor = (upstream: Upstream) => servers[upstream === 'anthropic' ? 'anthropic' : 'bedrock'];
const ask = (upstream: Upstream, stream: boolean, content?: string) =>
  serverFor(upstream).post(body(upstream, stream, content));
const lines = () =>
  [...servers.anthropic.logs, ...servers.bedrock.logs].filter(
    (line) => line.route === '/v1/chat/completions',
  );
const seen = () => simulator.requests.at(-1);

// Behaviour 8.7
describe.each(upstreams)('a client that hangs up cancels the call to %s', (upstream) => {
  it.each([true, false])('while the model thinks, stream: %s', async (stream) => {
    simulator.inject({ kind: 'hang' });
    const { hangUp } = call(upstream, stream);
    await until(() => simulator.requests.length === 1, 'the upstream is asked');
    hangUp();
    await until(() => seen()?.aborted === true, 'the upstream call is cancelled', 500);
    await until(() => lines().length === 1, 'the log line');
    // No status was sent: 499 is what proxies write for that.
    expect(lines()[0]).toMatchObject({ ended: 'client_gone', status: 499, model: models[upstream] });
  });

  it('in the middle of the stream, and the log says what was used until then', async () => {
    simulator.inject({ kind: 'stall', afterEvents: 4 });
    const { response, hangUp } = call(upstream, true, '[[length 200]]');
    const reader = (await response).body?.getReader();
    await reader?.read();
    hangUp();
    await until(() => seen()?.aborted === true, 'the upstream call is cancelled', 500);
    await until(() => lines().length === 1, 'the log line');
    expect(lines()[0]).toMatchObject({ ended: 'client_gone', stream: true });
    // Converse tells its usage only at the end.
    if (upstream !== 'bedrock-converse') expect(lines()[0]?.prompt_tokens).toBeGreaterThan(0);
  });

  it('in the middle of a plain answer', async () => {
    simulator.inject({ kind: 'stall', afterEvents: 0 });
    const { hangUp } = call(upstream, false);
    await until(() => seen()?.status === 200, 'the upstream answers');
    hangUp();
    await until(() => seen()?.aborted === true, 'the upstream call is cancelled', 500);
    await until(() => lines().length === 1, 'the log line');
    expect(lines()[0]).toMatchObject({ ended: 'client_gone' });
  });
});

// Behaviour 8.7; Converse tells its usage only at the end.
it.each(['anthropic', 'bedrock'] as const)(
  'a client that hangs up a plain answer that %s was asked for as a stream: the log says what was used until then',
  async (upstream) => {
    simulator.inject({ kind: 'stall', afterEvents: 4 });
    const { hangUp } = call(upstream, false, '[[length 200]]', { max_tokens: 21_334 });
    await until(() => seen()?.status === 200, 'the upstream answers');
    // By the time that many more events have come through, its first ones are here.
    await (await ask(upstream, true, '[[length 200]]')).text();
    hangUp();
    await until(() => simulator.requests[0]?.aborted === true, 'the upstream call is cancelled', 500);
    await until(() => lines().length === 2, 'both log lines');
    const line = lines().find(({ stream }) => stream !== true);
    expect(line).toMatchObject({ ended: 'client_gone', model: models[upstream] });
    expect(line?.prompt_tokens).toBeGreaterThan(0);
  },
);

describe('a client that stays', () => {
  it.each([true, false])('cancels nothing, stream: %s', async (stream) => {
    await (await ask('anthropic', stream)).text();
    await until(() => lines().length === 1, 'the log line');
    expect(seen()?.aborted).toBe(false);
    expect(lines()[0]).toMatchObject({ ended: 'complete', status: 200 });
  });

  it('is not counted as an open stream afterwards, nor is one who left', async () => {
    simulator.inject({ kind: 'stall', afterEvents: 4 });
    const left = call('anthropic', true, '[[length 200]]');
    await (await left.response).body?.getReader().read();
    left.hangUp();
    await (await ask('anthropic', true)).text();
    await until(() => lines().length === 2, 'both log lines');
    const metrics = await fetch(`${servers.anthropic.url}/metrics`, {
      headers: { authorization: `Bearer ${testKey}` },
    });
    expect(await metrics.text()).toMatch(/^parley_open_streams 0$/m);
  });
});

// Behaviour 7.6
describe('a failure before the first byte is a real status', () => {
  it.each(upstreams)('refused by %s', async (upstream) => {
    simulator.inject({ kind: 'status', status: 400, message: 'messages: this will not do' });
    const response = await ask(upstream, true);
    expect(response.status).toBe(400);
    expect(expectError(await response.text(), response.headers).message).toContain('this will not do');
  });

  it.each(upstreams)('an error as the first event of %s', async (upstream) => {
    const type = upstream === 'anthropic' ? 'overloaded_error' : 'serviceUnavailableException';
    simulator.inject({ kind: 'error-event', afterEvents: 0, type, message: 'busy' });
    const response = await ask(upstream, true);
    // Bedrock's Claude says it in Anthropic's words within a 200, or as an exception: both are a 5xx.
    expect(response.status).toBeGreaterThanOrEqual(500);
    expect(expectError(await response.text(), response.headers).type).toBe('server_error');
  });

  it('a connection that breaks', async () => {
    simulator.inject({ kind: 'refuse' });
    const response = await ask('anthropic', true);
    expect(response.status).toBe(502);
    expectError(await response.text(), response.headers);
  });
});

// Behaviour 7.5
describe('a failure after the first byte is one error frame, and the connection is cut', () => {
  it.each([
    { name: 'an error event', fault: { kind: 'error-event', afterEvents: 5, type: '', message: 'busy' } },
    { name: 'a broken connection', fault: { kind: 'reset', afterEvents: 5 } },
    { name: 'an end without the end marker', fault: { kind: 'end-early', afterEvents: 5 } },
    { name: 'garbage', fault: { kind: 'garbage', afterEvents: 5 } },
  ] as const)('$name', async ({ fault }) => {
    for (const upstream of upstreams) {
      simulator.inject(fault);
      const response = await ask(upstream, true, '[[length 200]]');
      expect(response.status).toBe(200);
      const { text, isCut } = await readUntilCut(response);
      expect(isCut).toBe(true);
      const frames = text.split('\n\n').filter((frame) => frame !== '' && !frame.startsWith(':'));
      const last = JSON.parse(frames.at(-1)?.slice('data: '.length) ?? '') as {
        error: { type: string; message: string };
      };
      expect(Object.keys(last), upstream).toEqual(['error']);
      expect(last.error).toEqual({
        message: expect.any(String),
        type: expect.stringMatching(/^(server_error|rate_limit_error)$/),
        param: null,
        code: expect.any(String),
      });
      expect(frames.filter((frame) => frame.includes('[DONE]') || /"finish_reason":"/.test(frame))).toEqual(
        [],
      );
      expect(frames.filter((frame) => frame.startsWith('data: {"error"'))).toHaveLength(1);
    }
    await until(() => lines().length === upstreams.length, 'the log lines');
    for (const line of lines()) expect(line).toMatchObject({ ended: 'failed', status: 200 });
  });

  it.each(['end-early', 'garbage', 'reset'] as const)('%s in a plain answer is a 502', async (kind) => {
    for (const upstream of upstreams) {
      simulator.inject({ kind, afterEvents: 0 });
      const response = await ask(upstream, false);
      expect(response.status, upstream).toBe(502);
      expect(expectError(await response.text(), response.headers).type).toBe('server_error');
    }
  });
});

describe('a client that sends garbage behind the request', () => {
  it('does not get an error page in the middle of the stream', async () => {
    simulator.inject({ kind: 'stall', afterEvents: 4 });
    const payload = JSON.stringify(body('anthropic', true, '[[length 200]]'));
    const head = {
      authorization: `Bearer ${testKey}`,
      'content-type': 'application/json',
      'content-length': String(payload.length),
    };
    const { port } = new URL(servers.anthropic.url);
    const text = await new Promise<string>((resolve) => {
      let seen = '';
      const message = request('POST /v1/chat/completions', head, payload).replace(
        'connection: close',
        'connection: keep-alive',
      );
      const socket = connect({ port: Number(port), host: '127.0.0.1' }, () => socket.write(message));
      socket.setEncoding('utf8');
      socket.once('data', () => socket.write('garbage\r\n\r\n'));
      socket.on('data', (piece: string) => {
        seen += piece;
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(seen));
    });
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    await until(() => seen()?.aborted === true, 'the upstream call is cancelled', 500);
  });
});

describe('a client that reads slowly', () => {
  const fast = useSimulator();

  it('gets every byte, and slows the upstream down instead of filling memory', {
    timeout: 10_000,
  }, async () => {
    const server = await serverOfTest({ upstream: fast, played: ['anthropic'] });
    const warnings: string[] = [];
    const onWarning = ({ name }: Error) => warnings.push(name);
    process.on('warning', onWarning);
    const payload = JSON.stringify({ ...body('anthropic', true, '[[length 30000]]'), max_tokens: 60_000 });
    const { port } = new URL(server.url);
    const head = {
      authorization: `Bearer ${testKey}`,
      'content-type': 'application/json',
      'content-length': String(payload.length),
    };
    let text = '';
    await new Promise<void>((resolve, reject) => {
      const socket = connect({ port: Number(port), host: '127.0.0.1' }, () =>
        socket.write(request('POST /v1/chat/completions', head, payload)),
      );
      socket.setEncoding('utf8');
      let reads = 0;
      socket.on('data', (piece: string) => {
        text += piece;
        // A pause now and then, so that the server's buffer fills again and again.
        if (reads++ % 8 !== 0) return;
        socket.pause();
        setTimeout(() => socket.resume(), 2);
      });
      socket.on('end', resolve);
      socket.on('error', reject);
    });
    process.off('warning', onWarning);
    expect(text).toContain('data: [DONE]');
    expect(text.match(/"content":"(?!")/g)?.length).toBeGreaterThan(500);
    expect(warnings).not.toContain('MaxListenersExceededWarning');
  });
});
