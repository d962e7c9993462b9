/** Request bodies: JSON and nothing else, parsed once; the long texts of their messages stay bytes (core/message-text.ts). */

import type { FastifyInstance } from 'fastify';
import { invalidRequest } from '../core/errors.ts';
import type { LongTexts } from '../core/message-text.ts';
import { parseJson } from '../core/surrogates.ts';
import { contentEncoding, createUnpacker } from './content-encoding.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the placeholders in a JSON body stand for. */
    texts: LongTexts;
  }
}

/** Some clients begin with a byte order mark. */
const startsWithMark = (body: Buffer) => body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;

/** Where in the body its JSON ends to be such, in characters. */
const brokenAt = (body: Buffer, begin: number): string | undefined => {
  try {
    JSON.parse(body.toString('utf8', begin));
  } catch (error) {
    // The engine's message quotes the body; its position is enough.
    return /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
  }
  return undefined;
};

interface ParsedBody {
  readonly value: unknown;
  readonly texts: LongTexts;
}

/** Takes the long texts out of a JSON body that begins at `begin`. */
type CutLongTexts = (body: Buffer, begin: number) => { readonly json: string; readonly texts: LongTexts };

const parse = (body: Buffer, cutLongTexts: CutLongTexts): ParsedBody => {
  if (body.length === 0) throw invalidRequest('The request body is empty; expected a JSON object.');
  const begin = startsWithMark(body) ? 3 : 0;
  const { json, texts } = cutLongTexts(body, begin);
  try {
    return { value: parseJson(json), texts };
  } catch {
    const position = brokenAt(body, begin);
    throw invalidRequest(
      `The request body is not valid JSON${position === undefined ? '' : ` (at position ${position})`}.`,
    );
  }
};

interface Options {
  /** Bytes, unpacked. */
  readonly bodyLimit: number;
  readonly maxConcurrent: number;
  readonly cutLongTexts: CutLongTexts;
}

export const registerBody = (
  app: FastifyInstance,
  { bodyLimit, maxConcurrent, cutLongTexts }: Options,
): void => {
  const unpack = createUnpacker(bodyLimit, maxConcurrent);
  app.decorateRequest('texts', null as unknown as LongTexts);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const read = (unpacked: Buffer): void => {
      try {
        const { value, texts } = parse(unpacked, cutLongTexts);
        request.texts = texts;
        done(null, value);
      } catch (error) {
        done(error as Error);
      }
    };
    // Some clients, OpenAI's for Python among them, name the type of a body that they do not send.
    if (request.method === 'DELETE' && body.length === 0) return done(null, undefined);
    const encoding = contentEncoding(request.headers['content-encoding']);
    if (encoding === undefined || body.length === 0) read(body);
    else unpack(body, encoding, () => !request.raw.socket.destroyed).then(read, done);
  });
};
