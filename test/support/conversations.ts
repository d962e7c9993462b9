/**
 * Conversations of every sort with any model that is served: roles in any order, tools whose schemas and keys no
 * upstream takes as they are, odd characters, images at the limits, thinking given back whole, in part or not at all.
 */

import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { endpointAtUpstream, type Model } from '../../src/models/model.ts';
import { models } from '../../src/models/rows.ts';
import { schemas as brokenSchemas } from '../json-schema/hostile.ts';
import {
  type ClaudeUpstream,
  claudeTargets,
  formatFields,
  mark,
  thinking as returnedThinking,
  sampling,
  thinkingFields,
  schemas as usualSchemas,
} from './claude-requests.ts';

export interface ModelAt {
  readonly model: Model;
  /** Which of the servers of `startSimulated` is asked. */
  readonly at: ClaudeUpstream;
}

/** Every row of the catalogue at every upstream that still serves it. */
export const everyModel: readonly ModelAt[] = [
  ...claudeTargets.map(({ model, upstream }): ModelAt => ({ model, at: upstream })),
  ...models
    .filter((model) => endpointAtUpstream(model, 'bedrock-converse') !== undefined)
    .map((model): ModelAt => ({ model, at: 'bedrock' })),
];

// ---- words ----------------------------------------------------------------------------------------

const oddTexts = [
  ...[
    '\ud800',
    'half \udc00 a pair',
    'a\ud83d',
    'a\u0000b',
    '\ufeffwith a mark',
    '\u2028',
    '\u00a0',
    ' \n\t',
  ],
  ...['', '"{}"', '\u0007', '\u202eright to left', '\ufffe'],
  // Long ones travel as the bytes they came in.
  `${'long enough to stay bytes. '.repeat(12)}\udfff`,
  `\ud83d${'\n'.repeat(300)}`,
  'é'.repeat(300),
];

const words = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('Hello', 'What is the weather in Paris?', 'Go on.') },
  { weight: 3, arbitrary: fc.constantFrom(...oddTexts) },
  // No directives for the simulator.
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replaceAll('[[', '[ [')),
  },
);

const textPart = fc.record(
  { type: fc.constant('text'), text: words, cache_control: mark },
  { requiredKeys: ['type', 'text'] },
);
const textContent = fc.oneof(words, fc.array(textPart, { maxLength: 3 }));

// ---- images ---------------------------------------------------------------------------------------

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** A PNG that ends after its header: all that anyone reads for its size. */
const png = (width: number, height: number): string => {
  const header = Buffer.concat([
    Buffer.from('IHDR'),
    uint32(width),
    uint32(height),
    Buffer.from([8, 2, 0, 0, 0]),
  ]);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    uint32(13),
    header,
    uint32(crc32(header)),
  ]).toString('base64');
};

const gif = (width: number, height: number): string => {
  const size = Buffer.alloc(4);
  size.writeUInt16LE(width, 0);
  size.writeUInt16LE(height, 2);
  return Buffer.concat([Buffer.from('GIF89a'), size, Buffer.from([0, 0, 0])]).toString('base64');
};

/** The size stands in the frame, after the usual segment. */
const jpeg = (width: number, height: number): string => {
  const size = Buffer.alloc(4);
  size.writeUInt16BE(height, 0);
  size.writeUInt16BE(width, 2);
  return Buffer.concat([
    Buffer.from('ffd8ffe000104a46494600010100000100010000ffc0001108', 'hex'),
    size,
    Buffer.from('03012200021101031101ffd9', 'hex'),
  ]).toString('base64');
};

const sides = fc.constantFrom(1, 100, 1999, 2000, 2001, 7999, 8000, 8001, 20_000);

const imagePart = fc
  .tuple(sides, sides, fc.constantFrom('png', 'gif', 'jpeg', 'jpg'))
  .map(([width, height, kind]) => {
    const data = { png, gif, jpeg, jpg: jpeg }[kind](width, height);
    return { type: 'image_url', image_url: { url: `data:image/${kind};base64,${data}` } };
  });

/** As many as stand at the limits that go by number, alike but for one. */
const gallery = fc.tuple(fc.constantFrom(20, 21), fc.constantFrom(2000, 2001)).map(([count, side]) =>
  Array.from({ length: count }, (_, index) => ({
    type: 'image_url',
    image_url: { url: `data:image/png;base64,${png(index === 1 ? side : 10, 10)}` },
  })),
);

