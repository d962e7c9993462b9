/** What the figures have to be: a row each. */

import { type Measurement, median } from './kinds.ts';
import type { Scenario } from './scenarios.ts';
import type { TargetName } from './targets.ts';

interface Goal {
  readonly scenario: string;
  readonly of: TargetName;
  /** Absent: the figure itself, not a ratio. */
  readonly over?: TargetName;
  readonly atMost?: number;
  readonly atLeast?: number;
  /** Above this the short mode fails. Wide, because it runs on busy machines: it finds mistakes, not percents. */
  readonly shortLimit?: number;
}

const overFloor = { of: 'parley', over: 'floor' } as const;
const peerOver = { of: 'portkey', over: 'parley' } as const;

const responsesOverChat = { of: 'parley-responses', over: 'parley' } as const;

const goals: readonly Goal[] = [
  { scenario: 'small-claude', ...overFloor, atMost: 2, shortLimit: 5 },
  { scenario: 'small-claude', ...peerOver, atLeast: 5 },
  { scenario: 'small-nova', ...overFloor, atMost: 2, shortLimit: 8 },
  { scenario: 'small-nova', ...peerOver, atLeast: 5 },
  { scenario: 'small-bedrock-claude', ...overFloor, atMost: 2 },
  { scenario: 'history-claude', ...overFloor, atMost: 3, shortLimit: 10 },
  { scenario: 'history-claude', ...peerOver, atLeast: 3 },
  { scenario: 'history-nova', ...overFloor, atMost: 3 },
  { scenario: 'history-nova', ...peerOver, atLeast: 3 },
  { scenario: 'burst-claude', ...overFloor, shortLimit: 5 },
  { scenario: 'burst-claude', ...peerOver, atLeast: 5 },
  { scenario: 'burst-nova', ...overFloor },
  { scenario: 'burst-nova', ...peerOver, atLeast: 5 },
  { scenario: 'burst-bedrock-claude', ...overFloor },
  { scenario: 'paced-claude', ...overFloor, atMost: 1.3 },
  { scenario: 'paced-claude', ...peerOver, atLeast: 2.5 },
  { scenario: 'paced-nova', ...overFloor, atMost: 1.3 },
  { scenario: 'paced-nova', ...peerOver, atLeast: 2.5 },
  { scenario: 'small-claude', ...responsesOverChat, atMost: 1.3 },
  { scenario: 'burst-claude', ...responsesOverChat, atMost: 1.6 },
  { scenario: 'first-text-claude', of: 'parley', atMost: 1 },
  { scenario: 'held-claude', of: 'parley', atMost: 60 },
  { scenario: 'start-anthropic', of: 'parley-anthropic', atMost: 700 },
  { scenario: 'start-both', of: 'parley', atMost: 700 },
];

export interface Result {
  readonly scenario: Scenario;
  readonly measurements: readonly Measurement[];
}

export interface Verdict {
  readonly scenario: string;
  readonly what: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly goal: string;
  /** Absent: there is no goal, the figure is for information. */
  readonly met?: boolean;
  /** The short mode's limit, where there is one, is passed. */
  readonly tooHigh: boolean;
  readonly shortLimit?: number;
}

/** Round by round, so that what slowed one round down stands in both of its figures. */
export const divide = (above: readonly number[], below: readonly number[]): readonly number[] =>
  above.map((value, index) => value / (below[index] ?? Number.NaN));

const judge = (goal: Goal, { measurements }: Result): Verdict | undefined => {
  const samplesOf = (name: TargetName | undefined) =>
    measurements.find(({ target }) => target === name)?.samples;
  const above = samplesOf(goal.of);
  const below = samplesOf(goal.over);
  if (above === undefined || (goal.over !== undefined && below === undefined)) return undefined;
  const values = below === undefined ? above : divide(above, below);
  const value = median(values);
  const { atMost, atLeast, shortLimit } = goal;
  return {
    scenario: goal.scenario,
    what: goal.over === undefined ? goal.of : `${goal.of} / ${goal.over}`,
    value,
    low: Math.min(...values),
    high: Math.max(...values),
    goal: atMost !== undefined ? `at most ${atMost}` : atLeast !== undefined ? `at least ${atLeast}` : '',
    ...(atMost !== undefined ? { met: value <= atMost } : {}),
    ...(atLeast !== undefined ? { met: value >= atLeast } : {}),
    ...(shortLimit !== undefined ? { shortLimit } : {}),
    tooHigh: shortLimit !== undefined && !(value <= shortLimit),
  };
};

export const judgeAll = (results: readonly Result[]): readonly Verdict[] =>
  results.flatMap((result) =>
    goals
      .filter(({ scenario }) => scenario === result.scenario.name)
      .flatMap((goal) => judge(goal, result) ?? []),
  );
