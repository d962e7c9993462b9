/** Who may call: a key from INFERENCE_KEY, compared in constant time, before the body is read. */

import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { invalidKey } from '../core/errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Reachable without a key. */
    open?: boolean;
  }
}

const bearer = /^bearer +(\S.*)$/i;

/**
 * The keys that a request brings. The three headers are of equal rank: `x-api-key` is what Anthropic's clients send,
 * `api-key` what Azure's do, and some send one of them beside an Authorization that is meant for somebody else.
 */
const givenKeys = (headers: IncomingHttpHeaders): readonly string[] =>
  [bearer.exec(headers.authorization ?? '')?.[1], headers['x-api-key'], headers['api-key']]
    .map((value) => (typeof value === 'string' ? value.trim() : ''))
    .filter((key) => key !== '');

const ways = 'Send it as Authorization: Bearer <key>, as x-api-key: <key> or as api-key: <key>.';

interface Options {
  readonly keys: readonly string[];
  readonly allowAnonymous: boolean;
}

/** Hex. The prefix keeps fingerprints out of look-up tables; being fixed it lets them be compared between processes. */
const fingerprint = (key: string): string => hash('sha256', `parley:${key}`, 'hex');

/**
 * The fingerprint of a key that may call, else undefined. Every key is compared, whichever matches, and in one
 * width, with room after the longest, so that what is longer still is told apart by its beginning. (Digests have
 * one width too, at several times the cost.)
 */
const createFinder = (keys: readonly string[]): ((given: string) => string | undefined) => {
  const width = 2 * (Math.max(0, ...keys.map(({ length }) => length)) + 1);
  const write = (bytes: Buffer, key: string): Buffer => {
    bytes.fill(0).write(key, 'utf16le');
    return bytes;
  };
  const accepted = keys.map((key) => ({ bytes: write(Buffer.alloc(width), key), client: fingerprint(key) }));
  const candidate = Buffer.alloc(width);
  return (given) => {
    write(candidate, given);
    let found: string | undefined;
    for (const { bytes, client } of accepted) if (timingSafeEqual(bytes, candidate)) found = client;
    return found;
  };
};

export const registerAuth = (app: FastifyInstance, { keys, allowAnonymous }: Options): void => {
  const find = createFinder(keys);

  app.addHook('onRequest', (request, _reply, done) => {
    const given = givenKeys(request.headers);
    // Every one is compared, whichever is accepted.
    const accepted = given.map(find).find((client) => client !== undefined);
    const [first] = given;
    if (first !== undefined) request.record.client = accepted ?? fingerprint(first);
    if (allowAnonymous || request.routeOptions.config.open === true || accepted !== undefined) return done();
    done(
      invalidKey(
        first === undefined
          ? `No API key was given. ${ways}`
          : `The API key is not one of this server's (INFERENCE_KEY). ${ways}`,
      ),
    );
  });
};
