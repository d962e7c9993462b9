import { describe, expect, it } from 'vitest';
import { createCatalogue } from '../../src/models/catalogue.ts';
import { parseModelsFile } from '../../src/models/overrides.ts';
import { models } from '../../src/models/rows.ts';
import { today } from '../support/today.ts';

const catalogue = createCatalogue({
  upstreams: ['anthropic', 'bedrock', 'bedrock-converse'],
  region: 'eu-central-1',
  aliases: { 'gpt-4o': 'claude-4-5-haiku', pinned: 'global.anthropic.claude-sonnet-4-6' },
  overrides: parseModelsFile([
    {
      id: 'our-nova',
      like: 'nova-lite',
      ids: {
        'bedrock-converse': 'arn:aws:bedrock:eu-central-1:111122223333:application-inference-profile/abc',
      },
    },
  ]),
  now: () => new Date(today),
});

const asked = (name: string) => {
  const model = catalogue.resolve(name);
  return {
    id: model.id,
    asks: catalogue.targets(model).map(({ upstream, modelId }) => `${upstream} ${modelId}`),
  };
};

// Behaviour 10.1
describe('a name is read as the model that is meant', () => {
  it.each([
    ['claude-haiku-4.5', 'claude-4-5-haiku'],
    ['claude-4.5-haiku', 'claude-4-5-haiku'],
    ['claude-3.5-sonnet-latest', 'claude-3-5-sonnet'],
    ['claude-sonnet-3.7', 'claude-3-7-sonnet'],
    ['anthropic/claude-haiku-4-5', 'claude-4-5-haiku'],
    ['anthropic/claude-haiku-4.5', 'claude-4-5-haiku'],
    ['openai/claude-4-5-haiku', 'claude-4-5-haiku'],
    ['openai/anthropic/claude-haiku-4.5', 'claude-4-5-haiku'],
    ['Anthropic/claude-opus-4.6', 'claude-opus-4-6'],
    ['amazon/nova-lite-v1', 'nova-lite'],
    ['amazon/nova-2-lite-v1', 'nova-2-lite'],
    ['bedrock/amazon.nova-pro-v1:0', 'nova-pro'],
    ['anthropic.claude-opus-4-6-v1', 'claude-opus-4-6'],
    ['anthropic.claude-haiku-4-5-20251001-v1:0', 'claude-4-5-haiku'],
    ['claude-sonnet-4-6[1m]', 'claude-sonnet-4-6'],
    ['anthropic/claude-sonnet-4.6[1m]', 'claude-sonnet-4-6'],
    ['claude-4-6-sonnet', 'claude-sonnet-4-6'],
    ['claude-4-6-opus', 'claude-opus-4-6'],
    ['claude-5-5-sonnet', 'claude-sonnet-5-5'],
    ['claude-haiku-3-5-20241022', 'claude-3-5-haiku'],
    ['claude-4-sonnet-20250514', 'claude-4-sonnet'],
    ['openai/gpt-4o', 'claude-4-5-haiku'],
    ['arn:aws:bedrock:eu-central-1:111122223333:application-inference-profile/abc', 'our-nova'],
  ])('%s is %s', (name, id) => {
    expect(asked(name).id).toBe(id);
    expect(asked(name).asks).toEqual(asked(id).asks);
  });

  it.each(
    models.map(({ id, endpoints }) => [
      endpoints.find(({ provider }) => provider === 'bedrock')?.id ?? '',
      id,
    ]),
  )('Bedrock’s own %s is %s', (name, id) => {
    expect(asked(name)).toEqual(asked(id));
  });
});

describe('a name that says where the request is to be processed is asked to the letter, at Bedrock alone', () => {
  const haiku = 'anthropic.claude-haiku-4-5-20251001-v1:0';
  it.each([
    { name: `us.${haiku}`, id: 'claude-4-5-haiku', asks: `bedrock us.${haiku}` },
    { name: `global.${haiku}`, id: 'claude-4-5-haiku', asks: `bedrock global.${haiku}` },
    { name: `bedrock/eu.${haiku}`, id: 'claude-4-5-haiku', asks: `bedrock eu.${haiku}` },
    { name: `us.${haiku}[1m]`, id: 'claude-4-5-haiku', asks: `bedrock us.${haiku}` },
    { name: 'us.claude-haiku-4.5', id: 'claude-4-5-haiku', asks: `bedrock us.${haiku}` },
    {
      name: 'apac.amazon.nova-lite-v1:0',
      id: 'nova-lite',
      asks: 'bedrock-converse apac.amazon.nova-lite-v1:0',
    },
    {
      name: `arn:aws:bedrock:eu-central-1:111122223333:inference-profile/eu.${haiku}`,
      id: 'claude-4-5-haiku',
      asks: `bedrock arn:aws:bedrock:eu-central-1:111122223333:inference-profile/eu.${haiku}`,
    },
    {
      name: 'arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0',
      id: 'nova-lite',
      asks: 'bedrock-converse arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0',
    },
    { name: 'pinned', id: 'claude-sonnet-4-6', asks: 'bedrock global.anthropic.claude-sonnet-4-6' },
  ])('$name', ({ name, id, asks }) => {
    expect(asked(name)).toEqual({ id, asks: [asks] });
  });

  it.each([
    'us.anthropic.claude-sonnet-9-v1:0',
    'anthropic.claude-sonnet-9-v1:0',
    'us.claude-sonnet-9',
    'arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/unknown',
    'arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.meta.llama3-1-8b-instruct-v1:0',
    'openai/',
    '[1m]',
    'us.',
  ])('%s, which no row knows, is not found', (name) => {
    expect(() => catalogue.resolve(name)).toThrow(/does not exist or is not served here/);
  });
});

describe('an unknown Claude model', () => {
  it.each([
    ['anthropic/claude-sonnet-9', 'claude-sonnet-9'],
    ['claude-sonnet-9.5', 'claude-sonnet-9-5'],
    ['claude-sonnet-9[1m]', 'claude-sonnet-9'],
  ])('%s is passed to the Anthropic API as %s', (name, id) => {
    expect(asked(name).asks).toEqual([`anthropic ${id}`]);
  });
});

it('a name of any length is read in no time', () => {
  const start = performance.now();
  for (const name of [
    'openai/'.repeat(200_000),
    `${'1.'.repeat(500_000)}1`,
    `claude-${'1-'.repeat(500_000)}`,
  ])
    expect(() => catalogue.resolve(name)).toThrow();
  expect(performance.now() - start).toBeLessThan(300);
});
