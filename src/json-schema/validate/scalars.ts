/** Rules for numbers and strings, and for the size of anything. */

import { fitsFormat } from '../formats.ts';
import { clip, matches, none, type Problems, type Rule, type Run, type Spot } from './run.ts';

const codePoints = (text: string, run: Run): number => {
  run.step(Math.ceil(text.length / 50));
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};

const limit =
  (fits: (size: number, bound: number) => boolean, words: (bound: number) => string) =>
  (bound: unknown, size: number, { fail }: Spot): Problems =>
    typeof bound !== 'number' || fits(size, bound) ? none : fail(words(bound));

const atLeast = (size: number, bound: number): boolean => size >= bound;
const atMost = (size: number, bound: number): boolean => size <= bound;

export const sized = <Value>(measureOf: (value: Value, run: Run) => number, noun: string) => {
  const least = limit(atLeast, (bound) => `must have at least ${bound} ${noun}`);
  const most = limit(atMost, (bound) => `must have at most ${bound} ${noun}`);
  return {
    min: (bound: unknown, value: Value, spot: Spot) => least(bound, measureOf(value, spot.run), spot),
    max: (bound: unknown, value: Value, spot: Spot) => most(bound, measureOf(value, spot.run), spot),
  };
};

const characters = sized(codePoints, 'characters');

const isMultiple = (value: number, of: number): boolean => {
  const quotient = value / of;
  return Math.abs(quotient - Math.round(quotient)) <= Number.EPSILON * Math.abs(quotient) * 4;
};

export const numberRules = {
  minimum: (bound, value: number, spot) =>
    spot.schema.exclusiveMinimum === true
      ? limit(
          (size, least) => size > least,
          (least) => `must be more than ${least}`,
        )(bound, value, spot)
      : limit(atLeast, (least) => `must be at least ${least}`)(bound, value, spot),
  maximum: (bound, value: number, spot) =>
    spot.schema.exclusiveMaximum === true
      ? limit(
          (size, most) => size < most,
          (most) => `must be less than ${most}`,
        )(bound, value, spot)
      : limit(atMost, (most) => `must be at most ${most}`)(bound, value, spot),
  exclusiveMinimum: limit(
    (size, bound) => size > bound,
    (bound) => `must be more than ${bound}`,
  ),
  exclusiveMaximum: limit(
    (size, bound) => size < bound,
    (bound) => `must be less than ${bound}`,
  ),
  multipleOf: (of, value: number, { fail }) =>
    typeof of !== 'number' || of <= 0 || isMultiple(value, of) ? none : fail(`must be a multiple of ${of}`),
} satisfies Record<string, Rule>;

export const stringRules = {
  minLength: characters.min,
  maxLength: characters.max,
  pattern: (source, value: string, { fail, run }) =>
    typeof source === 'string' && matches(source, value, run) === false
      ? fail(`must match ${clip(source)}`)
      : none,
  format: (format, value: string, { fail, run }) => {
    run.step(Math.ceil(value.length / 50));
    return fitsFormat(format, value) ? none : fail(`must be a valid ${String(format)}`);
  },
} satisfies Record<string, Rule>;
