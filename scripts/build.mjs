/**
 * `npm run build`: compiles src/ into dist/, and the command with its simulator into dist-cli/, each by way of a folder
 * of its own, file by file, so that a server that runs from dist/ always finds the modules it loads late, and a build
 * that fails or a second one at the same time breaks nothing. npm runs it after `npm install` too (`prepare`).
 * `--if-needed` leaves out what is newer than its sources, `--server` all but dist/.
 */

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** `entry` is what a start looks for first; a build puts it in place last. */
const server = { config: 'tsconfig.build.json', sources: ['src'], folder: 'dist', entry: 'server.js' };
const command = {
  config: 'tsconfig.build-cli.json',
  sources: ['cli', 'simulator'],
  folder: 'dist-cli',
  entry: 'cli/cli.js',
  isExecutable: true,
};

const entryOf = ({ folder, entry }) => join(root, folder, entry);

const filesIn = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((file) => file.isFile())
        .map((file) => join(file.parentPath, file.name).slice(folder.length + 1))
    : [];

const isBuilt = (project) => {
  if (!existsSync(entryOf(project))) return false;
  const built = statSync(entryOf(project)).mtimeMs;
  const sources = project.sources.flatMap((folder) =>
    filesIn(join(root, folder)).map((file) => join(folder, file)),
  );
  return [...sources, project.config].every((file) => statSync(join(root, file)).mtimeMs <= built);
};

/** The compiler, or nothing in an installation without development dependencies. */
const findCompiler = () => {
  try {
    const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
    return join(dirname(manifest), JSON.parse(readFileSync(manifest, 'utf8')).bin.tsc);
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
};

const isSame = (one, other) => existsSync(other) && readFileSync(one).equals(readFileSync(other));

/** Renaming replaces a file in one go; what has not changed is not touched, what is no more goes last. */
const putInPlace = ({ folder, entry, isExecutable = false }, fresh) => {
  const target = join(root, folder);
  const files = filesIn(fresh).sort((one, other) => Number(one === entry) - Number(other === entry));
  for (const file of files) {
    mkdirSync(dirname(join(target, file)), { recursive: true });
    if (!isSame(join(fresh, file), join(target, file))) renameSync(join(fresh, file), join(target, file));
  }
  const known = new Set(files);
  for (const file of filesIn(target)) if (!known.has(file)) rmSync(join(target, file), { force: true });
  if (isExecutable) chmodSync(join(target, entry), 0o755);
  utimesSync(join(target, entry), new Date(), new Date());
};

const compile = (compiler, { config }, fresh) => {
  const project = ['-p', join(root, config), '--outDir', fresh];
  return spawnSync(process.execPath, [compiler, ...project], { cwd: root, stdio: 'inherit' }).status === 0;
};

/** All or nothing: where one fails, none is put in place. */
const build = (compiler, projects) => {
  const builds = projects.map((project) => ({ project, fresh: mkdtempSync(join(root, '.build-')) }));
  try {
    if (!builds.every(({ project, fresh }) => compile(compiler, project, fresh))) return 1;
    for (const { project, fresh } of builds) putInPlace(project, fresh);
    return 0;
  } finally {
    for (const { fresh } of builds) rmSync(fresh, { recursive: true, force: true });
  }
};

const main = () => {
  const ifNeeded = process.argv.includes('--if-needed');
  const wanted = process.argv.includes('--server') ? [server] : [server, command];
  const projects = ifNeeded ? wanted.filter((project) => !isBuilt(project)) : wanted;
  if (projects.length === 0) return 0;
  const compiler = findCompiler();
  if (compiler !== undefined) {
    if (ifNeeded) process.stderr.write('Building Parley ...\n');
    return build(compiler, projects);
  }
  if (ifNeeded && projects.every((project) => existsSync(entryOf(project)))) return 0;
  process.stderr.write(
    'Parley was not built: the compiler is a development dependency, and those were left out. ' +
      'Build first (npm ci, npm run build), then npm prune --omit=dev.\n',
  );
  // An installation without them is no failure of its own: it may be about to get its dist/ from elsewhere.
  return process.env.npm_lifecycle_event === 'prepare' ? 0 : 1;
};

process.exitCode = main();
