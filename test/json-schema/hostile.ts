import fc from 'fast-check';
import type { JsonObject } from '../../src/core/chat.ts';

/** Schemas as clients write them, good and bad, with references that dangle, recur and fan out. */
const names = fc.constantFrom('a', 'b', 'c', 'type', '__proto__', 'constructor', 'x/y');
const references = fc.constantFrom(
  '#',
  '#/$defs/a',
  '#/$defs/b',
  '#/definitions/c',
  '#/$defs/none',
  '#/properties/a',
);
const bounded = { maxLength: 3 };
const dictionary = <Value>(values: fc.Arbitrary<Value>): fc.Arbitrary<{ [name: string]: Value }> =>
  fc.array(fc.tuple(names, values), bounded).map((pairs) => Object.fromEntries(pairs));

const { schema } = fc.letrec<{ schema: JsonObject; anything: unknown; plain: JsonObject }>((tie) => ({
  anything: fc.oneof(
    { weight: 6, arbitrary: tie('schema') },
    { weight: 1, arbitrary: fc.boolean() },
    { weight: 1, arbitrary: references.map(($ref) => ({ $ref })) },
  ),
  plain: fc.oneof(
    fc.constantFrom<JsonObject>(
      { type: 'string' },
      { type: ['string', 'null'], minLength: 2, pattern: '^(a+)+$' },
      { type: 'integer', minimum: 1, exclusiveMaximum: 9, multipleOf: 2 },
      { type: 'string', format: 'date-time' },
      { type: 'string', format: 'int32', default: 'x', examples: ['y'] },
      { enum: ['a', 'b', null] },
      { const: 1, title: 'One' },
      { type: 'object' },
      {},
    ),
  ),
  schema: fc.oneof(
    { maxDepth: 4, withCrossShrink: false },
    tie('plain'),
    fc.record(
      {
        type: fc.constantFrom<unknown>('object', ['object', 'null'], 'array'),
        properties: dictionary(tie('anything')),
        required: fc.array(names, bounded),
        additionalProperties: fc.oneof(fc.constant(false), tie('anything')),
        items: tie('anything'),
        minItems: fc.nat(3),
        uniqueItems: fc.boolean(),
        patternProperties: dictionary(tie('anything')),
        if: tie('anything'),
        // biome-ignore lint/suspicious/noThenProperty: a JSON Schema keyword
        then: tie('anything'),
        not: tie('anything'),
        description: fc.constantFrom('Says what it is.', 'Other'),
      },
      { requiredKeys: ['properties'] },
    ),
    fc.record({ type: fc.constant('array'), items: tie('anything'), maxItems: fc.nat(3) }),
    fc.array(tie('anything'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    fc.array(tie('anything'), { minLength: 1, maxLength: 3 }).map((oneOf) => ({ oneOf })),
    fc.array(tie('anything'), { minLength: 1, maxLength: 3 }).map((allOf) => ({ allOf })),
    fc.tuple(references, tie('plain')).map(([$ref, rest]) => ({ ...rest, $ref })),
  ),
}));

export const schemas: fc.Arbitrary<JsonObject> = fc
  .tuple(dictionary(schema), fc.boolean(), schema, schema, schema)
  .map(([properties, closed, a, b, c]) => ({
    type: 'object',
    properties,
    required: Object.keys(properties).slice(0, 2),
    ...(closed ? { additionalProperties: false } : {}),
    $defs: { a, b },
    definitions: { c },
  }));

/** A copy that keeps own `__proto__` members, as JSON does. */
export const copyOf = (value: JsonObject): string => JSON.stringify(value);

const nested = (levels: number, wrap: (inner: JsonObject) => JsonObject): JsonObject => {
  let schema: JsonObject = { type: 'string' };
  for (let level = 0; level < levels; level += 1) schema = wrap(schema);
  return { type: 'object', properties: { a: schema } };
};

const fan = (levels: number, to: (references: readonly JsonObject[]) => JsonObject): JsonObject => ({
  type: 'object',
  properties: { a: { $ref: '#/$defs/d0' } },
  $defs: Object.fromEntries(
    Array.from({ length: levels }, (_, level) => {
      const next = { $ref: `#/$defs/d${level + 1}` };
      return [`d${level}`, level === levels - 1 ? { type: 'string' } : to([next, next])];
    }),
  ),
});

/** Each would cost exponential time or the whole stack if it were followed to its end. */
export const tooLarge: readonly (readonly [name: string, schema: JsonObject])[] = [
  ['objects nested 5,000 deep', nested(5000, (a) => ({ type: 'object', properties: { a } }))],
  ['allOf nested 5,000 deep', nested(5000, (inner) => ({ allOf: [inner] }))],
  ['a description of two million characters', { type: 'object', description: 'x'.repeat(2_000_000) }],
  [
    'an enum of 300,000 values',
    { type: 'object', properties: { a: { enum: Array.from({ length: 300_000 }, (_, index) => index) } } },
  ],
];

export const fanned: readonly (readonly [name: string, schema: JsonObject])[] = [
  ['properties', fan(60, ([a, b]) => ({ type: 'object', properties: { a, b }, required: ['a', 'b'] }))],
  ['anyOf', fan(60, (anyOf) => ({ anyOf }))],
  ['oneOf', fan(60, (oneOf) => ({ oneOf }))],
];
