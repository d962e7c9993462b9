/** How much is taken on at once, and how often one key may ask. BEHAVIOUR 8.10, 11.1. */

import type { FastifyInstance } from 'fastify';
import { duration } from '../duration.ts';
import { overloaded, rateLimited } from '../errors.ts';

export interface LimitOptions {
  readonly maxConcurrent: number;
  /** Completions per minute and key; 0: no limit. */
  readonly requestsPerMinute: number;
  /** Keys that anyone makes up are nobody's: all callers then share one rate. */
  readonly allowAnonymous?: boolean;
  /** Ms, monotonic. */
  readonly now?: () => number;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Counts against the key's rate. */
    metered?: boolean;
  }
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

const minute = 60_000;

/** One bucket per key that passed the door, so there are never more than keys configured. */
const createMeter = (perMinute: number, now: () => number) => {
  const buckets = new Map<string, Bucket>();
  const msPerToken = minute / perMinute;
  return (key: string) => {
    const at = now();
    const before = buckets.get(key) ?? { tokens: perMinute, filledAt: at };
    const filled = Math.min(perMinute, before.tokens + (at - before.filledAt) / msPerToken);
    const isAllowed = filled >= 1;
    const tokens = isAllowed ? filled - 1 : filled;
    buckets.set(key, { tokens, filledAt: at });
    return {
      isAllowed,
      remaining: Math.floor(tokens),
      /** Ms until the bucket is full. */
      untilFull: (perMinute - tokens) * msPerToken,
      /** Ms until one request fits. */
      untilNext: Math.max(0, (1 - tokens) * msPerToken),
    };
  };
};

export interface Load {
  /** Resolves when no request is being served. */
  readonly idle: () => Promise<void>;
}

export const registerLimits = (
  app: FastifyInstance,
  { maxConcurrent, requestsPerMinute, allowAnonymous = false, now = () => performance.now() }: LimitOptions,
): Load => {
  let running = 0;
  let onIdle: (() => void)[] = [];
  const meter = requestsPerMinute > 0 ? createMeter(requestsPerMinute, now) : undefined;

  app.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.config.open === true) return done();
    if (running >= maxConcurrent) {
      return done(
        overloaded('The server is serving as many requests as it may. Send the request again shortly.', 1),
      );
    }
    running += 1;
    reply.raw.once('close', () => {
      running -= 1;
      if (running > 0) return;
      for (const resolve of onIdle) resolve();
      onIdle = [];
    });
    if (meter === undefined || request.routeOptions.config.metered !== true) return done();

    const { isAllowed, remaining, untilFull, untilNext } = meter(
      (allowAnonymous ? undefined : request.record.caller) ?? 'anonymous',
    );
    reply.headers({
      'x-ratelimit-limit-requests': String(requestsPerMinute),
      'x-ratelimit-remaining-requests': String(remaining),
      'x-ratelimit-reset-requests': duration(untilFull),
    });
    if (isAllowed) return done();
    done(
      rateLimited(`This key may send ${requestsPerMinute} requests a minute. Slow down.`, untilNext / 1000),
    );
  });

  return {
    idle: () =>
      new Promise((resolve) => {
        if (running === 0) resolve();
        else onIdle.push(resolve);
      }),
  };
};
