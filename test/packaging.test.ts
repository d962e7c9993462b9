/** What an installation leaves and a start finds: behaviour 11.5. `scripts/try-package.sh` tries the packed package. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { until } from './support/until.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** A project with this one's build, a server that loads a module late, and a command. */
let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'parley-build-'));
  for (const file of [
    'scripts/build.mjs',
    'scripts/check-built.mjs',
    'tsconfig.json',
    'tsconfig.build.json',
    'tsconfig.build-cli.json',
    'package.json',
  ])
    cpSync(join(root, file), join(project, file), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
  source('cli/cli.ts', "import '../simulator/index.ts';\n");
  source('simulator/index.ts', "console.log('simulated');\n");
  source(
    'src/server.ts',
    [
      "process.stdin.on('data', async () => {",
      "  console.log((await import('./late/module.ts')).answer);",
      '  process.exit(0);',
      '});',
      "console.log('started');",
    ].join('\n'),
  );
  source('src/late/module.ts', "export const answer = 'came late';\n");
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

const source = (file: string, text: string): void => {
  mkdirSync(dirname(join(project, file)), { recursive: true });
  writeFileSync(join(project, file), text);
};

const inProject = (args: string[], env: Record<string, string> = {}) =>
  new Promise<{ code: number; said: string }>((resolve) => {
    execFile(
      process.execPath,
      args,
      { cwd: project, env: { PATH: process.env.PATH, ...env } },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), said: `${stdout}${stderr}` }),
    );
  });

const build = (...args: string[]) => inProject(['scripts/build.mjs', ...args]);
const dist = (file: string) => join(project, 'dist', file);
const command = () => join(project, 'dist-cli/cli/cli.js');

describe('package.json', () => {
  it('builds when it is installed and never when it is started', () => {
    expect(manifest.scripts).toMatchObject({
      prepare: 'node scripts/build.mjs',
      build: 'node scripts/build.mjs',
      prestart: 'node scripts/check-built.mjs',
    });
    expect(manifest.scripts.start).not.toMatch(/build|tsc/);
  });

  it('has a command and ships what that needs', () => {
    expect(manifest.bin).toEqual({ parley: 'dist-cli/cli/cli.js' });
    expect(manifest.imports['#server']).toBe('./dist/server.js');
    expect(manifest.files).toEqual(expect.arrayContaining(['dist', 'dist-cli']));
  });

  it('decides about every install script, so that npm has nothing to warn of', () => {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { hasInstallScript?: boolean }>;
    };
    const scripted = Object.entries(packages)
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([path]) => path.replace(/^.*node_modules\//, ''));
    expect(Object.keys(manifest.allowScripts)).toEqual(expect.arrayContaining(scripted));
  });
});

describe('npm start', () => {
  it('says in one sentence that nothing is built', async () => {
    const { code, said } = await inProject(['scripts/check-built.mjs']);
    expect(code).toBe(1);
    expect(said.trim()).toMatch(/^Parley is not built yet: run npm install, .*\.$/);
  });

  it('says nothing where there is a build', async () => {
    await build();
    expect(await inProject(['scripts/check-built.mjs'])).toEqual({ code: 0, said: '' });
  });
});

