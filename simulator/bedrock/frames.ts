import * as zlib from 'node:zlib';
import { numbers } from '../ids.ts';
import type { Fields } from '../json.ts';

// In Node since 20.15, in @types/node 20 not yet.
const crc32 = (zlib as unknown as { crc32: (data: Buffer) => number }).crc32;

const STRING = 7;

const encodeHeaders = (headers: Readonly<Record<string, string>>): Buffer =>
  Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const key = Buffer.from(name);
      const text = Buffer.from(value);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(text.length);
      return Buffer.concat([Buffer.from([key.length]), key, Buffer.from([STRING]), length, text]);
    }),
  );

/** One `application/vnd.amazon.eventstream` message: lengths, their checksum, headers, payload, checksum of all. */
const encodeFrame = (headers: Readonly<Record<string, string>>, payload: Buffer): Buffer => {
  const head = encodeHeaders(headers);
  const frame = Buffer.alloc(16 + head.length + payload.length);
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(head.length, 4);
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8);
  head.copy(frame, 12);
  payload.copy(frame, 12 + head.length);
  frame.writeUInt32BE(crc32(frame.subarray(0, frame.length - 4)), frame.length - 4);
  return frame;
};

export const eventFrame = (type: string, payload: Fields): Buffer =>
  encodeFrame(
    { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' },
    Buffer.from(JSON.stringify(payload)),
  );

export const exceptionFrame = (type: string, message: string): Buffer =>
  encodeFrame(
    {
      ':exception-type': type.charAt(0).toLowerCase() + type.slice(1),
      ':content-type': 'application/json',
      ':message-type': 'exception',
    },
    Buffer.from(JSON.stringify({ message })),
  );

export const damageFrame = (frame: Buffer): Buffer => {
  const damaged = Buffer.from(frame);
  damaged.writeUInt32BE((frame.readUInt32BE(frame.length - 4) ^ 0x5a5a5a5a) >>> 0, frame.length - 4);
  return damaged;
};

/** Well framed, but what is inside is no JSON. */
export const garbageFrame = (type: string): Buffer =>
  encodeFrame(
    { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' },
    Buffer.from('{"contentBlockIndex":0,"del'),
  );

const FILLER = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** The `p` that hides how long a delta is. */
export const fillers = (seed: string): (() => string) => {
  const next = numbers(`p/${seed}`);
  return () => FILLER.slice(0, 2 + next(60));
};
