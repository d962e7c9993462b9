/**
 * Whether a client's schema is built as JSON Schema is: the upstreams say of a bad one no more than that it is
 * bad. Only the build is judged, as the drafts' own schemas do; which formats a model knows is for the upstream to
 * say.
 */

import type { JsonObject } from '../core/chat.ts';
import { isObject, measure } from './bounds.ts';
import { mapList, mapValues, type Position, positionOf } from './subschemas.ts';

/** Where a schema is built wrong, as a path in it, and what must stand there. */
export class MalformedSchema extends Error {
  override readonly name = 'MalformedSchema';
  constructor(
    readonly path: string,
    readonly expected: string,
  ) {
    super(`${path}: ${expected}`);
  }
}

/** The value, or one that says the same and is built well. Undefined: the keyword says nothing. Throws MalformedSchema. */
type Reader = (value: unknown, path: string) => unknown;

/** Characters: names in a schema are the client's own, and paths end up in the log. */
const longestName = 64;

const isName = (value: unknown): value is string => typeof value === 'string';

const expecting =
  (fits: (value: unknown) => boolean, expected: string): Reader =>
  (value, path) => {
    if (!fits(value)) throw new MalformedSchema(path, expected);
    return value;
  };

const schema: Reader = (value, path) => {
  // `true` and `false` are the schemas of anything and of nothing.
  if (typeof value === 'boolean') return value;
  if (!isObject(value)) throw new MalformedSchema(path, 'must be a schema');
  return readKeywords(value, path);
};

const schemaList: Reader = (value, path) => {
  if (!Array.isArray(value)) throw new MalformedSchema(path, 'must be a list of schemas');
  // Generators write an empty list for none; 2020-12 wants an entry.
  if (value.length === 0) return undefined;
  return mapList(value, (each, index) => schema(each, `${path}[${index}]`));
};

const named =
  (reader: Reader, expected: string): Reader =>
  (value, path) => {
    if (!isObject(value)) throw new MalformedSchema(path, expected);
    return mapValues(value, (each, name) => reader(each, `${path}.${name.slice(0, longestName)}`));
  };

const names: Reader = (value, path) => {
  if (!Array.isArray(value) || !value.every(isName))
    throw new MalformedSchema(path, 'must be a list of names');
  const different = new Set(value);
  return different.size === value.length ? value : [...different];
};

const typeNames: ReadonlySet<unknown> = new Set([
  ...['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'],
]);
const namesOrSchema: Reader = (value, path) => (Array.isArray(value) ? names : schema)(value, path);

const types: Reader = (value, path) => {
  const given = Array.isArray(value) ? value : [value];
  if (given.length === 0 || !given.every((each) => typeNames.has(each)))
    throw new MalformedSchema(path, `must be ${[...typeNames].join(', ')}, or a list of these`);
  return Array.isArray(value) && new Set(value).size < value.length ? [...new Set(value)] : value;
};

const text = expecting((value) => typeof value === 'string', 'must be a string');
const flag = expecting((value) => typeof value === 'boolean', 'must be true or false');
const number = expecting((value) => typeof value === 'number', 'must be a number');
const count = expecting((value) => Number.isInteger(value) && Number(value) >= 0, 'must be a count');
const divisor = expecting((value) => typeof value === 'number' && value > 0, 'must be a number above zero');
const anchor = expecting(
  (value) => typeof value === 'string' && /^[A-Za-z_][-A-Za-z0-9._]*$/.test(value),
  'must be a name',
);
// Draft 4 had a flag.
const exclusive = expecting(
  (value) => typeof value === 'number' || typeof value === 'boolean',
  'must be a number',
);

const atPosition = {
  one: schema,
  list: schemaList,
  named: named(schema, 'must be an object of schemas'),
} satisfies Record<Position, Reader>;

const rows = (reader: Reader, ...keywords: readonly string[]) =>
  keywords.map((keyword) => [keyword, reader] as const);

const readers: ReadonlyMap<string, Reader> = new Map([
  ...rows(types, 'type'),
  ...rows(expecting(Array.isArray, 'must be a list'), 'enum'),
  ...rows(names, 'required'),
  ...rows(named(names, 'must be an object of lists of names'), 'dependentRequired'),
  ...rows(named(namesOrSchema, 'must be an object of schemas or lists of names'), 'dependencies'),
  ...rows(number, 'minimum', 'maximum'),
  ...rows(exclusive, 'exclusiveMinimum', 'exclusiveMaximum'),
  ...rows(divisor, 'multipleOf'),
  ...rows(count, 'minLength', 'maxLength', 'minItems', 'maxItems', 'minContains', 'maxContains'),
  ...rows(count, 'minProperties', 'maxProperties'),
  ...rows(flag, 'uniqueItems', 'deprecated', 'readOnly', 'writeOnly'),
  ...rows(text, 'pattern', 'format', 'title', 'description', 'contentEncoding', 'contentMediaType'),
  ...rows(text, '$ref', '$dynamicRef', '$schema', '$id', '$dynamicAnchor', '$comment'),
  ...rows(anchor, '$anchor'),
]);

const readerOf = (keyword: string, value: unknown): Reader | undefined => {
  const reader = readers.get(keyword);
  if (reader !== undefined) return reader;
  // A tuple of older drafts may be empty: what follows it is said elsewhere.
  if (keyword === 'items' && Array.isArray(value) && value.length === 0) return undefined;
  const position = positionOf(keyword, value);
  return position && atPosition[position];
};

/** `null` means absent here too: clients in Go write `"required": null` for an empty list. */
const readKeywords = (value: JsonObject, path: string): JsonObject =>
  mapValues(value, (each, keyword) => {
    const reader = readerOf(keyword, each);
    if (reader === undefined) return each;
    return each === null ? undefined : reader(each, `${path}.${keyword}`);
  });

/** The schema without keywords that are null. Throws MalformedSchema, with a path that begins with the one given. */
export const wellFormed = (value: JsonObject, path: string): JsonObject => {
  // Throws for what is too large, and for a depth that the walk below would not survive.
  measure(value);
  return readKeywords(value, path);
};
