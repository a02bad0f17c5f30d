// Runs ONNX Runtime's own installer, named by its argument, in this process, and tells the parent of the package that it fetches: how much has come, of
// how much, and whether it is the one that its feed lists. The installer neither tells nor checks.
import { createHash } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import { bootstrap } from 'global-agent';
import type { FetchedPackage, InstallProgress } from '../protocol/install';
import { sparingly } from '../protocol/sparingly';

export type InstallerMessage = InstallProgress | FetchedPackage;

/** What Node tells of every answer to a request of this process, before its asker reads it. */
interface Answer {
  readonly request: ClientRequest;
  readonly response: IncomingMessage;
}

/** The feed's own description of a package. */
interface Listing {
  /** In hexadecimal digits. */
  readonly sha512: string;
  readonly bytes: number;
}

const ANSWER_LIMIT_MS = 30_000;
/** More than any description has. */
const MOST_CHARACTERS = 16e6;

/** The index of the feed, which the installer asks for first. */
let feed = '';

subscribe('http.client.response.finish', (message) => {
  const { request, response } = message as Answer;
  const url = `https://${String(request.getHeader('host'))}${request.path}`;
  if (feed === '') feed = url;
  if (new URL(url).pathname.endsWith('.nupkg') && response.statusCode === 200) follow(url, response);
});

function follow(url: string, response: IncomingMessage): void {
  // Nothing is wrong with a package whose description cannot be had: whoever asked for it is told that it was not compared.
  const listing = listed(url).catch(() => undefined);
  let total = Number(response.headers['content-length']) || undefined;
  void listing.then((found) => (total ??= found?.bytes));
  const hash = createHash('sha512');
  let bytes = 0;
  const tell = sparingly(send, (told: InstallProgress) => told.bytes === total);
  response.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    bytes += chunk.length;
    tell({ stage: 'fetching', bytes, ...(total !== undefined && { total: Math.max(bytes, total) }) });
  });
  response.on('end', () => {
    send({ stage: 'unpacking', bytes });
    const found = { url, bytes, sha512: hash.digest('hex') };
    void listing.then((wanted) => compare(found, wanted));
  });
  // The installer would wait for the rest until nothing is left to wait for, and end as if all were well.
  response.on('close', () => {
    if (!response.complete) fail(`the connection broke off after ${bytes} bytes${total === undefined ? '' : ` of ${total}`}`);
  });
}

function compare(found: Omit<FetchedPackage, 'listed'>, wanted: Listing | undefined): void {
  if (wanted && wanted.sha512 !== found.sha512)
    fail(`${found.url} has the SHA-512 ${found.sha512}, and its feed lists ${wanted.sha512}: it was thrown away`);
  send({ ...found, listed: wanted !== undefined });
}

/** In the form in which Node prints errors that nobody caught, as the installer's own are. */
function fail(reason: string): never {
  process.stderr.write(`Error: ${reason}\n`);
  process.exit(1);
}

function send(message: InstallerMessage): void {
  process.send?.(message);
}

/**
 * What the feed says of a package, by NuGet's protocol: the index names the registrations, that of a version names its entry in the catalog, which
 * has its size and checksum (learn.microsoft.com/nuget/api: registration-base-url-resource, catalog-resource).
 *
 * @param url …/ID/VERSION/ID.VERSION.nupkg
 */
async function listed(url: string): Promise<Listing | undefined> {
  const [id, version] = new URL(url).pathname.split('/').slice(-3);
  const { resources } = (await json(feed)) as { resources: readonly { '@type': string; '@id': string }[] };
  const registrations = resources.find((resource) => resource['@type'] === 'RegistrationsBaseUrl')!['@id'];
  const { catalogEntry } = (await json(`${registrations}${id}/${version}.json`)) as { catalogEntry: string };
  const entry = (await json(catalogEntry)) as Readonly<Record<'packageHash' | 'packageHashAlgorithm', string>> & {
    packageSize: number;
  };
  if (entry.packageHashAlgorithm !== 'SHA512') return undefined;
  return { sha512: Buffer.from(entry.packageHash, 'base64').toString('hex'), bytes: entry.packageSize };
}

/** Through the proxy that the installer uses, which it has set for the whole process. */
async function json(url: string): Promise<unknown> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = https.get(url, { timeout: ANSWER_LIMIT_MS }, resolve);
    request.on('timeout', () => request.destroy(new Error('no answer'))).on('error', reject);
  });
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`);
  let text = '';
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    if (text.length > MOST_CHARACTERS) throw new Error('too long');
  }
  return JSON.parse(text);
}

/** As the installer does it, which then leaves it at that. */
function setProxy(): void {
  bootstrap();
  // Version 4.1.3 knows by this alone that a connection is encrypted, and nobody says so: every certificate was compared with the name "localhost",
  // and refused (gajus/global-agent#83).
  const agent = https.globalAgent as unknown as { addRequest: (request: ClientRequest, configuration: object) => void };
  const add = agent.addRequest.bind(agent);
  agent.addRequest = (request, configuration) => add(request, { ...configuration, secureEndpoint: true });
}

setProxy();
const script = process.argv[2]!;
createRequire(script)(script);
