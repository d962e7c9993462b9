import { existsSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';

/** OpenAI's own schema of an error, read where it lies beside the project. */
const inline = {
  ErrorResponse: {
    type: 'object',
    properties: { error: { $ref: '#/components/schemas/Error' } },
    required: ['error'],
  },
  Error: {
    type: 'object',
    properties: {
      code: { anyOf: [{ type: 'string' }, { type: 'null' }] },
      message: { type: 'string' },
      param: { anyOf: [{ type: 'string' }, { type: 'null' }] },
      type: { type: 'string' },
    },
    required: ['type', 'message', 'param', 'code'],
  },
};

const reference = new URL('../../../shared/reference/openai-chat.schema.json', import.meta.url);
const { Error: error, ErrorResponse: errorResponse } = existsSync(reference)
  ? (JSON.parse(readFileSync(reference, 'utf8')) as { components: { schemas: typeof inline } }).components
      .schemas
  : inline;

const isError = new Ajv2020({ strict: false }).compile({
  ...errorResponse,
  components: { schemas: { Error: error } },
});

const types = [
  'invalid_request_error',
  'authentication_error',
  'permission_error',
  'rate_limit_error',
  'server_error',
];

export interface WireError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

/** The error of an answer, once it has been seen to be in OpenAI's shape and nothing else. */
export const expectError = (
  text: string,
  headers: { readonly get: (name: string) => string | null | undefined },
): WireError => {
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  expect(headers.get('x-request-id')).toBeTruthy();
  expect(headers.get('openai-processing-ms')).toMatch(/^\d+$/);
  const body = JSON.parse(text) as { error: WireError };
  expect(isError(body), JSON.stringify(isError.errors)).toBe(true);
  expect(Object.keys(body)).toEqual(['error']);
  expect(Object.keys(body.error).sort()).toEqual(['code', 'message', 'param', 'type']);
  expect(types).toContain(body.error.type);
  expect(body.error.message).not.toBe('');
  return body.error;
};
