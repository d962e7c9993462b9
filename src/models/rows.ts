/**
 * The catalogue: one data row per model. A fact about a model is a field of its row; no other file
 * tells models apart by name. State of the facts: 2026-11-25. Prices of Claude: the models' pages on
 * platform.claude.com, and npm @earendil-works/pi-ai 1.5.2, dist/providers/data/anthropic.json.
 */

import type { Effort, UpstreamName } from '../core/chat.ts';

/** ISO date, `YYYY-MM-DD`. */
type Day = string;

/** A model id at Bedrock and where it can be asked for. */
export interface BedrockId {
  readonly id: string;
  /** Geographies that have a cross-region inference profile for it: `us`, `global`, ... */
  readonly profiles: readonly string[];
  /** Regions that serve the id itself, without a profile. Most newer models are served by profiles alone. */
  readonly regions?: readonly string[];
}

export interface ThinkingAbility {
  /** The request forms the model accepts. `effort` is Nova 2's `reasoningConfig`. */
  readonly accepts: readonly ('budget' | 'adaptive' | 'between_tools' | 'effort')[];
  /** Whether thinking can be switched off: never, always, or only at an effort of `high` and below. */
  readonly off: 'yes' | 'no' | 'up-to-high';
  /** Whether the model thinks when the request says nothing. */
  readonly byDefault: boolean;
  /** What a thinking block holds when the request says nothing: readable text, or a signature alone. */
  readonly display: 'summarized' | 'omitted';
  /** Effort levels the model takes beside adaptive thinking, lowest first. */
  readonly efforts: readonly Effort[];
}

/** USD per million tokens. */
export interface Rates {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  /** For five minutes; absent: not known. */
  readonly cacheWrite?: number | undefined;
  /** For an hour; absent: not known, or there is none. */
  readonly cacheWrite1h?: number | undefined;
}

export interface Price extends Rates {
  /** Prices for every token of a request whose prompt is longer than `above` tokens. */
  readonly long?: ({ readonly above: number } & Rates) | undefined;
}

/**
 * Prices by where a model runs: the geography of Bedrock's inference profile (`us`, `global`, ...), for a bare id
 * its region or `regional`, at the Anthropic API its `inference_geo`. A place that is not named has no known price.
 */
export type PriceByPlace = Readonly<Record<string, Price>>;

/**
 * What a call's id may hold, 64 characters at most: letters, digits, `_` and `-`; `wide`: dots and colons as well,
 * which Converse takes (its own models' calls are named `functions.lookup:0`). Others are replaced by a digest.
 */
export type CallIdRule = 'narrow' | 'wide';

export interface Lifecycle {
  readonly status: 'active' | 'legacy' | 'deprecated' | 'retired' | 'preview';
  /** The announced end at each upstream, where one is known. */
  readonly retires?: { readonly [upstream in UpstreamName]?: Day };
  readonly successor?: string;
}

export interface Model {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly family: 'claude' | 'nova';
  /** Who made it, as `owned_by` in /v1/models. */
  readonly owner: 'anthropic' | 'amazon';
  /** Where only the year is known, its first day. */
  readonly released: Day;
  readonly ids: {
    readonly anthropic?: string;
    readonly bedrock?: BedrockId;
    readonly 'bedrock-converse'?: BedrockId;
  };
  /** Tokens. */
  readonly contextWindow: number;
  /** Tokens. Infinity: not known, the upstream decides. */
  readonly maxOutput: number;
  /** Whether temperature, top_p and top_k are taken; `exclusive`: temperature or top_p, not both. */
  readonly sampling: 'none' | 'exclusive' | 'both';
  /** Whether the conversation may end with the beginning of the answer. */
  readonly prefill: boolean;
  /** Whether the Anthropic API takes system messages in mid-conversation for it. */
  readonly midSystem: boolean;
  readonly vision: boolean;
  readonly documents: boolean;
  /** Whether `tool_choice` may force a call. */
  readonly forcedToolChoice: boolean;
  /** Where it may do so only once thinking, on by default, is switched off. */
  readonly forcingNeedsThinkingOff?: readonly UpstreamName[];
  readonly thinking: ThinkingAbility | null;
  readonly callIds: CallIdRule;
  /** Writes `<thinking>` tags into its text when it has tools. */
  readonly thinkingTags: boolean;
  /** Where a JSON schema can be enforced by the upstream itself. */
  readonly jsonSchema: { readonly anthropic: boolean; readonly bedrock: boolean };
  /** Images a request may hold. */
  readonly maxImages: number;
  /** Prefix length in tokens below which caching does nothing; null: not known, or automatic. */
  readonly cacheMinimum: number | null;
  readonly lifecycle: Lifecycle;
  /** The list price: what it costs wherever `priceByPlace` does not say otherwise; null: not known. */
  readonly price: Price | null;
  readonly priceByPlace?: { readonly [upstream in UpstreamName]?: PriceByPlace } | undefined;
  /** Prices of other service tiers, as factors. A tier that is not named has no known price. */
  readonly tierFactors?: Readonly<Record<string, number>> | undefined;
}

