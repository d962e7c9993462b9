/** Who may call: a key from INFERENCE_KEY, compared in constant time, before the body is read. */

import { hash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { invalidKey } from '../errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Reachable without a key. */
    open?: boolean;
  }
}

const bearer = /^bearer +(\S.*)$/i;

interface Options {
  readonly keys: readonly string[];
  readonly allowAnonymous: boolean;
}

export const registerAuth = (app: FastifyInstance, { keys, allowAnonymous }: Options): void => {
  // Digests have equal lengths to compare. The prefix keeps fingerprints out of look-up tables, and being
  // fixed lets them be compared between processes.
  const digest = (key: string): Buffer => hash('sha256', `parley:${key}`, 'buffer');
  const accepted = keys.map(digest);

  /** Every key is compared, whichever matches. */
  const isAccepted = (candidate: Buffer) =>
    accepted.reduce((found, key) => timingSafeEqual(key, candidate) || found, false);

  app.addHook('onRequest', (request, _reply, done) => {
    const given = bearer.exec(request.headers.authorization ?? '')?.[1]?.trim();
    const candidate = given === undefined ? undefined : digest(given);
    if (candidate !== undefined) request.record.caller = candidate.toString('hex');
    if (allowAnonymous || request.routeOptions.config.open === true) return done();
    if (candidate === undefined) {
      return done(invalidKey('No API key was given. Send the header Authorization: Bearer <INFERENCE_KEY>.'));
    }
    done(isAccepted(candidate) ? undefined : invalidKey('The API key is not valid. Check INFERENCE_KEY.'));
  });
};
