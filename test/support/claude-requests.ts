/** Conversations as OpenAI clients may have them with any Claude model that is served, at either upstream. */

import fc from 'fast-check';
import { redactThinking, signThinking } from '../../simulator/thinking.ts';
import { endpointAtUpstream, type Model } from '../../src/models/model.ts';
import { models } from '../../src/models/rows.ts';
import { jpegOf, pixel as png, pngOf } from './images.ts';
import { today } from './today.ts';

export type ClaudeUpstream = 'anthropic' | 'bedrock';

const isServed = (model: Model, upstream: ClaudeUpstream): boolean => {
  const endpoint = endpointAtUpstream(model, upstream);
  return endpoint !== undefined && (endpoint.retires === undefined || Date.parse(endpoint.retires) > today);
};

/** Every Claude model at every upstream that still serves it. */
export const claudeTargets = (['anthropic', 'bedrock'] as const).flatMap((upstream) =>
  models.filter((model) => isServed(model, upstream)).map((model) => ({ model, upstream })),
);

const words = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('Hello', 'What is the weather in Paris?', 'Go on.', ' padded \n') },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom('', ' ', '\n', '\u00a0') },
  { weight: 1, arbitrary: fc.constantFrom('\ud83d', 'x \ude00', `\ud83d${'A long line. '.repeat(40)}`) },
  { weight: 1, arbitrary: fc.constant('A long text that fills a cache. '.repeat(700)) },
);

export const mark = fc.option(
  fc.oneof(
    fc.record({ type: fc.constant('ephemeral'), ttl: fc.constantFrom('5m', '1h', null) }),
    fc.constant({ type: 'ephemeral' }),
  ),
  { freq: 5, nil: undefined },
);

const gif = 'R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==';
const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex').toString('base64');
const webp = Buffer.from('RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00', 'latin1').toString(
  'base64',
);
const pdf = Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n%%EOF').toString('base64');
const text64 = Buffer.from('a,b\n1,2\n').toString('base64');

const imageUrl = fc.constantFrom(
  `data:image/png;base64,${png}`,
  `data:image/jpg;base64,${jpeg}`,
  `data:image/jpeg;base64,${png}`,
  `data:image/gif;charset=utf-8;base64,${gif}`,
  `DATA:image/webp;BASE64,${webp}`,
  `data:;base64,${gif.replace(/=+$/, '')}`,
  `data:application/pdf;base64,${pdf}`,
  // At the limits: 8,000 pixels a side, 2,000 where there are many.
  `data:image/png;base64,${pngOf(2000, 8000)}`,
  `data:image/jpeg;base64,${jpegOf(2001, 10)}`,
  `data:image/png;base64,${pngOf(8001, 10)}`,
);

const image = fc.tuple(imageUrl, fc.boolean(), mark).map(([url, nested, cache_control]) => ({
  type: 'image_url',
  image_url: nested ? { url, detail: 'auto' } : url,
  cache_control,
}));

const file = fc
  .tuple(
    fc.constantFrom(
      { file_data: `data:application/pdf;base64,${pdf}`, filename: 'a report (1).pdf' },
      { file_data: pdf, filename: 'x.pdf' },
      { file_data: `data:text/plain;base64,${text64}` },
      { file_data: `data:text/csv;base64,${text64}`, filename: 'ä.csv' },
      { file_data: text64, filename: 'notes.MD' },
      { file_data: 'data:text/html,%3Cp%3EHi%3C/p%3E', filename: ' ' },
      { file_data: `data:application/vnd.ms-excel;base64,${text64}`, filename: 'x.xls' },
    ),
    mark,
  )
  .map(([each, cache_control]) => ({ type: 'file', file: each, cache_control }));

const textPart = fc.tuple(words, mark, fc.boolean()).map(([text, cache_control, explicit]) => ({
  type: 'text',
  text,
  cache_control,
  ...(explicit && cache_control === undefined ? { prompt_cache_breakpoint: { mode: 'implicit' } } : {}),
}));

const contentOf = (...parts: fc.Arbitrary<unknown>[]) =>
  fc.oneof(words, fc.array(fc.oneof({ weight: 3, arbitrary: textPart }, ...parts), { maxLength: 4 }));

/** About as many images as make the lower limit hold. */
const gallery = fc.tuple(fc.integer({ min: 18, max: 22 }), image).map(([count, last]) => [
  ...Array.from({ length: count }, () => ({
    type: 'image_url',
    image_url: { url: `data:image/png;base64,${png}` },
  })),
  last,
]);

