import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = normalize(join(dirname(fileURLToPath(import.meta.url)), '..'));

interface Import {
  readonly from: string;
  /** A path without its extension, seen from src/ or, outside of it, from the project; or a package's name. */
  readonly to: string;
  readonly isType: boolean;
  readonly isOurs: boolean;
}

const nameOf = (file: string) => file.replace(/^src\//, '').replace(/\.ts$/, '');

const files = ['src', 'simulator', 'cli'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path))
    .map((file) => ({ file, path: nameOf(file), text: readFileSync(join(root, file), 'utf8') })),
);

const statement = /^(?:import|export)\s+(type\s)?(?:([^'";]*?)\sfrom\s)?'([^']+)'/gm;
const dynamic = /\bimport\('([^']+)'\)/g;

const isRelative = (to: string) => to.startsWith('.');
/** `#...` is ours too: the `imports` of package.json. */
const isOwn = (to: string) => isRelative(to) || to.startsWith('#');

const resolve = (from: string, to: string) => (isRelative(to) ? nameOf(join(dirname(from), to)) : to);

const imports: readonly Import[] = files.flatMap(({ file, path, text }) => [
  ...[...text.matchAll(statement)].map(
    ([, type, names = '', to = '']): Import => ({
      from: path,
      to: resolve(file, to),
      isOurs: isOwn(to),
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
      to: resolve(file, to),
      isOurs: isOwn(to),
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
  /** Has a rule of its own. */
  readonly butNot?: readonly string[];
  /** Ours that it may import, types included. */
  readonly may: readonly string[];
  /** Ours that it may import as types alone. */
  readonly mayType?: readonly string[];
}

/** A folder and what lies in it. */
const within = (...folders: readonly string[]) => folders.map((folder) => `${folder}/**`);

const helpers = within('core', 'models', 'json-schema', 'media');

/** Nearer to the network than to the client comes later. */
const rules: readonly Rule[] = [
  { who: 'core/**', may: within('core') },
  { who: 'json-schema/**', may: within('core', 'json-schema') },
  { who: 'media/**', may: within('core', 'media') },
  { who: 'models/**', may: within('core', 'models') },
  { who: 'config', may: within('core', 'models') },
  { who: 'store/**', may: within('core', 'store') },
  { who: 'cluster/**', may: within('core', 'cluster'), mayType: ['store/store'] },
  { who: 'normalize/**', may: [...helpers, 'normalize/**'] },
  { who: 'adapters/**', may: [...helpers, 'adapters/**'] },
  { who: 'providers/**', may: within('core', 'providers'), mayType: within('models', 'adapters') },
  {
    who: 'pipeline/**',
    may: [...helpers, ...within('normalize', 'adapters', 'providers', 'pipeline')],
    mayType: ['config', 'store/store'],
  },
  { who: 'server/**', may: within('core', 'server') },
  {
    who: 'api/serve',
    may: [...helpers, 'api/chat-api', 'api/delivery', 'api/header-hold', ...within('server', 'pipeline')],
  },
  {
    who: 'api/*',
    butNot: ['api/serve'],
    // The description of the APIs has their schemas.
    may: [...helpers, 'api/*', ...within('api/content', 'server'), 'api/*/parameters'],
  },
  { who: 'api/content/**', may: [...helpers, 'api/content/**'] },
  {
    who: 'api/chat-completions/**',
    may: [...helpers, ...within('api/chat-completions', 'api/content')],
    mayType: ['api/chat-api', 'api/keep-alive'],
  },
  {
    who: 'api/responses/**',
    may: [...helpers, ...within('api/responses', 'api/content')],
    mayType: ['api/chat-api', 'api/keep-alive'],
  },
  { who: 'simulator/**', may: ['simulator/**'] },
  // The server it starts is the built one: another build, which it finds as `#server`.
  { who: 'cli/**', may: ['cli/**', 'simulator/index'] },
];

/** The files that wire: they may import anything in src/. */
const wiring = ['app', 'server'];

const show = ({ from, to, isType }: Import) => `${from} -> ${to}${isType ? ' (type)' : ''}`;

describe('an import only points where the layout allows it:', () => {
  it('sees the real imports', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(imports.map(show)).toEqual(
      expect.arrayContaining([
        'app -> pipeline/complete',
        'cli/demo -> simulator/index',
        'core/errors -> core/chat (type)',
        'providers/bedrock/bedrock -> @aws-sdk/client-bedrock-runtime',
      ]),
    );
  });

  const against = ({ who, butNot = [], may, mayType = [] }: Rule) =>
    imports
      .filter(
        ({ from, to, isOurs, isType }) =>
          isOurs &&
          fits(from, who) &&
          !butNot.includes(from) &&
          !may.some((pattern) => fits(to, pattern)) &&
          !(isType && mayType.some((pattern) => fits(to, pattern))),
      )
      .map(show);

  it.each(rules)('$who', (rule) => {
    expect(against(rule)).toEqual([]);
  });

  it('nothing in src/ imports anything outside of it', () => {
    const inside = new Set(files.filter(({ file }) => file.startsWith('src/')).map(({ path }) => path));
    const wrong = imports.filter(({ from, to, isOurs }) => isOurs && inside.has(from) && !inside.has(to));
    expect(wrong.map(show)).toEqual([]);
  });

  it('a text that may travel as bytes is opened by what cuts and what writes it, and nothing else', () => {
    const opening = files.filter(({ text }) => /\b(?:onWire|CarriedTexts|texts\.write)\(/.test(text));
    expect(opening.map(({ path }) => path).sort()).toEqual([
      'adapters/anthropic-messages/messages',
      'adapters/bedrock-converse/messages',
      'api/chat-completions/long-texts',
      'core/message-text',
      'providers/http/transport',
    ]);
  });

  it('no adapter knows another protocol', () => {
    const wrong = imports.filter(
      ({ from, to }) =>
        (fits(from, 'adapters/anthropic-messages/**') && fits(to, 'adapters/bedrock-converse/**')) ||
        (fits(from, 'adapters/bedrock-converse/**') && fits(to, 'adapters/anthropic-messages/**')),
    );
    expect(wrong.map(show)).toEqual([]);
  });
});

describe('SDKs', () => {
  it('adapters have only their types', () => {
    const wrong = imports.filter(({ from, to, isType }) => fits(from, 'adapters/**') && isSdk(to) && !isType);
    expect(wrong.map(show)).toEqual([]);
  });

  it('only providers and the image fetcher have them', () => {
    // The demo's last screen shows an import; it is text.
    const allowed = ['adapters/**', 'providers/**', 'pipeline/image-fetcher', 'cli/demo/snippets'];
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

  it('Fastify lives in app, api and server', () => {
    const allowed = ['app', 'api/**', 'server/**'];
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
    // The demo starts a process of its own.
    expect(matching(/process\s*\.\s*env|from 'node:process'/).filter((path) => path !== 'cli/demo')).toEqual([
      'config',
    ]);
  });

  it('exits in server.ts alone', () => {
    expect(matching(/process\.exit\(/)).toEqual(['server']);
  });

  it('keeps no mutable state in a module', () => {
    expect(matching(/^(export\s+)?(let|var)\s/m)).toEqual([]);
  });

  it('names no family in APIs and the server', () => {
    expect(matching(/'(claude|nova)'/, ['api/**', 'server/**'])).toEqual([]);
  });

  it('has no file called by nothing in particular', () => {
    expect(
      files.map(({ path }) => path).filter((path) => /(^|\/)(utils?|helpers?|common|types)$/.test(path)),
    ).toEqual([]);
  });

  it('has three files directly in src', () => {
    const direct = files.map(({ file }) => file).filter((file) => dirname(file) === 'src');
    expect(direct.sort()).toEqual(['src/app.ts', 'src/config.ts', 'src/server.ts']);
  });

  it('every file stands under a rule', () => {
    const known = [...rules.map(({ who }) => who), ...wiring];
    const strays = files
      .map(({ path }) => path)
      .filter((path) => !known.some((pattern) => fits(path, pattern)));
    expect(strays).toEqual([]);
  });
});
