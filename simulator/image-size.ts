/** Pixels of an image as its own header has them. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

const FRAMES = new Set([0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]);

const jpeg = (bytes: Buffer): Size | undefined => {
  for (let at = 2; at + 9 <= bytes.length && bytes[at] === 0xff; at += 2 + bytes.readUInt16BE(at + 2)) {
    if (FRAMES.has(bytes[at + 1] ?? 0))
      return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
  }
  return undefined;
};

const webp = (bytes: Buffer): Size | undefined => {
  const kind = bytes.subarray(12, 16).toString('latin1');
  if (kind === 'VP8 ')
    return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
  if (kind === 'VP8X') return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
  if (kind !== 'VP8L') return undefined;
  const bits = bytes.readUInt32LE(21);
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
};

/** Undefined where there is not enough of a header. */
export const sizeOf = (type: string, data: string): Size | undefined => {
  const bytes = Buffer.from(data, 'base64');
  if (type === 'image/jpeg') return jpeg(bytes);
  if (bytes.length < 30) return undefined;
  if (type === 'image/png') return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  if (type === 'image/gif') return { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
  return type === 'image/webp' ? webp(bytes) : undefined;
};

export const isLarger = (size: Size | undefined, most: number): boolean =>
  size !== undefined && Math.max(size.width, size.height) > most;
