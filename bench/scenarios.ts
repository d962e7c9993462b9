/** What is measured: a row each. How a kind is measured stands in kinds.ts. */

import { deltaCount } from './answers.ts';
import type { Mode } from './modes.ts';
import type { ConversationName } from './prompts.ts';
import type { Route, SetUp } from './targets.ts';

interface Common {
  readonly name: string;
  readonly unit: string;
  /** Part of the short mode. */
  readonly short: boolean;
}

interface Traffic extends Common {
  readonly route: Route;
  readonly conversation: ConversationName;
  readonly mode: Mode;
}

/** CPU time while connections ask again as soon as they are answered. */
export interface Closed extends Traffic {
  readonly kind: 'closed';
  readonly connections: number;
  /** Units of work in an answer. */
  readonly units: number;
}

/** CPU time of streams that take their time, all of them together. */
export interface Wave extends Traffic {
  readonly kind: 'wave';
  readonly connections: number;
  readonly units: number;
  /** Ms over which the beginnings are spread. */
  readonly spread: number;
}

/** Memory of streams that stay open. */
export interface Held extends Traffic {
  readonly kind: 'held';
  readonly connections: number;
}

/** Time to the first text, against asking the upstream itself. */
export interface FirstText extends Traffic {
  readonly kind: 'first-text';
  /** Requests to each target in a round. */
  readonly requests: number;
}

/** Time from nothing to the first answer. */
export interface Start extends Common {
  readonly kind: 'start';
  readonly target: SetUp;
  readonly starts: number;
  /** What has to be answered; absent: readiness. */
  readonly route?: Route;
}

export type Scenario = Closed | Wave | Held | FirstText | Start;

const plain = {
  kind: 'closed',
  mode: 'plain',
  unit: 'CPU ms per 1,000 requests',
  connections: 32,
  units: 1,
} as const;
const burst = {
  kind: 'closed',
  conversation: 'small',
  mode: 'burst',
  unit: 'CPU s per 1M deltas',
  connections: 32,
  units: deltaCount,
} as const;
const paced = {
  kind: 'wave',
  conversation: 'small',
  mode: 'paced',
  unit: 'CPU s per 1M deltas',
  connections: 100,
  units: deltaCount,
  spread: 1000,
} as const;
const start = { kind: 'start', unit: 'ms', starts: 5, short: false } as const;

export const scenarios: readonly Scenario[] = [
  { name: 'small-claude', ...plain, route: 'claude', conversation: 'small', short: true },
  { name: 'small-nova', ...plain, route: 'nova', conversation: 'small', short: true },
  { name: 'small-bedrock-claude', ...plain, route: 'bedrock-claude', conversation: 'small', short: false },
  { name: 'history-claude', ...plain, route: 'claude', conversation: 'history', short: true },
  { name: 'history-nova', ...plain, route: 'nova', conversation: 'history', short: false },
  { name: 'burst-claude', ...burst, route: 'claude', short: true },
  { name: 'burst-nova', ...burst, route: 'nova', short: false },
  { name: 'burst-bedrock-claude', ...burst, route: 'bedrock-claude', short: false },
  { name: 'paced-claude', ...paced, route: 'claude', short: false },
  { name: 'paced-nova', ...paced, route: 'nova', short: false },
  {
    name: 'first-text-claude',
    kind: 'first-text',
    route: 'claude',
    conversation: 'small',
    mode: 'brief',
    unit: 'ms added, p50',
    requests: 200,
    short: false,
  },
  {
    name: 'held-claude',
    kind: 'held',
    route: 'claude',
    conversation: 'small',
    mode: 'held',
    unit: 'kB RSS per open stream',
    connections: 4000,
    short: false,
  },
  { name: 'start-anthropic', ...start, target: 'parley-anthropic' },
  { name: 'start-both', ...start, target: 'parley' },
  { name: 'start-first-claude', ...start, target: 'parley-anthropic', route: 'claude' },
  { name: 'start-first-nova', ...start, target: 'parley', route: 'nova' },
];

/** How often, and how long: ms. */
export interface Plan {
  readonly warmUp: number;
  readonly rounds: number;
  /** How often each target is measured in a round, one after the other. */
  readonly turns: number;
  readonly slice: number;
}

export const plans = {
  full: { warmUp: 8000, rounds: 3, turns: 4, slice: 2000 },
  short: { warmUp: 6000, rounds: 1, turns: 2, slice: 2000 },
} satisfies Record<string, Plan>;
