/** What each keyword asks of a value, by the type of the value it is about. */

import type { JsonObject } from '../../core/chat.ts';
import { isObject } from '../bounds.ts';
import { fitsFormat } from './formats.ts';
import { clip, lists, none, type Problems, type Rule, type Run, type Spot } from './run.ts';
import { isEvaluated, isNamed } from './unevaluated.ts';

const hasType = (type: string, value: unknown): boolean => {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  return type === 'object' ? isObject(value) : typeof value === type;
};

const show = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return clip(JSON.stringify(value));
  return Array.isArray(value) ? 'a list' : 'an object';
};

const noForm = (nearest: Problems | undefined): string =>
  `must have one of the allowed forms (nearest: ${nearest?.[0]})`;

/** The first of those with the fewest problems. */
const nearestOf = (results: readonly Problems[]): Problems | undefined =>
  results.toSorted((one, two) => one.length - two.length)[0];

// ---- limits --------------------------------------------------------------------------------------

const atLeast = (size: number, bound: number): boolean => size >= bound;
const atMost = (size: number, bound: number): boolean => size <= bound;
const above = (size: number, bound: number): boolean => size > bound;
const below = (size: number, bound: number): boolean => size < bound;

/** By floating point: 19.99 is a multiple of 0.01. */
const isMultiple = (value: number, of: number): boolean => {
  const quotient = value / of;
  return of <= 0 || Math.abs(quotient - Math.round(quotient)) <= Number.EPSILON * Math.abs(quotient) * 4;
};

const itself = (value: number): number => value;
const itemsOf = (value: readonly unknown[]): number => value.length;
const membersOf = (value: JsonObject, run: Run): number => run.entries(value).length;
const charactersOf = (text: string, run: Run): number => {
  run.spend(Math.ceil(text.length / 50));
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};

const limit =
  <Value>(
    sizeOf: (value: Value, run: Run) => number,
    fits: (size: number, bound: number) => boolean,
    words: (bound: number) => string,
  ) =>
  (bound: unknown, value: Value, { fail, run }: Spot): Problems =>
    typeof bound !== 'number' || fits(sizeOf(value, run), bound) ? none : fail(words(bound));

// ---- properties ----------------------------------------------------------------------------------

const requires = (wanted: unknown, value: JsonObject, { fail, run }: Spot, why = ''): Problems => {
  const names = lists(wanted).filter((each) => typeof each === 'string');
  run.spend(names.length);
  return names.flatMap((name) =>
    Object.hasOwn(value, name) ? none : fail(`must have the property "${clip(name)}"${why}`),
  );
};

/** Applies the entries of a keyword whose names the value has. */
const forPresent =
  (apply: (rule: unknown, name: string, value: JsonObject, spot: Spot) => Problems) =>
  (rules: unknown, value: JsonObject, spot: Spot): Problems =>
    spot.run
      .entries(rules)
      .flatMap(([name, rule]) => (Object.hasOwn(value, name) ? apply(rule, name, value, spot) : none));

/** The members that no other keyword speaks about. */
const others =
  (isCovered: (name: string, value: JsonObject, spot: Spot) => boolean) =>
  (rest: unknown, value: JsonObject, spot: Spot): Problems =>
    spot.run.entries(value).flatMap(([name, member]) => {
      if (isCovered(name, value, spot)) return none;
      return rest === false
        ? spot.fail(`must not have the property "${clip(name)}"`)
        : spot.inner(rest, member, name);
    });

