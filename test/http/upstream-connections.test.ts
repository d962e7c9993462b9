/** How many connections the server opens to an upstream. Behaviour 8.7, 8.10. */

import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listen } from '../support/listen.ts';
import { startServer, type TestServer, testKey } from '../support/server.ts';
import { until } from '../support/until.ts';

/** An upstream that holds each request until the test answers it. */
let upstream: Server;
let server: TestServer;
const sockets = new Set<Socket>();
const unanswered = new Set<ServerResponse>();
let opened: number;

beforeEach(async () => {
  opened = 0;
  upstream = createServer((request, response) => {
    request.resume();
    unanswered.add(response);
    response.on('close', () => unanswered.delete(response));
  });
  upstream.on('connection', (socket) => {
    opened += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const { url } = await listen(upstream);
  server = await startServer({ anthropicUrl: url, bedrockUrl: url, env: { MAX_RETRIES: '0' } });
});
afterEach(async () => {
  await server.close();
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
});

const models = { anthropic: 'claude-4-5-haiku', 'bedrock-converse': 'nova-lite' } as const;
type Upstream = keyof typeof models;

const ask = (model: string, stream: boolean) => {
  const hangUp = new AbortController();
  const response = fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hi' }] }),
    signal: hangUp.signal,
  });
  response.catch(() => undefined);
  return { response, hangUp: () => hangUp.abort() };
};

/** Answers all that is asked, with a refusal: it needs no upstream's wire. */
const refuseAll = () => {
  for (const response of unanswered) {
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end('{"type":"error","error":{"type":"invalid_request_error","message":"No."}}');
  }
};

describe.each(Object.keys(models) as Upstream[])('connections to %s', (name) => {
  const clients = 60;

  it.each([true, false])(
    'that are given up because clients leave are not replaced before there is a request for them, stream: %s',
    async (stream) => {
      const asked = Array.from({ length: clients }, () => ask(models[name], stream));
      await until(() => unanswered.size === clients, 'all are asked', 5000);
      expect(opened).toBe(clients);
      for (const { hangUp } of asked) hangUp();
      await until(() => sockets.size === 0, 'all connections are closed', 5000);
      const next = ask(models[name], stream);
      await until(() => unanswered.size === 1, 'the next request is asked');
      expect(opened).toBe(clients + 1);
      refuseAll();
      expect((await next.response).status).toBe(400);
    },
  );

  it('are used again after an answer', async () => {
    for (let run = 0; run < 3; run++) {
      const { response } = ask(models[name], true);
      await until(() => unanswered.size === 1, 'the upstream is asked');
      refuseAll();
      expect((await response).status).toBe(400);
      await (await response).text();
    }
    expect(opened).toBe(1);
  });

  it('that an upstream closes while nobody uses them are not opened again by themselves', async () => {
    const first = ask(models[name], true);
    await until(() => unanswered.size === 1, 'the upstream is asked');
    refuseAll();
    await (await first.response).text();
    upstream.closeIdleConnections();
    await until(() => sockets.size === 0, 'it is closed');
    const second = ask(models[name], true);
    await until(() => unanswered.size === 1, 'the upstream is asked again');
    expect(opened).toBe(2);
    refuseAll();
    expect((await second.response).status).toBe(400);
  });
});
