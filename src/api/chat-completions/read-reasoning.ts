/** The ways to ask for thinking and to be shown it. Behaviour 5. */

import type { AskReasoning } from '../../core/ask.ts';
import type { Effort } from '../../core/chat.ts';
import type { ChatRequest, ValueOf } from './parameters.ts';

const effortWord = (value: ValueOf<'reasoning_effort'>): Effort | undefined =>
  value === 'none' ? undefined : value;

const readExtendedThinking = (value: ValueOf<'extended_thinking'>, path: string): readonly AskReasoning[] => {
  const { include_reasoning: include, budget_tokens: budget } = value;
  const found: AskReasoning[] = [];
  if (include != null)
    found.push({ type: 'shown', value: include, isAssumed: false, path: `${path}.include_reasoning` });
  const enabled = value.enabled ?? (typeof budget === 'number' ? true : undefined);
  if (enabled !== undefined)
    found.push({
      type: 'thinking',
      parameter: path,
      enabled,
      budgetTokens: budget ?? undefined,
      budgetPath: `${path}.budget_tokens`,
      isWish: false,
    });
  return found;
};

/** Anthropic's own form. */
const readThinking = (value: ValueOf<'thinking'>, path: string): readonly AskReasoning[] => {
  const { type, display, budget_tokens: budget, block_binding: binding } = value;
  const behaviour = binding?.prefix_mismatch_behavior;
  const found: AskReasoning[] = [];
  if (display === 'summarized') found.push({ type: 'readable' });
  if (display === 'omitted')
    found.push({ type: 'shown', value: false, isAssumed: false, path: `${path}.display` });
  found.push({
    type: 'thinking',
    parameter: path,
    enabled: type !== 'disabled',
    budgetTokens: type === 'enabled' ? (budget ?? undefined) : undefined,
    budgetPath: `${path}.budget_tokens`,
    betweenToolsBy: type === 'between_tools' ? `${path}.type` : undefined,
    misplaced: behaviour == null ? undefined : behaviour === 'error' ? 'refuse' : 'drop',
    isWish: false,
  });
  return found;
};

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
  if (effort)
    found.push({
      type: 'thinking',
      parameter: 'reasoning_effort',
      enabled: effort !== 'none',
      effort: effortWord(effort),
      isWish: true,
    });
  if (thinking) found.push(...readThinking(thinking, 'thinking'));
  if (reasoning) found.push(...readOpenRouter(reasoning, 'reasoning'));
  return found;
};
