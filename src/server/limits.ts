/** How much is taken on at once, and how often one key may ask. Behaviour 8.10, 11.1. */

import type { FastifyInstance } from 'fastify';
import { duration } from '../core/duration.ts';
import { overloaded, rateLimited } from '../core/errors.ts';

export interface LimitOptions {
  readonly maxConcurrent: number;
  /** Completions per minute and key; 0: no limit. */
  readonly requestsPerMinute: number;
  /** Keys that clients make up are no one's own: all clients then share one rate. */
  readonly allowAnonymous: boolean;
  /** Where the rates are counted: takes one of the requests that a key may send each minute, if one is left. */
  readonly takeRequest: (
    key: string,
    perMinute: number,
  ) => Promise<{ readonly isAllowed: boolean; readonly left: number }>;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Counts against the key's rate. */
    metered?: boolean;
    /** A connection that mostly waits: what is asked over it counts, not itself. */
    heldOpen?: boolean;
  }
}

const minute = 60_000;

export interface Load {
  /** Resolves when no request is being served. */
  readonly idle: () => Promise<void>;
}

export const registerLimits = (
  app: FastifyInstance,
  { maxConcurrent, requestsPerMinute, allowAnonymous, takeRequest }: LimitOptions,
): Load => {
  let running = 0;
  let onIdle: (() => void)[] = [];
  const msPerRequest = minute / requestsPerMinute;

  app.addHook('onRequest', (request, reply, done) => {
    const { open, heldOpen } = request.routeOptions.config;
    if (open === true || heldOpen === true) return done();
    if (running >= maxConcurrent) {
      return done(
        overloaded('The server is serving as many requests as it may. Send the request again shortly.', 1),
      );
    }
    running += 1;
    reply.raw.on('close', () => {
      running -= 1;
      if (running > 0) return;
      for (const resolve of onIdle) resolve();
      onIdle = [];
    });
    done();
  });

  if (requestsPerMinute > 0) {
    app.addHook('onRequest', async (request, reply) => {
      if (request.routeOptions.config.metered !== true) return;
      const key = (allowAnonymous ? undefined : request.record.client) ?? 'anonymous';
      const { isAllowed, left } = await takeRequest(key, requestsPerMinute);
      reply.headers({
        'x-ratelimit-limit-requests': String(requestsPerMinute),
        'x-ratelimit-remaining-requests': String(Math.floor(left)),
        // Until all of them may be sent again.
        'x-ratelimit-reset-requests': duration((requestsPerMinute - left) * msPerRequest),
      });
      if (isAllowed) return;
      const untilNext = (1 - left) * msPerRequest;
      throw rateLimited(
        `This key may send ${requestsPerMinute} requests a minute. Slow down.`,
        untilNext / 1000,
      );
    });
  }

  return {
    idle: () =>
      new Promise((resolve) => {
        if (running === 0) resolve();
        else onIdle.push(resolve);
      }),
  };
};
