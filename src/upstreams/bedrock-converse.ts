/** Amazon Bedrock's Converse API, plain and streaming. */

import type { Opened, OpenOptions, ReadBatch, Upstream } from '../adapters/adapter.ts';
import type { ConverseEvent, ConverseMessage, ConverseRequest } from '../adapters/nova/wire.ts';
import { type Bedrock, createEventStreamReader, modelPath, readRefusal } from './aws.ts';
import { type Asked, notTheProtocol } from './failures.ts';
import type { Frame } from './frames.ts';
import { parseJson, toPayload } from './http.ts';
import { parseAll } from './json.ts';

/** `{contentBlockDelta: {...}}`, as the SDK would hand it out. */
const readFrames =
  ({ origin }: Asked) =>
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

const ask = async (
  bedrock: Bedrock,
  payload: Buffer,
  { modelId, stream, cancellation }: OpenOptions,
): Promise<Opened<ConverseMessage, ConverseEvent>> => {
  const path = modelPath(modelId, stream ? 'converse-stream' : 'converse');
  const accept = stream ? 'application/vnd.amazon.eventstream' : 'application/json';
  const response = await bedrock.post('bedrock-converse', path, payload, accept, cancellation);
  const { origin } = response;
  const asked = { origin, modelId };
  if (response.status !== 200) throw await readRefusal(response, asked);
  if (stream)
    return { origin, pieces: response.body, read: createEventStreamReader(asked, readFrames(asked)) };
  const message = parseJson(await response.body.whole());
  if (!isConverseMessage(message)) throw notTheProtocol(origin);
  return { origin, message };
};

export const createBedrockConverse = (
  bedrock: Bedrock,
): Upstream<ConverseRequest, ConverseMessage, ConverseEvent> => ({
  name: 'bedrock-converse',
  open: (request, options) => ask(bedrock, toPayload(request, options.texts), options),
  close: bedrock.close,
});
