/**
 * What both Bedrock upstreams share: the official SDK's credentials on our own signature and
 * transport, errors by their AWS names, and event streams as batches of parsed payloads.
 */

import type { Opened, OpenOptions, ReadBatch } from '../../adapters/adapter.ts';
import type { Cancellation } from '../../core/cancellation.ts';
import type { UpstreamName } from '../../core/chat.ts';
import { type ApiError, credentialMissing } from '../../core/errors.ts';
import { notTheProtocol, toApiError, type UpstreamCall, unnamedError } from '../errors.ts';
import {
  createTransport,
  header,
  parseBody,
  retryAfter,
  type TransportOptions,
  type UpstreamResponse,
} from '../http/transport.ts';
import { createFrameParser, type Frame } from './frames.ts';
import { type Credentials, createSign } from './signature.ts';

/** HTTP status by exception name, as in the SDK's models; needed where one arrives inside a stream. */
const statusOfException: Readonly<Record<string, number>> = {
  ValidationException: 400,
  ConflictException: 400,
  AccessDeniedException: 403,
  UnrecognizedClientException: 403,
  ExpiredTokenException: 403,
  InvalidSignatureException: 403,
  // With a 400 of its own: our signature all the same.
  IncompleteSignatureException: 403,
  MissingAuthenticationTokenException: 403,
  // Said of a path, with a 404: some other service stands there, and the model is not in question.
  UnknownOperationException: 502,
  ResourceNotFoundException: 404,
  ModelTimeoutException: 408,
  ModelErrorException: 424,
  ModelStreamErrorException: 424,
  ThrottlingException: 429,
  ServiceQuotaExceededException: 402,
  ModelNotReadyException: 503,
  InternalServerException: 500,
  ServiceUnavailableException: 503,
};

const toFailure = (
  asked: UpstreamCall,
  type: string,
  message: string,
  status: number | undefined,
  wait?: number,
): ApiError =>
  // The name says more than the status: a quota arrives as a 400, a model not yet loaded as a 429.
  toApiError({
    ...asked,
    status: statusOfException[type] ?? status ?? 500,
    type,
    message,
    retryAfter: wait,
  });

const messageOf = (body: unknown): string => {
  const { message, Message } = (typeof body === 'object' && body !== null ? body : {}) as Record<
    string,
    unknown
  >;
  return typeof message === 'string' ? message : typeof Message === 'string' ? Message : '';
};

/** A refused request as an ApiError. */
const readRefusal = async (response: UpstreamResponse, asked: UpstreamCall): Promise<ApiError> => {
  const body = parseBody(await response.body.whole());
  const [type = ''] = (header(response.headers, 'x-amzn-errortype') ?? '').split(':');
  return toFailure(
    asked,
    type || unnamedError,
    messageOf(body),
    response.status,
    retryAfter(response.headers),
  );
};

const capitalised = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);

/** An exception or error frame as an ApiError. */
const readException = (frame: Frame, asked: UpstreamCall): ApiError => {
  const message = frame.errorMessage ?? messageOf(parseBody(frame.payload));
  return toFailure(asked, capitalised(frame.type), message, undefined);
};

/** Pieces of an event stream to events, by what `readPayloads` makes of the frames; exceptions are failures. */
const createEventStreamReader = <Event>(
  asked: UpstreamCall,
  readPayloads: (frames: readonly Frame[]) => ReadBatch<Event>,
): ((piece: Buffer) => ReadBatch<Event>) => {
  const parser = createFrameParser();
  return (piece) => {
    const { frames, broken } = parser.push(piece);
    const exception = frames.findIndex(({ messageType }) => messageType !== 'event');
    const { events, failure } = readPayloads(exception < 0 ? frames : frames.slice(0, exception));
    const last = frames[exception];
    return {
      events,
      failure:
        failure ??
        (last === undefined ? undefined : readException(last, asked)) ??
        (broken ? notTheProtocol(asked.origin) : undefined),
    };
  };
};

/** What an operation of Bedrock's answers with. */
export interface AnswerWire<Message, Event> {
  readonly readPayloads: (asked: UpstreamCall) => (frames: readonly Frame[]) => ReadBatch<Event>;
  /** Whether a 200's body is an answer of this operation. */
  readonly isMessage: (value: unknown) => value is Message;
}

/** Rejects with what the response rejects with, and with a refused request as an ApiError. */
export const readAnswer = async <Message, Event>(
  answering: Promise<UpstreamResponse>,
  { modelId, contextWindow, stream }: OpenOptions,
  { readPayloads, isMessage }: AnswerWire<Message, Event>,
): Promise<Opened<Message, Event>> => {
  const response = await answering;
  const { origin } = response;
  const asked = { origin, modelId, contextWindow };
  if (response.status !== 200) throw await readRefusal(response, asked);
  if (stream)
    return { origin, pieces: response.body, read: createEventStreamReader(asked, readPayloads(asked)) };
  const message = parseBody(await response.body.whole());
  if (!isMessage(message)) throw notTheProtocol(origin);
  return { origin, message };
};

