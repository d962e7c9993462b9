import type { ParameterNames } from '../../core/report.ts';

/** What is reported, and what else errors speak of, as this API calls it. */
export const parameterNames: ParameterNames = {
  messages: 'input',
  thinking: 'reasoning',
  stop: 'stop',
  topK: 'top_k',
  serviceTier: 'service_tier',
  cacheBreakpoints: 'prompt_cache_breakpoint',
  betas: 'anthropic-beta',
  maxTokens: 'max_output_tokens',
  allowIgnored: 'allow_ignored_params',
};
