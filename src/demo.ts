/**
 * `npm run demo`: the whole server as it ships, in a process of its own, against the built-in simulator of
 * both upstreams. No account, no network. Shows how to talk to it, shows one answer of each kind with the
 * official SDK, and goes on serving until Ctrl-C (`-- --once`: exits instead).
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Simulator, startSimulator } from './simulator/index.ts';

const host = '127.0.0.1';
const key = 'demo-key';
const models = ['claude-4-5-sonnet', 'nova-lite'];
const question = 'Explain quantum computing in simple terms.';
/** The simulated providers live on this day, so that no model retires under the demo. */
const today = Date.parse('2026-11-22');

const say = (text = ''): void => {
  process.stdout.write(`${text}\n`);
};

class DemoError extends Error {}

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
  spawn(process.execPath, [fileURLToPath(new URL('./server.js', import.meta.url))], {
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

const introduce = (url: string): void => {
  say(`
Parley is serving ${models.join(' and ')}, and every other model it knows, from simulated upstreams.

  base URL   ${url}/v1/
  key        ${key}

curl:

  curl ${url}/v1/chat/completions \\
    -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' \\
    -d '{"model": "${models[0]}", "messages": [{"role": "user", "content": "Hello"}]}'

Node.js, with the official SDK (npm install openai):

  import OpenAI from 'openai';
  const client = new OpenAI({ apiKey: '${key}', baseURL: '${url}/v1/' });
  const response = await client.chat.completions.create({
    model: '${models[0]}',
    messages: [{ role: 'user', content: 'Hello' }],
  });
  console.log(response.choices[0].message.content);
`);
};

/** One plain and one streamed answer per family, with the official SDK. */
const showAnswers = async (url: string): Promise<void> => {
  const { OpenAI } = await import('openai');
  const client = new OpenAI({ apiKey: key, baseURL: `${url}/v1/` });
  const messages = [{ role: 'user' as const, content: question }];
  for (const model of models) {
    const answer = await client.chat.completions.create({ model, messages });
    say(`${model}, plain:    ${answer.choices[0]?.message.content}`);
    const stream = await client.chat.completions.create({ model, messages, stream: true });
    process.stdout.write(`${model}, streamed: `);
    for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '');
    say();
  }
};

const readArguments = (): { once: boolean } => {
  try {
    return parseArgs({ options: { once: { type: 'boolean', default: false } } }).values;
  } catch {
    throw new DemoError('The demo knows one argument: npm run demo -- --once');
  }
};

const demo = async (): Promise<void> => {
  const { once: isOnce } = readArguments();
  const port = Number(process.env.PORT || 3000);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new DemoError('PORT must be a number from 1 to 65535.');
  if (!(await portIsFree(port))) {
    throw new DemoError(`Port ${port} is already in use. Choose another: PORT=3001 npm run demo`);
  }

  const simulator = await startSimulator({ host, delayMs: isOnce ? 0 : 30, now: () => today });
  const server = startServer(simulator, port);
  const exited = once(server, 'exit');
  const url = `http://${host}:${port}`;
  try {
    await waitUntilReady(url, exited);
    introduce(url);
    await showAnswers(url);
    if (isOnce) return;
    say('\nServing until Ctrl-C.');
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

try {
  await demo();
} catch (error) {
  process.stderr.write(
    `${error instanceof DemoError ? error.message : error instanceof Error ? error.stack : error}\n`,
  );
  process.exitCode = 1;
}
