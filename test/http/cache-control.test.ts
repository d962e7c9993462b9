/** `cache_control` beside `messages`: Anthropic's automatic caching, as OpenRouter's clients ask for it. Behaviour 9. */

import { describe, expect, it } from 'vitest';
import { useSimulated } from '../support/fixtures.ts';

const { simulator, servers } = useSimulated({ MAX_RETRIES: '0', LOG_LEVEL: 'silent' });

const rules = 'A rule to keep. '.repeat(2000);
const body = {
  cache_control: { type: 'ephemeral', ttl: '1h' },
  messages: [
    { role: 'system', content: rules },
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: 'hello' },
    { role: 'user', content: 'go on' },
  ],
};

interface Sent {
  readonly cache_control?: unknown;
  readonly messages: readonly { readonly content: unknown }[];
}

const ask = async (upstream: keyof typeof servers, model: string, more: object = {}) => {
  const response = await servers[upstream].post({ ...body, ...more, model });
  expect(response.status).toBe(200);
  const { usage } = (await response.json()) as {
    usage: { prompt_tokens_details: { cached_tokens: number; cache_write_tokens?: number } };
  };
  return {
    headers: response.headers,
    cached: usage.prompt_tokens_details.cached_tokens,
    sent: simulator.requests.at(-1)?.body as Sent,
  };
};

describe('a mark beside the messages', () => {
  it('goes to the Anthropic API as it is, and caches the prompt there', async () => {
    const { sent, headers } = await ask('anthropic', 'claude-opus-4-6');
    expect(sent.cache_control).toEqual({ type: 'ephemeral', ttl: '1h' });
    expect(JSON.stringify(sent.messages)).not.toContain('cache_control');
    expect(headers.get('x-ignored-params')).toBeNull();
    expect(headers.get('x-adjusted-params')).toBeNull();
    expect((await ask('anthropic', 'claude-opus-4-6')).cached).toBeGreaterThan(1000);
  });

  it('is a mark on the last block at Bedrock, which has no such field', async () => {
    const { sent, headers } = await ask('bedrock', 'claude-opus-4-6');
    expect(sent.cache_control).toBeUndefined();
    expect(sent.messages.at(-1)?.content).toEqual([
      { type: 'text', text: 'go on', cache_control: { type: 'ephemeral', ttl: '1h' } },
    ]);
    expect(headers.get('x-ignored-params')).toBeNull();
    expect((await ask('bedrock', 'claude-opus-4-6')).cached).toBeGreaterThan(1000);
  });

  it('is a cache point behind the last block on Converse', async () => {
    const { sent } = await ask('bedrock', 'nova-lite');
    expect(sent.messages.at(-1)?.content).toEqual([{ text: 'go on' }, { cachePoint: { type: 'default' } }]);
  });

  it('is none where it is null', async () => {
    const { sent } = await ask('anthropic', 'claude-opus-4-6', { cache_control: null });
    expect(sent.cache_control).toBeUndefined();
  });

  it('of another form is a 400 with its path', async () => {
    const response = await servers.anthropic.post({
      ...body,
      model: 'claude-opus-4-6',
      cache_control: { type: 'ephemeral', ttl: '2d' },
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: 'cache_control.ttl' } });
  });
});

describe('a mark on a text that is left out because it is blank', () => {
  const cache_control = { type: 'ephemeral' };
  const blank = { type: 'text', text: ' ', cache_control };
  const text = { type: 'text', text: 'hi' };
  const marked = { ...text, cache_control };

  it.each([
    { name: 'in a user message', messages: [{ role: 'user', content: [text, blank] }], at: -1 },
    {
      name: "in an assistant's message",
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: [text, blank] },
        { role: 'user', content: 'go on' },
      ],
      at: -2,
    },
  ])('stands on the part before: $name', async ({ messages, at }) => {
    const { sent, headers } = await ask('anthropic', 'claude-opus-4-6', { cache_control: null, messages });
    expect(sent.messages.at(at)?.content).toEqual([marked]);
    expect(headers.get('x-adjusted-params')).toBeNull();
  });

  it.each([
    { name: 'a part', content: [blank] },
    { name: 'a message', content: '', cache_control },
  ])('is reported where nothing stands before it: $name', async ({ name: _, ...fields }) => {
    const messages = [
      { role: 'user', ...fields },
      { role: 'user', content: 'hi' },
    ];
    const { sent, headers } = await ask('bedrock', 'claude-opus-4-6', { cache_control: null, messages });
    expect(JSON.stringify(sent)).not.toContain('cache_control');
    expect(headers.get('x-adjusted-params')).toBe('cache_control');
  });
});
