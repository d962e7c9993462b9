/** The server as it ships, in a process of its own, and what it says about itself. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Simulator } from '../../simulator/index.ts';

export interface Log {
  /** Lines by level; `other` for what is no JSON. */
  readonly counts: Record<string, number>;
  /** Lines that must not be there, the first few. */
  readonly problems: string[];
  problemCount: number;
}

/** The latest lines by request id, for the story behind an outcome. */
type Recent = Map<string, string>;
const mostRecent = 5000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Server {
  readonly url: string;
  readonly log: Log;
  /** The log's line about a request, if it is one of the latest. */
  readonly lineOf: (requestId: string) => string | undefined;
  readonly exited: Promise<Exit>;
  readonly hasExited: () => boolean;
  readonly kill: (signal: NodeJS.Signals) => void;
}

export const key = 'soak-key-58213';
const secrets = { anthropic: 'soak-anthropic-77120', aws: 'soak-aws-secret-33094' };

/** Waits short enough for many to end within a soak, and long enough for a busy machine. Ms. */
export const shutdownTimeout = 10_000;
const waits = {
  CONNECT_TIMEOUT_MS: '3000',
  FIRST_BYTE_TIMEOUT_MS: '4000',
  IDLE_TIMEOUT_MS: '4000',
  TOTAL_TIMEOUT_MS: '16000',
  STREAM_TIMEOUT_MS: '16000',
  BREAKER_COOLDOWN_MS: '1000',
  HEADER_HOLD_MS: '1000',
  PLAIN_HOLD_MS: '3000',
  KEEPALIVE_INTERVAL_MS: '500',
  SHUTDOWN_TIMEOUT_MS: String(shutdownTimeout),
};

const environment = (claude: Simulator, bedrock: Simulator) => ({
  PATH: process.env.PATH,
  HOST: '127.0.0.1',
  PORT: '0',
  LOG_LEVEL: 'info',
  INFERENCE_KEY: key,
  BODY_LIMIT_BYTES: '1000000',
  ANTHROPIC_API_KEY: secrets.anthropic,
  ANTHROPIC_BASE_URL: claude.anthropicUrl,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'AKIASOAKSOAKSOAKSOAK',
  AWS_SECRET_ACCESS_KEY: secrets.aws,
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.bedrockUrl,
  // Of all the process's warnings this one alone says nothing about the server.
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  ...waits,
});

/** What an upstream's failure is to the log: an error, and nothing wrong with this server. */
const upstreamFailures: ReadonlySet<unknown> = new Set([
  'upstream_error',
  'upstream_timeout',
  'overloaded',
  'rate_limit_exceeded',
]);

const keptProblems = 20;
/** Characters of a line that are looked at for the report; all of it is searched. */
const keptLength = 600;

interface Line {
  readonly level?: string;
  readonly msg?: string;
  readonly address?: string;
  readonly request_id?: string;
  readonly error?: { readonly code?: string };
}

const parse = (text: string): Line | undefined => {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
};

const problemOf = (
  text: string,
  line: Line | undefined,
  forbidden: readonly string[],
): string | undefined => {
  if (forbidden.some((word) => text.includes(word))) return 'a key or a prompt in the log';
  if (text.includes('internal_error')) return 'internal_error';
  if (line === undefined) return text.trim() === '' ? undefined : 'not a log line';
  if (line.level === 'fatal') return 'fatal';
  const isExpected = line.msg === 'request failed' && upstreamFailures.has(line.error?.code);
  return line.level === 'error' && !isExpected ? 'an error that is no upstream failure' : undefined;
};

const listen = (
  output: Readable,
  log: Log,
  forbidden: readonly string[],
  onLine: (line: Line, text: string) => void,
): void => {
  createInterface({ input: output }).on('line', (text) => {
    const line = parse(text);
    const level = line?.level ?? 'other';
    log.counts[level] = (log.counts[level] ?? 0) + 1;
    const problem = problemOf(text, line, forbidden);
    if (problem !== undefined) {
      log.problemCount += 1;
      if (log.problems.length < keptProblems) log.problems.push(`${problem}: ${text.slice(0, keptLength)}`);
    }
    if (line !== undefined) onLine(line, text);
  });
};

const exitOf = (child: ChildProcess): Promise<Exit> =>
  new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));

/** Resolves when it listens. `forbidden` are words that must not be in its log; its keys are added. */
export const startServer = async (
  path: string,
  claude: Simulator,
  bedrock: Simulator,
  forbidden: readonly string[],
): Promise<Server> => {
  const log: Log = { counts: {}, problems: [], problemCount: 0 };
  const recent: Recent = new Map();
  const words = [...forbidden, key, ...Object.values(secrets)];
  const child = spawn(process.execPath, [path], {
    env: environment(claude, bedrock),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let isGone = false;
  const exited = exitOf(child);
  exited.then(() => {
    isGone = true;
  });
  // Whatever becomes of this process, the server does not outlive it.
  process.once('exit', () => child.kill('SIGKILL'));

  const url = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('The server did not listen within 20 s.')), 20_000);
    const settle = (then: () => void) => {
      clearTimeout(late);
      then();
    };
    exited.then(({ code }) =>
      settle(() => reject(new Error(`The server exited with ${code}.\n${log.problems.join('\n')}`))),
    );
    const onLine = ({ msg, address, request_id }: Line, text: string) => {
      if (request_id !== undefined) recent.set(request_id, text.slice(0, keptLength));
      const [oldest] = recent.keys();
      if (recent.size > mostRecent && oldest !== undefined) recent.delete(oldest);
      if (msg === 'listening' && address !== undefined) settle(() => resolve(address));
    };
    listen(child.stdout, log, words, onLine);
    listen(child.stderr, log, words, onLine);
  }).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    url,
    log,
    lineOf: (id) => recent.get(id),
    exited,
    hasExited: () => isGone,
    kill: (signal) => child.kill(signal),
  };
};
