/** The exchange with an upstream, at the ends of connections where HTTP clients go wrong. */

import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Cancellation } from '../../../src/core/cancellation.ts';
import { ApiError, ClientDisconnected, type Origin } from '../../../src/core/errors.ts';
import type { Body } from '../../../src/providers/http/exchange.ts';
import { createTransport, type Transport } from '../../../src/providers/http/transport.ts';
import { listen } from '../../support/listen.ts';
import { until } from '../../support/until.ts';

const origin: Origin = { upstream: 'anthropic', requestId: undefined, rateLimits: {} };

let server: Server | undefined;
let transport: Transport | undefined;
const sockets = new Set<Socket>();
afterEach(async () => {
  await transport?.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise((resolve) => (server === undefined ? resolve(null) : server.close(resolve)));
});

/** An upstream that answers every request on a connection with `answer`. */
const upstreamOf = async (answer: (socket: Socket) => void): Promise<Transport> => {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', () => answer(socket));
  });
  const { url } = await listen(server);
  transport = createTransport(url, { connectTimeout: 1000, connections: 10 });
  return transport;
};

const ask = ({ post }: Transport, cancellation: Cancellation = new Cancellation()) =>
  post('/', ['content-type', 'application/json'], Buffer.from('{}'), cancellation, () => origin);

const hasClosed = () => sockets.size === 0;

/** Bytes read by someone who takes his time, or the error it ended with. */
const readSlowly = async (body: AsyncIterable<Buffer>): Promise<number | ApiError> => {
  let size = 0;
  try {
    for await (const piece of body) {
      size += piece.length;
      await pause(2);
    }
    return size;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
};

const size = 300_000;
const body = Buffer.alloc(size, 'x');
const chunked = Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), body, Buffer.from('\r\n')]);
const head = (...lines: string[]) => `HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\n\r\n`;

interface Ending {
  readonly name: string;
  readonly answer: (socket: Socket) => void;
  /** Whether all of it comes; undefined: that or a failure. */
  readonly whole: boolean | undefined;
}

