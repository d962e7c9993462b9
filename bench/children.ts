/** The processes of a run: each pinned to a core where that can be done, none left behind. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const canPin = availableParallelism() >= 2 && spawnSync('taskset', ['--version']).status === 0;
/** The process under test has this core for itself; load and upstream share the other one. */
const cores = { target: '0', rest: '1' } as const;

export const pinning = canPin
  ? `target on core ${cores.target}, load and upstream on core ${cores.rest}`
  : 'not pinned (taskset and two cores are needed)';

/** The bench's own process, which is the load generator. */
export const pinSelf = (): void => {
  if (canPin) spawnSync('taskset', ['-a', '-c', '-p', cores.rest, String(process.pid)]);
};

const running = new Set<ChildProcess>();
const killAll = (): void => {
  for (const child of running) child.kill('SIGKILL');
};
process.on('exit', killAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(130));
}

export interface Child {
  readonly pid: number;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

export interface Command {
  readonly core: keyof typeof cores;
  readonly node: string;
  readonly arguments: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A channel for messages; the child ends itself when it closes. */
  readonly ipc?: boolean;
  /** Its complaints are not shown. */
  readonly quiet?: boolean;
}

/** Nothing of the caller's environment goes along: keys and AWS profiles have no business here. */
export const startChild = (command: Command): Child => {
  const { core, node, arguments: args, env = {}, ipc = false, quiet = false } = command;
  const [program = node, ...rest] = [...(canPin ? ['taskset', '-c', cores[core]] : []), node, ...args];
  const child = spawn(program, rest, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'ignore', quiet ? 'ignore' : 'inherit', ...(ipc ? (['ipc'] as const) : [])],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  if (child.pid === undefined) throw new Error(`${program} could not be started`);
  return {
    // taskset becomes the program it starts, so this is the id to account by.
    pid: child.pid,
    process: child,
    stop: async () => {
      if (!running.has(child)) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
};

export const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
};

const answersOk = async (url: string): Promise<boolean> => {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // Not listening yet.
    return false;
  }
};

/** Asks every few ms, for 20 s. */
export const waitUntilReady = async (url: string, child: Child): Promise<void> => {
  const until = performance.now() + 20_000;
  while (performance.now() < until) {
    if (await answersOk(url)) return;
    if (child.process.exitCode !== null) throw new Error(`A process ended before ${url} answered`);
    await sleep(3);
  }
  throw new Error(`${url} did not answer within 20 seconds`);
};
