import { describe, expect, it } from 'vitest';
import { endpointAtUpstream, type Model, modelSchema } from '../../src/models/model.ts';
import { models, unlistedModel } from '../../src/models/rows.ts';
import { type KnownUpstream, upstreamNames, upstreamOf } from '../../src/models/upstreams.ts';

const isoDay = /^\d{4}-\d{2}-\d{2}$/;
const profiles = new Set(['us', 'eu', 'jp', 'au', 'in', 'apac', 'ca', 'global']);

describe('the rows together', () => {
  it('share no id or alias, so that a name means one model', () => {
    const names = models.flatMap(({ id, aliases }) => [id, ...aliases]);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });

  it('name successors that exist and are not ending themselves', () => {
    for (const { id, lifecycle } of models) {
      if (lifecycle.successor === undefined) continue;
      const successor = models.find((model) => model.id === lifecycle.successor);
      expect(successor?.lifecycle.status, id).toBe('active');
    }
  });
});

describe.each(models.map((model) => [model.id, model] as const))('%s', (_, model: Model) => {
  it('is what the schema says a model is', () => {
    expect(modelSchema.safeParse(model).error).toBeUndefined();
  });

  it('can be asked for, at each place once', () => {
    const upstreams = model.endpoints.map(upstreamOf);
    expect(upstreams.length).toBeGreaterThan(0);
    expect([...new Set(upstreams)]).toEqual(upstreams);
  });

  it('has Bedrock ids and profiles in their form', () => {
    for (const { id, profiles: named = [] } of model.endpoints.filter(
      (each) => each.provider === 'bedrock',
    )) {
      expect(id).toMatch(/^(anthropic\.claude|amazon\.nova)-[a-z0-9:.-]+$/);
      expect(named.filter((profile) => !profiles.has(profile))).toEqual([]);
    }
  });

  it('has limits that make sense together', () => {
    expect(model.maxOutput).toBeGreaterThan(0);
    expect(model.contextWindow).toBeGreaterThan(model.maxOutput);
    if (model.cacheMinimum !== null) expect(model.cacheMinimum).toBeGreaterThan(0);
  });

  it('has real dates in order', () => {
    expect(model.released).toMatch(isoDay);
    for (const { retires: day } of model.endpoints) {
      if (day === undefined) continue;
      expect(day).toMatch(isoDay);
      expect(Date.parse(day)).toBeGreaterThan(Date.parse(model.released));
    }
  });

  it('says when it ends if it is ending', () => {
    const ends = model.lifecycle.status === 'retired' || model.lifecycle.status === 'deprecated';
    expect(model.endpoints.some(({ retires }) => retires !== undefined)).toBe(ends);
  });

  it('has abilities that agree with each other', () => {
    const { thinking, sampling, prefill } = model;
    if (thinking === null) return expect(sampling).toBe('both');
    const takesEfforts = thinking.accepts.some((form) => form !== 'budget');
    expect(thinking.efforts.length > 0).toBe(takesEfforts);
    expect(thinking.accepts.length).toBeGreaterThan(0);
    // A model that cannot be switched off thinks by default.
    if (thinking.off === 'no') expect(thinking.byDefault).toBe(true);
    // One that thinks by default takes neither sampling nor a prefill.
    if (thinking.byDefault) expect({ sampling, prefill }).toEqual({ sampling: 'none', prefill: false });
    // A budget needs room for an answer.
    if (thinking.accepts.includes('budget')) expect(model.maxOutput).toBeGreaterThan(2048);
  });

  it('costs more to answer than to read, and less to read from the cache', () => {
    if (model.price === null) return expect(model.lifecycle.status).toBe('preview');
    for (const { input, output, cacheRead } of [model.price, model.price.long ?? model.price]) {
      expect(output).toBeGreaterThan(input);
      expect(cacheRead).toBeLessThan(input);
    }
  });
});

const row = (id: string): Model => {
  const found = models.find((model) => model.id === id);
  if (found === undefined) throw new Error(`no row ${id}`);
  return found;
};

interface Spot extends Partial<Record<KnownUpstream, object>> {
  readonly id: string;
  readonly facts: object;
}

const forced = ['auto', 'any', 'tool', 'none'];
const unforced = ['auto', 'none'];

