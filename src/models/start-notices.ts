/** What the operator should know about the models when the server starts, one sentence each. */

import { type RegionalId, regionalId } from './bedrock-regions.ts';
import type { Catalogue, Target } from './catalogue.ts';
import type { Model } from './model.ts';

type Models = Pick<Catalogue, 'list' | 'targets' | 'sunset'>;

interface Place {
  readonly region: string;
  readonly allowGlobal: boolean;
}

/** Undefined at an upstream that has no regions. */
const inRegion = (target: Target, { region, allowGlobal }: Place): RegionalId | undefined =>
  target.region === undefined ? undefined : regionalId(target.endpoint, region, allowGlobal);

/** Where the model ends, and when. What the region could not serve anyway is no news. */
const endsOf = (model: Model, { targets, sunset }: Models, place: Place): readonly string[] =>
  targets(model)
    .filter((target) => inRegion(target, place)?.isServed ?? true)
    .flatMap((target) => {
      const day = sunset(target);
      return day === undefined ? [] : [`${target.upstream} ${day}`];
    });

const retirements = (models: Models, place: Place): readonly string[] => {
  const ending = models
    .list()
    .map((model) => ({ model, ends: endsOf(model, models, place) }))
    .filter(({ ends }) => ends.length > 0);
  if (ending.length === 0) return [];
  const named = ending.map(({ model, ends }) => `${model.id} (${ends.join(', ')})`).join(', ');
  const moves = ending.flatMap(({ model: { id, lifecycle } }) =>
    lifecycle.successor === undefined ? [] : [`${id}=${lifecycle.successor}`],
  );
  const advice = moves.length === 0 ? '' : `; MODEL_ALIASES=${moves.join(',')} sends their requests on`;
  return [`Retired or soon to be, by upstream and day: ${named}${advice}`];
};

const departures = ({ list, targets }: Models, place: Place): readonly string[] => {
  const leaving = list().flatMap((model) => {
    const left = targets(model)
      .map((target) => inRegion(target, place))
      .find((found) => found?.leavesGeography);
    return left === undefined ? [] : [{ model, profile: left.id }];
  });
  if (leaving.length === 0) return [];
  const named = leaving.map(({ model }) => model.id).join(', ');
  const isGlobal = leaving.some(({ profile }) => profile.startsWith('global.'));
  const advice = isGlobal ? '; BEDROCK_GLOBAL=off keeps global profiles out' : '';
  return [
    `Bedrock may process requests for these models outside the geography of ${place.region}, which has no profile of its own for them: ${named}${advice}`,
  ];
};

export const startNotices = (models: Models, place: Place): readonly string[] => [
  ...retirements(models, place),
  ...departures(models, place),
];
