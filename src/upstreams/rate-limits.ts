/** Anthropic's rate-limit headers in OpenAI's names and form. */

import { header, type UpstreamResponse } from './http.ts';

/** 90.5 s -> `1m30.5s`, as OpenAI writes durations. */
export const duration = (milliseconds: number): string => {
  const total = Math.max(0, milliseconds) / 1000;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = Math.round((total % 60) * 1000) / 1000;
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`;
};

const kinds = ['requests', 'tokens'] as const;

export const rateLimitHeaders = (
  headers: UpstreamResponse['headers'],
  now: number = Date.now(),
): Readonly<Record<string, string>> => {
  const found: Record<string, string> = {};
  for (const kind of kinds) {
    const limit = header(headers, `anthropic-ratelimit-${kind}-limit`);
    const remaining = header(headers, `anthropic-ratelimit-${kind}-remaining`);
    const reset = Date.parse(header(headers, `anthropic-ratelimit-${kind}-reset`) ?? '');
    if (limit !== undefined) found[`x-ratelimit-limit-${kind}`] = limit;
    if (remaining !== undefined) found[`x-ratelimit-remaining-${kind}`] = remaining;
    if (!Number.isNaN(reset)) found[`x-ratelimit-reset-${kind}`] = duration(reset - now);
  }
  return found;
};
