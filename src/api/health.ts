/** GET /health: the process is alive. GET /ready: it wants traffic. Both also by the names that Kubernetes uses. */

import type { FastifyInstance } from 'fastify';
import { ApiError } from '../core/errors.ts';

export interface Readiness {
  /** Why there should be no traffic now, or undefined. */
  readonly obstacle: () => Promise<string | undefined>;
}

const livenessPaths = ['/health', '/livez', '/healthz'] as const;
const readinessPaths = ['/ready', '/readyz'] as const;

export const registerHealth = (app: FastifyInstance, { obstacle }: Readiness): void => {
  for (const path of livenessPaths) app.get(path, { config: { open: true } }, async () => ({ status: 'ok' }));
  const answer = async () => {
    const reason = await obstacle();
    if (reason === undefined) return { status: 'ready' };
    throw new ApiError({
      status: 503,
      type: 'server_error',
      message: reason,
      code: 'not_ready',
      headers: { 'retry-after': '2' },
    });
  };
  for (const path of readinessPaths) app.get(path, { config: { open: true } }, answer);
};
