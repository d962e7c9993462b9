import { describe, expect, it } from 'vitest';
import { parseDataUri, readImage, standardBase64 } from '../../src/media/data-uri.ts';
import { sniffImage } from '../../src/media/image-header.ts';
import { normalized, refusal } from '../normalize/fit.ts';
import { pixel as png } from '../support/images.ts';

const base64 = (bytes: string) => Buffer.from(bytes, 'latin1').toString('base64');
const jpeg = base64('\xff\xd8\xff\xe0\x00\x10JFIF');
const gif = base64('GIF89a\x01\x00\x01\x00');
const webp = base64('RIFF\x10\x00\x00\x00WEBPVP8 ');
const urlAlphabet = jpeg.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

// Behaviour 3.6
describe('an image as a data URI of any legal form', () => {
  it.each([
    { name: 'as usual', url: `data:image/png;base64,${png}`, mediaType: 'image/png', data: png },
    {
      name: 'image/jpg is image/jpeg',
      url: `data:image/jpg;base64,${jpeg}`,
      mediaType: 'image/jpeg',
      data: jpeg,
    },
    { name: 'gif', url: `data:image/gif;base64,${gif}`, mediaType: 'image/gif', data: gif },
    { name: 'webp', url: `data:image/webp;base64,${webp}`, mediaType: 'image/webp', data: webp },
    {
      name: 'the bytes decide, a wrong label is corrected',
      url: `data:image/png;base64,${jpeg}`,
      mediaType: 'image/jpeg',
      data: jpeg,
    },
    {
      name: 'a label that is no image at all',
      url: `data:application/octet-stream;base64,${png}`,
      mediaType: 'image/png',
      data: png,
    },
    { name: 'no media type', url: `data:;base64,${png}`, mediaType: 'image/png', data: png },
    {
      name: 'more attributes',
      url: `data:image/png;charset=utf-8;base64,${png}`,
      mediaType: 'image/png',
      data: png,
    },
    { name: 'upper case', url: `DATA:IMAGE/PNG;BASE64,${png}`, mediaType: 'image/png', data: png },
    {
      name: 'line breaks in the data',
      url: `data:image/png;base64,${png.replace(/(.{20})/g, '$1\r\n')}`,
      mediaType: 'image/png',
      data: png,
    },
    {
      name: 'percent-encoded base64',
      url: `data:image/png;base64,${encodeURIComponent(png)}`,
      mediaType: 'image/png',
      data: png,
    },
    {
      name: 'percent-encoded line breaks',
      url: `data:image/png;base64,${png.slice(0, 40)}%0A${png.slice(40)}`,
      mediaType: 'image/png',
      data: png,
    },
    {
      name: 'the URL alphabet without padding',
      url: `data:image/jpeg;base64,${urlAlphabet}`,
      mediaType: 'image/jpeg',
      data: jpeg,
    },
    {
      name: 'percent-encoded bytes instead of base64',
      url: 'data:image/gif,GIF89a%01%00%01%00',
      mediaType: 'image/gif',
      data: gif,
    },
  ])('$name', ({ url, mediaType, data }) => {
    expect(readImage(url, 'p')).toEqual({ mediaType, data });
  });

  it.each([
    { name: 'http', url: 'http://example.org/a.png' },
    { name: 'https', url: 'https://example.org/a.png?x=1' },
  ])('$name URLs go through for the upstream or the fetch to decide', ({ url }) => {
    expect(readImage(url, 'p')).toEqual({ url });
  });
});

describe('what is no image is a 400 with the path of the part', () => {
  it.each([
    { name: 'text as an image', url: `data:image/png;base64,${base64('hello world')}` },
    { name: 'svg', url: `data:image/svg+xml;base64,${base64('<svg xmlns="x"/>')}` },
    { name: 'an empty data URI', url: 'data:image/png;base64,' },
    { name: 'a data URI without data', url: 'data:image/png;base64' },
    { name: 'broken base64', url: 'data:image/png;base64,@@@@' },
    { name: 'a file URL', url: 'file:///etc/passwd' },
    { name: 'a bare name', url: 'cat.png' },
    { name: 'an https URL that is none', url: 'https://' },
  ])('$name', ({ url }) => {
    const messages = [
      { role: 'user', content: 'first' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'x' },
          { type: 'image_url', image_url: { url } },
        ],
      },
    ];
    const error = refusal(() => normalized({ messages }));
    expect(error).toMatchObject({ status: 400, param: 'messages[1].content[1].image_url.url' });
    expect(error.message).not.toContain(url);
  });
});

describe('where images may stand', () => {
  const part = { type: 'image_url', image_url: { url: `data:image/png;base64,${png}`, detail: 'low' } };
  const source = { mediaType: 'image/png', data: png };

  it('in a user message, in order with the text', () => {
    const { prompt } = normalized({
      messages: [{ role: 'user', content: [part, { type: 'text', text: 'What?' }] }],
    });
    expect(prompt.turns[0]?.parts).toMatchObject([
      { type: 'image', source, path: 'messages[0].content[0].image_url.url' },
      { type: 'text', text: 'What?' },
    ]);
  });

  it('in a tool result, where they stay', () => {
    const { prompt } = normalized({
      messages: [
        { role: 'user', content: 'Hi' },
        {
          role: 'assistant',
          tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'a', content: [part] },
      ],
    });
    expect(prompt.turns[2]?.parts).toMatchObject([
      { type: 'tool-result', id: 'a', content: [{ type: 'image', source }] },
    ]);
  });

  it('as a bare string, as some clients write it', () => {
    const { prompt } = normalized({
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: part.image_url.url }] }],
    });
    expect(prompt.turns[0]?.parts).toMatchObject([{ type: 'image', source }]);
  });
});

describe('reading base64', () => {
  it('does not stall on a client that sends a million padding signs', () => {
    const start = performance.now();
    expect(standardBase64(`${'='.repeat(1_000_000)}A`)).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it('does not stall on a client that escapes every one of millions of characters', () => {
    const start = performance.now();
    expect(standardBase64('%41'.repeat(4_000_000))).toBe('A'.repeat(4_000_000));
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it('leaves alone what only looks like an escape', () => {
    const text = Buffer.from('50%, %zz, %4').toString('base64');
    expect(parseDataUri('data:text/plain,50%, %zz, %4', 'p')).toEqual({
      mediaType: 'text/plain',
      data: text,
    });
  });

  it('knows images by their first bytes only', () => {
    expect(sniffImage(Buffer.from('\x89PNG\r\n', 'latin1'))).toBeUndefined();
    expect(sniffImage(Buffer.alloc(0))).toBeUndefined();
  });
});
