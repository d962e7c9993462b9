/** Preserved thinking where one history is asked in several ways: what one request breaks, the next one has again. 5.10. */

import { describe, expect, it, vi } from 'vitest';
import type { LocalStore } from '../../src/store/local.ts';
import { createLocalStore } from '../../src/store/local.ts';
import { serverOfTest, useSimulator } from '../support/fixtures.ts';
import type { TestServer } from '../support/server.ts';

type Message = Readonly<Record<string, unknown>>;

const simulator = useSimulator();

interface Setup {
  readonly account?: 'new' | 'old';
  readonly played?: readonly ('anthropic' | 'bedrock')[];
  readonly store?: LocalStore;
}

const start = ({ account = 'new', played = ['anthropic'], store }: Setup = {}): Promise<TestServer> => {
  const key = `key-of-a-${account}-account`;
  vi.stubEnv('ANTHROPIC_API_KEY', key);
  simulator.requests.length = 0;
  return serverOfTest({
    upstream: simulator,
    played,
    env: { ANTHROPIC_API_KEY: key, AWS_BEARER_TOKEN_BEDROCK: key, BREAKER_COOLDOWN_MS: '1' },
    ...(store === undefined ? {} : { store }),
  });
};

const system = (content: string): Message => ({ role: 'system', content });
const tool = (name: string) => ({ type: 'function', function: { name, parameters: { type: 'object' } } });
const loop = (turns: number) =>
  Array.from({ length: turns }, (_, index) => `[[call look {"s":${index}}]] [[then]]`).join(' ');

const ask = async (server: TestServer, body: object) => {
  const response = await server.post({ model: 'claude-opus-5-5', tools: [tool('look')], ...body });
  const { choices, error } = (await response.json()) as {
    choices?: readonly [{ message: Message & { tool_calls?: readonly { id: string }[] } }];
    error?: { message: string };
  };
  return {
    status: response.status,
    adjusted: response.headers.get('x-adjusted-params'),
    upstream: response.headers.get('x-upstream'),
    message: choices?.[0].message ?? { tool_calls: [] },
    error: error?.message,
  };
};

const results = (message: { readonly tool_calls?: readonly { readonly id: string }[] }): readonly Message[] =>
  (message.tool_calls ?? []).map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'ok' }));

/** What became of the blocks of each request upstream. */
const outcomes = () =>
  simulator.requests.map(({ thinking }) => thinking.map(({ outcome }) => outcome).join(' '));

const turns = async (
  server: TestServer,
  count: number,
  bodyOf: (turn: number, history: readonly Message[]) => object,
): Promise<void> => {
  const history: Message[] = [
    { role: 'user', content: `Look. ${loop(count)} [[say Done.]] [[think always]]` },
  ];
  for (let turn = 0; turn < count; turn += 1) {
    const { message } = await ask(server, bodyOf(turn, history));
    history.push(message, ...results(message));
  }
};

describe('a history that is asked in another way once', () => {
  it.each([
    [
      'for a title',
      (history: readonly Message[]) => ({ messages: [system('A title, please.'), ...history] }),
    ],
    [
      'with other tools',
      (history: readonly Message[]) => ({ tools: [tool('other')], messages: [system('Mon'), ...history] }),
    ],
  ])('%s has all its thinking afterwards', async (_, aside) => {
    const server = await start();
    await turns(server, 6, (turn, history) => ({ messages: [system('Mon'), ...history], turn }));
    const before = outcomes().at(-1);
    simulator.requests.length = 0;

    const other = await start();
    const history: Message[] = [{ role: 'user', content: `Look! ${loop(6)} [[say Done.]] [[think always]]` }];
    for (let turn = 0; turn < 6; turn += 1) {
      if (turn === 4) await ask(other, aside(history));
      const { message } = await ask(other, { messages: [system('Mon'), ...history] });
      history.push(message, ...results(message));
    }
    expect(outcomes().at(-1)).toBe(before);
    expect(before?.split(' ')).toHaveLength(5);
  });

  it('without tools has its thinking again once they are back', async () => {
    const server = await start();
    const history: Message[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      history.push({ role: 'user', content: `Words ${turn}. [[think always]]` });
      const body = turn === 2 ? { tools: undefined } : {};
      const { message } = await ask(server, { include_reasoning: true, messages: history, ...body });
      history.push(message);
    }
    expect(outcomes()).toEqual(['', 'accepted', '', 'accepted accepted', 'accepted accepted accepted']);
  });
});

it('a prefix that changed once costs thinking once, also where lines of ours stand in the history', async () => {
  const server = await start();
  await turns(server, 6, (turn, history) => ({
    tool_choice: 'required',
    messages: [system(turn < 2 ? 'Mon' : 'Tue'), ...history],
  }));
  expect(outcomes()).toEqual([
    '',
    'accepted',
    'refused',
    'dropped dropped',
    'accepted',
    'accepted accepted',
    'accepted accepted accepted',
  ]);
});

it.each([{}, { reasoning_effort: 'high' }, { extended_thinking: { enabled: true } }])(
  "the client's own block_binding wins beside %j",
  async (more) => {
    const server = await start();
    const thinking = { type: 'adaptive', block_binding: { prefix_mismatch_behavior: 'error' } };
    const body = { include_reasoning: true, thinking, ...more };
    const question = { role: 'user', content: 'One. [[think always]]' };
    const { message } = await ask(server, { ...body, messages: [system('Mon'), question] });
    const again = { ...body, messages: [system('Tue'), question, message, question] };
    expect(await ask(server, again)).toMatchObject({
      status: 400,
      error: expect.stringContaining('bound to a different conversation'),
    });
  },
);

it('a new conversation with the words of one that was answered elsewhere goes where new ones go', async () => {
  const server = await start({ played: ['anthropic', 'bedrock'] });
  const messages = [{ role: 'user', content: 'The daily report, please.' }];
  simulator.inject({
    kind: 'status',
    status: 529,
    type: 'overloaded_error',
    upstream: 'anthropic',
    times: 3,
  });
  expect((await ask(server, { messages })).upstream).toBe('bedrock');
  simulator.withdrawFaults();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect((await ask(server, { messages })).upstream).toBe('anthropic');
});

it('that the check holds is known of the account alone that showed it', async () => {
  const store = createLocalStore();
  const talk = async (account: 'new' | 'old') => {
    const server = await start({ account, store });
    const history: Message[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      history.push({ role: 'user', content: `${account} ${turn} [[think always]]` });
      const { message } = await ask(server, {
        include_reasoning: true,
        messages: [system(`day ${turn}`), ...history],
      });
      history.push(message);
    }
    return outcomes();
  };
  expect(await talk('new')).toContain('refused');
  expect(await talk('old')).toEqual(['', 'allowed', 'allowed allowed']);
});

it('blocks that stay out of a broken conversation are reported each time', async () => {
  const server = await start();
  const history: Message[] = [];
  const adjusted: (string | null)[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    history.push({ role: 'user', content: `Words ${turn}. [[think always]]` });
    const body = {
      model: 'claude-sonnet-5-5',
      include_reasoning: true,
      ...(turn > 0 ? { thinking: { type: 'between_tools' } } : {}),
      messages: [system(turn === 0 ? 'Mon' : 'Tue'), ...history],
    };
    const answer = await ask(server, body);
    adjusted.push(answer.adjusted);
    history.push(answer.message);
  }
  expect(adjusted).toEqual([null, 'messages', 'messages', 'messages']);
});
