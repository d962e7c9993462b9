/** Whether an answer is the one that had to come. The first is read in full; later ones have to be like it. */

import { isDeepStrictEqual } from 'node:util';
import { plainText, streamText } from './answers.ts';
import type { Check, Reply } from './load.ts';

interface Completion {
  readonly choices?: readonly {
    readonly message?: { readonly content?: string | null };
    readonly delta?: { readonly content?: string | null };
  }[];
}

const done = 'data: [DONE]\n\n';

const readPlain = (text: string): string | null | undefined =>
  (JSON.parse(text) as Completion).choices?.[0]?.message?.content;

const readStream = (text: string): string =>
  text
    .slice(0, -done.length)
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: '))
    .map((frame) => (JSON.parse(frame.slice(6)) as Completion).choices?.[0]?.delta?.content ?? '')
    .join('');

const refuse = (what: string, { status, body }: Reply): never => {
  throw new Error(`${what}: status ${status}, ${body.toString('utf8').slice(0, 300)}`);
};

interface ResponseOrEvent {
  readonly delta?: string;
  readonly output?: readonly { readonly content?: readonly { readonly text: string }[] }[];
}

const readResponse = (text: string): string | undefined =>
  (JSON.parse(text) as ResponseOrEvent).output?.flatMap(({ content = [] }) => content)[0]?.text;

const readEvents = (text: string): string =>
  text
    .split('\n')
    .filter((line) => line.startsWith('data: {"type":"response.output_text.delta"'))
    .map((line) => (JSON.parse(line.slice(6)) as ResponseOrEvent).delta ?? '')
    .join('');

const readers = {
  chat: { plain: readPlain, stream: readStream },
  responses: { plain: readResponse, stream: readEvents },
} as const;

/** An answer in one of OpenAI's forms. */
export const assertTranslated = (reply: Reply, stream: boolean, api: keyof typeof readers): void => {
  const text = reply.body.toString('utf8');
  if (reply.status !== 200) refuse('refused', reply);
  if (stream && !text.endsWith(done)) refuse('a stream without [DONE]', reply);
  const content = stream ? readers[api].stream(text) : readers[api].plain(text);
  if (content !== (stream ? streamText : plainText)) refuse('another text than the upstream sent', reply);
};

/** The upstream's own bytes. */
export const assertPassedThrough = (reply: Reply, direct: Reply): void => {
  if (reply.status !== 200) refuse('refused', reply);
  if (!isDeepStrictEqual(reply.body, direct.body)) refuse('not the bytes the upstream sent', reply);
};

/** Ids and times in an answer differ, but not in their length. */
export const sameAs = (first: Reply): Check => {
  const end = first.body.subarray(-done.length);
  return (reply) => {
    if (reply.status !== 200) refuse('refused', reply);
    if (reply.length !== first.length || !reply.end.subarray(-done.length).equals(end)) {
      throw new Error(`an answer of ${reply.length} bytes, where the first one had ${first.length}`);
    }
  };
};
