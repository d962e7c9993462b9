/** What the simulator can be made to do: calls, thinking, JSON, pictures, settings, and failures of every sort. */

import { setTimeout as sleep } from 'node:timers/promises';
import { agentSystem, agentTools } from '../../../test/support/coding-agent.ts';
import { gifOf, pngOf, webpOf } from '../../../test/support/images.ts';
import {
  type Body,
  bothUpstreams,
  type Case,
  type Group,
  type Kind,
  oneEach,
  plainAndStreamed,
  single,
  user,
} from '../kind.ts';
import type { PictureReply } from '../recorder.ts';

const claude = 'claude-4-5-haiku';
const adaptiveClaude = 'claude-sonnet-5-5';
const nova = 'nova-lite';
const thinkingNova = 'nova-2-lite';

/** Where each is asked when it is asked at every place. */
const places = [
  ['anthropic', claude],
  ['anthropic', adaptiveClaude],
  ['bedrock', claude],
  ['bedrock', adaptiveClaude],
  ['bedrock', nova],
  ['bedrock', thinkingNova],
] as const;

const asking = (model: string, content: unknown, more: Body = {}): Body => ({
  model,
  messages: [user(content)],
  ...more,
});

// ---- what goes well -------------------------------------------------------------------------------

const weather = {
  type: 'function',
  function: {
    name: 'get-weather',
    description: 'Get the current weather for a location',
    parameters: {
      type: 'object',
      properties: { location: { type: 'string' }, $top: { type: 'integer' } },
      required: ['location'],
    },
  },
};
const shell = { type: 'custom', custom: { name: 'shell', description: 'Runs a command.' } };

const person = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 0 } },
  required: ['name', 'age'],
  additionalProperties: false,
};
const inSchema = (strict: boolean) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'person', schema: person, strict } },
});

const thinks = { extended_thinking: { enabled: true, budget_tokens: 2000, include_reasoning: true } };

const history = [
  { role: 'system', content: 'You remember everything.' },
  ...Array.from({ length: 40 }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: `${index}. ${'All of this was said before. '.repeat(57)}`,
  })),
  user('What did I say?'),
];

const behaviours: readonly (readonly [name: string, content: string, more?: Body])[] = [
  ['a greeting', 'Hello'],
  ['odd letters', 'Gr\u00fc\u00dfe, \ud83d\ude00 and half a pair: \ud83d'],
  ['300 tokens', '[[length 300]]'],
  ['cut by the limit', '[[length 300]]', { max_tokens: 50 }],
  ['a stop sequence', '[[say one STOP two]]', { stop: ['STOP'] }],
  ['usage', 'Hello', { stream_options: { include_usage: true }, usage: { include: true } }],
  ['a call', 'What is the weather in Paris?', { tools: [weather] }],
  ['two calls', '[[call get-weather {"location": "Rome"}]] [[call get-weather]]', { tools: [weather] }],
  ['text and a call', '[[say Let me see.]] [[call get-weather {"$top": 3}]]', { tools: [weather] }],
  ['a call cut by the limit', '[[call get-weather]]', { tools: [weather], max_tokens: 20 }],
  ['a forced call', 'Hello', { tools: [weather], tool_choice: 'required' }],
  ['a custom call', '[[call shell {"input": "ls -l"}]]', { tools: [shell] }],
  [
    'a legacy call',
    '[[call get-weather {"location": "Rome"}]]',
    { functions: [weather.function], function_call: 'auto' },
  ],
  ['thinking', 'Why?', thinks],
  ['thinking, OpenRouter', 'Why?', { reasoning: { effort: 'high' }, include_reasoning: true }],
  ['thinking and a call', '[[think always]] [[call get-weather]]', { tools: [weather], ...thinks }],
  ['JSON', 'Ada Lovelace is 36.', inSchema(true)],
  ['JSON, not strict', 'Ada Lovelace is 36.', inSchema(false)],
  ['JSON without a schema', 'Ada Lovelace is 36.', { response_format: { type: 'json_object' } }],
  ['nearly JSON', '[[bad-json]]', inSchema(true)],
  ['nearly JSON without a schema', '[[bad-json]]', { response_format: { type: 'json_object' } }],
  ['JSON and tools', 'Ada Lovelace is 36.', { ...inSchema(true), tools: [weather] }],
  ['JSON and thinking', 'Ada Lovelace is 36.', { ...inSchema(true), ...thinks }],
  ['a service tier', 'Hello', { service_tier: 'priority' }],
  ['64 kB', '', { messages: history }],
  [
    'a coding agent',
    '',
    {
      messages: [{ role: 'system', content: agentSystem }, user('Read the configuration.')],
      tools: agentTools.map((tool) => ({ type: 'function', function: tool })),
    },
  ],
];

