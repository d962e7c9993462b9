/** Compressed request bodies, unpacked off the event loop and only as far as a body may be. BEHAVIOUR 1.7. */

import { constants } from 'node:buffer';
import { promisify } from 'node:util';
import zlib, { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import { invalidRequest, requestTooLarge, unsupportedEncoding } from '../errors.ts';

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

/** At most `maxBytes`, beyond which nothing more is unpacked. Rejects with an ApiError. */
export const unpackBody = async (body: Buffer, encoding: string, maxBytes: number): Promise<Buffer> => {
  const unpack = encodings.get(encoding);
  if (unpack === undefined) throw unsupportedEncoding(encodingNames);
  try {
    return await unpack(body, { maxOutputLength: Math.min(maxBytes, constants.MAX_LENGTH) });
  } catch (error) {
    if (isTooLarge(error)) throw requestTooLarge(maxBytes);
    throw invalidRequest(`The request body is not ${encoding}, as its Content-Encoding says.`);
  }
};
