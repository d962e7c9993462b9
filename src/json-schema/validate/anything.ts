/** Rules for values of every type. */

import { isObject } from '../bounds.ts';
import { clip, equal, lists, none, type Problems, type Rule, show } from './run.ts';

const hasType = (type: string, value: unknown): boolean => {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  return type === 'object' ? isObject(value) : typeof value === type;
};

export const anyRules = {
  type: (type, value: unknown, { fail, run }) => {
    const types = Array.isArray(type) ? type : [type];
    run.step(types.length);
    // One that is no name says nothing that could be checked.
    return types.some((each) => typeof each !== 'string' || hasType(each, value))
      ? none
      : fail(`must be ${clip(types.slice(0, 8).join(' or '))}`);
  },
  enum: (allowed, value: unknown, { fail, run }) =>
    !Array.isArray(allowed) || allowed.some((each) => equal(each, value, run))
      ? none
      : fail(
          `must be one of ${allowed.slice(0, 20).map(show).join(', ')}${allowed.length > 20 ? ', ...' : ''}`,
        ),
  const: (wanted, value: unknown, { fail, run }) =>
    equal(wanted, value, run) ? none : fail(`must be ${show(wanted)}`),
  allOf: (schemas, value: unknown, { inner }) => lists(schemas).flatMap((each) => inner(each, value)),
  anyOf: (schemas, value: unknown, { inner, fail }) => {
    let nearest: Problems | undefined;
    for (const each of lists(schemas)) {
      const problems = inner(each, value);
      if (problems.length === 0) return none;
      if (nearest === undefined || problems.length < nearest.length) nearest = problems;
    }
    return nearest === undefined ? none : fail(`must have one of the allowed forms (nearest: ${nearest[0]})`);
  },
  oneOf: (schemas, value: unknown, { inner, fail }) => {
    const results = lists(schemas).map((each) => inner(each, value));
    const fitting = results.filter((problems) => problems.length === 0).length;
    if (fitting === 1 || results.length === 0) return none;
    if (fitting > 1) return fail('must have exactly one of the allowed forms, and has several');
    const [nearest] = results.toSorted((one, two) => one.length - two.length);
    return fail(`must have one of the allowed forms (nearest: ${nearest?.[0]})`);
  },
  not: (schema, value: unknown, { inner, fail }) =>
    inner(schema, value).length === 0 ? fail('must not have the excluded form') : none,
  if: (schema, value: unknown, { inner, schema: whole }) => {
    const branch = inner(schema, value).length === 0 ? whole.then : whole.else;
    return branch === undefined ? none : inner(branch, value);
  },
} satisfies Record<string, Rule>;
