/**
 * Whatever the bytes of a request: an answer, or a 4xx in OpenAI's shape that names the field. Never a 5xx, a
 * crash or a request that hangs, and never a 400 of the upstream's that we should have given with a path.
 * FUZZ_SEED repeats a run, FUZZ_RUNS takes it further.
 */

import fc from 'fast-check';
import { request as send } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { check } from '../../src/api/chat-completions/parse.ts';
import { ApiError } from '../../src/core/errors.ts';
import type { Model, ThinkingAbility } from '../../src/models/model.ts';
import { fanned, schemas, tooLarge } from '../json-schema/hostile.ts';
import {
  type ClaudeUpstream,
  claudeRequest,
  claudeRequestTo,
  claudeTargets,
} from '../support/claude-requests.ts';
import { readUntilCut } from '../support/cut.ts';
import { expectError, type WireError } from '../support/errors.ts';
import { explore, runsFor, type Simulated, seed, startSimulated, timeoutFor } from '../support/fuzz.ts';
import {
  bodies,
  damage,
  type Fields,
  isNear,
  isPathIn,
  moreParameters,
  oneToThreeEdits,
  strange,
} from '../support/mutations.ts';
import { novaModels, novaRequest, novaRequestTo } from '../support/nova-requests.ts';
import { testKey } from '../support/server.ts';

let simulated: Simulated;
const crashes: unknown[] = [];
const onCrash = (error: unknown) => crashes.push(error);
let asked = 0;

beforeAll(async () => {
  process.on('unhandledRejection', onCrash).on('uncaughtException', onCrash);
  simulated = await startSimulated();
});
afterAll(async () => {
  await simulated.close();
  process.off('unhandledRejection', onCrash).off('uncaughtException', onCrash);
  process.stdout.write(`fuzz: ${asked} requests, FUZZ_SEED=${seed}\n`);
});

// ---- one request and its answer -------------------------------------------------------------------

/** Ms: nothing here is slow but what hangs. */
const patience = 15_000;

