/**
 * What the property tests share: how often and from which seed they try, and the server they try it on.
 * A run is repeated with `FUZZ_SEED=<the seed it printed>`, and taken further with `FUZZ_RUNS=100000`.
 */

import fc from 'fast-check';
import { startSimulator } from '../../simulator/index.ts';
import { startServer } from './server.ts';
import { today } from './today.ts';

export const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Of all properties about hostile bodies together; the others try their share on top. */
const total = Number(process.env.FUZZ_RUNS ?? 10_000);

export const runsFor = (share: number): number => Math.max(1, Math.ceil(total * share));

/** Ms: far more than so many runs take, so that it ends only what hangs. */
export const timeoutFor = (runs: number): number => 60_000 + runs * 100;

export const explore = <Value>(
  runs: number,
  arbitrary: fc.Arbitrary<Value>,
  check: (value: Value) => Promise<void> | void,
): Promise<void> =>
  fc.assert(
    fc.asyncProperty(arbitrary, async (value) => check(value)),
    // Shrinking one failure takes minutes where each step is a request; `FUZZ_SHRINK=off` is for a first look.
    { seed, numRuns: runs, endOnFailure: process.env.FUZZ_SHRINK === 'off' },
  );

/** The strict simulator, and one server for each upstream that Claude is served from; Nova is beside the second. */
export const startSimulated = async () => {
  const simulator = await startSimulator({ now: () => today });
  const env = { MAX_RETRIES: '0', IMAGE_FETCH: 'off', LOG_LEVEL: 'error' };
  const servers = {
    anthropic: await startServer({ anthropicUrl: simulator.anthropicUrl, env }),
    bedrock: await startServer({ bedrockUrl: simulator.bedrockUrl, env }),
  };
  return {
    simulator,
    servers,
    close: async () => {
      await servers.anthropic.close();
      await servers.bedrock.close();
      await simulator.close();
    },
  };
};

export type Simulated = Awaited<ReturnType<typeof startSimulated>>;
