/** Set-ups of a file or a `describe`: started before its tests, fresh for each of them, closed behind them. */

import { afterAll, beforeAll, beforeEach } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/index.ts';
import { type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { startServer, type TestServer } from './server.ts';
import { today } from './today.ts';

type Env = Readonly<Record<string, string>>;

/** What is started only later, to be named at once. */
const lazily = <Value extends object>(value: () => Value): Value =>
  new Proxy({} as Value, { get: (_, key) => Reflect.get(value(), key) });

/** The server with an upstream whose answers the tests write down. */
export const useScripted = (
  env: Env = {},
  played: readonly ('anthropic' | 'bedrock')[] = ['anthropic', 'bedrock'],
): { readonly upstream: ScriptedUpstream; readonly server: TestServer } => {
  let upstream: ScriptedUpstream;
  let server: TestServer;
  beforeAll(async () => {
    upstream = await startScriptedUpstream();
    server = await startServer({
      anthropicUrl: played.includes('anthropic') ? upstream.url : undefined,
      bedrockUrl: played.includes('bedrock') ? upstream.url : undefined,
      env,
    });
  });
  afterAll(async () => {
    await server.close();
    await upstream.close();
  });
  beforeEach(() => upstream.reset());
  return { upstream: lazily(() => upstream), server: lazily(() => server) };
};

type Servers = Readonly<Record<'anthropic' | 'bedrock', TestServer>>;

/** Two servers with the strict simulator, one for each place where Claude is found. */
export const useSimulated = (env: Env = {}): { readonly simulator: Simulator; readonly servers: Servers } => {
  let simulator: Simulator;
  let servers: Servers;
  beforeAll(async () => {
    simulator = await startSimulator({ now: () => today });
    servers = {
      anthropic: await startServer({ anthropicUrl: simulator.anthropicUrl, env }),
      bedrock: await startServer({ bedrockUrl: simulator.bedrockUrl, env }),
    };
  });
  afterAll(async () => {
    await Promise.all(Object.values(servers).map((server) => server.close()));
    await simulator.close();
  });
  beforeEach(() => {
    simulator.requests.length = 0;
  });
  return { simulator: lazily(() => simulator), servers: lazily(() => servers) };
};
