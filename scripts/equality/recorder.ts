/** A proxy on loopback that passes everything on as it comes, broken connections too, and keeps what was asked. */

import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  request as open,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  /** The recorder's name. */
  readonly to: string;
  readonly line: string;
  /** Names and values by turns, as they came. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export interface Recorder {
  readonly url: string;
  close(): Promise<void>;
}

const readBody = async (message: IncomingMessage): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of message as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
};

/** Listens; idle connections are kept longer than any run takes, so that it is never this side which closes one. */
const listen = async (listener: RequestListener): Promise<Server> => {
  const server = createServer({ keepAliveTimeout: 600_000, requestTimeout: 0 }, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

const recorderOf = (server: Server): Recorder => ({
  url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  close: async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  },
});

const passOn = (target: string, asked: IncomingMessage, body: Buffer, answer: ServerResponse): void => {
  const { hostname, port } = new URL(target);
  const onward = open({ hostname, port, method: asked.method, path: asked.url, headers: asked.rawHeaders });
  const cut = () => asked.socket.destroy();
  answer.on('close', () => onward.destroy());
  answer.on('error', cut);
  onward.on('error', cut);
  onward.on('response', (came) => {
    answer.writeHead(came.statusCode ?? 0, came.statusMessage, came.rawHeaders);
    answer.flushHeaders();
    came.on('data', (piece: Buffer) => answer.write(piece));
    came.on('end', () => answer.end());
    came.on('error', cut);
  });
  onward.end(body);
};

const recording =
  (
    name: string,
    onRequest: (seen: SeenRequest) => void,
    answer: (asked: IncomingMessage, body: Buffer, answer: ServerResponse) => void,
  ): RequestListener =>
  (asked, response) => {
    readBody(asked).then(
      (body) => {
        const line = `${asked.method} ${asked.url} HTTP/${asked.httpVersion}`;
        onRequest({ to: name, line, headers: asked.rawHeaders, body });
        answer(asked, body, response);
      },
      // The server left before its request was whole: nothing has been asked.
      () => response.destroy(),
    );
  };

export const startRecorder = async (
  name: string,
  target: string,
  onRequest: (seen: SeenRequest) => void,
): Promise<Recorder> =>
  recorderOf(
    await listen(recording(name, onRequest, (asked, body, answer) => passOn(target, asked, body, answer))),
  );

export interface PictureReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A host of pictures instead of an upstream: by path, or 404. */
export const startPictureHost = async (
  pictures: Readonly<Record<string, PictureReply>>,
  onRequest: (seen: SeenRequest) => void,
): Promise<Recorder> =>
  recorderOf(
    await listen(
      recording('pictures', onRequest, (asked, _body, answer) => {
        const { status = 200, headers = {}, body = '' } = pictures[asked.url ?? ''] ?? { status: 404 };
        answer.writeHead(status, headers).end(body);
      }),
    ),
  );
