import type { Material } from './arguments.ts';
import type { Ask, Part, Turn } from './ask.ts';
import { readDirectives, withoutDirectives } from './directives.ts';

type Result = Extract<Part, { type: 'result' }>;

/** A call made for the question at hand, with its result where there is one. */
export interface MadeCall {
  readonly name: string;
  readonly result: Result | undefined;
}

/** What is to be answered, and what was done for it so far. */
export interface Question {
  /** What the person typed, directives included. */
  readonly raw: string;
  /** The same as words alone. */
  readonly words: string;
  /** Calls since the question was asked, oldest first. */
  readonly made: readonly MadeCall[];
  /** Results in the last user turn, to speak about. */
  readonly results: readonly MadeCall[];
  /** Media of the last user turn. */
  readonly last: Turn | undefined;
}

/** Agents mark what the person typed, and put their own notes beside it; a note is no request. */
const TYPED = /<(task|user_?request|user_?query|user_?message|user_?prompt)>([\s\S]*?)<\/\1>/i;
const NOTE = /<([a-z_-]{0,40}(?:reminder|environment|context|attachment)[a-z_-]{0,40}|env)>[\s\S]*?<\/\1>/gi;
/** The most that a person types. */
const LONGEST = 100_000;

/** `opencode run` sends what was typed as one quoted argument. */
const unquoted = (text: string): string => {
  const inner = /^"((?:[^"\\]|\\.)*)"$/s.exec(text)?.[1];
  return inner === undefined ? text : inner.replace(/\\(["\\])/g, '$1');
};

const typedText = (text: string): string => {
  const kept = text.length > LONGEST ? text.slice(0, LONGEST) : text;
  const typed = TYPED.exec(kept)?.[2];
  return unquoted((typed ?? kept.replace(NOTE, '')).trim());
};

export const textsOf = (turn: Turn | undefined): string =>
  (turn?.parts ?? []).flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');

const typedIn = (turn: Turn): string =>
  turn.parts
    .flatMap((part) => (part.type === 'text' ? [typedText(part.text)] : []))
    .filter((text) => text !== '')
    .join('\n');

const hasResults = (turn: Turn): boolean => turn.parts.some((part) => part.type === 'result');

const hasScript = (text: string): boolean => readDirectives(text).some(({ name }) => name === 'call');

/**
 * The turn that asks: the last one in which somebody typed something. Words beside results are a new question,
 * but a script that is running goes on over them.
 */
const askingTurn = (turns: readonly Turn[]): number => {
  let asking = -1;
  for (let index = turns.length - 1; index >= 0; index--) {
    const turn = turns[index];
    if (turn?.role !== 'user') continue;
    const typed = typedIn(turn);
    if (typed === '') continue;
    if (asking < 0) asking = index;
    if (hasScript(typed)) return index;
    if (!hasResults(turn)) return asking;
  }
  return asking;
};

const madeIn = (turns: readonly Turn[]): MadeCall[] => {
  const parts = turns.flatMap((turn) => turn.parts);
  const results = new Map(
    parts.flatMap((part) => (part.type === 'result' ? [[part.id, part] as const] : [])),
  );
  return parts.flatMap((part) =>
    part.type === 'call' ? [{ name: part.name, result: results.get(part.id) }] : [],
  );
};

export const findQuestion = (turns: readonly Turn[]): Question => {
  const asking = askingTurn(turns);
  const raw = asking < 0 ? '' : typedIn(turns[asking] ?? { role: 'user', parts: [] });
  const last = turns.findLast((turn) => turn.role === 'user');
  const given = new Set(last?.parts.flatMap((part) => (part.type === 'result' ? [part.id] : [])));
  const known = madeIn(turns);
  return {
    raw,
    words: withoutDirectives(raw),
    made: madeIn(turns.slice(asking + 1)),
    results: known.filter(({ result }) => result !== undefined && given.has(result.id)),
    last,
  };
};

/** Whether a result asks for the call to be made again, as validating frameworks word it. */
export const asksAgain = ({ result }: MadeCall): boolean =>
  result !== undefined &&
  /\b(?:try again|fix the errors?|call the (?:tool|function) again)\b/i.test(result.text);

export const materialFor = (ask: Ask, { results }: Question, text: string): Material => ({
  text,
  prompt: () => [...ask.turns.map(textsOf), ask.system].join('\n'),
  results: results.map(({ result }) => result?.text ?? ''),
});

export const shorten = (text: string, words: number): string => {
  const all = text.split(/\s+/u).filter((word) => word !== '');
  return all.length > words ? `${all.slice(0, words).join(' ')} …` : all.join(' ');
};
