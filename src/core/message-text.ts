/**
 * Texts of messages. The long ones of a request are carried from the client's body into the upstream's as the bytes they
 * came in. They are nearly all of a large request, and hardly anything looks into them: to decode, parse, write and
 * encode them costs four times as much as to find where they begin and end
 * (docs/decisions/2026-11-23-long-texts-as-bytes.md).
 *
 * Where such a text stood, the request holds a placeholder: a short string, which may be moved, dropped and written as
 * JSON. White space at the ends of a text stays outside of it, so that trimming gives what it always gave. A text that may
 * hold one has a type of its own without a string's methods: the words are had from `read`, the wire's from `onWire`.
 */

import { randomUUID } from 'node:crypto';
import type { CacheBreakpoint, TextPart } from './chat.ts';

declare const opaque: unique symbol;

export interface MessageText {
  readonly [opaque]: true;
}

/** Of a string of ours, or of one that stood in a body whose long texts were cut. */
export const messageText = (text: string): MessageText => text as unknown as MessageText;

export const textPart = (text: string, cache?: CacheBreakpoint): TextPart => ({
  type: 'text',
  text: messageText(text),
  cache,
});

/** As it is put into the JSON that `LongTexts.write` turns into bytes, and nowhere else. */
export const onWire = (text: MessageText): string => text as unknown as string;

export const trimmedEnd = (text: MessageText): MessageText => messageText(onWire(text).trimEnd());

export interface LongTexts {
  /** The text itself, whatever of it is carried. */
  read(text: MessageText): string;
  /** At most so many characters, at least a sixth of it: what is carried counts by its bytes. */
  sizeOf(text: MessageText): number;
  /** A JSON text as bytes, with the texts back in their places. */
  write(json: string): Buffer;
}

/** Of a request without long texts. */
export const noLongTexts: LongTexts = {
  read: onWire,
  sizeOf: (text) => onWire(text).length,
  write: (json) => Buffer.from(json),
};

/** Placeholders are counted from here, so that all their numbers have as many digits. */
const firstNumber = 1_000_000;
const digits = String(firstNumber).length;
/** In characters: the end of a UUID. */
const markLength = 16;
/** Of a placeholder, in characters. */
const length = markLength + digits;

/** A placeholder: where it begins in a text, and where its own text lies in the body, in bytes. */
interface Placeholder {
  readonly at: number;
  readonly begin: number;
  readonly end: number;
}

/** Texts that are parts of a body: JSON strings without their quotes, in valid UTF-8. */
export class CarriedTexts implements LongTexts {
  #body: Buffer;
  #bounds: number[] = [];
  /** Begins every placeholder of this request. No client can guess its 60 random bits, and so write one. */
  readonly #mark = randomUUID().slice(-markLength);

  constructor(body: Buffer) {
    this.#body = body;
  }

  /** Takes what stands in the body from `begin` to `end`, in bytes. Returns its placeholder. */
  add(begin: number, end: number): string {
    return this.#mark + String(firstNumber + this.#bounds.push(begin, end) / 2 - 1);
  }

  get isEmpty(): boolean {
    return this.#bounds.length === 0;
  }

  /** Once all are taken: lets go of a body that is mostly something else, an image say, which the answer would outlive. */
  releaseBody(): void {
    const bounds = this.#bounds;
    let size = 0;
    for (let at = 0; at < bounds.length; at += 2) size += (bounds[at + 1] ?? 0) - (bounds[at] ?? 0);
    if (size > this.#body.length / 2) return;
    const texts = Buffer.allocUnsafe(size);
    let end = 0;
    for (let at = 0; at < bounds.length; at += 2) {
      const begin = end;
      end += this.#body.copy(texts, begin, bounds[at], bounds[at + 1]);
      bounds[at] = begin;
      bounds[at + 1] = end;
    }
    this.#body = texts;
  }

  #find(text: string): readonly Placeholder[] {
    const found: Placeholder[] = [];
    const mark = this.#mark;
    for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + length)) {
      const index = 2 * (Number(text.slice(at + markLength, at + length)) - firstNumber);
      found.push({ at, begin: this.#bounds[index] ?? 0, end: this.#bounds[index + 1] ?? 0 });
    }
    return found;
  }

  read(messageText: MessageText): string {
    const text = onWire(messageText);
    let read = '';
    let done = 0;
    for (const { at, begin, end } of this.#find(text)) {
      const own = JSON.parse(`"${this.#body.toString('utf8', begin, end)}"`) as string;
      read += text.slice(done, at) + own;
      done = at + length;
    }
    return read + text.slice(done);
  }

  sizeOf(messageText: MessageText): number {
    const text = onWire(messageText);
    let size = text.length;
    for (const { begin, end } of this.#find(text)) size += end - begin - length;
    return size;
  }

  write(json: string): Buffer {
    const found = this.#find(json);
    let size = Buffer.byteLength(json);
    for (const { begin, end } of found) size += end - begin - length;
    const whole = Buffer.allocUnsafe(size);
    let written = 0;
    let done = 0;
    for (const { at, begin, end } of found) {
      written += whole.write(json.slice(done, at), written);
      written += this.#body.copy(whole, written, begin, end);
      done = at + length;
    }
    whole.write(json.slice(done), written);
    return whole;
  }
}
