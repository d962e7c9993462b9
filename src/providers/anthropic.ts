/**
 * The Anthropic API. Credentials and headers are the official SDK's; the exchange itself is ours (http/transport.ts
 * says why).
 */

import type { Opened, OpenOptions, ReadBatch, Upstream } from '../adapters/adapter.ts';
import type {
  ApiVersion,
  ClaudeEvent,
  ClaudeMessage,
  ClaudeRequest,
} from '../adapters/anthropic-messages/wire.ts';
import type { ApiError, Origin } from '../core/errors.ts';
import { notTheProtocol, toApiError, type UpstreamCall, unnamedError } from './errors.ts';
import { createSseParser } from './http/sse.ts';
import {
  createTransport,
  type HeaderList,
  header,
  parseBody,
  retryAfter,
  type TransportOptions,
  toPayload,
  type UpstreamResponse,
} from './http/transport.ts';
import { rateLimitHeaders } from './rate-limits.ts';

/** The status each error type comes with; needed where an error arrives inside a stream. */
const statusOfType: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

interface ErrorBody {
  readonly error?: {
    readonly type?: string;
    readonly message?: unknown;
    readonly details?: { readonly error_code?: string };
  };
}

/** Limits on money rather than rate; the API says so in a code beside the 429. */
const spendLimits: ReadonlySet<string> = new Set([
  'contract_spend_limit_reached',
  'enforced_spend_limit_reached',
]);

/** An error body or event of the Messages API as an ApiError; `status` and `wait` (seconds) where HTTP gave them. */
const readClaudeError = (body: unknown, asked: UpstreamCall, status?: number, wait?: number): ApiError => {
  const { error } = (typeof body === 'object' && body !== null ? body : {}) as ErrorBody;
  const type = error?.type ?? unnamedError;
  const isSpent = spendLimits.has(error?.details?.error_code ?? '');
  return toApiError({
    ...asked,
    status: isSpent ? 402 : (status ?? statusOfType[type] ?? 500),
    type,
    message: typeof error?.message === 'string' ? error.message : '',
    retryAfter: wait,
  });
};

/** Parsed events without pings, up to the first that is a failure or none at all. */
export const readClaudeEvents = (parsed: readonly unknown[], asked: UpstreamCall): ReadBatch<ClaudeEvent> => {
  const events: ClaudeEvent[] = [];
  for (const event of parsed as readonly ({ readonly type?: string } | null)[]) {
    if (event === null) return { events, failure: notTheProtocol(asked.origin) };
    if (event.type === 'error') return { events, failure: readClaudeError(event, asked) };
    if (event.type !== 'ping') events.push(event as ClaudeEvent);
  }
  return { events, failure: undefined };
};

/** Pieces of an Anthropic stream to events; an error event is a failure. */
const createReader = (asked: UpstreamCall): ((piece: Buffer) => ReadBatch<ClaudeEvent>) => {
  const parser = createSseParser();
  return (piece) => {
    const parsed = parser.push(piece);
    const { events, failure } = readClaudeEvents(parsed.events, asked);
    return { events, failure: failure ?? (parsed.broken ? notTheProtocol(asked.origin) : undefined) };
  };
};

const originOf = (headers: UpstreamResponse['headers']): Origin => ({
  upstream: 'anthropic',
  requestId: header(headers, 'request-id'),
  rateLimits: rateLimitHeaders(headers),
});

/** Whether a 200's body is a message of the Messages API. */
export const isClaudeMessage = (value: unknown): value is ClaudeMessage =>
  typeof value === 'object' && value !== null && 'content' in value && Array.isArray(value.content);

/** The SDK's own. */
const defaultBaseUrl = 'https://api.anthropic.com';

/** The SDK is loaded with the first request: loading it takes an eighth of a second of the start. */
const buildHeaders = async (baseURL: string, version: ApiVersion): Promise<HeaderList> => {
  const { Anthropic } = await import('@anthropic-ai/sdk');
  const { req } = await new Anthropic({ baseURL, maxRetries: 0 }).buildRequest({
    method: 'post',
    path: '/v1/messages',
    headers: { 'anthropic-version': version },
  });
  const headers = new Headers(req.headers);
  headers.set('content-type', 'application/json');
  headers.set('accept-encoding', 'identity');
  // Those tell of the SDK's own transport, its retries and its machine.
  return [...headers].filter(([name]) => !name.startsWith('x-stainless-')).flat();
};

export interface AnthropicOptions extends TransportOptions {
  readonly baseUrl: string | undefined;
}

export interface Anthropic extends Upstream<ClaudeRequest, ClaudeMessage, ClaudeEvent> {
  close(): Promise<void>;
}

export const createAnthropic = ({ baseUrl, ...transportOptions }: AnthropicOptions): Anthropic => {
  const baseURL = baseUrl ?? defaultBaseUrl;
  const transport = createTransport(baseURL, transportOptions);

  // The SDK's own headers, auth included, once per API version: with a key from the environment they never change.
  const known = new Map<ApiVersion, HeaderList>();
  const headersFor = async (version: ApiVersion): Promise<HeaderList> => {
    const headers = await buildHeaders(baseURL, version);
    known.set(version, headers);
    return headers;
  };

  const ask = async (
    payload: Buffer,
    { version, betas }: Pick<ClaudeRequest, 'version' | 'betas'>,
    { modelId, contextWindow, stream, cancellation }: OpenOptions,
  ): Promise<Opened<ClaudeMessage, ClaudeEvent>> => {
    const usual = known.get(version) ?? (await headersFor(version));
    const headers = betas.length === 0 ? usual : [...usual, 'anthropic-beta', betas.join(',')];
    const response = await transport.post('/v1/messages', headers, payload, cancellation, originOf);
    const { origin } = response;
    const asked = { origin, modelId, contextWindow };
    if (response.status !== 200) {
      const refusal = parseBody(await response.body.whole());
      throw readClaudeError(refusal, asked, response.status, retryAfter(response.headers));
    }
    if (stream) {
      const isStream = header(response.headers, 'content-type')?.startsWith('text/event-stream');
      if (isStream !== true) throw notTheProtocol(origin);
      return { origin, pieces: response.body, read: createReader(asked) };
    }
    const message = parseBody(await response.body.whole());
    if (!isClaudeMessage(message)) throw notTheProtocol(origin);
    return { origin, message };
  };

  return {
    name: 'anthropic',
    open: ({ version, betas, body }, options) => {
      const { modelId, stream, texts } = options;
      const payload = toPayload({ model: modelId, ...body, ...(stream ? { stream } : {}) }, texts);
      return ask(payload, { version, betas }, options);
    },
    close: transport.close,
  };
};
