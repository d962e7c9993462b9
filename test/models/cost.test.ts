import { describe, expect, it } from 'vitest';
import type { ServiceTier, UpstreamName, Usage } from '../../src/core/chat.ts';
import { formatUsd } from '../../src/core/usd.ts';
import type { Target } from '../../src/models/catalogue.ts';
import { costOf } from '../../src/models/cost.ts';
import { endpointAtUpstream } from '../../src/models/model.ts';
import { models } from '../../src/models/rows.ts';

const million = 1_000_000;
const used = (usage: Partial<Usage>): Usage => ({
  input: 0,
  cacheRead: 0,
  cacheWrite: 0,
  output: 0,
  ...usage,
});

interface Where {
  readonly model?: string;
  readonly upstream?: UpstreamName;
  readonly modelId?: string;
  readonly region?: string;
}

const target = ({
  model: id = 'claude-4-5-sonnet',
  upstream = 'anthropic',
  modelId = 'x',
  region,
}: Where): Target => {
  const model = models.find((row) => row.id === id);
  const endpoint = model && endpointAtUpstream(model, upstream);
  if (model === undefined || endpoint === undefined) throw new Error(`no row ${id} at ${upstream}`);
  return { model, endpoint, upstream, modelId, region };
};

const totalOf = (usage: Partial<Usage>, where: Where = {}, tier?: ServiceTier) =>
  costOf(used(usage), target(where), tier)?.total;

describe('each kind of token is paid at its own rate', () => {
  it.each([
    { name: 'fresh input', usage: { input: million }, expected: 3 },
    { name: 'output', usage: { output: million }, expected: 15 },
    {
      name: 'output that was reasoning costs no more',
      usage: { output: million, reasoning: 5 },
      expected: 15,
    },
    { name: 'what was read from the cache', usage: { cacheRead: million }, expected: 0.3 },
    { name: 'what was written for five minutes', usage: { cacheWrite: million }, expected: 3.75 },
    {
      name: 'what was written for an hour',
      usage: { cacheWrite: million, cacheWrite1h: million },
      expected: 6,
    },
    {
      name: 'written for both',
      usage: { cacheWrite: million, cacheWrite1h: million / 2 },
      expected: 3.75 / 2 + 3,
    },
    { name: 'nothing', usage: {}, expected: 0 },
  ])('$name', ({ usage, expected }) => expect(totalOf(usage)).toBe(expected));

  it.each([
    { name: 'up to the bound', usage: { input: 60_000, cacheRead: 40_000 }, expected: 0.006 + 0.0004 },
    {
      name: 'above it every token costs more, cached ones counted in',
      usage: { input: 60_000, cacheRead: 30_000, cacheWrite: 10_001, cacheWrite1h: 10_001, output: 1000 },
      expected: 0.03 + 0.0015 + 0.010001 + 0.0025,
    },
  ])('a model with a price for long prompts: $name', ({ usage, expected }) => {
    expect(totalOf(usage, { model: 'claude-haiku-5-5' })).toBeCloseTo(expected, 12);
  });
});

describe('the price follows the place', () => {
  const bedrock = (modelId: string, region?: string): Where => ({
    upstream: 'bedrock',
    modelId,
    ...(region === undefined ? {} : { region }),
  });
  const nova = (model: string, modelId: string, region = 'eu-west-1'): Where => ({
    model,
    upstream: 'bedrock-converse',
    modelId,
    region,
  });
  it.each([
    { where: bedrock('global.anthropic.claude-sonnet-4-5-20250929-v1:0'), expected: 3 },
    { where: bedrock('us.anthropic.claude-sonnet-4-5-20250929-v1:0'), expected: 3.3 },
    { where: bedrock('jp.anthropic.claude-sonnet-4-5-20250929-v1:0'), expected: 3.3 },
    { where: bedrock('anthropic.claude-sonnet-4-5-20250929-v1:0', 'eu-west-1'), expected: 3.3 },
    { where: bedrock('arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-x'), expected: 3.3 },
    {
      where: bedrock('arn:aws:bedrock:us-east-1:1:application-inference-profile/abc123'),
      expected: undefined,
    },
    { where: bedrock('us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0'), expected: undefined },
    { where: { ...bedrock('us.anthropic.claude-sonnet-4-v1:0'), model: 'claude-4-sonnet' }, expected: 3 },
    { where: nova('nova-pro', 'us.amazon.nova-pro-v1:0'), expected: 0.8 },
    { where: nova('nova-pro', 'eu.amazon.nova-pro-v1:0'), expected: 0.92 },
    { where: nova('nova-pro', 'amazon.nova-pro-v1:0', 'us-east-1'), expected: 0.8 },
    { where: nova('nova-pro', 'amazon.nova-pro-v1:0', 'me-central-1'), expected: undefined },
    { where: nova('nova-lite', 'amazon.nova-lite-v1:0', 'us-west-2'), expected: 0.06 },
    { where: nova('nova-2-lite', 'global.amazon.nova-2-lite-v1:0'), expected: 0.3 },
    { where: nova('nova-2-lite', 'us.amazon.nova-2-lite-v1:0'), expected: 0.33 },
  ])('$where.modelId in $where.region: $expected', ({ where, expected }) => {
    expect(totalOf({ input: million }, where)).toBe(expected);
  });

  it.each([
    { geography: 'not_available', model: 'claude-opus-5-5', expected: 4 },
    { geography: 'global', model: 'claude-opus-5-5', expected: 4 },
    { geography: 'us', model: 'claude-opus-5-5', expected: 4.4 },
    { geography: 'moon', model: 'claude-opus-5-5', expected: undefined },
    { geography: 'constructor', model: 'claude-opus-5-5', expected: undefined },
    { geography: 'not_available', model: 'claude-4-5-sonnet', expected: 3 },
  ])('at the Anthropic API, $geography as it says: $expected', ({ geography, model, expected }) => {
    expect(totalOf({ input: million, geography }, { model })).toBe(expected);
  });
});

