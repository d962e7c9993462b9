import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  createServer as createHttp2,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type Http2Session,
} from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export type AnyRequest = IncomingMessage | Http2ServerRequest;
export type AnyResponse = ServerResponse | Http2ServerResponse;

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n');

/** An HTTP/2 session hides its socket; destroying the session would end its streams politely. */
const rawSockets = new WeakMap<Http2Session, Socket>();

const cutRequests = new WeakSet<AnyRequest>();

/** Whether it was the simulator, not the client, that ended the connection. */
export const wasCut = (request: AnyRequest): boolean => cutRequests.has(request);

/** Cuts the connection without a word, whatever speaks on it. */
export const cut = (request: AnyRequest): void => {
  cutRequests.add(request);
  const session = 'stream' in request ? request.stream.session : undefined;
  if (session === undefined) request.socket.destroy();
  else rawSockets.get(session)?.destroy();
};

export interface Port {
  readonly port: number;
  close(): Promise<void>;
}

/** One port for HTTP/1.1 and HTTP/2 with prior knowledge: the first bytes of a connection tell which it is. */
export const openPort = (
  host: string,
  port: number,
  handle: (request: AnyRequest, response: AnyResponse) => void,
): Promise<Port> => {
  const http1 = createHttp1({ requestTimeout: 0, keepAliveTimeout: 60_000 }, handle);
  const http2 = createHttp2(handle);
  http2.on('session', (session) => session.on('error', () => session.destroy()));
  const sockets = new Set<Socket>();

  const route = (socket: Socket): void => {
    let first: Buffer = Buffer.alloc(0);
    const sniff = (bytes: Buffer): void => {
      first = first.length === 0 ? bytes : Buffer.concat([first, bytes]);
      const seen = Math.min(first.length, PREFACE.length);
      const isHttp2 = PREFACE.subarray(0, seen).equals(first.subarray(0, seen));
      if (isHttp2 && seen < PREFACE.length) return;
      socket.off('data', sniff);
      socket.pause();
      socket.unshift(first);
      if (isHttp2) {
        // The session comes to be within `emit`.
        http2.once('session', (session) => rawSockets.set(session, socket));
        http2.emit('connection', socket);
      } else {
        http1.emit('connection', socket);
        socket.resume();
      }
    };
    socket.on('data', sniff);
  };

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // A client that hangs up is no event here: the response's own `close` tells it.
    socket.on('error', () => socket.destroy());
    route(socket);
  });

  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            for (const socket of sockets) socket.destroy();
          }),
      });
    });
  });
};
