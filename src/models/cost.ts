/**
 * What answers cost at list prices, in USD: each kind of token at its own rate, for the place and the service tier
 * that served. Where a rate is not known there is no figure, rather than one that looks like a bill. Behaviour 7.9.
 */

import type { Cost, ServiceTier, Usage } from '../core/chat.ts';
import { promptTokens } from '../core/usage.ts';
import type { Target } from './catalogue.ts';
import type { Model, Price, Rates } from './model.ts';
import { hasRegions } from './upstreams.ts';

/** The model's name in an id or ARN of Bedrock's, after its geography: `us.` in `us.amazon.nova-pro-v1:0`. */
const bedrockName = /^(?:([a-z-]+)\.)?[a-z0-9]+\.[a-z]/;

/** Where the model ran, as an endpoint's `price` names it, the closest name first; none where that is not known. */
const placesOf = (
  { endpoint, modelId, region }: Target,
  geography: string | undefined,
): readonly string[] => {
  if (geography !== undefined && geography !== 'not_available') return [geography];
  // Where there are no regions, it runs anywhere.
  if (!hasRegions(endpoint)) return ['global'];
  // The id of an application inference profile says nothing of where it leads.
  const named = bedrockName.exec(modelId.slice(modelId.lastIndexOf('/') + 1));
  if (named === null) return [];
  if (named[1] !== undefined) return [named[1]];
  return region === undefined ? ['regional'] : [region, 'regional'];
};

/** An entry of the table's own: the key may be the upstream's word. */
const entry = <Value>(table: Readonly<Record<string, Value>> | undefined, key: string): Value | undefined =>
  table !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;

const timesKnown = (rate: number | undefined, factor: number): number | undefined =>
  rate === undefined ? undefined : rate * factor;

const timesRates = (rates: Rates, factor: number): Rates => ({
  input: rates.input * factor,
  output: rates.output * factor,
  cacheRead: rates.cacheRead * factor,
  cacheWrite: timesKnown(rates.cacheWrite, factor),
  cacheWrite1h: timesKnown(rates.cacheWrite1h, factor),
});

const timesPrice = (listed: Price, factor: number): Price => ({
  ...timesRates(listed, factor),
  long:
    listed.long === undefined ? undefined : { above: listed.long.above, ...timesRates(listed.long, factor) },
});

/** What everyone pays at that target; `geography` where its upstream says so. */
export const listPriceOf = (target: Target, geography?: string): Price | undefined => {
  const { price: listed } = target.model;
  const { price: byPlace } = target.endpoint;
  if (byPlace === undefined) return listed ?? undefined;
  const place = placesOf(target, geography).find((each) => Object.hasOwn(byPlace, each));
  const there = place === undefined ? undefined : byPlace[place];
  if (typeof there !== 'number') return there;
  return listed === null || there === 1 ? (listed ?? undefined) : timesPrice(listed, there);
};

/** Words of both upstreams for what everyone pays the list price for. */
const usualTiers: ReadonlySet<string> = new Set(['default', 'standard']);

const tierFactor = ({ tierFactors }: Model, tier: string | undefined): number | undefined =>
  tier === undefined || usualTiers.has(tier) ? 1 : entry(tierFactors, tier);

/** Sums of binary fractions have tails; the smallest price of a token has eleven digits. */
const toUsd = (amount: number): number => Math.round(amount * 1e12) / 1e12;

/** Tokens that were not used need no rate. */
const costOfKind = (tokens: number, rate: number | undefined): number | undefined =>
  tokens === 0 ? 0 : rate === undefined ? undefined : tokens * rate;

/** `askedTier` counts where the upstream does not say which tier served. */
const costOfCall = (usage: Usage, target: Target, askedTier: ServiceTier | undefined): Cost | undefined => {
  const { input, cacheRead, cacheWrite, cacheWrite1h = 0, output } = usage;
  const price = listPriceOf(target, usage.geography);
  const factor = tierFactor(target.model, usage.serviceTier ?? askedTier);
  if (price === undefined || factor === undefined) return undefined;
  const { long } = price;
  const rates = long !== undefined && promptTokens(usage) > long.above ? long : price;
  const shortWrites = costOfKind(cacheWrite - cacheWrite1h, rates.cacheWrite);
  const longWrites = costOfKind(cacheWrite1h, rates.cacheWrite1h);
  if (shortWrites === undefined || longWrites === undefined) return undefined;
  const perToken = factor / 1_000_000;
  const prompt = perToken * (input * rates.input + cacheRead * rates.cacheRead + shortWrites + longWrites);
  const completion = perToken * output * rates.output;
  return { prompt: toUsd(prompt), completion: toUsd(completion), total: toUsd(prompt + completion) };
};

const sumOf = (costs: readonly Cost[], part: keyof Cost): number =>
  toUsd(costs.reduce((total, cost) => total + cost[part], 0));

/** Of an answer with all of its tries; undefined where a rate is not known. */
export const costOf = (
  usage: Usage,
  target: Target,
  askedTier: ServiceTier | undefined,
): Cost | undefined => {
  if (usage.tries === undefined) return costOfCall(usage, target, askedTier);
  const costs = usage.tries.map((each) => costOfCall(each, target, askedTier));
  const known = costs.filter((cost) => cost !== undefined);
  if (known.length < costs.length) return undefined;
  return {
    prompt: sumOf(known, 'prompt'),
    completion: sumOf(known, 'completion'),
    total: sumOf(known, 'total'),
  };
};
