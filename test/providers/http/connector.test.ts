/** The connections to upstreams: what is read from them, in whatever pieces and however late it is taken. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createPlainServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { Cancellation } from '../../../src/core/cancellation.ts';
import { Connections } from '../../../src/providers/http/connections.ts';
import { createConnector } from '../../../src/providers/http/connector.ts';
import { createExchanger } from '../../../src/providers/http/exchange.ts';
import { listen } from '../../support/listen.ts';
import { until } from '../../support/until.ts';

const fixture = (file: string) =>
  readFileSync(new URL(`../../fixtures/tls/${file}`, import.meta.url), 'utf8');
const cert = fixture('certificate.pem');
const key = fixture('key.pem');

/** Bytes: several reads, several TLS records, and more than is read ahead of a slow reader. */
const size = 1_000_000;
/** No two places alike, so that nothing can be lost, doubled or moved unseen. */
const answer = Buffer.from(Array.from({ length: size / 8 }, (_, at) => String(at).padStart(8, '0')).join(''));

const open: { server?: HttpServer; connections?: Connections } = {};
afterEach(async () => {
  await open.connections?.close();
  open.server?.closeAllConnections();
  await new Promise((resolve) => (open.server === undefined ? resolve(null) : open.server.close(resolve)));
});

const protocols = {
  http: () => createServer(),
  https: () => createTlsServer({ cert, key }),
};
type Protocol = keyof typeof protocols;

/** A server that answers every request in pieces of so many bytes, and who asks it. */
const serve = async (protocol: Protocol, pieceSize = size, limit = 1, closes = false) => {
  const server = protocols[protocol]();
  const sockets: Socket[] = [];
  const reused: boolean[] = [];
  server.on('request', ({ socket }, response) => {
    sockets.push(socket);
    if (socket instanceof TLSSocket) reused.push(socket.isSessionReused());
    if (closes) response.setHeader('connection', 'close');
    for (let at = 0; at < size; at += pieceSize) response.write(answer.subarray(at, at + pieceSize));
    response.end();
  });
  const { port } = await listen(server);
  const connections = new Connections(`${protocol}://localhost:${port}`, {
    limit,
    connect: createConnector({ timeout: 2000, ca: cert }),
  });
  open.server = server;
  open.connections = connections;
  const exchange = createExchanger(connections);
  const ask = async () => {
    const request = { method: 'POST', path: '/', body: Buffer.from('{}') } as const;
    return (await exchange(request, new Cancellation(), (error) => error)).body;
  };
  return { ask, sockets, reused };
};

describe.each(Object.keys(protocols) as Protocol[])('an answer by %s', (protocol) => {
  it.each([size, 10_000, 100])('is whole in pieces of %d bytes', async (pieceSize) => {
    const { ask } = await serve(protocol, pieceSize);
    expect((await (await ask()).whole()).equals(answer)).toBe(true);
  });

  it('is whole for a reader who takes his time, and so is the next on its connection', async () => {
    const { ask, sockets } = await serve(protocol);
    for (let run = 0; run < 3; run++) {
      const pieces: Buffer[] = [];
      for await (const piece of await ask()) {
        pieces.push(piece);
        await pause(5);
      }
      expect(pieces.length).toBeGreaterThan(1);
      expect(Buffer.concat(pieces).equals(answer)).toBe(true);
    }
    expect(new Set(sockets).size).toBe(1);
  });

  it('is not mixed with another that is read at the same time', async () => {
    const { ask } = await serve(protocol, 1000, 8);
    const answers = await Promise.all(Array.from({ length: 8 }, async () => (await ask()).whole()));
    for (const each of answers) expect(each.equals(answer)).toBe(true);
  });
});

describe('a connection', () => {
  const endless = Buffer.concat(Array.from({ length: 20 }, () => answer));
  let upstream: Server;
  let sending: Socket | undefined;
  afterEach(() => new Promise((resolve) => upstream.close(resolve)));

  const connectTo = (port: number): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const target = { protocol: 'http:', hostname: '127.0.0.1', port: String(port) };
      createConnector({ timeout: 2000 })(target, (...[error, socket]) =>
        error === null ? resolve(socket) : reject(error),
      );
    });

  /** To a server that says eight bytes by itself. */
  const connect = async (): Promise<Socket> => {
    upstream = createPlainServer((socket) => {
      sending = socket.on('error', () => {});
      socket.write(endless.subarray(0, 8));
    });
    return connectTo((await listen(upstream)).port);
  };

  it('hands over what it reads past the buffer of its stream', async () => {
    const socket = await connect();
    const seen: unknown[] = [];
    socket.on('readable', () => {
      const waiting = socket.readableLength;
      const piece = socket.read() as Buffer | null;
      if (piece !== null) seen.push({ waiting, text: piece.toString(), next: socket.read() });
    });
    await until(() => seen.length > 0, 'the first bytes are here');
    socket.destroy();
    expect(seen).toEqual([{ waiting: 0, text: '00000000', next: null }]);
  });

  it('keeps what is not taken in its order, and holds the upstream back', async () => {
    const socket = await connect();
    let takes = false;
    const pieces: Buffer[] = [];
    const take = (): void => {
      for (let piece = takes ? socket.read() : null; piece !== null; piece = socket.read())
        pieces.push(piece);
    };
    socket.on('readable', take);
    await until(() => socket.readableLength === 8, 'the first bytes wait');
    takes = true;
    sending?.write(endless.subarray(8, 16));
    await until(() => pieces.length > 0, 'all that waits is taken with the next bytes');
    takes = false;
    sending?.end(endless.subarray(16));
    await until(() => socket.readableLength > 0, 'more waits');
    await pause(50);
    expect(socket.bytesRead).toBeLessThan(endless.length / 10);
    takes = true;
    take();
    await once(socket, 'end');
    expect(Buffer.concat(pieces).equals(endless)).toBe(true);
  });

  it('keeps of what waits nothing but its bytes', async () => {
    const socket = await connect();
    socket.on('readable', () => {});
    await until(() => socket.readableLength === 8, 'the first bytes wait');
    const kept = socket.read() as Buffer;
    socket.destroy();
    expect(kept.buffer.byteLength).toBe(8);
  });

  it('tells why there is none', async () => {
    await connect();
    sending?.destroy();
    const { port } = upstream.address() as AddressInfo;
    await new Promise((resolve) => upstream.close(resolve));
    await expect(connectTo(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

it('a second connection takes the TLS session of the first up', async () => {
  const { ask, reused } = await serve('https', size, 2, true);
  await (await ask()).whole();
  await (await ask()).whole();
  expect(reused).toEqual([false, true]);
});
