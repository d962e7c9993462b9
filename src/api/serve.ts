/** Joins an inbound API, the pipeline and the delivery of answers. The same for every API of chats. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Ask } from '../core/ask.ts';
import type { ChatEvent, DroppedThinking, Usage } from '../core/chat.ts';
import { ClientDisconnected } from '../core/errors.ts';
import { countDropped } from '../core/misplaced-thinking.ts';
import { type ParameterNames, withAdjusted } from '../core/report.ts';
import type { Catalogue } from '../models/catalogue.ts';
import type { Answer, Answerer } from '../pipeline/complete.ts';
import { toKnownError } from '../server/errors.ts';
import { setCostHeader, setOriginHeaders, setReportHeaders, setSunsetHeaders } from '../server/headers.ts';
import { originOf } from '../server/record.ts';
import type { AnswerEncoder, AnswerFacts, ChatApi, FailedEnding, Parsed } from './chat-api.ts';
import { clientDisconnection, deliverPlain, deliverStream, type Outgoing } from './delivery.ts';
import { HeaderHold } from './header-hold.ts';

/** Times in ms. */
interface Silence {
  /** How long the status is held back for the model to begin; 0: for ever. */
  readonly hold: number;
  /** The longest silence once the status is out. */
  readonly interval: number;
}

export interface ServeDependencies {
  readonly answer: Answerer;
  readonly catalogue: Pick<Catalogue, 'resolve' | 'sunset'>;
  readonly bodyLimit: number;
  /** Whether the server may set cache breakpoints of its own; `x-prompt-caching: off` opts out for one request. */
  readonly promptCaching: boolean;
  readonly streamSilence: Silence;
  readonly plainSilence: Silence;
  /** Notified when a stream begins and when it is over. */
  readonly onStream: (change: 1 | -1) => void;
}

/** Something that stands for the key; all who come without one are one client. */
const clientOf = ({ record }: FastifyRequest): string => record.client ?? 'anonymous';

const factsOf = ({ settings, costOf, target, sentBlocks }: Answer): AnswerFacts => ({
  model: target.model.id,
  includeReasoning: settings.includeReasoning,
  reasoningIsSigned: settings.reasoningIsSigned,
  sentBlocks,
  costOf,
});

/** For log and metrics all of it; for the client what is out of place, which is its history's doing or ours. */
const reportDropped = (
  { record }: FastifyRequest,
  reply: FastifyReply,
  dropped: readonly DroppedThinking[],
  names: ParameterNames,
): void => {
  record.droppedThinking = countDropped(dropped);
  if (record.droppedThinking.prefix === undefined || record.report === undefined) return;
  record.report = withAdjusted(record.report, names.messages);
  if (!reply.raw.headersSent) setReportHeaders(reply, record.report);
};

export const serveChatApi = <Context>(
  app: FastifyInstance,
  api: ChatApi<Context>,
  dependencies: ServeDependencies,
): void => {
  const { answer, catalogue, bodyLimit, promptCaching, streamSilence, plainSilence, onStream } = dependencies;

  /** Asks the model, noting for headers and log what becomes known on the way. */
  const askModel = async (
    request: FastifyRequest,
    reply: FastifyReply,
    ask: Ask,
    hold: HeaderHold,
  ): Promise<Answer> => {
    const { record } = request;
    const answered = await answer(ask, {
      cancellation: clientDisconnection(reply),
      client: clientOf(request),
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

  const stream = async (
    request: FastifyRequest,
    reply: FastifyReply,
    ask: Ask,
    hold: HeaderHold,
    encoder: AnswerEncoder,
  ): Promise<Outgoing<readonly ChatEvent[]>> => {
    const { record } = request;
    const answered = await askModel(request, reply, ask, hold);
    const { costOf } = answered;
    const { names } = ask;
    encoder.begin(factsOf(answered));
    record.outcome = () => {
      const { usage, finish } = encoder.summary();
      return { usage, cost: usage === undefined ? undefined : costOf(usage), finish };
    };
    onStream(1);
    return {
      batches: answered.events,
      encode: (batch) => {
        const [first] = batch;
        if (first?.type === 'start' && first.droppedThinking !== undefined)
          reportDropped(request, reply, first.droppedThinking, names);
        const frames = encoder.push(batch);
        if (frames !== '') record.firstByteMs ??= performance.now() - record.startedAt;
        return frames;
      },
      end: () => encoder.end(),
      close: () => onStream(-1),
    };
  };

  const complete = async (
    request: FastifyRequest,
    reply: FastifyReply,
    { ask, context }: Parsed<Context>,
    hold: HeaderHold,
  ): Promise<object> => {
    const { record } = request;
    const answered = await askModel(request, reply, ask, hold);
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
    if (folded.droppedThinking.length > 0) reportDropped(request, reply, folded.droppedThinking, ask.names);
    // Where a hold has committed the headers already, it is too late.
    if (!reply.raw.headersSent) setCostHeader(reply, cost);
    return api.toBody(folded, context, factsOf(answered), cost);
  };

  /** Too late for a status: the log still hears of it. Undefined where no client is there to read of it. */
  const recordFailure = (request: FastifyRequest, error: unknown) => {
    const { record } = request;
    record.error = error;
    if (error instanceof ClientDisconnected) return undefined;
    const known = toKnownError(error, request, bodyLimit);
    record.origin ??= originOf(known);
    return known;
  };

  const failLate = (request: FastifyRequest, error: unknown, encoder: AnswerEncoder): FailedEnding => {
    const known = recordFailure(request, error);
    return known === undefined ? { frames: '', ending: 'cut' } : encoder.fail(known);
  };

  /** The log hears of the model although what else is asked cannot be read. */
  const readRequest = async (request: FastifyRequest): Promise<Parsed<Context>> => {
    const { record, body, headers } = request;
    // Not needed any more, and large where the history is; the answer may take minutes.
    request.body = undefined;
    try {
      return await api.parse(body, {
        headers,
        client: clientOf(request),
        texts: request.texts,
        identified: ({ model, stream, metadata }) => Object.assign(record, { model, stream, metadata }),
      });
    } catch (error) {
      // A model that is not served is said first: with another one the rest may be right.
      if (record.model !== undefined) catalogue.resolve(record.model);
      throw error;
    }
  };

  app.post(api.path, { config: { metered: true } }, async (request: FastifyRequest, reply: FastifyReply) => {
    const parsed = await readRequest(request);
    const encoder = parsed.ask.stream ? api.encoder?.(parsed.context) : undefined;
    if (encoder === undefined) {
      const hold = new HeaderHold(plainSilence.hold);
      const answered = complete(request, reply, parsed, hold);
      const { interval } = plainSilence;
      return await deliverPlain(reply, answered, { hold, interval }, (error) =>
        recordFailure(request, error),
      );
    }
    const hold = new HeaderHold(streamSilence.hold);
    const answered = stream(request, reply, parsed.ask, hold, encoder);
    const { interval } = streamSilence;
    const keepAlive = encoder.keepAlive.bind(encoder);
    await deliverStream(reply, answered, { hold, interval, keepAlive }, (error) =>
      failLate(request, error, encoder),
    );
    return reply;
  });
};
