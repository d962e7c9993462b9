import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { fillIn, readReadme } from '../scripts/readme.ts';
import { readConfig } from '../src/config.ts';
import { useServer, useSimulator } from './support/fixtures.ts';

const run = promisify(execFile);
const readme = readReadme();

const blocks = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, code]) => code ?? '',
  );

describe('README', () => {
  it('shows the parameters and models the server has (npm run readme)', () => {
    expect(fillIn(readme)).toBe(readme);
  });

  it('gives the test command that CI runs', () => {
    expect(readme).toContain('<!-- test command -->\n```sh\nnpm install && npm test\n```');
  });
});

describe('.env.example', () => {
  const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8');
  const settings = new Map(
    [...example.matchAll(/^([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  const source = readFileSync(new URL('../src/config.ts', import.meta.url), 'utf8');
  const known = [...source.matchAll(/^ {2}([A-Z][A-Z0-9_]*): /gm)].map(([, name = '']) => name);

  it('names every setting of the server', () => {
    expect(known.length).toBeGreaterThan(20);
    const sdkOnly = ['AWS_DEFAULT_REGION'];
    expect(known.filter((name) => !settings.has(name) && !sdkOnly.includes(name))).toEqual([]);
  });

  it('shows the defaults: read as it stands, it changes nothing', () => {
    const needed = { INFERENCE_KEY: 'k', ANTHROPIC_API_KEY: 'k' };
    const asShown = readConfig({ ...Object.fromEntries(settings), ...needed });
    expect(asShown).toEqual(readConfig(needed));
  });
});

describe("README's snippets run as written", () => {
  const server = useServer({ upstream: useSimulator() });
  // Inside the project, so that `openai` resolves.
  const folder = mkdtempSync(join(import.meta.dirname, 'snippets-'));

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(blocks('js').map((code, index) => ({ name: `snippet ${index + 1}`, code })))(
    '$name',
    async ({ name, code }) => {
      const file = join(folder, `${name.replace(' ', '-')}.mjs`);
      writeFileSync(file, code);
      const env = { PATH: process.env.PATH, INFERENCE_URL: server.url, INFERENCE_KEY: 'test-key' };
      const { stdout } = await run(process.execPath, [file], { env, timeout: 15_000 });
      expect(stdout.trim()).not.toBe('');
      expect(stdout).not.toContain('undefined');
    },
  );

  it('curl', async () => {
    const [command] = blocks('sh').filter((code) => code.startsWith('curl'));
    const env = { PATH: process.env.PATH, INFERENCE_URL: server.url, INFERENCE_KEY: 'test-key' };
    const { stdout } = await run('bash', ['-c', `${command?.replace('curl ', 'curl -sS ')}`], {
      env,
      timeout: 15_000,
    });
    expect(JSON.parse(stdout).choices[0].message.content).toContain('Hello');
  });
});
