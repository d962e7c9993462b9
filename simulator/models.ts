/**
 * What each model accepts. The simulator keeps its own table on purpose: it judges the server, so it must not
 * share the server's mistakes.
 */
export type Effort = 'low' | 'medium' | 'high' | 'xhigh' | 'max';

export interface ClaudeModel {
  readonly family: 'claude';
  readonly id: string;
  readonly aliases: readonly string[];
  readonly bedrockId: string;
  readonly profiles: readonly string[];
  /** Regions in which the bare Bedrock id answers on demand; elsewhere only an inference profile does. */
  readonly onDemand: readonly string[] | 'everywhere';
  readonly context: number;
  readonly maxOutput: number;
  readonly images: number;
  readonly budget: boolean;
  readonly adaptive: boolean;
  readonly betweenTools: boolean;
  readonly disabled: 'yes' | 'no' | 'up to high';
  readonly thinksByDefault: boolean;
  readonly display: 'summarized' | 'omitted';
  readonly effort: readonly Effort[];
  readonly sampling: 'both' | 'one' | 'none';
  readonly forcedTool: boolean;
  readonly schema: { readonly api: boolean; readonly bedrock: boolean };
  readonly prefill: boolean;
  /** 4.7 and later: takes `2026-10-21` on Bedrock, refuses sampling everywhere. */
  readonly modern: boolean;
  readonly midSystem: boolean;
  readonly cacheMinimum: number;
  /** For whom a thinking block has to stand behind what it was made after. */
  readonly binds: 'never' | 'new accounts' | 'always';
  /** Blocks of other accounts are dropped at the API too; at Bedrock they are for every model that binds. */
  readonly accountBound: boolean;
  /** Ids of models whose blocks it reads beside its own; undefined: all that are older. */
  readonly reads?: RegExp;
  /** Gone from the Claude API, from Bedrock, at this date. */
  readonly retires?: string;
  readonly bedrockRetires?: string;
}

export interface NovaModel {
  readonly family: 'nova';
  readonly id: string;
  readonly bedrockId: string;
  readonly profiles: readonly string[];
  readonly onDemand: readonly string[] | 'everywhere';
  readonly context: number;
  readonly maxOutput: number;
  readonly media: boolean;
  readonly reasoning: boolean;
  readonly thinkingTags: boolean;
  readonly cacheMinimum: number;
  readonly bedrockRetires?: string;
}

export type Model = ClaudeModel | NovaModel;

type Facts = Omit<ClaudeModel, 'family' | 'id' | 'aliases' | 'bedrockId' | 'profiles'>;

const older: Facts = {
  onDemand: [],
  context: 200_000,
  maxOutput: 64_000,
  images: 100,
  budget: true,
  adaptive: false,
  betweenTools: false,
  disabled: 'yes',
  thinksByDefault: false,
  display: 'summarized',
  effort: [],
  sampling: 'one',
  forcedTool: true,
  schema: { api: true, bedrock: true },
  prefill: true,
  modern: false,
  midSystem: false,
  cacheMinimum: 1024,
  binds: 'never',
  accountBound: false,
};
const version35: Facts = {
  ...older,
  onDemand: 'everywhere',
  maxOutput: 8192,
  budget: false,
  sampling: 'both',
  schema: { api: false, bedrock: false },
};
const version4: Facts = { ...older, sampling: 'both', schema: { api: false, bedrock: false } };
const version46: Facts = {
  ...older,
  context: 1_000_000,
  maxOutput: 128_000,
  images: 600,
  adaptive: true,
  effort: ['low', 'medium', 'high', 'max'],
  prefill: false,
};
const version47: Facts = {
  ...version46,
  budget: false,
  display: 'omitted',
  effort: ['low', 'medium', 'high', 'xhigh', 'max'],
  sampling: 'none',
  schema: { api: true, bedrock: false },
  modern: true,
};
const version5: Facts = { ...version47, thinksByDefault: true };
const fable: Facts = { ...version5, disabled: 'no', midSystem: true };
const version55: Facts = { ...fable, forcedTool: false, binds: 'new accounts' };

const ofOpus55 = /^claude-(?!fable|haiku-5-5|opus-5-5)/;
const ofSonnet55 = /^claude-(?!fable|haiku-5-5|opus-5|sonnet-5-5)/;
const ofFable51 = /^claude-(?!fable-5-|haiku-5-5|sonnet-5-5)/;
const ofNone = /^(?!)/;

