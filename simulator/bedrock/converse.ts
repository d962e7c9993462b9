import { isNewAccount } from '../account.ts';
import type { Answer } from '../ask.ts';
import type { CachedInput, PrefixCache } from '../cache.ts';
import { bedrockBetas } from '../claude/betas.ts';
import { answerClaude } from '../claude/index.ts';
import { brokenSurrogate, fieldsOf, isFields, parseJson } from '../json.ts';
import type { Model } from '../models.ts';
import { Refusal, refuseAws } from '../refusal.ts';
import { type Call, json, type Reply } from '../reply.ts';
import { toClaudeBody } from './converse-claude.ts';
import { type ConverseAnswer, converseEvents, converseOutput } from './converse-output.ts';
import { damageFrame, eventFrame, exceptionFrame, fillers, garbageFrame } from './frames.ts';
import { answerNova } from './nova.ts';
import { validateConverse } from './validate.ts';

type Told = { answer: Answer; input: CachedInput; seed: string };

const askClaude = (
  call: Call,
  body: Record<string, unknown>,
  model: Extract<Model, { family: 'claude' }>,
  stream: boolean,
  cache: PrefixCache,
): Told => {
  const betas = bedrockBetas(fieldsOf(body.additionalModelRequestFields).anthropic_beta);
  try {
    return answerClaude(
      {
        body: toClaudeBody(body, model),
        model,
        version: 'bedrock-2023-05-31',
        betas,
        via: 'converse',
        stream,
        isNewAccount: isNewAccount(call.headers),
      },
      cache,
      call,
    );
  } catch (error) {
    // What the model's own API refuses is passed on in these words.
    if (error instanceof Refusal && error.type === 'invalid_request_error') {
      return refuseAws(`The model returned the following errors: ${error.message}`);
    }
    throw error;
  }
};

/** `/converse` and `/converse-stream`. */
export const converse = (
  call: Call,
  model: Model,
  stream: boolean,
  cache: PrefixCache,
  requestId: string,
): Reply => {
  const text = call.body.toString('utf8');
  const body = text === '' ? {} : parseJson(text);
  if (!isFields(body) || brokenSurrogate(text) !== undefined)
    return refuseAws('The request body is not valid JSON.');
  validateConverse(body, model);
  const told: Told =
    model.family === 'claude'
      ? askClaude(call, body, model, stream, cache)
      : answerNova(call, body, model, stream, cache);
  const full: ConverseAnswer = { ...told, model, body };
  if (!stream) return json(200, converseOutput(full), { 'x-amzn-requestid': requestId });
  const filler = fillers(told.seed);
  function* frames(): Generator<Buffer> {
    for (const { type, payload } of converseEvents(full)) yield eventFrame(type, { ...payload, p: filler() });
  }
  return {
    status: 200,
    headers: { 'content-type': 'application/vnd.amazon.eventstream', 'x-amzn-requestid': requestId },
    content: {
      kind: 'stream',
      events: frames(),
      error: exceptionFrame,
      garbage: () => garbageFrame('contentBlockDelta'),
      damage: damageFrame,
    },
  };
};
