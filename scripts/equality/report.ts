/** What was compared, and what differed, for a reader at a terminal. */

import { align } from '../../bench/table.ts';
import type { Difference, Exchange } from './differences.ts';

/** Answers by status are those of the older side; differences are parts of exchanges, `unsteady` if not shown again. */
const columns = [
  ...(['cases', 'requests', 'upstream', '2xx-3xx', '4xx', '5xx', 'cut'] as const),
  ...(['different', 'expected', 'unsteady', 'seconds'] as const),
];
type Column = (typeof columns)[number];

/** What a kind of cases came to. */
export type Tally = Record<Column, number>;

export const newTally = (): Tally =>
  Object.fromEntries(columns.map((column) => [column, 0])) as Record<Column, number>;

const outcomeOf = ({ answer: { status, ended } }: Exchange): Column => {
  if (ended !== 'complete') return 'cut';
  if (status >= 500) return '5xx';
  return status >= 400 ? '4xx' : '2xx-3xx';
};

export const countRequest = (tally: Tally, exchange: Exchange): void => {
  tally.requests += 1;
  tally.upstream += exchange.upstream.length;
  tally[outcomeOf(exchange)] += 1;
};

export const countDifferences = (tally: Tally, differences: readonly Difference[]): void => {
  for (const { expected } of differences) tally[expected === undefined ? 'different' : 'expected'] += 1;
};

export const sumOf = (tallies: Iterable<Tally>, column: Column): number => {
  let sum = 0;
  for (const tally of tallies) sum += tally[column];
  return sum;
};

/** By kind. */
export const table = (tallies: ReadonlyMap<string, Tally>): string =>
  align([
    ['kind', ...columns],
    ...[...tallies].map(([kind, tally]) => [kind, ...columns.map((column) => tally[column].toFixed(0))]),
    ['all', ...columns.map((column) => sumOf(tallies.values(), column).toFixed(0))],
  ]);

export const describeDifference = (kind: string, difference: Difference): string =>
  [
    `${difference.expected === undefined ? 'DIFFERENT' : `expected (${difference.expected})`}: ${kind}: ${difference.case}`,
    `  ${difference.part}, from byte ${difference.at}`,
    `    old ${difference.old}`,
    `    new ${difference.new}`,
  ].join('\n');
