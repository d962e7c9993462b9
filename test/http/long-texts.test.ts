/** Long texts of messages take a way of their own through the server; nobody outside may notice. */

import { afterEach, describe, expect, it } from 'vitest';
import { expectError } from '../support/errors.ts';
import { useServer, useServers, useSimulator } from '../support/fixtures.ts';
import { type TestServer, testKey } from '../support/server.ts';
import { until } from '../support/until.ts';

const simulator = useSimulator();
const env = { MAX_RETRIES: '1', LOG_LEVEL: 'trace' };
/** One server per provider, and one that goes from the first to the second. */
const servers = {
  ...useServers({ upstream: simulator, env }),
  both: useServer({
    upstream: simulator,
    env: { ...env, MAX_RETRIES: '0', CLAUDE_UPSTREAMS: 'anthropic,bedrock' },
  }),
};

const upstreams = ['anthropic', 'bedrock', 'bedrock-converse'] as const;
type Upstream = (typeof upstreams)[number];
const models = {
  anthropic: 'claude-4-5-haiku',
  bedrock: 'claude-4-5-haiku',
  'bedrock-converse': 'nova-lite',
} as const;
const serverFor = (upstream: Upstream) => servers[upstream === 'anthropic' ? 'anthropic' : 'bedrock'];

// ---- what goes upstream ---------------------------------------------------------------------------

/** As much of both wires as the tests look at. */
interface Block {
  readonly text?: string;
  readonly content?: readonly Block[];
  readonly toolResult?: { readonly content: readonly Block[] };
  readonly json?: unknown;
  readonly cache_control?: unknown;
}
interface Sent {
  readonly system?: string | readonly Block[];
  readonly messages: readonly { readonly role: string; readonly content: string | readonly Block[] }[];
}
const sent = (index = -1) => simulator.requests.at(index)?.body as Sent;

const saidIn = ({ text, json, content, toolResult }: Block): readonly unknown[] =>
  [content ?? toolResult?.content ?? []]
    .flat()
    .flatMap(saidIn)
    .concat(text ?? json ?? []);

/** All that is said, in order; a tool result that travels as an object is one. */
const said = ({ system = [], messages }: Sent): readonly unknown[] =>
  [system, ...messages.map(({ content }) => content)]
    .flat()
    .flatMap((each) => (typeof each === 'string' ? [each] : saidIn(each)));

/** What stands for a text on its way: nobody outside may ever see one. */
const standIn = /[\da-f]{3}-[\da-f]{12}\d{7}/i;
let answers: string[] = [];
afterEach(async () => {
  const logs = Object.values(servers).map(({ logs }) => logs);
  await until(() => logs.some((lines) => lines.length > 0), 'the log line');
  const seen = JSON.stringify([simulator.requests, answers, logs]);
  answers = [];
  expect(seen).not.toMatch(standIn);
});

const ask = async (server: TestServer, body: string): Promise<Response> => {
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
    body,
  });
  answers.push(await response.clone().text(), JSON.stringify([...response.headers]));
  return response;
};

const chat = (upstream: Upstream, body: object): Promise<Response> =>
  ask(serverFor(upstream), JSON.stringify({ model: models[upstream], ...body }));

// ---- texts ----------------------------------------------------------------------------------------

/** What JSON and UTF-8 have to offer, long enough to be carried. */
const long = (name: string, length = 600): string => {
  const unit = `${name}: “Überraß” 漢字 😀 "quoted" \\ back\\\\slash\n\tindented \u0001 \u2028 </end> $& {"content":"x"} `;
  return unit.repeat(Math.ceil(length / unit.length)).trim();
};

const tools = [{ type: 'function', function: { name: 'look_up', parameters: { type: 'object' } } }];
const callOf = (id: string) => ({ id, type: 'function', function: { name: 'look_up', arguments: '{}' } });
const found = { names: ['Ærø', '漢字', '😀'], note: long('note'), deep: { list: [1, null, { a: 'ß' }] } };

