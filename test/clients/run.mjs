/**
 * `npm run clients`: other people's clients, each against the demo, which is the whole server with simulated upstreams. Sets
 * up this package and a Python environment beside it first. Where there is no Python, its part is left out, visibly.
 */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const port = Number(process.env.PORT ?? 3918);
const url = `http://127.0.0.1:${port}/v1`;

const run = (command, args, options = {}) =>
  spawnSync(command, args, { stdio: 'inherit', cwd: here('.'), timeout: 300_000, ...options }).status === 0;

const setUpPython = () => {
  if (!existsSync(here('venv')) && !run('python3', ['-m', 'venv', 'venv'])) return false;
  return run(here('venv/bin/pip'), ['install', '--quiet', '-r', 'requirements.txt']);
};

const startDemo = async () => {
  const demo = spawn(process.execPath, [here('../../dist-cli/cli/cli.js'), 'demo'], {
    env: { ...process.env, PORT: String(port), LOG_LEVEL: 'silent' },
    stdio: 'ignore',
  });
  for (let tries = 0; tries < 100; tries += 1) {
    const isReady = await fetch(`http://127.0.0.1:${port}/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return demo;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  demo.kill();
  throw new Error('The demo did not start.');
};

if (!run('npm', ['install', '--no-audit', '--no-fund', '--silent'])) process.exit(1);
const hasPython = setUpPython();
if (!hasPython) process.stdout.write('No Python environment: its clients are left out.\n');
const demo = await startDemo();
const env = { ...process.env, CLIENTS_URL: url };
const failed = [];
try {
  for (const client of ['openai', 'agents', 'ai-sdk', 'langchain', 'codex']) {
    const isFine = run(process.execPath, [here(`${client}.mjs`)], { env });
    process.stdout.write(`${client}: ${isFine ? 'passed' : 'FAILED'}\n`);
    if (!isFine) failed.push(client);
  }
  if (hasPython) {
    const isFine = run(here('venv/bin/python'), [here('python.py')], { env });
    process.stdout.write(`python: ${isFine ? 'passed' : 'FAILED'}\n`);
    if (!isFine) failed.push('python');
  }
} finally {
  demo.kill();
}
process.exit(failed.length === 0 ? 0 : 1);
