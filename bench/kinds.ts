/** How each kind of scenario is measured. Targets take turns in slices, so that noise hits all alike. */

import { setTimeout as sleep } from 'node:timers/promises';
import { firstText } from './answers.ts';
import { assertPassedThrough, assertTranslated, sameAs } from './checks.ts';
import { cpuSeconds, openFilesLimit, residentKilobytes } from './cpu.ts';
import {
  askForTime,
  askInTurns,
  askInWave,
  askOnce,
  buildRequest,
  type Check,
  holdOpen,
  type Request,
} from './load.ts';
import { modes } from './modes.ts';
import type { Upstream } from './player.ts';
import { conversations } from './prompts.ts';
import type { Closed, FirstText, Held, Plan, Scenario, Start, Wave } from './scenarios.ts';
import {
  type Contestant,
  launchTarget,
  type Running,
  type SetUp,
  startTarget,
  upstreamPaths,
} from './targets.ts';

export interface Measurement {
  readonly target: string;
  /** One for each round, in the scenario's unit. */
  readonly samples: readonly number[];
  /** The share of its core that the process used while measured; far below 1 the load was the limit. */
  readonly busy?: number;
  readonly note?: string;
}

export interface Bench {
  readonly upstream: Upstream;
  readonly contestants: readonly Contestant[];
  /** Those that are started with that set-up, where starting is what is measured. */
  readonly starters: (setUp: SetUp) => readonly Contestant[];
  readonly plan: Plan;
  /** The node that targets run on. */
  readonly node: string;
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [below = Number.NaN, above = Number.NaN] = sorted.slice(Math.max(0, middle - 1), middle + 1);
  return sorted.length % 2 === 0 ? (below + above) / 2 : (sorted[middle] ?? Number.NaN);
};

type Traffic = Exclude<Scenario, Start>;

interface Asked {
  readonly target: Running;
  readonly request: Request;
  readonly check: Check;
}

/** The request itself, asked of the upstream without anything between. */
const directly = (upstream: Upstream, { route }: Traffic): Request =>
  buildRequest(upstream.port, upstreamPaths[route], {}, {});

/** Asks once, reads the answer in full, and makes of it what all the others are compared with. */
const prepare = async (target: Running, scenario: Traffic, upstream: Upstream): Promise<Asked> => {
  const stream = scenario.mode !== 'plain';
  const request = target.request(scenario.route, conversations[scenario.conversation], stream);
  const release = scenario.mode === 'held' ? sleep(500).then(upstream.release) : undefined;
  const first = await askOnce(request, { keepBody: true });
  await release;
  try {
    if (target.translates) assertTranslated(first, stream, target.api);
    else {
      const again = scenario.mode === 'held' ? sleep(500).then(upstream.release) : undefined;
      assertPassedThrough(first, await askOnce(directly(upstream, scenario), { keepBody: true }));
      await again;
    }
  } catch (error) {
    throw new Error(`${scenario.name}, ${target.name}: ${(error as Error).message}`);
  }
  return { target, request, check: sameAs(first) };
};

/** Starts a process of each target, for as long as `use` takes. */
const withTargets = async <Result>(
  { contestants, node, upstream }: Bench,
  scenario: Traffic,
  use: (asked: readonly Asked[]) => Promise<Result>,
): Promise<Result> => {
  const running: Running[] = [];
  try {
    for (const each of contestants) running.push(await startTarget(each, upstream.port, node));
    await upstream.setMode(scenario.mode);
    const asked: Asked[] = [];
    for (const target of running) asked.push(await prepare(target, scenario, upstream));
    return await use(asked);
  } finally {
    for (const target of running) await target.stop();
  }
};

