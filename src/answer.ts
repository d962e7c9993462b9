/** From a checked request to a model's answer: resolve, normalize, encode, open. */

import type { Backends, Answer as UpstreamAnswer } from './backends.ts';
import type { Catalogue, Target } from './catalogue.ts';
import type { Prompt, Report } from './chat.ts';
import { ApiError, unknownModel } from './errors.ts';
import { type ChatRequest, normalize, refuseChanges } from './normalize/index.ts';
import type { Settings } from './normalize/settings.ts';

export interface Answer extends UpstreamAnswer {
  readonly target: Target;
  readonly settings: Settings;
  readonly report: Report;
}

export interface AnswerOptions {
  readonly signal: AbortSignal;
  /** Told what is about to be asked, before anything can fail upstream: for headers and the log. */
  readonly onPrepared: (target: Target, report: Report) => void;
}

export type Answerer = (request: ChatRequest, options: AnswerOptions) => Promise<Answer>;

interface Dependencies {
  readonly catalogue: Catalogue;
  readonly backends: Backends;
  readonly defaultMaxTokens: number | undefined;
}

const merge = (a: Report, b: Report): Report => ({
  ignored: [...new Set([...a.ignored, ...b.ignored])],
  adjusted: [...new Set([...a.adjusted, ...b.adjusted])],
});

/** `input length and max_tokens exceed context limit: 190000 + 32000 > 200000` -> 10000 */
const roomLeft = (message: string): number | undefined => {
  const found = /context limit: (\d{1,9}) \+ \d{1,9} > (\d{1,9})/.exec(message);
  if (found === null) return undefined;
  const room = Number(found[2]) - Number(found[1]);
  return room > 0 ? room : undefined;
};

/** The prompt with our own cap lowered to the room the window has, if that is what was refused. */
const refit = (prompt: Prompt, error: unknown): Prompt | undefined => {
  if (!(error instanceof ApiError) || error.code !== 'context_length_exceeded' || prompt.maxTokensIsExplicit)
    return undefined;
  const room = roomLeft(error.message);
  const needed = prompt.thinking.mode === 'budget' ? prompt.thinking.budgetTokens + 1 : 1;
  return room !== undefined && room >= needed ? { ...prompt, maxTokens: room } : undefined;
};

export const createAnswerer =
  ({ catalogue, backends, defaultMaxTokens }: Dependencies): Answerer =>
  async (request, { signal, onPrepared }) => {
    const model = catalogue.resolve(request.model);
    const [target] = catalogue.targets(model);
    if (target === undefined) throw unknownModel(request.model);

    const { prompt, settings, report: fitted } = normalize(request, target, { defaultMaxTokens });
    const prepared = backends.prepare(prompt, target);
    const report = merge(fitted, prepared.report);
    onPrepared(target, report);
    if (!settings.allowIgnored) refuseChanges(report, target.upstream);

    const options = { stream: settings.stream, signal };
    try {
      return { ...(await prepared.open(options)), target, settings, report };
    } catch (error) {
      const smaller = refit(prompt, error);
      if (smaller === undefined) throw error;
      return { ...(await backends.prepare(smaller, target).open(options)), target, settings, report };
    }
  };
