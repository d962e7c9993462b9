/**
 * Bodies with long texts: what the cut leaves says the same as the body, for every body there is. FUZZ_SEED
 * repeats a run, FUZZ_RUNS takes it further.
 */

import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutLongTexts } from '../../../src/api/chat-completions/long-texts.ts';
import { type LongTexts, messageText, noLongTexts } from '../../../src/core/message-text.ts';
import { explore, runsFor, timeoutFor } from '../../support/fuzz.ts';

// ---- what must hold for any body ------------------------------------------------------------------

const mark = Buffer.from([0xef, 0xbb, 0xbf]);

const attempt = (json: string): { readonly value: unknown } | undefined => {
  try {
    return { value: JSON.parse(json) };
  } catch {
    return undefined;
  }
};

const mapStrings = (value: unknown, change: (text: string) => string): unknown => {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((each) => mapStrings(each, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapStrings(each, change)]));
};

interface Placed {
  /** Keys and indices: `/messages/0/content`. */
  readonly path: string;
  readonly text: string;
}

const textsOf = (value: unknown, path = ''): readonly Placed[] => {
  if (typeof value === 'string') return [{ path, text: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => textsOf(each, `${path}/${key}`));
};

/** The scanner knows depths and the last key; that is enough for what a request holds there. */
const carriedPaths = /^\/messages\/[^/]*\/(content|[^/]*\/[^/]*\/text)$/;

/** `toEqual` takes long over what is equal, and leaves out `undefined`. */
const expectSame = (value: unknown, expected: unknown, what: string) => {
  if (!isDeepStrictEqual(value, expected)) expect(value, what).toStrictEqual(expected);
};

const ways = {
  whole: (text: string) => text,
  trimmed: (text: string) => text.trim(),
  'trimmed at its end': (text: string) => text.trimEnd(),
};

/** Says what no cut may change, and returns how many texts were carried. */
const checkBody = (body: Buffer): number => {
  const begin = body.subarray(0, 3).equals(mark) ? 3 : 0;
  const original = attempt(body.toString('utf8', begin));
  const { json, texts } = cutLongTexts(body, begin);
  const cut = attempt(json);
  expect(cut === undefined, 'refused').toBe(original === undefined);
  if (cut === undefined || original === undefined) return 0;

  const read = (value: unknown) => mapStrings(value, (text) => texts.read(messageText(text)));
  expectSame(read(cut.value), original.value, 'read');
  const written = texts.write(JSON.stringify(cut.value)).toString('utf8');
  // As it was without the cut: JSON knows no -0.
  expectSame(JSON.parse(written), JSON.parse(JSON.stringify(original.value)), 'written');

  const before = textsOf(original.value);
  const after = textsOf(cut.value);
  const changed = before.flatMap(({ path, text }, index) => {
    const standIn = after[index]?.text ?? '';
    return standIn === text ? [] : [{ path, text, standIn }];
  });
  for (const { path, text, standIn } of changed) {
    expect(path).toMatch(carriedPaths);
    for (const [name, trim] of Object.entries(ways))
      expectSame(texts.read(messageText(trim(standIn))), trim(text), name);
    expect(standIn.trim() === '', 'blank').toBe(text.trim() === '');
  }
  if (texts !== noLongTexts)
    expect(texts.write(json).equals(body.subarray(begin)), 'the very bytes').toBe(true);
  return changed.length;
};

/** At any offset in memory, with bytes around that would be seen if they were read. */
const placeAt = (offset: number, body: Buffer): Buffer => {
  const around = Buffer.from(new ArrayBuffer(offset + body.length + 9)).fill('"');
  body.copy(around, offset);
  return around.subarray(offset, offset + body.length);
};

// ---- bodies ---------------------------------------------------------------------------------------

/** As they are written between quotes. */
const white = [
  ...[' ', ' ', '    ', '\u00a0', '\u3000', '\ufeff', '\u2028', '\u2003', '\u1680'],
  ...['\\n', '\\n', '\\t', '\\r\\n', '\\f', '\\u0020', '\\u00a0', '\\u3000', '\\uFEFF', '\\u000b', '\\u000B'],
];
const ink = [
  ...[
    'a',
    'word',
    'Some words, and more.',
    '0',
    '-',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    "'",
    '/',
    '\u007f',
    '\u0085',
  ],
  ...['é', 'ß', '漢字', '😀', '\u200b', '\u2060', '\ufffd', '\uffff', 'e\u0301', '\u180e'],
  ...[
    '\\"',
    '\\\\',
    '\\\\\\"',
    '\\\\\\\\',
    '\\/',
    '\\b',
    '\\u0000',
    '\\u001F',
    '\\u00e9',
    '\\u0022',
    '\\u005c',
  ],
  ...['\\ud83d\\ude00', '\\uD83D', '\\ude00', '\\u200B', '\\\\u0020', '\\\\n', '\\"content\\":\\"', '\\"}],'],
];
const whitePiece = fc.constantFrom(...white);
const anyPiece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...ink) },
  { weight: 1, arbitrary: whitePiece },
);
const joined = (piece: fc.Arbitrary<string>, minLength: number, maxLength: number) =>
  fc.array(piece, { minLength, maxLength }).map((pieces) => pieces.join(''));

