import { describe, expect, it } from 'vitest';
import type { Fault } from '../../simulator/index.ts';
import { expectError } from '../support/errors.ts';
import { useServer, useSimulator } from '../support/fixtures.ts';

const account = '111122223333';
const profile = `arn:aws:bedrock:us-east-1:${account}:application-inference-profile/abcdef`;

const simulator = useSimulator();
const server = useServer({
  upstream: simulator,
  env: { MAX_RETRIES: '0', CLAUDE_UPSTREAMS: 'bedrock,anthropic' },
  models: [
    { id: 'by-profile', like: 'nova-lite', ids: { 'bedrock-converse': profile } },
    { id: 'only-direct', like: 'claude-4-5-haiku', ids: { anthropic: 'claude-haiku-4-5-20251001' } },
  ],
});

const models = { claude: 'claude-4-5-haiku', nova: 'nova-lite' };
const askedIds = { claude: 'anthropic.claude-haiku-4-5-20251001-v1:0', nova: 'amazon.nova-lite-v1:0' };
const families = ['claude', 'nova'] as const;

const refusal = async (model: string, fault: Fault, stream: boolean) => {
  simulator.inject(fault);
  const response = await server.post({ model, messages: [{ role: 'user', content: 'Hi' }], stream });
  const error = expectError(await response.text(), response.headers);
  return { status: response.status, headers: response.headers, ...error };
};

// Behaviour 8.4
describe.each(families)('why Bedrock does not serve a model of %s is told in its own words', (family) => {
  const model = models[family];

  it.each([
    { reason: 'use-case-form', says: 'Model use case details have not been submitted for this account.' },
    { reason: 'legacy', says: 'This Model is marked by provider as Legacy' },
    { reason: 'end-of-life', says: 'This model version has reached the end of its life.' },
    { reason: 'data-retention', says: "data retention mode 'default' is not available for this model." },
    { reason: 'operation', says: "This action doesn't support the model that you provided." },
  ] as const)('$reason', async ({ reason, says }) => {
    for (const stream of [false, true]) {
      const error = await refusal(model, { kind: 'withheld', reason }, stream);
      expect({ status: error.status, code: error.code }).toEqual({ status: 404, code: 'model_not_found' });
      expect(error.message).toContain(says);
      expect(error.message).toContain(`'${askedIds[family]}'`);
      expect(error.message).not.toContain('does not know the model id');
      expect(error.headers.get('x-should-retry')).toBe('false');
    }
  });

  it('also in words that no one has seen yet, by a status or as the first event', async () => {
    const message = 'The terms of this provider have to be accepted first';
    const type = 'ResourceNotFoundException';
    const asStatus: Fault = { kind: 'status', status: 404, type, message };
    expect((await refusal(model, asStatus, false)).message).toContain(`${message}. Choose another model`);
    const asEvent: Fault = {
      kind: 'error-event',
      afterEvents: 0,
      type: 'resourceNotFoundException',
      message,
    };
    expect(await refusal(model, asEvent, true)).toMatchObject({
      status: 404,
      code: 'model_not_found',
      message: expect.stringContaining(message),
    });
  });

  it('but without the account it is told to', async () => {
    const message = `Account ${account} may not use arn:aws:bedrock:us-east-1:${account}:inference-profile/us.x.`;
    const error = await refusal(model, { kind: 'status', status: 404, message }, false);
    expect(error.message).toContain(
      'Account [account] may not use arn:aws:bedrock:us-east-1:[account]:inference-profile/us.x.',
    );
  });

  it('and not where it only says that the id means nothing to it', async () => {
    for (const [status, message] of [
      [400, 'The provided model identifier is invalid.'],
      [404, 'The requested model was not found.'],
      [404, ''],
    ] as const) {
      const type = status === 404 ? 'ResourceNotFoundException' : 'ValidationException';
      const error = await refusal(model, { kind: 'status', status, type, message }, false);
      expect(error).toMatchObject({ status: 404, code: 'model_not_found' });
      expect(error.message).toContain('does not know the model id');
      if (message !== '') expect(error.message).not.toContain(message);
    }
  });
});

