/**
 * Connections to upstreams, whose bytes reach undici past Node's readable streams: read into one buffer,
 * copied out, and handed over at once. That saves about 7% of a paced stream and 5% of a small request
 * (docs/decisions/2026-11-23-direct-socket-reads.md). undici still listens for `readable` and asks by `read()`.
 */

import type { OnReadOpts, Socket } from 'node:net';
import { buildConnector } from 'undici';

/** Bytes; as much as Node reads at once by itself. */
const mostRead = 64 * 1024;

interface DirectReading {
  readonly onread: OnReadOpts;
  attach(socket: Socket): void;
}

/** For keeping: a piece out of Node's pool would keep all that lies around it. */
export const ownCopy = (piece: Buffer): Buffer => {
  const own = Buffer.allocUnsafeSlow(piece.length);
  piece.copy(own);
  return own;
};

/** `buffer` may be shared: what is read leaves it before anything else is read. */
const readDirectly = (buffer: Buffer): DirectReading => {
  let socket: Socket;
  let piece: Buffer | null = null;
  let isHandingOver = false;

  const take = (): Buffer | null => {
    const taken = piece;
    piece = null;
    return taken;
  };

  const handOver = (read: Buffer): boolean => {
    piece = read;
    isHandingOver = true;
    try {
      socket.emit('readable');
    } finally {
      isHandingOver = false;
    }
    return take() === null;
  };

  const callback = (size: number): boolean => {
    const read = buffer.subarray(0, size);
    if (socket.readableLength === 0 && handOver(Buffer.from(read))) return true;
    // Held back, or behind what is: it waits where it would have without us, and so does the end.
    return socket.push(ownCopy(read));
  };

  return {
    onread: { buffer, callback },
    attach: (connected) => {
      const read = connected.read.bind(connected);
      // After each piece undici asks for another. The socket's own buffer is empty then.
      connected.read = (size) => take() ?? (isHandingOver ? null : read(size));
      socket = connected;
    },
  };
};

export interface ConnectorOptions {
  /** Ms, for connecting. */
  readonly timeout: number;
  /** A certificate to trust instead of the known ones; PEM. */
  readonly ca?: string;
}

/** For one origin. */
export const createConnector = (options: ConnectorOptions): buildConnector.connector => {
  const buffer = Buffer.allocUnsafeSlow(mostRead);
  /** The latest TLS session, for the next connection: undici's own are kept by a connector, and each here connects once. */
  let session: Buffer | undefined;
  return (target, callback) => {
    const { onread, attach } = readDirectly(buffer);
    const connect = buildConnector({ ...options, session, onread } as buildConnector.BuildOptions);
    connect(target, (...outcome) => {
      const [failure, socket] = outcome;
      // undici gives no socket with a failure, not even null.
      if (failure === null) {
        attach(socket);
        socket.on('session', (latest) => {
          session = latest;
        });
      }
      callback(...outcome);
    });
  };
};
