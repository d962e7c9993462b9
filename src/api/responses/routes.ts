/** What is done with stored responses: read, deleted, their input listed. Behaviour 12.1, 12.6. */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { JsonObject } from '../../core/chat.ts';
import { ApiError, invalidRequest, unsupportedParameter } from '../../core/errors.ts';
import { invalidBody } from '../content/invalid-body.ts';
import type { ResponseState, StoredResponse } from './state.ts';

interface Dependencies {
  /** Undefined where nothing is kept. */
  readonly state: ResponseState | undefined;
}

const notFound = (id: string, isKept: boolean) =>
  new ApiError({
    status: 404,
    type: 'invalid_request_error',
    message: isKept
      ? `Response with id '${id}' not found: it was not stored, is too old, or is another key's.`
      : `Response with id '${id}' not found: this server stores no responses.`,
    param: 'response_id',
    code: 'response_not_found',
    headers: { 'x-should-retry': 'false' },
  });

type WithId = FastifyRequest<{ Params: { id: string } }>;

const listQuery = z.object({
  order: z.enum(['asc', 'desc']).default('desc'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  after: z.string().optional(),
});

/** What an item's schema demands and clients leave out. */
const listed = (item: JsonObject): JsonObject => {
  if (item.type !== 'message') return item;
  const { content, role } = item;
  const type = role === 'assistant' ? 'output_text' : 'input_text';
  return {
    ...item,
    status: item.status ?? 'completed',
    content: typeof content === 'string' ? [{ type, text: content }] : content,
  };
};

const clientOf = ({ record }: FastifyRequest): string => record.client ?? 'anonymous';

export const registerResponses = (app: FastifyInstance, { state }: Dependencies): void => {
  const find = async (request: WithId): Promise<StoredResponse> => {
    const { id } = request.params;
    const found = await state?.get(clientOf(request), id);
    if (found === undefined) throw notFound(id, state !== undefined);
    return found;
  };

  app.get('/v1/responses/:id', async (request: WithId) => {
    const { stream } = request.query as { stream?: string };
    if (stream === 'true')
      throw unsupportedParameter('stream: a stored response is sent whole; leave stream out.', 'stream');
    return (await find(request)).response;
  });

  app.delete('/v1/responses/:id', async (request: WithId) => {
    const { id } = request.params;
    if ((await state?.delete(clientOf(request), id)) !== true) throw notFound(id, state !== undefined);
    return { id, object: 'response', deleted: true };
  });

  app.post('/v1/responses/:id/cancel', async (request: WithId) => {
    await find(request);
    throw invalidRequest(
      'Only responses that are made in the background can be cancelled; there are none here.',
    );
  });

  app.get('/v1/responses/:id/input_items', async (request: WithId) => {
    const query = listQuery.safeParse(request.query);
    if (!query.success) throw invalidBody(query.error);
    const { order, limit, after } = query.data;
    const { input } = await find(request);
    const ordered = order === 'asc' ? input : input.toReversed();
    const begin = after === undefined ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
    if (after !== undefined && begin === 0)
      throw invalidRequest(`after: there is no item with the id '${after}'.`, 'after');
    const data = ordered.slice(begin, begin + limit).map(listed);
    return {
      object: 'list',
      data,
      first_id: data.at(0)?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
      has_more: begin + limit < ordered.length,
    };
  });
};
