/** Requests damaged in a few places, and bodies that no client would write. */

import fc from 'fast-check';
import type { parameters } from '../../src/api/chat-completions/parameters.ts';

export type Fields = Record<string, unknown>;
type Path = readonly (string | number)[];

// ---- values nobody expects ------------------------------------------------------------------------

const nest = (levels: number, inner: unknown, wrap: (inner: unknown) => unknown): unknown => {
  let nested = inner;
  for (let level = 0; level < levels; level += 1) nested = wrap(nested);
  return nested;
};

/** Own members, as JSON.parse makes them; a literal would set the prototype. */
const prototypes: readonly unknown[] = [
  JSON.parse('{"__proto__":{"stream":true,"type":"text"},"constructor":{"prototype":{"x":1}}}'),
  JSON.parse('{"type":"__proto__","role":"constructor","toString":1,"hasOwnProperty":null}'),
];

const strangeText = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    'a\u0000b',
    '\ud800',
    '\udc00x',
    '\u2028',
    '\ufeff',
    'null',
    '-1',
    '{}',
    '[',
  ),
  fc.constantFrom('text', 'user', 'assistant', 'tool', 'function', 'object', 'auto', 'none', 'input_image'),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'x'.repeat(70_000), '\u0301'.repeat(2000)),
  fc.constantFrom(
    'data:',
    'data:image/png;base64,',
    'data:;base64,!!!!',
    'https://',
    'file:///etc/passwd',
    '//',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const strangeNumber = fc.oneof(
  fc.constantFrom(0, -0, -1, 1, 0.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e21, 1e308, -1e308, 5e-324),
  fc.integer(),
);
export const strange: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [null], [[]], ...prototypes) },
  { weight: 2, arbitrary: strangeNumber },
  { weight: 3, arbitrary: strangeText },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      nest(2000, 1, (inner) => [inner]),
      nest(2000, {}, (inner) => ({ a: inner })),
      nest(300, {}, (inner) => ({ type: 'object', properties: { inner } })),
      Array.from({ length: 3000 }, (_, index) => index),
    ),
  },
);

// ---- damage ---------------------------------------------------------------------------------------

const join = (path: Path): string =>
  path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
    '',
  );

const members = (value: unknown): readonly (readonly [string | number, unknown])[] => {
  if (Array.isArray(value)) return value.map((each, index) => [index, each] as const);
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
};

/** Deeper than any request goes by itself, and less than the stack takes. */
const deepest = 30;

const pathsOf = (value: unknown, base: Path = []): Path[] =>
  members(value).flatMap(([key, each]) => {
    const path = [...base, key];
    return path.length < deepest ? [path, ...pathsOf(each, path)] : [path];
  });

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown>)[key], value);

/** What stands in the place of a value: nothing, one value, or it and more. */
type Change = (value: unknown) => readonly unknown[];

const changeAt = (value: unknown, [key, ...rest]: Path, change: Change): unknown => {
  const changed = (each: unknown) => (rest.length === 0 ? change(each) : [changeAt(each, rest, change)]);
  if (Array.isArray(value)) return value.flatMap((each, index) => (index === key ? changed(each) : [each]));
  const fields = Object.entries(value as Fields).flatMap(([name, each]) =>
    name === key
      ? changed(each).map((one, index) => [index === 0 ? name : `${name}_${index}`, one] as const)
      : [[name, each] as const],
  );
  return Object.fromEntries(fields);
};

/** A worse value of the same kind. */
const spoil = (value: unknown, odd: unknown): unknown => {
  if (typeof value === 'string') return `${value}${typeof odd === 'string' ? odd : '\ud800\u0000'}`;
  if (typeof value === 'number') return typeof odd === 'number' ? odd : -value;
  if (typeof value === 'boolean') return !value;
  if (Array.isArray(value)) return odd === null ? value.toReversed() : [...value, odd, { type: 'made_up' }];
  if (typeof value === 'object' && value !== null) return { ...value, type: odd, made_up: odd };
  return odd;
};

const kinds = ['replace', 'remove', 'repeat', 'spoil', 'wrap', 'borrow'] as const;

export interface Edit {
  readonly at: number;
  readonly kind: (typeof kinds)[number];
  readonly odd: unknown;
  readonly other: number;
}

