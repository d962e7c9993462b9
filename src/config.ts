/** The environment, checked once: the only file that reads `process.env`. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { UpstreamName } from './core/chat.ts';
import { ConfigError } from './core/errors.ts';
import { describeMisspelling, findMisspellings, type Misspelling } from './core/misspellings.ts';
import type { Timeouts } from './core/timeouts.ts';
import { type ModelOverride, parseModelsFile } from './models/overrides.ts';

const whole = (minimum: number, maximum = Number.MAX_SAFE_INTEGER) =>
  z.coerce
    .number({ error: 'must be a number' })
    .int({ error: 'must be a whole number' })
    .min(minimum, { error: `must be at least ${minimum}` })
    .max(maximum, { error: `must be at most ${maximum}` });
/** Timers take a longer time than this for none at all. */
const longestTimer = 2_147_483_647;
const milliseconds = (fallback: number, minimum = 1) => whole(minimum, longestTimer).default(fallback);
const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false', '1', '0', 'yes', 'no', 'on', 'off'], { error: 'must be true or false' })
    .transform((value) => ['true', '1', 'yes', 'on'].includes(value))
    .default(fallback);
const list = z.string().transform((value) =>
  value
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== ''),
);
const choice = <const Word extends string>(words: readonly Word[]) =>
  z.enum(words, { error: `must be one of ${words.join(', ')}` });
const url = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });

/** All that the client would throw at when it is made. */
const isRedisUrl = (text: string): boolean => {
  try {
    const { protocol, hostname, username, password, pathname } = new URL(text);
    decodeURIComponent(username + password);
    return /^rediss?:$/.test(protocol) && hostname !== '' && /^(\/\d*)?$/.test(pathname);
  } catch {
    return false;
  }
};
const redisUrl = z.string().refine(isRedisUrl, {
  error:
    'must look like redis://user:password@host:6379/0 or rediss://..., special characters of the password escaped',
});

/** `public=known,other=known` */
const aliases = list.transform((pairs, context) => {
  const entries = pairs.map((pair) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, Math.max(0, at)).trim(), pair.slice(at + 1).trim()] as const;
  });
  if (entries.some(([name, id]) => name === '' || id === '')) {
    context.addIssue({ code: 'custom', message: 'must look like name=model,other=model' });
  }
  return Object.fromEntries(entries);
});

