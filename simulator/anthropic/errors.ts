import type { Refusal } from '../refusal.ts';
import { json, type Reply } from '../reply.ts';

export const errorTypes: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  405: 'invalid_request_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

const shouldRetry = (status: number): boolean =>
  status === 408 || status === 409 || status === 429 || status >= 500;

export const anthropicError = (refusal: Refusal, requestId: string): Reply =>
  json(
    refusal.status,
    { type: 'error', error: { type: refusal.type, message: refusal.message }, request_id: requestId },
    {
      'request-id': requestId,
      'x-should-retry': String(shouldRetry(refusal.status)),
      ...refusal.headers,
    },
  );