describe('the build', () => {
  it('takes nothing from a running server that loads a module late', async () => {
    await build();
    const server = spawn(process.execPath, [dist('server.js')], { stdio: ['pipe', 'pipe', 'inherit'] });
    const exited = once(server, 'exit');
    let said = '';
    server.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await until(() => said.includes('started'), 'the server starts', 10_000);

    const before = statSync(dist('late/module.js'));
    const builds = [build(), build()];
    let isBuilding = true;
    const all = Promise.all(builds).finally(() => {
      isBuilding = false;
    });
    // Two at once, and the module is there at every moment.
    while (isBuilding) {
      expect(existsSync(dist('late/module.js'))).toBe(true);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await all).map(({ code }) => code)).toEqual([0, 0]);
    expect(statSync(dist('late/module.js')).ino).toBe(before.ino);

    server.stdin.write('now\n');
    expect(await exited).toEqual([0, null]);
    expect(said).toBe('started\ncame late\n');
  });

  it.each(['src/server.ts', 'simulator/index.ts'])('that fails in %s leaves all as it was', async (file) => {
    await build();
    source('src/late/module.ts', "export const answer = 'came later';\n");
    source('cli/cli.ts', "console.log('changed');\n");
    source(file, 'const wrong: number = "text";\nexport { wrong };\n');
    expect(await build()).toMatchObject({ code: 1, said: expect.stringContaining('TS2322') });
    expect(readFileSync(dist('server.js'), 'utf8')).toContain('started');
    expect(readFileSync(dist('late/module.js'), 'utf8')).toContain('came late');
    expect(readFileSync(command(), 'utf8')).toContain('simulator');
    expect(readdirSync(project).filter((name) => name.startsWith('.build-'))).toEqual([]);
  });

  it('puts nothing but the server into dist, and needs no other sources for that', async () => {
    await build();
    expect(readdirSync(join(project, 'dist'))).toEqual(
      expect.not.arrayContaining([expect.stringMatching(/cli|demo|simulator/)]),
    );
    for (const folder of ['cli', 'simulator', 'dist', 'dist-cli'])
      rmSync(join(project, folder), { recursive: true });
    expect(await build('--server')).toEqual({ code: 0, said: '' });
    expect(existsSync(dist('server.js'))).toBe(true);
    expect(existsSync(join(project, 'dist-cli'))).toBe(false);
  });

  it('takes away what has no source any more, and can be run as a command', async () => {
    await build();
    rmSync(join(project, 'src/late'), { recursive: true });
    rmSync(join(project, 'simulator'), { recursive: true });
    source('src/server.ts', "console.log('without');\n");
    source('cli/cli.ts', "console.log('alone');\n");
    await build();
    expect(existsSync(dist('late/module.js'))).toBe(false);
    expect(existsSync(join(project, 'dist-cli/simulator/index.js'))).toBe(false);
    expect(statSync(command()).mode & 0o111).toBe(0o111);
  });

  it('is left out where it is not needed', async () => {
    expect((await build('--if-needed')).said).toBe('Building Parley ...\n');
    for (const file of ['src/late/module.ts', 'cli/cli.ts', 'simulator/index.ts']) {
      expect(await build('--if-needed')).toEqual({ code: 0, said: '' });
      source(file, "export const answer = 'changed';\n");
      expect((await build('--if-needed')).said, file).toBe('Building Parley ...\n');
    }
  });

  it('does not fail an installation without the compiler, and says what to do', async () => {
    rmSync(join(project, 'node_modules'));
    const installed = await inProject(['scripts/build.mjs'], { npm_lifecycle_event: 'prepare' });
    expect(installed).toEqual({ code: 0, said: expect.stringContaining('Parley was not built') });
    expect(await build()).toMatchObject({ code: 1, said: expect.stringContaining('npm run build') });
  });
});

describe('parley', () => {
  beforeAll(async () => {
    await promisify(execFile)(process.execPath, ['scripts/build.mjs', '--if-needed'], { cwd: root });
  }, 60_000);

  const parley = (...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile(
        process.execPath,
        [join(root, manifest.bin.parley), ...args],
        { cwd: root, env: { PATH: process.env.PATH } },
        (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });

  it('shows its help and its version', async () => {
    expect(await parley('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('parley demo') });
    expect(await parley('--version')).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
  });

  it('does not know a command that is none', async () => {
    expect(await parley('start')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^parley does not know 'start'\./),
    });
  });

  it('says without any key how to see it work', async () => {
    expect(await parley()).toMatchObject({ code: 1, stderr: expect.stringContaining('parley demo') });
  });
});