const price = (input: number, output: number, cacheRead: number, cacheWrite?: number): Price => ({
  input,
  output,
  cacheRead,
  cacheWrite,
});

/** Claude's writes that live an hour cost twice the input (platform.claude.com/docs/en/about-claude/pricing). */
const claudePrice = (...rates: Parameters<typeof price>): Price => {
  const listed = price(...rates);
  return { ...listed, cacheWrite1h: 2 * listed.input };
};

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

const samePrice = (places: string, listed: Price): PriceByPlace =>
  Object.fromEntries(places.split(' ').map((place) => [place, listed]));

/** Kept within one geography or region, Claude 4.5 and newer cost a tenth more (source as above). */
const regionalPremium = 1.1;

const onBedrockByPlace = (listed: Price): PriceByPlace => ({
  global: listed,
  ...samePrice('us eu apac jp au in ca regional', timesPrice(listed, regionalPremium)),
});

const claude45Price = (listed: Price) => ({
  price: listed,
  priceByPlace: { bedrock: onBedrockByPlace(listed) },
});

/** 4.6 and newer can also be kept in the US at the Anthropic API (.../docs/en/manage-claude/data-residency). */
const claude46Price = (listed: Price) => ({
  price: listed,
  priceByPlace: {
    anthropic: { global: listed, us: timesPrice(listed, regionalPremium) },
    bedrock: onBedrockByPlace(listed),
  },
});

/**
 * The list price holds for the US, its bare ids included; those of other regions have no price that is known.
 * Prices by geography: npm @earendil-works/pi-ai 1.5.2, dist/providers/data/amazon-bedrock.json.
 */
const novaPrice = (listed: Price, elsewhere: PriceByPlace) => ({
  price: listed,
  priceByPlace: {
    'bedrock-converse': { ...samePrice('us us-east-1 us-east-2 us-west-2', listed), ...elsewhere },
  },
});

/** `profiles` and `regions` separated by blanks. */
const onBedrock = (id: string, profiles: string, regions?: string): BedrockId => ({
  id,
  profiles: profiles.split(' '),
  ...(regions === undefined ? {} : { regions: regions.split(' ') }),
});

// ---- Claude, by generation: each constant is what its models share ------------------------------

const claude = {
  aliases: [],
  family: 'claude',
  owner: 'anthropic',
  midSystem: false,
  vision: true,
  documents: true,
  forcedToolChoice: true,
  callIds: 'narrow',
  thinkingTags: false,
} satisfies Partial<Model>;

const claude3 = {
  ...claude,
  contextWindow: 200_000,
  sampling: 'both',
  prefill: true,
  thinking: null,
  jsonSchema: { anthropic: false, bedrock: false },
  maxImages: 100,
  cacheMinimum: 1024,
} satisfies Partial<Model>;

const budgetThinking: ThinkingAbility = {
  accepts: ['budget'],
  off: 'yes',
  byDefault: false,
  display: 'summarized',
  efforts: [],
};

const claude4 = { ...claude3, maxOutput: 64_000, thinking: budgetThinking } satisfies Partial<Model>;

const claude45 = {
  ...claude4,
  sampling: 'exclusive',
  jsonSchema: { anthropic: true, bedrock: false },
} satisfies Partial<Model>;

const allEfforts: readonly Effort[] = ['low', 'medium', 'high', 'xhigh', 'max'];

const claude46 = {
  ...claude,
  contextWindow: 1_000_000,
  maxOutput: 128_000,
  sampling: 'exclusive',
  prefill: false,
  thinking: {
    accepts: ['adaptive', 'budget'],
    off: 'yes',
    byDefault: false,
    display: 'summarized',
    efforts: ['low', 'medium', 'high', 'max'],
  },
  jsonSchema: { anthropic: true, bedrock: false },
  maxImages: 600,
  cacheMinimum: 4096,
} satisfies Partial<Model>;

