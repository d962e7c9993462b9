import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTcpServer, isIP, type LookupFunction, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiError, ClientDisconnected, ConfigError } from '../../src/core/errors.ts';
import { createImageFetcher, type ImageFetcherOptions } from '../../src/pipeline/image-fetcher.ts';
import { pixelBytes as png } from '../support/images.ts';
import { listen } from '../support/listen.ts';

const path = 'messages[0].content[1].image_url.url';
const signal = () => new AbortController().signal;

const cleanups: (() => void)[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0)) cleanup();
});

interface Listener {
  readonly port: number;
  /** Every connection anyone made. */
  connections: number;
  readonly requests: IncomingMessage[];
}

const listenFor = async (answer: RequestListener): Promise<Listener> => {
  const server = createServer((request, response) => {
    listener.requests.push(request);
    answer(request, response);
  });
  server.on('connection', () => {
    listener.connections += 1;
  });
  const { port, close } = await listen(server);
  cleanups.push(close);
  const listener = { port, connections: 0, requests: [] as IncomingMessage[] };
  return listener;
};

/** Speaks whatever bytes it is given, once a request has come. */
const listenRaw = async (onData: (socket: Socket, first: Buffer) => void): Promise<{ port: number }> => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (first) => onData(socket, first));
  });
  const { port, close } = await listen(server);
  cleanups.push(close);
  return { port };
};

const sendPng: RequestListener = (_request, response) => response.end(png);

const deferred = <T>() => {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
};

const loopback = [{ address: '127.0.0.1', family: 4 as const }];

/** Only images.example is exempt; every name leads to loopback. */
const create = (options: Partial<ImageFetcherOptions> = {}) => {
  const fetcher = createImageFetcher({
    enabled: true,
    maxBytes: 10_000,
    timeoutMs: 3000,
    allowHosts: ['images.example'],
    lookup: async () => loopback,
    ...options,
  });
  cleanups.push(() => void fetcher.close());
  return fetcher;
};

const failure = async (promise: Promise<unknown>): Promise<ApiError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
};

const refusal = `${path}: the image URL must lead to a host on the public internet. Send the image as a data URI instead (data:image/png;base64,...).`;

const expectRefused = async (promise: Promise<unknown>) => {
  const error = await failure(promise);
  expect(error).toMatchObject({ status: 400, param: path, message: refusal });
  expect(error.cause).toBeUndefined();
};

const expectFailed = async (promise: Promise<unknown>, reason: RegExp) => {
  const error = await failure(promise);
  expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', param: path });
  expect(error.message).toMatch(reason);
  expect(error.message).not.toMatch(/example|127\.0\.0\.1|ECONN/);
  expect(error.cause).toBeUndefined();
};

describe('an image that may be fetched', () => {
  it('comes as base64, its type told by its bytes and not by its label', async () => {
    const host = await listenFor((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(png);
    });
    const image = await create().fetch(`http://images.example:${host.port}/a.jpg`, path, signal());
    expect(image).toEqual({ mediaType: 'image/png', data: png.toString('base64') });
  });

  it('is asked for without anything of the client or of the server', async () => {
    const host = await listenFor(sendPng);
    await create().fetch(`http://images.example:${host.port}/a?b=c#fragment`, path, signal());
    const [request] = host.requests;
    expect(request?.method).toBe('GET');
    expect(request?.url).toBe('/a?b=c');
    expect(request?.headers).toEqual({
      host: `images.example:${host.port}`,
      accept: 'image/png, image/jpeg, image/gif, image/webp',
      'accept-encoding': 'identity',
      'user-agent': 'Parley (image fetch)',
      connection: 'close',
    });
  });

  it('never travels on a socket used before', async () => {
    const host = await listenFor(sendPng);
    const fetcher = create();
    for (const name of ['a', 'b', 'c']) {
      await fetcher.fetch(`http://images.example:${host.port}/${name}`, path, signal());
    }
    expect(host.connections).toBe(3);
  });

  it('is not asked for through a proxy of the environment', async () => {
    const proxy = await listenFor(sendPng);
    const host = await listenFor(sendPng);
    vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${proxy.port}`);
    vi.stubEnv('http_proxy', `http://127.0.0.1:${proxy.port}`);
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    try {
      await create().fetch(`http://images.example:${host.port}/`, path, signal());
    } finally {
      vi.unstubAllEnvs();
    }
    expect([proxy.connections, host.connections]).toEqual([0, 1]);
  });

  it('may sit behind relative and absolute redirects', async () => {
    const host = await listenFor((request, response) => {
      if (request.url === '/a/1') response.writeHead(302, { location: '../b/2?x=1' }).end();
      else if (request.url === '/b/2?x=1')
        response.writeHead(307, { location: `//images.example:${host.port}/3` }).end();
      else if (request.url === '/3')
        response.writeHead(308, { location: `http://images.example:${host.port}/4` }).end();
      else response.end(png);
    });
    const image = await create().fetch(`http://images.example:${host.port}/a/1`, path, signal());
    expect(image.mediaType).toBe('image/png');
    expect(host.requests.map(({ url }) => url)).toEqual(['/a/1', '/b/2?x=1', '/3', '/4']);
  });
});

