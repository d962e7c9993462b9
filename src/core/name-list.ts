/**
 * Names of parameters as headers, messages and log lines show them. Unknown fields are as many as the client likes,
 * so only the first are named.
 */

const maxNames = 50;

export interface NameList {
  readonly shown: readonly string[];
  /** How many there are besides. */
  readonly more: number;
}

export const shortNameList = (names: readonly string[]): NameList => ({
  shown: names.slice(0, maxNames),
  more: Math.max(0, names.length - maxNames),
});
