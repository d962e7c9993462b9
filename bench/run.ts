/**
 * `npm run bench`: what the server costs, beside a pass-through on the same stack and, if asked for, a peer, all
 * measured in one run. docs/performance.md says how and why.
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pinning, pinSelf } from './children.ts';
import { assertLinux, openFilesLimit } from './cpu.ts';
import { judgeAll, type Result } from './goals.ts';
import { measure, median } from './kinds.ts';
import { startUpstream } from './player.ts';
import { plans, type Scenario, scenarios } from './scenarios.ts';
import { figuresTable, goalsTable } from './table.ts';
import { contestant, type TargetName, targets } from './targets.ts';

const usage = `npm run bench [-- options]
  --short            fewer scenarios, under two minutes; fails where a ratio to the floor is far too high
  --only a,b         these scenarios: ${scenarios.map(({ name }) => name).join(', ')}
  --targets a,b      these targets: parley, floor, floor-string, portkey (portkey too with BENCH_PEER=portkey)
  --rounds n         how often, with new processes each time (3; 1 in the short mode)
  --json path        where the figures go (bench/results.json)
  --node path        the node to run the targets on`;

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const split = (value: string): readonly string[] => value.split(',').filter((each) => each !== '');

const readOptions = () => {
  const { values } = parseArgs({
    options: {
      short: { type: 'boolean', default: false },
      only: { type: 'string' },
      targets: { type: 'string' },
      rounds: { type: 'string' },
      json: { type: 'string', default: fileURLToPath(new URL('./results.json', import.meta.url)) },
      node: { type: 'string', default: process.execPath },
      help: { type: 'boolean', default: false },
    },
  });
  const known = scenarios.map(({ name }) => name);
  const only = split(values.only ?? known.join(','));
  const names = split(
    values.targets ??
      (process.env.BENCH_PEER === 'portkey'
        ? 'parley,parley-responses,floor,portkey'
        : 'parley,parley-responses,floor'),
  );
  const strays = [
    ...only.filter((name) => !known.includes(name)),
    ...names.filter((name) => !(name in targets)),
  ];
  if (strays.length > 0) throw new Error(`Not known: ${strays.join(', ')}\n${usage}`);
  const chosen = scenarios.filter(
    ({ name, short }) => only.includes(name) && (!values.short || values.only !== undefined || short),
  );
  return { ...values, chosen, names: names as TargetName[] };
};

const nodeVersion = (node: string): string =>
  spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? '';

const isMeasured = (scenario: Scenario, names: readonly TargetName[]): boolean =>
  scenario.kind !== 'start' || names.includes('parley');

const bench = async (): Promise<void> => {
  const { short, chosen, names, rounds, json, node, help } = readOptions();
  if (help) return say(usage);
  assertLinux();
  pinSelf();
  const usual = short ? plans.short : plans.full;
  const plan = { ...usual, rounds: rounds === undefined ? usual.rounds : Number(rounds) };
  if (!Number.isInteger(plan.rounds) || plan.rounds < 1)
    throw new Error(`--rounds must be a whole number above 0\n${usage}`);
  const machine = {
    node: nodeVersion(node),
    cpu: cpus()[0]?.model ?? '',
    pinning,
    openFiles: openFilesLimit(),
  };
  if (machine.node === '') throw new Error(`${node} is no node that runs`);
  say(`Node ${machine.node}, ${machine.cpu}, ${pinning}, ulimit -n ${machine.openFiles}`);

  const upstream = await startUpstream();
  const run = {
    upstream,
    contestants: names.map(contestant),
    starters: (setUp: TargetName) => [contestant(setUp)],
    plan,
    node,
  };
  const results: Result[] = [];
  for (const scenario of chosen.filter((each) => isMeasured(each, names))) {
    const measurements = await measure(run, scenario);
    results.push({ scenario, measurements });
    say(
      `${scenario.name}: ${measurements.map(({ target, samples }) => `${target} ${median(samples).toPrecision(3)}`).join(', ')} ${scenario.unit}`,
    );
  }
  const verdicts = judgeAll(results);
  say(`\n${figuresTable(results)}\n\n${goalsTable(verdicts)}\n`);

  const figures = results.map(({ scenario, measurements }) => ({
    scenario: scenario.name,
    unit: scenario.unit,
    measurements: measurements.map((each) => ({ ...each, median: median(each.samples) })),
  }));
  const report = { date: new Date().toISOString(), machine, plan, figures, ratios: verdicts };
  writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  say(`Written to ${json}`);

  const tooHigh = short ? verdicts.filter((verdict) => verdict.tooHigh) : [];
  for (const { scenario, what, value, shortLimit } of tooHigh) {
    say(`${scenario}: ${what} is ${value.toFixed(2)}, above the limit of ${shortLimit}`);
  }
  process.exitCode = tooHigh.length > 0 ? 1 : 0;
};

try {
  await bench();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
// Children are ended by the exit.
process.exit();
