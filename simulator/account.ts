import type { IncomingHttpHeaders } from 'node:http';
import { textOf } from './json.ts';

/**
 * Whether a credential is of an account made since 2026-08-31, for which preserved thinking is checked: its key, token or
 * access key says `new-account` or `NEWACCOUNT`. All others are older.
 */
export const isNewAccount = (headers: IncomingHttpHeaders): boolean =>
  /new-?account/i.test(`${textOf(headers['x-api-key'])} ${textOf(headers.authorization)}`);
