/** Why an answer ended. Behaviour 7.2. */

import type { FinishKind } from '../core/chat.ts';
import { type ApiError, malformedOutput } from '../core/errors.ts';

/** `malformed_tool_use`, `malformed_model_output` and what there may come to be: a failure, not an end. */
export const isMalformed = (upstreamReason: string | null | undefined): boolean =>
  upstreamReason?.startsWith('malformed_') ?? false;

export const unreadableOutput = (): ApiError =>
  malformedOutput(
    'The model produced a tool call or text that the upstream could not read. Rephrase the request or simplify the tools.',
  );

/**
 * Clients run their tools only where calls are the reason, and wait for calls there. Models and servers that imitate their API
 * end an answer with calls in `end_turn`, and one without any in `tool_use`: the calls count, not the word.
 */
export const finishKind = (
  upstreamReason: string,
  known: Readonly<Record<string, FinishKind>>,
  hasCalls: boolean,
): FinishKind => {
  const kind = known[upstreamReason] ?? 'end';
  if (kind === 'length' || kind === 'context-window' || kind === 'refusal') return kind;
  if (hasCalls) return 'tool-calls';
  return kind === 'tool-calls' ? 'end' : kind;
};
