/**
 * `npm run soak`: the built server, in a process of its own, under mixed traffic against the simulator. Ends by
 * itself, with a report and exit code 1 when an outcome was not allowed, something was left behind, the log
 * says what it must not, or memory grew more than noise explains.
 *
 *   SOAK_SECONDS      how long the traffic runs; 180, at most 1800
 *   SOAK_CONCURRENCY  callers at once; 40, at most 200
 *   SOAK_PAUSE_MS     the longest pause of a caller between two requests; 100
 *   SOAK_SERVER       the server's file; dist/server.js
 *   SOAK_JSON         a file for the report
 */

import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startSimulator } from '../simulator/index.ts';
import { Wrong } from './soak/answers.ts';
import { type Client, createClient } from './soak/client.ts';
import { type Kind, kinds, marker } from './soak/kinds.ts';
import { type Report, render, verdict } from './soak/report.ts';
import { growthOf, leftOver, type Sample, takeSample } from './soak/samples.ts';
import { key, type Server, shutdownTimeout, startServer } from './soak/server.ts';
import { createTally, type Tally } from './soak/tally.ts';

const setting = (name: string, otherwise: number, least: number, most: number): number => {
  const value = Number(process.env[name] || otherwise);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new Error(`${name} must be a whole number from ${least} to ${most}.`);
  return value;
};

const settings = {
  seconds: setting('SOAK_SECONDS', 180, 5, 1800),
  concurrency: setting('SOAK_CONCURRENCY', 40, 1, 200),
  pauseMs: setting('SOAK_PAUSE_MS', 100, 0, 10_000),
  path: process.env.SOAK_SERVER || fileURLToPath(new URL('../dist/server.js', import.meta.url)),
};

/** The simulated providers live on this day, so that no model retires under the soak. */
const today = Date.parse('2026-11-22');
/** Between the events of the Anthropic API, as of a real one; Bedrock sends as fast as it can. Ms. */
const paced = 2;
/** Ms. On a quiet machine it takes one look; the rest is for a busy one. */
const longestSettling = 20_000;

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** All kinds in rounds, each as often as it weighs, every round in another order. */
const createDeck = (): (() => Kind) => {
  const whole = kinds.flatMap((kind) => Array.from({ length: kind.weight }, () => kind));
  let left: Kind[] = [];
  return () => {
    if (left.length === 0) left = [...whole];
    const at = Math.floor(Math.random() * left.length);
    const [kind] = left.splice(at, 1);
    if (kind === undefined) throw new Error('There are no kinds.');
    return kind;
  };
};

/** One run of a kind, and the ids of the requests it made. */
const runOnce = async (kind: Kind, client: Client) => {
  const ids: string[] = [];
  const named: Client = {
    ...client,
    send: (sending) => {
      const id = `soak-${randomUUID()}`;
      ids.push(id);
      return client.send({ ...sending, headers: { ...sending.headers, 'x-request-id': id } });
    },
  };
  try {
    return { ids, outcome: await kind.run(named) };
  } catch (error) {
    // A mistake of this script's own is an outcome that no row allows, too.
    const outcome = error instanceof Wrong ? `wrong: ${error.message}` : `bug of the soak: ${String(error)}`;
    return { ids, outcome };
  }
};

/** Callers, each one request after the other until the time is over. */
const sendTraffic = async (
  client: Client,
  tally: Tally,
  lineOf: Server['lineOf'],
  isOver: () => boolean,
): Promise<void> => {
  const draw = createDeck();
  const caller = async () => {
    while (!isOver()) {
      const kind = draw();
      const { ids, outcome } = await runOnce(kind, client);
      if (!tally.add(kind, outcome)) {
        // The log comes by a pipe of its own.
        await sleep(300);
        tally.explain(
          kind,
          outcome,
          ids.flatMap((id) => lineOf(id) ?? []),
        );
      }
      await sleep(Math.random() * settings.pauseMs);
    }
  };
  await Promise.all(Array.from({ length: settings.concurrency }, caller));
};

/** Until nothing is left of the traffic, or the time for that is over. */
const settle = async (before: Sample, sample: () => Promise<Sample>): Promise<Sample> => {
  const deadline = performance.now() + longestSettling;
  for (;;) {
    const now = await sample();
    const isClean = now.openStreams === 0 && leftOver(before.resources, now.resources).length === 0;
    if (isClean || performance.now() > deadline) return now;
    await sleep(1000);
  }
};

