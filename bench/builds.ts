/** A build of the server to be measured: of a folder, or of a revision, which is built in a folder of its own. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { home, serverIn } from './targets.ts';

export interface Build {
  readonly folder: string;
  /** What it was made from, for the reader. */
  readonly from: string;
}

const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: home, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

const npm = (folder: string, ...args: readonly string[]): void => {
  execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
};

/** The commit that a revision names, or undefined where git knows none. */
const commitOf = (revision: string): string | undefined => {
  try {
    return git('rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`);
  } catch {
    // That is how git says no; the user hears of it from the code that asks.
    return undefined;
  }
};

const lockOf = (folder: string): string => readFileSync(join(folder, 'package-lock.json'), 'utf8');

/** A worktree of that commit in a temporary folder, which is removed when this process ends. */
const checkOut = (commit: string): string => {
  const parent = mkdtempSync(join(tmpdir(), 'parley-bench-'));
  const folder = join(parent, commit.slice(0, 12));
  process.once('exit', () => {
    rmSync(parent, { recursive: true, force: true });
    git('worktree', 'prune');
  });
  git('worktree', 'add', '--detach', folder, commit);
  return folder;
};

const buildCommit = (commit: string): Build => {
  const folder = checkOut(commit);
  // The same dependencies need not be installed again, and are then the same files.
  if (lockOf(folder) === lockOf(home)) symlinkSync(join(home, 'node_modules'), join(folder, 'node_modules'));
  else npm(folder, 'ci', '--ignore-scripts', '--no-audit', '--no-fund');
  npm(folder, 'run', '--silent', 'build');
  return { folder, from: git('log', '-1', '--format=%h %s', commit) };
};

/** Of a folder that holds a built server, taken as it is, or of a revision of this repository. */
export const makeBuild = (what: string): Build => {
  const folder = resolve(what);
  if (existsSync(serverIn(folder))) return { folder, from: folder };
  const commit = commitOf(what);
  if (commit === undefined)
    throw new Error(`${what} is neither a folder with a built server nor a revision that git knows`);
  return buildCommit(commit);
};
