/** Images beyond what the upstream takes are a 400 with the part's path, before anything is sent. Behaviour 3.6. */

import { describe, expect, it } from 'vitest';
import { useHttp, useSimulated } from '../support/fixtures.ts';
import { gifOf, imagePart, jpegOf, pngOf, webpOf } from '../support/images.ts';

/** Answers with the image whose size is in the path: `/9008x20.png`. */
const images = useHttp((request, response) => {
  const [, width, height] = /(\d+)x(\d+)/.exec(request.url ?? '') ?? [];
  response
    .writeHead(200, { 'content-type': 'image/png' })
    .end(Buffer.from(pngOf(Number(width), Number(height)), 'base64'));
});
const { simulator, servers } = useSimulated({
  MAX_RETRIES: '0',
  LOG_LEVEL: 'silent',
  IMAGE_FETCH_ALLOW_HOSTS: '127.0.0.1',
});

const claudes = [
  { upstream: 'anthropic', model: 'claude-4-5-haiku' },
  { upstream: 'bedrock', model: 'claude-4-5-haiku' },
] as const;
const all = [...claudes, { upstream: 'bedrock', model: 'nova-lite' }] as const;

const user = (...content: readonly unknown[]) => ({
  role: 'user',
  content: [{ type: 'text', text: 'See' }, ...content],
});
const loop = (content: readonly unknown[]) => [
  { role: 'user', content: 'Look.' },
  {
    role: 'assistant',
    tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look', arguments: '{}' } }],
  },
  { role: 'tool', tool_call_id: 'call_1', content },
];
const many = (count: number, last: unknown) => [
  ...Array.from({ length: count - 1 }, () => imagePart(pngOf(10, 10))),
  last,
];

const expectRefusal = async (response: Response, param: string, words: RegExp): Promise<void> => {
  expect(response.status).toBe(400);
  const { error } = (await response.json()) as { error: { message: string; param: string; type: string } };
  expect(error).toMatchObject({ param, type: 'invalid_request_error' });
  expect(error.message).toMatch(words);
  expect(simulator.requests).toEqual([]);
};

describe.each(all)('$model by $upstream', ({ upstream, model }) => {
  it.each([
    { type: 'png', data: pngOf(8001, 10) },
    { type: 'gif', data: gifOf(10, 8001) },
    { type: 'jpeg', data: jpegOf(8001, 8001, [65_000, 1000]) },
    { type: 'webp', data: webpOf.extended(8001, 10) },
  ])('refuses a $type of more than 8,000 pixels a side', async ({ type, data }) => {
    const response = await servers[upstream].post({ model, messages: [user(imagePart(data, type))] });
    await expectRefusal(response, 'messages[0].content[1].image_url.url', /8000 pixels/);
  });

  it('refuses one in a tool’s result as well', async () => {
    const response = await servers[upstream].post({ model, messages: loop([imagePart(pngOf(10, 9000))]) });
    await expectRefusal(response, 'messages[2].content[0].image_url.url', /8000 pixels/);
  });

  it('takes what just fits', async () => {
    const response = await servers[upstream].post({ model, messages: [user(imagePart(pngOf(8000, 8000)))] });
    expect(response.status).toBe(200);
  });

  it('takes twenty large ones in a request', async () => {
    const response = await servers[upstream].post({
      model,
      messages: [user(...many(20, imagePart(pngOf(8000, 10))))],
    });
    expect(response.status).toBe(200);
  });

  it('refuses 5.6 million characters of base64', async () => {
    const response = await servers[upstream].post({
      model,
      messages: [user(imagePart(pngOf(10, 10, 4_200_000)))],
    });
    await expectRefusal(response, 'messages[0].content[1].image_url.url', /at most (5 MB|3932160 bytes)/);
  });
});

describe.each(claudes)(
  'Claude by $upstream, with more than 20 images in a request',
  ({ upstream, model }) => {
    it('refuses one of more than 2,000 pixels a side', async () => {
      const response = await servers[upstream].post({
        model,
        messages: [user(...many(21, imagePart(pngOf(2001, 10))))],
      });
      await expectRefusal(response, 'messages[0].content[21].image_url.url', /2000 pixels .* more than 20/);
    });

    it('counts those in results and in other messages too', async () => {
      const messages = [
        ...loop(many(10, imagePart(pngOf(2001, 10)))),
        user(...many(11, imagePart(pngOf(10, 10)))),
      ];
      const response = await servers[upstream].post({ model, messages });
      await expectRefusal(response, 'messages[2].content[9].image_url.url', /2000 pixels/);
    });

    it('takes them at 2,000', async () => {
      const response = await servers[upstream].post({
        model,
        messages: [user(...many(21, imagePart(pngOf(2000, 2000))))],
      });
      expect(response.status).toBe(200);
    });
  },
);

describe('images that the server fetches', () => {
  const at = (size: string) => ({ type: 'image_url', image_url: { url: `${images.url}/${size}.png` } });

  it.each(all)('have the same limits: $model by $upstream', async ({ upstream, model }) => {
    const response = await servers[upstream].post({ model, messages: [user(at('10x10'), at('9008x20'))] });
    await expectRefusal(response, 'messages[0].content[2].image_url.url', /8000 pixels/);
  });

  it('are counted with the others', async () => {
    const response = await servers.bedrock.post({
      model: 'claude-4-5-haiku',
      messages: [user(...many(21, at('2001x20')))],
    });
    await expectRefusal(response, 'messages[0].content[21].image_url.url', /2000 pixels/);
  });
});

describe('a model without eyes', () => {
  const model = 'nova-micro';

  it('refuses the user’s image', async () => {
    const response = await servers.bedrock.post({ model, messages: [user(imagePart(pngOf(10, 10)))] });
    await expectRefusal(response, 'messages[0].content[1].image_url.url', /takes no images/);
  });

  it.each([
    { name: 'image', part: imagePart(pngOf(10, 10)) },
    {
      name: 'document',
      part: { type: 'file', file: { filename: 'a.txt', file_data: 'data:text/plain,Hi' } },
    },
  ])('is told of an $name in a tool’s result by a note, reported', async ({ part }) => {
    const response = await servers.bedrock.post({
      model,
      messages: loop([{ type: 'text', text: 'Here it is.' }, part]),
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-adjusted-params')).toBe('messages');
    expect(JSON.stringify(simulator.requests[0]?.body)).toMatch(/Here it is\..*which this model cannot read/);
  });

  it('is told so even where the call of the result is lost', async () => {
    const response = await servers.bedrock.post({
      model,
      messages: [{ role: 'user', content: 'Hi' }, loop([imagePart(pngOf(10, 10))])[2]],
    });
    expect(response.status).toBe(200);
  });
});
