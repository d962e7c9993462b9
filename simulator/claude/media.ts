import { isLarger, sizeOf } from '../image-size.ts';
import { type Fields, fieldsOf, textOf } from '../json.ts';
import { refuse } from '../refusal.ts';
import { at, needList, needObject, needOneOf, needString, needTag, onlyKnown } from './fields.ts';
import type { ClaudeRequest } from './request.ts';

export const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'] as const;

/** What the first bytes say a file is. */
export const sniff = (bytes: Buffer): string | undefined => {
  const head = bytes.subarray(0, 12).toString('latin1');
  if (head.startsWith('\x89PNG')) return 'image/png';
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (head.startsWith('GIF8')) return 'image/gif';
  if (head.startsWith('RIFF') && head.slice(8) === 'WEBP') return 'image/webp';
  return head.startsWith('%PDF') ? 'application/pdf' : undefined;
};

export const isBase64 = (text: string): boolean =>
  text !== '' && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);

/** Enough of it to tell the type. */
const headOf = (data: string): Buffer => Buffer.from(data.slice(0, 64), 'base64');

const checkUrl = (source: Fields, path: string): void => {
  onlyKnown(source, ['type', 'url'], path);
  if (!needString(source, 'url', path).startsWith('https://'))
    refuse(`${at(path, 'url')}: Only HTTPS URLs are supported.`);
};

const sourceTags = (request: ClaudeRequest, bedrock: readonly string[]): readonly string[] =>
  request.via === 'api' ? [...bedrock, 'file', 'url'] : bedrock;

const IMAGE_BYTES = 5 * 1024 * 1024;
const SIDE = 8000;
const SIDE_OF_MANY = 2000;

const isWider = (source: Fields, most: number): boolean =>
  isLarger(sizeOf(textOf(source.media_type), textOf(source.data)), most);

/** Where a request has many images. `path`: the image's own. (github.com/anthropics/claude-code/issues/49836) */
export const checkOneOfMany = (block: Fields, path: string): void => {
  const source = fieldsOf(block.source);
  if (source.type !== 'base64' || !isWider(source, SIDE_OF_MANY)) return;
  refuse(
    `${at(path, 'source', 'base64', 'data')}: At least one of the image dimensions exceed max allowed size for many-image requests: ${SIDE_OF_MANY} pixels`,
  );
};

export const checkImage = (block: Fields, path: string, request: ClaudeRequest): void => {
  onlyKnown(block, ['type', 'source', 'cache_control', 'transformations'], path);
  const source = needObject(block.source, at(path, 'source'));
  const type = needTag(source, sourceTags(request, ['base64']), at(path, 'source'));
  if (type === 'url') checkUrl(source, at(path, 'source', 'url'));
  if (type !== 'base64') return;
  const inner = at(path, 'source', 'base64');
  onlyKnown(source, ['type', 'media_type', 'data'], inner);
  const claimed = needOneOf(source.media_type, IMAGE_TYPES, at(inner, 'media_type'));
  const data = needString(source, 'data', inner);
  if (!isBase64(data)) refuse(`${at(inner, 'data')}: invalid base64 data`);
  // The length of the base64 counts. (github.com/anthropics/claude-code/issues/1214, /11181)
  if (data.length > IMAGE_BYTES)
    refuse(`${inner}: image exceeds 5 MB maximum: ${data.length} bytes > ${IMAGE_BYTES} bytes`);
  const found = sniff(headOf(data));
  if (found === undefined || found === 'application/pdf')
    refuse(`${at(inner, 'data')}: Could not process image`);
  if (found !== claimed) {
    refuse(
      `${at(inner, 'data')}: The image was specified using the ${claimed} media type, but the image appears to be a ${found} image`,
    );
  }
  if (isWider(source, SIDE)) {
    refuse(
      `${at(inner, 'data')}: At least one of the image dimensions exceed max allowed size: ${SIDE} pixels`,
    );
  }
};

const documentSources: Record<string, (source: Fields, path: string) => void> = {
  url: checkUrl,
  file: () => {},
  base64: (source, path) => {
    onlyKnown(source, ['type', 'media_type', 'data'], path);
    needOneOf(source.media_type, ['application/pdf'], at(path, 'media_type'));
    const data = needString(source, 'data', path);
    if (!isBase64(data)) refuse(`${at(path, 'data')}: invalid base64 data`);
    if (sniff(headOf(data)) !== 'application/pdf')
      refuse(`${at(path, 'data')}: The PDF specified was not valid.`);
  },
  text: (source, path) => {
    onlyKnown(source, ['type', 'media_type', 'data'], path);
    needOneOf(source.media_type, ['text/plain'], at(path, 'media_type'));
    if (needString(source, 'data', path) === '')
      refuse(`${at(path, 'data')}: document text must be non-empty`);
  },
  content: (source, path) => {
    onlyKnown(source, ['type', 'content'], path);
    if (typeof source.content !== 'string') needList(source.content, at(path, 'content'));
  },
};

export const checkDocument = (block: Fields, path: string, request: ClaudeRequest): void => {
  onlyKnown(block, ['type', 'source', 'title', 'context', 'citations', 'cache_control'], path);
  const source = needObject(block.source, at(path, 'source'));
  const type = needTag(source, sourceTags(request, ['base64', 'content', 'text']), at(path, 'source'));
  documentSources[type]?.(source, at(path, 'source', type));
  if (block.title !== undefined && block.title !== null && textOf(block.title) === '') {
    refuse(`${at(path, 'title')}: String should have at least 1 character`);
  }
};
