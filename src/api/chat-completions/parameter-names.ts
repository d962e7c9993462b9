import type { ParameterNames } from '../../core/report.ts';

/** What is reported, and what else errors speak of, as this API calls it. */
export const parameterNames: ParameterNames = {
  messages: 'messages',
  thinking: 'thinking',
  stop: 'stop',
  topK: 'top_k',
  serviceTier: 'service_tier',
  cacheBreakpoints: 'cache_control',
  betas: 'anthropic-beta',
  maxTokens: 'max_tokens',
  allowIgnored: 'allow_ignored_params',
};
