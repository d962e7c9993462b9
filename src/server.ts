/** The process: reads the configuration, wires, listens, closes. The only file that exits. */

import cluster from 'node:cluster';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type App, buildApp } from './app.ts';
import { linkToPrimary, type PrimaryFunctions } from './cluster/link.ts';
import { ProcessFailed, startPrimary } from './cluster/primary.ts';
import { type Config, readConfig } from './config.ts';
import { ConfigError } from './core/errors.ts';
import { describeMisspelling } from './core/misspellings.ts';
import { Sealer } from './core/sealer.ts';
import { createCatalogue } from './models/catalogue.ts';
import { createProviders, type Providers } from './providers/registry.ts';
import { createLogger } from './server/logger.ts';
import { startSummary } from './server/start-summary.ts';
import { createLocalStore } from './store/local.ts';
import { SharedStore } from './store/shared.ts';
import type { Store } from './store/store.ts';

type Logger = ReturnType<typeof createLogger>;

/** One plain sentence for a person at a terminal, and a non-zero exit. */
const fail = (message: string): never => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
};

/** Runs `stop` once, whichever signal comes, then exits. */
const onSignal = (logger: Logger, stop: () => Promise<void>): void => {
  let isStopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // Asked twice, there is no more time.
      if (isStopping) process.exit(0);
      isStopping = true;
      logger.info({ signal }, 'draining');
      exitAfter(logger, stop);
    });
  }
};

const exitAfter = (logger: Logger, stop: () => Promise<void>): void => {
  stop()
    .then(() => {
      logger.info('closed');
      process.exit(0);
    })
    .catch((error: unknown) => {
      logger.error({ error }, 'closing failed');
      process.exit(1);
    });
};

/** Still listening, so that routers see `/ready` turn and new requests a 503, until the last answer is out. */
const drain = async (app: App, { shutdownTimeout }: Config, logger: Logger): Promise<void> => {
  app.drain();
  const late = sleep(shutdownTimeout, 'late', { ref: false });
  if ((await Promise.race([app.idle(), late])) === 'late') {
    logger.warn('requests were still running at SHUTDOWN_TIMEOUT_MS');
  }
  await app.close();
};

const createCatalogueOf = ({ upstreams, aws, aliases, modelOverrides }: Config) =>
  createCatalogue({
    upstreams,
    region: aws?.region,
    allowGlobal: aws?.allowGlobal,
    aliases,
    overrides: modelOverrides,
    now: () => new Date(),
  });

/** Without a secret, one of this start's own. */
const sealerOf = ([first = randomUUID(), ...others]: readonly string[]): Sealer =>
  new Sealer([first, ...others]);

interface Stores {
  /** Redis; where that is away, or there is none, `memory`. */
  readonly shared: Store;
  /** The primary; where that does not answer, or there is none, this process. */
  readonly memory: Store;
}

const createStores = async (
  { redisUrl }: Config,
  primary: PrimaryFunctions | undefined,
  sealer: Sealer,
  logger: Logger,
): Promise<Stores> => {
  let store: Store = createLocalStore();
  if (primary !== undefined) {
    store = new SharedStore({
      remote: primary,
      own: store,
      keepsCopies: false,
      onChange: (isThere) => {
        if (isThere) logger.info('the primary process answers again');
        else logger.warn('the primary process did not answer; this one goes on alone');
      },
    });
  }
  if (redisUrl === undefined) return { shared: store, memory: store };
  const { createRedisStore } = await import('./store/redis.ts');
  const shared = createRedisStore({
    url: redisUrl,
    sealer,
    own: store,
    onChange: (isThere, reason) => {
      if (isThere) logger.info('Redis is there: limits and thinking memory are shared');
      else logger.warn({ reason }, 'Redis is away: limits and thinking memory are this process’s own');
    },
  });
  return { shared, memory: store };
};

/** What has to be said at start, once however many processes there are. */
const warn = (config: Config, logger: Logger): void => {
  if (config.stateSecrets.length === 0)
    logger.warn(
      'Neither STATE_SECRET nor INFERENCE_KEY is set: sealed reasoning, and what is kept in Redis, can be read until this server ends, and by no other machine',
    );
  for (const name of config.withoutEffect) logger.warn(`${name} has no effect in this version`);
  for (const misspelling of config.misspelt) logger.warn(describeMisspelling(misspelling));
  for (const warning of createCatalogueOf(config).warnings()) logger.warn(warning);
};

