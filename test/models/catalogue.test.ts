import { describe, expect, it } from 'vitest';
import type { UpstreamName } from '../../src/core/chat.ts';
import { ApiError, ConfigError } from '../../src/core/errors.ts';
import { type Catalogue, createCatalogue } from '../../src/models/catalogue.ts';
import { type ModelOverride, parseModelsFile } from '../../src/models/overrides.ts';

interface Given {
  readonly upstreams?: readonly UpstreamName[];
  readonly region?: string | undefined;
  readonly allowGlobal?: boolean;
  readonly aliases?: Readonly<Record<string, string>>;
  readonly overrides?: readonly ModelOverride[];
  readonly day?: string;
}

const everything: readonly UpstreamName[] = ['anthropic', 'bedrock', 'bedrock-converse'];

const catalogue = ({
  upstreams = everything,
  region = 'us-east-1',
  allowGlobal = true,
  aliases = {},
  overrides = [],
  day = '2026-11-22',
}: Given = {}): Catalogue =>
  createCatalogue({
    upstreams,
    region,
    allowGlobal,
    aliases,
    overrides,
    now: () => new Date(`${day}T12:00:00Z`),
  });

const ask = (given: Given, id: string) => {
  const made = catalogue(given);
  return made.targets(made.resolve(id)).map(({ upstream, modelId }) => `${upstream} ${modelId}`);
};

