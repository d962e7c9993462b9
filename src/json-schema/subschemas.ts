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

type Change = (schema: JsonObject) => JsonObject;

const mapOne = (value: unknown, change: Change): unknown => (isObject(value) ? change(value) : value);

const mapList = (list: readonly unknown[], change: Change): readonly unknown[] => {
  const mapped = list.map((each) => mapOne(each, change));
  return mapped.some((each, index) => each !== list[index]) ? mapped : list;
};

const mapNamed = (named: JsonObject, change: Change): JsonObject => {
  let isChanged = false;
  const entries = Object.keys(named).map((name): [string, unknown] => {
    const mapped = mapOne(named[name], change);
    isChanged ||= mapped !== named[name];
    return [name, mapped];
  });
  return isChanged ? Object.fromEntries(entries) : named;
};

const mapAt = (position: Position, value: unknown, change: Change): unknown => {
  switch (position) {
    case 'one':
      return mapOne(value, change);
    case 'list':
      return Array.isArray(value) ? mapList(value, change) : value;
    case 'named':
      return isObject(value) ? mapNamed(value, change) : value;
    default:
      return position satisfies never;
  }
};

/** The schema with those directly inside it changed; the same object where none was. Depth is bounded by `measure`. */
export const mapSubschemas = (schema: JsonObject, change: Change): JsonObject => {
  let changed: Record<string, unknown> | undefined;
  for (const keyword of Object.keys(schema)) {
    const value = schema[keyword];
    if (typeof value !== 'object' || value === null) continue;
    const position = positionOf(keyword, value);
    if (position === undefined) continue;
    const mapped = mapAt(position, value, change);
    if (mapped === value) continue;
    changed ??= { ...schema };
    changed[keyword] = mapped;
  }
  return changed ?? schema;
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
