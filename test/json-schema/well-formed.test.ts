import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/chat.ts';
import { SchemaTooLarge } from '../../src/json-schema/bounds.ts';
import { MalformedSchema, wellFormed } from '../../src/json-schema/well-formed.ts';

const faultOf = (schema: JsonObject): string => {
  try {
    wellFormed(schema, 'schema');
  } catch (error) {
    if (error instanceof MalformedSchema) return error.path;
    throw error;
  }
  throw new Error('was found well-formed');
};

describe('a schema that is built wrong is named by its place', () => {
  it.each<[name: string, schema: JsonObject, path: string]>([
    ['properties that are a list', { properties: [] }, 'schema.properties'],
    ['a property that is a word', { properties: { a: 'string' } }, 'schema.properties.a'],
    ['a property that is null', { properties: { a: null } }, 'schema.properties.a'],
    ['required as draft 3 had it', { properties: { a: { required: true } } }, 'schema.properties.a.required'],
    ['required with a number', { required: ['a', 7] }, 'schema.required'],
    ['one option in place of the list', { anyOf: {} }, 'schema.anyOf'],
    ['an option that is text', { oneOf: [{}, ''] }, 'schema.oneOf[1]'],
    ['items that are text', { items: 'string' }, 'schema.items'],
    ['a list where one schema stands', { additionalProperties: [false] }, 'schema.additionalProperties'],
    ['a list of items with a number', { items: [{}, 1] }, 'schema.items[1]'],
    [
      'deep inside',
      { $defs: { t: { not: { allOf: [{ properties: 0 }] } } } },
      'schema.$defs.t.not.allOf[0].properties',
    ],
    ['a name without end', { properties: { ['n'.repeat(99)]: 1 } }, `schema.properties.${'n'.repeat(64)}`],
  ])('%s', (_, schema, path) => {
    expect(faultOf(schema)).toBe(path);
  });
});

describe('a schema that is built well', () => {
  it.each<[name: string, schema: JsonObject]>([
    ['booleans for schemas', { properties: { a: true }, additionalProperties: false, items: false }],
    ['tuples of older drafts', { items: [{ type: 'string' }, {}] }],
    ['keywords nobody knows, whatever they hold', { nullable: true, 'x-order': [1], discriminator: null }],
    [
      'values that only look like schemas',
      { default: { properties: 1 }, const: null, enum: [{ required: 1 }] },
    ],
    ['properties named like keywords', { properties: { required: {}, properties: { type: 'string' } } }],
    ['a property named as the prototype is', JSON.parse('{"properties":{"__proto__":{"type":"string"}}}')],
  ])('stays as it is: %s', (_, schema) => {
    expect(JSON.stringify(wellFormed(schema, ''))).toBe(JSON.stringify(schema));
  });

  it('loses keywords that are null, at every level', () => {
    const inner = { type: 'string', required: null, anyOf: null };
    expect(wellFormed({ properties: { a: inner }, required: null, default: null }, '')).toEqual({
      properties: { a: { type: 'string' } },
      default: null,
    });
  });

  it('is not walked down to the end of the stack', () => {
    let schema: JsonObject = {};
    for (let level = 0; level < 50_000; level += 1) schema = { not: schema };
    expect(() => wellFormed(schema, '')).toThrow(SchemaTooLarge);
  });
});
