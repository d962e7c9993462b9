/** The simulator's rules of preserved thinking: what binds a block, what breaks it, and what becomes of it. */

import { describe, expect, it } from 'vitest';
import { useSimulator } from '../support/fixtures.ts';

const simulator = useSimulator();
const beta = 'thinking-binding-controls-2026-08-01';

type Fields = Record<string, unknown>;
interface Message extends Fields {
  readonly role: string;
  readonly content: unknown;
}

interface Asked {
  readonly model?: string;
  readonly messages: readonly Message[];
  readonly system?: string;
  readonly tools?: readonly Fields[];
  readonly thinking?: Fields;
  readonly key?: string;
  readonly betas?: string;
  readonly more?: Fields;
}

const tool = (name: string, description = 'Does it.') => ({
  name,
  description,
  input_schema: { type: 'object', properties: { city: { type: 'string' } } },
});

const ask = async ({ model = 'claude-opus-5-5', key = 'new-account', betas, more, ...body }: Asked) => {
  const response = await fetch(`${simulator.anthropicUrl}/v1/messages`, {
    method: 'POST',
    headers: {
      'x-api-key': key,
      'anthropic-version': '2026-10-21',
      'content-type': 'application/json',
      ...(betas === undefined ? {} : { 'anthropic-beta': betas }),
    },
    body: JSON.stringify({ model, max_tokens: 2000, ...body, ...more }),
  });
  const said = (await response.json()) as {
    content?: Fields[];
    error?: { message: string };
    input_transformations?: unknown;
    usage?: { input_tokens: number };
  };
  const thinking = simulator.requests.at(-1)?.thinking ?? [];
  return { status: response.status, ...said, message: said.error?.message, thinking };
};

const user = (text: string): Message => ({ role: 'user', content: [{ type: 'text', text }] });

/** A conversation of so many turns, each with thinking. */
const talk = async (turns: number, asked: Omit<Asked, 'messages'> = {}) => {
  const messages: Message[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    messages.push(user(`Question ${turn} [[think always]]`));
    const { content = [], message } = await ask({ ...asked, messages });
    expect(message).toBeUndefined();
    expect(content[0]?.type).toBe('thinking');
    messages.push({ role: 'assistant', content });
  }
  return messages;
};

const withoutThinking = ({ role, content }: Message): Message => ({
  role,
  content: (content as Fields[]).filter(({ type }) => type !== 'thinking'),
});
const next = user('And then?');

describe('a conversation that only grows', () => {
  it.each(['new-account', 'old'])('keeps all its thinking, with the key %s', async (key) => {
    const messages = await talk(3, { key });
    const { status, thinking } = await ask({ key, messages: [...messages, next] });
    expect(status).toBe(200);
    expect(thinking.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'accepted']);
  });

  it.each<[name: string, change: (asked: Asked) => Asked]>([
    ['the order of tools', (asked) => ({ ...asked, tools: [...(asked.tools ?? [])].reverse() })],
    [
      'marks of caches',
      (asked) => ({
        ...asked,
        messages: asked.messages.map((message, index) => ({
          ...message,
          content: (message.content as Fields[]).map((block) =>
            block.type === 'text' && index < 3 ? { ...block, cache_control: { type: 'ephemeral' } } : block,
          ),
        })),
      }),
    ],
    [
      'effort and the cap',
      (asked) => ({ ...asked, more: { max_tokens: 3000, output_config: { effort: 'low' } } }),
    ],
    [
      'the oldest block left out',
      (asked) => ({
        ...asked,
        messages: [
          asked.messages[0] as Message,
          withoutThinking(asked.messages[1] as Message),
          ...asked.messages.slice(2),
        ],
      }),
    ],
    [
      'every block left out',
      (asked) => ({
        ...asked,
        messages: asked.messages.map((each) => (each.role === 'user' ? each : withoutThinking(each))),
      }),
    ],
  ])('is not broken by %s', async (_name, change) => {
    const tools = [tool('a'), tool('b')];
    const messages = await talk(2, { tools });
    const { status, thinking } = await ask(
      change({ tools, messages: [...messages.slice(0, 3), messages[3] as Message, next] }),
    );
    expect(status).toBe(200);
    expect(thinking.every(({ outcome }) => outcome === 'accepted')).toBe(true);
  });
});

