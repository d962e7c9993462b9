/** Request bodies: JSON and nothing else, parsed once from the bytes. */

import type { FastifyInstance } from 'fastify';
import { invalidRequest, unsupportedMediaType } from '../errors.ts';

/** Some clients begin with a byte order mark. */
const startsWithMark = (body: Buffer) => body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;

const parse = (body: Buffer): unknown => {
  if (body.length === 0) throw invalidRequest('The request body is empty; expected a JSON object.');
  try {
    return JSON.parse(body.toString('utf8', startsWithMark(body) ? 3 : 0));
  } catch (error) {
    // The engine's message quotes the body; its position is enough.
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    throw invalidRequest(
      `The request body is not valid JSON${position === undefined ? '' : ` (at position ${position})`}.`,
    );
  }
};

export const registerBody = (app: FastifyInstance): void => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const encoding = request.headers['content-encoding'];
    try {
      if (encoding !== undefined && encoding !== 'identity')
        throw unsupportedMediaType('with a Content-Encoding');
      done(null, parse(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
};
