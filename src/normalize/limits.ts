/** Limits on images and documents, checked before anything is sent, with the part's path. BEHAVIOUR 3.6, 3.7. */

import type { Target } from '../catalogue.ts';
import type { DocumentPart, ImagePart, Turn } from '../chat.ts';
import { invalidRequest } from '../errors.ts';

/** Converse, per message: counts, and bytes of one. */
const converse = { images: 20, imageBytes: 3_932_160, documents: 5, documentBytes: 4_718_592 };

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

/** The bytes of one image or document. Also for images that were fetched. */
export const checkSize = (part: Media, { upstream }: Target): void => {
  if (upstream !== 'bedrock-converse') return;
  const most = part.type === 'image' ? converse.imageBytes : converse.documentBytes;
  const size = bytesOf(part);
  if (size <= most) return;
  throw invalidRequest(
    `${part.path}: this model takes ${part.type}s of at most ${most} bytes; this one has ${size}.`,
    part.path,
  );
};

/** Throws 400 naming the first part that is too much or not taken at all. */
export const checkMedia = (turns: readonly Turn[], target: Target): void => {
  const { model, upstream } = target;
  const media = mediaOf(turns);
  if (media.length === 0) return;
  for (const part of media) {
    const taken = part.type === 'image' ? model.vision : model.documents;
    if (!taken)
      throw invalidRequest(`${part.path}: the model '${model.id}' takes no ${part.type}s.`, part.path);
    checkSize(part, target);
  }
  const images = media.filter((part) => part.type === 'image');
  if (upstream !== 'bedrock-converse') {
    checkCount(images, model.maxImages, 'images in a request');
    return;
  }
  for (const turn of turns) {
    const inTurn = mediaOf([turn]);
    checkCount(
      inTurn.filter((part) => part.type === 'image'),
      converse.images,
      'images in a message',
    );
    checkCount(
      inTurn.filter((part) => part.type === 'document'),
      converse.documents,
      'documents in a message',
    );
  }
};
