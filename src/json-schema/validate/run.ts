/** What every rule of the validator works with: the steps it may take, and where it is. */

import type { JsonObject } from '../../core/chat.ts';
import { isObject } from '../bounds.ts';
import { type LinearPattern, linearPattern } from '../pattern.ts';

export const maxDepth = 400;

/** Thrown by `step`, caught where the run began. */
export class OutOfSteps extends Error {}

type Check = (schema: unknown, value: unknown, path: string, depth: number, run: Run) => Problems;

export interface Run {
  readonly check: Check;
  readonly root: JsonObject;
  /** Drafts up to 7: keywords beside `$ref` do not count. */
  readonly legacy: boolean;
  readonly patterns: Map<string, LinearPattern | undefined>;
  readonly step: (amount: number) => void;
}

export type Problems = readonly string[];
export type Rule = (rule: unknown, value: never, at: Spot) => Problems;

export interface Spot {
  readonly schema: JsonObject;
  readonly path: string;
  readonly depth: number;
  readonly run: Run;
  readonly fail: (words: string) => Problems;
  readonly inner: (schema: unknown, value: unknown, step?: string | number) => Problems;
}

export const none: Problems = [];
export const clip = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}...` : text);
export const show = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? Array.isArray(value)
      ? 'a list'
      : 'an object'
    : clip(JSON.stringify(value));
export const lists = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const names = (value: unknown): readonly string[] =>
  lists(value).filter((each) => typeof each === 'string');
/** Listing members is paid for even where the first one settles the matter. */
export const entries = (value: unknown, run: Run): readonly (readonly [string, unknown])[] => {
  const found = isObject(value) ? Object.entries(value) : [];
  run.step(found.length);
  return found;
};

export const equal = (first: unknown, second: unknown, run: Run, depth = 0): boolean => {
  run.step(1);
  if (depth > maxDepth) throw new OutOfSteps();
  if (Array.isArray(first)) {
    return (
      Array.isArray(second) &&
      first.length === second.length &&
      first.every((each, index) => equal(each, second[index], run, depth + 1))
    );
  }
  if (!isObject(first) || !isObject(second)) return first === second;
  const keys = Object.keys(first);
  run.step(keys.length);
  return (
    keys.length === Object.keys(second).length &&
    keys.every((key) => Object.hasOwn(second, key) && equal(first[key], second[key], run, depth + 1))
  );
};

/** Undefined: not run. */
export const matches = (source: string, text: string, run: Run): boolean | undefined => {
  run.step(1);
  if (!run.patterns.has(source)) run.patterns.set(source, linearPattern(source));
  const pattern = run.patterns.get(source);
  if (pattern === undefined) return undefined;
  run.step(Math.ceil((text.length * pattern.cost) / 50));
  return pattern.test(text);
};
