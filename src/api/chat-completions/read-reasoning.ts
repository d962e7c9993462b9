/** The ways to ask for thinking and to be shown it. Behaviour 5. */

import type { AskReasoning } from '../../core/ask.ts';
import { effortWord, readEffort, readExtendedThinking, readThinking } from '../content/thinking-forms.ts';
import type { ChatRequest, ValueOf } from './parameters.ts';

type OpenRouterReasoning = ValueOf<'reasoning'>;

/** Whether the form asks for thinking or against it; undefined where it says nothing of that. */
const openRouterWish = ({
  enabled,
  effort,
  max_tokens: tokens,
}: OpenRouterReasoning): boolean | undefined => {
  if (enabled === false || effort === 'none') return false;
  return enabled === true || effort != null || tokens != null ? true : undefined;
};

const readOpenRouter = (value: OpenRouterReasoning, path: string): readonly AskReasoning[] => {
  const { exclude } = value;
  const enabled = openRouterWish(value);
  const found: AskReasoning[] = [];
  if (exclude != null || enabled !== false)
    found.push({
      type: 'shown',
      value: exclude !== true,
      isAssumed: exclude == null,
      path: `${path}.exclude`,
    });
  if (enabled === undefined) return found;
  const effort = value.effort ?? undefined;
  const budget = value.max_tokens ?? undefined;
  found.push({
    type: 'thinking',
    parameter: path,
    enabled,
    budgetTokens: budget,
    budgetPath: `${path}.max_tokens`,
    effort: effort === undefined || budget !== undefined ? undefined : effortWord(effort),
    // A number says more than a word.
    overruled: enabled && effort !== undefined && budget !== undefined ? `${path}.effort` : undefined,
    isWish: true,
  });
  return found;
};

/** In the order in which they count. */
export const readReasoning = (request: ChatRequest): readonly AskReasoning[] => {
  const { extended_thinking: extended, include_reasoning: include, reasoning_effort: effort } = request;
  const { thinking, reasoning } = request;
  const found: AskReasoning[] = [];
  if (extended) found.push(...readExtendedThinking(extended, 'extended_thinking'));
  if (typeof include === 'boolean')
    found.push({ type: 'shown', value: include, isAssumed: false, path: 'include_reasoning' });
  if (effort) found.push(readEffort(effort, 'reasoning_effort'));
  if (thinking) found.push(...readThinking(thinking, 'thinking'));
  if (reasoning) found.push(...readOpenRouter(reasoning, 'reasoning'));
  return found;
};
