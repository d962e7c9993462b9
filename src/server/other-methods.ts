/** 405 for every path that exists, asked with a method that it has not. Behaviour 1.3. */

import type { FastifyInstance, HTTPMethods } from 'fastify';
import { methodNotAllowed } from '../core/errors.ts';
import { displayedPath } from './request-path.ts';

const allMethods: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Notes the routes that are added from now on; `refuse` is called once, when all of them are there. */
export const watchMethods = (app: FastifyInstance): { readonly refuse: () => void } => {
  const served = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = served.get(url) ?? new Set();
    for (const each of [method].flat()) methods.add(each);
    served.set(url, methods);
  });

  return {
    refuse: () => {
      // Those added here are noted as well: the list is of what there was before.
      for (const [url, methods] of [...served].map(([path, known]) => [path, [...known]] as const)) {
        app.route({
          url,
          method: allMethods.filter((method) => !methods.includes(method)),
          onRequest: async (request) => {
            throw methodNotAllowed(request.method, displayedPath(request.originalUrl), methods);
          },
          handler: async () => undefined,
        });
      }
    },
  };
};
