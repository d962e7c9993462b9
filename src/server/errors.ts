/** Every error, from every layer, in the shape of the API that is asked. Behaviour 1.3. */

import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  ApiError,
  ClientDisconnected,
  type ErrorShape,
  internalError,
  invalidRequest,
  notAProxy,
  requestTooLarge,
  unknownPath,
  unsupportedMediaType,
} from '../core/errors.ts';
import type { CorsHeaders } from './cors.ts';
import { safetyHeaders, setLastHeaders, setOriginHeaders } from './headers.ts';
import { answerDue } from './node-internals.ts';
import { type FinishedRequest, originOf, type Recorder } from './record.ts';
import { displayedPath } from './request-path.ts';
import { unknownPathHint } from './unknown-path.ts';

interface FrameworkError {
  readonly code?: unknown;
  readonly statusCode?: unknown;
}

/** Fastify's own errors, by code. */
const fromFramework = (code: unknown, request: FastifyRequest, bodyLimit: number): ApiError | undefined => {
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return requestTooLarge(bodyLimit);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_EMPTY_TYPE':
      return unsupportedMediaType(
        request.headers['content-type'] === undefined ? '(none)' : 'of this request',
      );
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return invalidRequest('The body is not as long as Content-Length says.');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return invalidRequest('The path is too long.', null, 'invalid_url');
    case 'FST_ERR_BAD_URL':
      return invalidRequest('The path holds a percent escape that is not valid.', null, 'invalid_url');
    default:
      return undefined;
  }
};

/** Anything thrown, as an ApiError; what is our own fault says no more than the request id. */
export const toKnownError = (error: unknown, request: FastifyRequest, bodyLimit: number): ApiError => {
  if (error instanceof ApiError) return error;
  const { code, statusCode } = (typeof error === 'object' && error !== null ? error : {}) as FrameworkError;
  const known = fromFramework(code, request, bodyLimit);
  if (known !== undefined) return known;
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return invalidRequest('The request could not be read.');
  }
  return internalError(request.id, error);
};

/** Bytes that fit into what the kernel keeps for us, whether we read them or not. */
const smallBody = 16 * 1024;

/**
 * A connection that is closed while its client still sends is reset, and the reset can eat the refusal: the client
 * sees a broken pipe and no 413. Kept alive, the rest is read and dropped for as long as a request may take to come.
 */
const keepWhileSending = ({ request, raw }: FastifyReply): boolean => {
  const { complete, httpVersion, headers } = request.raw;
  const isLarge = headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > smallBody;
  return isLarge && !complete && httpVersion === '1.1' && !raw.headersSent;
};

const respond = (reply: FastifyReply, error: ApiError, shapeAt: ShapeAt): FastifyReply => {
  const { record } = reply.request;
  record.error = error;
  const origin = originOf(error);
  if (origin !== undefined) {
    record.origin = origin;
    setOriginHeaders(reply, origin);
  }
  reply
    .code(error.status)
    .headers({ ...error.headers })
    .header('content-type', 'application/json; charset=utf-8');
  if (keepWhileSending(reply)) reply.header('connection', 'keep-alive');
  return reply.send(JSON.stringify(shapeAt(reply.request.url)(error)));
};

/** The shape of errors under a path. */
export type ShapeAt = (path: string) => ErrorShape;

export const registerErrors = (app: FastifyInstance, bodyLimit: number, shapeAt: ShapeAt): void => {
  // Node answers an `Expect` it does not know with a bare 417; to us it is a request like any other.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  app.setErrorHandler((error, request, reply) => {
    // No client is there to read of it.
    if (error instanceof ClientDisconnected) {
      request.record.error = error;
      reply.hijack();
      reply.raw.destroy();
      return;
    }
    respond(reply, toKnownError(error, request, bodyLimit), shapeAt);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = displayedPath(request.originalUrl);
    request.record.unknownPath = path;
    respond(reply, unknownPath(request.method, path, unknownPathHint(path)), shapeAt);
  });
};

