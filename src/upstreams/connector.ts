/**
 * Connections to upstreams, whose bytes reach undici past Node's readable streams: read into one buffer for all,
 * copied out in the size they have, and handed over at once. That is a tenth of a paced stream, and a twentieth of a
 * small request (docs/performance.md). undici still listens for `readable` and asks by `read()`.
 */

import type { OnReadOpts, Socket } from 'node:net';
import { buildConnector } from 'undici';

/** Bytes; as much as Node reads at once by itself. What is read leaves the buffer before anything else is read. */
const buffer = Buffer.allocUnsafeSlow(64 * 1024);

interface DirectReading {
  readonly onread: OnReadOpts;
  attach(socket: Socket): void;
}

const readDirectly = (): DirectReading => {
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
    const read = Buffer.from(buffer.subarray(0, size));
    if (socket.readableLength === 0 && handOver(read)) return true;
    // Held back, or behind what is: it waits where it would have without us, and so does the end.
    return socket.push(read);
  };

  return {
    onread: { buffer, callback },
    attach: (connected) => {
      const read = connected.read.bind(connected);
      // After each piece undici asks for another. Node's `read` would look further than at the empty buffer.
      const isAllTaken = (): boolean => isHandingOver && connected.readableLength === 0;
      connected.read = (size) => take() ?? (isAllTaken() ? null : read(size));
      socket = connected;
    },
  };
};

/** `timeout` in ms, for connecting. */
export const createConnector = (
  options: buildConnector.BuildOptions & { readonly timeout: number },
): buildConnector.connector => {
  /** Of TLS 1.3: the latest, for the next connection. A transport has one origin. */
  let session: Buffer | undefined;
  return (target, callback) => {
    const { onread, attach } = readDirectly();
    const connect = buildConnector({ ...options, session, onread } as buildConnector.BuildOptions);
    connect(target, (...outcome) => {
      const [failure, socket] = outcome;
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
