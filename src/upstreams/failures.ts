/** What an upstream's refusal means to the caller: one map for all upstreams. BEHAVIOUR 8.4. */

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
} from '../errors.ts';

/** Who was asked, and for which of its models. */
export interface Asked {
  readonly origin: Origin;
  /** The id the upstream was asked for. */
  readonly modelId: string;
}

export interface Failure extends Asked {
  readonly status: number;
  /** The upstream's own name for the error. */
  readonly type: string;
  readonly message: string;
  /** Seconds. */
  readonly retryAfter: number | undefined;
}

/** Seconds to wait where the upstream names none. */
const defaultWait = 2;
/** A spent quota does not come back in seconds. */
const quotaWait = 60;

/** Nova's, where a tool call did not come out as one. */
const failedToolSyntax = /invalid sequence as part of tool ?use|tool ?use/i;
/** Claude's words, Nova's, and those of both when answer and prompt together are too long. */
const overflow =
  /prompt is too long|input tokens exceeded|exceed(s|ed)? (the )?(model'?s? )?(maximum )?context (limit|window|length)|input is too long/i;
const unknownModelId = /model identifier is invalid|on-demand throughput isn.t supported/i;
/** Said with a 400 as well, where looser words would meet the caller's own: a tool may be called `quota`. */
const spentMoney = /credit balance is too low|reached your specified (api )?usage limits/i;
const spentQuota = new RegExp(`${spentMoney.source}|too many tokens per day|spend limit|quota`, 'i');

const badRequest = ({ origin, modelId, message }: Failure, fault: UpstreamFault): ApiError => {
  if (unknownModelId.test(message)) return modelGoneUpstream(modelId, origin.upstream, fault);
  if (overflow.test(message)) return contextLengthExceeded(message, fault);
  if (spentMoney.test(message)) return quotaSpent(message, quotaWait, fault);
  return invalidRequest(message || 'The upstream refused the request as invalid.', null, null, fault);
};

export const toApiError = (failure: Failure): ApiError => {
  const { origin, modelId, status, type, message } = failure;
  const fault = new UpstreamFault(origin, status, type, failure.retryAfter);
  const wait = failure.retryAfter ?? defaultWait;
  switch (status) {
    case 400:
      return badRequest(failure, fault);
    case 401:
    case 403:
      return credentialRefused(origin.upstream, fault);
    case 402:
      return quotaSpent(
        message || "The operator's quota at the upstream is spent.",
        failure.retryAfter ?? quotaWait,
        fault,
      );
    case 404:
      return modelGoneUpstream(modelId, origin.upstream, fault);
    case 408:
    case 504:
      return upstreamGaveUp(fault);
    case 413:
      return requestTooLarge(undefined, fault);
    case 424:
      return failedToolSyntax.test(message)
        ? malformedOutput(
            'The model wrote a tool call that could not be read. Rephrase the request or simplify the tools.',
            fault,
          )
        : upstreamFailed('The model failed while answering. Send the request again.', fault);
    case 429:
      return spentQuota.test(message)
        ? quotaSpent(message, failure.retryAfter ?? quotaWait, fault)
        : rateLimited(message || 'The upstream allows no more requests for now.', wait, fault);
    case 503:
    case 529:
      return overloaded(
        'The model is overloaded at its provider. Send the request again a little later.',
        wait,
        fault,
      );
    default:
      return upstreamFailed('The upstream failed to answer. Send the request again.', fault);
  }
};

/** 502 for bytes or an answer that are not the upstream's protocol: some proxy's page, say. */
export const notTheProtocol = (origin: Origin, cause?: unknown): ApiError =>
  upstreamFailed(
    'The upstream sent something that is not its protocol. Send the request again.',
    Object.assign(new UpstreamFault(origin, 200, 'not_the_protocol'), { cause }),
  );
