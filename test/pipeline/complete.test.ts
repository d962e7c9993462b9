import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Cancellation } from '../../src/core/cancellation.ts';
import type { ChatEvent, Prompt, UpstreamName, Usage } from '../../src/core/chat.ts';
import {
  ApiError,
  ClientDisconnected,
  contextLengthExceeded,
  invalidRequest,
  modelGoneUpstream,
  overloaded,
  upstreamFailed,
} from '../../src/core/errors.ts';
import type { RememberedAnswer } from '../../src/core/remembered-answer.ts';
import type { ConceptReport, Report } from '../../src/core/report.ts';
import { createCatalogue, type Target } from '../../src/models/catalogue.ts';
import { Affinity } from '../../src/pipeline/affinity.ts';
import type { Backends } from '../../src/pipeline/backends.ts';
import { type Answer, createAnswerer } from '../../src/pipeline/complete.ts';
import type { ImageFetcher } from '../../src/pipeline/image-fetcher.ts';
import { createResilience } from '../../src/pipeline/retry.ts';
import { ThinkingBinding } from '../../src/pipeline/thinking-binding.ts';
import { type Scope, ThinkingMemory } from '../../src/pipeline/thinking-memory.ts';
import { createLocalStore } from '../../src/store/local.ts';
import { parse } from '../support/parse.ts';

const catalogue = createCatalogue({
  upstreams: ['anthropic', 'bedrock'],
  region: 'us-east-1',
  aliases: {},
  overrides: [],
  now: () => new Date('2026-01-01'),
});

/** How a provider answers one prompt: events, or a failure before the first of them. */
type Reply = readonly ChatEvent[] | Error;

interface Question {
  readonly target: Target;
  readonly prompt: Prompt;
  readonly stream: boolean;
}

const usageOf = (output: number): Usage => ({ input: 10, cacheRead: 0, cacheWrite: 0, output });

const finish: ChatEvent = { type: 'finish', kind: 'end', upstreamReason: 'end_turn' };

const saying = (text: string, output = 1): readonly ChatEvent[] => [
  { type: 'start', id: 'msg_1' },
  { type: 'text', text },
  { type: 'usage', usage: usageOf(output) },
  finish,
];

/** Out here: a closure within a set-up would hold the prompt. */
async function* play(events: readonly ChatEvent[]): AsyncGenerator<readonly ChatEvent[]> {
  for (const event of events) yield [event];
}

const nothing: ConceptReport = { ignored: [], adjusted: [] };

interface Setting {
  /** What each upstream answers in turn; the last one is repeated. */
  readonly replies: Partial<Record<UpstreamName, readonly Reply[]>>;
  readonly body?: Readonly<Record<string, unknown>>;
  /** What an upstream's wire has no room for. */
  readonly noRoom?: Partial<Record<UpstreamName, ConceptReport>>;
  readonly cancellation?: Cancellation;
  /** Ms. */
  readonly total?: number;
  readonly maxRetries?: number;
  readonly onOpen?: (question: Question) => void;
}

interface Ran {
  readonly asked: Question[];
  readonly request: WeakRef<object>;
  readonly prepared: readonly (readonly [UpstreamName, Report])[];
  readonly remembered: readonly (readonly string[])[];
  readonly fetched: readonly string[];
  readonly attempts: readonly ('started' | 'failed')[];
  readonly retries: () => number;
  readonly answer: Answer | undefined;
  readonly error: unknown;
}

