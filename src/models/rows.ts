/**
 * The catalogue: one data row per model. A fact about a model, or about a model at a place, is a field of its row;
 * no other file tells models, families or providers apart by name. State of the facts: 2026-11-25. Prices of Claude:
 * the models' pages on platform.claude.com, and npm @earendil-works/pi-ai 1.5.2, dist/providers/data/anthropic.json.
 */

import type { Effort } from '../core/chat.ts';
import type { Endpoint, Model, Price, PriceByPlace, Quirks, ThinkingAbility } from './model.ts';
import { type KnownUpstream, upstreams } from './upstreams.ts';

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

const words = (text: string): readonly string[] => text.split(' ');

const samePrice = (places: string, listed: Price | number): PriceByPlace =>
  Object.fromEntries(words(places).map((place) => [place, listed]));

/** Kept within one geography or region, Claude 4.5 and newer cost a tenth more (source as above). */
const regionalPremium = 1.1;

const claudeOnBedrock: PriceByPlace = {
  global: 1,
  ...samePrice('us eu apac jp au in ca regional', regionalPremium),
};

/** 4.6 and newer can also be kept in the US at the Anthropic API (.../docs/en/manage-claude/data-residency). */
const claudeAtAnthropic: PriceByPlace = { global: 1, us: regionalPremium };

/**
 * The list price holds for the US, its bare ids included; those of other regions have no price that is known.
 * Prices by geography: npm @earendil-works/pi-ai 1.5.2, dist/providers/data/amazon-bedrock.json.
 */
const novaPlaces = (elsewhere: PriceByPlace): PriceByPlace => ({
  ...samePrice('us us-east-1 us-east-2 us-west-2', 1),
  ...elsewhere,
});

// ---- endpoints: what they share, by the protocol that is spoken there ----------------------------

const messagesQuirks = {
  choices: ['auto', 'any', 'tool', 'none'],
  forcingNeedsThinkingOff: false,
  singleCalls: true,
  strictTools: false,
  schema: 'tool',
  schemas: 'whole',
  callIds: 'narrow',
  replay: 'signed',
  thinkingSampling: 'high-top-p',
  tag: null,
  midSystem: false,
  needsMaxTokens: true,
  userOnly: true,
  serviceTiers: [],
  betas: 'listed',
  automaticCaching: true,
  longCaching: true,
  wholeCaching: false,
  imageUrls: false,
  // github.com/anthropics/claude-code/issues/1214, /11181, /49836
  media: {
    imageBase64: 5 * 1024 * 1024,
    imageSide: 8000,
    manyImages: { above: 20, side: 2000 },
    images: 100,
    per: 'request',
  },
} satisfies Quirks;

const defaultQuirks = {
  anthropic: {
    ...messagesQuirks,
    serviceTiers: ['default', 'priority'],
    betas: 'any',
    // Bedrock has no such field. (platform.claude.com/docs/en/build-with-claude/prompt-caching)
    wholeCaching: true,
    imageUrls: true,
  },
  bedrock: messagesQuirks,
  'bedrock-converse': {
    // No word for that none may be called.
    choices: ['auto', 'any', 'tool'],
    forcingNeedsThinkingOff: false,
    singleCalls: false,
    strictTools: false,
    schema: 'tool',
    schemas: 'reduced',
    callIds: 'wide',
    replay: 'never',
    thinkingSampling: 'below-high',
    tag: null,
    midSystem: false,
    needsMaxTokens: false,
    userOnly: false,
    serviceTiers: ['default', 'flex', 'priority'],
    betas: 'none',
    automaticCaching: false,
    longCaching: false,
    wholeCaching: false,
    imageUrls: false,
    media: {
      imageBytes: 3_932_160,
      imageSide: 8000,
      images: 20,
      per: 'message',
      documents: 5,
      documentBytes: 4_718_592,
    },
  },
} satisfies Record<KnownUpstream, Quirks>;

