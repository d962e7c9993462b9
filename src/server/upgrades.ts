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

/** Where an API is spoken over WebSockets. */
export const webSocketPath = '/v1/responses';

const isWebSocket = ({ method, headers, url = '' }: IncomingMessage): boolean =>
  method === 'GET' &&
  headers.upgrade?.toLowerCase() === 'websocket' &&
  url.split('?', 1)[0] === webSocketPath;

/**
 * For `createServer`: from 24.9 on Node asks, and serves what is refused as ever. Older ones, which do not know the option,
 * leave it to the listener below. Newer ones read the body of an upgrade themselves, so that it could not be served there.
 */
export const upgradeOptions: object = { shouldUpgradeCallback: isWebSocket };

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

/** WebSockets are emitted as `upgrade`; all else goes the way of every request. */
export const webSocketUpgrades = (server: Server): EventEmitter => {
  const upgrades = new EventEmitter();
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (isWebSocket(request)) {
      upgrades.emit('upgrade', request, socket, head);
      return;
    }
    // As if the connection had just been made, with the request as its first bytes.
    socket.unshift(Buffer.concat([Buffer.from(plainHead(request), 'latin1'), head]));
    server.emit('connection', socket);
  });
  return upgrades;
};
