/**
 * An agent as it really comes: a long system prompt, two dozen tools with long descriptions, the official SDK's
 * loop. What no one asked for is not called; what was asked for is done step by step, and the loop ends.
 */

import { setMaxListeners } from 'node:events';
import type OpenAI from 'openai';
import type { RunnableToolFunctionWithParse } from 'openai/lib/RunnableFunction';
import { beforeAll, describe, expect, it } from 'vitest';
import { agentSystem, agentTools } from '../support/coding-agent.ts';
import { useServer, useSimulator } from '../support/fixtures.ts';

const simulator = useSimulator();
const server = useServer({ upstream: simulator });
let client: OpenAI;
beforeAll(() => {
  client = server.client;
});

type Made = [name: string, input: unknown];
type Runnable = RunnableToolFunctionWithParse<object>;

/** The agent's tools, each of which notes its call and returns something of its own. */
const runnable = (made: Made[]): Runnable[] =>
  agentTools.map(({ name, description, parameters }) => ({
    type: 'function',
    function: {
      name,
      description,
      parameters: { ...parameters },
      parse: (text: string) => JSON.parse(text) as object,
      function: (input: object) => {
        made.push([name, input]);
        return `<result tool="${name}">number ${made.length}</result>`;
      },
    },
  }));

const models = ['claude-4-5-sonnet', 'claude-opus-5-5', 'nova-lite', 'nova-2-lite'];
const cases = models.flatMap((model) => [true, false].map((stream) => ({ model, stream })));

const run = async (model: string, stream: boolean, content: string) => {
  const made: Made[] = [];
  const params = {
    model,
    messages: [
      { role: 'system' as const, content: agentSystem },
      { role: 'user' as const, content },
    ],
    tools: runnable(made),
  };
  const options = { maxChatCompletions: 15 };
  const runner = stream
    ? client.chat.completions.runTools({ ...params, stream: true }, options)
    : client.chat.completions.runTools(params, options);
  // The official client leaves a listener on its own signal for each request of a loop.
  setMaxListeners(20, runner.controller.signal);
  return { made, said: await runner.finalContent() };
};

describe.each(cases)('a coding agent with $model, stream: $stream', ({ model, stream }) => {
  it('gets a greeting back, without a call', async () => {
    const { made, said } = await run(model, stream, 'hello');
    expect(made).toEqual([]);
    expect(said).toContain('You wrote: “hello”');
  });

  it('has a file read, its tests run, and an answer from the results', async () => {
    const { made, said } = await run(model, stream, 'Please read src/cart.ts, then run the tests.');
    expect(made).toEqual([
      ['read', { filePath: 'src/cart.ts' }],
      ['bash', { command: 'npm test', description: expect.any(String) }],
    ]);
    expect(said).toContain('The bash tool says: <result tool="bash">number 2</result>.');
  });

  it('goes through a script of ten turns to its end', async () => {
    const steps = Array.from({ length: 10 }, (_, index) => `[[call read {"filePath": "file-${index}.ts"}]]`);
    const { made, said } = await run(
      model,
      stream,
      `${steps.join(' [[then]] ')} [[then]] [[say All ten are read.]]`,
    );
    expect(made).toEqual(steps.map((_, index) => ['read', { filePath: `file-${index}.ts` }]));
    expect(said).toBe('All ten are read.');
  });
});

const weather = {
  name: 'get_weather',
  description: 'Weather of a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const finalResult = {
  name: 'final_result',
  description: 'The final response which ends this conversation',
  parameters: { type: 'object', properties: { summary: { type: 'string' } }, required: ['summary'] },
};

describe.each(['claude-4-5-sonnet', 'nova-lite', 'nova-2-lite'])(
  'a framework with an output tool, on %s',
  (model) => {
    it('is handed its result after one call, although a call is required each time', async () => {
      const tools = [weather, finalResult].map((each) => ({ type: 'function' as const, function: each }));
      const messages: OpenAI.ChatCompletionMessageParam[] = [
        { role: 'user', content: 'What is the weather in Paris?' },
      ];
      const called: string[] = [];
      for (let request = 0; request < 5 && called.at(-1) !== 'final_result'; request++) {
        const { choices } = await client.chat.completions.create({
          model,
          messages,
          tools,
          tool_choice: 'required',
        });
        const message = choices[0]?.message;
        if (message === undefined) throw new Error('no message');
        messages.push(message);
        for (const call of message.tool_calls ?? []) {
          if (call.type !== 'function') continue;
          called.push(call.function.name);
          if (call.function.name === 'final_result')
            expect(JSON.parse(call.function.arguments)).toEqual({ summary: '18 degrees and sunny' });
          messages.push({ role: 'tool', tool_call_id: call.id, content: '18 degrees and sunny' });
        }
      }
      expect(called).toEqual(['get_weather', 'final_result']);
    });
  },
);

describe.each(['claude-4-5-sonnet', 'claude-opus-5-5', 'nova-lite'])('json_object on %s', (model) => {
  it('holds what the schema in the prompt asks for', async () => {
    const schema = {
      type: 'object',
      properties: { name: { type: 'string' }, age: { type: 'integer' } },
      required: ['name', 'age'],
    };
    const { choices } = await client.chat.completions.create({
      model,
      messages: [
        {
          role: 'system',
          content: `Extract the person as JSON that fits this schema:\n${JSON.stringify(schema)}`,
        },
        { role: 'user', content: 'My friend Ada is 36 years old.' },
      ],
      response_format: { type: 'json_object' },
    });
    expect(JSON.parse(choices[0]?.message.content ?? '')).toEqual({ name: 'Ada', age: 36 });
  });
});
