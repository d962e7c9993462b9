import { describe, expect, it } from 'vitest';
import type { Settings } from '../../src/normalize/settings.ts';
import { type Body, normalized, refusal } from './fit.ts';

const named = (name: string) => ({ type: 'function', function: { name } });
const tools = [named('a'), named('b'), named('c')];
const opus = 'claude-fable-5';

describe('a declared tool', () => {
  const declared = (tool: unknown) => normalized({ tools: [tool] }).settings.tools[0];
  const empty = { type: 'object', properties: {} };

  it.each([
    {
      name: 'missing parameters are an empty object schema',
      input: named('f'),
      expected: { name: 'f', parameters: empty, strict: false },
    },
    {
      name: 'a blank description, which Converse refuses, is left out',
      input: { type: 'function', function: { name: 'f', description: ' ' } },
      expected: { description: undefined },
    },
    {
      name: 'a schema without a type is an object',
      input: { type: 'function', function: { name: 'f', parameters: { properties: { x: {} } } } },
      expected: { parameters: { type: 'object', properties: { x: {} } } },
    },
    {
      name: 'the schema is kept whole',
      input: {
        type: 'function',
        function: {
          name: 'f',
          parameters: {
            type: 'object',
            $defs: { t: { type: 'string' } },
            properties: { x: { $ref: '#/$defs/t' } },
            additionalProperties: false,
          },
        },
      },
      expected: {
        parameters: {
          type: 'object',
          $defs: { t: { type: 'string' } },
          properties: { x: { $ref: '#/$defs/t' } },
          additionalProperties: false,
        },
      },
    },
    {
      name: 'null is no list: Go writes it for an empty one',
      input: {
        type: 'function',
        function: {
          name: 'f',
          parameters: { type: 'object', required: null, properties: { x: { enum: [null], required: null } } },
        },
      },
      expected: { parameters: { type: 'object', properties: { x: { enum: [null] } } } },
    },
    {
      name: 'strict is kept',
      input: { type: 'function', function: { name: 'f', strict: true } },
      expected: { strict: true },
    },
    {
      name: 'a tool without its type is a function',
      input: { function: { name: 'f' } },
      expected: { name: 'f' },
    },
    {
      name: 'a custom tool has one string parameter',
      input: { type: 'custom', custom: { name: 'f', description: 'd' } },
      expected: {
        name: 'f',
        description: 'd',
        parameters: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] },
      },
    },
  ])('$name', ({ input, expected }) => {
    expect(declared(input)).toMatchObject(expected);
  });

  it("tells a custom tool's grammar to the model", () => {
    const format = { type: 'grammar', grammar: { definition: 'start: "x"', syntax: 'lark' } };
    expect(declared({ type: 'custom', custom: { name: 'f', format } })?.description).toContain('lark');
  });

  it('in the older spelling makes the answer use function_call', () => {
    const { settings, report } = normalized({ functions: [{ name: 'f' }], function_call: { name: 'f' } });
    expect(settings).toMatchObject({
      legacyFunctions: true,
      tools: [{ name: 'f' }],
      toolChoice: { type: 'named', name: 'f' },
    });
    expect(report).toEqual({ ignored: [], adjusted: [] });
  });

  it('in both spellings goes by the newer, and the older is reported', () => {
    const { settings, report } = normalized({ tools, functions: [{ name: 'f' }] });
    expect(settings.legacyFunctions).toBe(false);
    expect(settings.tools.map((tool) => tool.name)).toEqual(['a', 'b', 'c']);
    expect(report.ignored).toEqual(['functions']);
  });
});

interface Choice {
  readonly name: string;
  readonly model?: string;
  readonly input: Body;
  readonly expected: Settings['toolChoice'];
  readonly offered?: readonly string[];
  readonly adjusted?: readonly string[];
}

const allowed = (mode: string, ...names: readonly string[]) => ({
  type: 'allowed_tools',
  allowed_tools: { mode, tools: names.map(named) },
});

