import { describe, expect, it } from 'vitest';
import { expectError } from '../support/errors.ts';
import { nowhere, useServer } from '../support/fixtures.ts';
import { raw, request } from '../support/raw.ts';
import { testKey } from '../support/server.ts';
import { until } from '../support/until.ts';

const server = useServer({ upstream: nowhere, played: ['anthropic'] });

const key = { authorization: `Bearer ${testKey}` };

/** The refusal of a path, once it has been seen to be one. */
const refusal = async (path: string, method = 'POST') => {
  const answer = await raw(server.url, request(`${method} ${path}`, key));
  expect(answer.status, answer.text.slice(0, 300)).toBe(404);
  const error = expectError(answer.body, answer.headers);
  expect(error).toMatchObject({ type: 'invalid_request_error', param: null, code: 'unknown_url' });
  expect(answer.headers.get('x-should-retry')).toBe('false');
  return error.message;
};

const chat = '/v1/chat/completions';

// Behaviour 1.3
describe('a path that does not exist says which one is meant', () => {
  it.each([
    ['/chat/completions', `Did you mean ${chat}?`],
    ['//chat/completions/', `Did you mean ${chat}?`],
    ['/chat/completions?beta=true', `Did you mean ${chat}?`],
    ['/v1/chat', `Did you mean ${chat}?`],
    ['/v1/chat/completion', `Did you mean ${chat}?`],
    ['/V1/Chat/Completions', `Did you mean ${chat}?`],
    ['/api/v1/chat/completions', `Did you mean ${chat}?`],
    ['/v1beta/openai/chat/completions', `Did you mean ${chat}?`],
    ['/openai/deployments/gpt/chat/completions?api-version=1', `Did you mean ${chat}?`],
    ['/models', 'Did you mean /v1/models?'],
    ['/models/nova-lite', 'Did you mean /v1/models/{id}?'],
    ['/v1/health', 'Did you mean /health?'],
    ['/v1/chat/completions/chat/completions', 'it has to end at /v1'],
    ['/v1/chat/completions/v1/chat/completions', 'it has to end at /v1'],
    ['/v1/chat/completions/models', 'it has to end at /v1'],
    ['/v1/chat/completions/chatcmpl-1', 'not stored here'],
    ['/v1/models/anthropic/claude-haiku-4-5', '%2F'],
    ['/wp-login.php', 'The API is under /v1/'],
    ['/constructor', 'The API is under /v1/'],
    ['/v1', 'The API is under /v1/'],
  ])('%s: %s', async (path, hint) => {
    expect(await refusal(path)).toContain(hint);
  });

  it('but not where only the method is unknown', async () => {
    expect(await refusal('/v1/models', 'PROPFIND')).toContain('not for this method');
  });
});

describe('what OpenAI serves and this server does not says so, and what to use', () => {
  it.each([
    ['/v1/completions', `POST ${chat}`],
    ['/completions', `POST ${chat}`],
    ['/v1/messages?beta=true', `POST ${chat}`],
    ['/v1/messages/count_tokens', `POST ${chat}`],
    ['/v1/v1/messages', `POST ${chat}`],
    ['/v1/embeddings', 'Embeddings are not served here'],
    ['/v1/files', 'data URI'],
    ['/v1/files/file-1/content', 'data URI'],
    ['/v1/uploads', 'data URI'],
    ['/v1/batches', `POST ${chat}`],
    ['/v1/assistants', `POST ${chat}`],
    ['/v1/threads/t/runs', `POST ${chat}`],
    ['/v1/images/generations', 'Images are not made here'],
    ['/v1/audio/transcriptions', 'Speech and transcription are not served here'],
    ['/v1/moderations', 'Moderation is not served here'],
    ['/v1/vector_stores', 'Vector stores are not served here'],
    ['/v1/fine_tuning/jobs', 'not trained here'],
    ['/v1/realtime', 'stream: true'],
  ])('%s: %s', async (path, hint) => {
    expect(await refusal(path)).toContain(hint);
    expect(await refusal(path, 'GET')).toContain(hint);
  });
});

describe('the asterisk, which asks about no path at all,', () => {
  it.each(['OPTIONS', 'GET', 'HEAD', 'POST'])('is not taken for the page at /: %s', async (method) => {
    const answer = await raw(server.url, request(`${method} *`, key));
    expect(answer.status).toBe(404);
    if (method !== 'HEAD') expect(expectError(answer.body, answer.headers).message).toContain(`${method} *.`);
  });

  it.each(['OPTIONS', 'GET'])('needs a key: %s', async (method) => {
    expect((await raw(server.url, request(`${method} *`))).status).toBe(401);
  });
});

describe('badly joined URLs', () => {
  it.each([
    '/v1/v1/models',
    '/v1/v1/v1/models',
    '//v1//v1/models/',
    '/v1/v1/models?limit=1',
    '/v1/v1/models/claude-4-5-haiku',
    '/v1/models?redirect=/v1/v1/nothing',
    '/v1/models?a=%zz',
    'http://some.host/v1/v1/models',
  ])('%s works, and its log line has the route', async (path) => {
    expect((await raw(server.url, request(`GET ${path}`, key))).status).toBe(200);
    await until(() => server.logs.length > 0, 'the log line');
    expect(server.logs[0]?.route).toMatch(/^\/v1\/models(\/:id)?$/);
    expect(server.logs[0]).not.toHaveProperty('path');
  });

  it('/v1/v1/chat/completions works', async () => {
    const response = await fetch(`${server.url}/v1/v1/chat/completions`, {
      method: 'POST',
      headers: { ...key, 'content-type': 'application/json' },
      body: '{}',
    });
    expect(expectError(await response.text(), response.headers).param).toBe('model');
  });
});

// Behaviour 11.2
describe('the log line of a path that does not exist', () => {
  const lineOf = async (target: string) => {
    await raw(server.url, request(`GET ${target}`, key));
    await until(() => server.logs.length > 0, 'the log line');
    return server.logs[0];
  };

  it.each([
    { target: '/wp-login.php?key=marker#marker', path: '/wp-login.php' },
    { target: '/v1/v1/files?key=marker', path: '/v1/v1/files' },
    { target: 'http://user:marker@some.host/v2', path: '/v2' },
  ])('names $target as $path', async ({ target, path }) => {
    const line = await lineOf(target);
    expect(line).toMatchObject({ status: 404, path });
    expect(line).not.toHaveProperty('route');
    expect(JSON.stringify(line)).not.toContain('marker');
  });

  it('does not grow with the path, nor does the answer', async () => {
    const line = await lineOf(`/${'x'.repeat(8000)}`);
    expect(JSON.stringify(line).length).toBeLessThan(700);
    expect((await refusal(`/${'x'.repeat(8000)}`)).length).toBeLessThan(400);
  });
});
