/**
 * Schemas for Amazon Nova's tool input: `type`, `properties` and `required` alone on top, no references and
 * none of the keywords it refuses below. Nova does not bind its output, so what a keyword said may as well
 * stand in the description. (docs.aws.amazon.com/nova/latest/userguide/tool-use-definition.html)
 */

import type { JsonObject } from '../core/chat.ts';
import { checkDepth, createMeter, isObject, measure, nodeCost, omit, resolve } from './bounds.ts';
import { listOf, merge } from './merge.ts';
import { objectMembers, type Walk } from './object-members.ts';
import { describe, phrase } from './words.ts';

/** Levels of a schema that contains itself. */
const recursionLevels = 3;

const numeric = new Set([
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength'],
  ...['minItems', 'maxItems', 'minProperties', 'maxProperties'],
]);

interface Place {
  readonly depth: number;
  readonly open: readonly string[];
  /** How often a reference already open was entered again. */
  readonly repeats: number;
  /** Part of the top level, whose forms are made one object in the end. */
  readonly isTop: boolean;
}

interface Node {
  readonly value: JsonObject;
  readonly place: Place;
}

const deeper = (place: Place): Place => ({ ...place, depth: place.depth + 1 });

const below = (place: Place): Place => ({ ...deeper(place), isTop: false });

const joined = (first: JsonObject, second: JsonObject, walk: Walk): JsonObject =>
  merge(first, second, walk.spend, 'first');

/** A node without `$ref` and `allOf`: what they stand for is merged into it. */
const flatten = (given: unknown, place: Place, walk: Walk): Node => {
  checkDepth(place.depth);
  walk.spend(nodeCost);
  const value = isObject(given) ? given : {};
  const { $ref: reference } = value;
  if (typeof reference === 'string') {
    walk.spend(reference.length);
    const repeats = place.repeats + (place.open.includes(reference) ? 1 : 0);
    const own = omit(value, '$ref');
    if (repeats >= recursionLevels) {
      const { description } = own;
      return { value: { type: 'object', ...(description === undefined ? {} : { description }) }, place };
    }
    const inside = { ...deeper(place), open: [...place.open, reference], repeats };
    return flatten(joined(own, asObject(resolve(walk.root, reference)), walk), inside, walk);
  }
  if (value.allOf === undefined) return { value, place };
  let node: Node = { value: omit(value, 'allOf'), place };
  for (const entry of listOf(value.allOf)) {
    const { value: added, place: inside } = flatten(entry, deeper(place), walk);
    node = {
      value: joined(node.value, added, walk),
      place: {
        ...place,
        open: [...new Set([...node.place.open, ...inside.open])],
        repeats: Math.max(node.place.repeats, inside.repeats),
      },
    };
  }
  return node;
};

const asObject = (value: unknown): JsonObject => (isObject(value) ? value : {});

const optionsOf = ({ anyOf, oneOf }: JsonObject): readonly unknown[] => [...listOf(anyOf), ...listOf(oneOf)];

const isNull = (option: unknown): boolean =>
  isObject(option) && (option.type === 'null' || option.const === null);

const onlyHas = (schema: JsonObject, ...keys: readonly string[]): boolean =>
  Object.keys(schema).every((key) => keys.includes(key));

/** Several forms as one schema: one list of literals or of types where that says it, else `anyOf`. */
const alternatives = (schemas: readonly JsonObject[], walk: Walk): JsonObject => {
  const texts = schemas.map((schema) => JSON.stringify(schema));
  walk.spend(texts.reduce((sum, text) => sum + text.length, 0));
  const different = schemas.filter((_, index) => texts.indexOf(texts[index] ?? '') === index);
  const [first, ...others] = different;
  if (first === undefined || others.length === 0) return first ?? {};
  if (
    different.every(
      (each) => Array.isArray(each.enum) && onlyHas(each, 'enum', 'type') && each.type === first.type,
    )
  ) {
    return { ...first, enum: [...new Set(different.flatMap((each) => listOf(each.enum)))] };
  }
  if (different.every((each) => each.type !== undefined && onlyHas(each, 'type'))) {
    return { type: [...new Set(different.flatMap((each) => listOf(each.type)))] };
  }
  return { anyOf: different };
};

const limits = (value: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(value).filter(
      ([key, each]) =>
        (numeric.has(key) && typeof each === 'number') ||
        (key === 'format' && typeof each === 'string') ||
        (key === 'uniqueItems' && typeof each === 'boolean'),
    ),
  );

