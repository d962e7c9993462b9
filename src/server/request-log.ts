/** One line a request. What is in it is listed in behaviour 11.2; what is never in it, too. */

import type { FastifyBaseLogger } from 'fastify';
import { ApiError } from '../core/errors.ts';
import { shortNameList } from '../core/name-list.ts';
import { promptTokens } from '../core/usage.ts';
import type { RequestObserver } from './record.ts';

const round = (value: number, digits: number) => {
  const unit = 10 ** digits;
  return Math.round(value * unit) / unit;
};

/** Left out of the line where there are none. */
const named = (names: readonly string[] | undefined) =>
  names === undefined || names.length === 0 ? undefined : shortNameList(names).shown;

const probes: ReadonlySet<string | undefined> = new Set([
  '/health',
  '/livez',
  '/healthz',
  '/ready',
  '/readyz',
  '/metrics',
]);

export const createRequestLog = (logger: FastifyBaseLogger): RequestObserver => {
  // What is in a line is listed below; looking through it for secrets would cost more than all the rest of it.
  // `metadata` is the client's own and stands there as it was sent.
  const log = logger.child({}, { redact: [] });
  return (request) => {
    const { record, ended, usage, cost } = request;
    const { target, report, origin, error } = record;
    // Only how many: the words may quote the answer.
    const schemaProblems = record.schemaProblems?.().length ?? 0;
    // What is undefined is left out of the line.
    const line = {
      request_id: request.id,
      method: request.method,
      route: request.route,
      path: record.unknownPath,
      status: request.status,
      ended,
      duration_ms: round(request.durationMs, 1),
      key_fingerprint: record.client?.slice(0, 8),
      model: record.model?.slice(0, 128),
      stream: record.model === undefined ? undefined : record.stream,
      upstream: target === undefined ? undefined : (origin?.upstream ?? target.upstream),
      upstream_model: target?.modelId,
      upstream_request_id: origin?.requestId,
      first_byte_ms: record.firstByteMs === undefined ? undefined : round(record.firstByteMs, 1),
      retries: record.retries > 0 ? record.retries : undefined,
      thinking_dropped: record.droppedThinking,
      prompt_tokens: usage && promptTokens(usage),
      completion_tokens: usage?.output,
      cached_tokens: usage?.cacheRead,
      cache_write_tokens: usage?.cacheWrite,
      cache_write_1h_tokens: usage?.cacheWrite1h || undefined,
      reasoning_tokens: usage?.reasoning,
      cost_usd: cost?.total,
      finish: request.finish,
      ignored: named(report?.ignored),
      adjusted: named(report?.adjusted),
      schema_problems: schemaProblems > 0 ? schemaProblems : undefined,
      metadata: record.metadata,
      // Shaped by the logger's serializer; shaping it here as well would leave nothing of it.
      error: ended === 'client_gone' ? undefined : error,
    };
    // By the error's own status: where the answer had begun, the response's says 200.
    const isServerError = !(error instanceof ApiError) || error.status >= 500;
    if (probes.has(request.route)) log.debug(line, 'request');
    else if (ended === 'failed' && isServerError) log.error(line, 'request failed');
    else log.info(line, 'request');
  };
};
