/**
 * A process: the floor. Fastify and undici, as a plain pass-through: bodies go to the same path of the upstream,
 * the answer's bytes come back as they are. A pass-through as one would plainly write it.
 */

import Fastify from 'fastify';
import { Pool } from 'undici';

const pool = new Pool(`http://127.0.0.1:${process.env.UPSTREAM_PORT}`, {
  connections: 5000,
  headersTimeout: 0,
  bodyTimeout: 0,
});
const app = Fastify({ bodyLimit: 32 * 1024 * 1024 });

// A buffer is the cheapest. A string is what Fastify makes of a body by itself.
const parseAs = process.env.BODY === 'string' ? 'string' : 'buffer';
app.addContentTypeParser('application/json', { parseAs }, (_request, body, done) => done(null, body));

app.post('/*', async (request, reply) => {
  const { statusCode, headers, body } = await pool.request({
    method: 'POST',
    path: request.url,
    headers: { 'content-type': 'application/json' },
    body: request.body as Buffer | string,
  });
  reply.code(statusCode).header('content-type', headers['content-type']);
  if (headers['content-length'] !== undefined) reply.header('content-length', headers['content-length']);
  return reply.send(body);
});

app.get('/ready', async () => ({ status: 'ready' }));

process.on('disconnect', () => process.exit(0));
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