describe('an image URL with an address in it', () => {
  const blocked = [
    '127.0.0.1',
    '127.1',
    '127.0.0.1.',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '017700000001',
    '%31%32%37.0.0.1',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
    '0',
    '169.254.169.254',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '10.0.0.1',
    '100.64.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '192.0.2.1',
    '198.18.0.1',
    '[::1]',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
    '[::127.0.0.1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '[ff02::1]',
  ];

  it.each(blocked)('refused with no connection and no look-up: %s', async (host) => {
    const connect = vi.spyOn(Socket.prototype, 'connect');
    const lookup = vi.fn(async () => loopback);
    const fetcher = create({ lookup });
    await expectRefused(fetcher.fetch(`http://${host}:8080/`, path, signal()));
    await expectRefused(fetcher.fetch(`https://${host}/`, path, signal()));
    expect(connect).not.toHaveBeenCalled();
    expect(lookup).not.toHaveBeenCalled();
  });

  it.each(['[fe80::1%eth0]', '[fe80::1%25eth0]', '1.2.3.256', '[::1'])(
    'is no URL at all: %s',
    async (host) => {
      await expectFailed(create().fetch(`http://${host}/`, path, signal()), /is not a valid URL/);
    },
  );
});

/** Replaces connecting: what would have been connected to. Nothing leaves the machine. */
const watchConnects = () => {
  const targets: unknown[] = [];
  vi.spyOn(Socket.prototype, 'connect').mockImplementation(function (this: Socket, ...given: unknown[]) {
    const [options] = given.flat() as { host: string; lookup: LookupFunction }[];
    if (options === undefined) throw new Error('no options');
    const { host, lookup } = options;
    const end = () => this.destroy(new Error('not in a test'));
    // As a connection does it: an address is not looked up.
    if (isIP(host) !== 0) {
      targets.push({ host });
      process.nextTick(end);
    } else {
      lookup(host, { all: true }, (_error, found) => {
        targets.push({ host, found });
        end();
      });
    }
    return this;
  });
  return targets;
};

/** The addresses to which packets are sent, or would be if there were a way. */
const watchAttempts = () => {
  const attempts: string[] = [];
  const connect = Socket.prototype.connect;
  vi.spyOn(Socket.prototype, 'connect').mockImplementation(function (this: Socket, ...given: unknown[]) {
    this.on('connectionAttempt', (address: string) => attempts.push(address));
    return connect.apply(this, given as Parameters<typeof connect>);
  });
  return attempts;
};

