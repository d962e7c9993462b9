/**
 * Long conversations with models that bind their thinking, by clients of all kinds, against the strict simulator: no
 * refusal reaches a client, and what the client itself did not break keeps its thinking. Behaviour 5.10.
 */

import fc from 'fast-check';
import type OpenAI from 'openai';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { serverOfTest, useSimulator } from '../support/fixtures.ts';
import type { TestServer } from '../support/server.ts';

type Fields = Record<string, unknown>;
type Message = Fields & { readonly role: string };
type Account = 'new' | 'old';

afterAll(() => vi.unstubAllEnvs());
const simulator = useSimulator();

/** What a client gives back of an answer's thinking. */
type Keeps = 'all' | 'none' | 'tool turns' | 'last loop';
/** What it does to what it said before. */
type Habit =
  | 'appends'
  | 'reminds'
  | 'takes apart'
  | 'asks again'
  | 'dates'
  | 'trims'
  | 'adds tools'
  | 'drops tools';

interface Turn {
  /** Steps of a tool loop before the final answer. */
  readonly loop: number;
  readonly thinks: 'always' | 'never' | 'between';
  /** Whether the upstream that is asked first is away. */
  readonly isAway: boolean;
  /** What is asked of its answers beside. */
  readonly asks: 'nothing' | 'json' | 'a call' | 'few tools' | 'no call';
  /** Whether thinking is asked to be off, where the model lets it be. */
  readonly isOff: boolean;
}

interface Talk {
  readonly keeps: Keeps;
  readonly habit: Habit;
  readonly turns: readonly Turn[];
}

const tool = (name: string) => ({ type: 'function', function: { name, parameters: { type: 'object' } } });
const tools = ['look', 'read.it', 'note'].map(tool);

const words: Record<Turn['asks'], Fields> = {
  nothing: {},
  json: { response_format: { type: 'json_object' } },
  'a call': { tool_choice: { type: 'function', function: { name: 'look' } } },
  'few tools': {
    tool_choice: {
      type: 'allowed_tools',
      allowed_tools: {
        mode: 'auto',
        tools: ['look', 'note'].map((name) => ({ type: 'function', function: { name } })),
      },
    },
  },
  'no call': { tool_choice: 'none' },
};

const steps = ({ loop, thinks }: Turn): string =>
  [
    ...Array.from(
      { length: loop },
      (_, step) => `[[call look {"step":${step}}]] [[say Step ${step}.]] [[then]]`,
    ),
    '[[say Done.]]',
    `[[think ${thinks}]]`,
  ].join(' ');

const bare = ({ thinking_blocks: _, ...message }: Message): Message => message;

/** As some frameworks send an answer: its words, and each of its calls, as a message of its own. */
const takenApart = (message: Message): readonly Message[] => {
  const calls = (message.tool_calls ?? []) as readonly Fields[];
  if (calls.length === 0 || !message.content) return [message];
  const { content, tool_calls: _, ...rest } = message;
  return [
    { role: 'assistant', content },
    { ...rest, content: null, tool_calls: calls },
  ];
};

/** What of its history a client sends. */
const remembered = (history: readonly Message[], keeps: Keeps): readonly Message[] => {
  const lastUser = history.findLastIndex(({ role }) => role === 'user');
  return history.map((message, index) => {
    const isKept =
      keeps === 'all' ||
      (keeps === 'tool turns' && message.tool_calls !== undefined) ||
      (keeps === 'last loop' && index > lastUser);
    return isKept ? message : bare(message);
  });
};

let conversations = 0;

class Client {
  readonly #server: TestServer;
  readonly #model: string;
  readonly #talk: Talk;
  readonly #id: number;
  readonly #history: Message[] = [];
  readonly statuses: number[] = [];
  /** Requests that lost thinking which the client's history still had. */
  readonly losses: string[] = [];
  /** Which upstream gave an answer. */
  readonly #givenBy = new Map<unknown, string | null>();
  #turn = 0;

  constructor(server: TestServer, model: string, talk: Talk) {
    this.#server = server;
    this.#model = model;
    this.#talk = talk;
    conversations += 1;
    this.#id = conversations;
  }

