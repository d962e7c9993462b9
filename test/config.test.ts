import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';
import { ConfigError } from '../src/core/errors.ts';

const least = { INFERENCE_KEY: 'k', ANTHROPIC_API_KEY: 'sk' };

const problems = (environment: Record<string, string>): readonly string[] => {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

const file = (content: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'parley-')), 'models.json');
  writeFileSync(path, content);
  return path;
};

// Behaviour 11.1
describe('the defaults of the settings', () => {
  it('are those of the table', () => {
    expect(readConfig(least)).toMatchObject({
      port: 3000,
      host: '0.0.0.0',
      logLevel: 'info',
      keys: ['k'],
      allowAnonymous: false,
      corsOrigins: [],
      aws: null,
      upstreams: ['anthropic'],
      aliases: {},
      modelOverrides: [],
      defaultMaxTokens: undefined,
      timeouts: { connect: 5000, firstByte: 120_000, idle: 300_000, total: 600_000, stream: 3_600_000 },
      bodyLimit: 33_554_432,
      shutdownTimeout: 25_000,
      metrics: 'key',
    });
  });

  it('hold for settings that are set but empty, as in a copied .env.example', () => {
    expect(readConfig({ ...least, PORT: '', LOG_LEVEL: ' ', MODEL_ALIASES: '', AWS_REGION: '' })).toEqual(
      readConfig(least),
    );
  });

  it('cannot be changed afterwards', () => {
    expect(Object.isFrozen(readConfig(least))).toBe(true);
  });
});

