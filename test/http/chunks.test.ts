import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { serverOfTest, useServer, useSimulator } from '../support/fixtures.ts';
import { testKey } from '../support/server.ts';
import { until } from '../support/until.ts';

const times = {
  HEADER_HOLD_MS: '20',
  PLAIN_HOLD_MS: '20',
  KEEPALIVE_INTERVAL_MS: '20',
  MAX_RETRIES: '0',
};
const simulator = useSimulator({ delayMs: 5, isFresh: true });
const server = useServer({ upstream: simulator, played: ['anthropic'], env: times, isFresh: true });

const words = 'Größer: 川は静かに流れ 🚣, and on.';

const message = (stream: boolean, { text = words, version = '1.1' } = {}) => {
  const body = Buffer.from(
    JSON.stringify({
      model: 'claude-4-5-haiku',
      stream,
      messages: [{ role: 'user', content: `[[say ${text}]]` }],
    }),
  );
  const head = [
    `POST /v1/chat/completions HTTP/${version}`,
    'host: x',
    `authorization: Bearer ${testKey}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    '',
    '',
  ].join('\r\n');
  return Buffer.concat([Buffer.from(head), body]);
};

/** Sends on one connection; what came back so far, and whether it was closed. */
const converse = (bytes: Buffer, { url } = server) => {
  const seen = { bytes: Buffer.alloc(0), isClosed: false };
  const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes));
  socket.on('data', (piece: Buffer) => {
    seen.bytes = Buffer.concat([seen.bytes, piece]);
  });
  socket.on('end', () => {
    seen.isClosed = true;
  });
  return { seen, socket };
};

/** Strictly by the wire: every size must be right to the byte. Undefined while it is not whole. */
const dechunk = (
  bytes: Buffer,
): { readonly chunks: readonly string[]; readonly rest: Buffer } | undefined => {
  const chunks: string[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const size = bytes.toString('latin1', at, end);
    expect(size).toMatch(/^[0-9a-f]+$/);
    const begin = end + 2;
    const after = begin + Number.parseInt(size, 16);
    if (bytes.length < after + 2) return undefined;
    expect(bytes.toString('latin1', after, after + 2)).toBe('\r\n');
    if (after === begin) return { chunks, rest: bytes.subarray(after + 2) };
    chunks.push(bytes.toString('utf8', begin, after));
    at = after + 2;
  }
};

const split = (bytes: Buffer) => {
  const end = bytes.indexOf('\r\n\r\n');
  return { head: bytes.toString('latin1', 0, end).toLowerCase(), body: bytes.subarray(end + 4) };
};

const textOf = (frames: string) =>
  [...frames.matchAll(/^data: (\{.*)$/gm)]
    .map(([, json = '']) => JSON.parse(json) as { choices: { delta: { content?: string } }[] })
    .map(({ choices: [choice] }) => choice?.delta.content ?? '')
    .join('');

// The chunks of a stream are written by our own code (src/api/delivery.ts).
describe('an answer in chunks', () => {
  it('has the size of each to the byte, and leaves the connection for the next request', async () => {
    const { seen, socket } = converse(message(true));
    for (const turn of ['first', 'second']) {
      if (turn === 'second') {
        seen.bytes = Buffer.alloc(0);
        socket.write(message(true));
      }
      await until(() => seen.bytes.includes('\r\n0\r\n\r\n'), 'the end of the stream');
      const { head, body } = split(seen.bytes);
      expect(head).toContain('\r\ntransfer-encoding: chunked');
      const whole = dechunk(body);
      expect(whole?.rest).toHaveLength(0);
      const frames = whole?.chunks.join('') ?? '';
      expect(textOf(frames)).toBe(words);
      expect(frames).toMatch(/\n\ndata: \[DONE\]\n\n$/);
    }
    expect(seen.isClosed).toBe(false);
    socket.destroy();
  });

  it('comes whole and in order, however many were asked for at once on one connection', async () => {
    const said = ['the first', words];
    const { seen, socket } = converse(Buffer.concat(said.map((text) => message(true, { text }))));
    await until(() => seen.bytes.toString('latin1').split('\r\n0\r\n\r\n').length === 3, 'two streams');
    let left: Buffer = seen.bytes;
    for (const text of said) {
      const { head, body } = split(left);
      expect(head).toMatch(/^http\/1\.1 200 /);
      expect(head).toContain('\r\ntransfer-encoding: chunked');
      const whole = dechunk(body);
      const frames = whole?.chunks.join('') ?? '';
      expect(textOf(frames)).toBe(text);
      expect(frames).toMatch(/\n\ndata: \[DONE\]\n\n$/);
      left = whole?.rest ?? Buffer.alloc(0);
    }
    expect(left).toHaveLength(0);
    socket.destroy();
  });

  it('is plain for a client of HTTP/1.0, and ends with the connection', async () => {
    const { seen, socket } = converse(message(true, { version: '1.0' }));
    await until(() => seen.isClosed, 'the connection ends');
    const { head, body } = split(seen.bytes);
    expect(head).not.toContain('transfer-encoding');
    expect(textOf(body.toString('utf8'))).toBe(words);
    // On a busy machine a comment may come first.
    expect(body.toString('utf8')).toMatch(/^(: keep-alive\n\n)*data: \{.*\n\ndata: \[DONE\]\n\n$/s);
    socket.destroy();
  });

  it('holds comments and the failure that ends it', async () => {
    const impatient = await serverOfTest({
      upstream: simulator,
      played: ['anthropic'],
      env: { ...times, IDLE_TIMEOUT_MS: '200' },
    });
    simulator.inject({ kind: 'stall', afterEvents: 4 });
    const { seen, socket } = converse(message(true), impatient);
    await until(() => seen.bytes.includes(': keep-alive'), 'a comment');
    await until(() => seen.isClosed, 'the connection ends');
    // Whole chunks, and not the one that ends an answer.
    const { body } = split(seen.bytes);
    const whole = dechunk(Buffer.concat([body, Buffer.from('0\r\n\r\n')]));
    expect(whole?.rest).toHaveLength(0);
    expect(whole?.chunks).toContain(': keep-alive\n\n');
    expect(whole?.chunks.at(-1)).toMatch(/^data: \{"error":/);
    socket.destroy();
  });

  it('has white space before a plain answer that took its time', async () => {
    simulator.inject({ kind: 'delay', ms: 120 });
    const { seen, socket } = converse(message(false));
    await until(() => seen.bytes.includes('\r\n0\r\n\r\n'), 'the end of the answer');
    const whole = dechunk(split(seen.bytes).body);
    expect(whole?.chunks[0]).toBe(' ');
    expect(JSON.parse(whole?.chunks.join('') ?? '').choices[0].message.content).toBe(words);
    socket.destroy();
  });
});
