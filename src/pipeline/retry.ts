/**
 * What happens when an upstream fails before its first event: another upstream at once, else the same one
 * again after a wait, and none that keeps failing. Behaviour 8.2, 8.3. After the first event nothing is
 * repeated: what the caller has seen cannot be taken back.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import type { Cancellation } from '../core/cancellation.ts';
import type { UpstreamName } from '../core/chat.ts';
import { ApiError, UpstreamFault } from '../core/errors.ts';
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
  /** The caller's leaving. */
  readonly cancellation: Cancellation;
  /** `performance.now()` after which nothing is asked any more. */
  readonly deadline: number;
  /** Told when an upstream is asked once more, the same or another. */
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

const failuresToBreak = 5;
/** Ms: full jitter below a ceiling that doubles. */
const firstBackoff = 500;
const longestBackoff = 8000;

interface Candidate {
  readonly target: Target;
  /** `performance.now()` until which it asked to be left alone. */
  readonly readyAt: number;
}

/** Ms, where the upstream named a wait. */
const waitAskedFor = ({ cause }: ApiError): number | undefined =>
  cause instanceof UpstreamFault && cause.retryAfter !== undefined ? cause.retryAfter * 1000 : undefined;

const countsAgainstHealth = (error: unknown): boolean => error instanceof ApiError && error.isOutage;

/** What a second upstream adds of its own says less than what came before: our refusal for it, our account there. */
const saysLittle = (error: unknown): boolean =>
  error instanceof ApiError &&
  (error.retryable === 'elsewhere' ||
    error.code === 'model_not_found' ||
    (error.status === 400 && !(error.cause instanceof UpstreamFault)));

const telling = (earlier: unknown, later: unknown): unknown =>
  earlier !== undefined && saysLittle(later) ? earlier : later;

export const createResilience = (options: ResilienceOptions): Resilience => {
  const { maxRetries, retryBudget, retryAfterCap, breakerCooldown, random = Math.random } = options;
  const newBreaker = () =>
    circuitBreaker(handleWhen(countsAgainstHealth), {
      halfOpenAfter: breakerCooldown,
      breaker: new ConsecutiveBreaker(failuresToBreak),
    });
  const breakers = new Map<UpstreamName, ReturnType<typeof newBreaker>>();
  const breakerOf = (upstream: UpstreamName) => {
    const known = breakers.get(upstream) ?? newBreaker();
    breakers.set(upstream, known);
    return known;
  };
  /** One request at a time probes a half-open upstream; the others go elsewhere meanwhile. */
  const isShut = (upstream: UpstreamName): boolean => breakerOf(upstream).state === CircuitState.HalfOpen;

  const backoff = (retry: number) => random() * Math.min(longestBackoff, firstBackoff * 2 ** retry);

  return {
    run: async (targets, attempt, { cancellation, deadline, onRetry }) => {
      const startedAt = performance.now();
      const lastRetryAt = Math.min(startedAt + retryBudget, deadline);
      let failure: unknown;
      let retries = 0;

      const ask = (target: Target, round: number) => {
        // Counted here, because a broken upstream is passed over without being asked.
        const counted = () => {
          if (round > 0) retries += 1;
          if (failure !== undefined) onRetry();
          return attempt(target);
        };
        // With no other upstream to turn to, a broken one is asked all the same.
        if (targets.length === 1 || areAllBroken) return counted();
        if (isShut(target.upstream)) return Promise.reject(new BrokenCircuitError());
        return breakerOf(target.upstream).execute(counted);
      };

      let areAllBroken = false;
      let round = 0;
      let candidates: readonly Candidate[] = targets.map((target) => ({ target, readyAt: startedAt }));
      for (;;) {
        const hopeful: Candidate[] = [];
        let next = Number.POSITIVE_INFINITY;
        for (const candidate of candidates) {
          const { target, readyAt } = candidate;
          if (round > 0 && retries >= maxRetries) throw failure;
          // It asked for a longer wait than another.
          if (readyAt > performance.now()) {
            hopeful.push(candidate);
            next = Math.min(next, readyAt);
            continue;
          }
          try {
            return await ask(target, round);
          } catch (error) {
            cancellation.throwIfAborted();
            if (error instanceof BrokenCircuitError) {
              hopeful.push(candidate);
              continue;
            }
            const retryable = error instanceof ApiError ? error.retryable : 'nowhere';
            const wait = error instanceof ApiError ? waitAskedFor(error) : undefined;
            failure = telling(failure, error);
            // What only this upstream has against the request does not end the hope in another.
            if ((retryable === 'nowhere' && failure === error) || deadline - performance.now() < 1)
              throw failure;
            if (retryable === 'anywhere' && (wait ?? 0) <= retryAfterCap) {
              const now = performance.now();
              hopeful.push({ target, readyAt: now + (wait ?? 0) });
              next = Math.min(next, now + (wait ?? backoff(round)));
            }
          }
        }
        if (failure === undefined) {
          areAllBroken = true;
          continue;
        }
        if (next > lastRetryAt || retries >= maxRetries) throw failure;
        const { signal } = cancellation;
        await sleep(Math.max(0, next - performance.now()), undefined, { signal }).catch(() =>
          signal.throwIfAborted(),
        );
        candidates = hopeful;
        round += 1;
      }
    },
    broken: () => [...breakers].filter(([, { state }]) => state === CircuitState.Open).map(([name]) => name),
  };
};
