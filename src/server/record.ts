/**
 * What is known about one request, gathered while it is served and handed to the log and the metrics
 * when the connection is done with it, however that came about.
 */

import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Cost, UpstreamName, Usage } from '../core/chat.ts';
import { type ApiError, ClientDisconnected, type Origin, UpstreamFault } from '../core/errors.ts';
import { createEventLoopBatch } from '../core/event-loop-batch.ts';
import type { DroppedByReason } from '../core/misplaced-thinking.ts';
import type { Report } from '../core/report.ts';
import { newRequestId } from './headers.ts';

export interface Outcome {
  readonly usage: Usage | undefined;
  /** Where the price is known. */
  readonly cost: Cost | undefined;
  /** The upstream's own word for why it stopped. */
  readonly finish: string | undefined;
}

/** What is asked, as the log and the metrics name it. */
interface AskedTarget {
  readonly model: { readonly id: string };
  readonly upstream: UpstreamName;
  readonly modelId: string;
}

export interface RequestRecord {
  /** `performance.now()` at the first byte of the request. */
  readonly startedAt: number;
  /** A path that does not exist, cut and without its query. For the log; as a label it would have no bound. */
  unknownPath: string | undefined;
  /** A hash of the client's key; the log shows its beginning. */
  client: string | undefined;
  /** The model as the client named it. */
  model: string | undefined;
  stream: boolean;
  target: AskedTarget | undefined;
  report: Report | undefined;
  origin: Origin | undefined;
  /** How often an upstream was asked once more, the same or another. */
  retries: number;
  /** Thinking blocks of the request that the model did not get. */
  droppedThinking: DroppedByReason | undefined;
  metadata: Readonly<Record<string, string>> | undefined;
  /** Ms from the start to the first byte of the answer's content. */
  firstByteMs: number | undefined;
  /** What is known of the answer by now; of a stream that is under way, too. */
  outcome: (() => Outcome) | undefined;
  /** Once the answer is over: what a JSON answer misses of the client's schema. */
  schemaProblems: (() => readonly string[]) | undefined;
  /** The connection became a WebSocket: it ends when one side has had enough. */
  isUpgraded: boolean;
  error: unknown;
}

export interface FinishedRequest extends Outcome {
  readonly record: Readonly<RequestRecord>;
  readonly id: string;
  /** Undefined where nothing came that could be read as a request. */
  readonly method: string | undefined;
  /** The route's pattern, or undefined for an unknown path. */
  readonly route: string | undefined;
  readonly status: number;
  readonly durationMs: number;
  readonly ended: 'complete' | 'failed' | 'client_gone';
}

export type RequestObserver = (request: FinishedRequest) => void;

/** At an answer: its request, until the observers have been notified of its end. */
const openRequest: unique symbol = Symbol('openRequest');

declare module 'node:http' {
  interface ServerResponse {
    [openRequest]?: FastifyRequest | undefined;
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    record: RequestRecord;
  }
}

const newRecord = (): RequestRecord => ({
  startedAt: performance.now(),
  unknownPath: undefined,
  client: undefined,
  model: undefined,
  stream: false,
  target: undefined,
  report: undefined,
  origin: undefined,
  retries: 0,
  droppedThinking: undefined,
  metadata: undefined,
  firstByteMs: undefined,
  outcome: undefined,
  schemaProblems: undefined,
  isUpgraded: false,
  error: undefined,
});

/** A connection that we destroyed for a failure is no client who left. */
const endingOf = (error: unknown, writableFinished: boolean): FinishedRequest['ended'] => {
  if (error !== undefined && !(error instanceof ClientDisconnected)) return 'failed';
  return writableFinished ? 'complete' : 'client_gone';
};

const nothingSaid: Outcome = { usage: undefined, cost: undefined, finish: undefined };

const finished = (request: FastifyRequest, reply: FastifyReply): FinishedRequest => {
  const { record } = request;
  const { writableFinished, headersSent } = reply.raw;
  const { usage, cost, finish } = record.outcome?.() ?? nothingSaid;
  // A client who left before the status was sent got none; 499 is what proxies write for that.
  const statusCode = headersSent ? reply.raw.statusCode : record.isUpgraded ? 101 : 499;
  return {
    // As it is now: what comes too late for the answer is not of it.
    record: { ...record },
    id: request.id,
    method: request.method,
    route: request.routeOptions.url,
    status: statusCode,
    durationMs: performance.now() - record.startedAt,
    ended: endingOf(record.error, writableFinished || record.isUpgraded),
    usage,
    cost,
    finish,
  };
};

/** The origin of a failure, where an upstream had answered. */
export const originOf = (error: ApiError): Origin | undefined =>
  error.cause instanceof UpstreamFault ? error.cause.origin : undefined;

export interface Recorder {
  /** For a request that no hook runs for. */
  begin(request: FastifyRequest, reply: FastifyReply): void;
  /**
   * For a refusal on the bare socket: of the request whose answer was due there, or of what never became
   * one. Returns what was recorded.
   */
  refuse(due: ServerResponse | null | undefined, error: ApiError): FinishedRequest;
  /**
   * Notifies the observers at once of requests that have ended; else they are notified of all those of one turn of the event
   * loop together, which costs half as much as one by one (docs/performance.md).
   */
  flush(): void;
}

export const registerRecord = (app: FastifyInstance, observers: readonly RequestObserver[]): Recorder => {
  const finishedRequests = createEventLoopBatch<FinishedRequest>((results) => {
    for (const observe of observers) for (const result of results) observe(result);
  });
  const notify = (result: FinishedRequest): FinishedRequest => {
    finishedRequests.add(result);
    return result;
  };

  const begin: Recorder['begin'] = (request, reply) => {
    request.record = newRecord();
    // What comes on a socket that was answered with a refusal has its line already.
    if (request.raw.socket.writableEnded) return;
    reply.raw[openRequest] = request;
    // `close` comes for every answer, also for one the client did not wait for.
    reply.raw.on('close', () => {
      if (reply.raw[openRequest] === undefined) return;
      reply.raw[openRequest] = undefined;
      notify(finished(request, reply));
    });
  };

  app.decorateRequest('record', null as unknown as RequestRecord);
  app.addHook('onRequest', (request, reply, done) => {
    begin(request, reply);
    done();
  });
  // Complete in the end, but refused for its slowness: no client would read the answer.
  app.addHook('preHandler', (_request, reply, done) => {
    done(reply.raw[openRequest] === undefined ? new ClientDisconnected() : undefined);
  });

  return {
    begin,
    flush: finishedRequests.flush,
    refuse: (due, error) => {
      const request = due?.[openRequest];
      if (due) due[openRequest] = undefined;
      const record = request?.record ?? newRecord();
      record.error = error;
      return notify({
        ...nothingSaid,
        record: { ...record },
        id: request?.id ?? newRequestId(),
        method: request?.method,
        route: request?.routeOptions.url,
        status: error.status,
        durationMs: performance.now() - record.startedAt,
        ended: 'failed',
      });
    },
  };
};
