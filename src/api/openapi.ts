/** GET /openapi.json: the API's description, made from the same table as the schema and the README. */

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parameters as chatParameters, chatRequestSchema } from './chat-completions/parameters.ts';
import { parameters as responsesParameters, responsesRequestSchema } from './responses/parameters.ts';

const errorSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'] },
        code: { type: ['string', 'null'] },
      },
    },
  },
};

const json = (schema: unknown) => ({ 'application/json': { schema } });

/** A tool's `form` is found out by the server; no client sends it. */
const withoutForm = (schema: z.core.JSONSchema.BaseSchema): void => {
  if (schema.properties?.form === undefined) return;
  delete schema.properties.form;
  if (schema.required !== undefined) schema.required = schema.required.filter((name) => name !== 'form');
};

interface Row {
  readonly level: string;
  readonly note: string;
}

/** A request's schema, with what its table says of each parameter. */
const requestOf = (rows: Readonly<Record<string, Row>>, schema: z.ZodType): object => {
  const request = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => withoutForm(jsonSchema),
  }) as {
    properties: Record<string, object>;
  };
  const properties = Object.fromEntries(
    Object.entries(rows).map(([name, { level, note }]) => [
      name,
      { ...request.properties[name], description: `${level}. ${note}`.trim() },
    ]),
  );
  const { $schema: _, ...described } = { $schema: undefined, ...request, properties };
  return described;
};

const byId = { name: 'id', in: 'path', required: true, schema: { type: 'string' } };

const describe = () => {
  const failures = { default: { description: 'An error', content: json(errorSchema) } };
  const answer = (description: string) => ({
    '200': { description, content: json({ type: 'object' }) },
    ...failures,
  });
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version: '0.1.0',
      description: 'An OpenAI-compatible API for Claude and Amazon Nova.',
    },
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        xApiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        apiKey: { type: 'apiKey', in: 'header', name: 'api-key' },
      },
    },
    // One of them is enough.
    security: [{ bearer: [] }, { xApiKey: [] }, { apiKey: [] }],
    paths: {
      '/v1/chat/completions': {
        post: {
          summary: 'Answer a conversation, at once or as server-sent events',
          requestBody: { required: true, content: json(requestOf(chatParameters, chatRequestSchema)) },
          responses: {
            '200': {
              description: 'A chat.completion, or with stream: true its chunks',
              content: { ...json({ type: 'object' }), 'text/event-stream': { schema: { type: 'string' } } },
            },
            ...failures,
          },
        },
      },
      '/v1/responses': {
        post: {
          summary: 'Answer in the form of the Responses API, at once or as server-sent events',
          requestBody: {
            required: true,
            content: json(requestOf(responsesParameters, responsesRequestSchema)),
          },
          responses: {
            '200': {
              description: 'A response, or with stream: true its events',
              content: { ...json({ type: 'object' }), 'text/event-stream': { schema: { type: 'string' } } },
            },
            ...failures,
          },
        },
      },
      '/v1/responses/{id}': {
        get: { summary: 'A stored response', parameters: [byId], responses: answer('The response') },
        delete: { summary: 'Delete it', parameters: [byId], responses: answer('It is deleted') },
      },
      '/v1/responses/{id}/input_items': {
        get: { summary: 'What it was asked with', parameters: [byId], responses: answer('The list') },
      },
      '/v1/responses/compact': {
        post: {
          summary: 'A conversation as a sealed summary to go on from',
          requestBody: { required: true, content: json({ type: 'object' }) },
          responses: answer('A response.compaction'),
        },
      },
      '/v1/models': { get: { summary: 'The models served here', responses: answer('The list') } },
      '/v1/models/{id}': {
        get: {
          summary: 'One model',
          parameters: [byId],
          responses: answer('The model'),
        },
      },
      '/health': { get: { summary: 'Alive', security: [], responses: answer('Alive') } },
      '/ready': { get: { summary: 'Ready for traffic', security: [], responses: answer('Ready') } },
    },
  };
};

export const registerOpenApi = (app: FastifyInstance): void => {
  // Made when first asked for: it is of no use to anyone at start-up. As text, because anybody may ask often.
  let document: string | undefined;
  app.get('/openapi.json', { config: { open: true } }, async (_request, reply) => {
    document ??= JSON.stringify(describe());
    return reply.header('content-type', 'application/json; charset=utf-8').send(document);
  });
};