const run = async (setting: Setting): Promise<Ran> => {
  const { replies, body, noRoom = {}, cancellation = new Cancellation(), total = 60_000 } = setting;
  const asked: Question[] = [];
  const prepared: [UpstreamName, Report][] = [];
  const remembered: (readonly string[])[] = [];
  const fetched: string[] = [];
  const attempts: ('started' | 'failed')[] = [];
  let retries = 0;

  const backends: Backends = {
    prepare: (prompt, target) => ({
      report: noRoom[target.upstream] ?? nothing,
      open: async ({ stream }) => {
        const question = { target, prompt, stream };
        const before = asked.filter(({ target: { upstream } }) => upstream === target.upstream).length;
        asked.push(question);
        setting.onOpen?.(question);
        const list = replies[target.upstream] ?? [];
        const reply = list[Math.min(before, list.length - 1)];
        if (reply === undefined) throw new Error(`${target.upstream} was not to be asked`);
        if (reply instanceof Error) throw reply;
        return {
          origin: { upstream: target.upstream, requestId: 'req_1', rateLimits: {} },
          events: play(reply),
        };
      },
    }),
  };
  const memory = Object.assign(new ThinkingMemory(createLocalStore()), {
    remember: async (_scope: Scope, { pieces }: RememberedAnswer) => {
      remembered.push(pieces.flatMap((piece) => (piece.type === 'tool-call' ? [piece.id] : [])));
    },
  });
  const images: ImageFetcher = {
    fetch: async (url) => {
      fetched.push(url);
      return { mediaType: 'image/png', data: 'iVBORw0KGgo=' };
    },
    close: async () => undefined,
  };
  const answerer = createAnswerer({
    catalogue,
    backends,
    memory,
    binding: new ThinkingBinding(createLocalStore(), () => 'a credential'),
    affinity: new Affinity(createLocalStore()),
    images,
    resilience: createResilience({
      maxRetries: setting.maxRetries ?? 0,
      retryBudget: 1000,
      retryAfterCap: 200,
      breakerCooldown: 60_000,
      random: () => 0,
    }),
    defaultMaxTokens: undefined,
    showReasoning: false,
    timeouts: { total, stream: total },
  });
  const { ask: request } = parse({
    model: 'claude-4-5-haiku',
    messages: [{ role: 'user', content: 'Hi' }],
    ...body,
  });
  const outcome = await answerer(request, {
    cancellation,
    client: 'someone',
    promptCaching: false,
    onPrepared: ({ upstream }, report) => prepared.push([upstream, report]),
    onRetry: () => {
      retries += 1;
    },
    attempts: {
      attemptStarted: () => attempts.push('started'),
      attemptFailed: () => attempts.push('failed'),
    },
  }).then(
    (answer) => ({ answer, error: undefined }),
    (error: unknown) => ({ answer: undefined, error }),
  );
  return {
    asked,
    request: new WeakRef(request),
    prepared,
    remembered,
    fetched,
    attempts,
    retries: () => retries,
    ...outcome,
  };
};

const upstreamsOf = ({ asked }: Ran) => asked.map(({ target }) => target.upstream);

const answerOf = ({ answer, error }: Ran): Answer => {
  if (answer === undefined) throw error;
  return answer;
};

const read = async (ran: Ran): Promise<readonly ChatEvent[]> => {
  const events: ChatEvent[] = [];
  for await (const batch of answerOf(ran).events) events.push(...batch);
  return events;
};

const whole = (ran: Ran) => answerOf(ran).whole(() => undefined);

const refusedBy = (message: string) => invalidRequest(message, null, null, new Error('upstream'));