const ids = fc.constantFrom('call_1', 'call_1', 'call_2', 'toolu_01A', 'a.weird id/ü', 'x'.repeat(90));
const names = [
  'get_weather',
  'get-weather',
  'get weather!',
  'größe',
  '💥',
  '1st',
  'n'.repeat(80),
  'n'.repeat(81),
  'a.b/c',
];
const name = fc.constantFrom(...names);
const callArguments = fc.constantFrom(
  '{"city":"Paris"}',
  '{}',
  '',
  ' ',
  null,
  undefined,
  '{"a":{"b":[1,null]}}',
  '{"$top":"x","größe":1,"":[{"@id":"y"}]}',
  '{"city":"Par',
  '{"a":[1,{"b":"\\ud83d',
  '{"city":"\\ud83d"}',
);

const calls = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        id: ids,
        type: fc.constant('function'),
        function: fc.record({ name, arguments: callArguments }),
        cache_control: mark,
      }),
    },
    { weight: 1, arbitrary: fc.record({ id: ids, function: fc.record({ name, arguments: callArguments }) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        id: ids,
        type: fc.constant('custom'),
        custom: fc.record({ name, input: words }),
      }),
    },
  ),
  { minLength: 1, maxLength: 3 },
);

/** Thinking as clients give it back: signed by the model itself, or unsigned. */
export const thinking = (model: Model) => {
  const id = endpointAtUpstream(model, 'anthropic')?.id ?? model.id;
  const block = { type: 'thinking', thinking: 'Hm.', signature: signThinking(id, 'Hm.', 's') };
  const hidden = { type: 'thinking', thinking: '', signature: signThinking(id, '', 's') };
  const redacted = { type: 'redacted_thinking', data: redactThinking(id, 's') };
  return fc.constantFrom<Record<string, unknown>>(
    {},
    {},
    {
      thinking_blocks: [
        { index: 0, ...block },
        { index: 1, ...redacted },
      ],
    },
    { thinking_blocks: [hidden] },
    { thinking_blocks: [{ type: 'thinking', thinking: 'unsigned' }], reasoning_content: 'unsigned' },
    { reasoning_details: [{ type: 'reasoning.text', text: 'Hm.', signature: block.signature }] },
    { reasoning_details: [{ type: 'reasoning.encrypted', data: redacted.data }] },
    { reasoning: { thinking: 'Hm.', signature: block.signature } },
    { reasoning: 'unsigned' },
    { content: [block, { type: 'text', text: 'So.' }, redacted] },
    {
      content: [
        { type: 'thinking', thinking: 'unsigned' },
        { type: 'text', text: 'So.' },
      ],
    },
  );
};

const echoed = { refusal: null, annotations: [], audio: null, function_call: null, parsed: null };

const message = (model: Model): fc.Arbitrary<unknown> =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        role: fc.constant('user'),
        content: fc.oneof(
          { weight: 20, arbitrary: contentOf(image, file) },
          { weight: 1, arbitrary: gallery },
        ),
        cache_control: mark,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        role: fc.constantFrom('system', 'developer'),
        content: contentOf(),
        cache_control: mark,
      }),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.oneof(contentOf(), fc.constantFrom(null, undefined)), thinking(model), mark)
        .map(([content, extra, cache_control]) => ({
          role: 'assistant',
          content,
          cache_control,
          ...echoed,
          ...extra,
        })),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(fc.oneof(fc.constantFrom(null, undefined, ''), contentOf()), calls, thinking(model), mark)
        .map(([content, tool_calls, extra, cache_control]) => ({
          role: 'assistant',
          content,
          tool_calls,
          cache_control,
          ...extra,
        })),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        role: fc.constant('tool'),
        tool_call_id: ids,
        content: fc.oneof(contentOf(image, file), fc.constant('{"temperature":20}')),
        cache_control: mark,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        role: fc.constant('assistant'),
        content: fc.constant(null),
        function_call: fc.record({ name, arguments: callArguments }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ role: fc.constant('function'), name, content: words }) },
  );

/** Ends that need something done about them. */
const tail = fc.constantFrom<readonly unknown[]>(
  [],
  [],
  [],
  [{ role: 'assistant', content: 'The answer is \n' }],
  [
    { role: 'assistant', content: 'So.' },
    { role: 'system', content: 'Be brief.' },
  ],
);

const many = (count: number, schema: unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, schema]));
const city = { type: 'string', description: 'City', minLength: 1 };

