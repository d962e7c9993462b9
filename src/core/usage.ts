import type { Usage } from './chat.ts';

/** Fresh, read from the cache and written to it. */
export const promptTokens = ({ input, cacheRead, cacheWrite }: Usage): number =>
  input + cacheRead + cacheWrite;