// Behaviour 8.3
describe('the order of upstreams', () => {
  it('the first of the row is asked, and no other where it answers', async () => {
    const ran = await run({ replies: { anthropic: [saying('Hello')] } });
    expect(upstreamsOf(ran)).toEqual(['anthropic']);
    expect(await read(ran)).toEqual(saying('Hello'));
    expect(ran.retries()).toBe(0);
    expect(ran.attempts).toEqual(['started']);
  });

  it('an upstream that fails is followed by the next, each with a prompt and a report of its own', async () => {
    const ran = await run({
      replies: { anthropic: [upstreamFailed('Broken.')], bedrock: [saying('Hello')] },
      noRoom: { bedrock: { ignored: ['serviceTier'], adjusted: [] } },
      body: { service_tier: 'auto' },
    });
    expect(upstreamsOf(ran)).toEqual(['anthropic', 'bedrock']);
    expect(ran.asked.map(({ target }) => target.modelId)).toEqual([
      'claude-haiku-4-5-20251001',
      expect.stringContaining('anthropic.claude-haiku-4-5'),
    ]);
    expect(answerOf(ran)).toMatchObject({
      origin: { upstream: 'bedrock' },
      target: { upstream: 'bedrock' },
      report: { ignored: expect.arrayContaining(['service_tier']) as unknown },
    });
    expect(ran.prepared.at(-1)).toEqual(['bedrock', answerOf(ran).report]);
    expect(ran.retries()).toBe(1);
    expect(ran.attempts).toEqual(['started', 'failed', 'started']);
  });

  it('a refusal of the request is final', async () => {
    const refusal = refusedBy('messages.0: no');
    const ran = await run({ replies: { anthropic: [refusal] } });
    expect(upstreamsOf(ran)).toEqual(['anthropic']);
    expect(ran.error).toBe(refusal);
  });

  it('an unknown Claude id gets advice beside the upstream\u2019s 404', async () => {
    const ran = await run({
      replies: { anthropic: [modelGoneUpstream('claude-4-5-haikku', 'anthropic')] },
      body: { model: 'claude-4-5-haikku' },
    });
    expect(ran.error).toMatchObject({ status: 404, code: 'model_not_found' });
    expect((ran.error as Error).message).toContain('claude-4-5-haiku');
  });
});

describe('a corrected second try', () => {
  const noRoomFor = (room: number) =>
    contextLengthExceeded(
      `input length and \`max_tokens\` exceed context limit: ${200_000 - room} + 32000 > 200000`,
      200_000,
    );

  it('lowers our own cap to the room that the window has', async () => {
    const ran = await run({ replies: { anthropic: [noRoomFor(1234), saying('Hello')] } });
    expect(ran.asked.map(({ prompt }) => prompt.maxTokens)).toEqual([32_000, 1234]);
    expect(answerOf(ran).report).toEqual(nothing);
    expect(ran.retries()).toBe(1);
    expect(ran.attempts).toEqual(['started', 'failed', 'started']);
  });

  it('lowers it once: the second refusal is the client\u2019s', async () => {
    const second = noRoomFor(1000);
    const ran = await run({ replies: { anthropic: [noRoomFor(1234), second] } });
    expect(ran.asked).toHaveLength(2);
    expect(ran.error).toBe(second);
  });

  it.each([
    { name: 'the cap is the client\u2019s', body: { max_tokens: 32_000 }, error: noRoomFor(1234) },
    { name: 'there is no room', body: {}, error: noRoomFor(0) },
    { name: 'thinking would not fit', body: { reasoning_effort: 'medium' }, error: noRoomFor(1234) },
    { name: 'something else was refused', body: {}, error: refusedBy('messages.0: no') },
  ])('is not made where $name', async ({ body, error }) => {
    const ran = await run({ replies: { anthropic: [error] }, body });
    expect(ran.asked).toHaveLength(1);
    expect(ran.error).toBe(error);
    expect(ran.retries()).toBe(0);
  });

  const thinkingHistory = {
    tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }],
    messages: [
      { role: 'user', content: 'Hi' },
      {
        role: 'assistant',
        content: '',
        thinking_blocks: [{ type: 'thinking', thinking: 'Hm.', signature: 'c2ln' }],
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'Seen.' },
    ],
  };
  const hasThinking = ({ prompt }: Question) =>
    prompt.turns.some(({ parts }) => parts.some(({ type }) => type === 'thinking-block'));
  const badSignature = refusedBy('messages.1.content.0: Invalid `signature` in `thinking` block');

  it.each([
    { model: 'claude-4-5-haiku', mode: 'off', adjusted: ['reasoning_effort'] },
    { model: 'claude-opus-5', mode: 'adaptive', adjusted: ['messages'] },
  ])('leaves out thinking that was refused, and says so: $model', async ({ model, mode, adjusted }) => {
    const ran = await run({
      replies: { anthropic: [badSignature, saying('Hello')] },
      body: { ...thinkingHistory, model, reasoning_effort: 'medium' },
    });
    expect(ran.asked.map(hasThinking)).toEqual([true, false]);
    expect(ran.asked[1]?.prompt.thinking.mode).toBe(mode);
    expect(answerOf(ran).report.adjusted).toEqual(adjusted);
    expect(ran.prepared.at(-1)?.[1]).toEqual(answerOf(ran).report);
    expect(ran.retries()).toBe(1);
  });

  it('switches thinking off where a block is demanded that nobody has', async () => {
    const demand = refusedBy(
      'messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found',
    );
    const ran = await run({
      replies: { anthropic: [demand, demand] },
      body: { ...thinkingHistory, reasoning_effort: 'medium' },
    });
    expect(ran.asked.map(({ prompt }) => prompt.thinking.mode)).toEqual(['budget', 'off']);
    expect(ran.error).toBe(demand);
  });

  it('each kind is made once, one after the other', async () => {
    const ran = await run({
      replies: { anthropic: [badSignature, noRoomFor(1234), saying('Hello')] },
      body: { ...thinkingHistory, reasoning_effort: 'medium' },
    });
    expect(ran.asked.map(hasThinking)).toEqual([true, false, false]);
    expect(ran.asked.at(-1)?.prompt).toMatchObject({ maxTokens: 1234, thinking: { mode: 'off' } });
    expect(ran.retries()).toBe(2);
  });

  it('belongs to one upstream: the next one gets the request as it was', async () => {
    const ran = await run({
      replies: { anthropic: [noRoomFor(1234), upstreamFailed('Broken.')], bedrock: [saying('Hello')] },
    });
    expect(ran.asked.map(({ prompt }) => prompt.maxTokens)).toEqual([32_000, 1234, 32_000]);
  });
});

