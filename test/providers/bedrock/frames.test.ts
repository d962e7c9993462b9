import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFrameParser, type Frame } from '../../../src/providers/bedrock/frames.ts';
import { cutBytes, frame, rawFrame } from '../../support/replay.ts';

const read = (bytes: Buffer, size = 0) => {
  const parser = createFrameParser();
  const batches = cutBytes(bytes, size).map((piece) => parser.push(piece));
  return {
    frames: batches
      .flatMap((batch) => batch.frames)
      .map(({ payload, ...rest }) => ({ ...rest, payload: payload.toString('utf8') })),
    broken: batches.some((batch) => batch.broken),
  };
};

const event = (type: string, payload: unknown) =>
  frame({ ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }, payload);

const seen = (type: string, payload: unknown): Omit<Frame, 'payload'> & { payload: string } => ({
  messageType: 'event',
  type,
  errorMessage: undefined,
  payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
});

describe('frames cut by the network', () => {
  const bytes = Buffer.concat([
    event('messageStart', { role: 'assistant', p: 'abc' }),
    event('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'aé漢🦜' } }),
    event('empty', ''),
    event('metadata', { usage: { inputTokens: 1 } }),
  ]);
  const frames = [
    seen('messageStart', { role: 'assistant', p: 'abc' }),
    seen('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'aé漢🦜' } }),
    seen('empty', ''),
    seen('metadata', { usage: { inputTokens: 1 } }),
  ];
  test.each([0, 1, 2, 3, 7, 11, 12, 13, 16, 64, 1021])('pieces of %i bytes', (size) => {
    expect(read(bytes, size)).toEqual({ frames, broken: false });
  });
  test('every single place', () => {
    for (let at = 0; at <= bytes.length; at++) {
      const parser = createFrameParser();
      const all = [...parser.push(bytes.subarray(0, at)).frames, ...parser.push(bytes.subarray(at)).frames];
      expect(all.map((each) => each.type)).toEqual(frames.map((each) => each.type));
    }
  });
  test('an end in the middle of a frame is no frame', () => {
    expect(read(bytes.subarray(0, bytes.length - 1))).toEqual({ frames: frames.slice(0, -1), broken: false });
  });
});

test('exceptions and errors are told from events', () => {
  const exception = frame(
    {
      ':message-type': 'exception',
      ':exception-type': 'throttlingException',
      ':content-type': 'application/json',
    },
    { message: 'slow down' },
  );
  const error = frame(
    { ':message-type': 'error', ':error-code': 'InternalError', ':error-message': 'oh' },
    '',
  );
  expect(read(Buffer.concat([exception, error])).frames).toEqual([
    {
      messageType: 'exception',
      type: 'throttlingException',
      errorMessage: undefined,
      payload: '{"message":"slow down"}',
    },
    { messageType: 'error', type: 'InternalError', errorMessage: 'oh', payload: '' },
  ]);
});

describe('the headers of an event frame', () => {
  const named = (name: string, type: number, value: readonly number[]) =>
    Buffer.from([name.length, ...Buffer.from(name), type, ...value]);
  const text = (name: string, value: string) =>
    named(name, 7, [value.length >> 8, value.length & 255, ...Buffer.from(value)]);
  const zeros = (count: number) => Array.from({ length: count }, () => 0);

  const others: { name: string; header: Buffer }[] = [
    { name: 'true', header: named('h', 0, []) },
    { name: 'false', header: named('h', 1, []) },
    { name: 'byte', header: named('h', 2, zeros(1)) },
    { name: 'short', header: named('h', 3, zeros(2)) },
    { name: 'integer', header: named('h', 4, zeros(4)) },
    { name: 'long', header: named('h', 5, zeros(8)) },
    { name: 'bytes', header: named('h', 6, [0, 3, 1, 2, 3]) },
    { name: 'empty bytes', header: named('h', 6, [0, 0]) },
    { name: 'empty text', header: named('h', 7, [0, 0]) },
    { name: 'timestamp', header: named('h', 8, zeros(8)) },
    { name: 'uuid', header: named('h', 9, zeros(16)) },
  ];
  test.each(others)('one of type $name does not hide those behind it', ({ header }) => {
    const headers = Buffer.concat([header, text(':event-type', 'chunk')]);
    expect(read(rawFrame(headers, Buffer.from('{}')))).toEqual({
      frames: [seen('chunk', '{}')],
      broken: false,
    });
  });
  test('none at all', () => {
    expect(read(rawFrame(Buffer.alloc(0), Buffer.from('{}'))).frames).toEqual([seen('', '{}')]);
  });
  test('a text longer than 255 bytes', () => {
    const long = 'x'.repeat(1000);
    expect(read(rawFrame(text(':event-type', long), Buffer.alloc(0))).frames).toEqual([seen(long, '')]);
  });

  const bad: { name: string; headers: Buffer }[] = [
    { name: 'an unknown type', headers: named('h', 10, [0]) },
    { name: 'a name that is cut', headers: Buffer.from([5, 104]) },
    { name: 'no type', headers: Buffer.from([1, 104]) },
    { name: 'no length', headers: named('h', 7, []) },
    { name: 'half a length', headers: named('h', 7, [0]) },
    { name: 'a text that is cut', headers: named('h', 7, [0, 9, 97]) },
    { name: 'bytes that are cut', headers: named('h', 6, [0, 9, 97]) },
    { name: 'a number that is cut', headers: named('h', 5, [0, 0]) },
  ];
  test.each(bad)('$name: broken, not misread', ({ headers }) => {
    expect(read(rawFrame(headers, Buffer.from('{}')))).toEqual({ frames: [], broken: true });
  });
});

describe('bytes that are no event stream', () => {
  const good = event('chunk', { a: 1 });
  const changed = (at: number) => {
    const bytes = Buffer.from(good);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    return bytes;
  };
  /** A prelude with a right checksum over the lengths given. */
  const prelude = (total: number, headers: number) => {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt32BE(total, 0);
    bytes.writeUInt32BE(headers, 4);
    bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8);
    return bytes;
  };
  /** A whole frame, both checksums right, whose headers claim to be longer than it is. */
  const overlong = () => {
    const head = Buffer.concat([prelude(20, 1000), Buffer.from('aaaa')]);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(head));
    return Buffer.concat([head, sum]);
  };

  test('a changed byte anywhere is noticed, and what came before it kept', () => {
    for (let at = 0; at < good.length; at++) {
      expect(read(Buffer.concat([good, changed(at)])), `byte ${at}`).toEqual({
        frames: [seen('chunk', { a: 1 })],
        broken: true,
      });
    }
  });

  const cases: { name: string; bytes: Buffer }[] = [
    { name: 'a page of some proxy', bytes: Buffer.from('<html><body>502 Bad Gateway</body></html>') },
    { name: 'JSON', bytes: Buffer.from('{"message":"not a stream"}') },
    { name: 'a frame of no length', bytes: prelude(0, 0) },
    { name: 'a frame shorter than its own frame', bytes: Buffer.concat([prelude(15, 0), Buffer.alloc(3)]) },
    { name: 'a frame of 4 GiB', bytes: prelude(0xffffffff, 0) },
    { name: 'a frame of 25 MiB', bytes: prelude(25 * 1024 * 1024, 0) },
    { name: 'headers longer than their frame', bytes: overlong() },
    { name: 'headers of 4 GiB', bytes: Buffer.concat([prelude(20, 0xffffffff), Buffer.alloc(8)]) },
  ];
  test.each(cases)('$name', ({ bytes }) => {
    for (const size of [0, 1, 7]) {
      const { frames, broken } = read(bytes, size);
      expect(frames).toEqual([]);
      expect(broken).toBe(true);
    }
  });
});

test('many small pieces of a large frame are not copied over and over', () => {
  const payload = 'x'.repeat(4 * 1024 * 1024);
  const { frames, broken } = read(event('chunk', payload), 64);
  expect([frames.length, frames[0]?.payload.length, broken]).toEqual([1, payload.length, false]);
});

test('any frames, cut at any places, come out as they went in', () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue(), { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(600), { maxLength: 12 }),
      (payloads, places) => {
        const texts = payloads.map((payload) => JSON.stringify(payload));
        const bytes = Buffer.concat(texts.map((text) => event('chunk', text)));
        const parser = createFrameParser();
        const ends = [...places.filter((place) => place < bytes.length).sort((a, b) => a - b), bytes.length];
        const all = ends.flatMap(
          (end, index) => parser.push(bytes.subarray(ends[index - 1] ?? 0, end)).frames,
        );
        expect(all.map((each) => each.payload.toString('utf8'))).toEqual(texts);
      },
    ),
  );
});
