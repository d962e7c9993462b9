/**
 * Requests of the server to itself, over a connection in memory: with a key, limits, a record and a line in the log as every
 * request has them.
 */

import { type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http';
import { duplexPair } from 'node:stream';

export interface InProcessRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Hangs up. */
  readonly signal: AbortSignal;
}

export interface InProcessReply {
  readonly status: number;
  /** As it comes. Throws where the connection breaks off. */
  readonly text: AsyncIterable<string>;
}

async function* textOf(reply: IncomingMessage): AsyncGenerator<string> {
  reply.setEncoding('utf8');
  for await (const piece of reply) yield piece as string;
}

/** POST. Rejects where it is hung up before there is a reply. */
export const postInProcess = (
  server: Server,
  { path, headers, body, signal }: InProcessRequest,
): Promise<InProcessReply> => {
  const [client, accepted] = duplexPair();
  server.emit('connection', accepted);
  return new Promise((resolve, reject) => {
    const length = Buffer.byteLength(body);
    const asked = request(
      {
        method: 'POST',
        path,
        signal,
        createConnection: () => client,
        headers: {
          ...headers,
          connection: 'close',
          'content-type': 'application/json',
          'content-length': length,
        },
      },
      (reply) => resolve({ status: reply.statusCode ?? 500, text: textOf(reply) }),
    );
    // Node 20 notifies only the side that is destroyed.
    const hangUp = () => accepted.destroy();
    signal.addEventListener('abort', hangUp, { once: true });
    client.once('close', () => {
      signal.removeEventListener('abort', hangUp);
      accepted.destroy();
    });
    asked.on('error', reject);
    asked.end(body);
  });
};
