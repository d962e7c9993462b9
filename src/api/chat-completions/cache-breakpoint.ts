import type { CacheBreakpoint } from '../../core/chat.ts';
import type { WireBreakpoints } from './request.ts';

/** A client's cache breakpoint, in either spelling. */
export const cacheBreakpoint = (breakpoints: WireBreakpoints): CacheBreakpoint | undefined => {
  if (breakpoints.cache_control) return { ttl: breakpoints.cache_control.ttl ?? undefined };
  return breakpoints.prompt_cache_breakpoint?.mode === 'explicit' ? {} : undefined;
};
