import type { ApiError, ErrorShape } from '../../core/errors.ts';

/** Words of ours for which clients of this API know another. */
const knownCodes: Readonly<Record<string, string>> = {
  overloaded: 'server_is_overloaded',
  shutting_down: 'server_is_overloaded',
};

const byType = {
  invalid_request_error: 'invalid_request',
  authentication_error: 'invalid_request',
  permission_error: 'invalid_request',
  rate_limit_error: 'rate_limit_exceeded',
  server_error: 'server_error',
} as const satisfies Record<ApiError['type'], string>;

/** Always a word: clients act on it. Behaviour 12.5, 12.8. */
export const errorCode = ({ code, type, status }: ApiError): string => {
  if (code !== null) return knownCodes[code] ?? code;
  return status === 503 || status === 529 ? 'server_is_overloaded' : byType[type];
};

/** In band there is no header to say when to ask again: Codex reads it from OpenAI's sentence. */
export const messageInBand = ({ message, headers, type }: ApiError): string => {
  const wait = headers['retry-after'];
  return type === 'rate_limit_error' && wait !== undefined
    ? `${message} Please try again in ${wait}s.`
    : message;
};

/** OpenAI's body, with `param` and `code` as strings always: the AI SDK shows no message otherwise. Behaviour 12.8. */
export const responsesErrorBody: ErrorShape = (error) => {
  const code = errorCode(error);
  const param = code === 'context_length_exceeded' ? 'input' : (error.param ?? '');
  return { error: { message: error.message, type: error.type, param, code } };
};