// ---- documents -------------------------------------------------------------------------------------

const office = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';

const filePart = fc
  .tuple(
    fc.constantFrom(
      ...['data:text/plain,hello', 'data:text/markdown;base64,IyBIaQ==', 'data:text/csv;charset=utf-8,a;b'],
      ...[
        'data:application/pdf;base64,JVBERi0xLjQK',
        'JVBERi0xLjQK',
        'aGVsbG8',
        `data:${office};base64,UEsDBA==`,
      ],
      // No UTF-8, nothing, and no document.
      ...['data:text/html;base64,gP8=', 'data:text/plain,%20', 'data:image/png;base64,iVBORw0KGgo='],
    ),
    fc.constantFrom(
      ...['a.txt', 'a.txt', '../\ud800 ü  (1).md', '.pdf', ' ', undefined, null],
      `${'x'.repeat(300)}.csv`,
    ),
    mark,
  )
  .map(([file_data, filename, cache_control]) => ({
    type: 'file',
    file: { file_data, filename },
    cache_control,
  }));

const richContent = fc.oneof(
  { weight: 6, arbitrary: textContent },
  { weight: 3, arbitrary: fc.array(fc.oneof(textPart, imagePart), { maxLength: 3 }) },
  { weight: 1, arbitrary: gallery },
  { weight: 1, arbitrary: fc.array(fc.oneof(textPart, filePart), { minLength: 1, maxLength: 6 }) },
);

// ---- tools ----------------------------------------------------------------------------------------

const names = [
  'get_weather',
  'get-weather',
  'größe',
  'a.b/c',
  '1st',
  '__proto__',
  'n'.repeat(64),
  'n'.repeat(90),
];
const name = fc.constantFrom(...names);

/** Names of properties that no upstream takes, beside some that all do. */
const keys = [
  ...['city', '$top', 'filter[id]', 'größe', 'a b', '', ' ', 'x/y', '@type', '💥', 'with.dots-and_more'],
  ...['k'.repeat(64), 'k'.repeat(65), `${'k'.repeat(64)}!`, '__proto__', 'constructor', '\ud800'],
];
const key = fc.constantFrom(...keys);

type Fields = { readonly [name: string]: unknown };

/** Own members whatever they are called, as JSON makes them. */
const objectOf = (pairs: readonly (readonly [string, unknown])[]): Fields => Object.fromEntries(pairs);

const leaf = fc.constantFrom<Fields>(
  { type: 'string' },
  { type: 'number', description: 'Half \ud83d a pair' },
  { enum: ['a', '$b', 1, null] },
  // Draft 4 and before.
  { type: 'integer', minimum: 0, exclusiveMinimum: true },
  { type: 'number', maximum: 9, exclusiveMaximum: false },
  { type: 'array', items: [{ type: 'string' }, { type: 'number' }] },
  { type: 'array', items: [{ type: 'string' }], additionalItems: { type: 'number' } },
  { id: 'http://example.com/leaf', type: 'string' },
  { $ref: '#/definitions/named' },
  { type: ['string', 'null'], nullable: true },
  { const: { $top: 1 } },
);

const keyedSchema = fc.letrec<{ schema: Fields }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc
      .tuple(
        fc.uniqueArray(fc.tuple(key, tie('schema')), { maxLength: 3, selector: ([each]) => each }),
        fc.boolean(),
      )
      .map(([pairs, isClosed]) => ({
        type: 'object',
        properties: objectOf(pairs),
        required: pairs.map(([each]) => each),
        ...(isClosed ? { additionalProperties: false } : {}),
      })),
    tie('schema').map((items) => ({ type: 'array', items })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 2 }).map((anyOf) => ({ anyOf })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 2 }).map((oneOf) => ({ oneOf })),
  ),
})).schema;

const topSchemas = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<unknown>(...usualSchemas, undefined, null) },
  {
    weight: 4,
    arbitrary: fc.array(fc.tuple(key, keyedSchema), { maxLength: 4 }).map((pairs) => ({
      $schema: 'http://json-schema.org/draft-04/schema#',
      type: 'object',
      properties: objectOf(pairs),
      required: [...new Set(pairs.map(([each]) => each))],
      definitions: { named: { type: 'object', properties: objectOf(pairs.slice(0, 1)) } },
    })),
  },
  { weight: 1, arbitrary: fc.tuple(keyedSchema, keyedSchema).map((anyOf) => ({ anyOf })) },
  { weight: 1, arbitrary: brokenSchemas },
);

