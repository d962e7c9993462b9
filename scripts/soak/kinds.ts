/**
 * The traffic, one row per kind: how often it comes, what it does, and which outcomes are right. Faults are
 * asked of the simulator in the request's own text (`[[fault ...]]`), so that none strikes another request.
 *
 * Faults that speak against an upstream's health strike Claude at one upstream alone (and are then failed
 * over), or Nova, which has no other: with both of Claude's shut at once, no outcome would be certain.
 */

import { gzipSync } from 'node:zlib';
import { type Answer, type Message, readAnswer, Wrong } from './answers.ts';
import type { Client, Leaving, Sending } from './client.ts';

export interface Kind {
  readonly name: string;
  /** How many there are in a round of all kinds. */
  readonly weight: number;
  readonly expected: readonly string[];
  /** Resolves with the outcome; throws Wrong for what no row may allow. */
  readonly run: (client: Client) => Promise<string>;
}

/** In every prompt, in answers too since the simulator echoes; never in the log. */
export const marker = 'velvet-walrus-90417';

const claude = 'claude-4-5-haiku';
const adaptiveClaude = 'claude-sonnet-5-5';
const nova = 'nova-lite';
const thinkingNova = 'nova-2-lite';

type Body = Readonly<Record<string, unknown>>;
type Check = (answer: Answer, headers: Readonly<Record<string, unknown>>) => void;

const user = (content: unknown) => ({ role: 'user', content });
const asking = (model: string, text: string, more: Body = {}): Body => ({
  model,
  messages: [user(`${marker} ${text}`)],
  ...more,
});

const insist = (isRight: boolean, otherwise: string): void => {
  if (!isRight) throw new Wrong(otherwise);
};

const ask = async (client: Client, body: Body, check?: Check, more: Sending = {}): Promise<Answer> => {
  const reply = await client.send({ body, ...more });
  const answer = readAnswer(reply);
  if (answer.outcome === 'ok') check?.(answer, reply.headers);
  return answer;
};

interface Options {
  readonly expected?: readonly string[];
  readonly check?: Check;
  readonly sending?: Sending;
}

const single = (name: string, weight: number, body: Body, options: Options = {}): Kind => ({
  name,
  weight,
  expected: options.expected ?? ['ok'],
  run: async (client) => (await ask(client, body, options.check, options.sending)).outcome,
});

const streamed = (body: Body): Body => ({ ...body, stream: true, stream_options: { include_usage: true } });

const plainAndStreamed = (name: string, weight: number, body: Body, options: Options = {}): Kind[] => [
  single(`${name}, plain`, weight, body, options),
  single(`${name}, streamed`, weight, streamed(body), options),
];

// ---- what works ------------------------------------------------------------------------------------

const echoes: Check = ({ message }) =>
  insist(message.content?.includes(marker) === true, `the answer is not to the prompt: ${message.content}`);

/** Where the status had to go out before the upstream answered, the headers cannot say which it was. */
const from =
  (upstream: string): Check =>
  (answer, headers) => {
    echoes(answer, headers);
    const isRight =
      headers['x-upstream'] === upstream || (answer.isHeld && headers['x-upstream'] === undefined);
    insist(isRight, `x-upstream is ${String(headers['x-upstream'])}`);
  };

const weather = {
  type: 'function',
  function: {
    name: 'get-weather',
    description: 'Get the current weather for a location',
    parameters: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] },
  },
};

const withoutThinking = ({ role, content, tool_calls }: Message): Message => ({
  role,
  content,
  ...(tool_calls === undefined ? {} : { tool_calls }),
});

interface Loop {
  readonly model: string;
  readonly more?: Body;
  readonly sendBack?: (message: Message) => Message;
  readonly check?: Check;
}

/** A question, the call it leads to, the tool's result, and an answer that knows it. */
const toolLoop = (name: string, weight: number, { model, more = {}, sendBack, check }: Loop): Kind[] =>
  [false, true].map((stream) => ({
    name: `${name}, ${stream ? 'streamed' : 'plain'}`,
    weight,
    expected: ['ok'],
    run: async (client) => {
      const messages: unknown[] = [user(`${marker} What is the weather in Paris?`)];
      const body = { model, tools: [weather], ...more, ...(stream ? { stream } : {}) };
      const first = await ask(client, { ...body, messages });
      if (first.outcome !== 'ok') return `first: ${first.outcome}`;
      const calls = first.message.tool_calls ?? [];
      insist(first.finish === 'tool_calls' && calls.length > 0, `no call, but ${first.finish}`);
      for (const call of calls) {
        insist(call.function.name === 'get-weather', `a call of ${call.function.name}`);
        insist(call.function.arguments.includes('Paris'), `arguments ${call.function.arguments}`);
      }
      messages.push(
        sendBack === undefined ? first.message : sendBack(first.message),
        ...calls.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: '{"celsius": 17}' })),
      );
      const second = await ask(client, { ...body, messages }, check);
      if (second.outcome !== 'ok') return `second: ${second.outcome}`;
      insist(
        second.message.content?.includes('17') === true,
        `the result is lost: ${second.message.content}`,
      );
      return 'ok';
    },
  }));

