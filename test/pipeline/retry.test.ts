import { describe, expect, it } from 'vitest';
import { Cancellation } from '../../src/core/cancellation.ts';
import type { UpstreamName } from '../../src/core/chat.ts';
import {
  ApiError,
  ClientDisconnected,
  credentialRefused,
  invalidRequest,
  malformedOutput,
  modelGoneUpstream,
  overloaded,
  quotaSpent,
  UpstreamFault,
  upstreamFailed,
  upstreamTimeout,
} from '../../src/core/errors.ts';
import { createCatalogue, type Target } from '../../src/models/catalogue.ts';
import { createResilience, type Resilience, type ResilienceOptions } from '../../src/pipeline/retry.ts';
import { toApiError } from '../../src/providers/errors.ts';

const catalogue = createCatalogue({
  upstreams: ['anthropic', 'bedrock'],
  region: 'us-east-1',
  aliases: {},
  overrides: [],
  now: () => new Date('2026-01-01'),
});
const both = catalogue.targets(catalogue.resolve('claude-4-5-haiku'));
const one = both.slice(0, 1);

/** Without a wait between rounds, unless `random` says otherwise. */
const create = (options: Partial<ResilienceOptions> = {}) =>
  createResilience({
    maxRetries: 2,
    retryBudget: 1000,
    retryAfterCap: 200,
    breakerCooldown: 60_000,
    random: () => 0,
    ...options,
  });

const fault = (status: number) =>
  new UpstreamFault({ upstream: 'anthropic', requestId: undefined, rateLimits: {} }, status, 'x');
/** An upstream's answer with that status; `retryAfter` in seconds. */
const answered = (status: number, retryAfter?: number) =>
  toApiError({
    origin: { upstream: 'anthropic', requestId: undefined, rateLimits: {} },
    modelId: 'id',
    contextWindow: 200_000,
    status,
    type: 'x',
    message: '',
    retryAfter,
  });
const refused = () => upstreamFailed('The connection failed.', { cause: new Error('ECONNREFUSED') });

type Outcome = Error | 'fine';

interface Ran {
  /** The upstreams in the order they were asked. */
  readonly asked: UpstreamName[];
  /** Ms from the start at which each was asked. */
  readonly at: number[];
  readonly retries: number;
  readonly outcome: unknown;
}

/** Each upstream's outcomes in turn; the last one is repeated. */
const run = async (
  resilience: Resilience,
  targets: readonly Target[],
  script: Partial<Record<UpstreamName, readonly Outcome[]>>,
  options: { cancellation?: Cancellation; deadline?: number } = {},
): Promise<Ran> => {
  const { cancellation = new Cancellation(), deadline = Number.POSITIVE_INFINITY } = options;
  const asked: UpstreamName[] = [];
  const at: number[] = [];
  const start = performance.now();
  let retries = 0;
  const attempt = async ({ upstream }: Target) => {
    const before = asked.filter((name) => name === upstream).length;
    asked.push(upstream);
    at.push(performance.now() - start);
    const outcomes = script[upstream] ?? [];
    const outcome = outcomes[Math.min(before, outcomes.length - 1)] ?? 'fine';
    if (outcome !== 'fine') throw outcome;
    return `answer of ${upstream}`;
  };
  const onRetry = () => {
    retries += 1;
  };
  const outcome = await resilience
    .run(targets, attempt, { cancellation, deadline, onRetry })
    .catch((error: unknown) => error);
  return { asked, at, retries, outcome };
};