const behaviourCases: readonly Case[] = places.flatMap(([at, model]) =>
  behaviours.flatMap(([name, content, more]) =>
    plainAndStreamed(at, `${name}, ${model} at ${at}`, asking(model, content, more)),
  ),
);

// ---- settings -------------------------------------------------------------------------------------

const settings = {
  'reasoning, no caching': { SHOW_REASONING: 'true', PROMPT_CACHING: 'off', DEFAULT_MAX_TOKENS: '777' },
  'Bedrock first': {
    CLAUDE_UPSTREAMS: 'bedrock,anthropic',
    MODEL_ALIASES: `mine=${claude},gpt-4o=${nova}`,
  },
  'Europe alone, by a bearer': {
    AWS_REGION: 'eu-central-1',
    BEDROCK_GLOBAL: 'off',
    AWS_BEARER_TOKEN_BEDROCK: 'simulated-bearer',
    CLAUDE_UPSTREAMS: 'bedrock',
  },
  'Tokyo, by a session': {
    AWS_REGION: 'ap-northeast-1',
    AWS_SESSION_TOKEN: 'simulated-session',
    CLAUDE_UPSTREAMS: 'bedrock',
  },
} satisfies Record<string, Record<string, string>>;

const settingCases: readonly Case[] = Object.keys(settings).flatMap((server) => [
  single(server, `the models, ${server}`, { method: 'GET', path: '/v1/models' }),
  ...[claude, adaptiveClaude, 'claude-opus-4-6', nova, thinkingNova, 'nova-pro', 'mine', 'gpt-4o'].flatMap(
    (model) =>
      plainAndStreamed(server, `${model}, ${server}`, asking(model, 'Why?', { reasoning_effort: 'low' })),
  ),
]);

// ---- pictures -------------------------------------------------------------------------------------

const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');

export const pictures: Readonly<Record<string, PictureReply>> = {
  '/png': { headers: { 'content-type': 'image/png' }, body: bytes(pngOf(10, 10)) },
  '/gif': { headers: { 'content-type': 'image/png' }, body: bytes(gifOf(10, 10)) },
  '/webp': { body: bytes(webpOf.lossless(10, 10)) },
  '/moved': { status: 302, headers: { location: '/png' } },
  '/away': { status: 302, headers: { location: 'http://127.0.0.1:1/png' } },
  '/text': { headers: { 'content-type': 'text/plain' }, body: 'Hello' },
  '/empty': {},
  '/broken': { status: 500 },
};

/** One at a time, or twice the same: which of several is fetched first is left open. */
const pictureCases = (url: string): readonly Case[] =>
  [...Object.keys(pictures).map((path) => [path]), ['/nothing'], ['/png', '/png']].flatMap((paths) =>
    [
      ['anthropic', claude],
      ['bedrock', claude],
      ['bedrock', nova],
    ].flatMap(([at = '', model = '']) =>
      plainAndStreamed(
        at,
        `${paths.join(' and ')}, ${model} at ${at}`,
        asking(model, [
          { type: 'text', text: 'What is in the picture?' },
          ...paths.map((path) => ({ type: 'image_url', image_url: { url: url + path } })),
        ]),
      ),
    ),
  );

// ---- failures -------------------------------------------------------------------------------------

const faults = [
  ...[400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529].map(
    (status) => `status=${status}`,
  ),
  ...['status=429 retry-after=0.02', 'status=429 retry-after=99', 'status=503 retry-after=0.02 times=1'],
  ...['status=400 message="prompt is too long: 250000 tokens > 200000 maximum"', 'status=400 type=made_up'],
  ...[
    'status=500 times=1',
    'status=529 times=2',
    'html status=502',
    'html status=200',
    'refuse',
    'refuse times=1',
  ],
  ...['withheld reason=legacy', 'withheld reason=use-case-form', 'unfinished-tool'],
  ...['reset after=0', 'reset after=0 times=1', 'reset after=5', 'end-early after=0', 'end-early after=5'],
  ...['garbage after=0', 'garbage after=5', 'bad-crc after=0', 'bad-crc after=5'],
  ...['error-event after=0', 'error-event after=5', 'error-event after=5 type=throttlingException'],
  ...['error-event after=0 type=overloaded_error', 'error-event after=0 type=invalid_request_error'],
];

const failing = [
  ['both', claude, ''],
  ['both', claude, ' upstream=anthropic'],
  ['both', adaptiveClaude, ' upstream=bedrock'],
  ['anthropic', claude, ''],
  ['bedrock', claude, ''],
  ['bedrock', nova, ''],
] as const;

/** The words are others in each case, because `times` counts by them. */
const faultCases: readonly Case[] = failing.flatMap(([server, model, where]) =>
  faults.flatMap((fault) =>
    [false, true].map((stream) => {
      const name = `${fault}${where}, ${model}, ${server}, ${stream ? 'streamed' : 'plain'}`;
      const body = asking(model, `${name} [[length 60]] [[fault ${fault}${where}]]`, { stream });
      return single(server, name, { body });
    }),
  ),
);

