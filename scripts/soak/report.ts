/** What the soak found, and whether that is good enough. */

import type { Growth, Sample } from './samples.ts';
import type { Log } from './server.ts';
import type { KindRow } from './tally.ts';

export interface Report {
  readonly seconds: number;
  readonly concurrency: number;
  readonly kinds: readonly KindRow[];
  readonly requests: number;
  readonly unexpected: number;
  readonly errors: readonly string[];
  readonly rss: Growth;
  readonly heap: Growth;
  /** When nothing ran any more. */
  readonly rssAfterKb: number;
  readonly heapAfterKb: number;
  /** Of every interval between two samples, ascending. */
  readonly lagP99Ms: readonly number[];
  /** Of the soak itself, which is callers and upstreams at once: where it is long, waits may end for that alone. */
  readonly ownLagMs: { readonly p99: number; readonly max: number };
  readonly before: Sample['resources'];
  readonly after: Sample['resources'];
  readonly leftOver: readonly string[];
  readonly openStreams: number;
  /** Seconds after the traffic until nothing was left of it, or until that was given up. */
  readonly settledAfter: number;
  readonly exitCode: number | null;
  readonly exitMs: number;
  readonly log: Log;
  readonly samples: readonly Sample[];
}

/**
 * kB a minute. Generous: while the heap finds its size RSS moves by tens of megabytes either way, and the
 * memory for thinking blocks is meant to fill up. What is looked for is a leak of every request, tens of kB each.
 */
const mostRssGrowth = 30_000;
/** Seconds: below that, the line goes through the warm-up and says nothing. */
const leastToJudge = 120;

/** Everything that is wrong, in words; empty: the soak has passed. */
export const verdict = (report: Report): string[] => {
  const { log, rss } = report;
  const checks: readonly (readonly [isWrong: boolean, what: string])[] = [
    [report.requests === 0, 'no request was made'],
    [report.unexpected > 0, `${report.unexpected} unexpected outcomes`],
    [report.openStreams > 0, `${report.openStreams} streams left open`],
    [report.leftOver.length > 0, `left behind: ${report.leftOver.join('; ')}`],
    [report.exitCode !== 0, `exit code ${report.exitCode ?? 'none: it had to be killed'}`],
    [log.problemCount > 0, `${log.problemCount} log lines that must not be there`],
    [
      report.seconds >= leastToJudge && rss.perMinute > mostRssGrowth,
      `RSS grew by ${rss.perMinute.toFixed(0)} kB a minute; at most ${mostRssGrowth} is noise`,
    ],
  ];
  return checks.flatMap(([isWrong, what]) => (isWrong ? [what] : []));
};

const megabytes = (kb: number) => `${(kb / 1024).toFixed(1)} MB`;
const signed = (kb: number) => `${kb > 0 ? '+' : ''}${kb.toFixed(0)} kB`;

const growth = (name: string, { first, last, perMinute, perThousand }: Growth, idle: number): string =>
  `${name.padEnd(5)} ${megabytes(first)} -> ${megabytes(last)} (idle afterwards ${megabytes(idle)}), ` +
  `slope ${signed(perMinute)} a minute, ${signed(perThousand)} per 1,000 requests`;

const counts = (values: Readonly<Record<string, number>>): string =>
  Object.entries(values)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ') || 'none';

export const render = (report: Report): string => {
  const { kinds, log, lagP99Ms } = report;
  const width = Math.max(...kinds.map(({ name }) => name.length));
  const rows = kinds.map(
    ({ name, requests, outcomes, unexpected }) =>
      `${name.padEnd(width)} ${String(requests).padStart(6)}  ${counts(outcomes)}` +
      `${unexpected > 0 ? `, UNEXPECTED ${unexpected}` : ''}`,
  );
  const wrong = verdict(report);
  return [
    '',
    ...rows,
    '',
    `${report.requests} runs of ${kinds.length} kinds in ${report.seconds.toFixed(0)} s by ${report.concurrency} callers`,
    `unexpected ${report.unexpected}`,
    ...report.errors.map((error) => `  ${error}`),
    growth('RSS', report.rss, report.rssAfterKb),
    growth('heap', report.heap, report.heapAfterKb),
    ...(report.seconds < leastToJudge ? [`      (under ${leastToJudge} s: growth is not judged)`] : []),
    `lag   p99 of the intervals: median ${lagP99Ms[Math.floor(lagP99Ms.length / 2)]?.toFixed(1)} ms, worst ${lagP99Ms.at(-1)?.toFixed(1)} ms`,
    `      the soak's own: p99 ${report.ownLagMs.p99.toFixed(0)} ms, longest ${report.ownLagMs.max.toFixed(0)} ms`,
    `alive before: ${counts(report.before)}; after: ${counts(report.after)}; open streams ${report.openStreams}, ` +
      `${report.settledAfter.toFixed(0)} s after the traffic`,
    `exit  ${report.exitCode} within ${report.exitMs.toFixed(0)} ms`,
    `log   ${counts(log.counts)}; must not be there: ${log.problemCount}`,
    ...log.problems.map((problem) => `  ${problem}`),
    '',
    wrong.length === 0 ? 'PASSED' : `FAILED: ${wrong.join('; ')}`,
  ].join('\n');
};
