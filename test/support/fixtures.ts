/**
 * Set-ups of a file or a `describe`, one for each kind: started before its tests and closed behind them, newest first.
 * What they remember is forgotten before each test. `isFresh`: a new one for each test.
 */

import { createServer, type RequestListener } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, onTestFinished } from 'vitest';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/index.ts';
import type { Store } from '../../src/store/store.ts';
import { type Listening, listen } from './listen.ts';
import { type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { type ServerOptions, startServer, type TestServer } from './server.ts';
import { today } from './today.ts';

type Env = Readonly<Record<string, string>>;
type Provider = 'anthropic' | 'bedrock';
const providers: readonly Provider[] = ['anthropic', 'bedrock'];

interface Lifetime {
  readonly isFresh?: boolean | undefined;
}

/** What is started only later, to be named at once. */
const lazily = <Value extends object>(value: () => Value): Value =>
  new Proxy({} as Value, {
    get: (_, key) => Reflect.get(value(), key),
    has: (_, key) => Reflect.has(value(), key),
  });

interface Closable {
  close(): Promise<unknown>;
}

const use = <Value extends Closable>(
  start: () => Promise<Value>,
  { isFresh }: Lifetime,
  forget: (value: Value) => void = () => {},
): Value => {
  let value: Value | undefined;
  const begin = async () => {
    value = await start();
  };
  const end = async () => {
    await value?.close();
    value = undefined;
  };
  if (isFresh) {
    beforeEach(begin);
    afterEach(end);
  } else {
    beforeAll(begin);
    afterAll(end);
    beforeEach(() => {
      if (value !== undefined) forget(value);
    });
  }
  return lazily(() => {
    if (value === undefined) throw new Error('This set-up has not been started, or is closed already.');
    return value;
  });
};

/** Both upstreams, as strict as the real ones. */
export const useSimulator = (options: SimulatorOptions & Lifetime = {}): Simulator =>
  use(
    () => startSimulator({ now: () => today, ...options }),
    options,
    ({ requests }) => {
      requests.length = 0;
    },
  );

/** An upstream whose answers the tests write down. */
export const useScriptedUpstream = (options: Lifetime = {}): ScriptedUpstream =>
  use(
    () => startScriptedUpstream(),
    options,
    (upstream) => upstream.reset(),
  );

/** An HTTP server that is neither: a host of images, an upstream that answers as none should. */
export const useHttp = (listener: RequestListener, options: Lifetime = {}): Listening =>
  use(() => listen(createServer(listener)), options);

/** Nobody answers there, for tests that must not get as far as an upstream. */
export const nowhere = 'http://127.0.0.1:9';

/** What plays the upstreams; an address plays both. */
export type Upstream = Simulator | Pick<ScriptedUpstream, 'url'> | string;

interface ServerSetup extends Lifetime {
  readonly upstream: Upstream;
  /** Those it plays; the others are not configured. Default: both. */
  readonly played?: readonly Provider[] | undefined;
  /** What is known only once other set-ups are started may be a function. */
  readonly env?: Env | (() => Env) | undefined;
  /** What several servers share; absent: one of its own. */
  readonly store?: Store | undefined;
  /** Rows as in MODELS_FILE. */
  readonly models?: unknown;
}

const urlOf = (upstream: Upstream, provider: Provider): string => {
  if (typeof upstream === 'string') return upstream;
  if ('url' in upstream) return upstream.url;
  return provider === 'anthropic' ? upstream.anthropicUrl : upstream.bedrockUrl;
};

const optionsOf = ({ upstream, played = providers, env, store, models }: ServerSetup): ServerOptions => ({
  anthropicUrl: played.includes('anthropic') ? urlOf(upstream, 'anthropic') : undefined,
  bedrockUrl: played.includes('bedrock') ? urlOf(upstream, 'bedrock') : undefined,
  env: typeof env === 'function' ? env() : (env ?? {}),
  ...(store === undefined ? {} : { store }),
  models,
});

/** The whole server; its log is empty before each test. */
export const useServer = (setup: ServerSetup): TestServer =>
  use(
    () => startServer(optionsOf(setup)),
    setup,
    (server) => server.clearLogs(),
  );

export type Servers = Readonly<Record<Provider, TestServer>>;

/** Two servers, one for each place where Claude is found, so that no failure is hidden by failing over. */
export const useServers = (setup: Omit<ServerSetup, 'played'>): Servers => ({
  anthropic: useServer({ ...setup, played: ['anthropic'] }),
  bedrock: useServer({ ...setup, played: ['bedrock'] }),
});

/** A server of one test alone, closed behind it. */
export const serverOfTest = async (setup: ServerSetup): Promise<TestServer> => {
  const server = await startServer(optionsOf(setup));
  onTestFinished(() => server.close());
  return server;
};

/** A server and an upstream whose answers the tests write down. */
export const useScripted = (
  env: Env = {},
  played?: readonly Provider[],
): { readonly upstream: ScriptedUpstream; readonly server: TestServer } => {
  const upstream = useScriptedUpstream();
  return { upstream, server: useServer({ upstream, played, env }) };
};

/** Two servers with the strict simulator, one for each place where Claude is found. */
export const useSimulated = (env: Env = {}): { readonly simulator: Simulator; readonly servers: Servers } => {
  const simulator = useSimulator();
  return { simulator, servers: useServers({ upstream: simulator, env }) };
};
