/**
 * The long texts of a request's messages, carried from the client's body into the upstream's as the bytes they
 * came in. They are nearly all of a large request, and nothing here looks into them: to decode, parse, write and
 * encode them costs four times as much as to find where they begin and end
 * (docs/decisions/2026-11-23-long-texts-as-bytes.md).
 *
 * Where such a text stood, the request holds a stand-in: a short string like any other, which may be moved,
 * dropped, joined and written as JSON. White space at the ends of a text stays outside, so that trimming, and
 * asking whether a text is blank, give what they always gave. Who has to know the words asks `read`.
 */

import { randomUUID } from 'node:crypto';

export interface Texts {
  /** The text itself, where it is a stand-in or holds some. */
  read(text: string): string;
  /** At most so many characters, at least a sixth of it: what is carried counts by its bytes. */
  sizeOf(text: string): number;
  /** A JSON text as bytes, with the texts back in their places. */
  write(json: string): Buffer;
}

/** Of a request without long texts. */
export const noTexts: Texts = {
  read: (text) => text,
  sizeOf: (text) => text.length,
  write: (json) => Buffer.from(json),
};

/** Stand-ins are counted from here, so that all their numbers have as many digits. */
const firstNumber = 1_000_000;
const digits = String(firstNumber).length;
/** In characters: the end of a UUID. */
const markLength = 16;
/** Of a stand-in, in characters. */
const length = markLength + digits;

/** A stand-in: where it begins in a text, and where its own text lies in the body, in bytes. */
interface Found {
  readonly at: number;
  readonly begin: number;
  readonly end: number;
}

/** Texts that are parts of a body: JSON strings without their quotes, in valid UTF-8. */
export class CarriedTexts implements Texts {
  #body: Buffer;
  #bounds: number[] = [];
  /** Begins every stand-in of this request. Nobody can guess its 60 random bits, so no client can write one. */
  readonly #mark = randomUUID().slice(-markLength);

  constructor(body: Buffer) {
    this.#body = body;
  }

  /** Takes what stands in the body from `begin` to `end`, in bytes. Returns its stand-in. */
  add(begin: number, end: number): string {
    return this.#mark + String(firstNumber + this.#bounds.push(begin, end) / 2 - 1);
  }

  get isEmpty(): boolean {
    return this.#bounds.length === 0;
  }

  /** Once all are taken: lets go of a body that is mostly something else, an image say, which the answer would outlive. */
  settle(): void {
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

  #find(text: string): readonly Found[] {
    const found: Found[] = [];
    const mark = this.#mark;
    for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + length)) {
      const index = 2 * (Number(text.slice(at + markLength, at + length)) - firstNumber);
      found.push({ at, begin: this.#bounds[index] ?? 0, end: this.#bounds[index + 1] ?? 0 });
    }
    return found;
  }

  read(text: string): string {
    let read = '';
    let done = 0;
    for (const { at, begin, end } of this.#find(text)) {
      const own = JSON.parse(`"${this.#body.toString('utf8', begin, end)}"`) as string;
      read += text.slice(done, at) + own;
      done = at + length;
    }
    return read + text.slice(done);
  }

  sizeOf(text: string): number {
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
