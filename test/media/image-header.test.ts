import { describe, expect, it } from 'vitest';
import { imageDimensions } from '../../src/media/image-header.ts';
import { gifOf, jpegOf, pngOf, webpOf } from '../support/images.ts';

const [width, height] = [9008, 20] as const;

describe('the pixels of an image by its own header', () => {
  it.each([
    { name: 'PNG', type: 'png', data: pngOf(width, height) },
    { name: 'GIF', type: 'gif', data: gifOf(width, height) },
    { name: 'JPEG', type: 'jpeg', data: jpegOf(width, height) },
    {
      name: 'JPEG behind much metadata',
      type: 'jpeg',
      data: jpegOf(width, height, [65_000, 65_001, 65_002]),
    },
    { name: 'JPEG without any', type: 'jpeg', data: jpegOf(width, height, []) },
    { name: 'lossy WebP', type: 'webp', data: webpOf.lossy(width, height) },
    { name: 'lossless WebP', type: 'webp', data: webpOf.lossless(width, height) },
    { name: 'extended WebP', type: 'webp', data: webpOf.extended(width, height) },
  ])('$name', ({ type, data }) => {
    expect(imageDimensions(`image/${type}`, data)).toEqual({ width, height });
  });

  it.each([
    { name: 'a real PNG', type: 'png', data: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk' },
    { name: 'a real GIF', type: 'gif', data: 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7' },
    { name: 'a real WebP', type: 'webp', data: 'UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA' },
  ])('$name of one pixel', ({ type, data }) => {
    expect(imageDimensions(`image/${type}`, data)).toEqual({ width: 1, height: 1 });
  });

  const hostile = [
    { name: 'cut off', cut: 12 },
    { name: 'nothing but its signature', cut: 8 },
    { name: 'empty', cut: 0 },
  ].flatMap(({ name, cut }) => [
    { name: `PNG, ${name}`, type: 'png', data: pngOf(1, 1).slice(0, cut) },
    { name: `JPEG, ${name}`, type: 'jpeg', data: jpegOf(1, 1).slice(0, cut) },
    { name: `GIF, ${name}`, type: 'gif', data: gifOf(1, 1).slice(0, cut) },
    { name: `WebP, ${name}`, type: 'webp', data: webpOf.extended(1, 1).slice(0, cut) },
  ]);
  it.each([
    ...hostile,
    {
      name: 'JPEG of fill bytes alone',
      type: 'jpeg',
      data: Buffer.alloc(3_000_000, 0xff).toString('base64'),
    },
    {
      name: 'JPEG of empty segments',
      type: 'jpeg',
      data: Buffer.from(`ffd8${'ffe00000'.repeat(500_000)}`, 'hex').toString('base64'),
    },
    { name: 'JPEG whose data begins before its frame', type: 'jpeg', data: '/9j/2gAMAwEAAhEDEQA/ABEi' },
    {
      name: 'WebP of a form of tomorrow',
      type: 'webp',
      data: btoa(`RIFF\0\0\0\0WEBPVP9X${'\0'.repeat(20)}`),
    },
    { name: 'an image of no known type', type: 'bmp', data: 'Qk0=' },
  ])('$name: not known', ({ type, data }) => {
    const begun = performance.now();
    expect(imageDimensions(`image/${type}`, data)).toBeUndefined();
    expect(performance.now() - begun).toBeLessThan(200);
  });
});
