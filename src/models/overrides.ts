/** MODELS_FILE: the operator's rows, checked, and laid over those of models.ts. */

import { z } from 'zod';
import { ConfigError } from '../core/errors.ts';
import { type BedrockId, type Model, models } from './rows.ts';

const day = z.iso.date();
const tokens = z.int().positive();
const bedrockId = z.union([
  z.string().min(1),
  z.strictObject({
    id: z.string().min(1),
    profiles: z.array(z.string()).default([]),
    regions: z.array(z.string()).default([]),
  }),
]);

const overrideSchema = z.strictObject({
  id: z.string().min(1),
  /** The row whose facts are taken where this entry gives none; needed for a new id. */
  like: z.string().optional(),
  aliases: z.array(z.string().min(1)).optional(),
  ids: z
    .strictObject({
      anthropic: z.string().min(1).optional(),
      bedrock: bedrockId.optional(),
      'bedrock-converse': bedrockId.optional(),
    })
    .optional(),
  contextWindow: tokens.optional(),
  maxOutput: tokens.optional(),
  sampling: z.enum(['none', 'exclusive', 'both']).optional(),
  prefill: z.boolean().optional(),
  midSystem: z.boolean().optional(),
  vision: z.boolean().optional(),
  documents: z.boolean().optional(),
  forcedToolChoice: z.boolean().optional(),
  jsonSchema: z.strictObject({ anthropic: z.boolean(), bedrock: z.boolean() }).optional(),
  maxImages: tokens.optional(),
  cacheMinimum: tokens.nullable().optional(),
  lifecycle: z
    .strictObject({
      status: z.enum(['active', 'legacy', 'deprecated', 'retired', 'preview']),
      retires: z
        .strictObject({
          anthropic: day.optional(),
          bedrock: day.optional(),
          'bedrock-converse': day.optional(),
        })
        .optional(),
      successor: z.string().optional(),
    })
    .optional(),
  price: z
    .strictObject({
      input: z.number().min(0),
      output: z.number().min(0),
      cacheRead: z.number().min(0),
      cacheWrite: z.number().min(0),
      cacheWrite1h: z.number().min(0).optional(),
    })
    .nullable()
    .optional(),
});

export type ModelOverride = z.infer<typeof overrideSchema>;

/**
 * Checks the parsed content of MODELS_FILE: a list of rows, each naming a known `id` to change or a new
 * one with `like`. Throws an Error in plain words.
 */
export const parseModelsFile = (content: unknown): readonly ModelOverride[] => {
  const result = z.array(overrideSchema).safeParse(content);
  if (!result.success) {
    throw new Error(
      result.error.issues.map((issue) => `[${issue.path.join('.')}] ${issue.message}`).join('; '),
    );
  }
  const known = new Set(models.map((model) => model.id));
  for (const row of result.data) {
    const base = row.like ?? row.id;
    if (!known.has(base)) {
      throw new Error(
        `${row.id}: needs "like", the id of a known model whose facts it shares (not '${base}')`,
      );
    }
    known.add(row.id);
  }
  return result.data;
};

const dropUndefined = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Partial<T>;

const bedrockIdOf = (id: z.infer<typeof bedrockId>): BedrockId =>
  typeof id === 'string' ? { id, profiles: [] } : id;

/** Changes the row an entry names, or adds one in the likeness of another. Throws ConfigError for an unknown row. */
export const applyOverride = (rows: Map<string, Model>, { like, ids, ...facts }: ModelOverride): void => {
  const base = rows.get(like ?? facts.id);
  if (base === undefined) throw new ConfigError([`MODELS_FILE: no row '${like ?? facts.id}'`]);
  rows.set(facts.id, {
    ...base,
    ...(like === undefined ? {} : { aliases: [] }),
    ...(dropUndefined(facts) as Partial<Model>),
    // A price in the file holds wherever the model runs; those of other tiers are not known from it.
    ...(facts.price === undefined ? {} : { priceByPlace: undefined, tierFactors: undefined }),
    ids: {
      ...(like === undefined || ids === undefined ? base.ids : {}),
      ...(ids?.anthropic === undefined ? {} : { anthropic: ids.anthropic }),
      ...(ids?.bedrock === undefined ? {} : { bedrock: bedrockIdOf(ids.bedrock) }),
      ...(ids?.['bedrock-converse'] === undefined
        ? {}
        : { 'bedrock-converse': bedrockIdOf(ids['bedrock-converse']) }),
    },
  });
};
