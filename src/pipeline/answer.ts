/** A model's answer on its way to the client: calls remembered with their thinking, JSON made pure and repaired. */

import type { Ask } from '../core/ask.ts';
import type { ChatEvent, Cost, Prompt, ServiceTier, Usage } from '../core/chat.ts';
import type { Origin } from '../core/errors.ts';
import { type Folded, fold } from '../core/fold.ts';
import type { Report } from '../core/report.ts';
import type { Target } from '../models/catalogue.ts';
import { costOf } from '../models/cost.ts';
import { willThink } from '../normalize/history.ts';
import type { Settings } from '../normalize/settings.ts';
import { type AnswerNotes, notesFor, type Remembering } from './answer-notes.ts';
import type { Attempts, Opened } from './attempts.ts';
import type { OpenedAnswer } from './backends.ts';
import { BadJson, Corrections, type Question } from './correction.ts';
import { createJsonAnswer, type JsonAnswer, type JsonOutcome } from './json-output.ts';
import { addUsage } from './json-repair.ts';
import type { EventBatches } from './read-answer.ts';
import { type SentBlock, sentBlocks } from './sent-blocks.ts';

export interface Answer extends OpenedAnswer {
  readonly target: Target;
  readonly settings: Settings;
  readonly report: Report;
  /** Thinking that went upstream, for a client that carries it; else empty. */
  readonly sentBlocks: readonly SentBlock[];
  /**
   * The whole answer at once, a failed JSON answer repaired. Instead of iterating `events`. Meanwhile `onUsage`
   * is notified of what has been used so far.
   */
  readonly whole: (onUsage: (usage: Usage) => void) => Promise<Folded>;
  /** What so much of it cost, where that is known. */
  readonly costOf: (usage: Usage) => Cost | undefined;
  /** Once the answer is over: what a JSON answer misses of the client's schema, in words. */
  readonly schemaProblems: () => readonly string[];
}

/** Passes events on and, when the answer is whole, remembers it. */
async function* noteAnswer(events: EventBatches, notes: AnswerNotes): AsyncGenerator<readonly ChatEvent[]> {
  for await (const batch of events) {
    for (const event of batch) {
      notes.push(event);
      // Before the client sees the end: the next request may come at once.
      if (event.type === 'finish') await notes.end();
    }
    yield batch;
  }
}

async function* purify(events: EventBatches, json: JsonAnswer): AsyncGenerator<readonly ChatEvent[]> {
  for await (const batch of events) {
    const pure = json.push(batch);
    if (pure.length > 0) yield pure;
  }
  json.end();
}

interface Shaped {
  readonly events: EventBatches;
  readonly json: JsonAnswer | undefined;
}

/** `remembering`: absent for a model whose thinking is not remembered. */
const shape = (
  { events }: OpenedAnswer,
  prompt: Prompt,
  target: Target,
  remembering: Remembering | undefined,
): Shaped => {
  const { thinking, format } = prompt;
  const notes = willThink(thinking, target.model) ? notesFor(prompt, target, remembering) : undefined;
  const watched = notes === undefined ? events : noteAnswer(events, notes);
  const json = format.type === 'text' ? undefined : createJsonAnswer(format);
  return { events: json === undefined ? watched : purify(watched, json), json };
};

/** What judges the answer that the client gets; another, once a second try has been opened. */
interface Judged {
  json: JsonAnswer | undefined;
}

// What the record of a request keeps is made out here: within the answer it would keep the conversation.

const priceAt =
  (target: Target, tier: ServiceTier | undefined): Answer['costOf'] =>
  (usage) =>
    costOf(usage, target, tier);

const problemsOf =
  (judged: Judged): Answer['schemaProblems'] =>
  () =>
    judged.json?.outcome().problems ?? [];

const noNotice = () => undefined;

interface Repair {
  readonly question: Question;
  readonly attempts: Attempts;
  readonly remembering: Remembering | undefined;
}

