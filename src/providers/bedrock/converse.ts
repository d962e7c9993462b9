/** Amazon Bedrock's Converse API, plain and streaming. */

import type { ReadBatch, Upstream } from '../../adapters/adapter.ts';
import type {
  ConverseEvent,
  ConverseMessage,
  ConverseRequest,
} from '../../adapters/bedrock-converse/wire.ts';
import { notTheProtocol, type UpstreamCall } from '../errors.ts';
import { parseAll } from '../http/json.ts';
import { toPayload } from '../http/transport.ts';
import { type AnswerWire, type Bedrock, modelPath, readAnswer } from './bedrock.ts';
import type { Frame } from './frames.ts';

/** `{contentBlockDelta: {...}}`, as the SDK would hand it out. */
const readFrames =
  ({ origin }: UpstreamCall) =>
  (frames: readonly Frame[]): ReadBatch<ConverseEvent> => {
    const texts = frames.map(({ type, payload }) => `{${JSON.stringify(type)}:${payload.toString('utf8')}}`);
    const { events, broken } = parseAll(texts);
    return {
      events: events as readonly ConverseEvent[],
      failure: broken ? notTheProtocol(origin) : undefined,
    };
  };

const isConverseMessage = (value: unknown): value is ConverseMessage =>
  typeof value === 'object' && value !== null && 'output' in value && 'stopReason' in value;

const wire: AnswerWire<ConverseMessage, ConverseEvent> = {
  readPayloads: readFrames,
  isMessage: isConverseMessage,
};

export const createBedrockConverse = (
  bedrock: Bedrock,
): Upstream<ConverseRequest, ConverseMessage, ConverseEvent> => ({
  name: 'bedrock-converse',
  open: (request, options) => {
    const { modelId, stream, texts, cancellation } = options;
    const path = modelPath(modelId, stream ? 'converse-stream' : 'converse');
    const accept = stream ? 'application/vnd.amazon.eventstream' : 'application/json';
    const answering = bedrock.post('bedrock-converse', path, toPayload(request, texts), accept, cancellation);
    return readAnswer(answering, options, wire);
  },
});