const repeatTo = (unit: string, length: number): string => unit.repeat(Math.ceil(length / unit.length));

/** Around the length from which texts are carried, in one go or of many pieces; some all blank. */
const longText = fc
  .record({
    head: joined(fc.oneof(whitePiece, anyPiece), 0, 4),
    unit: fc.oneof(
      { weight: 4, arbitrary: joined(anyPiece, 1, 12) },
      { weight: 2, arbitrary: fc.constantFrom('a', 'é', '漢', 'word ') },
      { weight: 1, arbitrary: joined(whitePiece, 1, 5) },
    ),
    length: fc.oneof(fc.integer({ min: 240, max: 270 }), fc.integer({ min: 200, max: 2000 })),
    tail: joined(fc.oneof(whitePiece, anyPiece), 0, 4),
  })
  .map(({ head, unit, length, tail }) => `"${head}${repeatTo(unit, length)}${tail}"`);

const shortText = joined(anyPiece, 0, 5).map((text) => `"${text}"`);

/** A JSON value before it is written: a literal, a list or members. */
type Node = string | readonly Node[] | { readonly members: readonly (readonly [key: string, value: Node])[] };

const keys = fc.constantFrom(
  ...['"content"', '"text"', '"messages"', '"role"', '"type"', '"arguments"', '"__proto__"', '""'],
  ...['"con\\u0074ent"', '"\\u0074ext"', '"messages\\u0000"', '"Content"', '" text"', '"message\\u0073"'],
);
const scalar = fc.constantFrom('null', 'true', '-0.5e3', '[]', '{}', '"user"', '"text"', '""');

const { value: anyValue } = fc.letrec<{ value: Node }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.oneof(longText, shortText, scalar),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(keys, tie('value')), { maxLength: 3 }).map((members) => ({ members })),
  ),
}));

const member = (key: string, value: fc.Arbitrary<Node>) => value.map((each) => [`"${key}"`, each] as const);

const objectOf = (...members: readonly fc.Arbitrary<readonly [string, Node]>[]): fc.Arbitrary<Node> =>
  fc
    .tuple(fc.tuple(...members), fc.array(fc.tuple(keys, anyValue), { maxLength: 1 }), fc.nat())
    .map(([own, more, at]) => ({ members: own.toSpliced(at % (own.length + 1), 0, ...more) }));

const textPart = objectOf(member('type', fc.constant('"text"')), member('text', longText));
const message = objectOf(
  member('role', fc.constantFrom('"user"', '"assistant"', '"tool"', '"system"')),
  member(
    'content',
    fc.oneof(
      { weight: 4, arbitrary: longText },
      { weight: 3, arbitrary: fc.array(textPart, { maxLength: 3 }) },
      { weight: 1, arbitrary: anyValue },
    ),
  ),
);
const messages = member(
  'messages',
  fc.oneof(
    { weight: 8, arbitrary: fc.array(message, { minLength: 1, maxLength: 4 }) },
    { weight: 1, arbitrary: anyValue },
  ),
);
const other = fc.oneof(
  member('model', shortText),
  member('metadata', anyValue),
  member('tools', fc.array(anyValue, { maxLength: 2 })),
  fc.tuple(keys, anyValue),
);

const request: fc.Arbitrary<Node> = fc
  .tuple(
    fc.array(other, { maxLength: 2 }),
    fc.array(messages, { minLength: 1, maxLength: 2 }),
    fc.array(other, { maxLength: 2 }),
  )
  .map(([before, own, after]) => ({ members: [...before, ...own, ...after] }));
const anyRoot: fc.Arbitrary<Node> = fc.oneof(
  { weight: 9, arbitrary: request },
  { weight: 1, arbitrary: fc.oneof(anyValue, fc.array(request, { maxLength: 2 })) },
);

