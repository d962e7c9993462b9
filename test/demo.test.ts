/** The demo as a person meets it: built, started, read, its snippets copied, stopped. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from './support/listen.ts';
import { until } from './support/until.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const cli = fileURLToPath(new URL('../dist-cli/cli/cli.js', import.meta.url));

let demo: ChildProcess;
let url: string;
let screen = '';

/** From its first line to the blank line after it. */
const snippet = (start: string): string => {
  const at = screen.indexOf(`\n${start}`) + 1;
  return screen.slice(at, screen.indexOf('\n\n', at));
};

const shell = async (command: string): Promise<string> =>
  (await run('bash', ['-c', command], { cwd: root, env: { PATH: process.env.PATH }, timeout: 15_000 }))
    .stdout;

beforeAll(async () => {
  await run(process.execPath, ['scripts/build.mjs', '--if-needed'], { cwd: root });
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  demo = spawn(process.execPath, [cli, 'demo'], {
    env: { PATH: process.env.PATH, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const read = (text: string) => {
    screen += text;
  };
  demo.stdout?.setEncoding('utf8').on('data', read);
  demo.stderr?.setEncoding('utf8').on('data', read);
  await until(() => screen.includes('Ctrl-C') || demo.exitCode !== null, 'the demo serves', 60_000);
}, 120_000);
afterAll(() => {
  if (demo.exitCode === null) demo.kill('SIGKILL');
});

describe('the demo', () => {
  it('says at once that it starts, and where it serves', () => {
    expect(screen).toMatch(
      /^Parley with simulated models.*\n.*\n\nStarting \.\.\. ready at http:\/\/127\.0\.0\.1:\d+\/\n/,
    );
  });

  it('shows each kind of answer, and none twice', () => {
    for (const shown of [
      'You wrote: “Explain quantum computing in simple terms.”',
      'Once there was a server that spoke two languages.',
      'the model calls  get_weather({"location":"San Francisco"})',
      'The get_weather tool says: 18 degrees, and fog until noon.',
      'With it came one: image (png).',
      'it thinks  The user wrote',
      '{"name":"Ada Lovelace","age":36}',
      'x-ignored-params: seed',
    ]) {
      expect(screen.split(shown), shown).toHaveLength(2);
    }
  });

  it('names a status page that is there', async () => {
    expect(screen).toContain(`In a browser: ${url}/ `);
    expect(await (await fetch(`${url}/`)).text()).toContain('<h1>Parley</h1>');
  });

  it('gives a curl that works as it stands', async () => {
    const answer = JSON.parse(await shell(snippet('curl ').replace('curl ', 'curl -sS ')));
    expect(answer.choices[0].message.content).toContain('Hello');
  });

  it('gives a Node.js snippet that works as it stands', async () => {
    expect(await shell(snippet('node '))).toContain('Hello from Node.js');
  });

  it('gives a Python snippet that works as it stands, where the SDK is installed', async (context) => {
    const isThere = await shell('python3 -c "import openai"').then(
      () => true,
      () => false,
    );
    if (!isThere) return context.skip('no openai for Python here');
    expect(await shell(snippet('python3 '))).toContain('Hello from Python');
  });

  it('does what its directives say', async () => {
    const ask = async (content: string) => {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: 'Bearer demo-key', 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'nova-lite', messages: [{ role: 'user', content }] }),
      });
      return [response.status, await response.text()];
    };
    expect(await ask('[[say Good morning]]')).toEqual([200, expect.stringContaining('"Good morning"')]);
    expect(await ask('[[fault status=400 message="Not so."]]')).toEqual([
      400,
      expect.stringContaining('Not so.'),
    ]);
  });

  it('refuses a port that is taken, and an argument it does not know, in one sentence', async () => {
    const port = new URL(url).port;
    const fail = (args: string[], env = {}) =>
      run(process.execPath, [cli, 'demo', ...args], { env: { PATH: process.env.PATH, ...env } }).catch(
        (error: { code: number; stderr: string }) => [error.code, error.stderr.trim()],
      );
    expect(await fail([], { PORT: port })).toEqual([
      1,
      `Port ${port} is already in use. Choose another: PORT=3001 npm run demo`,
    ]);
    expect(await fail(['--twice'])).toEqual([1, expect.stringMatching(/^The demo knows one argument/)]);
  });

  it('ends on SIGTERM with its server', async () => {
    const exited = once(demo, 'exit');
    demo.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    await expect(fetch(`${url}/health`)).rejects.toThrow();
  });
});
