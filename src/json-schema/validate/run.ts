/** What the rules of the validator's keywords work with: a run over an answer, and a place in it. */

import type { JsonObject } from '../../core/chat.ts';
import { isObject, resolve } from '../bounds.ts';
import { type LinearPattern, linearPattern } from './linear-pattern.ts';

/** Some 100 ms at worst; a large honest answer takes a tenth of it. */
const maxSteps = 250_000;
const maxDepth = 400;

/** Thrown by a run, caught where it began. */
export class OutOfSteps extends Error {}

export type Problems = readonly string[];
export const none: Problems = [];

type Check = (schema: unknown, value: unknown, path: string, depth: number, run: Run) => Problems;

/** One check of one answer. Every walk over the schema or the answer is paid for in steps. */
export class Run {
  #left = maxSteps;
  readonly #patterns = new Map<string, LinearPattern | undefined>();

  constructor(
    readonly root: JsonObject,
    /** Drafts up to 7: keywords beside `$ref` do not count. */
    readonly refersAlone: boolean,
    readonly check: Check,
  ) {}

  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new OutOfSteps();
  }

  enter(depth: number): void {
    this.spend(1);
    if (depth > maxDepth) throw new OutOfSteps();
  }

  /** Listing members is paid for even where the first one settles the matter. */
  entries(value: unknown): readonly (readonly [string, unknown])[] {
    const found = isObject(value) ? Object.entries(value) : [];
    this.spend(found.length);
    return found;
  }

  resolve(reference: string): unknown {
    this.spend(1 + Math.ceil(reference.length / 10));
    return resolve(this.root, reference);
  }

  equal(first: unknown, second: unknown, depth = 0): boolean {
    this.enter(depth);
    if (Array.isArray(first)) {
      return (
        Array.isArray(second) &&
        first.length === second.length &&
        first.every((each, index) => this.equal(each, second[index], depth + 1))
      );
    }
    if (!isObject(first) || !isObject(second)) return first === second;
    const members = this.entries(first);
    return (
      members.length === Object.keys(second).length &&
      members.every(([key, each]) => Object.hasOwn(second, key) && this.equal(each, second[key], depth + 1))
    );
  }

  /** Undefined: the pattern is not run. */
  matches(source: string, text: string): boolean | undefined {
    this.spend(1);
    if (!this.#patterns.has(source)) this.#patterns.set(source, linearPattern(source));
    const pattern = this.#patterns.get(source);
    if (pattern === undefined) return undefined;
    this.spend(Math.ceil((text.length * pattern.cost) / 50));
    return pattern.test(text);
  }
}

/** A schema applied to a place in the answer. */
export interface Spot {
  readonly schema: JsonObject;
  readonly depth: number;
  readonly run: Run;
  readonly fail: (words: string) => Problems;
  /** Checks the value here, or one of its members, by a schema inside. */
  readonly inner: (schema: unknown, value: unknown, step?: string | number) => Problems;
}

export type Rule = (rule: unknown, value: never, spot: Spot) => Problems;

export const clip = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}...` : text);
export const lists = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
