import { connect } from 'node:net';
import { afterReading } from './after-reading.ts';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** Everything, for answers that are not HTTP as they should be. */
  readonly text: string;
}

/** Ms for the first byte of an answer, on a busy machine. */
const patience = 10_000;

/**
 * Bytes to a server as they are, and what came back until it closed or fell silent for `quiet` ms. What arrived while
 * the whole process stood still is no silence.
 */
export const raw = (url: string, bytes: string | readonly string[], quiet = 90): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    let text = '';
    let timer: NodeJS.Timeout | undefined;
    const socket = connect(Number(port), hostname, () => {
      for (const piece of typeof bytes === 'string' ? [bytes] : bytes) socket.write(piece, 'latin1');
    });
    const wait = (time: number) => {
      clearTimeout(timer);
      const seen = text.length;
      const settle = () => (text.length === seen ? done() : undefined);
      timer = setTimeout(() => afterReading(settle), time);
    };
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      const [head = '', body = ''] = text.split(/\r\n\r\n(.*)/s);
      const [first = '', ...lines] = head.split('\r\n');
      const headers = new Headers();
      for (const line of lines)
        headers.append(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim());
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0);
      resolve({ status, headers, body: status === 0 ? '' : body, text });
    };
    socket.setEncoding('utf8');
    wait(patience);
    socket.on('data', (piece: string) => {
      text += piece;
      wait(quiet);
    });
    socket.on('end', done);
    socket.on('close', done);
    // A server that refuses may close while we still write.
    socket.on('error', (error) => {
      clearTimeout(timer);
      if (text === '') reject(error);
      else done();
    });
  });

/** One HTTP/1.1 request as text. */
export const request = (line: string, headers: Readonly<Record<string, string>> = {}, body = ''): string =>
  [
    `${line} HTTP/1.1`,
    'host: x',
    'connection: close',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n');
