/** GET /v1/models and /v1/models/{id}: what the configured upstreams can be asked for. */

import type { FastifyInstance } from 'fastify';
import type { Catalogue } from '../models/catalogue.ts';
import { listPriceOf } from '../models/cost.ts';
import type { Model } from '../models/model.ts';
import { providers, upstreamOf } from '../models/upstreams.ts';

/** An infinite ceiling is one we do not know. */
const known = (tokens: number): number | null => (Number.isFinite(tokens) ? tokens : null);

/** By whom it is run: whether a JSON schema can be enforced by the upstream itself. */
const nativeSchemaBy = ({ endpoints }: Model) =>
  Object.fromEntries(
    providers.map((name) => [
      name,
      endpoints.some(({ provider, quirks }) => provider === name && quirks.schema === 'native'),
    ]),
  );

const lifecycleOf = ({ lifecycle: { status, successor }, endpoints }: Model) => {
  const ends = endpoints.filter(({ retires }) => retires !== undefined);
  return {
    status,
    ...(ends.length === 0
      ? {}
      : { retires: Object.fromEntries(ends.map((each) => [upstreamOf(each), each.retires])) }),
    ...(successor === undefined ? {} : { successor }),
  };
};

const toWire = (model: Model, catalogue: Catalogue) => {
  const targets = catalogue.targets(model);
  const [first] = targets;
  return {
    id: model.id,
    object: 'model' as const,
    created: Date.parse(model.released) / 1000,
    owned_by: model.owner,
    shutdown_date: first?.endpoint.retires ?? null,
    aliases: catalogue.aliases(model),
    upstreams: targets.map(({ upstream }) => upstream),
    context_window: known(model.contextWindow),
    max_output_tokens: known(model.maxOutput),
    capabilities: {
      vision: model.vision,
      documents: model.documents,
      tools: true,
      forced_tool_choice: model.endpoints.some(({ quirks }) => quirks.choices.includes('any')),
      thinking:
        model.thinking === null
          ? null
          : {
              forms: model.thinking.accepts,
              efforts: model.thinking.efforts,
              by_default: model.thinking.byDefault,
            },
      sampling: model.sampling,
      json_schema: nativeSchemaBy(model),
    },
    lifecycle: lifecycleOf(model),
    // Of the place that is asked first.
    price_usd_per_million_tokens: (first === undefined ? model.price : listPriceOf(first)) ?? null,
  };
};

export const registerModels = (app: FastifyInstance, catalogue: Catalogue): void => {
  app.get('/v1/models', async () => ({
    object: 'list',
    data: catalogue.list().map((model) => toWire(model, catalogue)),
  }));
  app.get<{ Params: { id: string } }>('/v1/models/:id', async (request) => {
    const { id } = request.params;
    const model = toWire(catalogue.resolve(id), catalogue);
    return { ...model, id, aliases: model.aliases.filter((alias) => alias !== id) };
  });
};
