/** The process's logger: JSON lines, secrets redacted, errors without anybody's text in them. */

import { type DestinationStream, type Logger, pino } from 'pino';
import { ApiError, internalErrorCode, UpstreamFault } from '../core/errors.ts';

/** Our own frames of a stack; its first lines quote the message, which may quote a prompt. */
const frames = (error: Error): string | undefined =>
  error.stack
    ?.split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');

/** Messages of these come from the runtime and name code, not content. */
const speaksOfCode = (error: Error) => error instanceof TypeError || error instanceof ReferenceError;

const systemCode = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
};

/**
 * Something thrown, by name and code. Where it was thrown is of use only if the fault is ours, and then to be
 * mended: an upstream that is away would otherwise fill the log with the same stacks thousands of times a second.
 */
const describeThrown = (error: unknown, isOurFault: boolean): object =>
  error instanceof Error
    ? {
        name: error.name,
        code: systemCode(error),
        ...(isOurFault || speaksOfCode(error) ? { stack: frames(error) } : {}),
      }
    : { name: typeof error };

const describeCause = (cause: unknown, isOurFault: boolean): object | undefined => {
  if (cause === undefined) return undefined;
  if (!(cause instanceof UpstreamFault)) return describeThrown(cause, isOurFault);
  const { origin, status, type } = cause;
  return {
    upstream: origin.upstream,
    upstream_status: status,
    upstream_type: type,
    upstream_request_id: origin.requestId,
    // Where the connection broke, or we could make nothing of what came.
    ...(cause.cause === undefined ? {} : describeThrown(cause.cause, isOurFault)),
  };
};

/** An error as the log may show it: kind, code and place, never what an upstream or a client wrote. */
export const describeError = (error: unknown): object => {
  if (error instanceof ApiError) {
    const { status, type, code, param, cause } = error;
    const isOurFault = code === internalErrorCode;
    return { status, type, code, param, cause: describeCause(cause, isOurFault) };
  }
  if (!(error instanceof Error)) return describeThrown(error, true);
  return {
    ...describeThrown(error, true),
    ...(speaksOfCode(error) ? { message: error.message } : {}),
    cause: describeCause(error.cause, true),
  };
};

/** Standard output is written synchronously: no line is lost, however the process ends. */
export const createLogger = (
  level: string,
  destination: DestinationStream = pino.destination({ dest: 1, sync: true }),
): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError, error: describeError },
      redact: {
        paths: [
          'authorization',
          '*.authorization',
          '*["x-api-key"]',
          '*["api-key"]',
          'apiKey',
          '*.apiKey',
          'key',
          '*.key',
          '*.keys',
          '*.bearerToken',
        ],
        censor: '[redacted]',
      },
    },
    destination,
  );
