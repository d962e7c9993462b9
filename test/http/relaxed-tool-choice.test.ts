import { HumanMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { useSimulated } from '../support/fixtures.ts';
import { testKey } from '../support/server.ts';

type Fields = Record<string, unknown>;

const upstreams = ['anthropic', 'bedrock'] as const;
type Upstream = (typeof upstreams)[number];

const { simulator, servers } = useSimulated({ LOG_LEVEL: 'silent', MAX_RETRIES: '0' });

const sent = () => simulator.requests.at(-1)?.body as Fields;
const systemOf = ({ system }: Fields): string =>
  typeof system === 'string' ? system : JSON.stringify(system ?? '');
const userOf = ({ messages }: Fields): string => JSON.stringify((messages as Fields[]).at(-1)?.content);

const tool = (name: string) => ({
  type: 'function',
  function: {
    name,
    description: `Keeps ${name}.`,
    parameters: { type: 'object', properties: { title: { type: 'string' } }, required: ['title'] },
  },
});
const named = (name: string) => ({ type: 'function', function: { name } });
const messages = [
  { role: 'system', content: 'You are careful.' },
  { role: 'user', content: 'Hello' },
];

interface Case {
  readonly name: string;
  readonly upstream: Upstream;
  readonly body: Fields;
  readonly told: RegExp;
  readonly offered: number;
  /** Where thinking is bound to the system's text. */
  readonly isToldByUser?: true;
  readonly reported?: string;
}

const tools = [tool('notes'), tool('dates')];
const thinks = { extended_thinking: { enabled: true, budget_tokens: 2000 } };
const cases: readonly Case[] = [
  {
    name: 'required on a model that refuses it',
    upstream: 'anthropic',
    body: { model: 'claude-sonnet-5-5', tools, tool_choice: 'required' },
    told: /have to call one of the tools/,
    offered: 2,
    isToldByUser: true,
  },
  {
    name: 'a named tool there',
    upstream: 'bedrock',
    body: { model: 'claude-opus-5-5', tools, tool_choice: named('dates') },
    told: /have to call the tool \\*"dates/,
    offered: 2,
    isToldByUser: true,
  },
  {
    name: 'a named tool under the name that the model knows it by',
    upstream: 'anthropic',
    body: { model: 'claude-fable-5-2', tools: [tool('my.notes')], tool_choice: named('my.notes') },
    told: /have to call the tool \\*"my_notes/,
    offered: 1,
    isToldByUser: true,
  },
  {
    name: 'beside thinking',
    upstream: 'bedrock',
    body: { model: 'claude-4-5-sonnet', tools, tool_choice: named('notes'), ...thinks },
    told: /have to call the tool \\*"notes/,
    offered: 1,
  },
  {
    name: 'one of those that are allowed',
    upstream: 'anthropic',
    body: {
      model: 'claude-sonnet-5-5',
      tools: [...tools, tool('places')],
      tool_choice: {
        type: 'allowed_tools',
        allowed_tools: { mode: 'required', tools: [named('notes'), named('places')] },
      },
    },
    told: /have to call one of these tools: \\*"notes/,
    offered: 3,
    isToldByUser: true,
  },
  {
    name: 'in the older spelling',
    upstream: 'anthropic',
    body: {
      model: 'claude-sonnet-5-5',
      functions: tools.map((each) => each.function),
      function_call: { name: 'dates' },
    },
    told: /have to call the tool \\*"dates/,
    offered: 2,
    isToldByUser: true,
    reported: 'function_call',
  },
  {
    name: 'on Nova beside its reasoning',
    upstream: 'bedrock',
    body: { model: 'nova-2-lite', tools, tool_choice: named('notes'), reasoning_effort: 'low' },
    told: /have to call the tool \\*"notes/,
    offered: 1,
  },
];

// Behaviour 4.3
describe('a call that cannot be forced is asked for in words, last in the system prompt or the user’s turn, and made', () => {
  it.each(cases)(
    '$name',
    async ({ upstream, body, told, offered, isToldByUser, reported = 'tool_choice' }) => {
      for (const stream of [false, true]) {
        const response = await servers[upstream].post({ messages, stream, ...body });
        expect(response.headers.get('x-adjusted-params')).toBe(reported);
        expect(await response.text()).toMatch(/"(tool_calls|function_call)"/);
        const [where, before] = isToldByUser
          ? [userOf(sent()), 'Hello']
          : [systemOf(sent()), 'You are careful.'];
        expect(where).toMatch(told);
        expect(where.indexOf(before)).toBeLessThan(where.search(told));
        if (isToldByUser) expect(systemOf(sent())).toBe('You are careful.');
        expect(sent().tools ?? (sent().toolConfig as Fields).tools).toHaveLength(offered);
        expect(sent()).not.toHaveProperty('tool_choice.type', 'any');
      }
    },
  );

  it.each([
    { tool_choice: 'auto' },
    { tool_choice: 'none' },
    {},
    { tool_choice: 'required', model: 'claude-4-5-haiku' },
  ])('nothing is said where nothing is relaxed: %j', async (body) => {
    const response = await servers.anthropic.post({ model: 'claude-sonnet-5-5', messages, tools, ...body });
    expect(response.headers.get('x-adjusted-params')).toBeNull();
    expect(systemOf(sent())).toBe('You are careful.');
  });
});

describe.each(upstreams)('structured output by way of a tool, at %s', (upstream) => {
  it.each(['claude-sonnet-5-5', 'claude-opus-5-5', 'claude-fable-5-2', 'claude-4-5-sonnet'])(
    'LangChain on %s',
    async (model) => {
      const chat = new ChatOpenAI({
        model,
        apiKey: testKey,
        maxRetries: 0,
        configuration: { baseURL: `${servers[upstream].url}/v1` },
        modelKwargs: model === 'claude-4-5-sonnet' ? thinks : {},
      }).withStructuredOutput(z.object({ title: z.string() }), {
        name: 'book',
        method: 'functionCalling',
      });
      const book = await chat.invoke([new HumanMessage('Name a novel by Virginia Woolf')]);
      expect(book).toEqual({ title: expect.any(String) });
    },
  );
});
