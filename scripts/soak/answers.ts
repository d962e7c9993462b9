/** What came back, read strictly: an answer, an error in OpenAI's shape, or a fault of the server. */

import type { Reply } from './client.ts';

/** The server said something it must not say. */
export class Wrong extends Error {}

export interface Call {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

export interface Message {
  readonly role: 'assistant';
  readonly content: string | null;
  readonly tool_calls?: readonly Call[];
  readonly reasoning_content?: string;
  readonly thinking_blocks?: readonly unknown[];
}

export interface Answer {
  /** `ok`, `status 429`, `frame upstream_error`, `cut`, `left`, `silent`. */
  readonly outcome: string;
  /** With `ok` alone. */
  readonly message: Message;
  readonly finish: string | null;
  /** It began with a filler: the status went out before there was anything to say. */
  readonly isHeld: boolean;
}

interface WireError {
  readonly error?: Readonly<Record<string, unknown>>;
}

interface WireCompletion {
  readonly object?: string;
  readonly choices?: readonly { readonly message?: Message; readonly finish_reason?: string }[];
  readonly usage?: { readonly total_tokens?: number };
}

interface WireChunk extends WireError {
  readonly id?: string;
  readonly choices?: readonly {
    readonly delta?: {
      readonly content?: string | null;
      readonly reasoning_content?: string;
      readonly thinking_blocks?: readonly unknown[];
      readonly tool_calls?: readonly {
        readonly index: number;
        readonly id?: string;
        readonly function?: { readonly name?: string; readonly arguments?: string };
      }[];
    };
    readonly finish_reason?: string | null;
  }[];
}

const nothing: Omit<Answer, 'outcome'> = {
  message: { role: 'assistant', content: null },
  finish: null,
  isHeld: false,
};

const parse = <Shape>(text: string): Shape => {
  try {
    return JSON.parse(text) as Shape;
  } catch {
    throw new Wrong(`not JSON: ${text.slice(0, 120)}`);
  }
};

const errorKeys = ['message', 'type', 'param', 'code'];

/** The code, where the error has all of OpenAI's fields; a server that found a bug of its own is wrong, too. */
const readError = ({ error }: WireError): string => {
  const missing = errorKeys.filter((key) => error?.[key] === undefined);
  if (error === undefined || missing.length > 0) throw new Wrong(`an error without ${missing.join(', ')}`);
  const code = String(error.code ?? error.type);
  if (code === 'internal_error') throw new Wrong(`internal_error: ${String(error.message)}`);
  return code;
};

const readCompletion = (text: string): Answer => {
  const { object, choices, usage } = parse<WireCompletion>(text);
  const [choice] = choices ?? [];
  if (object !== 'chat.completion' || choice?.message === undefined || choice.finish_reason === undefined)
    throw new Wrong(`not a completion: ${text.slice(0, 120)}`);
  if ((usage?.total_tokens ?? 0) <= 0) throw new Wrong('a completion without usage');
  return {
    outcome: 'ok',
    message: choice.message,
    finish: choice.finish_reason,
    isHeld: text.startsWith(' '),
  };
};

/** The payloads of a complete event stream; comments are passed over. */
const payloads = (text: string): string[] => {
  if (!text.endsWith('\n\n')) throw new Wrong(`a stream that ends inside a frame: …${text.slice(-80)}`);
  return text
    .slice(0, -2)
    .split('\n\n')
    .flatMap((frame) => {
      if (frame.startsWith(':')) return [];
      if (!frame.startsWith('data: ')) throw new Wrong(`a frame that is none: ${frame.slice(0, 80)}`);
      return [frame.slice('data: '.length)];
    });
};

const readStream = (text: string): Answer => {
  const frames = payloads(text);
  const last = frames.at(-1);
  if (last === undefined) throw new Wrong('a stream of nothing');
  const isDone = last === '[DONE]';
  const chunks = (isDone ? frames.slice(0, -1) : frames).map(parse<WireChunk>);
  const failed = chunks.findIndex(({ error }) => error !== undefined);
  const failure = chunks[failed];
  if (failure !== undefined) {
    if (isDone || failed < chunks.length - 1) throw new Wrong('a stream that goes on after its error frame');
    return { outcome: `frame ${readError(failure)}`, ...nothing };
  }
  if (!isDone) throw new Wrong('a stream with neither [DONE] nor an error frame');
  if (new Set(chunks.map(({ id }) => id)).size !== 1) throw new Wrong('a stream with more than one id');

  const choices = chunks.flatMap((chunk) => chunk.choices ?? []);
  const finishes = choices.flatMap(({ finish_reason }) => finish_reason ?? []);
  if (finishes.length !== 1) throw new Wrong(`a stream with ${finishes.length} finishes`);
  const deltas = choices.flatMap(({ delta }) => delta ?? []);
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const piece of deltas.flatMap(({ tool_calls }) => tool_calls ?? [])) {
    const call = calls[piece.index] ?? { id: '', name: '', arguments: '' };
    calls[piece.index] = {
      id: call.id + (piece.id ?? ''),
      name: call.name + (piece.function?.name ?? ''),
      arguments: call.arguments + (piece.function?.arguments ?? ''),
    };
  }
  const content = deltas.map((delta) => delta.content ?? '').join('');
  const blocks = deltas.flatMap(({ thinking_blocks }) => thinking_blocks ?? []);
  return {
    outcome: 'ok',
    finish: finishes[0] ?? null,
    isHeld: text.startsWith(':'),
    message: {
      role: 'assistant',
      content: content === '' && calls.length > 0 ? null : content,
      reasoning_content: deltas.map(({ reasoning_content }) => reasoning_content ?? '').join(''),
      ...(blocks.length > 0 ? { thinking_blocks: blocks } : {}),
      ...(calls.length > 0
        ? {
            tool_calls: calls.map(({ id, ...rest }): Call => ({ id, type: 'function', function: rest })),
          }
        : {}),
    },
  };
};

const endsInErrorFrame = (text: string): boolean => /(?:^|\n\n)data: \{"error":[^\n]*\n\n$/.test(text);

/** Throws Wrong for what is no answer of this API. */
export const readAnswer = ({ status, headers, text, ended }: Reply): Answer => {
  const isStream = status === 200 && headers['content-type']?.startsWith('text/event-stream') === true;
  // Clients that do not know the frame would take what came for the whole, were it not cut.
  if (isStream && endsInErrorFrame(text)) {
    if (ended === 'complete') throw new Wrong('a stream that failed and ends like a good one');
    if (ended === 'cut') return readStream(text);
  }
  if (ended !== 'complete') return { outcome: ended, ...nothing };
  if (status !== 200) {
    readError(parse<WireError>(text));
    return { outcome: `status ${status}`, ...nothing };
  }
  return isStream ? readStream(text) : readCompletion(text);
};
