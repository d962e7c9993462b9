import type { buildConnector } from 'undici';
import { describe, expect, it } from 'vitest';
import { Cancellation } from '../../../src/core/cancellation.ts';
import { Connections } from '../../../src/providers/http/connections.ts';
import { createExchanger } from '../../../src/providers/http/exchange.ts';

type Connected = buildConnector.Callback;

/** Connections that come about when the test says so. */
const create = (limit: number) => {
  const connecting: Connected[] = [];
  const connections = new Connections('http://upstream.test', {
    limit,
    connect: (_target, callback) => {
      connecting.push(callback);
    },
  });
  const exchange = createExchanger(connections);
  const ask = () => {
    const cancellation = new Cancellation();
    const request = { method: 'POST', path: '/', body: Buffer.from('{}') } as const;
    const answer = exchange(request, cancellation, (error) => error).then(
      () => 'answered',
      (error: unknown) => error,
    );
    return { answer, hangUp: () => cancellation.abort(new Error('gone')) };
  };
  return { ask, connecting, connections };
};

const fail = (callback: Connected | undefined) => callback?.(new Error('unreachable'), null);

// Behaviour 8.10
describe('the limit of connections', () => {
  it('counts those that are given up while they connect, until that has ended', async () => {
    const { ask, connecting, connections } = create(1);
    const first = ask();
    first.hangUp();
    expect(await first.answer).toMatchObject({ message: 'gone' });
    expect(await ask().answer).toMatchObject({ status: 503, code: 'overloaded' });
    expect(connecting).toHaveLength(1);
    fail(connecting[0]);
    const third = ask();
    expect(connecting).toHaveLength(2);
    fail(connecting[1]);
    expect(await third.answer).toMatchObject({ message: 'unreachable' });
    await connections.close();
  });

  it('refuses a request after the server has closed them', async () => {
    const { ask, connecting, connections } = create(1);
    await connections.close();
    expect(await ask().answer).toMatchObject({ status: 503 });
    expect(connecting).toHaveLength(0);
  });
});
