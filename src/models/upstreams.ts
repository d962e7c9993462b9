/** Where models can be asked: each a provider spoken to in a protocol. A further one is a row here. */

interface UpstreamRow {
  /** Who runs it: a credential and an address (providers/registry.ts). */
  readonly provider: string;
  /** How it is spoken to: an adapter (adapters/protocols.ts). */
  readonly protocol: string;
  /** Whether the id that is asked for depends on the region. */
  readonly hasRegions: boolean;
  /** What serves its models, with the settings to make. */
  readonly needs: string;
}

/** By the name that settings, headers, log and metrics have for it. */
export const upstreams = {
  anthropic: {
    provider: 'anthropic',
    protocol: 'anthropic-messages',
    hasRegions: false,
    needs: 'the Anthropic API (ANTHROPIC_API_KEY; CLAUDE_UPSTREAMS, if set, has to name anthropic)',
  },
  bedrock: {
    provider: 'bedrock',
    protocol: 'anthropic-messages',
    hasRegions: true,
    needs: 'Amazon Bedrock (AWS_REGION and AWS credentials; CLAUDE_UPSTREAMS, if set, has to name bedrock)',
  },
  'bedrock-converse': {
    provider: 'bedrock',
    protocol: 'bedrock-converse',
    hasRegions: true,
    needs: 'Amazon Bedrock (AWS_REGION and AWS credentials)',
  },
} as const satisfies Record<string, UpstreamRow>;

export type KnownUpstream = keyof typeof upstreams;
type Row = (typeof upstreams)[KnownUpstream];
export type Provider = Row['provider'];
export type Protocol = Row['protocol'];

export const upstreamNames = Object.keys(upstreams) as readonly KnownUpstream[];

const different = <Value>(values: readonly Value[]) =>
  [...new Set(values)] as unknown as readonly [Value, ...Value[]];

export const providers = different<Provider>(Object.values(upstreams).map(({ provider }) => provider));
export const protocols = different<Protocol>(Object.values(upstreams).map(({ protocol }) => protocol));

interface Kind {
  readonly provider: Provider;
  readonly protocol: Protocol;
}

/** Undefined where the provider does not speak the protocol. */
export const findUpstream = ({ provider, protocol }: Kind): KnownUpstream | undefined =>
  upstreamNames.find(
    (name) => upstreams[name].provider === provider && upstreams[name].protocol === protocol,
  );

export const upstreamOf = (kind: Kind): KnownUpstream => {
  const name = findUpstream(kind);
  if (name === undefined) throw new Error(`'${kind.provider}' does not speak '${kind.protocol}'.`);
  return name;
};

export const hasRegions = (kind: Kind): boolean => upstreams[upstreamOf(kind)].hasRegions;

/** Sorted by their upstreams' places among `names`; several at one upstream stay as they stand. */
export const inOrder = <Place extends Kind>(
  places: readonly Place[],
  names: readonly string[],
): readonly Place[] =>
  [...places].sort((one, other) => names.indexOf(upstreamOf(one)) - names.indexOf(upstreamOf(other)));
