/**
 * What a tool's input has for properties where references, unions and intersections say it: no upstream takes `anyOf`,
 * `oneOf` or `allOf` on top, which is what discriminated unions and extended types come out as.
 */

import type { JsonObject } from '../core/chat.ts';
import { checkDepth, createMeter, isObject, measure, nodeCost, omit, resolve, type Spend } from './bounds.ts';
import { listOf } from './merge.ts';

const unions = ['anyOf', 'oneOf', 'allOf'] as const;
/** Alternatives are also said in words where they are short enough to be read. Characters. */
const longestNote = 2000;

interface Members {
  readonly properties: ReadonlyMap<string, unknown>;
  readonly required: ReadonlySet<string>;
}

export interface Walk {
  readonly root: JsonObject;
  readonly spend: Spend;
}

/** Several schemas of one property as one; those alike count once. */
const joined = (schemas: readonly unknown[], keyword: 'anyOf' | 'allOf', { spend }: Walk): unknown => {
  if (schemas.length === 1) return schemas[0];
  const different = new Map<string, unknown>();
  for (const schema of schemas) {
    const text = JSON.stringify(schema);
    spend(text.length);
    if (!different.has(text)) different.set(text, schema);
  }
  const [first, ...others] = different.values();
  return others.length === 0 ? first : { [keyword]: [first, ...others] };
};

const unite = (
  members: readonly Members[],
  keyword: 'anyOf' | 'allOf',
  walk: Walk,
): ReadonlyMap<string, unknown> => {
  const united = new Map<string, unknown[]>();
  for (const { properties } of members) {
    walk.spend(properties.size);
    for (const [name, schema] of properties) {
      const same = united.get(name);
      if (same === undefined) united.set(name, [schema]);
      else same.push(schema);
    }
  }
  return new Map([...united].map(([name, schemas]) => [name, joined(schemas, keyword, walk)]));
};

/**
 * `open`: references being followed; one met again adds nothing. One that several ways lead to is followed on each,
 * so a small schema can ask for an exponential walk: the meter ends it.
 */
const collect = (given: unknown, walk: Walk, open: readonly string[], depth: number): Members => {
  checkDepth(depth);
  walk.spend(nodeCost);
  if (!isObject(given)) return { properties: new Map(), required: new Set() };
  const inner = (each: unknown, via = open) => collect(each, walk, via, depth + 1);
  const own: Members = {
    properties: new Map(Object.entries(isObject(given.properties) ? given.properties : {})),
    required: new Set(listOf(given.required).flatMap((name) => (typeof name === 'string' ? [name] : []))),
  };
  walk.spend(own.required.size);
  const { $ref: reference } = given;
  const together = [
    ...(typeof reference === 'string' && !open.includes(reference)
      ? [inner(resolve(walk.root, reference), [...open, reference])]
      : []),
    ...listOf(given.allOf).map((each) => inner(each)),
    ...[given.anyOf, given.oneOf].flatMap((options): Members[] => {
      const [first, ...rest] = listOf(options).map((each) => inner(each));
      if (first === undefined) return [];
      const required = [...first.required].filter((name) => rest.every((each) => each.required.has(name)));
      return [{ properties: unite([first, ...rest], 'anyOf', walk), required: new Set(required) }];
    }),
  ];
  return {
    properties: unite([own, ...together], 'allOf', walk),
    required: new Set([own, ...together].flatMap((each) => [...each.required])),
  };
};

/**
 * The properties of all forms that the schema allows, and those that each form requires. What several forms say of
 * one property is joined by `anyOf`, what holds at once by `allOf`.
 */
export const objectMembers = (schema: JsonObject, walk: Walk): JsonObject => {
  const { properties, required } = collect(schema, walk, [], 0);
  const known = [...required].filter((name) => properties.has(name));
  return { properties: Object.fromEntries(properties), ...(known.length > 0 ? { required: known } : {}) };
};

/** A tool's input schema with a plain object on top; what lies below stays as it is. Throws `SchemaTooLarge`. */
export const withPlainTop = (schema: JsonObject): JsonObject => {
  if (unions.every((key) => schema[key] === undefined)) return schema;
  measure(schema);
  const members = objectMembers(schema, { root: schema, spend: createMeter() });
  const alternatives = JSON.stringify(schema.anyOf ?? schema.oneOf ?? null);
  const note =
    alternatives === 'null' || alternatives.length > longestNote
      ? []
      : [`The arguments must match one of these schemas: ${alternatives}`];
  const description = [schema.description, ...note].filter((each) => typeof each === 'string').join('\n');
  const flat = {
    ...omit(schema, ...unions, 'description'),
    ...(description === '' ? {} : { description }),
    ...members,
  };
  measure(flat);
  return flat;
};
