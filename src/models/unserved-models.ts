/** What a client reads whose model is not served: whether it exists, which setting would serve it, what is near. */

import { editDistance } from '../core/edit-distance.ts';
import { type ApiError, modelNotConfigured, unknownModel } from '../core/errors.ts';
import type { Model } from './model.ts';
import { longestName, readModelName } from './model-names.ts';
import { upstreamOf, upstreams } from './upstreams.ts';

export interface Served {
  /** Every name that is served, with its row. */
  readonly names: readonly (readonly [name: string, model: Model])[];
  /** Whether the catalogue has the model, rather than having made it up for a new id. */
  readonly isListed: (model: Model) => boolean;
  /** A model that can be recommended. */
  readonly example: string | undefined;
  /** The name leads to a global profile, and the operator wants none. */
  readonly isKeptOut: boolean;
}

/** Characters of a name that are compared and quoted. */
const quotedName = 120;
const mostCloseNames = 3;

const openAiModel = /^(?:chatgpt|gpt|codex|o\d)(?:-[\w.-]*)?$/;

/** The names that are nearest, one for each model. */
const closeNames = (spelling: string, names: Served['names']): readonly string[] => {
  const asked = spelling.slice(0, quotedName).toLowerCase();
  const nearest = new Map<string, { readonly name: string; readonly distance: number }>();
  const limit = Math.max(3, asked.length / 3);
  for (const [name, { id }] of names) {
    if (Math.abs(name.length - asked.length) > limit) continue;
    const distance = editDistance(asked, name);
    if (distance > limit) continue;
    if (distance < (nearest.get(id)?.distance ?? Number.POSITIVE_INFINITY))
      nearest.set(id, { name, distance });
  }
  return [...nearest.values()]
    .sort((a, b) => a.distance - b.distance)
    .slice(0, mostCloseNames)
    .map(({ name }) => name);
};

/** What a client may have meant by a name that no row has. */
export const adviceFor = (
  id: string,
  { names, example }: Pick<Served, 'names' | 'example'>,
): readonly string[] => {
  const { spellings } = readModelName(id.slice(0, longestName));
  const [name = ''] = spellings;
  // Without a maker's prefix and a version, which say nothing about which model is near.
  const close = closeNames(
    spellings.reduce((a, b) => (b.length < a.length ? b : a), name),
    names,
  );
  return [
    ...(close.length > 0 ? [`Did you mean ${close.join(' or ')}?`] : []),
    ...(openAiModel.test(name) && example !== undefined
      ? [`The operator can point the name to a model: MODEL_ALIASES=${name}=${example}.`]
      : []),
  ];
};

/** `model`: what the name would mean, undefined if nothing. */
export const notServed = (id: string, model: Model | undefined, served: Served): ApiError => {
  const quoted = id.slice(0, quotedName);
  if (served.isKeptOut)
    return unknownModel(quoted, ['Global inference profiles are switched off here (BEDROCK_GLOBAL=off).']);
  if (model === undefined) return unknownModel(quoted, adviceFor(id, served));
  return modelNotConfigured(
    quoted,
    model.endpoints.map((endpoint) => upstreams[upstreamOf(endpoint)].needs),
    served.isListed(model) ? [] : adviceFor(id, served),
  );
};
