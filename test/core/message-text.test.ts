import { describe, expect, it } from 'vitest';
import { CarriedTexts, messageText, noLongTexts } from '../../src/core/message-text.ts';

/** Texts as they lie in a body, between quotes of JSON; what each says is what JSON.parse makes of it. */
const carry = (...written: readonly string[]) => {
  const body = Buffer.from(JSON.stringify(written.map((_, index) => index)) + written.join('""'));
  const texts = new CarriedTexts(body);
  let at = body.length - Buffer.byteLength(written.join('""'));
  const standIns = written.map((each) => {
    const begin = at;
    const end = begin + Buffer.byteLength(each);
    at = end + 2;
    return texts.add(begin, end);
  });
  return { texts, standIns, said: written.map((each) => JSON.parse(`"${each}"`) as string) };
};

const one = (written: string) => {
  const { texts, standIns, said } = carry(written);
  return { texts, standIn: standIns[0] ?? '', said: said[0] ?? '' };
};

describe('a stand-in', () => {
  it.each([
    ['plain', 'Some words.'],
    ['escapes', String.raw`a\n\t\"\\\/\b\f\r\u00e9\\\\\"z`],
    ['characters of every length', 'é漢😀\u2028z'],
    ['surrogates as escapes, whole and half', String.raw`a\ud83d\ude00\ud83d \ude00z`],
    ['what looks like structure', String.raw`{\"content\":[\"],}: $& $1 %s`],
    ['nothing at all', ''],
  ])('reads and is written as what it stands for: %s', (_name, written) => {
    const { texts, standIn, said } = one(written);
    expect(texts.read(messageText(standIn))).toBe(said);
    expect(JSON.parse(texts.write(JSON.stringify({ text: standIn })).toString())).toEqual({ text: said });
    // The very bytes, not others that say the same.
    expect(texts.write(`{"text":"${standIn}"}`).toString()).toBe(`{"text":"${written}"}`);
  });

  it('is a string of a few plain characters, the same length for all', () => {
    const { standIns } = carry(...Array.from({ length: 120 }, (_, index) => `text ${index}`));
    expect(new Set(standIns).size).toBe(120);
    expect(new Set(standIns.map((each) => each.length)).size).toBe(1);
    for (const each of standIns) expect(each).toMatch(/^[\w-]{20,30}$/);
  });

  it('keeps what a client has around it, be it digits or another', () => {
    const { texts, standIns, said } = carry('first', 'sécond', 'third');
    const [a, b, c] = standIns;
    const [first, second, third] = said;
    const text = `1${a}00000000${b}${c}${a}\u00e9 "\\\n9`;
    const expected = `1${first}00000000${second}${third}${first}\u00e9 "\\\n9`;
    expect(texts.read(messageText(text))).toBe(expected);
    expect(JSON.parse(texts.write(JSON.stringify([text])).toString())).toEqual([expected]);
  });

  it('that was dropped, moved or sent twice is written where it stands now', () => {
    const { texts, standIns, said } = carry(...Array.from({ length: 30 }, (_, index) => `text ${index} é`));
    const order = [29, 3, 3, 0, 17];
    const json = JSON.stringify(order.map((index) => ({ text: standIns[index] })));
    const expected = order.map((index) => ({ text: said[index] }));
    expect(JSON.parse(texts.write(json).toString())).toEqual(expected);
    // Asked once more, of another upstream say, it is all still there.
    expect(JSON.parse(texts.write(json).toString())).toEqual(expected);
  });

  it('counts as long as its text, about', () => {
    const { texts, standIn } = one('x'.repeat(5000));
    expect(texts.sizeOf(messageText(standIn))).toBe(5000);
    expect(texts.sizeOf(messageText(`ab${standIn}é${standIn}`))).toBe(10_003);
    expect(texts.sizeOf(messageText('none'))).toBe(4);
  });

  it('of one request means nothing in another', () => {
    const mine = one('mine');
    const other = one('other');
    expect(mine.standIn).not.toBe(other.standIn);
    expect(other.texts.read(messageText(mine.standIn))).toBe(mine.standIn);
    expect(other.texts.write(`"${mine.standIn}"`).toString()).toBe(`"${mine.standIn}"`);
  });

  it('cannot be guessed: not even its number tells two requests apart', () => {
    const marks = Array.from({ length: 50 }, () => one('x').standIn.slice(0, 36));
    expect(new Set(marks).size).toBe(50);
  });
});

