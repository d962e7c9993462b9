import { type Fields, isFields } from '../json.ts';
import { refuse } from '../refusal.ts';

/**
 * What the API asks of a tool's schema at any depth: the form of draft 2020-12, and keys it can name.
 * github.com/openclaw/openclaw/issues/98588, github.com/anthropics/claude-code/issues/79418
 */
const KEY = /^[a-zA-Z0-9_.-]{1,64}$/;

const TYPES = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'];

type Shape = (value: unknown, path: string) => string | undefined;

const failing =
  (fits: (value: unknown) => boolean): Shape =>
  (value, path) =>
    fits(value) ? undefined : path;

/** Where in a list or a map the first one fails. */
const firstOf = (entries: Iterable<readonly [string | number, unknown]>, shape: Shape, path: string) => {
  for (const [key, value] of entries) {
    const found = shape(value, `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
};

const schema: Shape = (value, path) => {
  if (typeof value === 'boolean') return undefined;
  return isFields(value) ? faultIn(value, path) : path;
};

const schemas: Shape = (value, path) =>
  Array.isArray(value) && value.length > 0 ? firstOf(value.entries(), schema, path) : path;

const named =
  (shape: Shape): Shape =>
  (value, path) =>
    isFields(value) ? firstOf(Object.entries(value), shape, path) : path;

const isDistinct = (list: unknown[]): boolean => new Set(list).size === list.length;
const names = failing(
  (value) => Array.isArray(value) && value.every((name) => typeof name === 'string') && isDistinct(value),
);
const text = failing((value) => typeof value === 'string');
const flag = failing((value) => typeof value === 'boolean');
const number = failing((value) => typeof value === 'number');
const count = failing((value) => Number.isInteger(value) && Number(value) >= 0);

const types = failing((value) =>
  Array.isArray(value)
    ? value.length > 0 && isDistinct(value) && value.every((name) => TYPES.includes(String(name)))
    : TYPES.includes(String(value)),
);

const KEYWORDS = new Map<string, Shape>(
  Object.entries({
    type: types,
    enum: failing(Array.isArray),
    required: names,
    properties: named(schema),
    patternProperties: named(schema),
    dependentSchemas: named(schema),
    dependentRequired: named(names),
    dependencies: named((value, path) => (Array.isArray(value) ? names : schema)(value, path)),
    $defs: named(schema),
    definitions: named(schema),
    allOf: schemas,
    anyOf: schemas,
    oneOf: schemas,
    prefixItems: schemas,
    items: schema,
    unevaluatedItems: schema,
    contains: schema,
    additionalProperties: schema,
    unevaluatedProperties: schema,
    propertyNames: schema,
    contentSchema: schema,
    not: schema,
    if: schema,
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
    then: schema,
    else: schema,
    minimum: number,
    maximum: number,
    exclusiveMinimum: number,
    exclusiveMaximum: number,
    multipleOf: failing((value) => typeof value === 'number' && value > 0),
    minLength: count,
    maxLength: count,
    minItems: count,
    maxItems: count,
    minContains: count,
    maxContains: count,
    minProperties: count,
    maxProperties: count,
    uniqueItems: flag,
    deprecated: flag,
    readOnly: flag,
    writeOnly: flag,
    pattern: text,
    format: text,
    title: text,
    description: text,
    contentEncoding: text,
    contentMediaType: text,
    $ref: text,
    $dynamicRef: text,
    $schema: text,
    $comment: text,
    $id: failing((value) => typeof value === 'string' && /^[^#]*#?$/.test(value)),
    $anchor: failing((value) => typeof value === 'string' && /^[A-Za-z_][-A-Za-z0-9._]*$/.test(value)),
  }),
);

/** The first keyword that is not built as 2020-12 has it. */
const faultIn = (value: Fields, path: string): string | undefined => {
  for (const [keyword, inner] of Object.entries(value)) {
    const found = KEYWORDS.get(keyword)?.(inner, `${path}.${keyword}`);
    if (found !== undefined) return found;
  }
  return undefined;
};

const MAPS = ['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions'];
const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const ONES = [
  ...['items', 'unevaluatedItems', 'contains', 'additionalProperties', 'unevaluatedProperties'],
  ...['propertyNames', 'contentSchema', 'not', 'if', 'then', 'else'],
];

const checkKeys = (value: unknown, path: string): void => {
  if (!isFields(value)) return;
  if (isFields(value.properties) && !Object.keys(value.properties).every((key) => KEY.test(key))) {
    refuse(`${path}.properties: Property keys should match pattern '${KEY.source}'`);
  }
  for (const key of MAPS) {
    for (const [name, inner] of Object.entries(isFields(value[key]) ? value[key] : {}))
      checkKeys(inner, `${path}.${key}.${name}`);
  }
  for (const key of LISTS) {
    for (const [index, inner] of (Array.isArray(value[key]) ? value[key] : []).entries())
      checkKeys(inner, `${path}.${key}.${index}`);
  }
  for (const key of ONES) checkKeys(value[key], `${path}.${key}`);
};

export const checkInputSchema = (value: Fields, path: string): void => {
  if (faultIn(value, '') !== undefined) {
    refuse(
      `${path}: JSON schema is invalid. It must match JSON Schema draft 2020-12 (https://json-schema.org/draft/2020-12). Learn more about tool use at https://docs.claude.com/en/docs/tool-use.`,
    );
  }
  checkKeys(value, path);
};
