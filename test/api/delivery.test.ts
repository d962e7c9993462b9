/** Answers on their way to one client, over a connection that is no network: it reads, stops reading and leaves when told. */

import { Duplex } from 'node:stream';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientDisconnection, deliverPlain, deliverStream } from '../../src/api/delivery.ts';
import { HeaderHold } from '../../src/api/header-hold.ts';
import type { KeepAliveKind } from '../../src/api/keep-alive.ts';
import type { Cancellation } from '../../src/core/cancellation.ts';
import { ClientDisconnected } from '../../src/core/errors.ts';
import { registerRecord } from '../../src/server/record.ts';

const second = 1000;

/** The client's end of a connection. */
class Client extends Duplex {
  /** What the server wrote, one entry a write. */
  readonly writes: string[] = [];
  /** Whether the server has ended its side. */
  isEnded = false;
  #isReading = true;
  #resume: (() => void) | undefined;

  get received(): string {
    return this.writes.join('');
  }

  stopReading(): void {
    this.#isReading = false;
  }

  readOn(): void {
    this.#isReading = true;
    this.#resume?.();
    this.#resume = undefined;
  }

  override _write(piece: Buffer, _encoding: string, done: () => void): void {
    this.writes.push(piece.toString('utf8'));
    if (this.#isReading) done();
    else this.#resume = done;
  }

  override _final(done: () => void): void {
    this.isEnded = true;
    done();
  }

  override _read(): void {}
}

/** Batches that come when the test says so. */
class Source implements AsyncIterable<string> {
  /** How many have been asked for. */
  asked = 0;
  isReturned = false;
  #steps: (() => IteratorResult<string>)[] = [];
  #wake: (() => void) | undefined;

  push(...batches: readonly string[]): void {
    for (const value of batches) this.#step(() => ({ done: false, value }));
  }
  end(): void {
    this.#step(() => ({ done: true, value: undefined }));
  }
  fail(error: Error): void {
    this.#step(() => {
      throw error;
    });
  }
  #step(step: () => IteratorResult<string>): void {
    this.#steps.push(step);
    this.#wake?.();
  }

  [Symbol.asyncIterator](): AsyncIterator<string> {
    return {
      next: async () => {
        this.asked += 1;
        if (this.#steps.length === 0) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
        return (this.#steps.shift() as () => IteratorResult<string>)();
      },
      return: async () => {
        this.isReturned = true;
        return { done: true, value: undefined };
      },
    };
  }
}

let app: FastifyInstance;
let handler: (reply: FastifyReply) => Promise<unknown>;
beforeEach(async () => {
  app = Fastify();
  registerRecord(app, []);
  app.get('/', (_request, reply) => handler(reply));
  await app.ready();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await app.close();
});

/** Until all that can happen without time passing has happened. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

const passes = async (ms: number): Promise<void> => {
  await vi.advanceTimersByTimeAsync(ms);
  await settled();
};

const request = (version = '1.1') => `GET / HTTP/${version}\r\nhost: x\r\n\r\n`;

interface Options {
  /** Ms; 0: the status is held back for ever. */
  readonly hold?: number;
  readonly interval?: number;
  readonly version?: string;
}

const connect = async (version: string | undefined): Promise<Client> => {
  const client = new Client();
  client.on('error', () => {});
  app.server.emit('connection', client);
  client.push(request(version));
  await settled();
  return client;
};

/** A stream under way: what may be done to it, and how it went. */
const stream = async ({ hold = 0, interval = 15 * second, version }: Options = {}) => {
  const source = new Source();
  const close = vi.fn();
  const onFailure = vi.fn((error: unknown) => ({
    frames: `data: ${(error as Error).message}\n\n`,
    ending: 'cut' as const,
  }));
  let begin!: () => void;
  let refuse!: (error: Error) => void;
  const begun = new Promise<void>((resolve, reject) => {
    begin = resolve;
    refuse = reject;
  });
  let leaving!: Cancellation;
  let raw!: FastifyReply['raw'];
  let outcome: 'pending' | 'resolved' | Error = 'pending';
  handler = async (reply) => {
    raw = reply.raw;
    leaving = clientDisconnection(reply);
    const answer = begun.then(() => ({
      batches: source,
      encode: (batch: string) => batch,
      end: () => 'data: [DONE]\n\n',
      close,
    }));
    const delivery = {
      hold: new HeaderHold(hold),
      interval,
      keepAlive: (kind: KeepAliveKind) => (kind === 'chunk' ? 'data: {}\n\n' : ': keep-alive\n\n'),
    };
    try {
      await deliverStream(reply, answer, delivery, onFailure);
      outcome = 'resolved';
    } catch (error) {
      outcome = error as Error;
      throw error;
    }
    return reply;
  };
  const client = await connect(version);
  return {
    client,
    source,
    close,
    onFailure,
    leaving,
    raw,
    begin: async () => {
      begin();
      await settled();
    },
    refuse: async (error: Error) => {
      refuse(error);
      await settled();
    },
    outcome: () => outcome,
  };
};

