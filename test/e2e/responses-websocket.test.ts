/** The Responses API over a WebSocket, and what else is done with offers of an upgrade. Behaviour 12.9. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { useServer, useSimulator } from '../support/fixtures.ts';
import { checkEvents, type ResponseEvent } from '../support/response-events.ts';
import { testKey } from '../support/server.ts';
import { until } from '../support/until.ts';

const simulator = useSimulator();
const server = useServer({ upstream: simulator, env: { MAX_CONCURRENT_REQUESTS: '6' }, isFresh: true });

const model = 'claude-haiku-4-5';

interface ErrorEvent {
  readonly type: 'error';
  readonly status: number;
  readonly error: { readonly code: string; readonly message: string; readonly param: string };
}

const open = async (key = testKey) => {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/responses`, {
    headers: { authorization: `Bearer ${key}` },
  });
  onTestFinished(() => socket.terminate());
  const received: unknown[] = [];
  let wake = () => {};
  socket.on('message', (data) => {
    received.push(JSON.parse(String(data)));
    wake();
  });
  await once(socket, 'open');

  const next = async (): Promise<ResponseEvent | ErrorEvent> => {
    while (received.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return received.shift() as ResponseEvent | ErrorEvent;
  };
  /** The events of the response whose turn it is, checked. */
  const response = async () => {
    const events: ResponseEvent[] = [];
    for (;;) {
      const event = await next();
      if ('status' in event) throw new Error(JSON.stringify(event));
      events.push(event as ResponseEvent);
      if (/^response\.(?:completed|incomplete|failed)$/.test(event.type)) return checkEvents(events).response;
    }
  };
  const create = (body: object) => socket.send(JSON.stringify({ type: 'response.create', model, ...body }));
  return { socket, next, response, create };
};

const lastMessages = () => {
  const body = simulator.requests.at(-1)?.body as { messages: readonly { role: string }[] } | undefined;
  const messages = body?.messages ?? [];
  return messages.map(({ role }) => role);
};

