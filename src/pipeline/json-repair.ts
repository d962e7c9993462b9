/** One more try for a JSON answer that failed: what was wrong, said to the model. Pure. */

import type { Prompt, Turn, Usage } from '../core/chat.ts';
import { textPart } from '../core/message-text.ts';
import type { JsonOutcome } from './json-output.ts';

/** The problems named are bounded: a model needs a few, not all. */
const complaint = ({ isJson, problems }: JsonOutcome): string =>
  isJson
    ? `That JSON does not fit the schema:\n${problems.slice(0, 10).join('\n')}\nAnswer again with the corrected JSON only.`
    : 'That is not valid JSON. Answer again with the JSON only: no prose, no code fences.';

/** The prompt with the failed answer and the complaint about it at its end. */
export const repairPrompt = (prompt: Prompt, outcome: JsonOutcome): Prompt => {
  const request = textPart(complaint(outcome));
  if (outcome.text.trim() === '') {
    // Nothing was said that could be corrected: the demand joins what the user said last.
    const last = prompt.turns.findLastIndex(({ role }) => role === 'user');
    const turns = prompt.turns.map(
      (turn, index): Turn => (index === last ? { ...turn, parts: [...turn.parts, request] } : turn),
    );
    return { ...prompt, turns };
  }
  const last = prompt.turns.at(-1);
  const before = last?.role === 'assistant' ? prompt.turns.slice(0, -1) : prompt.turns;
  return {
    ...prompt,
    turns: [
      ...before,
      { role: 'assistant', parts: [textPart(outcome.text.trimEnd())] },
      { role: 'user', parts: [request] },
    ],
  };
};

const addKnown = (first: number | undefined, second: number | undefined): number | undefined =>
  first === undefined && second === undefined ? undefined : (first ?? 0) + (second ?? 0);

/** What both tries used together: the client pays for both. */
export const addUsage = (first: Usage | undefined, second: Usage | undefined): Usage | undefined => {
  if (first === undefined || second === undefined) return first ?? second;
  return {
    input: first.input + second.input,
    cacheRead: first.cacheRead + second.cacheRead,
    cacheWrite: first.cacheWrite + second.cacheWrite,
    cacheWrite1h: addKnown(first.cacheWrite1h, second.cacheWrite1h),
    output: first.output + second.output,
    reasoning: addKnown(first.reasoning, second.reasoning),
    tries: [first, second],
  };
};