export interface EndpointFacts extends Partial<Omit<Endpoint, 'quirks'>> {
  readonly quirks?: Partial<Quirks> | undefined;
}

/** An endpoint with the quirks that are usual there, but for what is said of it. */
export const endpointAt = (
  upstream: KnownUpstream,
  id: string,
  ...facts: readonly EndpointFacts[]
): Endpoint => ({
  ...Object.assign({}, ...facts),
  provider: upstreams[upstream].provider,
  protocol: upstreams[upstream].protocol,
  id,
  quirks: Object.assign({}, defaultQuirks[upstream], ...facts.map(({ quirks }) => quirks)),
});

const anthropic =
  (generation: EndpointFacts) =>
  (id: string, facts: EndpointFacts = {}): Endpoint =>
    endpointAt('anthropic', id, generation, facts);

/** `profiles` separated by blanks. */
const bedrock =
  (generation: EndpointFacts) =>
  (id: string, profiles: string, facts: EndpointFacts = {}): Endpoint =>
    endpointAt('bedrock', id, generation, { profiles: words(profiles), ...facts });

const converse =
  (generation: EndpointFacts) =>
  (id: string, profiles: string, facts: EndpointFacts = {}): Endpoint =>
    endpointAt('bedrock-converse', id, generation, { profiles: words(profiles), ...facts });

const native = { schema: 'native', strictTools: true } satisfies Partial<Quirks>;

// ---- Claude, by generation: each constant is what its models share ------------------------------

const claude = {
  aliases: [],
  owner: 'anthropic',
  vision: true,
  documents: true,
  bindsThinking: 'never',
} satisfies Partial<Model>;

const claude3 = {
  ...claude,
  contextWindow: 200_000,
  sampling: 'both',
  prefill: true,
  thinking: null,
  cacheMinimum: 1024,
} satisfies Partial<Model>;

const budgetThinking: ThinkingAbility = {
  accepts: ['budget'],
  off: 'yes',
  byDefault: false,
  display: 'summarized',
  efforts: [],
};

const anthropic3 = anthropic({});
const bedrock3 = bedrock({});

const claude4 = { ...claude3, maxOutput: 64_000, thinking: budgetThinking } satisfies Partial<Model>;

const claude45 = { ...claude4, sampling: 'exclusive' } satisfies Partial<Model>;

const anthropic45 = anthropic({ quirks: native });
const bedrock45 = bedrock({ price: claudeOnBedrock });

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
  cacheMinimum: 4096,
} satisfies Partial<Model>;

const hundreds = { media: { ...messagesQuirks.media, images: 600 } } satisfies Partial<Quirks>;
const anthropic46 = anthropic({ price: claudeAtAnthropic, quirks: { ...native, ...hundreds } });
const bedrock46 = bedrock({ price: claudeOnBedrock, quirks: hundreds });

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

const claude55 = {
  ...claude47,
  thinking: adaptiveThinking('no', true),
  bindsThinking: 'new-accounts',
  cacheMinimum: null,
  lifecycle: { status: 'active' },
} satisfies Partial<Model>;

/** Refuses a forced tool choice. */
const unforced = { choices: ['auto', 'none'] } satisfies Partial<Quirks>;
const anthropic55 = anthropic({
  price: claudeAtAnthropic,
  // Source as for the prices: supportsMidConvoSystemMessages.
  quirks: { ...native, ...hundreds, ...unforced, midSystem: true },
});
const bedrock55 = bedrock({ price: claudeOnBedrock, quirks: { ...hundreds, ...unforced } });

const nova = {
  aliases: [],
  owner: 'amazon',
  contextWindow: 300_000,
  maxOutput: 10_000,
  sampling: 'both',
  prefill: true,
  vision: true,
  documents: true,
  thinking: null,
  bindsThinking: 'never',
  cacheMinimum: null,
  lifecycle: { status: 'active' },
} satisfies Partial<Model>;

