import type { PrefixCache } from '../cache.ts';
import { uuid } from '../ids.ts';
import { Refusal } from '../refusal.ts';
import type { Call, Reply } from '../reply.ts';
import { checkAws, signedRegion } from './auth.ts';
import { converse } from './converse.ts';
import { awsError } from './errors.ts';
import { invoke } from './invoke.ts';
import { findBedrock } from './model.ts';
import { modelPath } from './path.ts';

export { bedrockUpstream } from './path.ts';

interface Situation {
  readonly cache: PrefixCache;
  readonly now: () => number;
  readonly secret: string | undefined;
}

export const bedrockRequestId = (call: Call): string => uuid(`${call.path}\n${call.body.toString('utf8')}`);

const answer = (call: Call, situation: Situation, requestId: string): Reply => {
  const path = modelPath(call.path);
  if (path === undefined || call.method !== 'POST') {
    throw new Refusal(404, 'UnknownOperationException', 'Unknown operation');
  }
  checkAws(call, situation.secret);
  const model = findBedrock(path.modelId, signedRegion(call), situation.now());
  const stream = path.operation.endsWith('-stream');
  return path.operation.startsWith('invoke')
    ? invoke(call, model, stream, situation.cache, requestId)
    : converse(call, model, stream, situation.cache, requestId);
};

/** Bedrock's runtime, from bytes to bytes. */
export const bedrock = (call: Call, situation: Situation): Reply => {
  const requestId = bedrockRequestId(call);
  try {
    return answer(call, situation, requestId);
  } catch (error) {
    if (error instanceof Refusal) return awsError(error, requestId);
    throw error;
  }
};
