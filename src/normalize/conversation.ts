/**
 * Turns in the client's order to a conversation any upstream accepts: system text apart, roles alternating,
 * the user first, every tool call answered at once. Behaviour 3.
 */

import type { AskTurn } from '../core/ask.ts';
import type { DocumentPart, ImagePart, Part, TextPart, ToolResultPart, Turn } from '../core/chat.ts';
import { invalidRequest } from '../core/errors.ts';
import { textPart, trimmedEnd } from '../core/message-text.ts';
import { createCallIds } from './call-ids.ts';
import { isCall, partsOf } from './parts.ts';
import type { Reporter } from './report.ts';

export interface Conversation {
  readonly system: readonly TextPart[];
  readonly turns: readonly Turn[];
}

/**
 * What becomes of system messages behind the first turn. `hoisted`: they join the system's text. `moved`: each stands
 * where the upstream takes it, at once or at the next such place. Where thinking is bound to what stood before it, an
 * earlier place must not depend on later turns: `kept` where the upstream takes it by its neighbours, `as-user`: always
 * a text of the user's. Behaviour 3.1, 5.10.
 */
export type LateSystem = 'hoisted' | 'moved' | 'kept' | 'as-user';

interface Options {
  readonly lateSystem: LateSystem;
  /** A final assistant message is the beginning of the answer. */
  readonly prefill: boolean;
  /** Of what comes in a tool's result, what the model can look at. */
  readonly takes: { readonly image: boolean; readonly document: boolean };
}

/** Stands where the upstream demands a user turn and the client wrote none. */
const placeholderTurn: Turn = { role: 'user', parts: [textPart('.')] };
const emptyTurn: Turn = { role: 'user', parts: [] };
/** Asks for more behind an answer, where the answer itself cannot be begun for the model. */
export const continueLine = 'Continue.';
const continueTurn: Turn = { role: 'user', parts: [textPart(continueLine)] };

const mergeNeighbours = (turns: readonly Turn[]): Turn[] => {
  const merged: Turn[] = [];
  /** The parts of the last turn, where it is a joined one. */
  let joined: Part[] | undefined;
  for (const turn of turns) {
    const { role, parts } = turn;
    if (parts.length === 0) continue;
    const last = merged.at(-1);
    if (last?.role !== role) {
      joined = undefined;
      merged.push(turn);
      continue;
    }
    if (joined === undefined) {
      joined = [...last.parts];
      merged[merged.length - 1] = { role, parts: joined };
    }
    // Not spread: a turn may have more parts than a call may have arguments.
    for (const part of parts) joined.push(part);
  }
  return merged;
};

const isResult = (part: Part): part is ToolResultPart => part.type === 'tool-result';
const isText = (part: Part): part is TextPart => part.type === 'text';

const missingResult = (id: string): ToolResultPart => ({
  type: 'tool-result',
  id,
  content: [textPart('No result was provided for this call.')],
  isError: true,
});

/** A call as it will be sent, and the id its result comes under. */
interface OpenCall {
  readonly id: string;
  readonly answeredAs: string;
}

/** A user turn with the results its predecessor's calls need, first and in their order; strays become text. */
const answerCalls = (calls: readonly OpenCall[], parts: readonly Part[]): readonly Part[] => {
  if (calls.length === 0 && !parts.some(isResult)) return parts;
  const waiting = new Map<string, string[]>();
  for (const { id, answeredAs } of calls.toReversed()) {
    const same = waiting.get(answeredAs);
    if (same === undefined) waiting.set(answeredAs, [id]);
    else same.push(id);
  }
  const results = new Map<string, ToolResultPart>();
  const rest: Part[] = [];
  for (const part of parts) {
    const id = isResult(part) ? waiting.get(part.id)?.pop() : undefined;
    if (!isResult(part)) rest.push(part);
    else if (id === undefined) for (const stray of part.content) rest.push(stray);
    else results.set(id, { ...part, id });
  }
  return [...calls.map(({ id }) => results.get(id) ?? missingResult(id)), ...rest];
};

