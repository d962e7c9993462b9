/** A prompt at its endpoint: the adapter of the protocol joined with the provider that is asked in it. */

import type { DecoderOptions } from '../adapters/adapter.ts';
import { type AdapterOf, adapters, type UpstreamOf } from '../adapters/protocols.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { Prompt, UpstreamName } from '../core/chat.ts';
import { type Origin, UpstreamFault, unknownModel, upstreamFailed } from '../core/errors.ts';
import type { LongTexts } from '../core/message-text.ts';
import type { ConceptReport } from '../core/report.ts';
import type { Timeouts } from '../core/timeouts.ts';
import type { Target } from '../models/catalogue.ts';
import { type Protocol, upstreamNames, upstreams } from '../models/upstreams.ts';
import type { Providers } from '../providers/registry.ts';
import { AttemptTimeouts } from '../providers/timeouts.ts';
import { type EventBatches, readMessage, StreamReading } from './read-answer.ts';

export interface OpenedAnswer {
  readonly origin: Origin;
  readonly events: EventBatches;
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
}

/** Plain answers beyond these sizes are asked as a stream and folded, so that silence is noticed. Tokens. */
const longAnswer = 21_333;
const longThinking = 8192;

const isLong = ({ maxTokens = 0, maxTokensIsExplicit, thinking }: Prompt): boolean =>
  (maxTokensIsExplicit && maxTokens > longAnswer) ||
  (thinking.mode === 'budget' && thinking.budgetTokens > longThinking);

/** An adapter and the upstream that speaks its protocol. */
interface Pair<P extends Protocol> {
  readonly adapter: AdapterOf<P>;
  readonly upstream: UpstreamOf<P>;
  readonly timeouts: Timeouts;
}

type RequestOf<P extends Protocol> = Parameters<UpstreamOf<P>['open']>[0];
type OpenedBy<P extends Protocol> = ReturnType<UpstreamOf<P>['open']>;

class PreparedPrompt<P extends Protocol> implements Prepared {
  readonly report: ConceptReport;
  readonly #pair: Pair<P>;
  readonly #target: Target;
  readonly #texts: LongTexts;
  readonly #isLong: boolean;
  readonly #decoder: DecoderOptions;
  /** Let go of with the sending: a long history's is large, and its answer may take minutes. */
  #unsent: RequestOf<P> | undefined;

  constructor(pair: Pair<P>, prompt: Prompt, target: Target) {
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
      const reading = new StreamReading(opened, decoder, waits);
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
  #send(stream: boolean, cancellation: Cancellation): OpenedBy<P> {
    return this.#pair.upstream.open(this.#take(), {
      modelId: this.#target.modelId,
      contextWindow: this.#target.model.contextWindow,
      stream,
      texts: this.#texts,
      cancellation,
    });
  }

  #take(): RequestOf<P> {
    const request = this.#unsent;
    if (request === undefined) throw new Error('A prepared prompt is sent once.');
    this.#unsent = undefined;
    return request;
  }
}

const prepareWith =
  <P extends Protocol>(pair: Pair<P>): Backends['prepare'] =>
  (prompt, target) =>
    new PreparedPrompt(pair, prompt, target);

export const createBackends = (providers: Providers, timeouts: Timeouts): Backends => {
  const prepare = new Map<UpstreamName, Backends['prepare']>();
  const join = <P extends Protocol>(name: UpstreamName, protocol: P, upstream: UpstreamOf<P> | undefined) => {
    if (upstream !== undefined)
      prepare.set(name, prepareWith<P>({ adapter: adapters[protocol], upstream, timeouts }));
  };
  for (const name of upstreamNames) {
    const { provider, protocol } = upstreams[name];
    join(name, protocol, providers[provider]?.speaks[protocol]);
  }
  return {
    prepare: (prompt, target) => {
      const prepareThere = prepare.get(target.upstream);
      if (prepareThere === undefined) throw unknownModel(target.model.id);
      return prepareThere(prompt, target);
    },
  };
};