/** A client that takes this server for a proxy gets an answer; Node would close the connection without a word. */
export const refuseTunnels = (server: Server, recorder: Recorder, shapeAt: ShapeAt): void => {
  server.on('connect', (_request, socket) => {
    // Node has taken its own listener away.
    socket.on('error', () => socket.destroy());
    if (answerDue(socket) !== undefined) {
      socket.destroy();
      return;
    }
    const refusal = notAProxy();
    const result = recorder.refuse(undefined, refusal);
    refuseOnSocket(socket, {
      refusal,
      shape: shapeAt(''),
      reason: 'Method Not Allowed',
      result,
      corsHeaders: {},
    });
  });
};

export interface RefusalOptions {
  readonly recorder: Recorder;
  readonly corsHeaders: CorsHeaders;
  readonly shapeAt: ShapeAt;
}

/** What the router refuses before there is a route; hooks do not run for it. */
export const onFrameworkError = (
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  { recorder, corsHeaders, shapeAt }: RefusalOptions,
): void => {
  recorder.begin(request, reply);
  reply.headers(corsHeaders(request.headers.origin));
  setLastHeaders(reply);
  respond(reply, toKnownError(error, request, 0), shapeAt);
};

const parserErrors: Readonly<Record<string, { status: number; reason: string; message: string }>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    reason: 'Request Header Fields Too Large',
    message: 'The request headers are too large.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    reason: 'Request Timeout',
    message: 'The request was not sent in time.',
  },
};

const malformed = { status: 400, reason: 'Bad Request', message: 'The request is not valid HTTP.' };

/** How long a client may take to read such a refusal and hang up. Ms. */
const lingering = 1000;

interface SocketRefusal {
  readonly refusal: ApiError;
  readonly shape: ErrorShape;
  /** The words beside the status. */
  readonly reason: string;
  /** What was recorded of it. */
  readonly result: FinishedRequest;
  readonly corsHeaders: Readonly<Record<string, string>>;
}

/** Answers where there is no response to do it with, and closes the socket. */
const refuseOnSocket = (
  socket: Duplex,
  { refusal, shape, reason, result, corsHeaders }: SocketRefusal,
): void => {
  const body = JSON.stringify(shape(refusal));
  const headers = [
    ['content-type', 'application/json; charset=utf-8'],
    ['content-length', Buffer.byteLength(body)],
    ['x-request-id', result.id],
    ['openai-processing-ms', Math.round(result.durationMs)],
    ...safetyHeaders,
    ...Object.entries(refusal.headers),
    ...Object.entries(corsHeaders),
    ['connection', 'close'],
  ];
  const head = headers.map(([name, value]) => `${name}: ${value}`);
  socket.end([`HTTP/1.1 ${refusal.status} ${reason}`, ...head, '', body].join('\r\n'));
  // Closed at once, the answer could be lost on its way; left to the client, the socket could stay for ever.
  const late = setTimeout(() => socket.destroy(), lingering);
  socket.once('close', () => clearTimeout(late));
};

/** What the HTTP parser refuses, mostly before there is a request: answered on the bare socket, then closed. */
export const onParserError = (
  error: { code?: string },
  socket: Socket,
  { recorder, corsHeaders, shapeAt }: RefusalOptions,
): void => {
  // Refused already, and the rest of it still came.
  if (socket.writableEnded) return;
  // In the middle of an answer there is no room for another.
  const due = answerDue(socket);
  const hasAskedNothing = socket.bytesRead === 0;
  if (error.code === 'ECONNRESET' || !socket.writable || hasAskedNothing || due?.headersSent === true) {
    socket.destroy();
    return;
  }
  const { status, reason, message } = parserErrors[error.code ?? ''] ?? malformed;
  const refusal = new ApiError({ status, type: 'invalid_request_error', message, code: null });
  const result = recorder.refuse(due, refusal);
  refuseOnSocket(socket, {
    ...{ refusal, reason, result },
    shape: shapeAt(due?.req.url ?? ''),
    corsHeaders: corsHeaders(due?.req.headers.origin),
  });
};
