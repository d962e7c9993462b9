/** Limits on images and documents, checked before anything is sent, with the part's path. Behaviour 3.6, 3.7. */

import type { Bytes, DocumentPart, ImagePart, Turn } from '../core/chat.ts';
import { invalidRequest } from '../core/errors.ts';
import { imageDimensions } from '../media/image-header.ts';
import type { Target } from '../models/catalogue.ts';
import type { MediaLimits } from '../models/model.ts';

type Media = ImagePart | DocumentPart;

const mediaOf = (turns: readonly Turn[]): readonly Media[] => {
  const media: Media[] = [];
  for (const { parts } of turns) {
    for (const part of parts) {
      if (part.type === 'image' || part.type === 'document') media.push(part);
      else if (part.type === 'tool-result')
        for (const inner of part.content) if (inner.type !== 'text') media.push(inner);
    }
  }
  return media;
};

const bytesOf = ({ source }: Media): number => {
  if ('url' in source) return 0;
  return 'text' in source ? Buffer.byteLength(source.text) : Math.floor((source.data.length * 3) / 4);
};

const checkCount = (media: readonly Media[], most: number, what: string): void => {
  const first = media[most];
  if (first === undefined) return;
  throw invalidRequest(
    `${first.path}: this model takes at most ${most} ${what}; there are ${media.length}.`,
    first.path,
  );
};

const checkBytes = (part: Media, most: number): void => {
  const size = bytesOf(part);
  if (size <= most) return;
  throw invalidRequest(
    `${part.path}: this model takes ${part.type}s of at most ${most} bytes; this one has ${size}.`,
    part.path,
  );
};

const checkSide = (image: ImagePart, source: Bytes, most: number, where: string): void => {
  const found = imageDimensions(source.mediaType, source.data);
  if (found === undefined || Math.max(found.width, found.height) <= most) return;
  throw invalidRequest(
    `${image.path}: this model takes images of at most ${most} pixels a side${where}; this one has ${found.width} x ${found.height}. Scale it down.`,
    image.path,
  );
};

const inMegabytes = (bytes: number): string => String(Number((bytes / 1024 / 1024).toFixed(2)));

const checkBase64 = ({ path }: ImagePart, { data: { length } }: Bytes, most: number): void => {
  if (length <= most) return;
  throw invalidRequest(
    `${path}: this model takes images of at most ${inMegabytes(most)} MB (${most} characters of base64); this one has ${length}. Scale it down.`,
    path,
  );
};

/** The bytes and pixels of one image. Also for images that were fetched. `count`: images in the whole request. */
export const checkImage = (image: ImagePart, { endpoint }: Target, count: number): void => {
  const { source } = image;
  if ('url' in source) return;
  const { imageBytes, imageBase64, imageSide, manyImages } = endpoint.quirks.media;
  if (imageBytes !== undefined) checkBytes(image, imageBytes);
  if (imageBase64 !== undefined) checkBase64(image, source, imageBase64);
  if (manyImages !== undefined && count > manyImages.above)
    checkSide(image, source, manyImages.side, ` where a request has more than ${manyImages.above}`);
  else checkSide(image, source, imageSide, '');
};

const isImage = (part: Media): part is ImagePart => part.type === 'image';

/** In tool results too. */
export const countImages = (turns: readonly Turn[]): number => mediaOf(turns).filter(isImage).length;

const countIn = (
  media: readonly Media[],
  { images, documents = Number.POSITIVE_INFINITY, per }: MediaLimits,
): void => {
  checkCount(media.filter(isImage), images, `images in a ${per}`);
  checkCount(
    media.filter((part) => part.type === 'document'),
    documents,
    `documents in a ${per}`,
  );
};

/** Throws 400 naming the first part that is too much or not taken at all. */
export const checkMedia = (turns: readonly Turn[], target: Target): void => {
  const { model, endpoint } = target;
  const limits = endpoint.quirks.media;
  const media = mediaOf(turns);
  if (media.length === 0) return;
  const images = media.filter(isImage);
  for (const part of media) {
    const taken = part.type === 'image' ? model.vision : model.documents;
    if (!taken)
      throw invalidRequest(`${part.path}: the model '${model.id}' takes no ${part.type}s.`, part.path);
    if (isImage(part)) checkImage(part, target, images.length);
    else if (limits.documentBytes !== undefined) checkBytes(part, limits.documentBytes);
  }
  if (limits.per === 'request') countIn(media, limits);
  else for (const turn of turns) countIn(mediaOf([turn]), limits);
};
