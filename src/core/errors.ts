import type { UpstreamName } from './chat.ts';

/**
 * The one error class of the server and its named constructors. Thrown anywhere, shaped by the API that is asked.
 */

export type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'rate_limit_error'
  | 'server_error';

/**
 * Where the same request may go better before an answer has begun: nowhere; at another upstream alone, because the
 * trouble is with our account at this one; or anywhere, this upstream included.
 */
export type Retryable = 'nowhere' | 'elsewhere' | 'anywhere';

/** What a failure says beside what the client reads of it. */
interface FailureFacts {
  readonly cause?: unknown;
  readonly retryable?: Retryable;
  /** Whether it speaks against the health of the upstream, so that its breaker counts it. */
  readonly isOutage?: boolean;
}

interface Details extends FailureFacts {
  readonly status: number;
  readonly type: ErrorType;
  readonly message: string;
  readonly code?: string | null;
  readonly param?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly type: ErrorType;
  /** A word for programs, or null where the type says enough. */
  readonly code: string | null;
  /** The request field at fault, as a path, or null. */
  readonly param: string | null;
  /** Headers that belong to the answer, e.g. `retry-after`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly retryable: Retryable;
  /** Whether it speaks against the health of the upstream, so that its breaker counts it. */
  readonly isOutage: boolean;

  constructor(details: Details) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.status = details.status;
    this.type = details.type;
    this.code = details.code ?? null;
    this.param = details.param ?? null;
    this.headers = details.headers ?? {};
    this.retryable = details.retryable ?? 'nowhere';
    this.isOutage = details.isOutage ?? false;
  }
}

/** How an API writes an error down. */
export type ErrorShape = (error: ApiError) => object;

/** For clients: repeating is pointless. Whether another upstream is asked first is `retryable`. */
const noRetry = { 'x-should-retry': 'false' };
const seconds = (value: number): string => String(Math.max(1, Math.ceil(value)));

/** 400: what was wrong and what to do; `param` is the field's path. */
export const invalidRequest = (
  message: string,
  param: string | null = null,
  code: string | null = null,
  cause?: unknown,
) => new ApiError({ status: 400, type: 'invalid_request_error', message, param, code, cause });

export const unsupportedParameter = (message: string, param: string) =>
  invalidRequest(message, param, 'unsupported_parameter');

/**
 * 400: prompt and answer pass the window. Clients that compact a conversation look for OpenAI's sentence (LangChain,
 * LiteLLM: "This model's maximum context length is") or for Anthropic's ("prompt is too long"), and some read the
 * figures of `words`, the upstream's own.
 */
export const contextLengthExceeded = (words: string, contextWindow: number, cause?: unknown) =>
  invalidRequest(
    `This model's maximum context length is ${contextWindow} tokens, and the prompt is too long for it. ${words}`,
    'messages',
    'context_length_exceeded',
    cause,
  );

export const invalidKey = (message: string) =>
  new ApiError({
    status: 401,
    type: 'authentication_error',
    message,
    code: 'invalid_api_key',
    headers: { 'www-authenticate': 'Bearer' },
  });

/** 404 for a model id that means nothing here; `advice` are whole sentences. */
export const unknownModel = (id: string, advice: readonly string[] = []) =>
  new ApiError({
    status: 404,
    type: 'invalid_request_error',
    message: [
      `The model '${id}' does not exist or is not served here.`,
      ...advice,
      'GET /v1/models lists what is.',
    ].join(' '),
    param: 'model',
    code: 'model_not_found',
    headers: noRetry,
  });

/** 404 for a model whose upstreams are not configured; `needs` names them with their settings. */
export const modelNotConfigured = (id: string, needs: readonly string[], advice: readonly string[] = []) =>
  new ApiError({
    status: 404,
    type: 'invalid_request_error',
    message: [
      `The model '${id}' is not served here: the operator would have to configure ${needs.join(', or ')}.`,
      ...advice,
      'GET /v1/models lists what is served.',
    ].join(' '),
    param: 'model',
    code: 'model_not_found',
    headers: noRetry,
  });

