/** What bytes say about themselves. */

const signatures: readonly { mediaType: string; matches: (bytes: Buffer) => boolean }[] = [
  {
    mediaType: 'image/png',
    matches: (bytes) => bytes.subarray(0, 8).equals(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')),
  },
  {
    mediaType: 'image/jpeg',
    matches: (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff,
  },
  { mediaType: 'image/gif', matches: (bytes) => /^GIF8[79]a/.test(bytes.toString('latin1', 0, 6)) },
  {
    mediaType: 'image/webp',
    matches: (bytes) =>
      bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP',
  },
];

/** The media type the bytes themselves show, if it is one the upstreams take. */
export const sniffImage = (bytes: Buffer): string | undefined =>
  signatures.find(({ matches }) => matches(bytes))?.mediaType;

/** In pixels. */
export interface Dimensions {
  readonly width: number;
  readonly height: number;
}

/** Some bytes of a base64 text; the rest, which may be megabytes, is not decoded. */
const bytesAt = (base64: string, offset: number, length: number): Buffer => {
  const skipped = offset % 3;
  const begin = ((offset - skipped) / 3) * 4;
  const end = begin + Math.ceil((skipped + length) / 3) * 4;
  return Buffer.from(base64.slice(begin, end), 'base64').subarray(skipped, skipped + length);
};

/** Longer than the headers of all but JPEG. */
const headLength = 30;

const pngDimensions = (base64: string): Dimensions | undefined => {
  const head = bytesAt(base64, 0, headLength);
  if (head.length < 24 || head.toString('latin1', 12, 16) !== 'IHDR') return undefined;
  return { width: head.readUInt32BE(16), height: head.readUInt32BE(20) };
};

const gifDimensions = (base64: string): Dimensions | undefined => {
  const head = bytesAt(base64, 0, headLength);
  return head.length < 10 ? undefined : { width: head.readUInt16LE(6), height: head.readUInt16LE(8) };
};

/** Its three forms: lossy, lossless, extended. (developers.google.com/speed/webp/docs/riff_container) */
const webpDimensions = (base64: string): Dimensions | undefined => {
  const head = bytesAt(base64, 0, headLength);
  if (head.length < headLength) return undefined;
  switch (head.toString('latin1', 12, 16)) {
    case 'VP8 ':
      return { width: head.readUInt16LE(26) & 0x3fff, height: head.readUInt16LE(28) & 0x3fff };
    case 'VP8L': {
      const bits = head.readUInt32LE(21);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 'VP8X':
      return { width: head.readUIntLE(24, 3) + 1, height: head.readUIntLE(27, 3) + 1 };
    default:
      return undefined;
  }
};

/** Segments before the frame's header that are looked at; real files have a dozen. */
const mostSegments = 1000;

const isFrameHeader = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
const standsAlone = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
/** From these on there is image data, or nothing. */
const endsHeaders = (marker: number): boolean => marker === 0xd9 || marker === 0xda;

const jpegDimensions = (base64: string): Dimensions | undefined => {
  let offset = 2;
  for (let segment = 0; segment < mostSegments; segment += 1) {
    const bytes = bytesAt(base64, offset, 9);
    if (bytes.length < 9 || bytes[0] !== 0xff) return undefined;
    const marker = bytes[1] as number;
    if (isFrameHeader(marker)) return { height: bytes.readUInt16BE(5), width: bytes.readUInt16BE(7) };
    if (endsHeaders(marker)) return undefined;
    // Any number of 0xff may fill the space before a marker.
    if (marker === 0xff) offset += 1;
    else offset += standsAlone(marker) ? 2 : 2 + bytes.readUInt16BE(2);
  }
  return undefined;
};

const dimensionReaders: Readonly<Record<string, (base64: string) => Dimensions | undefined>> = {
  'image/png': pngDimensions,
  'image/jpeg': jpegDimensions,
  'image/gif': gifDimensions,
  'image/webp': webpDimensions,
};

/** What an image's own header says; undefined where it cannot be read. */
export const imageDimensions = (mediaType: string, base64: string): Dimensions | undefined =>
  dimensionReaders[mediaType]?.(base64);
