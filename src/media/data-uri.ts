/** Image parts: data URIs of any legal form, and URLs. The bytes decide the type, not the label. */

import type { Bytes } from '../core/chat.ts';
import { invalidRequest } from '../core/errors.ts';
import { sniffImage } from './image-header.ts';

/** A data URI taken apart. `data` is base64 without white space, standard alphabet. */
export interface DataUri {
  readonly mediaType: string;
  readonly data: string;
}

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** The value of a hexadecimal digit, or NaN. */
const hexDigit = (code = 0): number => {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : Number.NaN;
};

/** By bytes: a callback for each of millions of escapes would stall the server for seconds. */
const percentDecoded = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const value = bytes[at] === 0x25 ? hexDigit(bytes[at + 1]) * 16 + hexDigit(bytes[at + 2]) : Number.NaN;
    const isEscape = !Number.isNaN(value);
    bytes[length++] = isEscape ? value : (bytes[at] ?? 0);
    if (isEscape) at += 2;
  }
  return bytes.subarray(0, length);
};

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
    return { mediaType: type, data: percentDecoded(payload).toString('base64') };
  }
  const data = standardBase64(payload);
  if (data === undefined) throw invalidRequest(`${path}: the data is not valid base64.`, path);
  return { mediaType: type, data };
};

/** Not `/=+$/`, which takes quadratic time on a text of padding signs that ends otherwise. */
const withoutPadding = (text: string): string => {
  let end = text.length;
  while (text[end - 1] === '=') end -= 1;
  return text.slice(0, end);
};

/** Any base64 a client may send (line breaks, URL alphabet, no padding) as the standard form. */
export const standardBase64 = (text: string): string | undefined => {
  if (text.length % 4 === 0 && base64.test(text)) return text;
  const plain = withoutPadding(
    percentDecoded(text).toString().replaceAll(/\s/g, '').replaceAll('-', '+').replaceAll('_', '/'),
  );
  if (!base64.test(plain) || plain.length % 4 === 1) return undefined;
  return plain.padEnd(Math.ceil(plain.length / 4) * 4, '=');
};

/** An image URL as the client gave it, to what can be sent. Throws 400 with `path`. */
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
