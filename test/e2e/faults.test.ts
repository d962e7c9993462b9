import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Fault, type Simulator, startSimulator } from '../../simulator/index.ts';
import { readUntilCut } from '../support/cut.ts';
import { expectError } from '../support/errors.ts';
import { listen } from '../support/listen.ts';
import { startServer, type TestServer, testKey } from '../support/server.ts';
import { today } from '../support/today.ts';
import { until } from '../support/until.ts';

let simulator: Simulator;
let server: TestServer | undefined;
beforeEach(async () => {
  // Waits of our own would take seconds; the ceiling of the first one is half of one.
  vi.spyOn(Math, 'random').mockReturnValue(0.01);
  // Events come one by one, so that a broken connection cannot swallow those before it.
  simulator = await startSimulator({ delayMs: 1, now: () => today });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server?.close();
  server = undefined;
  await simulator.close();
});

const setups = {
  'Claude with both upstreams': { model: 'claude-4-5-haiku', anthropic: true, bedrock: true },
  'Claude with one': { model: 'claude-4-5-haiku', anthropic: true, bedrock: false },
  'Claude on Bedrock': { model: 'claude-4-5-haiku', anthropic: false, bedrock: true },
  Nova: { model: 'nova-lite', anthropic: false, bedrock: true },
} as const;
type Setup = keyof typeof setups;

const start = async (setup: Setup, env: Record<string, string> = {}): Promise<TestServer> => {
  const { anthropic, bedrock } = setups[setup];
  server = await startServer({
    anthropicUrl: anthropic ? simulator.anthropicUrl : undefined,
    bedrockUrl: bedrock ? simulator.bedrockUrl : undefined,
    env,
  });
  return server;
};

const body = (setup: Setup, stream: boolean, content: unknown = '[[length 60]]') => ({
  model: setups[setup].model,
  messages: [{ role: 'user', content }],
  ...(stream ? { stream } : {}),
});

const chatLine = async ({ logs }: TestServer) => {
  const find = () => logs.find((line) => line.route === '/v1/chat/completions');
  await until(() => find() !== undefined, 'the log line');
  return find();
};

// ---- what may go wrong ---------------------------------------------------------------------------

/** How many requests the upstreams see, where there are two of them and where there is one. */
const patience = {
  'all, twice again': { both: 4, one: 3 },
  'one more': { both: 2, one: 2 },
  'two more': { both: 3, one: 3 },
  each: { both: 2, one: 1 },
  once: { both: 1, one: 1 },
} as const;

interface Case {
  readonly name: string;
  readonly faults: readonly Fault[];
  readonly requests: keyof typeof patience;
  /** Where it is no failure. */
  readonly fine?: true;
  /** A failure's status; 200 for one in the stream. */
  readonly status?: number;
  readonly code?: string | null;
  readonly retryAfter?: string;
  readonly final?: true;
  /** An upstream had answered, and the headers say which. */
  readonly answered?: true;
  readonly only?: 'stream' | 'plain';
  readonly setups?: readonly Setup[];
  readonly env?: Record<string, string>;
}

const always = { times: 20 };
const short = { 'retry-after': '0.02' };
// Long enough for a busy machine to bring a request to the upstream: one that is given up before is not seen there.
const hurried = { FIRST_BYTE_TIMEOUT_MS: '250' };
const hasty = { TOTAL_TIMEOUT_MS: '400', STREAM_TIMEOUT_MS: '400' };
const impatient = { IDLE_TIMEOUT_MS: '250' };
const onBedrock: readonly Setup[] = ['Claude on Bedrock', 'Nova'];
const broken = { status: 502, code: 'upstream_error' } as const;
const inStream = { status: 200, code: 'upstream_error', requests: 'once', only: 'stream' } as const;

/** An error event in each upstream's own words. */
const event = (afterEvents: number, onAnthropic: string, bedrock: string): Fault[] => [
  {
    kind: 'error-event',
    afterEvents,
    type: onAnthropic,
    message: 'Secret words.',
    upstream: 'anthropic',
    ...always,
  },
  {
    kind: 'error-event',
    afterEvents,
    type: bedrock,
    message: 'Secret words.',
    upstream: 'bedrock',
    ...always,
  },
];