describe('an image URL with a public address', () => {
  it.each([
    ['8.8.8.8', '8.8.8.8'],
    ['134744072', '8.8.8.8'],
    ['0x8.0x8.0x8.0x8', '8.8.8.8'],
    ['[2606:4700:4700::1111]', '2606:4700:4700::1111'],
    ['[::ffff:8.8.8.8]', '::ffff:808:808'],
    ['[64:ff9b::8.8.8.8]', '64:ff9b::808:808'],
  ])('are connected to: %s', async (host, address) => {
    const targets = watchConnects();
    await expectFailed(create().fetch(`http://${host}/`, path, signal()), /could not be reached/);
    expect(targets).toEqual([{ host: address }]);
  });

  it('are those that were checked, though DNS changes its mind', async () => {
    const targets = watchConnects();
    const lookup = vi.fn(async () => loopback);
    const checked = [
      { address: '93.184.216.34', family: 4 },
      { address: '2606:4700:4700::1111', family: 6 },
    ];
    lookup.mockResolvedValueOnce(checked as typeof loopback);
    await expectFailed(create({ lookup }).fetch('http://rebind.example/', path, signal()), /reached/);
    expect(targets).toEqual([{ host: 'rebind.example', found: checked }]);
    expect(lookup).toHaveBeenCalledTimes(1);
  });

  it('are shown the name in the TLS greeting', async () => {
    const greeting = deferred<string>();
    const host = await listenRaw((socket, first) => {
      greeting.resolve(first.toString('latin1'));
      socket.destroy();
    });
    const fetched = create().fetch(`https://images.example:${host.port}/`, path, signal());
    await expectFailed(fetched, /could not be reached/);
    expect(await greeting.promise).toContain('images.example');
  });
});

describe('an image URL with a host name', () => {
  it.each([
    ['private', ['10.0.0.1']],
    ['public and private', ['93.184.216.34', '127.0.0.1']],
    ['private behind NAT64', ['93.184.216.34', '64:ff9b::a00:1']],
    ['link-local with a zone', ['fe80::1%eth0']],
    ['nothing', []],
    ['no address', ['localhost']],
  ])('that resolve to %s are refused, and nothing is sent there', async (_kind, addresses) => {
    const attempts = watchAttempts();
    const lookup = async () => addresses.map((address) => ({ address, family: 4 as const }));
    await expectRefused(create({ lookup }).fetch('http://pictures.example/', path, signal()));
    await expectRefused(create({ lookup }).fetch('https://pictures.example/', path, signal()));
    expect(attempts).toEqual([]);
  });

  it('that are exempt are connected to by the addresses they resolve to', async () => {
    const host = await listenFor(sendPng);
    const attempts = watchAttempts();
    await create().fetch(`http://images.example:${host.port}/`, path, signal());
    expect(attempts).toEqual(['127.0.0.1']);
  });

  it('that do not resolve are refused with the same text', async () => {
    const lookup = async () => {
      throw new Error('getaddrinfo ENOTFOUND pictures.example');
    };
    await expectRefused(create({ lookup }).fetch('http://pictures.example/', path, signal()));
  });

  it('that take too long to resolve are refused with the same text', async () => {
    const lookup = () => new Promise<typeof loopback>(() => {});
    await expectRefused(create({ lookup, timeoutMs: 40 }).fetch('http://pictures.example/', path, signal()));
  });

  it('of this machine are refused by the system resolver', async () => {
    const host = await listenFor(sendPng);
    const fetcher = createImageFetcher({ enabled: true, maxBytes: 9999, timeoutMs: 2000, allowHosts: [] });
    for (const name of ['localhost', 'LOCALHOST', 'localhost.']) {
      await expectRefused(fetcher.fetch(`http://${name}:${host.port}/`, path, signal()));
    }
    expect(host.connections).toBe(0);
  });

  it('that resolve slowly cannot occupy every thread that resolves', async () => {
    let asked = 0;
    const lookup = () => {
      asked += 1;
      return new Promise<typeof loopback>(() => {});
    };
    const fetcher = create({ lookup });
    const client = new AbortController();
    const fetches = [1, 2, 3, 4].map((n) => fetcher.fetch(`http://${n}.slow.example/`, path, client.signal));
    const settled = Promise.allSettled(fetches);
    await vi.waitFor(() => expect(asked).toBe(2));
    client.abort(new ClientDisconnected());
    await settled;
    // The clients have left, the look-ups have not.
    const next = create({ lookup, timeoutMs: 20 });
    await failure(next.fetch('http://5.slow.example/', path, signal()));
    await expect(fetcher.fetch('http://6.slow.example/', path, AbortSignal.timeout(20))).rejects.toThrow();
    expect(asked).toBe(3);
  });
});

