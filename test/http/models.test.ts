import { describe, expect, it } from 'vitest';
import { nowhere, useServer } from '../support/fixtures.ts';
import { testKey } from '../support/server.ts';

const server = useServer({
  upstream: nowhere,
  env: { MODEL_ALIASES: 'gpt-4o=claude-4-5-haiku,openai/gpt-4.1=nova-lite' },
});

const get = async (path: string) => {
  const response = await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${testKey}` } });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

// Behaviour 10.3
describe('GET /v1/models', () => {
  it("lists the models with OpenAI's fields", async () => {
    const { status, body } = await get('/v1/models');
    const data = body.data as Record<string, unknown>[];
    expect(status).toBe(200);
    expect(body.object).toBe('list');
    for (const model of data) {
      expect(model).toMatchObject({
        object: 'model',
        id: expect.any(String),
        owned_by: expect.stringMatching(/^(anthropic|amazon)$/),
      });
      expect(Number.isInteger(model.created)).toBe(true);
    }
    const ids = data.map(({ id }) => id);
    for (const id of [
      'claude-4-5-sonnet',
      'claude-4-5-haiku',
      'claude-4-sonnet',
      'claude-3-7-sonnet',
      'claude-3-5-sonnet',
      'claude-3-5-haiku',
      'nova-pro',
      'nova-lite',
    ])
      expect(ids).toContain(id);
  });

  it('shows capabilities and lifecycle', async () => {
    const { body } = await get('/v1/models/claude-4-5-sonnet');
    expect(body).toMatchObject({
      id: 'claude-4-5-sonnet',
      upstreams: ['anthropic', 'bedrock'],
      context_window: 200_000,
      max_output_tokens: 64_000,
      capabilities: { vision: true, tools: true, thinking: { forms: ['budget'] } },
      lifecycle: { status: 'deprecated', retires: { anthropic: '2026-11-30' } },
    });
  });

  it('is what the official client reads', async () => {
    const ids: string[] = [];
    for await (const model of server.client.models.list()) ids.push(model.id);
    expect(ids).toContain('nova-lite');
    expect(await server.client.models.retrieve('nova-lite')).toMatchObject({
      id: 'nova-lite',
      owned_by: 'amazon',
    });
  });
});

describe('GET /v1/models/{id}', () => {
  it.each([
    ['gpt-4o', 'gpt-4o'],
    ['openai%2Fgpt-4.1', 'openai/gpt-4.1'],
    ['amazon.nova-lite-v1%3A0', 'amazon.nova-lite-v1:0'],
    ['amazon.nova-lite-v1:0', 'amazon.nova-lite-v1:0'],
    ['claude-sonnet-9', 'claude-sonnet-9'],
  ])('%s is found under the name it was asked by', async (path, id) => {
    expect(await get(`/v1/models/${path}`)).toMatchObject({ status: 200, body: { id, object: 'model' } });
  });

  it('does not list the name it was asked by among the others', async () => {
    const { body } = await get('/v1/models/amazon.nova-lite-v1:0');
    expect(body.aliases).not.toContain('amazon.nova-lite-v1:0');
    expect(body.aliases).toContain('amazon-nova-lite');
  });

  it('has no number where the limit is not known', async () => {
    expect((await get('/v1/models/claude-sonnet-9')).body.max_output_tokens).toBeNull();
  });

  it('404 names close ids', async () => {
    const { status, body } = await get('/v1/models/nova-lte');
    expect(status).toBe(404);
    expect(body.error).toMatchObject({
      code: 'model_not_found',
      message: expect.stringContaining('nova-lite'),
    });
  });
});