const cases: readonly Case[] = [
  { name: 'nothing', faults: [], fine: true, requests: 'once' },
  { name: 'refused', faults: [{ kind: 'refuse', ...always }], requests: 'all, twice again', ...broken },
  { name: 'refused once', faults: [{ kind: 'refuse' }], fine: true, requests: 'one more' },
  {
    name: 'reset before the first event',
    faults: [{ kind: 'reset', afterEvents: 0, ...always }],
    requests: 'all, twice again',
    ...broken,
  },
  {
    name: 'reset once before the first event',
    faults: [{ kind: 'reset', afterEvents: 0 }],
    fine: true,
    requests: 'one more',
  },
  { name: 'reset in the stream', faults: [{ kind: 'reset', afterEvents: 5, ...always }], ...inStream },
  {
    name: 'clean end before the first event',
    faults: [{ kind: 'end-early', afterEvents: 0, ...always }],
    requests: 'all, twice again',
    only: 'stream',
    answered: true,
    ...broken,
  },
  {
    name: 'half an answer',
    faults: [{ kind: 'end-early', afterEvents: 0, ...always }],
    requests: 'once',
    only: 'plain',
    answered: true,
    ...broken,
  },
  {
    name: 'clean end in the stream',
    faults: [{ kind: 'end-early', afterEvents: 5, ...always }],
    ...inStream,
  },
  {
    name: 'garbage at once',
    faults: [{ kind: 'garbage', afterEvents: 0, ...always }],
    requests: 'once',
    answered: true,
    ...broken,
  },
  { name: 'garbage in the stream', faults: [{ kind: 'garbage', afterEvents: 5, ...always }], ...inStream },
  {
    name: 'a bad checksum at once',
    faults: [{ kind: 'bad-crc', afterEvents: 0, ...always }],
    requests: 'once',
    answered: true,
    setups: onBedrock,
    ...broken,
  },
  {
    name: 'a bad checksum in the stream',
    faults: [{ kind: 'bad-crc', afterEvents: 5, ...always }],
    setups: onBedrock,
    ...inStream,
  },
  {
    name: 'no answer at all',
    faults: [{ kind: 'hang', ...always }],
    requests: 'all, twice again',
    status: 504,
    code: 'upstream_timeout',
    only: 'stream',
    env: hurried,
  },
  {
    name: 'no answer at all',
    faults: [{ kind: 'hang', ...always }],
    requests: 'once',
    status: 504,
    code: 'upstream_timeout',
    only: 'plain',
    env: hasty,
  },
  {
    name: 'headers and then nothing',
    faults: [{ kind: 'stall', afterEvents: 0, ...always }],
    requests: 'all, twice again',
    status: 504,
    code: 'upstream_timeout',
    only: 'stream',
    env: hurried,
  },
  {
    name: 'half an answer and then nothing',
    faults: [{ kind: 'stall', afterEvents: 0, ...always }],
    requests: 'once',
    status: 504,
    code: 'upstream_timeout',
    only: 'plain',
    env: hasty,
  },
  {
    name: 'silence in the stream',
    faults: [{ kind: 'stall', afterEvents: 5, ...always }],
    ...inStream,
    code: 'upstream_timeout',
    env: impatient,
  },
  {
    name: '429 once, with a short wait',
    faults: [{ kind: 'status', status: 429, headers: short }],
    fine: true,
    requests: 'one more',
  },
  {
    name: '429 for ever, with a short wait',
    faults: [{ kind: 'status', status: 429, headers: short, ...always }],
    requests: 'all, twice again',
    status: 429,
    code: 'rate_limit_exceeded',
    retryAfter: '1',
    answered: true,
  },
  {
    name: '429 with a long wait',
    faults: [{ kind: 'status', status: 429, headers: { 'retry-after': '30' }, ...always }],
    requests: 'each',
    status: 429,
    code: 'rate_limit_exceeded',
    retryAfter: '30',
    answered: true,
  },
  {
    name: 'a spent quota',
    faults: [{ kind: 'status', status: 429, message: 'You have exceeded your quota.', ...always }],
    requests: 'each',
    status: 429,
    code: 'insufficient_quota',
    retryAfter: '60',
    final: true,
    answered: true,
  },
  {
    name: '500 once, then fine',
    faults: [{ kind: 'status', status: 500 }],
    fine: true,
    requests: 'one more',
  },
  {
    name: '500 twice, then fine',
    faults: [{ kind: 'status', status: 500, times: 2 }],
    fine: true,
    requests: 'two more',
  },
  {
    name: '500 for ever',
    faults: [{ kind: 'status', status: 500, ...always }],
    requests: 'all, twice again',
    answered: true,
    ...broken,
  },
  {
    name: '503 for ever',
    faults: [{ kind: 'status', status: 503, ...always }],
    requests: 'all, twice again',
    status: 503,
    code: 'overloaded',
    retryAfter: '2',
    answered: true,
  },
  {
    name: 'an error event first',
    faults: event(0, 'api_error', 'internalServerException'),
    requests: 'all, twice again',
    answered: true,
    ...broken,
  },
  {
    name: 'an overload event first',
    faults: event(0, 'overloaded_error', 'serviceUnavailableException'),
    requests: 'all, twice again',
    status: 503,
    code: 'overloaded',
    retryAfter: '2',
    answered: true,
  },
  {
    name: 'an error event in the stream',
    faults: event(5, 'api_error', 'internalServerException'),
    ...inStream,
  },
  {
    name: 'an overload event in the stream',
    faults: event(5, 'overloaded_error', 'serviceUnavailableException'),
    ...inStream,
    code: 'overloaded',
  },
  {
    name: 'a model error in the stream',
    faults: event(5, 'api_error', 'modelStreamErrorException'),
    ...inStream,
  },
  {
    name: 'throttling in the stream',
    faults: event(5, 'rate_limit_error', 'throttlingException'),
    ...inStream,
    code: 'rate_limit_exceeded',
  },
  {
    name: 'a page of some proxy, 502',
    faults: [{ kind: 'html', status: 502, ...always }],
    requests: 'all, twice again',
    answered: true,
    ...broken,
  },
  {
    name: 'a page of some proxy, 200',
    faults: [{ kind: 'html', status: 200, ...always }],
    requests: 'once',
    answered: true,
    ...broken,
  },
  {
    name: 'our credential refused',
    faults: [{ kind: 'status', status: 403, message: 'Secret words.', ...always }],
    requests: 'each',
    status: 502,
    code: 'upstream_credential_refused',
    final: true,
    answered: true,
  },
  {
    name: 'a bad request',
    faults: [{ kind: 'status', status: 400, message: 'messages: this will not do', ...always }],
    requests: 'once',
    status: 400,
    code: null,
    answered: true,
  },
];

