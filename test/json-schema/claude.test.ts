import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkStrictSchema } from '../../simulator/claude/schema-limits.ts';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import type { JsonObject } from '../../src/core/chat.ts';
import { SchemaTooLarge } from '../../src/json-schema/bounds.ts';
import { toNativeSchema } from '../../src/json-schema/claude.ts';
import { createValidator } from '../../src/json-schema/validate.ts';
import { HAIKU, post, TODAY } from '../simulator/clients.ts';
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
const closed = (properties: JsonObject, extra: JsonObject = {}): JsonObject => ({
  ...object(properties, extra),
  additionalProperties: false,
});
const text = { type: 'string' };
const one = (schema: unknown): JsonObject => object({ a: schema });
const oneClosed = (schema: unknown): JsonObject => closed({ a: schema });

interface Row {
  readonly name: string;
  readonly input: JsonObject;
  readonly expected: JsonObject;
  /** Whether something was moved, so that the answer has to be checked. */
  readonly moved?: true;
}

const rows: readonly Row[] = [
  { name: 'objects are closed, inner ones too', input: one(one(text)), expected: oneClosed(oneClosed(text)) },
  {
    name: 'what the upstream takes stays: required, enum, const, formats, null, minItems 1',
    input: object(
      {
        kind: { const: 'a', title: 'Kind' },
        unit: { type: 'string', enum: ['c', 'f'], description: 'Unit' },
        at: { type: ['string', 'null'], format: 'date-time' },
        tags: { type: 'array', items: text, minItems: 1 },
        none: { anyOf: [text, { type: 'null' }] },
      },
      { required: ['kind', 'unit'] },
    ),
    expected: closed(
      {
        kind: { const: 'a', title: 'Kind' },
        unit: { type: 'string', enum: ['c', 'f'], description: 'Unit' },
        at: { type: ['string', 'null'], format: 'date-time' },
        tags: { type: 'array', items: text, minItems: 1 },
        none: { anyOf: [text, { type: 'null' }] },
      },
      { required: ['kind', 'unit'] },
    ),
  },
  {
    name: 'literals leave no room for an object beside them',
    input: one({ type: ['object', 'null', 'string'], properties: {}, enum: ['b', null] }),
    expected: oneClosed({ type: ['null', 'string'], enum: ['b', null] }),
  },
  {
    name: 'an object closed without properties is empty, not a map',
    input: one({ type: 'object', additionalProperties: false }),
    expected: oneClosed({ type: 'object', properties: {}, additionalProperties: false }),
  },
  {
    name: 'string limits become words',
    input: one({ type: 'string', description: 'Code', pattern: '^a+$', minLength: 1, maxLength: 5 }),
    expected: oneClosed({
      type: 'string',
      description: 'Code (must match ^a+$; at least 1 character; at most 5 characters)',
    }),
    moved: true,
  },
  {
    name: 'numeric limits become words',
    input: one({ type: 'integer', minimum: 1, exclusiveMaximum: 9, multipleOf: 2 }),
    expected: oneClosed({ type: 'integer', description: 'at least 1; less than 9; a multiple of 2' }),
    moved: true,
  },
  {
    name: "draft 4's exclusive flag is said with its bound",
    input: one({ type: 'number', minimum: 0, exclusiveMinimum: true }),
    expected: oneClosed({ type: 'number', description: 'more than 0' }),
    moved: true,
  },
  {
    name: 'array limits other than minItems 0 and 1 become words',
    input: one({ type: 'array', items: text, minItems: 2, maxItems: 5, uniqueItems: true }),
    expected: oneClosed({
      type: 'array',
      items: text,
      description: 'at least 2 items; at most 5 items; no two items alike',
    }),
    moved: true,
  },
  {
    name: 'formats the upstream does not know become words',
    input: one({ type: 'string', format: 'iri' }),
    expected: oneClosed({ type: 'string', description: 'format iri' }),
    moved: true,
  },
  {
    name: 'not, if/then/else and patternProperties become words',
    input: one(
      object(
        { b: { type: 'string', not: { const: 'x' } } },
        {
          patternProperties: { '^x-': text },
          if: { required: ['b'] },
          // biome-ignore lint/suspicious/noThenProperty: a JSON Schema keyword
          then: { minProperties: 1 },
        },
      ),
    ),
    expected: oneClosed({
      ...closed({ b: { type: 'string', description: 'must not match {"const":"x"}' } }),
      description:
        'properties named by pattern: {"^x-":{"type":"string"}}; if it matches {"required":["b"]}, then {"minProperties":1}',
    }),
    moved: true,
  },
  {
    name: 'defaults and examples become words, and leave nothing to check',
    input: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'x',
      ...one({ ...text, default: 'b', examples: ['c'] }),
    },
    expected: oneClosed({ type: 'string', description: 'default b; for example c' }),
  },
  {
    name: 'oneOf becomes anyOf, which does not say "exactly one"',
    input: one({ oneOf: [text, { type: 'null' }] }),
    expected: oneClosed({ anyOf: [text, { type: 'null' }] }),
    moved: true,
  },
  {
    name: 'what stands beside anyOf goes into its branches',
    input: one({
      ...object({ b: text, c: text }),
      description: 'D',
      anyOf: [{ required: ['b'] }, { required: ['c'] }],
    }),
    expected: oneClosed({
      description: 'D',
      anyOf: [
        closed({ b: text, c: text }, { required: ['b'] }),
        closed({ b: text, c: text }, { required: ['c'] }),
      ],
    }),
    moved: true,
  },
  {
    name: 'definitions stay, and only those in use',
    input: { ...one({ $ref: '#/$defs/B' }), $defs: { B: one(text), C: { type: 'object' } } },
    expected: { ...oneClosed({ $ref: '#/$defs/B' }), $defs: { B: oneClosed(text) } },
  },
  {
    name: 'a reference with a description of its own is inlined to keep it',
    input: {
      ...one({ $ref: '#/definitions/B', description: 'Mine' }),
      definitions: { B: { ...text, description: 'B' } },
    },
    expected: oneClosed({ type: 'string', description: 'Mine' }),
  },
  {
    name: 'a reference to elsewhere in the schema is inlined',
    input: object({ a: text, b: { $ref: '#/properties/a' } }),
    expected: closed({ a: text, b: text }),
  },
  {
    name: 'a root that is a reference is inlined',
    input: { $ref: '#/definitions/R', definitions: { R: one(text) } },
    expected: oneClosed(text),
  },
  {
    name: 'allOf with one entry is that entry',
    input: one({ description: 'D', allOf: [one(text)] }),
    expected: oneClosed({ ...oneClosed(text), description: 'D' }),
  },
  {
    name: 'allOf of plain objects is one object',
    input: one({
      allOf: [object({ b: text }, { required: ['b'] }), object({ c: text }, { required: ['c'] })],
    }),
    expected: oneClosed(closed({ b: text, c: text }, { required: ['b', 'c'] })),
    moved: true,
  },
  {
    name: 'a property called __proto__ is a property',
    input: JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}') as JsonObject,
    expected: JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"string"}},"additionalProperties":false}',
    ) as JsonObject,
  },
];

