import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/chat.ts';
import { SchemaTooLarge } from '../../src/json-schema/bounds.ts';
import { keywords } from '../../src/json-schema/validate/keywords.ts';
import { createValidator } from '../../src/json-schema/validate.ts';
import { copyOf, fanned, schemas, tooLarge } from './hostile.ts';

interface Row {
  readonly name: string;
  readonly schema: JsonObject;
  readonly valid: readonly unknown[];
  readonly wrong: readonly (readonly [value: unknown, problem: string])[];
}

const rows: readonly Row[] = [
  {
    name: 'types',
    schema: { properties: { age: { type: 'integer' }, name: { type: ['string', 'null'] } } },
    valid: [{ age: 1, name: null }, {}, { age: 1.0, name: 'a' }],
    wrong: [
      [{ age: 1.5 }, '/age must be integer'],
      [{ name: 1 }, '/name must be string or null'],
    ],
  },
  {
    name: 'required and closed objects',
    schema: { type: 'object', properties: { a: {} }, required: ['a'], additionalProperties: false },
    valid: [{ a: 1 }],
    wrong: [
      [{}, 'the answer must have the property "a"'],
      [{ a: 1, b: 2 }, 'the answer must not have the property "b"'],
      [[], 'the answer must be object'],
    ],
  },
  {
    name: 'numbers, with the exclusive bounds of draft 4 and of later ones',
    schema: {
      properties: {
        a: { minimum: 0, exclusiveMinimum: true, maximum: 5 },
        b: { exclusiveMaximum: 1 },
        c: { multipleOf: 0.01 },
      },
    },
    valid: [{ a: 5, b: 0, c: 19.99 }],
    wrong: [
      [{ a: 0 }, '/a must be more than 0'],
      [{ a: 6 }, '/a must be at most 5'],
      [{ b: 1 }, '/b must be less than 1'],
      [{ c: 0.001 }, '/c must be a multiple of 0.01'],
    ],
  },
  {
    name: 'strings are measured in characters, not in code units',
    schema: { items: { minLength: 1, maxLength: 2 } },
    valid: [['😀😀', 'a']],
    wrong: [[['abc'], '/0 must have at most 2 characters']],
  },
  {
    name: 'formats',
    schema: {
      properties: {
        d: { format: 'date' },
        t: { format: 'date-time' },
        u: { format: 'uuid' },
        x: { format: 'x' },
      },
    },
    valid: [{ d: '2024-02-29', t: '2024-02-29T10:00:00Z', x: '?' }],
    wrong: [
      [{ d: '2023-02-29' }, '/d must be a valid date'],
      [{ t: '2024-02-29' }, '/t must be a valid date-time'],
      [{ u: 'x' }, '/u must be a valid uuid'],
    ],
  },
  {
    name: 'patterns that are linear are checked, others are not',
    schema: {
      properties: {
        a: { pattern: '^[A-Z]{2}\\d+$' },
        b: { pattern: '^(a+)+$' },
        c: { pattern: 'a*b*' },
        d: { pattern: '(' },
      },
    },
    valid: [{ a: 'AB12', b: 'x', c: 'x', d: 'x' }],
    wrong: [[{ a: 'A1' }, '/a must match ^[A-Z]{2}\\d+$']],
  },
  {
    name: 'a pattern that is not run may cover a name',
    schema: {
      patternProperties: { '^(x+)+$': { type: 'string' }, '^y': { type: 'string' } },
      additionalProperties: false,
    },
    valid: [{ z: 1, y: 'a' }],
    wrong: [[{ y: 1 }, '/y must be string']],
  },
  {
    name: 'tuples, old and new',
    schema: {
      properties: {
        a: { items: [{ type: 'string' }], additionalItems: false },
        b: { prefixItems: [{ type: 'string' }], items: { type: 'number' } },
      },
    },
    valid: [{ a: ['x'], b: ['x', 1, 2] }],
    wrong: [
      [{ a: ['x', 1] }, '/a/1 must not be there'],
      [{ b: ['x', 'y'] }, '/b/1 must be number'],
    ],
  },
  {
    name: 'contains and uniqueItems',
    schema: { properties: { a: { contains: { const: 1 }, maxContains: 2 }, b: { uniqueItems: true } } },
    valid: [{ a: [1, 0, 1], b: [1, '1', { x: 1 }, { x: 2 }] }],
    wrong: [
      [{ a: [0] }, '/a must contain at least 1 items of the asked form'],
      [{ a: [1, 1, 1] }, '/a must contain at most 2 items of the asked form'],
      [
        {
          b: [
            { x: 1, y: 2 },
            { y: 2, x: 1 },
          ],
        },
        '/b must not have two equal items',
      ],
    ],
  },
  {
    name: 'enum and const compare by value',
    schema: { properties: { a: { enum: [{ x: [1] }, 'b'] }, b: { const: null } } },
    valid: [{ a: { x: [1] }, b: null }],
    wrong: [
      [{ a: { x: [2] } }, '/a must be one of an object, "b"'],
      [{ b: 0 }, '/b must be null'],
    ],
  },
  {
    name: 'anyOf, oneOf, not, if',
    schema: {
      properties: {
        a: { anyOf: [{ type: 'string' }, { minimum: 5, type: 'number' }] },
        b: { oneOf: [{ type: 'number' }, { type: 'integer' }] },
        c: { not: { const: 1 } },
        // biome-ignore lint/suspicious/noThenProperty: a JSON Schema keyword
        d: { if: { type: 'string' }, then: { minLength: 2 }, else: { type: 'null' } },
      },
    },
    valid: [{ a: 'x', b: 1.5, c: 2, d: 'ab' }],
    wrong: [
      [{ a: 1 }, '/a must have one of the allowed forms (nearest: /a must be string)'],
      [{ b: 1 }, '/b must have exactly one of the allowed forms, and has several'],
      [{ c: 1 }, '/c must not have the excluded form'],
      [{ d: 'a' }, '/d must have at least 2 characters'],
    ],
  },
  {
    name: 'dependencies, old and new',
    schema: {
      dependencies: { a: ['b'] },
      dependentRequired: { c: ['d'] },
      dependentSchemas: { e: { required: ['f'] } },
    },
    valid: [{ a: 1, b: 1 }],
    wrong: [
      [{ a: 1 }, 'the answer must have the property "b" beside "a"'],
      [{ c: 1 }, 'the answer must have the property "d" beside "c"'],
      [{ e: 1 }, 'the answer must have the property "f"'],
    ],
  },
  {
    name: 'unevaluatedProperties sees through references and branches',
    schema: {
      $ref: '#/$defs/A',
      anyOf: [{ properties: { b: { type: 'string' } }, required: ['b'] }, { properties: { c: {} } }],
      unevaluatedProperties: false,
      $defs: { A: { properties: { a: {} } } },
    },
    valid: [{ a: 1, b: 'x' }],
    wrong: [[{ a: 1, b: 1 }, 'the answer must not have the property "b"']],
  },
  {
    name: 'recursion follows the value',
    schema: {
      $ref: '#/$defs/T',
      $defs: { T: { properties: { v: { type: 'string' }, next: { $ref: '#/$defs/T' } } } },
    },
    valid: [{ next: { next: { v: 'x' } } }],
    wrong: [[{ next: { next: { v: 1 } } }, '/next/next/v must be string']],
  },
  {
    name: 'escaped references, and references behind the root id',
    schema: {
      $id: 'https://x/y',
      properties: { a: { $ref: '#/$defs/p~1q%20r' }, b: { $ref: 'https://x/y#/$defs/p~1q r' } },
      $defs: { 'p/q r': { type: 'null' } },
    },
    valid: [{ a: null, b: null }],
    wrong: [
      [{ a: 1 }, '/a must be null'],
      [{ b: 1 }, '/b must be null'],
    ],
  },
  {
    name: 'beside $ref, draft 7 hears nothing',
    schema: {
      $schema: 'http://json-schema.org/draft-07/schema#',
      properties: { a: { $ref: '#/definitions/A', maxLength: 1 } },
      definitions: { A: { type: 'string' } },
    },
    valid: [{ a: 'abc' }],
    wrong: [[{ a: 1 }, '/a must be string']],
  },
  {
    name: 'references to nowhere are not checked',
    schema: { properties: { a: { $ref: '#/none' }, b: { $ref: 'other.json' } } },
    valid: [{ a: 1, b: 2 }],
    wrong: [],
  },
  {
    name: 'a type that is no name is not checked',
    schema: { properties: { a: { type: { toString: 1 } }, b: { type: [{ toString: 1 }, 'null'] } } },
    valid: [{ a: 1, b: null }, { b: 1 }],
    wrong: [],
  },
  {
    name: 'names of the prototype are names',
    schema: JSON.parse(
      '{"required":["toString"],"properties":{"__proto__":{"type":"string"}},"additionalProperties":true}',
    ) as JsonObject,
    valid: [{ toString: 1 }],
    wrong: [
      [{}, 'the answer must have the property "toString"'],
      [JSON.parse('{"toString":1,"__proto__":1}'), '/__proto__ must be string'],
    ],
  },
];