const post = async (upstream: ClaudeUpstream, body: string | Buffer) => {
  asked += 1;
  const response = await send(`${simulated.servers[upstream].url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
    body,
    headersTimeout: patience,
    bodyTimeout: patience,
  });
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) if (value) headers.set(name, String(value));
  return { status: response.statusCode, headers, ...(await readUntilCut(response)) };
};

type Response = Awaited<ReturnType<typeof post>>;

const framesOf = (text: string): string[] =>
  text.split('\n\n').flatMap((frame) => (frame.startsWith('data: ') ? [frame.slice('data: '.length)] : []));

/** The error of an answer, be it in a stream; undefined where there was none. */
const readAnswer = ({ status, headers, text, isCut }: Response): WireError | undefined => {
  if (status !== 200) return expectError(text, headers);
  if (!headers.get('content-type')?.startsWith('text/event-stream')) {
    expect(JSON.parse(text)).toMatchObject({ object: 'chat.completion' });
    return undefined;
  }
  const frames = framesOf(text);
  const failed = frames.find((frame) => frame.startsWith('{"error"'));
  expect(isCut).toBe(failed !== undefined);
  if (failed === undefined) expect(frames.at(-1)).toBe('[DONE]');
  return failed === undefined ? undefined : (JSON.parse(failed) as { error: WireError }).error;
};

const failWith = (error: WireError, why: string): never => {
  const sent = JSON.stringify(simulated.simulator.requests.at(-1)?.body ?? null).slice(0, 3000);
  return expect.fail(`${why}: ${JSON.stringify(error)}; sent ${sent}`);
};

/** What the upstream alone can know: its model ids, and how many tokens a text has. */
const upstreamOnly: ReadonlySet<string | null> = new Set(['model_not_found', 'context_length_exceeded']);

/** Says what no answer to any bytes may be, and returns the error if it is one of the client's. */
const checkAnswer = (response: Response): WireError | undefined => {
  const error = readAnswer(response);
  // A model that is cut off, or stopped, in the middle of a call or of JSON: its failure, not the request's.
  if (error === undefined || error.code === 'malformed_model_output') return undefined;
  if (error.type !== 'invalid_request_error' || ![200, 400, 404, 413].includes(response.status))
    failWith(error, `answered with ${response.status}`);
  if (!upstreamOnly.has(error.code) && response.headers.has('x-upstream'))
    failWith(error, 'refused upstream');
  return error;
};

/** The 400 of our own schema, before anything else is looked at. */
const schemaError = (body: unknown): ApiError | undefined => {
  try {
    check(body);
    return undefined;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
};

// ---- what is asked --------------------------------------------------------------------------------

interface Valid {
  readonly upstream: ClaudeUpstream;
  readonly body: Fields;
}

const toNova = (request: fc.Arbitrary<Fields>): fc.Arbitrary<Valid> =>
  request.map((body) => ({ upstream: 'bedrock', body }));

const claudeThat = (has: (thinking: ThinkingAbility | null, model: Model) => boolean): fc.Arbitrary<Valid> =>
  claudeRequestTo(claudeTargets.filter(({ model }) => has(model.thinking, model)));

const takes = (...forms: ThinkingAbility['accepts']) =>
  claudeThat((thinking) => String(thinking?.accepts.toSorted()) === String(forms) && thinking?.off !== 'no');

/** One row for each kind of model that is asked in its own way. */
const families: readonly (readonly [name: string, request: fc.Arbitrary<Valid>])[] = [
  ['Claude with a budget', takes('budget')],
  ['Claude with a budget or adaptive', takes('adaptive', 'budget')],
  ['Claude adaptive', takes('adaptive')],
  ['Claude always thinking', claudeThat((thinking) => thinking?.off === 'no')],
  ['Claude between tools', claudeThat((thinking) => thinking?.accepts.includes('between_tools') === true)],
  ...Object.entries(novaModels).map(([name, ids]) => [name, toNova(novaRequestTo(ids))] as const),
];

/** Without the members that are undefined, as it would be sent. */
const plain = (body: Fields): Fields => JSON.parse(JSON.stringify(body)) as Fields;

const valid = fc.oneof(
  claudeRequest.map(({ upstream, body }): Valid => ({ upstream, body })),
  toNova(novaRequest),
);

const patterns = fc.constantFrom(
  ...['^(a+)+$', '^(a|a)*$', '(.*)*x', '^(\\w+\\s?)*$', '(?=(a+))a*b', '([a-z]+)*\\1$', '(((((a*)*)*)*)*)*$'],
  ...['[', '(?<n>a)\\k<n>', '\\p{L}+', `a{${2 ** 31}}`, `${'(a?){50}'.repeat(50)}`, '^'.repeat(10_000)],
);
/** JSON.stringify has a depth of its own; depth as text is among the bodies above. */
const writable = tooLarge.filter(([name]) => !name.includes('nested'));

const hostileSchema: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 12, arbitrary: schemas },
  {
    weight: 6,
    arbitrary: patterns.map((pattern) => ({
      type: 'object',
      properties: { a: { type: 'string', pattern }, b: { patternProperties: { [pattern]: true } } },
    })),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom<unknown>(
      { $ref: '#' },
      { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
      { type: 'object', properties: { a: { $ref: '#/properties/a' } } },
      { allOf: [{ $ref: '#' }, { anyOf: [{ $ref: '#' }, { not: { $ref: '#' } }] }] },
      {
        type: 'object',
        properties: { a: { enum: Array.from({ length: 5000 }, (_, index) => `v${index}`) } },
      },
      { $ref: 'https://example.com/schema.json' },
      { $ref: '#/$defs/%E0%A4%A', $dynamicRef: '#x', $anchor: 'x', $id: '..' },
      { type: 'object', required: ['__proto__', 'constructor', 7], properties: { toString: {} } },
      { type: 'object', minProperties: 1e308, maxProperties: -1, multipleOf: 0 },
      { type: 'array', items: { type: 'array', minItems: 1e9 }, minItems: 1e9, uniqueItems: true },
      { type: 'object', properties: { a: { type: 'string', minLength: 1e12 } }, required: ['a'] },
    ),
  },
  { weight: 4, arbitrary: strange },
  { weight: 2, arbitrary: fc.constantFrom(...fanned.map(([, schema]) => schema)) },
  { weight: 1, arbitrary: fc.constantFrom(...writable.map(([, schema]) => schema)) },
);

const withSchemas = fc
  .record({
    base: fc.oneof(
      fc.constantFrom(...claudeTargets).map(({ model, upstream }) => ({ upstream, model: model.id })),
      fc
        .constantFrom(...Object.values(novaModels).flat())
        .map((model) => ({ upstream: 'bedrock' as const, model })),
    ),
    stream: fc.boolean(),
    tools: fc.array(fc.tuple(hostileSchema, fc.boolean()), { maxLength: 2 }),
    format: fc.option(fc.tuple(hostileSchema, fc.boolean()), { nil: undefined }),
    choice: fc.constantFrom('auto', 'required', undefined),
  })
  .map(({ base: { upstream, model }, stream, tools, format, choice }) => ({
    upstream,
    body: plain({
      model,
      stream,
      messages: [{ role: 'user', content: 'What is the weather in Paris?' }],
      tools: tools.map(([parameters, strict], index) => ({
        type: 'function',
        function: { name: `get_weather_${index}`, parameters, strict },
      })),
      tool_choice: choice,
      response_format: format && {
        type: 'json_schema',
        json_schema: { name: 'answer', schema: format[0], strict: format[1] },
      },
    }),
  }));

// ---- the properties -------------------------------------------------------------------------------

describe('whatever the bytes of a request', () => {
  const forBytes = runsFor(0.34);
  it(
    `are answered, or refused in OpenAI's shape (${forBytes} runs)`,
    async () => {
      const upstreams = fc.constantFrom<ClaudeUpstream>('anthropic', 'bedrock');
      await explore(
        forBytes,
        fc.tuple(upstreams, bodies(valid.map(({ body }) => plain(body)))),
        async ([to, body]) => {
          checkAnswer(await post(to, body));
        },
      );
    },
    timeoutFor(forBytes),
  );

  const forFamily = runsFor(0.09);
  it.each(families)(
    `a damaged request to %s is answered, or refused by its path (${forFamily} runs)`,
    async (_, request) => {
      const damaged = fc
        .tuple(request, moreParameters, oneToThreeEdits)
        .map(([{ upstream, body }, more, edits]) => ({
          upstream,
          ...damage(plain({ ...body, ...more }), edits),
        }));
      let answered = 0;
      await explore(forFamily, damaged, async ({ upstream, body, places }) => {
        const error = checkAnswer(await post(upstream, JSON.stringify(body)));
        if (error === undefined) {
          answered += 1;
          return;
        }
        const said = JSON.stringify(error);
        expect(error.param !== null && isPathIn(body, error.param), said).toBe(true);
        const expected = schemaError(body);
        if (expected === undefined) return;
        expect(error.param, said).toBe(expected.param);
        // The rest of the request was in order: the schema can only mind what was changed.
        expect(
          places.some((place) => isNear(error.param ?? '', place)),
          `${said} for a change at ${places.join(' and ')}`,
        ).toBe(true);
      });
      // Enough of them got as far as the upstream for the property to mean something.
      expect(answered).toBeGreaterThan(forFamily / 20);
    },
    timeoutFor(forFamily),
  );

  const forSchemas = runsFor(0.04);
  it(
    `a hostile schema is answered, or refused by its path (${forSchemas} runs)`,
    async () => {
      await explore(forSchemas, withSchemas, async ({ upstream, body }) => {
        const error = checkAnswer(await post(upstream, JSON.stringify(body)));
        if (error !== undefined) expect(isPathIn(body, error.param ?? '-'), JSON.stringify(error)).toBe(true);
      });
    },
    timeoutFor(forSchemas),
  );

  it('none of it has crashed anything, and nothing of it is still going on', async () => {
    expect(crashes).toEqual([]);
    for (const { url } of Object.values(simulated.servers)) {
      expect((await fetch(`${url}/health`)).status).toBe(200);
      const metrics = await (
        await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${testKey}` } })
      ).text();
      expect(metrics).toMatch(/open_streams 0$/m);
    }
  });
});