/** As browsers write it in the Origin header, or undefined where it is none. Apps have schemes of their own. */
const toOrigin = (text: string): string | undefined => {
  if (text === '*' || text === 'null') return text;
  const [, scheme = '', host = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^\s/?#*@]+)\/?$/i.exec(text) ?? [];
  if (host === '') return undefined;
  if (!/^https?$/i.test(scheme)) return `${scheme.toLowerCase()}://${host}`;
  return URL.canParse(text) ? new URL(text).origin : undefined;
};

const origins = list.transform((entries, context) => {
  const found = entries.map(toOrigin).filter((origin) => origin !== undefined);
  if (found.length < entries.length) {
    context.addIssue({
      code: 'custom',
      message: 'must be origins like https://app.example.com (no path, no wildcard within), or *',
    });
  }
  return found;
});

const modelsFile = z.string().transform((path, context): readonly ModelOverride[] => {
  try {
    return parseModelsFile(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
    return [];
  }
});

const claudeUpstream = z.enum(['anthropic', 'bedrock'], { error: 'must name anthropic, bedrock or both' });

const environmentSchema = z.object({
  PORT: whole(0, 65_535).default(3000),
  HOST: z.string().default('0.0.0.0'),
  WEB_CONCURRENCY: whole(1, 256).default(1),
  LOG_LEVEL: choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),

  INFERENCE_KEY: list.default([]),
  ALLOW_ANONYMOUS: flag(false),
  CORS_ORIGINS: origins.default([]),

  ANTHROPIC_API_KEY: z.string().optional(),
  ANTHROPIC_AUTH_TOKEN: z.string().optional(),
  ANTHROPIC_BASE_URL: url.optional(),

  AWS_REGION: z.string().optional(),
  AWS_DEFAULT_REGION: z.string().optional(),
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME: url.optional(),
  AWS_BEARER_TOKEN_BEDROCK: z.string().optional(),
  AWS_ACCESS_KEY_ID: z.string().optional(),
  AWS_SECRET_ACCESS_KEY: z.string().optional(),
  AWS_SESSION_TOKEN: z.string().optional(),
  AWS_PROFILE: z.string().optional(),
  BEDROCK_GLOBAL: flag(true),

  CLAUDE_UPSTREAMS: list
    .pipe(z.array(claudeUpstream).min(1, { error: 'must name anthropic, bedrock or both' }))
    .default(['anthropic', 'bedrock']),
  MODEL_ALIASES: aliases.default({}),
  MODELS_FILE: modelsFile.default([]),
  DEFAULT_MAX_TOKENS: whole(1).optional(),

  CONNECT_TIMEOUT_MS: milliseconds(5_000),
  FIRST_BYTE_TIMEOUT_MS: milliseconds(120_000),
  IDLE_TIMEOUT_MS: milliseconds(300_000),
  TOTAL_TIMEOUT_MS: milliseconds(600_000),
  STREAM_TIMEOUT_MS: milliseconds(3_600_000),

  MAX_RETRIES: whole(0, 10).default(2),
  RETRY_BUDGET_MS: milliseconds(20_000, 0),
  RETRY_AFTER_CAP_MS: milliseconds(10_000, 0),
  BREAKER_COOLDOWN_MS: milliseconds(30_000),

  PROMPT_CACHING: choice(['auto', 'off']).default('auto'),
  SHOW_REASONING: flag(false),
  IMAGE_FETCH: flag(true),
  IMAGE_FETCH_MAX_BYTES: whole(1).default(20_971_520),
  IMAGE_FETCH_TIMEOUT_MS: milliseconds(10_000),
  IMAGE_FETCH_ALLOW_HOSTS: list.default([]),

  KEEPALIVE_INTERVAL_MS: milliseconds(15_000),
  HEADER_HOLD_MS: milliseconds(10_000),
  PLAIN_HOLD_MS: whole(0, longestTimer).optional(),
  DYNO: z.string().optional(),
  HEADERS_TIMEOUT_MS: milliseconds(10_000),
  BODY_TIMEOUT_MS: milliseconds(30_000),
  MAX_CONCURRENT_REQUESTS: whole(1).default(5000),
  RATE_LIMIT_RPM: whole(0).default(0),
  BODY_LIMIT_BYTES: whole(1).default(33_554_432),
  SHUTDOWN_TIMEOUT_MS: milliseconds(25_000, 0),
  REDIS_URL: redisUrl.optional(),
  STATE_SECRET: list
    .refine((secrets) => secrets.every(({ length }) => length >= 16), {
      error: 'must have at least 16 characters, each where there are several',
    })
    .default([]),
  RESPONSES_STORE: choice(['memory', 'redis', 'off']).optional(),
  RESPONSES_TTL_MS: whole(1).optional(),
  RESPONSES_MAX_BYTES: whole(1).default(67_108_864),
  METRICS: choice(['key', 'open', 'off']).default('key'),
});

const credentialVariables = {
  anthropic: ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'ANTHROPIC_BASE_URL'],
  bedrock: ['AWS_BEARER_TOKEN_BEDROCK', 'AWS_ACCESS_KEY_ID', 'AWS_PROFILE', 'AWS_ROLE_ARN'],
} as const;

const credentialsOf = (present: Readonly<Record<string, string | undefined>>): Config['credentials'] =>
  Object.fromEntries(
    Object.entries(credentialVariables).map(([name, variables]) => [
      name,
      createHash('sha256')
        .update(JSON.stringify(variables.map((variable) => present[variable] ?? '')))
        .digest('base64url'),
    ]),
  );

const hour = 3_600_000;

const responsesOf = (env: z.infer<typeof environmentSchema>): Config['responses'] => {
  const store = env.RESPONSES_STORE ?? (env.REDIS_URL === undefined ? 'memory' : 'redis');
  if (store === 'off') return null;
  const maxAge = env.RESPONSES_TTL_MS ?? (store === 'redis' ? 30 * 24 * hour : hour);
  return { store, maxAge, maxBytes: env.RESPONSES_MAX_BYTES };
};

/** Known by name, and not built: the operator who sets one is warned. */
const notBuilt = ['OTEL_EXPORTER_OTLP_ENDPOINT'];