// Behaviour 6
describe('the repair of a JSON answer', () => {
  const body = {
    model: 'claude-4-sonnet',
    response_format: {
      type: 'json_schema',
      json_schema: { name: 'numbers', schema: { type: 'array', items: { type: 'number' } } },
    },
  };

  it('says once what was wrong, and the client pays for both tries', async () => {
    const ran = await run({ replies: { anthropic: [saying('["a"]', 5), saying('[1]', 7)] }, body });
    const folded = await whole(ran);
    expect(folded).toMatchObject({ text: '[1]', usage: { input: 20, output: 12, tries: [{}, {}] } });
    expect(ran.asked.map(({ stream }) => stream)).toEqual([false, false]);
    const [, last] = ran.asked[1]?.prompt.turns.slice(-2) ?? [];
    expect(last).toMatchObject({ role: 'user', parts: [{ text: expect.stringContaining('does not fit') }] });
    expect(answerOf(ran).schemaProblems()).toEqual([]);
  });

  it('reports what was used while the second try is under way', async () => {
    const ran = await run({ replies: { anthropic: [saying('["a"]', 5), saying('[1]', 7)] }, body });
    const used: number[] = [];
    await answerOf(ran).whole(({ output }) => used.push(output));
    expect(used).toEqual([5, 12]);
  });

  it('is not made for an answer that fits', async () => {
    const ran = await run({ replies: { anthropic: [saying('[1]')] }, body });
    expect(await whole(ran)).toMatchObject({ text: '[1]' });
    expect(ran.asked).toHaveLength(1);
  });

  it('is not made twice: what the second misses of the schema is told', async () => {
    const ran = await run({ replies: { anthropic: [saying('["a"]'), saying('["b"]')] }, body });
    expect(await whole(ran)).toMatchObject({ text: '["b"]' });
    expect(ran.asked).toHaveLength(2);
    expect(answerOf(ran).schemaProblems()).not.toEqual([]);
  });

  it('JSON that misses the schema is better than none, where the second try fails', async () => {
    const ran = await run({ replies: { anthropic: [saying('["a"]', 5), overloaded('Busy.')] }, body });
    expect(await whole(ran)).toMatchObject({ text: '["a"]', usage: { output: 5 } });
    expect(answerOf(ran).schemaProblems()).not.toEqual([]);
  });

  it('where the second try ends as no JSON its use is counted, and the first answer stands', async () => {
    const ran = await run({ replies: { anthropic: [saying('["a"]', 5), saying('Sorry.', 7)] }, body });
    expect(await whole(ran)).toMatchObject({ text: '["a"]', usage: { output: 12 } });
  });

  it('words that are no JSON are an error, where the second try brings none either', async () => {
    const ran = await run({ replies: { anthropic: [saying('Sorry.')] }, body });
    await expect(whole(ran)).rejects.toMatchObject({ code: 'malformed_model_output' });
    expect(ran.asked).toHaveLength(2);
  });

  it('lowers our own cap there too', async () => {
    const error = contextLengthExceeded('exceed context limit: 199000 + 32000 > 200000', 200_000);
    const ran = await run({ replies: { anthropic: [saying('["a"]'), error, saying('[1]')] }, body });
    expect(await whole(ran)).toMatchObject({ text: '[1]' });
    expect(ran.asked.at(-1)?.prompt.maxTokens).toBe(1000);
  });

  it('a client that has left is told nothing of the first answer', async () => {
    const cancellation = new Cancellation();
    let asked = 0;
    const ran = await run({
      replies: { anthropic: [saying('["a"]'), overloaded('Busy.')] },
      body,
      cancellation,
      onOpen: () => {
        asked += 1;
        if (asked === 2) cancellation.abort(new ClientDisconnected());
      },
    });
    await expect(whole(ran)).rejects.toBeInstanceOf(ClientDisconnected);
  });
});

