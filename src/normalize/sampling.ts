/** temperature, top_p and top_k: which of them a target takes. Behaviour 2. */

import type { Thinking } from '../core/chat.ts';
import type { Model } from '../models/rows.ts';

export type SamplingParameter = 'temperature' | 'topP' | 'topK';

/** The least top_p that Claude takes beside thinking. (platform.claude.com/docs/en/build-with-claude/extended-thinking) */
const leastTopPBesideThinking = 0.95;

/** Whether the model takes the parameter with that value, given how it will think. */
export const takesSampling = (
  { sampling, family }: Model,
  thinking: Thinking,
  parameter: SamplingParameter,
  value: number,
): boolean => {
  if (sampling === 'none') return false;
  if (thinking.mode === 'default' || thinking.mode === 'off') return true;
  // Nova 2 refuses sampling only at its highest level.
  if (family === 'nova') return !(thinking.mode === 'adaptive' && thinking.effort === 'high');
  // 1 says nothing.
  return parameter === 'topP' && value >= leastTopPBesideThinking && value < 1;
};
