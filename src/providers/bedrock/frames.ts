/**
 * AWS's binary event stream (application/vnd.amazon.eventstream), read in batches: bytes in, the frames
 * that are complete out, both CRCs checked. Cut anywhere. The SDK's own reader walks a schema for every
 * event and costs 26 to 35 us each, this one under 1 us
 * (docs/decisions/2026-11-22-own-transports.md).
 *
 *   total length u32 | headers length u32 | CRC32 of those 8 bytes | headers | payload | CRC32 of all before
 */

import { crc32 } from 'node:zlib';

export interface Frame {
  /** `event`, `exception` or `error`. */
  readonly messageType: string;
  /** The event's or the exception's name. */
  readonly type: string;
  /** For `error` frames. */
  readonly errorMessage: string | undefined;
  readonly payload: Buffer;
}

class FrameError extends Error {
  override readonly name = 'FrameError';
}

const preludeLength = 12;
const shortest = 16;
/** AWS's own limit is 16 MiB of payload and 128 KiB of headers. */
const longest = 24 * 1024 * 1024;

/** Sizes of header values by type; strings and byte arrays carry their own length. */
const fixedSizes: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16 };
const stringType = 7;
const bytesType = 6;

const readHeaders = (bytes: Buffer): Map<string, string> => {
  const headers = new Map<string, string>();
  let at = 0;
  while (at < bytes.length) {
    const nameEnd = at + 1 + (bytes[at] ?? 0);
    const name = bytes.toString('latin1', at + 1, nameEnd);
    const type = bytes[nameEnd] ?? -1;
    const fixed = fixedSizes[type];
    if (fixed !== undefined) {
      at = nameEnd + 1 + fixed;
    } else if (type === stringType || type === bytesType) {
      if (nameEnd + 3 > bytes.length) throw new FrameError('a header that is cut short');
      const end = nameEnd + 3 + bytes.readUInt16BE(nameEnd + 1);
      if (type === stringType) headers.set(name, bytes.toString('utf8', nameEnd + 3, end));
      at = end;
    } else {
      throw new FrameError('a header of an unknown type');
    }
    if (at > bytes.length) throw new FrameError('a header that is cut short');
  }
  return headers;
};

type ReadHeaders = (bytes: Buffer) => Map<string, string>;

/** Nearly all frames of a stream have the headers of the one before. */
const rememberLast = (): ReadHeaders => {
  let last: { readonly bytes: Buffer; readonly headers: Map<string, string> } | undefined;
  return (bytes) => {
    if (last?.bytes.equals(bytes) === true) return last.headers;
    const headers = readHeaders(bytes);
    last = { bytes: Buffer.from(bytes), headers };
    return headers;
  };
};

const readFrame = (bytes: Buffer, headersOf: ReadHeaders): Frame => {
  const end = bytes.length - 4;
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32BE(end))
    throw new FrameError('a wrong message checksum');
  const headersEnd = preludeLength + bytes.readUInt32BE(4);
  if (headersEnd > end) throw new FrameError('headers longer than the frame');
  const headers = headersOf(bytes.subarray(preludeLength, headersEnd));
  return {
    messageType: headers.get(':message-type') ?? 'event',
    type: headers.get(':event-type') ?? headers.get(':exception-type') ?? headers.get(':error-code') ?? '',
    errorMessage: headers.get(':error-message'),
    payload: bytes.subarray(headersEnd, end),
  };
};

export interface FrameBatch {
  readonly frames: readonly Frame[];
  /** What followed the frames is no event stream. */
  readonly broken: boolean;
}

export interface FrameParser {
  push(chunk: Buffer): FrameBatch;
}

export const createFrameParser = (): FrameParser => {
  let pending: Buffer[] = [];
  let size = 0;
  let needed = preludeLength;
  const headersOf = rememberLast();

  const take = (frames: Frame[]): void => {
    // Joined only when a frame is whole, so that many small pieces cost no quadratic copying.
    while (size >= needed) {
      const [only] = pending;
      const bytes = pending.length === 1 && only !== undefined ? only : Buffer.concat(pending);
      const total = bytes.readUInt32BE(0);
      if (crc32(bytes.subarray(0, 8)) !== bytes.readUInt32BE(8))
        throw new FrameError('a wrong prelude checksum');
      if (total < shortest || total > longest) throw new FrameError('a frame of absurd size');
      if (size < total) {
        pending = [bytes];
        needed = total;
        return;
      }
      frames.push(readFrame(bytes.subarray(0, total), headersOf));
      const rest = bytes.subarray(total);
      pending = rest.length === 0 ? [] : [rest];
      size = rest.length;
      needed = preludeLength;
    }
  };

  return {
    push: (chunk) => {
      pending.push(chunk);
      size += chunk.length;
      const frames: Frame[] = [];
      try {
        take(frames);
      } catch (error) {
        if (error instanceof FrameError || error instanceof RangeError) return { frames, broken: true };
        throw error;
      }
      return { frames, broken: false };
    },
  };
};
