/** What the code, the tests and the pages cite is there: numbers of docs/behaviour.md, pages, settings. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Of others, made, or made by another test while this one reads. */
const isSkipped = (name: string): boolean =>
  ['node_modules', 'dist', 'venv'].includes(name) || name.startsWith('.') || name.startsWith('snippets-');
const isText = (name: string): boolean => /\.(ts|mjs|sh|md)$/.test(name);

const filesIn = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (isSkipped(entry.name)) return [];
    if (entry.isDirectory()) return filesIn(path);
    return isText(entry.name) ? [path] : [];
  });

const texts = [...filesIn('.'), '.env.example', '.ci/run'].map((path) => ({ path, text: read(path) }));

/** Sections, and their numbered items: `7`, `7.5`. */
const numbersOf = (page: string): ReadonlySet<string> => {
  const numbers = new Set<string>();
  let section = '';
  for (const line of page.split('\n')) {
    section = /^## (\d+)\. /.exec(line)?.[1] ?? section;
    const item = /^(\d+)\. /.exec(line)?.[1];
    if (section !== '') numbers.add(item === undefined ? section : `${section}.${item}`);
  }
  return numbers;
};

/** `behaviour 7.5`, also with more numbers behind: `behaviour 3 to 6 and 8`, `behaviour 7.6, 7.7`. */
const citation = /\bbehaviour (\d+(?:\.\d+)?(?:(?:, | to | and )\d+(?:\.\d+)?)*)/gi;
const cited = texts.flatMap(({ path, text }) =>
  [...text.matchAll(citation)].flatMap(([, list = '']) =>
    (list.match(/\d+(?:\.\d+)?/g) ?? []).map((number) => ({ path, number })),
  ),
);

const page = read('docs/behaviour.md');

describe('docs/behaviour.md', () => {
  const known = numbersOf(page);

  it('has every number that is cited', () => {
    expect(cited.length).toBeGreaterThan(100);
    expect(cited.filter(({ number }) => !known.has(number))).toEqual([]);
  });

  it('has every number that it refers to itself', () => {
    // Figures begin with 0, or have a word behind that says of what they are.
    const found = page.matchAll(/(?<![\w.,/])([1-9]\d*\.\d+)(?=[;:,.)\s])(?! (?:MiB|or newer)\b)/g);
    const own = [...found].map(([, number = '']) => number);
    expect(own.length).toBeGreaterThan(20);
    // Not built yet, as the page says.
    expect(own.filter((number) => !known.has(number) && number !== '5.10')).toEqual([]);
  });

  it('has every setting, with its default as .env.example has it', () => {
    const settings = [...read('.env.example').matchAll(/^([A-Z][A-Z0-9_]*)=(.*)$/gm)];
    expect(settings.length).toBeGreaterThan(40);
    for (const [, name = '', value = ''] of settings)
      expect(page).toContain(`| \`${name}\` | ${value === '' ? '' : `${value} `}|`);
  });
});

describe('docs/decisions/', () => {
  const pages = readdirSync(join(root, 'docs/decisions')).filter((name) => name !== 'README.md');

  it.each(pages)('%s has a date, and a line in the index', (name) => {
    expect(name).toMatch(/^\d{4}-\d{2}-\d{2}-[a-z0-9-]+\.md$/);
    expect(read('docs/decisions/README.md')).toContain(`](${name})`);
  });
});

describe('what is cited is in the repository', () => {
  it('every link between the pages leads somewhere', () => {
    const links = texts
      .filter(({ path }) => path.endsWith('.md'))
      .flatMap(({ path, text }) =>
        [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, to = '']) => ({ path, to })),
      );
    expect(links.length).toBeGreaterThan(20);
    expect(links.filter(({ path, to }) => !existsSync(join(root, dirname(path), to)))).toEqual([]);
  });

  it('every page that a comment names is there', () => {
    const named = texts.flatMap(({ path, text }) =>
      [...text.matchAll(/\bdocs\/[\w./-]+\.md\b/g)]
        .filter(({ index }) => !/[\w/.]/.test(text[index - 1] ?? ''))
        .map(([to]) => ({ path, to })),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ to }) => !existsSync(join(root, to)))).toEqual([]);
  });

  it('nothing leads out of it, but tests that read what may lie beside it', () => {
    const outside = [
      /\.\.\/shared\b/,
      /\bBEHAVIOUR\b/,
      /\bSTYLE\b/,
      /\breference(?:: (?:anthropic|bedrock|openai|models)| measurements)\b|\breference\/[\w-]+\.md/,
    ];
    const readers = [
      'test/captures.test.ts',
      'test/docs.test.ts',
      'test/recordings.test.ts',
      'test/responses-recordings.test.ts',
      'test/reported.test.ts',
      'test/support/errors.ts',
      'test/support/openresponses.ts',
      'test/support/recorded.ts',
      'test/support/suite.ts',
    ];
    const leading = texts.filter(({ text }) => outside.some((pattern) => pattern.test(text)));
    expect(leading.map(({ path }) => path).filter((path) => !readers.includes(path))).toEqual([]);
  });
});
