/**
 * What is decided about a prompt at its target, one decision for each concept. Each sees all that is asked about its
 * concept; a later one also what the earlier ones decided: a budget has to fit under the cap, sampling and forced
 * calls depend on thinking.
 */

import type { Ask } from '../core/ask.ts';
import type { Target } from '../models/catalogue.ts';
import { decideReasoning } from './reasoning.ts';
import type { Reporter } from './report.ts';
import { decideSampling } from './sampling.ts';
import type { Settings, SettingsDraft } from './settings.ts';
import { offerTools } from './tools.ts';
import { opaqueUser } from './user-id.ts';

const decideCap = ({ maxTokens: caps }: Ask, draft: SettingsDraft, { model }: Target, report: Reporter) => {
  for (const { value, path } of caps) {
    const maxTokens = Math.min(value, model.maxOutput);
    if (draft.maxTokensIsExplicit) {
      if (maxTokens !== draft.maxTokens) report.ignore(path);
      continue;
    }
    if (maxTokens < value) report.adjust(path);
    draft.maxTokens = maxTokens;
    draft.maxTokensIsExplicit = true;
    draft.maxTokensFrom = path;
  }
};

/** Blank entries are refused by all upstreams. */
const decideStop = ({ stop: asked }: Ask, draft: SettingsDraft, report: Reporter) => {
  if (asked === undefined) return;
  const { value, path } = asked;
  draft.stop = value.filter((each) => each.trim() !== '');
  if (draft.stop.length === 0 && value.length > 0) report.ignore(path);
  else if (draft.stop.length < value.length) report.adjust(path);
};

const identify = (value: string, path: string, draft: SettingsDraft, report: Reporter) => {
  if (value.trim() === '') return;
  const user = opaqueUser(value);
  if (draft.user !== undefined && draft.user !== user) report.ignore(path);
  else if (user !== value) report.adjust(path);
  draft.user ??= user;
};

/** Some know one pair of the metadata, who the user is. */
const decideUser = (
  { users, metadata }: Ask,
  draft: SettingsDraft,
  { endpoint }: Target,
  report: Reporter,
) => {
  for (const { value, path } of users) identify(value, path, draft, report);
  if (metadata === undefined) return;
  draft.metadata = metadata.value;
  if (endpoint.quirks.userOnly && draft.user === undefined)
    identify(metadata.value.user_id ?? '', metadata.path, draft, report);
};

const decideTier = ({ serviceTier: asked }: Ask, draft: SettingsDraft, report: Reporter) => {
  if (asked?.value === 'other') report.ignore(asked.path);
  else draft.serviceTier = asked?.value;
};

const decideCaching = ({ caching }: Ask, draft: SettingsDraft, { endpoint }: Target, report: Reporter) => {
  draft.cacheWhole = caching.whole;
  if (caching.longestBy === undefined) return;
  if (!endpoint.quirks.longCaching) report.ignore(caching.longestBy);
  draft.cacheTtl = '1h';
};

/** `initial`: where nothing is asked. Reports come in the order of the decisions. */
export const decide = (ask: Ask, target: Target, initial: Settings, report: Reporter): Settings => {
  const draft: SettingsDraft = { ...initial };
  decideCap(ask, draft, target, report);
  decideStop(ask, draft, report);
  for (const name of ask.streamIgnored) report.ignore(name);
  decideReasoning(ask, draft, target, report);
  decideSampling(ask, draft, target, report);
  offerTools(ask.tools, draft, target, report);
  decideUser(ask, draft, target, report);
  decideTier(ask, draft, report);
  decideCaching(ask, draft, target, report);
  for (const name of ask.ignored) report.ignore(name);
  return draft;
};