const framesOf = (text: string) =>
  text.split('\n\n').filter((frame) => frame !== '' && !frame.startsWith(':'));
const isFinish = (frame: string) => frame.includes('[DONE]') || /"finish_reason":"/.test(frame);

/** 200 and a stream that ends as such streams end. */
const expectGoodEnd = async (response: Response, stream: boolean) => {
  expect(response.status).toBe(200);
  const text = await response.text();
  if (!stream) return expect(JSON.parse(text).choices[0].finish_reason).toBe('stop');
  const frames = framesOf(text);
  expect(frames.at(-1)).toBe('data: [DONE]');
  expect(frames.filter(isFinish)).toHaveLength(2);
  expect(text).not.toContain('"error"');
};

/** One error frame, last, and a connection that is cut; nothing that looks as if all was well. */
const expectBadEnd = async (response: Response, code: string | null | undefined) => {
  expect(response.status).toBe(200);
  const { text, isCut } = await readUntilCut(response);
  expect(isCut).toBe(true);
  const frames = framesOf(text);
  expect(frames.length).toBeGreaterThan(1);
  expect(JSON.parse(frames.at(-1)?.slice('data: '.length) ?? '')).toEqual({
    error: {
      // A rate limit's words are the client's.
      message: code === 'rate_limit_exceeded' ? 'Secret words.' : expect.not.stringContaining('Secret'),
      type: code === 'rate_limit_exceeded' ? 'rate_limit_error' : 'server_error',
      param: null,
      code,
    },
  });
  expect(frames.filter(isFinish)).toEqual([]);
  expect(frames.filter((frame) => frame.startsWith('data: {"error"'))).toHaveLength(1);
};

