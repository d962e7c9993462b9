/** Whatever a model says, the events of its response are in order, and the plain response is what they add up to. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResponseEncoder } from '../../../src/api/responses/encoder.ts';
import { Output } from '../../../src/api/responses/output.ts';
import type { ResponsesContext } from '../../../src/api/responses/parse.ts';
import type { ToolForms } from '../../../src/api/responses/read-tools.ts';
import { echoOf } from '../../../src/api/responses/response-object.ts';
import type { ChatEvent, FinishKind } from '../../../src/core/chat.ts';
import { overloaded, rateLimited, upstreamFailed } from '../../../src/core/errors.ts';
import { fold } from '../../../src/core/fold.ts';
import { checkEvents, readEvents } from '../../support/response-events.ts';

const forms: ToolForms = new Map([
  ['look', { type: 'function', name: 'look', namespace: undefined }],
  ['box__open', { type: 'function', name: 'open', namespace: 'box' }],
  ['patch', { type: 'custom', name: 'patch', namespace: undefined }],
  ['tool_search', { type: 'tool-search', name: 'tool_search', namespace: undefined }],
]);

const context: ResponsesContext = {
  id: `resp_${'0a'.repeat(20)}`,
  createdAt: 1_795_000_000,
  echo: echoOf({ model: 'claude' }, { tools: undefined, isStored: false }),
  client: 'someone',
  idBase: '0a'.repeat(20),
  forms,
  removed: [],
  reasoningIds: new Map(),
  keep: undefined,
};

const ports = { seal: () => 'sealed' };

const factsWith = (includeReasoning: boolean, reasoningIsSigned: boolean) => ({
  model: 'claude-haiku-4-5',
  includeReasoning,
  reasoningIsSigned,
  sentBlocks: [],
  costOf: () => undefined,
});

const encode = async (
  batches: readonly (readonly ChatEvent[])[],
  facts = factsWith(true, true),
  error?: Parameters<ResponseEncoder['fail']>[0],
): Promise<string> => {
  const encoder = new ResponseEncoder(context, ports);
  encoder.begin(facts);
  let frames = '';
  for (const batch of batches) frames += encoder.push(batch);
  return frames + (error === undefined ? await encoder.end() : encoder.fail(error).frames);
};

const arbitraryText = fc.string({ unit: 'grapheme', maxLength: 12 });

/** A custom tool's arguments, cut anywhere. */
const pieces = (whole: string) =>
  fc.array(fc.nat({ max: whole.length }), { maxLength: 4 }).map((cuts) => {
    const at = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
    return at.slice(1).map((end, index) => whole.slice(at[index], end));
  });

const call = (name: string, whole: fc.Arbitrary<string>): fc.Arbitrary<ChatEvent[]> =>
  fc
    .tuple(fc.uuid(), whole.chain(pieces))
    .map(([id, parts]) => [
      { type: 'tool-call', id: `toolu_${id}`, name },
      ...parts.map((text): ChatEvent => ({ type: 'tool-arguments', text })),
    ]);

const jsonOf = (key: string) => arbitraryText.map((text) => JSON.stringify({ [key]: text }));

const said: fc.Arbitrary<ChatEvent[]> = fc.oneof(
  arbitraryText.map((text): ChatEvent[] => [{ type: 'text', text }]),
  arbitraryText.map((text): ChatEvent[] => [{ type: 'reasoning', text }]),
  fc.constant<ChatEvent[]>([
    { type: 'thinking-block', block: { type: 'thinking', thinking: 't', signature: 's' } },
  ]),
  fc.constant<ChatEvent[]>([{ type: 'thinking-block', block: { type: 'redacted_thinking', data: 'd' } }]),
  call('look', jsonOf('at')),
  call('box__open', fc.constant('')),
  call('patch', fc.oneof(jsonOf('input'), jsonOf('other'), arbitraryText)),
  call('tool_search', jsonOf('query')),
  call('not_declared', jsonOf('x')),
  fc.constant<ChatEvent[]>([
    { type: 'usage', usage: { input: 3, cacheRead: 2, cacheWrite: 1, output: 4, reasoning: 1 } },
  ]),
);

const kinds: readonly FinishKind[] = [
  'end',
  'stop-sequence',
  'length',
  'context-window',
  'tool-calls',
  'refusal',
  'pause',
];

/** In batches of any sizes. */
const answer = fc
  .tuple(fc.array(said, { maxLength: 12 }), fc.constantFrom(...kinds), fc.integer({ min: 1, max: 5 }))
  .map(([parts, kind, size]) => {
    const events: ChatEvent[] = [
      { type: 'start', id: 'msg_1' },
      ...parts.flat(),
      { type: 'finish', kind, upstreamReason: kind },
    ];
    const batches: ChatEvent[][] = [];
    for (let at = 0; at < events.length; at += size) batches.push(events.slice(at, at + size));
    return batches;
  });

const runs = { numRuns: 300 };

