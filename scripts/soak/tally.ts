/** How often each kind ended how. */

import type { Kind } from './kinds.ts';

export interface KindRow {
  readonly name: string;
  readonly requests: number;
  /** Outcomes that the kind allows, by how often. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly unexpected: number;
}

export interface Tally {
  /** False where the kind does not allow the outcome. */
  readonly add: (kind: Kind, outcome: string) => boolean;
  /** An outcome that is not allowed, with what the server's log says. */
  readonly explain: (kind: Kind, outcome: string, log: readonly string[]) => void;
  readonly total: () => number;
  readonly unexpected: () => number;
  /** The first few unexpected ones, in words. */
  readonly errors: () => readonly string[];
  readonly rows: () => readonly KindRow[];
}

const keptErrors = 30;

export const createTally = (): Tally => {
  const counts = new Map<
    string,
    { outcomes: Record<string, number>; requests: number; unexpected: number }
  >();
  const errors: string[] = [];
  let total = 0;
  let unexpected = 0;

  return {
    add: ({ name, expected }, outcome) => {
      const row = counts.get(name) ?? { outcomes: {}, requests: 0, unexpected: 0 };
      counts.set(name, row);
      total += 1;
      row.requests += 1;
      if (expected.includes(outcome)) {
        row.outcomes[outcome] = (row.outcomes[outcome] ?? 0) + 1;
        return true;
      }
      row.unexpected += 1;
      unexpected += 1;
      return false;
    },
    explain: ({ name }, outcome, log) => {
      if (errors.length < keptErrors)
        errors.push([`${name}: ${outcome.slice(0, 300)}`, ...log].join('\n    '));
    },
    total: () => total,
    unexpected: () => unexpected,
    errors: () => errors,
    rows: () =>
      [...counts]
        .map(([name, row]): KindRow => ({ name, ...row }))
        .sort((a, b) => a.name.localeCompare(b.name)),
  };
};
