/** From a checked request to a model's answer: resolve, normalize, fetch, encode, open, shape. */

import type { Timeouts } from '../config.ts';
import type { Ask } from '../core/ask.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { ChatEvent, Cost, Prompt, ServiceTier, ThinkingBlock, Usage } from '../core/chat.ts';
import { ApiError, withAdvice } from '../core/errors.ts';
import { type Folded, fold } from '../core/fold.ts';
import { type Report, withAdjusted, withConcepts } from '../core/report.ts';
import type { Texts } from '../core/texts.ts';
import type { Catalogue, Target } from '../models/catalogue.ts';
import { costOf } from '../models/cost.ts';
import { dropThinking, willThink } from '../normalize/history.ts';
import { normalize, refuseChanges, toolCallIds } from '../normalize/index.ts';
import type { Settings } from '../normalize/settings.ts';
import type { Backends, Answer as Opened, Prepared } from '../providers/registry.ts';
import type { ImageFetcher } from './image-fetcher.ts';
import { createJsonAnswer, type JsonAnswer, type JsonOutcome } from './json-output.ts';
import { fetchImages, hasImagesToFetch } from './media-fetch.ts';
import { addUsage, repairPrompt } from './repair.ts';
import type { Resilience } from './retry.ts';
import type { ThinkingMemory } from './thinking-memory.ts';

export interface Answer extends Opened {
  readonly target: Target;
  readonly settings: Settings;
  readonly report: Report;
  /**
   * The whole answer at once, a failed JSON answer repaired. Instead of iterating `events`. Meanwhile `onUsage`
   * hears what has been used so far.
   */
  readonly whole: (onUsage: (usage: Usage) => void) => Promise<Folded>;
  /** What so much of it cost, where that is known. */
  readonly costOf: (usage: Usage) => Cost | undefined;
  /** Once the answer is over: what a JSON answer misses of the caller's schema, in words. */
  readonly schemaProblems: () => readonly string[];
}

/** Notified when a model has been asked and is waited for, and when that has failed: what follows is no such wait. */
export interface AttemptListener {
  attemptStarted(): void;
  attemptFailed(): void;
}

export interface AnswerOptions {
  /** What the stand-ins in the request stand for. */
  readonly texts: Texts;
  readonly cancellation: Cancellation;
  /** Whose thinking blocks are remembered: something that stands for the caller's key. */
  readonly caller: string;
  /** Whether the server may set cache marks of its own. */
  readonly promptCaching: boolean;
  /** Told what is about to be asked, before anything can fail upstream: for headers and the log. */
  readonly onPrepared: (target: Target, report: Report) => void;
  /** Told when an upstream is asked once more, the same or another. */
  readonly onRetry: () => void;
  readonly attempts: AttemptListener;
}

export type Answerer = (ask: Ask, options: AnswerOptions) => Promise<Answer>;

interface Dependencies {
  readonly catalogue: Catalogue;
  readonly backends: Backends;
  readonly memory: ThinkingMemory;
  readonly images: ImageFetcher;
  readonly resilience: Resilience;
  readonly defaultMaxTokens: number | undefined;
  /** Whether callers who say nothing of it see the reasoning. */
  readonly showReasoning: boolean;
  readonly timeouts: Pick<Timeouts, 'total' | 'stream'>;
}

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

// ---- thinking that is not good there --------------------------------------------------------------

/**
 * Said of blocks that another model or account signed, or that something on the way altered.
 * (github.com/lbjlaq/Antigravity-Manager/issues/498, github.com/anthropics/claude-code/issues/63246)
 */
const refusedThinking =
  /invalid `?(signature|data)`? in `?(redacted_)?thinking`? block|`?redacted_thinking`? blocks in the latest assistant message cannot be modified/i;

/** Said where a turn that has to begin with thinking does not. */
const demandedThinking = /expected `?thinking`? or `?redacted_thinking`?/i;

/**
 * The prompt without the blocks that were refused; without thinking, where a block is demanded. Adaptive thinking
 * demands none, and stays: switching it would cost the conversation's prompt cache.
 */
