/** Answers of upstreams: what is read, in whatever pieces and however late it is taken. */

import { readFileSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { buildConnector } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { Cancellation } from '../../../src/core/cancellation.ts';
import { Connections } from '../../../src/providers/http/connections.ts';
import { createExchanger } from '../../../src/providers/http/exchange.ts';
import { listen } from '../../support/listen.ts';

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
    connect: buildConnector({ timeout: 2000, ca: cert }),
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

it('a second connection takes the TLS session of the first up', async () => {
  const { ask, reused } = await serve('https', size, 2, true);
  await (await ask()).whole();
  await (await ask()).whole();
  expect(reused).toEqual([false, true]);
});