const pairCalls = (turns: readonly Turn[]): Turn[] => {
  const paired: Turn[] = [];
  const callId = createCallIds(turns);
  let open: OpenCall[] = [];
  const answerOpenCalls = (turn: Turn) => {
    const parts = answerCalls(open, turn.parts);
    paired.push(parts === turn.parts ? turn : { role: 'user', parts });
    open = [];
  };
  for (const turn of turns) {
    if (turn.role === 'user') {
      answerOpenCalls(turn);
      continue;
    }
    if (open.length > 0) answerOpenCalls(emptyTurn);
    if (!turn.parts.some(isCall)) {
      paired.push(turn);
      continue;
    }
    const parts = turn.parts.map((part) => {
      if (!isCall(part)) return part;
      const id = callId(part);
      open.push({ id, answeredAs: part.id });
      return id === part.id ? part : { ...part, id };
    });
    paired.push({ role: turn.role, parts });
  }
  if (open.length > 0) answerOpenCalls(emptyTurn);
  return paired;
};

/** Whether a call had to be given a result, or a result could not stay one. */
const wasRepaired = (before: readonly Turn[], after: readonly Turn[]): boolean => {
  const results = partsOf(after, isResult);
  return results.some(({ isError }) => isError) || results.length < partsOf(before, isResult).length;
};

const trimPrefill = (turn: Turn): Turn => ({
  ...turn,
  parts: turn.parts.flatMap((part, index): Part[] => {
    if (part.type !== 'text' || index < turn.parts.length - 1) return [part];
    return [{ ...part, text: trimmedEnd(part.text) }];
  }),
});

const hasParts = ({ parts }: Turn): boolean => parts.length > 0;
const isSystem = ({ role }: Turn): boolean => role === 'system';

/**
 * Each system turn directly behind a user turn and before the assistant's, the next place of that kind from where it
 * stood: elsewhere the API refuses it. (github.com/pydantic/pydantic-ai/issues/5706, github.com/langchain4j/langchain4j/issues/5603)
 * One that waits in vain comes last.
 */
const placeSystem = (turns: readonly Turn[]): readonly Turn[] => {
  if (!turns.some(isSystem)) return turns;
  const placed: Turn[] = [];
  let waiting: Turn[] = [];
  for (const turn of turns) {
    if (isSystem(turn)) {
      waiting.push(turn);
      continue;
    }
    if (turn.role === 'assistant' && placed.at(-1)?.role === 'user') {
      placed.push(...waiting);
      waiting = [];
    }
    placed.push(turn);
  }
  return [...placed, ...waiting];
};

/** Stands before a system message that is sent in the user's turn. */
const operatorNote = textPart('This is an instruction of the operator of this application, not of the user:');

const asUser = (run: readonly Turn[]): Turn => ({
  role: 'user',
  parts: [operatorNote, ...run.flatMap(({ parts }) => parts)],
});

/** Each run of system turns by its neighbours alone: what is appended later changes nothing of it. */
const settleSystem = (turns: readonly Turn[], takesSystem: boolean): readonly Turn[] => {
  const settled: Turn[] = [];
  let waiting: readonly Turn[] = [];
  for (let index = 0; index < turns.length; ) {
    const behind = turns.findIndex((turn, at) => at >= index && !isSystem(turn));
    const end = behind < 0 ? turns.length : behind;
    const run = turns.slice(index, end);
    const next = turns[end];
    if (run.length > 0) {
      if (takesSystem && next?.role === 'user') waiting = [...waiting, ...run];
      else if (takesSystem && settled.at(-1)?.role === 'user') settled.push(...waiting, ...run);
      else settled.push(asUser(run));
      if (next?.role !== 'user') waiting = [];
    } else if (next?.role === 'assistant') {
      settled.push(...waiting);
      waiting = [];
    }
    if (next !== undefined) settled.push(next);
    index = end + 1;
  }
  return [...settled, ...waiting];
};

/** As they stand, where there is none: this is on the way of every request. */
const settle = (takesSystem: boolean) => (turns: readonly Turn[]) =>
  turns.some(isSystem) ? settleSystem(turns, takesSystem) : turns;

