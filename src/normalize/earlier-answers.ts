/**
 * Answers of ours in the client's history as they were when they were given: with their thinking, in its places, and the
 * lines of ours that stood before them. Behaviour 5.8, 5.10.
 */

import type { AskTurn } from '../core/ask.ts';
import type { Part, ThinkingPart } from '../core/chat.ts';
import { type LongTexts, messageText, textPart } from '../core/message-text.ts';
import {
  type AnswerPiece,
  blockDigest,
  blocksOf,
  type Line,
  type Recalled,
  type RememberedAnswer,
} from '../core/remembered-answer.ts';
import type { Target } from '../models/catalogue.ts';
import type { Reporter } from './report.ts';

export const linePart = (line: Line): Part => (line.type === 'words' ? textPart(line.text) : line);

const isThinking = (part: Part | AnswerPiece): part is ThinkingPart => part.type === 'thinking-block';

/** An answer in the history. */
interface EarlierAnswer {
  readonly turn: AskTurn;
  /** Undefined where it is not known. */
  readonly known: RememberedAnswer | undefined;
  readonly parts: readonly Part[];
}

/** So many characters of the text that comes next, taken out of `left`; undefined where something else comes. */
const takeText = (left: Part[], length: number, texts: LongTexts): readonly Part[] | undefined => {
  const taken: Part[] = [];
  for (let missing = length; missing > 0; ) {
    const next = left.shift();
    if (next?.type !== 'text') return undefined;
    const text = texts.read(next.text);
    if (text.length > missing) {
      taken.push({ ...next, text: messageText(text.slice(0, missing)), cache: undefined });
      left.unshift({ ...next, text: messageText(text.slice(missing)) });
    } else taken.push(next);
    missing -= text.length;
  }
  return taken;
};

/** What the client kept of an answer with its thinking in its places; undefined where they are not to be found. */
const withBlocks = (
  kept: readonly Part[],
  pieces: readonly AnswerPiece[],
  texts: LongTexts,
): readonly Part[] | undefined => {
  const left = [...kept];
  const placed: Part[] = [];
  // What comes behind the last block stays as the client has it.
  for (const piece of pieces.slice(0, pieces.findLastIndex(isThinking) + 1)) {
    if (piece.type === 'thinking-block') placed.push(piece);
    else if (piece.type === 'tool-call') {
      const next = left.shift();
      if (next?.type !== 'tool-call') return undefined;
      placed.push(next);
    } else {
      const taken = takeText(left, piece.length, texts);
      if (taken === undefined) return undefined;
      placed.push(...taken);
    }
  }
  return [...placed, ...left];
};

const digestsOf = (parts: readonly Part[]): readonly string[] =>
  parts.filter(isThinking).map(({ block }) => blockDigest(block));

const sameList = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((each, index) => each === other[index]);

/** What the client brings itself wins; only its places are ours to know. */
const restored = (turn: AskTurn, known: RememberedAnswer | undefined, texts: LongTexts): readonly Part[] => {
  const { parts } = turn;
  if (known === undefined) return parts;
  const brought = digestsOf(parts);
  if (brought.length > 0 && !sameList(brought, blocksOf(known).map(blockDigest))) return parts;
  return (
    withBlocks(
      brought.length === 0 ? parts : parts.filter((part) => !isThinking(part)),
      known.pieces,
      texts,
    ) ?? parts
  );
};

/** By the blocks that the client brings, or by its calls where it brings none. */
const found = ({ parts }: AskTurn, recalled: Recalled): readonly (RememberedAnswer | undefined)[] =>
  parts.some(isThinking)
    ? parts.map((part) => (isThinking(part) ? recalled.byBlock(part.block) : undefined))
    : parts.map((part) => (part.type === 'tool-call' ? recalled.byCall(part.id) : undefined));

const holdsResultsAlone = ({ role, parts }: AskTurn): boolean =>
  role === 'user' && parts.every(({ type }) => type === 'tool-result');

/**
 * Newest first, because of calls with one id the newest is the one that is remembered. Some clients send the calls of one
 * answer one by one, each before its result: the thinking stands before the first of them.
 */
const findAnswers = (
  turns: readonly AskTurn[],
  recalled: Recalled,
  texts: LongTexts,
): ReadonlyMap<AskTurn, EarlierAnswer> => {
  const answers = new Map<AskTurn, EarlierAnswer>();
  const used = new Set<RememberedAnswer>();
  /** The answer whose calls are being gone through, and where one of them was found. */
  let open: { readonly known: RememberedAnswer; readonly turn: AskTurn } | undefined;
  for (const turn of turns.toReversed()) {
    if (turn.role !== 'assistant') {
      if (!holdsResultsAlone(turn)) open = undefined;
      continue;
    }
    const candidates = found(turn, recalled);
    const goesOn = open !== undefined && candidates.includes(open.known);
    if (goesOn && open !== undefined)
      answers.set(open.turn, { turn: open.turn, known: undefined, parts: open.turn.parts });
    const known = goesOn ? open?.known : candidates.find((each) => each !== undefined && !used.has(each));
    if (known !== undefined) used.add(known);
    open = known === undefined ? undefined : { known, turn };
    answers.set(turn, { turn, known, parts: restored(turn, known, texts) });
  }
  return answers;
};

