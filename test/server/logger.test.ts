/** The log on standard output, in a process of its own. */

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const run = (script: string) =>
  spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    encoding: 'utf8',
    cwd: new URL('../..', import.meta.url),
  });
const lines = (text: string) => text.split('\n').filter((line) => line !== '');

describe('lines on standard output', () => {
  it('are all there, whole and in order, when the process exits at once', () => {
    const { stdout, status } = run(`
      import { createLogger } from './src/server/logger.ts';
      const logger = createLogger('info');
      for (let n = 0; n < 500; n++) logger.info({ n, text: 'x'.repeat(n) }, 'line');
      process.exit(3);
    `);
    expect(status).toBe(3);
    expect(lines(stdout).map((line) => JSON.parse(line).n)).toEqual(Array.from({ length: 500 }, (_, n) => n));
  });

  it('are there before a crash', () => {
    const { stdout, status } = run(`
      import { createLogger } from './src/server/logger.ts';
      createLogger('info').info('before');
      throw new Error('crash');
    `);
    expect(status).toBe(1);
    expect(lines(stdout).map((line) => JSON.parse(line).msg)).toEqual(['before']);
  });
});