describe('the events of a response', () => {
  it('are in order whatever the model says, in every ending', async () => {
    await fc.assert(
      fc.asyncProperty(answer, fc.boolean(), fc.boolean(), async (batches, shown, signed) => {
        const facts = factsWith(shown, signed);
        const { response } = checkEvents(readEvents(await encode(batches, facts)));
        const last = batches.flat().at(-1);
        const kind = last?.type === 'finish' ? last.kind : 'end';
        const isCut = kind === 'length' || kind === 'context-window' || kind === 'refusal';
        expect(response.status).toBe(isCut ? 'incomplete' : 'completed');
        expect(isCut || response.output.length > 0).toBe(true);
      }),
      runs,
    );
  });

  it('are in order where the answer breaks off anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(answer, fc.nat(), async (batches, at) => {
        const upTo = batches.slice(0, at % batches.length);
        const { response } = checkEvents(
          readEvents(await encode(upTo, factsWith(true, true), upstreamFailed('anthropic'))),
        );
        expect(response).toMatchObject({ status: 'failed', error: { code: 'upstream_error' } });
      }),
      runs,
    );
  });

  it('add up to what the same answer is when it is asked for whole', async () => {
    await fc.assert(
      fc.asyncProperty(answer, fc.boolean(), async (batches, shown) => {
        const { response } = checkEvents(readEvents(await encode(batches, factsWith(shown, true))));
        const generate = async function* () {
          yield* batches;
        };
        const folded = await fold(generate(), () => {});
        const output = new Output({
          idBase: context.idBase,
          forms,
          showsReasoning: shown,
          reasoningIsSigned: true,
          seal: ports.seal,
          writer: undefined,
        });
        for (const event of folded.events) output.push(event);
        expect(output.items).toEqual(response.output);
      }),
      runs,
    );
  });

  it('say the words for a failure that clients act on', async () => {
    const failed = await encode([], factsWith(true, true), overloaded('Busy.', 7));
    expect(checkEvents(readEvents(failed)).response.error).toEqual({
      code: 'server_is_overloaded',
      message: 'Busy.',
    });
  });

  it('say when to ask again where the rate was too high', async () => {
    const failed = await encode([], factsWith(true, true), rateLimited('Slow down.', 7));
    expect(checkEvents(readEvents(failed)).response.error).toEqual({
      code: 'rate_limit_exceeded',
      message: 'Slow down. Please try again in 7s.',
    });
  });

  it('go out before the answer begins where it is long in coming, and keep their numbers', () => {
    const encoder = new ResponseEncoder(context, ports);
    const early = encoder.keepAlive() + encoder.keepAlive() + encoder.keepAlive();
    encoder.begin(factsWith(true, true));
    const events = readEvents(`${early}${encoder.push([{ type: 'text', text: 'late' }])}data: [DONE]\n\n`);
    expect(events.map(({ type, sequence_number: number }) => `${number} ${type}`)).toEqual([
      '0 response.created',
      '1 response.in_progress',
      '2 keepalive',
      '3 keepalive',
      '4 response.output_item.added',
      '5 response.content_part.added',
      '6 response.output_text.delta',
    ]);
  });
});

describe('the text of a custom tool', () => {
  it('streams as it comes, whole characters at a time, however its JSON is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme' }).chain((text) => {
          const json = JSON.stringify({ input: text }).replace(
            /[\u0080-\uffff]/g,
            (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
          );
          return pieces(json).map((cut) => ({ text, cut }));
        }),
        async ({ text, cut }) => {
          const events: ChatEvent[] = [
            { type: 'tool-call', id: 'toolu_1', name: 'patch' },
            ...cut.map((piece): ChatEvent => ({ type: 'tool-arguments', text: piece })),
            { type: 'finish', kind: 'tool-calls', upstreamReason: 'tool_use' },
          ];
          const { response, events: told } = checkEvents(readEvents(await encode([events])));
          expect(response.output).toMatchObject([{ type: 'custom_tool_call', name: 'patch', input: text }]);
          for (const { type, delta } of told)
            if (type.endsWith('input.delta')) expect((delta as string).isWellFormed()).toBe(true);
        },
      ),
      runs,
    );
  });

  it('is handed on as it is where the model wrote something else', async () => {
    const events: ChatEvent[] = [
      { type: 'tool-call', id: 'toolu_1', name: 'patch' },
      { type: 'tool-arguments', text: '*** Begin' },
      { type: 'tool-arguments', text: ' Patch' },
      { type: 'finish', kind: 'tool-calls', upstreamReason: 'tool_use' },
    ];
    const { response } = checkEvents(readEvents(await encode([events])));
    expect(response.output).toMatchObject([{ input: '*** Begin Patch', status: 'completed' }]);
  });
});

it('a call that the token limit cut off is not offered as finished', async () => {
  const events: ChatEvent[] = [
    { type: 'text', text: 'I look.' },
    { type: 'tool-call', id: 'toolu_1', name: 'look' },
    { type: 'tool-arguments', text: '{"at": "the' },
    { type: 'finish', kind: 'length', upstreamReason: 'max_tokens' },
  ];
  const { response } = checkEvents(readEvents(await encode([events])));
  expect(response).toMatchObject({
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    output: [
      { type: 'message', status: 'completed' },
      { type: 'function_call', status: 'incomplete', arguments: '{"at": "the' },
    ],
  });
});

it('a namespaced call comes back with both names, and a call without arguments with an empty object', async () => {
  const events: ChatEvent[] = [
    { type: 'tool-call', id: 'toolu_1', name: 'box__open' },
    { type: 'finish', kind: 'tool-calls', upstreamReason: 'tool_use' },
  ];
  const { response } = checkEvents(readEvents(await encode([events])));
  expect(response.output).toMatchObject([
    { name: 'open', namespace: 'box', arguments: '{}', call_id: 'toolu_1' },
  ]);
});
