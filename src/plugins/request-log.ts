/** One line a request. What is in it is listed in BEHAVIOUR 11.2; what is never in it, too. */

import type { FastifyBaseLogger } from 'fastify';
import type { Usage } from '../chat.ts';
import { ApiError } from '../errors.ts';
import { costOf } from '../models.ts';
import { toWireUsage } from '../openai/usage.ts';
import type { RequestObserver } from './record.ts';

const round = (value: number, digits: number) => Number(value.toFixed(digits));

const tokens = (usage: Usage | undefined) => {
  if (usage === undefined) return {};
  const wire = toWireUsage(usage);
  return {
    prompt_tokens: wire.prompt_tokens,
    completion_tokens: wire.completion_tokens,
    cached_tokens: usage.cacheRead,
    cache_write_tokens: usage.cacheWrite,
    ...(usage.reasoning === undefined ? {} : { reasoning_tokens: usage.reasoning }),
  };
};

const probes: ReadonlySet<string | undefined> = new Set(['/health', '/ready', '/metrics']);

export const createRequestLog =
  (log: FastifyBaseLogger): RequestObserver =>
  (request) => {
    const { target, report, origin, usage, error, ended } = request;
    // Only how many: the words may quote the answer.
    const schemaProblems = request.schemaProblems?.().length ?? 0;
    const price = target?.model.price;
    const line = {
      request_id: request.id,
      method: request.method,
      route: request.route,
      status: request.status,
      ended,
      duration_ms: round(request.durationMs, 1),
      key_fingerprint: request.caller?.slice(0, 8),
      ...(request.model === undefined ? {} : { model: request.model.slice(0, 128), stream: request.stream }),
      ...(target === undefined
        ? {}
        : { upstream: origin?.upstream ?? target.upstream, upstream_model: target.modelId }),
      ...(origin?.requestId === undefined ? {} : { upstream_request_id: origin.requestId }),
      ...(request.firstByteMs === undefined ? {} : { first_byte_ms: round(request.firstByteMs, 1) }),
      ...(request.retries > 0 ? { retries: request.retries } : {}),
      ...tokens(usage),
      ...(usage !== undefined && price ? { cost_usd: round(costOf(usage, price), 8) } : {}),
      ...(request.finish === undefined ? {} : { finish: request.finish }),
      ...(report !== undefined && report.ignored.length > 0 ? { ignored: report.ignored.slice(0, 50) } : {}),
      ...(report !== undefined && report.adjusted.length > 0
        ? { adjusted: report.adjusted.slice(0, 50) }
        : {}),
      ...(schemaProblems > 0 ? { schema_problems: schemaProblems } : {}),
      ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
      // Shaped by the logger's serializer; shaping it here as well would leave nothing of it.
      ...(error === undefined || ended === 'client_gone' ? {} : { error }),
    };
    // By the error's own status: where the answer had begun, the response's says 200.
    const isServerError = !(error instanceof ApiError) || error.status >= 500;
    if (probes.has(request.route)) log.debug(line, 'request');
    else if (ended === 'failed' && isServerError) log.error(line, 'request failed');
    else log.info(line, 'request');
  };