const unthink = (prompt: Prompt, error: unknown, { model }: Target): Prompt | undefined => {
  if (!(error instanceof ApiError) || error.status !== 400) return undefined;
  const isDemanded = demandedThinking.test(error.message);
  if (!isDemanded && !refusedThinking.test(error.message)) return undefined;
  const canSwitchOff = model.thinking?.off !== 'no' && willThink(prompt.thinking, model);
  const without = dropThinking(prompt.turns);
  if (canSwitchOff && (isDemanded || prompt.thinking.mode === 'budget'))
    return { ...prompt, turns: without ?? prompt.turns, thinking: { mode: 'off' } };
  return without === undefined ? undefined : { ...prompt, turns: without };
};

// ---- what happens to the events on their way -----------------------------------------------------

type Events = AsyncIterable<readonly ChatEvent[]>;

/** Passes events on and, when the answer is whole, tells which thinking came with which calls. */
async function* watchThinking(
  events: Events,
  onWhole: (toolCallIds: readonly string[], blocks: readonly ThinkingBlock[]) => Promise<void>,
): AsyncGenerator<readonly ChatEvent[]> {
  const ids: string[] = [];
  const blocks: ThinkingBlock[] = [];
  for await (const batch of events) {
    for (const event of batch) {
      if (event.type === 'tool-call') ids.push(event.id);
      else if (event.type === 'thinking-block') blocks.push(event.block);
      // Before the caller sees the end: the next request may come at once.
      else if (event.type === 'finish') await onWhole(ids, blocks);
    }
    yield batch;
  }
}

async function* shape(events: Events, json: JsonAnswer): AsyncGenerator<readonly ChatEvent[]> {
  for await (const batch of events) {
    const shaped = json.push(batch);
    if (shaped.length > 0) yield shaped;
  }
  json.end();
}

const needsRepair = ({ isJudged, isJson, problems }: JsonOutcome): boolean =>
  isJudged && (!isJson || problems.length > 0);

/** A request as one target was asked it, and what came back. */
interface Asked {
  readonly target: Target;
  readonly settings: Settings;
  readonly report: Report;
  readonly prompt: Prompt;
  readonly opened: Opened;
  readonly json: JsonAnswer | undefined;
  /** A tier that the target's wire has no room for was not asked. */
  readonly askedTier: ServiceTier | undefined;
}

/** Not a closure of the request's own: the record of a request keeps it, and would keep the conversation with it. */
const priceAt =
  (target: Target, tier: ServiceTier | undefined) =>
  (usage: Usage): Cost | undefined =>
    costOf(usage, target, tier);

