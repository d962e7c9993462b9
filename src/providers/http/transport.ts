/**
 * HTTP to an upstream, on undici's dispatch interface (exchange.ts): no fetch, no web streams. The
 * SDKs keep credentials and types; their transports cost three to eight times the CPU of this one
 * (docs/decisions/2026-11-22-own-transports.md). Redirects are never followed: they would
 * carry the credential along. Waits are the client's business, by the cancellation, except for connecting.
 */

import { buildConnector } from 'undici';
import type { Cancellation } from '../../core/cancellation.ts';
import { ApiError, type Origin, UpstreamFault, upstreamFailed, upstreamTimeout } from '../../core/errors.ts';
import type { LongTexts } from '../../core/message-text.ts';
import { Connections } from './connections.ts';
import { type Body, createExchanger } from './exchange.ts';

export interface UpstreamResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Throws like `Transport.post`, an ApiError then with the origin in its cause. */
  readonly body: Body;
  readonly origin: Origin;
}

/** Names and values by turns: undici reads that faster than an object, and it is added to faster. */
export type HeaderList = string[];

export interface Transport {
  readonly host: string;
  /** The path of a request, with that of the base URL before it. */
  pathOf(path: string): string;
  /** Rejects with an ApiError, or with the cancellation's reason. */
  post(
    path: string,
    headers: HeaderList,
    body: Buffer,
    cancellation: Cancellation,
    toOrigin: (headers: UpstreamResponse['headers']) => Origin,
  ): Promise<UpstreamResponse>;
  close(): Promise<void>;
}

export interface TransportOptions {
  /** Ms. */
  readonly connectTimeout: number;
  /** Sockets to one origin; a stream holds one for its whole life. */
  readonly connections: number;
}

/** What an aborted or broken exchange means to the client. */
const networkError = (error: unknown, cancellation: Cancellation, connectTimeout: number): unknown => {
  if (cancellation.aborted) return cancellation.reason;
  if (error instanceof ApiError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    return upstreamTimeout('The upstream could not be connected to in time', connectTimeout);
  }
  return upstreamFailed('The connection to the upstream failed. Send the request again.', { cause: error });
};

/** A failure after the headers: the same one, which now says who had answered. */
const failedBy = (error: unknown, origin: Origin): unknown => {
  if (!(error instanceof ApiError)) return error;
  const { status, type, message, code, retryable, isOutage } = error;
  const fault = new UpstreamFault(origin, status, status === 504 ? 'timeout' : 'connection_lost');
  Object.assign(fault, { cause: error.cause });
  return new ApiError({ status, type, message, code, cause: fault, retryable, isOutage });
};

export const createTransport = (
  baseUrl: string,
  { connectTimeout, connections }: TransportOptions,
): Transport => {
  const url = new URL(baseUrl);
  const prefix = url.pathname.replace(/\/+$/, '');
  const pool = new Connections(url.origin, {
    connect: buildConnector({ timeout: connectTimeout }),
    limit: connections,
  });
  const exchange = createExchanger(pool);
  const pathOf = (path: string) => prefix + path;
  return {
    host: url.host,
    pathOf,
    post: async (path, headers, body, cancellation, toOrigin) => {
      const request = { method: 'POST', path: pathOf(path), headers, body } as const;
      const answered = await exchange(request, cancellation, (error, answer) => {
        const failure = networkError(error, cancellation, connectTimeout);
        return answer === undefined ? failure : failedBy(failure, toOrigin(answer));
      });
      return {
        status: answered.status,
        headers: answered.headers,
        body: answered.body,
        origin: toOrigin(answered.headers),
      };
    },
    close: () => pool.close(),
  };
};

/**
 * A request's body, the client's long texts included. Bytes, because text is up to twice as large and would stay
 * on the heap while the answer is awaited.
 */
export const toPayload = (value: object, texts: LongTexts): Buffer => texts.write(JSON.stringify(value));

/** A body as JSON, or undefined where it is none (an HTML page of some proxy, say). */
export const parseBody = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
};

export const header = (headers: UpstreamResponse['headers'], name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
};

/** Seconds. No client waits longer for a model. */
const longestWait = 24 * 3600;

/** `retry-after` in seconds, given as seconds or as a date. */
export const retryAfter = (
  headers: UpstreamResponse['headers'],
  now: number = Date.now(),
): number | undefined => {
  const bounded = (seconds: number) => Math.min(longestWait, Math.max(0, seconds));
  const milliseconds = Number(header(headers, 'retry-after-ms'));
  if (Number.isFinite(milliseconds) && milliseconds > 0) return bounded(milliseconds / 1000);
  const value = header(headers, 'retry-after');
  if (value === undefined) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return bounded(seconds);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : bounded((date - now) / 1000);
};
