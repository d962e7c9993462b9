/** Conversations as OpenAI clients may have them with any Nova model. */

import fc from 'fast-check';
import { schemas } from '../json-schema/hostile.ts';

// ---- values ---------------------------------------------------------------------------------------

const rarely = <Value>(arbitrary: fc.Arbitrary<Value>, freq = 4) =>
  fc.option(arbitrary, { freq, nil: undefined });
const words = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('Hello', 'What is the weather in Paris?', 'Look up the map of Rome.'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('', ' ', '\n\t', '\u00a0', 'a\u0000b', '\ud800', '"{}"'),
  },
  // No directives for the simulator.
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }).map((text) => text.replaceAll('[[', '[ [')) },
);
const mark = rarely(
  fc.constantFrom({ type: 'ephemeral' }, { type: 'ephemeral', ttl: '5m' }, { type: 'ephemeral', ttl: '1h' }),
  8,
);
const ids = fc.constantFrom('call_1', 'call_2', 'call_1_1', 'a b', 'x'.repeat(80), 'ü', 'toolu_01');
const names = fc.constantFrom(
  ...['get_weather', 'get-weather', 'get.weather', '1st', 'weather/now', 'map', 'Map', 'ü', 'a b', '$'],
  ...['x'.repeat(64), 'x'.repeat(65), `${'x'.repeat(64)}-`, `${'x'.repeat(64)}_`, 't1st', '__proto__'],
);
const argumentTexts = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.constantFrom('', '{}', '{"city":"Paris"}', '{"":1,"_":2}', '{"a":[{"":{}}]}', null),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '{"__proto__":{"x":1}}',
      ' {"a":null} ',
      '{"a":"\\ud800"}',
      '{"city":"Par',
      '{"a":[1,{"b":"\\ud83d',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('nope', '[1]', '{"a":1 2', `{"a":${'['.repeat(9000)}${']'.repeat(9000)}}`),
  },
);

const base64 = (bytes: string) => Buffer.from(bytes, 'latin1').toString('base64');
const images = fc
  .constantFrom(
    ['image/png', '\x89PNG\r\n\x1a\n....'],
    ['image/jpg', '\xff\xd8\xff\xe0....'],
    ['image/jpeg', 'GIF89a\x10\x00\x10\x00..'],
    // 8,000 pixels wide, and one more.
    ['image/gif', 'GIF89a\x40\x1f\x10\x00....................'],
    ['image/gif', 'GIF89a\x41\x1f\x10\x00....................'],
    ['image/webp', 'RIFF....WEBPVP8 '],
  )
  .map(([type = '', bytes = '']) => `data:${type};base64,${base64(bytes)}`);
const imagePart = fc.record(
  {
    type: fc.constant('image_url'),
    image_url: images.map((url) => ({ url, detail: 'auto' })),
    cache_control: mark,
  },
  { requiredKeys: ['type', 'image_url'] },
);
const filenames = fc.constantFrom(
  ...['report.pdf', 'report.v2.pdf', 'notes (2).txt', 'notes.txt', `${'n'.repeat(179)} longer.md`],
  ...['..', '', 'ü.pdf', '_', 'a  b\t.csv', '[x](y)-z.html'],
);
const files = fc.constantFrom(
  ...['data:application/pdf;base64,', 'data:application/octet-stream;base64,', ''].map(
    (head) => head + base64('%PDF-1.4'),
  ),
  ...['plain', 'markdown', 'csv', 'html'].map((kind) => `data:text/${kind};base64,${base64('a,b')}`),
  'data:text/plain,percent%20encoded',
  `data:application/msword;base64,${base64('doc')}`,
  `data:application/vnd.openxmlformats-officedocument.wordprocessingml.document;base64,${base64('PK')}`,
  `data:application/vnd.openxmlformats-officedocument.spreadsheetml.sheet;base64,${base64('PK')}`,
);
const filePart = fc.record({ file_data: files, filename: filenames }).map((file) => ({ type: 'file', file }));
const textPart = fc.record(
  { type: fc.constant('text'), text: words, cache_control: mark },
  { requiredKeys: ['type', 'text'] },
);

