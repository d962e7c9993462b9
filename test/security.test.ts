import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';

const text = readFileSync(new URL('../SECURITY.md', import.meta.url), 'utf8');
const exists = (path: string) => existsSync(new URL(`../${path}`, import.meta.url));

describe('SECURITY.md', () => {
  const named = [...text.matchAll(/`([a-z0-9/-]+(?:\.test)?\.ts)`/g)].map(([, path = '']) => path);

  it.each([...new Set(named)])('names %s, which is there', (path) => {
    expect(exists(path.endsWith('.test.ts') ? `test/${path}` : `src/${path}`)).toBe(true);
  });

  it('names settings that there are', () => {
    const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8');
    const settings = [...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`/g)].map(([, name = '']) => name);
    expect(settings.length).toBeGreaterThan(10);
    for (const name of settings) expect(example).toMatch(new RegExp(`^#? ?${name}=`, 'm'));
  });

  it('tells the limits as they are', () => {
    const config = readConfig({ INFERENCE_KEY: 'k', ANTHROPIC_API_KEY: 'k' });
    const { headersTimeout, bodyTimeout, timeouts, bodyLimit, maxConcurrent, imageFetch } = config;
    const inSeconds = (...times: number[]) => times.map((ms) => `${ms / 1000} s`).join(', ');
    const inMebibytes = (bytes: number) => `${bytes / 1024 / 1024} MiB`;
    for (const row of [
      `| body | ${inMebibytes(bodyLimit)} |`,
      `| sending headers, then the body | ${inSeconds(headersTimeout, bodyTimeout)} |`,
      `| requests at once | ${maxConcurrent} |`,
      `| waiting for an upstream: connect, first byte, silence, a plain call, a stream | ${inSeconds(timeouts.connect, timeouts.firstByte, timeouts.idle, timeouts.total, timeouts.stream)} |`,
      `| a socket whose client reads nothing | ${inSeconds(timeouts.stream + 1000)} |`,
      `| an image fetched | ${inMebibytes(imageFetch.maxBytes)}, ${inSeconds(imageFetch.timeoutMs)}, `,
    ])
      expect(text).toContain(row);
  });
});
