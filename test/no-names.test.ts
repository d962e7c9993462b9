import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { models } from '../src/models/rows.ts';

const source = new URL('../src/', import.meta.url).pathname;

/** Facts of a model at a place are quirks of its endpoint: what tells providers and protocols apart is here alone. */
const tables = ['models/rows.ts', 'models/upstreams.ts', 'providers/registry.ts'];

const names = [
  ...['anthropic', 'bedrock', 'bedrock-converse', 'anthropic-messages', 'converse', 'invoke'],
  ...['claude', 'nova', 'amazon'],
  ...models.map(({ id }) => id),
];
const name = `['"\`](?:${names.join('|')})['"\`]`;
/** `=== 'x'`, `'x' === `, `case 'x':`, `['x', ...].includes(`, `.startsWith('x')`. */
const comparisons = new RegExp(
  `[=!]==? ${name}|${name} [=!]==?|case ${name}|${name}[^\\n]*\\]\\.includes\\(|(?:includes|startsWith|endsWith|has)\\(${name}\\)`,
  'g',
);

const comparedIn = (file: string): readonly string[] =>
  [...readFileSync(join(source, file), 'utf8').matchAll(comparisons)].map(([found]) => `${file}: ${found}`);

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

it('tells no models, families, providers or protocols apart by name outside the tables', () => {
  expect(files.length).toBeGreaterThan(50);
  expect(files.filter((file) => !tables.includes(file)).flatMap(comparedIn)).toEqual([]);
});

it.each([
  "x === 'bedrock'",
  "'claude' !== family",
  "case 'anthropic':",
  "['bedrock', 'x'].includes(y)",
  "id.startsWith('nova')",
])('would notice %s', (code) => expect(code.match(comparisons)).not.toBeNull());
