/**
 * Which models this deployment serves, under which names, and where: the rows of rows.ts, the
 * operator's MODELS_FILE and MODEL_ALIASES, and the upstreams that are configured.
 */

import type { UpstreamName } from '../core/chat.ts';
import { ConfigError } from '../core/errors.ts';
import { writtenAlike } from './alike.ts';
import { regionalId } from './bedrock-regions.ts';
import type { Endpoint, Model } from './model.ts';
import { longestName, type ModelName, readModelName } from './model-names.ts';
import { applyOverride, type ModelOverride } from './overrides.ts';
import { models, unlistedModel } from './rows.ts';
import { startNotices } from './start-notices.ts';
import { adviceFor, notServed } from './unserved-models.ts';
import { hasRegions, inOrder, upstreamOf } from './upstreams.ts';

/** A model at one of its endpoints, under the id that is asked for there. */
export interface Target {
  readonly model: Model;
  /** On rows that bind thinking, how its prompts are written is levelled over all endpoints (alike.ts). */
  readonly endpoint: Endpoint;
  /** The endpoint, as settings, headers, log and metrics call it. */
  readonly upstream: UpstreamName;
  readonly modelId: string;
  /** The AWS region that is asked, at Bedrock. */
  readonly region?: string | undefined;
}

export interface Catalogue {
  /**
   * The row for a public id, an alias, or what else a client may call the model (model-names.ts). Where the name
   * says what Bedrock is to be asked for, a row with that id alone. Throws 404 `model_not_found`.
   */
  resolve(id: string): Model;
  /** As `resolve`, and undefined where that throws. */
  find(id: string): Model | undefined;
  /** For a model that no row lists, should its upstream not know it either: what may have been meant. */
  advice(model: Model): readonly string[];
  /** Where to ask, best first; never empty for a resolved model. */
  targets(model: Model): readonly Target[];
  /** The rows that the configured upstreams can be asked for. */
  list(): readonly Model[];
  /** Public names that point to the row, its own aliases and the operator's. */
  aliases(model: Model): readonly string[];
  /** When the model ends there, as an ISO day, if that is over or within 60 days. */
  sunset(target: Target): string | undefined;
  /** A model that can be recommended: active, and not about to end where it is asked first. */
  example(): Model | undefined;
  /** For the operator at start: what is retired or soon will be, and what may leave the region's geography. */
  warnings(): readonly string[];
}

interface Options {
  /** Configured upstreams, in the order in which rows are asked; endpoints listed in MODELS_FILE have their own. */
  readonly upstreams: readonly UpstreamName[];
  /** The AWS region, which decides the inference profile. */
  readonly region: string | undefined;
  /** Whether Bedrock's global profiles may be used, where the region's geography has none; true if absent. */
  readonly allowGlobal?: boolean | undefined;
  readonly aliases: Readonly<Record<string, string>>;
  /** Rows from MODELS_FILE, checked by `parseModelsFile`. */
  readonly overrides: readonly ModelOverride[];
  readonly now: () => Date;
}

const sixtyDays = 60 * 24 * 3600 * 1000;

const isGlobal = ({ bedrockId = '', geography }: ModelName): boolean =>
  geography === 'global' || /(^|\/)global\./.test(bedrockId);

/** A row that is asked for at Bedrock alone, under that id. */
const pinned = (row: Model, bedrockId: string): Model => ({
  ...row,
  endpoints: row.endpoints
    .filter(hasRegions)
    .map((endpoint) => ({ ...endpoint, id: bedrockId, profiles: undefined, regions: undefined })),
});

const bedrockIdOf = ({ endpoints }: Model): string | undefined => endpoints.find(hasRegions)?.id;