const thinks = { extended_thinking: { enabled: true, budget_tokens: 2000, include_reasoning: true } };
/** Thinking goes on although the client keeps nothing of it: the server remembers. */
const stillThinks: Check = (_answer, headers) =>
  insist(headers['x-adjusted-params'] === undefined, `adjusted: ${String(headers['x-adjusted-params'])}`);
const hasReasoning: Check = ({ message }) =>
  insist((message.reasoning_content ?? '') !== '', 'no reasoning_content');

const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const picture = (model: string): Body => ({
  model,
  messages: [
    user([
      { type: 'text', text: `${marker} What is in the picture?` },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } },
    ]),
  ],
});
const seesPicture: Check = ({ message }) =>
  insist(message.content?.includes('image') === true, `no picture in: ${message.content}`);

const person = {
  response_format: {
    type: 'json_schema',
    json_schema: {
      name: 'person',
      strict: true,
      schema: {
        type: 'object',
        properties: { name: { type: 'string' }, age: { type: 'integer' } },
        required: ['name', 'age'],
        additionalProperties: false,
      },
    },
  },
};
const isPerson: Check = ({ message }) => {
  try {
    const value = JSON.parse(message.content ?? '') as { name?: unknown; age?: unknown };
    insist(
      typeof value.name === 'string' && typeof value.age === 'number',
      `not a person: ${message.content}`,
    );
  } catch {
    throw new Wrong(`not JSON: ${message.content}`);
  }
};

/** 64 kB in forty turns. */
const history = (model: string): Body => ({
  model,
  messages: [
    { role: 'system', content: `${marker} You remember everything.` },
    ...Array.from({ length: 40 }, (_, index) => ({
      role: index % 2 === 0 ? 'user' : 'assistant',
      content: `${marker} ${'All of this was said before. '.repeat(57)}`,
    })),
    user(`${marker} What did I say?`),
  ],
});

const working: readonly Kind[] = [
  ...plainAndStreamed('Claude', 10, asking(claude, 'Hello'), { check: echoes }),
  ...plainAndStreamed('Claude, adaptive', 3, asking(adaptiveClaude, 'Hello'), { check: echoes }),
  ...plainAndStreamed('Nova', 8, asking(nova, 'Hello'), { check: from('bedrock-converse') }),
  ...plainAndStreamed('Claude, 300 tokens', 4, asking(claude, '[[length 300]]')),
  ...plainAndStreamed(
    'Claude, failover on 529',
    2,
    asking(claude, '[[fault status=529 upstream=anthropic]]'),
    {
      check: from('bedrock'),
    },
  ),
  ...plainAndStreamed(
    'Claude, failover on refusal',
    1,
    asking(claude, '[[fault refuse upstream=anthropic]]'),
    {
      check: from('bedrock'),
    },
  ),
  single(
    'Claude, failover on silence, streamed',
    1,
    streamed(asking(claude, '[[fault hang upstream=anthropic]]')),
    { check: echoes },
  ),
  ...toolLoop('tools, Claude', 3, { model: claude }),
  ...toolLoop('tools, Nova', 3, { model: nova }),
  ...toolLoop('tools, thinking, blocks sent back', 2, { model: claude, more: thinks, check: stillThinks }),
  ...toolLoop('tools, thinking, blocks dropped', 2, {
    model: claude,
    more: thinks,
    sendBack: withoutThinking,
    check: stillThinks,
  }),
  ...toolLoop('tools, adaptive thinking, blocks dropped', 2, {
    model: adaptiveClaude,
    sendBack: withoutThinking,
    check: stillThinks,
  }),
  ...plainAndStreamed('thinking, Claude', 2, asking(claude, 'Why?', thinks), { check: hasReasoning }),
  ...plainAndStreamed(
    'thinking, Nova',
    2,
    asking(thinkingNova, 'Why?', { extended_thinking: { enabled: true, include_reasoning: true } }),
    { check: hasReasoning },
  ),
  ...plainAndStreamed('picture, Claude', 1, picture(claude), { check: seesPicture }),
  ...plainAndStreamed('picture, Nova', 1, picture(nova), { check: seesPicture }),
  ...plainAndStreamed('JSON, Claude', 2, asking(claude, 'Ada Lovelace is 36.', person), { check: isPerson }),
  ...plainAndStreamed('JSON, Nova', 2, asking(nova, 'Ada Lovelace is 36.', person), { check: isPerson }),
  ...plainAndStreamed('64 kB, Claude', 1, history(claude)),
  ...plainAndStreamed('64 kB, Nova', 1, history(nova)),
  {
    name: 'a compressed body',
    weight: 1,
    expected: ['ok'],
    run: async (client) => {
      const body = gzipSync(JSON.stringify(history(claude)));
      return readAnswer(await client.send({ body, headers: { 'content-encoding': 'gzip' } })).outcome;
    },
  },
];

