/**
 * Schemas of older drafts in the form of 2020-12, which Claude's API reads them in: "JSON schema is invalid. It
 * must match JSON Schema draft 2020-12" (github.com/openclaw/openclaw/issues/98588,
 * github.com/Dokploy/mcp/issues/74). Generators still write draft 7, and draft 4 where OpenAPI 3.0 is the source.
 */

import type { JsonObject } from '../core/chat.ts';
import { isObject } from './bounds.ts';
import { type PointerStep, rewritePointer } from './pointers.ts';
import { mapSubschemas } from './subschemas.ts';

const draft2020 = 'https://json-schema.org/draft/2020-12/schema';

const isTuple = ({ items }: JsonObject): boolean => Array.isArray(items);

/** Beside `$defs` it stays: names that both have would clash, and 2020-12 still reads it. */
const hasOldDefinitions = ({ definitions, $defs }: JsonObject): boolean =>
  isObject(definitions) && $defs === undefined;

const idOf = ({ $id, id }: JsonObject): string | undefined => {
  if ($id !== undefined) return typeof $id === 'string' && /#./.test($id) ? $id : undefined;
  return typeof id === 'string' ? id : undefined;
};

/** Draft 4 wrote an exclusive bound as a flag beside the bound. */
const exclusiveBounds = (schema: JsonObject): JsonObject => {
  const bounds: Record<string, unknown> = {};
  for (const [flag, bound] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (typeof schema[flag] !== 'boolean') continue;
    bounds[flag] = schema[flag] ? schema[bound] : undefined;
    if (schema[flag]) bounds[bound] = undefined;
  }
  return bounds;
};

/** What no entry restricts is said by leaving the list out: 2020-12 takes none that is empty. */
const tuples = (schema: JsonObject): JsonObject => {
  const { items, additionalItems, prefixItems } = schema;
  if (!Array.isArray(items)) return {};
  const given = Array.isArray(prefixItems) ? prefixItems : items;
  return {
    prefixItems: given.length > 0 ? given : undefined,
    items: additionalItems,
    additionalItems: undefined,
  };
};

const definitions = (schema: JsonObject): JsonObject =>
  hasOldDefinitions(schema) ? { $defs: schema.definitions, definitions: undefined } : {};

/** A name alone (`#size`) was an id until draft 7; now ids have no such part, and anchors are a keyword of their own. */
const ids = (schema: JsonObject): JsonObject => {
  const id = idOf(schema);
  if (id === undefined) return {};
  const [base = '', name = ''] = id.split('#', 2);
  return {
    id: undefined,
    $id: base === '' ? undefined : base,
    ...(/^[A-Za-z_][-A-Za-z0-9._]*$/.test(name) ? { $anchor: name } : {}),
  };
};

const dependencies = (schema: JsonObject): JsonObject => {
  if (!isObject(schema.dependencies)) return {};
  const entries = Object.entries(schema.dependencies);
  const merge = (keyword: string, found: readonly (readonly [string, unknown])[]): JsonObject => {
    const given = schema[keyword];
    return found.length === 0
      ? {}
      : { [keyword]: { ...Object.fromEntries(found), ...(isObject(given) ? given : {}) } };
  };
  return {
    dependencies: undefined,
    ...merge(
      'dependentRequired',
      entries.filter(([, each]) => Array.isArray(each)),
    ),
    ...merge(
      'dependentSchemas',
      entries.filter(([, each]) => !Array.isArray(each)),
    ),
  };
};

const isOld = (schema: JsonObject): boolean =>
  isTuple(schema) ||
  typeof schema.exclusiveMinimum === 'boolean' ||
  typeof schema.exclusiveMaximum === 'boolean' ||
  hasOldDefinitions(schema) ||
  isObject(schema.dependencies) ||
  idOf(schema) !== undefined;

const rewriteKeywords = (schema: JsonObject): JsonObject => {
  if (!isOld(schema)) return schema;
  const changes: JsonObject = {
    ...exclusiveBounds(schema),
    ...tuples(schema),
    ...definitions(schema),
    ...ids(schema),
    ...dependencies(schema),
  };
  const merged = Object.entries({ ...schema, ...changes });
  return Object.fromEntries(merged.filter(([, value]) => value !== undefined));
};

const rewrite = (schema: JsonObject): JsonObject => rewriteKeywords(mapSubschemas(schema, rewrite));

const rewriteStep = ({ written, name, holder, within }: PointerStep): string => {
  if (within !== undefined) return written;
  if (name === 'definitions') return hasOldDefinitions(holder) ? '$defs' : written;
  if (name === 'items') return isTuple(holder) ? 'prefixItems' : written;
  if (name === 'additionalItems') return isTuple(holder) ? 'items' : written;
  // Only a schema is referred to, never a list of names.
  return name === 'dependencies' ? 'dependentSchemas' : written;
};

const rewriteReferences = (schema: JsonObject, original: JsonObject): JsonObject => {
  const inner = mapSubschemas(schema, (each) => rewriteReferences(each, original));
  const { $ref: reference } = inner;
  if (typeof reference !== 'string') return inner;
  const rewritten = rewritePointer(reference, original, rewriteStep);
  return rewritten === reference ? inner : { ...inner, $ref: rewritten };
};

/** The same object where nothing in it is old. Only for schemas whose depth was measured. */
export const toDraft2020 = (schema: JsonObject): JsonObject => {
  const rewritten = rewrite(schema);
  if (rewritten === schema) return schema;
  const current = rewriteReferences(rewritten, schema);
  return typeof current.$schema === 'string' ? { ...current, $schema: draft2020 } : current;
};
