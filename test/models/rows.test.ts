import { describe, expect, it } from 'vitest';
import { type Model, models, unlistedClaude } from '../../src/models/rows.ts';

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
  it('can be asked for somewhere its family lives', () => {
    const upstreams = Object.keys(model.ids);
    expect(upstreams.length).toBeGreaterThan(0);
    const allowed = model.family === 'claude' ? ['anthropic', 'bedrock'] : ['bedrock-converse'];
    expect(upstreams.filter((upstream) => !allowed.includes(upstream))).toEqual([]);
  });

  it('has Bedrock ids and profiles in their form', () => {
    for (const id of [model.ids.bedrock, model.ids['bedrock-converse']]) {
      if (id === undefined) continue;
      expect(id.id).toMatch(
        model.family === 'claude' ? /^anthropic\.claude-[a-z0-9:.-]+$/ : /^amazon\.nova-[a-z0-9:.-]+$/,
      );
      expect(id.profiles.filter((profile) => !profiles.has(profile))).toEqual([]);
    }
  });

  it('has limits that make sense together', () => {
    expect(model.maxOutput).toBeGreaterThan(0);
    expect(model.contextWindow).toBeGreaterThan(model.maxOutput);
    expect(model.maxImages).toBeGreaterThan(0);
    if (model.cacheMinimum !== null) expect(model.cacheMinimum).toBeGreaterThan(0);
  });

  it('has real dates in order', () => {
    expect(model.released).toMatch(isoDay);
    for (const day of Object.values(model.lifecycle.retires ?? {})) {
      expect(day).toMatch(isoDay);
      expect(Date.parse(day)).toBeGreaterThan(Date.parse(model.released));
    }
  });

  it('says when it ends if it is ending', () => {
    const ends = model.lifecycle.status === 'retired' || model.lifecycle.status === 'deprecated';
    expect(model.lifecycle.retires !== undefined).toBe(ends);
  });

  it('has abilities that agree with each other', () => {
    const { thinking, sampling, prefill } = model;
    if (thinking === null) return expect(model.thinkingTags || sampling === 'both').toBe(true);
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
        forcedToolChoice: true,
        ids: { anthropic: 'claude-sonnet-4-5-20250929' },
        lifecycle: { status: 'deprecated', retires: { anthropic: '2026-11-30' } },
        price: { input: 3, output: 15 },
      },
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
        lifecycle: { status: 'retired', retires: { anthropic: '2026-06-15' } },
        jsonSchema: { anthropic: false, bedrock: false },
      },
    },
    {
      id: 'claude-3-7-sonnet',
      facts: { thinking: { accepts: ['budget'] }, lifecycle: { retires: { anthropic: '2026-02-19' } } },
    },
    {
      id: 'claude-3-5-sonnet',
      facts: { maxOutput: 8192, thinking: null, lifecycle: { retires: { anthropic: '2025-10-28' } } },
    },
    {
      id: 'claude-3-5-haiku',
      facts: {
        maxOutput: 8192,
        cacheMinimum: 2048,
        lifecycle: { retires: { anthropic: '2026-02-19', bedrock: '2026-06-19' } },
      },
    },
    {
      id: 'nova-pro',
      facts: {
        contextWindow: 300_000,
        maxOutput: 10_000,
        thinkingTags: true,
        maxImages: 20,
        price: { input: 0.8, output: 3.2 },
      },
    },
    { id: 'nova-micro', facts: { contextWindow: 128_000, vision: false, documents: false } },
    {
      id: 'nova-2-lite',
      facts: {
        contextWindow: 1_000_000,
        thinkingTags: false,
        thinking: { accepts: ['effort'], efforts: ['low', 'medium', 'high'] },
      },
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
        midSystem: false,
        thinking: { accepts: ['adaptive'], byDefault: false, display: 'omitted' },
      },
    },
    { id: 'claude-opus-4-8', facts: { sampling: 'none', midSystem: true, thinking: { off: 'yes' } } },
    {
      id: 'claude-sonnet-5',
      facts: { forcedToolChoice: true, midSystem: false, thinking: { byDefault: true, off: 'yes' } },
    },
    { id: 'claude-opus-5', facts: { cacheMinimum: 512, thinking: { byDefault: true, off: 'up-to-high' } } },
    {
      id: 'claude-opus-5-5',
      facts: {
        forcedToolChoice: false,
        thinking: { byDefault: true, off: 'no' },
        price: { input: 4, output: 20, cacheRead: 0.2 },
      },
    },
    {
      id: 'claude-sonnet-5-5',
      facts: {
        forcedToolChoice: false,
        midSystem: true,
        thinking: { accepts: ['adaptive', 'between_tools'], off: 'no' },
      },
    },
    {
      id: 'claude-haiku-5-5',
      facts: {
        forcedToolChoice: true,
        midSystem: true,
        thinking: { off: 'up-to-high' },
        price: { input: 0.1, long: { above: 100_000, input: 0.5 } },
      },
    },
    {
      id: 'claude-fable-5-2',
      facts: { forcedToolChoice: false, midSystem: true, price: { input: 8, output: 40, cacheRead: 0.2 } },
    },
  ])('$id', ({ id, facts }) => {
    expect(row(id)).toMatchObject(facts);
  });

  it.each(['nova-premier', 'amazon.nova-premier-v1:0'])('%s, at its end of life, is not shipped', (id) => {
    expect(models.some((model) => model.id === id || model.aliases.includes(id))).toBe(false);
  });
});

describe('a Claude id nobody wrote down yet', () => {
  it("has the newest family's rules: adaptive, no sampling, a native schema, no ceiling of ours", () => {
    expect(unlistedClaude('claude-x')).toMatchObject({
      id: 'claude-x',
      ids: { anthropic: 'claude-x' },
      sampling: 'none',
      prefill: false,
      forcedToolChoice: false,
      jsonSchema: { anthropic: true },
      maxOutput: Number.POSITIVE_INFINITY,
      thinking: { accepts: ['adaptive'] },
    });
  });
});
