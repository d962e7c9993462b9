/** POST /v1/chat/completions, plain and streaming. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Answer, Answerer } from '../answer.ts';
import type { Catalogue } from '../catalogue.ts';
import { CallerGone } from '../errors.ts';
import { parseRequest } from '../normalize/index.ts';
import { createChunkEncoder, errorFrame } from '../openai/chunks.ts';
import { toCompletion } from '../openai/completion.ts';
import { makeMessageId, type ReplyOptions } from '../openai/reply.ts';
import { toKnownError } from '../plugins/errors.ts';
import { setOriginHeaders, setReportHeaders, setSunsetHeaders } from '../plugins/headers.ts';
import { callerSignal, deliver } from './deliver.ts';

export interface ChatDependencies {
  readonly answer: Answerer;
  readonly catalogue: Catalogue;
  readonly bodyLimit: number;
  /** Whether the server may set cache marks of its own; `x-prompt-caching: off` opts out for one request. */
  readonly promptCaching: boolean;
  /** Told when a stream begins and when it is over. */
  readonly onStream: (change: 1 | -1) => void;
}

export const registerChatCompletions = (app: FastifyInstance, dependencies: ChatDependencies): void => {
  const { answer, catalogue, bodyLimit, promptCaching, onStream } = dependencies;

  /** Frames as they come; a failure is the last of them, and nothing pretends that it ended well. */
  async function* frames(
    request: FastifyRequest,
    { events }: Answer,
    options: ReplyOptions,
  ): AsyncGenerator<string> {
    const { record } = request;
    const encoder = createChunkEncoder(options);
    onStream(1);
    try {
      for await (const batch of events) {
        const text = encoder.push(batch);
        if (text === '') continue;
        record.firstByteMs ??= performance.now() - record.startedAt;
        yield text;
      }
      yield encoder.end();
    } catch (error) {
      record.error = error;
      if (!(error instanceof CallerGone)) yield errorFrame(toKnownError(error, request, bodyLimit).toBody());
    } finally {
      onStream(-1);
      Object.assign(record, encoder.summary());
    }
  }

  const plain = async (request: FastifyRequest, { whole }: Answer, options: ReplyOptions) => {
    const folded = await whole();
    request.record.usage = folded.usage;
    request.record.finish = folded.finish.upstreamReason;
    return toCompletion(folded, options);
  };

  app.post('/v1/chat/completions', async (request: FastifyRequest, reply: FastifyReply) => {
    const { record } = request;
    const body = parseRequest(request.body);
    record.model = body.model;
    record.stream = body.stream === true;
    record.metadata = body.metadata ?? undefined;

    const answered = await answer(body, {
      signal: callerSignal(reply),
      caller: record.caller ?? 'anonymous',
      promptCaching: promptCaching && request.headers['x-prompt-caching'] !== 'off',
      onPrepared: (target, report) => {
        record.target = target;
        record.report = report;
        setReportHeaders(reply, report);
      },
    });
    record.origin = answered.origin;
    record.schemaProblems = answered.schemaProblems;
    setOriginHeaders(reply, answered.origin);
    setSunsetHeaders(reply, catalogue.sunset(answered.target.model, answered.target.upstream));

    const options: ReplyOptions = {
      ...answered.settings,
      model: body.model,
      created: Math.floor(Date.now() / 1000),
      fallbackId: makeMessageId(),
    };
    if (!answered.settings.stream) return plain(request, answered, options);
    await deliver(reply, frames(request, answered, options));
    return reply;
  });
};