export interface Config {
  readonly port: number;
  readonly host: string;
  /** How many of them serve, behind one port. */
  readonly processes: number;
  readonly logLevel: string;
  /** Accepted keys; empty only with `allowAnonymous`. */
  readonly keys: readonly string[];
  readonly allowAnonymous: boolean;
  /** Of pages that may call, as browsers write them; `*`: any. */
  readonly corsOrigins: readonly string[];
  /** Null: not configured. */
  readonly anthropic: { readonly baseUrl: string | undefined } | null;
  readonly aws: {
    readonly region: string;
    readonly endpoint: string | undefined;
    readonly bearerToken: string | undefined;
    readonly hasAccessKey: boolean;
    /** Whether requests may go through global inference profiles. */
    readonly allowGlobal: boolean;
  } | null;
  /** The configured upstreams, in the order of preference. */
  readonly upstreams: readonly UpstreamName[];
  readonly aliases: Readonly<Record<string, string>>;
  readonly modelOverrides: readonly ModelOverride[];
  /** Tokens; undefined: the model's row decides. */
  readonly defaultMaxTokens: number | undefined;
  readonly timeouts: Timeouts;
  /** Times in ms. */
  readonly retries: {
    readonly maxRetries: number;
    readonly retryBudget: number;
    readonly retryAfterCap: number;
    readonly breakerCooldown: number;
  };
  readonly promptCaching: boolean;
  /** Whether clients who say nothing of it see the reasoning. */
  readonly showReasoning: boolean;
  readonly imageFetch: {
    readonly enabled: boolean;
    readonly maxBytes: number;
    readonly timeoutMs: number;
    readonly allowHosts: readonly string[];
  };
  /** Bytes. */
  readonly bodyLimit: number;
  /** When a slow answer's status goes out, and how long a silence may be after that, in ms; hold 0: never. */
  readonly streamSilence: { readonly hold: number; readonly interval: number };
  readonly plainSilence: { readonly hold: number; readonly interval: number };
  /** How long a client may take to send, in ms. */
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
  readonly maxConcurrent: number;
  /** Completions per minute and key; 0: no limit. */
  readonly requestsPerMinute: number;
  readonly shutdownTimeout: number;
  /** Where limits and thinking memory are shared between machines; undefined: they are not. */
  readonly redisUrl: string | undefined;
  /** Where responses are kept that clients may go on from; null: nowhere. */
  readonly responses: {
    readonly store: 'memory' | 'redis';
    /** Ms. */
    readonly maxAge: number;
    /** In memory. */
    readonly maxBytes: number;
  } | null;
  /** Something that stands for the credential of each upstream, as far as the environment names it. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Seal what is kept or sent outside: the first seals, any opens. Empty: nothing that lasts longer than the process can. */
  readonly stateSecrets: readonly string[];
  readonly metrics: 'key' | 'open' | 'off';
  /** Settings that are present and have no effect in this version, to be said at start. */
  readonly withoutEffect: readonly string[];
  /** Variables that are no settings, and the settings they look like. */
  readonly misspelt: readonly Misspelling[];
}

/**
 * Environment in, frozen configuration out. An empty variable counts as absent. Throws ConfigError
 * naming every bad setting at once.
 */
