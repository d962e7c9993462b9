/**
 * What is known about one request, gathered while it is served and handed to the log and the metrics
 * when the connection is done with it, however that came about.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Target } from '../catalogue.ts';
import type { Report, Usage } from '../chat.ts';
import { type ApiError, CallerGone, type Origin, UpstreamFault } from '../errors.ts';

export interface RequestRecord {
  /** `performance.now()` at the first byte of the request. */
  readonly startedAt: number;
  /** A hash of the caller's key; the log shows its beginning. */
  caller: string | undefined;
  /** The model as the caller named it. */
  model: string | undefined;
  stream: boolean;
  target: Target | undefined;
  report: Report | undefined;
  origin: Origin | undefined;
  /** How often an upstream was asked once more, the same or another. */
  retries: number;
  metadata: Readonly<Record<string, string>> | undefined;
  /** Ms from the start to the first byte of the answer's content. */
  firstByteMs: number | undefined;
  usage: Usage | undefined;
  /** The upstream's own word for why it stopped. */
  finish: string | undefined;
  /** Once the answer is over: what a JSON answer misses of the caller's schema. */
  schemaProblems: (() => readonly string[]) | undefined;
  error: unknown;
}

export interface FinishedRequest extends RequestRecord {
  readonly id: string;
  readonly method: string;
  /** The route's pattern, or undefined for an unknown path: never the path itself, which is unbounded. */
  readonly route: string | undefined;
  readonly status: number;
  readonly durationMs: number;
  readonly ended: 'complete' | 'failed' | 'client_gone';
}

export type RequestObserver = (request: FinishedRequest) => void;

declare module 'fastify' {
  interface FastifyRequest {
    record: RequestRecord;
  }
}

const newRecord = (): RequestRecord => ({
  startedAt: performance.now(),
  caller: undefined,
  model: undefined,
  stream: false,
  target: undefined,
  report: undefined,
  origin: undefined,
  retries: 0,
  metadata: undefined,
  firstByteMs: undefined,
  usage: undefined,
  finish: undefined,
  schemaProblems: undefined,
  error: undefined,
});

/** A connection that we destroyed for a failure is no caller who left. */
const endingOf = (error: unknown, writableFinished: boolean): FinishedRequest['ended'] => {
  if (error !== undefined && !(error instanceof CallerGone)) return 'failed';
  return writableFinished ? 'complete' : 'client_gone';
};

const finished = (request: FastifyRequest, reply: FastifyReply): FinishedRequest => {
  const { record } = request;
  const { writableFinished, headersSent } = reply.raw;
  // A caller who left before the status was sent got none; 499 is what proxies write for that.
  const statusCode = headersSent ? reply.raw.statusCode : 499;
  return {
    ...record,
    id: request.id,
    method: request.method,
    route: request.routeOptions.url,
    status: statusCode,
    durationMs: performance.now() - record.startedAt,
    ended: endingOf(record.error, writableFinished),
  };
};

/** The origin of a failure, where an upstream had answered. */
export const originOf = (error: ApiError): Origin | undefined =>
  error.cause instanceof UpstreamFault ? error.cause.origin : undefined;

export const registerRecord = (app: FastifyInstance, observers: readonly RequestObserver[]): void => {
  app.decorateRequest('record', null as unknown as RequestRecord);
  app.addHook('onRequest', (request, reply, done) => {
    request.record = newRecord();
    // `close` comes for every answer, also for one the caller did not wait for.
    reply.raw.once('close', () => {
      const result = finished(request, reply);
      for (const observe of observers) observe(result);
    });
    done();
  });
};
