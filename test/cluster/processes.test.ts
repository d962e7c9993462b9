/** Behaviour 11.4 and 11.5: one process or several, started, killed and stopped as a platform does. */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { Agent, request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import { listen } from '../support/listen.ts';
import { failToStart, run, startProcess, type TestProcess } from '../support/process.ts';
import { today } from '../support/today.ts';
import { until } from '../support/until.ts';

let simulator: Simulator;
let server: TestProcess | undefined;

beforeAll(async () => {
  simulator = await startSimulator({ now: () => today });
});
afterAll(() => simulator.close());
afterEach(async () => {
  if (server?.child.exitCode === null) server.child.kill('SIGKILL');
  await server?.exited;
  server = undefined;
});

const upstream = () => ({ ANTHROPIC_API_KEY: 'simulated', ANTHROPIC_BASE_URL: simulator.anthropicUrl });

const start = async (count: number, env: Record<string, string> = {}): Promise<TestProcess> => {
  server = await startProcess({ ...upstream(), WEB_CONCURRENCY: String(count), ...env }, count);
  return server;
};

const headers = { authorization: 'Bearer test-key', 'content-type': 'application/json' };

/** On a connection of its own, so that requests reach all processes in turn. */
const onNewConnection = async (path: string, body?: object) => {
  const dispatcher = new Agent({ pipelining: 0, keepAliveTimeout: 1 });
  try {
    const { statusCode, body: answer } = await request(`${server?.url}${path}`, {
      dispatcher,
      headers: { ...headers, connection: 'close' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    return { status: statusCode, text: await answer.text() };
  } finally {
    await dispatcher.destroy();
  }
};

const ask = (content: string) =>
  onNewConnection('/v1/chat/completions', {
    model: 'claude-haiku-4-5',
    messages: [{ role: 'user', content }],
  });

/** Completions with this status, as the metrics count them. */
const counted = (text: string, status: number): number =>
  text
    .split('\n')
    .filter((line) => line.startsWith('parley_requests_total{route="/v1/chat/completions"'))
    .filter((line) => line.includes(`status="${status}"`))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);

const pids = ({ logs }: TestProcess): number[] =>
  logs.filter(({ msg }) => msg === 'listening').map(({ pid }) => Number(pid));

const onLinux = process.platform === 'linux';
/** Processes that are up, or about to be. */
const serversUnder = (pid: number | undefined): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((child) => child !== '' && environmentOf(child).includes('NODE_UNIQUE_ID='))
    .map(Number);

const environmentOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    // Gone in between.
    return '';
  }
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // What has ended and lost its parent is listed until init sees to it, which may take its time.
    return !onLinux || !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

describe('several processes behind one port', () => {
  it('share the work, one rate and one view of the metrics', async () => {
    const { logs } = await start(2, { RATE_LIMIT_RPM: '5' });
    const statuses = [];
    for (let index = 0; index < 8; index++) statuses.push((await ask('Hello')).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);

    // Whichever is asked shows all.
    for (let index = 0; index < 2; index++) {
      const { text } = await onNewConnection('/metrics');
      expect([counted(text, 200), counted(text, 429)]).toEqual([5, 3]);
    }
    expect(new Set(logs.filter(({ msg }) => msg === 'listening').map(({ pid }) => pid)).size).toBe(2);
  }, 60_000);

  it('one that dies is replaced, and the others serve meanwhile', async () => {
    const started = await start(2);
    const [victim = 0] = pids(started);
    process.kill(victim, 'SIGKILL');
    await until(
      () =>
        started.logs.some(
          ({ level, pid, signal }) => level === 'error' && pid === victim && signal === 'SIGKILL',
        ),
      'it is missed',
    );
    expect((await ask('Hello')).status).toBe(200);
    await until(() => pids(started).length === 3, 'another one listens', 20_000);
    expect((await onNewConnection('/metrics')).status).toBe(200);
  }, 60_000);

  it('one that is stuck hides nothing of the others, and does not outlive them', async () => {
    const started = await start(2, { SHUTDOWN_TIMEOUT_MS: '500' });
    expect((await ask('Hello')).status).toBe(200);
    const [stuck = 0] = pids(started);
    process.kill(stuck, 'SIGSTOP');
    // A connection may be given to the one that is stuck, at most one.
    const answers = [onNewConnection('/metrics'), onNewConnection('/metrics')];
    expect((await Promise.any(answers)).status).toBe(200);
    started.child.kill('SIGTERM');
    expect(await started.exited).toBe(0);
    await until(() => !isAlive(stuck), 'it is gone');
    await Promise.allSettled(answers);
  }, 60_000);

  it.skipIf(!onLinux)(
    'one that dies before it serves is replaced too, and what runs goes on',
    async () => {
      const started = await start(2);
      const [victim = 0, other = 0] = pids(started);
      process.kill(victim, 'SIGKILL');
      await until(
        () => serversUnder(started.child.pid).some((pid) => pid !== victim && pid !== other),
        'another',
        20_000,
      );
      const [starting = 0] = serversUnder(started.child.pid).filter((pid) => pid !== victim && pid !== other);
      process.kill(starting, 'SIGKILL');
      await until(() => pids(started).length === 3, 'yet another one listens', 20_000);
      expect(pids(started)).not.toContain(starting);
      expect(isAlive(other)).toBe(true);
    },
    60_000,
  );

  it.skipIf(!onLinux)(
    'asked to stop before they serve, they exit with 0',
    async () => {
      const { child, logs, exited } = run({ ...upstream(), WEB_CONCURRENCY: '2' });
      await until(() => serversUnder(child.pid).length > 0, 'the first one is started', 20_000);
      child.kill('SIGTERM');
      expect(await exited).toBe(0);
      expect(logs.some(({ msg }) => msg === 'listening')).toBe(false);
    },
    60_000,
  );

  it('do not outlive their primary', async () => {
    const started = await start(2);
    started.child.kill('SIGKILL');
    await until(() => !pids(started).some(isAlive), 'all are gone', 10_000);
  }, 60_000);
});

describe.each([1, 2])('%i process(es) asked to stop', (count) => {
  it('finish what runs, refuse what comes, and exit with 0', async () => {
    const started = await start(count, { SHUTDOWN_TIMEOUT_MS: '10000' });
    const seen = simulator.requests.length;
    const running = ask('[[fault delay ms=1500]] Hello');
    await until(() => simulator.requests.length > seen, 'the upstream is asked', 10_000);
    started.child.kill('SIGTERM');
    await until(() => started.logs.some(({ msg }) => msg === 'draining'), 'it drains');
    expect((await running).status).toBe(200);
    expect(await started.exited).toBe(0);
    expect(pids(started).some(isAlive)).toBe(false);
  }, 60_000);

  it('do not wait for ever', async () => {
    const started = await start(count, { SHUTDOWN_TIMEOUT_MS: '300' });
    const seen = simulator.requests.length;
    const running = ask('[[fault hang]] Hello').catch((error: unknown) => error);
    await until(() => simulator.requests.length > seen, 'the upstream is asked', 10_000);
    started.child.kill('SIGTERM');
    expect(await started.exited).toBe(0);
    expect(await running).toBeInstanceOf(Error);
    expect(started.logs).toContainEqual(
      expect.objectContaining({ msg: 'requests were still running at SHUTDOWN_TIMEOUT_MS' }),
    );
    expect(started.logs.filter(({ route }) => route === '/v1/chat/completions')).toHaveLength(1);
  }, 60_000);

  it('and asked twice, stop at once', async () => {
    const started = await start(count, { SHUTDOWN_TIMEOUT_MS: '60000' });
    const seen = simulator.requests.length;
    const running = ask('[[fault hang]] Hello').catch((error: unknown) => error);
    await until(() => simulator.requests.length > seen, 'the upstream is asked', 10_000);
    started.child.kill('SIGTERM');
    await until(() => started.logs.some(({ msg }) => msg === 'draining'), 'it drains');
    // By a platform, then by a person.
    started.child.kill('SIGINT');
    await started.exited;
    await until(() => !pids(started).some(isAlive), 'all are gone');
    expect(await running).toBeInstanceOf(Error);
  }, 60_000);

  it('cannot start on a port in use, and say so once', async () => {
    const { port, close } = await listen(createServer());
    const { code, errors } = await failToStart({
      ...upstream(),
      PORT: String(port),
      WEB_CONCURRENCY: String(count),
    });
    await close();
    expect(code).toBe(1);
    expect(errors).toBe(`Port ${port} is already in use. Set PORT to a free one.\n`);
  }, 60_000);
});
