/**
 * What this server uses of Node's HTTP that Node does not document, all of it. Each with what is lost without it, and a
 * test in test/server/node-internals.test.ts that notices when Node changes it.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** How the bytes of an answer are framed, once its head is out. */
export interface Framing {
  frame(text: string): string;
  /** The end of an answer, behind its last text. */
  last(text: string): string;
}

const plain: Framing = { frame: (text) => text, last: (text) => text };

const chunk = (text: string): string =>
  text === '' ? '' : `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

const chunked: Framing = { frame: chunk, last: (text) => `${chunk(text)}0\r\n\r\n` };

/**
 * Takes the framing of chunks over from Node: `response.chunkedEncoding`. Node writes a chunk in four pieces; as one it
 * costs a fourth less, about a fifth of a paced stream. And the final chunk is left out where an answer is cut
 * (docs/decisions/2026-11-23-own-chunk-framing.md). HTTP/1.0 has no chunks.
 */
export const takeFraming = (response: ServerResponse): Framing => {
  if (!response.chunkedEncoding) return plain;
  response.chunkedEncoding = false;
  return chunked;
};

/**
 * The answer whose turn it is on a socket: `socket._httpMessage`. Without it a request that the parser refuses half-way
 * would have no line in the log, and a refusal could be written into the middle of an answer.
 */
export const answerDue = (socket: Duplex): ServerResponse | undefined =>
  (socket as { readonly _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;

/**
 * Called with every request; closes the responses that still wait for their turn when their socket closes. A client may
 * send the next request before the last one's answer, and Node notifies only the response whose turn it is, the one that
 * has a socket: the others would never hear of it, and their model calls would run on for no one.
 */
export const createTurnWatch = (): ((request: IncomingMessage, response: ServerResponse) => void) => {
  /** One listener per socket, however many responses wait there. */
  const waiting = new WeakMap<Duplex, Set<ServerResponse>>();

  const waitingOn = (socket: Duplex): Set<ServerResponse> => {
    const known = waiting.get(socket);
    if (known !== undefined) return known;
    const responses = new Set<ServerResponse>();
    waiting.set(socket, responses);
    const closeWaiting = (): void => {
      for (const response of responses) {
        // Its turn has come meanwhile, so Node sees to it.
        if (response.socket !== null) continue;
        response.destroyed = true;
        response.emit('close');
      }
    };
    // Behind Node: from 26 on it notifies them itself.
    socket.once('close', () => setImmediate(closeWaiting));
    return responses;
  };

  return ({ socket }, response) => {
    if (response.socket !== null) return;
    const responses = waitingOn(socket);
    responses.add(response);
    response.once('close', () => responses.delete(response));
  };
};
