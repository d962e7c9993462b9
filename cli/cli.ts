#!/usr/bin/env node
/**
 * `parley`: the server, its demo, its help. What a start needs is loaded only then; `#server` is the server as it is
 * built (`imports` in package.json).
 */

import { readFileSync } from 'node:fs';

const help = `Usage: parley [command]

  parley                 starts the server; its settings come from the environment
  parley demo [--once]   starts it with simulated models: no account, no network
  parley --help          shows this
  parley --version       shows the version

The least that the server needs:

  INFERENCE_KEY=choose-a-key ANTHROPIC_API_KEY=sk-ant-... parley

All settings: .env.example
`;

const version = (): string =>
  (JSON.parse(readFileSync(new URL(import.meta.resolve('#package.json')), 'utf8')) as { version: string })
    .version;

const say = (text: string): void => {
  process.stdout.write(text);
};

const main = async ([command, ...rest]: readonly string[]): Promise<void> => {
  switch (command) {
    case undefined:
      await import(import.meta.resolve('#server'));
      return;
    case 'demo': {
      const { runDemo } = await import('./demo.ts');
      process.exitCode = await runDemo(rest);
      return;
    }
    case '--help':
    case '-h':
    case 'help':
      return say(help);
    case '--version':
    case '-v':
      return say(`${version()}\n`);
    default:
      process.stderr.write(`parley does not know '${command}'.\n\n${help}`);
      process.exitCode = 2;
  }
};

await main(process.argv.slice(2));
