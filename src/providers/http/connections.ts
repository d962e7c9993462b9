/**
 * Connections to one origin, each an undici Client of its own, made when a request needs one and used again while
 * they live. Not undici's Pool: there an aborted request stays in its client's queue, and the client connects anew
 * for it (lib/dispatcher/client-h1.js, `onHttpSocketClose`). 500 clients who hung up meant 500 TLS handshakes for
 * nothing. Here a connection that is given up is destroyed with its client. Behaviour 8.7.
 */

import { type buildConnector, Client } from 'undici';
import { draining, overloaded } from '../../core/errors.ts';

export interface ConnectionsOptions {
  readonly connect: buildConnector.connector;
  /** Sockets at a time, those that are still connecting included. */
  readonly limit: number;
}

/** Ms without a request until a connection is closed, unless the upstream names a shorter time. */
const keepAliveTimeout = 30_000;

export class Connections {
  readonly #origin: string;
  readonly #options: ConnectionsOptions;
  /** The one that was used last is used first, so that those a peak has left behind close. */
  readonly #free: Client[] = [];
  readonly #inUse = new Set<Client>();
  #sockets = 0;
  #isClosed = false;

  constructor(origin: string, options: ConnectionsOptions) {
    this.#origin = origin;
    this.#options = options;
  }

  /** For one request. It is free again by itself after an answer that was read to its end. */
  take(): Client {
    if (this.#isClosed) throw draining();
    const client = this.#free.pop() ?? this.#create();
    this.#inUse.add(client);
    return client;
  }

  /** Closes a connection whose request has failed or is not wanted any more. */
  discard(client: Client): void {
    if (this.#inUse.delete(client)) client.destroy(() => undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#inUse, ...this.#free].map((client) => client.destroy()));
  }

  #create(): Client {
    // Those that are given up while they connect count until that has ended.
    if (this.#sockets >= this.#options.limit) {
      throw overloaded('Too many connections to the upstream are open.');
    }
    const client = new Client(this.#origin, {
      connect: this.#connect,
      // providers/timeouts.ts has timeouts of its own for both.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout,
    });
    // Not busy any more. Right after an answer it still is: a server may close in spite of what it said.
    client.on('drain', () => {
      if (this.#inUse.delete(client)) this.#free.push(client);
    });
    client.on('disconnect', () => {
      const at = this.#free.indexOf(client);
      if (at >= 0) this.#free.splice(at, 1);
    });
    return client;
  }

  readonly #connect: buildConnector.connector = (target, callback) => {
    this.#sockets += 1;
    this.#options.connect(target, (...outcome) => {
      const [failure, socket] = outcome;
      if (failure !== null) this.#sockets -= 1;
      else {
        socket.once('close', () => {
          this.#sockets -= 1;
        });
      }
      callback(...outcome);
    });
  };
}
