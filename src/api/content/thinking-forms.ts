/** Forms in which thinking is asked for in every API that OpenAI's clients speak. Behaviour 5.1. */

import { z } from 'zod';
import type { AskReasoning } from '../../core/ask.ts';
import type { Effort } from '../../core/chat.ts';

export const effortSchema = z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);

export const budgetSchema = z.int().min(0).nullish();

export const extendedThinkingSchema = z.object({
  enabled: z.boolean().nullish(),
  budget_tokens: budgetSchema,
  include_reasoning: z.boolean().nullish(),
});

/** Anthropic's own form. */
export const thinkingSchema = z.object({
  type: z.enum(['enabled', 'adaptive', 'disabled', 'between_tools']),
  budget_tokens: budgetSchema,
  display: z.enum(['summarized', 'omitted']).nullish(),
  block_binding: z.object({ prefix_mismatch_behavior: z.enum(['error', 'drop_block']).nullish() }).nullish(),
});

export const readEffort = (effort: z.infer<typeof effortSchema>, path: string): AskReasoning => ({
  type: 'thinking',
  parameter: path,
  enabled: effort !== 'none',
  effort: effortWord(effort),
  isWish: true,
});

export const effortWord = (effort: z.infer<typeof effortSchema>): Effort | undefined =>
  effort === 'none' ? undefined : effort;

export const readExtendedThinking = (
  value: z.infer<typeof extendedThinkingSchema>,
  path: string,
): readonly AskReasoning[] => {
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

export const readThinking = (
  value: z.infer<typeof thinkingSchema>,
  path: string,
): readonly AskReasoning[] => {
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
