/** The contract of an inbound API: one with three fields is served, plain and streamed, with errors of its own. */

import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import type { AnswerEncoder, ChatApi } from '../../src/api/chat-api.ts';
import { type ServeDependencies, serveChatApi } from '../../src/api/serve.ts';
import type { Ask } from '../../src/core/ask.ts';
import type { ChatEvent } from '../../src/core/chat.ts';
import { invalidRequest, overloaded, upstreamFailed } from '../../src/core/errors.ts';
import { fold } from '../../src/core/fold.ts';
import { noLongTexts } from '../../src/core/message-text.ts';
import { createCatalogue } from '../../src/models/catalogue.ts';
import type { Answer } from '../../src/pipeline/complete.ts';
import { registerErrors } from '../../src/server/errors.ts';
import { registerHeaders } from '../../src/server/headers.ts';
import { watchMethods } from '../../src/server/other-methods.ts';
import { type FinishedRequest, registerRecord } from '../../src/server/record.ts';
import { parse } from '../support/parse.ts';

/** `{ model, question, stream }`; answers in lines. */
const lines: ChatApi<{ readonly shout: boolean }> = {
  path: '/lines',
  parse: (body, { identified }) => {
    const { model, question, stream } = body as { model: string; question?: unknown; stream?: boolean };
    identified({ model, stream: stream === true, metadata: undefined });
    if (typeof question !== 'string') throw invalidRequest('question: has to be a text.', 'question');
    // What is asked is the same in every API.
    const { ask } = parse({ model, stream, messages: [{ role: 'user', content: question }] });
    return { ask, context: { shout: question.endsWith('!') } };
  },
  encoder: ({ shout }): AnswerEncoder => ({
    begin: () => undefined,
    push: (events) =>
      events
        .map((event) => (event.type === 'text' ? (shout ? event.text.toUpperCase() : event.text) : ''))
        .join(''),
    end: async () => '\nend\n',
    fail: ({ message }) => ({ frames: `\nfailed: ${message}\n`, ending: 'complete' }),
    keepAlive: () => '\n',
    summary: () => ({ usage: undefined, finish: 'done' }),
  }),
  toBody: async ({ text }, { shout }) => ({ line: shout ? text.toUpperCase() : text }),
  errorBody: ({ message, param }) => ({ wrong: message, at: param }),
};

const catalogue = createCatalogue({
  upstreams: ['anthropic'],
  region: undefined,
  aliases: {},
  overrides: [],
  now: () => new Date('2026-11-01'),
});

const said: readonly ChatEvent[] = [
  { type: 'start', id: 'msg_1' },
  { type: 'text', text: 'hello' },
  { type: 'finish', kind: 'end', upstreamReason: 'end_turn' },
];

let app: FastifyInstance | undefined;
afterEach(() => app?.close());

const serve = async (batches: readonly (readonly ChatEvent[] | Error)[]) => {
  const asked: Ask[] = [];
  const finished: FinishedRequest[] = [];
  const events = async function* () {
    for (const batch of batches) {
      if (batch instanceof Error) throw batch;
      yield batch;
    }
  };
  const answer: ServeDependencies['answer'] = async (ask) => {
    asked.push(ask);
    if (batches.length === 0) throw overloaded('Busy.', 7);
    const batch = events();
    return {
      events: batch,
      origin: { upstream: 'anthropic', requestId: 'req_up', rateLimits: {} },
      settings: { includeReasoning: false, reasoningIsSigned: true },
      target: { model: { id: 'claude-haiku-4-5' } },
      sentBlocks: [],
      costOf: () => undefined,
      schemaProblems: () => [],
      whole: (onUsage: () => void) => fold(batch, onUsage),
    } as unknown as Answer;
  };
  app = Fastify();
  const methods = watchMethods(app);
  const recorder = registerRecord(app, [(request) => finished.push(request)]);
  registerHeaders(app);
  registerErrors(app, 1000, (path) =>
    path.startsWith(lines.path) ? lines.errorBody : (error) => ({ error }),
  );
  app.decorateRequest('texts', { getter: () => noLongTexts });
  serveChatApi(app, lines, {
    answer,
    catalogue,
    bodyLimit: 1000,
    promptCaching: false,
    streamSilence: { hold: 0, interval: 15_000 },
    plainSilence: { hold: 0, interval: 15_000 },
    onStream: () => undefined,
  });
  methods.refuse();
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const ask = async (body: string | object, init: RequestInit = {}, path = '/lines') => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...init,
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return { ask, asked, finished, flush: recorder.flush };
};

const question = { model: 'claude-haiku-5-5', question: 'hi!' };

describe('an API with three fields', () => {
  it('answers plain, with what the pipeline knows in the headers', async () => {
    const { ask, asked } = await serve([said]);
    const { status, headers, text } = await ask(question);
    expect({ status, text }).toEqual({ status: 200, text: '{"line":"HELLO"}' });
    expect(headers.get('x-upstream')).toBe('anthropic');
    expect(asked).toMatchObject([{ model: 'claude-haiku-5-5', stream: false }]);
  });

  it('streams in its own frames, to an end that may take its time', async () => {
    const { ask } = await serve([said.slice(0, 2), said.slice(2)]);
    expect(await ask({ ...question, stream: true })).toMatchObject({ status: 200, text: 'HELLO\nend\n' });
  });

  it('ends a stream that failed as it wants it ended', async () => {
    const { ask, finished, flush } = await serve([said.slice(0, 2), upstreamFailed('Lost.')]);
    expect(await ask({ ...question, stream: true })).toMatchObject({
      status: 200,
      text: 'HELLO\nfailed: Lost.\n',
    });
    flush();
    expect(finished).toMatchObject([
      { ended: 'failed', record: { model: 'claude-haiku-5-5', stream: true } },
    ]);
  });

  it.each([
    { name: 'a field of its own', body: { model: 'claude-haiku-5-5' }, status: 400, wrong: /question/ },
    {
      name: 'a model that is not served, said first',
      body: { model: 'gpt-4o' },
      status: 404,
      wrong: /gpt-4o/,
    },
    { name: 'the parser of bodies', body: '{', status: 400, wrong: /could not be read/ },
    { name: 'the pipeline', body: question, status: 503, wrong: /Busy/ },
    { name: 'a body too large', body: { question: 'x'.repeat(2_000_000) }, status: 413, wrong: /larger/ },
    { name: 'another method', body: question, init: { method: 'PUT' }, status: 405, wrong: /use POST/ },
    { name: 'another path under its own', body: question, path: '/lines/1', status: 404, wrong: /lines/ },
    {
      name: 'another type of content',
      body: 'hi',
      init: { headers: { 'content-type': 'text/html' } },
      status: 415,
      wrong: /application\/json/,
    },
  ])('has its own shape for an error of $name', async ({ body, init, path, status, wrong }) => {
    const { ask } = await serve([]);
    const refused = await ask(body, init, path);
    expect(refused.status).toBe(status);
    expect(JSON.parse(refused.text)).toEqual({
      wrong: expect.stringMatching(wrong),
      at: expect.toSatisfy((at) => at === null || typeof at === 'string'),
    });
  });

  it('hides what is our own fault', async () => {
    const { ask } = await serve([new Error('secret')]);
    const { status, text } = await ask(question);
    expect(status).toBe(500);
    expect(text).not.toContain('secret');
  });
});
