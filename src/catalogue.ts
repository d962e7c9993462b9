/**
 * Which models this deployment serves, under which names, and where: the rows of models.ts, the
 * operator's MODELS_FILE and MODEL_ALIASES, and the upstreams that are configured.
 */

import type { UpstreamName } from './chat.ts';
import { ConfigError, unknownModel } from './errors.ts';
import { type BedrockId, type Model, models, unlistedClaude } from './models.ts';
import { applyOverride, type ModelOverride } from './models-file.ts';

/** A model at an upstream, under the id it has there. */
export interface Target {
  readonly model: Model;
  readonly upstream: UpstreamName;
  readonly modelId: string;
}

export interface Catalogue {
  /** The row for a public id or alias. Throws 404 `model_not_found`. */
  resolve(id: string): Model;
  /** Where to ask, best first; never empty for a resolved model. */
  targets(model: Model): readonly Target[];
  /** The rows that the configured upstreams can be asked for. */
  list(): readonly Model[];
  /** Public names that point to the row, its own aliases and the operator's. */
  aliases(model: Model): readonly string[];
  /** When the model ends at that upstream, as an ISO day, if that is over or within 60 days. */
  sunset(model: Model, upstream: UpstreamName): string | undefined;
  /** Sentences for the operator about models that are retired or soon will be. */
  warnings(): readonly string[];
}

interface Options {
  /** Configured upstreams, in the order of preference. */
  readonly upstreams: readonly UpstreamName[];
  /** The AWS region, which decides the inference profile. */
  readonly region: string | undefined;
  readonly aliases: Readonly<Record<string, string>>;
  /** Rows from MODELS_FILE, checked by `parseModelsFile`. */
  readonly overrides: readonly ModelOverride[];
  readonly now: () => Date;
}

/** Geographies a region belongs to, most specific first, as inference-profile prefixes. */
const geographies = (region: string): readonly string[] => {
  const [area = '', place = ''] = region.split('-');
  if (area === 'ap') {
    const country =
      region.startsWith('ap-northeast-1') || region.startsWith('ap-northeast-3')
        ? ['jp']
        : region === 'ap-southeast-2' || region === 'ap-southeast-4'
          ? ['au']
          : place === 'south'
            ? ['in']
            : [];
    return [...country, 'apac'];
  }
  return region.startsWith('us-gov') ? ['us-gov'] : [area];
};

/** The id to invoke in that region: its geography's inference profile, else the global one, else the bare id. */
const profileFor = ({ id, profiles }: BedrockId, region: string | undefined): string => {
  const prefix = [...geographies(region ?? ''), 'global'].find((each) => profiles.includes(each));
  return prefix === undefined ? id : `${prefix}.${id}`;
};

const sixtyDays = 60 * 24 * 3600 * 1000;

/** Edit distance, for "did you mean". Ids are short and the input is cut, so quadratic is fine. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
};

export const createCatalogue = ({ upstreams, region, aliases, overrides, now }: Options): Catalogue => {
  const rows = new Map(models.map((model) => [model.id, model]));
  for (const override of overrides) applyOverride(rows, override);

  // Aliases first, ids over them, the operator's word over both.
  const byName = new Map<string, Model>();
  for (const model of rows.values()) for (const alias of model.aliases) byName.set(alias, model);
  for (const model of rows.values()) byName.set(model.id, model);

  const lookUp = (id: string): Model | undefined =>
    byName.get(id) ?? (/^claude-[a-z0-9-]{1,60}$/.test(id) ? unlistedClaude(id) : undefined);
  for (const [alias, id] of Object.entries(aliases)) {
    const model = lookUp(id);
    if (model === undefined)
      throw new ConfigError([`MODEL_ALIASES: '${alias}' points to the unknown model '${id}'`]);
    byName.set(alias, model);
  }

  const retiredAt = (model: Model, upstream: UpstreamName): boolean => {
    const retires = model.lifecycle.retires?.[upstream];
    return retires !== undefined && Date.parse(retires) <= now().getTime();
  };

  const reachable = (model: Model): readonly Target[] =>
    upstreams.flatMap((upstream): Target[] => {
      const id = model.ids[upstream];
      if (id === undefined) return [];
      return [{ model, upstream, modelId: typeof id === 'string' ? id : profileFor(id, region) }];
    });
  // Rows do not change; ids that are made up on the way in are not kept.
  const reachableRows = new Map([...new Set(byName.values())].map((model) => [model, reachable(model)]));

  const targets = (model: Model): readonly Target[] => {
    const all = reachableRows.get(model) ?? reachable(model);
    if (!all.some(({ upstream }) => retiredAt(model, upstream))) return all;
    // A retired id is asked for last, where it may live on: dates can be wrong.
    return [
      ...all.filter(({ upstream }) => !retiredAt(model, upstream)),
      ...all.filter(({ upstream }) => retiredAt(model, upstream)),
    ];
  };

  const list = () => {
    // An id that the operator has pointed elsewhere is shown with the facts of the row that answers to it.
    const listed = [...rows.values()].map((row): Model => ({ ...(byName.get(row.id) ?? row), id: row.id }));
    const unlisted = new Set([...byName.values()].filter((model) => !rows.has(model.id)));
    return [...listed, ...unlisted].filter((model) => targets(model).length > 0);
  };

  const namesFor = (model: Model) =>
    [...byName].filter(([name, row]) => row.id === model.id && name !== model.id).map(([name]) => name);

  const sunset = (model: Model, upstream: UpstreamName): string | undefined => {
    const retires = model.lifecycle.retires?.[upstream];
    return retires !== undefined && Date.parse(retires) - now().getTime() <= sixtyDays ? retires : undefined;
  };

  return {
    targets,
    list,
    aliases: namesFor,
    sunset,
    resolve: (id) => {
      const model = lookUp(id);
      if (model !== undefined && targets(model).length > 0) return model;
      const asked = id.slice(0, 80).toLowerCase();
      const closest = list()
        .map((each) => ({ id: each.id, distance: distance(asked, each.id) }))
        .filter((each) => each.distance <= Math.max(3, asked.length / 3))
        .sort((a, b) => a.distance - b.distance)
        .slice(0, 3);
      throw unknownModel(
        id.slice(0, 120),
        closest.map((each) => each.id),
      );
    },
    warnings: () =>
      list().flatMap((model) =>
        targets(model).flatMap(({ upstream }) => {
          const retires = sunset(model, upstream);
          if (retires === undefined) return [];
          const { successor } = model.lifecycle;
          return [
            `${model.id} ${retiredAt(model, upstream) ? 'was retired' : 'will be retired'} at the upstream '${upstream}' on ${retires}${
              successor === undefined ? '' : `; MODEL_ALIASES=${model.id}=${successor} sends its requests on`
            }`,
          ];
        }),
      ),
  };
};
