/**
 * Claude on Bedrock: the Messages body by InvokeModel. Model and streaming go into the path, the API
 * version into the body, and each event comes base64 inside a `chunk` frame.
 */

import type { Upstream } from '../adapters/adapter.ts';
import type { ApiVersion, ClaudeEvent, ClaudeMessage, ClaudeRequest } from '../adapters/claude/wire.ts';
import { isClaudeMessage, readClaudeError } from './anthropic.ts';
import { type Bedrock, modelPath, readEventStream, readRefusal } from './aws.ts';
import { type Asked, notTheProtocol } from './failures.ts';
import type { Frame } from './frames.ts';
import { parseJson, readText, toPayload } from './http.ts';

/** The newer version is only known to Bedrock for the models that need it. */
const bedrockVersions = {
  '2023-06-01': 'bedrock-2023-05-31',
  '2026-10-21': '2026-10-21',
} satisfies Record<ApiVersion, string>;

type ChunkEvent = ClaudeEvent | { type: 'ping' } | { type: 'error' } | null;

/** A failure may come as an exception frame of AWS or, inside a chunk, as an error event of Anthropic's. */
const readChunk =
  (asked: Asked) =>
  ({ type, payload }: Frame): ClaudeEvent | undefined => {
    if (type !== 'chunk') return undefined;
    const { bytes } = JSON.parse(payload.toString('utf8')) as { bytes?: string };
    const event = JSON.parse(Buffer.from(bytes ?? '', 'base64').toString('utf8')) as ChunkEvent;
    if (event === null) throw notTheProtocol(asked.origin);
    if (event.type === 'error') throw readClaudeError(event, asked);
    return event.type === 'ping' ? undefined : event;
  };

export const createBedrockClaude = (
  bedrock: Bedrock,
): Upstream<ClaudeRequest, ClaudeMessage, ClaudeEvent> => ({
  name: 'bedrock',
  open: async ({ version, body }, { modelId, stream, cancellation, onActivity }) => {
    const path = modelPath(modelId, stream ? 'invoke-with-response-stream' : 'invoke');
    const payload = toPayload({ anthropic_version: bedrockVersions[version], ...body });
    const response = await bedrock.post('bedrock', path, payload, 'application/json', cancellation);
    const { origin } = response;
    const asked = { origin, modelId };
    if (response.status !== 200) throw await readRefusal(response, asked);
    if (stream)
      return { origin, batches: readEventStream(response.body, asked, onActivity, readChunk(asked)) };
    const message = parseJson(await readText(response.body, onActivity));
    if (!isClaudeMessage(message)) throw notTheProtocol(origin);
    return { origin, message };
  },
  close: bedrock.close,
});