export const keywords = {
  any: {
    type: (type, value: unknown, { fail, run }) => {
      const types = Array.isArray(type) ? type : [type];
      run.spend(types.length);
      // One that is no name says nothing that could be checked.
      return types.some((each) => typeof each !== 'string' || hasType(each, value))
        ? none
        : fail(`must be ${clip(types.slice(0, 8).join(' or '))}`);
    },
    enum: (allowed, value: unknown, { fail, run }) => {
      if (!Array.isArray(allowed) || allowed.some((each) => run.equal(each, value))) return none;
      const more = allowed.length > 20 ? ', ...' : '';
      return fail(`must be one of ${allowed.slice(0, 20).map(show).join(', ')}${more}`);
    },
    const: (wanted, value: unknown, { fail, run }) =>
      run.equal(wanted, value) ? none : fail(`must be ${show(wanted)}`),
    allOf: (schemas, value: unknown, { inner }) => lists(schemas).flatMap((each) => inner(each, value)),
    anyOf: (schemas, value: unknown, { inner, fail }) => {
      const results: Problems[] = [];
      for (const each of lists(schemas)) {
        const problems = inner(each, value);
        if (problems.length === 0) return none;
        results.push(problems);
      }
      return results.length === 0 ? none : fail(noForm(nearestOf(results)));
    },
    oneOf: (schemas, value: unknown, { inner, fail }) => {
      const results = lists(schemas).map((each) => inner(each, value));
      const fitting = results.filter((problems) => problems.length === 0).length;
      if (fitting === 1 || results.length === 0) return none;
      return fail(
        fitting > 1
          ? 'must have exactly one of the allowed forms, and has several'
          : noForm(nearestOf(results)),
      );
    },
    not: (schema, value: unknown, { inner, fail }) =>
      inner(schema, value).length === 0 ? fail('must not have the excluded form') : none,
    if: (schema, value: unknown, { inner, schema: whole }) => {
      const branch = inner(schema, value).length === 0 ? whole.then : whole.else;
      return branch === undefined ? none : inner(branch, value);
    },
  },
  number: {
    minimum: limit(itself, atLeast, (bound) => `must be at least ${bound}`),
    maximum: limit(itself, atMost, (bound) => `must be at most ${bound}`),
    exclusiveMinimum: limit(itself, above, (bound) => `must be more than ${bound}`),
    exclusiveMaximum: limit(itself, below, (bound) => `must be less than ${bound}`),
    multipleOf: limit(itself, isMultiple, (of) => `must be a multiple of ${of}`),
  },
  string: {
    minLength: limit(charactersOf, atLeast, (bound) => `must have at least ${bound} characters`),
    maxLength: limit(charactersOf, atMost, (bound) => `must have at most ${bound} characters`),
    pattern: (source, value: string, { fail, run }) =>
      typeof source === 'string' && run.matches(source, value) === false
        ? fail(`must match ${clip(source)}`)
        : none,
    format: (format, value: string, { fail, run }) => {
      run.spend(Math.ceil(value.length / 50));
      return fitsFormat(format, value) ? none : fail(`must be a valid ${String(format)}`);
    },
  },
  array: {
    minItems: limit(itemsOf, atLeast, (bound) => `must have at least ${bound} items`),
    maxItems: limit(itemsOf, atMost, (bound) => `must have at most ${bound} items`),
    prefixItems: (schemas, value: readonly unknown[], { inner }) =>
      lists(schemas)
        .slice(0, value.length)
        .flatMap((each, index) => inner(each, value[index], index)),
    items: (schema, value: readonly unknown[], { inner, schema: whole, run }) => {
      run.spend(value.length);
      const start = lists(whole.prefixItems).length;
      return value.slice(start).flatMap((each, index) => inner(schema, each, start + index));
    },
    contains: (schema, value: readonly unknown[], { inner, fail, schema: whole }) => {
      const count = value.filter((each, index) => inner(schema, each, index).length === 0).length;
      const least = typeof whole.minContains === 'number' ? whole.minContains : 1;
      const most = typeof whole.maxContains === 'number' ? whole.maxContains : Number.POSITIVE_INFINITY;
      if (count < least) return fail(`must contain at least ${least} items of the asked form`);
      return count > most ? fail(`must contain at most ${most} items of the asked form`) : none;
    },
    uniqueItems: (unique, value: readonly unknown[], { fail, run }) => {
      if (unique !== true) return none;
      const isScalar = (each: unknown) => typeof each !== 'object' || each === null;
      const scalars = value.filter(isScalar);
      const composed = value.filter((each) => !isScalar(each));
      run.spend(value.length);
      const isTwice =
        new Set(scalars).size < scalars.length ||
        composed.some((each, index) => composed.slice(0, index).some((other) => run.equal(each, other)));
      return isTwice ? fail('must not have two equal items') : none;
    },
  },
  object: {
    minProperties: limit(membersOf, atLeast, (bound) => `must have at least ${bound} properties`),
    maxProperties: limit(membersOf, atMost, (bound) => `must have at most ${bound} properties`),
    required: requires,
    properties: forPresent((schema, name, value, { inner }) => inner(schema, value[name], name)),
    patternProperties: (schemas, value: JsonObject, { inner, run }) =>
      run.entries(schemas).flatMap(([source, each]) => {
        const found = run.entries(value).filter(([name]) => run.matches(source, name) === true);
        return found.flatMap(([name, member]) => inner(each, member, name));
      }),
    additionalProperties: others((name, _value, { schema, run }) => isNamed(schema, name, run)),
    unevaluatedProperties: others((name, value, { schema, depth, run }) =>
      isEvaluated(schema, name, value, depth, run),
    ),
    propertyNames: (schema, value: JsonObject, { inner }) =>
      Object.keys(value).flatMap((name) => inner(schema, name, name)),
    dependentRequired: forPresent((wanted, name, value, spot) =>
      requires(wanted, value, spot, ` beside "${clip(name)}"`),
    ),
    dependentSchemas: forPresent((schema, _name, value, { inner }) => inner(schema, value)),
  },
} satisfies Record<string, Record<string, Rule>>;
