import type { Cost, Usage } from '../../core/chat.ts';
import { promptTokens } from '../../core/usage.ts';

export interface WireUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number; readonly cache_write_tokens: number };
  readonly completion_tokens_details: { readonly reasoning_tokens: number };
  /** USD, as OpenRouter writes it (openrouter.ai/docs/use-cases/usage-accounting). */
  readonly cost?: number;
  readonly cost_details?: {
    readonly upstream_inference_cost: number;
    readonly upstream_inference_prompt_cost: number;
    readonly upstream_inference_completions_cost: number;
  };
}

const toWireCost = ({ prompt, completion, total }: Cost): Pick<WireUsage, 'cost' | 'cost_details'> => ({
  cost: total,
  cost_details: {
    upstream_inference_cost: total,
    upstream_inference_prompt_cost: prompt,
    upstream_inference_completions_cost: completion,
  },
});

/** OpenAI counts cached tokens into the prompt, and reasoning into the completion. `cost` where it is wanted. */
export const toWireUsage = (usage: Usage, cost?: Cost): WireUsage => {
  const prompt = promptTokens(usage);
  return {
    prompt_tokens: prompt,
    completion_tokens: usage.output,
    total_tokens: prompt + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cacheRead, cache_write_tokens: usage.cacheWrite },
    completion_tokens_details: { reasoning_tokens: usage.reasoning ?? 0 },
    ...(cost === undefined ? {} : toWireCost(cost)),
  };
};
