/**
 * Whether a caller's schema is built as JSON Schema is: the upstreams say of a bad one no more than that it is
 * bad. Only the build is judged; which words and formats a model knows is for the upstream to say.
 */

import type { JsonObject } from '../chat.ts';
import { isObject, measure } from './bounds.ts';

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

type Reader = (value: unknown, path: string) => unknown;

/** Characters: names in a schema are the caller's own, and paths end up in the log. */
const longestName = 64;

const schema: Reader = (value, path) => {
  // `true` and `false` are the schemas of anything and of nothing.
  if (typeof value === 'boolean') return value;
  if (!isObject(value)) throw new MalformedSchema(path, 'must be a schema');
  return readKeywords(value, path);
};

const schemaList: Reader = (value, path) => {
  if (!Array.isArray(value)) throw new MalformedSchema(path, 'must be a list of schemas');
  return value.map((each, index) => schema(each, `${path}[${index}]`));
};

const namedSchemas: Reader = (value, path) => {
  if (!isObject(value)) throw new MalformedSchema(path, 'must be an object of schemas');
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      schema(each, `${path}.${name.slice(0, longestName)}`),
    ]),
  );
};

const names: Reader = (value, path) => {
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
    throw new MalformedSchema(path, 'must be a list of names');
  return value;
};

const readers: ReadonlyMap<string, Reader> = new Map(
  Object.entries({
    properties: namedSchemas,
    patternProperties: namedSchemas,
    $defs: namedSchemas,
    definitions: namedSchemas,
    required: names,
    anyOf: schemaList,
    oneOf: schemaList,
    allOf: schemaList,
    // A list is how drafts before 2020-12 wrote `prefixItems`.
    items: (value, path) => (Array.isArray(value) ? schemaList : schema)(value, path),
    additionalProperties: schema,
    not: schema,
  } satisfies Record<string, Reader>),
);

/** `null` means absent here too: clients in Go write `"required": null` for an empty list. */
const readKeywords = (value: JsonObject, path: string): JsonObject =>
  Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => {
      const read = readers.get(key);
      if (read === undefined) return [[key, each]];
      return each === null ? [] : [[key, read(each, `${path}.${key}`)]];
    }),
  );

/** The schema without keywords that are null. Throws MalformedSchema, with a path that begins with the one given. */
export const wellFormed = (value: JsonObject, path: string): JsonObject => {
  // Throws for what is too large, and for a depth that the walk below would not survive.
  measure(value);
  return readKeywords(value, path);
};
