/** Images that the client refers to by URL, fetched for upstreams that take none, or not these. */

import type { Cancellation } from '../core/cancellation.ts';
import type { ImagePart, Part, Prompt, Turn } from '../core/chat.ts';
import type { Target } from '../models/catalogue.ts';
import { checkImage, countImages } from '../normalize/limits.ts';
import type { ImageFetcher } from './image-fetcher.ts';

/** Some upstreams fetch by themselves, but only what is at an https URL. */
const isTaken = (url: string, { endpoint }: Target): boolean =>
  endpoint.quirks.imageUrls && /^https:/i.test(url);

const needsFetching = (part: Part, target: Target): boolean =>
  part.type === 'tool-result'
    ? part.content.some((each) => needsFetching(each, target))
    : part.type === 'image' && 'url' in part.source && !isTaken(part.source.url, target);

export const hasImagesToFetch = ({ turns }: Prompt, target: Target): boolean =>
  turns.some(({ parts }) => parts.some((part) => needsFetching(part, target)));

/** All images of a prompt at once. Rejects with the fetcher's 400, or with the cancellation's reason. */
export const fetchImages = async (
  prompt: Prompt,
  target: Target,
  images: ImageFetcher,
  cancellation: Cancellation,
): Promise<Prompt> => {
  const isMissing = (part: Part) => needsFetching(part, target);
  const { signal } = cancellation;
  const count = countImages(prompt.turns);

  const fetchImage = async (part: ImagePart): Promise<ImagePart> => {
    if (!('url' in part.source) || !isMissing(part)) return part;
    const fetched = { ...part, source: await images.fetch(part.source.url, part.path, signal) };
    checkImage(fetched, target, count);
    return fetched;
  };
  const fetchPart = async (part: Part): Promise<Part> => {
    if (part.type === 'image') return fetchImage(part);
    if (part.type !== 'tool-result' || !isMissing(part)) return part;
    const content = await Promise.all(
      part.content.map((each) => (each.type === 'image' ? fetchImage(each) : each)),
    );
    return { ...part, content };
  };
  const fetchTurn = async (turn: Turn): Promise<Turn> => ({
    ...turn,
    parts: await Promise.all(turn.parts.map(fetchPart)),
  });
  return { ...prompt, turns: await Promise.all(prompt.turns.map(fetchTurn)) };
};
