/** Whether the model thinks, and whether the client sees it: of all that is said of it, what counts. Behaviour 5. */

import type { Ask, AskReasoning, AskThinking } from '../core/ask.ts';
import type { Target } from '../models/catalogue.ts';
import type { Reporter } from './report.ts';
import type { SettingsDraft } from './settings.ts';
import { asksNothingMore, planThinking } from './thinking.ts';

const think = (asked: AskThinking, draft: SettingsDraft, { model }: Target, report: Reporter): void => {
  if (asked.overruled !== undefined) report.ignore(asked.overruled);
  // About what comes back, whichever says how much is thought.
  draft.misplacedThinking ??= asked.misplaced;
  const decided = draft.thinkingRequest;
  if (decided !== undefined) {
    const isRefused = asked.enabled && draft.thinking.mode === 'default';
    if (isRefused || !asksNothingMore(decided, asked)) report.ignore(asked.parameter);
    return;
  }
  const { maxTokens, maxTokensIsExplicit } = draft;
  const plan = planThinking(asked, {
    maxTokens,
    maxTokensIsExplicit,
    model,
    capName: report.nameOf('maxTokens'),
  });
  if (plan.outcome === 'ignored') report.ignore(asked.parameter);
  if (plan.outcome === 'adjusted') report.adjust(asked.parameter);
  if (plan.maxTokens === undefined && draft.maxTokensFrom !== undefined) report.ignore(draft.maxTokensFrom);
  draft.thinking = plan.thinking;
  draft.maxTokens = plan.maxTokens;
  draft.thinkingRequest = asked;
};

/** The first that says so decides. */
const show = (
  { value, isAssumed, path }: Extract<AskReasoning, { type: 'shown' }>,
  draft: SettingsDraft,
  report: Reporter,
): void => {
  if (draft.reasoningShownBy === undefined) {
    draft.includeReasoning = value;
    draft.showReasoning = value;
    draft.reasoningShownBy = path;
  } else if (!isAssumed && value !== draft.includeReasoning) report.ignore(path);
};

/** After the cap, which a budget has to fit under. */
export const decideReasoning = (
  { reasoning }: Ask,
  draft: SettingsDraft,
  target: Target,
  report: Reporter,
): void => {
  for (const asked of reasoning) {
    switch (asked.type) {
      case 'thinking':
        think(asked, draft, target, report);
        break;
      case 'shown':
        show(asked, draft, report);
        break;
      case 'readable':
        draft.showReasoning = true;
        break;
      default:
        asked satisfies never;
    }
  }
};
