/** Which adapter meets which upstream: the one place that knows both. */

import type { Adapter, DecoderOptions, Opened, Upstream } from '../adapters/adapter.ts';
import { claude } from '../adapters/anthropic-messages/index.ts';
import { nova } from '../adapters/bedrock-converse/index.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { Prompt, UpstreamName } from '../core/chat.ts';
import { type Origin, UpstreamFault, unknownModel, upstreamFailed } from '../core/errors.ts';
import type { ConceptReport } from '../core/report.ts';
import type { Texts } from '../core/texts.ts';
import type { Timeouts } from '../core/timeouts.ts';
import type { Target } from '../models/catalogue.ts';
import { type AnthropicOptions, createAnthropic } from './anthropic.ts';
import { type BedrockOptions, createBedrock } from './bedrock/bedrock.ts';
import { createBedrockConverse } from './bedrock/converse.ts';
import { createBedrockClaude } from './bedrock/invoke.ts';
import type { TransportOptions } from './http/transport.ts';
import { type Events, readMessage, readStream } from './reading.ts';
import { AttemptTimeouts } from './timeouts.ts';

export interface OpenedAnswer {
  readonly origin: Origin;
  readonly events: Events;
}

interface PreparedOptions {
  readonly stream: boolean;
  /** The client's leaving. */
  readonly cancellation: Cancellation;
  /** `performance.now()` at which the first attempt began. */
  readonly startedAt: number;
}

/** A prompt written for one target, not yet sent; to be sent once. */
export interface Prepared {
  /** What the target's protocol had no room for. */
  readonly report: ConceptReport;
  /**
   * Resolves with the first event, or with a plain call's whole answer. Rejects with an ApiError, or with
   * the cancellation's reason. The events throw an ApiError where the answer fails later on.
   */
  open(options: PreparedOptions): Promise<OpenedAnswer>;
}

export interface Backends {
  prepare(prompt: Prompt, target: Target): Prepared;
  /** Whether there are AWS credentials. Looking for them may take seconds where there are none. */
  canSign(): Promise<boolean>;
  close(): Promise<void>;
}

/** Plain answers beyond these sizes are asked as a stream and folded, so that silence is noticed. Tokens. */
const longAnswer = 21_333;
const longThinking = 8192;

const isLong = ({ maxTokens = 0, maxTokensIsExplicit, thinking }: Prompt): boolean =>
  (maxTokensIsExplicit && maxTokens > longAnswer) ||
  (thinking.mode === 'budget' && thinking.budgetTokens > longThinking);

/** An adapter and the upstream that speaks its protocol. */
interface Pair<Request, Message, Event> {
  readonly adapter: Adapter<Request, Message, Event>;
  readonly upstream: Upstream<Request, Message, Event>;
  readonly timeouts: Timeouts;
}

class PreparedPrompt<Request, Message, Event> implements Prepared {
  readonly report: ConceptReport;
  readonly #pair: Pair<Request, Message, Event>;
  readonly #target: Target;
  readonly #texts: Texts;
  readonly #isLong: boolean;
  readonly #decoder: DecoderOptions;
  /** Let go of with the sending: a long history's is large, and its answer may take minutes. */
  #unsent: Request | undefined;

  constructor(pair: Pair<Request, Message, Event>, prompt: Prompt, target: Target) {
    const { request, report, decoder } = pair.adapter.encode(prompt, target);
    this.report = report;
    this.#pair = pair;
    this.#target = target;
    this.#texts = prompt.texts;
    this.#isLong = isLong(prompt);
    this.#decoder = decoder;
    this.#unsent = request;
  }

  async open({ stream, cancellation: client, startedAt }: PreparedOptions): Promise<OpenedAnswer> {
    const { adapter, timeouts } = this.#pair;
    const asStream = stream || this.#isLong;
    const waits = new AttemptTimeouts(timeouts, { stream: asStream, client, startedAt });
    const decoder = adapter.createDecoder(this.#decoder);
    try {
      const opened = await this.#send(asStream, waits.cancellation);
      const { origin } = opened;
      if ('message' in opened) {
        waits.done(true);
        return { origin, events: readMessage(opened, adapter, decoder) };
      }
      const reading = readStream(opened, decoder, waits);
      // An answer without a single event is a broken connection, and may be asked for again.
      if (!(await reading.begin())) {
        const cause = new UpstreamFault(origin, 502, 'no_answer');
        throw upstreamFailed('The upstream closed the connection without an answer.', { cause });
      }
      waits.started();
      return { origin, events: reading };
    } catch (error) {
      waits.done(false);
      throw error;
    }
  }

  /** Not within `open`: what stands in an async function's frame lives as long as it waits. */
  #send(stream: boolean, cancellation: Cancellation): Promise<Opened<Message, Event>> {
    return this.#pair.upstream.open(this.#take(), {
      modelId: this.#target.modelId,
      contextWindow: this.#target.model.contextWindow,
      stream,
      texts: this.#texts,
      cancellation,
    });
  }

  #take(): Request {
    const request = this.#unsent;
    if (request === undefined) throw new Error('A prepared prompt is sent once.');
    this.#unsent = undefined;
    return request;
  }
}

type Backend = (prompt: Prompt, target: Target) => Prepared;

const join =
  <Request, Message, Event>(pair: Pair<Request, Message, Event>): Backend =>
  (prompt, target) =>
    new PreparedPrompt(pair, prompt, target);

export interface ProviderSettings {
  /** Null: not to be asked. */
  readonly anthropic: Omit<AnthropicOptions, keyof TransportOptions> | null;
  readonly aws: Omit<BedrockOptions, keyof TransportOptions> | null;
  readonly timeouts: Timeouts;
  /** Requests at once. */
  readonly maxConcurrent: number;
}

export const createBackends = ({
  anthropic: anthropicSettings,
  aws,
  timeouts,
  maxConcurrent,
}: ProviderSettings): Backends => {
  // Never a queue for sockets: as many as there may be requests, and as many that were given up while connecting.
  const transport = { connectTimeout: timeouts.connect, connections: 2 * maxConcurrent };
  const anthropic = anthropicSettings && createAnthropic({ ...anthropicSettings, ...transport });
  const bedrock = aws && createBedrock({ ...aws, ...transport });

  const backends = new Map<UpstreamName, Backend>();
  if (anthropic !== null) backends.set('anthropic', join({ adapter: claude, upstream: anthropic, timeouts }));
  if (bedrock !== null) {
    const invoke = createBedrockClaude(bedrock);
    const converse = createBedrockConverse(bedrock);
    backends.set('bedrock', join({ adapter: claude, upstream: invoke, timeouts }));
    backends.set('bedrock-converse', join({ adapter: nova, upstream: converse, timeouts }));
  }

  return {
    prepare: (prompt, target) => {
      const backend = backends.get(target.upstream);
      if (backend === undefined) throw unknownModel(target.model.id);
      return backend(prompt, target);
    },
    canSign: async () => (bedrock === null ? false : bedrock.canSign()),
    close: async () => {
      await Promise.all([anthropic?.close(), bedrock?.close()]);
    },
  };
};