export interface BedrockOptions extends TransportOptions {
  readonly region: string;
  /** Undefined: the region's own. */
  readonly endpoint: string | undefined;
  /** A Bedrock API key; wins over other credentials, as in the SDK. */
  readonly bearerToken: string | undefined;
  /** The environment holds an access key, so that the SDK need not be loaded to know that there is a credential. */
  readonly hasAccessKey: boolean;
}

export interface Bedrock {
  /** `path` with the model id already escaped. Rejects like `Transport.post`. */
  post(
    upstream: UpstreamName,
    path: string,
    payload: Buffer,
    accept: Accept,
    cancellation: Cancellation,
  ): Promise<UpstreamResponse>;
  /** Whether there is a credential; once there was one, there is. Looking may take seconds where there is none. */
  canSign(): Promise<boolean>;
  close(): Promise<void>;
}

export type Accept = 'application/json' | 'application/vnd.amazon.eventstream';

/** With when they end, where they do. */
type FindCredentials = () => Promise<Credentials & { readonly expiration?: Date | undefined }>;

/**
 * The SDK is loaded only where it is needed, because loading it takes a tenth of a second. It keeps what it found,
 * and renews it in time.
 */
const loadCredentials = async (region: string): Promise<FindCredentials> => {
  const { BedrockRuntimeClient } = await import('@aws-sdk/client-bedrock-runtime');
  return new BedrockRuntimeClient({ region }).config.credentials;
};

/** What has no ending of its own, some credential process say, ends with the call. */
const unlessCancelled = <Value>(promise: Promise<Value>, cancellation: Cancellation): Promise<Value> =>
  new Promise<Value>((resolve, reject) => {
    const leave = () => reject(cancellation.reason);
    if (cancellation.aborted) leave();
    cancellation.listen(leave);
    promise.then(resolve, reject).finally(() => cancellation.forget(leave));
  });

/** Ms; a role may come to a machine after the server. */
const lookAgainAfter = 10_000;

const regionalEndpoint = (region: string): string =>
  `https://bedrock-runtime.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;

export const createBedrock = ({
  region,
  endpoint,
  bearerToken,
  hasAccessKey,
  ...transportOptions
}: BedrockOptions): Bedrock => {
  const transport = createTransport(endpoint ?? regionalEndpoint(region), transportOptions);
  let finder: Promise<FindCredentials> | undefined;
  /** Those that never end, once they are known. */
  let lasting: Credentials | undefined;

  const findCredentials = async (): Promise<Credentials> => {
    finder ??= loadCredentials(region).catch((error: unknown) => {
      // The next request tries again.
      finder = undefined;
      throw error;
    });
    try {
      const found = await (await finder)();
      if (found.expiration === undefined) lasting = found;
      return found;
    } catch (cause) {
      // None there, or a profile or role that gives none.
      throw credentialMissing('bedrock', cause);
    }
  };

  let looked: { readonly found: Promise<boolean>; readonly until: number } | undefined;
  const canSign = (): Promise<boolean> => {
    if (bearerToken !== undefined || hasAccessKey) return Promise.resolve(true);
    if (looked !== undefined && performance.now() < looked.until) return looked.found;
    const found = findCredentials().then(
      () => {
        looked = { found, until: Number.POSITIVE_INFINITY };
        return true;
      },
      // The reason is reported where a request fails for it.
      () => false,
    );
    looked = { found, until: performance.now() + lookAgainAfter };
    return found;
  };

  const prepare = (accept: Accept) => {
    const headers = { 'content-type': 'application/json', accept, 'accept-encoding': 'identity' };
    return {
      withBearer:
        bearerToken === undefined
          ? undefined
          : [...Object.entries(headers).flat(), 'authorization', `Bearer ${bearerToken}`],
      sign: createSign(region, { ...headers, host: transport.host }),
    };
  };
  const prepared = {
    'application/json': prepare('application/json'),
    'application/vnd.amazon.eventstream': prepare('application/vnd.amazon.eventstream'),
  };

  return {
    post: async (upstream, path, payload, accept, cancellation) => {
      const { withBearer, sign } = prepared[accept];
      const authorized =
        withBearer ??
        sign(
          { path: transport.pathOf(path), body: payload },
          lasting ?? (await unlessCancelled(findCredentials(), cancellation)),
        );
      return await transport.post(path, authorized, payload, cancellation, (answered) => ({
        upstream,
        requestId: header(answered, 'x-amzn-requestid'),
        rateLimits: {},
      }));
    },
    canSign,
    close: transport.close,
  };
};

/** A model id or ARN as a path segment; `:` and `/` are escaped, as the SDK does. */
export const modelPath = (modelId: string, operation: string): string =>
  `/model/${encodeURIComponent(modelId)}/${operation}`;