/**
 * The blocks that may go to an upstream, by their digests: an unbroken run that ends with the newest known answer that was
 * given there. Each block is bound to the one before it: where that is missing the older ones stay out, and what was left
 * out once stays out. Blocks of which nothing is known go as they are. (platform.claude.com "Preserved thinking")
 *
 * Blocks from another upstream stay out: the account is another there, and what is dropped for that would break the run.
 * So do those of a request that declared tools where this one declares none, or the other way round: they are no part of
 * what is bound, and fit again once the tools are back.
 */
const unbrokenRun = (
  newestFirst: Iterable<EarlierAnswer>,
  { upstream }: Target,
  hasTools: boolean,
): ReadonlySet<string> => {
  const run = new Set<string>();
  /** What comes before the run; undefined: anything may. */
  let expected: string | null | undefined;
  for (const { known, parts } of newestFirst) {
    const there = digestsOf(parts);
    if (there.length === 0 || (known !== undefined && known.upstream !== upstream)) continue;
    if (known?.hadTools !== undefined && known.hadTools !== hasTools) continue;
    const end = expected === undefined ? there.length : there.indexOf(expected ?? '') + 1;
    const kept = there.slice(0, end);
    if (kept.length === 0) continue;
    if (known === undefined) {
      for (const each of kept) run.add(each);
      expected = undefined;
      continue;
    }
    // Of an answer's own blocks none may be missing in the middle.
    const whole = blocksOf(known).map(blockDigest);
    const wholeRun = whole.slice(0, whole.indexOf(kept.at(-1) ?? '') + 1);
    while (kept.length > 0 && kept.at(-1) === wholeRun.at(-1)) {
      run.add(kept.pop() as string);
      wholeRun.pop();
    }
    expected = wholeRun.length === 0 ? known.previous : null;
  }
  return run;
};

const isText = ({ type }: Part | AnswerPiece): boolean => type === 'text';

/** Some clients send the words and each call of one answer as messages of their own: those are one turn again. */
const joinAnswers = (turns: readonly AskTurn[], recalled: Recalled): readonly AskTurn[] => {
  const joined: AskTurn[] = [];
  let before: readonly (RememberedAnswer | undefined)[] = [];
  for (const turn of turns) {
    const last = joined.at(-1);
    const known = turn.role === 'assistant' ? found(turn, recalled) : [];
    const answer = known.find((each) => each !== undefined);
    const isRest =
      answer !== undefined &&
      last?.role === 'assistant' &&
      (before.includes(answer) ||
        (last.parts.every(isText) && !turn.parts.some(isText) && answer.pieces.some(isText)));
    if (isRest) joined[joined.length - 1] = { ...last, parts: [...last.parts, ...turn.parts] };
    else joined.push(turn);
    before = known;
  }
  return joined;
};

/** On rows that do not bind thinking, every answer has its own back. Blocks of the client's that stay out are reported. */
export const restoreAnswers = (
  written: readonly AskTurn[],
  recalled: Recalled,
  target: Target,
  { texts, hasTools }: { readonly texts: LongTexts; readonly hasTools: boolean },
  report: Reporter,
): readonly AskTurn[] => {
  const turns = joinAnswers(written, recalled);
  const answers = findAnswers(turns, recalled, texts);
  if (target.model.bindsThinking === 'never')
    return turns.map((turn) => {
      const answer = answers.get(turn);
      return answer === undefined || answer.parts === turn.parts ? turn : { ...turn, parts: answer.parts };
    });
  const run = unbrokenRun(answers.values(), target, hasTools);
  const staysOut = (part: Part) => isThinking(part) && !run.has(blockDigest(part.block));
  if (turns.some(({ parts }) => parts.some(staysOut))) report.adjust(report.nameOf('messages'));
  return turns.flatMap((turn): readonly AskTurn[] => {
    const answer = answers.get(turn);
    if (answer === undefined) return [turn];
    const parts = answer.parts.filter((part) => !staysOut(part));
    const lines = answer.known?.lines ?? [];
    const restoredTurn: AskTurn = { ...turn, parts };
    return lines.length === 0 ? [restoredTurn] : [{ role: 'user', parts: lines.map(linePart) }, restoredTurn];
  });
};
