/** Prometheus metrics, from the same record as the log line. */

import type { FastifyInstance } from 'fastify';
import {
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  prometheusContentType,
  Registry,
} from 'prom-client';
import type { UpstreamName } from '../chat.ts';
import { ApiError } from '../errors.ts';
import { costOf } from '../models.ts';
import type { FinishedRequest, RequestObserver } from './record.ts';

export interface Metrics {
  readonly registry: Registry;
  readonly observe: RequestObserver;
  readonly openStreams: Gauge;
}

const seconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** `broken` names the upstreams whose breaker is open. `isListed` tells ids of the catalogue from those callers make up, which must not become labels. */
export const createMetrics = (
  isListed: (model: string) => boolean,
  broken: () => readonly UpstreamName[],
): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const requests = new Counter({
    name: 'parley_requests_total',
    help: 'Requests, by route, model, upstream, status and how they ended.',
    labelNames: ['route', 'model', 'upstream', 'status', 'stream', 'ended'],
    registers,
  });
  const errors = new Counter({
    name: 'parley_errors_total',
    help: 'Requests that failed, by kind.',
    labelNames: ['kind', 'model', 'upstream'],
    registers,
  });
  const duration = new Histogram({
    name: 'parley_request_duration_seconds',
    help: 'From the first byte of the request to the last of the answer.',
    labelNames: ['model', 'stream'],
    buckets: seconds,
    registers,
  });
  const firstToken = new Histogram({
    name: 'parley_time_to_first_token_seconds',
    help: 'From the first byte of the request to the first of a streamed answer.',
    labelNames: ['model'],
    buckets: seconds,
    registers,
  });
  const tokens = new Counter({
    name: 'parley_tokens_total',
    help: 'Tokens by kind, from its first one on: input, cache_read, cache_write, output, and reasoning (a part of output).',
    labelNames: ['model', 'upstream', 'kind'],
    registers,
  });
  const cost = new Counter({
    name: 'parley_cost_usd_total',
    help: 'Cost at list prices, in USD.',
    labelNames: ['model', 'upstream'],
    registers,
  });
  const retries = new Counter({
    name: 'parley_retries_total',
    help: 'Upstream calls beyond the first of a request.',
    labelNames: ['model'],
    registers,
  });
  new Gauge({
    name: 'parley_upstream_broken',
    help: '1 while an upstream is left alone because it kept failing.',
    labelNames: ['upstream'],
    // Of several processes: by one of them at least.
    aggregator: 'max',
    registers,
    collect() {
      this.reset();
      for (const upstream of broken()) this.set({ upstream }, 1);
    },
  });
  const openStreams = new Gauge({ name: 'parley_open_streams', help: 'Streams being sent.', registers });

  const kindOf = ({ record: { error }, ended }: FinishedRequest): string => {
    if (ended === 'client_gone') return 'client_gone';
    return error instanceof ApiError ? (error.code ?? error.type) : 'internal_error';
  };

  const observe: RequestObserver = (request) => {
    const { record, route = 'unknown', status, ended, usage } = request;
    const { target, firstByteMs } = record;
    const id = target?.model.id;
    const model = id === undefined ? 'none' : isListed(id) ? id : 'other';
    const upstream = record.origin?.upstream ?? target?.upstream ?? 'none';
    const stream = String(record.stream);
    requests.inc({ route, model, upstream, status: String(status), stream, ended });
    if (ended !== 'complete') errors.inc({ kind: kindOf(request), model, upstream });
    if (target === undefined) return;
    if (record.retries > 0) retries.inc({ model }, record.retries);
    duration.observe({ model, stream }, request.durationMs / 1000);
    if (record.stream && firstByteMs !== undefined) firstToken.observe({ model }, firstByteMs / 1000);
    if (usage === undefined) return;
    const kinds = {
      input: usage.input,
      cache_read: usage.cacheRead,
      cache_write: usage.cacheWrite,
      output: usage.output,
      reasoning: usage.reasoning ?? 0,
    };
    for (const [kind, count] of Object.entries(kinds)) {
      if (count > 0) tokens.inc({ model, upstream, kind }, count);
    }
    if (target.model.price !== null) cost.inc({ model, upstream }, costOf(usage, target.model.price));
  };

  return { registry, observe, openStreams };
};

/** `text` is what to show, in Prometheus's form: this process's metrics, or those of several together. */
export const registerMetrics = (app: FastifyInstance, text: () => Promise<string>, isOpen: boolean): void => {
  app.get('/metrics', { config: { open: isOpen } }, async (_request, reply) => {
    reply.header('content-type', prometheusContentType);
    return text();
  });
};
