/** GET /v1/models and /v1/models/{id}: what the configured upstreams can be asked for. */

import type { FastifyInstance } from 'fastify';
import type { Catalogue } from '../models/catalogue.ts';
import { listPriceOf } from '../models/cost.ts';
import type { Model } from '../models/rows.ts';

/** An infinite ceiling is one we do not know. */
const known = (tokens: number): number | null => (Number.isFinite(tokens) ? tokens : null);

const toWire = (model: Model, catalogue: Catalogue) => {
  const targets = catalogue.targets(model);
  const [first] = targets;
  return {
    id: model.id,
    object: 'model' as const,
    created: Date.parse(model.released) / 1000,
    owned_by: model.owner,
    shutdown_date: (first === undefined ? undefined : model.lifecycle.retires?.[first.upstream]) ?? null,
    aliases: catalogue.aliases(model),
    upstreams: targets.map(({ upstream }) => upstream),
    context_window: known(model.contextWindow),
    max_output_tokens: known(model.maxOutput),
    capabilities: {
      vision: model.vision,
      documents: model.documents,
      tools: true,
      forced_tool_choice: model.forcedToolChoice,
      thinking:
        model.thinking === null
          ? null
          : {
              forms: model.thinking.accepts,
              efforts: model.thinking.efforts,
              by_default: model.thinking.byDefault,
            },
      sampling: model.sampling,
      json_schema: model.jsonSchema,
    },
    lifecycle: model.lifecycle,
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
