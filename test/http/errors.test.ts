import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { expectError } from '../support/errors.ts';
import { nowhere, useServer } from '../support/fixtures.ts';
import { raw, request } from '../support/raw.ts';
import { testKey } from '../support/server.ts';

const server = useServer({ upstream: nowhere, played: ['anthropic'], env: { BODY_LIMIT_BYTES: '20000' } });

const key = { authorization: `Bearer ${testKey}` };
const json = { ...key, 'content-type': 'application/json' };
const chat = '/v1/chat/completions';
const hello = { model: 'claude-4-5-haiku', messages: [{ role: 'user', content: 'Hi' }] };

interface Asked {
  readonly name: string;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly status: number;
  readonly code: string | null;
  readonly param?: string;
}

// Behaviour 1.3
const asked: readonly Asked[] = [
  { name: 'an unknown path', path: '/v1/completions', headers: key, status: 404, code: 'unknown_url' },
  {
    name: 'an unknown path outside /v1',
    path: '/wp-login.php',
    headers: key,
    status: 404,
    code: 'unknown_url',
  },
  {
    name: 'an unknown path with the wrong method',
    method: 'DELETE',
    path: '/nothing',
    headers: key,
    status: 404,
    code: 'unknown_url',
  },
  { name: 'GET on the chat endpoint', path: chat, headers: key, status: 405, code: 'method_not_allowed' },
  {
    name: 'DELETE on a model',
    method: 'DELETE',
    path: '/v1/models/nova-lite',
    headers: key,
    status: 405,
    code: 'method_not_allowed',
  },
  {
    name: 'POST on the list of models',
    method: 'POST',
    path: '/v1/models',
    headers: json,
    body: '{}',
    status: 405,
    code: 'method_not_allowed',
  },
  {
    name: 'OPTIONS, as browsers ask before a call',
    method: 'OPTIONS',
    path: chat,
    headers: key,
    status: 405,
    code: 'method_not_allowed',
  },
  {
    name: 'JSON that is none',
    method: 'POST',
    path: chat,
    headers: json,
    body: '{"model":',
    status: 400,
    code: null,
  },
  { name: 'an empty body', method: 'POST', path: chat, headers: json, body: '', status: 400, code: null },
  {
    name: 'a body that is a list',
    method: 'POST',
    path: chat,
    headers: json,
    body: '[]',
    status: 400,
    code: null,
  },
  {
    name: 'a body that is null',
    method: 'POST',
    path: chat,
    headers: json,
    body: 'null',
    status: 400,
    code: null,
  },
  { name: 'no body and no content type', method: 'POST', path: chat, headers: key, status: 400, code: null },
  {
    name: 'a body of another type',
    method: 'POST',
    path: chat,
    headers: { ...key, 'content-type': 'text/plain' },
    body: 'hi',
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    name: 'a form',
    method: 'POST',
    path: chat,
    headers: { ...key, 'content-type': 'multipart/form-data; boundary=x' },
    body: 'x',
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    name: 'a body that is not packed as it says',
    method: 'POST',
    path: chat,
    headers: { ...json, 'content-encoding': 'gzip' },
    body: 'x',
    status: 400,
    code: null,
  },
  {
    name: 'a body packed in an unknown way',
    method: 'POST',
    path: chat,
    headers: { ...json, 'content-encoding': 'lzma' },
    body: 'x',
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    name: 'a body that is too large',
    method: 'POST',
    path: chat,
    headers: json,
    body: JSON.stringify('x'.repeat(20_000)),
    status: 413,
    code: 'request_too_large',
  },
  {
    name: 'a field of the wrong type',
    method: 'POST',
    path: chat,
    headers: json,
    body: JSON.stringify({ ...hello, temperature: 'hot' }),
    status: 400,
    code: null,
    param: 'temperature',
  },
  {
    name: 'an unknown model is said before what in the messages cannot be read',
    method: 'POST',
    path: chat,
    headers: json,
    body: JSON.stringify({
      model: 'gpt-9',
      messages: [{ role: 'user', content: [{ type: 'input_audio' }] }],
    }),
    status: 404,
    code: 'model_not_found',
    param: 'model',
  },
  {
    name: 'an unknown model',
    method: 'POST',
    path: chat,
    headers: json,
    body: JSON.stringify({ ...hello, model: 'gpt-4o' }),
    status: 404,
    code: 'model_not_found',
    param: 'model',
  },
  {
    name: 'a model of another upstream',
    path: '/v1/models/nova-lite',
    headers: key,
    status: 404,
    code: 'model_not_found',
    param: 'model',
  },
  {
    name: 'parameters the client would not have ignored',
    method: 'POST',
    path: chat,
    headers: json,
    body: JSON.stringify({ ...hello, seed: 1, allow_ignored_params: false }),
    status: 400,
    code: 'unsupported_parameter',
    param: 'seed',
  },
  { name: 'no key', path: '/v1/models', status: 401, code: 'invalid_api_key' },
  { name: 'no key on an unknown path', path: '/nothing', status: 401, code: 'invalid_api_key' },
];

