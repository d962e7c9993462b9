/** Codex itself, not interactive: a task that reads a file, edits it and runs a command. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apiKey, baseURL } from './setting.mjs';

const codex = fileURLToPath(new URL('node_modules/.bin/codex', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'parley-codex-'));
const home = join(folder, 'home');
const work = join(folder, 'work');
const note = join(work, 'note.txt');
const call = (cmd) => `[[call exec_command ${JSON.stringify({ cmd })}]] [[then]]`;
const task = `Do it. ${call('cat note.txt')} ${call('sed -i s/pelican/heron/ note.txt')} ${call('wc -l note.txt')} [[say finished]]`;

try {
  mkdirSync(home);
  mkdirSync(work);
  writeFileSync(
    join(home, 'config.toml'),
    [
      'model_provider = "parley"',
      'approval_policy = "never"',
      'sandbox_mode = "danger-full-access"',
      '[model_providers.parley]',
      'name = "Parley"',
      `base_url = "${baseURL}"`,
      'env_key = "INFERENCE_KEY"',
      'wire_api = "responses"',
    ].join('\n'),
  );
  for (const model of ['claude-sonnet-5-5', 'nova-2-lite']) {
    writeFileSync(note, 'a pelican\n');
    const said = execFileSync(codex, ['exec', '--skip-git-repo-check', '-m', model, task], {
      cwd: work,
      env: { ...process.env, CODEX_HOME: home, INFERENCE_KEY: apiKey },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
    });
    assert.match(said, /finished/);
    assert.equal(readFileSync(note, 'utf8'), 'a heron\n');
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
