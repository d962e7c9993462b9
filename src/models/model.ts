/**
 * What is known of a model: its own facts, and the endpoints that serve it with theirs. Stated once, as a schema: the
 * rows (rows.ts) are of its type, and MODELS_FILE (overrides.ts) is read with it.
 */

import { z } from 'zod';
import type { Effort, ServiceTier } from '../core/chat.ts';
import { findUpstream, type Provider, protocols, providers, upstreamOf } from './upstreams.ts';

/** ISO date, `YYYY-MM-DD`. */
const day = z.iso.date();
const tokens = z.int().positive();
const names = z.array(z.string()).readonly();
const usd = z.number().min(0);

const listOf = <const Value extends string>(...values: readonly [Value, ...Value[]]) =>
  z.array(z.enum(values)).readonly();

const efforts = ['minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const satisfies readonly Effort[];
const tiers = ['default', 'flex', 'priority'] as const satisfies readonly ServiceTier[];

const thinkingSchema = z
  .strictObject({
    /** The request forms that are accepted. `effort` is Nova 2's `reasoningConfig`. */
    accepts: listOf('budget', 'adaptive', 'between_tools', 'effort'),
    /** Whether thinking can be switched off: never, always, or only at an effort of `high` and below. */
    off: z.enum(['yes', 'no', 'up-to-high']),
    /** Whether the model thinks when the request says nothing. */
    byDefault: z.boolean(),
    /** What a thinking block holds when the request says nothing: readable text, or a signature alone. */
    display: z.enum(['summarized', 'omitted']),
    /** Effort levels that are taken, lowest first. */
    efforts: listOf(...efforts),
  })
  .readonly();

export type ThinkingAbility = z.infer<typeof thinkingSchema>;

const rates = {
  input: usd,
  output: usd,
  cacheRead: usd,
  /** For five minutes; absent: not known. */
  cacheWrite: usd.optional(),
  /** For an hour; absent: not known, or there is none. */
  cacheWrite1h: usd.optional(),
};

const ratesSchema = z.strictObject(rates).readonly();

/** USD per million tokens. */
export type Rates = z.infer<typeof ratesSchema>;

const priceSchema = z
  .strictObject({
    ...rates,
    /** Prices for every token of a request whose prompt is longer than `above` tokens. */
    long: z
      .strictObject({ above: tokens, ...rates })
      .readonly()
      .optional(),
  })
  .readonly();

export type Price = z.infer<typeof priceSchema>;

/**
 * Prices by where a model runs: the geography of Bedrock's inference profile (`us`, `global`, ...), for a bare id its
 * region or `regional`, at the Anthropic API its `inference_geo`. A number is a factor of the list price. A place that
 * is not named has no known price.
 */
const priceByPlaceSchema = z.record(z.string(), z.union([priceSchema, z.number().positive()])).readonly();

export type PriceByPlace = z.infer<typeof priceByPlaceSchema>;

/** Images and documents: bytes, characters of base64, pixels a side, and how many. */
const mediaLimitsSchema = z
  .strictObject({
    imageBytes: tokens.optional(),
    imageBase64: tokens.optional(),
    imageSide: tokens,
    /** In a request with more than `above` images. */
    manyImages: z.strictObject({ above: tokens, side: tokens }).readonly().optional(),
    images: tokens,
    /** What `images` and `documents` count in. */
    per: z.enum(['request', 'message']),
    documents: tokens.optional(),
    documentBytes: tokens.optional(),
  })
  .readonly();

export type MediaLimits = z.infer<typeof mediaLimitsSchema>;

/** What differs between endpoints in how they have to be asked, and in what they answer. */
const quirkFields = {
  /** Forms of `tool_choice` that are taken; a call cannot be forced without `any`. */
  choices: listOf('auto', 'any', 'tool', 'none'),
  /** Forcing a call is taken only once thinking, on by default, is switched off. */
  forcingNeedsThinkingOff: z.boolean(),
  /** Whether it can be asked to call one tool at a time. */
  singleCalls: z.boolean(),
  /** Whether decoding can be bound to a tool's schema. */
  strictTools: z.boolean(),
  /** What brings about an answer of a JSON schema: the upstream's own format, or a tool that has to be called. */
  schema: z.enum(['native', 'tool']),
  /** Schemas go whole, in the draft of 2020-12, and have to be well formed; or they are reduced to what is taken. */
  schemas: z.enum(['whole', 'reduced']),
  /**
   * What a call's id may hold, 64 characters at most: letters, digits, `_` and `-`; `wide`: dots and colons as well,
   * which Converse takes (its own models' calls are named `functions.lookup:0`). Others are replaced by a digest.
   */
  callIds: z.enum(['narrow', 'wide']),
  /** Reasoning of earlier turns: signed blocks go back as they were, or none does. */
  replay: z.enum(['signed', 'never']),
  /** Sampling beside thinking: a `top_p` near 1 alone, or everything but at the highest effort. */
  thinkingSampling: z.enum(['high-top-p', 'below-high']),
  /** The tag in the text whose content is reasoning, where the request has tools. */
  tag: z.string().min(1).nullable(),
  /** Whether system messages may stand in mid-conversation. */
  midSystem: z.boolean(),
  /** Whether the request has to name the cap on output tokens; where not, the upstream has a default of its own. */
  needsMaxTokens: z.boolean(),
  /** Whether the user stands for all metadata. */
  userOnly: z.boolean(),
  /** Service tiers that can be asked for. */
  serviceTiers: listOf(...tiers),
  /** Betas that are sent: whichever the client names, those on our list (betas.ts), or none. */
  betas: z.enum(['any', 'listed', 'none']),
  /** Whether cache breakpoints may be set unasked. */
  automaticCaching: z.boolean(),
  /** Whether a cache entry can live an hour. */
  longCaching: z.boolean(),
  /** Whether a breakpoint can stand beside the messages, for the prompt as a whole. */
  wholeCaching: z.boolean(),
  /** Whether https URLs of images are fetched by the upstream itself. */
  imageUrls: z.boolean(),
  media: mediaLimitsSchema,
};

const quirksSchema = z.strictObject(quirkFields).readonly();

export type Quirks = z.infer<typeof quirksSchema>;
export type CallIdRule = Quirks['callIds'];

const endpointFields = {
  provider: z.enum(providers),
  protocol: z.enum(protocols),
  /** The model's id there. */
  id: z.string().min(1),
  /**
   * At Bedrock: geographies that have a cross-region inference profile for it (`us`, `global`, ...). Without profiles
   * and regions, the id is asked for as it stands.
   */
  profiles: names.optional(),
  /** Regions that serve the id itself, without a profile. Most newer models are served by profiles alone. */
  regions: names.optional(),
  /** Where prices there are not the list price. */
  price: priceByPlaceSchema.optional(),
  /** The announced end, where one is known. */
  retires: day.optional(),
};

const endpointSchema = z.strictObject({ ...endpointFields, quirks: quirksSchema }).readonly();

export type Endpoint = z.infer<typeof endpointSchema>;

const factFields = {
  aliases: z.array(z.string().min(1)).readonly(),
  /** Who made it, as `owned_by` in /v1/models. */
  owner: z.string().min(1),
  /** Where only the year is known, its first day. */
  released: day,
  contextWindow: tokens,
  /** Infinity: not known, the upstream decides. */
  maxOutput: tokens,
  /** Whether temperature, top_p and top_k are taken; `exclusive`: temperature or top_p, not both. */
  sampling: z.enum(['none', 'exclusive', 'both']),
  /** Whether the conversation may end with the beginning of the answer. */
  prefill: z.boolean(),
  vision: z.boolean(),
  documents: z.boolean(),
  thinking: thinkingSchema.nullable(),
  /**
   * Whether a thinking block is refused where what stood before it has changed: never, for accounts made since 2026-08-31,
   * or always. (platform.claude.com "Preserved thinking")
   */
  bindsThinking: z.enum(['never', 'new-accounts', 'always']),
  /** Prefix length in tokens below which caching does nothing; null: not known, or automatic. */
  cacheMinimum: tokens.nullable(),
  lifecycle: z
    .strictObject({
      status: z.enum(['active', 'legacy', 'deprecated', 'retired', 'preview']),
      successor: z.string().optional(),
    })
    .readonly(),
  /** The list price: what it costs wherever the endpoint does not say otherwise; null: not known. */
  price: priceSchema.nullable(),
  /** Prices of other service tiers, as factors. A tier that is not named has no known price. */
  tierFactors: z.record(z.string(), z.number()).readonly().optional(),
};

export const modelSchema = z
  .strictObject({ id: z.string().min(1), ...factFields, endpoints: z.array(endpointSchema).readonly() })
  .readonly();

/** `endpoints` in the order in which they are asked: CLAUDE_UPSTREAMS puts those of rows.ts into its own (catalogue.ts). */
export type Model = z.infer<typeof modelSchema>;

/** A row of MODELS_FILE: what it does not say is as in the row it changes or resembles. */
export const modelEntrySchema = z.strictObject({
  id: z.string().min(1),
  /** The row whose facts are taken where this entry gives none; needed for a new id. */
  like: z.string().optional(),
  ...z.strictObject(factFields).partial().shape,
  endpoints: z
    .array(
      z
        .strictObject({ ...endpointFields, quirks: z.strictObject(quirkFields).partial().optional() })
        .refine((kind) => findUpstream(kind) !== undefined, {
          path: ['protocol'],
          error: ({ input }) =>
            `is not spoken by the provider '${(input as { provider: Provider }).provider}'`,
        }),
    )
    .min(1)
    .optional(),
});

export const endpointAtUpstream = (
  { endpoints }: Pick<Model, 'endpoints'>,
  upstream: string,
): Endpoint | undefined => endpoints.find((endpoint) => upstreamOf(endpoint) === upstream);
