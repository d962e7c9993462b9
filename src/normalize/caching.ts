/**
 * Where the prompt may be cached: the client's own marks, at most four, else marks of ours on what
 * stays the same from request to request. Behaviour 9.
 */

import type { CacheMark, Part, Prompt, TextPart, Tool, Turn } from '../core/chat.ts';
import { type LongTexts, type MessageText, messageText } from '../core/message-text.ts';
import type { Target } from '../models/catalogue.ts';
import type { Reporter } from './report.ts';

interface Cacheable {
  readonly tools: readonly Tool[];
  readonly system: readonly TextPart[];
  readonly turns: readonly Turn[];
}

type MarkedPrompt = Cacheable & Pick<Prompt, 'texts'> & Partial<Pick<Prompt, 'cache'>>;

/** The upstreams' limit on marks. */
const mostMarks = 4;
/** Where a row names no minimum, in tokens. */
const usualMinimum = 1024;
/** English text is about four characters a token; only a guess at whether a mark is worth setting. */
const charactersPerToken = 4;

type Marked = { readonly cache?: CacheMark | undefined };

/** Everything that can carry a mark, in the order of the prompt: tools, system, turns. */
const marksOf = ({ tools, system, turns }: Cacheable): CacheMark[] => {
  const marks: CacheMark[] = [];
  const collect = (items: readonly Marked[]) => {
    for (const { cache } of items) if (cache !== undefined) marks.push(cache);
  };
  collect(tools);
  collect(system);
  for (const { parts } of turns) collect(parts as readonly Marked[]);
  return marks;
};

/** Rewrites each mark in prompt order. */
const mapMarks = (
  { tools, system, turns }: Cacheable,
  change: (mark: CacheMark) => CacheMark | undefined,
): Cacheable => {
  const apply = <T extends object>(item: T): T => {
    const { cache } = item as Marked;
    return cache === undefined ? item : { ...item, cache: change(cache) };
  };
  return {
    tools: tools.map(apply),
    system: system.map(apply),
    turns: turns.map(({ role, parts }) => ({ role, parts: parts.map(apply) })),
  };
};

/** The client's marks: the earliest over the limit go, and a longer life never follows a shorter one. */
const limitMarks = (
  prompt: Cacheable,
  marks: readonly CacheMark[],
  hasLongLife: boolean,
  report: Reporter,
): Cacheable => {
  const surplus = marks.length - mostMarks;
  const kept = marks.slice(Math.max(0, surplus));
  const firstShort = hasLongLife ? kept.findIndex(({ ttl }) => ttl !== '1h') : 0;
  const misplaced = firstShort >= 0 && kept.slice(firstShort).some(({ ttl }) => ttl === '1h');
  if (surplus <= 0 && !misplaced) return prompt;
  report.adjust(report.nameOf('cacheMarks'));
  let seen = 0;
  return mapMarks(prompt, (mark) => {
    seen += 1;
    if (seen <= surplus) return undefined;
    const position = seen - 1 - Math.max(0, surplus);
    return misplaced && position >= firstShort ? { ttl: '5m' } : mark;
  });
};

const markLast = <T extends object>(items: readonly T[], cache: CacheMark | undefined): readonly T[] =>
  items.map((item, index) => (index === items.length - 1 ? { ...item, cache } : item));

