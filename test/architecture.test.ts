import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = normalize(join(dirname(fileURLToPath(import.meta.url)), '..'));

interface Import {
  readonly from: string;
  /** A path under src/ without its extension, or a package's name. */
  readonly to: string;
  readonly isType: boolean;
  readonly isOurs: boolean;
}

const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path: path.replace(/\.ts$/, ''), text: readFileSync(join(root, 'src', path), 'utf8') }));

const statement = /^(?:import|export)\s+(type\s)?(?:([^'";]*?)\sfrom\s)?'([^']+)'/gm;
const dynamic = /\bimport\('([^']+)'\)/g;

const resolve = (from: string, to: string) =>
  to.startsWith('.') ? relative('.', normalize(join(dirname(from), to))).replace(/\.ts$/, '') : to;

const imports: readonly Import[] = files.flatMap(({ path, text }) => [
  ...[...text.matchAll(statement)].map(
    ([, type, names = '', to = '']): Import => ({
      from: path,
      to: resolve(path, to),
      isOurs: to.startsWith('.'),
      // `import { type A, type B }` brings nothing at run time either.
      isType:
        type !== undefined ||
        (/^\{[^}]*\}$/.test(names.trim()) &&
          names.replace(/[{}\s]/g, '') !== '' &&
          names
            .replace(/[{}]/g, '')
            .split(',')
            .every((name) => name.trim() === '' || /^type\s/.test(name.trim()))),
    }),
  ),
  ...[...text.matchAll(dynamic)].map(
    ([, to = '']): Import => ({
      from: path,
      to: resolve(path, to),
      isOurs: to.startsWith('.'),
      isType: false,
    }),
  ),
]);

/** `*` stands for one name, `**` for any. */
const fits = (path: string, pattern: string) =>
  new RegExp(
    `^${pattern.replaceAll('**', '\u0000').replaceAll('*', '[^/]*').replaceAll('\u0000', '.*')}$`,
  ).test(path);

const sdks = ['@anthropic-ai/**', '@aws-sdk/**', '@smithy/**', 'openai', 'undici'];
const redis = '@redis/client';
const isSdk = (name: string) => sdks.some((pattern) => fits(name, pattern));

interface Rule {
  readonly who: string;
  /** Ours that it may import, types included. */
  readonly may: readonly string[];
  /** Ours that it may import as types alone. */
  readonly mayType?: readonly string[];
}

const ground = [
  'chat',
  'errors',
  'models',
  'duration',
  'cancellation',
  'silence',
  'slots',
  'name-list',
  'partial-json',
  'surrogates',
  'texts',
  'turn',
];

/** What the adapters share. */
const adapterParts = [
  'adapters/adapter',
  'adapters/figures',
  'adapters/names',
  'adapters/call-instruction',
  'adapters/property-keys',
  'adapters/key-restorer',
  'adapters/finish-reason',
];

/** STYLE, "Who may import whom"; `catalogue` and `config` lend their types, `Target` and `Timeouts`. */
const rules: readonly Rule[] = [
  { who: 'chat', may: [], mayType: ['texts'] },
  { who: 'texts', may: [] },
  { who: 'silence', may: [] },
  { who: 'surrogates', may: [] },
  { who: 'partial-json', may: [] },
  { who: 'turn', may: [] },
  { who: 'name-list', may: [] },
  { who: 'slots', may: ['errors'] },
  { who: 'duration', may: [] },
  { who: 'cancellation', may: [] },
  { who: 'errors', may: [], mayType: ['chat'] },
  { who: 'models', may: [], mayType: ['chat'] },
  { who: 'cost', may: ground, mayType: ['catalogue'] },
  { who: 'media', may: ground },
  { who: 'models-file', may: ground },
  { who: 'edit-distance', may: [] },
  { who: 'model-names', may: [] },
  { who: 'bedrock-regions', may: [], mayType: ['models'] },
  { who: 'misspellings', may: ['edit-distance'] },
  { who: 'unserved-models', may: [...ground, 'model-names', 'edit-distance'] },
  { who: 'start-notices', may: [...ground, 'bedrock-regions'], mayType: ['catalogue'] },
  {
    who: 'catalogue',
    may: [...ground, 'models-file', 'model-names', 'bedrock-regions', 'unserved-models', 'start-notices'],
  },
  { who: 'start-summary', may: [], mayType: ['catalogue'] },
  { who: 'config', may: [...ground, 'models-file', 'misspellings'] },
  { who: 'logger', may: ground },
  { who: 'store/**', may: ['store/**'] },
  { who: 'processes/**', may: ['processes/**'], mayType: ['store/store'] },
  { who: 'memory', may: ground, mayType: ['store/store'] },
  { who: 'structured', may: [...ground, 'schema/**'] },
  { who: 'repair', may: [...ground, 'normalize/**', 'structured'] },
  { who: 'attachments', may: [...ground, 'normalize/**'], mayType: ['catalogue', 'upstreams/images'] },
  { who: 'openai/**', may: [...ground, 'openai/**'] },
  { who: 'schema/**', may: [...ground, 'schema/**'] },
  {
    who: 'normalize/**',
    may: [...ground, 'media', 'schema/**', 'openai/**', 'normalize/**'],
    mayType: ['catalogue'],
  },
  { who: 'adapters/adapter', may: ground, mayType: ['catalogue'] },
  { who: 'adapters/figures', may: [] },
  { who: 'adapters/names', may: [...ground, 'adapters/adapter'] },
  { who: 'adapters/call-instruction', may: [...ground, 'adapters/names'] },
  { who: 'adapters/finish-reason', may: ground },
  { who: 'adapters/key-restorer', may: [], mayType: ['adapters/adapter'] },
  {
    who: 'adapters/property-keys',
    may: [...ground, 'schema/**', 'adapters/adapter', 'adapters/names'],
  },
  {
    who: 'adapters/claude/**',
    may: [...ground, 'media', 'schema/**', ...adapterParts, 'adapters/claude/**'],
    mayType: ['catalogue'],
  },
  {
    who: 'adapters/nova/**',
    may: [...ground, 'media', 'schema/**', ...adapterParts, 'adapters/nova/**'],
    mayType: ['catalogue'],
  },
  {
    who: 'upstreams/**',
    may: [...ground, 'media', 'adapters/adapter', 'upstreams/**'],
    mayType: ['adapters/*/wire', 'config', 'catalogue'],
  },
  {
    who: 'reading',
    may: [...ground, 'adapters/adapter', 'upstreams/failures'],
    mayType: ['upstreams/waits'],
  },
  {
    who: 'backends',
    may: [...ground, 'reading', 'adapters/**', 'upstreams/**'],
    mayType: ['catalogue', 'config'],
  },
  {
    who: 'plugins/**',
    may: [...ground, 'cost', 'logger', 'openai/**', 'plugins/**'],
    mayType: ['catalogue', 'config', 'store/store'],
  },
  {
    who: 'routes/**',
    may: [...ground, 'cost', 'openai/**', 'normalize/**', 'plugins/**', 'routes/**'],
    mayType: ['answer', 'catalogue', 'config'],
  },
  { who: 'simulator/**', may: ['simulator/**'] },
  { who: 'demo', may: ['demo/**', 'simulator/index'] },
  { who: 'demo/**', may: ['demo/**'] },
  // What was asked for, loaded when it is asked for.
  { who: 'cli', may: ['server', 'demo'] },
];

/** The files that wire: they may import anything of ours but the simulator. */
const wiring = ['app', 'server', 'answer'];

const show = ({ from, to, isType }: Import) => `${from} -> ${to}${isType ? ' (type)' : ''}`;

describe('who may import whom', () => {
  it('sees the real imports', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(imports.map(show)).toEqual(
      expect.arrayContaining([
        'app -> answer',
        'errors -> chat (type)',
        'upstreams/aws -> @aws-sdk/client-bedrock-runtime',
      ]),
    );
  });

  it.each(rules)('$who', ({ who, may, mayType = [] }) => {
    const wrong = imports.filter(
      ({ from, to, isOurs, isType }) =>
        isOurs &&
        fits(from, who) &&
        !may.some((pattern) => fits(to, pattern)) &&
        !(isType && mayType.some((pattern) => fits(to, pattern))),
    );
    expect(wrong.map(show)).toEqual([]);
  });

  it('nothing of the server imports the simulator', () => {
    const wrong = imports.filter(
      ({ from, to }) => fits(to, 'simulator/**') && !fits(from, 'simulator/**') && from !== 'demo',
    );
    expect(wrong.map(show)).toEqual([]);
  });

  it('no adapter knows another family', () => {
    const wrong = imports.filter(
      ({ from, to }) =>
        (fits(from, 'adapters/claude/**') && fits(to, 'adapters/nova/**')) ||
        (fits(from, 'adapters/nova/**') && fits(to, 'adapters/claude/**')),
    );
    expect(wrong.map(show)).toEqual([]);
  });
});

describe('SDKs', () => {
  it('adapters have only their types', () => {
    const wrong = imports.filter(({ from, to, isType }) => fits(from, 'adapters/**') && isSdk(to) && !isType);
    expect(wrong.map(show)).toEqual([]);
  });

  it('nobody else but the upstreams has them', () => {
    // The demo's last screen shows an import; it is text.
    const allowed = ['adapters/**', 'upstreams/**', 'demo/snippets'];
    const wrong = imports.filter(
      ({ from, to }) => isSdk(to) && !allowed.some((pattern) => fits(from, pattern)),
    );
    expect(wrong.map(show)).toEqual([]);
  });

  it('Redis is one kind of store, loaded by who wants it', () => {
    const users = imports.filter(({ to }) => to === redis).map(({ from }) => from);
    expect(users).toEqual(['store/redis']);
    expect(imports.filter(({ to, isType }) => to === 'store/redis' && !isType).map(show)).toEqual([
      'server -> store/redis',
    ]);
  });

  it('Fastify lives in app, routes and plugins', () => {
    const allowed = ['app', 'routes/**', 'plugins/**'];
    const wrong = imports.filter(
      ({ from, to }) => to.startsWith('fastify') && !allowed.some((pattern) => fits(from, pattern)),
    );
    expect(wrong.map(show)).toEqual([]);
  });
});

const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');

/** Files whose code, comments aside, matches. */
const matching = (pattern: RegExp, where: readonly string[] = ['**']) =>
  files
    .filter(({ path, text }) => where.some((each) => fits(path, each)) && pattern.test(code(text)))
    .map(({ path }) => path);

describe('the code itself', () => {
  it('reads process.env in config.ts alone', () => {
    expect(matching(/process\s*\.\s*env|from 'node:process'/).filter((path) => path !== 'demo')).toEqual([
      'config',
    ]);
  });

  it('exits in server.ts alone', () => {
    expect(matching(/process\.exit\(/)).toEqual(['server']);
  });

  it('keeps no mutable state in a module', () => {
    expect(matching(/^(export\s+)?(let|var)\s/m)).toEqual([]);
  });

  it('names no family in routes and plugins', () => {
    expect(matching(/'(claude|nova)'/, ['routes/**', 'plugins/**'])).toEqual([]);
  });

  it('has no file called by nothing in particular', () => {
    expect(
      files.map(({ path }) => path).filter((path) => /(^|\/)(utils?|helpers?|common|types)$/.test(path)),
    ).toEqual([]);
  });

  it('every file of the server stands under a rule', () => {
    const known = [...rules.map(({ who }) => who), ...wiring];
    const strays = files
      .map(({ path }) => path)
      .filter((path) => !known.some((pattern) => fits(path, pattern)));
    expect(strays).toEqual([]);
  });
});
