/**
 * Finds the long texts of a request's messages in the bytes of its body, without parsing it. What is left, with
 * placeholders for them, is parsed as ever: here only what is taken out has to be known to be valid.
 */

import { isUtf8 } from 'node:buffer';
import { CarriedTexts, type LongTexts, noLongTexts } from '../../core/message-text.ts';

/** Bytes. Shorter texts cost less to parse than to carry. */
const shortest = 256;

/** Where texts stand, by the depth of brackets and the key: `messages[].content`, `messages[].content[].text`. */
const textKeys: Readonly<Record<number, Buffer>> = { 3: Buffer.from('content'), 5: Buffer.from('text') };
const messagesKey = Buffer.from('messages');

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const space = 0x20;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** The length of an escape by the byte after its backslash; 0 where there is none. */
const escapeLength = new Uint8Array(256);
for (const character of '"\\/bfnrt') escapeLength[character.charCodeAt(0)] = 2;
escapeLength['u'.charCodeAt(0)] = 6;

const hexDigits = new Uint8Array(256);
for (const character of '0123456789abcdefABCDEF') hexDigits[character.charCodeAt(0)] = 1;

/** Whether the four bytes after `\u` are digits. No regular expression: some clients write all that is not ASCII so. */
const isUnicode = (body: Buffer, begin: number): boolean => {
  for (let at = begin; at < begin + 4; at += 1) if (hexDigits[body[at] ?? 0] !== 1) return false;
  return true;
};

/** Which half of a surrogate pair `\ud...` is, by its third character. */
const surrogateHalf = new Uint8Array(256);
const firstHalf = 1;
const secondHalf = 2;
for (const character of '89abAB') surrogateHalf[character.charCodeAt(0)] = firstHalf;
for (const character of 'cdefCDEF') surrogateHalf[character.charCodeAt(0)] = secondHalf;

/** Of the `\u` escape at a place; 0 where it is a character of its own. */
const halfAt = (body: Buffer, at: number): number =>
  ((body[at + 2] as number) | 0x20) === 0x64 ? (surrogateHalf[body[at + 3] as number] as number) : 0;

/** Whether the second half of a pair stands at a place. */
const isSecondHalf = (body: Buffer, at: number): boolean =>
  body[at] === backslash &&
  body[at + 1] === 0x75 &&
  isUnicode(body, at + 2) &&
  halfAt(body, at) === secondHalf;

/** What is no plain character of a JSON string: its closing quote, an escape, and what JSON does not allow. */
const isSpecial = (byte: number): boolean => byte < space || byte === quote || byte === backslash;

/**
 * The same of four bytes at once, in the high bit of each; a third of the time. Such a bit of `(x - n) & ~x` is set
 * where a byte of `x` is below n. (Or, seldom, above such a one: the lowest bit is always right.)
 * With its second bit turned the quote is 0x20, and what was below stays below.
 */
const specialBits = (four: number): number => {
  const low = four ^ 0x02020202;
  const backslashes = four ^ 0x5c5c5c5c;
  return ((low - 0x21212121) & ~low) | ((backslashes - 0x01010101) & ~backslashes);
};
const highBits = 0x80808080;

/** The first special byte from `begin` on; the body's length where there is none. */
const findSpecial = (body: Buffer, view: DataView, begin: number): number => {
  let at = begin;
  for (; at + 8 <= body.length; at += 8) {
    const first = specialBits(view.getInt32(at, true)) & highBits;
    if (first !== 0) return at + ((31 - Math.clz32(first & -first)) >> 3);
    const second = specialBits(view.getInt32(at + 4, true)) & highBits;
    if (second !== 0) return at + 4 + ((31 - Math.clz32(second & -second)) >> 3);
  }
  while (at < body.length && !isSpecial(body[at] as number)) at += 1;
  return at;
};

/** A text as it lies in the body. */
interface ScannedString {
  /** The closing quote; -1 where this is no JSON string. */
  readonly end: number;
  /** What could be carried: from the first plain character that is no space to the last. */
  readonly inkBegin: number;
  readonly inkEnd: number;
  /** Whether it holds half a surrogate pair, which no upstream takes: parsed, it is replaced (surrogates.ts). */
  readonly isBroken: boolean;
}

const noString: ScannedString = { end: -1, inkBegin: 0, inkEnd: 0, isBroken: false };