describe.each(upstreams)('a conversation of long texts to %s', (upstream) => {
  it.each([false, true])('arrives word for word, stream: %s', async (stream) => {
    const result = JSON.stringify(found, null, 2);
    const response = await chat(upstream, {
      stream,
      tools,
      messages: [
        { role: 'system', content: long('system') },
        { role: 'user', content: long('user') },
        { role: 'assistant', content: long('assistant'), tool_calls: [callOf('call_1'), callOf('call_2')] },
        { role: 'tool', tool_call_id: 'call_1', content: result },
        { role: 'tool', tool_call_id: 'call_2', content: [{ type: 'text', text: long('result') }] },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Short.' },
            { type: 'text', text: long('part') },
            { type: 'text', text: `\n  \n  ${long('indented')}  \n  ` },
          ],
        },
      ],
    });
    expect(response.status).toBe(200);
    expect(said(sent())).toEqual([
      long('system'),
      long('user'),
      long('assistant'),
      // Converse takes an object as one.
      upstream === 'bedrock-converse' ? found : result,
      long('result'),
      'Short.',
      long('part'),
      `\n  \n  ${long('indented')}  \n  `,
    ]);
  });

  it('arrives word for word where its results have no calls', async () => {
    const response = await chat(upstream, {
      messages: [
        { role: 'user', content: long('user') },
        { role: 'tool', tool_call_id: 'lost', content: long('stray') },
        { role: 'assistant', content: [{ type: 'text', text: long('assistant') }] },
        { role: 'user', content: 'And?' },
      ],
    });
    expect(response.status).toBe(200);
    expect(said(sent())).toEqual([long('user'), long('stray'), long('assistant'), 'And?']);
  });

  it.each([' ', '\n', ' \n\t  ', '  \r\n    \n    ', '\u00a0\u3000', '\n\u00a0 \n', '\ufeff  '])(
    'ends without white space where the model goes on from it: %j',
    async (white) => {
      for (const content of [
        `${long('assistant')}${white}`,
        [{ type: 'text', text: `${long('assistant')}${white}` }],
      ]) {
        const response = await chat(upstream, {
          messages: [
            { role: 'user', content: `${long('user')}${white}` },
            { role: 'assistant', content },
          ],
        });
        expect(response.status).toBe(200);
        expect(sent().messages.at(-1)?.role).toBe('assistant');
        expect(said(sent())).toEqual([`${long('user')}${white}`, long('assistant')]);
      }
    },
  );

  it.each([
    ['spaces', ' '.repeat(500)],
    ['lines of spaces', '    \n'.repeat(200)],
    ['wide spaces among others', ` \n${'\u3000'.repeat(300)}\n `],
  ])('has nothing in it that is all blank: %s', async (_name, blank) => {
    const response = await chat(upstream, {
      messages: [
        { role: 'system', content: blank },
        { role: 'user', content: blank },
        {
          role: 'user',
          content: [
            { type: 'text', text: blank },
            { type: 'text', text: long('user') },
          ],
        },
      ],
    });
    expect(response.status).toBe(200);
    expect(said(sent())).toEqual([long('user')]);

    const refused = await chat(upstream, { messages: [{ role: 'user', content: blank }] });
    expect(refused.status).toBe(400);
    expect(expectError(await refused.text(), refused.headers)).toMatchObject({ param: 'messages' });
  });

  it('is all there again when the upstream is asked once more', async () => {
    simulator.inject({ kind: 'status', status: 500 });
    const response = await chat(upstream, { messages: [{ role: 'user', content: long('user') }] });
    expect(response.status).toBe(200);
    expect(simulator.requests).toHaveLength(2);
    expect(simulator.requests.map(({ body }) => said(body as Sent))).toEqual([
      [long('user')],
      [long('user')],
    ]);
  });
});

