/** What a client's image URL, or a redirect of its host, may look like. */

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { ConfigError, invalidRequest } from '../core/errors.ts';
import { failed } from './image-response.ts';

const redirects: ReadonlySet<number | undefined> = new Set([301, 302, 303, 307, 308]);

export const hostOf = (url: URL): string => url.hostname.replace(/\.$/, '');
export const portOf = (url: URL): string => url.port || (url.protocol === 'https:' ? '443' : '80');
export const unbracketed = (host: string): string => host.replace(/^\[|\]$/g, '');
const isPlain = (url: URL): boolean =>
  /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';

/** An exempt host in the form URL gives hosts (lower case, punycode, addresses written out), port kept. */
export const exemption = (entry: string): string => {
  const [, host = '', port] =
    isIP(entry) === 6
      ? [entry, `[${entry}]`]
      : (/^(\[[^\]]+\]|[^:/?#@\s]+)(?::(\d{1,5}))?$/.exec(entry) ?? []);
  if (!URL.canParse(`http://${host}`)) {
    throw new ConfigError([`IMAGE_FETCH_ALLOW_HOSTS: '${entry}' is neither a host name nor host:port.`]);
  }
  const name = hostOf(new URL(`http://${host}`));
  return port === undefined ? name : `${name}:${Number(port)}`;
};

export const readUrl = (text: string, path: string): URL => {
  if (!URL.canParse(text)) throw invalidRequest(`${path}: is not a valid URL.`, path);
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol)) {
    throw invalidRequest(`${path}: the image URL must be an https or http URL.`, path);
  }
  if (!isPlain(url)) {
    throw invalidRequest(`${path}: the image URL must not hold a user name or a password.`, path);
  }
  return url;
};

/** Where an answer sends us, or undefined. */
export const redirection = (response: IncomingMessage, from: URL, path: string): URL | undefined => {
  const { location } = response.headers;
  if (!redirects.has(response.statusCode) || location === undefined) return undefined;
  const to = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  if (to === undefined || !isPlain(to)) {
    throw failed(path, 'it redirects to something other than a plain https or http URL');
  }
  return to;
};
