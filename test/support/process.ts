/** The server as it is started in production, built, in processes of its own, for tests of its life and death. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from './until.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
// Translated once: each of the many processes that would do it by itself takes twice as long to start.
await promisify(execFile)(process.execPath, ['scripts/build.mjs', '--if-needed'], { cwd: project });

/** What `npm start` runs. */
export const entry = fileURLToPath(new URL('../../dist/server.js', import.meta.url));

export interface TestProcess {
  /** Without a slash at the end. */
  readonly url: string;
  readonly child: ChildProcess;
  /** The log so far, one parsed JSON line each. */
  readonly logs: readonly Record<string, unknown>[];
  /** The exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
}

/** What it wrote to stderr is kept for a start that fails. */
export interface FailedProcess {
  readonly code: number | string;
  readonly errors: string;
}

/** Does not wait for anything. */
export const run = (env: Readonly<Record<string, string>>) => {
  const child = spawn(process.execPath, [entry], {
    env: { PATH: process.env.PATH, PORT: '0', HOST: '127.0.0.1', INFERENCE_KEY: 'test-key', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const logs: Record<string, unknown>[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) logs.push(JSON.parse(line));
  });
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  return { child, logs, errors, exited };
};

/** Resolves when `count` processes listen. */
export const startProcess = async (
  env: Readonly<Record<string, string>>,
  count = 1,
): Promise<TestProcess> => {
  const { child, logs, errors, exited } = run(env);
  const listening = () => logs.filter(({ msg }) => msg === 'listening');
  let isGone = false;
  void exited.then(() => {
    isGone = true;
  });
  await until(() => isGone || listening().length >= count, `${count} processes listen`, 20_000);
  if (isGone) throw new Error(`the server did not start: ${errors.join('')}`);
  return { url: String(listening()[0]?.address), child, logs, exited };
};

/** For settings under which it must not start. */
export const failToStart = async (env: Readonly<Record<string, string>>): Promise<FailedProcess> => {
  const { errors, exited } = run(env);
  return { code: await exited, errors: errors.join('') };
};
