/**
 * Fetching a caller's image URL. The URL is hostile until shown otherwise: every hop's addresses are
 * checked before a packet is sent, and the connection goes to a checked address, whatever DNS says next.
 */

import { lookup as systemLookup } from 'node:dns/promises';
import { setMaxListeners } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Bytes } from '../core/chat.ts';
import { type ApiError, ConfigError, draining, invalidRequest, overloaded } from '../core/errors.ts';
import { createSlots } from '../core/slots.ts';
import { sniffImage } from '../media/image-header.ts';
import { createAddressCheck } from './addresses.ts';

interface Address {
  readonly address: string;
  readonly family: number;
}

export interface ImageFetcherOptions {
  readonly enabled: boolean;
  readonly maxBytes: number;
  /** Ms, for everything: the wait for a free place, DNS, all hops, the body. */
  readonly timeoutMs: number;
  /** Hosts that may have any address, as `host` or `host:port`, each exactly. */
  readonly allowHosts: readonly string[];
  readonly maxRedirects?: number | undefined;
  /** All addresses of a name. */
  readonly lookup?: ((hostname: string) => Promise<readonly Address[]>) | undefined;
  /** Fetches at once; eight times as many may wait. */
  readonly maxConcurrent?: number | undefined;
}

export interface ImageFetcher {
  /** Rejects with an ApiError that names `path`, or with the signal's reason. */
  fetch(url: string, path: string, signal: AbortSignal): Promise<Bytes>;
  /** Ends running fetches, and refuses further ones. */
  close(): Promise<void>;
}

/**
 * getaddrinfo cannot be called off and runs on libuv's four threads: with names that resolve slowly a
 * caller could otherwise stop the resolving, and the file access, of the whole server.
 */
const lookupsAtOnce = 2;

const busyMessage = 'Too many image URLs are being fetched here. Send the request again.';
const redirects: ReadonlySet<number | undefined> = new Set([301, 302, 303, 307, 308]);
const sniffable = 12;

const headers = {
  accept: 'image/png, image/jpeg, image/gif, image/webp',
  'accept-encoding': 'identity',
  'user-agent': 'Parley (image fetch)',
};

const disabled = (path: string) =>
  invalidRequest(
    `${path}: this server does not fetch image URLs. Send the image as a data URI (data:image/png;base64,...).`,
    path,
  );

/** One text for a forbidden address, a name that does not resolve, and a redirect to either. */
const refused = (path: string) =>
  invalidRequest(
    `${path}: the image URL must lead to a host on the public internet. Send the image as a data URI instead (data:image/png;base64,...).`,
    path,
  );

// Without the error that lies behind: its message would hold an address.
const failed = (path: string, reason: string) =>
  invalidRequest(`${path}: the image could not be fetched: ${reason}.`, path);

const hostOf = (url: URL): string => url.hostname.replace(/\.$/, '');
const portOf = (url: URL): string => url.port || (url.protocol === 'https:' ? '443' : '80');
const unbracketed = (host: string): string => host.replace(/^\[|\]$/g, '');
const isPlain = (url: URL): boolean =>
  /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';

/** An exempt host in the form URL gives hosts (lower case, punycode, addresses written out), port kept. */
const exemption = (entry: string): string => {
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

const readUrl = (text: string, path: string): URL => {
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

const orAborted = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });

/** Whatever is asked for, the checked addresses; a host that is an address itself is never looked up. */
const pinned =
  (addresses: readonly Address[]): LookupFunction =>
  (_hostname, { all }, callback) => {
    const [first] = addresses;
    if (all) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };

/**
 * On node:http, not undici: a one-off agent keeps no socket that a later request could be given, knows no
 * proxy, and destroying the request also ends a connection still being made.
 */
const get = (url: URL, addresses: readonly Address[], signal: AbortSignal): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)({
      agent: false,
      hostname: unbracketed(url.hostname),
      port: portOf(url),
      path: url.pathname + url.search,
      headers,
      lookup: pinned(addresses),
      signal,
    });
    request.on('response', resolve);
    request.on('error', reject);
    request.on('close', () => reject(new Error('closed without an answer')));
    request.end();
  });

async function* bodyOf(response: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  try {
    yield* response;
  } catch {
    throw failed(path, 'the connection broke off before its end');
  }
}

