/** The path of a request: as it is routed, and as messages and the log may show it. Behaviour 1.1, 1.3. */

/** `/v1/v1/models`: a base URL that ends at `/v1` joined with a path that begins with it. */
const repeatedVersion = /^\/+v1(?:\/+v1)+(?=[/?#]|$)/;

/** Proxies write the whole URL (RFC 9112 3.2.2). What stands before the path may hold a password. */
const upToPath = /^https?:\/\/[^/?#]*\/?/i;

/** Where a request is routed to; repeated slashes are the router's own business. */
export const routedUrl = (url: string): string => {
  // The asterisk form asks about the server as a whole; the router would take it for `/`.
  if (url === '*') return '/*';
  return url.replace(upToPath, '/').replace(repeatedVersion, '/v1');
};

const maxPathLength = 200;

/** Without its query, which may hold a secret; cut, and only what any terminal shows as it is. */
export const displayedPath = (url: string): string =>
  (url.replace(upToPath, '/').split(/[?#]/, 1)[0] ?? '')
    .slice(0, maxPathLength)
    .replace(/[^\x20-\x7e]/g, '?');