const plain = async ({ hold = 0, interval = 15 * second, version }: Options = {}) => {
  let resolve!: (answer: object) => void;
  let reject!: (error: Error) => void;
  const answer = new Promise<object>((...settle) => {
    [resolve, reject] = settle;
  });
  const onFailure = vi.fn();
  handler = (reply) => deliverPlain(reply, answer, { hold: new HeaderHold(hold), interval }, onFailure);
  const client = await connect(version);
  return {
    client,
    onFailure,
    answer: async (value: object) => {
      resolve(value);
      await settled();
    },
    fail: async (error: Error) => {
      reject(error);
      await settled();
    },
  };
};

const bodyOf = ({ received }: Client): string => received.slice(received.indexOf('\r\n\r\n') + 4);

/** A body of chunks, each size right to the byte; whether the chunk came that ends it. */
const dechunked = (client: Client): { readonly chunks: readonly string[]; readonly isComplete: boolean } => {
  let rest = Buffer.from(bodyOf(client));
  const chunks: string[] = [];
  while (rest.length > 0) {
    const lineEnd = rest.indexOf('\r\n');
    const size = Number.parseInt(rest.toString('latin1', 0, lineEnd), 16);
    const end = lineEnd + 2 + size;
    expect(rest.toString('latin1', end, end + 2)).toBe('\r\n');
    if (size === 0) return { chunks, isComplete: rest.length === end + 2 };
    chunks.push(rest.toString('utf8', lineEnd + 2, end));
    rest = rest.subarray(end + 2);
  }
  return { chunks, isComplete: false };
};

const comment = ': keep-alive\n\n';
const done = 'data: [DONE]\n\n';

