/** Anthropic's rate-limit headers in OpenAI's names and form. */

import { duration } from '../duration.ts';
import { header, type UpstreamResponse } from './http.ts';

/** OpenAI's kinds, and Anthropic's names for each, best first: some answers speak of input tokens alone. */
const sources = {
  requests: ['requests'],
  tokens: ['tokens', 'input-tokens'],
} as const;

const isCount = (value: string | undefined): value is string => value !== undefined && /^\d+$/.test(value);

export const rateLimitHeaders = (
  headers: UpstreamResponse['headers'],
  now: number = Date.now(),
): Readonly<Record<string, string>> => {
  const found: Record<string, string> = {};
  for (const [kind, names] of Object.entries(sources)) {
    const name = names.find((each) => isCount(header(headers, `anthropic-ratelimit-${each}-limit`)));
    if (name === undefined) continue;
    const remaining = header(headers, `anthropic-ratelimit-${name}-remaining`);
    const reset = Date.parse(header(headers, `anthropic-ratelimit-${name}-reset`) ?? '');
    found[`x-ratelimit-limit-${kind}`] = header(headers, `anthropic-ratelimit-${name}-limit`) ?? '';
    if (isCount(remaining)) found[`x-ratelimit-remaining-${kind}`] = remaining;
    if (!Number.isNaN(reset)) found[`x-ratelimit-reset-${kind}`] = duration(reset - now);
  }
  return found;
};