export const createAnswerer =
  (dependencies: Dependencies): Answerer =>
  async (ask, options) => {
    const { catalogue, backends, resilience, memory, images, defaultMaxTokens, showReasoning, timeouts } =
      dependencies;
    const { texts, cancellation, caller, promptCaching } = options;
    const { onPrepared, onRetry, attempts } = options;
    const startedAt = performance.now();
    const deadline = startedAt + (ask.stream ? timeouts.stream : timeouts.total);
    const model = catalogue.resolve(ask.model);
    const targets = catalogue.targets(model);
    const scope = { caller, model: model.id };
    const canThink = model.thinking !== null && model.family === 'claude';
    const calls = canThink ? toolCallIds(ask) : [];
    const recall = calls.length > 0 ? await memory.recall(scope, calls) : undefined;

    const attempt = async (prepared: Prepared, stream: boolean): Promise<Opened> => {
      attempts.attemptStarted();
      try {
        return await prepared.open({ stream, cancellation, startedAt });
      } catch (error) {
        attempts.attemptFailed();
        throw error;
      }
    };

    /** Opens a prepared prompt, once more with a smaller cap of ours if that is what was refused. */
    const open = async (
      prompt: Prompt,
      prepared: Prepared,
      target: Target,
      stream: boolean,
    ): Promise<Opened> => {
      try {
        return await attempt(prepared, stream);
      } catch (error) {
        const smaller = refit(prompt, error);
        if (smaller === undefined) throw error;
        onRetry();
        return attempt(backends.prepare(smaller, target), stream);
      }
    };

    /** What is done to the events on their way: calls remembered with their thinking, JSON made pure. */
    const follow = (opened: Opened, prompt: Prompt): Pick<Asked, 'opened' | 'json'> => {
      const watched =
        canThink && prompt.tools.length > 0 && willThink(prompt.thinking, model)
          ? watchThinking(opened.events, (ids, blocks) => memory.remember(scope, ids, blocks))
          : opened.events;
      const json = prompt.format.type === 'text' ? undefined : createJsonAnswer(prompt.format);
      const events = json === undefined ? watched : shape(watched, json);
      return { opened: { origin: opened.origin, events }, json };
    };

    /** A caller who allows no changes is judged by the first upstream that is asked. */
    let judge: Target | undefined;

    // Written anew for every target: schemas, images and API versions differ between upstreams.
    const askTarget = async (target: Target): Promise<Asked> => {
      const fitted = normalize(ask, target, {
        defaultMaxTokens,
        showReasoning,
        recall,
        promptCaching,
        texts,
      });
      const { settings } = fitted;
      judge ??= target;
      const isStrict = !ask.allowIgnored && target === judge;
      let told: Report | undefined;
      // Before anything is fetched, and again where the target's wire has no room for something more.
      const tell = (report: Report): void => {
        if (report === told) return;
        told = report;
        onPrepared(target, report);
        if (isStrict) refuseChanges(report, target.upstream, ask.names);
      };
      tell(fitted.report);
      const fetched = hasImagesToFetch(fitted.prompt, target)
        ? await fetchImages(fitted.prompt, target, images, cancellation)
        : fitted.prompt;

      const send = async (prompt: Prompt, changed: Report): Promise<Asked> => {
        const prepared = backends.prepare(prompt, target);
        const report = withConcepts(changed, prepared.report, ask.names);
        tell(report);
        const opened = await open(prompt, prepared, target, ask.stream);
        const followed = follow(opened, prompt);
        const askedTier = prepared.report.ignored.includes('serviceTier') ? undefined : prompt.serviceTier;
        return { target, settings, report, prompt, opened: followed.opened, json: followed.json, askedTier };
      };
      try {
        return await send(fetched, fitted.report);
      } catch (error) {
        const withoutThinking = unthink(fetched, error, target);
        if (withoutThinking === undefined) throw error;
        onRetry();
        // Thinking that goes on has only lost what was sent of it.
        const isOff = withoutThinking.thinking.mode === 'off';
        const { thinking, messages } = ask.names;
        const name = isOff ? (settings.thinkingRequest?.parameter ?? thinking) : messages;
        return await send(withoutThinking, withAdjusted(fitted.report, name));
      }
    };

    const first = await resilience
      .run(targets, askTarget, { cancellation, deadline, onRetry })
      .catch((error: unknown): never => {
        const isUnknown = error instanceof ApiError && error.code === 'model_not_found';
        throw isUnknown ? withAdvice(error, catalogue.advice(model)) : error;
      });
    const firstOutcome = () => first.json?.outcome();
    let outcome = firstOutcome;

    const repair = async (failed: JsonOutcome, onUsage: (usage: Usage) => void): Promise<Folded> => {
      const { target } = first;
      const prompt = repairPrompt(first.prompt, failed);
      const again = () => open(prompt, backends.prepare(prompt, target), target, false);
      const second = follow(
        await resilience.run([target], again, { cancellation, deadline, onRetry }),
        prompt,
      );
      outcome = () => second.json?.outcome();
      return fold(second.opened.events, (usage) => onUsage(addUsage(failed.usage, usage) ?? usage));
    };

    const whole: Answer['whole'] = async (onUsage) => {
      const result = await fold(first.opened.events, onUsage).then(
        (folded) => ({ folded }),
        (error: unknown) => ({ error }),
      );
      const judged = firstOutcome();
      if (first.prompt.format.type === 'instructed' && judged !== undefined && needsRepair(judged)) {
        const repaired = await repair(judged, onUsage).catch((error: unknown) => {
          // JSON that misses the schema is still better than none.
          if ('error' in result || cancellation.aborted) throw error;
          const usage = outcome === firstOutcome ? undefined : outcome()?.usage;
          outcome = firstOutcome;
          return { ...result.folded, usage };
        });
        return { ...repaired, usage: addUsage(judged.usage, repaired.usage) };
      }
      if ('error' in result) throw result.error;
      return result.folded;
    };

    const { target, settings, report, opened, askedTier } = first;
    return {
      origin: opened.origin,
      events: opened.events,
      target,
      settings,
      report,
      whole,
      costOf: priceAt(target, askedTier),
      schemaProblems: () => outcome()?.problems ?? [],
    };
  };