// The simulator, too, refuses a block whose text is not the one that was signed.
it.each(['anthropic', 'bedrock'] as const)(
  'signed thinking that comes back as reasoning_details goes to %s word for word',
  async (upstream) => {
    const thinking = { extended_thinking: { enabled: true, budget_tokens: 2000, include_reasoning: true } };
    const words = Array.from({ length: 8 }, (_, index) => `${'Überprüfungsausschuß漢'.repeat(2)}${index}`);
    const question = { role: 'user', content: words.join(' ') };
    const first = (await (await chat(upstream, { ...thinking, messages: [question] })).json()) as {
      choices: [{ message: { content: string; thinking_blocks: [{ thinking: string; signature: string }] } }];
    };
    const { content, thinking_blocks: blocks } = first.choices[0].message;
    const [{ thinking: text, signature }] = blocks;
    expect(Buffer.byteLength(text)).toBeGreaterThan(256);

    const detail = { type: 'reasoning.text', text, signature, format: 'anthropic-claude-v1' };
    const response = await chat(upstream, {
      ...thinking,
      messages: [
        question,
        { role: 'assistant', content, reasoning_details: [detail] },
        { role: 'user', content: 'And?' },
      ],
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-adjusted-params')).toBeNull();
    expect(simulator.requests).toHaveLength(2);
    expect(sent().messages[1]?.content[0]).toEqual({ type: 'thinking', thinking: text, signature });
  },
);

it('another upstream that is asked instead gets the long texts too', async () => {
  simulator.inject({ kind: 'status', status: 500 });
  const body = { model: models.anthropic, messages: [{ role: 'user', content: long('user') }] };
  const response = await ask(servers.both, JSON.stringify(body));
  expect(response.status).toBe(200);
  expect(simulator.requests.map(({ upstream }) => upstream)).toEqual(['anthropic', 'bedrock-invoke']);
  expect(said(sent())).toEqual([long('user')]);
});

it('an answer that is asked for again gets the long texts too', async () => {
  const schema = { type: 'array', items: { type: 'string' } };
  await chat('bedrock-converse', {
    messages: [
      { role: 'system', content: long('system') },
      { role: 'user', content: '[[bad-json]]' },
    ],
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
  });
  expect(simulator.requests).toHaveLength(2);
  for (const { body } of simulator.requests) expect(said(body as Sent)[0]).toBe(long('system'));
  expect(sent().messages).toHaveLength(3);
});

// Behaviour 9: Claude Haiku 4.5 caches from 4096 tokens on, about 16,384 characters.
describe.each(['anthropic', 'bedrock'] as const)('a mark of ours to %s', (upstream) => {
  it.each([
    { length: 20_000, marked: true },
    { length: 8000, marked: false },
  ])('is set by the length of the text itself: $length', async ({ length, marked }) => {
    const content = 'Plain words. '.repeat(Math.ceil(length / 13)).trim();
    const response = await chat(upstream, {
      messages: [
        { role: 'system', content },
        { role: 'user', content: 'Hi' },
      ],
    });
    expect(response.status).toBe(200);
    expect(said(sent())).toEqual([content, 'Hi']);
    const [system] = [sent().system].flat();
    expect(typeof system === 'object' && system.cache_control !== undefined).toBe(marked);
  });
});

describe('a body with a long text and a mistake in it', () => {
  const message = (content: string) =>
    `{"model":"claude-4-5-haiku","messages":[{"role":"user","content":${content}}]`;
  const good = JSON.stringify(long('user'));
  it.each([
    // Behind the text, whose characters are fewer than its bytes.
    { name: 'a comma is missing behind it', head: message(good), tail: ' "stream":true}' },
    {
      name: 'a control character in it',
      head: message(`${good.slice(0, -1)}漢`).slice(0, -2),
      tail: '\n"}]}',
    },
    {
      name: 'an escape that is none',
      head: `${message(`${good.slice(0, -1)}漢\\`).slice(0, -2)}`,
      tail: 'x"}]}',
    },
  ])('is a 400 that says where: $name', async ({ head, tail }) => {
    const body = head + tail;
    const position = head.length + (tail.startsWith(' ') ? 1 : 0);
    const response = await ask(servers.anthropic, body);
    expect(response.status).toBe(400);
    const { message: told } = expectError(await response.text(), response.headers);
    expect(told).toBe(`The request body is not valid JSON (at position ${position}).`);
    expect(simulator.requests).toHaveLength(0);
  });

  it('is a 400 when it is cut off in the text', async () => {
    const response = await ask(servers.anthropic, message(good).slice(0, -40));
    expect(response.status).toBe(400);
    expectError(await response.text(), response.headers);
    expect(simulator.requests).toHaveLength(0);
  });

  it('of a field names the field alone', async () => {
    const response = await chat('anthropic', { messages: { first: { content: long('user') } } });
    expect(response.status).toBe(400);
    expect(expectError(await response.text(), response.headers)).toMatchObject({ param: 'messages' });
  });
});

it('a byte order mark before it changes nothing', async () => {
  const body = { model: models.anthropic, messages: [{ role: 'user', content: long('user') }] };
  const response = await ask(servers.anthropic, `\ufeff${JSON.stringify(body)}`);
  expect(response.status).toBe(200);
  expect(said(sent())).toEqual([long('user')]);
});
