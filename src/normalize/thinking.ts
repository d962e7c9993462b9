/**
 * Extended thinking: from the four ways clients ask for it to what the model's row understands.
 * Rules and numbers: behaviour 5.
 */

import type { AskThinking } from '../core/ask.ts';
import type { Effort, Thinking } from '../core/chat.ts';
import { invalidRequest, unsupportedParameter } from '../core/errors.ts';
import type { Model, ThinkingAbility } from '../models/model.ts';

/** The smallest budget the Messages API takes, in tokens. */
const leastBudget = 1024;
const defaultBudget = 4096;

const budgetOfEffort = {
  minimal: 1024,
  low: 1024,
  medium: 4096,
  high: 16_384,
  xhigh: 32_768,
  max: 32_768,
} satisfies Record<Effort, number>;

const scale: readonly Effort[] = ['minimal', 'low', 'medium', 'high', 'xhigh', 'max'];

const effortOfBudget = (budget: number): Effort =>
  budget < 4096 ? 'low' : budget < 16_384 ? 'medium' : 'high';

/** The level nearest to the word asked for; of two equally near, the lower. */
const nearestEffort = (asked: Effort, levels: readonly Effort[]): Effort =>
  levels.reduce((best, level) => {
    const gap = (each: Effort) => Math.abs(scale.indexOf(each) - scale.indexOf(asked));
    return gap(level) < gap(best) ? level : best;
  });

/** Whether a second parameter asks for nothing that the first has not brought: to think at all is less than how much. */
export const asksNothingMore = (first: AskThinking, second: AskThinking): boolean => {
  if (!first.enabled || !second.enabled) return first.enabled === second.enabled;
  return (
    (second.budgetTokens ?? first.budgetTokens) === first.budgetTokens &&
    (second.effort ?? first.effort) === first.effort &&
    second.betweenToolsBy === first.betweenToolsBy
  );
};

export interface ThinkingPlan {
  readonly thinking: Thinking;
  readonly maxTokens: number | undefined;
  /** What is reported of the parameter. */
  readonly outcome: 'done' | 'ignored' | 'adjusted';
}

interface Limits {
  readonly model: Model;
  readonly maxTokens: number | undefined;
  readonly maxTokensIsExplicit: boolean;
  /** What the client's API calls the cap. */
  readonly capName: string;
}

const switchOff = (ability: ThinkingAbility, maxTokens: number | undefined): ThinkingPlan => {
  if (ability.off !== 'no') return { thinking: { mode: 'off' }, maxTokens, outcome: 'done' };
  const thinking: Thinking = ability.accepts.includes('between_tools')
    ? { mode: 'between_tools' }
    : { mode: 'adaptive', effort: ability.efforts[0] };
  return { thinking, maxTokens, outcome: 'adjusted' };
};

const withBudget = (
  request: AskThinking,
  { model, maxTokens, maxTokensIsExplicit, capName }: Limits,
): ThinkingPlan => {
  const { parameter, budgetTokens, effort, isWish } = request;
  const cap = maxTokensIsExplicit ? maxTokens : undefined;
  const path = request.budgetPath ?? parameter;

  if (cap !== undefined && cap <= leastBudget) {
    if (isWish && budgetTokens === undefined)
      return { thinking: { mode: 'default' }, maxTokens, outcome: 'ignored' };
    throw invalidRequest(
      `${parameter}: thinking needs a budget of at least ${leastBudget} tokens and ${capName} above it, but ${capName} is ${cap}. Raise ${capName} or switch thinking off.`,
      parameter,
    );
  }
  if (budgetTokens !== undefined) {
    if (budgetTokens < leastBudget) {
      throw invalidRequest(`${path}: ${budgetTokens} is below the minimum of ${leastBudget} tokens.`, path);
    }
    const ceiling = cap ?? model.maxOutput;
    if (budgetTokens >= ceiling) {
      throw invalidRequest(
        `${path}: ${budgetTokens} must be less than ${
          cap === undefined
            ? `the model's maximum output of ${ceiling} tokens`
            : `${capName}, which is ${ceiling}`
        }.`,
        path,
      );
    }
  }
  // What we choose leaves room for an answer: half of the client's cap, unless a word's full budget fits below it.
  const wanted = effort === undefined ? defaultBudget : budgetOfEffort[effort];
  const half =
    cap === undefined ? model.maxOutput - defaultBudget : Math.max(leastBudget, Math.floor(cap / 2));
  const fits = effort !== undefined && cap !== undefined && wanted < cap;
  const budget = budgetTokens ?? (fits ? wanted : Math.min(wanted, half));
  // Our own cap is room for the answer: the budget comes on top of it.
  const raised = cap ?? Math.min(model.maxOutput, budget + (maxTokens ?? defaultBudget));
  return { thinking: { mode: 'budget', budgetTokens: budget }, maxTokens: raised, outcome: 'done' };
};

/** Nova 2 takes no cap of ours beside its highest level. */
const capBeside = (
  { accepts }: ThinkingAbility,
  effort: Effort | undefined,
  maxTokens: number | undefined,
) => (accepts.includes('effort') && effort === 'high' ? undefined : maxTokens);

/**
 * What to send, within the model's row. Throws 400 for an order that cannot be met: thinking on a model
 * that has none, a budget that is too small or does not fit under the client's cap.
 */
export const planThinking = (request: AskThinking, limits: Limits): ThinkingPlan => {
  const { model, maxTokens } = limits;
  const ability = model.thinking;
  const { parameter, enabled, budgetTokens, effort, isWish } = request;

  if (ability === null) {
    if (!enabled) return { thinking: { mode: 'default' }, maxTokens, outcome: 'done' };
    if (isWish) return { thinking: { mode: 'default' }, maxTokens, outcome: 'ignored' };
    throw unsupportedParameter(`${parameter}: the model '${model.id}' has no extended thinking.`, parameter);
  }
  if (!enabled) return switchOff(ability, maxTokens);
  if (request.betweenToolsBy !== undefined) {
    if (ability.accepts.includes('between_tools')) {
      return { thinking: { mode: 'between_tools' }, maxTokens, outcome: 'done' };
    }
    throw unsupportedParameter(
      `${request.betweenToolsBy}: the model '${model.id}' has no thinking of type between_tools.`,
      request.betweenToolsBy,
    );
  }
  const adaptive = ability.accepts.includes('adaptive') || ability.accepts.includes('effort');
  if (ability.accepts.includes('budget') && (!adaptive || budgetTokens !== undefined)) {
    return withBudget(request, limits);
  }
  const asked = effort ?? (budgetTokens === undefined ? undefined : effortOfBudget(budgetTokens));
  // Nova 2 has no "on" without a level.
  const level = asked ?? (ability.accepts.includes('effort') ? 'medium' : undefined);
  const chosen = level === undefined ? undefined : nearestEffort(level, ability.efforts);
  return {
    thinking: { mode: 'adaptive', effort: chosen },
    maxTokens: capBeside(ability, chosen, maxTokens),
    outcome: chosen === level ? 'done' : 'adjusted',
  };
};
