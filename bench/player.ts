/** The fake upstream as its parent sees it. */

import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startChild } from './children.ts';
import type { Mode, UpstreamOrder } from './modes.ts';

export interface Upstream {
  readonly port: number;
  setMode(mode: Mode): Promise<void>;
  /** Ends all held streams. */
  release(): Promise<void>;
  stop(): Promise<void>;
}

export const startUpstream = async (): Promise<Upstream> => {
  const child = startChild({
    core: 'rest',
    node: process.execPath,
    arguments: ['--import', 'tsx', fileURLToPath(new URL('./upstream.ts', import.meta.url))],
    ipc: true,
  });
  const gone = once(child.process, 'exit').then(() => {
    throw new Error('The fake upstream ended early; it says why above');
  });
  gone.catch(() => {});
  const nextMessage = (): Promise<unknown[]> => Promise.race([once(child.process, 'message'), gone]);
  const [{ port }] = (await nextMessage()) as [{ port: number }];
  const order = async (what: UpstreamOrder): Promise<void> => {
    const done = nextMessage();
    child.process.send(what);
    await done;
  };
  return {
    port,
    setMode: (mode) => order({ mode }),
    release: () => order({ release: true }),
    stop: child.stop,
  };
};