/** Warms a target up by bursts of the scenario's route, for so many ms; the upstream is back in its mode then. */
const warmByBursts = async (
  upstream: Upstream,
  target: Running,
  scenario: Traffic,
  connections: number,
  lasting: number,
): Promise<void> => {
  await upstream.setMode('burst');
  const { request, check } = await prepare(target, { ...scenario, mode: 'burst' }, upstream);
  await askForTime(request, connections, lasting, check);
  await upstream.setMode(scenario.mode);
};

interface Usage {
  readonly sample: number;
  readonly busy: number;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const meanUsage = (usages: readonly Usage[]): Usage => ({
  sample: mean(usages.map(({ sample }) => sample)),
  busy: mean(usages.map(({ busy }) => busy)),
});

/** `work` gives the units it did. Log lines and the like that follow an answer count as well. */
const measureCpu = async (pid: number, work: () => Promise<number>): Promise<Usage> => {
  const startedAt = performance.now();
  const before = cpuSeconds(pid);
  const units = await work();
  const elapsed = (performance.now() - startedAt) / 1000;
  await sleep(100);
  const used = cpuSeconds(pid) - before;
  return { sample: (used * 1e6) / units, busy: used / elapsed };
};

/**
 * In each round warms every target up, then measures one after the other, several times: the host changes its pace
 * within seconds, and a ratio of two slices is no better than the host was even. A round has processes of its own:
 * two of one build differ by up to a fifth for as long as they live.
 */
const takeTurns = async (
  bench: Bench,
  scenario: Traffic,
  warmUp: (each: Asked) => Promise<unknown>,
  work: (each: Asked) => Promise<number>,
): Promise<readonly Measurement[]> => {
  const usages = bench.contestants.map((): Usage[] => []);
  for (let round = 0; round < bench.plan.rounds; round++) {
    await withTargets(bench, scenario, async (asked) => {
      for (const each of asked) await warmUp(each);
      const slices = asked.map((): Usage[] => []);
      for (let turn = 0; turn < bench.plan.turns; turn++) {
        // Another one begins each turn.
        for (const place of asked.keys()) {
          const index = (place + turn + round) % asked.length;
          const each = asked[index] as Asked;
          slices[index]?.push(await measureCpu(each.target.pid, () => work(each)));
        }
      }
      for (const [index, all] of slices.entries()) usages[index]?.push(meanUsage(all));
    });
  }
  return bench.contestants.map(({ name }, index) => ({
    target: name,
    samples: (usages[index] ?? []).map(({ sample }) => sample),
    busy: median((usages[index] ?? []).map(({ busy }) => busy)),
  }));
};

const measureClosed = (bench: Bench, scenario: Closed): Promise<readonly Measurement[]> => {
  const { warmUp, slice } = bench.plan;
  const { connections, units } = scenario;
  return takeTurns(
    bench,
    scenario,
    ({ request, check }) => askForTime(request, connections, warmUp, check),
    async ({ request, check }) => units * (await askForTime(request, connections, slice, check)),
  );
};

const measureWave = (bench: Bench, scenario: Wave): Promise<readonly Measurement[]> => {
  const { connections, units, spread, mode } = scenario;
  const { upstream, plan } = bench;
  const lasting = spread + units * modes[mode].gap;
  const wave = async ({ request, check }: Asked) =>
    units * (await askInWave(request, connections, spread, check));
  return takeTurns(
    bench,
    scenario,
    async (each) => {
      // By bursts first: waves leave most of the core idle, and warm up little in the time.
      await warmByBursts(upstream, each.target, scenario, 32, plan.warmUp);
      for (let passed = 0; passed < plan.warmUp; passed += lasting) await wave(each);
    },
    wave,
  );
};

/**
 * A fresh process each, warmed up by little: memory that earlier work has freed would hide what streams take.
 */
const measureHeld = async (bench: Bench, scenario: Held): Promise<readonly Measurement[]> => {
  const { upstream, node } = bench;
  // A proxy has two sockets for each stream, and some files of its own.
  const possible = Math.floor((openFilesLimit() - 200) / 2);
  const count = Math.min(scenario.connections, possible);
  const measurements: Measurement[] = [];
  for (const contestant of bench.contestants) {
    const target = await startTarget(contestant, upstream.port, node);
    try {
      await warmByBursts(upstream, target, scenario, 8, 1000);
      const { request, check } = await prepare(target, scenario, upstream);
      await sleep(1000);
      const before = residentKilobytes(target.pid);
      let after = Number.NaN;
      await holdOpen(request, count, firstText, check, async () => {
        await sleep(3000);
        after = residentKilobytes(target.pid);
        await upstream.release();
      });
      measurements.push({
        target: contestant.name,
        samples: [(after - before) / count],
        note: `${count} streams, ${Math.round(before / 1024)} MB before, ${Math.round(after / 1024)} MB with them`,
      });
    } finally {
      await target.stop();
    }
  }
  return measurements;
};

const measureFirstText = (bench: Bench, scenario: FirstText): Promise<readonly Measurement[]> =>
  withTargets(bench, scenario, async (asked) => {
    for (const { request, check } of asked) await askForTime(request, 8, bench.plan.warmUp, check);
    const requests = [directly(bench.upstream, scenario), ...asked.map(({ request }) => request)];
    const samples = asked.map((): number[] => []);
    const base: number[] = [];
    for (let round = 0; round < bench.plan.rounds; round++) {
      const times = await askInTurns(requests, scenario.requests, firstText, (reply, index) => {
        asked[index - 1]?.check(reply);
      });
      const [direct = Number.NaN, ...through] = times.map(median);
      base.push(direct);
      for (const [index, time] of through.entries()) samples[index]?.push(time - direct);
    }
    return asked.map(({ target }, index) => ({
      target: target.name,
      samples: samples[index] ?? [],
      note: `the upstream itself: ${median(base).toFixed(2)} ms`,
    }));
  });

interface Started {
  /** Ms until it was ready, or had answered. */
  readonly lasted: number;
  /** Ms of CPU time until then. */
  readonly cpu: number;
}

const startOnce = async (
  { upstream, node }: Bench,
  { route }: Start,
  contestant: Contestant,
): Promise<Started> => {
  const startedAt = performance.now();
  const target = await launchTarget(contestant, upstream.port, node);
  try {
    await target.ready;
    const reply =
      route === undefined
        ? undefined
        : await askOnce(target.request(route, conversations.small, false), { keepBody: true });
    const started = { lasted: performance.now() - startedAt, cpu: cpuSeconds(target.pid) * 1000 };
    if (reply !== undefined) assertTranslated(reply, false, 'chat');
    return started;
  } finally {
    await target.stop();
  }
};

/** One after the other, in turns: the disk's cache and the host's pace are the same for all. */
const measureStart = async (bench: Bench, scenario: Start): Promise<readonly Measurement[]> => {
  const starters = bench.starters(scenario.target);
  await bench.upstream.setMode('plain');
  const started = starters.map((): Started[] => []);
  for (let start = 0; start < scenario.starts; start++) {
    for (const [index, starter] of starters.entries())
      started[index]?.push(await startOnce(bench, scenario, starter));
  }
  return starters.map(({ name }, index) => {
    const all = started[index] ?? [];
    return {
      target: name,
      samples: all.map(({ lasted }) => lasted),
      note: `CPU time: ${Math.round(median(all.map(({ cpu }) => cpu)))} ms`,
    };
  });
};

export const measure = (bench: Bench, scenario: Scenario): Promise<readonly Measurement[]> => {
  switch (scenario.kind) {
    case 'closed':
      return measureClosed(bench, scenario);
    case 'wave':
      return measureWave(bench, scenario);
    case 'held':
      return measureHeld(bench, scenario);
    case 'first-text':
      return measureFirstText(bench, scenario);
    case 'start':
      return measureStart(bench, scenario);
    default:
      return scenario satisfies never;
  }
};