// ---- what is refused -------------------------------------------------------------------------------

const refused = (name: string, status: number, sending: Sending): Kind => ({
  name: `refused: ${name}`,
  weight: 1,
  expected: [`status ${status}`],
  run: async (client) => readAnswer(await client.send(sending)).outcome,
});

const bad = (name: string, more: Body): Kind => refused(name, 400, { body: asking(claude, 'Hi', more) });

const gone = { role: 'assistant', tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f' } }] };

const refusals: readonly Kind[] = [
  refused('no JSON', 400, { body: `{"model": "${marker}` }),
  refused('an empty body', 400, { headers: { 'content-type': 'application/json' } }),
  refused('a list', 400, { body: [marker] }),
  refused('another content type', 415, { body: marker, headers: { 'content-type': 'text/plain' } }),
  refused('no gzip', 400, { body: asking(claude, 'Hi'), headers: { 'content-encoding': 'gzip' } }),
  refused('another encoding', 415, { body: marker, headers: { 'content-encoding': 'compress' } }),
  refused('unknown model', 404, { body: asking('gpt-none', 'Hi') }),
  refused('unknown path', 404, { path: '/v1/nothing', body: asking(claude, 'Hi') }),
  refused('wrong method', 405, { method: 'GET' }),
  refused('no key', 401, { body: asking(claude, 'Hi'), headers: { authorization: '' } }),
  refused('wrong key', 401, {
    body: asking(claude, 'Hi'),
    headers: { authorization: `Bearer wrong-${marker}` },
  }),
  bad('no messages', { messages: [] }),
  bad('unknown role', { messages: [{ role: marker, content: 'Hi' }] }),
  bad('temperature', { temperature: 3 }),
  bad('max_tokens', { max_tokens: 0 }),
  bad('audio', { modalities: ['text', 'audio'] }),
  bad('a small budget', { extended_thinking: { enabled: true, budget_tokens: 5 } }),
  bad('changes that are not allowed', { seed: 1, allow_ignored_params: false }),
  bad('a picture that is none', {
    messages: [user([{ type: 'image_url', image_url: { url: `data:image/png;base64,${btoa(marker)}` } }])],
  }),
  bad('arguments that are no JSON', {
    messages: [
      user(marker),
      {
        ...gone,
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: marker } }],
      },
    ],
  }),
  refused('a picture behind the door', 400, {
    body: {
      model: nova,
      messages: [user([{ type: 'image_url', image_url: { url: `http://127.0.0.1:1/${marker}.png` } }])],
    },
  }),
  single('refused: by the upstream', 1, asking(claude, '[[fault status=400]]'), { expected: ['status 400'] }),
  {
    name: 'refused: too large',
    weight: 1,
    // The server does not wait for a body it will not read, so the caller may meet a closed door instead.
    expected: ['status 413', 'cut'],
    run: async (client) =>
      readAnswer(await client.send({ body: asking(claude, marker.repeat(80_000)) })).outcome,
  },
  {
    name: 'refused: no HTTP',
    weight: 1,
    expected: ['HTTP/1.1 400 Bad Request'],
    run: (client) => client.sendRaw(`${marker}\r\n\r\n`),
  },
];

// ---- callers who leave or take their time ----------------------------------------------------------

const leaves = (name: string, body: Body, leaving: Leaving, more: Sending = {}): Kind => ({
  name: `leaves: ${name}`,
  weight: 1,
  expected: ['left'],
  run: async (client) => readAnswer(await client.send({ body, leaving, ...more })).outcome,
});

