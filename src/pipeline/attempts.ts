/** How one request asks upstreams: with failover and retries, with corrections, with listeners. */

import type { AttemptListener } from '../core/attempt-listener.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { Prompt, ServiceTier } from '../core/chat.ts';
import { type Report, withAdjusted, withConcepts } from '../core/report.ts';
import type { Target } from '../models/catalogue.ts';
import type { Backends, OpenedAnswer, Prepared } from './backends.ts';
import { Corrections, type Question } from './correction.ts';
import type { Resilience } from './retry.ts';
import type { Shown } from './thinking-binding.ts';

/** What a target was asked in the end, and what came back. */
export interface Opened {
  readonly prompt: Prompt;
  readonly report: Report;
  /** That was asked for; one that the target's protocol has no room for was not. */
  readonly serviceTier: ServiceTier | undefined;
  readonly answer: OpenedAnswer;
}

interface Options {
  readonly backends: Backends;
  readonly resilience: Resilience;
  readonly cancellation: Cancellation;
  /** `performance.now()` at which the first attempt began. */
  readonly startedAt: number;
  /** `performance.now()` after which nothing is asked any more. */
  readonly deadline: number;
  readonly onRetry: () => void;
  /** Notified of what a refusal has shown beyond this request. */
  readonly onShown: (shown: Shown, prompt: Prompt, target: Target) => void;
  readonly listener: AttemptListener;
}

interface OpenOptions {
  readonly stream: boolean;
  /** What the question changes of the client's request. */
  readonly report: Report;
  /** Notified of what that report has become, before the target is asked. May throw. */
  readonly onReport: (report: Report) => void;
}

/** All that one request asks for. Nothing of the conversation is held here. */
export class Attempts {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Whether the client has left. */
  get cancelled(): boolean {
    return this.#options.cancellation.aborted;
  }

  /** The first target that `ask` succeeds with. */
  over<Result>(targets: readonly Target[], ask: (target: Target) => Promise<Result>): Promise<Result> {
    return this.#options.resilience.run(targets, ask, this.#options);
  }

  /** Asks one target, and where it says what is wrong with the question, once more with each correction of that. */
  async open(question: Question, { stream, report: changed, onReport }: OpenOptions): Promise<Opened> {
    const { backends, onRetry, onShown } = this.#options;
    const { target, settings, names } = question;
    let { prompt } = question;
    let report = changed;
    let corrections: Corrections | undefined;
    for (;;) {
      try {
        const prepared = backends.prepare(prompt, target);
        const all = withConcepts(report, prepared.report, names);
        onReport(all);
        const serviceTier = prepared.report.ignored.includes('serviceTier') ? undefined : prompt.serviceTier;
        return { prompt, report: all, serviceTier, answer: await this.#send(prepared, stream) };
      } catch (error) {
        corrections ??= new Corrections();
        const correction = corrections.next({ target, settings, prompt, names }, error);
        if (correction === undefined) throw error;
        onRetry();
        if (correction.shown !== undefined) onShown(correction.shown, prompt, target);
        prompt = correction.prompt;
        if (correction.adjusted !== undefined) report = withAdjusted(report, correction.adjusted);
      }
    }
  }

  async #send(prepared: Prepared, stream: boolean): Promise<OpenedAnswer> {
    const { listener, cancellation, startedAt } = this.#options;
    listener.attemptStarted();
    try {
      return await prepared.open({ stream, cancellation, startedAt });
    } catch (error) {
      listener.attemptFailed();
      throw error;
    }
  }
}
