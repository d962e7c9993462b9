import { describe, expect, it } from 'vitest';
import { type Body, hello, normalized, refusal } from './fit.ts';

const point = {
  type: 'object',
  properties: { x: { type: 'number' } },
  required: ['x'],
  additionalProperties: false,
};
const inexact = { type: 'object', properties: { x: { type: 'number', minimum: 1 } } };
const map = { type: 'object', additionalProperties: { type: 'number' } };
const format = (schema: unknown, name = 'p') => ({
  response_format: { type: 'json_schema', json_schema: { name, schema } },
});
const tools = { tools: [{ type: 'function', function: { name: 'f' } }] };
const history = {
  messages: [
    ...hello,
    {
      role: 'assistant',
      tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'a', content: 'ok' },
  ],
};
const think = { extended_thinking: { enabled: true, budget_tokens: 2000 } };
const object = { response_format: { type: 'json_object' } };

interface Case {
  readonly name: string;
  readonly model?: string;
  readonly upstream?: 'anthropic' | 'bedrock';
  readonly input: Body;
  readonly expected: Body;
}

const cases: readonly Case[] = [
  { name: 'text is nothing', input: { response_format: { type: 'text' } }, expected: { type: 'text' } },
  {
    name: 'native where the row says so',
    input: format(point),
    expected: { type: 'native', schema: point, check: undefined },
  },
  {
    name: 'what is not enforced natively is checked',
    input: format(inexact),
    expected: { type: 'native', check: inexact },
  },
  {
    name: 'native beside tools and thinking',
    input: { ...format(point), ...tools, ...think },
    expected: { type: 'native' },
  },
  {
    name: 'native on Bedrock by its own column',
    upstream: 'bedrock',
    input: format(point),
    expected: { type: 'native' },
  },
  {
    name: 'and not where that says no',
    model: 'claude-4-5-haiku',
    upstream: 'bedrock',
    input: format(point),
    expected: { type: 'forced-tool', name: 'p', schema: point, check: point },
  },
  { name: 'a map has no native form', input: format(map), expected: { type: 'forced-tool', schema: map } },
  {
    name: 'a list can be no tool',
    model: 'claude-4-sonnet',
    input: format({ type: 'array' }),
    expected: { type: 'instructed' },
  },
  {
    name: 'a blank name',
    model: 'claude-4-sonnet',
    input: format(point, ' '),
    expected: { type: 'forced-tool', name: 'answer' },
  },
  {
    name: "beside the client's tools it is asked for",
    model: 'claude-4-sonnet',
    input: { ...format(point), ...tools },
    expected: { type: 'instructed', schema: point, check: point },
  },
  {
    name: 'and beside tools of the history',
    model: 'claude-4-sonnet',
    input: { ...format(point), ...history },
    expected: { type: 'instructed' },
  },
  {
    name: 'and beside thinking',
    model: 'claude-4-sonnet',
    input: { ...format(point), ...think },
    expected: { type: 'instructed' },
  },
  {
    name: 'and where nothing can be forced',
    model: 'claude-opus-5-5',
    upstream: 'bedrock',
    input: format(point),
    expected: { type: 'instructed' },
  },
  {
    name: 'json_object is an open tool',
    input: object,
    expected: {
      type: 'forced-tool',
      schema: { type: 'object', additionalProperties: true },
      check: undefined,
    },
  },
  {
    name: 'or asked for',
    model: 'claude-opus-5-5',
    input: object,
    expected: { type: 'instructed', schema: undefined },
  },
];

describe('how JSON is brought about', () => {
  it.each(cases)('$name', ({ input, expected, ...fit }) => {
    expect(normalized(input, fit).prompt.format).toMatchObject(expected);
  });

  it('a schema built wrong is a 400 with the place in it', () => {
    expect(refusal(() => normalized(format({ type: 'object', properties: { a: 7 } })))).toMatchObject({
      status: 400,
      param: 'response_format.json_schema.schema.properties.a',
    });
  });

  it.each(['claude-4-sonnet', 'nova-pro'])('a schema of two megabytes is one before %s is asked', (model) => {
    const huge = { type: 'object', description: 'x'.repeat(2_000_000) };
    expect(refusal(() => normalized(format(huge), { model }))).toMatchObject({
      status: 400,
      param: 'response_format.json_schema.schema',
    });
  });

  it('a schema beyond reason is a 400 with its path', () => {
    let schema: Record<string, unknown> = { type: 'string' };
    for (let level = 0; level < 300; level++) schema = { type: 'object', properties: { a: schema } };
    expect(refusal(() => normalized(format(schema)))).toMatchObject({
      status: 400,
      param: 'response_format.json_schema.schema',
    });
  });
});
