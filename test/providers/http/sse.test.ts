import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSseParser } from '../../../src/providers/http/sse.ts';
import { cutBytes } from '../../support/replay.ts';

const read = (bytes: Buffer, size: number) => {
  const parser = createSseParser();
  const batches = cutBytes(bytes, size).map((piece) => parser.push(piece));
  return { events: batches.flatMap((batch) => batch.events), broken: batches.some((batch) => batch.broken) };
};

const frame = (data: unknown, lineBreak = '\n') =>
  `event: x${lineBreak}data: ${JSON.stringify(data)}${lineBreak}${lineBreak}`;

describe('frames in the forms that servers and proxies send', () => {
  const cases: { name: string; text: string; events: unknown[] }[] = [
    { name: 'one frame', text: frame({ a: 1 }), events: [{ a: 1 }] },
    { name: 'many frames in one piece', text: frame(1) + frame(2) + frame(3), events: [1, 2, 3] },
    { name: 'no event name', text: 'data: {"a":1}\n\n', events: [{ a: 1 }] },
    { name: 'no blank after the colon', text: 'event:x\ndata:{"a":1}\n\n', events: [{ a: 1 }] },
    { name: 'data before the event name', text: 'data: {"a":1}\nevent: x\n\n', events: [{ a: 1 }] },
    { name: 'padding before the last brace', text: 'data: {"a":1            }\n\n', events: [{ a: 1 }] },
    { name: 'a comment as keep-alive', text: `: keep-alive\n\n${frame(1)}`, events: [1] },
    { name: 'a comment within a frame', text: ': note\nevent: x\ndata: 1\n\n', events: [1] },
    { name: 'a name without data', text: `event: ping\n\n${frame(1)}`, events: [1] },
    { name: 'empty data', text: `data:\n\n${frame(1)}`, events: [1] },
    { name: 'id and retry fields', text: `id: 7\nretry: 10\n${frame(1)}`, events: [1] },
    { name: 'a field whose name begins with data', text: 'database: no\ndata: 1\n\n', events: [1] },
    { name: 'data over several lines', text: 'data: {"a":\ndata: 1}\n\n', events: [{ a: 1 }] },
    { name: 'more empty lines than needed', text: `\n\n${frame(1)}\n\n\n${frame(2)}`, events: [1, 2] },
    { name: 'CR LF', text: frame(1, '\r\n') + frame(2, '\r\n'), events: [1, 2] },
    { name: 'CR LF with comments', text: `: hi\r\n\r\n${frame(1, '\r\n')}`, events: [1] },
    {
      name: 'text that holds escaped line breaks',
      text: frame({ t: 'a\n\nb\r\n\r\nc' }),
      events: [{ t: 'a\n\nb\r\n\r\nc' }],
    },
    {
      name: 'text that looks like a frame',
      text: frame({ t: 'data: {"a":1}\n\n' }),
      events: [{ t: 'data: {"a":1}\n\n' }],
    },
    { name: 'characters of one to four bytes', text: frame({ t: 'aé漢🦜' }), events: [{ t: 'aé漢🦜' }] },
    { name: 'a frame that does not end', text: `${frame(1)}data: {"a":2}\n`, events: [1] },
  ];
  test.each(cases)('$name, cut anywhere', ({ text, events }) => {
    for (const size of [0, 1, 2, 3, 5, 7]) {
      expect(read(Buffer.from(text), size), `pieces of ${size}`).toEqual({ events, broken: false });
    }
  });

  test('lone CRs end lines too', () => {
    // Whether a CR at the end of what has come is half of a line break shows with the next byte.
    const bytes = Buffer.from(`${frame(1, '\r')}${frame(2, '\r')}: end\n`);
    for (const size of [0, 1, 2, 3, 5, 7]) expect(read(bytes, size).events).toEqual([1, 2]);
  });
});

describe('what is no stream of JSON', () => {
  const cases: { name: string; text: string; events: unknown[] }[] = [
    { name: 'data that is no JSON', text: `${frame(1)}data: <html>\n\n${frame(2)}`, events: [1] },
    { name: 'JSON that was cut and closed', text: 'data: {"a":\n\n', events: [] },
  ];
  test.each(cases)('$name: what came before is kept', ({ text, events }) => {
    expect(read(Buffer.from(text), 0)).toEqual({ events, broken: true });
  });

  test('a frame that never ends does not fill the memory', () => {
    const parser = createSseParser();
    const piece = Buffer.alloc(4 * 1024 * 1024, 'a');
    const broken = Array.from({ length: 6 }, () => parser.push(piece).broken);
    expect(broken.at(0)).toBe(false);
    expect(broken.at(-1)).toBe(true);
  });
});

test('any events, cut at any places, come out as they went in', () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue(), { minLength: 1, maxLength: 6 }),
      fc.constantFrom('\n', '\r\n'),
      fc.array(fc.nat(400), { maxLength: 12 }),
      (events, lineBreak, places) => {
        const bytes = Buffer.from(events.map((event) => frame(event, lineBreak)).join(''));
        const parser = createSseParser();
        const ends = [...places.filter((place) => place < bytes.length).sort((a, b) => a - b), bytes.length];
        const seen = ends.flatMap(
          (end, index) => parser.push(bytes.subarray(ends[index - 1] ?? 0, end)).events,
        );
        expect(JSON.stringify(seen)).toBe(JSON.stringify(events));
      },
    ),
  );
});

describe('a large frame in many small pieces', () => {
  test('is read to its end, and so is what follows', () => {
    const text = 'x'.repeat(2_000_000);
    const bytes = Buffer.from(`${frame({ text }, '\r\n')}${frame(2, '\r\n')}`);
    expect(read(bytes, 1400)).toEqual({ events: [{ text }, 2], broken: false });
  });
});

describe('frames that are JSON only together', () => {
  test.each([
    ['data: {"a":1\n\ndata: "b":2}\n\n'],
    ['data: [1\n\ndata: 2]\n\n'],
    ['data: {"a":1}\n\ndata: 2,3\n\n'],
  ])('are none: %j', (text) => {
    expect(read(Buffer.from(text), 0).broken).toBe(true);
  });

  test('what came before one that is none still counts', () => {
    const text = `${frame(1)}${frame(2)}data: {"cut\n\n${frame(3)}`;
    expect(read(Buffer.from(text), 0)).toEqual({ events: [1, 2], broken: true });
  });
});
