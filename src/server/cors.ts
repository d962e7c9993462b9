/**
 * Pages of other origins may call where CORS_ORIGINS names them. Behaviour 1.6.
 *
 * Not by @fastify/cors: a plugin's hooks run after those that this application registers at once, so that a preflight
 * would need a key and a 401 could not be read by the page; and no hook at all runs for what the router and the parser
 * refuse.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify';

/** What a page may read of an answer, beyond the few headers that it always may. */
const exposed = [
  'x-request-id',
  'openai-processing-ms',
  'x-upstream',
  'x-upstream-request-id',
  'x-request-cost',
  'x-ignored-params',
  'x-adjusted-params',
  ...['limit', 'remaining', 'reset'].flatMap((figure) => [
    `x-ratelimit-${figure}-requests`,
    `x-ratelimit-${figure}-tokens`,
  ]),
  'retry-after',
  'x-should-retry',
  'deprecation',
  'sunset',
  'allow',
  'accept-encoding',
  'www-authenticate',
].join(', ');

/** Every method: one that a path has not is answered with a 405 that the page can read. */
const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE';

/** Seconds for which a browser need not ask again; Chromium takes no longer time. */
const maxAge = '7200';

/** The headers for an answer to a request of this origin. */
export type CorsHeaders = (origin: string | undefined) => Readonly<Record<string, string>>;

/** Credentials of the browser's own (cookies) are never allowed: a page sends the key itself. */
const allow = (origin: string) => ({
  'access-control-allow-origin': origin,
  'access-control-expose-headers': exposed,
});

/** `origins` as browsers write them; `*`: any. None: no answer says a word about CORS. */
export const createCorsHeaders = (origins: readonly string[]): CorsHeaders => {
  if (origins.length === 0) return () => ({});
  if (origins.includes('*')) return () => allow('*');
  const allowed = new Set(origins);
  // Answers differ by origin, so a cache has to keep them apart.
  const vary = { vary: 'Origin' };
  return (origin) => (origin !== undefined && allowed.has(origin) ? { ...vary, ...allow(origin) } : vary);
};

const isPreflight = ({ method, headers }: FastifyRequest): boolean =>
  method === 'OPTIONS' && headers.origin !== undefined && 'access-control-request-method' in headers;

/** Before the key is asked for: a browser sends none with a preflight, and a page is to see why it was refused. */
export const registerCors = (app: FastifyInstance, corsHeaders: CorsHeaders): void => {
  app.addHook('onRequest', (request, reply, done) => {
    const headers = corsHeaders(request.headers.origin);
    reply.headers(headers);
    if (!isPreflight(request) || !('access-control-allow-origin' in headers)) return done();
    const asked = request.headers['access-control-request-headers'];
    reply
      .code(204)
      .headers({
        vary: 'Origin, Access-Control-Request-Headers',
        'access-control-allow-methods': methods,
        // SDKs send headers of their own with every request, and none of them does harm here.
        ...(asked === undefined ? {} : { 'access-control-allow-headers': asked }),
        'access-control-max-age': maxAge,
      })
      .send();
  });
};
