import { describe, expect, it } from 'vitest';
import { serverOfTest, useScripted, useServer, useSimulator } from '../support/fixtures.ts';
import type { TestServer } from '../support/server.ts';

type Fields = Record<string, unknown>;

const simulator = useSimulator();

const known = 'interleaved-thinking-2025-05-14';

const ask = async (server: TestServer, header: string, body: Fields = {}) => {
  const messages = [{ role: 'user', content: 'Hi' }];
  const response = await server.post(
    { model: 'claude-4-5-haiku', messages, ...body },
    { 'anthropic-beta': header },
  );
  const { error } = (await response.json()) as { error?: Fields };
  return { status: response.status, ignored: response.headers.get('x-ignored-params'), error };
};

// Behaviour 2
describe('the anthropic-beta header at the Anthropic API', () => {
  const { upstream, server } = useScripted({ LOG_LEVEL: 'silent' }, ['anthropic']);

  it.each([
    { name: 'goes on as it is', header: known, sent: known },
    { name: 'whatever its names', header: 'brand-new-2027-01-01', sent: 'brand-new-2027-01-01' },
    { name: 'as a list, each name once', header: ` ${known}, b-1,,${known} `, sent: `${known},b-1` },
  ])('$name', async ({ header, sent }) => {
    expect(await ask(server, header, { allow_ignored_params: false })).toMatchObject({
      status: 200,
      ignored: null,
    });
    expect(upstream.requests[0]?.headers['anthropic-beta']).toBe(sent);
    expect(upstream.requests[0]?.body).not.toHaveProperty('anthropic_beta');
  });

  it('is not sent for the next request, which has none', async () => {
    await ask(server, known);
    await server.post({ model: 'claude-4-5-haiku', messages: [{ role: 'user', content: 'Hi' }] });
    expect(upstream.requests[1]?.headers).not.toHaveProperty('anthropic-beta');
  });

  it('an unknown name is the API\u2019s to refuse', async () => {
    const strict = await serverOfTest({
      upstream: simulator,
      played: ['anthropic'],
      env: { LOG_LEVEL: 'silent', MAX_RETRIES: '0' },
    });
    const { status, error } = await ask(strict, 'no-such-thing-2020-01-01');
    expect(status).toBe(400);
    expect(error?.message).toContain('no-such-thing-2020-01-01');
  });
});

describe('the anthropic-beta header on Bedrock', () => {
  const server = useServer({ upstream: simulator, played: ['bedrock'], env: { LOG_LEVEL: 'silent' } });
  const sent = () => (simulator.requests.at(-1)?.body as Fields | undefined)?.anthropic_beta;

  it.each([
    { name: 'stands in the body for Claude', header: known, betas: [known], ignored: null },
    {
      name: 'names that Bedrock does not know stay out, reported',
      header: `extended-cache-ttl-2025-04-11, ${known}`,
      betas: [known],
      ignored: 'anthropic-beta',
    },
    { name: 'all of them, if need be', header: 'made-up-1', betas: undefined, ignored: 'anthropic-beta' },
    {
      name: 'Nova has none of it',
      body: { model: 'nova-lite' },
      header: known,
      betas: undefined,
      ignored: 'anthropic-beta',
    },
  ])('$name', async ({ body, header, betas, ignored }) => {
    for (const stream of [false]) {
      expect(await ask(server, header, { ...body, stream })).toMatchObject({ status: 200, ignored });
      expect(sent()).toEqual(betas);
    }
  });

  it('is a 400 for a client that allows nothing to be ignored', async () => {
    expect(await ask(server, 'made-up-1', { allow_ignored_params: false })).toMatchObject({
      status: 400,
      error: { code: 'unsupported_parameter', param: 'anthropic-beta' },
    });
    expect(simulator.requests).toHaveLength(0);
  });
});
