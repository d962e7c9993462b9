/** How an answer ended, in OpenAI's words. BEHAVIOUR 7.2. */

import type { FinishReason } from '../chat.ts';

/**
 * Clients run their tools only at `tool_calls`, and wait for calls there. Models and servers that imitate their API
 * end an answer with calls in `end_turn`, and one without any in `tool_use`: the calls count, not the word.
 */
export const finishReason = (
  upstreamReason: string,
  known: Readonly<Record<string, FinishReason>>,
  hasCalls: boolean,
): FinishReason => {
  const reason = known[upstreamReason] ?? 'stop';
  if (reason !== 'stop' && reason !== 'tool_calls') return reason;
  return hasCalls ? 'tool_calls' : 'stop';
};
