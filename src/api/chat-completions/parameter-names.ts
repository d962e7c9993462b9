import type { ParameterNames } from '../../core/report.ts';

/** What is reported, as this API calls it. */
export const parameterNames: ParameterNames = {
  messages: 'messages',
  thinking: 'thinking',
  stop: 'stop',
  topK: 'top_k',
  serviceTier: 'service_tier',
  cacheMarks: 'cache_control',
  betas: 'anthropic-beta',
};