describe('an answer is held against its schema, and what is wrong is named:', () => {
  it.each(rows)('$name', ({ schema, valid, wrong }) => {
    const check = createValidator(schema);
    for (const value of valid) expect(check(value)).toEqual([]);
    for (const [value, problem] of wrong) expect(check(value)).toEqual([problem]);
  });

  it.each(tooLarge)('too large: %s', (_, schema) => {
    expect(() => createValidator(schema)).toThrow(SchemaTooLarge);
  });

  const outOfSteps = ['the answer could not be checked: the schema takes too many steps'];
  const itself = { anyOf: [{ $ref: '#' }, { $ref: '#' }] };
  const twice: JsonObject = { properties: { a: { allOf: [{ $ref: '#' }, { $ref: '#' }] } } };
  const deep = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);

  it.each([
    ...fanned.slice(1).map(([name, schema]) => [name, schema, { a: 1 }] as const),
    ['a reference to itself', { $ref: '#' }, {}],
    ['a union of itself', itself, {}],
    ['twice itself on each level', twice, deep(60)],
    ['a value deeper than the stack', { properties: { a: { $ref: '#' } } }, deep(100_000)],
    ['equal lists of 2,000 objects', { uniqueItems: true }, Array.from({ length: 2000 }, (_, a) => ({ a }))],
    ['unevaluated itself', { anyOf: [{ $ref: '#' }], unevaluatedProperties: false }, { a: 1 }],
  ] as const)('gives up: %s', (_, schema, value) => {
    expect(createValidator(schema as JsonObject)(value)).toEqual(outOfSteps);
  });

  it.each(Object.values(keywords).flatMap((rules) => Object.keys(rules)))(
    'a %s of any kind breaks nothing',
    (keyword) => {
      const strange = { toString: 1, valueOf: null, toJSON: 1, length: 3, type: { toString: 1 } };
      const kinds = [
        strange,
        [strange],
        { a: strange },
        { a: [strange] },
        {},
        [],
        null,
        'a',
        '(',
        '',
        -1,
        0.5,
        true,
      ];
      for (const rule of kinds) {
        const check = createValidator({ [keyword]: rule });
        for (const value of [{ a: 1, toString: 2 }, [1, strange, strange], 'text', 1.5, null, false]) {
          expect(check(value).every((problem) => typeof problem === 'string')).toBe(true);
        }
      }
    },
  );

  it('agrees with ajv, and never touches the schema', () => {
    const ajv = new Ajv2020({ strict: false, validateSchema: false, ownProperties: true, logger: false });
    // Loops, dangling references, patterns and formats are not ajv's to judge here.
    const apart = new Set([
      '$ref',
      '$defs',
      'definitions',
      'pattern',
      'patternProperties',
      'format',
      '__proto__',
    ]);
    const judged = { valid: 0, wrong: 0 };
    const value = fc.dictionary(fc.constantFrom('a', 'b', 'type', 'constructor'), fc.jsonValue(), {
      minKeys: 1,
    });
    fc.assert(
      fc.property(schemas, value, (schema, answer) => {
        const before = copyOf(schema);
        createValidator(schema)(answer);
        expect(copyOf(schema)).toBe(before);
        const plain = JSON.parse(before, (key, each) => (apart.has(key) ? undefined : each)) as JsonObject;
        const valid = createValidator(plain)(answer).length === 0;
        judged[valid ? 'valid' : 'wrong'] += 1;
        expect([copyOf(plain), valid]).toEqual([copyOf(plain), ajv.validate(plain, answer)]);
      }),
      { numRuns: 300, seed: 9 },
    );
    expect(Math.min(judged.valid, judged.wrong)).toBeGreaterThan(20);
  });
});