/** 404 from upstream for an id our configuration names; `reason` in the upstream's words, where it gives one. */
export const modelGoneUpstream = (
  configuredId: string,
  upstream: string,
  { reason, cause }: { readonly reason?: string | undefined; readonly cause?: unknown } = {},
) =>
  new ApiError({
    status: 404,
    type: 'invalid_request_error',
    message: `${
      reason === undefined
        ? `The upstream '${upstream}' does not know the model id '${configuredId}' that this server asked for: it may be retired, or not enabled for the account.`
        : `The upstream '${upstream}' does not serve the model id '${configuredId}' to this server: ${reason}`
    } Choose another model, or have MODEL_ALIASES or MODELS_FILE point this one elsewhere.`,
    param: 'model',
    code: 'model_not_found',
    headers: noRetry,
    cause,
  });

/** The same error with whole sentences of advice behind its message. */
export const withAdvice = (error: ApiError, advice: readonly string[]): ApiError =>
  new ApiError({
    status: error.status,
    type: error.type,
    message: [error.message, ...advice].join(' '),
    param: error.param,
    code: error.code,
    headers: error.headers,
    cause: error.cause,
    retryable: error.retryable,
    isOutage: error.isOutage,
  });

/** `hint`: what was probably meant, or what to use instead. */
export const unknownPath = (method: string, path: string, hint: string) =>
  new ApiError({
    status: 404,
    type: 'invalid_request_error',
    message: `Unknown request URL: ${method} ${path}. ${hint}`,
    code: 'unknown_url',
    headers: noRetry,
  });

export const methodNotAllowed = (method: string, path: string, allowed: readonly string[]) =>
  new ApiError({
    status: 405,
    type: 'invalid_request_error',
    message: `${method} is not allowed on ${path}; use ${allowed.join(' or ')}.`,
    code: 'method_not_allowed',
    headers: { allow: allowed.join(', ') },
  });

/** 405 for a client that is set to use this server as its proxy. */
export const notAProxy = () =>
  new ApiError({
    status: 405,
    type: 'invalid_request_error',
    message:
      'This server is no proxy: it opens no tunnels. Make it the base URL of the client (ending at /v1), not its HTTP proxy.',
    code: 'method_not_allowed',
    headers: noRetry,
  });

/** 413 for a body over `limit` bytes, ours or the upstream's (no limit known then). */
export const requestTooLarge = (limit?: number, cause?: unknown) =>
  new ApiError({
    status: 413,
    type: 'invalid_request_error',
    message:
      limit === undefined
        ? 'The request is larger than the upstream accepts. Send fewer or smaller images, documents or messages.'
        : `The request body is larger than ${limit} bytes. Send fewer or smaller images, documents or messages.`,
    code: 'request_too_large',
    cause,
  });

export const unsupportedMediaType = (seen: string) =>
  new ApiError({
    status: 415,
    type: 'invalid_request_error',
    message: `The content type ${seen} is not supported. Send JSON with the header Content-Type: application/json.`,
    code: 'unsupported_media_type',
  });

/** 415 for a body that is packed in a way we do not know; `accepted` are those we do. */
export const unsupportedEncoding = (accepted: readonly string[]) =>
  new ApiError({
    status: 415,
    type: 'invalid_request_error',
    message: `The content encoding of this request is not supported. Send the body as it is, or packed with one of ${accepted.join(', ')}.`,
    code: 'unsupported_media_type',
    // RFC 7694
    headers: { 'accept-encoding': accepted.join(', ') },
  });

/** 429 on rate. `retryAfter` in seconds. */
export const rateLimited = (message: string, retryAfter: number, facts: FailureFacts = {}) =>
  new ApiError({
    status: 429,
    type: 'rate_limit_error',
    message,
    code: 'rate_limit_exceeded',
    headers: { 'retry-after': seconds(retryAfter) },
    ...facts,
  });

/** 429 on spent quota: repeating is pointless, though clients that wait anyway learn how long. */
export const quotaSpent = (message: string, retryAfter: number, cause?: unknown) =>
  new ApiError({
    status: 429,
    type: 'rate_limit_error',
    message,
    code: 'insufficient_quota',
    headers: { 'retry-after': seconds(retryAfter), ...noRetry },
    cause,
    retryable: 'elsewhere',
  });

/** 503: busy, here or upstream. `retryAfter` in seconds. */
export const overloaded = (message: string, retryAfter = 2, facts: FailureFacts = {}) =>
  new ApiError({
    status: 503,
    type: 'server_error',
    message,
    code: 'overloaded',
    headers: { 'retry-after': seconds(retryAfter) },
    ...facts,
  });