const optional = (count: number): JsonObject =>
  object(Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, text])));

const refused: readonly { readonly name: string; readonly input: JsonObject }[] = [
  { name: 'recursion through the root', input: one({ $ref: '#' }) },
  {
    name: 'recursion through definitions',
    input: {
      ...one({ $ref: '#/$defs/B' }),
      $defs: { B: one({ $ref: '#/$defs/C' }), C: one({ $ref: '#/$defs/B' }) },
    },
  },
  {
    name: 'recursion through allOf',
    input: { ...one({ $ref: '#/$defs/B' }), $defs: { B: { allOf: [{ $ref: '#/$defs/B' }] } } },
  },
  { name: 'a reference to nowhere', input: one({ $ref: '#/$defs/none' }) },
  { name: 'a reference to another document', input: one({ $ref: 'https://example.com/a.json' }) },
  { name: 'a map of anything', input: one({ type: 'object', additionalProperties: true }) },
  { name: 'a map of strings', input: one({ type: 'object', additionalProperties: text }) },
  { name: 'an object of unknown members', input: one({ type: 'object' }) },
  { name: 'a value of any kind', input: one({}) },
  { name: 'a list of anything', input: one({ type: 'array' }) },
  { name: 'a tuple', input: one({ type: 'array', prefixItems: [text], items: text }) },
  { name: 'a literal that is an object', input: one({ enum: [{ a: 1 }] }) },
  { name: 'a root that is a list', input: { type: 'array', items: text } },
  { name: 'a root that is a union', input: { anyOf: [one(text), one(text)] } },
  { name: 'more than 24 optional properties', input: optional(25) },
  {
    name: 'more than 24 optional properties over all uses of a definition',
    input: {
      ...object({ a: { $ref: '#/$defs/B' }, b: { $ref: '#/$defs/B' } }, { required: ['a', 'b'] }),
      $defs: { B: optional(13) },
    },
  },
  { name: 'allOf that contradicts itself', input: one({ allOf: [text, { type: 'number' }] }) },
  { name: 'a required property that is not described', input: object({ a: text }, { required: ['b'] }) },
];

