/** Results for a reader at a terminal. */

import type { Result, Verdict } from './goals.ts';
import { median } from './kinds.ts';

export const show = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

export const spread = (low: number, high: number): string => `${show(low)} - ${show(high)}`;

export const align = (rows: readonly (readonly string[])[]): string => {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

export const figuresTable = (results: readonly Result[]): string =>
  align([
    ['scenario', 'target', 'median', 'range', 'unit', 'core busy', ''],
    ...results.flatMap(({ scenario, measurements }) =>
      measurements.map(({ target, samples, busy, note = '' }) => [
        scenario.name,
        target,
        show(median(samples)),
        spread(Math.min(...samples), Math.max(...samples)),
        scenario.unit,
        busy === undefined ? '' : `${Math.round(busy * 100)}%`,
        note,
      ]),
    ),
  ]);

const verdictWord = ({ met }: Verdict): string => (met === undefined ? '' : met ? 'met' : 'NOT MET');

export const goalsTable = (verdicts: readonly Verdict[]): string =>
  align([
    ['scenario', 'what', 'median', 'rounds', 'to reach', ''],
    ...verdicts.map((verdict) => [
      verdict.scenario,
      verdict.what,
      show(verdict.value),
      spread(verdict.low, verdict.high),
      verdict.goal,
      verdictWord(verdict),
    ]),
  ]);