const collect = async (answered: Body): Promise<number | ApiError> => {
  try {
    return (await answered.whole()).length;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
};

describe('a connection that ends', () => {
  const endings: readonly Ending[] = [
    {
      name: 'with the answer, as HTTP/1.0 has it',
      answer: (socket) => {
        socket.write('HTTP/1.0 200 OK\r\n\r\n');
        socket.end(body);
      },
      whole: true,
    },
    {
      name: 'as it had said, with a length',
      answer: (socket) => {
        socket.write(head('connection: close', `content-length: ${size}`));
        socket.end(body);
      },
      whole: true,
    },
    {
      name: 'as it had said, in chunks',
      answer: (socket) => {
        socket.write(head('connection: close', 'transfer-encoding: chunked'));
        socket.write(chunked);
        socket.end('0\r\n\r\n');
      },
      whole: true,
    },
    {
      name: 'as it had said, but in the middle of a chunk',
      answer: (socket) => {
        socket.write(head('connection: close', 'transfer-encoding: chunked'));
        socket.end(chunked.subarray(0, size - 10));
      },
      whole: false,
    },
    {
      name: 'unannounced, in the middle of a chunk',
      answer: (socket) => {
        socket.write(head('transfer-encoding: chunked'));
        socket.end(chunked.subarray(0, size - 10));
      },
      whole: false,
    },
    {
      name: 'with a reset',
      answer: (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.write(body, () => socket.resetAndDestroy());
      },
      // Where nothing says how long it is, nothing says that it was cut.
      whole: undefined,
    },
  ];
  const readers = [
    { who: 'a slow reader', read: readSlowly },
    { who: 'who wants it whole', read: collect },
  ];
  const cases = endings.flatMap((ending) => readers.map((reader) => ({ ...ending, ...reader })));
  it.each(cases)('$name: $who gets what came or a failure, and the process lives', async (row) => {
    const { answer, whole, read } = row;
    const open = await upstreamOf(answer);
    for (let run = 0; run < 5; run++) {
      const result = await ask(open).then(
        (answered) => read(answered.body),
        (error: unknown) => error,
      );
      if (whole) expect(result).toBe(size);
      else if (whole === false) expect(result).toMatchObject({ status: 502 });
      else expect(['number', 'object']).toContain(typeof result);
    }
  });
});

describe('a body', () => {
  it('that is not read to its end gives its connection up', async () => {
    const open = await upstreamOf((socket) => {
      socket.write(head('transfer-encoding: chunked'));
      socket.write('5\r\nhello\r\n');
    });
    const { body: unread } = await ask(open);
    for await (const piece of unread) {
      expect(piece.toString()).toBe('hello');
      break;
    }
    await until(hasClosed, 'it is closed');
  });

  it('keeps for a late reader nothing but its bytes', async () => {
    let more: (() => void) | undefined;
    const open = await upstreamOf((socket) => {
      socket.write(`${head('transfer-encoding: chunked')}5\r\nhello\r\n`);
      more = () => socket.write('3\r\nyou\r\n');
    });
    const { body: late } = await ask(open);
    const reader = late[Symbol.asyncIterator]();
    expect((await reader.next()).value?.toString()).toBe('hello');
    more?.();
    await pause(50);
    // With the frame of its chunk, and not with what else could be read into the same memory.
    expect((await reader.next()).value?.buffer.byteLength).toBeLessThan(100);
  });

  it('is one piece for what came together', async () => {
    const open = await upstreamOf((socket) => {
      socket.write(`${head('transfer-encoding: chunked')}${'3\r\nabc\r\n'.repeat(50)}0\r\n\r\n`);
    });
    const pieces: string[] = [];
    for await (const piece of (await ask(open)).body) pieces.push(piece.toString());
    expect(pieces).toEqual(['abc'.repeat(50)]);
  });
});

describe('a whole body', () => {
  it('is all of it, however long it takes and however late it is asked for', async () => {
    const open = await upstreamOf(async (socket) => {
      socket.write(head('transfer-encoding: chunked'));
      for (let part = 0; part < 3; part++) {
        socket.write(chunked);
        await pause(5);
      }
      socket.write('0\r\n\r\n');
    });
    const all = Buffer.concat([body, body, body]);
    const { body: late } = await ask(open);
    await pause(30);
    expect((await late.whole()).equals(all)).toBe(true);
    const { body: early } = await ask(open);
    expect((await early.whole()).equals(all)).toBe(true);
  });

  it('of absurd size is refused before it is all here', async () => {
    const open = await upstreamOf((socket) => {
      socket.write(head('transfer-encoding: chunked'));
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunked));
        if (!socket.destroyed) socket.once('drain', more);
      };
      more();
    });
    const { body: endless } = await ask(open);
    await expect(endless.whole()).rejects.toMatchObject({
      status: 502,
      message: 'The upstream sent an answer of absurd size.',
    });
    await until(hasClosed, 'it is closed');
  });

  it('is given up by a cancellation', async () => {
    const open = await upstreamOf((socket) => socket.write(`${head('content-length: 10')}hello`));
    const cancellation = new Cancellation();
    const reason = new ClientDisconnected();
    const { body: waiting } = await ask(open, cancellation);
    const read = waiting.whole();
    cancellation.abort(reason);
    await expect(read).rejects.toBe(reason);
    await expect(waiting.whole()).rejects.toBe(reason);
  });
});

describe('a cancellation', () => {
  it('is heard before the answer, and in it', async () => {
    const open = await upstreamOf((socket) => socket.write(head('transfer-encoding: chunked')));
    const reason = new ClientDisconnected();
    const early = new Cancellation();
    early.abort(reason);
    await expect(ask(open, early)).rejects.toBe(reason);

    const late = new Cancellation();
    const { body: waiting } = await ask(open, late);
    const read = waiting[Symbol.asyncIterator]().next();
    late.abort(reason);
    await expect(read).rejects.toBe(reason);
  });

  it('is heard while a connection is waited for', async () => {
    transport = createTransport('http://127.0.0.1:9', { connectTimeout: 1000, connections: 1 });
    const cancellation = new Cancellation();
    const reason = new ClientDisconnected();
    const asked = ask(transport, cancellation);
    cancellation.abort(reason);
    await expect(asked).rejects.toBe(reason);
  });
});
