/**
 * Turns in the caller's order to a conversation any upstream accepts: system text apart, roles alternating,
 * the user first, every tool call answered at once. BEHAVIOUR section 3.
 */

import type { Part, TextPart, ToolResultPart, Turn } from '../chat.ts';
import { invalidRequest } from '../errors.ts';
import type { Message } from '../openai/request.ts';
import { createCallIds } from './call-ids.ts';
import { readTurns } from './messages.ts';
import { isCall, partsOf } from './parts.ts';

export interface Conversation {
  readonly system: readonly TextPart[];
  readonly turns: readonly Turn[];
  /** Whether something was moved or added that the caller did not write. */
  readonly adjusted: boolean;
}

interface Options {
  /** Leave later system messages where they stand. */
  readonly midSystem: boolean;
  /** A final assistant message is the beginning of the answer. */
  readonly prefill: boolean;
}

/** Stands where the upstream demands a user turn and the caller wrote none. */
const placeholderTurn: Turn = { role: 'user', parts: [{ type: 'text', text: '.' }] };
const emptyTurn: Turn = { role: 'user', parts: [] };
const continueTurn: Turn = { role: 'user', parts: [{ type: 'text', text: 'Continue.' }] };

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
  content: [{ type: 'text', text: 'No result was provided for this call.' }],
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
  const settle = (turn: Turn) => {
    const parts = answerCalls(open, turn.parts);
    paired.push(parts === turn.parts ? turn : { role: 'user', parts });
    open = [];
  };
  for (const turn of turns) {
    if (turn.role === 'user') {
      settle(turn);
      continue;
    }
    if (open.length > 0) settle(emptyTurn);
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
  if (open.length > 0) settle(emptyTurn);
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
    return [{ ...part, text: part.text.trimEnd() }];
  }),
});

/** Turns that stand between calls and their results, where no upstream takes anything else. */
const betweenCallsAndResults = (turns: readonly Turn[]): ReadonlySet<Turn> => {
  const found = new Set<Turn>();
  let resultAhead = false;
  for (const turn of turns.toReversed()) {
    if (turn.role === 'assistant') resultAhead = false;
    else if (turn.parts.some(isResult)) resultAhead = true;
    else if (resultAhead) found.add(turn);
  }
  return found;
};

/** Throws 400 with the field's path for content that cannot be sent. */
export const readConversation = (
  messages: readonly Message[],
  { midSystem, prefill }: Options,
): Conversation => {
  const all = readTurns(messages);
  const firstOther = all.findIndex((turn) => turn.role !== 'system');
  const leading = firstOther < 0 ? all.length : firstOther;
  const intruders = betweenCallsAndResults(all);
  const isHoisted = (turn: Turn, index: number) =>
    turn.role === 'system' && (index < leading || !midSystem || intruders.has(turn));
  const hoistedLate = all.some(
    (turn, index) => index >= leading && isHoisted(turn, index) && turn.parts.length > 0,
  );

  const system = partsOf(all.filter(isHoisted), isText);
  const merged = mergeNeighbours(all.filter((turn, index) => !isHoisted(turn, index)));
  const spoken = mergeNeighbours(pairCalls(merged));

  if (spoken.length === 0 && system.length === 0) {
    throw invalidRequest(
      'messages: holds no text, image or tool call; at least one message must not be empty.',
      'messages',
    );
  }
  const opened = spoken[0]?.role === 'user' ? spoken : [placeholderTurn, ...spoken];
  const last = opened.at(-1);
  // A system message at the end answers nobody: before it still stands the assistant's word.
  const endsWithAnswer = opened.findLast(({ role }) => role !== 'system')?.role === 'assistant';
  const turns = !endsWithAnswer
    ? opened
    : prefill && last?.role === 'assistant'
      ? [...opened.slice(0, -1), trimPrefill(last)]
      : [...opened, continueTurn];

  const adjusted =
    hoistedLate || wasRepaired(all, spoken) || opened !== spoken || (endsWithAnswer && !prefill);
  return { system, turns, adjusted };
};
