/** Limits on images and documents, checked before anything is sent, with the part's path. Behaviour 3.6, 3.7. */

import type { Bytes, DocumentPart, ImagePart, Turn } from '../core/chat.ts';
import { invalidRequest } from '../core/errors.ts';
import { imageDimensions } from '../media/image-header.ts';
import type { Target } from '../models/catalogue.ts';

/** Converse, per message: counts, and bytes of one; pixels a side. */
const converse = {
  ...{ images: 20, imageBytes: 3_932_160, imageSide: 8000 },
  ...{ documents: 5, documentBytes: 4_718_592 },
};

/**
 * Claude, at both its upstreams: characters of base64, and pixels a side, fewer of them where a request has many
 * images. (github.com/anthropics/claude-code/issues/1214, /11181, /49836)
 */
const claude = { imageBase64: 5 * 1024 * 1024, imageSide: 8000, manyImages: 20, imageSideOfMany: 2000 };

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

/** The bytes and pixels of one image. Also for images that were fetched. `count`: images in the whole request. */
export const checkImage = (image: ImagePart, { upstream }: Target, count: number): void => {
  const { source, path } = image;
  if ('url' in source) return;
  if (upstream === 'bedrock-converse') {
    checkBytes(image, converse.imageBytes);
    checkSide(image, source, converse.imageSide, '');
    return;
  }
  const { length } = source.data;
  if (length > claude.imageBase64) {
    throw invalidRequest(
      `${path}: this model takes images of at most 5 MB (${claude.imageBase64} characters of base64); this one has ${length}. Scale it down.`,
      path,
    );
  }
  if (count > claude.manyImages)
    checkSide(image, source, claude.imageSideOfMany, ` where a request has more than ${claude.manyImages}`);
  else checkSide(image, source, claude.imageSide, '');
};

const isImage = (part: Media): part is ImagePart => part.type === 'image';

/** In tool results too. */
export const countImages = (turns: readonly Turn[]): number => mediaOf(turns).filter(isImage).length;

/** Throws 400 naming the first part that is too much or not taken at all. */
export const checkMedia = (turns: readonly Turn[], target: Target): void => {
  const { model, upstream } = target;
  const media = mediaOf(turns);
  if (media.length === 0) return;
  const images = media.filter(isImage);
  for (const part of media) {
    const taken = part.type === 'image' ? model.vision : model.documents;
    if (!taken)
      throw invalidRequest(`${part.path}: the model '${model.id}' takes no ${part.type}s.`, part.path);
    if (isImage(part)) checkImage(part, target, images.length);
    else if (upstream === 'bedrock-converse') checkBytes(part, converse.documentBytes);
  }
  if (upstream !== 'bedrock-converse') {
    checkCount(images, model.maxImages, 'images in a request');
    return;
  }
  for (const turn of turns) {
    const inTurn = mediaOf([turn]);
    checkCount(inTurn.filter(isImage), converse.images, 'images in a message');
    checkCount(
      inTurn.filter((part) => part.type === 'document'),
      converse.documents,
      'documents in a message',
    );
  }
};
