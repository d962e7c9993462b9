import type { Wish } from '../../core/ask.ts';

/** Undefined for what is not given; `null` is not. */
export const wish = <Value>(value: Value | null | undefined, path: string): Wish<Value> | undefined =>
  value === null || value === undefined ? undefined : { value, path };

/** Those that are given. */
export const wishes = <Value>(...all: readonly (Wish<Value> | undefined)[]): readonly Wish<Value>[] =>
  all.filter((each) => each !== undefined);
