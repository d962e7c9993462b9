/** Which properties a schema speaks about, itself and through those applied in place with it. */

import type { JsonObject } from '../../core/chat.ts';
import { isObject } from '../bounds.ts';
import { lists, type Run } from './run.ts';

/** By `properties` or `patternProperties`; a pattern not run may cover the name. */
export const isNamed = (schema: JsonObject, name: string, run: Run): boolean => {
  run.spend(1);
  return (
    (isObject(schema.properties) && Object.hasOwn(schema.properties, name)) ||
    run.entries(schema.patternProperties).some(([source]) => run.matches(source, name) !== false)
  );
};

/** For `unevaluatedProperties`. */
export const isEvaluated = (
  schema: unknown,
  name: string,
  value: JsonObject,
  depth: number,
  run: Run,
): boolean => {
  run.enter(depth);
  if (!isObject(schema)) return false;
  const inside = (inner: unknown) => isEvaluated(inner, name, value, depth + 1, run);
  const holds = (inner: unknown) => run.check(inner, value, '', depth + 1, run).length === 0;
  if (schema.additionalProperties !== undefined || isNamed(schema, name, run)) return true;
  if (typeof schema.$ref === 'string' && inside(run.resolve(schema.$ref))) return true;
  if (lists(schema.allOf).some(inside)) return true;
  const options = [...lists(schema.anyOf), ...lists(schema.oneOf)];
  if (options.some((each) => inside(each) && holds(each))) return true;
  const dependent = run.entries(schema.dependentSchemas);
  if (dependent.some(([key, each]) => Object.hasOwn(value, key) && inside(each))) return true;
  if (schema.if === undefined) return false;
  return holds(schema.if) ? inside(schema.if) || inside(schema.then) : inside(schema.else);
};
