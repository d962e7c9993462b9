/** A Redis of the test's own, where `redis-server` is installed; suites that need it are skipped, visibly, where not. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createClient } from '@redis/client';
import { freePort } from './listen.ts';

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

export interface TestRedis {
  readonly url: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** Waits until it answers. A given port is that of one that was stopped. */
export const startRedis = async (givenPort?: number): Promise<TestRedis> => {
  const port = givenPort ?? (await freePort());
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', '/tmp'],
    { stdio: 'ignore' },
  );
  const exited = once(child, 'exit');
  const url = `redis://127.0.0.1:${port}`;
  const client = createClient({ url, socket: { reconnectStrategy: 50 } });
  client.on('error', () => {});
  await client.connect();
  await client.ping();
  client.destroy();
  return {
    url,
    process: child,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
};
