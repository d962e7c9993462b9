/** Conversations as clients keep them, to what the upstreams accept, seen from outside. Behaviour 3, 4.5. */

import { describe, expect, it } from 'vitest';
import { useSimulated } from '../support/fixtures.ts';

const { simulator, servers } = useSimulated({ MAX_RETRIES: '0', LOG_LEVEL: 'silent' });

const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown, more: object = {}) => ({ role: 'assistant', content, ...more });
const system = (content: string) => ({ role: 'system', content });
const calling = (args: string, id = 'call_1') =>
  assistant(null, { tool_calls: [{ id, type: 'function', function: { name: 'look', arguments: args } }] });
const result = (content: unknown, id = 'call_1') => ({ role: 'tool', tool_call_id: id, content });

interface Sent {
  readonly system?: unknown;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
}
const sent = (): Sent => simulator.requests.at(-1)?.body as Sent;

const ask = async (upstream: keyof typeof servers, body: object): Promise<string> => {
  const response = await servers[upstream].post(body);
  expect(await response.json()).toMatchObject({ object: 'chat.completion' });
  return response.headers.get('x-adjusted-params') ?? '';
};

describe('a late system message', () => {
  const places = [
    {
      name: 'between user messages',
      messages: [user('one'), system('Note.'), user('two')],
      roles: ['user', 'system'],
    },
    {
      name: 'before a user message',
      messages: [user('one'), assistant('two'), system('Note.'), user('three')],
      roles: ['user', 'assistant', 'user', 'system'],
    },
    {
      name: 'between a tool’s result and a user message',
      messages: [user('w'), calling('{}'), result('3'), system('Note.'), user('go on')],
      roles: ['user', 'assistant', 'user', 'system'],
    },
    {
      name: 'between a call and its result',
      messages: [user('w'), calling('{}'), system('Note.'), result('3')],
      roles: ['user', 'assistant', 'user', 'system'],
    },
    {
      name: 'behind the answer',
      messages: [user('one'), assistant('two'), system('Note.')],
      roles: ['user', 'assistant', 'user', 'system'],
    },
  ];

  it.each(places)('$name moves to the next place the API takes it in', async ({ messages, roles }) => {
    const adjusted = await ask('anthropic', { model: 'claude-opus-4-8', messages });
    expect(adjusted).toBe('messages');
    expect(sent().messages.map(({ role }) => role)).toEqual(roles);
    expect(JSON.stringify(sent().messages.at(-1))).toContain('Note.');
    expect(sent().system).toBeUndefined();
  });

  it.each(places)('$name is part of the system text where the API takes none', async ({ messages }) => {
    for (const { upstream, model } of [
      { upstream: 'anthropic', model: 'claude-4-5-haiku' },
      { upstream: 'bedrock', model: 'claude-opus-4-8' },
      { upstream: 'bedrock', model: 'nova-lite' },
    ] as const) {
      expect(await ask(upstream, { model, messages })).toBe('messages');
      expect(JSON.stringify(sent().system)).toContain('Note.');
    }
  });

  it('directly behind a user turn, last or before the assistant, stays without a word', async () => {
    const messages = [user('one'), system('A.'), system('B.'), assistant('two'), user('three'), system('C.')];
    expect(await ask('anthropic', { model: 'claude-opus-4-8', messages })).toBe('');
    expect(sent().messages.map(({ role }) => role)).toEqual([
      'user',
      'system',
      'assistant',
      'user',
      'system',
    ]);
    expect(JSON.stringify(sent().messages[1])).toMatch(/A\..*B\./);
  });

  it.each([
    'claude-opus-5',
    'claude-fable-5',
    'claude-fable-5-1',
    'claude-fable-5-2',
    'claude-opus-5-5',
    'claude-sonnet-5-5',
    'claude-haiku-5-5',
  ])('stays where it stands on %s too', async (model) => {
    const messages = [user('one'), assistant('two'), user('three'), system('Note.')];
    expect(await ask('anthropic', { model, messages })).toBe('');
    expect(sent().messages.at(-1)).toMatchObject({ role: 'system' });
  });

  it('that moves is refused where no changes are allowed', async () => {
    const response = await servers.anthropic.post({
      model: 'claude-opus-4-8',
      messages: [user('one'), system('Note.'), user('two')],
      allow_ignored_params: false,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { param: 'messages', code: 'unsupported_parameter' },
    });
  });
});

const families = [
  { upstream: 'anthropic', model: 'claude-4-5-haiku' },
  { upstream: 'bedrock', model: 'claude-4-5-haiku' },
  { upstream: 'bedrock', model: 'nova-pro' },
] as const;

describe.each(families)('$model by $upstream', ({ upstream, model }) => {
  it.each([' ', '\n\n', '', [], [{ type: 'text', text: ' ' }]])(
    'answers a last user message of %j, instead of going on with its own answer',
    async (content) => {
      const adjusted = await ask(upstream, {
        model,
        messages: [user('a'), assistant('It is warm.'), user(content)],
      });
      expect(adjusted).toBe('messages');
      expect(sent().messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    },
  );

  it('takes a call back that the token limit cut off, as far as it can be read', async () => {
    const adjusted = await ask(upstream, {
      model,
      tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }],
      messages: [user('w'), calling('{"location": "Par'), result('cut off'), user('Again, please.')],
    });
    expect(adjusted).toBe('messages');
    expect(JSON.stringify(sent().messages[1])).toContain('"input":{"location":"Par"}');
  });

  it('refuses arguments that are wrong before their end, with the path', async () => {
    const response = await servers[upstream].post({
      model,
      messages: [user('w'), calling('{"location" "Par'), result('x')],
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { param: 'messages[1].tool_calls[0].function.arguments' },
    });
  });
});

describe('signed thinking as content parts of the assistant', () => {
  it.each(['anthropic', 'bedrock'] as const)('goes back as it came, by %s', async (upstream) => {
    const model = 'claude-4-5-haiku';
    const first = await servers[upstream].post({
      model,
      messages: [user('Think.')],
      extended_thinking: { enabled: true, include_reasoning: true },
    });
    const { choices } = (await first.json()) as {
      choices: [{ message: { content: string; thinking_blocks: [{ thinking: string; signature: string }] } }];
    };
    const { content, thinking_blocks: blocks } = choices[0].message;
    const { thinking, signature } = blocks[0];
    const adjusted = await ask(upstream, {
      model,
      extended_thinking: { enabled: true },
      messages: [
        user('Think.'),
        assistant([
          { type: 'thinking', thinking, signature },
          { type: 'text', text: content },
        ]),
        user('And now?'),
      ],
    });
    expect(adjusted).toBe('');
    expect(sent().messages[1]?.content).toEqual([
      { type: 'thinking', thinking, signature },
      { type: 'text', text: content },
    ]);
  });

  it('is left out where the model signs none', async () => {
    const parts = [
      { type: 'thinking', thinking: 'Hm.', signature: 's' },
      { type: 'redacted_thinking', data: 'd' },
      { type: 'text', text: 'Yes.' },
    ];
    await ask('bedrock', { model: 'nova-lite', messages: [user('a'), assistant(parts), user('b')] });
    expect(sent().messages[1]?.content).toEqual([{ text: 'Yes.' }]);
  });
});
