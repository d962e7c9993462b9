/**
 * `npm run demo`: the whole server as it ships, in a process of its own, against the built-in simulator of both
 * upstreams. No account, no network. Shows one answer of each kind and how to ask for more, then goes on serving until
 * Ctrl-C. `--once` exits instead: CI's check that the build does what it shows.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Simulator, startSimulator } from '../simulator/index.ts';
import { DemoError } from './demo/demo-error.ts';
import { snippets } from './demo/snippets.ts';
import { showTour } from './demo/tour.ts';

const host = '127.0.0.1';
const key = 'demo-key';
/** The simulated providers live on this day, so that no model retires under the demo. */
const today = Date.parse('2026-11-22');
/** Between two pieces of a stream, so that it can be seen to be one. Ms. */
const pace = 30;

const write = (text: string): void => {
  process.stdout.write(text);
};

const portIsFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });

const serverEnvironment = (simulator: Simulator, port: number) => ({
  PATH: process.env.PATH,
  LOG_LEVEL: process.env.LOG_LEVEL ?? 'error',
  NODE_NO_WARNINGS: '1',
  HOST: host,
  PORT: String(port),
  // On loopback, with nobody's money: any key will do.
  INFERENCE_KEY: key,
  ALLOW_ANONYMOUS: 'true',
  ANTHROPIC_API_KEY: 'simulated',
  ANTHROPIC_BASE_URL: simulator.anthropicUrl,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'simulated',
  AWS_SECRET_ACCESS_KEY: 'simulated',
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME: simulator.bedrockUrl,
});

const startServer = (simulator: Simulator, port: number) =>
  spawn(process.execPath, [fileURLToPath(import.meta.resolve('#server'))], {
    env: serverEnvironment(simulator, port),
    stdio: ['ignore', 'inherit', 'inherit'],
  });

const isReady = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/ready`)).ok;
  } catch {
    // Not listening yet.
    return false;
  }
};

const waitUntilReady = async (url: string, exited: Promise<unknown>): Promise<void> => {
  let isGone = false;
  exited.then(() => {
    isGone = true;
  });
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await isReady(url)) return;
    if (isGone) throw new DemoError('The server stopped before it was ready; it says why above.');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new DemoError('The server was not ready within 10 seconds.');
};

const readArguments = (args: readonly string[]): { once: boolean } => {
  try {
    return parseArgs({ args: [...args], options: { once: { type: 'boolean', default: false } } }).values;
  } catch {
    throw new DemoError('The demo knows one argument, --once: npm run demo -- --once');
  }
};

const readPort = async (): Promise<number> => {
  const port = Number(process.env.PORT || 3000);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new DemoError('PORT must be a number from 1 to 65535.');
  if (await portIsFree(port)) return port;
  throw new DemoError(
    `Port ${port} is already in use. Choose another: PORT=${port === 3001 ? 3002 : 3001} npm run demo`,
  );
};

const demo = async (args: readonly string[]): Promise<void> => {
  const { once: isOnce } = readArguments(args);
  const port = await readPort();
  write(
    'Parley with simulated models: no account, no network.\nThe models only repeat what they are told; all around them is the real server.\n\nStarting ...',
  );
  const simulator = await startSimulator({ host, delayMs: isOnce ? 0 : pace, now: () => today });
  const server = startServer(simulator, port);
  const exited = once(server, 'exit');
  const url = `http://${host}:${port}`;
  try {
    await waitUntilReady(url, exited);
    write(` ready at ${url}/\n`);
    await showTour({ url, key, write });
    write(snippets(url, key));
    if (isOnce) return;
    write('\nServing until Ctrl-C.\n');
    // The server gets Ctrl-C from the terminal itself, and drains.
    process.on('SIGINT', () => {});
    process.on('SIGTERM', () => server.kill('SIGTERM'));
    await exited;
  } finally {
    server.kill('SIGTERM');
    await exited;
    await simulator.close();
  }
};

/** Gives the exit code. */
export const runDemo = async (args: readonly string[]): Promise<number> => {
  try {
    await demo(args);
    return 0;
  } catch (error) {
    const why = error instanceof DemoError ? error.message : error instanceof Error ? error.stack : error;
    process.stderr.write(`\n${why}\n`);
    return 1;
  }
};
