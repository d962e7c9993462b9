import { claudeModels, isOver, type Model, novaModels } from '../models.ts';
import { Refusal, refuseAws } from '../refusal.ts';

const models: readonly Model[] = [...claudeModels, ...novaModels];

/** The part of an ARN that names a model; an application profile hides it, unless its name happens to tell. */
const fromArn = (id: string): string => {
  const [kind, name = ''] = id.split(':').slice(5).join(':').split('/');
  if (kind !== 'application-inference-profile') return name;
  return name.includes('nova') ? 'us.amazon.nova-lite-v1:0' : 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
};

/** Finds the model an id in the path means, or refuses it in AWS's words. */
export const findBedrock = (id: string, now: number): Model => {
  const name = id.startsWith('arn:') ? fromArn(id) : id;
  const [, prefix, base] = /^(?:(us|eu|apac|jp|au|ca|in|global)\.)?(.+)$/.exec(name) ?? [];
  const model = models.find((candidate) => candidate.bedrockId === base);
  if (model === undefined || (prefix !== undefined && !model.profiles.includes(prefix))) {
    return refuseAws('The provided model identifier is invalid.');
  }
  if (isOver(model.bedrockRetires, now)) {
    throw new Refusal(
      404,
      'ResourceNotFoundException',
      'This model version has reached the end of its life. Please refer to the AWS documentation for more details.',
    );
  }
  if (prefix === undefined && !model.onDemand && !id.startsWith('arn:')) {
    refuseAws(
      `Invocation of model ID ${id} with on-demand throughput isn't supported. Retry your request with the ID or ARN of an inference profile that contains this model.`,
    );
  }
  return model;
};
