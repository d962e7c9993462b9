/**
 * What real agents send, replayed against the strict simulator: answered, with nothing of it refused upstream. The collection
 * lies beside the project; where it is absent there is one test that says so.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { useServer, useSimulator } from './support/fixtures.ts';
import { expectValidEvents } from './support/openresponses.ts';
import { checkEvents, readEvents } from './support/response-events.ts';
import { testKey } from './support/server.ts';

const folder = new URL('../../shared/captures/', import.meta.url);

interface Captured {
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: Readonly<Record<string, unknown>>;
  };
}

const read = (file: string): readonly Captured[] =>
  (JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { exchanges: readonly Captured[] }).exchanges;

const files = existsSync(folder)
  ? readdirSync(folder).filter((name) => name.startsWith('codex-') && name.endsWith('.json'))
  : [];

describe(`Codex, as captured (${files.length === 0 ? '../shared/captures is absent' : files.length})`, () => {
  const simulator = useSimulator();
  const server = useServer({ upstream: simulator });

  it('is captured, or said to be absent', () => {
    expect(files.length).toBeGreaterThanOrEqual(existsSync(folder) ? 1 : 0);
  });

  const requests = files.flatMap((file) =>
    read(file).flatMap(({ request }, index) =>
      request.method === 'POST' && request.body !== undefined
        ? [{ name: `${file}, ${index + 1}`, request }]
        : [],
    ),
  );

  it.each(
    requests.flatMap((each) => ['claude-sonnet-5-5', 'nova-2-lite'].map((model) => ({ ...each, model }))),
  )('$name is answered by $model', async ({ request, model }) => {
    const { 'content-length': _, host: _host, ...headers } = request.headers;
    const response = await fetch(`${server.url}${request.path}`, {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...request.body, model }),
    });
    expect(response.status, await response.clone().text()).toBe(200);
    const { response: final, events } = checkEvents(readEvents(await response.text()));
    expectValidEvents(events);
    expect(final.status).toBe('completed');
    expect(simulator.requests.map(({ status }) => status)).toEqual([200]);
    // What has no effect is known, and no more than that.
    expect(response.headers.get('x-ignored-params')).toMatch(
      /^(?:prompt_cache_key|client_metadata|tools\[\d+\]|text\.verbosity|,|reasoning\.\w+| )+$/,
    );
  });
});
