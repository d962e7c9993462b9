/**
 * AWS Signature Version 4 of a POST request whose body is in hand. The official SDK finds the credentials and
 * renews them; its signer is what the tests hold this one against. It signs anything, streams and queries too,
 * and takes several times as long, a fifth of a small request
 * (docs/decisions/2026-11-23-own-sigv4.md).
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */

import { createHmac, hash } from 'node:crypto';
import { posix } from 'node:path';

const algorithm = 'AWS4-HMAC-SHA256';
const service = 'bedrock';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** With temporary credentials; empty as good as none, as in the SDK. */
  readonly sessionToken?: string | undefined;
}

export interface Signable {
  /** As it is sent, escaped. */
  readonly path: string;
  readonly body: Buffer;
}

/** Returns all headers to send, names and values by turns. `now` is in ms since 1970. */
export type Sign = (request: Signable, credentials: Credentials, now?: number) => string[];

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Bytes. */
const blockSize = 64;

/**
 * HMAC with one key of at most a block, in hex: two plain digests, as RFC 2104 has it. Node's Hmac takes as long,
 * but makes an object that the collector has to see to.
 */
const createMac = (key: Buffer): ((text: string) => string) => {
  const pad = (filler: number) => Buffer.alloc(blockSize, filler).map((byte, at) => byte ^ (key[at] ?? 0));
  const inner = pad(0x36);
  const outer = pad(0x5c);
  return (text) => {
    const digest = hash('sha256', Buffer.concat([inner, Buffer.from(text)]), 'buffer');
    return hash('sha256', Buffer.concat([outer, digest]), 'hex');
  };
};

const canonicalValue = (value: string): string => value.trim().replace(/[ \t]+/g, ' ');

/** Without `.` and `..`, and escaped once more than it is sent, slashes aside, as every service but S3 wants it. */
const canonicalPath = (path: string): string =>
  encodeURIComponent(posix.normalize(path))
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

/** 2026-01-02T03:04:05.678Z -> 20260102T030405Z */
const basicTime = (now: number): string => new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '');

/** Paths whose canonical form is kept: each model has two. */
const mostPaths = 1000;

/**
 * `headers` are those that every request has: lower-case names, `host` among them, that come before `x-amz-` in the
 * alphabet; all of them are signed. What stays the same between requests is written once.
 */
export const createSign = (region: string, headers: Readonly<Record<string, string>>): Sign => {
  const given = Object.entries(headers).flat();
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${canonicalValue(headers[name] ?? '')}\n`).join('');
  const list = `${names.join(';')};x-amz-content-sha256;x-amz-date`;
  const paths = new Map<string, string>();
  /** What signs on a day, with what its key was made of. */
  let latest:
    | { readonly secret: string; readonly day: string; readonly mac: (text: string) => string }
    | undefined;
  let second = Number.NaN;
  let time = '';

  const pathOf = (path: string): string => {
    const known = paths.get(path);
    if (known !== undefined) return known;
    if (paths.size >= mostPaths) paths.clear();
    const canonical = canonicalPath(path);
    paths.set(path, canonical);
    return canonical;
  };

  const timeOf = (now: number): string => {
    if (Math.floor(now / 1000) !== second) {
      second = Math.floor(now / 1000);
      time = basicTime(now);
    }
    return time;
  };

  const macOf = (secret: string, day: string): ((text: string) => string) => {
    if (latest?.secret !== secret || latest.day !== day) {
      const key = [region, service, 'aws4_request'].reduce(hmac, hmac(`AWS4${secret}`, day));
      latest = { secret, day, mac: createMac(key) };
    }
    return latest.mac;
  };

  return ({ path, body }, { accessKeyId, secretAccessKey, sessionToken }, now = Date.now()) => {
    const date = timeOf(now);
    const day = date.slice(0, 8);
    const scope = `${day}/${region}/${service}/aws4_request`;
    const digest = hash('sha256', body, 'hex');
    const token = sessionToken ? `x-amz-security-token:${canonicalValue(sessionToken)}\n` : '';
    const signedNames = sessionToken ? `${list};x-amz-security-token` : list;

    const request = `POST\n${pathOf(path)}\n\n${lines}x-amz-content-sha256:${digest}\nx-amz-date:${date}\n${token}\n${signedNames}\n${digest}`;
    const toSign = `${algorithm}\n${date}\n${scope}\n${hash('sha256', request, 'hex')}`;
    const signature = macOf(secretAccessKey, day)(toSign);

    const authorization = `${algorithm} Credential=${accessKeyId}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`;
    const signed = [...given, 'x-amz-content-sha256', digest, 'x-amz-date', date];
    if (sessionToken) signed.push('x-amz-security-token', sessionToken);
    signed.push('authorization', authorization);
    return signed;
  };
};
