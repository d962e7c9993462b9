import { isNewAccount } from '../account.ts';
import type { PrefixCache } from '../cache.ts';
import { bedrockBetas } from '../claude/betas.ts';
import { answerClaude } from '../claude/index.ts';
import { toEvents, toMessage } from '../claude/message.ts';
import { brokenSurrogate, isFields, parseJson, textOf } from '../json.ts';
import type { Model } from '../models.ts';
import { refuseAws } from '../refusal.ts';
import { type Call, json, type Reply } from '../reply.ts';
import { damageFrame, eventFrame, exceptionFrame, fillers, garbageFrame } from './frames.ts';

const checkVersion = (version: string, modern: boolean): void => {
  if (version === '') refuseAws('anthropic_version: Field required');
  if (version === 'bedrock-2023-05-31' || (modern && version === '2026-10-21')) return;
  refuseAws(`anthropic_version: "${version}" is not supported for this model`);
};

/** `/invoke` and `/invoke-with-response-stream`: the Messages body with Bedrock's envelope. */
export const invoke = (
  call: Call,
  model: Model,
  stream: boolean,
  cache: PrefixCache,
  requestId: string,
): Reply => {
  const text = call.body.toString('utf8');
  const given = parseJson(text);
  if (!isFields(given) || brokenSurrogate(text) !== undefined)
    return refuseAws('Malformed input request, please reformat your input and try again.');
  if (model.family !== 'claude') {
    return refuseAws('The simulator speaks InvokeModel for Claude only; Nova is reached through Converse.');
  }
  const { anthropic_version: version, anthropic_beta: named, ...body } = given;
  checkVersion(textOf(version), model.modern);
  const betas = bedrockBetas(named);
  const full = answerClaude(
    {
      body,
      model,
      version: textOf(version),
      betas,
      via: 'invoke',
      stream,
      isNewAccount: isNewAccount(call.headers),
    },
    cache,
    call,
  );
  const { input, answer } = full;
  const latency = 200 + answer.outputTokens;
  if (!stream) {
    return json(200, toMessage(full), {
      'x-amzn-requestid': requestId,
      'x-amzn-bedrock-invocation-latency': String(latency),
      'x-amzn-bedrock-input-token-count': String(input.total - input.read - input.written),
      'x-amzn-bedrock-output-token-count': String(answer.outputTokens),
      'x-amzn-bedrock-cache-read-input-token-count': String(input.read),
      'x-amzn-bedrock-cache-write-input-token-count': String(input.written),
    });
  }
  const metrics = {
    inputTokenCount: input.total - input.read - input.written,
    outputTokenCount: answer.outputTokens,
    invocationLatency: latency,
    firstByteLatency: 180,
    cacheReadInputTokenCount: input.read,
    cacheWriteInputTokenCount: input.written,
  };
  const filler = fillers(full.seed);
  function* frames(): Generator<Buffer> {
    for (const event of toEvents(full)) {
      const told =
        event.type === 'message_stop' ? { ...event, 'amazon-bedrock-invocationMetrics': metrics } : event;
      yield eventFrame('chunk', { bytes: Buffer.from(JSON.stringify(told)).toString('base64'), p: filler() });
    }
  }
  return {
    status: 200,
    headers: {
      'content-type': 'application/vnd.amazon.eventstream',
      'x-amzn-requestid': requestId,
      'x-amzn-bedrock-content-type': 'application/json',
    },
    content: {
      kind: 'stream',
      events: frames(),
      error: exceptionFrame,
      garbage: () => garbageFrame('chunk'),
      damage: damageFrame,
    },
  };
};
