import { describe, expect, it } from 'vitest';
import { cutLongTexts } from '../../src/api/chat-completions/long-texts.ts';
import { parameterNames } from '../../src/api/chat-completions/parameter-names.ts';
import { check, read } from '../../src/api/chat-completions/parse.ts';
import type { CacheBreakpoint, TextPart, Tool, Turn } from '../../src/core/chat.ts';
import { noLongTexts, textPart } from '../../src/core/message-text.ts';
import { placeBreakpoints } from '../../src/normalize/caching.ts';
import { normalize } from '../../src/normalize/index.ts';
import { Reporter } from '../../src/normalize/report.ts';
import { parse } from '../support/parse.ts';
import { hello, targetOf } from './fit.ts';

const long: CacheBreakpoint = { ttl: '1h' };
const short: CacheBreakpoint = { ttl: '5m' };
const text = (cache?: CacheBreakpoint, length = 1): TextPart => textPart('x'.repeat(length), cache);
const tool = (cache?: CacheBreakpoint, length = 1): Tool => ({
  name: 't',
  description: 'd'.repeat(length),
  parameters: { type: 'object' },
  strict: false,
  cache,
});
const user = (...parts: TextPart[]): Turn => ({ role: 'user', parts });
const loop: readonly Turn[] = [
  user(text()),
  { role: 'assistant', parts: [{ type: 'tool-call', id: '1', name: 't', input: {} }] },
  { role: 'user', parts: [{ type: 'tool-result', id: '1', content: [text()], isError: false }] },
];

interface Prompt {
  readonly tools: readonly Tool[];
  readonly system: readonly TextPart[];
  readonly turns: readonly Turn[];
}

/** The breakpoints in prompt order, `-` for none; and what was reported. */
const placed = (
  prompt: Partial<Prompt>,
  automatic = true,
  model = 'claude-4-5-sonnet',
  ttl: '5m' | '1h' = '5m',
) => {
  const report = new Reporter(parameterNames);
  const whole = { tools: [], system: [], turns: [user(text())], texts: noLongTexts, ...prompt };
  const { tools, system, turns } = placeBreakpoints(whole, targetOf(model), { ttl, automatic }, report);
  const name = (each: object) =>
    'cache' in each ? ((each.cache as CacheBreakpoint | undefined)?.ttl ?? '-') : '-';
  const breakpoints = [tools, system, turns.flatMap(({ parts }) => parts)].map((each) =>
    each.map(name).join(' '),
  );
  return { breakpoints, adjusted: report.toReport().adjusted };
};

describe("the client's breakpoints", () => {
  it.each([
    {
      name: 'stay as they are',
      parts: [long, short, undefined, short],
      breakpoints: '1h 5m - 5m',
      adjusted: false,
    },
    {
      name: 'over four: the earliest go',
      parts: [short, short, short, short, short, short],
      breakpoints: '- - 5m 5m 5m 5m',
      adjusted: true,
    },
    {
      name: 'a longer life never follows a shorter one',
      parts: [short, long],
      breakpoints: '5m 5m',
      adjusted: true,
    },
    {
      name: 'which counts after the surplus is gone',
      parts: [short, long, long, long, long],
      breakpoints: '- 1h 1h 1h 1h',
      adjusted: true,
    },
  ])('$name', ({ parts, breakpoints, adjusted }) => {
    const result = placed({ turns: [user(...parts.map((breakpoint) => text(breakpoint)))] });
    expect(result).toEqual({
      breakpoints: ['', '', breakpoints],
      adjusted: adjusted ? ['cache_control'] : [],
    });
  });

  it('go in the order of the prompt: tools, system, turns', () => {
    const prompt = {
      tools: [tool(short)],
      system: [text(short)],
      turns: [user(text(short), text(short), text(short))],
    };
    expect(placed(prompt).breakpoints).toEqual(['-', '5m', '5m 5m 5m']);
  });

  it('keep ours away', () => {
    const prompt = {
      tools: [tool(undefined, 9000)],
      system: [text(undefined, 9000)],
      turns: [user(text(short))],
    };
    expect(placed(prompt).breakpoints).toEqual(['-', '-', '5m']);
  });
});

