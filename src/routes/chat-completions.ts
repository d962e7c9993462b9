/** POST /v1/chat/completions, plain and streaming. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Answer, Answerer } from '../answer.ts';
import type { Catalogue } from '../catalogue.ts';
import type { ChatEvent, Usage } from '../chat.ts';
import { CallerGone } from '../errors.ts';
import { type ChatRequest, parseRequest } from '../normalize/index.ts';
import { createChunkEncoder, errorFrame } from '../openai/chunks.ts';
import { toCompletion } from '../openai/completion.ts';
import { makeMessageId, type ReplyOptions } from '../openai/reply.ts';
import { toKnownError } from '../plugins/errors.ts';
import { setOriginHeaders, setReportHeaders, setSunsetHeaders } from '../plugins/headers.ts';
import { originOf } from '../plugins/record.ts';
import { callerLeaving, deliverPlain, deliverStream, type Outgoing, type Pace } from './deliver.ts';

export interface ChatDependencies {
  readonly answer: Answerer;
  readonly catalogue: Catalogue;
  readonly bodyLimit: number;
  /** Whether the server may set cache marks of its own; `x-prompt-caching: off` opts out for one request. */
  readonly promptCaching: boolean;
  readonly streamPace: Pace;
  readonly plainPace: Pace;
  /** Told when a stream begins and when it is over. */
  readonly onStream: (change: 1 | -1) => void;
}

export const registerChatCompletions = (app: FastifyInstance, dependencies: ChatDependencies): void => {
  const { answer, catalogue, bodyLimit, promptCaching, streamPace, plainPace, onStream } = dependencies;

  /** Asks the model, telling headers and log what becomes known on the way. */
  const ask = async (request: FastifyRequest, reply: FastifyReply, body: ChatRequest): Promise<Answer> => {
    const { record } = request;
    const answered = await answer(body, {
      texts: request.texts,
      cancellation: callerLeaving(reply),
      caller: record.caller ?? 'anonymous',
      promptCaching: promptCaching && request.headers['x-prompt-caching'] !== 'off',
      onRetry: () => {
        record.retries += 1;
      },
      onPrepared: (target, report) => {
        record.target = target;
        record.report = report;
        // Where the status is out already, headers are too late.
        if (reply.raw.headersSent) return;
        setReportHeaders(reply, report);
        setSunsetHeaders(reply, catalogue.sunset(target.model, target.upstream));
      },
    });
    record.origin = answered.origin;
    record.schemaProblems = answered.schemaProblems;
    if (!reply.raw.headersSent) setOriginHeaders(reply, answered.origin);
    return answered;
  };

  const replyOptions = ({ settings }: Answer, { model }: ChatRequest): ReplyOptions => ({
    model,
    created: Math.floor(Date.now() / 1000),
    makeId: makeMessageId,
    includeReasoning: settings.includeReasoning,
    includeUsage: settings.includeUsage,
    legacyFunctions: settings.legacyFunctions,
    customTools: settings.customTools,
  });

  const stream = async (
    request: FastifyRequest,
    reply: FastifyReply,
    body: ChatRequest,
  ): Promise<Outgoing<readonly ChatEvent[]>> => {
    const { record } = request;
    const answered = await ask(request, reply, body);
    const encoder = createChunkEncoder(replyOptions(answered, body));
    record.outcome = encoder.summary;
    onStream(1);
    return {
      batches: answered.events,
      encode: (batch) => {
        const frames = encoder.push(batch);
        if (frames !== '') record.firstByteMs ??= performance.now() - record.startedAt;
        return frames;
      },
      end: encoder.end,
      close: () => onStream(-1),
    };
  };

  const complete = async (request: FastifyRequest, reply: FastifyReply, body: ChatRequest) => {
    const { record } = request;
    const answered = await ask(request, reply, body);
    let used: Usage | undefined;
    let finish: string | undefined;
    record.outcome = () => ({ usage: used, finish });
    const folded = await answered.whole((usage) => {
      used = usage;
    });
    used = folded.usage;
    finish = folded.finish.upstreamReason;
    return toCompletion(folded, replyOptions(answered, body));
  };

  /** Too late for a status: the log still hears of it. */
  const failLate = (request: FastifyRequest, error: unknown): string => {
    const { record } = request;
    record.error = error;
    if (error instanceof CallerGone) return '';
    const known = toKnownError(error, request, bodyLimit);
    record.origin ??= originOf(known);
    return errorFrame(known.toBody());
  };

  app.post(
    '/v1/chat/completions',
    { config: { metered: true } },
    async (request: FastifyRequest, reply: FastifyReply) => {
      const { record } = request;
      const body = parseRequest(request.body);
      // Not needed any more, and large where the history is; the answer may take minutes.
      request.body = undefined;
      record.model = body.model;
      record.stream = body.stream === true;
      record.metadata = body.metadata ?? undefined;

      const onFailure = (error: unknown) => failLate(request, error);
      if (body.stream !== true)
        return await deliverPlain(reply, complete(request, reply, body), plainPace, onFailure);
      await deliverStream(reply, stream(request, reply, body), streamPace, onFailure);
      return reply;
    },
  );
};
