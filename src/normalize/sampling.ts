/** temperature, top_p and top_k: which of them a target takes. BEHAVIOUR section 2. */

import type { Thinking } from '../chat.ts';
import type { Model } from '../models.ts';

/** Whether the model takes sampling parameters at all, given how it will think. */
export const takesSampling = (model: Model, thinking: Thinking): boolean => {
  if (model.sampling === 'none') return false;
  if (thinking.mode === 'default' || thinking.mode === 'off') return true;
  // Claude refuses sampling beside thinking; Nova 2 only at its highest level.
  return model.family === 'nova' && !(thinking.mode === 'adaptive' && thinking.effort === 'high');
};
