/** Which adapter meets which upstream: the one place that knows both. */

import type { Adapter, Upstream } from '../adapters/adapter.ts';
import { claude } from '../adapters/anthropic-messages/index.ts';
import { nova } from '../adapters/bedrock-converse/index.ts';
import type { Config, Timeouts } from '../config.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { Prompt, UpstreamName } from '../core/chat.ts';
import { type Origin, UpstreamFault, unknownModel, upstreamFailed } from '../core/errors.ts';
import type { ConceptReport } from '../core/report.ts';
import type { Target } from '../models/catalogue.ts';
import { createAnthropic } from './anthropic.ts';
import { createBedrock } from './bedrock/bedrock.ts';
import { createBedrockConverse } from './bedrock/converse.ts';
import { createBedrockClaude } from './bedrock/invoke.ts';
import { type Events, readMessage, readStream } from './reading.ts';
import { watch } from './timeouts.ts';

export interface Answer {
  readonly origin: Origin;
  readonly events: Events;
}

/** A prompt written for one target, not yet sent; to be sent once. */
export interface Prepared {
  /** What the target's wire had no room for. */
  readonly report: ConceptReport;
  /**
   * Resolves with the first event, or with a plain call's whole answer. Rejects with an ApiError, or with
   * the cancellation's reason. The events throw an ApiError where the answer fails later on.
   */
  open(options: {
    readonly stream: boolean;
    readonly cancellation: Cancellation;
    /** `performance.now()` at which the first attempt began. */
    readonly startedAt: number;
  }): Promise<Answer>;
}

export interface Backends {
  prepare(prompt: Prompt, target: Target): Prepared;
  /** Whether there are AWS credentials. Looking for them may take seconds where there are none. */
  canSign(): Promise<boolean>;
  close(): Promise<void>;
}

type Backend = (prompt: Prompt, target: Target) => Prepared;

/** Plain answers beyond these sizes are asked as a stream and folded, so that silence is noticed. Tokens. */
const longAnswer = 21_333;
const longThinking = 8192;

const isLong = ({ maxTokens = 0, maxTokensIsExplicit, thinking }: Prompt): boolean =>
  (maxTokensIsExplicit && maxTokens > longAnswer) ||
  (thinking.mode === 'budget' && thinking.budgetTokens > longThinking);

const joinBackend =
  <Request, Message, Event>(
    adapter: Adapter<Request, Message, Event>,
    upstream: Upstream<Request, Message, Event>,
    timeouts: Timeouts,
  ): Backend =>
  (prompt, target) => {
    const encoded = adapter.encode(prompt, target);
    const { report, decoder: decoderOptions } = encoded;
    /** Let go of with the sending: a long history's is large, and its answer may take minutes. */
    let unsent: Request | undefined = encoded.request;
    const take = (): Request => {
      if (unsent === undefined) throw new Error('A prepared prompt is sent once.');
      const taken = unsent;
      unsent = undefined;
      return taken;
    };

    // Not within `open`: what stands in an async function's frame lives as long as it waits.
    const send = (stream: boolean, cancellation: Cancellation) =>
      upstream.open(take(), {
        modelId: target.modelId,
        contextWindow: target.model.contextWindow,
        stream,
        texts: prompt.texts,
        cancellation,
      });

    const open: Prepared['open'] = async ({ stream, cancellation: caller, startedAt }) => {
      const asStream = stream || isLong(prompt);
      const wait = watch(timeouts, { stream: asStream, caller, startedAt });
      const decoder = adapter.createDecoder(decoderOptions);
      try {
        const opened = await send(asStream, wait.cancellation);
        const { origin } = opened;
        if ('message' in opened) {
          wait.done(true);
          return { origin, events: readMessage(opened, adapter, decoder) };
        }
        const reading = readStream(opened, decoder, wait);
        // An answer without a single event is a broken connection, and may be asked for again.
        if (!(await reading.begin())) {
          const fault = new UpstreamFault(origin, 502, 'no_answer');
          throw upstreamFailed('The upstream closed the connection without an answer.', fault);
        }
        wait.started();
        return { origin, events: reading };
      } catch (error) {
        wait.done(false);
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
  let canSign: Backends['canSign'] = async () => false;

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
    canSign = bedrock.canSign;
  }

  return {
    prepare: (prompt, target) => {
      const backend = backends.get(target.upstream);
      if (backend === undefined) throw unknownModel(target.model.id);
      return backend(prompt, target);
    },
    canSign,
    close: async () => {
      await Promise.all(closing.map((close) => close()));
    },
  };
};