describe('redirects into private space', () => {
  it.each([
    ['an address', (port: number) => `http://127.0.0.1:${port}/`],
    ['an address in hex', (port: number) => `http://0x7f000001:${port}/`],
    ['a mapped address', (port: number) => `http://[::ffff:127.0.0.1]:${port}/`],
    ['a name', (port: number) => `http://internal.example:${port}/`],
    ['another port of a host exempt on one', (port: number) => `//images.example:${port}/`],
  ])('never reach it: %s', async (_kind, target) => {
    const inside = await listenFor(sendPng);
    const outside = await listenFor((_request, response) => {
      response.writeHead(302, { location: target(inside.port) }).end();
    });
    const fetcher = create({ allowHosts: [`images.example:${outside.port}`] });
    await expectRefused(fetcher.fetch(`http://images.example:${outside.port}/`, path, signal()));
    expect([outside.connections, inside.connections]).toEqual([1, 0]);
  });

  it('are refused on the second hop to a name that now leads elsewhere', async () => {
    const host = await listenFor((_request, response) =>
      response.writeHead(302, { location: '/again' }).end(),
    );
    const lookup = vi.fn(async () => loopback);
    lookup.mockResolvedValueOnce(loopback);
    lookup.mockRejectedValueOnce(new Error('gone'));
    await expectRefused(create({ lookup }).fetch(`http://images.example:${host.port}/`, path, signal()));
    expect(host.connections).toBe(1);
  });

  it.each([
    'file:///etc/passwd',
    'ftp://images.example/',
    'data:image/png;base64,AA',
    'http://u:p@images.example/',
    'http://[',
  ])('nor do they lead out of http: %s', async (location) => {
    const host = await listenFor((_request, response) => response.writeHead(301, { location }).end());
    await expectFailed(
      create().fetch(`http://images.example:${host.port}/`, path, signal()),
      /redirects to something other/,
    );
  });

  it('end after three', async () => {
    const host = await listenFor((_request, response) => response.writeHead(302, { location: '/' }).end());
    await expectFailed(
      create().fetch(`http://images.example:${host.port}/`, path, signal()),
      /redirects more than 3 times/,
    );
    expect(host.connections).toBe(4);
  });
});