// Behaviour 8.2
describe('with one upstream', () => {
  it.each([
    ...[408, 409, 429, 500, 502, 503, 504, 529].map((status) => ({
      name: `an answer ${status}`,
      error: answered(status),
    })),
    { name: 'a connection that failed', error: refused() },
    { name: 'no first byte in time', error: upstreamTimeout('The model did not begin to answer', 1) },
  ])('$name is asked again, twice at most', async ({ error }) => {
    // The wait a 429 names in its header for the client is no upstream's word.
    expect(await run(create(), one, { anthropic: [error] })).toMatchObject({
      asked: ['anthropic', 'anthropic', 'anthropic'],
      retries: 2,
      outcome: error,
    });
    expect(await run(create(), one, { anthropic: [error, 'fine'] })).toMatchObject({
      asked: ['anthropic', 'anthropic'],
      retries: 1,
      outcome: 'answer of anthropic',
    });
  });

  it.each([
    ...[400, 404, 413, 422, 424, 200].map((status) => ({
      name: `an answer ${status}`,
      error: answered(status),
    })),
    { name: 'our credential', error: credentialRefused('anthropic', fault(401)) },
    { name: 'a spent quota', error: quotaSpent('No money.', 60, fault(429)) },
    { name: 'malformed output', error: malformedOutput('Unreadable.', fault(424)) },
    { name: 'an unknown model', error: modelGoneUpstream('id', 'anthropic', fault(404)) },
    { name: 'a refusal of ours', error: invalidRequest('No.') },
    { name: 'an image fetch that is busy', error: overloaded('Too many image URLs.') },
    { name: 'a bug', error: new TypeError('undefined is not a function') },
  ])('$name is not asked again', async ({ error }) => {
    expect(await run(create(), one, { anthropic: [error] })).toMatchObject({
      asked: ['anthropic'],
      retries: 0,
      outcome: error,
    });
  });

  it.each([0, 1, 4])('as often as MAX_RETRIES=%i says', async (maxRetries) => {
    const { asked, retries } = await run(create({ maxRetries }), one, { anthropic: [answered(500)] });
    expect(asked).toHaveLength(1 + maxRetries);
    expect(retries).toBe(maxRetries);
  });

  it('waits with full jitter below a ceiling that doubles', async () => {
    const { at } = await run(create({ random: () => 0.1 }), one, { anthropic: [answered(500)] });
    const [first = 0, second = 0, third = 0] = at;
    expect(second - first).toBeGreaterThanOrEqual(48);
    expect(third - second).toBeGreaterThanOrEqual(98);
    expect(third - second).toBeLessThan(1000);
  });

  it('waits as long as the upstream asks, up to the cap', async () => {
    const { at, outcome } = await run(create(), one, { anthropic: [answered(429, 0.06), 'fine'] });
    expect(at[1]).toBeGreaterThanOrEqual(58);
    expect(outcome).toBe('answer of anthropic');
  });

  it('does not wait longer than the cap: the 429 goes to the client with its retry-after', async () => {
    const error = answered(429, 7);
    const { asked, at, outcome } = await run(create(), one, { anthropic: [error] });
    expect(asked).toHaveLength(1);
    expect(at[0]).toBeLessThan(500);
    expect(outcome).toBe(error);
    expect(error.headers['retry-after']).toBe('7');
  });

  it('waits its own waits whatever the cap on those that upstreams ask for', async () => {
    const resilience = create({ retryAfterCap: 0, random: () => 0.02 });
    expect((await run(resilience, one, { anthropic: [answered(500)] })).asked).toHaveLength(3);
  });

  it('begins no retry after the budget', async () => {
    const resilience = create({ retryBudget: 20, random: () => 0.1 });
    expect((await run(resilience, one, { anthropic: [answered(500)] })).asked).toHaveLength(1);
  });

  it('begins no retry, and no wait for one, that the whole time has no room for', async () => {
    const start = performance.now();
    const { asked } = await run(
      create({ random: () => 1 }),
      one,
      { anthropic: [answered(500)] },
      { deadline: start + 100 },
    );
    expect(asked).toHaveLength(1);
    expect(performance.now() - start).toBeLessThan(400);
  });

  it('a client that leaves while we wait ends it at once', async () => {
    const hangUp = new Cancellation();
    setTimeout(() => hangUp.abort(new ClientDisconnected()), 20);
    const start = performance.now();
    const { asked, outcome } = await run(
      create({ random: () => 1, retryBudget: 5000 }),
      one,
      { anthropic: [answered(500)] },
      { cancellation: hangUp },
    );
    expect(outcome).toBeInstanceOf(ClientDisconnected);
    expect(asked).toHaveLength(1);
    expect(performance.now() - start).toBeLessThan(300);
  });

  it('a client that has left is told so, whatever the attempt says, and nothing is asked again', async () => {
    const hangUp = new Cancellation();
    hangUp.abort(new ClientDisconnected());
    const { asked, outcome } = await run(
      create(),
      both,
      { anthropic: [answered(500)] },
      { cancellation: hangUp },
    );
    expect(outcome).toBeInstanceOf(ClientDisconnected);
    expect(asked).toHaveLength(1);
  });
});