type Row = [id: string, bedrock: string, profiles: string, facts: Facts, aliases?: string];

/** The few in which newer Claude models can be asked for without a profile (AWS, regional availability). */
const fourRegions = ['us-east-1', 'eu-north-1', 'eu-west-1', 'ap-southeast-4'];

const rows: Row[] = [
  [
    'claude-3-5-sonnet-20241022',
    'claude-3-5-sonnet-20241022-v2:0',
    'us apac',
    { ...version35, onDemand: [], retires: '2025-10-28', bedrockRetires: '2026-07-30' },
    'claude-3-5-sonnet-latest',
  ],
  [
    'claude-3-5-sonnet-20240620',
    'claude-3-5-sonnet-20240620-v1:0',
    'us',
    { ...version35, maxOutput: 4096, retires: '2025-10-28', bedrockRetires: '2026-07-30' },
  ],
  [
    'claude-3-5-haiku-20241022',
    'claude-3-5-haiku-20241022-v1:0',
    'us',
    { ...version35, cacheMinimum: 2048, retires: '2026-02-19', bedrockRetires: '2026-06-19' },
    'claude-3-5-haiku-latest',
  ],
  [
    'claude-3-7-sonnet-20250219',
    'claude-3-7-sonnet-20250219-v1:0',
    'us apac',
    { ...version4, onDemand: ['eu-west-2'], retires: '2026-02-19', bedrockRetires: '2026-07-30' },
    'claude-3-7-sonnet-latest',
  ],
  [
    'claude-sonnet-4-20250514',
    'claude-sonnet-4-20250514-v1:0',
    'us eu apac global',
    { ...version4, retires: '2026-06-15' },
    'claude-sonnet-4-0',
  ],
  [
    'claude-opus-4-20250514',
    'claude-opus-4-20250514-v1:0',
    'us',
    { ...version4, maxOutput: 32_000, retires: '2026-06-15' },
    'claude-opus-4-0',
  ],
  [
    'claude-opus-4-1-20250805',
    'claude-opus-4-1-20250805-v1:0',
    'us',
    { ...older, maxOutput: 32_000, retires: '2026-08-05', bedrockRetires: '2027-01-08' },
    'claude-opus-4-1',
  ],
  [
    'claude-sonnet-4-5-20250929',
    'claude-sonnet-4-5-20250929-v1:0',
    'us eu jp au global',
    { ...older, retires: '2026-11-30' },
    'claude-sonnet-4-5',
  ],
  [
    'claude-haiku-4-5-20251001',
    'claude-haiku-4-5-20251001-v1:0',
    'us eu jp au in global',
    { ...older, onDemand: [...fourRegions, 'ap-northeast-1'], cacheMinimum: 4096 },
    'claude-haiku-4-5',
  ],
  [
    'claude-opus-4-5-20251101',
    'claude-opus-4-5-20251101-v1:0',
    'us eu global',
    { ...older, effort: ['low', 'medium', 'high'], cacheMinimum: 4096 },
    'claude-opus-4-5',
  ],
  [
    'claude-opus-4-6',
    'claude-opus-4-6-v1',
    'us eu au global',
    { ...version46, onDemand: ['eu-west-2'], cacheMinimum: 4096 },
  ],
  ['claude-sonnet-4-6', 'claude-sonnet-4-6', 'us eu jp au global', { ...version46, onDemand: ['eu-west-2'] }],
  [
    'claude-opus-4-7',
    'claude-opus-4-7',
    'us eu jp au global',
    { ...version47, onDemand: fourRegions, cacheMinimum: 2048 },
  ],
  [
    'claude-opus-4-8',
    'claude-opus-4-8',
    'us eu jp au global',
    { ...version47, onDemand: [...fourRegions, 'ap-northeast-1'], midSystem: true },
  ],
  ['claude-sonnet-5', 'claude-sonnet-5', 'us eu jp au in global', { ...version5, onDemand: fourRegions }],
  [
    'claude-opus-5',
    'claude-opus-5',
    'us eu jp au in global',
    { ...version5, disabled: 'up to high', midSystem: true, cacheMinimum: 512 },
  ],
  ['claude-fable-5', 'claude-fable-5', 'us eu global', { ...fable, cacheMinimum: 512 }],
  ['claude-fable-5-1', 'claude-fable-5-1', 'us global', { ...version55, reads: ofFable51 }],
  ['claude-fable-5-2', 'claude-fable-5-2', 'us global', { ...version55, binds: 'always', reads: ofNone }],
  ['claude-opus-5-5', 'claude-opus-5-5', 'us eu jp au global', { ...version55, reads: ofOpus55 }],
  [
    'claude-sonnet-5-5',
    'claude-sonnet-5-5',
    'us eu au global',
    { ...version55, betweenTools: true, accountBound: true, reads: ofSonnet55 },
  ],
  [
    'claude-haiku-5-5',
    'claude-haiku-5-5',
    'us eu jp au global',
    {
      ...version5,
      disabled: 'up to high',
      midSystem: true,
      binds: 'new accounts',
      accountBound: true,
      reads: ofNone,
    },
  ],
];