export const readConfig = (environment: NodeJS.ProcessEnv = process.env): Config => {
  const present = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value.trim() !== ''),
  );
  const result = environmentSchema.safeParse(present);
  const problems = result.success
    ? []
    : result.error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`);
  const env = result.data;

  const hasAnthropic = present.ANTHROPIC_API_KEY !== undefined || present.ANTHROPIC_AUTH_TOKEN !== undefined;
  const region = present.AWS_REGION ?? present.AWS_DEFAULT_REGION;
  if (!hasAnthropic && region === undefined) {
    problems.push(
      'no upstream: set ANTHROPIC_API_KEY for Claude, AWS_REGION (with AWS credentials) for Nova and Claude on Bedrock, or both ' +
        '(without an account: npm run demo, or parley demo)',
    );
  }
  if (present.INFERENCE_KEY === undefined && present.ALLOW_ANONYMOUS === undefined) {
    problems.push('INFERENCE_KEY: set the key clients must send, or ALLOW_ANONYMOUS=true to serve anyone');
  } else if (env !== undefined && env.INFERENCE_KEY.length === 0 && !env.ALLOW_ANONYMOUS) {
    problems.push('INFERENCE_KEY: holds no key, and ALLOW_ANONYMOUS is false');
  }
  const isConfigured = { anthropic: hasAnthropic, bedrock: region !== undefined };
  const claude = [...new Set(env?.CLAUDE_UPSTREAMS)].filter((name) => isConfigured[name]);
  if (env !== undefined && hasAnthropic && region === undefined && claude.length === 0) {
    problems.push('CLAUDE_UPSTREAMS: names only bedrock, but there is no AWS_REGION; add anthropic');
  }
  const misspelt = findMisspellings(Object.keys(present), Object.keys(environmentSchema.shape));
  if (env?.RESPONSES_STORE === 'redis' && env.REDIS_URL === undefined)
    problems.push('RESPONSES_STORE: is redis, but there is no REDIS_URL; set it, or choose memory');
  if (env === undefined || problems.length > 0) {
    throw new ConfigError([...problems, ...misspelt.map(describeMisspelling)]);
  }

  return Object.freeze({
    port: env.PORT,
    host: env.HOST,
    processes: env.WEB_CONCURRENCY,
    logLevel: env.LOG_LEVEL,
    keys: env.INFERENCE_KEY,
    allowAnonymous: env.ALLOW_ANONYMOUS,
    corsOrigins: env.CORS_ORIGINS,
    anthropic: hasAnthropic ? { baseUrl: env.ANTHROPIC_BASE_URL } : null,
    aws:
      region === undefined
        ? null
        : {
            region,
            endpoint: env.AWS_ENDPOINT_URL_BEDROCK_RUNTIME,
            bearerToken: env.AWS_BEARER_TOKEN_BEDROCK,
            hasAccessKey: env.AWS_ACCESS_KEY_ID !== undefined && env.AWS_SECRET_ACCESS_KEY !== undefined,
            allowGlobal: env.BEDROCK_GLOBAL,
          },
    upstreams: [...claude, ...(region === undefined ? [] : (['bedrock-converse'] as const))],
    aliases: env.MODEL_ALIASES,
    modelOverrides: env.MODELS_FILE,
    defaultMaxTokens: env.DEFAULT_MAX_TOKENS,
    timeouts: {
      connect: env.CONNECT_TIMEOUT_MS,
      firstByte: env.FIRST_BYTE_TIMEOUT_MS,
      idle: env.IDLE_TIMEOUT_MS,
      total: env.TOTAL_TIMEOUT_MS,
      stream: env.STREAM_TIMEOUT_MS,
    },
    retries: {
      maxRetries: env.MAX_RETRIES,
      retryBudget: env.RETRY_BUDGET_MS,
      retryAfterCap: env.RETRY_AFTER_CAP_MS,
      breakerCooldown: env.BREAKER_COOLDOWN_MS,
    },
    promptCaching: env.PROMPT_CACHING === 'auto',
    showReasoning: env.SHOW_REASONING,
    imageFetch: {
      enabled: env.IMAGE_FETCH,
      maxBytes: env.IMAGE_FETCH_MAX_BYTES,
      timeoutMs: env.IMAGE_FETCH_TIMEOUT_MS,
      allowHosts: env.IMAGE_FETCH_ALLOW_HOSTS,
    },
    bodyLimit: env.BODY_LIMIT_BYTES,
    streamSilence: { hold: env.HEADER_HOLD_MS, interval: env.KEEPALIVE_INTERVAL_MS },
    plainSilence: {
      // Heroku's router drops a connection that is silent for 30 s.
      hold: env.PLAIN_HOLD_MS ?? (env.DYNO === undefined ? 0 : 20_000),
      interval: env.KEEPALIVE_INTERVAL_MS,
    },
    headersTimeout: env.HEADERS_TIMEOUT_MS,
    bodyTimeout: env.BODY_TIMEOUT_MS,
    maxConcurrent: env.MAX_CONCURRENT_REQUESTS,
    requestsPerMinute: env.RATE_LIMIT_RPM,
    shutdownTimeout: env.SHUTDOWN_TIMEOUT_MS,
    redisUrl: env.REDIS_URL,
    responses: responsesOf(env),
    credentials: credentialsOf(present),
    stateSecrets: env.STATE_SECRET.length > 0 ? env.STATE_SECRET : env.INFERENCE_KEY,
    metrics: env.METRICS,
    withoutEffect: notBuilt.filter((name) => present[name] !== undefined),
    misspelt,
  });
};
