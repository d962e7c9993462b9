import { describe, expect, it } from 'vitest';
import { expectError } from '../support/errors.ts';
import { serverOfTest, useServer, useServers, useSimulator } from '../support/fixtures.ts';
import { type TestServer, testKey } from '../support/server.ts';

const simulator = useSimulator();
const both = useServer({ upstream: simulator });
const { anthropic, bedrock } = useServers({ upstream: simulator });

const ask = (server: TestServer, model: string, stream = false) =>
  server.post({ model, messages: [{ role: 'user', content: 'Hello' }], stream });

/** What the upstream was asked for last. */
const askedUpstream = (): string => {
  const last = simulator.requests.at(-1);
  const { model } = (last?.body ?? {}) as { model?: string };
  return model ?? decodeURIComponent(/^\/model\/([^/]+)\//.exec(last?.path ?? '')?.[1] ?? '');
};

// Behaviour 10.1
describe('a model is answered under whatever its makers, hosts and proxies call it', () => {
  const haiku = 'anthropic.claude-haiku-4-5-20251001-v1:0';
  it.each([
    { name: 'claude-haiku-4.5', asks: 'claude-haiku-4-5-20251001' },
    { name: 'anthropic/claude-haiku-4-5', asks: 'claude-haiku-4-5-20251001' },
    { name: 'claude-sonnet-4-6[1m]', asks: 'claude-sonnet-4-6' },
    { name: 'claude-4-6-sonnet', asks: 'claude-sonnet-4-6' },
    { name: haiku, asks: 'claude-haiku-4-5-20251001' },
    { name: `us.${haiku}`, asks: `us.${haiku}` },
    { name: `global.${haiku}`, asks: `global.${haiku}` },
    {
      name: `arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.${haiku}`,
      asks: `arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.${haiku}`,
    },
    { name: 'amazon/nova-lite-v1', asks: 'amazon.nova-lite-v1:0' },
    { name: 'eu.amazon.nova-lite-v1:0', asks: 'eu.amazon.nova-lite-v1:0' },
  ])('$name', async ({ name, asks }) => {
    for (const stream of [false, true]) {
      const response = await ask(both, name, stream);
      const text = await response.text();
      expect(response.status, text).toBe(200);
      expect(askedUpstream()).toBe(asks);
      // The client reads the name it gave.
      expect(text).toContain(`"model":${JSON.stringify(name)}`);
    }
  });

  it('also by the list of models', async () => {
    const path = encodeURIComponent('anthropic/claude-haiku-4.5');
    const response = await fetch(`${both.url}/v1/models/${path}`, {
      headers: { authorization: `Bearer ${testKey}` },
    });
    expect(await response.json()).toMatchObject({
      id: 'anthropic/claude-haiku-4.5',
      context_window: 200_000,
    });
  });

  it('and the bare id is asked for in a region that serves it, as the strict simulator wants it', async () => {
    const response = await ask(bedrock, 'claude-4-5-haiku');
    expect(response.status).toBe(200);
    expect(askedUpstream()).toBe(haiku);
  });
});

describe('a 404 says what to do', () => {
  it('also where the Anthropic API was asked, in case the model is newer than our list', async () => {
    for (const stream of [false, true]) {
      const response = await ask(both, 'claude-4-5-hiaku', stream);
      expect(response.status).toBe(404);
      const { message, code } = expectError(await response.text(), response.headers);
      expect(code).toBe('model_not_found');
      expect(message).toContain("'claude-4-5-hiaku'");
      expect(message).toContain('Did you mean claude-4-5-haiku');
      expect(response.headers.get('x-upstream')).toBe('anthropic');
    }
  });

  it.each([
    { name: 'a slip of the pen', model: 'nova-lte', says: /Did you mean nova-lite/ },
    {
      name: 'a slip in another name of the model',
      model: 'amazon.nova-2-lit-v1:0',
      says: /Did you mean nova-2-lite/,
    },
    {
      name: 'a name of OpenAI’s',
      model: 'gpt-4o',
      says: /MODEL_ALIASES=gpt-4o=claude-4-5-haiku/,
    },
    { name: 'one with a prefix', model: 'openai/gpt-4.1-mini', says: /MODEL_ALIASES=gpt-4\.1-mini=/ },
    { name: 'a reasoning model of OpenAI’s', model: 'o4-mini', says: /MODEL_ALIASES=o4-mini=/ },
  ])('$name', async ({ model, says }) => {
    const response = await ask(both, model);
    const error = expectError(await response.text(), response.headers);
    expect({ status: response.status, code: error.code, param: error.param }).toEqual({
      status: 404,
      code: 'model_not_found',
      param: 'model',
    });
    expect(error.message).toMatch(says);
    expect(response.headers.get('x-should-retry')).toBe('false');
  });

  it('a global profile where the operator keeps those out: a client does not overrule that', async () => {
    const server = await serverOfTest({
      upstream: simulator,
      played: ['bedrock'],
      env: {
        BEDROCK_GLOBAL: 'off',
        MODEL_ALIASES: 'ours=global.anthropic.claude-haiku-4-5-20251001-v1:0',
      },
    });
    const id = 'global.anthropic.claude-haiku-4-5-20251001-v1:0';
    const arn = `arn:aws:bedrock:us-east-1:111122223333:inference-profile/${id}`;
    for (const model of [id, `bedrock/${id}`, arn, 'global.claude-haiku-4.5']) {
      const response = await ask(server, model);
      const error = expectError(await response.text(), response.headers);
      expect({ status: response.status, code: error.code }).toEqual({
        status: 404,
        code: 'model_not_found',
      });
      expect(error.message).toContain('BEDROCK_GLOBAL=off');
    }
    expect((await ask(server, 'ours')).status).toBe(200);
  });

  it('a model whose upstream is not configured: it exists, and which setting serves it', async () => {
    for (const [server, model, setting] of [
      [anthropic, 'nova-lite', 'AWS_REGION'],
      [anthropic, 'us.anthropic.claude-haiku-4-5-20251001-v1:0', 'AWS_REGION'],
      [bedrock, 'claude-sonnet-9', 'ANTHROPIC_API_KEY'],
    ] as const) {
      const response = await ask(server, model);
      const error = expectError(await response.text(), response.headers);
      expect({ status: response.status, code: error.code }).toEqual({ status: 404, code: 'model_not_found' });
      expect(error.message).toContain(setting);
      expect(error.message).not.toContain('does not exist');
    }
  });
});