const refusal = (given: Given, id: string): ApiError => {
  try {
    catalogue(given).resolve(id);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error(`${id} was resolved`);
};

const documented = [
  'claude-4-5-sonnet',
  'claude-4-5-haiku',
  'claude-4-sonnet',
  'claude-3-7-sonnet',
  'claude-3-5-sonnet',
  'claude-3-5-haiku',
  'nova-pro',
  'nova-lite',
];

// Behaviour 10.1
describe('a public id', () => {
  it.each(documented)('%s, which the server began with, is served', (id) => {
    expect(catalogue().resolve(id).id).toBe(id);
  });

  it.each([
    ['claude-3-5-sonnet-latest', 'claude-3-5-sonnet'],
    ['claude-sonnet-4-5', 'claude-4-5-sonnet'],
    ['claude-haiku-4-5-20251001', 'claude-4-5-haiku'],
    ['amazon.nova-lite-v1:0', 'nova-lite'],
  ])('%s is another name of %s', (alias, id) => {
    expect(catalogue().resolve(alias).id).toBe(id);
  });

  it('is asked for in the configured order', () => {
    expect(ask({}, 'claude-4-5-haiku').map((each) => each.split(' ')[0])).toEqual(['anthropic', 'bedrock']);
    expect(
      ask({ upstreams: ['bedrock', 'anthropic'] }, 'claude-4-5-haiku').map((each) => each.split(' ')[0]),
    ).toEqual(['bedrock', 'anthropic']);
  });

  it('is served only where a configured upstream has it', () => {
    expect(ask({ upstreams: ['anthropic'] }, 'claude-4-5-haiku')).toEqual([
      'anthropic claude-haiku-4-5-20251001',
    ]);
    expect(refusal({ upstreams: ['anthropic'] }, 'nova-lite')).toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
  });
});

describe('an unknown id', () => {
  it('of Claude goes to the Anthropic API with the newest rules and no ceiling', () => {
    const made = catalogue();
    const model = made.resolve('claude-sonnet-9');
    expect(made.targets(model)).toMatchObject([{ upstream: 'anthropic', modelId: 'claude-sonnet-9' }]);
    expect(model).toMatchObject({
      endpoints: [{ protocol: 'anthropic-messages' }],
      sampling: 'none',
      maxOutput: Number.POSITIVE_INFINITY,
      price: null,
    });
  });

  it('of Claude is not found without the Anthropic API', () => {
    expect(refusal({ upstreams: ['bedrock', 'bedrock-converse'] }, 'claude-sonnet-9').status).toBe(404);
  });

  it.each([
    ['gpt-4o', undefined],
    ['nova-lit', 'nova-lite'],
    ['claude_4-5-sonnet', 'claude-4-5-sonnet'],
    ['anthropic.claude-haiku-4-6-v1:0', 'claude-haiku-4-5'],
    ['Nova-Pro', 'nova-pro'],
  ])('%s is a 404 that names close matches', (id, close) => {
    const error = refusal({}, id);
    expect(error).toMatchObject({
      status: 404,
      type: 'invalid_request_error',
      code: 'model_not_found',
      param: 'model',
    });
    expect(error.message).toContain(`'${id}'`);
    if (close !== undefined) expect(error.message).toContain(close);
    expect(error.headers['x-should-retry']).toBe('false');
  });

  it.each(['__proto__', 'constructor', 'toString', ''])('%j is no way into an object', (id) => {
    expect(refusal({}, id).status).toBe(404);
  });

  it('of any length does not stall the server or fill the answer', () => {
    const start = performance.now();
    const error = refusal({}, 'x'.repeat(1_000_000));
    expect(performance.now() - start).toBeLessThan(200);
    expect(error.message.length).toBeLessThan(500);
  });
});

describe('the inference profile follows the region', () => {
  it.each([
    { region: 'us-west-1', id: 'nova-lite', expected: 'us.amazon.nova-lite-v1:0' },
    { region: 'us-west-2', id: 'nova-lite', expected: 'amazon.nova-lite-v1:0' },
    { region: 'us-west-2', id: 'nova-pro', expected: 'us.amazon.nova-pro-v1:0' },
    { region: 'eu-west-2', id: 'nova-pro', expected: 'amazon.nova-pro-v1:0' },
    { region: 'us-east-1', id: 'nova-2-lite', expected: 'us.amazon.nova-2-lite-v1:0' },
    {
      region: 'us-east-1',
      id: 'claude-4-5-sonnet',
      expected: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    },
    { region: 'us-east-1', id: 'claude-opus-4-7', expected: 'anthropic.claude-opus-4-7' },
    { region: 'eu-west-2', id: 'claude-sonnet-4-6', expected: 'anthropic.claude-sonnet-4-6' },
    { region: 'eu-west-1', id: 'claude-sonnet-4-6', expected: 'eu.anthropic.claude-sonnet-4-6' },
    { region: 'ca-central-1', id: 'nova-pro', expected: 'us.amazon.nova-pro-v1:0' },
    { region: 'ap-southeast-6', id: 'claude-sonnet-5-5', expected: 'au.anthropic.claude-sonnet-5-5' },
    { region: 'us-gov-west-1', id: 'nova-pro', expected: 'amazon.nova-pro-v1:0' },
    {
      region: 'us-gov-west-1',
      id: 'claude-sonnet-5-5',
      expected: 'anthropic.claude-sonnet-5-5',
    },
    { region: 'me-south-1', id: 'claude-sonnet-5-5', expected: 'global.anthropic.claude-sonnet-5-5' },
    { region: 'eu-central-1', id: 'nova-lite', expected: 'eu.amazon.nova-lite-v1:0' },
    { region: 'ap-southeast-1', id: 'nova-lite', expected: 'apac.amazon.nova-lite-v1:0' },
    { region: 'ca-central-1', id: 'nova-lite', expected: 'ca.amazon.nova-lite-v1:0' },
    { region: 'sa-east-1', id: 'nova-lite', expected: 'amazon.nova-lite-v1:0' },
    {
      region: 'ap-northeast-1',
      id: 'claude-4-5-haiku',
      expected: 'anthropic.claude-haiku-4-5-20251001-v1:0',
    },
    {
      region: 'ap-northeast-1',
      id: 'claude-4-5-sonnet',
      expected: 'jp.anthropic.claude-sonnet-4-5-20250929-v1:0',
    },
    {
      region: 'ap-northeast-3',
      id: 'claude-4-5-haiku',
      expected: 'jp.anthropic.claude-haiku-4-5-20251001-v1:0',
    },
    {
      region: 'ap-southeast-2',
      id: 'claude-4-5-haiku',
      expected: 'au.anthropic.claude-haiku-4-5-20251001-v1:0',
    },
    { region: 'ap-south-1', id: 'claude-4-5-haiku', expected: 'in.anthropic.claude-haiku-4-5-20251001-v1:0' },
    {
      region: 'ap-northeast-2',
      id: 'claude-4-5-haiku',
      expected: 'global.anthropic.claude-haiku-4-5-20251001-v1:0',
    },
    {
      region: 'sa-east-1',
      id: 'claude-4-5-haiku',
      expected: 'global.anthropic.claude-haiku-4-5-20251001-v1:0',
    },
    {
      region: 'ap-northeast-1',
      id: 'claude-4-sonnet',
      expected: 'apac.anthropic.claude-sonnet-4-20250514-v1:0',
    },
    { region: 'eu-west-1', id: 'claude-3-7-sonnet', expected: 'anthropic.claude-3-7-sonnet-20250219-v1:0' },
  ])('$id in $region', ({ region, id, expected }) => {
    expect(
      ask({ region, upstreams: ['bedrock', 'bedrock-converse'] }, id).map((each) => each.split(' ')[1]),
    ).toEqual([expected]);
  });

  const elsewhere = { region: 'sa-east-1', upstreams: ['bedrock', 'bedrock-converse'] } as const;

  it('never leads to a global profile where the operator forbids that: the region answers for itself', () => {
    expect(ask({ ...elsewhere, allowGlobal: false }, 'claude-4-5-haiku')).toEqual([
      'bedrock anthropic.claude-haiku-4-5-20251001-v1:0',
    ]);
  });

  it('is as MODELS_FILE says, the regions of the bare id included', () => {
    const overrides = parseModelsFile([
      {
        id: 'nova-lite',
        ids: { 'bedrock-converse': { id: 'amazon.nova-lite-v1:0', regions: ['sa-east-1'] } },
      },
    ]);
    expect(ask({ ...elsewhere, overrides }, 'nova-lite')).toEqual(['bedrock-converse amazon.nova-lite-v1:0']);
  });

  const departing = (given: Given) =>
    catalogue(given)
      .warnings()
      .find((each) => each.startsWith('Bedrock may'));

  it.each([
    {
      name: 'the global profile',
      region: 'eu-central-1',
      named: ['claude-fable-5-2'],
      not: ['claude-4-5-haiku', 'nova-lite'],
      // What would keep requests at home.
      advice: true,
    },
    {
      name: 'a neighbour’s profile',
      region: 'ca-central-1',
      named: ['nova-pro'],
      not: ['nova-lite'],
      advice: false,
    },
    {
      name: 'a neighbour’s profile, the global ones being off',
      region: 'ca-central-1',
      allowGlobal: false,
      named: ['nova-pro'],
      not: ['nova-lite'],
      advice: false,
    },
  ])('is told at start where it may leave the geography by $name', ({ named, not, advice, ...given }) => {
    const warning = departing(given);
    expect(warning).toContain(given.region);
    expect(warning?.includes('BEDROCK_GLOBAL=off')).toBe(advice);
    for (const id of named) expect(warning).toContain(id);
    for (const id of not) expect(warning).not.toContain(id);
  });

  it('is not told where all stays, where that is forbidden, or without Bedrock', () => {
    expect(departing({ region: 'us-east-1' })).toBeUndefined();
    expect(departing({ region: 'eu-central-1', allowGlobal: false })).toBeUndefined();
    expect(departing({ region: 'eu-central-1', upstreams: ['anthropic'] })).toBeUndefined();
  });
});

// Behaviour 10.2
describe('retirement', () => {
  it('moves an upstream that has retired the model to the end, without dropping it: dates can be wrong', () => {
    expect(ask({}, 'claude-4-sonnet').map((each) => each.split(' ')[0])).toEqual(['bedrock', 'anthropic']);
    expect(ask({ upstreams: ['anthropic'] }, 'claude-4-sonnet')).toHaveLength(1);
    expect(ask({ day: '2026-06-14' }, 'claude-4-sonnet').map((each) => each.split(' ')[0])).toEqual([
      'anthropic',
      'bedrock',
    ]);
  });

  it.each([
    { name: 'more than 60 days away', day: '2026-09-30', expected: undefined },
    { name: 'within 60 days', day: '2026-10-02', expected: '2026-11-30' },
    { name: 'over', day: '2026-12-24', expected: '2026-11-30' },
  ])('is announced in replies: $name', ({ day, expected }) => {
    const made = catalogue({ day });
    const ends = Object.fromEntries(
      made.targets(made.resolve('claude-4-5-sonnet')).map((target) => [target.upstream, made.sunset(target)]),
    );
    expect(ends).toEqual({ anthropic: expected, bedrock: undefined });
  });

  it('is warned of at start, with the setting that helps', () => {
    const [warning = '', ...others] = catalogue().warnings();
    expect(others).toEqual([]);
    expect(warning).toMatch(/claude-4-5-sonnet \(anthropic 2026-11-30\)/);
    expect(warning).toMatch(/claude-3-5-haiku \(anthropic 2026-02-19, bedrock 2026-06-19\)/);
    expect(warning).toMatch(/MODEL_ALIASES=(\S+,)?claude-4-5-sonnet=claude-sonnet-5-5[ ,]/);
    expect(warning).not.toMatch(/4-5-haiku|nova/);
  });

  it('is no news at an upstream that could not serve the model in this region anyway', () => {
    const given = { region: 'eu-central-1', upstreams: ['bedrock', 'bedrock-converse'] } as const;
    expect(
      catalogue(given)
        .warnings()
        .filter((each) => each.startsWith('Retired')),
    ).toEqual([]);
    expect(
      catalogue({ ...given, region: 'us-east-1' })
        .warnings()
        .join(),
    ).toContain('claude-3-7-sonnet');
  });

  it('is not warned of where the upstream is not configured', () => {
    expect(catalogue({ upstreams: ['bedrock-converse'] }).warnings()).toEqual([]);
  });

  it('is not warned of any more once the operator has done what the warning says', () => {
    const [warning] = catalogue({ aliases: { 'claude-4-5-sonnet': 'claude-sonnet-5-5' } }).warnings();
    expect(warning).not.toContain('claude-4-5-sonnet');
    expect(warning).toContain('claude-4-sonnet');
  });
});

describe('MODEL_ALIASES', () => {
  const aliases = {
    'claude-4-5-sonnet': 'claude-sonnet-5-5',
    'gpt-4o': 'claude-4-5-haiku',
    next: 'claude-sonnet-9',
  };

  it.each([
    ['claude-4-5-sonnet', 'claude-sonnet-5-5'],
    ['gpt-4o', 'claude-4-5-haiku'],
    ['next', 'claude-sonnet-9'],
  ])('%s is served by %s', (name, id) => {
    expect(catalogue({ aliases }).resolve(name).id).toBe(id);
  });

  it('are shown with the model they point to', () => {
    const made = catalogue({ aliases });
    expect(made.aliases(made.resolve('claude-4-5-haiku'))).toContain('gpt-4o');
  });

  it('that point nowhere stop the start, naming both', () => {
    expect(() => catalogue({ aliases: { a: 'gpt-4o' } })).toThrow(ConfigError);
    expect(() => catalogue({ aliases: { a: 'gpt-4o' } })).toThrow(/'a'.*'gpt-4o'/);
  });
});

describe('MODELS_FILE', () => {
  const withFile = (rows: unknown, given: Given = {}) =>
    catalogue({ ...given, overrides: parseModelsFile(rows) });

  it('changes facts of a row and leaves the rest', () => {
    const model = withFile([{ id: 'nova-lite', maxOutput: 5000 }]).resolve('nova-lite');
    expect(model).toMatchObject({
      maxOutput: 5000,
      contextWindow: 300_000,
      aliases: ['amazon-nova-lite', 'amazon.nova-lite-v1:0'],
    });
  });

  it('can say whatever a row says: thinking, tags, what forcing needs, the price of long prompts', () => {
    const thinking = { accepts: ['budget'], off: 'no', byDefault: true, display: 'omitted', efforts: [] };
    const price = {
      ...{ input: 1, output: 2, cacheRead: 0.1 },
      long: { above: 200_000, input: 2, output: 4, cacheRead: 0.2 },
    };
    const made = withFile([
      { id: 'claude-sonnet-5', thinking, price },
      {
        id: 'nova-2-lite',
        endpoints: [
          {
            provider: 'bedrock',
            protocol: 'bedrock-converse',
            id: 'amazon.nova-2-lite-v1:0',
            profiles: ['us'],
            quirks: { tag: 'thinking', forcingNeedsThinkingOff: true },
          },
        ],
      },
    ]);
    expect(made.resolve('claude-sonnet-5')).toMatchObject({ thinking, price });
    expect(made.targets(made.resolve('nova-2-lite'))).toMatchObject([
      {
        upstream: 'bedrock-converse',
        modelId: 'us.amazon.nova-2-lite-v1:0',
        // What the entry does not say stays.
        endpoint: { quirks: { tag: 'thinking', forcingNeedsThinkingOff: true, callIds: 'wide' } },
      },
    ]);
  });

  const asked = (made: Catalogue, id: string) => made.targets(made.resolve(id)).map(({ modelId }) => modelId);

  it('has the endpoints that it lists asked in its order, whatever the order of the upstreams', () => {
    const endpoints = [
      { provider: 'bedrock', protocol: 'anthropic-messages', id: 'first', profiles: [] },
      { provider: 'anthropic', protocol: 'anthropic-messages', id: 'second' },
      { provider: 'bedrock', protocol: 'anthropic-messages', id: 'third', profiles: [] },
    ];
    const rows = [{ id: 'claude-4-5-haiku', endpoints }];
    for (const upstreams of [everything, ['bedrock', 'anthropic']] as const) {
      expect(asked(withFile(rows, { upstreams }), 'claude-4-5-haiku')).toEqual(['first', 'second', 'third']);
    }
    expect(asked(withFile(rows, { upstreams: ['anthropic'] }), 'claude-4-5-haiku')).toEqual(['second']);
  });

  it('leaves the order of the upstreams as it is where it gives their ids alone', () => {
    const ids = { bedrock: { id: 'first' }, anthropic: 'second' };
    const rows = [{ id: 'claude-4-5-haiku', ids }];
    const given = { upstreams: ['bedrock', 'anthropic'] } as const;
    expect(asked(withFile(rows, given), 'claude-4-5-haiku')).toEqual(['first', 'second']);
    expect(asked(withFile(rows), 'claude-4-5-haiku')).toEqual(['second', 'first']);
  });

  it('leaves out the endpoints of a row that its list does not name', () => {
    const made = withFile([
      {
        id: 'claude-sonnet-5',
        endpoints: [
          {
            provider: 'bedrock',
            protocol: 'anthropic-messages',
            id: 'anthropic.claude-sonnet-5',
            regions: ['eu-west-1'],
          },
        ],
      },
    ]);
    expect(made.resolve('claude-sonnet-5').endpoints).toMatchObject([
      { provider: 'bedrock', regions: ['eu-west-1'], quirks: { forcingNeedsThinkingOff: true } },
    ]);
  });

  it('adds a row like another one, under its own ids and without its aliases', () => {
    const made = withFile([
      {
        id: 'my-claude',
        like: 'claude-4-5-haiku',
        ids: { bedrock: 'arn:aws:bedrock:us-east-1:1:inference-profile/x' },
      },
    ]);
    expect(made.targets(made.resolve('my-claude'))).toMatchObject([
      { upstream: 'bedrock', modelId: 'arn:aws:bedrock:us-east-1:1:inference-profile/x' },
    ]);
    expect(made.resolve('claude-haiku-4-5').id).toBe('claude-4-5-haiku');
  });

  it('may build on a row it has added', () => {
    const made = withFile([
      { id: 'a', like: 'nova-lite', maxOutput: 7 },
      { id: 'b', like: 'a' },
    ]);
    expect(made.resolve('b').maxOutput).toBe(7);
  });

  it.each([
    { name: 'no list', rows: {}, says: /array/ },
    { name: 'an unknown fact', rows: [{ id: 'nova-lite', maxOutputs: 5 }], says: /maxOutputs/ },
    {
      name: 'a value of the wrong type',
      rows: [{ id: 'nova-lite', maxOutput: '5' }],
      says: /\[0\.maxOutput\]/,
    },
    { name: 'a new row like nothing known', rows: [{ id: 'new' }], says: /new: needs "like"/ },
    {
      name: 'a date that is none',
      rows: [
        {
          id: 'nova-lite',
          endpoints: [{ provider: 'bedrock', protocol: 'bedrock-converse', id: 'x', retires: 'soon' }],
        },
      ],
      says: /retires/,
    },
    {
      name: 'profiles where there are none',
      rows: [{ id: 'claude-opus-5', ids: { anthropic: { id: 'x', profiles: ['us'] } } }],
      says: /\[0\.ids\.anthropic\] must be the id alone/,
    },
    {
      name: 'what is no list',
      rows: { id: 'nova-lite' },
      says: /^Invalid input: expected array/,
    },
    {
      name: 'a fact that is a quirk of the endpoints now',
      rows: [{ id: 'nova-lite', maxImages: 5 }],
      says: /'maxImages' is now endpoints\[\]\.quirks\.media\.images/,
    },
    {
      name: 'part of a token',
      rows: [{ id: 'nova-lite', maxOutput: 0.5 }],
      says: /\[0\.maxOutput\]/,
    },
    {
      name: 'an end of the model, which each endpoint has of its own now',
      rows: [{ id: 'nova-lite', lifecycle: { status: 'active', retires: { bedrock: '2027-01-01' } } }],
      says: /'retires' is now endpoints\[\]\.retires/,
    },
    {
      name: 'a protocol that the provider does not speak',
      rows: [
        {
          id: 'x',
          like: 'nova-lite',
          endpoints: [{ provider: 'anthropic', protocol: 'bedrock-converse', id: 'x' }],
        },
      ],
      says: /\[0\.endpoints\.0\.protocol\].*anthropic/,
    },
  ])('with $name is refused in plain words', ({ rows, says }) => {
    expect(() => parseModelsFile(rows)).toThrow(says);
  });
});

// Behaviour 10.3
describe('the list', () => {
  it('holds what the configured upstreams can be asked for, and nothing else', () => {
    const ids = (upstreams: readonly UpstreamName[]) =>
      catalogue({ upstreams })
        .list()
        .map((model) => model.id);
    expect(ids(everything)).toEqual(expect.arrayContaining(documented));
    expect(ids(['anthropic'])).not.toContain('nova-lite');
    expect(ids(['bedrock-converse'])).toEqual([
      'nova-pro',
      'nova-lite',
      'nova-micro',
      'nova-2-lite',
      'nova-2-pro',
    ]);
    expect(ids([])).toEqual([]);
  });

  it('shows an id that was pointed elsewhere with the facts of the model that answers to it', () => {
    const made = catalogue({ aliases: { 'claude-4-5-sonnet': 'claude-sonnet-5-5' } });
    const listed = made.list().find((model) => model.id === 'claude-4-5-sonnet');
    expect(listed).toMatchObject({ sampling: 'none', lifecycle: { status: 'active' } });
    expect(listed?.contextWindow).toBe(made.resolve('claude-4-5-sonnet').contextWindow);
  });

  it('names each model once', () => {
    const ids = catalogue({ aliases: { x: 'nova-lite' } })
      .list()
      .map((model) => model.id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
