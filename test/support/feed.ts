// A package feed of NuGet's protocol as ONNX Runtime's installer asks it, on this machine: behind a proxy that leads every host here, or where the process
// takes its host's name for this machine; with a certificate of its own.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer as createProxy, type ServerResponse } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { createRequire } from 'node:module';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { crc32 } from 'node:zlib';

const HOST = 'api.nuget.org';
/** The installer fetches the package of its own version. */
const { version: VERSION } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };

export interface FeedOptions {
  readonly package: Buffer;
  /** Whether it says beforehand how long the package is. Where it does not, the last byte comes once its catalog, if it has one, has been read. */
  readonly tellsLength?: boolean;
  /** What its catalog says; false: it has none. */
  readonly catalog?: { readonly packageHash: string; readonly packageSize: number } | false;
  /** Of the package, sends so many bytes alone. */
  readonly sent?: number;
  /** Breaks the connection behind them; else it waits for ever. */
  readonly breaks?: boolean;
  /** How the process comes here: through a proxy, or without one: where none is named, or one where nobody listens that its host is excepted from. */
  readonly way?: 'proxy' | 'none named' | 'excepted';
}

interface Serving {
  readonly options: FeedOptions;
  readonly read: () => void;
  readonly isRead: Promise<void>;
}

export interface Feed {
  /** For a process whose connections lead here. */
  readonly env: Readonly<Record<string, string>>;
  readonly close: () => void;
}

/** @param folder for its certificate */
export async function startFeed(folder: string, options: FeedOptions): Promise<Feed> {
  const certificate = join(folder, 'certificate.pem');
  let read = () => {};
  const isRead = new Promise<void>((resolve) => (read = resolve));
  const server = createServer(await identity(folder, certificate), (request, response) =>
    answer(request.url!, response, { options, read, isRead }),
  );
  const sockets = new Set<Duplex>();
  const proxy = createProxy().on('connect', (_, socket: Duplex) => {
    const onward = connect((server.address() as AddressInfo).port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    for (const end of [socket, onward])
      sockets.add(end.on('error', () => undefined).on('close', () => [socket, onward].forEach((one) => one.destroy())));
  });
  for (const one of [server, proxy]) await once(one.listen(0, '127.0.0.1'), 'listening');
  const { way = 'proxy' } = options;
  const [proxyPort, port] = [proxy, server].map((one) => (one.address() as AddressInfo).port);
  const named = { proxy: `http://127.0.0.1:${proxyPort}`, 'none named': '', excepted: 'http://127.0.0.1:9' }[way];
  return {
    env: {
      HTTPS_PROXY: named,
      NO_PROXY: way === 'excepted' ? HOST : '',
      NODE_EXTRA_CA_CERTS: certificate,
      ...(way !== 'proxy' && { NODE_OPTIONS: `--require ${await leading(folder, port!)}` }),
    },
    close: () => {
      for (const one of [server as Pick<Server, 'close'>, proxy]) one.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A script that leads a process's connections with the feed's host here: names of hosts and their ports are the system's. */
async function leading(folder: string, port: number): Promise<string> {
  const script = join(folder, 'leading.cjs');
  await writeFile(
    script,
    `const { Socket } = require('node:net');
const { connect } = Socket.prototype;
Socket.prototype.connect = function (...args) {
  const [options] = args.flat();
  if (options?.host === '${HOST}') Object.assign(options, { host: '127.0.0.1', port: ${port} });
  return connect.apply(this, args);
};
`,
  );
  return script;
}

async function identity(folder: string, certificate: string): Promise<ServerOptions> {
  const key = join(folder, 'key.pem');
  const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=${HOST} -addext subjectAltName=DNS:${HOST}`;
  execFileSync('openssl', [...words.split(' '), '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  return { key: await readFile(key), cert: await readFile(certificate) };
}

/** @param read told when what its catalog says of the package has been read; `isRead`: that it has */
function answer(path: string, response: ServerResponse, { options, read, isRead }: Serving): void {
  const json = (value: object) => void response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
  const at = (name: string) => `https://${HOST}/${name}/`;
  const { catalog = catalogOf(options.package) } = options;
  const [, place, id, version] = path.split('/');
  if (path === '/v3/index.json') {
    const resources = { 'PackageBaseAddress/3.0.0': at('flat'), RegistrationsBaseUrl: at('registration') };
    json({ resources: Object.entries(resources).map(([type, url]) => ({ '@type': type, '@id': url })) });
  } else if (place === 'flat' && version === 'index.json') json({ versions: [VERSION] });
  else if (place === 'flat') void sendPackage(response, options, isRead);
  else if (catalog === false) response.writeHead(404).end();
  else if (place === 'registration') json({ catalogEntry: `${at('catalog')}${id}.json` });
  else {
    response.socket!.on('close', read);
    json({ packageHashAlgorithm: 'SHA512', ...catalog });
  }
}

async function sendPackage(response: ServerResponse, options: FeedOptions, isRead: Promise<void>): Promise<void> {
  const { package: content, tellsLength = true, sent = content.length, breaks } = options;
  if (tellsLength) response.setHeader('content-length', content.length);
  await new Promise((done) => response.write(content.subarray(0, sent - 1), done));
  if (!tellsLength && options.catalog !== false) await isRead;
  if (sent === content.length) response.end(content.subarray(sent - 1));
  else if (breaks) response.destroy();
}

/** What NuGet's catalog says of a package. */
export function catalogOf(content: Buffer): Exclude<FeedOptions['catalog'], false | undefined> {
  return { packageHash: createHash('sha512').update(content).digest('base64'), packageSize: content.length };
}

/** A ZIP file of these files, stored as they are (PKWARE's APPNOTE, 4.3.7, 4.3.12 and 4.3.16). */
export function zipOf(files: Readonly<Record<string, Buffer>>): Buffer {
  const [locals, central]: [Buffer[], Buffer[]] = [[], []];
  let at = 0;
  for (const [name, content] of Object.entries(files)) {
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(content.length, 14);
    fields.writeUInt32LE(content.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(at, 10);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), content]);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), fields, place, Buffer.from(name)]));
    locals.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(locals.length, 4);
  end.writeUInt16LE(locals.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...locals, directory, Buffer.from('PK\x05\x06'), end]);
}
