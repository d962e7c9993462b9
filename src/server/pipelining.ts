/**
 * A client may send the next request before the last one's answer. Node notifies only the response whose turn it is
 * that the socket has closed; those that wait for their turn would never hear of it, and their model calls would run
 * on for no one.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Called with every request; closes the responses that still wait for their turn when their socket closes. */
export const createTurnWatch = (): ((request: IncomingMessage, response: ServerResponse) => void) => {
  /** One listener per socket, however many responses wait there. */
  const waiting = new WeakMap<Socket, Set<ServerResponse>>();

  const waitingOn = (socket: Socket): Set<ServerResponse> => {
    const known = waiting.get(socket);
    if (known !== undefined) return known;
    const responses = new Set<ServerResponse>();
    waiting.set(socket, responses);
    socket.once('close', () => {
      for (const response of responses) {
        // Its turn has come meanwhile, so Node sees to it.
        if (response.socket !== null) continue;
        response.destroyed = true;
        response.emit('close');
      }
    });
    return responses;
  };

  return ({ socket }, response) => {
    if (response.socket !== null) return;
    const responses = waitingOn(socket);
    responses.add(response);
    response.once('close', () => responses.delete(response));
  };
};