const nova2 = {
  ...nova,
  contextWindow: 1_000_000,
  maxOutput: 64_000,
  // Prefill is documented for Nova 1 only.
  prefill: false,
  thinking: {
    accepts: ['effort'],
    off: 'yes',
    byDefault: false,
    display: 'summarized',
    efforts: ['low', 'medium', 'high'],
  },
} satisfies Partial<Model>;

const converse1 = converse({ quirks: { tag: 'thinking' } });
const converse2 = converse({});

export const models: readonly Model[] = [
  // ---- the models this server began with, under Heroku's names ----------------------------------
  {
    ...claude45,
    id: 'claude-4-5-sonnet',
    aliases: ['claude-sonnet-4-5', 'claude-sonnet-4-5-20250929'],
    released: '2025-09-29',
    endpoints: [
      anthropic45('claude-sonnet-4-5-20250929', { retires: '2026-11-30' }),
      bedrock45('anthropic.claude-sonnet-4-5-20250929-v1:0', 'us eu jp au global', {
        quirks: { schema: 'native' },
      }),
    ],
    lifecycle: { status: 'deprecated', successor: 'claude-sonnet-5-5' },
    price: claudePrice(3, 15, 0.3, 3.75),
  },
  {
    ...claude45,
    id: 'claude-4-5-haiku',
    aliases: ['claude-haiku-4-5', 'claude-haiku-4-5-20251001'],
    released: '2025-10-01',
    endpoints: [
      anthropic45('claude-haiku-4-5-20251001'),
      bedrock45('anthropic.claude-haiku-4-5-20251001-v1:0', 'us eu jp au in global', {
        regions: words('us-east-1 eu-north-1 eu-west-1 ap-northeast-1 ap-southeast-4'),
      }),
    ],
    cacheMinimum: 4096,
    lifecycle: { status: 'active' },
    price: claudePrice(1, 5, 0.1, 1.25),
  },
  {
    ...claude4,
    id: 'claude-4-sonnet',
    aliases: ['claude-sonnet-4', 'claude-sonnet-4-0', 'claude-sonnet-4-20250514'],
    released: '2025-05-14',
    endpoints: [
      anthropic3('claude-sonnet-4-20250514', { retires: '2026-06-15' }),
      bedrock3('anthropic.claude-sonnet-4-20250514-v1:0', 'us eu apac global'),
    ],
    lifecycle: { status: 'retired', successor: 'claude-sonnet-5-5' },
    price: claudePrice(3, 15, 0.3, 3.75),
  },
  {
    ...claude4,
    id: 'claude-3-7-sonnet',
    aliases: ['claude-3-7-sonnet-latest', 'claude-3-7-sonnet-20250219'],
    released: '2025-02-19',
    endpoints: [
      anthropic3('claude-3-7-sonnet-20250219', { retires: '2026-02-19' }),
      bedrock3('anthropic.claude-3-7-sonnet-20250219-v1:0', 'us apac', {
        regions: words('eu-west-2'),
        retires: '2026-07-30',
      }),
    ],
    // Still served in eu-west-2 and ap-south-1.
    lifecycle: { status: 'retired', successor: 'claude-sonnet-5-5' },
    price: claudePrice(3, 15, 0.3, 3.75),
  },
  {
    ...claude3,
    id: 'claude-3-5-sonnet',
    aliases: ['claude-3-5-sonnet-latest', 'claude-3-5-sonnet-20241022'],
    released: '2024-10-22',
    endpoints: [
      anthropic3('claude-3-5-sonnet-20241022', { retires: '2025-10-28' }),
      bedrock3('anthropic.claude-3-5-sonnet-20241022-v2:0', 'us apac', { retires: '2026-07-30' }),
    ],
    maxOutput: 8192,
    // Still served in Seoul, Mumbai and Singapore.
    lifecycle: { status: 'retired', successor: 'claude-sonnet-5-5' },
    price: claudePrice(3, 15, 0.3, 3.75),
  },
  {
    ...claude3,
    id: 'claude-3-5-haiku',
    aliases: ['claude-3-5-haiku-latest', 'claude-3-5-haiku-20241022'],
    released: '2024-10-22',
    endpoints: [
      anthropic3('claude-3-5-haiku-20241022', { retires: '2026-02-19' }),
      bedrock3('anthropic.claude-3-5-haiku-20241022-v1:0', 'us', { retires: '2026-06-19' }),
    ],
    maxOutput: 8192,
    cacheMinimum: 2048,
    lifecycle: { status: 'retired', successor: 'claude-haiku-5-5' },
    price: claudePrice(0.8, 4, 0.08, 1),
  },
  {
    ...nova,
    id: 'nova-pro',
    aliases: ['amazon-nova-pro', 'amazon.nova-pro-v1:0'],
    released: '2024-12-03',
    endpoints: [
      converse1('amazon.nova-pro-v1:0', 'us eu apac', {
        regions: words('us-east-1 eu-west-2 ap-southeast-2 ap-southeast-3 me-central-1'),
        price: novaPlaces({
          apac: price(0.84, 3.36, 0.21, 0.84),
          eu: price(0.92, 3.68, 0.23, 0.92),
        }),
      }),
    ],
    price: price(0.8, 3.2, 0.2, 0.8),
  },
  {
    ...nova,
    id: 'nova-lite',
    aliases: ['amazon-nova-lite', 'amazon.nova-lite-v1:0'],
    released: '2024-12-03',
    endpoints: [
      converse1('amazon.nova-lite-v1:0', 'us eu apac ca', {
        regions: words('us-east-1 us-east-2 us-west-2 eu-west-2 ap-southeast-2 ap-southeast-3 me-central-1'),
        price: novaPlaces({
          apac: price(0.063, 0.252, 0.01575, 0.063),
          ca: price(0.064, 0.256, 0.016, 0.064),
          eu: price(0.069, 0.276, 0.01725, 0.069),
        }),
      }),
    ],
    price: price(0.06, 0.24, 0.015, 0.06),
  },

  // ---- newer Claude -----------------------------------------------------------------------------
  {
    ...claude55,
    id: 'claude-sonnet-5-5',
    released: '2026-09-28',
    endpoints: [
      anthropic55('claude-sonnet-5-5'),
      bedrock55('anthropic.claude-sonnet-5-5', 'us eu au global'),
    ],
    thinking: adaptiveThinking('no', true, ['adaptive', 'between_tools']),
    price: claudePrice(2, 10, 0.1, 2.5),
  },
  {
    ...claude55,
    id: 'claude-opus-5-5',
    released: '2026-09-22',
    endpoints: [anthropic55('claude-opus-5-5'), bedrock55('anthropic.claude-opus-5-5', 'us eu jp au global')],
    price: claudePrice(4, 20, 0.2, 5),
  },
  {
    ...claude55,
    id: 'claude-haiku-5-5',
    released: '2026-10-07',
    endpoints: [
      anthropic55('claude-haiku-5-5', { quirks: { choices: messagesQuirks.choices } }),
      bedrock55('anthropic.claude-haiku-5-5', 'us eu jp au global', {
        quirks: { choices: messagesQuirks.choices },
      }),
    ],
    thinking: adaptiveThinking('up-to-high', true),
    price: {
      ...claudePrice(0.1, 0.5, 0.01, 0.125),
      long: { above: 100_000, ...claudePrice(0.5, 2.5, 0.05, 0.625) },
    },
  },
  {
    ...claude55,
    id: 'claude-fable-5-2',
    bindsThinking: 'always',
    released: '2026-11-09',
    endpoints: [anthropic55('claude-fable-5-2'), bedrock55('anthropic.claude-fable-5-2', 'us global')],
    price: claudePrice(8, 40, 0.2, 10),
  },
  {
    ...claude55,
    id: 'claude-fable-5-1',
    released: '2026-09-01',
    endpoints: [anthropic55('claude-fable-5-1'), bedrock55('anthropic.claude-fable-5-1', 'us global')],
    price: claudePrice(10, 50, 0.25, 12.5),
  },
  {
    ...claude55,
    id: 'claude-fable-5',
    bindsThinking: 'never',
    released: '2026-06-09',
    endpoints: [anthropic55('claude-fable-5'), bedrock55('anthropic.claude-fable-5', 'us eu global')],
    cacheMinimum: 2048,
    lifecycle: { status: 'legacy' },
    price: claudePrice(10, 50, 1, 12.5),
  },
  {
    ...claude5,
    id: 'claude-opus-5',
    released: '2026-07-24',
    endpoints: [
      anthropic46('claude-opus-5', { quirks: { midSystem: true } }),
      bedrock46('anthropic.claude-opus-5', 'us eu jp au in global'),
    ],
    thinking: adaptiveThinking('up-to-high', true),
    cacheMinimum: 512,
    price: claudePrice(5, 25, 0.5, 6.25),
  },
  {
    ...claude5,
    id: 'claude-sonnet-5',
    released: '2026-06-30',
    endpoints: [
      anthropic46('claude-sonnet-5'),
      bedrock46('anthropic.claude-sonnet-5', 'us eu jp au in global', {
        regions: words('us-east-1 eu-north-1 eu-west-1 ap-southeast-4'),
        quirks: { forcingNeedsThinkingOff: true },
      }),
    ],
    price: claudePrice(2, 10, 0.2, 2.5),
  },
  {
    ...claude47,
    id: 'claude-opus-4-8',
    released: '2026-05-28',
    endpoints: [
      anthropic46('claude-opus-4-8', { quirks: { midSystem: true } }),
      bedrock46('anthropic.claude-opus-4-8', 'us eu jp au global', {
        regions: words('us-east-1 eu-north-1 eu-west-1 ap-northeast-1 ap-southeast-4'),
      }),
    ],
    cacheMinimum: 4096,
    price: claudePrice(5, 25, 0.5, 6.25),
  },
  {
    ...claude47,
    id: 'claude-opus-4-7',
    released: '2026-01-01',
    endpoints: [
      anthropic46('claude-opus-4-7'),
      bedrock46('anthropic.claude-opus-4-7', 'us eu jp au global', {
        regions: words('us-east-1 eu-north-1 eu-west-1 ap-southeast-4'),
      }),
    ],
    price: claudePrice(5, 25, 0.5, 6.25),
  },
  {
    ...claude46,
    id: 'claude-opus-4-6',
    released: '2026-01-01',
    endpoints: [
      anthropic46('claude-opus-4-6'),
      bedrock46('anthropic.claude-opus-4-6-v1', 'us eu au global', {
        regions: words('eu-west-2'),
        quirks: { schema: 'native' },
      }),
    ],
    lifecycle: { status: 'legacy' },
    price: claudePrice(5, 25, 0.5, 6.25),
  },
  {
    ...claude46,
    id: 'claude-sonnet-4-6',
    // Heroku's name.
    aliases: ['claude-4-6-sonnet'],
    released: '2026-02-17',
    endpoints: [
      anthropic46('claude-sonnet-4-6'),
      bedrock46('anthropic.claude-sonnet-4-6', 'us eu jp au global', { regions: words('eu-west-2') }),
    ],
    cacheMinimum: 2048,
    lifecycle: { status: 'legacy' },
    price: claudePrice(3, 15, 0.3, 3.75),
  },
  {
    ...claude45,
    id: 'claude-opus-4-5',
    aliases: ['claude-opus-4-5-20251101'],
    released: '2025-11-01',
    endpoints: [
      anthropic45('claude-opus-4-5-20251101'),
      bedrock45('anthropic.claude-opus-4-5-20251101-v1:0', 'us eu global', { quirks: { schema: 'native' } }),
    ],
    cacheMinimum: 4096,
    lifecycle: { status: 'active' },
    price: claudePrice(5, 25, 0.5, 6.25),
  },
  {
    ...claude4,
    id: 'claude-opus-4-1',
    aliases: ['claude-opus-4-1-20250805'],
    released: '2025-08-05',
    endpoints: [
      anthropic3('claude-opus-4-1-20250805', { retires: '2026-08-05', quirks: native }),
      bedrock3('anthropic.claude-opus-4-1-20250805-v1:0', 'us', { retires: '2027-01-08' }),
    ],
    maxOutput: 32_000,
    sampling: 'exclusive',
    lifecycle: { status: 'retired', successor: 'claude-opus-5-5' },
    price: claudePrice(15, 75, 1.5, 18.75),
  },
  {
    ...claude4,
    id: 'claude-opus-4',
    aliases: ['claude-opus-4-0', 'claude-opus-4-20250514'],
    released: '2025-05-14',
    endpoints: [
      anthropic3('claude-opus-4-20250514', { retires: '2026-06-15' }),
      bedrock3('anthropic.claude-opus-4-20250514-v1:0', 'us'),
    ],
    maxOutput: 32_000,
    lifecycle: { status: 'retired', successor: 'claude-opus-5-5' },
    price: claudePrice(15, 75, 1.5, 18.75),
  },

  // ---- newer Nova -------------------------------------------------------------------------------
  {
    ...nova,
    id: 'nova-micro',
    aliases: ['amazon-nova-micro', 'amazon.nova-micro-v1:0'],
    released: '2024-12-03',
    endpoints: [
      converse1('amazon.nova-micro-v1:0', 'us eu apac', {
        price: novaPlaces({
          apac: price(0.037, 0.148, 0.00925, 0.037),
          eu: price(0.04, 0.16, 0.01, 0.04),
        }),
      }),
    ],
    contextWindow: 128_000,
    vision: false,
    documents: false,
    price: price(0.035, 0.14, 0.00875, 0.035),
  },
  {
    ...nova2,
    id: 'nova-2-lite',
    aliases: ['amazon-nova-2-lite', 'amazon.nova-2-lite-v1:0'],
    released: '2025-12-02',
    endpoints: [
      converse2('amazon.nova-2-lite-v1:0', 'us eu jp global', {
        // Source as for the prices of Nova 1.
        price: {
          global: price(0.3, 2.5, 0.075, 0.3),
          us: price(0.33, 2.75, 0.0825, 0.33),
          eu: price(0.374, 3.157, 0.0935, 0.374),
          jp: price(0.396, 3.311, 0.099, 0.396),
        },
      }),
    ],
    // Bedrock's own refusal names it; model lists say 64,000.
    maxOutput: 65_535,
    price: price(0.3, 2.5, 0.075, 0.3),
    // github.com/aws-solutions-library-samples/accelerated-intelligent-document-processing-on-aws config_library/pricing.yaml
    tierFactors: { flex: 0.5, priority: 1.75 },
  },
  {
    ...nova2,
    id: 'nova-2-pro',
    aliases: ['amazon-nova-2-pro', 'amazon.nova-2-pro-preview-20251202-v1:0'],
    released: '2025-12-02',
    endpoints: [converse2('amazon.nova-2-pro-preview-20251202-v1:0', 'us eu apac')],
    lifecycle: { status: 'preview' },
    // BerriAI/litellm model_prices_and_context_window.json, which has no price of writes into the cache.
    price: price(2.19, 17.5, 0.547),
  },
];

const unlistedClaude = (id: string): Model => ({
  ...claude55,
  id,
  released: '2026-11-22',
  endpoints: [anthropic55(id, { price: undefined })],
  maxOutput: Number.POSITIVE_INFINITY,
  price: null,
});

/**
 * The row for a `claude-*` id that no row lists: the newest family's rules, and no ceiling of ours,
 * so that a model released tomorrow works the day after. Only the Anthropic API is asked.
 */
export const unlistedModel = (id: string): Model | undefined =>
  /^claude-[a-z0-9-]{1,60}$/.test(id) ? unlistedClaude(id) : undefined;