describe('for a new account', () => {
  const bound = 'The block is bound to a different conversation.';
  const tools = [tool('a')];

  it.each<[name: string, change: (messages: readonly Message[]) => Partial<Asked>, sentence: string]>([
    [
      'a date in the system prompt',
      () => ({ system: 'Be brief. It is Tuesday.' }),
      'The `system` prompt differs',
    ],
    ['a tool more', () => ({ tools: [...tools, tool('b')] }), 'The `tools` list differs'],
    ['a tool described otherwise', () => ({ tools: [tool('a', 'Otherwise.')] }), 'The `tools` list differs'],
    ['tools left out', () => ({ tools: [] }), 'The `tools` list differs'],
    ['an earlier message reworded', ([, ...rest]) => ({ messages: [user('Other'), ...rest] }), ''],
    ['the history trimmed', (messages) => ({ messages: messages.slice(2) }), ''],
    [
      'a block missing between others',
      ([a, b, c, d, ...rest]) => ({
        messages: [a, b, c, withoutThinking(d as Message), ...rest] as Message[],
      }),
      'The `thinking` block that preceded this one when it was created is missing',
    ],
  ])('%s is a 400 in the words of the API', async (_name, change, sentence) => {
    const asked = { system: 'Be brief. It is Monday.', tools };
    const messages = await talk(3, asked);
    const { status, message, thinking } = await ask({
      ...asked,
      messages: [...messages, next],
      ...change([...messages, next]),
    });
    expect(status).toBe(400);
    expect(message).toMatch(/^messages\.\d\.content\.0: Invalid `signature` in `thinking` block\. /);
    expect(message).toContain(bound);
    expect(message).toContain(`That setting requires the \`${beta}\` value`);
    expect(message).toContain(sentence);
    expect(thinking.at(-1)).toMatchObject({ outcome: 'refused', reason: 'prefix_binding_mismatch' });
  });

  it('what does not fit is dropped where the request says so, with all that comes after it, unpaid and reported', async () => {
    const messages = await talk(3);
    const reworded = [...messages.slice(0, 2), user('Reworded'), ...messages.slice(3), next];
    const control = {
      thinking: { type: 'adaptive', block_binding: { prefix_mismatch_behavior: 'drop_block' } },
    };
    const {
      status,
      input_transformations: told,
      thinking,
      usage,
    } = await ask({ messages: reworded, betas: beta, ...control });
    expect(status).toBe(200);
    expect(thinking.map(({ outcome }) => outcome)).toEqual(['accepted', 'dropped', 'dropped']);
    expect(told).toEqual([
      { type: 'thinking_dropped', path: 'messages.3.content.0', reason: 'prefix_binding_mismatch' },
      { type: 'thinking_dropped', path: 'messages.5.content.0', reason: 'prefix_binding_mismatch' },
    ]);
    const kept = reworded.map((each, index) =>
      index > 1 && each.role === 'assistant' ? withoutThinking(each) : each,
    );
    const { usage: bare } = await ask({ messages: kept, betas: beta, ...control });
    expect(usage?.input_tokens).toBe(bare?.input_tokens);
  });

  it('streams what was dropped in its first event', async () => {
    const messages = await talk(1);
    const response = await fetch(`${simulator.anthropicUrl}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': 'new-account', 'anthropic-version': '2026-10-21', 'anthropic-beta': beta },
      body: JSON.stringify({
        model: 'claude-opus-5-5',
        max_tokens: 2000,
        stream: true,
        thinking: { type: 'adaptive', block_binding: { prefix_mismatch_behavior: 'drop_block' } },
        messages: [user('Other'), ...messages.slice(1), next],
      }),
    });
    const [, first = ''] = /data: (.*)/.exec(await response.text()) ?? [];
    expect(JSON.parse(first)).toMatchObject({
      message: { input_transformations: [{ type: 'thinking_dropped', path: 'messages.1.content.0' }] },
    });
  });
});

describe('for an old account', () => {
  const changed = async (asked: Partial<Asked>) => {
    const messages = await talk(2, { key: 'old' });
    return ask({ key: 'old', system: 'Now with a system prompt.', messages: [...messages, next], ...asked });
  };

  it('what does not fit is let through, and reported to who asks', async () => {
    const { status, thinking, input_transformations: told } = await changed({ betas: beta });
    expect(status).toBe(200);
    expect(thinking.map(({ outcome }) => outcome)).toEqual(['allowed', 'allowed']);
    expect(told).toMatchObject([
      { type: 'thinking_mismatch_allowed' },
      { type: 'thinking_mismatch_allowed' },
    ]);
  });

  it.each([
    ['error', 400, 'refused'],
    ['drop_block', 200, 'dropped'],
  ])('the setting %s opts it in', async (behaviour, status, outcome) => {
    const thinking = { type: 'adaptive', block_binding: { prefix_mismatch_behavior: behaviour } };
    const seen = await changed({ betas: beta, thinking });
    expect([seen.status, seen.thinking[0]?.outcome]).toEqual([status, outcome]);
  });

  it('is no exception for Fable 5.2', async () => {
    const messages = await talk(1, { key: 'old', model: 'claude-fable-5-2' });
    const asked = { key: 'old', model: 'claude-fable-5-2', system: 'New.' };
    expect((await ask({ ...asked, messages: [...messages, next] })).status).toBe(400);
  });
});

describe('blocks of others', () => {
  it.each([
    ['claude-opus-5-5', 'claude-sonnet-5-5', 'dropped'],
    ['claude-sonnet-5-5', 'claude-opus-5-5', 'accepted'],
    ['claude-sonnet-5', 'claude-sonnet-5-5', 'accepted'],
    ['claude-sonnet-5-5', 'claude-sonnet-5', 'dropped'],
    ['claude-haiku-5-5', 'claude-fable-5-2', 'dropped'],
  ])('made by %s and sent to %s are %s, never refused', async (maker, reader, outcome) => {
    const messages = await talk(1, { model: maker });
    const { status, thinking } = await ask({ model: reader, messages: [...messages, next] });
    expect(status).toBe(200);
    expect(thinking.map((each) => each.outcome)).toEqual([outcome]);
  });

  it('of another account are dropped where the model binds to accounts', async () => {
    const messages = await talk(1, { model: 'claude-haiku-5-5', key: 'old' });
    const { status, thinking } = await ask({ model: 'claude-haiku-5-5', messages: [...messages, next] });
    expect(status).toBe(200);
    expect(thinking).toMatchObject([{ outcome: 'dropped', reason: 'organization_binding_mismatch' }]);
  });

  it('with a signature that is none are refused in the clause alone, whatever the setting', async () => {
    const block = { type: 'thinking', thinking: 'x', signature: 'AAAA' };
    const messages = [user('a'), { role: 'assistant', content: [block, { type: 'text', text: 'b' }] }, next];
    const thinking = { type: 'adaptive', block_binding: { prefix_mismatch_behavior: 'drop_block' } };
    const { status, message } = await ask({ messages, thinking, betas: beta });
    expect([status, message]).toEqual([400, 'messages.1.content.0: Invalid `signature` in `thinking` block']);
  });
});

describe('the setting', () => {
  it.each([
    [
      'without its beta',
      { type: 'adaptive' },
      undefined,
      'thinking.adaptive.block_binding: Extra inputs are not permitted',
    ],
    [
      'beside between_tools',
      { type: 'between_tools' },
      beta,
      'thinking.between_tools.block_binding: Extra inputs are not permitted',
    ],
  ])('%s is refused', async (_name, thinking, betas, message) => {
    const block_binding = { prefix_mismatch_behavior: 'drop_block' };
    const model = 'claude-sonnet-5-5';
    const seen = await ask({
      model,
      messages: [next],
      thinking: { ...thinking, block_binding },
      ...(betas && { betas }),
    });
    expect([seen.status, seen.message]).toEqual([400, message]);
  });
});
