/** JSON that breaks off, as a call's arguments do where the token limit cut them. Behaviour 4.5. */

const literals = ['true', 'false', 'null'];

/** A number that breaks off may have been another one; a literal is what it is once it is whole. */
const isBeginOfScalar = (text: string): boolean =>
  literals.some((literal) => literal.startsWith(text)) || /^-?[\d.eE+-]*$/.test(text);

interface FoundString {
  /** After its closing quote; -1 where the text ends before. */
  readonly end: number;
  /** Up to where its characters are whole: not in the middle of an escape. */
  readonly whole: number;
}

/** `begin`: the opening quote. */
const findString = (text: string, begin: number): FoundString => {
  let at = begin + 1;
  while (at < text.length) {
    if (text[at] === '"') return { end: at + 1, whole: at };
    const length = text[at] !== '\\' ? 1 : text[at + 1] === 'u' ? 6 : 2;
    if (at + length > text.length) break;
    at += length;
  }
  return { end: -1, whole: at };
};

const findScalarEnd = (text: string, begin: number): number => {
  let at = begin;
  while (at < text.length && !/[\s,\]}]/.test(text[at] ?? '')) at += 1;
  return at;
};

/** Levels. Nothing real has as many, and megabytes of brackets would fill the memory. */
const mostOpen = 500_000;

type Expected = 'key' | 'colon' | 'value' | 'separator';

/**
 * The text closed where it breaks off: an open string ends there, a key without a value and a number that may go on
 * are left out. Undefined where it is wrong before its end, or nested beyond measure; whether it is right up to there, a parser tells.
 */
export const closeJson = (text: string): string | undefined => {
  /** What has to be closed, the innermost last. */
  const open: string[] = [];
  let expected: Expected = 'value';
  /** Up to here everything is whole; what has been opened since is open still. */
  let whole = 0;
  const closed = (json: string): string => json + open.toReversed().join('');

  for (let at = 0; at < text.length; ) {
    const character = text[at] ?? '';
    switch (character) {
      case '{':
      case '[':
        if (expected !== 'value' || open.length >= mostOpen) return undefined;
        open.push(character === '{' ? '}' : ']');
        expected = character === '{' ? 'key' : 'value';
        at += 1;
        whole = at;
        break;
      case '}':
      case ']':
        if (open.pop() !== character) return undefined;
        expected = 'separator';
        at += 1;
        whole = at;
        break;
      case ',':
        if (expected !== 'separator') return undefined;
        expected = open.at(-1) === '}' ? 'key' : 'value';
        at += 1;
        break;
      case ':':
        if (expected !== 'colon') return undefined;
        expected = 'value';
        at += 1;
        break;
      case '"': {
        if (expected !== 'key' && expected !== 'value') return undefined;
        const found = findString(text, at);
        if (found.end < 0)
          return closed(expected === 'key' ? text.slice(0, whole) : `${text.slice(0, found.whole)}"`);
        at = found.end;
        if (expected === 'value') whole = at;
        expected = expected === 'key' ? 'colon' : 'separator';
        break;
      }
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        at += 1;
        break;
      default: {
        if (expected !== 'value') return undefined;
        const end = findScalarEnd(text, at);
        const scalar = text.slice(at, end);
        if (end < text.length || literals.includes(scalar)) whole = end;
        else if (!isBeginOfScalar(scalar)) return undefined;
        expected = 'separator';
        at = end;
      }
    }
  }
  return open.length === 0 ? undefined : closed(text.slice(0, whole));
};
