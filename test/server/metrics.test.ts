import { describe, expect, it } from 'vitest';
import type { Usage } from '../../src/core/chat.ts';
import { invalidRequest } from '../../src/core/errors.ts';
import { models } from '../../src/models/rows.ts';
import { createMetrics } from '../../src/server/metrics.ts';
import type { FinishedRequest } from '../../src/server/record.ts';

const haiku = models.find(({ id }) => id === 'claude-4-5-haiku');
if (haiku === undefined) throw new Error('the catalogue has no claude-4-5-haiku');

const usage: Usage = { input: 100, cacheRead: 20, cacheWrite: 0, output: 7, reasoning: 3 };

interface Given {
  readonly usage?: Usage | undefined;
  /** USD; null: not known. */
  readonly cost?: number | null;
  readonly target?: boolean;
  readonly stream?: boolean;
  readonly retries?: number;
  readonly error?: unknown;
  readonly ended?: FinishedRequest['ended'];
  readonly durationMs?: number;
  readonly firstByteMs?: number;
}

const finished = (given: Given = {}): FinishedRequest => ({
  record: {
    startedAt: 0,
    unknownPath: undefined,
    client: 'someone',
    model: haiku.id,
    stream: given.stream ?? false,
    target:
      given.target === false
        ? undefined
        : {
            model: haiku,
            upstream: 'anthropic',
            modelId: 'claude-haiku-4-5',
          },
    report: undefined,
    origin: undefined,
    retries: given.retries ?? 0,
    droppedThinking: undefined,
    metadata: undefined,
    firstByteMs: given.firstByteMs,
    outcome: undefined,
    schemaProblems: undefined,
    isUpgraded: false,
    error: given.error,
  },
  id: 'req_1',
  method: 'POST',
  route: '/v1/chat/completions',
  status: given.error === undefined ? 200 : 400,
  durationMs: given.durationMs ?? 80,
  ended: given.ended ?? 'complete',
  usage: given.usage,
  cost: given.cost == null ? undefined : { prompt: 0, completion: given.cost, total: given.cost },
  finish: undefined,
});

const create = () => {
  const metrics = createMetrics(
    (id) => id === haiku.id,
    () => [],
  );
  /** The values of one metric, by their labels as they are shown. */
  const read = async (name: string): Promise<Record<string, number>> => {
    const lines = (await metrics.registry.metrics()).split('\n');
    return Object.fromEntries(
      lines
        .filter((line) => line.startsWith(`${name}{`))
        .map((line) => [line.slice(name.length, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
    );
  };
  return { ...metrics, read };
};

const model = `model="${haiku.id}"`;
const upstream = 'upstream="anthropic"';

// Behaviour 11.3
describe('what requests come to', () => {
  it('is counted by kind of token, and goes on being counted after it was looked at', async () => {
    const { observe, read } = create();
    const expected = (times: number) => ({
      [`{${model},${upstream},kind="input"}`]: 100 * times,
      [`{${model},${upstream},kind="cache_read"}`]: 20 * times,
      [`{${model},${upstream},kind="output"}`]: 7 * times,
      [`{${model},${upstream},kind="reasoning"}`]: 3 * times,
    });
    observe(finished({ usage }));
    expect(await read('parley_tokens_total')).toEqual(expected(1));
    expect(await read('parley_tokens_total')).toEqual(expected(1));
    observe(finished({ usage }));
    observe(finished({ usage, stream: true }));
    expect(await read('parley_tokens_total')).toEqual(expected(3));
  });

  it('is counted in USD where there is a price, be it nothing', async () => {
    const { observe, read } = create();
    observe(finished({ usage, cost: null }));
    expect(await read('parley_cost_usd_total')).toEqual({});
    observe(finished({ usage, cost: 0 }));
    expect(await read('parley_cost_usd_total')).toEqual({ [`{${model},${upstream}}`]: 0 });
    observe(finished({ usage, cost: 0.00017 }));
    observe(finished({ usage, cost: 0.00003 }));
    const [cost] = Object.values(await read('parley_cost_usd_total'));
    expect(cost).toBeCloseTo(0.0002, 10);
  });

  it('is counted by route, status and end, and failures by kind', async () => {
    const { observe, read } = create();
    observe(finished({ usage, retries: 2 }));
    observe(finished({ error: invalidRequest('no', 'messages'), ended: 'failed' }));
    observe(finished({ error: new Error('ours'), ended: 'failed', target: false }));
    observe(finished({ ended: 'client_gone' }));
    const requests = await read('parley_requests_total');
    expect(Object.values(requests)).toEqual([1, 1, 1, 1]);
    const errors = await read('parley_errors_total');
    expect(errors).toEqual({
      [`{kind="invalid_request_error",${model},${upstream}}`]: 1,
      '{kind="internal_error",model="none",upstream="none"}': 1,
      [`{kind="client_gone",${model},${upstream}}`]: 1,
    });
    expect(await read('parley_retries_total')).toEqual({ [`{${model}}`]: 2 });
  });

  it('has its times in the histograms, however many there are', async () => {
    const { observe, read } = create();
    for (let count = 0; count < 1234; count += 1) {
      observe(finished({ stream: true, durationMs: 80, firstByteMs: count === 0 ? 2000 : 30 }));
    }
    observe(finished({ durationMs: 3000 }));
    expect(await read('parley_request_duration_seconds_count')).toEqual({
      [`{${model},stream="true"}`]: 1234,
      [`{${model},stream="false"}`]: 1,
    });
    const durations = await read('parley_request_duration_seconds_bucket');
    expect(durations[`{le="0.05",${model},stream="true"}`]).toBe(0);
    expect(durations[`{le="0.1",${model},stream="true"}`]).toBe(1234);
    expect(durations[`{le="2.5",${model},stream="false"}`]).toBe(0);
    expect(durations[`{le="5",${model},stream="false"}`]).toBe(1);
    const firsts = await read('parley_time_to_first_token_seconds_bucket');
    expect(firsts[`{le="0.05",${model}}`]).toBe(1233);
    expect(firsts[`{le="2.5",${model}}`]).toBe(1234);
  });

  it('is not spoiled by figures that are none', async () => {
    const { observe, read } = create();
    observe(finished({ usage }));
    for (const wrong of ['5', Number.NaN, -3, Number.POSITIVE_INFINITY, null]) {
      observe(finished({ usage: { ...usage, input: wrong as number } }));
    }
    observe(finished({ usage }));
    const tokens = await read('parley_tokens_total');
    expect(tokens[`{${model},${upstream},kind="input"}`]).toBe(200);
    expect(tokens[`{${model},${upstream},kind="output"}`]).toBe(49);
  });
});
