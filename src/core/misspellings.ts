/** Environment variables that are no settings and look as if they were meant to be one: `INFERENCE_KEYS`. */

import { editDistance } from './edit-distance.ts';

export interface Misspelling {
  readonly name: string;
  readonly meant: string;
}

export const describeMisspelling = ({ name, meant }: Misspelling): string =>
  `${name} is no setting and has no effect; did you mean ${meant}?`;

/** Below this length too many honest names are near each other: PORT, HOST, PATH. */
const shortest = 8;
const longest = 64;
const mostTypos = 2;

/** Names of the cloud SDKs' own that are near a setting. */
const known: ReadonlySet<string> = new Set(['AWS_DEFAULT_PROFILE', 'AWS_PROFILES_FILE']);

/** `ANTHROPIC_KEY` for `ANTHROPIC_API_KEY`, `AWS_REGION_NAME` for `AWS_REGION`: one word too few or too many. */
const differByAWord = (a: string, b: string): boolean => {
  const [short = [], long = []] = [a.split('_'), b.split('_')].sort((x, y) => x.length - y.length);
  if (short.length < 2 || long.length !== short.length + 1 || short[0] !== long[0]) return false;
  const odd = long.findIndex((word, index) => word !== short[index]);
  return long.toSpliced(odd, 1).every((word, index) => word === short[index]);
};

const isTypo = (name: string, setting: string): boolean =>
  setting.length >= shortest && editDistance(name, setting) <= mostTypos;

/**
 * `names` are those of the environment. A word more or less beside the setting itself is some other program's:
 * Heroku sets REDIS_TLS_URL beside REDIS_URL.
 */
export const findMisspellings = (
  names: readonly string[],
  settings: readonly string[],
): readonly Misspelling[] => {
  const given = new Set(names);
  const missing = settings.filter((setting) => !given.has(setting));
  return names.flatMap((name) => {
    if (settings.includes(name) || known.has(name) || name.length > longest) return [];
    const written = name.toUpperCase();
    const meant =
      settings.find((setting) => isTypo(written, setting)) ??
      missing.find((setting) => differByAWord(written, setting));
    return meant === undefined ? [] : [{ name, meant }];
  });
};
