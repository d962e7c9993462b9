import { isNewAccount } from '../account.ts';
import type { PrefixCache } from '../cache.ts';
import { apiBetas } from '../claude/betas.ts';
import { answerClaude } from '../claude/index.ts';
import { toEvents, toMessage } from '../claude/message.ts';
import { claudeId } from '../ids.ts';
import { brokenSurrogate, isFields, parseJson, textOf } from '../json.ts';
import { findClaude } from '../models.ts';
import { Refusal, refuse } from '../refusal.ts';
import { type Call, json, type Reply } from '../reply.ts';
import { checkKey, checkVersion } from './auth.ts';
import { anthropicError } from './errors.ts';
import { sse, toSse } from './sse.ts';

const ORGANIZATION = 'f5a3c1de-0000-4000-8000-5a1a70c0ffee';

export interface Situation {
  readonly cache: PrefixCache;
  readonly now: () => number;
}

const limits = (now: number): Record<string, string> => {
  const reset = `${new Date(now).toISOString().slice(0, 19)}Z`;
  const of = (kind: string, limit: number, used: number): [string, string][] => [
    [`anthropic-ratelimit-${kind}-limit`, String(limit)],
    [`anthropic-ratelimit-${kind}-remaining`, String(limit - used)],
    [`anthropic-ratelimit-${kind}-reset`, reset],
  ];
  return Object.fromEntries([
    ...of('requests', 4000, 1),
    ...of('tokens', 2_400_000, 0),
    ...of('input-tokens', 2_000_000, 0),
    ...of('output-tokens', 400_000, 0),
  ]);
};

const answer = (call: Call, situation: Situation, requestId: string): Reply => {
  const path = call.path.split('?')[0];
  if (path !== '/v1/messages') throw new Refusal(404, 'not_found_error', 'Not Found');
  if (call.method !== 'POST') throw new Refusal(405, 'invalid_request_error', 'Method Not Allowed');
  checkKey(call.headers);
  const version = checkVersion(call.headers);
  const betas = apiBetas(call.headers['anthropic-beta']);
  const text = call.body.toString('utf8');
  const body = parseJson(text);
  const broken = brokenSurrogate(text);
  // github.com/anthropics/claude-code/issues/3277
  if (broken !== undefined) refuse(`The request body is not valid JSON: ${broken}`);
  if (!isFields(body)) return refuse('The request body is not valid JSON: expected an object');
  if (body.model === undefined) refuse('model: Field required');
  if (typeof body.model !== 'string') refuse('model: Input should be a valid string');
  const model = findClaude(textOf(body.model), situation.now());
  if (model === undefined) throw new Refusal(404, 'not_found_error', `model: ${textOf(body.model)}`);
  const stream = body.stream === true;
  const full = answerClaude(
    { body, model, version, betas, via: 'api', stream, isNewAccount: isNewAccount(call.headers) },
    situation.cache,
    call,
  );
  const headers = {
    'request-id': requestId,
    'anthropic-organization-id': ORGANIZATION,
    ...limits(situation.now()),
  };
  if (!stream) return json(200, toMessage(full), headers);
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache', ...headers },
    content: {
      kind: 'stream',
      events: toSse(toEvents(full), full.seed),
      error: (type, message) =>
        sse(
          'error',
          JSON.stringify({ type: 'error', error: { details: null, type, message }, request_id: requestId }),
        ),
      garbage: () =>
        Buffer.from('event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"del\n\n'),
    },
  };
};

export const anthropicRequestId = (call: Call): string =>
  claudeId('req_', `${call.path}\n${call.body.toString('utf8')}`);

/** `POST /v1/messages`, from bytes to bytes. */
export const anthropic = (call: Call, situation: Situation): Reply => {
  const requestId = anthropicRequestId(call);
  try {
    return answer(call, situation, requestId);
  } catch (error) {
    if (error instanceof Refusal) return anthropicError(error, requestId);
    throw error;
  }
};