// Behaviour 7.5, 7.6, 8.2, 8.3, 8.4, 8.6
describe.each(Object.keys(setups) as Setup[])(
  'an upstream fails, and its client learns so in time: %s',
  (setup) => {
    const rows = cases
      .filter((row) => row.setups?.includes(setup) ?? true)
      .flatMap((row) =>
        (['plain', 'stream'] as const)
          .filter((mode) => row.only === undefined || row.only === mode)
          // Its plain answers share all but the path with the two others'.
          .filter((mode) => setup !== 'Claude on Bedrock' || mode === 'stream')
          .map((mode) => ({ ...row, mode, stream: mode === 'stream' })),
      );

    it.each(rows)('$name, $mode', async (row) => {
      const { faults, stream, fine, status = 0, code, retryAfter = null, final, answered, env } = row;
      const isBoth = setup === 'Claude with both upstreams';
      const requests = patience[row.requests][isBoth ? 'both' : 'one'];
      for (const fault of faults) simulator.inject(fault);
      const { post, client, logs } = await start(setup, env);
      const response = await post(body(setup, stream));

      if (fine) {
        await expectGoodEnd(response, stream);
        // The headers are of the one that answered.
        expect(response.headers.get('x-upstream')).toMatch(
          setup === 'Nova'
            ? 'bedrock-converse'
            : isBoth && requests === 2
              ? /^bedrock$/
              : /^(anthropic|bedrock)$/,
        );
      } else if (status === 200) {
        await expectBadEnd(response, code);
      } else {
        const text = await response.text();
        expect(text).not.toMatch(/Secret|html/);
        const error = expectError(text, response.headers);
        expect({ status: response.status, code: error.code }).toEqual({ status, code });
        expect(response.headers.get('retry-after')).toBe(retryAfter);
        expect(response.headers.get('x-should-retry')).toBe(final === undefined ? null : 'false');
        if (answered) expect(response.headers.get('x-upstream')).toBeTruthy();
      }
      await until(() => simulator.requests.length >= requests, 'the upstream has seen all requests');
      expect(simulator.requests).toHaveLength(requests);
      const first =
        setup === 'Claude on Bedrock'
          ? 'bedrock-invoke'
          : setup === 'Nova'
            ? 'bedrock-converse'
            : 'anthropic';
      const asked = simulator.requests.map(({ upstream }) => upstream);
      expect(asked).toEqual(asked.map((_, index) => (isBoth && index % 2 === 1 ? 'bedrock-invoke' : first)));

      await until(() => logs.some((line) => line.route === '/v1/chat/completions'), 'the log line');
      const line = logs.find((each) => each.route === '/v1/chat/completions');
      const ended = fine ? 'complete' : status >= 400 ? line?.ended : 'failed';
      expect(line).toMatchObject({ ended, status: fine ? 200 : status });
      expect(line?.retries ?? 0).toBe(requests - 1);
      expect(JSON.stringify(line)).not.toMatch(/Secret words/);

      // A client that accumulates must not take it for an answer either.
      if (!fine && status === 200) {
        const consume = async () => {
          const chunks = await client.chat.completions.create({
            model: setups[setup].model,
            messages: [{ role: 'user', content: '[[length 60]]' }],
            stream: true,
          });
          for await (const _ of chunks);
        };
        await expect(consume()).rejects.toThrow();
      }
    });
  },
);

