import { Refusal } from '../refusal.ts';

/** Why AWS does not serve a model to an account, in AWS's words. */
const refusals = {
  'use-case-form': [
    404,
    'ResourceNotFoundException',
    'Model use case details have not been submitted for this account. Fill out the Anthropic use case details form before using the model. If you have already filled out the form, try again in 15 minutes.',
  ],
  legacy: [
    404,
    'ResourceNotFoundException',
    'Access denied. This Model is marked by provider as Legacy and you have not been actively using the model in the last 30 days. Please upgrade to an active model on Amazon Bedrock',
  ],
  'end-of-life': [
    404,
    'ResourceNotFoundException',
    'This model version has reached the end of its life. Please refer to the AWS documentation for more details.',
  ],
  'data-retention': [
    400,
    'ValidationException',
    "data retention mode 'default' is not available for this model",
  ],
  operation: [
    400,
    'ValidationException',
    "This action doesn't support the model that you provided. Try again with a supported text or chat model.",
  ],
} satisfies Record<string, readonly [status: number, type: string, message: string]>;

export type Withheld = keyof typeof refusals;

export const isWithheld = (reason: string): reason is Withheld => Object.hasOwn(refusals, reason);

export const withheld = (reason: Withheld): Refusal => new Refusal(...refusals[reason]);