/** 502: the upstream failed in a way that a later attempt may not, unless `facts` say otherwise. */
export const upstreamFailed = (
  message: string,
  { cause, retryable = 'anywhere', isOutage = true }: FailureFacts = {},
) =>
  new ApiError({
    status: 502,
    type: 'server_error',
    message,
    code: 'upstream_error',
    cause,
    retryable,
    isOutage,
  });

/** 502: the upstream's end marker never came. */
export const endedEarly = () =>
  upstreamFailed('The upstream ended its answer before it was complete. Send the request again.');

/** 502: the model wrote something that cannot be delivered; the same request would fail alike. */
export const malformedOutput = (message: string, cause?: unknown) =>
  new ApiError({
    status: 502,
    type: 'server_error',
    message,
    code: 'malformed_model_output',
    headers: noRetry,
    cause,
  });

/** 502, never 401: it is this server's own credential that was refused. */
export const credentialRefused = (upstream: string, cause?: unknown) =>
  new ApiError({
    status: 502,
    type: 'server_error',
    message: `The upstream '${upstream}' refused this server's own credential. Your key is fine; the operator has to mend the configuration.`,
    code: 'upstream_credential_refused',
    headers: noRetry,
    cause,
    retryable: 'elsewhere',
  });

/** 502: there is no credential to ask the upstream with. */
export const credentialMissing = (upstream: string, cause?: unknown) =>
  new ApiError({
    status: 502,
    type: 'server_error',
    message: `This server found no credential for the upstream '${upstream}'. Your key is fine; the operator has to configure one.`,
    code: 'upstream_credential_missing',
    headers: noRetry,
    cause,
    retryable: 'elsewhere',
  });

/** 504. `which` says which wait ended, `ms` how long it was. */
export const upstreamTimeout = (which: string, ms: number) =>
  new ApiError({
    status: 504,
    type: 'server_error',
    message: `${which} (${ms} ms).`,
    code: 'upstream_timeout',
    retryable: 'anywhere',
    isOutage: true,
  });

/** 504: the upstream itself gave up on the model. */
export const upstreamGaveUp = (facts: FailureFacts) =>
  new ApiError({
    status: 504,
    type: 'server_error',
    message:
      'The model did not answer the upstream in time. Send the request again, or ask for less at once.',
    code: 'upstream_timeout',
    ...facts,
  });

export const draining = () =>
  new ApiError({
    status: 503,
    type: 'server_error',
    message: 'The server is shutting down. Send the request again.',
    code: 'shutting_down',
    headers: { 'retry-after': '1', connection: 'close' },
  });

export const internalErrorCode = 'internal_error';

/** 500: our own fault. The message holds nothing but the id to look for in the log. */
export const internalError = (requestId: string, cause?: unknown) =>
  new ApiError({
    status: 500,
    type: 'server_error',
    message: `The server failed to handle the request. Report the request id ${requestId}.`,
    code: internalErrorCode,
    cause,
  });

/** An upstream that answered, as clients and the log may know it. */
export interface Origin {
  readonly upstream: UpstreamName;
  readonly requestId: string | undefined;
  /** In OpenAI's names and form. */
  readonly rateLimits: Readonly<Record<string, string>>;
}

/** What an upstream said, for retries, headers and the log, as the `cause` of an ApiError: never its text. */
export class UpstreamFault extends Error {
  override readonly name = 'UpstreamFault';
  constructor(
    readonly origin: Origin,
    /** The upstream's HTTP status, or the one its error stands for. */
    readonly status: number,
    /** Its own name for the error, e.g. `overloaded_error` or `ThrottlingException`. */
    readonly type: string,
    /** Seconds, where it named a wait. */
    readonly retryAfter?: number | undefined,
  ) {
    super(`${type} (${status})`);
  }
}

/** The client hung up: the reason upstream calls are cancelled with. Never sent to anyone. */
export class ClientDisconnected extends Error {
  override readonly name = 'ClientDisconnected';
  constructor() {
    super('The client closed the connection.');
  }
}

/** Bad settings, one sentence each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly string[]) {
    super(
      `The configuration has ${problems.length === 1 ? 'a problem' : 'problems'}:\n  ${problems.join('\n  ')}`,
    );
  }
}
