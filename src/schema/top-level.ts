/**
 * A tool's input schema with a plain object on top: the Messages API refuses `anyOf`, `oneOf` and `allOf`
 * there, which is what discriminated unions and extended types come out as. What lies below stays as it is.
 */

import type { JsonObject } from '../chat.ts';
import { checkDepth, isObject, measure, omit, resolve } from './bounds.ts';
import { listOf } from './merge.ts';

const unions = ['anyOf', 'oneOf', 'allOf'] as const;
/** Alternatives are also said in words where they are short enough to be read. Characters. */
const longestNote = 2000;

interface Members {
  readonly properties: ReadonlyMap<string, unknown>;
  readonly required: ReadonlySet<string>;
}

const either = (first: unknown, second: unknown): unknown =>
  JSON.stringify(first) === JSON.stringify(second) ? first : { anyOf: [first, second] };

const both = (first: unknown, second: unknown): unknown =>
  JSON.stringify(first) === JSON.stringify(second) ? first : { allOf: [first, second] };

const unite = (
  members: readonly Members[],
  join: (first: unknown, second: unknown) => unknown,
): ReadonlyMap<string, unknown> => {
  const united = new Map<string, unknown>();
  for (const { properties } of members) {
    for (const [name, schema] of properties)
      united.set(name, united.has(name) ? join(united.get(name), schema) : schema);
  }
  return united;
};

/** `open`: references being followed; one met again adds nothing. */
const membersOf = (given: unknown, root: JsonObject, open: readonly string[], depth: number): Members => {
  checkDepth(depth);
  if (!isObject(given)) return { properties: new Map(), required: new Set() };
  const inner = (each: unknown, via = open) => membersOf(each, root, via, depth + 1);
  const own: Members = {
    properties: new Map(Object.entries(isObject(given.properties) ? given.properties : {})),
    required: new Set(listOf(given.required).flatMap((name) => (typeof name === 'string' ? [name] : []))),
  };
  const { $ref: reference } = given;
  const together = [
    ...(typeof reference === 'string' && !open.includes(reference)
      ? [inner(resolve(root, reference), [...open, reference])]
      : []),
    ...listOf(given.allOf).map((each) => inner(each)),
    ...[given.anyOf, given.oneOf].flatMap((options): Members[] => {
      const [first, ...rest] = listOf(options).map((each) => inner(each));
      if (first === undefined) return [];
      const required = [...first.required].filter((name) => rest.every((each) => each.required.has(name)));
      return [{ properties: unite([first, ...rest], either), required: new Set(required) }];
    }),
  ];
  return {
    properties: unite([own, ...together], both),
    required: new Set([own, ...together].flatMap((each) => [...each.required])),
  };
};

/** Throws `SchemaTooLarge`. */
export const withPlainTop = (schema: JsonObject): JsonObject => {
  if (unions.every((key) => schema[key] === undefined)) return schema;
  measure(schema);
  const { properties, required } = membersOf(schema, schema, [], 0);
  const alternatives = JSON.stringify(schema.anyOf ?? schema.oneOf ?? null);
  const note =
    alternatives === 'null' || alternatives.length > longestNote
      ? []
      : [`The arguments must match one of these schemas: ${alternatives}`];
  const description = [schema.description, ...note].filter((each) => typeof each === 'string').join('\n');
  const known = [...required].filter((name) => properties.has(name));
  const flat = {
    ...omit(schema, ...unions, 'description'),
    ...(description === '' ? {} : { description }),
    properties: Object.fromEntries(properties),
    ...(known.length > 0 ? { required: known } : {}),
  };
  measure(flat);
  return flat;
};
