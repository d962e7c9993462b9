/**
 * One request and its answer, on undici's dispatch interface: what came in a turn of the event loop is one piece,
 * and no stream object stands between. Half the cost of its `request` for a stream (docs/performance.md).
 */

import type { Client, Dispatcher } from 'undici';
import type { Cancellation } from '../../core/cancellation.ts';
import { upstreamFailed } from '../../core/errors.ts';
import { createEventLoopBatch, type EventLoopBatch } from '../../core/event-loop-batch.ts';
import type { Connections } from './connections.ts';

/** For one reader, piece by piece or whole. To stop reading cancels the request. */
export interface Body extends AsyncIterable<Buffer> {
  /** All of it at once. */
  whole(): Promise<Buffer>;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Body;
}

/** Bytes read ahead of a reader who takes his time; beyond that the upstream is held back. */
const readAhead = 64 * 1024;
/** Bytes kept for a slow reader of an answer that cannot be held back; as much as the longest streams have. */
const mostKept = 16 * 1024 * 1024;
/** Bytes: far above any answer of a model, far below what would hurt. */
const largestAnswer = 64 * 1024 * 1024;

/**
 * undici 7 ends the process with a failed assertion when the connection ends while it is held back, unless
 * another answer could follow on it (github.com/nodejs/undici/issues/5360, mended in 8, which needs Node 22).
 */
const canBeHeldBack = (headers: Answered['headers']): boolean =>
  /chunked/i.test(String(headers['transfer-encoding'] ?? '')) &&
  !/close/i.test(String(headers.connection ?? ''));

/** Pieces as one; a single one is not copied. */
const joinPieces = (pieces: readonly Buffer[]): Buffer => {
  const [first] = pieces;
  return first !== undefined && pieces.length === 1 ? first : Buffer.concat(pieces);
};

interface Waiting<Value> {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

/** An error of undici's, or the cancellation's reason, as the client is to see it; with headers where they had come. */
export type Describe = (error: unknown, headers: Answered['headers'] | undefined) => unknown;

class Exchange implements Dispatcher.DispatchHandler, Body, AsyncIterator<Buffer> {
  readonly #cancellation: Cancellation;
  readonly #client: Waiting<Answered>;
  readonly #describe: Describe;
  readonly #woken: EventLoopBatch<Exchange>;
  readonly #connections: Connections;
  readonly #connection: Client;
  #headers: Answered['headers'] | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #pieces: Buffer[] = [];
  #size = 0;
  #isOver = false;
  #failure: unknown;
  #reader: Waiting<IteratorResult<Buffer, undefined>> | undefined;
  #collector: Waiting<Buffer> | undefined;
  #isWaking = false;
  #canWait = false;

  constructor(
    cancellation: Cancellation,
    client: Waiting<Answered>,
    describe: Describe,
    woken: EventLoopBatch<Exchange>,
    connections: Connections,
    connection: Client,
  ) {
    this.#cancellation = cancellation;
    this.#client = client;
    this.#describe = describe;
    this.#woken = woken;
    this.#connections = connections;
    this.#connection = connection;
    cancellation.listen(this.#cancel);
  }

  readonly #cancel = (): void => {
    // While it still waits for a connection, we alone can tell the client.
    if (this.#controller === undefined) this.#fail(this.#cancellation.reason);
    else this.#controller.abort(this.#cancellation.reason as Error);
  };

  #fail(error: unknown): void {
    if (this.#isOver) return;
    const failure = this.#describe(error, this.#headers);
    this.#client.reject(failure);
    this.#end(failure);
    this.#connections.discard(this.#connection);
  }

  #end(failure?: unknown): void {
    this.#cancellation.forget(this.#cancel);
    this.#isOver = true;
    this.#failure = failure;
    this.#wakeSoon();
    this.#deliver();
  }

  /** The whole, to the one who waits for it. */
  #deliver(): void {
    if (this.#collector === undefined || !this.#isOver) return;
    if (this.#failure !== undefined) this.#collector.reject(this.#failure);
    else this.#collector.resolve(joinPieces(this.#pieces));
    this.#pieces = [];
  }

  /** The next piece, the end, or undefined where it has to be waited for. Throws what the exchange failed with. */
  #take(): IteratorResult<Buffer, undefined> | undefined {
    if (this.#pieces.length > 0) {
      const value = joinPieces(this.#pieces);
      this.#pieces = [];
      this.#size = 0;
      this.#controller?.resume();
      return { value, done: false };
    }
    if (this.#failure !== undefined) throw this.#failure;
    return this.#isOver ? { value: undefined, done: true } : undefined;
  }

  wake(): void {
    this.#isWaking = false;
    const reader = this.#reader;
    if (reader === undefined) return;
    try {
      const result = this.#take();
      if (result === undefined) return;
      reader.resolve(result);
    } catch (error) {
      reader.reject(error);
    }
    this.#reader = undefined;
  }

  /** With all others that have been read from in this turn: what there is by then is one piece. */
  #wakeSoon(): void {
    if (this.#isWaking || this.#reader === undefined) return;
    this.#isWaking = true;
    this.#woken.add(this);
  }

  // ---- what undici says ---------------------------------------------------------------------------

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#cancellation.aborted) controller.abort(this.#cancellation.reason as Error);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Answered['headers'],
  ): void {
    if (status < 200) return;
    this.#headers = headers;
    this.#canWait = canBeHeldBack(headers);
    this.#client.resolve({ status, headers, body: this });
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.#pieces.push(piece);
    this.#size += piece.length;
    if (this.#collector !== undefined) {
      if (this.#size > largestAnswer)
        controller.abort(upstreamFailed('The upstream sent an answer of absurd size.'));
    } else if (this.#size > readAhead && this.#canWait) controller.pause();
    else if (this.#size > mostKept) controller.abort(new Error('Too much is waiting for its reader.'));
    this.#wakeSoon();
  }

  onResponseEnd(): void {
    this.#end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  // ---- what the reader asks ------------------------------------------------------------------------

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.wake();
    });
  }

  whole(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#collector = { resolve, reject };
      this.#controller?.resume();
      this.#deliver();
    });
  }

  async return(): Promise<IteratorResult<Buffer, undefined>> {
    if (!this.#isOver) this.#controller?.abort(new Error('The answer is not read any more.'));
    return { value: undefined, done: true };
  }
}

/** Rejects with what `describe` makes of a failure; so does the body while it is read. */
export type Exchanger = (
  request: Dispatcher.DispatchOptions & { readonly body: Buffer },
  cancellation: Cancellation,
  describe: Describe,
) => Promise<Answered>;

export const createExchanger = (connections: Connections): Exchanger => {
  const woken = createEventLoopBatch<Exchange>((exchanges) => {
    for (const exchange of exchanges) exchange.wake();
  });
  return (request, cancellation, describe) =>
    new Promise((resolve, reject) => {
      if (cancellation.aborted) {
        reject(describe(cancellation.reason, undefined));
        return;
      }
      const connection = connections.take();
      // A closure of this place would hold the request while the answer is awaited.
      const client = { resolve, reject };
      connection.dispatch(
        request,
        new Exchange(cancellation, client, describe, woken, connections, connection),
      );
    });
};