  async run(): Promise<void> {
    for (const turn of this.#talk.turns) {
      if (this.#talk.habit === 'reminds' && this.#turn % 2 === 1)
        this.#history.push({ role: 'system', content: `Reminder ${this.#turn}: be kind.` });
      this.#history.push({ role: 'user', content: `Talk ${this.#id}, turn ${this.#turn}. ${steps(turn)}` });
      for (let step = 0; step <= turn.loop; step += 1) {
        if (turn.isAway) simulator.inject({ kind: 'status', status: 529, upstream: 'anthropic', times: 9 });
        if (this.#talk.habit === 'asks again' && step === 0) await this.#tryOnce();
        const isDone = await this.#ask(step === turn.loop ? turn.asks : 'nothing');
        simulator.withdrawFaults();
        if (isDone) break;
      }
      this.#turn += 1;
    }
  }

  /** Whether the model got all there was from the upstream that was asked; `from`: where the history begins. */
  #check(from: number, upstream: string | null): void {
    const expected = this.#history.flatMap((message, index) =>
      index >= from &&
      this.#givenBy.get(index) === upstream &&
      (this.#talk.keeps === 'all' || message.tool_calls !== undefined)
        ? ((message.thinking_blocks ?? []) as unknown[])
        : [],
    ).length;
    const got = (simulator.requests.at(-1)?.thinking ?? []).filter(
      ({ outcome }) => outcome === 'accepted' || outcome === 'allowed',
    ).length;
    if (got !== expected) this.losses.push(`${upstream}: ${got} of ${expected}, turn ${this.#turn}`);
  }

  /** An answer that the client throws away, and asks for again. */
  async #tryOnce(): Promise<void> {
    const before = [...this.#history];
    await this.#ask('nothing');
    this.#history.splice(0, Infinity, ...before);
  }

  async #ask(asks: Turn['asks']): Promise<boolean> {
    const { habit, keeps } = this.#talk;
    const history = remembered(this.#history, keeps);
    const isOff = this.#talk.turns[this.#turn]?.isOff === true;
    const isLast = asks !== 'nothing' || this.#history.at(-1)?.role !== 'tool';
    const offered =
      habit === 'adds tools' && this.#turn > 2
        ? [...tools, tool('late')]
        : habit === 'drops tools' &&
            isLast &&
            this.#history.some(({ tool_calls }) => tool_calls !== undefined)
          ? undefined
          : tools;
    const sent =
      habit === 'trims' && this.#turn > 3
        ? history.findIndex(({ role }, index) => index > 2 && role === 'user')
        : 0;
    const response = await this.#server.post({
      model: this.#model,
      include_reasoning: true,
      ...(isOff ? { extended_thinking: { enabled: false } } : {}),
      ...(offered === undefined ? {} : { tools: offered, ...words[asks] }),
      messages: [
        { role: 'system', content: habit === 'dates' ? `It is day ${this.#turn}.` : 'Be brief.' },
        ...(habit === 'takes apart' ? history.flatMap(takenApart) : history.slice(sent)),
      ],
    });
    this.statuses.push(response.status);
    const upstream = response.headers.get('x-upstream');
    if (!isOff) this.#check(sent, upstream);
    const json = (await response.json()) as { choices?: { message: Message; finish_reason: string }[] };
    const choice = json.choices?.[0];
    if (choice === undefined) throw new Error(`${response.status} ${JSON.stringify(json)}`);
    this.#history.push(choice.message);
    this.#givenBy.set(this.#history.length - 1, upstream);
    const calls = (choice.message.tool_calls ?? []) as { id: string }[];
    for (const { id } of calls) this.#history.push({ role: 'tool', tool_call_id: id, content: 'ok' });
    return calls.length === 0;
  }
}

const turn = (isAway: fc.Arbitrary<boolean>): fc.Arbitrary<Turn> =>
  fc.record({
    loop: fc.constantFrom(0, 0, 1, 2, 3),
    thinks: fc.constantFrom('always' as const, 'always' as const, 'never' as const, 'between' as const),
    isAway,
    isOff: fc.constantFrom(false, false, false, true),
    asks: fc.constantFrom<Turn['asks']>('nothing', 'nothing', 'json', 'a call', 'few tools', 'no call'),
  });

const talks = (habits: readonly Habit[], isAway: fc.Arbitrary<boolean>): fc.Arbitrary<Talk> =>
  fc.record({
    keeps: fc.constantFrom<Keeps>('all', 'none', 'tool turns', 'last loop'),
    habit: fc.constantFrom(...habits),
    turns: fc.oneof(
      { weight: 5, arbitrary: fc.array(turn(isAway), { minLength: 2, maxLength: 8 }) },
      { weight: 1, arbitrary: fc.array(turn(isAway), { minLength: 30, maxLength: 30 }) },
    ),
  });