export const createImageFetcher = ({
  enabled,
  maxBytes,
  timeoutMs,
  allowHosts,
  maxRedirects = 3,
  lookup = (hostname) => systemLookup(hostname, { all: true }),
  maxConcurrent = 32,
}: ImageFetcherOptions): ImageFetcher => {
  const exempt = new Set(allowHosts.map(exemption));
  const isAllowed = enabled ? createAddressCheck() : () => false;
  const places = createSlots(maxConcurrent, maxConcurrent * 8, busyMessage);
  const lookups = createSlots(lookupsAtOnce, maxConcurrent, busyMessage);
  const running = new Set<AbortController>();
  let isClosed = false;

  /** One caller's fetch: where it is in the request, its deadline, and what a missed deadline now means. */
  interface Fetch {
    readonly path: string;
    readonly signal: AbortSignal;
    late: () => ApiError;
  }

  const answers = async (hostname: string, fetch: Fetch): Promise<readonly Address[]> => {
    fetch.late = () => overloaded(busyMessage);
    const release = await lookups.take(fetch.signal);
    fetch.late = () => refused(fetch.path);
    // The place is kept until the answer is here, even for a caller who has left.
    const answer = (async () => lookup(hostname))().finally(release);
    return orAborted(answer, fetch.signal).catch(() => []);
  };

  /** The addresses to connect to, each of them checked. */
  const resolve = async (url: URL, fetch: Fetch): Promise<readonly Address[]> => {
    const host = hostOf(url);
    const literal = unbracketed(host);
    const addresses =
      isIP(literal) === 0
        ? await answers(url.hostname, fetch)
        : [{ address: literal, family: isIP(literal) }];
    const isExempt = exempt.has(host) || exempt.has(`${host}:${portOf(url)}`);
    if (addresses.length === 0) throw refused(fetch.path);
    if (!isExempt && !addresses.every(({ address }) => isAllowed(address))) throw refused(fetch.path);
    return addresses.map(({ address }) => ({ address, family: isIP(address) }));
  };

  /** Where an answer sends us, or undefined. */
  const redirection = (response: IncomingMessage, from: URL, path: string): URL | undefined => {
    const { location } = response.headers;
    if (!redirects.has(response.statusCode) || location === undefined) return undefined;
    const to = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
    if (to === undefined || !isPlain(to)) {
      throw failed(path, 'it redirects to something other than a plain https or http URL');
    }
    return to;
  };

  const read = async (response: IncomingMessage, path: string): Promise<Bytes> => {
    const { 'content-encoding': encoding = 'identity', 'content-length': length } = response.headers;
    const tooLarge = () => failed(path, `it is larger than ${maxBytes} bytes`);
    const noImage = () => failed(path, 'it is not an image of type png, jpeg, gif or webp');
    if (response.statusCode !== 200)
      throw failed(path, `its host answered with status ${response.statusCode}`);
    // Not decoded here: a small answer could unpack to any size.
    if (!/^(identity)?$/i.test(encoding.trim()))
      throw failed(path, 'its host sent it with a content encoding');
    if (Number(length) > maxBytes) throw tooLarge();

    // One buffer that grows: a list of pieces would cost many times its bytes if each piece held one byte.
    let bytes = Buffer.alloc(0);
    let size = 0;
    let mediaType: string | undefined;
    for await (const chunk of bodyOf(response, path)) {
      const total = size + chunk.length;
      if (total > maxBytes) throw tooLarge();
      if (total > bytes.length) {
        const larger = Buffer.alloc(Math.min(maxBytes, Math.max(total, 2 * bytes.length)));
        bytes.copy(larger, 0, 0, size);
        bytes = larger;
      }
      chunk.copy(bytes, size);
      size = total;
      if (mediaType !== undefined || size < sniffable) continue;
      mediaType = sniffImage(bytes.subarray(0, size));
      // No need to read on, nor to let a host know how much of its answer we would have taken.
      if (mediaType === undefined) throw noImage();
    }
    if (mediaType === undefined) throw noImage();
    return { mediaType, data: bytes.toString('base64', 0, size) };
  };

  const follow = async (start: URL, fetch: Fetch): Promise<Bytes> => {
    const { path, signal } = fetch;
    let url = start;
    for (let hop = 0; hop <= maxRedirects; hop += 1) {
      const addresses = await resolve(url, fetch);
      fetch.late = () => failed(path, `it did not arrive within ${timeoutMs} ms`);
      const response = await get(url, addresses, signal).catch(() => {
        throw failed(path, 'its host could not be reached, or did not answer in HTTP');
      });
      try {
        const next = redirection(response, url, path);
        if (next === undefined) return await read(response, path);
        url = next;
      } finally {
        response.destroy();
      }
    }
    throw failed(path, `it redirects more than ${maxRedirects} times`);
  };

  return {
    fetch: async (text, path, caller) => {
      if (!enabled) throw disabled(path);
      if (isClosed) throw draining();
      caller.throwIfAborted();
      const url = readUrl(text, path);

      const controller = new AbortController();
      const fetch: Fetch = { path, signal: controller.signal, late: () => overloaded(busyMessage) };
      const leave = () => controller.abort(caller.reason);
      const timer = setTimeout(() => controller.abort(fetch.late()), timeoutMs);
      // A request may hold a hundred images, all under one signal: no leak, so no warning of one.
      setMaxListeners(0, caller);
      caller.addEventListener('abort', leave, { once: true });
      running.add(controller);
      let release: (() => void) | undefined;
      try {
        release = await places.take(fetch.signal);
        return await follow(url, fetch);
      } catch (error) {
        // What ended the wait counts, not how a socket took it.
        throw fetch.signal.aborted ? fetch.signal.reason : error;
      } finally {
        release?.();
        running.delete(controller);
        caller.removeEventListener('abort', leave);
        clearTimeout(timer);
      }
    },
    close: async () => {
      isClosed = true;
      for (const controller of running) controller.abort(draining());
    },
  };
};
