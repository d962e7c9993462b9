import type { IncomingHttpHeaders } from 'node:http';
import { textOf } from '../json.ts';
import { Refusal } from '../refusal.ts';

const deny = (message: string): never => {
  throw new Refusal(401, 'authentication_error', message);
};

/** Any key is good unless it says `invalid`; `x-api-key` wins where both headers come. */
export const checkKey = (headers: IncomingHttpHeaders): void => {
  const key = headers['x-api-key'];
  if (key !== undefined) {
    if (textOf(key).trim() === '' || textOf(key).includes('invalid')) deny('invalid x-api-key');
    return;
  }
  const authorization = headers.authorization;
  if (authorization === undefined) deny('x-api-key header is required');
  const bearer = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (bearer === undefined || bearer.includes('invalid')) deny('Invalid bearer token');
};

const VERSIONS = ['2023-01-01', '2023-06-01', '2026-10-21'];

export const checkVersion = (headers: IncomingHttpHeaders): string => {
  const version = textOf(headers['anthropic-version']);
  if (version === '')
    throw new Refusal(400, 'invalid_request_error', 'anthropic-version: header is required');
  if (!VERSIONS.includes(version)) {
    throw new Refusal(400, 'invalid_request_error', `anthropic-version: "${version}" is not a valid version`);
  }
  return version;
};