const few = { maxLength: 3 };
const textContent = fc.oneof(words, fc.array(textPart, few));
const richContent = fc.oneof(
  { weight: 3, arbitrary: textContent },
  { weight: 1, arbitrary: fc.array(fc.oneof(textPart, imagePart, filePart), { maxLength: 4 }) },
);

const calls = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        id: ids,
        type: fc.constant('function'),
        function: fc.record({ name: names, arguments: argumentTexts }),
        cache_control: mark,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        id: ids,
        type: fc.constant('custom'),
        custom: fc.record({ name: names, input: words }),
      }),
    },
  ),
  few,
);
const thoughts = fc.constantFrom(
  { reasoning_content: 'Hm.' },
  { thinking_blocks: [{ type: 'thinking', thinking: 'Hm.', signature: 'c2ln' }] },
  { reasoning_details: [{ type: 'reasoning.encrypted', data: 'ZGF0YQ==' }] },
  { reasoning: { thinking: 'Hm.', signature: 'c2ln' } },
  {
    content: [
      { type: 'thinking', thinking: 'Hm.', signature: 'c2ln' },
      { type: 'redacted_thinking', data: 'ZGF0YQ==' },
      { type: 'text', text: 'So.' },
    ],
  },
  { refusal: 'No.', annotations: [], audio: null, function_call: null, parsed: null },
  { function_call: { name: 'get-weather', arguments: '{}' } },
);
const assistant = fc
  .record({
    content: fc.oneof(textContent, fc.constant(null)),
    calls: rarely(calls, 2),
    thoughts: rarely(thoughts),
  })
  .map(({ content, calls: tool_calls, thoughts: more }) => ({
    role: 'assistant',
    content,
    tool_calls,
    ...more,
  }));
const results = fc.oneof(
  richContent,
  fc.constantFrom(
    null,
    '',
    '{"ok":true}',
    '{"":1}',
    '{"a":1',
    '[1]',
    `{"a":${'['.repeat(9000)}${']'.repeat(9000)}}`,
  ),
);
const message = fc.oneof(
  { weight: 1, arbitrary: fc.record({ role: fc.constantFrom('system', 'developer'), content: textContent }) },
  {
    weight: 4,
    arbitrary: fc.record({ role: fc.constant('user'), content: richContent, cache_control: mark }),
  },
  { weight: 4, arbitrary: assistant },
  { weight: 4, arbitrary: fc.record({ role: fc.constant('tool'), tool_call_id: ids, content: results }) },
  { weight: 1, arbitrary: fc.record({ role: fc.constant('function'), name: names, content: words }) },
);

// ---- parameters -----------------------------------------------------------------------------------

const descriptions = fc.constantFrom(undefined, null, '', ' ', 'Looks up the weather in a city.');
const parameters = fc.oneof(schemas, fc.constantFrom(undefined, null, {}, { properties: { city: {} } }));
const functions = fc.record({
  name: names,
  description: descriptions,
  parameters,
  strict: fc.constantFrom(true, null),
});
const tool = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('function'), function: functions, cache_control: mark }),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({
        name: names,
        description: descriptions,
        format: fc.constantFrom(undefined, { type: 'text' }),
      })
      .map((custom) => ({ type: 'custom', custom })),
  },
);
type Tool = { type: string; function?: { name: string }; custom?: { name: string } };
const nameOf = (each: Tool) => each.function?.name ?? each.custom?.name ?? '';

const choiceFor = (tools: readonly Tool[]) => {
  const named = tools.map((each) => ({ type: 'function', function: { name: nameOf(each) } }));
  return fc.constantFrom<unknown>(
    ...['none', 'auto', 'required', null],
    ...named,
    ...(named.length > 1
      ? [{ type: 'allowed_tools', allowed_tools: { mode: 'required', tools: named.slice(1) } }]
      : []),
  );
};
const tooling = fc
  .uniqueArray(tool, { maxLength: 4, selector: nameOf })
  .chain((tools) =>
    fc.record(
      { tools: fc.constant(tools), tool_choice: choiceFor(tools), parallel_tool_calls: fc.boolean() },
      { requiredKeys: [] },
    ),
  );