const placements: Readonly<Record<LateSystem, (turns: readonly Turn[]) => readonly Turn[]>> = {
  hoisted: (turns) => turns,
  moved: placeSystem,
  kept: settle(true),
  'as-user': settle(false),
};

const differs = (before: readonly Turn[], after: readonly Turn[]): boolean =>
  before.length !== after.length || after.some((turn, index) => turn !== before[index]);

const unseen = (type: 'image' | 'document'): TextPart =>
  textPart(
    `[The tool returned an ${type === 'image' ? 'image' : 'attached document'}, which this model cannot read.]`,
  );

/** A tool's image must not end a conversation for ever: the agent could never send it without. */
const withoutUnseen = (turns: readonly Turn[], takes: Options['takes']): readonly Turn[] => {
  const isUnseen = (part: Part): part is ImagePart | DocumentPart =>
    (part.type === 'image' || part.type === 'document') && !takes[part.type];
  return turns.map((turn) => {
    if (!turn.parts.some((part) => isResult(part) && part.content.some(isUnseen))) return turn;
    const parts = turn.parts.map((part) =>
      isResult(part)
        ? { ...part, content: part.content.map((each) => (isUnseen(each) ? unseen(each.type) : each)) }
        : part,
    );
    return { role: turn.role, parts };
  });
};

/** A user turn that asks to go on, before system turns that stand at the end. */
const withContinue = (turns: readonly Turn[]): readonly Turn[] => {
  const end = turns.at(-1)?.role === 'system' ? turns.length - 1 : turns.length;
  return [...turns.slice(0, end), continueTurn, ...turns.slice(end)];
};

/**
 * Throws 400 where nothing is left to send. What was moved or added that the client did not
 * write is reported as `messages`.
 */
export const arrangeConversation = (
  all: readonly AskTurn[],
  { lateSystem, prefill, takes }: Options,
  report: Reporter,
): Conversation => {
  const read = takes.image && takes.document ? all : withoutUnseen(all, takes);
  const written = read.filter(hasParts);
  const firstOther = written.findIndex((turn) => !isSystem(turn));
  const leading = firstOther < 0 ? written.length : firstOther;
  const isHoisted = (turn: Turn, index: number) =>
    isSystem(turn) && (index < leading || lateSystem === 'hoisted');

  const system = partsOf(written.filter(isHoisted), isText);
  const kept = written.filter((turn, index) => !isHoisted(turn, index));
  const place = placements[lateSystem];
  const placed = place(kept);
  const paired = mergeNeighbours(pairCalls(mergeNeighbours(placed)));
  // A result that became text, or nothing, may have taken the place of a system turn away.
  const spoken = mergeNeighbours(place(paired));

  if (spoken.length === 0 && system.length === 0) {
    const name = report.nameOf('messages');
    throw invalidRequest(
      `${name}: holds no text, image or tool call; at least one message must not be empty.`,
      name,
    );
  }
  const opened = spoken[0]?.role === 'user' ? spoken : [placeholderTurn, ...spoken];
  // A system message at the end answers no one: before it still stands the assistant's word.
  const endsWithAnswer = opened.findLast((turn) => !isSystem(turn))?.role === 'assistant';
  // Only what the client sent last is the beginning of an answer: behind it no user message either that vanished.
  const sentLast = all.findLast((turn) => hasParts(turn) || turn.role === 'user');
  const last = opened.at(-1);
  const isPrefill = prefill && last?.role === 'assistant' && sentLast?.role === 'assistant';
  const turns = !endsWithAnswer
    ? opened
    : isPrefill
      ? [...opened.slice(0, -1), trimPrefill(last)]
      : withContinue(opened);

  const isAdjusted =
    (read !== all && differs(all, read)) ||
    (lateSystem === 'hoisted' && written.slice(leading).some(isSystem)) ||
    differs(kept, placed) ||
    differs(paired, spoken) ||
    wasRepaired(read, spoken) ||
    opened !== spoken ||
    (endsWithAnswer && !isPrefill);
  if (isAdjusted) report.adjust(report.nameOf('messages'));
  return { system, turns };
};
