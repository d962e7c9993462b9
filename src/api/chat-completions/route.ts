/** POST /v1/chat/completions, plain and streaming. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Ask } from '../../core/ask.ts';
import type { ChatEvent, Usage } from '../../core/chat.ts';
import { CallerGone } from '../../core/errors.ts';
import type { Catalogue } from '../../models/catalogue.ts';
import type { Answer, Answerer } from '../../pipeline/complete.ts';
import { toKnownError } from '../../server/errors.ts';
import { setCostHeader, setOriginHeaders, setReportHeaders, setSunsetHeaders } from '../../server/headers.ts';
import { originOf } from '../../server/record.ts';
import { callerLeaving, deliverPlain, deliverStream, type Outgoing } from '../delivery.ts';
import { HeaderHold } from '../header-hold.ts';
import { createChunkEncoder, errorFrame } from './chunks.ts';
import { toCompletion } from './completion.ts';
import { type ChatContext, check, type Parsed, read } from './parse.ts';
import { makeMessageId, openRouterFields, type ReplyOptions } from './reply.ts';
import { StreamHead } from './stream-head.ts';

/** Times in ms. */
interface Pace {
  /** How long the status is held back for the model to begin; 0: for ever. */
  readonly hold: number;
  /** The longest silence once the status is out. */
  readonly interval: number;
}

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
  const askModel = async (
    request: FastifyRequest,
    reply: FastifyReply,
    ask: Ask,
    hold: HeaderHold,
  ): Promise<Answer> => {
    const { record } = request;
    const answered = await answer(ask, {
      texts: request.texts,
      cancellation: callerLeaving(reply),
      caller: record.caller ?? 'anonymous',
      promptCaching: promptCaching && request.headers['x-prompt-caching'] !== 'off',
      onRetry: () => {
        record.retries += 1;
      },
      attempts: hold,
      onPrepared: (target, report) => {
        record.target = target;
        record.report = report;
        // Where the status is out already, headers are too late.
        if (reply.raw.headersSent) return;
        setReportHeaders(reply, report);
        setSunsetHeaders(reply, catalogue.sunset(target));
      },
    });
    record.origin = answered.origin;
    record.schemaProblems = answered.schemaProblems;
    if (!reply.raw.headersSent) setOriginHeaders(reply, answered.origin);
    return answered;
  };

  const now = () => Math.floor(Date.now() / 1000);

  /** What is known of a streamed reply before there is an answer. */
  const headOf = ({ model, includeUsage }: ChatContext) =>
    new StreamHead({ model, created: now(), makeId: makeMessageId, includeUsage });

  /** Field by field: to add to a spread takes longer than all of it. */
  const replyOptions = ({ settings }: Answer, context: ChatContext): ReplyOptions => ({
    model: context.model,
    created: now(),
    makeId: makeMessageId,
    openRouterReasoning: openRouterFields(context, settings),
    includeUsage: context.includeUsage,
    includeCost: context.includeCost,
    includeReasoning: settings.includeReasoning,
    legacyFunctions: context.legacyFunctions,
    customTools: context.customTools,
  });

  const stream = async (
    request: FastifyRequest,
    reply: FastifyReply,
    parsed: Parsed,
    hold: HeaderHold,
    head: StreamHead,
  ): Promise<Outgoing<readonly ChatEvent[]>> => {
    const { record } = request;
    const answered = await askModel(request, reply, parsed.ask, hold);
    const { costOf } = answered;
    const encoder = createChunkEncoder(replyOptions(answered, parsed.context), head, costOf);
    record.outcome = () => {
      const { usage, finish } = encoder.summary();
      return { usage, cost: usage === undefined ? undefined : costOf(usage), finish };
    };
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

  const complete = async (request: FastifyRequest, reply: FastifyReply, parsed: Parsed, hold: HeaderHold) => {
    const { record } = request;
    const answered = await askModel(request, reply, parsed.ask, hold);
    const { costOf: price } = answered;
    const costOf = (usage: Usage | undefined) => (usage === undefined ? undefined : price(usage));
    let used: Usage | undefined;
    record.outcome = () => ({ usage: used, cost: costOf(used), finish: undefined });
    const folded = await answered.whole((usage) => {
      used = usage;
    });
    const { usage, finish } = folded;
    const cost = costOf(usage);
    record.outcome = () => ({ usage, cost, finish: finish.upstreamReason });
    // Where a hold has committed the headers already, they are gone.
    if (!reply.raw.headersSent) setCostHeader(reply, cost);
    return toCompletion(folded, replyOptions(answered, parsed.context), cost);
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

  /** The log hears of the model although what else is asked cannot be read. */
  const readRequest = (request: FastifyRequest): Parsed => {
    const { record, body, headers } = request;
    const checked = check(body);
    record.model = checked.model;
    record.stream = checked.stream === true;
    record.metadata = checked.metadata ?? undefined;
    // Not needed any more, and large where the history is; the answer may take minutes.
    request.body = undefined;
    try {
      return read(checked, body, headers);
    } catch (error) {
      // A model that is not served is said first: with another one the rest may be right.
      catalogue.resolve(checked.model);
      throw error;
    }
  };

  app.post(
    '/v1/chat/completions',
    { config: { metered: true } },
    async (request: FastifyRequest, reply: FastifyReply) => {
      const parsed = readRequest(request);

      const onFailure = (error: unknown) => failLate(request, error);
      if (!parsed.ask.stream) {
        const hold = new HeaderHold(plainPace.hold);
        const answered = complete(request, reply, parsed, hold);
        return await deliverPlain(reply, answered, { hold, interval: plainPace.interval }, onFailure);
      }
      const hold = new HeaderHold(streamPace.hold);
      const head = headOf(parsed.context);
      const answered = stream(request, reply, parsed, hold, head);
      const delivery = { hold, interval: streamPace.interval, keepAliveFrame: () => head.keepAlive() };
      await deliverStream(reply, answered, delivery, onFailure);
      return reply;
    },
  );
};
