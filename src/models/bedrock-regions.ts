/** Which id Bedrock is asked for in a region, and whether such a request may leave the region's geography. */

import type { Endpoint } from './model.ts';

/** The geography that a region belongs to, as inference profiles call it. */
const homeOf = (region: string): string =>
  region.startsWith('us-gov') ? 'us-gov' : (region.split('-')[0] ?? '');

/** A geography's profile may be used from these regions beside those that bear its name. */
const countries: readonly { readonly geography: string; readonly regions: RegExp }[] = [
  { geography: 'jp', regions: /^ap-northeast-[13]$/ },
  { geography: 'au', regions: /^ap-southeast-[246]$/ },
  { geography: 'in', regions: /^ap-south-\d$/ },
  { geography: 'apac', regions: /^ap-/ },
  { geography: 'us', regions: /^ca-/ },
];

/** Profiles usable from a region, the narrowest first. */
const profilesFor = (region: string): readonly string[] => [
  homeOf(region),
  ...countries.filter((each) => each.regions.test(region)).map((each) => each.geography),
];

/** Partitions of their own have no way into the global profiles. */
const isCommercial = (region: string): boolean => !/^(us-gov|us-iso|cn)/.test(region);

/** Profiles that process requests outside the region's own geography. */
const leaves = (profile: string, region: string): boolean =>
  profile === 'global' || (profile === 'us' && region.startsWith('ca-'));

export interface RegionalId {
  readonly id: string;
  /** Requests may be processed outside the geography of the region. */
  readonly leavesGeography: boolean;
  /** The row says that the region serves it. Where not, the id is asked for all the same: rows can be out of date. */
  readonly isServed: boolean;
}

/**
 * The bare id where the region serves it itself, else the inference profile of its geography, else the global one
 * if that is allowed.
 */
export const regionalId = (
  { id, profiles = [], regions = [] }: Pick<Endpoint, 'id' | 'profiles' | 'regions'>,
  region: string,
  allowGlobal: boolean,
): RegionalId => {
  if (regions.includes(region)) return { id, leavesGeography: false, isServed: true };
  const usable = [...profilesFor(region), ...(allowGlobal && isCommercial(region) ? ['global'] : [])];
  const profile = usable.find((each) => profiles.includes(each));
  if (profile !== undefined)
    return { id: `${profile}.${id}`, leavesGeography: leaves(profile, region), isServed: true };
  // Without any profile it is what an operator wrote down: an ARN, or an id with its geography.
  return { id, leavesGeography: false, isServed: profiles.length === 0 && regions.length === 0 };
};