/** The exit code, or null for a server that had to be killed. */
const stop = async (server: Server): Promise<{ exitCode: number | null; ms: number }> => {
  const start = performance.now();
  server.kill('SIGTERM');
  const late = setTimeout(() => server.kill('SIGKILL'), shutdownTimeout + 2000);
  const { code } = await server.exited;
  clearTimeout(late);
  return { exitCode: code, ms: performance.now() - start };
};

const soak = async (server: Server): Promise<Report> => {
  const observer = createClient(server.url, key);
  const client = createClient(server.url, key);
  const tally = createTally();
  const ownLag = monitorEventLoopDelay({ resolution: 10 });
  ownLag.enable();
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  const sample = () => takeSample(observer, elapsed(), tally.total());
  const isOver = () => server.hasExited() || elapsed() >= settings.seconds;

  const before = await sample();
  const samples: Sample[] = [];
  const traffic = sendTraffic(client, tally, server.lineOf, isOver);
  const watching = (async () => {
    const interval = Math.min(5000, (settings.seconds * 1000) / 20);
    while (!isOver()) {
      await sleep(interval);
      if (isOver()) return;
      const now = await sample().catch(async (error: unknown) => {
        // A server that has just died is told below, with its last words.
        await Promise.race([server.exited, sleep(1000)]);
        if (server.hasExited()) return undefined;
        throw error;
      });
      if (now === undefined) return;
      samples.push(now);
      say(
        `${now.seconds.toFixed(0).padStart(5)} s  ${String(now.requests).padStart(7)} requests  ` +
          `RSS ${(now.rssKb / 1024).toFixed(0)} MB  heap ${(now.heapKb / 1024).toFixed(0)} MB  ` +
          `lag p99 ${now.lagP99Ms.toFixed(0)} ms  streams ${now.openStreams}  unexpected ${tally.unexpected()}`,
      );
    }
  })();
  await Promise.all([traffic, watching]);
  const seconds = elapsed();
  ownLag.disable();
  client.close();

  if (server.hasExited()) throw new Error(`The server died.\n${server.log.problems.join('\n')}`);
  const after = await settle(before, sample);
  const settledAfter = elapsed() - seconds;
  observer.close();
  const { exitCode, ms } = await stop(server);
  return {
    seconds,
    concurrency: settings.concurrency,
    kinds: tally.rows(),
    requests: tally.total(),
    unexpected: tally.unexpected(),
    errors: tally.errors(),
    rss: growthOf(samples, ({ rssKb }) => rssKb),
    heap: growthOf(samples, ({ heapKb }) => heapKb),
    rssAfterKb: after.rssKb,
    heapAfterKb: after.heapKb,
    lagP99Ms: samples.map(({ lagP99Ms }) => lagP99Ms).sort((a, b) => a - b),
    ownLagMs: { p99: ownLag.percentile(99) / 1e6, max: ownLag.max / 1e6 },
    before: before.resources,
    after: after.resources,
    leftOver: leftOver(before.resources, after.resources),
    openStreams: after.openStreams,
    settledAfter,
    exitCode,
    exitMs: ms,
    log: server.log,
    samples,
  };
};

const main = async (): Promise<void> => {
  // The server goes with this process.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  // Nothing here waits without a limit; should that be wrong, this ends it.
  setTimeout(
    () => {
      process.stderr.write('The soak did not end in time.\n');
      process.exit(1);
    },
    (settings.seconds + 180) * 1000,
  ).unref();

  const slowly = await startSimulator({ now: () => today, delayMs: paced });
  const quickly = await startSimulator({ now: () => today });
  let server: Server | undefined;
  try {
    server = await startServer(settings.path, slowly, quickly, [marker]);
    say(`${settings.seconds} s of traffic, ${settings.concurrency} callers, ${kinds.length} kinds.`);
    const report = await soak(server);
    say(render(report));
    if (process.env.SOAK_JSON) writeFileSync(process.env.SOAK_JSON, JSON.stringify(report, null, 2));
    process.exitCode = verdict(report).length > 0 ? 1 : 0;
  } finally {
    server?.kill('SIGKILL');
    await Promise.all([slowly.close(), quickly.close()]);
  }
};

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
