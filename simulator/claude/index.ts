import { compose, unfinish } from '../answer.ts';
import type { PrefixCache } from '../cache.ts';
import { digest } from '../ids.ts';
import type { Call } from '../reply.ts';
import { claudeAsk } from './ask.ts';
import { bindHistory, transformationsOf } from './binding.ts';
import type { ClaudeAnswer } from './message.ts';
import type { ClaudeRequest } from './request.ts';
import { thinksNow } from './thinks.ts';
import { measureClaude } from './usage.ts';
import { validateClaude, validateContext } from './validate.ts';

/** The Messages API proper, the same whatever wire it was reached by. Throws a Refusal. */
export const answerClaude = (request: ClaudeRequest, cache: PrefixCache, call: Call): ClaudeAnswer => {
  validateClaude(request);
  const history = bindHistory(request, (outcomes) => call.noteThinking(outcomes));
  const raw = call.body.toString('utf8');
  // Asking for a stream must not change the answer.
  const seed = digest(request.model.id, raw.replace(/,?\s*"stream"\s*:\s*(?:true|false)/, '')).toString(
    'hex',
  );
  // What was dropped is not paid for.
  const input = measureClaude({ ...request, body: history.body }, cache);
  validateContext(request, input.total);
  const answer = compose(claudeAsk(request, seed, thinksNow(request), history));
  return {
    request,
    answer: call.unfinishedTool ? unfinish(answer) : answer,
    input,
    seed,
    transformations: transformationsOf(request, history.outcomes),
  };
};
