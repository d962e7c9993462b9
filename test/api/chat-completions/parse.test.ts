/** A body of chat completions, to what its client wants: values in, values out, no target. */

import { describe, expect, it } from 'vitest';
import type { Parsed } from '../../../src/api/chat-api.ts';
import type { ChatContext } from '../../../src/api/chat-completions/parse.ts';
import { parse } from '../../support/parse.ts';

const hello = [{ role: 'user', content: 'Hello' }];
const parsed = (body: object): Parsed<ChatContext> => parse({ model: 'm', messages: hello, ...body });
const ask = (body: object) => parsed(body).ask;

describe('what a client wants', () => {
  it.each([
    {
      name: 'remembers under which name each cap stood, the newer one first',
      input: { max_tokens: 1, max_completion_tokens: 2 },
      expected: {
        maxTokens: [
          { value: 2, path: 'max_completion_tokens' },
          { value: 1, path: 'max_tokens' },
        ],
      },
    },
    {
      name: 'is a list of stops, however it was written',
      input: { stop: 'END' },
      expected: { stop: { value: ['END'], path: 'stop' } },
    },
    {
      name: 'has two names for the end user, of which the safety identifier counts',
      input: { user: 'u', safety_identifier: 's' },
      expected: {
        users: [
          { value: 's', path: 'safety_identifier' },
          { value: 'u', path: 'user' },
        ],
      },
    },
    {
      name: 'holds no wish where a parameter is null, which means absent',
      input: { temperature: null, stop: null, tools: null, response_format: null, metadata: null },
      expected: { temperature: undefined, stop: undefined, format: { type: 'text' }, metadata: undefined },
    },
    {
      name: 'knows where a schema stands, so that what is wrong in it can be named',
      input: { response_format: { type: 'json_schema', json_schema: { name: 'n', schema: {} } } },
      expected: {
        format: { type: 'json-schema', name: 'n', schema: {}, path: 'response_format.json_schema.schema' },
      },
    },
    {
      name: 'asks for thinking in the order in which the forms count',
      input: { reasoning: { effort: 'low' }, reasoning_effort: 'high', include_reasoning: true },
      expected: {
        reasoning: [
          { type: 'shown', value: true, path: 'include_reasoning' },
          { type: 'thinking', parameter: 'reasoning_effort', effort: 'high' },
          { type: 'shown', value: true, isAssumed: true, path: 'reasoning.exclude' },
          { type: 'thinking', parameter: 'reasoning', effort: 'low' },
        ],
      },
    },
    {
      name: 'says what has no effect on any model: the parameters of the table, then fields that are not in it',
      input: { made_up: 1, n: 2, seed: 1, tools: [{ type: 'function', function: { name: 'f' }, odd: 1 }] },
      expected: { ignored: ['seed', 'n', 'made_up', 'tools[0].odd'] },
    },
    {
      name: 'has turns as they were written, empty ones and late system texts too',
      input: {
        messages: [...hello, { role: 'user', content: ' ' }, { role: 'system', content: 'late' }],
      },
      expected: {
        turns: [
          { role: 'user', parts: [{ type: 'text', text: 'Hello' }] },
          { role: 'user', parts: [] },
          { role: 'system', parts: [{ type: 'text', text: 'late' }] },
        ],
        turnsAdjusted: [],
      },
    },
  ])('$name', ({ input, expected }) => {
    expect(ask(input)).toMatchObject(expected);
  });

  it('has the betas of the header, in several lines or in one', () => {
    const headers = { 'anthropic-beta': ['a, b', 'b,c'] };
    expect(parse({ model: 'm', messages: hello }, headers).ask.betas).toEqual(['a', 'b', 'c']);
  });
});

describe('tools', () => {
  it.each([
    {
      form: "OpenAI's",
      tool: { type: 'function', function: { name: 'f', parameters: {} } },
      at: '.function',
    },
    { form: 'the flat one', tool: { type: 'function', name: 'f', parameters: {} }, at: '' },
  ])('of $form form come with the paths of name and schema', ({ tool, at }) => {
    expect(ask({ tools: [tool] }).tools.declared).toMatchObject([
      { name: 'f', namePath: `tools[0]${at}.name`, schema: {}, schemaPath: `tools[0]${at}.parameters` },
    ]);
  });

  it("of Anthropic's form have their schema where that form has it", () => {
    const [tool] = ask({ tools: [{ name: 'f', input_schema: {} }] }).tools.declared;
    expect(tool).toMatchObject({ schemaPath: 'tools[0].input_schema', takesText: false });
  });

  it('declared as functions are answered as such, one call at most', () => {
    const { ask: asked, context } = parsed({ functions: [{ name: 'f' }], function_call: { name: 'f' } });
    expect(asked.tools).toMatchObject({
      oneCallAtMost: true,
      choices: [{ type: 'named', name: 'f', path: 'function_call' }],
    });
    expect(context.legacyFunctions).toBe(true);
  });

  it('that take text are known to the answer by name', () => {
    const { context } = parsed({ tools: [{ type: 'custom', custom: { name: 'k' } }] });
    expect([...context.customTools]).toEqual(['k']);
  });

  it('are chosen among as allowed, with the word against parallel calls at its own path', () => {
    const tools = [{ type: 'function', function: { name: 'f' } }];
    const allowed = { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] };
    expect(ask({ tools, tool_choice: allowed }).tools.choices).toEqual([
      { type: 'allowed', mode: 'auto', names: ['f'], path: 'tool_choice' },
    ]);
    const single = { type: 'any', disable_parallel_tool_use: true };
    expect(ask({ tools, tool_choice: single }).tools).toMatchObject({
      choices: [{ type: 'required', path: 'tool_choice' }],
      parallelCalls: [{ allowed: false, path: 'tool_choice.disable_parallel_tool_use' }],
    });
  });
});