const itemsOf = (value: JsonObject, place: Place, walk: Walk): JsonObject => {
  const tuple = [
    ...listOf(value.prefixItems),
    ...(Array.isArray(value.items) ? value.items : []),
    ...(isObject(value.items) ? [value.items] : []),
  ];
  if (tuple.length === 0) return {};
  return {
    items: alternatives(
      tuple.map((each) => convert(each, below(place), walk)),
      walk,
    ),
  };
};

const membersOf = (value: JsonObject, place: Place, walk: Walk): JsonObject => {
  if (!isObject(value.properties) && !place.isTop) return {};
  const properties = Object.entries(asObject(value.properties)).map(([name, each]) => {
    walk.spend(name.length + 1);
    return [name, convert(each, below(place), walk)] as const;
  });
  const names = new Set<unknown>(properties.map(([name]) => name));
  const required = [...new Set(listOf(value.required))].filter((name) => place.isTop || names.has(name));
  return { properties: Object.fromEntries(properties), ...(required.length > 0 ? { required } : {}) };
};

/** A node without unions. */
const plain = (value: JsonObject, nullable: boolean, place: Place, walk: Walk): JsonObject => {
  const given = [...new Set(listOf(value.type))].filter((type) => typeof type === 'string');
  const types = given.length > 1 ? given.filter((type) => type !== 'null') : given;
  const implied = isObject(value.properties) ? ['object'] : value.items === undefined ? [] : ['array'];
  const [type, ...more] = given.length > 0 ? types : implied;
  const kept = limits(value);
  const words = phrase(value, (key) => Object.hasOwn(kept, key)).map((each) => each.words);
  const note = nullable || types.length < given.length ? ['optional; null if there is none'] : [];
  const map = isObject(value.additionalProperties)
    ? [`other properties must match ${JSON.stringify(value.additionalProperties)}`]
    : [];
  const head = {
    ...(type === undefined ? {} : { type: more.length > 0 ? [type, ...more] : type }),
    ...describe(value, [...note, ...words, ...map]),
    ...(value.const !== undefined
      ? { enum: [value.const] }
      : Array.isArray(value.enum)
        ? { enum: value.enum }
        : {}),
    ...kept,
  };
  walk.spend(measure(head));
  return { ...head, ...membersOf(value, place, walk), ...itemsOf(value, place, walk) };
};

const convert = (given: unknown, at: Place, walk: Walk): JsonObject => {
  const { value, place } = flatten(given, at, walk);
  walk.spend(nodeCost + Object.keys(value).length);
  const options = optionsOf(value);
  const others = options.filter((option) => !isNull(option));
  const own = plain(omit(value, 'anyOf', 'oneOf'), others.length < options.length, place, walk);
  if (others.length === 0) return own;
  const forms = others.map((option) => convert(option, deeper(place), walk));
  const union = place.isTop ? { anyOf: forms } : alternatives(forms, walk);
  // Converted already, so two properties of one name are not merged again: the nearer one stays.
  const members = {
    ...asObject(own.properties),
    ...omit(asObject(union.properties), ...Object.keys(asObject(own.properties))),
  };
  const described = [own.description, union.description].filter((each) => each !== undefined);
  return {
    ...joined(omit(own, 'properties'), omit(union, 'properties'), walk),
    ...(Object.keys(members).length > 0 ? { properties: members } : {}),
    ...(described.length > 1 ? { description: described.join('; ') } : {}),
  };
};

/** What a property may be, by all forms of the object: `objectMembers` has joined them, and alone writes `allOf`. */
const formsOf = (schema: JsonObject): readonly JsonObject[] => {
  if (schema.allOf !== undefined) return listOf(schema.allOf).flatMap((each) => formsOf(asObject(each)));
  const isUnion = schema.anyOf !== undefined && onlyHas(schema, 'anyOf');
  const forms = isUnion ? listOf(schema.anyOf).map(asObject) : [schema];
  return forms.flatMap((form) => (form.allOf === undefined ? [form] : formsOf(form)));
};

/** A tool's input schema in Nova's form. Throws `SchemaTooLarge`. */
export const toNovaSchema = (schema: JsonObject): JsonObject => {
  measure(schema);
  const walk: Walk = { root: schema, spend: createMeter() };
  // Reduced first, so that only unions are left on top: all that a union may be is allowed, for one branch may leave
  // out what another narrows.
  const reduced = convert(schema, { depth: 0, open: ['#'], repeats: 0, isTop: true }, walk);
  const { properties, ...required } = objectMembers(reduced, walk);
  const members = Object.entries(asObject(properties)).map(([name, each]) => [
    name,
    alternatives(formsOf(asObject(each)), walk),
  ]);
  return { type: 'object', properties: Object.fromEntries(members), ...required };
};
