/**
 * A JSON value against a client's schema, of any draft, within a fixed number of steps. An interpreter of our
 * own: the libraries looked at (ajv, @cfworker/json-schema) run clients' patterns, and none can be told to
 * stop, which a schema of fanned-out `$ref`s or `anyOf`s makes necessary.
 *
 * Not checked, hence passed: `unevaluatedItems`, patterns not proven linear, references to other documents.
 */

import type { JsonObject } from '../core/chat.ts';
import { isObject, measure, own, resolve } from './bounds.ts';
import { anyRules } from './validate/anything.ts';
import { arrayRules } from './validate/arrays.ts';
import { objectRules } from './validate/objects.ts';
import {
  clip,
  maxDepth,
  none,
  OutOfSteps,
  type Problems,
  type Rule,
  type Run,
  type Spot,
} from './validate/run.ts';
import { numberRules, stringRules } from './validate/scalars.ts';

/** Some 100 ms at worst; a large honest answer takes a tenth of it. */
const maxSteps = 250_000;
const maxProblems = 20;

const tableOf = (rules: Readonly<Record<string, Rule>>): ReadonlyMap<string, Rule> =>
  new Map(Object.entries(rules));
const general = tableOf(anyRules);
const special = {
  number: tableOf(numberRules),
  string: tableOf(stringRules),
  array: tableOf(arrayRules),
  object: tableOf(objectRules),
};

const rulesFor = (value: unknown): ReadonlyMap<string, Rule> | undefined => {
  if (Array.isArray(value)) return special.array;
  if (isObject(value)) return special.object;
  return typeof value === 'number' ? special.number : typeof value === 'string' ? special.string : undefined;
};

const encode = (step: string | number): string =>
  clip(String(step)).replaceAll('~', '~0').replaceAll('/', '~1');

const check = (schema: unknown, value: unknown, path: string, depth: number, run: Run): Problems => {
  run.step(1);
  if (depth > maxDepth) throw new OutOfSteps();
  const fail = (words: string): Problems => [path === '' ? `the answer ${words}` : `${path} ${words}`];
  if (schema === false) return fail('must not be there');
  if (!isObject(schema)) return none;
  const inner = (each: unknown, member: unknown, step?: string | number): Problems =>
    check(each, member, step === undefined ? path : `${path}/${encode(step)}`, depth + 1, run);
  const reference = own(schema, '$ref') ?? own(schema, '$dynamicRef') ?? own(schema, '$recursiveRef');
  if (typeof reference === 'string') run.step(1 + Math.ceil(reference.length / 10));
  const referred = typeof reference === 'string' ? inner(resolve(run.root, reference), value) : none;
  if (run.legacy && typeof reference === 'string') return referred;
  const spot: Spot = { schema, path, depth, run, fail, inner };
  const rules = rulesFor(value);
  const keywords = Object.entries(schema);
  run.step(keywords.length);
  const problems = keywords.flatMap(([key, rule]) => {
    const apply = general.get(key) ?? rules?.get(key);
    return apply === undefined ? none : apply(rule, value as never, spot);
  });
  return [...referred, ...problems].slice(0, maxProblems);
};

/**
 * Checks values against the client's schema: what is wrong, in words; empty when nothing is. A check that
 * takes too many steps says so as a problem. Throws `SchemaTooLarge` at once, never while checking.
 */
export const createValidator = (schema: JsonObject): ((value: unknown) => readonly string[]) => {
  measure(schema);
  const legacy = typeof schema.$schema === 'string' && /draft-0[3-7]/.test(schema.$schema);
  return (value) => {
    let left = maxSteps;
    const step = (amount: number): void => {
      left -= amount;
      if (left < 0) throw new OutOfSteps();
    };
    try {
      return check(schema, value, '', 0, { check, root: schema, legacy, patterns: new Map(), step });
    } catch (error) {
      if (error instanceof OutOfSteps)
        return ['the answer could not be checked: the schema takes too many steps'];
      throw error;
    }
  };
};