describe('one upstream in trouble, the other well', () => {
  it.each([
    { name: 'refuses connections', fault: { kind: 'refuse' } },
    { name: 'refuses our credential', fault: { kind: 'status', status: 401 } },
    { name: 'has no quota left', fault: { kind: 'status', status: 429, message: 'Your quota is used up.' } },
    {
      name: 'asks for a long wait',
      fault: { kind: 'status', status: 429, headers: { 'retry-after': '60' } },
    },
    { name: 'is overloaded', fault: { kind: 'status', status: 529 } },
    { name: 'shows a page of some proxy', fault: { kind: 'html', status: 503 } },
  ] as const)('which $name, is made up for by the other', async ({ fault }) => {
    simulator.inject({ ...fault, upstream: 'anthropic', ...always });
    const { post } = await start('Claude with both upstreams');
    for (const stream of [true, false]) {
      const response = await post(body('Claude with both upstreams', stream));
      expect(response.headers.get('x-upstream')).toBe('bedrock');
      await expectGoodEnd(response, stream);
    }
  });

  it('is not asked any more after five failures, until it is well again', async () => {
    simulator.inject({ kind: 'status', status: 500, upstream: 'anthropic', times: 5 });
    const { post } = await start('Claude with both upstreams', { BREAKER_COOLDOWN_MS: '1000' });
    const ask = async () => {
      const response = await post(body('Claude with both upstreams', false, 'Hi'));
      expect(response.status).toBe(200);
      await response.text();
      return response.headers.get('x-upstream');
    };
    for (let request = 0; request < 5; request++) expect(await ask()).toBe('bedrock');
    const asked = simulator.requests.length;
    expect(await ask()).toBe('bedrock');
    expect(simulator.requests).toHaveLength(asked + 1);
    let answeredBy = await ask();
    while (answeredBy === 'bedrock') {
      await new Promise((resolve) => setTimeout(resolve, 20));
      answeredBy = await ask();
    }
    expect(answeredBy).toBe('anthropic');
  });

  it('what may not be ignored is judged by the first upstream that is asked', async () => {
    simulator.inject({ kind: 'status', status: 500, upstream: 'anthropic', times: 5 });
    const { post } = await start('Claude with both upstreams');
    const strict = {
      ...body('Claude with both upstreams', false, 'Hi'),
      seed: 1,
      allow_ignored_params: false,
    };
    expect((await post(strict)).status).toBe(400);
    for (let request = 0; request < 5; request++) await post(body('Claude with both upstreams', false, 'Hi'));
    // The first is passed over now.
    expect((await post(strict)).status).toBe(400);
  });
});

// Behaviour 8.6
describe('a long plain answer, asked for as a stream', () => {
  it.each([
    { name: 'silence', faults: [{ kind: 'stall', afterEvents: 5 }], status: 504, code: 'upstream_timeout' },
    { name: 'a reset', faults: [{ kind: 'reset', afterEvents: 5 }], status: 502, code: 'upstream_error' },
    {
      name: 'a clean end',
      faults: [{ kind: 'end-early', afterEvents: 5 }],
      status: 502,
      code: 'upstream_error',
    },
    { name: 'an error event', faults: event(5, 'overloaded_error', ''), status: 503, code: 'overloaded' },
  ] as const)(
    'fails by $name with a status, and is not asked for again',
    async ({ faults, status, code }) => {
      for (const fault of faults) simulator.inject(fault);
      const { post } = await start('Claude with both upstreams', status === 504 ? impatient : {});
      const response = await post({ ...body('Claude with both upstreams', false), max_tokens: 30_000 });
      expect(response.status).toBe(status);
      expect(expectError(await response.text(), response.headers).code).toBe(code);
      expect(simulator.requests).toHaveLength(1);
      expect(simulator.requests[0]?.body).toMatchObject({ stream: true });
    },
  );

  it('is one answer in the end', async () => {
    const { post } = await start('Claude with one');
    const response = await post({ ...body('Claude with one', false), max_tokens: 30_000 });
    await expectGoodEnd(response, false);
    expect(simulator.requests[0]?.body).toMatchObject({ stream: true });
  });
});

