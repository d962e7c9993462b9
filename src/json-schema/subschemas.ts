/** Where a JSON Schema holds further schemas, and a walk that copies only what it changes. */

import type { JsonObject } from '../core/chat.ts';
import { isObject } from './bounds.ts';

/** `one`: a schema; `list`: a list of them; `named`: an object of them, whose keys are names and no keywords. */
export type Position = 'one' | 'list' | 'named';

const table = {
  properties: 'named',
  patternProperties: 'named',
  dependentSchemas: 'named',
  dependencies: 'named',
  $defs: 'named',
  definitions: 'named',
  allOf: 'list',
  anyOf: 'list',
  oneOf: 'list',
  prefixItems: 'list',
  items: 'one',
  additionalItems: 'one',
  unevaluatedItems: 'one',
  contains: 'one',
  additionalProperties: 'one',
  unevaluatedProperties: 'one',
  propertyNames: 'one',
  contentSchema: 'one',
  not: 'one',
  if: 'one',
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
  then: 'one',
  else: 'one',
} satisfies Record<string, Position>;

const positions: ReadonlyMap<string, Position> = new Map(Object.entries(table));

/** Undefined: the keyword holds no schemas. Drafts before 2020-12 wrote tuples as a list of `items`. */
export const positionOf = (keyword: string, value: unknown): Position | undefined => {
  const position = positions.get(keyword);
  return keyword === 'items' && Array.isArray(value) ? 'list' : position;
};

/** The object with its values changed, without those that become undefined; the same object where none was. */
export const mapValues = (
  object: JsonObject,
  change: (value: unknown, key: string) => unknown,
): JsonObject => {
  let changed: Record<string, unknown> | undefined;
  for (const key of Object.keys(object)) {
    const value = change(object[key], key);
    if (value === object[key]) continue;
    changed ??= { ...object };
    if (value === undefined) delete changed[key];
    else changed[key] = value;
  }
  return changed ?? object;
};

/** As `mapValues`; no value may become undefined. */
export const mapList = (
  list: readonly unknown[],
  change: (value: unknown, index: number) => unknown,
): readonly unknown[] => {
  const mapped = list.map(change);
  return mapped.some((each, index) => each !== list[index]) ? mapped : list;
};

/** The schema with those directly inside it changed; the same object where none was. Depth is bounded by `measure`. */
export const mapSubschemas = (schema: JsonObject, change: (schema: JsonObject) => JsonObject): JsonObject => {
  const mapOne = (value: unknown): unknown => (isObject(value) ? change(value) : value);
  return mapValues(schema, (value, keyword) => {
    if (typeof value !== 'object' || value === null) return value;
    const position = positionOf(keyword, value);
    if (position === 'one') return mapOne(value);
    if (position === 'list' && Array.isArray(value)) return mapList(value, mapOne);
    return position === 'named' && isObject(value) ? mapValues(value, mapOne) : value;
  });
};

/** Calls `visit` for every schema directly inside. */
export const forEachSubschema = (schema: JsonObject, visit: (schema: JsonObject) => void): void => {
  for (const keyword of Object.keys(schema)) {
    const value = schema[keyword];
    if (typeof value !== 'object' || value === null) continue;
    const position = positionOf(keyword, value);
    if (position === 'one') {
      if (isObject(value)) visit(value);
    } else if (position !== undefined)
      for (const each of Object.values(value)) if (isObject(each)) visit(each);
  }
};