export const createCatalogue = ({
  upstreams,
  region = '',
  allowGlobal = true,
  aliases,
  overrides,
  now,
}: Options): Catalogue => {
  const rows = new Map(
    models.map((model) => [model.id, { ...model, endpoints: inOrder(model.endpoints, upstreams) }]),
  );
  for (const override of overrides) applyOverride(rows, override, upstreams);

  // Aliases first, ids over them, the operator's word over both.
  const byName = new Map<string, Model>();
  for (const model of rows.values()) for (const alias of model.aliases) byName.set(alias, model);
  for (const model of rows.values()) byName.set(model.id, model);

  const byBedrockId = new Map<string, Model>();
  for (const model of [...rows.values()].reverse()) {
    const id = bedrockIdOf(model);
    if (id !== undefined) byBedrockId.set(id, model);
  }

  const rowOf = ({ spellings }: ModelName): Model | undefined => {
    for (const spelling of spellings) {
      const row = byName.get(spelling) ?? byBedrockId.get(spelling);
      if (row !== undefined) return row;
    }
    return undefined;
  };

  /** A model that is newer than this list of rows; Bedrock's ids need a row that says how to ask. */
  const unlisted = ({ spellings, bedrockId, geography, isBedrockForm }: ModelName): Model | undefined => {
    if (isBedrockForm || bedrockId !== undefined || geography !== undefined) return undefined;
    return spellings.map(unlistedModel).find((row) => row !== undefined);
  };

  const lookUp = (id: string): Model | undefined => {
    const known = byName.get(id) ?? byBedrockId.get(id);
    if (known !== undefined || id.length > longestName) return known;
    const name = readModelName(id);
    const row = rowOf(name);
    if (row === undefined) return unlisted(name);
    if (name.bedrockId !== undefined) return pinned(row, name.bedrockId);
    if (name.geography !== undefined) return pinned(row, `${name.geography}.${bedrockIdOf(row) ?? row.id}`);
    return row;
  };
  /** The operator's own names may lead to a global profile all the same; a client's do not overrule the setting. */
  const isKeptOut = (id: string): boolean =>
    !allowGlobal &&
    !byName.has(id) &&
    !byBedrockId.has(id) &&
    isGlobal(readModelName(id.slice(0, longestName)));

  for (const [alias, id] of Object.entries(aliases)) {
    const model = lookUp(id);
    if (model === undefined)
      throw new ConfigError([`MODEL_ALIASES: '${alias}' points to the unknown model '${id}'`]);
    byName.set(alias, model);
  }

  const isRetired = ({ endpoint: { retires } }: Target): boolean =>
    retires !== undefined && Date.parse(retires) <= now().getTime();

  const reachable = (model: Model): readonly Target[] => {
    const all = model.endpoints
      .filter((endpoint) => upstreams.includes(upstreamOf(endpoint)))
      .map((endpoint) => ({
        model,
        endpoint,
        upstream: upstreamOf(endpoint),
        ...(hasRegions(endpoint)
          ? { modelId: regionalId(endpoint, region, allowGlobal).id, region }
          : { modelId: endpoint.id }),
      }));
    return writtenAlike(model, all);
  };
  // Rows do not change; ids that are made up on the way in are not kept.
  const reachableRows = new Map([...new Set(byName.values())].map((model) => [model, reachable(model)]));

  const targets = (model: Model): readonly Target[] => {
    const all = reachableRows.get(model) ?? reachable(model);
    if (!all.some(isRetired)) return all;
    // A retired id is asked for last, where it may live on: dates can be wrong.
    return [...all.filter((target) => !isRetired(target)), ...all.filter(isRetired)];
  };

  const list = () => {
    // An id that the operator has pointed elsewhere is shown with the facts of the row that answers to it.
    const listed = [...rows.values()].map((row): Model => ({ ...(byName.get(row.id) ?? row), id: row.id }));
    const unlisted = new Set([...byName.values()].filter((model) => !rows.has(model.id)));
    return [...listed, ...unlisted].filter((model) => targets(model).length > 0);
  };

  const namesFor = (model: Model) =>
    [...byName].filter(([name, row]) => row.id === model.id && name !== model.id).map(([name]) => name);

  const sunset = ({ endpoint: { retires } }: Target): string | undefined =>
    retires !== undefined && Date.parse(retires) - now().getTime() <= sixtyDays ? retires : undefined;

  const example = () =>
    list().find((model) => {
      const [first] = targets(model);
      return model.lifecycle.status === 'active' && first !== undefined && sunset(first) === undefined;
    });

  const served = (id: string): Model | undefined => {
    const model = lookUp(id);
    return model !== undefined && targets(model).length > 0 && !isKeptOut(id) ? model : undefined;
  };

  const servedNames = () => [...byName].filter(([, row]) => targets(row).length > 0);

  return {
    advice: ({ id }) => (rows.has(id) ? [] : adviceFor(id, { names: servedNames(), example: example()?.id })),
    targets,
    list,
    aliases: namesFor,
    sunset,
    example,
    find: served,
    resolve: (id) => {
      const found = served(id);
      if (found !== undefined) return found;
      throw notServed(id, lookUp(id), {
        names: servedNames(),
        isListed: (row) => rows.has(row.id),
        example: example()?.id,
        isKeptOut: isKeptOut(id),
      });
    },
    warnings: () => startNotices({ list, targets, sunset }, { region, allowGlobal }),
  };
};
