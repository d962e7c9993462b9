/**
 * A stream that fails in the middle: an error frame for clients that know it, and a connection that closes without
 * the end of an answer for those that do not. Behaviour 7.5.
 */

import { connect } from 'node:net';
import { APIError } from 'openai';
import { describe, expect, it } from 'vitest';
import { useServer, useSimulator } from '../support/fixtures.ts';
import { testKey } from '../support/server.ts';
import { until } from '../support/until.ts';

const simulator = useSimulator({ isFresh: true });
const server = useServer({ upstream: simulator, env: { CLAUDE_UPSTREAMS: 'anthropic' }, isFresh: true });

const models = ['claude-4-5-haiku', 'nova-lite'] as const;
const failInTheMiddle = () => simulator.inject({ kind: 'end-early', afterEvents: 5 });

const message = (model: string, { version = '1.1', connection = 'keep-alive', stream = true } = {}) => {
  const payload = JSON.stringify({
    model,
    stream,
    messages: [{ role: 'user', content: '[[length 200]]' }],
  });
  return [
    `POST /v1/chat/completions HTTP/${version}`,
    'host: x',
    `authorization: Bearer ${testKey}`,
    'content-type: application/json',
    `content-length: ${payload.length}`,
    `connection: ${connection}`,
    '',
    payload,
  ].join('\r\n');
};

/** Sends on one connection and reads it to its end; how it ended. The client's side stays open if told so. */
const talk = (bytes: string, options: { readonly allowHalfOpen?: boolean } = {}) => {
  const seen = { text: '', hasEnded: false, error: undefined as Error | undefined, isClosed: false };
  const target = { port: Number(new URL(server.url).port), host: '127.0.0.1', ...options };
  const socket = connect(target, () => socket.write(bytes));
  socket.setEncoding('utf8');
  socket.on('data', (piece: string) => {
    seen.text += piece;
  });
  socket.on('end', () => {
    seen.hasEnded = true;
  });
  socket.on('error', (error) => {
    seen.error = error;
  });
  socket.on('close', () => {
    seen.isClosed = true;
  });
  return { seen, socket };
};

describe.each(models)('a stream of %s that fails in the middle', (model) => {
  it.each(['keep-alive', 'close'])(
    'ends in order behind its last frame, connection: %s',
    async (connection) => {
      failInTheMiddle();
      const { seen } = talk(message(model, { connection }));
      await until(() => seen.isClosed, 'the connection ends');
      expect(seen.error).toBeUndefined();
      expect(seen.hasEnded).toBe(true);
      expect(seen.text).toMatch(/data: \{"error":\{.*\}\}\n\n\r\n$/);
      expect(seen.text).not.toContain('\r\n0\r\n\r\n');
      await until(() => server.logs.some(({ ended }) => ended === 'failed'), 'the log line');
    },
  );

  it('ends with its frame for a client of HTTP/1.0, where every answer ends with the connection', async () => {
    failInTheMiddle();
    const { seen } = talk(message(model, { version: '1.0', connection: 'close' }));
    await until(() => seen.isClosed, 'the connection ends');
    expect(seen.error).toBeUndefined();
    expect(seen.text).toMatch(/data: \{"error":\{.*\}\}\n\n$/);
    expect(seen.text).not.toContain('[DONE]');
  });

  it('is raised by the official client, with what the frame says', async () => {
    failInTheMiddle();
    const stream = await server.client.chat.completions.create({
      model,
      stream: true,
      messages: [{ role: 'user', content: '[[length 200]]' }],
    });
    let text = '';
    const read = async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    };
    const error = await read().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ code: 'upstream_error', type: 'server_error' });
    expect(text).not.toBe('');
  });

  it('fails for a client that knows nothing of the frame', async () => {
    failInTheMiddle();
    const response = await server.post({
      model,
      stream: true,
      messages: [{ role: 'user', content: '[[length 200]]' }],
    });
    await expect(response.text()).rejects.toThrow('terminated');
  });
});

describe('a connection whose stream has failed', () => {
  it('is not held by a client that does not close its side', async () => {
    failInTheMiddle();
    const { seen, socket } = talk(message('claude-4-5-haiku'), { allowHalfOpen: true });
    await until(() => seen.hasEnded, 'the server ends its side');
    await until(() => server.logs.some(({ ended }) => ended === 'failed'), 'the server lets go of it');
    socket.destroy();
  });

  it('gives the frame to the second of two requests sent at once, after the first answer', async () => {
    simulator.inject({ kind: 'delay', ms: 60, upstream: 'anthropic' });
    simulator.inject({ kind: 'end-early', afterEvents: 5, upstream: 'bedrock' });
    const { seen } = talk(message('claude-4-5-haiku', { stream: false }) + message('nova-lite'));
    await until(() => seen.isClosed, 'the connection ends');
    expect(seen.error).toBeUndefined();
    expect(seen.text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
    expect(seen.text).toMatch(/data: \{"error":\{.*\}\}\n\n\r\n$/);
  });
});
