import Fastify from 'fastify';
import { afterEach, expect, it } from 'vitest';
import { ClientDisconnected, invalidRequest } from '../../src/core/errors.ts';
import { type FinishedRequest, registerRecord } from '../../src/server/record.ts';

const app = Fastify();
afterEach(() => app.close());

// A body that is complete in the very turn in which it was refused for its slowness.
it('what happens to a request after its refusal is not recorded of it', async () => {
  const observed: FinishedRequest[] = [];
  const recorder = registerRecord(app, [(request) => observed.push(request)]);
  const refusal = invalidRequest('The body was sent too slowly.');
  app.get('/', async (request, reply) => {
    recorder.refuse(reply.raw, refusal);
    request.record.error = new ClientDisconnected();
    return 'too late';
  });
  const response = await fetch(await app.listen({ port: 0, host: '127.0.0.1' }));
  await response.text();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(observed).toHaveLength(1);
  expect(observed[0]?.record.error).toBe(refusal);
});