describe('what ends it', () => {
  it('a client that leaves while an upstream is asked: nothing is asked after that', async () => {
    const cancellation = new Cancellation();
    const gone = new ClientDisconnected();
    const ran = await run({
      replies: { anthropic: [upstreamFailed('Broken.')], bedrock: [saying('Hello')] },
      cancellation,
      onOpen: () => cancellation.abort(gone),
    });
    expect(upstreamsOf(ran)).toEqual(['anthropic']);
    expect(ran.error).toBe(gone);
    expect(ran.attempts).toEqual(['started', 'failed']);
  });

  it('the deadline: no second upstream is asked after it', async () => {
    const ran = await run({
      replies: { anthropic: [upstreamFailed('Broken.')], bedrock: [saying('Hello')] },
      total: 0,
    });
    expect(upstreamsOf(ran)).toEqual(['anthropic']);
    expect(ran.error).toMatchObject({ status: 502 });
  });
});

// Behaviour 1.5
describe('reports', () => {
  const noRoom: { anthropic: ConceptReport } = {
    anthropic: { ignored: ['serviceTier', 'cacheBreakpoints'], adjusted: ['topK'] },
  };
  const scale = { service_tier: 'scale' };

  it('of the normalizer and of the wire are one, without repetition', async () => {
    const ran = await run({ replies: { anthropic: [saying('Hello')] }, noRoom, body: scale });
    const whole = { ignored: ['service_tier', 'cache_control'], adjusted: ['top_k'] };
    expect(answerOf(ran).report).toEqual(whole);
    expect(ran.prepared.map(([, report]) => report)).toEqual([
      { ignored: ['service_tier'], adjusted: [] },
      whole,
    ]);
  });

  it('are told once where the wire adds nothing', async () => {
    const ran = await run({ replies: { anthropic: [saying('Hello')] }, body: { seed: 1 } });
    expect(ran.prepared).toEqual([['anthropic', { ignored: ['seed'], adjusted: [] }]]);
  });

  it('are a refusal for a client that allows none, before anything is asked', async () => {
    const ran = await run({ replies: {}, noRoom, body: { allow_ignored_params: false } });
    expect(ran.asked).toEqual([]);
    expect(ran.error).toMatchObject({ status: 400, code: 'unsupported_parameter' });
  });

  it('are no refusal at a second upstream, which the client has not chosen', async () => {
    const ran = await run({
      replies: { anthropic: [upstreamFailed('Broken.')], bedrock: [saying('Hello')] },
      noRoom: { bedrock: { ignored: ['cacheBreakpoints'], adjusted: [] } },
      body: { allow_ignored_params: false },
    });
    expect(answerOf(ran).report.ignored).toEqual(['cache_control']);
  });
});