const edits: fc.Arbitrary<Edit> = fc.record({
  // Long conversations have most of the places; some of the edits begin at the top.
  at: fc.oneof({ weight: 1, arbitrary: fc.nat(30) }, { weight: 3, arbitrary: fc.nat(100_000) }),
  // The subtle ones get further.
  kind: fc.constantFrom(...kinds, 'spoil', 'spoil', 'borrow', 'remove', 'repeat'),
  odd: strange,
  other: fc.nat(100_000),
});

const changes = {
  replace:
    ({ odd }) =>
    () => [odd],
  remove: () => () => [],
  repeat: () => (value) => [value, value],
  spoil:
    ({ odd }) =>
    (value) => [spoil(value, odd)],
  wrap: () => (value) => [[value]],
  // A value that is right in another place.
  borrow:
    ({ other }, body) =>
    () => {
      const paths = pathsOf(body);
      return [valueAt(body, paths[other % paths.length] ?? [])];
    },
} satisfies Record<Edit['kind'], (edit: Edit, body: Fields) => Change>;

export interface Damaged {
  readonly body: Fields;
  /** The places that were changed, as error paths. */
  readonly places: readonly string[];
}

export const damage = (body: Fields, list: readonly Edit[]): Damaged =>
  list.reduce<Damaged>(
    (damaged, edit) => {
      const paths = pathsOf(damaged.body);
      if (paths.length === 0) return damaged;
      // Shallow places first, so that a small number is a field of the request itself.
      const sorted = paths.toSorted((a, b) => a.length - b.length);
      const path = sorted[edit.at % sorted.length] ?? [];
      const change = changes[edit.kind](edit, damaged.body);
      return {
        body: changeAt(damaged.body, path, change) as Fields,
        places: [...damaged.places, join(path)],
      };
    },
    { body, places: [] },
  );