// Behaviour 7.5
describe('a stream', () => {
  it('sends its headers together with the first frame, in one write, and not before', async () => {
    const { client, source, begin } = await stream();
    await begin();
    expect(client.writes).toEqual([]);
    source.push('data: größer\n\n');
    await settled();
    expect(client.writes).toHaveLength(1);
    expect(client.received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(client.received).toContain('content-type: text/event-stream; charset=utf-8\r\n');
    expect(client.received).toContain('x-accel-buffering: no\r\n');
    expect(client.received).toMatch(/\r\nx-request-id: /);
    expect(dechunked(client).chunks).toEqual(['data: größer\n\n']);
  });

  it('that ends well has its last frame and the final chunk, and keeps the connection', async () => {
    const { client, source, begin, close, outcome, leaving } = await stream();
    await begin();
    source.push('data: 1\n\n', 'data: 2\n\n');
    source.end();
    await settled();
    expect(dechunked(client)).toEqual({ chunks: ['data: 1\n\n', 'data: 2\n\n', done], isComplete: true });
    expect(outcome()).toBe('resolved');
    expect(close).toHaveBeenCalledTimes(1);
    expect(client.isEnded).toBe(false);
    client.destroy();
    await settled();
    expect(leaving.aborted).toBe(false);
  });

  it('writes nothing for a batch without frames: an empty chunk would end the answer', async () => {
    const { client, source, begin } = await stream();
    await begin();
    source.push('');
    await settled();
    // Not even its headers: it may still fail with a status of its own.
    expect(client.writes).toEqual([]);
    source.push('data: 1\n\n', '', '');
    source.end();
    await settled();
    expect(dechunked(client)).toEqual({ chunks: ['data: 1\n\n', done], isComplete: true });
  });

  it('has no chunks over HTTP/1.0, whose clients read to the end of the connection', async () => {
    const { client, source, begin } = await stream({ version: '1.0' });
    await begin();
    source.push('data: 1\n\n');
    source.end();
    await settled();
    expect(client.received).not.toMatch(/transfer-encoding/i);
    expect(bodyOf(client)).toBe(`data: 1\n\n${done}`);
    expect(client.isEnded).toBe(true);
  });
});

describe('a stream that fails', () => {
  it('before its status is out is thrown, so that the client gets a status that says so', async () => {
    const { client, refuse, outcome, onFailure } = await stream();
    const failure = Object.assign(new Error('no room'), { statusCode: 503 });
    await refuse(failure);
    expect(outcome()).toBe(failure);
    expect(onFailure).not.toHaveBeenCalled();
    expect(client.received).toMatch(/^HTTP\/1\.1 503 /);
    expect(client.received).not.toContain('text/event-stream');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('before its first frame is thrown too, and the answer is closed', async () => {
    const { client, source, begin, outcome, close } = await stream();
    await begin();
    source.fail(new Error('lost'));
    await settled();
    expect(outcome()).toMatchObject({ message: 'lost' });
    expect(close).toHaveBeenCalledTimes(1);
    expect(client.received).toMatch(/^HTTP\/1\.1 500 /);
  });

  it('later says so in its last frame, and is cut instead of ended, for clients that do not know the frame', async () => {
    const { client, source, begin, outcome, close } = await stream();
    await begin();
    source.push('data: 1\n\n');
    source.fail(new Error('lost'));
    await settled();
    expect(dechunked(client)).toEqual({ chunks: ['data: 1\n\n', 'data: lost\n\n'], isComplete: false });
    expect(client.isEnded).toBe(true);
    expect(outcome()).toBe('resolved');
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('gives the client a second to close its side, then takes the connection down', async () => {
    const { client, source, begin } = await stream();
    await begin();
    source.push('data: 1\n\n');
    source.fail(new Error('lost'));
    await settled();
    await passes(second - 1);
    expect(client.destroyed).toBe(false);
    await passes(1);
    expect(client.destroyed).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no timer where the client closes its side at once', async () => {
    const { client, source, begin } = await stream();
    await begin();
    source.push('data: 1\n\n');
    source.fail(new Error('lost'));
    await settled();
    client.push(null);
    client.destroy();
    await settled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('after the hold is over is cut, since its 200 has gone out', async () => {
    const { client, refuse, outcome } = await stream({ hold: 10 * second });
    await passes(25 * second);
    await refuse(new Error('overloaded'));
    expect(outcome()).toBe('resolved');
    expect(dechunked(client)).toEqual({ chunks: [comment, 'data: overloaded\n\n'], isComplete: false });
    expect(client.isEnded).toBe(true);
  });
});

// Behaviour 7.6
describe('a silent stream', () => {
  it('sends a comment for each interval, and a frame that says nothing for each minute', async () => {
    const { client, source, begin } = await stream({ interval: 15 * second });
    await begin();
    source.push('data: 1\n\n');
    await settled();
    for (const count of [1, 2, 3]) {
      await passes(15 * second - 1);
      expect(dechunked(client).chunks).toHaveLength(count);
      await passes(1);
      expect(dechunked(client).chunks).toHaveLength(count + 1);
    }
    await passes(15 * second);
    expect(dechunked(client).chunks).toEqual(['data: 1\n\n', comment, comment, comment, 'data: {}\n\n']);
  });

  it('sends no comment while frames come: each of them starts the silence anew', async () => {
    const { client, source, begin } = await stream({ interval: 15 * second });
    await begin();
    source.push('data: 1\n\n');
    await settled();
    await passes(10 * second);
    source.push('data: 2\n\n');
    await settled();
    await passes(15 * second - 1);
    expect(dechunked(client).chunks).toEqual(['data: 1\n\n', 'data: 2\n\n']);
    await passes(1);
    expect(dechunked(client).chunks.at(-1)).toBe(comment);
  });

  it('sends nothing of its own before the first frame while the status is held back', async () => {
    const { client, begin } = await stream();
    await begin();
    await passes(600 * second);
    expect(client.writes).toEqual([]);
  });

  it('sends no comments into a full buffer: the client has plenty to read', async () => {
    const { client, source, begin } = await stream({ interval: 15 * second });
    await begin();
    client.stopReading();
    const big = `data: ${'x'.repeat(100_000)}\n\n`;
    source.push(big, big);
    await settled();
    await passes(120 * second);
    client.readOn();
    await settled();
    expect(dechunked(client).chunks).toEqual([big, big]);
    await passes(15 * second);
    expect(dechunked(client).chunks.at(-1)).toBe(comment);
  });

  it('is silent for good once it has ended, and leaves no timer', async () => {
    const { client, source, begin } = await stream();
    await begin();
    source.push('data: 1\n\n');
    source.end();
    await settled();
    expect(vi.getTimerCount()).toBe(0);
    const { length } = client.writes;
    await passes(120 * second);
    expect(client.writes).toHaveLength(length);
  });
});

// Behaviour 7.8
describe('a client that reads slowly', () => {
  const frame = `data: ${'x'.repeat(10_000)}\n\n`;
  const frames = Array.from({ length: 100 }, () => frame);

  it('holds the upstream back, so that the answer does not pile up in memory', async () => {
    const { client, source, begin } = await stream();
    await begin();
    client.stopReading();
    source.push(...frames);
    source.end();
    await settled();
    expect(source.asked).toBeLessThan(10);
    client.readOn();
    await settled();
    while (!client.received.endsWith('0\r\n\r\n')) await settled();
    expect(dechunked(client)).toEqual({ chunks: [...frames, done], isComplete: true });
  });

  it('that leaves while it is waited for ends the wait', async () => {
    const { client, source, begin, outcome, close } = await stream();
    await begin();
    client.stopReading();
    source.push(...frames);
    source.end();
    await settled();
    expect(outcome()).toBe('pending');
    client.destroy();
    await settled();
    expect(outcome()).toBe('resolved');
    expect(close).toHaveBeenCalledTimes(1);
    expect(source.asked).toBeLessThan(10);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no listener behind, however often it is waited for', async () => {
    const { client, source, begin, raw } = await stream();
    await begin();
    source.push(frame);
    await settled();
    const before = raw.listenerCount('close');
    for (let times = 0; times < 20; times += 1) {
      client.stopReading();
      source.push(frame, frame, frame);
      await settled();
      client.readOn();
      await settled();
    }
    expect({ close: raw.listenerCount('close'), drain: raw.listenerCount('drain') }).toEqual({
      close: before,
      drain: 0,
    });
  });
});

// Behaviour 7.8, 8.7
describe('a client that hangs up', () => {
  it('before the answer begins is noticed, and nothing is left of it', async () => {
    const { client, leaving, refuse, outcome } = await stream({ hold: 10 * second });
    client.destroy();
    await settled();
    expect(leaving.aborted).toBe(true);
    expect(leaving.reason).toBeInstanceOf(ClientDisconnected);
    expect(vi.getTimerCount()).toBe(0);
    await refuse(leaving.reason as Error);
    expect(outcome()).toBe(leaving.reason);
    expect(client.writes).toEqual([]);
  });

  it('in the middle of a stream ends it: the upstream is let go, and no frame is made for it', async () => {
    const { client, source, begin, leaving, outcome, close, onFailure } = await stream();
    await begin();
    source.push('data: 1\n\n');
    await settled();
    client.destroy();
    await settled();
    expect(leaving.reason).toBeInstanceOf(ClientDisconnected);
    source.push('data: 2\n\n');
    await settled();
    expect(outcome()).toBe('resolved');
    expect(source.isReturned).toBe(true);
    expect(close).toHaveBeenCalledTimes(1);
    expect(onFailure).not.toHaveBeenCalled();
    expect(client.received).not.toContain('data: 2');
    expect(vi.getTimerCount()).toBe(0);
  });
});

// Behaviour 7.7
describe('a plain answer', () => {
  it('in time has its length, and no chunks', async () => {
    const { client, answer } = await plain({ hold: 10 * second });
    await answer({ text: 'größer' });
    const body = JSON.stringify({ text: 'größer' });
    expect(client.received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(client.received).toContain(`content-length: ${Buffer.byteLength(body)}\r\n`);
    expect(client.received).not.toMatch(/transfer-encoding/i);
    expect(bodyOf(client)).toBe(body);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that is late begins with white space, for routers that drop silent connections, and is still JSON', async () => {
    const { client, answer } = await plain({ hold: 10 * second, interval: 15 * second });
    await passes(25 * second);
    expect(dechunked(client).chunks).toEqual([' ']);
    // No piece may be sent for its own sake: it would not be JSON.
    await passes(120 * second);
    expect(dechunked(client).chunks).toEqual(Array.from({ length: 9 }, () => ' '));
    await answer({ text: 'late' });
    const { chunks, isComplete } = dechunked(client);
    expect(isComplete).toBe(true);
    expect(JSON.parse(chunks.join(''))).toEqual({ text: 'late' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that fails in time is thrown, so that the client gets a status that says so', async () => {
    const { client, fail, onFailure } = await plain({ hold: 10 * second });
    await fail(Object.assign(new Error('no room'), { statusCode: 503 }));
    expect(client.received).toMatch(/^HTTP\/1\.1 503 /);
    expect(onFailure).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that fails late loses its connection, so that no client takes white space for an answer', async () => {
    const { client, fail, onFailure } = await plain({ hold: 10 * second });
    await passes(25 * second);
    const failure = new Error('lost');
    await fail(failure);
    expect(onFailure.mock.calls).toEqual([[failure]]);
    expect(dechunked(client)).toEqual({ chunks: [' '], isComplete: false });
    expect(client.destroyed).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});
