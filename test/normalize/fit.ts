import type { ChatContext } from '../../src/api/chat-completions/parse.ts';
import type { UpstreamName } from '../../src/core/chat.ts';
import { ApiError } from '../../src/core/errors.ts';
import { createCatalogue, type Target } from '../../src/models/catalogue.ts';
import { type Normalized, normalize } from '../../src/normalize/index.ts';
import type { Settings } from '../../src/normalize/settings.ts';
import { parse } from '../support/parse.ts';

/** A day on which every date of the catalogue has a known side. */
export const today = () => new Date('2026-11-22T12:00:00Z');

const catalogueOf = (upstreams: readonly UpstreamName[]) =>
  createCatalogue({ upstreams, region: 'us-east-1', aliases: {}, overrides: [], now: today });

const all = catalogueOf(['anthropic', 'bedrock', 'bedrock-converse']);
const alone = catalogueOf(['anthropic']);

/** `isAlone`: where no other upstream is configured. */
export const targetOf = (id: string, upstream?: UpstreamName, isAlone = false): Target => {
  const catalogue = isAlone ? alone : all;
  const targets = catalogue.targets(catalogue.resolve(id));
  const target = upstream === undefined ? targets[0] : targets.find((each) => each.upstream === upstream);
  if (target === undefined) throw new Error(`${id} is not at ${upstream}`);
  return target;
};

export type Body = Readonly<Record<string, unknown>>;

export const hello = [{ role: 'user', content: 'Hello' }];

interface FitOptions {
  readonly model?: string;
  readonly upstream?: UpstreamName;
  readonly defaultMaxTokens?: number;
}

/** What the answer needs to know of the request stands beside what was decided. */
export interface Fitted extends Normalized {
  readonly settings: Settings & ChatContext & { readonly stream: boolean };
}

/** A request body, checked and fitted to a model: Sonnet 4.5 at the Anthropic API unless told. */
export const normalized = (
  body: Body,
  { model = 'claude-4-5-sonnet', upstream, defaultMaxTokens }: FitOptions = {},
): Fitted => {
  const { ask, context } = parse({ model, messages: hello, ...body });
  const target = targetOf(model, upstream ?? (model.startsWith('claude') ? 'anthropic' : undefined));
  const { prompt, settings, report } = normalize(ask, target, { defaultMaxTokens });
  return { prompt, settings: { ...settings, ...context, stream: ask.stream }, report };
};

/** The ApiError a call ends in. */
export const refusal = (call: () => unknown): ApiError => {
  try {
    call();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('was accepted, expected an ApiError');
};