/** So short that a breaker is never what decides. */
const noBreaker = { BREAKER_COOLDOWN_MS: '1' };

const failingAtAnthropic = (count: number): Body =>
  asking(claude, `${count} [[fault status=500 upstream=anthropic]]`);

const cooldown = 2000;

const breakerCases: readonly Case[] = [
  ...[1, 2, 3, 4, 5, 6, 7].map((count) =>
    single('broken', `failure ${count} of Anthropic's`, { body: failingAtAnthropic(count) }),
  ),
  ...plainAndStreamed('broken', 'another model', asking(adaptiveClaude, 'Hello')),
  ...plainAndStreamed('broken', 'Nova meanwhile', asking(nova, 'Hello')),
  ...[1, 2, 3, 4, 5, 6].map((count) =>
    single('broken', `both fail, ${count}`, { body: asking(claude, `${count} [[fault status=503]]`) }),
  ),
  {
    name: 'broken, and asked again when it has cooled down',
    run: async (ask) => {
      for (const count of [1, 2, 3, 4, 5, 6]) await ask('healed', { body: failingAtAnthropic(count) });
      await sleep(cooldown + 500);
      await ask('healed', { body: asking(claude, 'Hello') });
      await ask('healed', { body: asking(claude, 'Hello again') });
    },
  },
];

// ---- silences -------------------------------------------------------------------------------------

const silent = ['hang', 'stall after=0', 'stall after=5'];
const slow = ['[[delay 450]]', '[[fault stall after=0 ms=450]]', '[[fault stall after=6 ms=450]]'];

const silenceCases: readonly Case[] = [
  ['anthropic', claude],
  ['bedrock', claude],
  ['bedrock', nova],
].flatMap(([at = '', model = '']) => [
  ...silent.flatMap((fault) =>
    plainAndStreamed(
      `${at}, hurried`,
      `${fault}, ${model} at ${at}`,
      asking(model, `[[length 60]] [[fault ${fault}]]`),
    ),
  ),
  ...slow.flatMap((words) =>
    plainAndStreamed(`${at}, slow`, `${words}, ${model} at ${at}`, asking(model, `[[length 60]] ${words}`)),
  ),
  ...plainAndStreamed(
    `${at}, slow`,
    `a failure after a while, ${model} at ${at}`,
    asking(model, '[[delay 450]] [[fault status=400]]'),
  ),
]);

const hurried = {
  FIRST_BYTE_TIMEOUT_MS: '300',
  IDLE_TIMEOUT_MS: '300',
  TOTAL_TIMEOUT_MS: '600',
  STREAM_TIMEOUT_MS: '600',
  MAX_RETRIES: '0',
};
const held = { HEADER_HOLD_MS: '120', PLAIN_HOLD_MS: '120', KEEPALIVE_INTERVAL_MS: '120', MAX_RETRIES: '0' };

export const behavioursKind: Kind = { name: 'behaviours', cases: behaviourCases };

export const simulatedGroups = (picturesUrl: string): readonly Group[] => {
  const fetching = { IMAGE_FETCH_ALLOW_HOSTS: new URL(picturesUrl).host };
  return [
    {
      servers: Object.fromEntries(
        Object.entries(settings).map(([name, env]) => [name, { upstreams: bothUpstreams, env }]),
      ),
      kinds: [{ name: 'settings', cases: settingCases }],
    },
    {
      servers: {
        anthropic: { ...oneEach.anthropic, env: fetching },
        bedrock: { ...oneEach.bedrock, env: fetching },
      },
      inTurns: true,
      kinds: [{ name: 'pictures by URL', cases: pictureCases(picturesUrl) }],
    },
    {
      // Events come one by one, so that a broken connection cannot swallow those before it.
      delayMs: 1,
      servers: {
        both: { upstreams: bothUpstreams, env: noBreaker },
        anthropic: { ...oneEach.anthropic, env: noBreaker },
        bedrock: { ...oneEach.bedrock, env: noBreaker },
      },
      kinds: [{ name: 'failures', cases: faultCases }],
    },
    {
      servers: {
        broken: { upstreams: bothUpstreams },
        healed: { upstreams: bothUpstreams, env: { BREAKER_COOLDOWN_MS: String(cooldown) } },
      },
      kinds: [{ name: 'breakers', cases: breakerCases }],
    },
    {
      delayMs: 1,
      servers: {
        'anthropic, hurried': { ...oneEach.anthropic, env: hurried },
        'bedrock, hurried': { ...oneEach.bedrock, env: hurried },
        'anthropic, slow': { ...oneEach.anthropic, env: held },
        'bedrock, slow': { ...oneEach.bedrock, env: held },
      },
      isTimed: true,
      kinds: [{ name: 'silences', cases: silenceCases }],
    },
  ];
};
