/** Image parts: data URIs of any legal form, and URLs. The bytes decide the type, not the label. */

import type { Bytes } from '../chat.ts';
import { invalidRequest } from '../errors.ts';

/** A data URI taken apart. `data` is base64 without white space, standard alphabet. */
export interface DataUri {
  readonly mediaType: string;
  readonly data: string;
}

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Throws 400 with `path` for a data URI that cannot be read. */
export const parseDataUri = (uri: string, path: string): DataUri => {
  const comma = uri.indexOf(',');
  if (comma < 0) {
    throw invalidRequest(`${path}: is not a data URI; expected data:<media type>;base64,<data>.`, path);
  }
  const [mediaType = '', ...attributes] = uri.slice('data:'.length, comma).split(';');
  const payload = uri.slice(comma + 1);
  const type = mediaType.trim().toLowerCase() || 'text/plain';
  if (!attributes.some((attribute) => attribute.trim().toLowerCase() === 'base64')) {
    const bytes = payload.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    return { mediaType: type, data: Buffer.from(bytes, 'latin1').toString('base64') };
  }
  const data = standardBase64(payload);
  if (data === undefined) throw invalidRequest(`${path}: the data is not valid base64.`, path);
  return { mediaType: type, data };
};

/** Any base64 a client may send (line breaks, URL alphabet, no padding) as the standard form. */
export const standardBase64 = (text: string): string | undefined => {
  if (text.length % 4 === 0 && base64.test(text)) return text;
  const plain = (
    text.includes('%')
      ? text.replaceAll(/%3D/gi, '=').replaceAll(/%2B/gi, '+').replaceAll(/%2F/gi, '/')
      : text
  )
    .replaceAll(/\s/g, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/=+$/, '');
  if (!base64.test(plain) || plain.length % 4 === 1) return undefined;
  return plain.padEnd(Math.ceil(plain.length / 4) * 4, '=');
};

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

/** An image URL as the caller gave it, to what can be sent. Throws 400 with `path`. */
export const readImage = (url: string, path: string): Bytes | { readonly url: string } => {
  if (/^https?:\/\//i.test(url)) {
    if (!URL.canParse(url)) throw invalidRequest(`${path}: is not a valid URL.`, path);
    return { url };
  }
  if (!/^data:/i.test(url)) {
    throw invalidRequest(`${path}: must be an https URL or a data URI (data:image/png;base64,...).`, path);
  }
  const { data } = parseDataUri(url, path);
  const mediaType = sniffImage(Buffer.from(data.slice(0, 64), 'base64'));
  if (mediaType === undefined) {
    throw invalidRequest(`${path}: the data is not an image of type png, jpeg, gif or webp.`, path);
  }
  return { mediaType, data };
};
