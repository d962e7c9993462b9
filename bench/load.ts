/** The load: keep-alive connections on raw sockets, requests serialised beforehand, every answer checked. */

import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMessageReader } from './http1.ts';

/** Ms without a byte after which an exchange has failed. */
const longestSilence = 60_000;
/** Enough for the last frame of any stream. */
const endLength = 64;

export interface Request {
  readonly port: number;
  /** The whole request as it goes over the wire. */
  readonly bytes: Buffer;
}

export interface Reply {
  readonly status: number;
  /** Of the body. */
  readonly length: number;
  /** The last bytes of the body. */
  readonly end: Buffer;
  /** The whole body, where it was asked for. */
  readonly body: Buffer;
  /** Ms from writing the request to reading `mark`, where one was asked for. */
  readonly markAfter: number;
}

interface Watch {
  readonly keepBody?: boolean;
  /** Text to wait for in the body. */
  readonly mark?: string;
  readonly onMark?: () => void;
}

interface Connection {
  ask(bytes: Buffer, watch?: Watch): Promise<Reply>;
  close(): void;
}

export const buildRequest = (
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: object,
): Request => {
  const payload = Buffer.from(JSON.stringify(body));
  const head = [
    `POST ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Content-Type: application/json',
    `Content-Length: ${payload.length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '\r\n',
  ];
  return { port, bytes: Buffer.concat([Buffer.from(head.join('\r\n')), payload]) };
};

const noBytes = Buffer.alloc(0);

/** One exchange at a time. */
const openConnection = (port: number): Connection => {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.setTimeout(longestSilence, () => socket.destroy(new Error('no answer for a minute')));

  let watch: Watch = {};
  let settle: { resolve: (reply: Reply) => void; reject: (error: Error) => void } | undefined;
  let askedAt = 0;
  let status = 0;
  let length = 0;
  let end: Buffer = noBytes;
  let pieces: Buffer[] = [];
  let markAfter = Number.NaN;

  const reader = createMessageReader({
    onHead: (head) => {
      status = Number(head.slice(9, 12));
    },
    onBody: (bytes) => {
      length += bytes.length;
      end =
        bytes.length >= endLength
          ? bytes.subarray(-endLength)
          : Buffer.concat([end, bytes]).subarray(-endLength);
      // A refusal is always kept, to be shown.
      if (watch.keepBody === true || status !== 200) pieces.push(bytes);
      if (watch.mark !== undefined && Number.isNaN(markAfter) && bytes.includes(watch.mark)) {
        markAfter = performance.now() - askedAt;
        watch.onMark?.();
      }
    },
    onEnd: () => {
      const reply = { status, length, end, body: Buffer.concat(pieces), markAfter };
      const { resolve } = settle ?? {};
      settle = undefined;
      resolve?.(reply);
    },
  });
  const fail = (error: Error): void => {
    const { reject } = settle ?? {};
    settle = undefined;
    reject?.(error);
  };
  socket.on('data', (chunk: Buffer) => {
    try {
      reader.push(chunk);
    } catch (error) {
      socket.destroy(error as Error);
    }
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the connection was closed in the middle of an exchange')));

  return {
    ask: (bytes, options = {}) =>
      new Promise((resolve, reject) => {
        watch = options;
        settle = { resolve, reject };
        status = 0;
        length = 0;
        end = noBytes;
        pieces = [];
        markAfter = Number.NaN;
        askedAt = performance.now();
        socket.write(bytes);
      }),
    close: () => socket.destroy(),
  };
};

/** Throws where an answer is not what it has to be. */
export type Check = (reply: Reply) => void;

const withConnections = async <Result>(
  port: number,
  count: number,
  use: (connections: readonly Connection[]) => Promise<Result>,
): Promise<Result> => {
  const connections = Array.from({ length: count }, () => openConnection(port));
  try {
    return await use(connections);
  } finally {
    for (const connection of connections) connection.close();
  }
};

export const askOnce = ({ port, bytes }: Request, watch: Watch = {}): Promise<Reply> =>
  withConnections(port, 1, async ([connection]) => (connection as Connection).ask(bytes, watch));

/** Each connection asks again as soon as it is answered, until the time is up. Gives the number of answers. */
export const askForTime = (
  { port, bytes }: Request,
  connections: number,
  milliseconds: number,
  check: Check,
): Promise<number> =>
  withConnections(port, connections, async (all) => {
    const until = performance.now() + milliseconds;
    let count = 0;
    await Promise.all(
      all.map(async (connection) => {
        while (performance.now() < until) {
          check(await connection.ask(bytes));
          count += 1;
        }
      }),
    );
    return count;
  });

/** Each connection asks once, the beginnings spread over some time. Gives the number of answers. */
export const askInWave = (
  { port, bytes }: Request,
  connections: number,
  spread: number,
  check: Check,
): Promise<number> =>
  withConnections(port, connections, async (all) => {
    await Promise.all(
      all.map(async (connection, index) => {
        await sleep((spread * index) / connections);
        check(await connection.ask(bytes));
      }),
    );
    return connections;
  });

/**
 * Opens that many streams, a hundred at a time. When all have begun, `whileOpen` runs, which has to see to it that
 * they end; then all are read to their end.
 */
export const holdOpen = async (
  { port, bytes }: Request,
  count: number,
  mark: string,
  check: Check,
  whileOpen: () => Promise<void>,
): Promise<void> => {
  const connections: Connection[] = [];
  const answers: Promise<void>[] = [];
  const begin = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const connection = openConnection(port);
      connections.push(connection);
      const answer = connection.ask(bytes, { mark, onMark: resolve }).then(check);
      answer.catch(reject);
      answers.push(answer);
    });
  try {
    while (connections.length < count) {
      await Promise.all(Array.from({ length: Math.min(100, count - connections.length) }, begin));
    }
    await whileOpen();
    await Promise.all(answers);
  } finally {
    for (const connection of connections) connection.close();
  }
};

/** One request at a time to each in turn, on one connection each. Gives the times to `mark`, by index. */
export const askInTurns = async (
  requests: readonly Request[],
  rounds: number,
  mark: string,
  check: (reply: Reply, index: number) => void,
): Promise<readonly (readonly number[])[]> => {
  const lines = requests.map(({ port, bytes }) => ({
    connection: openConnection(port),
    bytes,
    marks: [] as number[],
  }));
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [index, { connection, bytes, marks }] of lines.entries()) {
        const reply = await connection.ask(bytes, { mark });
        check(reply, index);
        marks.push(reply.markAfter);
      }
    }
    return lines.map(({ marks }) => marks);
  } finally {
    for (const { connection } of lines) connection.close();
  }
};
