/** Temperature, top-p and top-k: which of them a target takes. Behaviour 2. */

import type { Ask, Wish } from '../core/ask.ts';
import type { Thinking } from '../core/chat.ts';
import type { Target } from '../models/catalogue.ts';
import type { Reporter } from './report.ts';
import type { SettingsDraft } from './settings.ts';

type SamplingParameter = 'temperature' | 'topP' | 'topK';

/** The least top_p that Claude takes beside thinking. (platform.claude.com/docs/en/build-with-claude/extended-thinking) */
const leastTopPBesideThinking = 0.95;

/** Whether the target takes the parameter with that value, given how it will think. */
const takesSampling = (
  { model: { sampling }, endpoint: { quirks } }: Target,
  thinking: Thinking,
  parameter: SamplingParameter,
  value: number,
): boolean => {
  if (sampling === 'none') return false;
  if (thinking.mode === 'default' || thinking.mode === 'off') return true;
  if (quirks.thinkingSampling === 'below-high')
    return !(thinking.mode === 'adaptive' && thinking.effort === 'high');
  // 1 says nothing.
  return parameter === 'topP' && value >= leastTopPBesideThinking && value < 1;
};

/** After thinking, beside which models take little or none. */
export const decideSampling = (ask: Ask, draft: SettingsDraft, target: Target, report: Reporter): void => {
  const { temperature, topP, topK } = ask;
  const takes = (parameter: SamplingParameter, { value }: Wish<number>): boolean =>
    takesSampling(target, draft.thinking, parameter, value);

  if (temperature !== undefined) {
    const { value, path } = temperature;
    if (takes('temperature', temperature)) {
      if (value > 1) report.adjust(path);
      draft.temperature = Math.min(value, 1);
    } else if (value !== 1) report.ignore(path);
  }
  if (topP !== undefined) {
    const { value, path } = topP;
    const isOneTooMany = draft.temperature !== undefined && target.model.sampling === 'exclusive';
    if (takes('topP', topP) && !isOneTooMany) draft.topP = value;
    else if (value !== 1) report.ignore(path);
  }
  if (topK !== undefined) {
    if (takes('topK', topK)) draft.topK = topK.value;
    else report.ignore(topK.path);
  }
};