const serverWith = (account: Account, played?: readonly ['anthropic']): Promise<TestServer> => {
  const key = `key-of-a-${account}-account`;
  vi.stubEnv('ANTHROPIC_API_KEY', key);
  return serverOfTest({
    upstream: simulator,
    ...(played === undefined ? {} : { played }),
    env: {
      ANTHROPIC_API_KEY: key,
      AWS_BEARER_TOKEN_BEDROCK: key,
      // Back again soon.
      BREAKER_COOLDOWN_MS: '1',
    },
  });
};

const fates = () => simulator.requests.flatMap(({ thinking }) => thinking.map(({ outcome }) => outcome));
const never = fc.constant(false);
const now = fc.boolean();
const runs = { numRuns: 15 };
const models = [
  'claude-sonnet-5-5',
  'claude-opus-5-5',
  'claude-haiku-5-5',
  'claude-fable-5-1',
  'claude-fable-5-2',
];

/** As any OpenAI client does it, which knows nothing of thinking. */
const runLoop = async (server: TestServer, steps: number): Promise<string | null | undefined> => {
  const plan = Array.from({ length: steps }, (_, step) => `[[call look {"step":${step}}]] [[then]]`).join(
    ' ',
  );
  const messages: OpenAI.ChatCompletionMessageParam[] = [
    { role: 'user', content: `${plan} [[say Done.]] [[think always]]` },
  ];
  for (;;) {
    const params = { model: 'claude-sonnet-5-5', messages, tools: tools as OpenAI.ChatCompletionTool[] };
    const { choices } = await server.client.chat.completions.stream(params).finalChatCompletion();
    const message = choices[0]?.message;
    if (message === undefined || !message.tool_calls?.length) return message?.content;
    messages.push(message);
    for (const { id } of message.tool_calls) messages.push({ role: 'tool', tool_call_id: id, content: 'ok' });
  }
};

describe.each<Account>(['new', 'old'])(
  'a tool loop of twenty turns with the official SDK, %s account',
  (account) => {
    it('has each block accepted', async () => {
      const server = await serverWith(account, ['anthropic']);
      simulator.requests.length = 0;
      expect(await runLoop(server, 20)).toBe('Done.');
      expect(simulator.requests.map(({ thinking }) => thinking.length)).toEqual([...Array(21).keys()]);
      expect(new Set(fates())).toEqual(new Set(['accepted']));
    });
  },
);

describe.each(models)('%s', (model) => {
  it('a client that only appends loses nothing, at one upstream or through failovers', async () => {
    for (const played of [['anthropic'] as const, undefined]) {
      const server = await serverWith('new', played);
      const away = played === undefined ? now : never;
      await fc.assert(
        fc.asyncProperty(
          talks(['appends', 'reminds', 'takes apart', 'asks again', 'drops tools'], away),
          async (talk) => {
            simulator.requests.length = 0;
            const client = new Client(server, model, talk);
            await client.run();
            expect(new Set(client.statuses)).toEqual(new Set([200]));
            expect(fates().filter((fate) => fate !== 'accepted')).toEqual([]);
            expect(client.losses).toEqual([]);
          },
        ),
        runs,
      );
    }
  });

  it('whatever a client changes of what it said, no refusal reaches it', async () => {
    const server = await serverWith('new');
    await fc.assert(
      fc.asyncProperty(talks(['dates', 'trims', 'adds tools'], now), async (talk) => {
        simulator.requests.length = 0;
        const client = new Client(server, model, talk);
        await client.run();
        expect(new Set(client.statuses)).toEqual(new Set([200]));
      }),
      runs,
    );
  });
});

// Older accounts are checked only where the request says what is to become of what does not fit.
describe.each(models.filter((model) => model !== 'claude-fable-5-2'))('%s, for an older account', (model) => {
  it('nothing of ours costs a client any thinking, whatever it does to its history', async () => {
    const server = await serverWith('old');
    await fc.assert(
      fc.asyncProperty(talks(['appends', 'reminds', 'dates', 'trims', 'adds tools'], now), async (talk) => {
        simulator.requests.length = 0;
        const client = new Client(server, model, talk);
        await client.run();
        expect(new Set(client.statuses)).toEqual(new Set([200]));
        expect(client.losses).toEqual([]);
      }),
      runs,
    );
  });
});