it('what holds no stand-in is read and written as it is', () => {
  for (const texts of [noLongTexts, one('x').texts]) {
    for (const text of [
      '',
      'plain',
      ' é漢😀 ',
      '\u0000"\\',
      '00000000-0000-4000-8000-00000000000010000000',
    ]) {
      expect(texts.read(messageText(text))).toBe(text);
      expect(texts.sizeOf(messageText(text))).toBe(text.length);
      expect(texts.write(JSON.stringify(text)).toString()).toBe(JSON.stringify(text));
    }
  }
});

it('only a body with texts is not empty', () => {
  const texts = new CarriedTexts(Buffer.from('"text"'));
  expect(texts.isEmpty).toBe(true);
  texts.add(1, 5);
  expect(texts.isEmpty).toBe(false);
});

describe('once all texts are taken', () => {
  const words = ['First, größer. ', 'Second, 漢字 \\n\\ud83d\\ude00. ', 'Third. '].map((each) =>
    each.repeat(20),
  );
  /** The body, and what each text is written as in it. */
  const bodyOf = (before: number, between: number) => {
    const filler = 'A'.repeat(between);
    const body = Buffer.from(`${'A'.repeat(before)}"${words.join(`"${filler}"`)}"${filler}`);
    const texts = new CarriedTexts(body);
    const standIns = words.map((each) => {
      const begin = body.indexOf(each);
      return texts.add(begin, begin + Buffer.byteLength(each));
    });
    texts.releaseBody();
    return { body, texts, standIns };
  };
  const said = words.map((each) => JSON.parse(`"${each}"`) as string);
  const size = Buffer.byteLength(words.join(''));

  it.each([
    { name: 'mostly something else', before: 100_000, between: 30_000 },
    { name: 'mostly something else, by a little', before: 0, between: Math.ceil(size / 3) },
    { name: 'mostly text', before: 100, between: 10 },
    { name: 'nothing but text', before: 0, between: 0 },
  ])('they read and are written as ever, from a body that is $name', ({ before, between }) => {
    const { texts, standIns } = bodyOf(before, between);
    expect(standIns.map((each) => texts.read(messageText(each)))).toEqual(said);
    expect(standIns.map((each) => texts.sizeOf(messageText(each)))).toEqual(
      words.map((each) => Buffer.byteLength(each)),
    );
    const [a, b, c] = standIns;
    const json = `["${c}","${a} ${b}","${a}"]`;
    expect(texts.write(json).toString()).toBe(`["${words[2]}","${words[0]} ${words[1]}","${words[0]}"]`);
    expect(texts.isEmpty).toBe(false);
  });

  it.each([
    { name: 'is let go of', before: 100_000, between: 30_000, isHeld: false },
    { name: 'is held, which costs less, where it is mostly text', before: 100, between: 10, isHeld: true },
  ])('the body $name', ({ before, between, isHeld }) => {
    const { body, texts, standIns } = bodyOf(before, between);
    // Whoever still looks into the body sees this.
    body.fill('x');
    expect(
      standIns.map((each) => texts.read(messageText(each)) === 'x'.repeat(texts.sizeOf(messageText(each)))),
    ).toEqual(standIns.map(() => isHeld));
    if (!isHeld) expect(standIns.map((each) => texts.read(messageText(each)))).toEqual(said);
  });
});
