/**
 * `npm run build`: compiles src/ into dist/ by way of a folder of its own, file by file, so that a server that runs
 * from dist/ always finds the modules it loads late, and a build that fails or a second one at the same time breaks
 * nothing. npm runs it after `npm install` too (`prepare`). `--if-needed` does nothing where dist/ is newer than src/.
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
const dist = join(root, 'dist');
/** The first module that a start needs, and the last that a build puts in place. */
const entry = 'cli.js';

const filesIn = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((file) => file.isFile())
        .map((file) => join(file.parentPath, file.name).slice(folder.length + 1))
    : [];

const isBuilt = () => {
  if (!existsSync(join(dist, entry))) return false;
  const built = statSync(join(dist, entry)).mtimeMs;
  const sources = [...filesIn(join(root, 'src')).map((file) => join('src', file)), 'tsconfig.build.json'];
  return sources.every((file) => statSync(join(root, file)).mtimeMs <= built);
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
const putInPlace = (fresh) => {
  const files = filesIn(fresh).sort((one, other) => Number(one === entry) - Number(other === entry));
  for (const file of files) {
    mkdirSync(dirname(join(dist, file)), { recursive: true });
    if (!isSame(join(fresh, file), join(dist, file))) renameSync(join(fresh, file), join(dist, file));
  }
  const known = new Set(files);
  for (const file of filesIn(dist)) if (!known.has(file)) rmSync(join(dist, file), { force: true });
  chmodSync(join(dist, entry), 0o755);
  utimesSync(join(dist, entry), new Date(), new Date());
};

const build = (compiler) => {
  const fresh = mkdtempSync(join(root, '.build-'));
  try {
    const project = ['-p', join(root, 'tsconfig.build.json'), '--outDir', fresh];
    const { status } = spawnSync(process.execPath, [compiler, ...project], { cwd: root, stdio: 'inherit' });
    if (status !== 0) return 1;
    putInPlace(fresh);
    return 0;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
};

const main = () => {
  const ifNeeded = process.argv.includes('--if-needed');
  if (ifNeeded && isBuilt()) return 0;
  const compiler = findCompiler();
  if (compiler !== undefined) {
    if (ifNeeded) process.stderr.write('Building Parley ...\n');
    return build(compiler);
  }
  const hasBuild = existsSync(join(dist, entry));
  if (ifNeeded && hasBuild) return 0;
  process.stderr.write(
    'Parley was not built: the compiler is a development dependency, and those were left out. ' +
      'Build first (npm ci, npm run build), then npm prune --omit=dev.\n',
  );
  // An installation without them is no failure of its own: it may be about to get its dist/ from elsewhere.
  return process.env.npm_lifecycle_event === 'prepare' ? 0 : 1;
};

process.exitCode = main();
