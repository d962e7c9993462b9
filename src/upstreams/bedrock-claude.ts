/**
 * Claude on Bedrock: the Messages body by InvokeModel. Model and streaming go into the path, the API
 * version into the body, and each event comes base64 inside a `chunk` frame.
 */

import type { Opened, OpenOptions, ReadBatch, Upstream } from '../adapters/adapter.ts';
import type { ApiVersion, ClaudeEvent, ClaudeMessage, ClaudeRequest } from '../adapters/claude/wire.ts';
import { isClaudeMessage, readClaudeEvents } from './anthropic.ts';
import { type Bedrock, createEventStreamReader, modelPath, readRefusal } from './aws.ts';
import { type Asked, notTheProtocol } from './failures.ts';
import type { Frame } from './frames.ts';
import { parseJson, toPayload } from './http.ts';
import { parseAll } from './json.ts';

/** The newer version is only known to Bedrock for the models that need it. */
const bedrockVersions = {
  '2023-06-01': 'bedrock-2023-05-31',
  '2026-10-21': '2026-10-21',
} satisfies Record<ApiVersion, string>;

const decodeBytes = (chunk: unknown): string => {
  const { bytes } = (chunk ?? {}) as { readonly bytes?: unknown };
  return Buffer.from(typeof bytes === 'string' ? bytes : '', 'base64').toString('utf8');
};

/** A failure may come as an exception frame of AWS or, inside a chunk, as an error event of Anthropic's. */
const readChunks =
  (asked: Asked) =>
  (frames: readonly Frame[]): ReadBatch<ClaudeEvent> => {
    const chunks = frames.filter(({ type }) => type === 'chunk');
    const outer = parseAll(chunks.map(({ payload }) => payload.toString('utf8')));
    const inner = parseAll(outer.events.map(decodeBytes));
    const { events, failure } = readClaudeEvents(inner.events, asked);
    const isBroken = inner.broken || outer.broken;
    return { events, failure: failure ?? (isBroken ? notTheProtocol(asked.origin) : undefined) };
  };

const ask = async (
  bedrock: Bedrock,
  payload: Buffer,
  { modelId, stream, cancellation }: OpenOptions,
): Promise<Opened<ClaudeMessage, ClaudeEvent>> => {
  const path = modelPath(modelId, stream ? 'invoke-with-response-stream' : 'invoke');
  const response = await bedrock.post('bedrock', path, payload, 'application/json', cancellation);
  const { origin } = response;
  const asked = { origin, modelId };
  if (response.status !== 200) throw await readRefusal(response, asked);
  if (stream)
    return { origin, pieces: response.body, read: createEventStreamReader(asked, readChunks(asked)) };
  const message = parseJson(await response.body.whole());
  if (!isClaudeMessage(message)) throw notTheProtocol(origin);
  return { origin, message };
};

export const createBedrockClaude = (
  bedrock: Bedrock,
): Upstream<ClaudeRequest, ClaudeMessage, ClaudeEvent> => ({
  name: 'bedrock',
  open: ({ version, body }, options) => {
    const request = { anthropic_version: bedrockVersions[version], ...body };
    return ask(bedrock, toPayload(request, options.texts), options);
  },
  close: bedrock.close,
});
