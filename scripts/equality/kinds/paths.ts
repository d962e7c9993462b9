/** Everything beside an answer of a model: paths, methods, keys, bodies that are none, limits. */

import { gzipSync } from 'node:zlib';
import { models } from '../../../src/models/rows.ts';
import { request } from '../../../test/support/raw.ts';
import { key, type Sending } from '../client.ts';
import { bothUpstreams, type Case, type Group, oneEach, single, user } from '../kind.ts';

const get = (server: string, path: string, more: Sending = {}): Case =>
  single(server, `${more.method ?? 'GET'} ${path}, ${server}`, { method: 'GET', path, ...more });

const served = [
  ...['/', '/health', '/livez', '/healthz', '/ready', '/readyz', '/openapi.json'],
  ...['/v1/models', '/v1/models/claude-4-5-haiku', '/metrics'],
];

const notServed = [
  ...[
    '/v1/completions',
    '/v1/responses',
    '/v1/messages',
    '/v1/embeddings',
    '/v1/files/x',
    '/v1/audio/speech',
  ],
  ...[
    '/chat/completions',
    '/models',
    '/api/v1/models',
    '/openai/v1/chat/completions',
    '/v1/chat',
    '/v1/model',
  ],
  ...[
    '/nothing',
    '/v1/models/gpt-none',
    '/v1/models/%zz',
    `/v1/models/${'x'.repeat(3000)}`,
    '/v1/models/a%2Fb',
  ],
  ...['//v1//models', '/v1/models/', '/v1/v1/models', '/v1/models?limit=1', '/V1/models', '/.env', '/*'],
];

const methods = ['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

const hello = { model: 'claude-4-5-haiku', messages: [user('Hello')] };

const pathCases: readonly Case[] = [
  ...['both', 'anthropic', 'bedrock'].flatMap((server) => served.map((path) => get(server, path))),
  ...notServed.map((path) => get('both', path)),
  ...[...served, '/v1/chat/completions', '/v1/completions'].flatMap((path) =>
    methods
      // How long that would be goes by the clock.
      .filter((method) => path !== '/metrics' || method !== 'HEAD')
      .map((method) => get('both', path, { method })),
  ),
  get('both', '/v1/chat/completions'),
  ...models.flatMap(({ id, aliases }) => [id, ...aliases].map((name) => get('both', `/v1/models/${name}`))),
  ...models.map(({ id }) => single('both', `a greeting to ${id}`, { body: { ...hello, model: id } })),
  ...['GET', 'OPTIONS', 'POST'].flatMap((method) =>
    ['https://app.example.com', 'https://other.example.com', 'null'].map((origin) =>
      single('open', `${method} from ${origin}`, {
        method,
        path: method === 'POST' ? '/v1/chat/completions' : '/v1/models',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-a' },
        ...(method === 'POST' ? { body: hello } : {}),
      }),
    ),
  ),
  get('anonymous', '/metrics'),
  get('open', '/metrics', { headers: { authorization: undefined } }),
  single('anonymous', 'a greeting without a key', { body: hello, headers: { authorization: undefined } }),
];

// ---- refusals -------------------------------------------------------------------------------------

const refused = (name: string, sending: Sending): Case => single('both', name, sending);
const text = JSON.stringify(hello);

const keys: readonly (readonly [string, Record<string, string | undefined>])[] = [
  ['no key', { authorization: undefined }],
  ['an empty key', { authorization: 'Bearer ' }],
  ['a wrong key', { authorization: 'Bearer wrong' }],
  ['another scheme', { authorization: `Basic ${btoa(`user:${key}`)}` }],
  ['a wrong x-api-key', { authorization: undefined, 'x-api-key': 'wrong' }],
  ['a key by x-api-key', { authorization: undefined, 'x-api-key': key }],
  ['a key by api-key', { authorization: undefined, 'api-key': key }],
  ['a key in small letters', { authorization: `bearer ${key}` }],
];

const types = [
  undefined,
  'text/plain',
  'application/json; charset=utf-8',
  'application/x-www-form-urlencoded',
  ';',
];

const notJson: readonly (readonly [string, string | Buffer])[] = [
  ['an empty body', ''],
  ['half an object', text.slice(0, 30)],
  ['a list', `[${text}]`],
  ['a text', '"Hello"'],
  ['null', 'null'],
  ['two objects', text + text],
  ['a byte order mark', `\ufeff${text}`],
  ['no UTF-8', Buffer.from(text.replace('Hello', 'Gr\u00fc\u00dfe'), 'latin1')],
  ['an object without members', '{}'],
];

const large = JSON.stringify({ ...hello, messages: [user('x'.repeat(1_200_000))] });

const refusalCases: readonly Case[] = [
  ...keys.map(([name, headers]) => refused(name, { body: hello, headers })),
  ...types.map((type) => refused(`type ${type}`, { body: hello, headers: { 'content-type': type } })),
  ...notJson.map(([name, body]) => refused(name, { body })),
  refused('no body at all', {}),
  refused('gzip', { body: gzipSync(text), headers: { 'content-encoding': 'gzip' } }),
  refused('gzip that is none', { body: text, headers: { 'content-encoding': 'gzip' } }),
  refused('gzip that grows', { body: gzipSync(large), headers: { 'content-encoding': 'gzip' } }),
  refused('another encoding', { body: text, headers: { 'content-encoding': 'compress' } }),
  refused('too large', { body: large }),
  refused('in pieces', { body: text, isChunked: true }),
  refused('too large, in pieces', { body: large, isChunked: true }),
  refused('a request id', { body: hello, headers: { 'x-request-id': 'my-id:1' } }),
  refused('a request id that is none', { body: hello, headers: { 'x-request-id': 'my id' } }),
  refused('an expectation', { body: hello, headers: { expect: '200-ok' } }),
  refused('betas', { body: hello, headers: { 'anthropic-beta': 'context-1m-2025-08-07, made-up' } }),
  refused('caching off', { body: hello, headers: { 'x-prompt-caching': 'off' } }),
  refused('an unknown model', { body: { ...hello, model: 'gpt-none' } }),
  refused('no messages', { body: { ...hello, messages: [] } }),
  refused('changes that are not allowed', { body: { ...hello, seed: 1, allow_ignored_params: false } }),
  refused('no HTTP', { raw: 'Hello\r\n\r\n' }),
  refused('a tunnel', { raw: 'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n' }),
  refused('long headers', { raw: request('GET /v1/models', { 'x-long': 'x'.repeat(40_000) }) }),
  refused('a whole URL', {
    raw: request('GET http://example.com/v1/models', { authorization: `Bearer ${key}` }),
  }),
  refused('an asterisk', { raw: request('OPTIONS *') }),
  refused('HTTP/1.0', { raw: 'GET /health HTTP/1.0\r\n\r\n' }),
  ...[1, 2, 3, 4, 5].map((count) => single('limited', `request ${count} of three a minute`, { body: hello })),
];

export const pathsGroup: Group = {
  servers: {
    ...oneEach,
    both: { upstreams: bothUpstreams },
    open: { upstreams: bothUpstreams, env: { CORS_ORIGINS: 'https://app.example.com', METRICS: 'open' } },
    anonymous: {
      upstreams: bothUpstreams,
      env: { INFERENCE_KEY: '', ALLOW_ANONYMOUS: 'true', METRICS: 'off' },
    },
    limited: { upstreams: bothUpstreams, env: { RATE_LIMIT_RPM: '3' } },
  },
  kinds: [
    { name: 'paths', cases: pathCases },
    { name: 'refusals', cases: refusalCases },
  ],
};
