/**
 * `npm run equality -- old [new]`: two builds of the server, side by side. Each gets the same requests, one after the
 * other, in front of recorders and simulators of its own that are the same to it; what it asked upstream and what it
 * answered has to be the same to the byte but for what equality/masks.ts lists. Exit code 1 on a difference that
 * equality/expected.ts does not want, and where the time ended first. FUZZ_SEED repeats a run.
 */

import { parseArgs } from 'node:util';
import { type Build, makeBuild } from '../bench/builds.ts';
import { home } from '../bench/targets.ts';
import { seed } from '../test/support/fuzz.ts';
import { startReplay } from '../test/support/replay.ts';
import { today } from '../test/support/today.ts';
import { compare, type Difference, type Exchange } from './equality/differences.ts';
import { expectedDifferences } from './equality/expected.ts';
import { type Case, type Group, type Kind, withoutPictures } from './equality/kind.ts';
import { generatedKinds } from './equality/kinds/generated.ts';
import { pathsGroup } from './equality/kinds/paths.ts';
import { recordedGroups, recordings } from './equality/kinds/recorded.ts';
import { behavioursKind, pictures, simulatedGroups } from './equality/kinds/simulated.ts';
import { startPictureHost } from './equality/recorder.ts';
import {
  countDifferences,
  countRequest,
  describeDifference,
  newTally,
  sumOf,
  type Tally,
  table,
} from './equality/report.ts';
import { openSide, type Side } from './equality/side.ts';

const usage = `npm run equality -- old [new] [options]
  old, new       each a revision, which is built in a temporary folder, or a folder that holds a built server;
                 new is this folder, built as it stands, where it is left out
  --kinds a,b    these kinds of cases alone`;

/** Ms from the first case. The builds and the last servers' start are on top. */
const longestRun = 150_000;
/** The others are only counted. */
const mostShown = 60;
/** How often a case is asked again whose difference the clock may have made. */
const mostTries = 3;

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const readOptions = () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { kinds: { type: 'string', default: '' }, help: { type: 'boolean', default: false } },
  });
  const [old, recent = home, ...more] = positionals;
  if (!values.help && (old === undefined || more.length > 0))
    throw new Error(`One or two builds are compared\n${usage}`);
  const names = values.kinds.split(',').filter((name) => name !== '');
  return { help: values.help, old: old ?? '', recent, names };
};

/** The side that is being asked: the pictures are the same to both. */
let asking: Side | undefined;

const runAt = async (side: Side, { run }: Case): Promise<readonly Exchange[]> => {
  const exchanges: Exchange[] = [];
  asking = side;
  await run(async (server, sending) => {
    const exchange = await side.ask(server, sending);
    exchanges.push(exchange);
    return exchange.answer;
  });
  return exchanges;
};

const none: Exchange = {
  answer: { status: 0, reason: 'not asked', headers: [], body: Buffer.alloc(0), ended: 'complete' },
  upstream: [],
};

interface Run {
  readonly builds: readonly [old: Build, recent: Build];
  readonly deadline: number;
  readonly show: (text: string) => void;
}

type Sides = readonly [old: Side, recent: Side];
type Pair = readonly [old: Exchange, recent: Exchange];

const runCase = async (each: Case, [old, recent]: Sides, inTurns: boolean): Promise<readonly Pair[]> => {
  const before = runAt(old, each);
  if (inTurns) await before;
  const [one, other] = await Promise.all([before, runAt(recent, each)]);
  return Array.from({ length: Math.max(one.length, other.length) }, (_, index) => [
    one[index] ?? none,
    other[index] ?? none,
  ]);
};

const compareCase = ({ name }: Case, pairs: readonly Pair[], [old, recent]: Sides): readonly Difference[] =>
  pairs.flatMap(([before, after], index) =>
    compare(
      pairs.length > 1 ? `${name}, request ${index + 1}` : name,
      { exchange: before, options: { addresses: old.addresses, day: today } },
      { exchange: after, options: { addresses: recent.addresses, day: today } },
      expectedDifferences,
    ),
  );

const isUnexpected = ({ expected }: Difference): boolean => expected === undefined;

