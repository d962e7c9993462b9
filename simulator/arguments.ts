import { type Fields, fieldsOf, isFields, listOf, textOf } from './json.ts';

const STARTERS = new Set(
  (
    'what whats who where when why how is are do does can could would please tell give get show find call use and ' +
    'also then the a an in i you my it describe answer return generate create write make look check search run json'
  ).split(' '),
);

/** Names a person would pick out: runs of capitalised words. A single word that opens a sentence comes last. */
export const namesIn = (text: string): string[] => {
  const names: string[] = [];
  const openers: string[] = [];
  for (const { 0: run, index } of text.matchAll(/\p{Lu}[\p{L}\d'’-]*(?:[ ]\p{Lu}[\p{L}\d'’-]*)*/gu)) {
    const words = run.split(' ');
    while (words.length > 0 && STARTERS.has((words[0] ?? '').toLowerCase().replace(/['’]/g, '')))
      words.shift();
    const name = words.join(' ').replace(/['’]s$/u, '');
    const opens =
      words.length === 1 &&
      words[0] === run &&
      /(?:^|[.!?]\s)$/.test(text.slice(Math.max(0, index - 2), index));
    if (name !== '') (opens ? openers : names).push(name);
  }
  return [...names, ...openers];
};

/** What values are made of. */
export interface Material {
  /** The clause or question that they are for. */
  readonly text: string;
  /** All that was said, where the clause does not say it. */
  readonly prompt: () => string;
  /** What tools have found so far. */
  readonly results: readonly string[];
}

/** The material, taken apart; what is used is taken out. */
interface Source extends Material {
  readonly names: string[];
  readonly numbers: number[];
  readonly quoted: string[];
  readonly paths: string[];
  readonly urls: string[];
  readonly root: Fields;
}

const FORMATS: Record<string, string> = {
  'date-time': '2026-01-31T12:00:00Z',
  date: '2026-01-31',
  time: '12:00:00Z',
  duration: 'P1D',
  email: 'someone@example.com',
  hostname: 'example.com',
  uri: 'https://example.com/',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uuid: '00000000-0000-4000-8000-000000000001',
};

const resolve = (schema: Fields, root: Fields): Fields => {
  const reference = textOf(schema.$ref);
  if (!reference.startsWith('#')) return schema;
  let at: unknown = root;
  for (const step of reference.split('/').slice(1))
    at = fieldsOf(at)[step.replaceAll('~1', '/').replaceAll('~0', '~')];
  return fieldsOf(at);
};

const lengthen = (text: string, schema: Fields): string => {
  const least = typeof schema.minLength === 'number' ? schema.minLength : 0;
  const most = typeof schema.maxLength === 'number' ? schema.maxLength : Number.POSITIVE_INFINITY;
  return text.padEnd(Math.min(least, 10_000), '.').slice(0, most);
};

const shortened = (text: string, words: number): string =>
  text
    .split(/\s+/)
    .slice(0, words)
    .join(' ')
    .replace(/[?!.,:;]+$/u, '');

const WORKING_DIRECTORY =
  /(?:working directory|current directory|working in the directory|workspace|cwd)\b[^\n]{0,60}?[\s:"'`(](\/[\w.@/-]+)/i;

const pathFor = (schema: Fields, name: string, source: Source): string => {
  const found =
    source.paths.shift() ??
    /\b(?:file|folder|directory)\s+(?:called |named )?([\w.-]+)/i.exec(source.text)?.[1];
  const quotedAt = source.quoted.indexOf(found ?? '');
  if (quotedAt >= 0) source.quoted.splice(quotedAt, 1);
  const isAbsolute = /absolute/i.test(`${name} ${textOf(schema.description)}`);
  if (!isAbsolute || found?.startsWith('/')) return found ?? '.';
  const folder = WORKING_DIRECTORY.exec(source.prompt())?.[1]?.replace(/[/.]+$/, '') ?? '';
  return found === undefined ? folder || '/' : `${folder}/${found.replace(/^\.\//, '')}`;
};

const commandFor = (source: Source): string => {
  const said =
    source.quoted.shift() ??
    /\b(?:run|execute)\s+(?!the\b)(.{1,300}?)(?:[.?!]?\s*$|,? and )/i.exec(source.text)?.[1];
  if (said !== undefined) return said;
  return /\btests?\b/i.test(source.text) ? 'npm test' : 'ls';
};

const patternFor = (source: Source): string | undefined =>
  source.quoted.shift() ??
  /\b(?:search|grep|look|find)\s+(?:for |the \w+ for )?(.{1,200}?)(?: in | on |[.?!]?\s*$)/i.exec(
    source.text,
  )?.[1];

const textFor = (source: Source): string | undefined =>
  source.quoted.shift() ??
  /\b(?:saying|containing|that says|with the (?:text|contents?))\s*:?\s*([\s\S]{1,2000}?)\s*$/i.exec(
    source.text,
  )?.[1];

const foundByTools = ({ results }: Source): string | undefined =>
  results.length === 0 ? undefined : shortened(results.join(' '), 40);

/** Values by what a property is called, where the text has one. */
const byName: readonly {
  readonly name: RegExp;
  readonly find: (source: Source, schema: Fields, name: string) => string | undefined;
}[] = [
  {
    name: /(?:path|file|filename|dir|directory|folder)$/,
    find: (source, schema, name) => pathFor(schema, name, source),
  },
  { name: /^(?:command|cmd)$/, find: commandFor },
  { name: /(?:url|uri|link)$/, find: (source) => source.urls.shift() ?? 'https://example.com/' },
  { name: /^(?:pattern|regex|query|search|search_?term|keywords?)$/, find: patternFor },
  { name: /^(?:answer|result|response|output|summary|conclusion)$/, find: foundByTools },
  { name: /^(?:contents?|text|body|message)$/, find: (source) => textFor(source) ?? foundByTools(source) },
  { name: /^(?:title|subject)$/, find: (source) => source.quoted.shift() ?? shortened(source.text, 8) },
  {
    name: /^(?:description|reason|explanation|prompt)$/,
    find: (source) => shortened(source.text, 8) || undefined,
  },
];

const stringFor = (schema: Fields, source: Source, name: string): string => {
  const format = FORMATS[textOf(schema.format)];
  if (format !== undefined) return format;
  const plain = name.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();
  const row = byName.find((each) => each.name.test(plain));
  const found = row?.find(source, schema, name) ?? source.quoted.shift() ?? source.names.shift();
  return lengthen(
    found ??
      (source.text
        .split(/\s+/)
        .slice(-4)
        .join(' ')
        .replace(/[?!.]+$/u, '') ||
        'example'),
    schema,
  );
};

const numberFor = (schema: Fields, source: Source, whole: boolean): number => {
  const at = source.numbers.findIndex((number) => !whole || Number.isInteger(number));
  const found = at < 0 ? 1 : (source.numbers.splice(at, 1)[0] ?? 1);
  const bound = (value: unknown, otherwise: number): number =>
    typeof value === 'number' ? value : otherwise;
  const step = whole ? 1 : 0.5;
  const least = Math.max(bound(schema.minimum, -Infinity), bound(schema.exclusiveMinimum, -Infinity) + step);
  const most = Math.min(bound(schema.maximum, Infinity), bound(schema.exclusiveMaximum, Infinity) - step);
  const inside = Math.max(least, Math.min(most, found));
  const unit = bound(schema.multipleOf, 0);
  return unit > 0 ? Math.ceil(inside / unit) * unit : inside;
};

const enumFor = (values: unknown[], source: Source): unknown =>
  values.find(
    (value) => typeof value === 'string' && source.text.toLowerCase().includes(value.toLowerCase()),
  ) ?? values[0];

const objectFor = (schema: Fields, source: Source, depth: number): Fields => {
  const properties = fieldsOf(schema.properties);
  const required = listOf(schema.required).map(textOf);
  const names = Object.keys(properties);
  const wanted = required.length > 0 ? names.filter((name) => required.includes(name)) : names.slice(0, 1);
  const missing = required.filter((name) => !names.includes(name));
  return Object.fromEntries(
    [...wanted, ...missing].map((name) => [
      name,
      valueFor(fieldsOf(properties[name]), source, depth + 1, name),
    ]),
  );
};

const valueFor = (given: Fields, source: Source, depth: number, name = ''): unknown => {
  const schema = resolve(given, source.root);
  if (depth > 12) return null;
  if ('const' in schema) return schema.const;
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return enumFor(schema.enum, source);
  const options = [...listOf(schema.anyOf), ...listOf(schema.oneOf)].filter(isFields);
  const option = options.find((candidate) => candidate.type !== 'null') ?? options[0];
  if (option !== undefined && schema.type === undefined) return valueFor(option, source, depth + 1, name);
  const parts = listOf(schema.allOf).filter(isFields);
  if (parts.length > 0 && schema.type === undefined) {
    return Object.assign({}, ...parts.map((part) => valueFor(part, source, depth + 1))) as unknown;
  }
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  const type = types.find((name) => name !== 'null') ?? types[0];
  switch (type) {
    case 'string':
      return stringFor(schema, source, name);
    case 'integer':
      return numberFor(schema, source, true);
    case 'number':
      return numberFor(schema, source, false);
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'array': {
      const least = typeof schema.minItems === 'number' ? Math.min(schema.minItems, 50) : 1;
      const items = fieldsOf(schema.items);
      return Array.from({ length: Math.max(least, 1) }, () => valueFor(items, source, depth + 1, name));
    }
    default:
      return schema.properties !== undefined || type === 'object'
        ? objectFor(schema, source, depth)
        : stringFor(schema, source, name);
  }
};

const URL_TEXT = /\bhttps?:\/\/[^\s"'`<>)]+/g;
const PATH =
  /(?<![\w@.+/-])(?:(?:~|\.{1,2})?\/?(?:[\w@.+-]+\/)*[\w@+-][\w@.+-]*\.[a-z][a-z0-9]{0,5}\b|(?:~|\.{1,2})?\/[\w@.+/-]*\w|[\w@.+-]+\/[\w@.+/-]*)/gi;
const QUOTED = /["“]([^"”]{1,2000})["”]|`([^`\n]{1,2000})`|(?<![\p{L}\d])'([^'\n]{1,200})'(?![\p{L}\d])/gu;

const numbersIn = (text: string): number[] =>
  Array.from(text.matchAll(/-?\d+(?:\.\d+)?/g), ([number]) => Number(number));

/** Enough for anything a person asks; what comes after are documents. */
const LONGEST = 20_000;

/** A plausible value for a JSON schema, with words and numbers of the text it is about. */
export const valueForSchema = (schema: Fields, material: Material): unknown => {
  const text = material.text.slice(0, LONGEST);
  return valueFor(
    schema,
    {
      ...material,
      text,
      names: namesIn(text),
      numbers: [
        ...numbersIn(text),
        ...material.results.flatMap((result) => numbersIn(result.slice(0, LONGEST))),
      ],
      quoted: Array.from(text.matchAll(QUOTED), ([, double, code, single]) => double ?? code ?? single ?? ''),
      paths: text.replace(URL_TEXT, ' ').match(PATH) ?? [],
      urls: text.match(URL_TEXT) ?? [],
      root: schema,
    },
    0,
  );
};
