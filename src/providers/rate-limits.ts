/** Anthropic's rate-limit headers in OpenAI's names and form. */

import { duration } from '../core/duration.ts';
import { header, type UpstreamResponse } from './http/transport.ts';

const theirs = (name: string) => ({
  limit: `anthropic-ratelimit-${name}-limit`,
  remaining: `anthropic-ratelimit-${name}-remaining`,
  reset: `anthropic-ratelimit-${name}-reset`,
});
const ours = (kind: string) => ({
  limit: `x-ratelimit-limit-${kind}`,
  remaining: `x-ratelimit-remaining-${kind}`,
  reset: `x-ratelimit-reset-${kind}`,
});

/** OpenAI's kinds, and where Anthropic tells of each, best first: some answers speak of input tokens alone. */
const sources = [
  { to: ours('requests'), from: [theirs('requests')] },
  { to: ours('tokens'), from: [theirs('tokens'), theirs('input-tokens')] },
];

const isCount = (value: string | undefined): value is string => value !== undefined && /^\d+$/.test(value);

export const rateLimitHeaders = (
  headers: UpstreamResponse['headers'],
  now: number = Date.now(),
): Readonly<Record<string, string>> => {
  const found: Record<string, string> = {};
  for (const { to, from } of sources) {
    const names = from.find(({ limit }) => isCount(header(headers, limit)));
    if (names === undefined) continue;
    const remaining = header(headers, names.remaining);
    const reset = Date.parse(header(headers, names.reset) ?? '');
    found[to.limit] = header(headers, names.limit) ?? '';
    if (isCount(remaining)) found[to.remaining] = remaining;
    if (!Number.isNaN(reset)) found[to.reset] = duration(reset - now);
  }
  return found;
};
