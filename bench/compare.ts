/**
 * `npm run bench:compare`: two builds of the server against each other, in turns within each round, by the scenarios
 * of the benchmark. docs/performance.md says how and why.
 */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { makeBuild } from './builds.ts';
import { pinning, pinSelf } from './children.ts';
import { assertLinux } from './cpu.ts';
import { divide, type Result } from './goals.ts';
import { type Measurement, measure, median } from './kinds.ts';
import { startUpstream } from './player.ts';
import { plans, type Scenario, scenarios } from './scenarios.ts';
import { align, show, spread } from './table.ts';
import { buildIn, home, type SetUp } from './targets.ts';

/** What a change of the code is most likely to be felt in. */
const usual = [
  'small-claude',
  'small-nova',
  'history-claude',
  'burst-claude',
  'paced-claude',
  'start-anthropic',
  'start-both',
];

const usage = `npm run bench:compare -- old [new] [options]
  old, new           each a revision, which is built in a temporary folder, or a folder that holds a built server;
                     new is this folder, built as it stands, where it is left out
  --rounds n         how often, with new processes each time (${plans.full.rounds})
  --scenarios a,b    these scenarios (${usual.join(',')})
                     of ${scenarios.map(({ name }) => name).join(', ')}
  --json path        where the figures go, if anywhere`;

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

interface Comparison {
  readonly scenario: Scenario;
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** New by old, one for each round. */
  readonly ratios: readonly number[];
}

const compareOf = ({ scenario, measurements }: Result): Comparison => {
  const samplesOf = (name: string) =>
    measurements.find(({ target }: Measurement) => target === name)?.samples ?? [];
  const before = samplesOf('old');
  const after = samplesOf('new');
  return { scenario, before, after, ratios: divide(after, before) };
};

const table = (comparisons: readonly Comparison[]): string =>
  align([
    ['scenario', 'old', 'new', 'unit', 'new / old', 'rounds'],
    ...comparisons.map(({ scenario, before, after, ratios }) => [
      scenario.name,
      show(median(before)),
      show(median(after)),
      scenario.unit,
      show(median(ratios)),
      spread(Math.min(...ratios), Math.max(...ratios)),
    ]),
  ]);

const readOptions = () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: String(plans.full.rounds) },
      scenarios: { type: 'string', default: usual.join(',') },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const names = values.scenarios.split(',').filter((name) => name !== '');
  const strays = names.filter((name) => !scenarios.some((scenario) => scenario.name === name));
  const [old, recent = home, ...more] = positionals;
  const rounds = Number(values.rounds);
  if (strays.length > 0) throw new Error(`Not known: ${strays.join(', ')}\n${usage}`);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds must be a whole number above 0\n${usage}`);
  if (!values.help && (old === undefined || more.length > 0))
    throw new Error(`One or two builds are compared\n${usage}`);
  const chosen = scenarios.filter(({ name }) => names.includes(name));
  return { help: values.help, json: values.json, old: old ?? '', recent, rounds, chosen };
};

const compare = async (): Promise<void> => {
  const { help, json, old, recent, rounds, chosen } = readOptions();
  if (help) return say(usage);
  assertLinux();
  const builds = [
    { name: 'old', ...makeBuild(old) },
    { name: 'new', ...makeBuild(recent) },
  ];
  for (const { name, from } of builds) say(`${name}: ${from}`);
  say(`Node ${process.version}, ${pinning}`);
  pinSelf();

  const asSetUp = (setUp: SetUp) =>
    builds.map(({ name, folder }) => ({ name, target: buildIn(folder)[setUp] }));
  const bench = {
    upstream: await startUpstream(),
    contestants: asSetUp('parley'),
    starters: asSetUp,
    plan: { ...plans.full, rounds },
    node: process.execPath,
  };
  const comparisons: Comparison[] = [];
  for (const scenario of chosen) {
    const comparison = compareOf({ scenario, measurements: await measure(bench, scenario) });
    comparisons.push(comparison);
    say(`${scenario.name}: new / old ${comparison.ratios.map(show).join(', ')}`);
  }
  say(`\n${table(comparisons)}\n`);
  if (json !== undefined) {
    const figures = comparisons.map(({ scenario, ...rest }) => ({ scenario: scenario.name, ...rest }));
    writeFileSync(json, `${JSON.stringify({ date: new Date().toISOString(), builds, figures }, null, 2)}\n`);
  }
};

try {
  await compare();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
// Children are ended by the exit, and builds of revisions removed.
process.exit();
