/**
 * Property keys of tools' schemas that the upstream does not take (`$top`, `filter[id]`): replaced in the schema
 * and in the calls of the history, restored in the answer. Behaviour 4.2. Only keys that a schema names are
 * touched: those of maps are the client's data, and no upstream minds them.
 */

import type { JsonObject, Prompt } from '../core/chat.ts';
import { isObject } from '../json-schema/bounds.ts';
import { escapeStep, rewritePointer } from '../json-schema/pointers.ts';
import { forEachSubschema, mapSubschemas } from '../json-schema/subschemas.ts';
import type { ReplacedKeys } from './adapter.ts';
import { isValidName, type NameRule, type Names, replaceNames } from './names.ts';

const hasInvalidKey = (schema: JsonObject, rule: NameRule): boolean => {
  if (isObject(schema.properties)) {
    for (const key of Object.keys(schema.properties)) if (!isValidName(key, rule)) return true;
  }
  let found = false;
  forEachSubschema(schema, (inner) => {
    found ||= hasInvalidKey(inner, rule);
  });
  return found;
};

const collectKeys = (schema: JsonObject, keys: Set<string>): Set<string> => {
  if (isObject(schema.properties)) for (const key of Object.keys(schema.properties)) keys.add(key);
  forEachSubschema(schema, (inner) => collectKeys(inner, keys));
  return keys;
};

/** Undefined: the upstream takes every key as it is. */
const replacementsFor = (schema: JsonObject, rule: NameRule): Names | undefined =>
  // The usual schema is only looked at; the keys are gathered where one has to be replaced.
  hasInvalidKey(schema, rule) ? replaceNames(collectKeys(schema, new Set()), rule) : undefined;

// ---- in schemas ----------------------------------------------------------------------------------

const sendAll = (list: unknown, keys: Names): unknown =>
  Array.isArray(list)
    ? list.map((name: unknown) => (typeof name === 'string' ? keys.send(name) : name))
    : list;

/** A key that lost letters or its end may say nothing any more; then the title says it. */
const titled = (key: string, sent: string, schema: unknown): unknown =>
  (/[^ -~]/.test(key) || key.length > sent.length) && isObject(schema) && schema.title === undefined
    ? { title: key, ...schema }
    : schema;

const keyed = {
  properties: (key, sent, value) => (sent === key ? value : titled(key, sent, value)),
  dependentSchemas: (_key, _sent, value) => value,
  dependentRequired: (_key, _sent, value, keys) => sendAll(value, keys),
} satisfies Record<string, (key: string, sent: string, value: unknown, keys: Names) => unknown>;

const replaceInSchema = (schema: JsonObject, keys: Names, root: JsonObject): JsonObject => {
  const inner = mapSubschemas(schema, (each) => replaceInSchema(each, keys, root));
  const changed: Record<string, unknown> = { ...inner };
  for (const [keyword, read] of Object.entries(keyed)) {
    const named = inner[keyword];
    if (!isObject(named)) continue;
    const entries = Object.entries(named).map(([key, value]) => {
      const sent = keys.send(key);
      return [sent, read(key, sent, value, keys)] as const;
    });
    changed[keyword] = Object.fromEntries(entries);
  }
  if (inner.required !== undefined) changed.required = sendAll(inner.required, keys);
  if (typeof inner.$ref === 'string') {
    changed.$ref = rewritePointer(inner.$ref, root, ({ written, name, within }) => {
      const sent = within !== undefined && Object.hasOwn(keyed, within) ? keys.send(name) : name;
      return sent === name ? written : escapeStep(sent);
    });
  }
  return changed;
};

// ---- in values -----------------------------------------------------------------------------------

/** Depth is bounded where arguments are read. */
const replaceInValue = (value: unknown, keys: Names): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => replaceInValue(each, keys));
  const entries = Object.entries(value).map(([key, each]) => [keys.send(key), replaceInValue(each, keys)]);
  return Object.fromEntries(entries);
};

export interface PropertyKeys {
  /** A tool's schema with the keys that are sent. */
  readonly inSchema: (tool: string, schema: JsonObject) => JsonObject;
  /** Arguments of a tool's call in the history. */
  readonly inArguments: (tool: string, input: JsonObject) => JsonObject;
  /** For the decoder. Undefined: none was replaced. */
  readonly replaced: ReplacedKeys | undefined;
}

const unchanged: PropertyKeys = {
  inSchema: (_tool, schema) => schema,
  inArguments: (_tool, input) => input,
  replaced: undefined,
};

/** Tool by tool, so that what one declares changes nothing of another's calls in the history. */
export const replacePropertyKeys = ({ tools }: Prompt, rule: NameRule): PropertyKeys => {
  const byTool = new Map<string, Names>();
  for (const { name, parameters } of tools) {
    const keys = replacementsFor(parameters, rule);
    if (keys !== undefined) byTool.set(name, keys);
  }
  if (byTool.size === 0) return unchanged;
  return {
    inSchema: (tool, schema) => {
      const keys = byTool.get(tool);
      return keys === undefined ? schema : replaceInSchema(schema, keys, schema);
    },
    inArguments: (tool, input) => {
      const keys = byTool.get(tool);
      return keys === undefined ? input : (replaceInValue(input, keys) as JsonObject);
    },
    replaced: { inCalls: byTool, inText: undefined },
  };
};

/** The schema of an answer's own format, and what restores its keys in the answer's text. */
export const replaceFormatKeys = (
  schema: JsonObject,
  rule: NameRule,
): { schema: JsonObject; keys: Names | undefined } => {
  const keys = replacementsFor(schema, rule);
  return { schema: keys === undefined ? schema : replaceInSchema(schema, keys, schema), keys };
};