describe('breakpoints of ours', () => {
  const large = 4 * 1024;

  it.each([
    {
      name: 'none on a short prompt',
      prompt: { tools: [tool()], system: [text()] },
      breakpoints: ['-', '-', '-'],
    },
    {
      name: 'the last tool, and the system with it',
      prompt: { tools: [tool(), tool(undefined, large)], system: [text(), text()] },
      breakpoints: ['- 5m', '- 5m', '-'],
    },
    {
      name: 'the system alone, where only both together are long enough',
      prompt: { tools: [tool(undefined, large / 2)], system: [text(undefined, large / 2)] },
      breakpoints: ['-', '5m', '-'],
    },
    {
      name: 'the last turn of a tool conversation',
      prompt: { system: [text(undefined, large)], turns: loop },
      breakpoints: ['', '5m', '- - 5m'],
    },
    {
      name: 'not of a single question',
      prompt: { turns: [user(text(undefined, large * 2))] },
      breakpoints: ['', '', '-'],
    },
  ])('$name', ({ prompt, breakpoints }) => {
    expect(placed(prompt)).toEqual({ breakpoints, adjusted: [] });
  });

  it('only where they are wanted, and only on Claude', () => {
    const prompt = { system: [text(undefined, large)] };
    expect(placed(prompt, false).breakpoints).toEqual(['', '-', '-']);
    expect(placed(prompt, true, 'nova-lite').breakpoints).toEqual(['', '-', '-']);
  });

  it("by the model's own minimum, with the life asked for", () => {
    const prompt = { system: [text(undefined, large)] };
    expect(placed(prompt, true, 'claude-4-5-haiku').breakpoints).toEqual(['', '-', '-']);
    expect(placed(prompt, true, 'claude-4-5-sonnet', '1h').breakpoints).toEqual(['', '1h', '-']);
  });

  it("the life asked for holds for the client's breakpoints that name none, and is reported where nothing is cached", () => {
    const report = new Reporter(parameterNames);
    const prompt = { tools: [], system: [text({}), text(short)], turns: [user(text())], texts: noLongTexts };
    const model = targetOf('claude-4-5-sonnet');
    const withBreakpoint = placeBreakpoints(prompt, model, { ttl: '1h', automatic: false }, report);
    expect(withBreakpoint.system.map(({ cache }) => cache)).toEqual([{ ttl: '1h' }, short]);
    expect(report.toReport().ignored).toEqual([]);

    placeBreakpoints(
      { tools: [], system: [], turns: [user(text())], texts: noLongTexts },
      model,
      { ttl: '1h', ttlFrom: 'prompt_cache_retention', automatic: true },
      report,
    );
    expect(report.toReport().ignored).toEqual(['prompt_cache_retention']);
  });
});

