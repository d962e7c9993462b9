/** Half a surrogate pair, wherever a client's text may hold one, goes upstream as U+FFFD. Behaviour 3.1. */

import { describe, expect, it } from 'vitest';
import { useSimulated } from '../support/fixtures.ts';

const { simulator, servers } = useSimulated({ MAX_RETRIES: '0', LOG_LEVEL: 'silent' });

/** As the client library writes it: an escape. */
const half = '\ud83d';
const otherHalf = '\ude00';
const long = 'A line of some log. '.repeat(40);
const user = (content: unknown) => ({ role: 'user', content });
const look = { type: 'function', function: { name: 'look', parameters: { type: 'object' } } };
const loop = (args: string, result: unknown) => ({
  tools: [look],
  messages: [
    user('Look.'),
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look', arguments: args } }],
    },
    { role: 'tool', tool_call_id: 'call_1', content: result },
  ],
});

const places = [
  { name: 'a user text', body: { messages: [user(`café ${half}`)] } },
  { name: 'a user text that is the second half alone', body: { messages: [user(`${otherHalf} café`)] } },
  { name: 'halves in the wrong order', body: { messages: [user(`a ${otherHalf}${half} b`)] } },
  { name: 'a long user text', body: { messages: [user(`${long}${half}${long}`)] } },
  { name: 'a long user text, at its end', body: { messages: [user(`${long}${half}`)] } },
  { name: 'a text part', body: { messages: [user([{ type: 'text', text: `x ${half}` }])] } },
  { name: 'a long text part', body: { messages: [user([{ type: 'text', text: `${half}${long}` }])] } },
  { name: 'the system text', body: { messages: [{ role: 'system', content: `S ${half}` }, user('Hi')] } },
  {
    name: 'an assistant text',
    body: { messages: [user('a'), { role: 'assistant', content: half }, user('b')] },
  },
  { name: 'a tool result', body: loop('{}', `out ${half}`) },
  { name: 'a long tool result', body: loop('{}', `${long}${half}\n${long}`) },
  { name: 'a tool result of parts', body: loop('{}', [{ type: 'text', text: `out ${half}` }]) },
  {
    name: 'a tool result that is JSON',
    body: loop('{}', JSON.stringify({ [`key ${half}`]: [`out ${half}`] })),
  },
  { name: 'arguments', body: loop(`{"at":"${half}"}`, 'ok') },
  { name: 'arguments that escape it', body: loop(JSON.stringify({ at: [half], [half]: 1 }), 'ok') },
  {
    name: 'a tool’s description and schema',
    body: {
      messages: [user('Hi')],
      tools: [
        {
          type: 'function',
          function: {
            name: 'look',
            description: `Looks ${half}`,
            parameters: {
              type: 'object',
              properties: { at: { type: 'string', description: half, enum: [half] } },
            },
          },
        },
      ],
    },
  },
  {
    name: 'a tool’s name',
    body: { messages: [user('Hi')], tools: [{ type: 'function', function: { name: `look${half}` } }] },
  },
  { name: 'a stop sequence', body: { messages: [user('Hi')], stop: [`stop ${half}`] } },
  { name: 'the user', body: { messages: [user('Hi')], user: `ada${half}` } },
  { name: 'metadata', body: { messages: [user('Hi')], metadata: { user_id: half, [`k${half}`]: half } } },
  {
    name: 'a document',
    body: {
      messages: [
        user([
          {
            type: 'file',
            file: { filename: `a${half}.txt`, file_data: `data:text/plain,${half} and more` },
          },
        ]),
      ],
    },
  },
] as const;

describe.each([
  { upstream: 'anthropic', model: 'claude-4-5-haiku' },
  { upstream: 'bedrock', model: 'claude-4-5-haiku' },
  { upstream: 'bedrock', model: 'nova-lite' },
] as const)('to $upstream, $model', ({ upstream, model }) => {
  it.each(places)('half a pair in $name is replaced', async ({ body }) => {
    const response = await servers[upstream].post({ ...body, model });
    expect(await response.json()).toMatchObject({ object: 'chat.completion' });
    const sent = JSON.stringify(simulator.requests.at(-1)?.body);
    // An escaped backslash before it makes it the text of an escape: in a result it is the tool's own.
    expect(sent).not.toMatch(/(?<!\\)\\ud/i);
  });

  it('whole pairs stay what they are, escaped or not, short or long', async () => {
    const smile = '\\ud83d\\ude00';
    const content = JSON.stringify(`${long}@@ ${long} 😀`).replaceAll('@@', smile);
    const server = servers[upstream];
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer test-key', 'content-type': 'application/json' },
      body: `{"model":"${model}","stop":["${smile}"],"messages":[{"role":"user","content":${content}},{"role":"user","content":"${smile}"}]}`,
    });
    expect(response.status).toBe(200);
    const sent = JSON.stringify(simulator.requests.at(-1)?.body);
    expect(sent.split('😀')).toHaveLength(5);
    expect(sent).not.toContain('\ufffd');
  });

  it('an escaped backslash before “ud83d” is no escape of a character', async () => {
    const path = 'C:\\ud83d\\file';
    await servers[upstream].post({ model, messages: [user(path), user(`${long}${path}`)] });
    const sent = JSON.stringify(simulator.requests.at(-1)?.body);
    expect(sent.split(JSON.stringify(path).slice(1, -1))).toHaveLength(3);
  });
});

describe('the upstreams refuse half a pair', () => {
  const body = {
    max_tokens: 10,
    messages: [{ role: 'user', content: [{ type: 'text', text: `x${half}` }] }],
  };
  it.each([
    {
      name: 'the Messages API',
      url: () => `${simulator.anthropicUrl}/v1/messages`,
      headers: { 'x-api-key': 'k', 'anthropic-version': '2023-06-01' },
      body: { ...body, model: 'claude-haiku-4-5' },
      message: /^The request body is not valid JSON: no low surrogate in string/,
    },
    {
      name: 'InvokeModel',
      url: () => `${simulator.bedrockUrl}/model/us.anthropic.claude-haiku-4-5-20251001-v1:0/invoke`,
      headers: { authorization: 'Bearer b' },
      body: { ...body, anthropic_version: 'bedrock-2023-05-31' },
      message: /^Malformed input request/,
    },
    {
      name: 'Converse',
      url: () => `${simulator.bedrockUrl}/model/us.amazon.nova-lite-v1:0/converse`,
      headers: { authorization: 'Bearer b' },
      body: { messages: [{ role: 'user', content: [{ text: `x${half}` }] }] },
      message: /^The request body is not valid JSON/,
    },
  ])('$name', async ({ url, headers, body: sent, message }) => {
    const response = await fetch(url(), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(sent),
    });
    const told = (await response.json()) as { error?: { message: string }; message?: string };
    expect(response.status).toBe(400);
    expect(told.error?.message ?? told.message).toMatch(message);
  });
});
