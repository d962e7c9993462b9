/** What /metrics says, over time, and the line that goes through it. */

import type { Client } from './client.ts';

export interface Sample {
  /** Since the traffic began. */
  readonly seconds: number;
  readonly requests: number;
  readonly rssKb: number;
  readonly heapKb: number;
  /** Of the time since the sample before. */
  readonly lagP99Ms: number;
  readonly openStreams: number;
  /** What keeps the process alive, by type. */
  readonly resources: Readonly<Record<string, number>>;
}

const numberOf = (text: string, name: string): number => {
  const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
  if (found === undefined) throw new Error(`/metrics has no ${name}`);
  return Number(found);
};

const byType = (text: string, name: string): Record<string, number> =>
  Object.fromEntries(
    [...text.matchAll(new RegExp(`^${name}\\{type="([^"]+)"\\} (\\d+)$`, 'gm'))].map(([, type, count]) => [
      type ?? '',
      Number(count),
    ]),
  );

export const takeSample = async (client: Client, seconds: number, requests: number): Promise<Sample> => {
  const { status, text } = await client.send({ method: 'GET', path: '/metrics' });
  if (status !== 200) throw new Error(`/metrics answered ${status}`);
  return {
    seconds,
    requests,
    rssKb: numberOf(text, 'process_resident_memory_bytes') / 1024,
    heapKb: numberOf(text, 'nodejs_heap_size_used_bytes') / 1024,
    lagP99Ms: numberOf(text, 'nodejs_eventloop_lag_p99_seconds') * 1000,
    openStreams: numberOf(text, 'parley_open_streams'),
    resources: byType(text, 'nodejs_active_resources'),
  };
};

/** Least squares: by how much y grows when x grows by one. 0 where there is nothing to fit. */
export const slope = (points: readonly (readonly [x: number, y: number])[]): number => {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x0 = mean(points.map(([x]) => x));
  const y0 = mean(points.map(([, y]) => y));
  const spread = points.reduce((sum, [x]) => sum + (x - x0) ** 2, 0);
  return spread > 0 ? points.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0) / spread : 0;
};

export interface Growth {
  readonly first: number;
  readonly last: number;
  readonly perMinute: number;
  readonly perThousand: number;
}

/** In kB; the first third is warm-up. */
export const growthOf = (samples: readonly Sample[], pick: (sample: Sample) => number): Growth => {
  const settled = samples.slice(Math.floor(samples.length / 3));
  return {
    first: pick(settled[0] ?? (samples[0] as Sample)),
    last: pick(settled.at(-1) ?? (samples[0] as Sample)),
    perMinute: slope(settled.map((sample) => [sample.seconds / 60, pick(sample)])),
    perThousand: slope(settled.map((sample) => [sample.requests / 1000, pick(sample)])),
  };
};

/** Types of which there are more than before, with both counts. */
export const leftOver = (before: Sample['resources'], after: Sample['resources']): string[] =>
  Object.entries(after)
    .filter(([type, count]) => count > (before[type] ?? 0))
    .map(([type, count]) => `${type}: ${before[type] ?? 0} before, ${count} after`);