const runKind = async ({ name, cases }: Kind, group: Group, sides: Sides, run: Run): Promise<Tally> => {
  const { inTurns = false, isTimed = false } = group;
  const tally = newTally();
  const startedAt = performance.now();
  for (const each of cases) {
    if (performance.now() > run.deadline) break;
    const pairs = await runCase(each, sides, inTurns);
    tally.cases += 1;
    for (const [before] of pairs) countRequest(tally, before);
    let differences = compareCase(each, pairs, sides);
    for (let again = 0; isTimed && differences.some(isUnexpected) && again < mostTries; again += 1) {
      const first = differences.filter(isUnexpected).length;
      differences = compareCase(each, await runCase(each, sides, inTurns), sides);
      if (!differences.some(isUnexpected)) tally.unsteady += first;
    }
    countDifferences(tally, differences);
    for (const difference of differences) run.show(describeDifference(name, difference));
  }
  tally.seconds = (performance.now() - startedAt) / 1000;
  return tally;
};

const runGroup = async (group: Group, run: Run): Promise<ReadonlyMap<string, Tally>> => {
  const [old, recent] = run.builds;
  const sides = await Promise.all([
    openSide({ folder: old.folder, core: 'target' }, group),
    openSide({ folder: recent.folder, core: 'rest' }, group),
  ]);
  const tallies = new Map<string, Tally>();
  for (const kind of group.kinds) tallies.set(kind.name, await runKind(kind, group, sides, run));
  // Two servers that are gone are equal, too.
  for (const side of sides) await side.checkHealth();
  await Promise.all(sides.map((side) => side.close()));
  return tallies;
};

/** All of them where none is named. */
const chooseKinds = (groups: readonly Group[], names: readonly string[]): readonly Group[] => {
  const known = groups.flatMap(({ kinds }) => kinds).map(({ name }) => name);
  if (!names.every((name) => known.includes(name))) throw new Error(`The kinds are ${known.join(', ')}`);
  if (names.length === 0) return groups;
  return groups
    .map((group) => ({ ...group, kinds: group.kinds.filter(({ name }) => names.includes(name)) }))
    .filter(({ kinds }) => kinds.length > 0);
};

const createShow = (): ((text: string) => void) => {
  let shown = 0;
  return (text) => {
    shown += 1;
    if (shown <= mostShown) say(text);
    else if (shown === mostShown + 1) say('... and more, which are only counted.');
  };
};

const runAll = async (): Promise<boolean> => {
  const { help, old, recent, names } = readOptions();
  if (help) {
    say(usage);
    return true;
  }
  const builds = [makeBuild(old), makeBuild(recent)] as const;
  say(`old: ${builds[0].from}\nnew: ${builds[1].from}\nFUZZ_SEED=${seed}, Node ${process.version}`);
  say(`${recordings.length} recordings`);

  const replay = await startReplay(recordings);
  const host = await startPictureHost(pictures, (seen) => asking?.add(seen));
  const groups: readonly Group[] = [
    pathsGroup,
    { servers: withoutPictures, kinds: [behavioursKind, ...generatedKinds(seed)] },
    ...simulatedGroups(host.url),
    ...recordedGroups(replay.url),
  ];
  const chosen = chooseKinds(groups, names);

  const run: Run = { builds, deadline: performance.now() + longestRun, show: createShow() };
  const tallies = new Map<string, Tally>();
  for (const group of chosen)
    for (const [kind, tally] of await runGroup(group, run)) tallies.set(kind, tally);
  await Promise.all([replay.close(), host.close()]);

  say(`\n${table(tallies)}\n`);
  const asked = chosen.flatMap(({ kinds }) => kinds).flatMap(({ cases }) => cases).length;
  const missing = asked - sumOf(tallies.values(), 'cases');
  const different = sumOf(tallies.values(), 'different');
  if (missing > 0) say(`The time ended before the last ${missing} cases.`);
  say(different === 0 ? 'No differences that were not expected.' : `${different} differences.`);
  return missing === 0 && different === 0;
};

try {
  if (!(await runAll())) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
  process.exitCode = 1;
}
// Children are ended by the exit, and builds of revisions removed.
process.exit();
