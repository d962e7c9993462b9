/** Compressed request bodies, unpacked off the event loop and only as far as a body may be. Behaviour 1.7. */

import { constants } from 'node:buffer';
import { promisify } from 'node:util';
import zlib, { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import { ClientDisconnected, invalidRequest, requestTooLarge, unsupportedEncoding } from '../core/errors.ts';
import { Slots } from '../core/slots.ts';

interface Options {
  readonly maxOutputLength: number;
  readonly params?: Record<number, number>;
}
type Unpack = (body: Buffer, options: Options) => Promise<Buffer>;

/** Not in every Node that this server runs on, and not in the types of the oldest. */
const { zstdDecompress } = zlib as { zstdDecompress?: typeof brotliDecompress };

/**
 * A zstd frame names the memory that it wants for unpacking, and Node grants 128 MiB. HTTP's decoders need to grant
 * 8 MiB, and senders must not ask for more (RFC 9659). The name is ZSTD_d_windowLogMax.
 */
const zstdParams = { 100: 23 };

/** RFC 9110 means zlib's format by `deflate`; some clients send the bare stream, which begins otherwise. */
const hasZlibHeader = (body: Buffer): boolean =>
  body.length >= 2 && ((body[0] ?? 0) & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0;

const unpackWith = (decompress: typeof gunzip | typeof brotliDecompress): Unpack =>
  promisify<Buffer, Options, Buffer>(decompress);

const unpackGzip = unpackWith(gunzip);
const unpackZlib = unpackWith(inflate);
const unpackBare = unpackWith(inflateRaw);

const unpackZstd = (decompress: typeof brotliDecompress): Unpack => {
  const unpack = unpackWith(decompress);
  return (body, options) => unpack(body, { ...options, params: zstdParams });
};

/** By the name in the header. */
const encodings: ReadonlyMap<string, Unpack> = new Map<string, Unpack>([
  ['gzip', unpackGzip],
  ['x-gzip', unpackGzip],
  ['deflate', (body, options) => (hasZlibHeader(body) ? unpackZlib : unpackBare)(body, options)],
  ['br', unpackWith(brotliDecompress)],
  ...(zstdDecompress === undefined ? [] : [['zstd', unpackZstd(zstdDecompress)] as const]),
]);

/** Without the older spelling. */
const encodingNames: readonly string[] = [...encodings.keys()].filter((name) => !name.startsWith('x-'));

/** What the body is packed with; undefined where it is not. */
export const contentEncoding = (header: string | undefined): string | undefined => {
  const name = header?.trim().toLowerCase();
  return name === '' || name === 'identity' ? undefined : name;
};

const isTooLarge = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';

/** A body of a few hundred bytes may ask for as much memory as the largest; only so many do at a time. */
const unpackedAtOnce = 2;

/** Rejects with an ApiError, or with ClientDisconnected where `isAwaited` says no when its turn comes. */
export type Unpacker = (body: Buffer, encoding: string, isAwaited: () => boolean) => Promise<Buffer>;

/** For bodies of at most `maxBytes`, beyond which nothing more is unpacked; `maxWaiting` wait for their turn. */
export const createUnpacker = (maxBytes: number, maxWaiting: number): Unpacker => {
  const slots = new Slots(
    unpackedAtOnce,
    maxWaiting,
    'Too many compressed requests wait to be unpacked. Send the request again shortly.',
  );
  const options = { maxOutputLength: Math.min(maxBytes, constants.MAX_LENGTH) };
  return async (body, encoding, isAwaited) => {
    const unpack = encodings.get(encoding);
    if (unpack === undefined) throw unsupportedEncoding(encodingNames);
    return slots.run(async () => {
      if (!isAwaited()) throw new ClientDisconnected();
      return unpack(body, options).catch((error: unknown) => {
        throw isTooLarge(error)
          ? requestTooLarge(maxBytes)
          : invalidRequest(`The request body is not ${encoding}, as its Content-Encoding says.`);
      });
    });
  };
};
