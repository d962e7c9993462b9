/** What is measured: a row each. All are asked for the same things and lead to the same fake upstream. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Child, freePort, startChild, waitUntilReady } from './children.ts';
import { buildRequest, type Request } from './load.ts';
import { peerProgram } from './peer.ts';
import type { Conversation } from './prompts.ts';

/** A model family on a wire. */
export type Route = 'claude' | 'nova' | 'bedrock-claude';

interface Ports {
  readonly port: number;
  readonly upstream: number;
}

export interface Target {
  /** What `node` is told to run. */
  readonly program: () => Promise<readonly string[]>;
  readonly arguments?: (ports: Ports) => readonly string[];
  readonly env?: (ports: Ports) => Readonly<Record<string, string>>;
  readonly ipc?: boolean;
  readonly quiet?: boolean;
  readonly readyPath: string;
  readonly path: (route: Route) => string;
  readonly headers: (route: Route, ports: Ports) => Readonly<Record<string, string>>;
  readonly models: Readonly<Record<Route, string>>;
  /** Whether OpenAI's wire comes back, or the upstream's bytes. */
  readonly translates: boolean;
  /** In which of OpenAI's forms it is asked; Chat Completions where it is left out. */
  readonly api?: ApiForm;
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const key = 'benchmark-key';

/** The upstream's own paths. How it answers is its mode, so plain and streamed share one. */
export const upstreamPaths: Readonly<Record<Route, string>> = {
  claude: '/v1/messages',
  nova: '/model/us.amazon.nova-lite-v1:0/converse',
  'bedrock-claude': '/model/us.anthropic.claude-haiku-4-5-20251001-v1:0/invoke',
};

/** A request in one of OpenAI's forms. */
export type ApiForm = 'chat' | 'responses';

const bodies: Readonly<Record<ApiForm, (conversation: Conversation) => object>> = {
  chat: ({ messages, maxTokens }) => ({ messages, max_tokens: maxTokens }),
  responses: ({ messages, maxTokens }) => ({ input: messages, max_output_tokens: maxTokens, store: false }),
};

const openAiPath = '/v1/chat/completions';

const anthropicOnly = ({ port, upstream }: Ports) => ({
  PORT: String(port),
  HOST: '127.0.0.1',
  // The AWS SDK's word about old Node versions would stand among the figures.
  NODE_NO_WARNINGS: '1',
  INFERENCE_KEY: key,
  ANTHROPIC_API_KEY: 'simulated',
  ANTHROPIC_BASE_URL: `http://127.0.0.1:${upstream}`,
});

const bothUpstreams = (ports: Ports) => ({
  ...anthropicOnly(ports),
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'simulated',
  AWS_SECRET_ACCESS_KEY: 'simulated',
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME: `http://127.0.0.1:${ports.upstream}`,
  MODELS_FILE: here('./models.json'),
});

/** The project's own folder. */
export const home = here('..');

/** The flags node is started with in production. */
const shippedFlags = (folder: string): readonly string[] =>
  readFileSync(join(folder, 'Procfile'), 'utf8')
    .split(/\s+/)
    .filter((word) => word.startsWith('--'));

export const serverIn = (folder: string): string => join(folder, 'dist/server.js');

/** The server as it is built in that folder. */
const parleyIn = (folder: string): Target => ({
  program: async () => {
    const program = serverIn(folder);
    if (!existsSync(program)) throw new Error(`There is no ${program}: run npm run build first`);
    return [...shippedFlags(folder), program];
  },
  env: bothUpstreams,
  readyPath: '/ready',
  path: () => openAiPath,
  headers: () => ({ Authorization: `Bearer ${key}` }),
  models: { claude: 'claude-4-5-haiku', nova: 'nova-lite', 'bedrock-claude': 'claude-on-bedrock' },
  translates: true,
});

/** The ways in which a build of the server is run. */
export const buildIn = (folder: string) => {
  const parley = parleyIn(folder);
  return {
    parley,
    /** The same with the Anthropic API alone; for starting. */
    'parley-anthropic': { ...parley, env: anthropicOnly },
    /** Asked through the Responses API. */
    'parley-responses': { ...parley, path: () => '/v1/responses', api: 'responses' },
  } satisfies Record<string, Target>;
};

/** How the server is set up. */
export type SetUp = keyof ReturnType<typeof buildIn>;

const own = buildIn(home);

const awsHeaders = {
  'x-portkey-provider': 'bedrock',
  'x-portkey-aws-access-key-id': 'simulated',
  'x-portkey-aws-secret-access-key': 'simulated',
  'x-portkey-aws-region': 'us-east-1',
};

const floor: Target = {
  program: async () => [...shippedFlags(home), '--import', 'tsx', here('./floor.ts')],
  env: ({ port, upstream }) => ({ PORT: String(port), UPSTREAM_PORT: String(upstream) }),
  ipc: true,
  readyPath: '/ready',
  path: (route) => upstreamPaths[route],
  headers: () => ({}),
  models: own.parley.models,
  translates: false,
};

export const targets = {
  ...own,
  floor,
  /** The same, turning each body into a string and back; only where it is asked for. */
  'floor-string': { ...floor, env: (ports) => ({ ...floor.env?.(ports), BODY: 'string' }) },
  portkey: {
    program: async () => [await peerProgram()],
    arguments: ({ port }) => ['--headless', `--port=${port}`],
    env: () => ({ NODE_ENV: 'production' }),
    // Its log step fails, with a stack trace, on each stream of Nova's. The answers are whole.
    quiet: true,
    readyPath: '/',
    path: () => openAiPath,
    headers: (route, { upstream }) => ({
      Authorization: 'Bearer simulated',
      'x-portkey-custom-host': `http://127.0.0.1:${upstream}${route === 'claude' ? '/v1' : ''}`,
      ...(route === 'claude' ? { 'x-portkey-provider': 'anthropic' } : awsHeaders),
    }),
    models: {
      claude: 'claude-haiku-4-5-20251001',
      nova: 'us.amazon.nova-lite-v1:0',
      'bedrock-claude': 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
    },
    translates: true,
  },
} satisfies Record<string, Target>;

export type TargetName = keyof typeof targets;

/** A target to be measured, under the name that its figures have. */
export interface Contestant {
  readonly name: string;
  readonly target: Target;
}

export const contestant = (name: TargetName): Contestant => ({ name, target: targets[name] });

export interface Running {
  readonly name: string;
  readonly pid: number;
  readonly translates: boolean;
  readonly api: ApiForm;
  request(route: Route, conversation: Conversation, stream: boolean): Request;
  stop(): Promise<void>;
}

export interface Launched extends Running {
  /** Resolves when it takes requests. */
  readonly ready: Promise<void>;
}

/** Starts it, and leaves the waiting to the caller. */
export const launchTarget = async (
  { name, target }: Contestant,
  upstream: number,
  node: string,
): Promise<Launched> => {
  const ports = { port: await freePort(), upstream };
  const child: Child = startChild({
    core: 'target',
    node,
    arguments: [...(await target.program()), ...(target.arguments?.(ports) ?? [])],
    env: target.env?.(ports) ?? {},
    ipc: target.ipc ?? false,
    quiet: target.quiet ?? false,
  });
  return {
    name,
    pid: child.pid,
    translates: target.translates,
    api: target.api ?? 'chat',
    ready: waitUntilReady(`http://127.0.0.1:${ports.port}${target.readyPath}`, child),
    request: (route, conversation, stream) =>
      buildRequest(ports.port, target.path(route), target.headers(route, ports), {
        model: target.models[route],
        ...bodies[target.api ?? 'chat'](conversation),
        ...(stream ? { stream } : {}),
      }),
    stop: child.stop,
  };
};

export const startTarget = async (
  contestant: Contestant,
  upstream: number,
  node: string,
): Promise<Running> => {
  const launched = await launchTarget(contestant, upstream, node);
  await launched.ready;
  return launched;
};
