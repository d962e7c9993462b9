/**
 * Reading the names that clients give models: providers' prefixes, Bedrock's ids and ARNs, dots in versions, both
 * orders of words. Behaviour 10.1. Which row a spelling belongs to is the catalogue's business.
 */

export interface ModelName {
  /** Under which the model may be known, likeliest first; never empty. */
  readonly spellings: readonly string[];
  /**
   * What Bedrock is to be asked for, to the letter: an ARN, or a base id in a geography. The client chose where its
   * request is processed, so nothing else may be asked.
   */
  readonly bedrockId?: string;
  /** A geography before a name that is not Bedrock's own: `us.claude-haiku-4-5`. */
  readonly geography?: string;
  /** Bedrock's own form of an id, which no other provider knows. */
  readonly isBedrockForm: boolean;
}

/** Longer names are none that anyone gave a model, and are not read: that has to stay short. */
export const longestName = 300;

/** LiteLLM, OpenRouter and the AI SDK's gateway put the provider's name before the model's; proxies in a row add up. */
const providerPrefix = /^(?:(?:anthropic|bedrock|amazon|openai)\/)+/i;
/** Claude Code's mark for the long context window. */
const windowSuffix = /\[1m\]$/i;
/** Of the other kinds of ARN nothing tells the model. */
const arn = /^arn:aws[a-z-]*:bedrock:[a-z0-9-]*:\d*:(?:foundation-model|inference-profile)\/(.+)$/;
const geographyPrefix = /^(us-gov|us|eu|apac|jp|au|ca|in|global)\.(.+)$/;
const makerPrefix = /^(?:anthropic|amazon)\./;
/** `-v1:0` of Bedrock's ids; OpenRouter leaves the colon out. */
const bedrockVersion = /-v\d+(?::\d+)?$/;

const withHyphens = (name: string): string => name.replace(/(?<=\d)\.(?=\d)/g, '-');

/** `claude-4-6-sonnet` for `claude-sonnet-4-6` and the other way round: Heroku has names in both orders. */
const otherOrder = (name: string): string | undefined => {
  const [, version, family, rest = ''] = /^claude-(\d+(?:-\d{1,2})?)-([a-z]+)(-.+)?$/.exec(name) ?? [];
  if (version !== undefined) return `claude-${family}-${version}${rest}`;
  const [, word, number, end = ''] = /^claude-([a-z]+)-(\d+(?:-\d{1,2})?)(-.+)?$/.exec(name) ?? [];
  return word === undefined ? undefined : `claude-${number}-${word}${end}`;
};

/** Reads the part of a name that is left without all prefixes. */
const spell = (name: string): readonly string[] => {
  const plain = withHyphens(name.replace(makerPrefix, ''));
  const base = plain.replace(bedrockVersion, '');
  const all = [name, plain, base, otherOrder(plain), otherOrder(base)];
  return [...new Set(all.filter((each) => each !== undefined))];
};

export const readModelName = (given: string): ModelName => {
  const name = given.replace(windowSuffix, '').replace(providerPrefix, '');
  const inArn = arn.exec(name)?.[1];
  const [, geography, rest = ''] = geographyPrefix.exec(inArn ?? name) ?? [];
  const base = geography === undefined ? (inArn ?? name) : rest;
  const isBedrockForm = makerPrefix.test(base);
  return {
    spellings: spell(base),
    isBedrockForm,
    ...(inArn !== undefined || (geography !== undefined && isBedrockForm)
      ? { bedrockId: name }
      : geography === undefined
        ? {}
        : { geography }),
  };
};
