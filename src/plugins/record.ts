/**
 * What is known about one request, gathered while it is served and handed to the log and the metrics
 * when the connection is done with it, however that came about.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Target } from '../catalogue.ts';
import type { Report, Usage } from '../chat.ts';
import { type ApiError, type Origin, UpstreamFault } from '../errors.ts';

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
  metadata: undefined,
  firstByteMs: undefined,
  usage: undefined,
  finish: undefined,
  schemaProblems: undefined,
  error: undefined,
});

const finished = (request: FastifyRequest, reply: FastifyReply): FinishedRequest => {
  const { record } = request;
  const { writableFinished, statusCode } = reply.raw;
  return {
    ...record,
    id: request.id,
    method: request.method,
    route: request.routeOptions.url,
    status: statusCode,
    durationMs: performance.now() - record.startedAt,
    ended: !writableFinished ? 'client_gone' : record.error === undefined ? 'complete' : 'failed',
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