const leaf = fc.constantFrom<unknown>('a', 1, null, {}, []);
const answer = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', 'type'),
  fc.oneof(leaf, fc.dictionary(fc.constantFrom('a', 'b', 'c'), leaf)),
);

describe('a schema for native structured output', () => {
  it.each(rows)('$name', async ({ input, expected, moved = false }) => {
    const before = copyOf(input);
    const native = toNativeSchema(input);
    expect([native?.schema, native?.exact]).toEqual([expected, !moved]);
    expect(copyOf(input)).toBe(before);
    const reply = await post(
      `${simulator.anthropicUrl}/v1/messages`,
      {
        model: HAIKU,
        max_tokens: 1000,
        messages: [{ role: 'user', content: 'hi' }],
        output_config: { format: { type: 'json_schema', schema: native?.schema } },
      },
      { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' },
    );
    expect(reply.message).toBe('');
    expect(reply.status).toBe(200);
  });

  it.each(refused)('no native form: $name', ({ input }) => {
    expect(toNativeSchema(input)).toBeUndefined();
  });

  it('keeps 24 optional properties, in their order', () => {
    const native = toNativeSchema(optional(24));
    expect(Object.keys(native?.schema.properties ?? {})).toEqual(Object.keys(optional(24).properties ?? {}));
  });

  it.each([...tooLarge, ...fanned])('too large: %s', (_, input) => {
    expect(() => toNativeSchema(input)).toThrow(SchemaTooLarge);
  });

  it('never breaks a rule of the upstream, never allows more where it is exact, and never touches the input', () => {
    let found = 0;
    fc.assert(
      fc.property(schemas, fc.array(answer, { minLength: 4, maxLength: 8 }), (input, answers) => {
        const before = copyOf(input);
        const native = toNativeSchema(input);
        expect(copyOf(input)).toBe(before);
        if (native === undefined) return;
        found += 1;
        const allows = createValidator(native.schema);
        const wanted = createValidator(input);
        for (const answer of native.exact ? answers.filter((each) => allows(each).length === 0) : [])
          expect([before, answer, wanted(answer)]).toEqual([before, answer, []]);
        const written = JSON.parse(JSON.stringify(native.schema)) as Record<string, unknown>;
        expect(() => checkStrictSchema(written, 'schema')).not.toThrow();
        expect(JSON.stringify(written)).not.toMatch(
          /"(pattern|minLength|maxItems|oneOf|allOf|if|default|examples)":(?!\{"(type|anyOf|const|enum|\$ref))/,
        );
      }),
      { numRuns: 300, seed: 6 },
    );
    expect(found).toBeGreaterThan(20);
  });
});