/** `gap` gives the white space between the tokens. */
const write = (node: Node, gap: () => string): string => {
  if (typeof node === 'string') return node;
  const list = (open: string, items: readonly string[], close: string) =>
    `${open}${gap()}${items.join(`${gap()},${gap()}`)}${gap()}${close}`;
  return 'members' in node
    ? list(
        '{',
        node.members.map(([key, value]) => `${key}${gap()}:${gap()}${write(value, gap)}`),
        '}',
      )
    : list(
        '[',
        node.map((each) => write(each, gap)),
        ']',
      );
};

const gaps = fc.oneof(
  fc.constant(['']),
  fc.constant([' ']),
  fc.array(fc.constantFrom('', ' ', '\n', '\r\n  ', '\t', '\n        '), { minLength: 1, maxLength: 5 }),
);

const bodies: fc.Arbitrary<Buffer> = fc
  .tuple(anyRoot, gaps, fc.constantFrom('', '', '\ufeff', '\n'))
  .map(([root, spaces, head]) => {
    let count = 0;
    const gap = () => {
      count += 1;
      return spaces[count % spaces.length] ?? '';
    };
    return Buffer.from(head + write(root, gap));
  });

const offsets = fc.nat(7);

// ---- one byte wrong -------------------------------------------------------------------------------

const breaks = {
  change: (body: Buffer, at: number, byte: number) =>
    Buffer.concat([body.subarray(0, at), Buffer.of(byte), body.subarray(at + 1)]),
  insert: (body: Buffer, at: number, byte: number) =>
    Buffer.concat([body.subarray(0, at), Buffer.of(byte), body.subarray(at)]),
  remove: (body: Buffer, at: number) => Buffer.concat([body.subarray(0, at), body.subarray(at + 1)]),
  'cut off': (body: Buffer, at: number) => body.subarray(0, at),
};

const wrongByte = fc.oneof(
  fc.constantFrom(...[...'"\\unx/0gG:,{}[] \n\t\u0000\u001f\u007f'].map((each) => each.charCodeAt(0))),
  fc.constantFrom(0x80, 0xbf, 0xc0, 0xc3, 0xe3, 0xed, 0xf0, 0xff),
  fc.nat(255),
);

const brokenBodies = fc
  .record({
    body: bodies,
    kind: fc.constantFrom(...(Object.keys(breaks) as (keyof typeof breaks)[])),
    at: fc.nat(),
    byte: wrongByte,
    // What is special in JSON is seldom met by chance.
    special: fc.boolean(),
  })
  .map(({ body, kind, at, byte, special }) => {
    const found = special ? body.indexOf('\\', at % body.length) : -1;
    return breaks[kind](body, found < 0 ? at % body.length : found + (at % 3), byte);
  });

describe('whatever the body', () => {
  const runs = Math.max(100, runsFor(0.08));
  it(
    `what is cut says the same, as it is read, written and trimmed (${runs} runs)`,
    async () => {
      let carried = 0;
      await explore(runs, fc.tuple(offsets, bodies), ([offset, body]) => {
        carried += checkBody(placeAt(offset, body));
      });
      expect(carried).toBeGreaterThan(runs / 4);
    },
    timeoutFor(runs),
  );

  it(
    `one wrong byte is refused as ever, and nothing else is (${runs} runs)`,
    async () => {
      await explore(runs, fc.tuple(offsets, brokenBodies), ([offset, body]) => {
        checkBody(placeAt(offset, body));
      });
    },
    timeoutFor(runs),
  );

  it('a special byte is found wherever it stands in a word of memory', () => {
    for (let offset = 0; offset < 8; offset += 1) {
      for (let at = 296; at < 308; at += 1) {
        for (const special of ['\\n', '\\"', '\\u00e9', '\\x', '\n', '\u001f', '"', '\\']) {
          const text = `${'x'.repeat(at)}${special}${'y'.repeat(300)}`;
          checkBody(placeAt(offset, Buffer.from(`{"messages":[{"content":"${text}"}]}`)));
        }
      }
    }
  });
});

// ---- which texts are carried ----------------------------------------------------------------------

const long = 'Words of a text, “quoted” and\n\tlong. '.repeat(12).trim();

interface CutValue {
  readonly value: never;
  readonly texts: LongTexts;
  readonly json: string;
}