export const schemas: readonly Record<string, unknown>[] = [
  { type: 'object', properties: {} },
  {},
  { properties: { city } },
  { type: 'object', properties: { city }, required: ['city'] },
  {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  {
    type: 'object',
    properties: { unit: { enum: ['c', 'f'] }, n: { type: ['integer', 'null'], minimum: 0 } },
  },
  { type: 'object', additionalProperties: { type: 'string' } },
  {
    type: 'object',
    properties: { at: { $ref: '#/$defs/at' } },
    $defs: { at: { type: 'object', properties: { x: { type: 'number' } } } },
  },
  { type: 'object', properties: { next: { $ref: '#' } } },
  { $ref: '#/definitions/a', definitions: { a: { type: 'object', properties: { city } } } },
  {
    type: 'object',
    properties: { city },
    anyOf: [{ required: ['city'] }, { required: ['zip'], properties: { zip: city } }],
  },
  {
    oneOf: [
      { type: 'object', properties: { kind: { const: 'a' } } },
      { type: 'object', properties: { kind: { const: 'b' } } },
    ],
  },
  {
    allOf: [{ $ref: '#/$defs/b' }, { properties: { own: { type: 'boolean' } } }],
    $defs: { b: { properties: { base: city } } },
  },
  {
    type: ['object', 'null'],
    properties: { list: { type: 'array', items: { type: 'string' }, maxItems: 3, uniqueItems: true } },
  },
  { type: 'object', properties: many(30, { type: 'string' }) },
  {
    type: 'object',
    properties: many(9, { anyOf: [{ type: 'string' }, { type: 'null' }] }),
    required: Object.keys(many(9, 0)),
    additionalProperties: false,
  },
  {
    type: 'object',
    properties: {
      mail: { type: 'string', format: 'email' },
      odd: { type: 'string', format: 'regex', pattern: '^a' },
    },
  },
  {
    type: 'object',
    properties: {
      pair: { type: 'array', prefixItems: [{ type: 'string' }] },
      not: { not: { type: 'null' } },
    },
  },
  // Keys that Claude does not take, and forms of older drafts.
  {
    type: 'object',
    properties: { $top: city, 'filter[id]': { type: 'integer' }, größe: { $ref: '#/properties/%24top' } },
    required: ['$top'],
    additionalProperties: false,
  },
  {
    type: 'object',
    properties: {
      ['k'.repeat(70)]: { type: 'array', items: { type: 'object', properties: { '': city, '@id': city } } },
    },
    dependencies: { a: ['$top'], b: { properties: { 'x y': city } } },
  },
  {
    $schema: 'http://json-schema.org/draft-04/schema#',
    id: 'https://example.com/old#',
    type: 'object',
    properties: {
      n: { type: 'integer', minimum: 0, exclusiveMinimum: true },
      pair: { id: '#pair', type: 'array', items: [{ $ref: '#/definitions/a' }, {}], additionalItems: false },
      none: { type: 'array', items: [] },
    },
    definitions: { a: { type: 'string', description: null, anyOf: [] } },
    required: ['n', 'n'],
  },
];
const schema = fc.constantFrom(...schemas);

const tool = (each: string): fc.Arbitrary<unknown> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(
          fc.option(schema, { nil: undefined }),
          fc.constantFrom(true, true, true, false, null, undefined),
          fc.constantFrom('Does it.', '', undefined),
          mark,
        )
        .map(([parameters, strict, description, cache_control]) => ({
          type: 'function',
          function: { name: each, parameters, strict, description },
          cache_control,
        })),
    },
    {
      weight: 1,
      arbitrary: fc.constant({ type: 'custom', custom: { name: each, format: { type: 'text' } } }),
    },
    {
      weight: 1,
      arbitrary: schema.map((input_schema) => ({ name: each, description: 'Does it.', input_schema })),
    },
    { weight: 1, arbitrary: schema.map((parameters) => ({ type: 'function', name: each, parameters })) },
  );

const choiceOf = (each: string, isCustom: boolean) =>
  isCustom ? { type: 'custom', custom: { name: each } } : { type: 'function', function: { name: each } };

/** Tools with every form of the choice among them. */
const toolFields = fc
  .tuple(fc.subarray(names, { minLength: 1, maxLength: 4 }), fc.boolean())
  .chain(([chosen, isLegacy]): fc.Arbitrary<Record<string, unknown>> => {
    const [first = ''] = chosen;
    if (isLegacy && chosen.length === 1) {
      return fc.record({
        functions: fc.tuple(schema.map((parameters) => ({ name: first, parameters }))),
        function_call: fc.constantFrom('auto', 'none', { name: first }, undefined),
      });
    }
    return fc.tuple(...chosen.map(tool)).chain((tools) => {
      const forms = (tools as { type: string }[]).map(({ type }, index) =>
        choiceOf(chosen[index] ?? '', type === 'custom'),
      );
      return fc.record({
        tools: fc.constantFrom(tools, [...tools, ...tools.slice(0, 1)]),
        tool_choice: fc.oneof(
          fc.constantFrom<unknown>('auto', 'none', 'required', undefined, null),
          fc.constantFrom<unknown>(...forms),
          fc.record({
            type: fc.constant('allowed_tools'),
            allowed_tools: fc.record({
              mode: fc.constantFrom('auto', 'required'),
              tools: fc.subarray(forms, { minLength: 1 }),
            }),
          }),
        ),
        parallel_tool_calls: fc.constantFrom(true, false, undefined),
      });
    });
  });