const slowBody = (model: string, text: string) => streamed(asking(model, text));
/** Four megabytes of frames: more than the sockets between server and caller hold, so that the server has to wait. */
const long = streamed(asking(thinkingNova, '[[length 60000]]', { max_completion_tokens: 65_000 }));

const impatient: readonly Kind[] = [
  leaves('while sending', asking(claude, 'x'.repeat(20_000)), { afterMs: 30 }, { isHalf: true }),
  ...[claude, nova].flatMap((model) => [
    leaves(`before the first byte, plain, ${model}`, asking(model, '[[delay 800]]'), { afterMs: 60 }),
    leaves(`before the first byte, streamed, ${model}`, slowBody(model, '[[delay 800]]'), { afterMs: 60 }),
    leaves(
      `in the middle of the stream, ${model}`,
      slowBody(model, '[[length 300]] [[fault stall after=9]]'),
      {
        afterPieces: 1,
      },
    ),
    leaves(`in a silence of the stream, ${model}`, slowBody(model, '[[fault stall after=4]]'), {
      afterMs: 300,
    }),
    leaves(
      `while the upstream is asked again, ${model}`,
      asking(model, '[[fault status=429 retry-after=2]]'),
      {
        afterMs: 150,
      },
    ),
  ]),
  leaves('after the status, plain', asking(nova, '[[delay 6000]]'), { afterPieces: 1 }),
  leaves('with full buffers', long, { afterMs: 1200 }, { slow: { first: 10_000, each: 0 } }),
  single('slow reader', 1, long, { sending: { slow: { first: 1000, each: 15 } } }),
  single('slow reader, short answer', 1, slowBody(claude, '[[length 200]]'), {
    sending: { slow: { first: 200, each: 20 } },
  }),
];

// ---- upstreams that fail ---------------------------------------------------------------------------

/** A plain answer may have been begun (PLAIN_HOLD_MS) and is then cut; a stream's failure may be in band. */
const fails = (name: string, model: string, fault: string, status: number, code: string): Kind[] => [
  single(`fails: ${name}, plain`, 1, asking(model, `[[fault ${fault}]]`), {
    expected: [`status ${status}`, 'cut'],
  }),
  single(`fails: ${name}, streamed`, 1, streamed(asking(model, `[[fault ${fault}]]`)), {
    expected: [`status ${status}`, `frame ${code}`],
  }),
];

const breaks = (name: string, model: string, fault: string, expected = ['frame upstream_error']): Kind =>
  single(`breaks: ${name}`, 1, streamed(asking(model, `[[length 200]] [[fault ${fault} after=6]]`)), {
    expected,
  });

const failures: readonly Kind[] = [
  ...fails('429, Claude', claude, 'status=429', 429, 'rate_limit_exceeded'),
  ...fails('429, Nova', nova, 'status=429', 429, 'rate_limit_exceeded'),
  ...fails('500, Nova', nova, 'status=500', 502, 'upstream_error'),
  ...fails('503, Nova', nova, 'status=503', 503, 'overloaded'),
  ...fails('refused, Nova', nova, 'refuse', 502, 'upstream_error'),
  ...fails('an HTML page, Nova', nova, 'html status=502', 502, 'upstream_error'),
  ...fails('reset at once, Nova', nova, 'reset after=0', 502, 'upstream_error'),
  ...fails('garbage at once, Nova', nova, 'garbage after=0', 502, 'upstream_error'),
  ...fails('silence, Nova', nova, 'hang', 504, 'upstream_timeout'),
  ...[claude, nova].flatMap((model) => [
    breaks(`cut short, ${model}`, model, 'end-early'),
    breaks(`garbage, ${model}`, model, 'garbage'),
    breaks(`silence, ${model}`, model, 'stall', ['frame upstream_timeout']),
  ]),
  breaks('reset, Claude', claude, 'reset'),
  // Bedrock's events come at once here, and a reset may swallow those before it.
  breaks('reset, Nova', nova, 'reset', ['frame upstream_error', 'status 502']),
  // In the words of whichever upstream answers.
  breaks('an error event, Claude', claude, 'error-event', ['frame overloaded', 'frame rate_limit_exceeded']),
  breaks('an exception, Nova', nova, 'error-event type=throttlingException', ['frame rate_limit_exceeded']),
  breaks('a bad checksum, Nova', nova, 'bad-crc'),
];

export const kinds: readonly Kind[] = [...working, ...refusals, ...impatient, ...failures];
