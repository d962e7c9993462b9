/**
 * Who listens for upgrades gets every request that offers one, and Node then serves it no more. But many offer what no one
 * has to take up: Java's own HTTP client offers HTTP/2 (`Upgrade: h2c`) with the first request of a connection. Those are
 * served as if they had not.
 */

import { EventEmitter } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** Headers that make the offer, and what they add to `connection`. */
const offers: ReadonlySet<string> = new Set(['upgrade', 'http2-settings']);

const isWebSocket = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';

/** The head of the request without its offer. */
const plainHead = ({ method, url, httpVersion, rawHeaders }: IncomingMessage): string => {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    const value = rawHeaders[at + 1] ?? '';
    if (offers.has(name.toLowerCase())) continue;
    if (name.toLowerCase() !== 'connection') lines.push(`${name}: ${value}`);
    else {
      const kept = value.split(',').filter((token) => !offers.has(token.trim().toLowerCase()));
      if (kept.length > 0) lines.push(`${name}: ${kept.join(',').trim()}`);
    }
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
};

/** Where `path` is asked for as a WebSocket is emitted as `upgrade`; all else goes the way of every request. */
export const webSocketUpgrades = (server: Server, path: string): EventEmitter => {
  const upgrades = new EventEmitter();
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const [asked = ''] = (request.url ?? '').split('?', 1);
    if (isWebSocket(request) && asked === path) {
      upgrades.emit('upgrade', request, socket, head);
      return;
    }
    // As if the connection had just been made, with the request as its first bytes.
    socket.unshift(Buffer.concat([Buffer.from(plainHead(request), 'latin1'), head]));
    server.emit('connection', socket);
  });
  return upgrades;
};