describe("every error has OpenAI's shape, never Fastify's", () => {
  it.each(asked)('$name', async ({ method = 'GET', path, headers = {}, body, status, code, param }) => {
    const response = await fetch(server.url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    const error = expectError(await response.text(), response.headers);
    expect({ status: response.status, code: error.code, param: error.param }).toEqual({
      status,
      code,
      param: param ?? null,
    });
    expect(error.type).toBe(status === 401 ? 'authentication_error' : 'invalid_request_error');
  });

  it('a refused method says which are allowed', async () => {
    const response = await fetch(server.url + chat, { headers: key });
    expect(response.headers.get('allow')).toBe('POST');
  });

  it('JSON that is none is not quoted back', async () => {
    const response = await fetch(server.url + chat, {
      method: 'POST',
      headers: json,
      body: '{"model": my secret prompt}',
    });
    expect(await response.text()).not.toContain('secret');
  });

  it('JSON nested beyond all sense is an error, not the end of the server', async () => {
    const deep = `${'['.repeat(9000)}${']'.repeat(9000)}`;
    const body = JSON.stringify({ ...hello, tools: [] }).replace('[]}', `${deep}}`);
    const response = await fetch(server.url + chat, { method: 'POST', headers: json, body });
    expectError(await response.text(), response.headers);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });
});

interface Raw {
  readonly name: string;
  readonly bytes: string;
  readonly status: number;
}

describe('what never becomes a request of ours has that shape as well', () => {
  const cases: readonly Raw[] = [
    {
      name: 'oversized headers',
      bytes: request('GET /v1/models', { 'x-long': 'y'.repeat(20_000) }),
      status: 431,
    },
    { name: 'a bad escape in the path', bytes: request('GET /v1/models/%zz', key), status: 400 },
    { name: 'half an escape in the path', bytes: request('GET /v1/models/a%2', key), status: 400 },
    { name: 'garbage', bytes: 'this is no HTTP\r\n\r\n', status: 400 },
    { name: 'a TLS greeting', bytes: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', status: 400 },
    { name: 'a method nobody knows', bytes: request('BREW /coffee', key), status: 400 },
    { name: 'a header without a colon', bytes: 'GET / HTTP/1.1\r\nhost x\r\n\r\n', status: 400 },
    {
      name: 'two lengths',
      bytes: `POST ${chat} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello`,
      status: 400,
    },
    {
      name: 'a length and chunks',
      bytes: `POST ${chat} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      status: 400,
    },
    {
      name: 'a method that exists but has no route',
      bytes: request('PROPFIND /v1/models', key),
      status: 404,
    },
    { name: 'a tunnel', bytes: request('CONNECT api.openai.com:443'), status: 405 },
    { name: 'TRACE', bytes: request('TRACE /v1/models', key), status: 404 },
    {
      name: 'an expectation nobody has',
      bytes: request('GET /nothing', { ...key, expect: 'miracles' }),
      status: 404,
    },
  ];

  it.each(cases)('$name', async ({ bytes, status }) => {
    const answer = await raw(server.url, bytes);
    expect(answer.status, answer.text.slice(0, 300)).toBe(status);
    expect(expectError(answer.body, answer.headers).type).toBe('invalid_request_error');
  });

  it('a request without a Host is served, as old clients and probes send it', async () => {
    expect((await raw(server.url, 'GET /health HTTP/1.1\r\n\r\n')).status).toBe(200);
  });

  it('the server lives on after all of that', async () => {
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });
});

describe('the refusal of a large body reaches a client that is still sending it', () => {
  const size = 2_000_000;
  const piece = 'x'.repeat(size / 10);

  /** Like most clients: does not look for an answer before all of its request is out. */
  const send = async (headers: Readonly<Record<string, string>>): Promise<string> => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.on('error', () => socket.destroy());
    const isChunked = 'transfer-encoding' in headers;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const length = isChunked ? [] : [`content-length: ${size}`];
    const chunk = isChunked ? `${piece.length.toString(16)}\r\n${piece}\r\n` : piece;
    socket.write([`POST ${chat} HTTP/1.1`, 'host: x', ...lines, ...length, '', chunk].join('\r\n'));
    for (let sent = 1; sent < 10; sent += 1) {
      await sleep(10);
      socket.write(chunk);
    }
    if (isChunked) socket.write('0\r\n\r\n');
    await sleep(10);
    return new Promise((resolve) => {
      let text = '';
      socket.on('data', (read: Buffer) => {
        text += read.toString();
        if (text.endsWith('}')) socket.destroy();
      });
      socket.on('close', () => resolve(text));
      // Destroyed already by an error.
      if (socket.destroyed) resolve(text);
    });
  };

  it.each([
    { name: 'one that is too large', headers: json, status: 413 },
    {
      name: 'one that is too large, in chunks',
      headers: { ...json, 'transfer-encoding': 'chunked' },
      status: 413,
    },
    { name: 'one for a single connection', headers: { ...json, connection: 'close' }, status: 413 },
    { name: 'one of another type', headers: { ...key, 'content-type': 'text/plain' }, status: 415 },
    { name: 'one without a key', headers: { connection: 'close' }, status: 401 },
  ])('$name', async ({ headers, status }) => {
    expect((await send(headers)).split('\r\n')[0]).toContain(`HTTP/1.1 ${status}`);
  });
});

describe('badly joined URLs', () => {
  it.each(['//v1/models', '/v1//models', '//v1//models//', '/v1/models/'])('%s works', async (path) => {
    expect((await fetch(server.url + path, { headers: key })).status).toBe(200);
  });

  it('//v1/chat/completions works', async () => {
    const response = await fetch(`${server.url}//v1/chat/completions`, {
      method: 'POST',
      headers: json,
      body: '{}',
    });
    expect(expectError(await response.text(), response.headers).param).toBe('model');
  });
});
