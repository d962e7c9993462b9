/** Ids of calls, which every upstream wants once in a conversation. Behaviour 4.2. */

import { callDigest } from '../core/call-digest.ts';
import type { ToolCallPart, Turn } from '../core/chat.ts';
import { isCall, partsOf } from './parts.ts';

/**
 * Some clients count their calls anew in each turn. The first call of an id keeps it, later ones get one that is
 * made of what they call: so it depends on no later turn, and does not change when older turns are cut off. What
 * remains: the call that a cut makes the first of its id gets the id back, and calls that say the very same are
 * counted.
 */
export const createCallIds = (turns: readonly Turn[]): ((call: ToolCallPart) => string) => {
  const written = new Set(partsOf(turns, isCall).map(({ id }) => id));
  const used = new Set<string>();
  // From where to go on counting, so that many calls that say the same stay cheap.
  const counts = new Map<string, number>();
  const isFree = (id: string) => !used.has(id) && !written.has(id);
  return ({ id, name, input }) => {
    let free = id;
    if (used.has(id)) {
      const own = `${id}_${callDigest(name, JSON.stringify(input))}`;
      free = own;
      for (let count = counts.get(own) ?? 2; !isFree(free); count += 1) {
        free = `${own}_${count}`;
        counts.set(own, count + 1);
      }
    }
    used.add(free);
    return free;
  };
};