describe('an answer that is under way', () => {
  const collect = async (): Promise<void> => {
    setFlagsFromString('--expose-gc');
    await nextTurn();
    (runInNewContext('gc') as () => void)();
    await nextTurn();
  };
  const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }];
  const json = { response_format: { type: 'json_object' }, reasoning_effort: 'medium' };

  it.each([
    { name: 'a stream', body: { stream: true }, holdsPrompt: false },
    {
      name: 'a stream with tools',
      body: { stream: true, reasoning_effort: 'low', tools },
      holdsPrompt: false,
    },
    { name: 'a stream of JSON', body: { ...json, stream: true }, holdsPrompt: false },
    { name: 'a plain answer', body: {}, holdsPrompt: false },
    { name: 'plain JSON, which may have to be repaired', body: json, holdsPrompt: true },
  ])('$name holds nothing of the conversation, or the prompt alone: $holdsPrompt', async (row) => {
    const ran = await run({ replies: { anthropic: [saying('{}')] }, body: row.body });
    const prompts = ran.asked.map(({ prompt }) => new WeakRef(prompt));
    ran.asked.length = 0;
    await collect();
    expect(ran.request.deref() === undefined).toBe(true);
    expect(prompts.map((prompt) => prompt.deref() !== undefined)).toEqual([row.holdsPrompt]);
    expect(answerOf(ran).target.upstream).toBe('anthropic');
  });
});

describe('on its way', () => {
  it('calls are remembered with their thinking before the client sees the end', async () => {
    const events: readonly ChatEvent[] = [
      { type: 'thinking-block', block: { type: 'thinking', thinking: 'Hm.', signature: 'c2ln' } },
      { type: 'tool-call', id: 'call_1', name: 'look' },
      { type: 'finish', kind: 'tool-calls', upstreamReason: 'tool_use' },
    ];
    const ran = await run({
      replies: { anthropic: [events] },
      body: {
        reasoning_effort: 'medium',
        tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }],
      },
    });
    for await (const [event] of answerOf(ran).events) {
      expect(ran.remembered).toEqual(event?.type === 'finish' ? [['call_1']] : []);
    }
  });

  it.each([
    { upstream: 'anthropic', url: 'https://example.com/a.png', fetched: [] },
    { upstream: 'anthropic', url: 'http://example.com/a.png', fetched: ['http://example.com/a.png'] },
    { upstream: 'bedrock', url: 'https://example.com/a.png', fetched: ['https://example.com/a.png'] },
  ] as const)('an image at $url is fetched for $upstream: $fetched', async ({ upstream, url, fetched }) => {
    const ran = await run({
      replies: {
        anthropic: upstream === 'anthropic' ? [saying('Hello')] : [upstreamFailed('Broken.')],
        bedrock: [saying('Hello')],
      },
      body: { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] },
    });
    expect(ran.error).not.toBeInstanceOf(ApiError);
    expect(answerOf(ran).target.upstream).toBe(upstream);
    expect(ran.fetched).toEqual(fetched);
  });

  it('is priced by the upstream that answers', async () => {
    const ran = await run({ replies: { anthropic: [saying('Hello')] } });
    expect(answerOf(ran).costOf({ ...usageOf(1_000_000), input: 0 })?.total).toBeCloseTo(5);
  });
});
