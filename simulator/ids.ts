import { createHash } from 'node:crypto';

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

export const digest = (...parts: string[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest();
};

/** `msg_01...`, `toolu_01...`: the upstream's own alphabet and length, but derived from the request. */
export const claudeId = (prefix: string, seed: string): string =>
  `${prefix}01${Array.from(digest(prefix, seed).subarray(0, 22), (byte) => BASE58[byte % 58]).join('')}`;

export const converseToolId = (seed: string): string =>
  `tooluse_${digest('tooluse', seed).subarray(0, 16).toString('base64url')}`;

export const uuid = (seed: string): string => {
  const hex = digest('uuid', seed).toString('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
};

/** A small deterministic number generator, for delta sizes and padding. */
export const numbers = (seed: string): ((below: number) => number) => {
  let state = digest('numbers', seed).readUInt32LE(0) || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
};
