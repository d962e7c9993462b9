/** The answer of an image's host, read as far as it is an image and no larger than allowed. */

import type { IncomingMessage } from 'node:http';
import type { Bytes } from '../core/chat.ts';
import { invalidRequest } from '../core/errors.ts';
import { sniffImage } from '../media/image-header.ts';

/** Bytes that show the type of an image. */
const sniffable = 12;

// Without the error that lies behind: its message would hold an address.
export const failed = (path: string, reason: string) =>
  invalidRequest(`${path}: the image could not be fetched: ${reason}.`, path);

/** One buffer that grows: a list of pieces would cost many times its bytes if each piece held one byte. */
class ImageBytes {
  readonly #maxBytes: number;
  #buffer = Buffer.alloc(0);
  #size = 0;
  #mediaType: string | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What there is now: no image, too much of one, or nothing that speaks against it. */
  add(piece: Buffer): 'no image' | 'too large' | 'fine' {
    const size = this.#size + piece.length;
    if (size > this.#maxBytes) return 'too large';
    if (size > this.#buffer.length) {
      const larger = Buffer.alloc(Math.min(this.#maxBytes, Math.max(size, 2 * this.#buffer.length)));
      this.#buffer.copy(larger, 0, 0, this.#size);
      this.#buffer = larger;
    }
    piece.copy(this.#buffer, this.#size);
    this.#size = size;
    if (this.#mediaType !== undefined || size < sniffable) return 'fine';
    this.#mediaType = sniffImage(this.#buffer.subarray(0, size));
    return this.#mediaType === undefined ? 'no image' : 'fine';
  }

  /** Undefined where too little came to show what it is. */
  image(): Bytes | undefined {
    const mediaType = this.#mediaType;
    return mediaType === undefined
      ? undefined
      : { mediaType, data: this.#buffer.toString('base64', 0, this.#size) };
  }
}

async function* bodyOf(response: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  try {
    yield* response;
  } catch {
    throw failed(path, 'the connection broke off before its end');
  }
}

export const readImageBody = async (
  response: IncomingMessage,
  path: string,
  maxBytes: number,
): Promise<Bytes> => {
  const { 'content-encoding': encoding = 'identity', 'content-length': length } = response.headers;
  const tooLarge = () => failed(path, `it is larger than ${maxBytes} bytes`);
  const noImage = () => failed(path, 'it is not an image of type png, jpeg, gif or webp');
  if (response.statusCode !== 200) throw failed(path, `its host answered with status ${response.statusCode}`);
  // Not decoded here: a small answer could unpack to any size.
  if (!/^(identity)?$/i.test(encoding.trim())) throw failed(path, 'its host sent it with a content encoding');
  if (Number(length) > maxBytes) throw tooLarge();

  const bytes = new ImageBytes(maxBytes);
  for await (const piece of bodyOf(response, path)) {
    const state = bytes.add(piece);
    if (state === 'too large') throw tooLarge();
    // No need to read on, nor to let a host know how much of its answer we would have taken.
    if (state === 'no image') throw noImage();
  }
  const image = bytes.image();
  if (image === undefined) throw noImage();
  return image;
};
