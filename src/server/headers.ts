/** The headers every response carries, and those that say where an answer came from. Behaviour 1.4, 1.5. */

import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Cost } from '../core/chat.ts';
import type { Origin } from '../core/errors.ts';
import { shortNameList } from '../core/name-list.ts';
import type { Report } from '../core/report.ts';
import { formatUsd } from '../core/usd.ts';

const plainId = /^[A-Za-z0-9._:-]{1,64}$/;

export const newRequestId = (): string => `req_${randomUUID()}`;

/** The client's own request id if it is short and plain, else a new one. */
export const requestId = ({ headers }: IncomingMessage): string => {
  const given = headers['x-request-id'];
  return typeof given === 'string' && plainId.test(given) ? given : newRequestId();
};

const longestName = 100;

/** Names come from the client: only what a header may hold. */
const toHeaderText = (name: string): string =>
  name.slice(0, longestName).replace(/[^\x21-\x2b\x2d-\x7e]/g, '?');

const nameList = (names: readonly string[]): string => {
  const { shown, more } = shortNameList(names);
  return [...shown.map(toHeaderText), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
};

export const setReportHeaders = (reply: FastifyReply, { ignored, adjusted }: Report): void => {
  // Replaced as a whole: a second upstream may have had to change other things than the first.
  for (const [name, values] of [
    ['x-ignored-params', ignored],
    ['x-adjusted-params', adjusted],
  ] as const) {
    if (values.length > 0) reply.header(name, nameList(values));
    else if (reply.hasHeader(name)) reply.removeHeader(name);
  }
};

export const setOriginHeaders = (reply: FastifyReply, origin: Origin): void => {
  reply.header('x-upstream', origin.upstream);
  if (origin.requestId !== undefined) reply.header('x-upstream-request-id', origin.requestId);
  // A rate limit of our own is the one the client meets first.
  if (!reply.hasHeader('x-ratelimit-limit-requests')) reply.headers(origin.rateLimits);
};

/** USD, as a decimal fraction; no header where the price is not known. */
export const setCostHeader = (reply: FastifyReply, cost: Cost | undefined): void => {
  if (cost !== undefined) reply.header('x-request-cost', formatUsd(cost.total));
};

/** A model near its end says so: RFC 9745 and RFC 8594. `sunset` is an ISO day. */
export const setSunsetHeaders = (reply: FastifyReply, sunset: string | undefined): void => {
  if (sunset === undefined) return;
  const end = Date.parse(sunset);
  // Announcement dates are not in the catalogue; sixty days is the notice providers give at least.
  const announced = Math.floor(end / 1000) - 60 * 24 * 3600;
  reply.header('deprecation', `@${announced}`).header('sunset', new Date(end).toUTCString());
};

/**
 * On every response, unless it says otherwise itself. What is sent is what its type says, never a script or
 * a page; answers belong to the holder of the key, and no cache on the way keeps them. Nothing about TLS:
 * that ends before us, and whether a domain is HTTPS for ever (`strict-transport-security`) is its owner's
 * to say.
 */
export const safetyHeaders = [
  ['x-content-type-options', 'nosniff'],
  ['cache-control', 'no-store'],
] as const;

const digest = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** For the one page there is. It runs its own script and no other, and asks this server alone. */
export const pageHeaders = (page: { readonly script: string; readonly style: string }) => ({
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `script-src ${digest(page.script)}`,
    `style-src ${digest(page.style)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  // For browsers that do not know frame-ancestors: a key is typed in there.
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
});

/** Set last, when the headers are about to leave. */
export const setLastHeaders = (reply: FastifyReply): void => {
  const { id, record } = reply.request;
  reply.header('x-request-id', id);
  reply.header('openai-processing-ms', String(Math.round(performance.now() - record.startedAt)));
  for (const [name, value] of safetyHeaders) if (!reply.hasHeader(name)) reply.header(name, value);
};

export const registerHeaders = (app: FastifyInstance): void => {
  app.addHook('onSend', (_request, reply, payload, done) => {
    setLastHeaders(reply);
    done(null, payload);
  });
};