const legacyTooling = fc.record({
  functions: fc.uniqueArray(functions, { ...few, selector: ({ name }) => name }),
  function_call: fc.constantFrom('none', 'auto'),
});

const responseFormat = fc.oneof(
  fc.constantFrom({ type: 'text' }, { type: 'json_object' }),
  fc.record({
    type: fc.constant('json_schema'),
    json_schema: fc.record({ name: names, schema: schemas, strict: fc.boolean() }),
  }),
  fc.constant({ type: 'json_schema', json_schema: { name: 'list', schema: { type: 'array', items: {} } } }),
);
const budgets = fc.constantFrom(undefined, 1024, 5000, 20_000);
const thinking = fc.oneof(
  fc.record({
    reasoning_effort: fc.constantFrom('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'),
  }),
  fc
    .record({ enabled: fc.boolean(), budget_tokens: budgets, include_reasoning: fc.boolean() })
    .map((extended_thinking) => ({ extended_thinking })),
  fc
    .record({ type: fc.constantFrom('enabled', 'adaptive', 'disabled'), budget_tokens: budgets })
    .map((each) => ({ thinking: each })),
);
const options = fc.record(
  {
    // Below a few thousand tokens the model's own failure to end a call is the expected answer.
    max_tokens: fc.constantFrom(4000, 10_000, 20_000, 500_000),
    max_completion_tokens: fc.constantFrom(5000, 30_000),
    temperature: fc.double({ min: 0, max: 2, noNaN: true }),
    top_p: fc.double({ min: 0, max: 1, noNaN: true }),
    top_k: fc.constantFrom(1, 50, 128, 129, 5000),
    stop: fc.constantFrom<unknown>('§end§', '', ' ', ['§1', '§2', '§3', '§4', '§5', ''], [], null),
    user: fc.constantFrom('u-1', 'someone@example.com', 'ü 42', '', 'x'.repeat(300)),
    safety_identifier: fc.constantFrom('u-2', '+49 151 1234567'),
    metadata: fc.dictionary(
      fc.oneof(fc.constantFrom('user', 'trace', 'ü', '', 'a\u00a0b'), fc.string({ maxLength: 10 })),
      fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.constantFrom('', '\u2028', '🌦'.repeat(200))),
      { maxKeys: 16 },
    ),
    service_tier: fc.constantFrom('auto', 'default', 'flex', 'priority', 'scale'),
    prompt_cache_retention: fc.constantFrom('24h', 'in_memory'),
    cache_control: fc.constantFrom({ type: 'ephemeral' }, { type: 'ephemeral', ttl: '1h' }),
    seed: fc.nat(),
    n: fc.constantFrom(1, 2),
    logit_bias: fc.constant({ 50256: -100 }),
    verbosity: fc.constantFrom('low', 'medium'),
    anything_else: fc.constant([1]),
  },
  { requiredKeys: [] },
);

export const novaModels = {
  'Nova 1': ['nova-micro', 'nova-lite', 'nova-pro'],
  'Nova 2': ['nova-2-lite', 'nova-2-pro'],
};

export const novaRequestTo = (ids: readonly string[]) =>
  fc
    .record({
      model: fc.constantFrom(...ids),
      stream: fc.boolean(),
      messages: fc.array(message, { minLength: 1, maxLength: 9 }),
      tooling: rarely(
        fc.oneof({ weight: 6, arbitrary: tooling }, { weight: 1, arbitrary: legacyTooling }),
        2,
      ),
      format: rarely(responseFormat),
      thinking: rarely(thinking),
      options: rarely(options, 2),
    })
    .map(
      ({
        model,
        stream,
        messages,
        tooling: offered,
        format: response_format,
        thinking: thinks,
        options: more,
      }) => ({
        ...{ model, stream, messages, response_format },
        ...offered,
        // To order thinking where there is none is a 400; once in a while will do.
        ...(model.startsWith('nova-2') || messages.length === 7 ? thinks : {}),
        ...more,
      }),
    );

export const novaRequest = novaRequestTo(Object.values(novaModels).flat());
