/** What a process has used, by the kernel's own accounting. All of its threads count. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

export const assertLinux = (): void => {
  if (!existsSync('/proc/self/stat')) {
    throw new Error(
      'The benchmark reads CPU time and memory from /proc: run it on Linux, or in a container.',
    );
  }
};

const ticksPerSecond = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100;

/** User and system time so far, in seconds. */
export const cpuSeconds = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the command in parentheses, which may hold blanks itself; utime is the 14th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
};

/** Resident memory in kB. */
export const residentKilobytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN);

/** How many files and sockets a process may have open. */
export const openFilesLimit = (): number => {
  const line = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return line === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line ?? 1024);
};
