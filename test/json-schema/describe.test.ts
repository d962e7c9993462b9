import { describe, expect, it } from 'vitest';
import { SchemaTooLarge } from '../../src/json-schema/bounds.ts';
import { instruction, rootKinds } from '../../src/json-schema/describe.ts';
import { tooLarge } from './hostile.ts';

describe('the instruction to answer in JSON', () => {
  it('asks for an object and nothing else', () => {
    expect(instruction(undefined)).toMatch(/one JSON object and nothing else.*no code fences/s);
  });

  it('carries the schema as it is', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } } };
    expect(instruction(schema)).toContain(JSON.stringify(schema));
  });

  it('does not ask for an object where the schema is a list', () => {
    expect(instruction({ type: 'array' })).toMatch(/one JSON value/);
  });

  it.each([
    [{ $ref: '#/$defs/list', $defs: { list: { anyOf: [{ type: 'array' }, { $ref: '#' }] } } }, ['array']],
    [{ anyOf: [{ type: 'object' }, { type: ['array', 'null'] }] }, ['array', 'object']],
    [{ type: ['object', 'null'] }, ['object']],
    [{ enum: ['a', 1] }, ['scalar']],
    [{ $ref: '#' }, ['object']],
    [{ $ref: '#/nowhere' }, ['object']],
    [undefined, ['object']],
  ])('tells what stands at the top of %j', (schema, kinds) => {
    expect([...rootKinds(schema)].sort()).toEqual(kinds);
  });

  it.each(tooLarge)('too large: %s', (_, schema) => {
    expect(() => instruction(schema)).toThrow(SchemaTooLarge);
  });
});