// Behaviour 8.7
describe('a client that hangs up', () => {
  const limit = 250;

  const call = ({ url }: TestServer, payload: unknown) => {
    const hangUp = new AbortController();
    const response = fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(payload),
      signal: hangUp.signal,
    });
    response.catch(() => undefined);
    return { response, hangUp: () => hangUp.abort() };
  };
  const seen = () => simulator.requests.at(-1);
  const expectGone = async (server: TestServer) => {
    expect(await chatLine(server)).toMatchObject({ ended: 'client_gone' });
    expect(server.logs.filter(({ level }) => level === 'error' || Number(level) >= 50)).toEqual([]);
  };

  const states: readonly {
    name: string;
    stream: boolean;
    faults: readonly Fault[];
    env?: Record<string, string>;
    reads?: true;
  }[] = [
    { name: 'waiting for a stream', stream: true, faults: [{ kind: 'hang' }] },
    { name: 'waiting for a plain answer', stream: false, faults: [{ kind: 'hang' }] },
    {
      name: 'waiting, the status being out',
      stream: true,
      faults: [{ kind: 'hang' }],
      env: { HEADER_HOLD_MS: '10', KEEPALIVE_INTERVAL_MS: '10' },
      reads: true,
    },
    {
      name: 'waiting for a plain answer, the status being out',
      stream: false,
      faults: [{ kind: 'hang' }],
      env: { PLAIN_HOLD_MS: '10', KEEPALIVE_INTERVAL_MS: '10' },
      reads: true,
    },
    { name: 'before the first event', stream: true, faults: [{ kind: 'stall', afterEvents: 0 }] },
    { name: 'streaming', stream: true, faults: [{ kind: 'stall', afterEvents: 5 }], reads: true },
    { name: 'in the middle of a plain answer', stream: false, faults: [{ kind: 'stall', afterEvents: 0 }] },
    {
      name: 'waiting for the second attempt',
      stream: true,
      faults: [{ kind: 'status', status: 500 }, { kind: 'hang' }],
    },
  ];
  const upstreams = ['Claude with one', 'Claude on Bedrock', 'Nova'] as const;
  const everywhere = states.flatMap((state) => upstreams.map((setup) => ({ ...state, setup })));

  it.each(everywhere)('$name, $setup', async ({ setup, stream, faults, env = {}, reads }) => {
    for (const fault of faults) simulator.inject(fault);
    const server = await start(setup, env);
    const { response, hangUp } = call(server, body(setup, stream));
    await until(() => simulator.requests.length === faults.length, 'the upstream is asked');
    if (reads) await (await response).body?.getReader().read();
    hangUp();
    await until(() => seen()?.aborted === true, 'the upstream call is cancelled', limit);
    await expectGone(server);
    expect(simulator.requests).toHaveLength(faults.length);
  });

  it.each([true, false])('between two attempts, and nothing is asked again, stream: %s', async (stream) => {
    simulator.inject({ kind: 'status', status: 529, headers: { 'retry-after': '0.15' }, ...always });
    const server = await start('Claude with one');
    const { hangUp } = call(server, body('Claude with one', stream));
    await until(() => seen()?.status === 529, 'the first attempt');
    await new Promise((resolve) => setTimeout(resolve, 20));
    hangUp();
    await until(() => server.logs.some((line) => line.ended === 'client_gone'), 'the log line', limit);
    await new Promise((resolve) => setTimeout(resolve, 180));
    expect(simulator.requests).toHaveLength(1);
    await expectGone(server);
  });

  it('as soon as the request is out', async () => {
    simulator.inject({ kind: 'hang', ...always });
    const server = await start('Claude with one');
    const { port } = new URL(server.url);
    const payload = JSON.stringify(body('Claude with one', true));
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${testKey}\r\ncontent-type: application/json\r\ncontent-length: ${payload.length}\r\n\r\n`;
    for (let attempt = 0; attempt < 10; attempt++) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () => {
          socket.end(head + payload, () => socket.destroy());
        });
        socket.on('close', () => resolve());
      });
    }
    await until(
      () => server.logs.filter((line) => line.ended === 'client_gone').length === 10,
      'the log lines',
    );
    await until(() => simulator.requests.every(({ aborted }) => aborted), 'all calls are cancelled', limit);
  });

  it('at the second upstream, after the first has failed', async () => {
    simulator.inject({ kind: 'status', status: 529, upstream: 'anthropic' });
    simulator.inject({ kind: 'hang', upstream: 'bedrock' });
    const server = await start('Claude with both upstreams');
    const { hangUp } = call(server, body('Claude with both upstreams', true));
    await until(() => simulator.requests.length === 2, 'the second is asked');
    hangUp();
    await until(() => seen()?.aborted === true, 'the upstream call is cancelled', limit);
    await expectGone(server);
  });

  it.each([true, false])('while an image is fetched, stream: %s', async (stream) => {
    let asked = 0;
    let left = 0;
    const images: Server = createServer((request) => {
      asked += 1;
      request.socket.once('close', () => {
        left += 1;
      });
    });
    const { host, close } = await listen(images);
    const server = await start('Claude on Bedrock', { IMAGE_FETCH_ALLOW_HOSTS: host });
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: `http://${host}/cat.png` } },
    ];
    const { hangUp } = call(server, body('Claude on Bedrock', stream, content));
    await until(() => asked === 1, 'the image is asked for');
    hangUp();
    await until(() => left === 1, 'the fetch is cancelled', limit);
    await expectGone(server);
    expect(simulator.requests).toHaveLength(0);
    await close();
  });
});
