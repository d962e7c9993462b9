import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import type { JsonObject } from '../../src/core/chat.ts';
import { isObject, SchemaTooLarge } from '../../src/json-schema/bounds.ts';
import { toNovaSchema } from '../../src/json-schema/nova.ts';
import { NOVA, post, TODAY } from '../simulator/clients.ts';
import { copyOf, fanned, schemas, tooLarge } from './hostile.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ now: () => TODAY });
});
afterAll(() => simulator.close());

const object = (properties: JsonObject, extra: JsonObject = {}): JsonObject => ({
  type: 'object',
  properties,
  ...extra,
});
const text = { type: 'string' };
const tree = (leaf: JsonObject): JsonObject => object({ left: leaf });

interface Row {
  readonly name: string;
  readonly input: JsonObject;
  readonly expected: JsonObject;
  /** The simulator refuses every `anyOf`, which AWS documents for the top level only. */
  readonly union?: true;
}

const rows: readonly Row[] = [
  { name: 'no parameters', input: { type: 'object' }, expected: object({}) },
  { name: 'not even an object', input: { type: 'array', items: text }, expected: object({}) },
  {
    name: 'the top level has type, properties and required only',
    input: {
      $schema: 's',
      $id: 'i',
      title: 'T',
      description: 'D',
      ...object({ a: text }),
      required: ['a'],
      additionalProperties: false,
      strict: true,
    },
    expected: object({ a: text }, { required: ['a'] }),
  },
  {
    name: 'an empty required is left out',
    input: object({ a: text }, { required: [] }),
    expected: object({ a: text }),
  },
  {
    name: 'refused keys go on every level, limits and formats stay',
    input: object({
      a: object(
        { b: { type: 'integer', title: 'B', minimum: 1, maximum: 5 } },
        { additionalProperties: false },
      ),
      c: { type: 'string', format: 'date', minLength: 1, maxLength: 9 },
      d: { type: 'array', items: { ...text, $comment: 'x' }, maxItems: 3 },
    }),
    expected: object({
      a: object({ b: { type: 'integer', minimum: 1, maximum: 5 } }),
      c: { type: 'string', format: 'date', minLength: 1, maxLength: 9 },
      d: { type: 'array', items: text, maxItems: 3 },
    }),
  },
  {
    name: 'what is refused stands in the description',
    input: object({ a: { ...text, description: 'A', pattern: '^a', default: 'ab' } }),
    expected: object({ a: { ...text, description: 'A (must match ^a; default ab)' } }),
  },
  {
    name: 'references are inlined, with the description nearest to the use',
    input: {
      ...object({ a: { $ref: '#/$defs/A', description: 'Mine' }, b: { $ref: '#/$defs/A' } }),
      $defs: { A: { ...text, description: 'A' } },
    },
    expected: object({ a: { ...text, description: 'Mine' }, b: { ...text, description: 'A' } }),
  },
  {
    name: 'a root that is a reference',
    input: { $ref: '#/definitions/R', definitions: { R: object({ a: text }, { required: ['a'] }) } },
    expected: object({ a: text }, { required: ['a'] }),
  },
  {
    name: 'recursion through the root is cut at three levels',
    input: object({ left: { $ref: '#' } }),
    expected: tree(tree(tree({ type: 'object' }))),
  },
  {
    name: 'recursion through a definition is cut at three levels',
    input: { ...object({ a: { $ref: '#/$defs/N' } }), $defs: { N: object({ left: { $ref: '#/$defs/N' } }) } },
    expected: object({ a: tree(tree(tree({ type: 'object' }))) }),
  },
  {
    name: 'a reference to nowhere',
    input: object({ a: { $ref: '#/x', description: 'A' } }),
    expected: object({ a: { description: 'A' } }),
  },
  {
    name: 'const is an enum of one',
    input: object({ a: { const: 1 } }),
    expected: object({ a: { enum: [1] } }),
  },
  {
    name: 'null beside a type means optional',
    input: object({
      a: { type: ['string', 'null'], description: 'A' },
      b: { anyOf: [text, { type: 'null' }] },
    }),
    expected: object({
      a: { ...text, description: 'A (optional; null if there is none)' },
      b: { ...text, description: 'optional; null if there is none' },
    }),
  },
  {
    name: 'a union of literals is an enum, of types a list of types',
    input: object({
      a: { oneOf: [{ const: 'x' }, { const: 'y' }] },
      b: { anyOf: [text, { type: 'number' }] },
    }),
    expected: object({ a: { enum: ['x', 'y'] }, b: { type: ['string', 'number'] } }),
  },
  {
    name: 'oneOf of objects is anyOf',
    input: object({ a: { oneOf: [object({ b: text }), object({ c: text })] } }),
    expected: object({ a: { anyOf: [object({ b: text }), object({ c: text })] } }),
    union: true,
  },
  {
    name: 'allOf is merged',
    input: object({
      a: { description: 'A', allOf: [object({ b: text }, { required: ['b'] }), object({ c: text })] },
    }),
    expected: object({ a: object({ b: text, c: text }, { required: ['b'], description: 'A' }) }),
  },
  {
    name: 'a union on top is one object: required is what all require',
    input: {
      oneOf: [
        object({ kind: { const: 'a' }, x: text }, { required: ['kind', 'x'] }),
        object({ kind: { const: 'b' }, y: text }, { required: ['kind', 'y'] }),
      ],
    },
    expected: object({ kind: { enum: ['a', 'b'] }, x: text, y: text }, { required: ['kind'] }),
  },
  {
    name: 'allOf on top is one object: required is what any requires',
    input: {
      ...object({ z: text }),
      allOf: [object({ x: text }, { required: ['x'] }), object({ y: text }, { required: ['y'] })],
    },
    expected: object({ z: text, x: text, y: text }, { required: ['x', 'y'] }),
  },
  {
    name: 'a tuple is a list',
    input: object({ a: { type: 'array', prefixItems: [text, { type: 'number' }] } }),
    expected: object({ a: { type: 'array', items: { type: ['string', 'number'] } } }),
  },
  {
    name: 'a map says so in words',
    input: object({ a: { type: 'object', additionalProperties: text } }),
    expected: object({ a: { type: 'object', description: 'other properties must match {"type":"string"}' } }),
  },
  {
    name: 'a property called __proto__ is a property',
    input: JSON.parse(
      '{"properties":{"__proto__":{"type":"string"}},"required":["__proto__"]}',
    ) as JsonObject,
    expected: JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"string"}},"required":["__proto__"]}',
    ) as JsonObject,
  },
];