/** A region is a promise that Bedrock can be asked. Looking goes on while the server already listens. */
const warnWithoutCredentials = async (
  { aws }: Config,
  { bedrock }: Providers,
  logger: Logger,
): Promise<void> => {
  if (aws === null || (await bedrock?.hasCredential())) return;
  logger.warn(
    'An AWS region is set, but no AWS credentials were found, neither in the environment nor by a profile or role: requests to Bedrock will fail',
  );
};

/**
 * For a person at a terminal who wants to read what happens; where the output is collected there are the log lines
 * alone.
 */
const greet = (config: Config, port: number, logger: Logger): void => {
  if (!process.stdout.isTTY || !logger.isLevelEnabled('info')) return;
  const catalogue = createCatalogueOf(config);
  const summary = startSummary({
    host: config.host,
    port,
    needsKey: !config.allowAnonymous,
    models: catalogue.list().map(({ id }) => id),
    example: catalogue.example()?.id,
  });
  // After the log lines of this turn.
  setImmediate(() => process.stdout.write(summary));
};

/** Serves in this process, alone or as one of several. */
const serve = async (config: Config, logger: Logger): Promise<void> => {
  const catalogue = createCatalogueOf(config);
  const stop = () => drain(app, config, logger);
  const primary = cluster.isWorker
    ? linkToPrimary(process, {
        ownMetrics: () => app.metrics(),
        drain: async () => exitAfter(logger, stop),
      })
    : undefined;
  const providers = createProviders(config);
  const sealer = sealerOf(config.stateSecrets);
  const { shared, memory } = await createStores(config, primary, sealer, logger);
  const app = buildApp({
    config,
    catalogue,
    providers,
    logger,
    store: shared,
    responseStore: config.responses?.store === 'redis' ? shared : memory,
    sealer,
    ...(primary === undefined ? {} : { allMetrics: primary.allMetrics }),
  });
  process.on('exit', app.flush);
  const address = await app.server.listen({ port: config.port, host: config.host });
  logger.info(
    { address, pid: process.pid, upstreams: config.upstreams, models: catalogue.list().length },
    'listening',
  );

  if ((cluster.worker?.id ?? 1) === 1) void warnWithoutCredentials(config, providers, logger);
  if (primary === undefined) {
    greet(config, Number(new URL(address).port || 80), logger);
    return onSignal(logger, stop);
  }
  // Signals reach the whole group of processes; the primary says when to stop.
  // Without a primary no client can reach this one any more, and Node ends it at once.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {});
};

/** Serves in several processes. */
const lead = async (config: Config, logger: Logger): Promise<void> => {
  const { processes: count, shutdownTimeout, stateSecrets } = config;
  const primary = startPrimary({
    count,
    store: createLocalStore(),
    shutdownTimeout,
    onDeath: (death) => logger.error(death, 'a process died; another takes its place'),
    // Without a secret they share one of this start's own.
    env: stateSecrets.length === 0 ? { STATE_SECRET: randomUUID() } : undefined,
  });
  let port = config.port;
  cluster.once('listening', (_worker, listening) => {
    port = listening.port;
  });
  onSignal(logger, primary.stop);
  await Promise.race([primary.listening, primary.failed]);
  logger.info({ processes: count }, 'all processes listen');
  greet(config, port, logger);
  await primary.failed;
};

const start = async (): Promise<void> => {
  const config = readConfig();
  const logger = createLogger(config.logLevel);
  const leads = config.processes > 1 && cluster.isPrimary;
  if (!cluster.isWorker) warn(config, logger);
  await (leads ? lead(config, logger) : serve(config, logger));
};

start().catch((error: unknown) => {
  if (error instanceof ConfigError) fail(error.message);
  // The process said why itself.
  if (error instanceof ProcessFailed) process.exit(1);
  const { code, port, syscall } = error as { code?: string; port?: number; syscall?: string };
  if (code === 'EADDRINUSE') fail(`Port ${port ?? ''} is already in use. Set PORT to a free one.`);
  if (syscall === 'listen' || syscall === 'getaddrinfo')
    fail(
      `The server cannot listen there (${(error as Error).message}). Set HOST and PORT to what it may use.`,
    );
  fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
});
