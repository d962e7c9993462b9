/** A client's cache breakpoints, in Anthropic's spelling and in OpenAI's own. Behaviour 9. */

import { z } from 'zod';
import type { CacheBreakpoint } from '../../core/chat.ts';

export const cacheControlSchema = z.object({
  type: z.literal('ephemeral').nullish(),
  ttl: z.enum(['5m', '1h']).nullish(),
});

/** Fields of what may carry one. */
export const breakpointFields = {
  cache_control: cacheControlSchema.nullish(),
  prompt_cache_breakpoint: z.object({ mode: z.string().nullish() }).nullish(),
};

export type WireBreakpoints = z.infer<z.ZodObject<typeof breakpointFields>>;

export const cacheBreakpoint = (breakpoints: WireBreakpoints): CacheBreakpoint | undefined => {
  if (breakpoints.cache_control) return { ttl: breakpoints.cache_control.ttl ?? undefined };
  return breakpoints.prompt_cache_breakpoint?.mode === 'explicit' ? {} : undefined;
};