/** Spot checks against what the providers' pages say, state of 2026-11-22. */
describe('facts of the models', () => {
  it.each([
    {
      id: 'claude-4-5-sonnet',
      facts: {
        contextWindow: 200_000,
        maxOutput: 64_000,
        sampling: 'exclusive',
        prefill: true,
        cacheMinimum: 1024,
        lifecycle: { status: 'deprecated' },
        price: { input: 3, output: 15 },
      },
      anthropic: { id: 'claude-sonnet-4-5-20250929', retires: '2026-11-30', quirks: { choices: forced } },
    },
    {
      id: 'claude-4-5-haiku',
      facts: {
        cacheMinimum: 4096,
        sampling: 'exclusive',
        lifecycle: { status: 'active' },
        price: { input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25 },
      },
    },
    {
      id: 'claude-4-sonnet',
      facts: {
        sampling: 'both',
        lifecycle: { status: 'retired' },
      },
      anthropic: { retires: '2026-06-15', quirks: { schema: 'tool' } },
      bedrock: { quirks: { schema: 'tool' } },
    },
    {
      id: 'claude-3-7-sonnet',
      facts: { thinking: { accepts: ['budget'] } },
      anthropic: { retires: '2026-02-19' },
    },
    {
      id: 'claude-3-5-sonnet',
      facts: { maxOutput: 8192, thinking: null },
      anthropic: { retires: '2025-10-28' },
    },
    {
      id: 'claude-3-5-haiku',
      facts: {
        maxOutput: 8192,
        cacheMinimum: 2048,
      },
      anthropic: { retires: '2026-02-19' },
      bedrock: { retires: '2026-06-19' },
    },
    {
      id: 'nova-pro',
      facts: {
        contextWindow: 300_000,
        maxOutput: 10_000,
        price: { input: 0.8, output: 3.2 },
      },
      'bedrock-converse': { quirks: { tag: 'thinking', media: { images: 20, per: 'message' } } },
    },
    { id: 'nova-micro', facts: { contextWindow: 128_000, vision: false, documents: false } },
    {
      id: 'nova-2-lite',
      facts: {
        contextWindow: 1_000_000,
        thinking: { accepts: ['effort'], efforts: ['low', 'medium', 'high'] },
      },
      'bedrock-converse': { quirks: { tag: null } },
    },
    {
      id: 'claude-opus-4-6',
      facts: {
        sampling: 'exclusive',
        prefill: false,
        thinking: { accepts: ['adaptive', 'budget'], byDefault: false },
      },
    },
    {
      id: 'claude-sonnet-4-6',
      facts: { prefill: false, maxOutput: 128_000, lifecycle: { status: 'legacy' } },
    },
    {
      id: 'claude-opus-4-7',
      facts: {
        sampling: 'none',
        thinking: { accepts: ['adaptive'], byDefault: false, display: 'omitted' },
      },
      anthropic: { quirks: { midSystem: false } },
    },
    {
      id: 'claude-opus-4-8',
      facts: { sampling: 'none', thinking: { off: 'yes' } },
      anthropic: { quirks: { midSystem: true } },
    },
    {
      id: 'claude-sonnet-5',
      facts: { thinking: { byDefault: true, off: 'yes' } },
      anthropic: { quirks: { choices: forced, midSystem: false, forcingNeedsThinkingOff: false } },
      bedrock: { quirks: { choices: forced, forcingNeedsThinkingOff: true } },
    },
    { id: 'claude-opus-5', facts: { cacheMinimum: 512, thinking: { byDefault: true, off: 'up-to-high' } } },
    {
      id: 'claude-opus-5-5',
      facts: {
        thinking: { byDefault: true, off: 'no' },
        price: { input: 4, output: 20, cacheRead: 0.2 },
      },
      anthropic: { quirks: { choices: unforced } },
      bedrock: { quirks: { choices: unforced } },
    },
    {
      id: 'claude-sonnet-5-5',
      facts: {
        thinking: { accepts: ['adaptive', 'between_tools'], off: 'no' },
      },
      anthropic: { quirks: { choices: unforced, midSystem: true } },
    },
    {
      id: 'claude-haiku-5-5',
      facts: {
        thinking: { off: 'up-to-high' },
        price: { input: 0.1, long: { above: 100_000, input: 0.5 } },
      },
      anthropic: { quirks: { choices: forced, midSystem: true } },
    },
    {
      id: 'claude-fable-5-2',
      facts: { price: { input: 8, output: 40, cacheRead: 0.2 } },
      anthropic: { quirks: { choices: unforced, midSystem: true } },
    },
  ] satisfies readonly Spot[])('$id', ({ id, facts, ...places }: Spot) => {
    expect(row(id)).toMatchObject(facts);
    for (const upstream of upstreamNames)
      if (places[upstream] !== undefined)
        expect(endpointAtUpstream(row(id), upstream)).toMatchObject(places[upstream]);
  });

  it.each(['nova-premier', 'amazon.nova-premier-v1:0'])('%s, at its end of life, is not shipped', (id) => {
    expect(models.some((model) => model.id === id || model.aliases.includes(id))).toBe(false);
  });
});

describe('a Claude id nobody wrote down yet', () => {
  it("has the newest family's rules: adaptive, no sampling, a native schema, no ceiling of ours", () => {
    expect(unlistedModel('claude-x')).toMatchObject({
      id: 'claude-x',
      endpoints: [{ provider: 'anthropic', id: 'claude-x', quirks: { choices: unforced, schema: 'native' } }],
      sampling: 'none',
      prefill: false,
      maxOutput: Number.POSITIVE_INFINITY,
      thinking: { accepts: ['adaptive'] },
    });
  });
});