describe('answers that are no image', () => {
  const cases: { name: string; answer: RequestListener; reason: RegExp }[] = [
    { name: '404', answer: (_, r) => r.writeHead(404).end(png), reason: /status 404/ },
    { name: '500', answer: (_, r) => r.writeHead(500).end(png), reason: /status 500/ },
    { name: '204', answer: (_, r) => r.writeHead(204).end(), reason: /status 204/ },
    { name: 'a redirect to nowhere', answer: (_, r) => r.writeHead(302).end(), reason: /status 302/ },
    {
      name: 'HTML that calls itself a picture',
      answer: (_, r) => r.writeHead(200, { 'content-type': 'image/png' }).end('<!doctype html><p>secret'),
      reason: /not an image of type/,
    },
    { name: 'nothing', answer: (_, r) => r.end(), reason: /not an image of type/ },
    {
      name: 'too few bytes to tell',
      answer: (_, r) => r.end(png.subarray(0, 9)),
      reason: /not an image of type/,
    },
    {
      name: 'a compressed picture',
      answer: (_, r) => r.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(png)),
      reason: /content encoding/,
    },
    {
      name: 'a length over the limit',
      answer: (_, r) => {
        r.writeHead(200, { 'content-length': 10_001 }).write(png);
      },
      reason: /larger than 10000 bytes/,
    },
    {
      name: 'a body over the limit, of no stated length',
      answer: (_, r) => {
        r.write(png);
        r.end(Buffer.alloc(10_000));
      },
      reason: /larger than 10000 bytes/,
    },
    {
      name: 'a body shorter than its length',
      answer: (_, r) => {
        r.writeHead(200, { 'content-length': 5000 });
        r.write(png, () => r.destroy());
      },
      reason: /broke off/,
    },
    { name: 'a hang-up', answer: (_, r) => r.destroy(), reason: /could not be reached/ },
  ];

  it.each(cases)('$name', async ({ answer, reason }) => {
    const host = await listenFor(answer);
    await expectFailed(create().fetch(`http://images.example:${host.port}/`, path, signal()), reason);
  });

  it('a body in pieces of one byte is put together', async () => {
    const picture = Buffer.concat([png, Buffer.alloc(500, 7)]);
    const host = await listenRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      for (const byte of picture) {
        socket.write(Buffer.concat([Buffer.from('1\r\n'), Buffer.of(byte), Buffer.from('\r\n')]));
      }
      socket.end('0\r\n\r\n');
    });
    const fetched = create({ maxBytes: picture.length }).fetch(
      `http://images.example:${host.port}/`,
      path,
      signal(),
    );
    expect((await fetched).data).toBe(picture.toString('base64'));
  });

  it('an endless body is left as soon as it is too long', async () => {
    const ended = deferred<number>();
    const host = await listenFor((_request, response) => {
      let sent = 0;
      const more = () => {
        while (!response.destroyed && response.write(sent === 0 ? png : Buffer.alloc(4096))) sent += 4096;
      };
      response.on('drain', more).on('close', () => ended.resolve(sent));
      more();
    });
    const fetched = create().fetch(`http://images.example:${host.port}/`, path, signal());
    await expectFailed(fetched, /larger than/);
    expect(await ended.promise).toBeLessThan(50_000_000);
  });

  it('a slow body ends with the time for the whole', async () => {
    const closed = deferred<void>();
    const host = await listenFor((_request, response) => {
      const timer = setInterval(() => response.write(Buffer.alloc(1)), 5);
      response.write(png);
      response.on('close', () => {
        clearInterval(timer);
        closed.resolve();
      });
    });
    const fetched = create({ timeoutMs: 80 }).fetch(`http://images.example:${host.port}/`, path, signal());
    await expectFailed(fetched, /did not arrive within 80 ms/);
    await closed.promise;
  });

  it.each([302, 404])('an endless body with status %i is not waited for', async (status) => {
    const closed = deferred<void>();
    const host = await listenFor((request, response) => {
      if (request.url === '/next') return void response.end(png);
      response.on('close', () => closed.resolve());
      response.writeHead(status, { location: '/next' }).write(png);
    });
    const fetched = create().fetch(`http://images.example:${host.port}/`, path, signal());
    if (status === 302) expect((await fetched).mediaType).toBe('image/png');
    else await expectFailed(fetched, /status 404/);
    await closed.promise;
  });

  it('one deadline spans all hops', async () => {
    const host = await listenFor((_request, response) => {
      setTimeout(() => response.writeHead(302, { location: '/' }).end(), 30);
    });
    const fetcher = create({ timeoutMs: 80, maxRedirects: 100 });
    const fetched = fetcher.fetch(`http://images.example:${host.port}/`, path, signal());
    await expectFailed(fetched, /did not arrive within 80 ms/);
    expect(host.connections).toBeLessThan(5);
  });

  it.each([
    ['no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a change of protocol', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'],
    ['endless headers', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(100_000)}`],
  ])('%s', async (_name, bytes) => {
    const host = await listenRaw((socket) => socket.write(bytes));
    await expectFailed(
      create().fetch(`http://images.example:${host.port}/`, path, signal()),
      /could not be reached/,
    );
  });

  it('bytes beyond the stated length do not count and do no harm', async () => {
    const host = await listenRaw((socket) =>
      socket.end(
        Buffer.concat([
          Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${png.length}\r\n\r\n`),
          png,
          Buffer.from('HTTP/1.1 200 OK\r\n\r\nmore'),
        ]),
      ),
    );
    const image = await create().fetch(`http://images.example:${host.port}/`, path, signal());
    expect(image.data).toBe(png.toString('base64'));
  });

  it('a port nobody listens on', async () => {
    const host = await listenRaw(() => {});
    cleanups.splice(0).forEach((cleanup) => {
      cleanup();
    });
    await expectFailed(
      create().fetch(`http://images.example:${host.port}/`, path, signal()),
      /could not be reached/,
    );
  });
});

describe('URLs refused as they stand', () => {
  it.each([
    ['http://user@images.example/', /user name/],
    ['http://user:secret@images.example/', /user name/],
    ['http://:secret@images.example/', /user name/],
    ['ftp://images.example/', /https or http/],
    ['file:///etc/passwd', /https or http/],
    ['gopher://images.example/', /https or http/],
    ['data:image/png;base64,AAAA', /https or http/],
    ['not a url', /not a valid URL/],
    ['', /not a valid URL/],
  ])('%s', async (url, reason) => {
    const connect = vi.spyOn(Socket.prototype, 'connect');
    await expectFailed(create().fetch(url, path, signal()), reason);
    expect(connect).not.toHaveBeenCalled();
  });

  it('all of them, where fetching is off', async () => {
    const lookup = vi.fn(async () => loopback);
    const fetcher = create({ enabled: false, lookup });
    await expectFailed(fetcher.fetch('http://images.example/', path, signal()), /does not fetch.*data URI/);
    expect(lookup).not.toHaveBeenCalled();
  });
});

describe('hosts that the operator exempts from the check of addresses', () => {
  it.each([
    ['images.example', true],
    ['IMAGES.example.', true],
    ['images.example:PORT', true],
    ['images.example:1', false],
    ['example', false],
    ['a.images.example', false],
  ])(
    'are exactly the named ones, at the named port, however they are spelled: %s, exempt: %s',
    async (entry, isExempt) => {
      const host = await listenFor(sendPng);
      const fetcher = create({ allowHosts: [entry.replace('PORT', String(host.port))] });
      const fetched = fetcher.fetch(`http://Images.Example:${host.port}/`, path, signal());
      if (isExempt) expect((await fetched).mediaType).toBe('image/png');
      else await expectRefused(fetched);
    },
  );

  it.each(['127.0.0.1', '127.0.0.1:PORT'])('may be addresses: %s', async (entry) => {
    const host = await listenFor(sendPng);
    const fetcher = create({ allowHosts: [entry.replace('PORT', String(host.port))] });
    const image = await fetcher.fetch(`http://127.1:${host.port}/`, path, signal());
    expect(image.mediaType).toBe('image/png');
  });

  it.each(['::1', '[::1]', '[0:0::1]:80', 'bücher.example:8080'])('are understood: %s', (entry) => {
    expect(() => create({ allowHosts: [entry] })).not.toThrow();
  });

  it.each(['', 'http://images.example', 'a b', 'images.example/', 'images.example:x', '[::1'])(
    'are reported when they cannot match: %s',
    (entry) => expect(() => create({ allowHosts: [entry] })).toThrow(ConfigError),
  );
});

describe('a client that leaves while its image is fetched', () => {
  it('before the fetch', async () => {
    const lookup = vi.fn(async () => loopback);
    const gone = new ClientDisconnected();
    const fetched = create({ lookup }).fetch('http://images.example/', path, AbortSignal.abort(gone));
    await expect(fetched).rejects.toBe(gone);
    expect(lookup).not.toHaveBeenCalled();
  });

  it('while a name is looked up', async () => {
    const client = new AbortController();
    const gone = new ClientDisconnected();
    const lookup = () => {
      queueMicrotask(() => client.abort(gone));
      return new Promise<typeof loopback>(() => {});
    };
    await expect(create({ lookup }).fetch('http://images.example/', path, client.signal)).rejects.toBe(gone);
  });

  it.each([
    ['while the host is silent', false],
    ['in the middle of the body', true],
  ])('%s: the connection ends', async (_when, begun) => {
    const client = new AbortController();
    const gone = new ClientDisconnected();
    const closed = deferred<void>();
    const host = await listenFor((request, response) => {
      request.socket.on('close', () => closed.resolve());
      if (begun) response.write(png);
      setTimeout(() => client.abort(gone), 10);
    });
    const fetched = create().fetch(`http://images.example:${host.port}/`, path, client.signal);
    await expect(fetched).rejects.toBe(gone);
    await closed.promise;
  });

  it('with a hundred images cause no warning of a leak', async () => {
    const host = await listenFor(sendPng);
    const warn = vi.spyOn(process, 'emitWarning');
    const { signal: client } = new AbortController();
    const fetcher = create();
    await Promise.all(
      Array.from({ length: 100 }, () => fetcher.fetch(`http://images.example:${host.port}/`, path, client)),
    );
    expect(warn).not.toHaveBeenCalled();
  });

  it('are not listened for once the fetch is over', async () => {
    const host = await listenFor(sendPng);
    const client = new AbortController();
    const added = vi.spyOn(client.signal, 'addEventListener');
    const removed = vi.spyOn(client.signal, 'removeEventListener');
    await create().fetch(`http://images.example:${host.port}/`, path, client.signal);
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  });
});

describe('the bound on fetches at once', () => {
  const held = async (options: Partial<ImageFetcherOptions>) => {
    const open: (() => void)[] = [];
    const host = await listenFor((_request, response) => open.push(() => response.end(png)));
    const fetcher = create(options);
    const start = (by = signal()) => fetcher.fetch(`http://images.example:${host.port}/`, path, by);
    return { open, host, start, fetcher };
  };

  it('makes the next wait until a place is free', async () => {
    const { open, host, start } = await held({ maxConcurrent: 2 });
    const fetches = [start(), start(), start()];
    await vi.waitFor(() => expect(open.length).toBe(2), { interval: 5 });
    expect(host.connections).toBe(2);
    open[0]?.();
    await vi.waitFor(() => expect(open.length).toBe(3), { interval: 5 });
    for (const finish of open) finish();
    await Promise.all(fetches);
  });

  it('lets a waiter leave, and passes its place on', async () => {
    const { open, start } = await held({ maxConcurrent: 1 });
    const first = start();
    const client = new AbortController();
    const second = start(client.signal);
    const third = start();
    const gone = new ClientDisconnected();
    client.abort(gone);
    await expect(second).rejects.toBe(gone);
    await vi.waitFor(() => expect(open.length).toBe(1), { interval: 5 });
    open[0]?.();
    await first;
    await vi.waitFor(() => expect(open.length).toBe(2), { interval: 5 });
    open[1]?.();
    expect((await third).mediaType).toBe('image/png');
  });

  it('turns away those who would wait in too long a line', async () => {
    const { start, fetcher } = await held({ maxConcurrent: 1 });
    const fetches = Array.from({ length: 9 }, () => failure(start()));
    expect(await failure(start())).toMatchObject({ status: 503, code: 'overloaded' });
    await fetcher.close();
    await Promise.all(fetches);
  });

  it('turns away those who have waited too long: not their URL is at fault', async () => {
    const lookup = () => new Promise<typeof loopback>(() => {});
    const fetcher = create({ lookup, timeoutMs: 40 });
    const fetches = [1, 2, 3].map((n) => failure(fetcher.fetch(`http://${n}.example/`, path, signal())));
    const errors = await Promise.all(fetches);
    expect(errors.map(({ status }) => status)).toEqual([400, 400, 503]);
  });

  it('frees the place of a fetch that failed', async () => {
    const fetcher = create({ maxConcurrent: 1, allowHosts: [] });
    for (let n = 0; n < 3; n += 1) await expectRefused(fetcher.fetch('http://10.0.0.1/', path, signal()));
    for (let n = 0; n < 3; n += 1) await expectRefused(fetcher.fetch('http://x.example/', path, signal()));
  });

  it('closing ends what runs and refuses what comes', async () => {
    const { open, start, fetcher } = await held({ maxConcurrent: 1 });
    const fetches = [failure(start()), failure(start())];
    await vi.waitFor(() => expect(open.length).toBe(1), { interval: 5 });
    await fetcher.close();
    for (const fetched of [...fetches, failure(start())]) {
      expect(await fetched).toMatchObject({ status: 503, code: 'shutting_down' });
    }
  });
});