describe('a setting is read as it was meant:', () => {
  it.each([
    { name: 'several keys', env: { INFERENCE_KEY: 'a, b ,,c' }, expected: { keys: ['a', 'b', 'c'] } },
    {
      name: 'anonymous access instead of a key',
      env: { INFERENCE_KEY: '', ALLOW_ANONYMOUS: 'true' },
      expected: { keys: [], allowAnonymous: true },
    },
    { name: 'port 0 for a free one', env: { PORT: '0' }, expected: { port: 0 } },
    { name: 'silence in the log', env: { LOG_LEVEL: 'silent' }, expected: { logLevel: 'silent' } },
    {
      name: 'a token instead of a key',
      env: { ANTHROPIC_API_KEY: '', ANTHROPIC_AUTH_TOKEN: 't' },
      expected: { upstreams: ['anthropic'] },
    },
    {
      name: 'a base URL',
      env: { ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' },
      expected: { anthropic: { baseUrl: 'http://127.0.0.1:1' } },
    },
    {
      name: 'a region makes Bedrock usable',
      env: { AWS_REGION: 'eu-west-1' },
      expected: { upstreams: ['anthropic', 'bedrock', 'bedrock-converse'], aws: { region: 'eu-west-1' } },
    },
    {
      name: 'the other name of the region',
      env: { AWS_DEFAULT_REGION: 'eu-west-1' },
      expected: { aws: { region: 'eu-west-1' } },
    },
    {
      name: 'Bedrock alone',
      env: { ANTHROPIC_API_KEY: '', AWS_REGION: 'us-east-1' },
      expected: { anthropic: null, upstreams: ['bedrock', 'bedrock-converse'] },
    },
    {
      name: 'the order of preference',
      env: { AWS_REGION: 'us-east-1', CLAUDE_UPSTREAMS: 'bedrock,anthropic' },
      expected: { upstreams: ['bedrock', 'anthropic', 'bedrock-converse'] },
    },
    {
      name: 'one Claude upstream of two',
      env: { AWS_REGION: 'us-east-1', CLAUDE_UPSTREAMS: 'bedrock' },
      expected: { upstreams: ['bedrock', 'bedrock-converse'] },
    },
    {
      name: 'an upstream named twice',
      env: { CLAUDE_UPSTREAMS: 'anthropic,anthropic' },
      expected: { upstreams: ['anthropic'] },
    },
    { name: 'any page', env: { CORS_ORIGINS: '*' }, expected: { corsOrigins: ['*'] } },
    {
      name: 'pages and apps, as browsers will name them',
      env: {
        CORS_ORIGINS:
          'https://App.example.com/, HTTP://localhost:5173, https://a.example:443, app://obsidian.md, null',
      },
      expected: {
        corsOrigins: [
          'https://app.example.com',
          'http://localhost:5173',
          'https://a.example',
          'app://obsidian.md',
          'null',
        ],
      },
    },
    { name: 'aliases', env: { MODEL_ALIASES: 'a=b, c = d' }, expected: { aliases: { a: 'b', c: 'd' } } },
    {
      name: 'a models file',
      env: { MODELS_FILE: file('[{"id":"nova-lite","maxOutput":5}]') },
      expected: { modelOverrides: [{ id: 'nova-lite', maxOutput: 5 }] },
    },
    {
      name: 'a Redis with all that an address may have',
      env: { REDIS_URL: 'rediss://user:p%40ss@redis.example:6380/2' },
      expected: { redisUrl: 'rediss://user:p%40ss@redis.example:6380/2' },
    },
    { name: 'a Redis with the least', env: { REDIS_URL: 'redis://h' }, expected: { redisUrl: 'redis://h' } },
    {
      name: 'secrets of its own for what is sealed',
      env: { STATE_SECRET: 'a-secret-of-its-own, an-older-secret-1' },
      expected: { stateSecrets: ['a-secret-of-its-own', 'an-older-secret-1'] },
    },
    {
      name: 'none: the keys of the clients, in their order',
      env: { INFERENCE_KEY: 'one,two' },
      expected: { stateSecrets: ['one', 'two'] },
    },
    { name: 'open metrics', env: { METRICS: 'open' }, expected: { metrics: 'open' } },
    { name: 'no grace at shutdown', env: { SHUTDOWN_TIMEOUT_MS: '0' }, expected: { shutdownTimeout: 0 } },
  ])('$name', ({ env, expected }) => {
    expect(readConfig({ ...least, ...env })).toMatchObject(expected);
  });
});

describe('settings that are not built', () => {
  const needed = { INFERENCE_KEY: 'k', ANTHROPIC_API_KEY: 'k' };

  it('are told to whoever sets them', () => {
    const { withoutEffect } = readConfig({ ...needed, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' });
    expect(withoutEffect).toEqual(['OTEL_EXPORTER_OTLP_ENDPOINT']);
  });

  it('are not mentioned where nobody does', () => {
    expect(readConfig(needed).withoutEffect).toEqual([]);
  });
});

describe('a name that is nearly a setting', () => {
  const needed = { INFERENCE_KEY: 'k', ANTHROPIC_API_KEY: 'k' };
  const meant = (env: Record<string, string>) =>
    readConfig({ ...needed, ...env }).misspelt.map((each) => `${each.name} ${each.meant}`);

  it.each([
    {
      name: 'a plural beside the setting itself',
      env: { INFERENCE_KEYS: 'a,b' },
      meant: 'INFERENCE_KEYS INFERENCE_KEY',
    },
    { name: 'a letter too few', env: { IDLE_TIMOUT_MS: '1' }, meant: 'IDLE_TIMOUT_MS IDLE_TIMEOUT_MS' },
    { name: 'a word too few', env: { CONNECT_TIMEOUT: '1' }, meant: 'CONNECT_TIMEOUT CONNECT_TIMEOUT_MS' },
    { name: 'a word too many', env: { AWS_REGION_NAME: 'x' }, meant: 'AWS_REGION_NAME AWS_REGION' },
    { name: 'small letters', env: { model_aliases: 'a=b' }, meant: 'model_aliases MODEL_ALIASES' },
  ])('is noticed: $name', ({ env, meant: expected }) => {
    expect(meant(env)).toEqual([expected]);
  });

  it.each([
    {
      name: 'what every machine has',
      env: { PATH: '/', HOME: '/', HOSTNAME: 'h', POST: '1', LANG: 'C', NODE_ENV: 'production' },
    },
    { name: 'Heroku’s second Redis address', env: { REDIS_URL: 'redis://h', REDIS_TLS_URL: 'rediss://h' } },
    {
      name: 'the AWS SDK’s own',
      env: {
        AWS_EXECUTION_ENV: 'x',
        AWS_CONFIG_FILE: 'x',
        AWS_ROLE_ARN: 'x',
        AWS_PROFILE: 'x',
        AWS_SESSION_TOKEN: 'x',
      },
    },
    { name: 'what README tells clients to set', env: { INFERENCE_URL: 'http://x' } },
    { name: 'a setting', env: { METRICS: 'open', AWS_DEFAULT_REGION: 'us-east-1' } },
  ])('is not seen in $name', ({ env }) => {
    expect(meant(env)).toEqual([]);
  });

  it('stands among the problems where there are some', () => {
    expect(problems({ INFERENCE_KEY: 'k', ANTHROPIC_KEY: 'k' })).toEqual([
      expect.stringContaining('no upstream'),
      expect.stringContaining('did you mean ANTHROPIC_API_KEY?'),
    ]);
  });
});

describe('a bad setting is named in plain words', () => {
  it.each([
    { name: 'PORT as a word', env: { PORT: 'http' }, says: /^PORT: must be a number/ },
    { name: 'PORT beyond the range', env: { PORT: '70000' }, says: /^PORT: .*65535/ },
    { name: 'a fraction', env: { IDLE_TIMEOUT_MS: '1.5' }, says: /^IDLE_TIMEOUT_MS: must be a whole number/ },
    { name: 'a time of zero', env: { CONNECT_TIMEOUT_MS: '0' }, says: /^CONNECT_TIMEOUT_MS: .*1/ },
    {
      name: 'a time that timers would take for none at all',
      env: { TOTAL_TIMEOUT_MS: '3000000000' },
      says: /^TOTAL_TIMEOUT_MS: .*2147483647/,
    },
    ...[
      'app.example.com',
      'https://app.example.com/path',
      'https://*.example.com',
      'https://user@a.example',
      'https://a.example:port',
      '*, nonsense',
    ].map((value) => ({
      name: `an origin that is none, ${value}`,
      env: { CORS_ORIGINS: value },
      says: /^CORS_ORIGINS: must be origins like https:/,
    })),
    { name: 'LOG_LEVEL', env: { LOG_LEVEL: 'loud' }, says: /^LOG_LEVEL: .*silent/ },
    {
      name: 'ALLOW_ANONYMOUS',
      env: { ALLOW_ANONYMOUS: 'perhaps' },
      says: /^ALLOW_ANONYMOUS: must be true or false/,
    },
    {
      name: 'a URL',
      env: { ANTHROPIC_BASE_URL: 'localhost:3000' },
      says: /^ANTHROPIC_BASE_URL: must be an http or https URL/,
    },
    {
      name: 'an upstream that does not exist',
      env: { CLAUDE_UPSTREAMS: 'anthropic,vertex' },
      says: /^CLAUDE_UPSTREAMS: must name anthropic, bedrock or both/,
    },
    {
      name: 'an order of upstreams that leaves none',
      env: { AWS_REGION: '', CLAUDE_UPSTREAMS: 'bedrock' },
      says: /^CLAUDE_UPSTREAMS: names only bedrock, but there is no AWS_REGION/,
    },
    {
      name: 'an alias without an equals sign',
      env: { MODEL_ALIASES: 'claude-4-5-haiku' },
      says: /^MODEL_ALIASES: must look like name=model/,
    },
    {
      name: 'an alias without a model',
      env: { MODEL_ALIASES: 'a=b,c=' },
      says: /^MODEL_ALIASES: must look like/,
    },
    {
      name: 'a models file that is not there',
      env: { MODELS_FILE: '/nowhere/models.json' },
      says: /^MODELS_FILE: .*models\.json/,
    },
    { name: 'a models file that is no JSON', env: { MODELS_FILE: file('{') }, says: /^MODELS_FILE: / },
    {
      name: 'a models file with an unknown row',
      env: { MODELS_FILE: file('[{"id":"x"}]') },
      says: /^MODELS_FILE: x: needs "like"/,
    },
    { name: 'METRICS', env: { METRICS: 'yes' }, says: /^METRICS: must be one of key, open, off$/ },
    { name: 'a count as a word', env: { MAX_RETRIES: 'few' }, says: /^MAX_RETRIES: must be a number$/ },
    {
      name: 'room for nobody',
      env: { MAX_CONCURRENT_REQUESTS: '0' },
      says: /^MAX_CONCURRENT_REQUESTS: must be at least 1$/,
    },
    { name: 'a rate as a word', env: { RATE_LIMIT_RPM: 'many' }, says: /^RATE_LIMIT_RPM: must be a number$/ },
    {
      name: 'a Redis without a scheme',
      env: { REDIS_URL: 'localhost:6379' },
      says: /^REDIS_URL: must look like redis:(?!.*off)/,
    },
    {
      name: 'a Redis that is no address at all',
      env: { REDIS_URL: 'redis' },
      says: /^REDIS_URL: must look like redis:(?!.*off)/,
    },
    {
      name: 'a Redis of another kind',
      env: { REDIS_URL: 'http://localhost:6379' },
      says: /^REDIS_URL: must look like redis:(?!.*off)/,
    },
    {
      name: 'a Redis without a host',
      env: { REDIS_URL: 'redis:6379' },
      says: /^REDIS_URL: must look like redis:(?!.*off)/,
    },
    {
      name: 'a Redis database by name',
      env: { REDIS_URL: 'redis://localhost/main' },
      says: /^REDIS_URL: must look like redis:(?!.*off)/,
    },
    {
      name: 'a Redis password with a bare percent sign',
      env: { REDIS_URL: 'redis://:50%off@localhost' },
      says: /^REDIS_URL: must look like redis:(?!.*off)/,
    },
    {
      name: 'no key and no word about anonymous access',
      env: { INFERENCE_KEY: '' },
      says: /^INFERENCE_KEY: .*ALLOW_ANONYMOUS=true/,
    },
    {
      name: 'no key and anonymous access refused',
      env: { INFERENCE_KEY: '', ALLOW_ANONYMOUS: 'false' },
      says: /^INFERENCE_KEY: /,
    },
    { name: 'a key of commas', env: { INFERENCE_KEY: ' , ' }, says: /^INFERENCE_KEY: / },
    {
      name: 'no upstream at all',
      env: { ANTHROPIC_API_KEY: '' },
      says: /no upstream: set ANTHROPIC_API_KEY/,
    },
  ])('$name', ({ env, says }) => {
    const found = problems({ ...least, ...env });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(says);
  });

  it('together with all the others, at once', () => {
    const found = problems({ PORT: 'x', METRICS: 'y', IDLE_TIMEOUT_MS: '-1', MODEL_ALIASES: 'z' });
    for (const name of [
      'PORT',
      'METRICS',
      'IDLE_TIMEOUT_MS',
      'MODEL_ALIASES',
      'INFERENCE_KEY',
      'no upstream',
    ])
      expect(found.filter((each) => each.startsWith(name))).toHaveLength(1);
  });

  it('without the secrets beside it', () => {
    const found = problems({ INFERENCE_KEY: 'sekret-1', ANTHROPIC_API_KEY: 'sekret-2', PORT: 'x' });
    expect(found.join()).not.toContain('sekret');
  });
});
