/** Two schemas that hold at once, as one. */

import type { JsonObject } from '../core/chat.ts';
import { isObject, nodeCost, type Spend } from './bounds.ts';

/** Keywords that say something about a value without restricting it. */
export const annotations: ReadonlySet<string> = new Set([
  ...['title', 'description', 'default', 'examples', 'example', 'deprecated', 'readOnly', 'writeOnly'],
  ...['$schema', '$id', 'id', '$comment', '$defs', 'definitions', '$anchor', '$vocabulary', 'strict'],
]);

const lowerBounds = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties']);
const upperBounds = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']);

const sameJson = (first: unknown, second: unknown, spend: Spend): boolean => {
  if (first === second) return true;
  if (typeof first !== 'object' || typeof second !== 'object') return false;
  const [one, two] = [JSON.stringify(first), JSON.stringify(second)];
  spend(one.length + two.length);
  return one === two;
};

export const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value];

const commonTypes = (first: unknown, second: unknown): unknown => {
  const others = new Set(listOf(second));
  const common = listOf(first).flatMap((type) => {
    if (others.has(type)) return [type];
    if (type === 'number' && others.has('integer')) return ['integer'];
    return type === 'integer' && others.has('number') ? ['integer'] : [];
  });
  return common.length === 0 ? undefined : common.length === 1 ? common[0] : common;
};

const bothProperties = (first: JsonObject, second: JsonObject, spend: Spend): JsonObject => {
  const united = new Map(Object.entries(first));
  for (const [name, schema] of Object.entries(second)) {
    const other = united.get(name);
    const differ = united.has(name) && !sameJson(other, schema, spend);
    united.set(name, differ ? { allOf: [other, schema] } : schema);
  }
  return Object.fromEntries(united);
};

/** One keyword that both schemas have; undefined where no single value says both. */
const both = (key: string, first: unknown, second: unknown, spend: Spend): unknown => {
  if (annotations.has(key)) return first;
  if (key === 'type') return commonTypes(first, second);
  if (key === 'properties' && isObject(first) && isObject(second))
    return bothProperties(first, second, spend);
  if (key === 'required') return [...new Set([...listOf(first), ...listOf(second)])];
  if (key === 'allOf') return [...listOf(first), ...listOf(second)];
  if (key === 'additionalProperties' && (first === false || second === false)) return false;
  if (typeof first === 'number' && typeof second === 'number') {
    if (lowerBounds.has(key)) return Math.max(first, second);
    if (upperBounds.has(key)) return Math.min(first, second);
  }
  return sameJson(first, second, spend) ? first : undefined;
};

/**
 * Where both describe themselves, the first is heard. Undefined: they cannot be said as one schema.
 * `onConflict: 'first'` lets the first win there too, keyword by keyword.
 */
export function merge(first: JsonObject, second: JsonObject, spend: Spend, onConflict: 'first'): JsonObject;
export function merge(first: JsonObject, second: JsonObject, spend: Spend): JsonObject | undefined;
export function merge(first: JsonObject, second: JsonObject, spend: Spend, onConflict?: 'first') {
  const united = new Map(Object.entries(first));
  const added = Object.entries(second);
  const copied = [first.required, second.required, first.properties, second.properties];
  const sizes = copied.map((each) =>
    typeof each === 'object' && each !== null ? Object.keys(each).length : 1,
  );
  spend(nodeCost + 4 * sizes.reduce((sum, size) => sum + size, united.size + added.length));
  for (const [key, value] of added) {
    const one = united.has(key) ? both(key, united.get(key), value, spend) : value;
    if (one === undefined && onConflict === undefined) return undefined;
    united.set(key, one ?? united.get(key));
  }
  return Object.fromEntries(united);
}