const cut = (body: unknown, indent?: number): CutValue => {
  const { json, texts } = cutLongTexts(Buffer.from(JSON.stringify(body, null, indent)), 0);
  return { value: JSON.parse(json) as never, texts, json };
};

const isCarried = (body: unknown): boolean => cut(body).texts !== noLongTexts;

describe('the long texts of a chat', () => {
  const part = (text: string) => ({ type: 'text', text });
  const call = { id: 'call_1', type: 'function', function: { name: 'look', arguments: '{}' } };
  const ordinary = [
    { name: 'system', message: { role: 'system', content: long } },
    { name: 'user', message: { role: 'user', content: long } },
    { name: 'a part', message: { role: 'user', content: [part('Hi'), part(long)] } },
    {
      name: 'a marked part',
      message: { role: 'system', content: [{ ...part(long), cache_control: { type: 'ephemeral' } }] },
    },
    { name: 'assistant', message: { role: 'assistant', content: long, tool_calls: [call] } },
    {
      name: 'thinking that comes back',
      message: {
        role: 'assistant',
        content: 'Hi',
        reasoning_details: [{ type: 'reasoning.text', text: long, signature: 'c2lnbmVk' }],
      },
    },
    { name: 'tool result', message: { role: 'tool', tool_call_id: 'call_1', content: long } },
    { name: 'parts of one', message: { role: 'tool', tool_call_id: 'call_1', content: [part(long)] } },
    { name: 'behind backslashes', message: { role: 'user', name: 'C:\\', content: long } },
    { name: 'content first', message: { content: long, role: 'user' } },
  ];
  it.each(ordinary)('are carried: $name', ({ message }) => {
    for (const indent of [0, 2]) {
      const body = { model: 'm', stream: true, messages: [{ role: 'user', content: 'Hi' }, message] };
      const { value, json, texts } = cut(body, indent);
      expect(json.length).toBeLessThan(JSON.stringify(body, null, indent).length - long.length + 60);
      expect(json).not.toContain('Words of a text');
      expect(mapStrings(value, (text) => texts.read(messageText(text)))).toEqual(body);
    }
  });

  it('are carried each by itself, in a long conversation too', () => {
    const contents = Array.from({ length: 150 }, (_, index) => `${index} ${long} ${index}`);
    const body = { messages: contents.map((content) => ({ role: 'user', content })) };
    const { value, json, texts } = cut(body);
    expect(json).not.toContain('Words of a text');
    expect(mapStrings(value, (text) => texts.read(messageText(text)))).toEqual(body);
  });

  it.each([
    { name: 'quotes', text: `"${long}"` },
    { name: 'new lines', text: `\n${long}\n` },
    { name: 'indented lines', text: `  \n    ${long}\n    \n  ` },
    { name: 'spaces', text: `   ${long}   ` },
    { name: 'a character of several bytes', text: `漢${long}😀` },
    { name: 'escaped white space', text: `\t\r\n${long}\f\u000b` },
  ])('are carried with $name at their ends, which can be trimmed', ({ text }) => {
    const body = { messages: [{ role: 'user', content: text }] };
    expect(isCarried(body)).toBe(true);
    checkBody(Buffer.from(JSON.stringify(body)));
  });

  it.each([
    { name: 'spaces', text: ' '.repeat(400) },
    { name: 'lines of spaces', text: '   \n'.repeat(200) },
    { name: 'spaces between new lines', text: `\n${' '.repeat(400)}\n` },
    { name: 'wide spaces', text: '\u3000'.repeat(300) },
    { name: 'wide spaces between others', text: ` \n${'\u00a0'.repeat(300)}\n ` },
    { name: 'wide spaces and lines of spaces', text: `\u3000\n${' '.repeat(300)}\n\u3000` },
  ])('that hold nothing but $name are still blank', ({ text }) => {
    const { value, texts } = cut({ messages: [{ role: 'user', content: text }] });
    const [{ content }] = (value as { messages: [{ content: string }] }).messages;
    expect(content.trim()).toBe('');
    expect(texts.read(messageText(content))).toBe(text);
  });

  it('stay where they are when short', () => {
    const body = (length: number) => ({ messages: [{ role: 'user', content: 'x'.repeat(length) }] });
    expect([255, 256].map((length) => isCarried(body(length)))).toEqual([false, true]);
  });

  it('written twice under one name: the last one counts, as ever', () => {
    const other = long.replaceAll('Words', 'Other words');
    const message = `{"content":${JSON.stringify(long)},"content":${JSON.stringify(other)}}`;
    const body = Buffer.from(`{"messages":[${message}],"messages":[${message}]}`);
    const { json, texts } = cutLongTexts(body, 0);
    const { messages: read } = JSON.parse(json) as { messages: [{ content: string }] };
    expect(read).toHaveLength(1);
    expect(texts.read(messageText(read[0].content))).toBe(other);
  });
});

