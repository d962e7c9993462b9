/** The route of an API that is spoken over WebSockets as well. */

import type { IncomingHttpHeaders, Server } from 'node:http';
import websocket from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import type { WebSocket } from 'ws';
import { ApiError, overloaded } from '../core/errors.ts';
import { webSocketPath, webSocketUpgrades } from '../server/upgrades.ts';

const originRefused = () =>
  new ApiError({
    status: 403,
    type: 'permission_error',
    message:
      'Pages of this origin may not open a WebSocket here; the operator would have to name it in CORS_ORIGINS.',
    code: 'origin_not_allowed',
  });

interface WebSocketRoute {
  /** Bytes of a message. */
  readonly maxPayload: number;
  readonly maxConnections: number;
  /** Of pages that may open one; `*`: any. Browsers ask no one before they open a WebSocket. */
  readonly origins: readonly string[];
  readonly accept: (socket: WebSocket, headers: IncomingHttpHeaders) => void;
  /** What a GET is told that is no upgrade. */
  readonly notUpgraded: () => ApiError;
}

/** In a scope of its own, so that no other route pays for it. */
export const registerWebSocket = (app: FastifyInstance, route: WebSocketRoute): void => {
  const { maxPayload, maxConnections, origins, accept, notUpgraded } = route;
  const isAllowed = (origin: string | undefined): boolean =>
    origin === undefined || origins.includes('*') || origins.includes(origin);
  const upgrades = webSocketUpgrades(app.server);
  app.register(async (scope) => {
    await scope.register(websocket, {
      options: { server: upgrades as Server, maxPayload },
      // A connection that is still open then has had its time.
      preClose(done) {
        for (const socket of this.websocketServer.clients) socket.terminate();
        this.websocketServer.close(() => done());
      },
      errorHandler: (_error, socket) => socket.terminate(),
    });
    // A refusal ends the connection: Node does not watch over it any more.
    scope.addHook('onResponse', (request, _reply, done) => {
      if (request.headers.upgrade !== undefined && !request.record.isUpgraded)
        request.raw.socket.destroySoon();
      done();
    });
    scope.route({
      method: 'GET',
      url: webSocketPath,
      config: { heldOpen: true },
      onRequest: ({ headers }, _reply, done) => {
        if (headers.upgrade !== undefined && !isAllowed(headers.origin)) return done(originRefused());
        const isFull = scope.websocketServer.clients.size >= maxConnections;
        done(
          isFull
            ? overloaded('As many WebSockets are open as there may be. Try again shortly.', 1)
            : undefined,
        );
      },
      handler: () => {
        throw notUpgraded();
      },
      wsHandler: (socket, request) => {
        request.record.isUpgraded = true;
        accept(socket, request.headers);
      },
    });
  });
};
