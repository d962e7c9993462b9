/** Which adapter meets which upstream: the one place that knows both. */

import type { Adapter, Upstream } from './adapters/adapter.ts';
import { claude } from './adapters/claude/index.ts';
import { nova } from './adapters/nova/index.ts';
import type { Cancellation } from './cancellation.ts';
import type { Target } from './catalogue.ts';
import type { ChatEvent, Prompt, Report, UpstreamName } from './chat.ts';
import type { Config, Timeouts } from './config.ts';
import { ApiError, type Origin, UpstreamFault, unknownModel, upstreamFailed } from './errors.ts';
import { createAnthropic } from './upstreams/anthropic.ts';
import { createBedrock } from './upstreams/aws.ts';
import { createBedrockClaude } from './upstreams/bedrock-claude.ts';
import { createBedrockConverse } from './upstreams/bedrock-converse.ts';
import { notTheProtocol } from './upstreams/failures.ts';
import { watch } from './upstreams/waits.ts';

export interface Answer {
  readonly origin: Origin;
  readonly events: AsyncIterable<readonly ChatEvent[]>;
}

/** A prompt written for one target, not yet sent. */
export interface Prepared {
  /** What the target's wire had no room for. */
  readonly report: Report;
  /**
   * Resolves with the first event, or with a plain call's whole answer. Rejects with an ApiError, or with
   * the cancellation's reason. The events throw an ApiError where the answer fails later on.
   */
  open(options: {
    readonly stream: boolean;
    readonly cancellation: Cancellation;
    /** `performance.now()` at which everything ends. */
    readonly deadline: number;
  }): Promise<Answer>;
}

export interface Backends {
  prepare(prompt: Prompt, target: Target): Prepared;
  close(): Promise<void>;
}

type Backend = (prompt: Prompt, target: Target) => Prepared;

/** Plain answers beyond these sizes are asked as a stream and folded, so that silence is noticed. Tokens. */
const longAnswer = 21_333;
const longThinking = 8192;

const isLong = ({ maxTokens = 0, maxTokensIsExplicit, thinking }: Prompt): boolean =>
  (maxTokensIsExplicit && maxTokens > longAnswer) ||
  (thinking.mode === 'budget' && thinking.budgetTokens > longThinking);

/** What `read` makes of an upstream's words. What it cannot make anything of is not the upstream's API: 502. */
const understand = <Value>(origin: Origin, read: () => Value): Value => {
  try {
    return read();
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw notTheProtocol(origin, error);
  }
};

const isFinish = ({ type }: ChatEvent): boolean => type === 'finish';

/** A plain answer as the one batch it would have been; read late, so that a bad one still has its origin. */
async function* decodeWhole(read: () => readonly ChatEvent[]): AsyncGenerator<readonly ChatEvent[]> {
  yield read();
}

const joinBackend =
  <Request, Message, Event>(
    adapter: Adapter<Request, Message, Event>,
    upstream: Upstream<Request, Message, Event>,
    timeouts: Timeouts,
  ): Backend =>
  (prompt, target) => {
    const { request, report, decoder: decoderOptions } = adapter.encode(prompt, target);

    const open: Prepared['open'] = async ({ stream, cancellation: caller, deadline }) => {
      const asStream = stream || isLong(prompt);
      const { cancellation, activity, started, listening, finished, done } = watch(timeouts, {
        stream: asStream,
        caller,
        deadline,
      });
      const decoder = adapter.createDecoder(decoderOptions);
      try {
        const options = { modelId: target.modelId, stream: asStream, texts: prompt.texts, cancellation };
        const opened = await upstream.open(request, options);
        const { origin } = opened;
        if ('message' in opened) {
          done(true);
          const { message } = opened;
          const read = () => {
            const events = decoder.push(adapter.toEvents(message));
            for (const event of decoder.end()) events.push(event);
            return events;
          };
          return { origin, events: decodeWhole(() => understand(origin, read)) };
        }

        const pieces = opened.pieces[Symbol.asyncIterator]();
        let failure: ApiError | undefined;
        /** Undefined at the end. */
        const next = async (): Promise<readonly Event[] | undefined> => {
          for (;;) {
            // What came before it is the caller's.
            if (failure !== undefined) throw failure;
            const piece = await pieces.next();
            if (piece.done === true) return undefined;
            activity();
            const batch = opened.read(piece.value);
            failure = batch.failure;
            if (batch.events.length > 0) return batch.events;
          }
        };
        const first = await next();
        // An answer without a single event is a broken connection, and may be asked for again.
        if (first === undefined) {
          const fault = new UpstreamFault(origin, 502, 'no_answer');
          throw upstreamFailed('The upstream closed the connection without an answer.', fault);
        }
        started();

        async function* events(): AsyncGenerator<readonly ChatEvent[]> {
          let hasFinish = false;
          let complete = false;
          try {
            for (let batch: readonly Event[] | undefined = first; batch !== undefined; ) {
              const read = batch;
              const decoded = understand(origin, () => decoder.push(read));
              if (decoded.length > 0) {
                listening(false);
                yield decoded;
                listening(true);
              }
              if (!hasFinish && decoded.some(isFinish)) {
                hasFinish = true;
                finished();
              }
              try {
                batch = await next();
                complete = batch === undefined;
              } catch (error) {
                // The answer is whole with its finish: however the connection ends after that takes nothing from it.
                if (!hasFinish) throw error;
                break;
              }
            }
            const rest = decoder.end();
            if (rest.length > 0) yield rest;
          } finally {
            done(complete);
          }
        }
        return { origin, events: events() };
      } catch (error) {
        done(false);
        throw error;
      }
    };
    return { report, open };
  };

export const createBackends = ({ anthropic, aws, timeouts, maxConcurrent }: Config): Backends => {
  // Never a queue for sockets: as many as there may be requests, and as many that were given up while connecting.
  const transport = { connectTimeout: timeouts.connect, connections: 2 * maxConcurrent };
  const backends = new Map<UpstreamName, Backend>();
  const closing: (() => Promise<void>)[] = [];

  if (anthropic !== null) {
    const upstream = createAnthropic({ ...anthropic, ...transport });
    backends.set('anthropic', joinBackend(claude, upstream, timeouts));
    closing.push(upstream.close);
  }
  if (aws !== null) {
    const bedrock = createBedrock({ ...aws, ...transport });
    backends.set('bedrock', joinBackend(claude, createBedrockClaude(bedrock), timeouts));
    backends.set('bedrock-converse', joinBackend(nova, createBedrockConverse(bedrock), timeouts));
    closing.push(bedrock.close);
  }

  return {
    prepare: (prompt, target) => {
      const backend = backends.get(target.upstream);
      if (backend === undefined) throw unknownModel(target.model.id);
      return backend(prompt, target);
    },
    close: async () => {
      await Promise.all(closing.map((close) => close()));
    },
  };
};