export const claudeModels: readonly ClaudeModel[] = rows.map(([id, bedrock, profiles, facts, aliases]) => ({
  family: 'claude',
  id,
  aliases: aliases?.split(' ') ?? [],
  bedrockId: `anthropic.${bedrock}`,
  profiles: profiles.split(' '),
  ...facts,
}));

/**
 * Bedrock reads narrower sets, its own family's; unconfirmed, the stricter of two readings (reference, section 5).
 */
export const readsBlocksOf = (
  model: ClaudeModel,
  maker: string,
  via: 'api' | 'invoke' | 'converse',
): boolean => {
  if (maker === model.id) return true;
  const made = claudeModels.findIndex(({ id }) => id === maker);
  const own = claudeModels.findIndex(({ id }) => id === model.id);
  if (made < 0) return false;
  if (model.binds === 'never') return made < own && claudeModels[made]?.binds === 'never';
  const familyOf = (id: string) => /(opus|sonnet|haiku|fable)/.exec(id)?.[1];
  if (via !== 'api' && familyOf(maker) !== familyOf(model.id)) return false;
  return model.reads === undefined || model.reads.test(maker);
};

const novaRegions = ['us-east-1', 'eu-west-2', 'ap-southeast-2', 'ap-southeast-3', 'me-central-1'];

const nova = {
  family: 'nova',
  onDemand: 'everywhere',
  context: 300_000,
  maxOutput: 10_000,
  media: true,
  reasoning: false,
  thinkingTags: true,
  cacheMinimum: 1024,
} as const;
const nova2 = {
  ...nova,
  onDemand: [],
  context: 1_000_000,
  maxOutput: 65_535,
  reasoning: true,
  thinkingTags: false,
};

export const novaModels: readonly NovaModel[] = [
  {
    ...nova,
    id: 'nova-micro',
    bedrockId: 'amazon.nova-micro-v1:0',
    profiles: ['us', 'eu', 'apac'],
    context: 128_000,
    media: false,
  },
  {
    ...nova,
    id: 'nova-lite',
    bedrockId: 'amazon.nova-lite-v1:0',
    profiles: ['us', 'eu', 'apac', 'ca'],
    onDemand: [...novaRegions, 'us-east-2', 'us-west-2'],
  },
  {
    ...nova,
    id: 'nova-pro',
    bedrockId: 'amazon.nova-pro-v1:0',
    profiles: ['us', 'eu', 'apac'],
    onDemand: novaRegions,
  },
  {
    ...nova,
    id: 'nova-premier',
    bedrockId: 'amazon.nova-premier-v1:0',
    profiles: ['us'],
    onDemand: [],
    context: 1_000_000,
    bedrockRetires: '2026-09-14',
  },
  {
    ...nova2,
    id: 'nova-2-lite',
    bedrockId: 'amazon.nova-2-lite-v1:0',
    profiles: ['us', 'eu', 'jp', 'global'],
  },
  {
    ...nova2,
    id: 'nova-2-pro',
    bedrockId: 'amazon.nova-2-pro-preview-20251202-v1:0',
    profiles: ['us', 'eu', 'apac'],
  },
];

export const isOver = (date: string | undefined, now: number): boolean =>
  date !== undefined && now >= Date.parse(`${date}T00:00:00Z`);

export const findClaude = (id: string, now: number): ClaudeModel | undefined =>
  claudeModels.find(
    (model) => (model.id === id || model.aliases.includes(id)) && !isOver(model.retires, now),
  );
