/** How long an upstream is waited for: plain calls and streams have bounds of their own. Behaviour 8.6, 11.1. */

import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import { readUntilCut } from '../support/cut.ts';
import { expectError } from '../support/errors.ts';
import { listen } from '../support/listen.ts';
import { startServer } from '../support/server.ts';
import { today } from '../support/today.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const simulate = async (delayMs = 0): Promise<Simulator> => {
  const simulator = await startSimulator({ now: () => today, delayMs });
  open.push(simulator);
  return simulator;
};
const serve = async (env: Record<string, string>, urls: { anthropicUrl?: string; bedrockUrl?: string }) => {
  const server = await startServer({ ...urls, env: { MAX_RETRIES: '0', ...env } });
  open.push(server);
  return server;
};

/** Anthropic's API, which begins an answer and then says `ping` for ever. */
const pingForEver = async (): Promise<string> => {
  const event = (name: string, data: object) =>
    `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;
  const upstream: Server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(
      event('message_start', {
        message: {
          id: 'msg_01',
          type: 'message',
          role: 'assistant',
          model: 'm',
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: 1, output_tokens: 1 },
        },
      }),
    );
    const pings = setInterval(() => response.write(event('ping', {})), 10);
    response.on('close', () => clearInterval(pings));
  });
  const { url, close } = await listen(upstream);
  open.push({ close });
  return url;
};

const models = ['claude-4-5-haiku', 'nova-lite'] as const;
const body = (model: string, more: object = {}) => ({
  model,
  messages: [{ role: 'user', content: '[[length 60]]' }],
  ...more,
});

describe.each(models)('a long answer of %s', (model) => {
  const start = async () => {
    const { anthropicUrl, bedrockUrl } = await simulate(5);
    return serve({ TOTAL_TIMEOUT_MS: '100' }, model === 'nova-lite' ? { bedrockUrl } : { anthropicUrl });
  };

  it('is streamed to its end, past the time that a plain call has', async () => {
    const startedAt = performance.now();
    const { text, isCut } = await readUntilCut(await (await start()).post(body(model, { stream: true })));
    expect(performance.now() - startedAt).toBeGreaterThan(100);
    expect(isCut).toBe(false);
    expect(text).toMatch(/data: \[DONE\]\n\n$/);
    expect(text).not.toContain('"error"');
  });
});

describe('a plain answer', () => {
  it('that the upstream is asked for as a stream has the time of a stream', async () => {
    const { anthropicUrl } = await simulate(5);
    const server = await serve({ TOTAL_TIMEOUT_MS: '100' }, { anthropicUrl });
    const response = await server.post(body('claude-4-5-haiku', { max_tokens: 21_334 }));
    expect(response.status).toBe(200);
  });

  it('that is silent for longer than a plain call may take still finds its client connected', async () => {
    const simulator = await simulate();
    simulator.inject({ kind: 'stall', afterEvents: 0, ms: 1300 });
    const server = await serve({ TOTAL_TIMEOUT_MS: '50' }, { anthropicUrl: simulator.anthropicUrl });
    const response = await server.post(body('claude-4-5-haiku', { max_tokens: 21_334 }));
    expect(response.status).toBe(200);
  });

  it('is given up when the time of a plain call is over', async () => {
    const simulator = await simulate();
    simulator.inject({ kind: 'hang' });
    const server = await serve({ TOTAL_TIMEOUT_MS: '60' }, { anthropicUrl: simulator.anthropicUrl });
    const response = await server.post(body('claude-4-5-haiku'));
    expect(response.status).toBe(504);
    expect(expectError(await response.text(), response.headers).message).toContain('(60 ms)');
  });
});

describe('a stream', () => {
  it('of nothing but pings is ended when its time is over', async () => {
    const server = await serve({ STREAM_TIMEOUT_MS: '150' }, { anthropicUrl: await pingForEver() });
    const { text } = await readUntilCut(await server.post(body('claude-4-5-haiku', { stream: true })));
    expect(text).toMatch(/data: \{"error":\{"message":"[^"]*\(150 ms\)/);
    expect(text).not.toContain('[DONE]');
  });
});
