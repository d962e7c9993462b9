/**
 * A process: both providers, played by canned bytes. It reads no request; how to answer it is told by its parent
 * (`mode`), what to answer it sees by the path.
 */

import { createServer, type Socket } from 'node:net';
import { type Answer, answers, type Operation } from './answers.ts';
import { createMessageReader } from './http1.ts';
import { type Mode, modes, type UpstreamOrder } from './modes.ts';

const operations: readonly (readonly [string, Operation])[] = [
  ['/converse', 'converse'],
  ['/invoke', 'invoke'],
  ['/v1/messages', 'messages'],
];

const headers = (type: string, framing: string): Buffer =>
  Buffer.from(
    [
      'HTTP/1.1 200 OK',
      'Date: Sun, 22 Nov 2026 12:00:00 GMT',
      `Content-Type: ${type}`,
      framing,
      'Connection: keep-alive',
      'request-id: req_011BenchmarkBenchmark00',
      'x-amzn-RequestId: 6c5c4b1e-0000-4000-8000-000000000000',
      'anthropic-ratelimit-requests-limit: 4000',
      'anthropic-ratelimit-requests-remaining: 3999',
      'anthropic-ratelimit-requests-reset: 2026-11-22T12:00:00Z',
      '\r\n',
    ].join('\r\n'),
  );

const asChunk = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);

interface Wire {
  readonly plain: Buffer;
  /** The whole stream as one write; each piece is a chunk of HTTP's all the same, as the providers send them. */
  readonly burst: Buffer;
  /** The same as a write for each piece. */
  readonly pieces: readonly Buffer[];
}

const toWire = ({ plain, plainType, pieces, streamType }: Answer): Wire => {
  const head = headers(streamType, 'Transfer-Encoding: chunked');
  const last = Buffer.from('0\r\n\r\n');
  const chunks = pieces.map(asChunk);
  return {
    plain: Buffer.concat([headers(plainType, `Content-Length: ${plain.length}`), plain]),
    burst: Buffer.concat([head, ...chunks, last]),
    pieces: chunks.map((chunk, index) =>
      Buffer.concat([...(index === 0 ? [head] : []), chunk, ...(index === chunks.length - 1 ? [last] : [])]),
    ),
  };
};

const wires: Readonly<Record<Operation, Wire>> = {
  messages: toWire(answers.messages),
  invoke: toWire(answers.invoke),
  converse: toWire(answers.converse),
};

let mode: Mode = 'plain';
/** Streams that wait to be let go. */
const held = new Set<() => void>();

/** A piece each `gap` ms, the first at once. */
const pace = (socket: Socket, pieces: readonly Buffer[], gap: number): void => {
  let next = 1;
  const stop = (): void => {
    clearInterval(timer);
    held.delete(finish);
  };
  const finish = (): void => {
    socket.write(Buffer.concat(pieces.slice(next)));
    stop();
  };
  const timer = setInterval(() => {
    const piece = pieces[next++];
    if (piece === undefined || socket.destroyed) stop();
    else socket.write(piece);
  }, gap);
  if (mode === 'held') held.add(finish);
  socket.write(pieces[0] ?? '');
};

/** The first piece, and all the rest together after `gap` ms. */
const split = (socket: Socket, [first, ...rest]: readonly Buffer[], gap: number): void => {
  socket.write(first ?? '');
  setTimeout(() => socket.write(Buffer.concat(rest)), gap);
};

const answer = (socket: Socket, { plain, burst, pieces }: Wire): void => {
  const { writes, gap } = modes[mode];
  if (writes === 'plain') socket.write(plain);
  else if (writes === 'burst') socket.write(burst);
  else if (writes === 'split') split(socket, pieces, gap);
  else pace(socket, pieces, gap);
};

const server = createServer({ noDelay: true }, (socket) => {
  let wire: Wire | undefined;
  const reader = createMessageReader({
    onHead: (head) => {
      const line = head.slice(0, head.indexOf('\r\n'));
      const operation = operations.find(([part]) => line.includes(part))?.[1];
      if (operation === undefined) socket.destroy(new Error(`unknown path: ${line}`));
      else wire = wires[operation];
    },
    onBody: () => {},
    onEnd: () => {
      if (wire !== undefined) answer(socket, wire);
    },
  });
  socket.on('data', reader.push);
  socket.on('error', () => socket.destroy());
});

process.on('message', (order: UpstreamOrder) => {
  if (order.mode !== undefined) mode = order.mode;
  if (order.release === true) for (const finish of [...held]) finish();
  process.send?.({ done: true });
});
process.on('disconnect', () => process.exit(0));
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
});
