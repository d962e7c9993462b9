/**
 * Fetching a client's image URL. The URL is hostile until shown otherwise: a name is looked up once, by the connection
 * itself, and its addresses are checked there, so that it goes to a checked address whatever DNS says next.
 */

import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { setMaxListeners } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Bytes } from '../core/chat.ts';
import { ApiError, draining, invalidRequest, overloaded } from '../core/errors.ts';
import { Slots } from '../core/slots.ts';
import { createAddressCheck } from './addresses.ts';
import { failed, readImageBody } from './image-response.ts';
import { exemption, hostOf, portOf, readUrl, redirection, unbracketed } from './image-url.ts';

export interface ImageFetcherOptions {
  readonly enabled: boolean;
  readonly maxBytes: number;
  /** Ms, for everything: the wait for a free place, DNS, all hops, the body. */
  readonly timeoutMs: number;
  /** Hosts that may have any address, as `host` or `host:port`, each exactly. */
  readonly allowHosts: readonly string[];
  readonly maxRedirects?: number | undefined;
  /** All addresses of a name. */
  readonly lookup?: ((hostname: string) => Promise<readonly LookupAddress[]>) | undefined;
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
 * client could otherwise stop the resolving, and the file access, of the whole server.
 */
const lookupsAtOnce = 2;

const busyMessage = 'Too many image URLs are being fetched here. Send the request again.';
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

/**
 * On node:http, not undici: a one-off agent keeps no socket that a later request could be given, knows no
 * proxy, and destroying the request also ends a connection still being made.
 */
const get = (url: URL, lookup: LookupFunction, signal: AbortSignal): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)({
      agent: false,
      hostname: unbracketed(url.hostname),
      port: portOf(url),
      path: url.pathname + url.search,
      headers,
      lookup,
      signal,
    });
    request.on('response', resolve);
    request.on('error', reject);
    request.on('close', () => reject(new Error('closed without an answer')));
    request.end();
  });

interface Limits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly maxRedirects: number;
}

/** What all fetches share. */
interface Shared {
  readonly limits: Limits;
  readonly lookup: (hostname: string) => Promise<readonly LookupAddress[]>;
  readonly places: Slots;
  readonly lookups: Slots;
  readonly isAllowed: (address: string) => boolean;
  readonly exempt: ReadonlySet<string>;
}

/** What a missed deadline means, by what the fetch was doing. */
const missedDeadline = {
  queued: () => overloaded(busyMessage),
  // As long as it does not resolve it is a host that we do not go to.
  resolving: (path) => refused(path),
  loading: (path, { timeoutMs }) => failed(path, `it did not arrive within ${timeoutMs} ms`),
} satisfies Record<string, (path: string, limits: Limits) => ApiError>;

/** One client's fetch. */
class Fetch {
  readonly #shared: Shared;
  /** Where the URL stands in the request. */
  readonly #path: string;
  readonly #controller = new AbortController();
  #doing: keyof typeof missedDeadline = 'queued';

  constructor(shared: Shared, path: string) {
    this.#shared = shared;
    this.#path = path;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  async run(url: URL, client: AbortSignal): Promise<Bytes> {
    const { limits, places } = this.#shared;
    const { signal } = this.#controller;
    const expire = () => this.abort(missedDeadline[this.#doing](this.#path, limits));
    const leave = () => this.abort(client.reason);
    const timer = setTimeout(expire, limits.timeoutMs);
    // A request may hold a hundred images, all under one signal: no leak, so no warning of one.
    setMaxListeners(0, client);
    client.addEventListener('abort', leave, { once: true });
    try {
      return await places.run(() => this.#follow(url), signal);
    } catch (error) {
      // What ended the wait counts, not how a socket took it.
      throw signal.aborted ? signal.reason : error;
    } finally {
      client.removeEventListener('abort', leave);
      clearTimeout(timer);
    }
  }

  async #follow(start: URL): Promise<Bytes> {
    const { maxRedirects, maxBytes } = this.#shared.limits;
    const path = this.#path;
    let url = start;
    for (let hop = 0; hop <= maxRedirects; hop += 1) {
      const response = await this.#get(url);
      try {
        const next = redirection(response, url, path);
        if (next === undefined) return await readImageBody(response, path, maxBytes);
        url = next;
      } finally {
        response.destroy();
      }
    }
    throw failed(path, `it redirects more than ${maxRedirects} times`);
  }

  async #get(url: URL): Promise<IncomingMessage> {
    const host = unbracketed(url.hostname);
    const lookup: LookupFunction = (hostname, { all }, callback) => {
      this.#lookUp(hostname, url).then(
        (addresses) => {
          const [first] = addresses;
          if (all) callback(null, addresses);
          else callback(null, first?.address ?? '', first?.family);
        },
        (error: Error) => callback(error, ''),
      );
    };
    this.#doing = 'loading';
    try {
      // A connection looks up whatever is no address.
      if (isIP(host) !== 0) this.#check([host], url);
      return await get(url, lookup, this.#controller.signal);
    } catch (error) {
      if (error instanceof ApiError) throw error;
      throw failed(this.#path, 'its host could not be reached, or did not answer in HTTP');
    }
  }

  /** The addresses that the connection may go to. */
  async #lookUp(hostname: string, url: URL): Promise<LookupAddress[]> {
    const { lookup, lookups } = this.#shared;
    this.#doing = 'queued';
    // The place is kept until the answer is here, even for a client that has left.
    const addresses = await lookups.run(async () => {
      this.#doing = 'resolving';
      return (async () => lookup(hostname))().catch(() => []);
    }, this.#controller.signal);
    this.#check(
      addresses.map(({ address }) => address),
      url,
    );
    this.#doing = 'loading';
    return addresses.map(({ address }) => ({ address, family: isIP(address) }));
  }

  #check(addresses: readonly string[], url: URL): void {
    const { exempt, isAllowed } = this.#shared;
    const host = hostOf(url);
    const isExempt = exempt.has(host) || exempt.has(`${host}:${portOf(url)}`);
    if (addresses.length === 0 || !(isExempt || addresses.every(isAllowed))) throw refused(this.#path);
  }
}

class ImageFetching implements ImageFetcher {
  readonly #shared: Shared;
  readonly #isEnabled: boolean;
  readonly #running = new Set<Fetch>();
  #isClosed = false;

  constructor(shared: Shared, isEnabled: boolean) {
    this.#shared = shared;
    this.#isEnabled = isEnabled;
  }

  async fetch(text: string, path: string, client: AbortSignal): Promise<Bytes> {
    if (!this.#isEnabled) throw disabled(path);
    if (this.#isClosed) throw draining();
    client.throwIfAborted();
    const url = readUrl(text, path);
    const fetch = new Fetch(this.#shared, path);
    this.#running.add(fetch);
    try {
      return await fetch.run(url, client);
    } finally {
      this.#running.delete(fetch);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const fetch of this.#running) fetch.abort(draining());
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
}: ImageFetcherOptions): ImageFetcher =>
  new ImageFetching(
    {
      limits: { maxBytes, timeoutMs, maxRedirects },
      lookup,
      places: new Slots(maxConcurrent, maxConcurrent * 8, busyMessage),
      lookups: new Slots(lookupsAtOnce, maxConcurrent, busyMessage),
      isAllowed: enabled ? createAddressCheck() : () => false,
      exempt: new Set(allowHosts.map(exemption)),
    },
    enabled,
  );