export const oneToThreeEdits = fc.oneof(
  { weight: 2, arbitrary: fc.array(edits, { minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: fc.array(edits, { minLength: 2, maxLength: 3 }) },
);

/** Something valid for each parameter, so that none is left out. */
export const parameterSamples = {
  allow_ignored_params: [true, false],
  max_completion_tokens: [4000, 30_000],
  max_tokens: [4000, 20_000],
  stop: ['§', ['§1', '§2']],
  stream: [true, false],
  stream_options: [{ include_usage: true, include_obfuscation: false }],
  extended_thinking: [{ enabled: true, budget_tokens: 2000, include_reasoning: true }, { enabled: false }],
  include_reasoning: [true, false],
  reasoning_effort: ['none', 'low', 'max'],
  reasoning: [{ effort: 'low' }, { max_tokens: 1024, exclude: true }, { enabled: false }, {}],
  thinking: [
    { type: 'enabled', budget_tokens: 1024 },
    { type: 'adaptive', display: 'summarized' },
  ],
  temperature: [0.5, 2],
  top_p: [0.9],
  top_k: [5],
  tools: [[{ type: 'function', function: { name: 'look_up', parameters: { type: 'object' } } }]],
  functions: [[{ name: 'look_up', description: 'Looks up.' }]],
  tool_choice: ['auto', 'none', 'required'],
  function_call: ['auto', 'none'],
  parallel_tool_calls: [true, false],
  response_format: [{ type: 'text' }, { type: 'json_object' }],
  safety_identifier: ['user-1', 'ada@example.com'],
  user: ['user-2', '+49 170 1234567'],
  metadata: [{ user_id: 'u', trace: 'a b' }],
  service_tier: ['auto', 'default', 'flex', 'priority', 'scale', 'fast'],
  prompt_cache_retention: ['24h', 'in_memory'],
  modalities: [['text']],
  prompt_cache_key: ['key'],
  seed: [7],
  n: [1, 2],
  presence_penalty: [0, -2],
  frequency_penalty: [0, 2],
  logit_bias: [{ '50256': -100 }],
  logprobs: [true, false],
  top_logprobs: [0, 20],
  verbosity: ['low', 'medium', 'high'],
  store: [true, false],
  usage: [{ include: true }, { include: false }],
  prediction: [{ type: 'content', content: 'x' }],
  cache_control: [{ type: 'ephemeral' }, { type: 'ephemeral', ttl: '1h' }, {}],
} satisfies Record<Exclude<keyof typeof parameters, 'model' | 'messages'>, readonly unknown[]>;

export const moreParameters: fc.Arbitrary<Fields> = fc
  .array(fc.constantFrom(...Object.entries<readonly unknown[]>(parameterSamples)), { maxLength: 4 })
  .chain((rows) =>
    fc.tuple(
      ...rows.map(([name, values]) => fc.constantFrom(...values).map((value) => [name, value] as const)),
    ),
  )
  .map((pairs) => Object.fromEntries(pairs));

// ---- paths of errors ------------------------------------------------------------------------------

/** Characters of a key that an error path shows. */
const longestKey = 64;

/**
 * Whether an error path names something in the body: a value, or a field that is missing from an object that
 * is there. Keys may hold dots and brackets of their own, so it is the body that says how to read the path.
 */
export const isPathIn = (value: unknown, path: string): boolean => {
  if (path === '') return true;
  const isList = Array.isArray(value);
  const found = members(value).some(([key, each]) => {
    const step = isList ? `[${key}]` : String(key).slice(0, longestKey);
    if (!path.startsWith(step)) return false;
    const rest = path.slice(step.length);
    return rest === '' || (/^[.[]/.test(rest) && isPathIn(each, rest.replace(/^\./, '')));
  });
  return found || (typeof value === 'object' && value !== null && !isList && /^[^.[\]]+$/.test(path));
};

/** The place that holds the one given: `a[0].b` -> `a[0]`. */
const parentOf = (path: string): string => path.replace(/(\.[^.[\]]*|\[\d+\])$/, '');

/** Whether a problem at `param` can come from a change at `place`: above it, in it, or beside it. */
export const isNear = (param: string, place: string): boolean => {
  const parent = parentOf(place);
  return place.startsWith(param) || parent === place || param.startsWith(parent);
};

// ---- bodies that are not even a request -----------------------------------------------------------

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

const deepText = fc
  .tuple(
    fc.constantFrom('[', '{"a":', '[{"messages":', '{"type":"object","properties":{"a":'),
    fc.constantFrom(50, 1000, 20_000),
    fc.boolean(),
  )
  .map(([open, levels, isClosed]) => {
    const close = [...open]
      .map((each) => ({ '[': ']', '{': '}' })[each] ?? '')
      .toReversed()
      .join('');
    return `${open.repeat(levels)}${isClosed ? `1${close.repeat(levels)}` : ''}`;
  });

const numberText = fc.constantFrom(
  ...['1e400', '-1e400', '1e-400', '9'.repeat(400), `0.${'0'.repeat(400)}1`, '-0', '00', '+1', '0x10', 'NaN'],
  ...['Infinity', '1.', '.5', '1e', '9007199254740993', '1E5'],
);

const memberNames = fc.constantFrom(
  ...Object.keys(parameterSamples),
  ...['model', 'messages', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '', 'made_up', 'a.b[0]'],
);

/** A member put into the text of a request, where the same one may stand already. */
const withMember = (request: string, name: string, value: string, isFirst: boolean): string =>
  isFirst
    ? `{${JSON.stringify(name)}:${value},${request.slice(1)}`
    : `${request.slice(0, -1)},${JSON.stringify(name)}:${value}}`;

/** Any bytes: noise, other JSON, and valid requests cut, flipped, and with members that should not be there. */
export const bodies = (request: fc.Arbitrary<unknown>): fc.Arbitrary<Buffer> => {
  const text = request.map((each) => JSON.stringify(each));
  const position = fc.nat(1_000_000);
  return fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((each) => Buffer.from(each)),
    fc.string({ unit: 'binary', maxLength: 60 }).map(bytes),
    fc.json({ maxDepth: 4 }).map(bytes),
    strange.map((each) => bytes(JSON.stringify(each))),
    fc.tuple(text, position).map(([each, at]) => bytes(each.slice(0, at % each.length))),
    fc.tuple(text, position, fc.nat(255)).map(([each, at, byte]) => {
      const flipped = bytes(each);
      flipped[at % flipped.length] = byte;
      return flipped;
    }),
    fc
      .tuple(text, fc.constantFrom('utf16le', 'latin1'))
      .map(([each, encoding]) => Buffer.from(each, encoding)),
    fc
      .tuple(text, fc.constantFrom('\ufeff', '\ufeff\ufeff', ' \r\n\t', '\u00a0', '\u0000', 'data: '))
      .map(([each, head]) => bytes(head + each)),
    fc.tuple(text, fc.constantFrom('}', ',', ' {}', '\u0000', '\n')).map(([each, end]) => bytes(each + end)),
    deepText.map(bytes),
    fc
      .tuple(
        text,
        memberNames,
        fc.oneof(
          deepText,
          numberText,
          strange.map((each) => JSON.stringify(each)),
        ),
        fc.boolean(),
      )
      .map(([each, name, value, isFirst]) => bytes(withMember(each, name, value, isFirst))),
  );
};
