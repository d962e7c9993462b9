import { claudeModels, isOver, type Model, novaModels } from '../models.ts';
import { refuseAws } from '../refusal.ts';
import { withheld } from './withheld.ts';

const models: readonly Model[] = [...claudeModels, ...novaModels];

const partsOf = (arn: string): readonly string[] => arn.split(':').slice(5).join(':').split('/');
const kindOf = (id: string): string | undefined => (id.startsWith('arn:') ? partsOf(id)[0] : undefined);

/** The part of an ARN that names a model; an application profile hides it, unless its name happens to tell. */
const fromArn = (id: string): string => {
  const [kind, name = ''] = partsOf(id);
  if (kind !== 'application-inference-profile') return name;
  return name.includes('nova') ? 'us.amazon.nova-lite-v1:0' : 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
};

/** Finds the model an id in the path means, or refuses it in AWS's words. */
export const findBedrock = (id: string, region: string, now: number): Model => {
  const name = id.startsWith('arn:') ? fromArn(id) : id;
  const [, prefix, base] = /^(?:(us-gov|us|eu|apac|jp|au|ca|in|global)\.)?(.+)$/.exec(name) ?? [];
  const model = models.find((candidate) => candidate.bedrockId === base);
  if (model === undefined || (prefix !== undefined && !model.profiles.includes(prefix))) {
    return refuseAws('The provided model identifier is invalid.');
  }
  if (isOver(model.bedrockRetires, now)) {
    throw withheld('end-of-life');
  }
  const isOnDemand = model.onDemand === 'everywhere' || model.onDemand.includes(region);
  if (prefix === undefined && !isOnDemand && kindOf(id) !== 'application-inference-profile') {
    refuseAws(
      `Invocation of model ID ${id} with on-demand throughput isn't supported. Retry your request with the ID or ARN of an inference profile that contains this model.`,
    );
  }
  return model;
};
