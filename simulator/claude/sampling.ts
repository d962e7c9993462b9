import { refuse } from '../refusal.ts';
import { type ClaudeRequest, thinkingMode } from './request.ts';

const KEYS = ['temperature', 'top_p', 'top_k'] as const;

const range = (value: unknown, key: string, most: number): number | undefined => {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number') return refuse(`${key}: Input should be a valid number`);
  if (value < 0 || value > most)
    refuse(most === 1 ? `${key}: range: 0..1` : `${key}: Input should be greater than or equal to 0`);
  return value;
};

/** Who may still say how to sample: by API version, by model, and beside thinking. */
export const checkSampling = (request: ClaudeRequest): void => {
  const { body, model, version } = request;
  if (version === '2026-10-21') {
    const sent = KEYS.find((key) => key in body);
    if (sent !== undefined) refuse(`${sent}: Extra inputs are not permitted`);
    return;
  }
  const temperature = range(body.temperature, 'temperature', 1);
  const topP = range(body.top_p, 'top_p', 1);
  const topK = range(body.top_k, 'top_k', Number.POSITIVE_INFINITY);
  if (model.sampling === 'none') {
    if (temperature !== undefined && temperature !== 1) refuse('`temperature` is deprecated for this model.');
    if (topP !== undefined && topP < 0.99) refuse('`top_p` is deprecated for this model.');
    if (topK !== undefined) refuse('`top_k` is deprecated for this model.');
    return;
  }
  if (model.sampling === 'one' && temperature !== undefined && topP !== undefined) {
    refuse('`temperature` and `top_p` cannot both be specified for this model. Please use only one.');
  }
  if (thinkingMode(request) === 'off') return;
  if (temperature !== undefined && temperature !== 1)
    refuse('`temperature` may only be set to 1 when thinking is enabled.');
  if (topP !== undefined && topP < 0.95)
    refuse('`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.');
  if (topK !== undefined) refuse('`top_k` must be unset when thinking is enabled.');
};
