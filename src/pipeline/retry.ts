/**
 * What happens when an upstream fails before its first event: another upstream at once, else the same one
 * again after a wait, and none that keeps failing. Behaviour 8.2, 8.3. After the first event nothing is
 * repeated: what the client has seen cannot be taken back.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
} from 'cockatiel';
import type { Cancellation } from '../core/cancellation.ts';
import type { UpstreamName } from '../core/chat.ts';
import { ApiError, type Retryable, UpstreamFault } from '../core/errors.ts';
import type { Target } from '../models/catalogue.ts';

export interface ResilienceOptions {
  readonly maxRetries: number;
  /** Ms from the first attempt in which retries may begin. */
  readonly retryBudget: number;
  /** Ms; an upstream that asks for a longer wait is not waited for. */
  readonly retryAfterCap: number;
  /** Ms until a broken upstream is probed again. */
  readonly breakerCooldown: number;
  /** 0 to 1. */
  readonly random?: () => number;
}

export interface RunOptions {
  /** The client's leaving. */
  readonly cancellation: Cancellation;
  /** `performance.now()` after which nothing is asked any more. */
  readonly deadline: number;
  /** Notified when an upstream is asked once more, the same or another. */
  readonly onRetry: () => void;
}

export interface Resilience {
  /**
   * The first attempt that succeeds, over the targets in their order. Rejects with the failure that says
   * most, or with the cancellation's reason.
   */
  run<Result>(
    targets: readonly Target[],
    attempt: (target: Target) => Promise<Result>,
    options: RunOptions,
  ): Promise<Result>;
  /** Upstreams that are not asked for now, because they kept failing. */
  readonly broken: () => readonly UpstreamName[];
}

/** Failures in a row after which an upstream counts as broken. */
const failuresToBreak = 5;
/** Ms. */
const firstBackoff = 500;
const longestBackoff = 8000;

interface Candidate {
  readonly target: Target;
  /** `performance.now()` until which it asked to be left alone. */
  readonly readyAt: number;
}

/** Ms, where the upstream named a wait. */
const waitAskedFor = (error: unknown): number | undefined =>
  error instanceof ApiError && error.cause instanceof UpstreamFault && error.cause.retryAfter !== undefined
    ? error.cause.retryAfter * 1000
    : undefined;

/** What is no ApiError is a fault of ours, and would be one again. */
const retryableOf = (error: unknown): Retryable => (error instanceof ApiError ? error.retryable : 'nowhere');

/** What a second upstream adds of its own says less than what came before: our refusal for it, our account there. */
const saysLittle = (error: unknown): boolean =>
  error instanceof ApiError &&
  (error.retryable === 'elsewhere' ||
    error.code === 'model_not_found' ||
    (error.status === 400 && !(error.cause instanceof UpstreamFault)));

const moreTelling = (earlier: unknown, later: unknown): unknown =>
  earlier !== undefined && saysLittle(later) ? earlier : later;

/** One breaker an upstream; the only state that requests share. */
class Breakers {
  readonly #cooldown: number;
  readonly #byUpstream = new Map<UpstreamName, CircuitBreakerPolicy>();

  constructor(cooldown: number) {
    this.#cooldown = cooldown;
  }

  /** Rejects with a BrokenCircuitError where the upstream is passed over without being asked. */
  ask<Result>(upstream: UpstreamName, attempt: () => Promise<Result>): Promise<Result> {
    const breaker = this.#of(upstream);
    // One request at a time probes a half-open upstream; the others go elsewhere meanwhile.
    if (breaker.state === CircuitState.HalfOpen) return Promise.reject(new BrokenCircuitError());
    return breaker.execute(attempt);
  }

  broken(): readonly UpstreamName[] {
    return [...this.#byUpstream]
      .filter(([, { state }]) => state === CircuitState.Open)
      .map(([upstream]) => upstream);
  }

  #of(upstream: UpstreamName): CircuitBreakerPolicy {
    const known = this.#byUpstream.get(upstream);
    if (known !== undefined) return known;
    const breaker = circuitBreaker(
      handleWhen((error) => error instanceof ApiError && error.isOutage),
      { halfOpenAfter: this.#cooldown, breaker: new ConsecutiveBreaker(failuresToBreak) },
    );
    this.#byUpstream.set(upstream, breaker);
    return breaker;
  }
}

interface RetrySettings {
  readonly maxRetries: number;
  readonly retryBudget: number;
  readonly retryAfterCap: number;
  readonly random: () => number;
}

/** What a round without an answer leaves: whom to ask in the next one, and from when on. */
interface NextRound {
  readonly candidates: readonly Candidate[];
  /** `performance.now()`; infinite where there is nothing to wait for. */
  readonly at: number;
}

/**
 * One request over its targets, in rounds: in each the candidates are asked one after the other, and those that may
 * do better later are the candidates of the next.
 */
class Rounds<Result> {
  readonly #targets: readonly Target[];
  readonly #attempt: (target: Target) => Promise<Result>;
  readonly #options: RunOptions;
  readonly #settings: RetrySettings;
  readonly #breakers: Breakers;
  readonly #startedAt = performance.now();
  /** `performance.now()` after which no round begins. */
  readonly #lastRoundAt: number;
  /** With no other upstream to turn to, a broken one is asked all the same. */
  #heedsBreakers: boolean;
  /** Rounds that are over; in the first no attempt is a retry. */
  #rounds = 0;
  #retries = 0;
  /** The failure that says most; undefined until something has been asked. */
  #failure: unknown;

