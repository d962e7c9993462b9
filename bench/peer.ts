/**
 * The optional peer: the Portkey gateway from npm, in a folder of its own beside this file. It is no dependency of
 * the project; it is installed when a run first asks for it.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.peer/', import.meta.url));
const program = `${folder}node_modules/@portkey-ai/gateway/build/start-server.js`;

/**
 * Ranges in the gateway's own package.json, held where they were when it was made. With a newer server adapter
 * (1.14.4 and later were looked at) each of its streamed Claude answers is a 500: response headers that it writes
 * to are read-only there.
 */
const pins = { hono: '4.9.7', '@hono/node-server': '1.13.8', '@hono/node-ws': '1.2.0' };
const manifest = {
  private: true,
  dependencies: { '@portkey-ai/gateway': '1.15.2', ...pins },
  overrides: pins,
};

/** The path of its program, installed first where it is not there yet. */
export const peerProgram = async (): Promise<string> => {
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}package.json`, JSON.stringify(manifest));
    // Its postinstall step patches nothing that is used here, and needs a tool that may be missing.
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 180_000,
    });
  }
  return program;
};
