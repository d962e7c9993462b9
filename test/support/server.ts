/** The whole server, listening on loopback, for tests that talk to it over HTTP. */

import { Writable } from 'node:stream';
import OpenAI from 'openai';
import { buildApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { Sealer } from '../../src/core/sealer.ts';
import { createCatalogue } from '../../src/models/catalogue.ts';
import { parseModelsFile } from '../../src/models/overrides.ts';
import { createProviders } from '../../src/providers/registry.ts';
import { createLogger } from '../../src/server/logger.ts';
import { createLocalStore } from '../../src/store/local.ts';
import type { Store } from '../../src/store/store.ts';
import { today } from './today.ts';

export const testKey = 'test-key';

export interface ServerOptions {
  /** Where the Anthropic API is played; absent: not configured. */
  readonly anthropicUrl?: string | undefined;
  /** Where Bedrock is played, both its APIs; absent: not configured. */
  readonly bedrockUrl?: string | undefined;
  /** Over the defaults below. An empty value takes a default away. */
  readonly env?: Readonly<Record<string, string>>;
  /** What several servers share; absent: one of its own. */
  readonly store?: Store;
  /** Rows as in MODELS_FILE. */
  readonly models?: unknown;
}

export interface TestServer {
  /** Without a slash at the end. */
  readonly url: string;
  /** The log so far, one parsed JSON line each. */
  readonly logs: readonly Record<string, unknown>[];
  clearLogs(): void;
  /** The official client, with the key and without retries of its own. */
  readonly client: OpenAI;
  /** A POST to the chat endpoint with the key. */
  post(body: unknown, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

const lineCollector = (lines: Record<string, unknown>[]): Writable =>
  new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      for (const line of chunk.toString('utf8').split('\n')) if (line !== '') lines.push(JSON.parse(line));
      done();
    },
  });

export const startServer = async (options: ServerOptions = {}): Promise<TestServer> => {
  const { anthropicUrl, bedrockUrl, env = {}, models, store = createLocalStore() } = options;
  // The Anthropic SDK reads its key from the process itself.
  process.env.ANTHROPIC_API_KEY ??= 'test-anthropic-key';
  const config = readConfig({
    INFERENCE_KEY: testKey,
    LOG_LEVEL: 'info',
    ...(anthropicUrl === undefined
      ? {}
      : { ANTHROPIC_API_KEY: 'test-anthropic-key', ANTHROPIC_BASE_URL: anthropicUrl }),
    ...(bedrockUrl === undefined
      ? {}
      : {
          AWS_REGION: 'us-east-1',
          AWS_ACCESS_KEY_ID: 'AKIATESTTESTTESTTEST',
          AWS_SECRET_ACCESS_KEY: 'test-secret',
          // Goes through our own configuration, so that nothing depends on the machine's credentials.
          AWS_BEARER_TOKEN_BEDROCK: 'test-bearer',
          AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrockUrl,
        }),
    ...env,
  });
  const logs: Record<string, unknown>[] = [];
  const app = buildApp({
    config,
    catalogue: createCatalogue({
      upstreams: config.upstreams,
      region: config.aws?.region,
      allowGlobal: config.aws?.allowGlobal,
      aliases: config.aliases,
      overrides: models === undefined ? config.modelOverrides : parseModelsFile(models),
      now: () => new Date(today),
    }),
    providers: createProviders(config),
    logger: createLogger(config.logLevel, lineCollector(logs)),
    store,
    responseStore: store,
    sealer: new Sealer([config.stateSecrets[0] ?? 'of a server without a key']),
  });
  const url = await app.server.listen({ port: 0, host: '127.0.0.1' });
  return {
    url,
    logs,
    clearLogs: () => {
      logs.length = 0;
    },
    client: new OpenAI({ apiKey: testKey, baseURL: `${url}/v1`, maxRetries: 0 }),
    post: (body, headers = {}) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    close: () => app.close(),
  };
};
