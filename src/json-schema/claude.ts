/**
 * Schemas for Claude's native structured output (`output_config.format`, strict tools). What decoding cannot
 * enforce is moved into descriptions; what cannot be said at all is `undefined`, and the client takes another
 * way. The limits: github.com/anthropics/skills skills/claude-api/shared/tool-use-concepts.md, and
 * github.com/vercel/ai packages/anthropic/src/sanitize-json-schema.ts.
 */

import type { JsonObject } from '../core/chat.ts';
import {
  checkDepth,
  createMeter,
  isObject,
  measure,
  nodeCost,
  omit,
  resolve,
  SchemaTooLarge,
  type Spend,
} from './bounds.ts';
import { annotations, listOf, merge } from './merge.ts';
import { describe, phrase } from './words.ts';

const formats: ReadonlySet<unknown> = new Set([
  ...['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'uri', 'ipv4', 'ipv6', 'uuid'],
]);
const typeNames: ReadonlySet<unknown> = new Set([
  ...['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'],
]);
const maxOptional = 24;
/** Schemas once references are followed: a small schema can ask for an exponential grammar. */
const maxNodes = 20_000;
/** Definitions whose name reads the same escaped or not may stay where they are. */
const keepable = /^#\/(\$defs|definitions)\/(?!__proto__$)([A-Za-z0-9_.-]+)$/;

/** Thrown and caught in this file: the schema has no native form. */
class Inexpressible extends Error {}

interface Walk {
  readonly root: JsonObject;
  readonly spend: Spend;
  readonly definitions: Map<string, Native>;
  /** Whether the native form says all that the original says. */
  exact: boolean;
}

interface Place {
  readonly depth: number;
  /** References being followed: meeting one again is recursion. */
  readonly open: readonly string[];
}

interface Native {
  readonly schema: JsonObject;
  /** Optional properties, unions and schemas below, references followed. */
  readonly optional: number;
  readonly unions: number;
  readonly nodes: number;
}

const deeper = ({ depth, open }: Place, reference?: string): Place => ({
  depth: depth + 1,
  open: reference === undefined ? open : [...open, reference],
});

const together = (schema: JsonObject, optional: number, inner: readonly Native[]): Native => {
  const nodes = inner.reduce((sum, each) => sum + each.nodes, 1);
  if (nodes > maxNodes) throw new SchemaTooLarge(`The schema expands to more than ${maxNodes} schemas.`);
  const isUnion = schema.anyOf !== undefined || Array.isArray(schema.type);
  return {
    schema,
    nodes,
    optional: inner.reduce((sum, each) => sum + each.optional, optional),
    unions: inner.reduce((sum, each) => sum + each.unions, isUnion ? 1 : 0),
  };
};

const combined = (first: JsonObject, second: JsonObject, walk: Walk): JsonObject => {
  const merged = merge(first, second, walk.spend);
  if (merged === undefined) throw new Inexpressible();
  const plain = [first, second].some((each) => Object.keys(each).every((key) => annotations.has(key)));
  if (!plain) walk.exact = false;
  return merged;
};

/** A node with its reference replaced by what it points at. */
const expand = (value: unknown, place: Place, walk: Walk): { node: JsonObject; place: Place } => {
  if (!isObject(value)) throw new Inexpressible();
  checkDepth(place.depth);
  walk.spend(nodeCost);
  const { $ref: reference } = value;
  if (typeof reference !== 'string') return { node: value, place };
  walk.spend(reference.length);
  if (place.open.includes(reference)) throw new Inexpressible();
  const target = resolve(walk.root, reference);
  if (!isObject(target)) throw new Inexpressible();
  return expand(combined(omit(value, '$ref'), target, walk), deeper(place, reference), walk);
};

const keep = (reference: string, place: Place, walk: Walk): Native => {
  if (place.open.includes(reference)) throw new Inexpressible();
  const native =
    walk.definitions.get(reference) ?? convert(resolve(walk.root, reference), deeper(place, reference), walk);
  walk.definitions.set(reference, native);
  return together({ $ref: reference }, 0, [native]);
};

const titled = ({ title }: JsonObject): JsonObject => (typeof title === 'string' ? { title } : {});

const allOf = (value: JsonObject, place: Place, walk: Walk): Native => {
  let node = omit(value, 'allOf');
  let inside = deeper(place);
  for (const entry of listOf(value.allOf).filter((each) => each !== true)) {
    const expanded = expand(entry, inside, walk);
    node = combined(node, expanded.node, walk);
    inside = { depth: inside.depth, open: expanded.place.open };
  }
  return convert(node, inside, walk);
};

/** `base` and one of the options: base goes into each option, for a union stands alone natively. */
const anyOf = (value: JsonObject, place: Place, walk: Walk): Native => {
  const options = value.anyOf ?? value.oneOf;
  if (!Array.isArray(options) || options.length === 0 || (value.anyOf && value.oneOf))
    throw new Inexpressible();
  // Nothing native says "exactly one".
  if (value.oneOf !== undefined) walk.exact = false;
  const base = omit(value, 'anyOf', 'oneOf', ...annotations);
  const branches = options.map((option) => {
    if (Object.keys(base).length === 0) return convert(option, deeper(place), walk);
    const expanded = expand(option, deeper(place), walk);
    return convert(combined(base, expanded.node, walk), deeper(expanded.place), walk);
  });
  const noted = phrase(value, (key) => !annotations.has(key)).map(({ words }) => words);
  const description = describe(value, noted);
  walk.spend(measure(description));
  return together(
    { ...titled(value), ...description, anyOf: branches.map(({ schema }) => schema) },
    0,
    branches,
  );
};

const typeOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;

const stringKeys = ['minLength', 'maxLength', 'pattern', 'format'];
const numberKeys = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'];

/** A missing `type` is read off the other keywords: a narrower schema, never a wider one. */
const typesOf = (value: JsonObject): readonly unknown[] => {
  const has = (...keys: readonly string[]) => keys.some((key) => Object.hasOwn(value, key));
  if (has('type')) return [...new Set(listOf(value.type))];
  if (has('enum', 'const')) return [];
  if (has('properties', 'required', 'additionalProperties')) return ['object'];
  if (has('items')) return ['array'];
  return has(...stringKeys) ? ['string'] : has(...numberKeys) ? ['number'] : [];
};

const literals = (value: JsonObject, types: readonly unknown[], walk: Walk): JsonObject => {
  const fits = (each: unknown) =>
    types.length === 0 ||
    types.includes(typeOf(each)) ||
    (Number.isInteger(each) && types.includes('integer'));
  const scalar = (each: unknown) => typeof each !== 'object' || each === null;
  if (value.const !== undefined) {
    if (!scalar(value.const) || !fits(value.const)) throw new Inexpressible();
    if (value.enum !== undefined) walk.exact = false;
    return { const: value.const };
  }
  if (value.enum === undefined) return {};
  const allowed = listOf(value.enum).filter(fits);
  if (allowed.length === 0 || !allowed.every(scalar)) throw new Inexpressible();
  return { enum: [...new Set(allowed)] };
};

const objectParts = (value: JsonObject, place: Place, walk: Walk): Native => {
  const { properties = {}, additionalProperties: rest, unevaluatedProperties: others } = value;
  if (!isObject(properties) || (rest !== undefined && rest !== false) || isObject(others))
    throw new Inexpressible();
  const names = Object.keys(properties);
  // Without properties, and not closed, it is a map: natively it could only ever be `{}`.
  if (names.length === 0 && rest !== false) throw new Inexpressible();
  const required = [...new Set(listOf(value.required))];
  if (!required.every((name) => typeof name === 'string' && Object.hasOwn(properties, name)))
    throw new Inexpressible();
  const inner = Object.entries(properties).map(([name, each]): [string, Native] => {
    walk.spend(name.length);
    return [name, convert(each, deeper(place), walk)];
  });
  const schema = {
    properties: Object.fromEntries(inner.map(([name, { schema: each }]) => [name, each])),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
  return together(
    schema,
    names.length - required.length,
    inner.map(([, each]) => each),
  );
};

const nothing: Native = { schema: {}, optional: 0, unions: 0, nodes: 0 };

const plain = (value: JsonObject, place: Place, walk: Walk): Native => {
  const declared = typesOf(value);
  const literal = literals(value, declared, walk);
  const isLiteral = Object.keys(literal).length > 0;
  // Literals are scalars here; an object or array beside them would have to be closed for nothing.
  const types = isLiteral ? declared.filter((type) => type !== 'object' && type !== 'array') : declared;
  if (!types.every((type) => typeNames.has(type)) || (types.length === 0 && !isLiteral))
    throw new Inexpressible();
  const isArray = types.includes('array');
  if (isArray && (!isObject(value.items) || value.prefixItems !== undefined)) throw new Inexpressible();
  const members = types.includes('object') ? objectParts(value, place, walk) : nothing;
  const items = isArray ? convert(value.items, deeper(place), walk) : nothing;

  const kept: ReadonlyMap<string, unknown> = new Map([
    ...(types.includes('string') && formats.has(value.format) ? [['format', value.format] as const] : []),
    ...(isArray && (value.minItems === 0 || value.minItems === 1)
      ? [['minItems', value.minItems] as const]
      : []),
  ]);
  const moved = phrase(value, (key) => kept.has(key));
  if (moved.some(({ key }) => !annotations.has(key))) walk.exact = false;
  const head = {
    ...titled(value),
    ...describe(
      value,
      moved.map(({ words }) => words),
    ),
    ...literal,
    ...Object.fromEntries(kept),
  };
  walk.spend(measure(head));
  const schema = {
    ...(types.length === 0 ? {} : { type: types.length === 1 ? types[0] : types }),
    ...head,
    ...members.schema,
    ...(isArray ? { items: items.schema } : {}),
  };
  return together(schema, 0, [members, items]);
};

const convert = (value: unknown, place: Place, walk: Walk): Native => {
  if (!isObject(value)) throw new Inexpressible();
  checkDepth(place.depth);
  walk.spend(nodeCost + Object.keys(value).length);
  if (typeof value.$ref === 'string') {
    if (Object.keys(value).length === 1 && keepable.test(value.$ref)) return keep(value.$ref, place, walk);
    const expanded = expand(value, place, walk);
    return convert(expanded.node, deeper(expanded.place), walk);
  }
  if (value.allOf !== undefined) return allOf(value, place, walk);
  return value.anyOf === undefined && value.oneOf === undefined
    ? plain(value, place, walk)
    : anyOf(value, place, walk);
};

const containers = (definitions: ReadonlyMap<string, Native>): JsonObject => {
  const entries = (container: string) =>
    [...definitions].flatMap(([reference, { schema }]): [string, JsonObject][] => {
      const [, place, name] = keepable.exec(reference) ?? [];
      return place === container && name !== undefined ? [[name, schema]] : [];
    });
  return Object.fromEntries(
    ['$defs', 'definitions'].flatMap((container) => {
      const found = entries(container);
      return found.length === 0 ? [] : [[container, Object.fromEntries(found)]];
    }),
  );
};

export interface NativeSchema {
  readonly schema: JsonObject;
  /** Whether it says all that the original says; if not, the result has to be checked against that. */
  readonly exact: boolean;
  /** Optional properties and unions, of which the strict tools of a request may have few together. */
  readonly loose: number;
}

/** The native form. Undefined: there is none. Throws `SchemaTooLarge`. */
export const toNativeSchema = (schema: JsonObject): NativeSchema | undefined => {
  measure(schema);
  const walk: Walk = { root: schema, spend: createMeter(), definitions: new Map(), exact: true };
  try {
    const start: Place = { depth: 0, open: [] };
    const { node, place } = expand(schema, start, walk);
    const native = convert(node, place, walk);
    if (native.schema.type !== 'object' || native.optional > maxOptional) return undefined;
    return {
      schema: { ...native.schema, ...containers(walk.definitions) },
      exact: walk.exact,
      loose: native.optional + native.unions,
    };
  } catch (error) {
    if (error instanceof Inexpressible) return undefined;
    throw error;
  }
};
