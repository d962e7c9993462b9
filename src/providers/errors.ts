/** What an upstream's refusal means to the client: one map for all upstreams. Behaviour 8.4. */

import {
  type ApiError,
  contextLengthExceeded,
  credentialRefused,
  invalidRequest,
  malformedOutput,
  modelGoneUpstream,
  type Origin,
  overloaded,
  quotaSpent,
  rateLimited,
  requestTooLarge,
  UpstreamFault,
  upstreamFailed,
  upstreamGaveUp,
} from '../core/errors.ts';
import { says } from './error-patterns.ts';

/** Who was asked, and for which of its models. */
export interface UpstreamCall {
  readonly origin: Origin;
  /** The id the upstream was asked for. */
  readonly modelId: string;
  /** The model's, in tokens. */
  readonly contextWindow: number;
}

export interface Failure extends UpstreamCall {
  readonly status: number;
  /** The upstream's own name for the error. */
  readonly type: string;
  readonly message: string;
  /** Seconds. */
  readonly retryAfter: number | undefined;
}

/** The name of an error that came without one. */
export const unnamedError = 'unknown';

/** Seconds to wait where the upstream names none. */
const defaultWait = 2;
/** A spent quota does not come back in seconds. */
const quotaWait = 60;

/** Statuses of an upstream after which the same request may go better, there or elsewhere. Behaviour 8.2. */
const retryableStatuses: ReadonlySet<number> = new Set([408, 409, 429, 500, 502, 503, 504, 529]);
/** Anthropic's: one model is busy, which says nothing against the upstream's other models. */
const overloadedModel = 529;

/** What an upstream's status says of asking again, and of its health. Behaviour 8.2, 8.3. */
const factsOf = (fault: UpstreamFault) => ({
  cause: fault,
  retryable: retryableStatuses.has(fault.status) ? ('anywhere' as const) : ('nowhere' as const),
  isOutage: fault.status >= 500 && fault.status !== overloadedModel,
});

/** Characters of an upstream's sentence that are passed on. */
const longestReason = 600;

/** Without the operator's AWS account in it. */
const withoutAccount = (words: string): string =>
  words.replace(/\b(arn:aws[\w-]*:[\w-]*:[\w-]*:)\d{12}\b/g, '$1[account]');

/** The same for sentences of AWS's own, where twelve digits are an account wherever they stand. */
const withoutAccountNumbers = (words: string): string => words.replace(/(?<!\d)\d{12}(?!\d)/g, '[account]');

/** The upstream's own sentence, where it says more than that it does not know the model. */
const reasonIn = (message: string): string | undefined => {
  if (says(message, 'unknown model id') || says(message, 'bare not found')) return undefined;
  const words = withoutAccountNumbers(message.slice(0, longestReason)).trim();
  return /[.!?]$/.test(words) ? words : `${words}.`;
};

const modelGone = ({ origin, modelId, message }: Failure, cause: UpstreamFault): ApiError =>
  modelGoneUpstream(withoutAccount(modelId), origin.upstream, { reason: reasonIn(message), cause });

const badRequest = (failure: Failure, fault: UpstreamFault): ApiError => {
  const { message, contextWindow } = failure;
  if (says(message, 'unknown model id') || says(message, 'withheld model')) return modelGone(failure, fault);
  if (says(message, 'context too long')) return contextLengthExceeded(message, contextWindow, fault);
  if (says(message, 'money spent')) return quotaSpent(message, quotaWait, fault);
  return invalidRequest(message || 'The upstream refused the request as invalid.', null, null, fault);
};

export const toApiError = (refusal: Failure): ApiError => {
  const failure = { ...refusal, message: withoutAccount(refusal.message) };
  const { origin, status, type, message } = failure;
  const fault = new UpstreamFault(origin, status, type, failure.retryAfter);
  const facts = factsOf(fault);
  const wait = failure.retryAfter ?? defaultWait;
  switch (status) {
    case 400:
      return badRequest(failure, fault);
    case 401:
      return credentialRefused(origin.upstream, fault);
    case 403:
      return says(message, 'withheld model')
        ? modelGone(failure, fault)
        : credentialRefused(origin.upstream, fault);
    case 402:
      return quotaSpent(
        message || "The operator's quota at the upstream is spent.",
        failure.retryAfter ?? quotaWait,
        fault,
      );
    case 404:
      // Not a word of the API's own: some other server has no such path.
      return type === unnamedError && message === ''
        ? upstreamFailed(
            'The upstream has no such path: the operator has to mend its address in the configuration.',
            facts,
          )
        : modelGone(failure, fault);
    case 408:
    case 504:
      return upstreamGaveUp(facts);
    case 413:
      return requestTooLarge(undefined, fault);
    case 424:
      return says(message, 'unreadable tool call')
        ? malformedOutput(
            'The model wrote a tool call that could not be read. Rephrase the request or simplify the tools.',
            fault,
          )
        : upstreamFailed('The model failed while answering. Send the request again.', facts);
    case 429:
      return says(message, 'money spent') || says(message, 'quota spent')
        ? quotaSpent(message, failure.retryAfter ?? quotaWait, fault)
        : rateLimited(message || 'The upstream allows no more requests for now.', wait, facts);
    case 503:
    case 529:
      return overloaded(
        'The model is overloaded at its provider. Send the request again a little later.',
        wait,
        facts,
      );
    default:
      return upstreamFailed(
        status >= 300 && status < 400
          ? 'The upstream answered with a redirect, which this server does not follow: the operator has to mend its address.'
          : 'The upstream failed to answer. Send the request again.',
        facts,
      );
  }
};

/** 502 for bytes or an answer that are not the upstream's protocol: some proxy's page, say. */
export const notTheProtocol = (origin: Origin, cause?: unknown): ApiError =>
  upstreamFailed(
    'The upstream sent something that is not its protocol. Send the request again.',
    // Whatever stands there would say it again.
    factsOf(Object.assign(new UpstreamFault(origin, 200, 'not_the_protocol'), { cause })),
  );