/** `begin`: the byte after the opening quote. */
const findText = (body: Buffer, view: DataView, begin: number): ScannedString => {
  let inkBegin = -1;
  let inkEnd = -1;
  let isBroken = false;
  let at = begin;
  for (;;) {
    const runBegin = at;
    at = findSpecial(body, view, at);
    // A run of spaces alone is no ink: the escapes around it may be white space too.
    let last = at;
    while (last > runBegin && body[last - 1] === space) last -= 1;
    if (last > runBegin) {
      if (inkBegin < 0) for (inkBegin = runBegin; body[inkBegin] === space; ) inkBegin += 1;
      inkEnd = last;
    }
    if (body[at] === quote) return { end: at, inkBegin, inkEnd, isBroken };
    const length = body[at] === backslash ? (escapeLength[body[at + 1] ?? 0] ?? 0) : 0;
    if (length === 0) return noString;
    if (length === 6) {
      if (!isUnicode(body, at + 2)) return noString;
      const half = halfAt(body, at);
      if (half !== 0) {
        if (half === firstHalf && isSecondHalf(body, at + 6)) at += 6;
        else isBroken = true;
      }
    }
    at += length;
  }
};

/** Bytes up to which a loop is faster than a native search; keys and roles are not longer. */
const fewBytes = 16;

/** The closing quote of a string that is parsed later; -1 where there is none. */
const skipString = (body: Buffer, begin: number): number => {
  for (let at = begin; at < begin + fewBytes; at += 1) {
    if (body[at] === quote) return at;
    if (body[at] === backslash) break;
  }
  for (let end = body.indexOf(quote, begin); end >= 0; end = body.indexOf(quote, end + 1)) {
    let before = end;
    while (body[before - 1] === backslash && before > begin) before -= 1;
    if ((end - before) % 2 === 0) return end;
  }
  return -1;
};

/** Whether the character that holds a byte may be white space. Of the plain ones in ASCII only the space is. */
const isWhite = (body: Buffer, byte: number): boolean => {
  let at = byte;
  if ((body[at] as number) < 0x80) return body[at] === space;
  while (((body[at] as number) & 0xc0) === 0x80) at -= 1;
  return (
    body
      .toString('utf8', at, at + 4)
      .slice(0, 1)
      .trim() === ''
  );
};

export interface Cut {
  readonly json: string;
  readonly texts: LongTexts;
}

/** Of a text that was found, what to carry: where it is long, and its ends are surely no white space. */
const isCarried = (body: Buffer, { inkBegin, inkEnd, isBroken }: ScannedString): boolean =>
  !isBroken && inkEnd - inkBegin >= shortest && !isWhite(body, inkBegin) && !isWhite(body, inkEnd - 1);

/**
 * The body as a JSON text with placeholders. `begin`: where the JSON begins. Not every text is found, and of a
 * body that is no JSON nothing is said: the parser will.
 */
export const cutLongTexts = (body: Buffer, begin: number): Cut => {
  const whole = () => ({ json: body.toString('utf8', begin), texts: noLongTexts });
  if (body.length < shortest || !isUtf8(body)) return whole();

  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const texts = new CarriedTexts(body);
  let json = '';
  /** What comes before is in `json` already. */
  let done = begin;
  let depth = 0;
  let inMessages = false;
  let isText = false;
  // The latest string, which is a key if a colon follows.
  let keyBegin = 0;
  let keyEnd = 0;
  const isKey = (name: Buffer | undefined): boolean => {
    if (keyEnd - keyBegin !== name?.length) return false;
    for (let at = 0; at < name.length; at += 1) if (body[keyBegin + at] !== name[at]) return false;
    return true;
  };

  for (let at = begin; at < body.length; at += 1) {
    switch (body[at]) {
      case quote: {
        if (!isText) {
          keyBegin = at + 1;
          keyEnd = skipString(body, keyBegin);
          if (keyEnd < 0) return whole();
          at = keyEnd;
          break;
        }
        const found = findText(body, view, at + 1);
        if (found.end < 0) return whole();
        if (isCarried(body, found)) {
          json += body.toString('utf8', done, found.inkBegin) + texts.add(found.inkBegin, found.inkEnd);
          done = found.inkEnd;
        }
        at = found.end;
        break;
      }
      case colon:
        if (depth === 1) inMessages = isKey(messagesKey);
        isText = inMessages && isKey(textKeys[depth]);
        break;
      case openBrace:
      case openBracket:
        depth += 1;
        isText = false;
        break;
      case closeBrace:
      case closeBracket:
        depth -= 1;
        break;
      case comma:
        isText = false;
        break;
      default:
    }
  }
  if (texts.isEmpty) return whole();
  texts.releaseBody();
  return { json: json + body.toString('utf8', done), texts };
};
