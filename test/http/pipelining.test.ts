import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { serverOfTest, useServer, useSimulator } from '../support/fixtures.ts';
import { testKey } from '../support/server.ts';
import { until } from '../support/until.ts';

const simulator = useSimulator({ isFresh: true });
const server = useServer({
  upstream: simulator,
  played: ['anthropic'],
  env: { MAX_CONCURRENT_REQUESTS: '3', MAX_RETRIES: '0' },
  isFresh: true,
});

const ended = () => server.logs.filter(({ route }) => route === '/v1/chat/completions');

// Behaviour 8.7, 8.10: Node tells only the response whose turn it is that the socket has closed.
describe('a client that hangs up with several requests on one connection', () => {
  it.each([false, true])('leaves none of them behind, stream: %s', async (stream) => {
    for (let count = 0; count < 3; count += 1) simulator.inject({ kind: 'stall', afterEvents: 0 });
    const body = JSON.stringify({
      model: 'claude-4-5-haiku',
      stream,
      messages: [{ role: 'user', content: 'Hi' }],
    });
    const one = [
      'POST /v1/chat/completions HTTP/1.1',
      'host: x',
      `authorization: Bearer ${testKey}`,
      'content-type: application/json',
      `content-length: ${body.length}`,
      '',
      body,
    ].join('\r\n');
    const client = connect(Number(new URL(server.url).port), '127.0.0.1');
    client.write(one.repeat(3));
    await until(() => simulator.requests.length === 3, 'three requests upstream');

    client.destroy();
    await until(() => ended().length === 3, 'three log lines');
    expect(ended().map((line) => line.ended)).toEqual(['client_gone', 'client_gone', 'client_gone']);
    // The places are free again: all of them.
    const statuses = await Promise.all(
      [1, 2, 3].map(async () => (await server.post({ ...JSON.parse(body), stream: false })).status),
    );
    expect(statuses).toEqual([200, 200, 200]);
  });

  it('leaves none of many behind, and does not pile up listeners', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const wide = await serverOfTest({
      upstream: simulator,
      played: ['anthropic'],
      env: { MAX_RETRIES: '0' },
    });
    const count = 40;
    for (let each = 0; each < count; each += 1) simulator.inject({ kind: 'stall', afterEvents: 0 });
    const body = JSON.stringify({
      model: 'claude-4-5-haiku',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    const one = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${testKey}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const client = connect(Number(new URL(wide.url).port), '127.0.0.1');
    client.write(one.repeat(count));
    await until(() => simulator.requests.length === count, 'all requests upstream');
    client.destroy();
    const lines = () => wide.logs.filter(({ route }) => route === '/v1/chat/completions');
    await until(() => lines().length === count, 'a log line for each');
    expect(new Set(lines().map((line) => line.ended))).toEqual(new Set(['client_gone']));
    process.off('warning', onWarning);
    expect(warnings.map(({ name }) => name)).toEqual([]);
  });

  it('hears of the requests whose turn comes', async () => {
    const one = `GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${testKey}\r\n\r\n`;
    const client = connect(Number(new URL(server.url).port), '127.0.0.1');
    let text = '';
    client.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    client.write(one.repeat(3));
    await until(() => text.split('HTTP/1.1 200').length === 4, 'three answers');
    client.destroy();
    await until(() => server.logs.filter(({ route }) => route === '/v1/models').length === 3, 'three lines');
    expect(server.logs.every((line) => line.ended !== 'client_gone')).toBe(true);
  });
});