describe('a WebSocket', () => {
  it('carries responses one after the other, in the grammar of the stream', async () => {
    const { create, response } = await open();
    create({ input: 'One. [[say one]]' });
    create({ input: 'Two. [[say two]]' });
    const [first, second] = [await response(), await response()];
    expect(JSON.stringify(first.output)).toContain('one');
    expect(JSON.stringify(second.output)).toContain('two');
  });

  it('goes on from its last response without a store, and from no other', async () => {
    const { create, response, next } = await open();
    create({ input: 'One.', store: false });
    const first = await response();
    create({ input: 'Two.', store: false, previous_response_id: first.id });
    const second = await response();
    expect(second.previous_response_id).toBe(first.id);
    create({ input: 'Three.', store: false, previous_response_id: second.id });
    const third = await response();
    expect(lastMessages()).toEqual(['user', 'assistant', 'user', 'assistant', 'user']);
    create({ input: 'Four.', store: false, previous_response_id: first.id });
    expect(await next()).toMatchObject({ status: 400, error: { code: 'previous_response_not_found' } });
    // Forgotten, because a turn has failed.
    create({ input: 'Five.', store: false, previous_response_id: third.id });
    expect(await next()).toMatchObject({ error: { code: 'previous_response_not_found' } });
  });

  it('does not remember for another connection, and does store what is to be stored', async () => {
    const [one, other] = [await open(), await open()];
    one.create({ input: 'Loose.', store: false });
    one.create({ input: 'Stored.' });
    const [loose, stored] = [await one.response(), await one.response()];
    other.create({ input: 'x', previous_response_id: loose.id });
    expect(await other.next()).toMatchObject({ error: { code: 'previous_response_not_found' } });
    other.create({ input: 'x', previous_response_id: stored.id });
    expect((await other.response()).status).toBe('completed');
  });

  it.each([
    ['no JSON', 'garbage'],
    ['a type that there is not', '{"type":"response.steer"}'],
    ['no object', 'null'],
  ])('stays open at %s', async (_, message) => {
    const { socket, next, create, response } = await open();
    socket.send(message);
    expect(await next()).toMatchObject({ type: 'error', status: 400, error: { code: 'invalid_request' } });
    create({ input: 'Still there?' });
    expect((await response()).status).toBe('completed');
  });

  it('tells of a wrong request as HTTP would', async () => {
    const { create, next } = await open();
    create({ input: [{ type: 'nothing' }] });
    expect(await next()).toMatchObject({ status: 400, error: { param: 'input[0].type' } });
    create({ model: 'nothing', input: 'x' });
    expect(await next()).toMatchObject({ status: 404, error: { code: 'model_not_found', param: 'model' } });
  });

  it('is refused without a key, before it is one', async () => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/responses`);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(401);
  });

  it('is refused to pages of an origin that may not call', async () => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/responses`, {
      headers: { authorization: `Bearer ${testKey}` },
      origin: 'https://evil.example',
    });
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(403);
  });

  it('has a line in the log for each response, and one of its own', async () => {
    const { socket, create, response } = await open();
    create({ input: 'x' });
    await response();
    socket.close();
    await until(() => server.logs.length >= 2, 'both lines');
    expect(server.logs).toMatchObject([
      { method: 'POST', route: '/v1/responses', status: 200, ended: 'complete', model },
      { method: 'GET', route: '/v1/responses', status: 101, ended: 'complete' },
    ]);
  });

  it('hangs up on the model when its client leaves', async () => {
    const { socket, create } = await open();
    create({ input: 'Slowly. [[delay 5000]]' });
    await until(() => simulator.requests.length === 1, 'the model is asked');
    socket.terminate();
    await until(() => simulator.requests[0]?.aborted === true, 'the model is hung up on');
    expect(simulator.requests[0]?.aborted).toBe(true);
  });

  it('is no more than so many, and none that sends without waiting', async () => {
    const many = await Promise.all(Array.from({ length: 6 }, () => open()));
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/responses`, {
      headers: { authorization: `Bearer ${testKey}` },
    });
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(503);
    const [first] = many;
    for (let sent = 0; sent < 12; sent += 1) first?.create({ input: 'x [[delay 200]]' });
    const [code] = (await once(first?.socket as WebSocket, 'close')) as [number];
    expect(code).toBe(1008);
  });
});

describe('an offer of an upgrade that no one takes up', () => {
  const ask = async (head: string, pieces: readonly string[]) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    onTestFinished(() => {
      socket.destroy();
    });
    let read = '';
    socket.on('data', (data) => {
      read += String(data);
    });
    socket.write(head + (pieces[0] ?? ''));
    for (const piece of pieces.slice(1)) {
      await sleep(20);
      socket.write(piece);
    }
    return { socket, read: () => read, clear: () => (read = '') };
  };

  it("of Java's own client is served as without it, body and next request included", async () => {
    const body = JSON.stringify({ model, input: 'Ahoy. [[say aye]]' });
    const head = [
      'POST /v1/responses HTTP/1.1',
      'Connection: Upgrade, HTTP2-Settings',
      'Host: localhost',
      `Content-Length: ${body.length}`,
      'HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA',
      'Upgrade: h2c',
      `Authorization: Bearer ${testKey}`,
      'Content-Type: application/json',
      '',
      '',
    ].join('\r\n');
    const asked = await ask(head, [body.slice(0, 7), body.slice(7)]);
    await until(() => asked.read().includes('aye'), 'the answer');
    expect(asked.read()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    asked.clear();
    asked.socket.write(
      `GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${testKey}\r\n\r\n`,
    );
    await until(() => asked.read().includes('claude'), 'the list');
    expect(asked.read()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('of a WebSocket elsewhere is served as without it', async () => {
    const head = [
      'GET /v1/models HTTP/1.1',
      'Host: localhost',
      'Connection: keep-alive, Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      `Authorization: Bearer ${testKey}`,
      '',
      '',
    ].join('\r\n');
    const asked = await ask(head, []);
    await until(() => asked.read().includes('claude'), 'the list');
    expect(asked.read()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});