// Behaviour 4.3, 5.5
const choices: readonly Choice[] = [
  { name: 'auto is the default', input: {}, expected: { type: 'auto' } },
  { name: 'auto', input: { tool_choice: 'auto' }, expected: { type: 'auto' } },
  { name: 'required', input: { tool_choice: 'required' }, expected: { type: 'required' } },
  { name: 'none', input: { tool_choice: 'none' }, expected: { type: 'none' } },
  { name: 'a named function', input: { tool_choice: named('b') }, expected: { type: 'named', name: 'b' } },
  {
    name: 'allowed_tools trims the list',
    input: { tool_choice: allowed('auto', 'c', 'a') },
    expected: { type: 'auto' },
    offered: ['a', 'c'],
  },
  {
    name: 'allowed_tools may demand a call',
    input: { tool_choice: allowed('required', 'b') },
    expected: { type: 'required' },
    offered: ['b'],
  },
  {
    name: 'Nova can be forced',
    model: 'nova-pro',
    input: { tool_choice: named('b') },
    expected: { type: 'named', name: 'b' },
  },
  {
    name: 'required on a model that refuses force is relaxed and reported',
    model: opus,
    input: { tool_choice: 'required' },
    expected: { type: 'instructed' },
    adjusted: ['tool_choice'],
  },
  {
    name: 'a named choice on such a model offers only that tool',
    model: opus,
    input: { tool_choice: named('b') },
    expected: { type: 'instructed' },
    offered: ['b'],
    adjusted: ['tool_choice'],
  },
  {
    name: 'required beside thinking is relaxed and reported',
    input: { tool_choice: 'required', reasoning_effort: 'low' },
    expected: { type: 'instructed' },
    adjusted: ['tool_choice'],
  },
  {
    name: 'a named choice beside thinking offers only that tool',
    input: { tool_choice: named('c'), reasoning_effort: 'low' },
    expected: { type: 'instructed' },
    offered: ['c'],
    adjusted: ['tool_choice'],
  },
  {
    name: 'none and auto are safe beside thinking',
    input: { tool_choice: 'none', reasoning_effort: 'low' },
    expected: { type: 'none' },
  },
  {
    name: 'force stays when thinking is switched off',
    input: { tool_choice: 'required', reasoning_effort: 'none' },
    expected: { type: 'required' },
  },
];

describe('the choice among tools reaches each model in a form that it takes:', () => {
  it.each(choices)('$name', ({ model, input, expected, offered, adjusted }) => {
    const { settings, report } = normalized({ tools, ...input }, model === undefined ? {} : { model });
    expect(settings.toolChoice).toEqual(expected);
    expect(settings.tools.map((tool) => tool.name)).toEqual(offered ?? ['a', 'b', 'c']);
    expect(report).toEqual({ ignored: [], adjusted: adjusted ?? [] });
  });

  it.each([
    {
      name: 'a name that is not in tools',
      input: { tools, tool_choice: named('zzz') },
      param: 'tool_choice',
      says: 'zzz',
    },
    {
      name: 'an allowed tool that is not in tools',
      input: { tools, tool_choice: allowed('auto', 'a', 'zzz') },
      param: 'tool_choice',
      says: 'zzz',
    },
    {
      name: 'two tools of one name that differ',
      input: { tools: [named('a'), { type: 'function', function: { name: 'a', description: 'another' } }] },
      param: 'tools[1].function.name',
      says: "'a'",
    },
    {
      name: 'a custom tool with the name of a function',
      input: { tools: [named('a'), { type: 'custom', custom: { name: 'a' } }] },
      param: 'tools[1].custom.name',
      says: "'a'",
    },
    {
      name: 'a schema that is no schema',
      input: {
        tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', required: 0 } } }],
      },
      param: 'tools[0].function.parameters.required',
      says: 'must be a list of names',
    },
    {
      name: "a function's schema that is no schema",
      input: { functions: [{ name: 'f', parameters: { properties: { a: 'string' } } }] },
      param: 'functions[0].parameters.properties.a',
      says: 'must be a schema',
    },
    {
      name: 'two functions of one name that differ',
      input: { functions: [{ name: 'f' }, { name: 'f', strict: true }] },
      param: 'functions[1].name',
      says: "'f'",
    },
  ])('$name is a 400', ({ input, param, says }) => {
    const error = refusal(() => normalized(input));
    expect(error).toMatchObject({ status: 400, param });
    expect(error.message).toContain(says);
  });
});

describe('parallel_tool_calls', () => {
  it('false reaches Claude', () => {
    const { settings, report } = normalized({ tools, parallel_tool_calls: false });
    expect(settings.parallelToolCalls).toBe(false);
    expect(report.ignored).toEqual([]);
  });

  it('false is reported where the upstream has no such switch', () => {
    expect(normalized({ tools, parallel_tool_calls: false }, { model: 'nova-lite' }).report.ignored).toEqual([
      'parallel_tool_calls',
    ]);
  });
});