const adaptiveThinking = (
  off: ThinkingAbility['off'],
  byDefault: boolean,
  accepts: ThinkingAbility['accepts'] = ['adaptive'],
): ThinkingAbility => ({ accepts, off, byDefault, display: 'omitted', efforts: allEfforts });

const claude47 = {
  ...claude46,
  sampling: 'none',
  thinking: adaptiveThinking('yes', false),
  cacheMinimum: 2048,
  lifecycle: { status: 'legacy' },
} satisfies Partial<Model>;

const claude5 = {
  ...claude47,
  thinking: adaptiveThinking('yes', true),
  cacheMinimum: 1024,
} satisfies Partial<Model>;

/** Thinks always, and refuses a forced tool choice. */
const claude55 = {
  ...claude47,
  forcedToolChoice: false,
  // Source as for the prices: supportsMidConvoSystemMessages.
  midSystem: true,
  thinking: adaptiveThinking('no', true),
  cacheMinimum: null,
  lifecycle: { status: 'active' },
} satisfies Partial<Model>;

const nova = {
  aliases: [],
  family: 'nova',
  owner: 'amazon',
  contextWindow: 300_000,
  maxOutput: 10_000,
  sampling: 'both',
  prefill: true,
  midSystem: false,
  vision: true,
  documents: true,
  forcedToolChoice: true,
  thinking: null,
  callIds: 'wide',
  thinkingTags: true,
  jsonSchema: { anthropic: false, bedrock: false },
  maxImages: 20,
  cacheMinimum: null,
  lifecycle: { status: 'active' },
} satisfies Partial<Model>;

const nova2 = {
  ...nova,
  contextWindow: 1_000_000,
  maxOutput: 64_000,
  // Prefill is documented for Nova 1 only.
  prefill: false,
  thinkingTags: false,
  thinking: {
    accepts: ['effort'],
    off: 'yes',
    byDefault: false,
    display: 'summarized',
    efforts: ['low', 'medium', 'high'],
  },
} satisfies Partial<Model>;

