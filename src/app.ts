/** The application, built from its dependencies and not yet listening. */

import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { ChatApi } from './api/chat-api.ts';
import { chatCompletions } from './api/chat-completions/api.ts';
import { cutLongTexts } from './api/chat-completions/long-texts.ts';
import { openAiErrorBody } from './api/content/openai-error.ts';
import { registerHealth } from './api/health.ts';
import { registerModels } from './api/models.ts';
import { registerOpenApi } from './api/openapi.ts';
import { createResponses } from './api/responses/api.ts';
import { registerResponses } from './api/responses/routes.ts';
import { createWebSocketResponses, notUpgraded } from './api/responses/websocket.ts';
import { type ServeDependencies, serveChatApi } from './api/serve.ts';
import { registerStatus } from './api/status-page.ts';
import { registerWebSocket } from './api/websocket.ts';
import type { Config } from './config.ts';
import { draining } from './core/errors.ts';
import type { Sealer } from './core/sealer.ts';
import type { Catalogue } from './models/catalogue.ts';
import { Affinity } from './pipeline/affinity.ts';
import { createBackends } from './pipeline/backends.ts';
import { createAnswerer } from './pipeline/complete.ts';
import { createImageFetcher } from './pipeline/image-fetcher.ts';
import { createResilience } from './pipeline/retry.ts';
import { ThinkingBinding } from './pipeline/thinking-binding.ts';
import { ThinkingMemory } from './pipeline/thinking-memory.ts';
import type { Providers } from './providers/registry.ts';
import { registerAuth } from './server/auth.ts';
import { registerBody } from './server/body.ts';
import { createCorsHeaders, registerCors } from './server/cors.ts';
import {
  onFrameworkError,
  onParserError,
  refuseTunnels,
  registerErrors,
  type ShapeAt,
} from './server/errors.ts';
import { registerHeaders, requestId } from './server/headers.ts';
import { postInProcess } from './server/in-process.ts';
import { registerLimits } from './server/limits.ts';
import { createMetrics, registerMetrics } from './server/metrics.ts';
import { createTurnWatch } from './server/node-internals.ts';
import { watchMethods } from './server/other-methods.ts';
import { registerRecord } from './server/record.ts';
import { createRequestLog } from './server/request-log.ts';
import { routedUrl } from './server/request-path.ts';
import { upgradeOptions } from './server/upgrades.ts';
import { ResponseStore } from './store/response-store.ts';
import type { Store } from './store/store.ts';

export interface AppOptions {
  readonly config: Config;
  readonly catalogue: Catalogue;
  readonly providers: Providers;
  readonly logger: FastifyBaseLogger;
  /** What requests leave behind for later ones; closed with the application. */
  readonly store: Store;
  /** Where responses are kept, if they are. */
  readonly responseStore: Store;
  /** Of what clients carry and cannot read. */
  readonly sealer: Sealer;
  /** The metrics to show where this is one of several processes; absent: its own. */
  readonly allMetrics?: () => Promise<string>;
}

export interface App {
  readonly server: FastifyInstance;
  /** From now on `/ready` says no and new requests are refused; running ones go on. */
  drain(): void;
  /** Resolves when no request is being served. */
  idle(): Promise<void>;
  /** This process's metrics, in prom-client's JSON form. */
  metrics(): Promise<readonly object[]>;
  /** Has every request that is over in the log and the metrics; done by itself within a turn of the event loop. */
  flush(): void;
  /** Closes every socket and the upstreams', whatever still runs. */
  close(): Promise<void>;
}

/** Longer than any router keeps an idle connection, so that it is never us who closes one in its face. Ms. */
const keepAlive = 95_000;

/** How long a client may take to send. Node looks only every 30 s unless set otherwise. */
const sendingTimes = ({ headersTimeout, bodyTimeout }: Config) => ({
  headersTimeout,
  requestTimeout: headersTimeout + bodyTimeout,
  connectionsCheckingInterval: Math.min(1000, Math.ceil(headersTimeout / 4)),
});

/** Ms in which sockets that were destroyed say so. */
const lastWait = 1000;

/** A socket on which nothing moves for longer than we are ever silent has a client who does not read. Ms. */
const readingTime = ({ timeouts: { total, stream } }: Config) =>
  Math.min(Math.max(total, stream) + 1000, 2_147_483_647);

/** Fastify's own lines, from warnings up: that it listens, once for every address, is logged by server.ts. */
const warningsOf = (logger: FastifyBaseLogger): FastifyBaseLogger =>
  ['trace', 'debug', 'info'].includes(logger.level) ? logger.child({}, { level: 'warn' }) : logger;

const isUnder = (path: string, root: string): boolean =>
  path.startsWith(root) && ['', '/', '?'].includes(path.charAt(root.length));

/** Under an API's path the errors of every layer are its own; elsewhere they are OpenAI's. */
const shapesOf =
  (apis: readonly ChatApi<unknown>[]): ShapeAt =>
  (path) =>
    apis.find((api) => isUnder(path, api.path))?.errorBody ?? openAiErrorBody;

/** Whether the model that a client calls `asked` reads reasoning of `model`: one of its maker's that takes it back. */
const createReads =
  (catalogue: Catalogue) =>
  (model: string, asked: string): boolean => {
    const [giver, reader] = [model, asked].map((name) => catalogue.find(name));
    if (giver === undefined || reader === undefined) return false;
    return giver.owner === reader.owner && reader.endpoints.some(({ quirks }) => quirks.replay === 'signed');
  };

/** Ms that a probe waits for credentials to be found. */
const credentialWait = 1000;

