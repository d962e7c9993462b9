/** The process: reads the configuration, wires, listens, closes. The only file that exits. */

import { setTimeout as sleep } from 'node:timers/promises';
import { buildApp } from './app.ts';
import { createBackends } from './backends.ts';
import { createCatalogue } from './catalogue.ts';
import { readConfig } from './config.ts';
import { ConfigError } from './errors.ts';
import { createLogger } from './logger.ts';

/** One plain sentence for a person at a terminal, and a non-zero exit. */
const fail = (message: string): never => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
};

const start = async (): Promise<void> => {
  const config = readConfig();
  const logger = createLogger(config.logLevel);
  const catalogue = createCatalogue({
    upstreams: config.upstreams,
    region: config.aws?.region,
    aliases: config.aliases,
    overrides: config.modelOverrides,
    now: () => new Date(),
  });
  for (const name of config.withoutEffect) logger.warn(`${name} has no effect in this version`);
  for (const warning of catalogue.warnings()) logger.warn(warning);

  const app = buildApp({ config, catalogue, backends: createBackends(config), logger });
  const address = await app.server.listen({ port: config.port, host: config.host });
  logger.info({ address, upstreams: config.upstreams, models: catalogue.list().length }, 'listening');

  // Still listening, so that routers see `/ready` turn and new requests a 503, until the last answer is out.
  const stop = async (signal: string): Promise<void> => {
    logger.info({ signal }, 'draining');
    app.drain();
    const late = sleep(config.shutdownTimeout, 'late', { ref: false });
    if ((await Promise.race([app.idle(), late])) === 'late') {
      logger.warn('requests were still running at SHUTDOWN_TIMEOUT_MS');
    }
    await app.close();
    logger.info('closed');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      // Asked twice, there is no more time.
      process.once(signal, () => process.exit(0));
      stop(signal).catch((error: unknown) => {
        logger.error({ error }, 'closing failed');
        process.exit(1);
      });
    });
  }
};

start().catch((error: unknown) => {
  if (error instanceof ConfigError) fail(error.message);
  const { code, port, syscall } = error as { code?: string; port?: number; syscall?: string };
  if (code === 'EADDRINUSE') fail(`Port ${port ?? ''} is already in use. Set PORT to a free one.`);
  if (syscall === 'listen' || syscall === 'getaddrinfo')
    fail(
      `The server cannot listen there (${(error as Error).message}). Set HOST and PORT to what it may use.`,
    );
  fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
});