const factsOf = (called: string) =>
  fc.record({
    name: fc.constant(called),
    description: fc.constantFrom(undefined, null, '', 'Does it.', 'Half \udc00 a pair'),
    parameters: topSchemas,
    strict: fc.constantFrom(true, false, null, undefined),
  });

const toolNamed = (called: string): fc.Arbitrary<Fields> => {
  const facts = factsOf(called);
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(facts, mark)
        .map(([each, cache_control]) => ({ type: 'function', function: each, cache_control })),
    },
    { weight: 1, arbitrary: facts.map((each) => ({ type: 'function', ...each })) },
    {
      weight: 1,
      arbitrary: facts.map(({ description, parameters }) => ({
        name: called,
        description,
        input_schema: parameters ?? { type: 'object' },
      })),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        { type: 'custom', custom: { name: called } },
        { type: 'custom', name: called, format: { type: 'grammar', grammar: { definition: 'a\ud800' } } },
      ),
    },
  );
};

const toolFields: fc.Arbitrary<Fields> = fc
  .subarray(names, { minLength: 1, maxLength: 3 })
  .chain((chosen) =>
    fc.record({
      tools: fc.tuple(...chosen.map(toolNamed)),
      // Some clients declare what they have twice.
      twice: fc.boolean(),
      tool_choice: fc.constantFrom<unknown>(
        ...['auto', 'none', 'required', undefined, null],
        { type: 'function', function: { name: chosen[0] } },
        {
          type: 'allowed_tools',
          allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: chosen[0] } }] },
        },
      ),
      parallel_tool_calls: fc.constantFrom(true, false, undefined),
    }),
  )
  .map(({ tools, twice, ...rest }) => ({ ...rest, tools: twice ? [...tools, tools[0]] : tools }));

/** The older spelling. */
const functionFields: fc.Arbitrary<Fields> = fc
  .subarray(names, { minLength: 1, maxLength: 2 })
  .chain((chosen) =>
    fc.record({
      functions: fc.tuple(...chosen.map(factsOf)),
      function_call: fc.constantFrom<unknown>('auto', 'none', undefined, { name: chosen[0] }),
    }),
  );

// ---- answers as JSON ------------------------------------------------------------------------------

/** Formats whose keys and drafts no upstream takes as they are. */
const keyedFormat: fc.Arbitrary<Fields> = fc
  .tuple(topSchemas, fc.boolean(), fc.constantFrom('answer', 'größe', '\ud800', '', undefined))
  .map(([schema, isNamed, called]) => ({
    response_format: isNamed
      ? { type: 'json_schema', json_schema: { name: called, schema, strict: true } }
      : { type: 'json_object', schema },
  }));

// ---- messages -------------------------------------------------------------------------------------

const ids = fc.constantFrom(
  'call_1',
  'call_2',
  'call_1',
  'a.weird id/ü',
  'x'.repeat(90),
  '\ud800',
  'toolu_01A',
);

const callArguments = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom<unknown>(
      ...['{"city":"Paris"}', '{}', '', null, undefined, '{"$top":5,"filter[id]":{"größe":[1]}}'],
      ...['{"text":"half \\ud800 a pair"}', '{"__proto__":{"a":1}}', '{"":1," ":2}'],
    ),
  },
  {
    weight: 3,
    // Cut off by the limit, anywhere.
    arbitrary: fc
      .tuple(
        fc.constantFrom('{"location": "Par\\u00e9s", "$top": [1, {"a": true}], "n": -1.5e3}'),
        fc.nat({ max: 62 }),
      )
      .map(([whole, length]) => whole.slice(0, length)),
  },
  { weight: 1, arbitrary: fc.constantFrom('[1]', 'nope', '"text"') },
);

const functionCall = fc
  .tuple(ids, name, callArguments, fc.boolean())
  .map(([id, called, written, isTyped]) => ({
    id,
    ...(isTyped ? { type: 'function' } : {}),
    function: { name: called, arguments: written },
  }));

/** Of a tool that takes text: any text, cut off or not. */
const customCall = fc
  .tuple(ids, name, fc.oneof(words, fc.constantFrom('{"input": "ls', '{"input"')))
  .map(([id, called, input]) => ({ id, type: 'custom', custom: { name: called, input } }));

