/**
 * Recorded upstream traffic through the Responses API, in some of its cuts: events and responses are as published, and Chat
 * Completions says the same words, calls and figures.
 */

import { describe, expect, it } from 'vitest';
import { readUntilCut } from './support/cut.ts';
import { expectValidEvents, expectValidResponse, hasOpenResponses } from './support/openresponses.ts';
import {
  cutsOf,
  readOwnRecordings,
  readSharedRecordings,
  requestFor,
  streaming,
} from './support/recorded.ts';
import type { Recording } from './support/replay.ts';
import { checkEvents, type Item, readEvents } from './support/response-events.ts';
import { testKey } from './support/server.ts';
import { type Bench, openBench } from './support/suite.ts';

const shared = readSharedRecordings();
const all = [...readOwnRecordings(), ...shared];

interface WireResponse {
  readonly id: string;
  readonly status: string;
  readonly output: readonly Item[];
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number } | null;
  readonly error: { readonly message: string } | null;
}

interface WireMessage {
  readonly content: string | null;
  readonly tool_calls?: readonly { id: string; function: { name: string; arguments: string } }[];
}
interface WireCompletion {
  readonly choices: readonly [{ readonly message: WireMessage }];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

const textOf = (output: readonly Item[]): string =>
  output
    .filter(({ type }) => type === 'message')
    .flatMap(({ content }) => content as readonly { text: string }[])
    .map(({ text }) => text)
    .join('');

const callsOf = (output: readonly Item[]) =>
  output
    .filter(({ type }) => type === 'function_call')
    .map(({ call_id: id, name, arguments: written }) => ({ id, name, arguments: written }));

const post = ({ server }: Bench, path: string, body: object) =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const readStream = async (answered: Response): Promise<WireResponse> => {
  const { response, events } = checkEvents(readEvents(await answered.text()));
  expectValidEvents(events);
  expectValidResponse(response);
  return response as unknown as WireResponse;
};

const readPlain = async (answered: Response): Promise<WireResponse> => {
  const response = (await answered.json()) as WireResponse;
  expectValidResponse(response);
  return response;
};

/** What Chat Completions says, in one form. */
interface Told {
  readonly text: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly usage: WireCompletion['usage'];
  readonly error: string | undefined;
}

const readChat = async (answered: Response): Promise<Told> => {
  const { choices, usage } = (await answered.json()) as WireCompletion;
  const { content, tool_calls: calls = [] } = choices[0].message;
  return {
    text: content ?? '',
    calls: calls.map(({ id, function: called }) => ({ id, name: called.name, arguments: called.arguments })),
    usage,
    error: undefined,
  };
};

interface WireChunk {
  readonly choices?: readonly [
    {
      readonly delta: {
        readonly content?: string;
        readonly tool_calls?: readonly [
          { index: number; id?: string; function: { name?: string; arguments?: string } },
        ];
      };
    }?,
  ];
  readonly usage?: WireCompletion['usage'];
  readonly error?: { readonly message: string };
}

const readChunks = async (answered: Response): Promise<Told> => {
  const { text: frames } = await readUntilCut(answered);
  let text = '';
  let usage: Told['usage'];
  let error: string | undefined;
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const line of frames.split('\n')) {
    if (!line.startsWith('data: {')) continue;
    const chunk = JSON.parse(line.slice('data: '.length)) as WireChunk;
    error ??= chunk.error?.message;
    usage = chunk.usage ?? usage;
    const delta = chunk.choices?.[0]?.delta;
    text += delta?.content ?? '';
    for (const { index, id = '', function: called } of delta?.tool_calls ?? []) {
      const call = calls[index] ?? { id, name: called.name ?? '', arguments: '' };
      calls[index] = call;
      call.arguments += called.arguments ?? '';
    }
  }
  return { text, calls, usage, error };
};

const asResponses = (recording: Recording, cut: Parameters<typeof requestFor>[1], more: object) => {
  const { messages, tools, ...others } = requestFor(recording, cut, {});
  return {
    ...others,
    input: messages,
    store: false,
    ...(tools === undefined ? {} : { tools: tools.map((tool) => ({ type: 'function', ...tool.function })) }),
    ...more,
  };
};

describe.each(all.map((recording) => ({ id: recording.id, recording })))(
  `$id through /v1/responses (${hasOpenResponses ? 'held against openresponses.org' : '../shared/reference is absent'})`,
  ({ recording }) => {
    // The decoders' own cuts are tested through Chat Completions.
    const cuts = cutsOf(recording).filter((cut) => cut === 0 || cut === 7 || cut === 'half');

    it.each(cuts)('cut at %s', async (cut) => {
      const bench = await openBench([recording]);
      try {
        const asked = recording.stream ? { stream: true } : {};
        const answered = await post(bench, '/v1/responses', asResponses(recording, cut, asked));
        const chat = await post(
          bench,
          '/v1/chat/completions',
          requestFor(recording, cut, recording.stream ? streaming : {}),
        );
        expect(answered.status).toBe(chat.status);
        if (answered.status !== 200) {
          const { error } = (await answered.json()) as { error: Record<string, unknown> };
          const said = (await chat.json()) as { error: { message: string } };
          const { message } = said.error;
          expect(error).toMatchObject({
            message,
            param: expect.any(String),
            code: expect.stringMatching(/./),
          });
          return;
        }
        const response = recording.stream ? await readStream(answered) : await readPlain(answered);
        const { text, calls, usage, error } = recording.stream
          ? await readChunks(chat)
          : await readChat(chat);
        if (error !== undefined) {
          // In band with when to ask again, where that is known.
          expect(response.error?.message.replace(/ Please try again in \d+s\.$/, '')).toBe(error);
          return;
        }
        expect(response.error).toBeNull();
        expect(textOf(response.output)).toBe(text);
        expect(callsOf(response.output)).toEqual(calls);
        expect(response.usage?.input_tokens).toBe(usage?.prompt_tokens);
        expect(response.usage?.output_tokens).toBe(usage?.completion_tokens);
      } finally {
        await bench.close();
      }
    });
  },
);
