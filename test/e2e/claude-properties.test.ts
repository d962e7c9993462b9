/**
 * Whatever valid conversation an OpenAI client sends, what goes upstream is accepted by the strict simulator:
 * the answer is a 200 or one of our own refusals. FUZZ_SEED and FUZZ_RUNS take it elsewhere and further.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claudeRequest } from '../support/claude-requests.ts';
import { readUntilCut } from '../support/cut.ts';
import { explore, runsFor, type Simulated, seed, startSimulated, timeoutFor } from '../support/fuzz.ts';

const runs = runsFor(0.04);

// ---- what we may refuse ourselves ----------------------------------------------------------------

/** The 400s of docs/behaviour.md that the conversations above can earn: the field at fault, and our words. */
const refusals: readonly (readonly [param: RegExp, message: RegExp])[] = [
  // 5.2
  [/^(extended_thinking|thinking)\.budget_tokens$/, /is below the minimum of 1024 tokens/],
  [/^(extended_thinking|thinking)\.budget_tokens$/, /must be less than/],
  [/^(extended_thinking|thinking)$/, /needs a budget of at least 1024 tokens/],
  [/^reasoning\.max_tokens$/, /is below the minimum of 1024 tokens|must be less than/],
  [/^reasoning$/, /needs a budget of at least 1024 tokens/],
  // 5.4
  [/^(extended_thinking|thinking)$/, /has no extended thinking/],
  [/^thinking\.type$/, /has no thinking of type between_tools/],
  // 3: nothing to send
  [/^messages$/, /holds no text, image or tool call/],
  // 3.6
  [/^messages\[\d+\]\.content\[\d+\]\.image_url(\.url)?$/, /at most [28]000 pixels a side/],
  // 3.7
  [/^messages\[\d+\]\.content\[\d+\]\.file\.file_data$/, /Claude takes PDF and text documents/],
];

const failureIn = (text: string): unknown =>
  text
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: {'))
    .map((frame) => JSON.parse(frame.slice('data: '.length)) as { error?: unknown })
    .find(({ error }) => error !== undefined)?.error;

let simulated: Simulated;
beforeAll(async () => {
  simulated = await startSimulated();
});
afterAll(() => simulated.close());

describe('whatever valid conversation a client sends', () => {
  it(
    `is accepted upstream, or refused by us as docs/behaviour.md says (seed ${seed}, ${runs} runs)`,
    async () => {
      const { servers, simulator } = simulated;
      const outcomes = { answered: 0, refused: 0 };
      await explore(runs, claudeRequest, async ({ upstream, body }) => {
        const response = await servers[upstream].post(body);
        const { text } = await readUntilCut(response);
        const sent = () => JSON.stringify(simulator.requests.at(-1)?.body ?? null).slice(0, 4000);
        if (response.status === 200) {
          outcomes.answered += 1;
          expect(response.headers.get('x-upstream')).toBe(upstream);
          if (!body.stream) {
            expect(JSON.parse(text)).toMatchObject({ object: 'chat.completion' });
            return;
          }
          expect(failureIn(text), `in band; sent ${sent()}`).toBeUndefined();
          expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
          return;
        }
        outcomes.refused += 1;
        expect(response.headers.get('x-upstream'), `${response.status} ${text}; sent ${sent()}`).toBeNull();
        expect(response.status, text).toBe(400);
        const { error } = JSON.parse(text) as { error: { param: string; message: string } };
        const isOurs = refusals.some(
          ([param, words]) => param.test(error.param) && words.test(error.message),
        );
        expect(isOurs, text).toBe(true);
      });
      // Enough of them got through for the property to mean something.
      expect(outcomes.answered).toBeGreaterThan(outcomes.refused);
    },
    timeoutFor(runs),
  );
});
