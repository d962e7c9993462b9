/** One of the two builds with all it needs for a kind of cases: servers, recorders, and simulators of its own. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, type Command, freePort, startChild, waitUntilReady } from '../../bench/children.ts';
import { buildIn } from '../../bench/targets.ts';
import { startSimulator } from '../../simulator/index.ts';
import { today } from '../../test/support/today.ts';
import { key, type Sending, send } from './client.ts';
import type { Exchange } from './differences.ts';
import { type Recorder, type SeenRequest, startRecorder } from './recorder.ts';

/** How a server is set up. */
export interface ServerSettings {
  readonly upstreams: readonly ('anthropic' | 'bedrock')[];
  readonly env?: Readonly<Record<string, string>>;
  /** Rows as in MODELS_FILE. */
  readonly models?: readonly object[];
}

export interface Surroundings {
  readonly servers: Readonly<Record<string, ServerSettings>>;
  /** Between the events of the simulators' streams. Ms. */
  readonly delayMs?: number;
  /** Where the upstreams are in place of a simulator, for both sides. */
  readonly upstreamUrl?: string;
}

export interface Side {
  /** Words for the addresses that only this side has. */
  readonly addresses: ReadonlyMap<string, string>;
  ask(server: string, sending: Sending): Promise<Exchange>;
  /** A request that reached something beside the upstreams, on behalf of this side. */
  add(seen: SeenRequest): void;
  /** Throws where one of its servers does not answer. */
  checkHealth(): Promise<void>;
  close(): Promise<void>;
}

const secret = 'simulated-secret';

const environmentOf = (
  { upstreams, env = {} }: ServerSettings,
  anthropicUrl: string,
  bedrockUrl: string,
): Record<string, string> => ({
  HOST: '127.0.0.1',
  INFERENCE_KEY: key,
  LOG_LEVEL: 'silent',
  BODY_LIMIT_BYTES: '1000000',
  // The AWS SDK's word about old Node versions is none about the server.
  NODE_NO_WARNINGS: '1',
  ...(upstreams.includes('anthropic')
    ? { ANTHROPIC_API_KEY: 'simulated-key', ANTHROPIC_BASE_URL: anthropicUrl }
    : {}),
  ...(upstreams.includes('bedrock')
    ? {
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'AKIASIMULATEDSIMULAT',
        AWS_SECRET_ACCESS_KEY: secret,
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrockUrl,
      }
    : {}),
  ...env,
});

const preload = new URL(`./preload.mjs?day=${today}`, import.meta.url).href;

export interface Place {
  readonly folder: string;
  /** Where its servers run. */
  readonly core: Command['core'];
}

interface Running {
  readonly url: string;
  readonly agent: Agent;
  readonly child: Child;
}

/** Ports are given out and taken a moment later, so that a side starts one server at a time. */
const startServer = async (
  { folder, core }: Place,
  env: Readonly<Record<string, string>>,
): Promise<Running> => {
  const port = await freePort();
  const child = startChild({
    core,
    node: process.execPath,
    arguments: ['--import', preload, ...(await buildIn(folder).parley.program())],
    env: { ...env, PORT: String(port) },
  });
  const url = `http://127.0.0.1:${port}`;
  await waitUntilReady(`${url}/health`, child);
  return { url, agent: new Agent({ keepAlive: true }), child };
};

const addressOf = (url: string): string => new URL(url).host;

export const openSide = async (place: Place, surroundings: Surroundings): Promise<Side> => {
  const { servers, delayMs = 0, upstreamUrl } = surroundings;
  const closers: (() => Promise<void> | void)[] = [];
  const seen: SeenRequest[] = [];
  const add = (request: SeenRequest) => void seen.push(request);

  // A simulator remembers prompts it was to cache: one for both sides would answer the second one otherwise.
  const simulator =
    upstreamUrl === undefined
      ? await startSimulator({ delayMs, now: () => today, awsSecretAccessKey: secret })
      : undefined;
  if (simulator !== undefined) closers.push(simulator.close);
  const record = async (name: string, url: string | undefined): Promise<Recorder> => {
    const recorder = await startRecorder(name, url ?? '', add);
    closers.unshift(recorder.close);
    return recorder;
  };
  const anthropic = await record('anthropic', upstreamUrl ?? simulator?.anthropicUrl);
  const bedrock = await record('bedrock', upstreamUrl ?? simulator?.bedrockUrl);
  const addresses = new Map([
    [addressOf(anthropic.url), '<anthropic>'],
    [addressOf(bedrock.url), '<bedrock>'],
  ]);

  const running = new Map<string, Running>();
  const modelsFolder = mkdtempSync(join(tmpdir(), 'parley-equality-'));
  closers.push(() => rmSync(modelsFolder, { recursive: true, force: true }));
  for (const [name, settings] of Object.entries(servers)) {
    const env = environmentOf(settings, anthropic.url, bedrock.url);
    if (settings.models !== undefined) {
      env.MODELS_FILE = join(modelsFolder, `${running.size}.json`);
      writeFileSync(env.MODELS_FILE, JSON.stringify(settings.models));
    }
    const server = await startServer(place, env);
    running.set(name, server);
    addresses.set(addressOf(server.url), '<server>');
    closers.unshift(async () => {
      server.agent.destroy();
      await server.child.stop();
    });
  }

  return {
    addresses,
    add,
    ask: async (name, sending) => {
      const server = running.get(name);
      if (server === undefined) throw new Error(`No server is called ${name}`);
      seen.length = 0;
      const answer = await send(server.url, server.agent, sending);
      return { answer, upstream: [...seen] };
    },
    checkHealth: async () => {
      for (const [name, { url, agent }] of running) {
        const { status } = await send(url, agent, { method: 'GET', path: '/health' });
        if (status !== 200) throw new Error(`The server '${name}' of ${place.folder} answers with ${status}`);
      }
    },
    close: async () => {
      for (const close of closers) await close();
    },
  };
};