const textsOf = (part: Part): readonly MessageText[] => {
  if (part.type === 'text') return [part.text];
  if (part.type === 'tool-result') return part.content.flatMap(textsOf);
  return part.type === 'tool-call' ? [messageText(JSON.stringify(part.input))] : [];
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Whether so many characters are there; the words are looked at only where their size leaves that open. */
const reach = (least: number, written: readonly MessageText[], texts: LongTexts): boolean => {
  const most = sum(written.map(texts.sizeOf, texts));
  if (most < least || most / 6 >= least) return most >= least;
  return sum(written.map((text) => texts.read(text).length)) >= least;
};

const isToolConversation = (turns: readonly Turn[]) =>
  turns.length > 2 && turns.some(({ parts }) => parts.some((part) => part.type === 'tool-call'));

/** Marks of ours, where the prefix is long enough to be cached at all. */
const autoMarks = (
  { tools, system, turns, texts }: MarkedPrompt,
  { model }: Target,
  ttl: '5m' | '1h',
): Cacheable => {
  const least = (model.cacheMinimum ?? usualMinimum) * charactersPerToken;
  const toolsLength = sum(
    tools.map(({ parameters, description = '' }) => JSON.stringify(parameters).length + description.length),
  );
  const prefix = system.map(({ text }) => text);
  const whole = () => [...prefix, ...turns.flatMap(({ parts }) => parts.flatMap(textsOf))];
  const isLong = (written: readonly MessageText[]) => reach(least - toolsLength, written, texts);
  const mark: CacheMark = { ttl };
  return {
    tools: toolsLength >= least ? markLast(tools, mark) : tools,
    system: isLong(prefix) ? markLast(system, mark) : system,
    turns:
      isToolConversation(turns) && isLong(whole())
        ? turns.map((turn, index) =>
            index === turns.length - 1 ? { ...turn, parts: markLast(turn.parts, mark) } : turn,
          )
        : turns,
  };
};

/** Replaces the mark on the last block of the conversation. */
const withEndMark = <P extends Cacheable>(prompt: P, cache: CacheMark | undefined): P => ({
  ...prompt,
  turns: prompt.turns.map((turn, index) =>
    index === prompt.turns.length - 1 ? { ...turn, parts: markLast(turn.parts, cache) } : turn,
  ),
});

const endMark = ({ turns }: Cacheable): CacheMark | undefined =>
  (turns.at(-1)?.parts.at(-1) as Marked | undefined)?.cache;

export interface CachingOptions {
  /** The client's mark on the prompt as a whole. */
  readonly whole?: CacheMark | undefined;
  /** For marks of ours, and for the client's that name no time. */
  readonly ttl: '5m' | '1h';
  /** Where the client asks for that, if it does. */
  readonly ttlFrom?: string | undefined;
  /** Whether marks of ours are wanted where the client set none. */
  readonly automatic: boolean;
}

const placeBlockMarks = <P extends MarkedPrompt>(
  prompt: P,
  target: Target,
  { ttl, ttlFrom, automatic }: CachingOptions,
  report: Reporter,
): P => {
  const { longCaching, automaticCaching } = target.endpoint.quirks;
  const wantsLong = ttl === '1h' && longCaching;
  const marks = marksOf(prompt);
  if (marks.length > 0) {
    const lasting = (mark: CacheMark): CacheMark => ({ ttl: mark.ttl ?? ttl });
    const timed = wantsLong ? { ...prompt, ...mapMarks(prompt, lasting) } : prompt;
    return { ...timed, ...limitMarks(timed, wantsLong ? marks.map(lasting) : marks, longCaching, report) };
  }
  const marked = automatic && automaticCaching ? { ...prompt, ...autoMarks(prompt, target, ttl) } : prompt;
  if (wantsLong && ttlFrom !== undefined && marksOf(marked).length === 0) report.ignore(ttlFrom);
  return marked;
};

/** A mark on the whole prompt counts as one on its last block; where the upstream has the field, it goes there. */
export const placeMarks = <P extends MarkedPrompt>(
  prompt: P,
  target: Target,
  options: CachingOptions,
  report: Reporter,
): P => {
  const { whole, ttl } = options;
  const own = endMark(prompt);
  if (whole === undefined || own !== undefined) {
    // Two marks of different times on one block are refused: the nearer one counts.
    if (whole !== undefined && (whole.ttl ?? ttl) !== (own?.ttl ?? ttl))
      report.adjust(report.nameOf('cacheMarks'));
    return placeBlockMarks(prompt, target, options, report);
  }
  const marked = placeBlockMarks(withEndMark(prompt, whole), target, options, report);
  if (!target.endpoint.quirks.wholeCaching) return marked;
  return { ...withEndMark(marked, undefined), cache: endMark(marked) };
};
