/** From a checked request to a model's answer: resolve, normalize, fetch, encode, open, shape. */

import { fetchImages } from './attachments.ts';
import type { Backends, Answer as Opened, Prepared } from './backends.ts';
import type { Catalogue, Target } from './catalogue.ts';
import type { ChatEvent, Prompt, Report, ThinkingBlock } from './chat.ts';
import { ApiError, unknownModel } from './errors.ts';
import type { ThinkingMemory } from './memory.ts';
import { type ChatRequest, normalize, refuseChanges } from './normalize/index.ts';
import type { Settings } from './normalize/settings.ts';
import { type Folded, fold } from './openai/completion.ts';
import { addUsage, repairPrompt } from './repair.ts';
import { createJsonAnswer, type JsonOutcome } from './structured.ts';
import type { ImageFetcher } from './upstreams/images.ts';

export interface Answer extends Opened {
  readonly target: Target;
  readonly settings: Settings;
  readonly report: Report;
  /** The whole answer at once, a failed JSON answer repaired. Instead of iterating `events`. */
  readonly whole: () => Promise<Folded>;
  /** Once the answer is over: what a JSON answer misses of the caller's schema, in words. */
  readonly schemaProblems: () => readonly string[];
}

export interface AnswerOptions {
  readonly signal: AbortSignal;
  /** Whose thinking blocks are remembered: something that stands for the caller's key. */
  readonly caller: string;
  /** Whether the server may set cache marks of its own. */
  readonly promptCaching: boolean;
  /** Told what is about to be asked, before anything can fail upstream: for headers and the log. */
  readonly onPrepared: (target: Target, report: Report) => void;
}

export type Answerer = (request: ChatRequest, options: AnswerOptions) => Promise<Answer>;

interface Dependencies {
  readonly catalogue: Catalogue;
  readonly backends: Backends;
  readonly memory: ThinkingMemory;
  readonly images: ImageFetcher;
  readonly defaultMaxTokens: number | undefined;
}

const merge = (a: Report, b: Report): Report => ({
  ignored: [...new Set([...a.ignored, ...b.ignored])],
  adjusted: [...new Set([...a.adjusted, ...b.adjusted])],
});

// ---- our own cap against the window --------------------------------------------------------------

/** `input length and max_tokens exceed context limit: 190000 + 32000 > 200000` -> 10000 */
const roomLeft = (message: string): number | undefined => {
  const found = /context limit: (\d{1,9}) \+ \d{1,9} > (\d{1,9})/.exec(message);
  if (found === null) return undefined;
  const room = Number(found[2]) - Number(found[1]);
  return room > 0 ? room : undefined;
};

/** The prompt with our own cap lowered to the room the window has, if that is what was refused. */
const refit = (prompt: Prompt, error: unknown): Prompt | undefined => {
  if (
    !(error instanceof ApiError) ||
    error.code !== 'context_length_exceeded' ||
    prompt.maxTokensIsExplicit
  ) {
    return undefined;
  }
  const room = roomLeft(error.message);
  const needed = prompt.thinking.mode === 'budget' ? prompt.thinking.budgetTokens + 1 : 1;
  return room !== undefined && room >= needed ? { ...prompt, maxTokens: room } : undefined;
};

// ---- what happens to the events on their way -----------------------------------------------------

type Events = AsyncIterable<readonly ChatEvent[]>;

/** Passes events on and, when the answer is whole, tells which thinking came with which calls. */
async function* watchThinking(
  events: Events,
  onWhole: (toolCallIds: readonly string[], blocks: readonly ThinkingBlock[]) => void,
): AsyncGenerator<readonly ChatEvent[]> {
  const ids: string[] = [];
  const blocks: ThinkingBlock[] = [];
  for await (const batch of events) {
    for (const event of batch) {
      if (event.type === 'tool-call') ids.push(event.id);
      else if (event.type === 'thinking-block') blocks.push(event.block);
      // Before the caller sees the end: the next request may come at once.
      else if (event.type === 'finish') onWhole(ids, blocks);
    }
    yield batch;
  }
}

async function* shape(
  events: Events,
  json: ReturnType<typeof createJsonAnswer>,
): AsyncGenerator<readonly ChatEvent[]> {
  for await (const batch of events) {
    const shaped = json.push(batch);
    if (shaped.length > 0) yield shaped;
  }
  json.end();
}

const needsRepair = ({ isJudged, isJson, problems }: JsonOutcome): boolean =>
  isJudged && (!isJson || problems.length > 0);

export const createAnswerer =
  ({ catalogue, backends, memory, images, defaultMaxTokens }: Dependencies): Answerer =>
  async (request, { signal, caller, promptCaching, onPrepared }) => {
    const model = catalogue.resolve(request.model);
    const [target] = catalogue.targets(model);
    if (target === undefined) throw unknownModel(request.model);

    const scope = { caller, model: model.id };
    const recall = (toolCallId: string) => memory.recall(scope, toolCallId);
    const normalized = normalize(request, target, { defaultMaxTokens, recall, promptCaching });
    const { settings } = normalized;
    onPrepared(target, normalized.report);
    // Before anything is fetched, and again with what the target's wire has no room for.
    if (!settings.allowIgnored) refuseChanges(normalized.report, target.upstream);
    const prompt = await fetchImages(normalized.prompt, target, images, signal);
    const prepared = backends.prepare(prompt, target);
    const report = merge(normalized.report, prepared.report);
    onPrepared(target, report);
    if (!settings.allowIgnored) refuseChanges(report, target.upstream);

    const { format } = prompt;
    const remembers = model.thinking !== null && model.family === 'claude' && prompt.tools.length > 0;

    /** One answer of the model, and how its JSON came out. */
    const ask = async (written: Prepared, stream: boolean) => {
      const opened = await written.open({ stream, signal });
      const json = format.type === 'text' ? undefined : createJsonAnswer(format);
      const events = remembers
        ? watchThinking(opened.events, (ids, blocks) => memory.remember(scope, ids, blocks))
        : opened.events;
      return { origin: opened.origin, events: json === undefined ? events : shape(events, json), json };
    };

    const askWithin = async (asked: Prompt, written: Prepared, stream: boolean) => {
      try {
        return await ask(written, stream);
      } catch (error) {
        const smaller = refit(asked, error);
        if (smaller === undefined) throw error;
        return ask(backends.prepare(smaller, target), stream);
      }
    };

    const first = await askWithin(prompt, prepared, settings.stream);
    let outcome = () => first.json?.outcome();

    const whole = async (): Promise<Folded> => {
      const [folded, failure] = await fold(first.events).then(
        (value) => [value, undefined] as const,
        (error: unknown) => [undefined, error] as const,
      );
      const result = first.json?.outcome();
      if (format.type !== 'instructed' || result === undefined || !needsRepair(result)) {
        if (folded === undefined) throw failure;
        return folded;
      }
      const corrected = repairPrompt(prompt, result);
      const second = await askWithin(corrected, backends.prepare(corrected, target), false);
      outcome = () => second.json?.outcome();
      const repaired = await fold(second.events);
      return { ...repaired, usage: addUsage(folded?.usage, repaired.usage) };
    };

    return {
      origin: first.origin,
      events: first.events,
      target,
      settings,
      report,
      whole,
      schemaProblems: () => outcome()?.problems ?? [],
    };
  };
