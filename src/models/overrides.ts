/** MODELS_FILE: the operator's rows, checked, and laid over those of rows.ts. */

import { z } from 'zod';
import { ConfigError } from '../core/errors.ts';
import { type Endpoint, endpointAtUpstream, type Model, modelEntrySchema } from './model.ts';
import { endpointAt, models } from './rows.ts';
import { inOrder, upstreamNames, upstreamOf, upstreams } from './upstreams.ts';

const idSchema = z.union([
  z.string().min(1),
  z.strictObject({
    id: z.string().min(1),
    profiles: z.array(z.string()).default([]),
    regions: z.array(z.string()).default([]),
  }),
]);

/** Short for `endpoints` where nothing but the ids is said; those not named stay, but in a new row. */
const idsSchema = z.partialRecord(z.enum(upstreamNames), idSchema).superRefine((ids, context) => {
  for (const name of upstreamNames) {
    if (typeof ids[name] !== 'object' || upstreams[name].hasRegions) continue;
    const message = 'must be the id alone: there are no profiles and regions at this upstream';
    context.addIssue({ code: 'custom', path: [name], message });
  }
});

const overrideSchema = modelEntrySchema.extend({ ids: idsSchema.optional() });

export type ModelOverride = z.infer<typeof overrideSchema>;

/** What was a fact of the row before its endpoints had quirks. */
const moved: Readonly<Record<string, string>> = {
  midSystem: 'endpoints[].quirks.midSystem',
  forcedToolChoice: 'endpoints[].quirks.choices',
  jsonSchema: 'endpoints[].quirks.schema',
  maxImages: 'endpoints[].quirks.media.images',
  retires: 'endpoints[].retires',
};

const describeIssue = (issue: z.core.$ZodIssue): string => {
  const known =
    issue.code === 'unrecognized_keys' ? issue.keys.filter((key) => Object.hasOwn(moved, key)) : [];
  const hints = known.map((key) => `; '${key}' is now ${moved[key]}`);
  const path = issue.path.length === 0 ? '' : `[${issue.path.join('.')}] `;
  return `${path}${issue.message}${hints.join('')}`;
};

/**
 * Checks the parsed content of MODELS_FILE: a list of rows, each naming a known `id` to change or a new
 * one with `like`. Throws an Error in plain words.
 */
export const parseModelsFile = (content: unknown): readonly ModelOverride[] => {
  const result = z.array(overrideSchema).safeParse(content);
  if (!result.success) throw new Error(result.error.issues.map(describeIssue).join('; '));
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

type Given<T> = { readonly [Name in keyof T]?: Exclude<T[Name], undefined> };

const given = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Given<T>;

/** The ids of an entry instead of those at the same upstreams, without an order of their own. */
const withIds = (
  base: readonly Endpoint[],
  ids: z.infer<typeof idsSchema>,
  isNew: boolean,
): readonly Endpoint[] =>
  upstreamNames.flatMap((upstream): readonly Endpoint[] => {
    const asked = ids[upstream];
    const known = endpointAtUpstream({ endpoints: base }, upstream);
    if (asked === undefined) return known === undefined || isNew ? [] : [known];
    const place = typeof asked === 'string' ? { id: asked } : asked;
    return [
      {
        ...(known ?? endpointAt(upstream, place.id)),
        ...{ profiles: undefined, regions: undefined },
        ...place,
      },
    ];
  });

/** The endpoints of an entry, in its order; what one does not say is as at the same place of the row it changes. */
const withEndpoints = (
  base: readonly Endpoint[],
  asked: NonNullable<ModelOverride['endpoints']>,
): readonly Endpoint[] =>
  asked.map(({ quirks = {}, ...facts }) => {
    const upstream = upstreamOf(facts);
    const known = endpointAtUpstream({ endpoints: base }, upstream) ?? endpointAt(upstream, facts.id);
    return {
      ...known,
      ...{ profiles: undefined, regions: undefined },
      ...given(facts),
      quirks: { ...known.quirks, ...given(quirks) },
    };
  });

/**
 * Changes the row an entry names, or adds one in the likeness of another. `upstreams`: in the configured order. Throws
 * ConfigError for an unknown row.
 */
export const applyOverride = (
  rows: Map<string, Model>,
  { like, ids, endpoints, ...facts }: ModelOverride,
  upstreams: readonly string[],
): void => {
  const base = rows.get(like ?? facts.id);
  if (base === undefined) throw new ConfigError([`MODELS_FILE: no row '${like ?? facts.id}'`]);
  // A price in the file holds wherever the model runs; those of other tiers are not known from it.
  const listed =
    facts.price === undefined
      ? base.endpoints
      : base.endpoints.map((endpoint) => ({ ...endpoint, price: undefined }));
  const named = ids === undefined ? listed : inOrder(withIds(listed, ids, like !== undefined), upstreams);
  rows.set(facts.id, {
    ...base,
    ...(like === undefined ? {} : { aliases: [] }),
    ...(facts.price === undefined ? {} : { tierFactors: undefined }),
    ...given(facts),
    endpoints: endpoints === undefined ? named : withEndpoints(named, endpoints),
  });
};
