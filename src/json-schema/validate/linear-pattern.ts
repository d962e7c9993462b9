/**
 * A client's pattern meets a model's output only if backtracking cannot hurt: a chain of single characters
 * and classes with at most one open-ended repeat, the search for a start being one if there is no `^`. No
 * groups, no alternatives. Everything else is not run at all.
 */

const quantifier = /^(?:[*+?]|\{(\d{1,3})(?:(,)(\d{1,3})?)?\})/;
const atom =
  /^(?:\\[dDwWsSnrt.\-/\\^$*+?()[\]{}|@:]|\[\^?(?:[^\\[\]]|\\[dDwWsSnrt.\-/\\^$*+?()[\]{}|@:])+\]|[^\\^$.*+?()[\]{}|]|\.)/;
const maxLength = 500;
/** Ways to match that bounded repeats may multiply to. */
const maxChoices = 64;

export interface LinearPattern {
  /** Steps per character, at most. */
  readonly cost: number;
  test(text: string): boolean;
}

/** Undefined: not proven to run in linear time. */
export const linearPattern = (source: string): LinearPattern | undefined => {
  if (source.length > maxLength) return undefined;
  const anchored = source.startsWith('^');
  let rest = source.slice(anchored ? 1 : 0, source.endsWith('$') && !source.endsWith('\\$') ? -1 : undefined);
  let open = anchored ? 0 : 1;
  let choices = 1;
  let length = 1;
  while (rest !== '') {
    const [found] = atom.exec(rest) ?? [];
    if (found === undefined) return undefined;
    rest = rest.slice(found.length);
    const [repeat, from, comma, to] = quantifier.exec(rest) ?? [];
    rest = rest.slice(repeat?.length ?? 0);
    const [least, most] = [Number(from ?? 0), Number(to ?? from ?? 1)];
    if (repeat === '*' || repeat === '+' || (comma !== undefined && to === undefined)) open += 1;
    else if (repeat === '?') choices *= 2;
    else if (repeat !== undefined) choices *= Math.max(1, most - least + 1);
    length += Math.max(most, least, 1);
    if (open > 1 || choices > maxChoices) return undefined;
  }
  try {
    const compiled = new RegExp(source, 'u');
    return { cost: choices * length, test: (text) => compiled.test(text) };
  } catch {
    // Not a pattern of this engine, so there is nothing to check by it.
    return undefined;
  }
};
