/** Rules for objects. */

import type { JsonObject } from '../../core/chat.ts';
import { isObject, resolve } from '../bounds.ts';
import {
  clip,
  entries,
  lists,
  matches,
  maxDepth,
  names,
  none,
  OutOfSteps,
  type Problems,
  type Rule,
  type Run,
  type Spot,
} from './run.ts';
import { sized } from './scalars.ts';

const members = sized((value: JsonObject, run) => entries(value, run).length, 'properties');

const requires = (wanted: readonly string[], value: JsonObject, { fail, run }: Spot, why = ''): Problems => {
  run.step(wanted.length);
  return wanted.flatMap((name) =>
    Object.hasOwn(value, name) ? none : fail(`must have the property "${clip(name)}"${why}`),
  );
};

/** Whether a name is covered by `properties` or `patternProperties`; a pattern not run may cover it. */
const isNamed = (schema: JsonObject, name: string, run: Run): boolean =>
  (isObject(schema.properties) && Object.hasOwn(schema.properties, name)) ||
  entries(schema.patternProperties, run).some(([source]) => matches(source, name, run) !== false);

/** Names that a schema and those applied in place with it speak about, for `unevaluatedProperties`. */
const covers = (schema: unknown, name: string, value: JsonObject, depth: number, run: Run): boolean => {
  run.step(1);
  if (depth > maxDepth) throw new OutOfSteps();
  if (!isObject(schema)) return false;
  const again = (inner: unknown) => covers(inner, name, value, depth + 1, run);
  const holds = (inner: unknown) => run.check(inner, value, '', depth + 1, run).length === 0;
  if (schema.additionalProperties !== undefined || isNamed(schema, name, run)) return true;
  if (typeof schema.$ref === 'string') run.step(1 + Math.ceil(schema.$ref.length / 10));
  if (typeof schema.$ref === 'string' && again(resolve(run.root, schema.$ref))) return true;
  if (lists(schema.allOf).some(again)) return true;
  for (const options of [schema.anyOf, schema.oneOf])
    if (lists(options).some((each) => again(each) && holds(each))) return true;
  if (entries(schema.dependentSchemas, run).some(([key, each]) => Object.hasOwn(value, key) && again(each)))
    return true;
  if (schema.if === undefined) return false;
  return holds(schema.if) ? again(schema.if) || again(schema.then) : again(schema.else);
};

export const objectRules = {
  minProperties: members.min,
  maxProperties: members.max,
  required: (wanted, value: JsonObject, spot) => requires(names(wanted), value, spot),
  properties: (schemas, value: JsonObject, { inner, run }) =>
    entries(schemas, run).flatMap(([name, each]) =>
      Object.hasOwn(value, name) ? inner(each, value[name], name) : none,
    ),
  patternProperties: (schemas, value: JsonObject, { inner, run }) =>
    entries(schemas, run).flatMap(([source, each]) =>
      entries(value, run).flatMap(([name, member]) =>
        matches(source, name, run) === true ? inner(each, member, name) : none,
      ),
    ),
  additionalProperties: (rest, value: JsonObject, { schema, inner, fail, run }) =>
    entries(value, run).flatMap(([name, member]) => {
      run.step(1);
      if (isNamed(schema, name, run)) return none;
      return rest === false ? fail(`must not have the property "${clip(name)}"`) : inner(rest, member, name);
    }),
  unevaluatedProperties: (rest, value: JsonObject, { schema, inner, fail, run, depth }) =>
    entries(value, run).flatMap(([name, member]) => {
      if (covers(schema, name, value, depth, run)) return none;
      return rest === false ? fail(`must not have the property "${clip(name)}"`) : inner(rest, member, name);
    }),
  propertyNames: (schema, value: JsonObject, { inner }) =>
    Object.keys(value).flatMap((name) => inner(schema, name, name)),
  dependentRequired: (rules, value: JsonObject, spot) =>
    entries(rules, spot.run).flatMap(([name, wanted]) =>
      Object.hasOwn(value, name) ? requires(names(wanted), value, spot, ` beside "${clip(name)}"`) : none,
    ),
  dependentSchemas: (rules, value: JsonObject, spot) =>
    entries(rules, spot.run).flatMap(([name, schema]) =>
      Object.hasOwn(value, name) ? spot.inner(schema, value) : none,
    ),
  dependencies: (rules, value: JsonObject, spot) =>
    entries(rules, spot.run).flatMap(([name, rule]) => {
      if (!Object.hasOwn(value, name)) return none;
      return Array.isArray(rule)
        ? requires(names(rule), value, spot, ` beside "${clip(name)}"`)
        : spot.inner(rule, value);
    }),
} satisfies Record<string, Rule>;
