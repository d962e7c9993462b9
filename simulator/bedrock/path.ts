import type { Upstream } from '../reply.ts';

const OPERATIONS = ['converse', 'converse-stream', 'invoke', 'invoke-with-response-stream'] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface ModelPath {
  readonly modelId: string;
  readonly operation: Operation;
}

const decode = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};

/** `/model/{id}/{operation}`; the id is one segment, its `:` and `/` escaped or the colon bare. */
export const modelPath = (path: string): ModelPath | undefined => {
  const [, id, name] = /^\/model\/([^/]+)\/([a-z-]+)(?:\?.*)?$/.exec(path) ?? [];
  const operation = OPERATIONS.find((known) => known === name);
  return id === undefined || operation === undefined ? undefined : { modelId: decode(id), operation };
};

export const bedrockUpstream = (path: string): Upstream =>
  modelPath(path)?.operation.startsWith('invoke') === true ? 'bedrock-invoke' : 'bedrock-converse';
