/** The least that says of itself that it is an image of some size, in base64. */

const base64 = (...parts: readonly (Buffer | string)[]): string =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  ).toString('base64');

const bytes = (length: number, write: (buffer: Buffer) => void): Buffer => {
  const buffer = Buffer.alloc(length);
  write(buffer);
  return buffer;
};
const uint32 = (value: number) => bytes(4, (buffer) => buffer.writeUInt32BE(value));
const uint16 = (value: number) => bytes(2, (buffer) => buffer.writeUInt16BE(value));
const little16 = (value: number) => bytes(2, (buffer) => buffer.writeUInt16LE(value));
const little24 = (value: number) => bytes(3, (buffer) => buffer.writeUIntLE(value, 0, 3));
const little32 = (value: number) => bytes(4, (buffer) => buffer.writeUInt32LE(value));

/** A real PNG of one pixel, in base64. */
export const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
export const pixelBytes = Buffer.from(pixel, 'base64');

export const pngOf = (width: number, height: number, padding = 0): string =>
  base64('\x89PNG\r\n\x1a\n', uint32(13), 'IHDR', uint32(width), uint32(height), Buffer.alloc(9 + padding));

export const gifOf = (width: number, height: number): string =>
  base64('GIF89a', little16(width), little16(height), Buffer.alloc(24));

const segment = (marker: number, length: number) =>
  Buffer.concat([Buffer.from([0xff, marker]), uint16(length + 2), Buffer.alloc(length, 0xff)]);

/** With so many bytes of metadata before the header of the frame. */
export const jpegOf = (width: number, height: number, metadata: readonly number[] = [14]): string =>
  base64(
    '\xff\xd8',
    ...metadata.map((length) => segment(0xe1, length)),
    '\xff\xff\xff\xc0',
    uint16(17),
    '\x08',
    uint16(height),
    uint16(width),
    Buffer.alloc(20),
  );

const riff = (kind: string, chunk: Buffer) =>
  base64('RIFF', little32(chunk.length + 12), `WEBP${kind}`, little32(chunk.length), chunk);

export const webpOf = {
  lossy: (width: number, height: number): string =>
    riff(
      'VP8 ',
      Buffer.concat([Buffer.from('\0\0\0\x9d\x01\x2a', 'latin1'), little16(width), little16(height)]),
    ),
  lossless: (width: number, height: number): string =>
    riff(
      'VP8L',
      Buffer.concat([Buffer.from([0x2f]), little32((width - 1) | ((height - 1) << 14)), Buffer.alloc(8)]),
    ),
  extended: (width: number, height: number): string =>
    riff('VP8X', Buffer.concat([Buffer.alloc(4), little24(width - 1), little24(height - 1)])),
};

export const imagePart = (data: string, type = 'png') => ({
  type: 'image_url' as const,
  image_url: { url: `data:image/${type};base64,${data}` },
});
