/**
 * Models that bind their thinking to the conversation before it: whatever the client does to its history, it is answered,
 * and told what was lost. The strict simulator judges, with the keys of a new account. Behaviour 5.10.
 */

import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { useServers, useSimulator } from '../support/fixtures.ts';
import type { TestServer } from '../support/server.ts';

vi.stubEnv('ANTHROPIC_API_KEY', 'key-of-a-new-account');
afterAll(() => vi.unstubAllEnvs());

type Fields = Record<string, unknown>;
type Message = Fields & { readonly role: string };

const simulator = useSimulator();
const servers = useServers({
  upstream: simulator,
  // A store of its own for each test: what was learnt is not to be known to the next.
  isFresh: true,
  env: { ANTHROPIC_API_KEY: 'key-of-a-new-account', AWS_BEARER_TOKEN_BEDROCK: 'token-of-a-new-account' },
});

interface Asked {
  readonly status: number;
  readonly adjusted: string | null;
  readonly message: Fields;
  readonly error: Fields | undefined;
}

const ask = async (server: TestServer, body: Fields): Promise<Asked> => {
  const response = await server.post({ model: 'claude-opus-5-5', include_reasoning: true, ...body });
  const json = (await response.json()) as { choices?: { message: Fields }[]; error?: Fields };
  return {
    status: response.status,
    adjusted: response.headers.get('x-adjusted-params'),
    message: json.choices?.[0]?.message ?? {},
    error: json.error,
  };
};

const user = (text: string): Message => ({ role: 'user', content: `${text} [[think always]]` });
const system = (day: string): Message => ({ role: 'system', content: `Be brief. It is ${day}.` });

/** Turns of a client that gives all thinking back; `before` stands at the head, by the number of the turn. */
const talk = async (
  server: TestServer,
  turns: number,
  before: (turn: number) => readonly Message[],
  body: Fields = {},
) => {
  const history: Message[] = [];
  const replies: Asked[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    history.push(user(`Question ${turn}`));
    const reply = await ask(server, { ...body, messages: [...before(turn), ...history] });
    replies.push(reply);
    history.push({ role: 'assistant', ...reply.message });
  }
  return replies;
};

const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday'];
const outcomes = () =>
  simulator.requests.map(
    ({ status, thinking }) => `${status} ${thinking.map(({ outcome }) => outcome).join(' ')}`,
  );

describe.each(['anthropic', 'bedrock'] as const)('at %s', (upstream) => {
  beforeEach(() => {
    simulator.requests.length = 0;
  });

  it('a client that only appends loses nothing, and nothing is said about it', async () => {
    const replies = await talk(servers[upstream], 4, () => [system('Monday')]);
    expect(replies.map(({ status, adjusted }) => [status, adjusted])).toEqual(Array(4).fill([200, null]));
    expect(outcomes().at(-1)).toBe('200 accepted accepted accepted');
  });

  it('a date in the system prompt costs one refused request, never the client an answer', async () => {
    const replies = await talk(servers[upstream], 4, (turn) => [system(days[turn] as string)]);
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(replies.map(({ adjusted }) => adjusted)).toEqual([null, 'messages', 'messages', 'messages']);
    expect(outcomes()).toEqual([
      '200 ',
      '400 refused',
      '200 dropped',
      // Known from here on for an hour; and what was left out once stays out.
      '200 dropped',
      '200 dropped',
    ]);
    expect(servers[upstream].logs.at(-1)).toMatchObject({
      thinking_dropped: { prefix: 1 },
      adjusted: ['messages'],
    });
  });

  it('a model that always checks is asked to drop from the first time on', async () => {
    const replies = await talk(servers[upstream], 2, (turn) => [system(days[turn] as string)], {
      model: 'claude-fable-5-2',
    });
    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    expect(outcomes()).toEqual(['200 ', '200 dropped']);
  });

  it('streams say what was lost in their headers', async () => {
    await talk(servers[upstream], 2, (turn) => [system(days[turn] as string)]);
    const [first] = await talk(servers[upstream], 1, () => [system('Friday')]);
    const response = await servers[upstream].post({
      model: 'claude-opus-5-5',
      stream: true,
      messages: [user('Question 0'), { role: 'assistant', ...first?.message }, user('And now?')],
    });
    expect(response.headers.get('x-adjusted-params')).toBe('messages');
    expect(await response.text()).toContain('[DONE]');
  });

  it('a client that wants misplaced thinking refused gets the refusal in the words of the API', async () => {
    const thinking = { type: 'adaptive', block_binding: { prefix_mismatch_behavior: 'error' } };
    const replies = await talk(servers[upstream], 2, (turn) => [system(days[turn] as string)], { thinking });
    expect(replies[1]?.status).toBe(400);
    expect(replies[1]?.error?.message).toContain('bound to a different conversation');
    expect(outcomes()).toEqual(['200 ', '400 refused']);
  });

  it.each([
    { name: 'a short first question', question: 'Question 0' },
    // It travels as bytes, and stands for itself under another name in each request.
    { name: 'a long first question', question: `Question 0 ${'and so on '.repeat(100)}` },
  ])(
    'where dropping cannot be asked for, all thinking is left out, after $name at once from then on',
    async ({ question }) => {
      const first = await talk(servers[upstream], 1, () => [system('Monday')], {
        model: 'claude-sonnet-5-5',
      });
      const thinking = { type: 'between_tools' };
      const history = [user(question), { role: 'assistant', ...first[0]?.message }, user('Go on')];
      simulator.requests.length = 0;
      for (const day of ['Tuesday', 'Wednesday']) {
        const body = { model: 'claude-sonnet-5-5', thinking, messages: [system(day), ...history] };
        const reply = await ask(servers[upstream], body);
        expect(reply.status).toBe(200);
        history.push({ role: 'assistant', content: 'Well.' }, user('And on'));
      }
      expect(outcomes()).toEqual(['400 refused', '200 ', '200 ']);
      expect(simulator.requests.map(({ body }) => (body as Fields).thinking)).toEqual(
        Array(3).fill(thinking),
      );
    },
  );
});
