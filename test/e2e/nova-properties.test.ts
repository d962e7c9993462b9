/**
 * Whatever a client may legally write, the strict simulator takes what is made of it. FUZZ_SEED and FUZZ_RUNS
 * take it elsewhere and further.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readUntilCut } from '../support/cut.ts';
import { expectError } from '../support/errors.ts';
import { explore, runsFor, type Simulated, seed, startSimulated, timeoutFor } from '../support/fuzz.ts';
import { novaRequest } from '../support/nova-requests.ts';

const runs = runsFor(0.04);

let simulated: Simulated;
beforeAll(async () => {
  simulated = await startSimulated();
});
afterAll(() => simulated.close());

// ---- what may be answered -------------------------------------------------------------------------

/** The 400s of our own that docs/behaviour.md names, as far as the requests above can run into them. */
const ours = [
  /takes no (image|document)s/,
  /at most \d+ (images|documents) in a message/,
  /images of at most 8000 pixels a side/,
  /must be the text of a JSON object/,
  /nested too deeply/,
  /too large or too deeply nested/,
  /has no extended thinking/,
  /holds no text, image or tool call/,
  /is no document of a known kind/,
];

const check = async (body: unknown): Promise<void> => {
  const response = await simulated.servers.bedrock.post(body);
  const { text } = await readUntilCut(response);
  if (response.status === 400) {
    expect(response.headers.get('x-upstream'), text).toBeNull();
    const error = expectError(text, response.headers);
    expect(
      ours.some((pattern) => pattern.test(error.message)),
      error.message,
    ).toBe(true);
    return;
  }
  expect(response.status, text).toBe(200);
  expect(response.headers.get('x-upstream')).toBe('bedrock-converse');
  expect(text).not.toContain('<thinking>');
  // Whatever Nova was told, the client reads names of the client's own.
  const asked = JSON.stringify(body);
  for (const [, name = ''] of text.matchAll(/"function":\{"name":("(?:[^"\\]|\\.)*")/g)) {
    expect(asked).toContain(`"name":${name}`);
  }
  if ((body as { stream: boolean }).stream) {
    expect(text).not.toContain('data: {"error"');
    expect(text.endsWith('data: [DONE]\n\n'), text.slice(-300)).toBe(true);
    return;
  }
  const { choices } = JSON.parse(text) as { choices: { finish_reason: string }[] };
  expect(choices[0]?.finish_reason).toMatch(/^(stop|length|tool_calls|function_call)$/);
};

describe('any conversation with a Nova model', () => {
  it(
    `is one that Converse takes, or a 400 of our own (seed ${seed}, ${runs} runs)`,
    async () => {
      await explore(runs, novaRequest, check);
    },
    timeoutFor(runs),
  );
});
