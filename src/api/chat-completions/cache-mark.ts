import type { CacheMark } from '../../core/chat.ts';
import type { WireMarks } from './request.ts';

/** A client's cache mark, in either spelling. */
export const cacheMark = (marks: WireMarks): CacheMark | undefined => {
  if (marks.cache_control) return { ttl: marks.cache_control.ttl ?? undefined };
  return marks.prompt_cache_breakpoint?.mode === 'explicit' ? {} : undefined;
};
