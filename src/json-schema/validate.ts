/**
 * A JSON value against a client's schema, of any draft, within a fixed number of steps: why it is an interpreter
 * of our own stands in docs/decisions/2026-11-22-json-schema-interpreter.md.
 *
 * Not checked, hence passed: `unevaluatedItems`, patterns not proven linear, references to other documents.
 */

import type { JsonObject } from '../core/chat.ts';
import { isObject, measure, own } from './bounds.ts';
import { toDraft2020 } from './drafts.ts';
import { keywords } from './validate/keywords.ts';
import { clip, none, OutOfSteps, type Problems, type Rule, Run, type Spot } from './validate/run.ts';

const maxProblems = 20;

const rulesOf = (rules: Readonly<Record<string, Rule>>): ReadonlyMap<string, Rule> =>
  new Map([...Object.entries(keywords.any), ...Object.entries(rules)]);

const rules = {
  number: rulesOf(keywords.number),
  string: rulesOf(keywords.string),
  array: rulesOf(keywords.array),
  object: rulesOf(keywords.object),
  other: rulesOf({}),
};

const rulesFor = (value: unknown): ReadonlyMap<string, Rule> => {
  if (Array.isArray(value)) return rules.array;
  if (isObject(value)) return rules.object;
  return typeof value === 'number' ? rules.number : typeof value === 'string' ? rules.string : rules.other;
};

const encode = (step: string | number): string =>
  clip(String(step)).replaceAll('~', '~0').replaceAll('/', '~1');

const check = (schema: unknown, value: unknown, path: string, depth: number, run: Run): Problems => {
  run.enter(depth);
  const fail = (words: string): Problems => [path === '' ? `the answer ${words}` : `${path} ${words}`];
  if (schema === false) return fail('must not be there');
  if (!isObject(schema)) return none;
  const inner: Spot['inner'] = (each, member, step) =>
    check(each, member, step === undefined ? path : `${path}/${encode(step)}`, depth + 1, run);
  const reference = own(schema, '$ref') ?? own(schema, '$dynamicRef') ?? own(schema, '$recursiveRef');
  const referred = typeof reference === 'string' ? inner(run.resolve(reference), value) : none;
  if (run.refersAlone && typeof reference === 'string') return referred;
  const spot: Spot = { schema, depth, run, fail, inner };
  const known = rulesFor(value);
  const problems = run
    .entries(schema)
    .flatMap(([key, rule]) => known.get(key)?.(rule, value as never, spot) ?? none);
  return [...referred, ...problems].slice(0, maxProblems);
};

/**
 * Checks values against the client's schema: what is wrong, in words; empty when nothing is. A check that
 * takes too many steps says so as a problem. Throws `SchemaTooLarge` at once, never while checking.
 */
export const createValidator = (schema: JsonObject): ((value: unknown) => readonly string[]) => {
  measure(schema);
  const refersAlone = typeof schema.$schema === 'string' && /draft-0[3-7]/.test(schema.$schema);
  const current = toDraft2020(schema);
  return (value) => {
    try {
      return check(current, value, '', 0, new Run(current, refersAlone, check));
    } catch (error) {
      if (error instanceof OutOfSteps)
        return ['the answer could not be checked: the schema takes too many steps'];
      throw error;
    }
  };
};
