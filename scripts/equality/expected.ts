/**
 * Differences that a change is meant to make, as data: what the older build said at a part of an exchange, and what the
 * newer one says in its place. A part that is equal once that is replaced counts as expected; anything else does not.
 */

export interface ExpectedDifference {
  /** The issue or the decision that wants it. */
  readonly why: string;
  /** Names of cases, as they are reported. */
  readonly cases: RegExp;
  /** Names of parts: `upstream 1 headers`, `reply body`, ... */
  readonly parts: RegExp;
  /** What stood there, with the flag `g`. */
  readonly was: RegExp;
  /** As of `String.replace`. */
  readonly is: string;
}

export const expectedDifferences: readonly ExpectedDifference[] = [];
