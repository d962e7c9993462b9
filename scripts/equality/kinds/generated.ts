/** Requests by the generators of the tests: every row at every upstream, from one seed. */

import fc from 'fast-check';
import { endpointAtUpstream } from '../../../src/models/model.ts';
import { claudeRequestTo, claudeTargets } from '../../../test/support/claude-requests.ts';
import {
  continuationOf,
  conversationWith,
  everyModel,
  type Loop,
  loopWith,
  type Said,
} from '../../../test/support/conversations.ts';
import {
  bodies,
  damage,
  moreParameters,
  oneToThreeEdits,
  parameterSamples,
} from '../../../test/support/mutations.ts';
import { novaModels, novaRequest, novaRequestTo } from '../../../test/support/nova-requests.ts';
import { type Ask, type Body, type Case, type Kind, plainAndStreamed, single, user } from '../kind.ts';

/** How many requests of each generator; for the first four, to each row, from a seed of its own. */
const counts = { claude: 4, nova: 14, conversations: 4, loops: 1, damaged: 200, bytes: 150 };

const sample = <Value>(arbitrary: fc.Arbitrary<Value>, count: number, seed: number): readonly Value[] =>
  fc.sample(arbitrary, { seed, numRuns: count });

/** Without the members that are undefined, as it would be sent. */
const written = (body: object): Body => JSON.parse(JSON.stringify(body)) as Body;

const claudeCases = (seed: number): readonly Case[] =>
  claudeTargets.flatMap((target, row) =>
    sample(claudeRequestTo([target]), counts.claude, seed + row).flatMap(({ body }, index) =>
      plainAndStreamed(target.upstream, `${target.model.id} at ${target.upstream}, ${index}`, body),
    ),
  );

const novaCases = (seed: number): readonly Case[] =>
  Object.values(novaModels)
    .flat()
    .flatMap((id, row) =>
      sample(novaRequestTo([id]), counts.nova, seed + row).flatMap((body, index) =>
        plainAndStreamed('bedrock', `${id}, ${index}`, body),
      ),
    );

const conversationCases = (seed: number): readonly Case[] =>
  everyModel.flatMap((each, row) =>
    sample(conversationWith(each), counts.conversations, seed + row).flatMap(({ body }, index) =>
      plainAndStreamed(each.at, `${each.model.id} at ${each.at}, ${index}`, body),
    ),
  );

// ---- conversations that go on ---------------------------------------------------------------------

const saidIn = (body: Buffer): Said | undefined => {
  try {
    const { choices } = JSON.parse(body.toString('utf8')) as { choices?: readonly { message: Said }[] };
    return choices?.[0]?.message;
  } catch {
    // No answer to go on from; the comparison shows whether both have none.
    return undefined;
  }
};

const runLoop = async ({ at, model, body, steps }: Loop, ask: Ask): Promise<void> => {
  let messages: readonly object[] = body.messages;
  let place = at;
  for (const step of steps) {
    const said = saidIn((await ask(place, { body: { ...body, messages } })).body);
    if (said === undefined) return;
    messages = [...messages, ...continuationOf(said, step)];
    if (step.moves && at === 'anthropic' && endpointAtUpstream(model, 'bedrock') !== undefined)
      place = place === 'anthropic' ? 'bedrock' : 'anthropic';
  }
};

const loopCases = (seed: number): readonly Case[] =>
  everyModel.flatMap((each, row) =>
    sample(loopWith(each), counts.loops, seed + row).map((loop, index) => ({
      name: `${each.model.id} at ${each.at}, ${index}`,
      run: (ask: Ask) => runLoop(loop, ask),
    })),
  );

// ---- one parameter at a time ----------------------------------------------------------------------

/** A row for each way in which models are asked. */
const representatives = [
  ['anthropic', 'claude-4-5-haiku'],
  ['anthropic', 'claude-sonnet-5-5'],
  ['bedrock', 'claude-opus-4-6'],
  ['bedrock', 'nova-lite'],
  ['bedrock', 'nova-2-lite'],
] as const;

const parameterCases: readonly Case[] = representatives.flatMap(([at, model]) =>
  Object.entries<readonly unknown[]>(parameterSamples).flatMap(([name, values]) =>
    values.flatMap((value) => {
      const body = { model, messages: [user('What is the weather in Paris?')], [name]: value };
      const title = `${name} ${JSON.stringify(value).slice(0, 60)} for ${model}`;
      return name === 'stream' ? [single(at, title, { body })] : plainAndStreamed(at, title, body);
    }),
  ),
);

// ---- what is wrong with it ------------------------------------------------------------------------

interface Valid {
  readonly at: string;
  readonly body: Body;
}

const valid: fc.Arbitrary<Valid> = fc.oneof(
  claudeRequestTo(claudeTargets).map(({ upstream, body }) => ({ at: upstream, body: written(body) })),
  novaRequest.map((body) => ({ at: 'bedrock', body: written(body) })),
);

const damagedCases = (seed: number): readonly Case[] =>
  sample(fc.tuple(valid, moreParameters, oneToThreeEdits), counts.damaged, seed).map(
    ([{ at, body }, more, edits], index) => {
      const damaged = damage({ ...body, ...more }, edits);
      return single(at, `${index}, at ${damaged.places.join(' and ')}`, { body: damaged.body });
    },
  );

const bytesCases = (seed: number): readonly Case[] =>
  sample(bodies(valid.map(({ body }) => body)), counts.bytes, seed).flatMap((body, index) =>
    (['anthropic', 'bedrock'] as const).map((at) => single(at, `${index} at ${at}`, { body })),
  );

export const generatedKinds = (seed: number): readonly Kind[] => [
  { name: 'each parameter', cases: parameterCases },
  { name: 'requests to Claude', cases: claudeCases(seed) },
  { name: 'requests to Nova', cases: novaCases(seed) },
  { name: 'conversations', cases: conversationCases(seed) },
  { name: 'tool loops', cases: loopCases(seed) },
  { name: 'damaged requests', cases: damagedCases(seed) },
  { name: 'any bytes', cases: bytesCases(seed) },
];