describe('what else is long', () => {
  const messages = [{ role: 'user', content: 'Hi' }];
  const schema = { type: 'object', properties: { content: { description: long }, text: long } };
  const deep = [{ content: long, text: long, content_: [{ text: long }] }];
  it.each([
    {
      name: 'tools',
      body: { tools: [{ type: 'function', function: { description: long, parameters: schema } }] },
    },
    { name: 'metadata', body: { metadata: { content: long, text: long } } },
    { name: 'response_format', body: { response_format: { type: 'json_schema', json_schema: { schema } } } },
    { name: 'lists of the same form', body: { input: deep, messages_: deep, prediction: { content: long } } },
    { name: 'fields of the request', body: { content: long, text: long, user: long } },
    { name: 'a list of mere texts', body: { messages: [{ role: 'user', content: [long] }] } },
    { name: 'messages elsewhere', body: { metadata: { messages: [{ content: long }] } } },
    {
      name: 'other fields of messages',
      body: { messages: [{ role: 'user', content: 'Hi', name: long, text: long, refusal: long }] },
    },
    {
      name: 'images and calls',
      body: {
        messages: [
          { role: 'user', content: [{ type: 'image_url', image_url: { url: long, text: long } }] },
          { role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: long } }] },
        ],
      },
    },
  ])('is not carried: $name', ({ body }) => {
    for (const whole of [
      { messages, ...body },
      { ...body, messages },
    ]) {
      // With a text that is, so that there is a difference.
      const beside = { messages: [...whole.messages, { role: 'user', content: long.replaceAll('W', 'V') }] };
      for (const each of [whole, { ...whole, ...beside }]) {
        const { value } = cut(each);
        const keep = (from: unknown) => textsOf(from).filter(({ text }) => text === long);
        expect(keep(value)).toEqual(keep(each));
      }
      expect(isCarried(whole)).toBe(false);
      expect(isCarried({ ...whole, ...beside })).toBe(true);
    }
  });

  it('is a body without long texts: it comes as it is', () => {
    const body = Buffer.from(JSON.stringify({ messages, metadata: { note: long } }));
    const { json, texts } = cutLongTexts(body, 0);
    expect(json).toBe(body.toString());
    expect(texts).toBe(noLongTexts);
  });
});

describe('beside what is much longer', () => {
  const image = {
    type: 'image_url',
    image_url: { url: `data:image/png;base64,${'iVBORw0K'.repeat(12_500)}` },
  };
  const part = (text: string) => ({ type: 'text', text });
  const short = 'A question of 300 bytes, größer. '.repeat(9).trim();
  it.each([
    { name: 'one text', messages: [{ role: 'user', content: [part(short), image] }] },
    {
      name: 'several',
      messages: [
        { role: 'system', content: long },
        { role: 'user', content: [image, part(`\n${short}  `), image, part(`漢 ${long}`)] },
        { role: 'user', content: short },
      ],
    },
  ])('a text is carried and no longer needs the body: $name', ({ messages }) => {
    const body = Buffer.from(JSON.stringify({ model: 'm', messages }));
    checkBody(body);
    const { json, texts } = cutLongTexts(body, 0);
    expect(json).not.toContain('größer');
    body.fill('x');
    expect(mapStrings(JSON.parse(json), (text) => texts.read(messageText(text)))).toEqual({
      model: 'm',
      messages,
    });
    expect(JSON.parse(texts.write(json).toString())).toEqual({ model: 'm', messages });
  });
});

it('a stand-in differs from request to request, so that nobody can write one', () => {
  const body = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: long }] }));
  const standInOf = ({ json }: { readonly json: string }) =>
    (JSON.parse(json) as { messages: [{ content: string }] }).messages[0].content;
  const first = standInOf(cutLongTexts(body, 0));
  expect(first).not.toBe(standInOf(cutLongTexts(body, 0)));

  const forged = { messages: [{ content: first }, { content: `${first} ${long}` }] };
  const { value, texts } = cut(forged);
  expect(mapStrings(value, (text) => texts.read(messageText(text)))).toEqual(forged);
  expect(JSON.parse(texts.write(JSON.stringify(value)).toString())).toEqual(forged);
});
