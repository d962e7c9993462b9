import { describe, expect, it } from 'vitest';
import type { DocumentPart, ImagePart, Part, Turn } from '../../src/core/chat.ts';
import { checkImage, checkMedia } from '../../src/normalize/limits.ts';
import { refusal, targetOf } from './fit.ts';

const image = (path: string, bytes = 3): ImagePart => ({
  type: 'image',
  source: { mediaType: 'image/png', data: 'A'.repeat((bytes * 4) / 3) },
  path,
});
const pdf = (path: string, bytes = 3): DocumentPart => ({
  type: 'document',
  source: { mediaType: 'application/pdf', data: 'A'.repeat((bytes * 4) / 3) },
  name: 'a',
  path,
});
const user = (...parts: Part[]): Turn => ({ role: 'user', parts });
const many = <T>(count: number, make: (path: string) => T) =>
  Array.from({ length: count }, (_, index) => make(`p${index}`));
const result = (...content: (ImagePart | DocumentPart)[]): Part => ({
  type: 'tool-result',
  id: '1',
  content,
  isError: false,
});

const sonnet = targetOf('claude-4-5-sonnet', 'anthropic');
const opus = targetOf('claude-opus-5-5', 'bedrock');
const nova = targetOf('nova-lite');
const micro = targetOf('nova-micro');

describe('limits on images and documents', () => {
  it.each([
    { name: '100 images on a 200k window', turns: [user(...many(100, image))], target: sonnet },
    { name: '600 on a larger one', turns: [user(...many(600, image))], target: opus },
    {
      name: '20 in each message of Converse',
      turns: [user(...many(20, image)), user(...many(20, image))],
      target: nova,
    },
    { name: 'the largest image of Claude', turns: [user(image('a', 3_932_160))], target: sonnet },
    { name: 'the largest image of Converse', turns: [user(image('a', 3_932_160))], target: nova },
    {
      name: 'a URL, whose size nobody knows yet',
      turns: [user({ type: 'image', source: { url: 'https://x' }, path: 'a' })],
      target: nova,
    },
  ])('$name pass', ({ turns, target }) => {
    expect(() => checkMedia(turns, target)).not.toThrow();
  });

  it.each([
    {
      name: '101 images',
      turns: [user(...many(60, image)), user(result(...many(41, image)))],
      target: sonnet,
      path: 'p40',
    },
    { name: '21 in a message of Converse', turns: [user(...many(21, image))], target: nova, path: 'p20' },
    {
      name: '6 documents in a message of Converse',
      turns: [user(...many(6, pdf))],
      target: nova,
      path: 'p5',
    },
    {
      name: 'an image too large for Converse, in a result',
      turns: [user(result(image('a', 3_932_163)))],
      target: nova,
      path: 'a',
    },
    {
      name: 'an image too large for Claude',
      turns: [user(image('a', 3_932_163))],
      target: sonnet,
      path: 'a',
    },
    {
      name: 'a document too large for Converse',
      turns: [user(pdf('a', 4_718_595))],
      target: nova,
      path: 'a',
    },
    { name: 'an image for a model without eyes', turns: [user(image('a'))], target: micro, path: 'a' },
    { name: 'a document for one that takes none', turns: [user(pdf('a'))], target: micro, path: 'a' },
  ])('$name: a 400 with the path of the part', ({ turns, target, path }) => {
    const error = refusal(() => checkMedia(turns, target));
    expect([error.status, error.param]).toEqual([400, path]);
  });

  it('are named as the endpoint has them, not as Claude does', () => {
    const { quirks } = sonnet.endpoint;
    const endpoint = {
      ...sonnet.endpoint,
      quirks: { ...quirks, media: { ...quirks.media, imageBase64: 2_621_440 } },
    };
    const error = refusal(() => checkMedia([user(image('a', 3_932_160))], { ...sonnet, endpoint }));
    expect(error.message).toContain('at most 2.5 MB (2621440 characters of base64)');
  });

  it('hold for an image that was fetched, too', () => {
    expect(refusal(() => checkImage(image('a', 3_932_163), nova, 1)).param).toBe('a');
    expect(refusal(() => checkImage(image('a', 3_932_163), opus, 1)).param).toBe('a');
    expect(() => checkImage(image('a', 3_932_160), opus, 1)).not.toThrow();
  });
});

it('more images in one result than a call may have arguments are a 400 as well', () => {
  const turn = user({ type: 'tool-result', id: '1', content: many(200_000, image), isError: false });
  expect(refusal(() => checkMedia([turn], sonnet)).param).toBe('p100');
});
