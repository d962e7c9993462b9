/** Upstream answers that no API gives, and whole ones whose connection ends badly. Behaviour 7.5, 8.4. */

import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { useHttp, useServer } from '../support/fixtures.ts';

let answer: (response: ServerResponse) => void = () => {};
const upstream = useHttp((request, response) => {
  request.resume().on('end', () => answer(response));
});
const server = useServer({
  upstream,
  played: ['anthropic'],
  env: { MAX_RETRIES: '0', IDLE_TIMEOUT_MS: '20000' },
});

const ask = (stream: boolean) =>
  server.post({ model: 'claude-4-5-haiku', stream, messages: [{ role: 'user', content: 'Hi' }] });

const event = (data: { type: string }) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content: [],
  stop_reason: null,
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 },
};
const whole = [
  { type: 'message_start', message },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
  { type: 'message_stop' },
]
  .map(event)
  .join('');

describe('a 200 of no known form is the upstream’s failure, not ours', () => {
  it.each([
    { name: 'blocks that are none', body: { ...message, content: [null, 5] } },
    { name: 'a message without its facts', body: { content: [{ type: 'tool_use' }, null] } },
  ])('plain: $name', async ({ body }) => {
    answer = (response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const response = await ask(false);
    expect(response.status).toBe(502);
    expect(response.headers.get('x-upstream')).toBe('anthropic');
    expect(await response.json()).toMatchObject({ error: { type: 'server_error', code: 'upstream_error' } });
  });

  it.each([
    { name: 'a start without a message', text: event({ type: 'message_start' }) },
    {
      name: 'a delta without a delta',
      text: `${whole.slice(0, whole.indexOf('event: content_block_delta'))}${event({ type: 'content_block_delta', index: 0 } as never)}`,
    },
  ])('streaming: $name', async ({ text }) => {
    answer = (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text);
    const response = await ask(true);
    const body = await response.text();
    expect(body).toContain('"code":"upstream_error"');
    expect(body).not.toContain('[DONE]');
  });
});

describe('an answer that is whole stays whole', () => {
  it.each<{ name: string; after: (response: ServerResponse) => void }>([
    { name: 'is reset', after: (response) => response.socket?.resetAndDestroy() },
    { name: 'ends without its last chunk', after: (response) => response.socket?.end() },
    { name: 'goes on with garbage', after: (response) => response.end('data: {"garb\n\n') },
    {
      name: 'goes on with an error',
      after: (response) =>
        response.end(event({ type: 'error', error: { type: 'api_error', message: 'x' } } as never)),
    },
    { name: 'stays open', after: () => {} },
    {
      name: 'goes on with pings',
      after: (response) => {
        const pings = setInterval(() => response.write(event({ type: 'ping' })), 100);
        response.once('close', () => clearInterval(pings));
      },
    },
  ])('when its connection $name', async ({ after }) => {
    answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(whole, () => setTimeout(after, 20, response));
    };
    const text = await (await ask(true)).text();
    expect(text).toContain('"content":"Hello"');
    expect(text).toContain('"finish_reason":"stop"');
    expect(text).not.toContain('"error"');
    expect(text).toMatch(/data: \[DONE\]\n\n$/);
  });
});
