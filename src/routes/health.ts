/** GET /health: the process is alive. GET /ready: it wants traffic. */

import type { FastifyInstance } from 'fastify';
import { ApiError } from '../errors.ts';

export interface Readiness {
  /** Why there should be no traffic now, or undefined. */
  readonly obstacle: () => string | undefined;
}

export const registerHealth = (app: FastifyInstance, { obstacle }: Readiness): void => {
  app.get('/health', { config: { open: true } }, async () => ({ status: 'ok' }));
  app.get('/ready', { config: { open: true } }, async () => {
    const reason = obstacle();
    if (reason === undefined) return { status: 'ready' };
    throw new ApiError({
      status: 503,
      type: 'server_error',
      message: reason,
      code: 'not_ready',
      headers: { 'retry-after': '2' },
    });
  });
};