export interface AnswerParts {
  readonly ask: Pick<Ask, 'stream' | 'names' | 'carriesThinking'>;
  readonly target: Target;
  readonly settings: Settings;
  readonly opened: Opened;
  /** For a second try. */
  readonly attempts: Attempts;
  readonly remembering: Remembering | undefined;
}

const withoutBlocks = (folded: Folded): Folded => ({
  ...folded,
  blocks: [],
  events: folded.events.filter(({ type }) => type !== 'thinking-block'),
});

type FoldedWhole = { readonly folded: Folded } | { readonly error: unknown };

const foldedWhole = async (events: EventBatches, onUsage: (usage: Usage) => void): Promise<FoldedWhole> => {
  try {
    return { folded: await fold(events, onUsage) };
  } catch (error) {
    return { error };
  }
};

export class ModelAnswer implements Answer {
  readonly origin: Origin;
  readonly events: EventBatches;
  readonly target: Target;
  readonly settings: Settings;
  readonly report: Report;
  readonly sentBlocks: readonly SentBlock[];
  readonly costOf: Answer['costOf'];
  readonly schemaProblems: Answer['schemaProblems'];
  readonly #judged: Judged;
  /** The question once more, where its answer may have to be repaired: it holds the conversation. */
  #repair: Repair | undefined;

  constructor({ ask, target, settings, opened, attempts, remembering }: AnswerParts) {
    const { prompt, report, serviceTier, answer } = opened;
    const { events, json } = shape(answer, prompt, target, remembering);
    this.origin = answer.origin;
    this.events = events;
    this.target = target;
    this.settings = settings;
    this.report = report;
    this.sentBlocks = ask.carriesThinking ? sentBlocks(prompt) : [];
    this.costOf = priceAt(target, serviceTier);
    this.#judged = { json };
    this.schemaProblems = problemsOf(this.#judged);
    const isRepairable = prompt.format.type === 'instructed' && !ask.stream;
    this.#repair = isRepairable
      ? { question: { target, settings, prompt, names: ask.names }, attempts, remembering }
      : undefined;
  }

  async whole(onUsage: (usage: Usage) => void): Promise<Folded> {
    const first = await foldedWhole(this.events, onUsage);
    const outcome = this.#judged.json?.outcome();
    const repair = this.#repair;
    this.#repair = undefined;
    const repaired =
      repair === undefined || outcome === undefined
        ? undefined
        : await this.#secondTry(first, outcome, repair, onUsage);
    if (repaired !== undefined) return repaired;
    if ('error' in first) throw first.error;
    return first.folded;
  }

  /** The repaired answer; undefined where the first one is not to be repaired. */
  async #secondTry(
    first: FoldedWhole,
    outcome: JsonOutcome,
    { question, attempts, remembering }: Repair,
    onUsage: (usage: Usage) => void,
  ): Promise<Folded | undefined> {
    const correction = new Corrections().next(question, new BadJson(outcome));
    if (correction === undefined) return undefined;
    const judged = this.#judged;
    const { json } = judged;
    const { target, settings, names } = question;
    const corrected: Question = { target, settings, prompt: correction.prompt, names };
    // The headers are out: what the first try changed of the request is said.
    const options = { stream: false, report: this.report, onReport: noNotice };
    try {
      const opened = await attempts.over([target], () => attempts.open(corrected, options));
      // Bound to a failed answer and a complaint that no client will send back.
      const isLost = target.model.bindsThinking !== 'never';
      const second = shape(opened.answer, opened.prompt, target, isLost ? undefined : remembering);
      judged.json = second.json;
      const folded = await fold(second.events, (usage) => onUsage(addUsage(outcome.usage, usage) ?? usage));
      const said = isLost ? withoutBlocks(folded) : folded;
      return { ...said, usage: addUsage(outcome.usage, folded.usage) };
    } catch (error) {
      // JSON that misses the schema is still better than none.
      if ('error' in first || attempts.cancelled) throw error;
      const usage = judged.json === json ? undefined : judged.json?.outcome().usage;
      judged.json = json;
      return { ...first.folded, usage: addUsage(outcome.usage, usage) };
    }
  }
}