const budget = fc.constantFrom(1024, 2000, 8192, 8193, 20_000, 31_999, 500, 0, 200_000, null, undefined);
const effort = fc.constantFrom('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max');
export const thinkingFields: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  fc.constant({}),
  fc.record({
    extended_thinking: fc.record({
      enabled: fc.constantFrom(true, true, false, null, undefined),
      budget_tokens: budget,
      include_reasoning: fc.constantFrom(true, false, undefined),
    }),
  }),
  fc.record({ reasoning_effort: effort }),
  fc.record({
    thinking: fc.oneof(
      fc.record({ type: fc.constant('enabled'), budget_tokens: budget }),
      fc.record({
        type: fc.constantFrom('adaptive', 'disabled', 'between_tools'),
        display: fc.constantFrom('summarized', 'omitted', undefined),
      }),
    ),
  }),
  fc.record({ reasoning_effort: effort, extended_thinking: fc.record({ include_reasoning: fc.boolean() }) }),
  fc.record({
    reasoning: fc.record({
      effort: fc.option(effort, { nil: undefined }),
      max_tokens: budget,
      enabled: fc.constantFrom(true, false, undefined),
      exclude: fc.constantFrom(true, false, undefined),
    }),
    include_reasoning: fc.constantFrom(true, false, undefined),
  }),
);

export const formatFields: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { response_format: { type: 'text' } },
      { response_format: { type: 'json_object' } },
      { response_format: { type: 'json_object', schema: schemas.at(-1) } },
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.oneof(schema, fc.constantFrom({ type: 'array', items: { type: 'object' } })),
        fc.constantFrom('answer', 'get_weather', 'größe', undefined),
        fc.boolean(),
      )
      .map(([each, named, strict]) => ({
        response_format: { type: 'json_schema', json_schema: { name: named, schema: each, strict } },
      })),
  },
);

export const sampling = fc.record(
  {
    temperature: fc.constantFrom(0, 0.3, 1, 1.7, null),
    top_p: fc.constantFrom(0, 0.5, 1),
    top_k: fc.constantFrom(1, 40),
    stop: fc.constantFrom<unknown>('END', '\n', '', '"', ['a stop', ' ', '\nfoo'], [], null),
    max_tokens: fc.constantFrom(1, 500, 1024, 2000, 25_000, 1_000_000),
    max_completion_tokens: fc.constantFrom(1025, 40_000),
    user: fc.constantFrom('u1', 'ada@example.com', '+49 170 1234567', 'x'.repeat(300), ''),
    metadata: fc.constantFrom<unknown>({ user_id: 'grace@example.com' }, { any: 'thing', none: null }),
    service_tier: fc.constantFrom('auto', 'default', 'flex', 'priority', 'scale'),
    prompt_cache_retention: fc.constantFrom('24h', 'in_memory'),
    cache_control: fc.constantFrom<unknown>({ type: 'ephemeral' }, { type: 'ephemeral', ttl: '1h' }, null),
    stream_options: fc.constant({ include_usage: true }),
    seed: fc.constant(7),
    made_up: fc.constant(true),
  },
  { requiredKeys: [] },
);

type Target = (typeof claudeTargets)[number];

const requestTo = ({ model, upstream }: Target) =>
  fc
    .tuple(
      fc.tuple(fc.array(message(model), { minLength: 1, maxLength: 8 }), tail).map((parts) => parts.flat()),
      fc.oneof(fc.constant({}), toolFields),
      thinkingFields,
      formatFields,
      sampling,
      fc.boolean(),
    )
    .map(([messages, tools, thought, format, sampled, stream]) => ({
      upstream,
      model,
      body: { model: model.id, messages, ...tools, ...thought, ...format, ...sampled, stream },
    }));

/** Not by `chain`, which would make the arbitraries anew for every request: most of the time went there. */
export const claudeRequestTo = (targets: readonly Target[]) => fc.oneof(...targets.map(requestTo));

export const claudeRequest = claudeRequestTo(claudeTargets);