  constructor(
    targets: readonly Target[],
    attempt: (target: Target) => Promise<Result>,
    shared: { readonly options: RunOptions; readonly settings: RetrySettings; readonly breakers: Breakers },
  ) {
    this.#targets = targets;
    this.#attempt = attempt;
    this.#options = shared.options;
    this.#settings = shared.settings;
    this.#breakers = shared.breakers;
    this.#lastRoundAt = Math.min(this.#startedAt + shared.settings.retryBudget, shared.options.deadline);
    this.#heedsBreakers = targets.length > 1;
  }

  async result(): Promise<Result> {
    let next: NextRound = {
      candidates: this.#targets.map((target) => ({ target, readyAt: this.#startedAt })),
      at: this.#startedAt,
    };
    for (;;) {
      const ended = await this.#round(next.candidates);
      if ('answer' in ended) return ended.answer;
      if (this.#failure === undefined) {
        // All are broken, and none was asked.
        this.#heedsBreakers = false;
        continue;
      }
      if (ended.at > this.#lastRoundAt || this.#hasNoRetriesLeft()) throw this.#failure;
      await this.#waitUntil(ended.at);
      this.#rounds += 1;
      next = ended;
    }
  }

  async #round(candidates: readonly Candidate[]): Promise<NextRound | { readonly answer: Result }> {
    const again: Candidate[] = [];
    let at = Number.POSITIVE_INFINITY;
    for (const candidate of candidates) {
      if (this.#rounds > 0 && this.#hasNoRetriesLeft()) throw this.#failure;
      // It asked for a longer wait than another.
      if (candidate.readyAt > performance.now()) {
        again.push(candidate);
        at = Math.min(at, candidate.readyAt);
        continue;
      }
      const { target } = candidate;
      try {
        return { answer: await this.#ask(target) };
      } catch (error) {
        this.#options.cancellation.throwIfAborted();
        if (error instanceof BrokenCircuitError) {
          again.push(candidate);
          continue;
        }
        this.#note(error);
        const wait = waitAskedFor(error);
        if (retryableOf(error) !== 'anywhere' || (wait ?? 0) > this.#settings.retryAfterCap) continue;
        const now = performance.now();
        again.push({ target, readyAt: now + (wait ?? 0) });
        at = Math.min(at, now + (wait ?? this.#backoff()));
      }
    }
    return { candidates: again, at };
  }

  #ask(target: Target): Promise<Result> {
    if (!this.#heedsBreakers) return this.#begin(target);
    return this.#breakers.ask(target.upstream, () => this.#begin(target));
  }

  /** Counted here, because a broken upstream is passed over without being asked. */
  #begin(target: Target): Promise<Result> {
    if (this.#rounds > 0) this.#retries += 1;
    if (this.#failure !== undefined) this.#options.onRetry();
    return this.#attempt(target);
  }

  /** Throws where no other target can change it. */
  #note(error: unknown): void {
    this.#failure = moreTelling(this.#failure, error);
    // What only this upstream has against the request does not end the hope in another.
    const isFinal = retryableOf(error) === 'nowhere' && this.#failure === error;
    if (isFinal || this.#options.deadline - performance.now() < 1) throw this.#failure;
  }

  #hasNoRetriesLeft(): boolean {
    return this.#retries >= this.#settings.maxRetries;
  }

  /** Ms: full jitter below a ceiling that doubles. */
  #backoff(): number {
    return this.#settings.random() * Math.min(longestBackoff, firstBackoff * 2 ** this.#rounds);
  }

  async #waitUntil(at: number): Promise<void> {
    const { signal } = this.#options.cancellation;
    try {
      await sleep(Math.max(0, at - performance.now()), undefined, { signal });
    } catch {
      // Its own error says only that it was aborted.
      signal.throwIfAborted();
    }
  }
}

export const createResilience = (options: ResilienceOptions): Resilience => {
  const { maxRetries, retryBudget, retryAfterCap, breakerCooldown, random = Math.random } = options;
  const settings: RetrySettings = { maxRetries, retryBudget, retryAfterCap, random };
  const breakers = new Breakers(breakerCooldown);
  return {
    run: (targets, attempt, runOptions) =>
      new Rounds(targets, attempt, { options: runOptions, settings, breakers }).result(),
    broken: () => breakers.broken(),
  };
};