// Behaviour 8.3
describe('with two upstreams', () => {
  it.each([
    { name: 'an answer 529', error: answered(529) },
    { name: 'an answer 429 that asks for a long wait', error: answered(429, 60) },
    { name: 'a connection that failed', error: refused() },
    { name: 'our credential', error: credentialRefused('anthropic', fault(401)) },
    { name: 'a spent quota', error: quotaSpent('No money.', 60, fault(429)) },
  ])('$name goes to the other at once', async ({ error }) => {
    const { asked, at, retries, outcome } = await run(create({ random: () => 1 }), both, {
      anthropic: [error],
    });
    expect(asked).toEqual(['anthropic', 'bedrock']);
    expect(at[1]).toBeLessThan(300);
    expect(retries).toBe(1);
    expect(outcome).toBe('answer of bedrock');
  });

  it.each([
    { name: 'an answer 400', error: invalidRequest('messages: no', null, null, fault(400)) },
    { name: 'an unknown model', error: modelGoneUpstream('id', 'anthropic', fault(404)) },
    { name: 'malformed output', error: malformedOutput('Unreadable.', fault(424)) },
    { name: 'a refusal of ours', error: invalidRequest('No.') },
    { name: 'a bug', error: new TypeError('undefined is not a function') },
  ])('$name is final', async ({ error }) => {
    expect(await run(create(), both, { anthropic: [error] })).toMatchObject({
      asked: ['anthropic'],
      retries: 0,
      outcome: error,
    });
  });

  it('fails over with no retries allowed, because that is none', async () => {
    const { asked } = await run(create({ maxRetries: 0 }), both, { anthropic: [answered(500)] });
    expect(asked).toEqual(['anthropic', 'bedrock']);
  });

  it('both are asked again, two retries in all', async () => {
    const { asked, retries } = await run(create(), both, {
      anthropic: [answered(500)],
      bedrock: [answered(503)],
    });
    expect(asked).toEqual(['anthropic', 'bedrock', 'anthropic', 'bedrock']);
    expect(retries).toBe(3);
  });

  it('one whose credential is refused is not asked again', async () => {
    const { asked, outcome } = await run(create(), both, {
      anthropic: [credentialRefused('anthropic', fault(403))],
      bedrock: [answered(500), 'fine'],
    });
    expect(asked).toEqual(['anthropic', 'bedrock', 'bedrock']);
    expect(outcome).toBe('answer of bedrock');
  });

  it('one that asked for a longer wait than the other is left alone meanwhile', async () => {
    const { asked, at, outcome } = await run(create(), both, {
      anthropic: [answered(429, 0.2)],
      bedrock: [answered(429, 0.04), 'fine'],
    });
    expect(asked).toEqual(['anthropic', 'bedrock', 'bedrock']);
    expect(at[2]).toBeGreaterThanOrEqual(38);
    expect(outcome).toBe('answer of bedrock');
  });

  it('one that asked for a wait is asked after it, while the other does not know the model', async () => {
    const { asked, at } = await run(create(), both, {
      anthropic: [answered(429, 0.06), 'fine'],
      bedrock: [modelGoneUpstream('id', 'bedrock', fault(404))],
    });
    expect(asked).toEqual(['anthropic', 'bedrock', 'anthropic']);
    expect(at[2]).toBeGreaterThanOrEqual(58);
  });

  it('the total ends it between the two', async () => {
    const deadline = performance.now();
    const { asked } = await run(create(), both, { anthropic: [refused()] }, { deadline });
    expect(asked).toEqual(['anthropic']);
  });

  const busy = answered(529);
  const rate = answered(429, 60);
  it.each([
    { name: 'our refusal for the second', second: invalidRequest('No such thing there.'), says: busy },
    { name: 'our credential at the second', second: credentialRefused('bedrock', fault(403)), says: busy },
    { name: 'a spent quota at the second', second: quotaSpent('Spent.', 60, fault(429)), says: busy },
    { name: 'no such model at the second', second: modelGoneUpstream('id', 'bedrock'), says: busy },
    { name: 'a rate limit at the second', second: rate, says: rate },
  ])('$name: the client hears what says most, and the first keeps its chances', async ({ second, says }) => {
    const script = { anthropic: [busy], bedrock: [second] };
    expect(await run(create(), both, script)).toMatchObject({
      asked: ['anthropic', 'bedrock', 'anthropic', 'anthropic'],
      outcome: says === busy ? busy : expect.any(ApiError),
    });
    const once = await run(create(), both, { anthropic: [busy, 'fine'], bedrock: [second] });
    expect(once).toMatchObject({ asked: ['anthropic', 'bedrock', 'anthropic'], retries: 2 });
    expect((await run(create({ maxRetries: 0 }), both, script)).outcome).toBe(says);
  });
});

