/** From a checked request to a model's answer: resolve, normalize, fetch, encode, open, shape. */

import type { Ask } from '../core/ask.ts';
import type { AttemptListener } from '../core/attempt-listener.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { Prompt } from '../core/chat.ts';
import { ApiError, withAdvice } from '../core/errors.ts';
import type { Recalled } from '../core/remembered-answer.ts';
import { type ParameterNames, type Report, withAdjusted } from '../core/report.ts';
import type { Timeouts } from '../core/timeouts.ts';
import type { Catalogue, Target } from '../models/catalogue.ts';
import { normalize, refuseChanges } from '../normalize/index.ts';
import type { Settings } from '../normalize/settings.ts';
import type { Affinity } from './affinity.ts';
import { type Answer, ModelAnswer } from './answer.ts';
import type { Remembering } from './answer-notes.ts';
import { Attempts, type Opened } from './attempts.ts';
import type { Backends } from './backends.ts';
import type { ImageFetcher } from './image-fetcher.ts';
import { fetchImages, hasImagesToFetch } from './media-fetch.ts';
import type { Resilience } from './retry.ts';
import type { Shown, ThinkingBinding } from './thinking-binding.ts';
import type { ThinkingMemory } from './thinking-memory.ts';

export type { Answer } from './answer.ts';

export interface AnswerOptions {
  readonly cancellation: Cancellation;
  /** Whose thinking blocks are remembered: something that stands for the client's key. */
  readonly client: string;
  /** Whether the server may set cache breakpoints of its own. */
  readonly promptCaching: boolean;
  /** Notified of what is about to be asked, before anything can fail upstream: for headers and the log. */
  readonly onPrepared: (target: Target, report: Report) => void;
  /** Notified when an upstream is asked once more, the same or another. */
  readonly onRetry: () => void;
  readonly attempts: AttemptListener;
}

export type Answerer = (ask: Ask, options: AnswerOptions) => Promise<Answer>;

interface Dependencies {
  readonly catalogue: Catalogue;
  readonly backends: Backends;
  readonly memory: ThinkingMemory;
  readonly binding: ThinkingBinding;
  readonly affinity: Affinity;
  readonly images: ImageFetcher;
  readonly resilience: Resilience;
  readonly defaultMaxTokens: number | undefined;
  /** Whether clients that say nothing of it see the reasoning. */
  readonly showReasoning: boolean;
  readonly timeouts: Pick<Timeouts, 'total' | 'stream'>;
}

/** Tells what asking a target changes of the request: before anything is fetched, and again where there is more. */
class ChangeNotice {
  readonly #target: Target;
  /** Whether the client allows no changes, and is asked for by this target first. */
  readonly #isStrict: boolean;
  readonly #names: ParameterNames;
  readonly #onPrepared: AnswerOptions['onPrepared'];
  #last: Report | undefined;

  constructor(target: Target, isStrict: boolean, { names }: Ask, onPrepared: AnswerOptions['onPrepared']) {
    this.#target = target;
    this.#isStrict = isStrict;
    this.#names = names;
    this.#onPrepared = onPrepared;
  }

  /** Throws 400 where changes are not allowed. */
  notify(report: Report): void {
    if (report === this.#last) return;
    this.#last = report;
    this.#onPrepared(this.#target, report);
    if (this.#isStrict) refuseChanges(report, this.#target.upstream, this.#names);
  }
}

interface AskedTarget {
  readonly target: Target;
  readonly settings: Settings;
  readonly opened: Opened;
}

interface ChatParts {
  readonly dependencies: Dependencies;
  readonly ask: Ask;
  readonly options: AnswerOptions;
  readonly recalled: Recalled | undefined;
  readonly attempts: Attempts;
}

/** A request while its targets are asked. It holds the conversation, so nothing of its answer may hold it. */
class PendingChat {
  readonly #parts: ChatParts;
  /** A client that allows no changes is judged by the first target that is asked. */
  #judge: Target | undefined;

  constructor(parts: ChatParts) {
    this.#parts = parts;
  }

  /** Written anew for every target: schemas, images and API versions differ between upstreams. */
  async ask(target: Target): Promise<AskedTarget> {
    const { dependencies, ask, options, attempts } = this.#parts;
    const { prompt: fitted, settings, report } = this.#fit(target);
    this.#judge ??= target;
    const isStrict = !ask.allowIgnored && target === this.#judge;
    const notice = new ChangeNotice(target, isStrict, ask, options.onPrepared);
    notice.notify(report);
    const fetched = hasImagesToFetch(fitted, target)
      ? await fetchImages(fitted, target, dependencies.images, options.cancellation)
      : fitted;
    const prompt =
      target.model.bindsThinking === 'never'
        ? fetched
        : await dependencies.binding.guard(fetched, target, options.client);
    const guarded = prompt.turns === fetched.turns ? report : withAdjusted(report, ask.names.messages);
    notice.notify(guarded);
    const opened = await attempts.open(
      { target, settings, prompt, names: ask.names },
      { stream: ask.stream, report: guarded, onReport: (changes) => notice.notify(changes) },
    );
    return { target, settings, opened };
  }

  #fit(target: Target) {
    const { dependencies, ask, options, recalled } = this.#parts;
    const { defaultMaxTokens, showReasoning } = dependencies;
    const { promptCaching } = options;
    return normalize(ask, target, {
      defaultMaxTokens,
      showReasoning,
      recalled,
      promptCaching,
    });
  }
}

/** Out here: within the request it would hold the conversation as long as its attempts are held. */
const noteOf =
  (binding: ThinkingBinding, client: string) =>
  (shown: Shown, prompt: Prompt, target: Target): void => {
    void binding.note(shown, prompt, target, client);
  };

export const createAnswerer =
  (dependencies: Dependencies): Answerer =>
  async (ask, options) => {
    const { catalogue, backends, resilience, memory, binding, affinity, timeouts } = dependencies;
    const { cancellation, client, onRetry } = options;
    const startedAt = performance.now();
    const deadline = startedAt + (ask.stream ? timeouts.stream : timeouts.total);
    const model = catalogue.resolve(ask.model);
    const { targets, answered } = await affinity.place(catalogue.targets(model), ask, client);
    const canThink =
      model.thinking !== null && model.endpoints.some(({ quirks }) => quirks.replay !== 'never');
    const remembering: Remembering | undefined = canThink
      ? { memory, scope: { client, model: model.id } }
      : undefined;
    const leavesOutTools = model.bindsThinking !== 'never' && ask.tools.declared.length === 0;
    const recalled = await remembering?.memory.recall(remembering.scope, ask, leavesOutTools);

    const attempts = new Attempts({
      backends,
      resilience,
      cancellation,
      startedAt,
      deadline,
      onRetry,
      onShown: noteOf(binding, client),
      listener: options.attempts,
    });
    const chat = new PendingChat({ dependencies, ask, options, recalled, attempts });
    try {
      const { target, settings, opened } = await attempts.over(targets, (each) => chat.ask(each));
      answered?.(target);
      return new ModelAnswer({ ask, target, settings, opened, attempts, remembering });
    } catch (error) {
      const isUnknown = error instanceof ApiError && error.code === 'model_not_found';
      throw isUnknown ? withAdvice(error, catalogue.advice(model)) : error;
    }
  };
