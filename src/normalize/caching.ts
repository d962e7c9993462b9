/**
 * Where the prompt may be cached: the client's own breakpoints, at most four, else breakpoints of ours on what
 * stays the same from request to request. Behaviour 9.
 */

import type { CacheBreakpoint, Part, Prompt, TextPart, Tool, Turn } from '../core/chat.ts';
import { type LongTexts, type MessageText, messageText } from '../core/message-text.ts';
import type { Target } from '../models/catalogue.ts';
import type { Reporter } from './report.ts';

interface Cacheable {
  readonly tools: readonly Tool[];
  readonly system: readonly TextPart[];
  readonly turns: readonly Turn[];
}

type CacheablePrompt = Cacheable & Pick<Prompt, 'texts'> & Partial<Pick<Prompt, 'cache'>>;

/** The upstreams' limit on breakpoints. */
const mostBreakpoints = 4;
/** Where a row names no minimum, in tokens. */
const usualMinimum = 1024;
/** English text is about four characters a token; only a guess at whether a breakpoint is worth setting. */
const charactersPerToken = 4;

type WithBreakpoint = { readonly cache?: CacheBreakpoint | undefined };

/** Everything that can carry a breakpoint, in the order of the prompt: tools, system, turns. */
const breakpointsOf = ({ tools, system, turns }: Cacheable): CacheBreakpoint[] => {
  const breakpoints: CacheBreakpoint[] = [];
  const collect = (items: readonly WithBreakpoint[]) => {
    for (const { cache } of items) if (cache !== undefined) breakpoints.push(cache);
  };
  collect(tools);
  collect(system);
  for (const { parts } of turns) collect(parts as readonly WithBreakpoint[]);
  return breakpoints;
};

/** Rewrites each breakpoint in prompt order. */
const mapBreakpoints = (
  { tools, system, turns }: Cacheable,
  change: (breakpoint: CacheBreakpoint) => CacheBreakpoint | undefined,
): Cacheable => {
  const apply = <T extends object>(item: T): T => {
    const { cache } = item as WithBreakpoint;
    return cache === undefined ? item : { ...item, cache: change(cache) };
  };
  return {
    tools: tools.map(apply),
    system: system.map(apply),
    turns: turns.map(({ role, parts }) => ({ role, parts: parts.map(apply) })),
  };
};

/** The client's breakpoints: the earliest over the limit go, and a longer life never follows a shorter one. */
const limitBreakpoints = (
  prompt: Cacheable,
  breakpoints: readonly CacheBreakpoint[],
  hasLongLife: boolean,
  report: Reporter,
): Cacheable => {
  const surplus = breakpoints.length - mostBreakpoints;
  const kept = breakpoints.slice(Math.max(0, surplus));
  const firstShort = hasLongLife ? kept.findIndex(({ ttl }) => ttl !== '1h') : 0;
  const misplaced = firstShort >= 0 && kept.slice(firstShort).some(({ ttl }) => ttl === '1h');
  if (surplus <= 0 && !misplaced) return prompt;
  report.adjust(report.nameOf('cacheBreakpoints'));
  let seen = 0;
  return mapBreakpoints(prompt, (breakpoint) => {
    seen += 1;
    if (seen <= surplus) return undefined;
    const position = seen - 1 - Math.max(0, surplus);
    return misplaced && position >= firstShort ? { ttl: '5m' } : breakpoint;
  });
};

const setOnLast = <T extends object>(items: readonly T[], cache: CacheBreakpoint | undefined): readonly T[] =>
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

/** Breakpoints of ours, where the prefix is long enough to be cached at all. */
const automaticBreakpoints = (
  { tools, system, turns, texts }: CacheablePrompt,
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
  const breakpoint: CacheBreakpoint = { ttl };
  return {
    tools: toolsLength >= least ? setOnLast(tools, breakpoint) : tools,
    system: isLong(prefix) ? setOnLast(system, breakpoint) : system,
    turns:
      isToolConversation(turns) && isLong(whole())
        ? turns.map((turn, index) =>
            index === turns.length - 1 ? { ...turn, parts: setOnLast(turn.parts, breakpoint) } : turn,
          )
        : turns,
  };
};

/** Replaces the breakpoint on the last block of the conversation. */
const withEndBreakpoint = <P extends Cacheable>(prompt: P, cache: CacheBreakpoint | undefined): P => ({
  ...prompt,
  turns: prompt.turns.map((turn, index) =>
    index === prompt.turns.length - 1 ? { ...turn, parts: setOnLast(turn.parts, cache) } : turn,
  ),
});

const endBreakpoint = ({ turns }: Cacheable): CacheBreakpoint | undefined =>
  (turns.at(-1)?.parts.at(-1) as WithBreakpoint | undefined)?.cache;

export interface CachingOptions {
  /** The client's breakpoint on the prompt as a whole. */
  readonly whole?: CacheBreakpoint | undefined;
  /** For breakpoints of ours, and for the client's that name no time. */
  readonly ttl: '5m' | '1h';
  /** Where the client asks for that, if it does. */
  readonly ttlFrom?: string | undefined;
  /** Whether breakpoints of ours are wanted where the client set none. */
  readonly automatic: boolean;
}

const placeBlockBreakpoints = <P extends CacheablePrompt>(
  prompt: P,
  target: Target,
  { ttl, ttlFrom, automatic }: CachingOptions,
  report: Reporter,
): P => {
  const { longCaching, automaticCaching } = target.endpoint.quirks;
  const wantsLong = ttl === '1h' && longCaching;
  const breakpoints = breakpointsOf(prompt);
  if (breakpoints.length > 0) {
    const lasting = (breakpoint: CacheBreakpoint): CacheBreakpoint => ({ ttl: breakpoint.ttl ?? ttl });
    const timed = wantsLong ? { ...prompt, ...mapBreakpoints(prompt, lasting) } : prompt;
    return {
      ...timed,
      ...limitBreakpoints(timed, wantsLong ? breakpoints.map(lasting) : breakpoints, longCaching, report),
    };
  }
  const withBreakpoint =
    automatic && automaticCaching ? { ...prompt, ...automaticBreakpoints(prompt, target, ttl) } : prompt;
  if (wantsLong && ttlFrom !== undefined && breakpointsOf(withBreakpoint).length === 0)
    report.ignore(ttlFrom);
  return withBreakpoint;
};

/** A breakpoint on the whole prompt counts as one on its last block; where the upstream has the field, it goes there. */
export const placeBreakpoints = <P extends CacheablePrompt>(
  prompt: P,
  target: Target,
  options: CachingOptions,
  report: Reporter,
): P => {
  const { whole, ttl } = options;
  const own = endBreakpoint(prompt);
  if (whole === undefined || own !== undefined) {
    // Two breakpoints of different times on one block are refused: the nearer one counts.
    if (whole !== undefined && (whole.ttl ?? ttl) !== (own?.ttl ?? ttl))
      report.adjust(report.nameOf('cacheBreakpoints'));
    return placeBlockBreakpoints(prompt, target, options, report);
  }
  const withBreakpoint = placeBlockBreakpoints(withEndBreakpoint(prompt, whole), target, options, report);
  if (!target.endpoint.quirks.wholeCaching) return withBreakpoint;
  return { ...withEndBreakpoint(withBreakpoint, undefined), cache: endBreakpoint(withBreakpoint) };
};