export const models: readonly Model[] = [
  // ---- the models this server began with, under Heroku's names ----------------------------------
  {
    ...claude45,
    id: 'claude-4-5-sonnet',
    aliases: ['claude-sonnet-4-5', 'claude-sonnet-4-5-20250929'],
    released: '2025-09-29',
    ids: {
      anthropic: 'claude-sonnet-4-5-20250929',
      bedrock: onBedrock('anthropic.claude-sonnet-4-5-20250929-v1:0', 'us eu jp au global'),
    },
    jsonSchema: { anthropic: true, bedrock: true },
    lifecycle: {
      status: 'deprecated',
      retires: { anthropic: '2026-11-30' },
      successor: 'claude-sonnet-5-5',
    },
    ...claude45Price(claudePrice(3, 15, 0.3, 3.75)),
  },
  {
    ...claude45,
    id: 'claude-4-5-haiku',
    aliases: ['claude-haiku-4-5', 'claude-haiku-4-5-20251001'],
    released: '2025-10-01',
    ids: {
      anthropic: 'claude-haiku-4-5-20251001',
      bedrock: onBedrock(
        'anthropic.claude-haiku-4-5-20251001-v1:0',
        'us eu jp au in global',
        'us-east-1 eu-north-1 eu-west-1 ap-northeast-1 ap-southeast-4',
      ),
    },
    cacheMinimum: 4096,
    lifecycle: { status: 'active' },
    ...claude45Price(claudePrice(1, 5, 0.1, 1.25)),
  },
  {
    ...claude4,
    id: 'claude-4-sonnet',
    aliases: ['claude-sonnet-4', 'claude-sonnet-4-0', 'claude-sonnet-4-20250514'],
    released: '2025-05-14',
    ids: {
      anthropic: 'claude-sonnet-4-20250514',
      bedrock: onBedrock('anthropic.claude-sonnet-4-20250514-v1:0', 'us eu apac global'),
    },
    lifecycle: { status: 'retired', retires: { anthropic: '2026-06-15' }, successor: 'claude-sonnet-5-5' },
    price: claudePrice(3, 15, 0.3, 3.75),
  },
  {
    ...claude4,
    id: 'claude-3-7-sonnet',
    aliases: ['claude-3-7-sonnet-latest', 'claude-3-7-sonnet-20250219'],
    released: '2025-02-19',
    ids: {
      anthropic: 'claude-3-7-sonnet-20250219',
      bedrock: onBedrock('anthropic.claude-3-7-sonnet-20250219-v1:0', 'us apac', 'eu-west-2'),
    },
    // Still served in eu-west-2 and ap-south-1.
    lifecycle: {
      status: 'retired',
      retires: { anthropic: '2026-02-19', bedrock: '2026-07-30' },
      successor: 'claude-sonnet-5-5',
    },
    price: claudePrice(3, 15, 0.3, 3.75),
  },
  {
    ...claude3,
    id: 'claude-3-5-sonnet',
    aliases: ['claude-3-5-sonnet-latest', 'claude-3-5-sonnet-20241022'],
    released: '2024-10-22',
    ids: {
      anthropic: 'claude-3-5-sonnet-20241022',
      bedrock: onBedrock('anthropic.claude-3-5-sonnet-20241022-v2:0', 'us apac'),
    },
    maxOutput: 8192,
    // Still served in Seoul, Mumbai and Singapore.
    lifecycle: {
      status: 'retired',
      retires: { anthropic: '2025-10-28', bedrock: '2026-07-30' },
      successor: 'claude-sonnet-5-5',
    },
    price: claudePrice(3, 15, 0.3, 3.75),
  },
  {
    ...claude3,
    id: 'claude-3-5-haiku',
    aliases: ['claude-3-5-haiku-latest', 'claude-3-5-haiku-20241022'],
    released: '2024-10-22',
    ids: {
      anthropic: 'claude-3-5-haiku-20241022',
      bedrock: onBedrock('anthropic.claude-3-5-haiku-20241022-v1:0', 'us'),
    },
    maxOutput: 8192,
    cacheMinimum: 2048,
    lifecycle: {
      status: 'retired',
      retires: { anthropic: '2026-02-19', bedrock: '2026-06-19' },
      successor: 'claude-haiku-5-5',
    },
    price: claudePrice(0.8, 4, 0.08, 1),
  },
  {
    ...nova,
    id: 'nova-pro',
    aliases: ['amazon-nova-pro', 'amazon.nova-pro-v1:0'],
    released: '2024-12-03',
    ids: {
      'bedrock-converse': onBedrock(
        'amazon.nova-pro-v1:0',
        'us eu apac',
        'us-east-1 eu-west-2 ap-southeast-2 ap-southeast-3 me-central-1',
      ),
    },
    ...novaPrice(price(0.8, 3.2, 0.2, 0.8), {
      apac: price(0.84, 3.36, 0.21, 0.84),
      eu: price(0.92, 3.68, 0.23, 0.92),
    }),
  },
  {
    ...nova,
    id: 'nova-lite',
    aliases: ['amazon-nova-lite', 'amazon.nova-lite-v1:0'],
    released: '2024-12-03',
    ids: {
      'bedrock-converse': onBedrock(
        'amazon.nova-lite-v1:0',
        'us eu apac ca',
        'us-east-1 us-east-2 us-west-2 eu-west-2 ap-southeast-2 ap-southeast-3 me-central-1',
      ),
    },
    ...novaPrice(price(0.06, 0.24, 0.015, 0.06), {
      apac: price(0.063, 0.252, 0.01575, 0.063),
      ca: price(0.064, 0.256, 0.016, 0.064),
      eu: price(0.069, 0.276, 0.01725, 0.069),
    }),
  },

  // ---- newer Claude -----------------------------------------------------------------------------
  {
    ...claude55,
    id: 'claude-sonnet-5-5',
    released: '2026-09-28',
    ids: {
      anthropic: 'claude-sonnet-5-5',
      bedrock: onBedrock('anthropic.claude-sonnet-5-5', 'us eu au global'),
    },
    thinking: adaptiveThinking('no', true, ['adaptive', 'between_tools']),
    ...claude46Price(claudePrice(2, 10, 0.1, 2.5)),
  },
  {
    ...claude55,
    id: 'claude-opus-5-5',
    released: '2026-09-22',
    ids: {
      anthropic: 'claude-opus-5-5',
      bedrock: onBedrock('anthropic.claude-opus-5-5', 'us eu jp au global'),
    },
    ...claude46Price(claudePrice(4, 20, 0.2, 5)),
  },
  {
    ...claude55,
    id: 'claude-haiku-5-5',
    released: '2026-10-07',
    ids: {
      anthropic: 'claude-haiku-5-5',
      bedrock: onBedrock('anthropic.claude-haiku-5-5', 'us eu jp au global'),
    },
    forcedToolChoice: true,
    thinking: adaptiveThinking('up-to-high', true),
    ...claude46Price({
      ...claudePrice(0.1, 0.5, 0.01, 0.125),
      long: { above: 100_000, ...claudePrice(0.5, 2.5, 0.05, 0.625) },
    }),
  },
  {
    ...claude55,
    id: 'claude-fable-5-2',
    released: '2026-11-09',
    ids: { anthropic: 'claude-fable-5-2', bedrock: onBedrock('anthropic.claude-fable-5-2', 'us global') },
    ...claude46Price(claudePrice(8, 40, 0.2, 10)),
  },
  {
    ...claude55,
    id: 'claude-fable-5-1',
    released: '2026-09-01',
    ids: { anthropic: 'claude-fable-5-1', bedrock: onBedrock('anthropic.claude-fable-5-1', 'us global') },
    ...claude46Price(claudePrice(10, 50, 0.25, 12.5)),
  },
  {
    ...claude55,
    id: 'claude-fable-5',
    released: '2026-06-09',
    ids: { anthropic: 'claude-fable-5', bedrock: onBedrock('anthropic.claude-fable-5', 'us eu global') },
    cacheMinimum: 2048,
    lifecycle: { status: 'legacy' },
    ...claude46Price(claudePrice(10, 50, 1, 12.5)),
  },
  {
    ...claude5,
    id: 'claude-opus-5',
    released: '2026-07-24',
    ids: {
      anthropic: 'claude-opus-5',
      bedrock: onBedrock('anthropic.claude-opus-5', 'us eu jp au in global'),
    },
    midSystem: true,
    thinking: adaptiveThinking('up-to-high', true),
    cacheMinimum: 512,
    ...claude46Price(claudePrice(5, 25, 0.5, 6.25)),
  },
  {
    ...claude5,
    id: 'claude-sonnet-5',
    released: '2026-06-30',
    ids: {
      anthropic: 'claude-sonnet-5',
      bedrock: onBedrock(
        'anthropic.claude-sonnet-5',
        'us eu jp au in global',
        'us-east-1 eu-north-1 eu-west-1 ap-southeast-4',
      ),
    },
    forcingNeedsThinkingOff: ['bedrock'],
    ...claude46Price(claudePrice(2, 10, 0.2, 2.5)),
  },
  {
    ...claude47,
    id: 'claude-opus-4-8',
    released: '2026-05-28',
    ids: {
      anthropic: 'claude-opus-4-8',
      bedrock: onBedrock(
        'anthropic.claude-opus-4-8',
        'us eu jp au global',
        'us-east-1 eu-north-1 eu-west-1 ap-northeast-1 ap-southeast-4',
      ),
    },
    midSystem: true,
    cacheMinimum: 4096,
    ...claude46Price(claudePrice(5, 25, 0.5, 6.25)),
  },
  {
    ...claude47,
    id: 'claude-opus-4-7',
    released: '2026-01-01',
    ids: {
      anthropic: 'claude-opus-4-7',
      bedrock: onBedrock(
        'anthropic.claude-opus-4-7',
        'us eu jp au global',
        'us-east-1 eu-north-1 eu-west-1 ap-southeast-4',
      ),
    },
    ...claude46Price(claudePrice(5, 25, 0.5, 6.25)),
  },
  {
    ...claude46,
    id: 'claude-opus-4-6',
    released: '2026-01-01',
    ids: {
      anthropic: 'claude-opus-4-6',
      bedrock: onBedrock('anthropic.claude-opus-4-6-v1', 'us eu au global', 'eu-west-2'),
    },
    jsonSchema: { anthropic: true, bedrock: true },
    lifecycle: { status: 'legacy' },
    ...claude46Price(claudePrice(5, 25, 0.5, 6.25)),
  },
  {
    ...claude46,
    id: 'claude-sonnet-4-6',
    // Heroku's name.
    aliases: ['claude-4-6-sonnet'],
    released: '2026-02-17',
    ids: {
      anthropic: 'claude-sonnet-4-6',
      bedrock: onBedrock('anthropic.claude-sonnet-4-6', 'us eu jp au global', 'eu-west-2'),
    },
    cacheMinimum: 2048,
    lifecycle: { status: 'legacy' },
    ...claude46Price(claudePrice(3, 15, 0.3, 3.75)),
  },
  {
    ...claude45,
    id: 'claude-opus-4-5',
    aliases: ['claude-opus-4-5-20251101'],
    released: '2025-11-01',
    ids: {
      anthropic: 'claude-opus-4-5-20251101',
      bedrock: onBedrock('anthropic.claude-opus-4-5-20251101-v1:0', 'us eu global'),
    },
    jsonSchema: { anthropic: true, bedrock: true },
    cacheMinimum: 4096,
    lifecycle: { status: 'active' },
    ...claude45Price(claudePrice(5, 25, 0.5, 6.25)),
  },
  {
    ...claude4,
    id: 'claude-opus-4-1',
    aliases: ['claude-opus-4-1-20250805'],
    released: '2025-08-05',
    ids: {
      anthropic: 'claude-opus-4-1-20250805',
      bedrock: onBedrock('anthropic.claude-opus-4-1-20250805-v1:0', 'us'),
    },
    maxOutput: 32_000,
    sampling: 'exclusive',
    jsonSchema: { anthropic: true, bedrock: false },
    lifecycle: {
      status: 'retired',
      retires: { anthropic: '2026-08-05', bedrock: '2027-01-08' },
      successor: 'claude-opus-5-5',
    },
    price: claudePrice(15, 75, 1.5, 18.75),
  },
  {
    ...claude4,
    id: 'claude-opus-4',
    aliases: ['claude-opus-4-0', 'claude-opus-4-20250514'],
    released: '2025-05-14',
    ids: {
      anthropic: 'claude-opus-4-20250514',
      bedrock: onBedrock('anthropic.claude-opus-4-20250514-v1:0', 'us'),
    },
    maxOutput: 32_000,
    lifecycle: { status: 'retired', retires: { anthropic: '2026-06-15' }, successor: 'claude-opus-5-5' },
    price: claudePrice(15, 75, 1.5, 18.75),
  },

  // ---- newer Nova -------------------------------------------------------------------------------
  {
    ...nova,
    id: 'nova-micro',
    aliases: ['amazon-nova-micro', 'amazon.nova-micro-v1:0'],
    released: '2024-12-03',
    ids: { 'bedrock-converse': onBedrock('amazon.nova-micro-v1:0', 'us eu apac') },
    contextWindow: 128_000,
    vision: false,
    documents: false,
    ...novaPrice(price(0.035, 0.14, 0.00875, 0.035), {
      apac: price(0.037, 0.148, 0.00925, 0.037),
      eu: price(0.04, 0.16, 0.01, 0.04),
    }),
  },
  {
    ...nova2,
    id: 'nova-2-lite',
    aliases: ['amazon-nova-2-lite', 'amazon.nova-2-lite-v1:0'],
    released: '2025-12-02',
    ids: { 'bedrock-converse': onBedrock('amazon.nova-2-lite-v1:0', 'us eu jp global') },
    // Bedrock's own refusal names it; model lists say 64,000.
    maxOutput: 65_535,
    price: price(0.3, 2.5, 0.075, 0.3),
    // Source as for the prices of Nova 1.
    priceByPlace: {
      'bedrock-converse': {
        global: price(0.3, 2.5, 0.075, 0.3),
        us: price(0.33, 2.75, 0.0825, 0.33),
        eu: price(0.374, 3.157, 0.0935, 0.374),
        jp: price(0.396, 3.311, 0.099, 0.396),
      },
    },
    // github.com/aws-solutions-library-samples/accelerated-intelligent-document-processing-on-aws config_library/pricing.yaml
    tierFactors: { flex: 0.5, priority: 1.75 },
  },
  {
    ...nova2,
    id: 'nova-2-pro',
    aliases: ['amazon-nova-2-pro', 'amazon.nova-2-pro-preview-20251202-v1:0'],
    released: '2025-12-02',
    ids: { 'bedrock-converse': onBedrock('amazon.nova-2-pro-preview-20251202-v1:0', 'us eu apac') },
    lifecycle: { status: 'preview' },
    // BerriAI/litellm model_prices_and_context_window.json, which has no price of writes into the cache.
    price: price(2.19, 17.5, 0.547),
  },
];

/**
 * The row for a `claude-*` id nobody wrote down yet: the newest family's rules, and no ceiling of ours,
 * so that a model released tomorrow works the day after. Only the Anthropic API is asked.
 */
export const unlistedClaude = (id: string): Model => ({
  ...claude55,
  id,
  released: '2026-11-22',
  ids: { anthropic: id },
  maxOutput: Number.POSITIVE_INFINITY,
  price: null,
});