// What is carried of a body counts by its bytes, up to six a character; the minimum is 1024 tokens of four characters.
describe('a long text of the body', () => {
  const asUtf8 = (json: string) => json;
  /** As Python's json writes it. */
  const asEscapes = (json: string) =>
    json.replace(/[^\0-\x7f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const cyrillic = (length: number) => 'Правила '.repeat(length / 8);
  /** Begins and ends plainly, so that it is carried however it is written. */
  const wordsOf = (length: number) => `Rules: ${cyrillic(length)}end.`;

  const cut = (body: object, write: (json: string) => string) => {
    const { json, texts } = cutLongTexts(Buffer.from(write(JSON.stringify(body))), 0);
    expect(json).not.toContain('end.');
    const { ask } = read(check(JSON.parse(json)), {}, { headers: {}, texts });
    const target = targetOf('claude-4-5-sonnet', 'anthropic');
    return normalize(ask, target, { promptCaching: true }).prompt;
  };

  it.each([
    { length: 1504, way: 'UTF-8', write: asUtf8, cache: undefined },
    { length: 1504, way: 'escapes', write: asEscapes, cache: undefined },
    { length: 4000, way: 'UTF-8', write: asUtf8, cache: undefined },
    { length: 4000, way: 'escapes', write: asEscapes, cache: undefined },
    { length: 4096, way: 'UTF-8', write: asUtf8, cache: short },
    { length: 4096, way: 'escapes', write: asEscapes, cache: short },
    { length: 5000, way: 'UTF-8', write: asUtf8, cache: short },
    { length: 5000, way: 'escapes', write: asEscapes, cache: short },
    // So long that its size alone decides.
    { length: 40_000, way: 'UTF-8', write: asUtf8, cache: short },
    { length: 40_000, way: 'escapes', write: asEscapes, cache: short },
  ])('counts by its characters: $length of them as $way', ({ length, write, cache }) => {
    const messages = [{ role: 'system', content: wordsOf(length) }, ...hello];
    const { system } = cut({ model: 'claude-4-5-sonnet', messages }, write);
    expect(system.map((each) => each.cache)).toEqual([cache]);
  });

  it.each([
    { length: 4000, cache: undefined },
    { length: 4096, cache: short },
  ])('counts so in a tool conversation too: $length', ({ length, cache }) => {
    const call = { id: 'call_1', type: 'function', function: { name: 't', arguments: '{}' } };
    const messages = [
      ...hello,
      { role: 'assistant', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: wordsOf(length) },
    ];
    for (const write of [asUtf8, asEscapes]) {
      const { turns } = cut({ model: 'claude-4-5-sonnet', messages }, write);
      expect(turns.at(-1)?.parts.map((part) => ('cache' in part ? part.cache : undefined))).toEqual([cache]);
    }
  });
});

describe('a breakpoint on the prompt as a whole', () => {
  const body = (cache_control: object, content: unknown = 'go on', more: object = {}) => ({
    ...more,
    cache_control,
    messages: [
      { role: 'system', content: 'Rules.' },
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: 'hello' },
      { role: 'user', content },
    ],
  });
  const fitted = (input: object, upstream: 'anthropic' | 'bedrock' | 'bedrock-converse') => {
    const model = upstream === 'bedrock-converse' ? 'nova-lite' : 'claude-opus-4-6';
    const target = targetOf(model, upstream);
    const { ask } = parse({ model, ...input });
    const { prompt, report } = normalize(ask, target, { promptCaching: true });
    const last = prompt.turns.at(-1)?.parts.at(-1) as { cache?: CacheBreakpoint } | undefined;
    return { prompt, last: last?.cache, report };
  };
  const withBreakpoint = (ttl?: string) => [
    { type: 'text', text: 'go on', cache_control: { type: 'ephemeral', ttl } },
  ];

  it('is left to the Anthropic API, and is on the last block elsewhere', () => {
    const api = fitted(body({ type: 'ephemeral', ttl: '1h' }), 'anthropic');
    expect([api.prompt.cache, api.last]).toEqual([long, undefined]);
    const bedrock = fitted(body({ type: 'ephemeral', ttl: '1h' }), 'bedrock');
    expect([bedrock.prompt.cache, bedrock.last, bedrock.report.adjusted]).toEqual([undefined, long, []]);
    // Nova's caches have one lifetime.
    const nova = fitted(body({ type: 'ephemeral', ttl: '1h' }), 'bedrock-converse');
    expect([nova.prompt.cache, nova.last, nova.report.adjusted]).toEqual([
      undefined,
      short,
      ['cache_control'],
    ]);
  });

  it('lasts as long as prompt_cache_retention says, where it names no time itself', () => {
    const more = { prompt_cache_retention: '24h' };
    expect(fitted(body({ type: 'ephemeral' }, 'go on', more), 'anthropic').prompt.cache).toEqual(long);
  });

  it('yields to a breakpoint on the last block itself, reported where the two differ', () => {
    const same = fitted(body({ type: 'ephemeral' }, withBreakpoint()), 'anthropic');
    expect([same.prompt.cache, same.last, same.report.adjusted]).toEqual([undefined, {}, []]);
    const other = fitted(body({ type: 'ephemeral', ttl: '1h' }, withBreakpoint('5m')), 'anthropic');
    expect([other.prompt.cache, other.last, other.report.adjusted]).toEqual([
      undefined,
      short,
      ['cache_control'],
    ]);
  });

  it('is the last of four, and never longer than one before it', () => {
    const part = { type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '5m' } };
    const { prompt, report } = fitted(
      body({ type: 'ephemeral', ttl: '1h' }, [part, part, part, part, { type: 'text', text: 'y' }]),
      'anthropic',
    );
    expect(prompt.cache).toEqual(short);
    const caches = prompt.turns.at(-1)?.parts.map((each) => (each as { cache?: CacheBreakpoint }).cache);
    expect(caches).toEqual([undefined, short, short, short, undefined]);
    expect(report.adjusted).toEqual(['cache_control']);
  });
});
