/** The recordings there are, and how the server is asked so that the replay answers with one of them. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readExpected } from './expected.ts';
import { type Cut, type Fields, type Recording, replayId } from './replay.ts';

const read = (folder: URL, file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), 'utf8'));

const ownFolder = new URL('../fixtures/', import.meta.url);
const sharedFolder = new URL('../../../shared/recordings/', import.meta.url);

export const readOwnRecordings = (): readonly Recording[] =>
  readdirSync(ownFolder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => read(ownFolder, file) as Recording);

/** Empty where the shared collection is absent: it lies beside the project. */
export const readSharedRecordings = (): readonly Recording[] =>
  existsSync(new URL('index.json', sharedFolder))
    ? (read(sharedFolder, 'index.json') as readonly { readonly id: string }[]).map(
        ({ id }) => read(sharedFolder, `${id}.json`) as Recording,
      )
    : [];

/** Above this cap a plain request is asked upstream as a stream, and folded. Tokens. */
export const longCap = 30_000;

/** The row whose rules a recording is asked under; Claude by Converse is there for the decoder's sake. */
const baseRow = ({ upstream, model }: Recording): string => {
  if (upstream !== 'bedrock-converse') return 'claude-4-5-haiku';
  return /nova-(lite|micro|pro)-v1/.test(model) ? 'nova-lite' : 'nova-2-lite';
};

export const upstreamKeys = {
  anthropic: 'anthropic',
  'bedrock-invoke': 'bedrock',
  'bedrock-converse': 'bedrock-converse',
} as const;

/** A model of its own for each recording and cut, so that the upstream's model id says what to replay. */
export const modelRow = (recording: Recording, cut: Cut) => ({
  id: replayId(recording, cut),
  like: baseRow(recording),
  ids: { [upstreamKeys[recording.upstream]]: replayId(recording, cut) },
  maxOutput: 64_000,
});

/** Pieces of these many bytes; 0: in one. */
export const sizes = [0, 1, 7, 1021] as const;
export const cutsOf = (recording: Recording): readonly Cut[] =>
  recording.stream ? [...sizes, 'half', 'lost'] : [0, 7];

const toolNames = (recording: Recording): string[] => {
  const expected = readExpected(recording);
  const called = expected.kind === 'answer' ? expected.calls.map((call) => call.name) : [];
  return [...new Set([...called, ...(recording.tags.includes('tools') ? ['get_weather'] : [])])];
};

/** A request in general terms: what was asked when the recording was made does not matter here. */
export const requestFor = (recording: Recording, cut: Cut, more: Fields) => {
  const names = toolNames(recording);
  return {
    model: replayId(recording, cut),
    messages: [{ role: 'user' as const, content: 'Say again what you said.' }],
    extended_thinking: { include_reasoning: true },
    ...(names.length === 0
      ? {}
      : { tools: names.map((name) => ({ type: 'function' as const, function: { name } })) }),
    ...more,
  };
};

export const streaming = { stream: true as const, stream_options: { include_usage: true } };
