/**
 * Answers that must be JSON: whatever brought the JSON about, the client sees it, pure, as the text of
 * the answer, streaming as well as plain. Chat events in, chat events out. Behaviour 6.
 */

import type { ChatEvent, Format, JsonObject, Usage } from '../core/chat.ts';
import { malformedOutput } from '../core/errors.ts';
import { rootKinds } from '../json-schema/describe.ts';
import { createValidator } from '../json-schema/validate.ts';

export interface JsonOutcome {
  /** The answer as the model wrote it. */
  readonly text: string;
  /** Whether it holds a JSON value. */
  readonly isJson: boolean;
  /** What the value misses of the client's schema, in words. */
  readonly problems: readonly string[];
  /** What the answer used, as far as it is known. */
  readonly usage: Usage | undefined;
  /** Whether the answer ended of its own accord, so that it can be judged at all. */
  readonly isJudged: boolean;
}

export interface JsonAnswer {
  push(events: readonly ChatEvent[]): ChatEvent[];
  /** Throws 502 where an answer that was to be JSON is none. */
  end(): ChatEvent[];
  readonly outcome: () => JsonOutcome;
}

/** Passes the first JSON object (or array) through as it comes, and nothing before or after it. */
const createGate = (opening: RegExp) => {
  let depth = 0;
  let state: 'before' | 'inside' | 'after' = 'before';
  let inString = false;
  let escaped = false;

  /** Where the value ends in `text`, counted from `from`; -1 while it goes on. */
  const findEnd = (text: string, from: number): number => {
    for (let at = from; at < text.length; at++) {
      const character = text[at];
      if (escaped) escaped = false;
      else if (inString) {
        if (character === '\\') escaped = true;
        else if (character === '"') inString = false;
      } else if (character === '"') inString = true;
      else if (character === '{' || character === '[') depth += 1;
      else if (character === '}' || character === ']') {
        depth -= 1;
        if (depth === 0) return at + 1;
      }
    }
    return -1;
  };

  return (text: string): string => {
    if (state === 'after') return '';
    const start = state === 'before' ? text.search(opening) : 0;
    if (start < 0) return '';
    state = 'inside';
    const end = findEnd(text, start);
    if (end < 0) return text.slice(start);
    state = 'after';
    return text.slice(start, end);
  };
};

const parse = (text: string): { readonly value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
};

const judge = (json: string, check: JsonObject | undefined): Pick<JsonOutcome, 'isJson' | 'problems'> => {
  const parsed = parse(json);
  if (parsed === undefined) return { isJson: false, problems: [] };
  return { isJson: true, problems: check === undefined ? [] : createValidator(check)(parsed.value) };
};

type JsonFormat = Exclude<Format, { type: 'text' }>;

const createGateFor = (format: JsonFormat): ((text: string) => string) => {
  const kinds = format.type === 'instructed' ? rootKinds(format.schema) : new Set(['object']);
  // A value without brackets has nothing to find it by.
  if (format.type === 'native' || kinds.has('scalar')) return (text) => text;
  // Prose likes brackets: an array counts only where one was asked for.
  return createGate(kinds.has('array') ? /[[{]/ : /\{/);
};

export const createJsonAnswer = (format: JsonFormat): JsonAnswer => {
  const gate = createGateFor(format);
  let written = '';
  let json = '';
  /** Words before any JSON: none of the answer, unless a call of the client's tools shows that they were all of it. */
  let preamble = '';
  let calls = 0;
  let usage: Usage | undefined;
  let isWhole = false;
  let verdict: Pick<JsonOutcome, 'isJson' | 'problems'> = { isJson: false, problems: [] };

  const isForced = format.type === 'forced-tool';

  const emit = (text: string, out: ChatEvent[]): void => {
    written += text;
    const passed = gate(text);
    json += passed;
    if (passed !== '') out.push({ type: 'text', text: passed });
    else if (json === '') preamble += text;
  };

  const finish = (event: ChatEvent & { type: 'finish' }, out: ChatEvent[]): void => {
    const kind = event.kind === 'tool-calls' && isForced ? 'end' : event.kind;
    // Said in words although a call was demanded: the words may still be the JSON.
    if (isForced && calls === 0) emit(held, out);
    // The client's own stop sequence cuts an answer off as the token limit does.
    isWhole = kind === 'end' || kind === 'pause';
    if (isWhole) verdict = judge(json, format.check);
    // An answer that failed has no finish: `end` says so instead.
    if (!hasFailed()) out.push({ ...event, kind });
  };

  let held = '';
  const read = (event: ChatEvent, out: ChatEvent[]): void => {
    switch (event.type) {
      case 'text':
        if (isForced) held += event.text;
        else emit(event.text, out);
        return;
      case 'tool-call':
        calls += 1;
        if (isForced) return;
        if (preamble !== '') out.push({ type: 'text', text: preamble });
        preamble = '';
        out.push(event);
        return;
      case 'tool-arguments':
        // One call was asked for; a second one is noise.
        if (!isForced) out.push(event);
        else if (calls === 1) emit(event.text, out);
        return;
      case 'usage':
        usage = event.usage;
        out.push(event);
        return;
      case 'finish':
        finish(event, out);
        return;
      default:
        out.push(event);
    }
  };

  /** Cut off, refused, or a call of the client's tools instead: there is nothing to hold against a schema. */
  const isJudged = () => isWhole && (isForced || calls === 0);
  const hasFailed = () => isJudged() && !verdict.isJson;

  return {
    push: (events) => {
      const out: ChatEvent[] = [];
      for (const event of events) read(event, out);
      return out;
    },
    end: () => {
      if (hasFailed()) {
        throw malformedOutput('The model did not answer with JSON, although response_format asks for it.');
      }
      return [];
    },
    outcome: () => ({ text: written, usage, ...verdict, isJudged: isJudged() }),
  };
};