describe('the price follows the service tier', () => {
  const lite: Where = {
    model: 'nova-2-lite',
    upstream: 'bedrock-converse',
    modelId: 'global.amazon.nova-2-lite-v1:0',
  };
  it.each([
    { name: 'none asked', asked: undefined, served: undefined, where: lite, expected: 0.3 },
    { name: 'the usual one asked', asked: 'default', served: undefined, where: lite, expected: 0.3 },
    { name: 'a cheaper one asked', asked: 'flex', served: undefined, where: lite, expected: 0.15 },
    {
      name: 'a dearer one asked and served',
      asked: 'priority',
      served: 'priority',
      where: lite,
      expected: 0.525,
    },
    {
      name: 'asked, but served by the usual one',
      asked: 'priority',
      served: 'default',
      where: lite,
      expected: 0.3,
    },
    { name: 'a tier by contract', asked: undefined, served: 'reserved', where: lite, expected: undefined },
    {
      name: 'a tier the row has no price for',
      asked: 'flex',
      served: undefined,
      where: { ...lite, model: 'nova-lite', modelId: 'us.amazon.nova-lite-v1:0' },
      expected: undefined,
    },
    { name: "Anthropic's usual word", asked: 'priority', served: 'standard', where: {}, expected: 3 },
    {
      name: "Anthropic's priority, by contract",
      asked: undefined,
      served: 'priority',
      where: {},
      expected: undefined,
    },
  ] as const)('$name', ({ asked, served, where, expected }) => {
    expect(totalOf({ input: million, serviceTier: served }, where, asked)).toBe(expected);
  });
});

describe('where a rate is not known there is no figure', () => {
  it('a model without a price', () => {
    const priceless = { ...target({}), model: { ...target({}).model, price: null, priceByPlace: undefined } };
    expect(costOf(used({ input: 5 }), priceless, undefined)).toBeUndefined();
  });

  it('writes for an hour where only those for five minutes have a price', () => {
    const where: Where = {
      model: 'nova-lite',
      upstream: 'bedrock-converse',
      modelId: 'us.amazon.nova-lite-v1:0',
    };
    expect(totalOf({ cacheWrite: 10 }, where)).toBe(0.0000006);
    expect(totalOf({ cacheWrite: 10, cacheWrite1h: 1 }, where)).toBeUndefined();
  });

  it('writes into the cache of a model whose other rates alone are known', () => {
    const where: Where = {
      model: 'nova-2-pro',
      upstream: 'bedrock-converse',
      modelId: 'us.amazon.nova-2-pro-preview-20251202-v1:0',
    };
    expect(totalOf({ input: million }, where)).toBe(2.19);
    expect(totalOf({ input: million, cacheWrite: 10 }, where)).toBeUndefined();
  });
});

describe('tries of one answer are priced one by one', () => {
  const first = used({ input: 60_000, output: 100 });
  const second = used({ input: 70_000, output: 200 });
  const both = { ...used({ input: 130_000, output: 300 }), tries: [first, second] };
  it('so that two short prompts are no long one, and sums have no tails of binary fractions', () => {
    const cost = costOf(both, target({ model: 'claude-haiku-5-5' }), undefined);
    expect(cost).toEqual({ prompt: 0.013, completion: 0.00015, total: 0.01315 });
  });

  it('and one without a price leaves none for all', () => {
    const tries = [first, { ...second, serviceTier: 'priority' }];
    expect(costOf({ ...both, tries }, target({ model: 'claude-haiku-5-5' }), undefined)).toBeUndefined();
  });
});

it.each([
  [0, '0'],
  [12, '12'],
  [10, '10'],
  [0.5, '0.5'],
  [8.75e-9, '0.00000000875'],
  [1.23456789, '1.23456789'],
])('%d USD is written %s, never in powers of ten', (amount, text) => expect(formatUsd(amount)).toBe(text));
