/** What is used of Node without being documented: each test fails when a release of Node changes it. */

import { createServer, request, type Server, ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { answerDue, createTurnWatch, takeFraming } from '../../src/server/node-internals.ts';

let server: Server;
afterEach(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));

const serve = async (handler: Parameters<typeof createServer>[1]): Promise<number> => {
  server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

/** Everything that comes, as it is on the wire. */
const rawAnswer = (port: number, head: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`${head}\r\nhost: x\r\nconnection: close\r\n\r\n`),
    );
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString();
    });
    socket.on('end', () => resolve(text)).on('error', reject);
  });

describe('the framing of an answer without a length', () => {
  const answer = async (version: string) => {
    const port = await serve((_request, response) => {
      response.writeHead(200);
      const framing = takeFraming(response);
      response.write(framing.frame('hello'));
      response.write(framing.frame(''));
      response.end(framing.last('é'));
    });
    const whole = await rawAnswer(port, `GET / HTTP/${version}`);
    return whole.slice(whole.indexOf('\r\n\r\n') + 4);
  };

  it('is ours, each chunk once, to the last', async () =>
    expect(await answer('1.1')).toBe('5\r\nhello\r\n2\r\né\r\n0\r\n\r\n'));
  it('does not exist in HTTP/1.0', async () => expect(await answer('1.0')).toBe('helloé'));

  it('is announced to the client, and read by it', async () => {
    const port = await serve((_request, response) => {
      response.writeHead(200);
      response.end(takeFraming(response).last('hello'));
    });
    const [encoding, text] = await new Promise<[string | undefined, string]>((resolve, reject) => {
      request({ port, host: '127.0.0.1' }, (response) => {
        let body = '';
        response.on('data', (piece) => {
          body += piece;
        });
        response.on('end', () => resolve([response.headers['transfer-encoding'], body]));
      })
        .on('error', reject)
        .end();
    });
    expect([encoding, text]).toEqual(['chunked', 'hello']);
  });
});

describe('the answer whose turn it is', () => {
  it('is known on its socket, and not before there is one', async () => {
    const due: unknown[] = [];
    const port = await serve(({ socket }, response) => {
      due.push(answerDue(socket) === response, answerDue(socket) instanceof ServerResponse);
      response.end();
    });
    server.on('connection', (socket) => due.push(answerDue(socket)));
    await rawAnswer(port, 'GET / HTTP/1.1');
    expect(due).toEqual([undefined, true, true]);
  });

  it('is the first of those that wait, and the others are closed with their socket', async () => {
    const watch = createTurnWatch();
    const closed: string[] = [];
    let asked = 0;
    const port = await serve((incoming, response) => {
      watch(incoming, response);
      const name = `answer ${++asked}`;
      response.on('close', () => closed.push(`${name}${response.destroyed ? '' : ' and not destroyed'}`));
      if (asked === 3) incoming.socket.destroy();
    });
    const one = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
    const socket = connect(port, '127.0.0.1', () => socket.write(one.repeat(3)));
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.on('close', resolve));
    // Once each: on the next turns nothing more may come.
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(closed.sort()).toEqual(['answer 1', 'answer 2', 'answer 3']);
  });
});
