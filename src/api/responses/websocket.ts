/**
 * GET /v1/responses as a WebSocket: messages ask for responses, whose events come back as messages. Each is a request like
 * any other, in the server itself, so that keys, limits, log and failures are the same. Behaviour 12.9.
 */

import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { WebSocket } from 'ws';
import { methodNotAllowed } from '../../core/errors.ts';
import { ConnectionMemory } from './connection-memory.ts';
import type { ResponseState } from './state.ts';

/** Ms. */
const times = {
  /** As OpenAI's. */
  longest: 60 * 60_000,
  /** A client that answers no ping for as long has gone. */
  ping: 30_000,
};

/** Messages of one connection that wait for their turn. */
const mostWaiting = 8;

/** Names the connection that a request came over; made anew for each, and sent to no one. */
export const connectionHeader = 'x-parley-connection';

/** Headers of the connection itself, not of what is asked over it. */
const ofConnection =
  /^(?:connection|upgrade|host|content-.*|accept-encoding|transfer-encoding|keep-alive|sec-websocket-.*)$/;

const requestHeaders = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !ofConnection.test(name)));

export interface Reply {
  readonly status: number;
  readonly text: AsyncIterable<string>;
}

export interface WebSocketPorts {
  readonly state: ResponseState | undefined;
  /** Sends a body to POST /v1/responses, in the server itself. */
  post(headers: IncomingHttpHeaders, body: string, signal: AbortSignal): Promise<Reply>;
}

interface ErrorBody {
  readonly type: string;
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
}

const errorMessage = (status: number, error: ErrorBody): string =>
  JSON.stringify({ type: 'error', status, error });

const invalid = (message: string): string =>
  errorMessage(400, { type: 'invalid_request_error', code: 'invalid_request', message, param: '' });

const wrongMessage =
  "A message must be the JSON of an object with type 'response.create' and the fields of a request to POST /v1/responses.";

/** The body of the request that a message is; undefined where it is none. */
const readMessage = (message: string): string | undefined => {
  try {
    const read: unknown = JSON.parse(message);
    if (typeof read !== 'object' || read === null || !('type' in read) || read.type !== 'response.create')
      return undefined;
    const { type: _, ...body } = read;
    return JSON.stringify({ ...body, stream: true });
  } catch {
    return undefined;
  }
};

/** Server-sent events, to the JSON of each. */
async function* dataOf(text: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of text) {
    const frames = (rest + piece).split('\n\n');
    rest = frames.pop() ?? '';
    for (const frame of frames) {
      const at = frame.indexOf('data: ');
      const data = at < 0 ? '' : frame.slice(at + 'data: '.length);
      if (data !== '' && data !== '[DONE]') yield data;
    }
  }
}

const whole = async (text: AsyncIterable<string>): Promise<string> => {
  let read = '';
  for await (const piece of text) read += piece;
  return read;
};

class Connection {
  readonly #socket: WebSocket;
  readonly #headers: IncomingHttpHeaders;
  readonly #memory: ConnectionMemory;
  readonly #post: WebSocketPorts['post'];
  readonly #closed = new AbortController();
  readonly #waiting: string[] = [];
  #isBusy = false;
  #isEnding = false;
  #isAlive = true;

  constructor(
    socket: WebSocket,
    headers: IncomingHttpHeaders,
    memory: ConnectionMemory,
    post: WebSocketPorts['post'],
  ) {
    this.#socket = socket;
    this.#headers = headers;
    this.#memory = memory;
    this.#post = post;
    const pinging = setInterval(() => this.#ping(), times.ping);
    const tooOld = setTimeout(() => this.#endAsTooOld(), times.longest);
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('message', (data) => {
      // Text or bytes: JSON either way.
      this.#receive(String(data));
    });
    socket.on('close', () => {
      clearInterval(pinging);
      clearTimeout(tooOld);
      this.#closed.abort();
    });
  }

  /** Once what runs is over; at once where nothing does. */
  end(): void {
    this.#isEnding = true;
    if (!this.#isBusy) this.#socket.close(1001, 'The server is shutting down.');
  }

  #ping(): void {
    if (!this.#isAlive) {
      this.#socket.terminate();
      return;
    }
    this.#isAlive = false;
    this.#socket.ping();
  }

  #endAsTooOld(): void {
    const message = 'A connection is kept for 60 minutes. Open a new one.';
    const error = {
      type: 'invalid_request_error',
      code: 'websocket_connection_limit_reached',
      message,
      param: '',
    };
    this.#socket.send(errorMessage(400, error));
    this.#socket.close(1000, message);
  }

  #receive(message: string): void {
    if (this.#waiting.length >= mostWaiting) {
      this.#socket.close(1008, 'Too many messages wait for their turn.');
      return;
    }
    this.#waiting.push(message);
    if (!this.#isBusy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#answer(next);
    }
    this.#isBusy = false;
    if (this.#isEnding) this.end();
  }

  async #answer(message: string): Promise<void> {
    const body = readMessage(message);
    if (body === undefined) return this.#send(invalid(wrongMessage));
    try {
      const { status, text } = await this.#post(this.#headers, body, this.#closed.signal);
      if (status === 200) await this.#relay(text);
      else {
        this.#memory.forget();
        const { error } = JSON.parse(await whole(text)) as { error: ErrorBody };
        await this.#send(errorMessage(status, error));
      }
    } catch {
      // The client has gone, or what the server said to itself broke off, which the log of that request tells of.
      this.#socket.close(1011, 'The response broke off.');
    }
  }

  async #relay(text: AsyncIterable<string>): Promise<void> {
    for await (const data of dataOf(text)) {
      if (data.startsWith('{"type":"response.failed"')) this.#memory.forget();
      await this.#send(data);
    }
  }

  /** Resolves when it has been written, so that a client that does not read is not written for. */
  #send(message: string): Promise<void> {
    return new Promise((resolve) => this.#socket.send(message, () => resolve()));
  }
}

export interface WebSocketResponses {
  /** What the connection remembers that a request came over; undefined: it came over none. */
  memoryOf(headers: IncomingHttpHeaders): ConnectionMemory | undefined;
  accept(socket: WebSocket, headers: IncomingHttpHeaders): void;
  /** Ends all connections, each once what runs on it is over. */
  end(): void;
}

export const createWebSocketResponses = ({ state, post }: WebSocketPorts): WebSocketResponses => {
  const memories = new Map<string, ConnectionMemory>();
  const connections = new Set<Connection>();
  return {
    memoryOf: (headers) => {
      const id = headers[connectionHeader];
      return typeof id === 'string' ? memories.get(id) : undefined;
    },
    accept: (socket, headers) => {
      const id = randomUUID();
      const memory = new ConnectionMemory(state);
      const own = { ...requestHeaders(headers), host: headers.host ?? 'localhost', [connectionHeader]: id };
      const connection = new Connection(socket, own, memory, post);
      memories.set(id, memory);
      connections.add(connection);
      socket.on('close', () => {
        memories.delete(id);
        connections.delete(connection);
      });
    },
    end: () => {
      for (const connection of connections) connection.end();
    },
  };
};

/** GET without an upgrade. */
export const notUpgraded = () => methodNotAllowed('GET', '/v1/responses', ['POST']);