/** Whether some upstream can be asked, as far as that is known soon. */
const isUsable = async (providers: Providers): Promise<boolean> => {
  const found = Object.values(providers).map(async (provider) => {
    if (!(await provider.hasCredential())) throw new Error('no credential');
    return true;
  });
  return Promise.race([Promise.any(found).catch(() => false), sleep(credentialWait, false, { ref: false })]);
};

export const buildApp = (options: AppOptions): App => {
  const { config, catalogue, providers, logger, store, responseStore, sealer, allMetrics } = options;
  let isDraining = false;
  const watchTurn = createTurnWatch();
  const corsHeaders = createCorsHeaders(config.corsOrigins);

  const app = Fastify({
    loggerInstance: warningsOf(logger),
    // A request's line is written at its end, with its id; a logger for each would be made for nothing.
    childLoggerFactory: (parent) => parent,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: config.bodyLimit,
    genReqId: requestId,
    requestIdHeader: false,
    keepAliveTimeout: keepAlive,
    routerOptions: { ignoreDuplicateSlashes: true, ignoreTrailingSlash: true, maxParamLength: 2048 },
    rewriteUrl: ({ url }) => routedUrl(url ?? '/'),
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => onFrameworkError(error, request, reply, refusal),
    clientErrorHandler: (error, socket) => onParserError(error, socket, refusal),
    serverFactory: (handler) =>
      createServer(
        { requireHostHeader: false, keepAliveTimeout: keepAlive, ...sendingTimes(config), ...upgradeOptions },
        (request, response) => {
          watchTurn(request, response);
          handler(request, response);
        },
      ).setTimeout(readingTime(config)),
  });

  const resilience = createResilience(config.retries);
  const memory = new ThinkingMemory(store);
  const images = createImageFetcher(config.imageFetch);
  const listed = new Set(catalogue.list().map((model) => model.id));
  const metrics = createMetrics((id) => listed.has(id), resilience.broken);

  const state = config.responses === null ? undefined : new ResponseStore(responseStore, config.responses);
  const webSockets = createWebSocketResponses({
    state,
    post: (headers, body, signal) =>
      postInProcess(app.server, { path: '/v1/responses', headers, body, signal }),
  });
  const { responses, compaction } = createResponses({
    state,
    sealer,
    reads: createReads(catalogue),
    memoryOf: webSockets.memoryOf,
  });
  /** The inbound APIs of chats. */
  const chatApis: readonly ChatApi<unknown>[] = [chatCompletions, responses, compaction];
  const shapeAt = shapesOf(chatApis);

  const methods = watchMethods(app);

  // Hooks, in the order they run: the record first, so that a refusal is logged too; the key before the body.
  const recorder = registerRecord(app, [createRequestLog(logger), metrics.observe]);
  const refusal = { recorder, corsHeaders, shapeAt };
  registerHeaders(app);
  registerErrors(app, config.bodyLimit, shapeAt);
  refuseTunnels(app.server, recorder, shapeAt);
  if (config.corsOrigins.length > 0) registerCors(app, corsHeaders);
  registerBody(app, { ...config, cutLongTexts });
  registerAuth(app, config);
  const load = registerLimits(app, {
    ...config,
    takeRequest: (key, perMinute) => store.take(key, perMinute),
  });
  app.addHook('onRequest', (request, _reply, done) => {
    done(isDraining && request.routeOptions.config.open !== true ? draining() : undefined);
  });

  // What is served.
  registerHealth(app, {
    obstacle: async () => {
      if (isDraining) return 'The server is shutting down.';
      if (listed.size === 0) return 'No upstream is usable.';
      return (await isUsable(providers))
        ? undefined
        : 'No upstream is usable: no AWS credentials were found.';
    },
  });
  registerStatus(app);
  registerOpenApi(app);
  registerModels(app, catalogue);
  const chat: ServeDependencies = {
    answer: createAnswerer({
      catalogue,
      backends: createBackends(providers, config.timeouts),
      resilience,
      memory,
      binding: new ThinkingBinding(store, (upstream) => config.credentials[upstream] ?? ''),
      affinity: new Affinity(store),
      images,
      defaultMaxTokens: config.defaultMaxTokens,
      showReasoning: config.showReasoning,
      timeouts: config.timeouts,
    }),
    catalogue,
    bodyLimit: config.bodyLimit,
    promptCaching: config.promptCaching,
    streamSilence: config.streamSilence,
    plainSilence: config.plainSilence,
    onStream: (change) => metrics.openStreams.inc(change),
  };
  for (const api of chatApis) serveChatApi(app, api, chat);
  registerResponses(app, { state });
  registerWebSocket(app, {
    maxPayload: config.bodyLimit,
    maxConnections: config.maxConcurrent,
    origins: config.corsOrigins,
    accept: webSockets.accept,
    notUpgraded,
  });
  if (config.metrics !== 'off') {
    registerMetrics(app, allMetrics ?? (() => metrics.registry.metrics()), config.metrics === 'open');
  }
  // Behind those that come up in a scope of their own.
  app.after(() => methods.refuse());

  return {
    server: app,
    drain: () => {
      isDraining = true;
      webSockets.end();
    },
    idle: load.idle,
    metrics: () => metrics.registry.getMetricsAsJSON(),
    flush: recorder.flush,
    close: async () => {
      isDraining = true;
      app.server.closeAllConnections();
      await app.close();
      await Promise.all([
        ...Object.values(providers).map((provider) => provider.close()),
        images.close(),
        store.close(),
      ]);
      // Requests that were cut off have their line too; their sockets close in a moment.
      await Promise.race([load.idle(), sleep(lastWait, undefined, { ref: false })]);
      recorder.flush();
    },
  };
};