const call = fc.oneof({ weight: 5, arbitrary: functionCall }, { weight: 1, arbitrary: customCall });

/** What clients make of the model's thinking: all of it, some, another model's, or nothing. */
const thinkingOf = (model: Model): fc.Arbitrary<Fields> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 3, arbitrary: returnedThinking(model) },
    { weight: 1, arbitrary: returnedThinking({ ...model, id: 'another', endpoints: [] }) },
  );

const resultContent = fc.oneof(
  richContent,
  fc.constantFrom(null, '', '{"$top":1}', '{"a":"\ud800"}', '[1]', '{"cut":'),
);

const callsWithResults = (model: Model): fc.Arbitrary<readonly Fields[]> =>
  fc
    .record({
      calls: fc.array(call, { minLength: 1, maxLength: 3 }),
      content: fc.oneof(fc.constantFrom(null, undefined, ''), textContent),
      extra: thinkingOf(model),
      results: fc.infiniteStream(resultContent),
      order: fc.constantFrom('as called', 'reversed', 'the first missing', 'none', 'twice'),
    })
    .map(({ calls, content, extra, results, order }) => {
      const answered = calls.map(({ id }) => ({
        role: 'tool',
        tool_call_id: id,
        content: results.next().value,
      }));
      const inOrder = {
        'as called': answered,
        reversed: answered.toReversed(),
        'the first missing': answered.slice(1),
        none: [],
        twice: [...answered, ...answered],
      }[order];
      return [{ role: 'assistant', content, tool_calls: calls, ...extra }, ...inOrder];
    });

const single = (arbitrary: fc.Arbitrary<Fields>) => arbitrary.map((each): readonly Fields[] => [each]);

const piece = (model: Model): fc.Arbitrary<readonly Fields[]> =>
  fc.oneof(
    {
      weight: 5,
      arbitrary: single(fc.record({ role: fc.constant('user'), content: richContent, cache_control: mark })),
    },
    {
      weight: 2,
      arbitrary: single(
        fc.record({
          role: fc.constantFrom('system', 'developer'),
          content: textContent,
          cache_control: mark,
        }),
      ),
    },
    {
      weight: 2,
      arbitrary: single(
        fc
          .tuple(fc.oneof(textContent, fc.constant(null)), thinkingOf(model))
          .map(([content, extra]) => ({ role: 'assistant', content, ...extra })),
      ),
    },
    { weight: 4, arbitrary: callsWithResults(model) },
    {
      weight: 1,
      arbitrary: single(fc.record({ role: fc.constant('tool'), tool_call_id: ids, content: resultContent })),
    },
    {
      weight: 1,
      arbitrary: single(
        fc.record({
          role: fc.constant('assistant'),
          content: fc.constant(null),
          function_call: fc.record({ name, arguments: callArguments }),
        }),
      ),
    },
    {
      weight: 1,
      arbitrary: single(fc.record({ role: fc.constant('function'), name, content: words })),
    },
  );

/** Nova fails to end a call or a thought in few tokens, which is no fault of the request. */
const fewestTokens = 4000;

const withRoom = (fields: Fields): Fields => {
  const entries = Object.entries(fields).filter(
    ([field, value]) => !field.startsWith('max_') || (typeof value === 'number' && value >= fewestTokens),
  );
  return objectOf(entries);
};

export interface Conversation extends ModelAt {
  readonly body: Fields & { readonly model: string; readonly stream: boolean };
}

export const conversationWith = ({ model, at }: ModelAt): fc.Arbitrary<Conversation> =>
  fc
    .record({
      pieces: fc.array(piece(model), { minLength: 1, maxLength: 6 }),
      offered: fc.oneof(
        { weight: 3, arbitrary: fc.constant({}) },
        { weight: 6, arbitrary: toolFields },
        { weight: 1, arbitrary: functionFields },
      ),
      thought: fc.oneof({ weight: 1, arbitrary: fc.constant({}) }, thinkingFields),
      format: fc.oneof({ weight: 4, arbitrary: formatFields }, { weight: 1, arbitrary: keyedFormat }),
      sampled: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: sampling }),
      stream: fc.boolean(),
    })
    .map(({ pieces, offered, thought, format, sampled, stream }) => ({
      model,
      at,
      body: {
        model: model.id,
        messages: pieces.flat(),
        ...offered,
        ...thought,
        ...format,
        ...(endpointAtUpstream(model, 'bedrock-converse') !== undefined ? withRoom(sampled) : sampled),
        stream,
      },
    }));