const allowed = new Set([
  ...['type', 'properties', 'required', 'items', 'enum', 'description', 'anyOf', 'format', 'uniqueItems'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength'],
  ...['minItems', 'maxItems', 'minProperties', 'maxProperties'],
]);

const offences = (schema: unknown, path = ''): string[] => {
  if (!isObject(schema)) return [`${path} is no object`];
  const bad = Object.keys(schema).filter((key) => !allowed.has(key));
  const members = isObject(schema.properties) ? Object.entries(schema.properties) : [];
  const branches = Array.isArray(schema.anyOf) ? schema.anyOf : [];
  return [
    ...bad.map((key) => `${path}/${key}`),
    ...members.flatMap(([name, each]) => offences(each, `${path}/${name}`)),
    ...branches.flatMap((each, index) => offences(each, `${path}/anyOf/${index}`)),
    ...(schema.items === undefined ? [] : offences(schema.items, `${path}/items`)),
  ];
};

describe("a schema for Nova's tools", () => {
  it.each(rows)('$name', async ({ input, expected, union }) => {
    const before = copyOf(input);
    const json = toNovaSchema(input);
    expect(json).toEqual(expected);
    expect(copyOf(input)).toBe(before);
    if (union) return;
    const reply = await post(
      `${simulator.bedrockUrl}/model/${NOVA}/converse`,
      {
        messages: [{ role: 'user', content: [{ text: 'hi' }] }],
        toolConfig: { tools: [{ toolSpec: { name: 'look', inputSchema: { json } } }] },
      },
      { authorization: 'Bearer bedrock-api-key-test' },
    );
    expect(reply.message).toBe('');
    expect(reply.status).toBe(200);
  });

  it.each([...tooLarge, ...fanned])('too large: %s', (_, input) => {
    expect(() => toNovaSchema(input)).toThrow(SchemaTooLarge);
  });

  it('never has a refused key, and never touches the input', () => {
    fc.assert(
      fc.property(schemas, (input) => {
        const before = copyOf(input);
        let nova: JsonObject;
        try {
          nova = toNovaSchema(input);
        } catch (error) {
          expect(error).toBeInstanceOf(SchemaTooLarge);
          return;
        }
        expect(copyOf(input)).toBe(before);
        expect(Object.keys(nova).every((key) => ['type', 'properties', 'required'].includes(key))).toBe(true);
        expect(nova.type).toBe('object');
        expect(offences(nova)).toEqual([]);
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});
