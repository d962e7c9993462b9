/**
 * Whatever conversation the server accepts, the strict simulator accepts, for every row of the catalogue; what the
 * server refuses is a 400 of its own that names the place. A run is repeated with FUZZ_SEED, and taken further with
 * FUZZ_RUNS.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpointAtUpstream } from '../../src/models/model.ts';
import { continuationOf, conversation, loop, type Said } from '../support/conversations.ts';
import { expectError } from '../support/errors.ts';
import { explore, runsFor, type Simulated, seed, startSimulated, timeoutFor } from '../support/fuzz.ts';
import { isPathIn } from '../support/mutations.ts';

const runs = runsFor(0.08);
const loops = runsFor(0.015);

let simulated: Simulated;
beforeAll(async () => {
  simulated = await startSimulated();
});
afterAll(() => simulated.close());

/** Frames of a stream that say it failed. */
const failureIn = (text: string): string | undefined =>
  text.split('\n\n').find((frame) => frame.startsWith('data: {"error"'));

/** What was sent upstream last, for the reader of a failure. */
const sent = (): string => JSON.stringify(simulated.simulator.requests.at(-1)?.body ?? null).slice(0, 4000);

const expectAnswer = (text: string, isStream: boolean): void => {
  if (!isStream) {
    expect(JSON.parse(text)).toMatchObject({ object: 'chat.completion' });
    return;
  }
  expect(failureIn(text), `in band; sent ${sent()}`).toBeUndefined();
  expect(text.endsWith('data: [DONE]\n\n'), text.slice(-300)).toBe(true);
};

/** Ours, before anything was asked, with the path of what is wrong. */
const expectRefusal = (response: Response, text: string, body: object): void => {
  expect(response.headers.get('x-upstream'), `${text}; sent ${sent()}`).toBeNull();
  expect(response.status, text).toBe(400);
  const { type, param } = expectError(text, response.headers);
  expect(type).toBe('invalid_request_error');
  expect(param, text).not.toBeNull();
  expect(isPathIn(body, param ?? ''), text).toBe(true);
};

describe('any conversation with any model', () => {
  it(
    `is answered, or refused with the place that is wrong, and never refused by an upstream (seed ${seed}, ${runs} runs)`,
    async () => {
      const outcomes = { answered: 0, refused: 0 };
      await explore(runs, conversation, async ({ at, body }) => {
        const response = await simulated.servers[at].post(body);
        const text = await response.text();
        if (response.status === 200) {
          outcomes.answered += 1;
          expectAnswer(text, body.stream);
        } else {
          outcomes.refused += 1;
          expectRefusal(response, text, body);
        }
      });
      // Enough of them got through for the property to mean something.
      expect(outcomes.answered).toBeGreaterThan(outcomes.refused);
    },
    timeoutFor(runs),
  );
});

// ---- conversations that go on ---------------------------------------------------------------------

describe('a tool loop with any model, its thinking given back whole, in part or not at all', () => {
  it(
    `goes on, also at a server that remembers nothing of it (seed ${seed}, ${loops} runs)`,
    async () => {
      await explore(loops, loop, async ({ at, model, body, steps }) => {
        let messages: readonly object[] = body.messages;
        let place = at;
        for (const step of steps) {
          const response = await simulated.servers[place].post({ ...body, messages });
          const text = await response.text();
          expect(response.status, `${text}; asked ${JSON.stringify(messages)}; sent ${sent()}`).toBe(200);
          const { choices } = JSON.parse(text) as { choices: readonly { readonly message: Said }[] };
          const said = choices[0]?.message;
          if (said === undefined) throw new Error(`an answer without a choice: ${text}`);
          messages = [...messages, ...continuationOf(said, step)];
          if (step.moves && at === 'anthropic' && endpointAtUpstream(model, 'bedrock') !== undefined)
            place = place === 'anthropic' ? 'bedrock' : 'anthropic';
        }
      });
    },
    timeoutFor(loops),
  );
});