/** Not by `chain`, which would make the arbitraries anew for every request. */
export const conversation: fc.Arbitrary<Conversation> = fc.oneof(...everyModel.map(conversationWith));

// ---- conversations that go on ---------------------------------------------------------------------

/** How a client gives an answer back: as it came, without its thinking, or without a part of that. */
export type Kept = 'whole' | 'without thinking' | 'without the first block';

export interface Step {
  readonly kept: Kept;
  readonly result: unknown;
  /** What stands behind the results. */
  readonly after: readonly Fields[];
  /** Goes on at the other server, which remembers nothing of it. */
  readonly moves: boolean;
}

export interface Loop extends ModelAt {
  readonly body: Fields & { readonly model: string; readonly messages: readonly Fields[] };
  readonly steps: readonly Step[];
}

const step: fc.Arbitrary<Step> = fc.record({
  kept: fc.constantFrom('whole', 'without thinking', 'without the first block'),
  result: fc.oneof(words, fc.constantFrom('{"$top":20}', '')),
  after: fc.constantFrom<readonly Fields[]>(
    ...[[], [], [{ role: 'system', content: 'Be brief.' }]],
    [{ role: 'user', content: 'And what is the weather in Rome?' }],
    [
      { role: 'user', content: 'And what is the weather in Rome?' },
      { role: 'developer', content: 'Be brief.' },
    ],
  ),
  moves: fc.boolean(),
});

const lookUp = (called: string, about: string) => ({
  type: 'function',
  function: {
    name: called,
    description: `Get the current ${about} in a city.`,
    parameters: { type: 'object', properties: { city: { type: 'string' }, $top: { type: 'integer' } } },
  },
});

/** Thinking as agents ask for it: never in a way that the model has not. */
const agentsThinking = ({ thinking }: Model): fc.Arbitrary<Fields> =>
  thinking === null
    ? fc.constant({})
    : fc.record({
        reasoning_effort: fc.constantFrom('low', 'medium', 'high', undefined),
        extended_thinking: fc.constantFrom<unknown>(
          ...[{ include_reasoning: true }, { enabled: true, include_reasoning: true }, undefined],
          { enabled: true, budget_tokens: 2000, include_reasoning: true },
        ),
      });

export const loopWith = ({ model, at }: ModelAt): fc.Arbitrary<Loop> =>
  fc
    .record({
      thought: agentsThinking(model),
      tool_choice: fc.constantFrom('auto', 'required', undefined),
      steps: fc.array(step, { minLength: 2, maxLength: 4 }),
    })
    .map(({ thought, tool_choice, steps }) => ({
      model,
      at,
      steps,
      body: {
        model: model.id,
        messages: [
          { role: 'system', content: 'Look things up.' },
          { role: 'user', content: 'What is the weather in Paris?' },
        ],
        tools: [lookUp('get_weather', 'weather'), lookUp('get-time', 'time')],
        tool_choice,
        ...thought,
      },
    }));

export const loop: fc.Arbitrary<Loop> = fc.oneof(...everyModel.map(loopWith));

/** The message of an answer. */
export interface Said {
  readonly content: string | null;
  readonly tool_calls?: readonly { readonly id: string }[];
  readonly thinking_blocks?: readonly object[];
  readonly reasoning_content?: string;
}

const giveBack = (said: Said, kept: Kept): object => {
  const { thinking_blocks: blocks, reasoning_content, ...rest } = said;
  switch (kept) {
    case 'whole':
      return said;
    case 'without thinking':
      return rest;
    case 'without the first block':
      return { ...rest, thinking_blocks: blocks?.slice(1) };
    default:
      return kept satisfies never;
  }
};

/** What a client adds to the conversation. */
export const continuationOf = (said: Said, { kept, result, after }: Step): readonly object[] => {
  const results = (said.tool_calls ?? []).map(({ id }) => ({
    role: 'tool',
    tool_call_id: id,
    content: result,
  }));
  // What is no loop any more goes on with a question.
  const next = results.length === 0 && after.length === 0 ? [{ role: 'user', content: 'Go on.' }] : after;
  return [giveBack(said, kept), ...results, ...next];
};