// Behaviour 8.3
describe('the breaker', () => {
  /** Fails `times` requests at the first upstream. */
  const breakFirst = async (resilience: Resilience, error: Error = answered(500), times = 5) => {
    for (let request = 0; request < times; request++) await run(resilience, both, { anthropic: [error] });
  };

  it.each([
    { name: 'server errors', error: answered(500) },
    { name: 'connections that fail', error: refused() },
    { name: 'first bytes that do not come', error: upstreamTimeout('late', 1) },
  ])('skips an upstream after five $name in a row', async ({ error }) => {
    const resilience = create();
    await breakFirst(resilience, error, 4);
    expect(resilience.broken()).toEqual([]);
    await breakFirst(resilience, error, 1);
    expect(resilience.broken()).toEqual(['anthropic']);
    expect(await run(resilience, both, {})).toMatchObject({ asked: ['bedrock'], retries: 0 });
  });

  it.each([
    { name: 'an answer 400', error: invalidRequest('No.', null, null, fault(400)) },
    { name: 'an answer 429', error: answered(429, 60) },
    { name: 'an answer 408', error: answered(408, 60) },
    { name: 'our credential', error: credentialRefused('anthropic', fault(401)) },
    { name: 'a refusal of ours', error: invalidRequest('No.') },
    { name: 'malformed output', error: malformedOutput('Unreadable.', fault(424)) },
    { name: 'a client that left', error: new ClientDisconnected() },
    { name: 'a bug', error: new TypeError('x') },
  ])('$name never counts against it', async ({ error }) => {
    const resilience = create();
    await breakFirst(resilience, error, 12);
    expect(resilience.broken()).toEqual([]);
    expect((await run(resilience, both, {})).asked).toEqual(['anthropic']);
  });

  it('clients who leave while the upstream hangs never count against it', async () => {
    const resilience = create();
    for (let request = 0; request < 12; request++) {
      const hangUp = new Cancellation();
      hangUp.abort(new ClientDisconnected());
      // What the transport says then may be anything.
      await run(resilience, both, { anthropic: [new ClientDisconnected()] }, { cancellation: hangUp });
    }
    expect(resilience.broken()).toEqual([]);
  });

  it('a success in between starts the count anew', async () => {
    const resilience = create();
    await breakFirst(resilience, answered(500), 4);
    await run(resilience, both, {});
    await breakFirst(resilience, answered(500), 4);
    expect(resilience.broken()).toEqual([]);
  });

  it('is asked all the same where there is no other', async () => {
    const resilience = create();
    await breakFirst(resilience);
    expect(await run(resilience, one, {})).toMatchObject({
      asked: ['anthropic'],
      outcome: 'answer of anthropic',
    });
  });

  it('passing over a broken upstream uses up no retry', async () => {
    const resilience = create();
    await breakFirst(resilience);
    expect(await run(resilience, both, { bedrock: [answered(500)] })).toMatchObject({
      asked: ['bedrock', 'bedrock', 'bedrock'],
      retries: 2,
    });
  });

  it('with both broken they are asked all the same: a recovery is noticed at once', async () => {
    const resilience = create({ maxRetries: 0 });
    const script = { anthropic: [answered(500)], bedrock: [answered(500)] };
    for (let request = 0; request < 5; request++) await run(resilience, both, script);
    expect([...resilience.broken()].sort()).toEqual(['anthropic', 'bedrock']);
    const { asked } = await run(resilience, both, {});
    expect(asked).toEqual(['anthropic']);
  });

  it('probes again after the cooldown, with one request at a time, and closes when that works', async () => {
    const resilience = create({ breakerCooldown: 30 });
    await breakFirst(resilience);
    await new Promise((resolve) => setTimeout(resolve, 50));

    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const options = {
      cancellation: new Cancellation(),
      deadline: Number.POSITIVE_INFINITY,
      onRetry: () => undefined,
    };
    const probe = resilience.run(
      both,
      async ({ upstream }) => {
        await held;
        return upstream;
      },
      options,
    );
    const others = await Promise.all([1, 2, 3].map(() => run(resilience, both, {})));
    for (const other of others) expect(other.asked).toEqual(['bedrock']);
    release();
    expect(await probe).toBe('anthropic');
    expect((await run(resilience, both, {})).asked).toEqual(['anthropic']);
  });

  it('stays open when the probe fails, and the request goes to the other', async () => {
    const resilience = create({ breakerCooldown: 30 });
    await breakFirst(resilience);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await run(resilience, both, { anthropic: [answered(500)] })).toMatchObject({
      asked: ['anthropic', 'bedrock'],
      outcome: 'answer of bedrock',
    });
    expect(resilience.broken()).toEqual(['anthropic']);
    expect((await run(resilience, both, {})).asked).toEqual(['bedrock']);
  });
});
