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
import type { UpstreamName, Usage } from '../core/chat.ts';
import { ApiError } from '../core/errors.ts';
import type { FinishedRequest, RequestObserver } from './record.ts';

export interface Metrics {
  readonly registry: Registry;
  readonly observe: RequestObserver;
  readonly openStreams: Gauge;
}

/** Those of `Usage` that count tokens. */
type TokenKind = Exclude<keyof Usage, 'serviceTier' | 'geography' | 'tries'>;

const tokenKinds = [
  ['input', 'input'],
  ['cache_read', 'cacheRead'],
  ['cache_write', 'cacheWrite'],
  ['cache_write_1h', 'cacheWrite1h'],
  ['output', 'output'],
  ['reasoning', 'reasoning'],
] as const satisfies readonly (readonly [string, TokenKind])[];

const seconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** Counters only grow. A figure that is none, of an upstream that breaks its protocol, would spoil them for good. */
const toAmount = (figure: number | undefined): number =>
  figure !== undefined && Number.isFinite(figure) && figure > 0 ? figure : 0;

const kindOf = ({ record: { error }, ended }: FinishedRequest): string => {
  if (ended === 'complete') return '';
  if (ended === 'client_gone') return 'client_gone';
  return error instanceof ApiError ? (error.code ?? error.type) : 'internal_error';
};

/**
 * `broken` names the upstreams whose breaker is open. `isListed` tells ids of the catalogue from those clients make
 * up, which must not become labels.
 */
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
  const tokens = new Counter({
    name: 'parley_tokens_total',
    help: 'Tokens by kind, from its first one on: input, cache_read, cache_write, cache_write_1h (a part of cache_write), output, and reasoning (a part of output).',
    labelNames: ['model', 'upstream', 'kind'],
    registers,
  });
  const costs = new Counter({
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
  const droppedThinking = new Counter({
    name: 'parley_thinking_dropped_total',
    help: 'Thinking blocks of requests that the model did not get, by reason: prefix (what stood before has changed), model, account, user.',
    labelNames: ['model', 'upstream', 'reason'],
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

  const modelOf = (id: string | undefined): string =>
    id === undefined ? 'none' : isListed(id) ? id : 'other';

  const observe: RequestObserver = (request) => {
    const { record, route = 'unknown', status, ended, usage, cost } = request;
    const { target, firstByteMs } = record;
    const model = modelOf(target?.model.id);
    const upstream = record.origin?.upstream ?? target?.upstream ?? 'none';
    const stream = String(record.stream);
    requests.inc({ route, model, upstream, status: String(status), stream, ended });
    const kind = kindOf(request);
    if (kind !== '') errors.inc({ kind, model, upstream });
    if (target === undefined) return;
    if (record.retries > 0) retries.inc({ model }, record.retries);
    for (const [reason, blocks] of Object.entries(record.droppedThinking ?? {}))
      droppedThinking.inc({ model, upstream, reason }, blocks);
    duration.observe({ model, stream }, request.durationMs / 1000);
    if (record.stream && firstByteMs !== undefined) firstToken.observe({ model }, firstByteMs / 1000);
    if (usage === undefined) return;
    for (const [name, key] of tokenKinds) {
      const amount = toAmount(usage[key]);
      if (amount > 0) tokens.inc({ model, upstream, kind: name }, amount);
    }
    if (cost !== undefined) costs.inc({ model, upstream }, toAmount(cost.total));
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
