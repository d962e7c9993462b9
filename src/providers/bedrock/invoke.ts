/**
 * Claude on Bedrock: the Messages body by InvokeModel. Model and streaming go into the path, the API
 * version into the body, and each event comes base64 inside a `chunk` frame.
 */

import type { ReadBatch, Upstream } from '../../adapters/adapter.ts';
import type {
  ApiVersion,
  ClaudeEvent,
  ClaudeMessage,
  ClaudeRequest,
} from '../../adapters/anthropic-messages/wire.ts';
import { isClaudeMessage, readClaudeEvents } from '../anthropic.ts';
import { notTheProtocol, type UpstreamCall } from '../errors.ts';
import { parseAll } from '../http/json.ts';
import { toPayload } from '../http/transport.ts';
import { type AnswerWire, type Bedrock, modelPath, readAnswer } from './bedrock.ts';
import type { Frame } from './frames.ts';

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
  (asked: UpstreamCall) =>
  (frames: readonly Frame[]): ReadBatch<ClaudeEvent> => {
    const chunks = frames.filter(({ type }) => type === 'chunk');
    const outer = parseAll(chunks.map(({ payload }) => payload.toString('utf8')));
    const inner = parseAll(outer.events.map(decodeBytes));
    const { events, failure } = readClaudeEvents(inner.events, asked);
    const isBroken = inner.broken || outer.broken;
    return { events, failure: failure ?? (isBroken ? notTheProtocol(asked.origin) : undefined) };
  };

const wire: AnswerWire<ClaudeMessage, ClaudeEvent> = { readPayloads: readChunks, isMessage: isClaudeMessage };

const envelope = (version: ApiVersion, betas: readonly string[]) => ({
  anthropic_version: bedrockVersions[version],
  ...(betas.length === 0 ? {} : { anthropic_beta: betas }),
});

export const createBedrockClaude = (
  bedrock: Bedrock,
): Upstream<ClaudeRequest, ClaudeMessage, ClaudeEvent> => ({
  name: 'bedrock',
  open: ({ version, betas, body }, options) => {
    const { modelId, stream, texts, cancellation } = options;
    const path = modelPath(modelId, stream ? 'invoke-with-response-stream' : 'invoke');
    const payload = toPayload({ ...envelope(version, betas), ...body }, texts);
    const answering = bedrock.post('bedrock', path, payload, 'application/json', cancellation);
    return readAnswer(answering, options, wire);
  },
});