it('the id of this server’s configuration is named without the account in it', async () => {
  const error = await refusal('by-profile', { kind: 'withheld', reason: 'legacy' }, false);
  expect(error.message).toContain('arn:aws:bedrock:us-east-1:[account]:application-inference-profile/abcdef');
  expect(error.message).not.toContain(account);
});

it('an account in the words of a refused request is not passed on either', async () => {
  const message = `The value arn:aws:bedrock:us-east-1:${account}:guardrail/x is not valid.`;
  const error = await refusal('nova-lite', { kind: 'status', status: 400, message }, false);
  expect(error.message).toBe('The value arn:aws:bedrock:us-east-1:[account]:guardrail/x is not valid.');
});

/** As the two look for it: langchain-anthropic for the one, langchain-openai and LiteLLM for the other. */
const looksLikeOverflow = (message: string): boolean =>
  message.includes('prompt is too long') &&
  message.toLowerCase().includes("this model's maximum context length is");

describe('a prompt that is too long is told in the words that clients compact on', () => {
  it.each([
    {
      name: 'Nova',
      model: 'nova-lite',
      window: 300_000,
      words: 'Input Tokens Exceeded: Number of input tokens exceeds maximum length.',
    },
    {
      name: 'Claude on Bedrock',
      model: 'claude-4-5-haiku',
      window: 200_000,
      words: 'Input is too long for requested model.',
    },
    {
      name: 'Claude',
      model: 'only-direct',
      window: 200_000,
      words: 'prompt is too long: 210000 tokens > 200000 maximum',
    },
    {
      name: 'Claude, the answer counted in',
      model: 'only-direct',
      window: 200_000,
      words:
        'input length and `max_tokens` exceed context limit: 199990 + 32000 > 199980, decrease input length',
    },
    {
      name: 'Converse, in its wrapping',
      model: 'nova-lite',
      window: 300_000,
      words: 'The model returned the following errors: prompt is too long: 1 tokens > 0 maximum',
    },
  ])('$name', async ({ model, window, words }) => {
    for (const stream of [false, true]) {
      const error = await refusal(model, { kind: 'status', status: 400, message: words }, stream);
      expect(error).toMatchObject({ status: 400, code: 'context_length_exceeded', param: 'messages' });
      expect(looksLikeOverflow(error.message), error.message).toBe(true);
      expect(error.message).toContain(`maximum context length is ${window} tokens`);
      expect(error.message).toContain(words);
    }
  });

  it('and so is a real one', async () => {
    const response = await server.post({
      model: 'nova-micro',
      messages: [{ role: 'user', content: 'word '.repeat(110_000) }],
    });
    const error = expectError(await response.text(), response.headers);
    expect(error.code).toBe('context_length_exceeded');
    expect(looksLikeOverflow(error.message), error.message).toBe(true);
    expect(error.message).toContain('128000');
  });
});

describe('an upstream’s address that is none of its API’s', () => {
  it.each([301, 302, 307, 308])('a redirect %i is a 502 and not followed', async (status) => {
    const seen = simulator.requests.length;
    const error = await refusal('nova-lite', { kind: 'html', status }, false);
    expect({ status: error.status, code: error.code }).toEqual({ status: 502, code: 'upstream_error' });
    expect(error.message).toContain('redirect');
    expect(simulator.requests.length).toBe(seen + 1);
  });

  it('a 404 of some other server is no word about the model', async () => {
    const error = await refusal('nova-lite', { kind: 'html', status: 404 }, false);
    expect({ status: error.status, code: error.code }).toEqual({ status: 502, code: 'upstream_error' });
  });

  it.each(['IncompleteSignatureException', 'MissingAuthenticationTokenException'])(
    '%s is about our credential, whatever its status',
    async (type) => {
      const error = await refusal(
        'nova-lite',
        { kind: 'status', status: 400, type, message: 'Words.' },
        false,
      );
      expect(error).toMatchObject({ status: 502, code: 'upstream_credential_refused' });
    },
  );
});
