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

/** What requests that differ in nothing we count by come to. */
interface Tally {
  readonly route: string;
  readonly model: string;
  readonly upstream: string;
  readonly status: number;
  readonly stream: boolean;
  readonly ended: FinishedRequest['ended'];
  /** Of error, where it did not end well. */
  readonly kind: string;
  requests: number;
  retries: number;
  /** In the order of `tokenKinds`. */
  readonly tokens: number[];
  /** USD; undefined where no price is known. */
  cost: number | undefined;
  /** Seconds each took, and each stream until its first content; those the histograms have not seen yet. */
  durations: number[];
  firstTokens: number[];
}

/** Counters only grow. A figure that is none, of an upstream that breaks its protocol, would spoil them for good. */
const toAmount = (figure: number | undefined): number =>
  figure !== undefined && Number.isFinite(figure) && figure > 0 ? figure : 0;

/** Times that wait for the histograms at most. */
const mostWaiting = 500;

const kindOf = ({ record: { error }, ended }: FinishedRequest): string => {
  if (ended === 'complete') return '';
  if (ended === 'client_gone') return 'client_gone';
  return error instanceof ApiError ? (error.code ?? error.type) : 'internal_error';
};

/**
 * `broken` names the upstreams whose breaker is open. `isListed` tells ids of the catalogue from those clients make
 * up, which must not become labels. What is counted is added up here and told to prom-client when it is asked: it
 * looks up all labels at every step, which takes some hundredths of a small request (docs/performance.md).
 */
export const createMetrics = (
  isListed: (model: string) => boolean,
  broken: () => readonly UpstreamName[],
): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const tallies = new Map<string, Tally>();
  const tallyOf = (request: FinishedRequest): Tally => {
    const { record, route = 'unknown', status, ended } = request;
    const { target, stream } = record;
    const id = target?.model.id;
    const model = id === undefined ? 'none' : isListed(id) ? id : 'other';
    const upstream = record.origin?.upstream ?? target?.upstream ?? 'none';
    const kind = kindOf(request);
    const key = `${route} ${model} ${upstream} ${status} ${stream} ${ended} ${kind}`;
    const known = tallies.get(key);
    if (known !== undefined) return known;
    const tally: Tally = {
      route,
      model,
      upstream,
      status,
      stream,
      ended,
      kind,
      requests: 0,
      retries: 0,
      tokens: tokenKinds.map(() => 0),
      cost: undefined,
      durations: [],
      firstTokens: [],
    };
    tallies.set(key, tally);
    return tally;
  };

  const count = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    add: (tally: Tally, to: (labels: Record<Label, string>, amount: number) => void) => void,
  ): void => {
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const tally of tallies.values()) add(tally, (labels, amount) => this.inc(labels, amount));
      },
    });
  };
  count(
    'parley_requests_total',
    'Requests, by route, model, upstream, status and how they ended.',
    ['route', 'model', 'upstream', 'status', 'stream', 'ended'],
    ({ route, model, upstream, status, stream, ended, requests }, add) =>
      add({ route, model, upstream, status: String(status), stream: String(stream), ended }, requests),
  );
  count(
    'parley_errors_total',
    'Requests that failed, by kind.',
    ['kind', 'model', 'upstream'],
    ({ kind, model, upstream, requests }, add) => {
      if (kind !== '') add({ kind, model, upstream }, requests);
    },
  );
  count(
    'parley_tokens_total',
    'Tokens by kind, from its first one on: input, cache_read, cache_write, cache_write_1h (a part of cache_write), output, and reasoning (a part of output).',
    ['model', 'upstream', 'kind'],
    ({ model, upstream, tokens }, add) => {
      for (const [index, [kind]] of tokenKinds.entries()) {
        const amount = tokens[index] ?? 0;
        if (amount > 0) add({ model, upstream, kind }, amount);
      }
    },
  );
  count(
    'parley_cost_usd_total',
    'Cost at list prices, in USD.',
    ['model', 'upstream'],
    ({ model, upstream, cost }, add) => {
      if (cost !== undefined) add({ model, upstream }, cost);
    },
  );
  count(
    'parley_retries_total',
    'Upstream calls beyond the first of a request.',
    ['model'],
    ({ model, retries }, add) => {
      if (retries > 0) add({ model }, retries);
    },
  );

  const duration = new Histogram({
    name: 'parley_request_duration_seconds',
    help: 'From the first byte of the request to the last of the answer.',
    labelNames: ['model', 'stream'],
    buckets: seconds,
    registers,
    collect: () => settle(),
  });
  const firstToken = new Histogram({
    name: 'parley_time_to_first_token_seconds',
    help: 'From the first byte of the request to the first of a streamed answer.',
    labelNames: ['model'],
    buckets: seconds,
    registers,
    collect: () => settle(),
  });
  const settleTimes = (tally: Tally): void => {
    const { model, stream, durations, firstTokens } = tally;
    for (const time of durations) duration.observe({ model, stream: String(stream) }, time);
    for (const time of firstTokens) firstToken.observe({ model }, time);
    tally.durations = [];
    tally.firstTokens = [];
  };
  const settle = (): void => {
    for (const tally of tallies.values()) settleTimes(tally);
  };

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

  const observe: RequestObserver = (request) => {
    const { record, usage, cost } = request;
    const { target, firstByteMs } = record;
    const tally = tallyOf(request);
    tally.requests += 1;
    if (target === undefined) return;
    tally.retries += record.retries;
    tally.durations.push(request.durationMs / 1000);
    if (record.stream && firstByteMs !== undefined) tally.firstTokens.push(firstByteMs / 1000);
    if (tally.durations.length >= mostWaiting) settleTimes(tally);
    if (usage === undefined) return;
    for (const [index, [, key]] of tokenKinds.entries()) {
      tally.tokens[index] = (tally.tokens[index] ?? 0) + toAmount(usage[key]);
    }
    if (cost !== undefined) tally.cost = (tally.cost ?? 0) + toAmount(cost.total);
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
