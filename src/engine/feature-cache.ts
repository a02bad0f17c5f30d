// Pooled features on disk, by the content of the image: what one training computed, every later one on the same network takes from here.
import { createHash } from 'node:crypto';
import { readdir, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeFolders } from '../dataset/make-folder';
import sharp from 'sharp';
import { cacheFolderFor } from '../dataset/cache-folder';
import type { DeviceUsed, RunsFolder } from '../protocol/messages';
import type { Recipe } from '../protocol/recipe';
import { prune } from '../dataset/cache-files';
import type { Device } from './runtime/messages';
import { onnxRuntimeVersion } from './runtime/installed';
import type { Runtime } from './runtime/runtime';
import { readMetadata, readTensors, writeTensors } from './run/safetensors';
import { LabelscopeError } from '../protocol/errors';

/** What features follow from, beside the image. */
export interface FeatureSource {
  /** SHA-256 of the backbone's file. */
  readonly backbone: string;
  readonly width: number;
  readonly height: number;
  readonly device: Device;
  readonly pooling: Recipe['pooling'];
  /** Package, backend and library of the engine tensorflow, whose features differ in the last digits; absent: onnxruntime. */
  readonly engine?: readonly string[];
}

/**
 * @param backbone SHA-256 of its file
 * @param size of the images
 */
export async function featureSource(
  runtime: Pick<Runtime, 'describe'>,
  { device, engine }: Pick<DeviceUsed, 'device' | 'engine'>,
  backbone: string,
  { width, height }: Pick<FeatureSource, 'width' | 'height'>,
  pooling: FeatureSource['pooling'],
): Promise<FeatureSource> {
  const source = { backbone, width, height, device, pooling };
  if (engine === undefined) return source;
  const { package: name, backend, library = '' } = await runtime.describe();
  return { ...source, engine: [engine, name, backend, library] };
}

/** A variant of an image's content: its SHA-256, as it is or mirrored. */
export type FeatureKey = `${string} ${'plain' | 'mirrored'}`;

/** What is wanted and was not taken yet. */
interface WantedFeatures {
  /** Whether there is nothing of it left. */
  readonly isEmpty: () => boolean;
  readonly has: (key: FeatureKey) => boolean;
}

interface CachedFeatures {
  readonly key: FeatureKey;
  readonly values: Float32Array;
}

export interface FeatureCache {
  readonly folder: string;
  /** What its features follow from beside the image, as a digest: those of another space are other numbers. */
  readonly space: string;
  /** Gives what is there of the wanted features. */
  read(wanted: WantedFeatures, take: (found: CachedFeatures) => Promise<void>): Promise<void>;
  /** Keeps features, one file a call. No failure where the folder cannot be written. */
  write(features: readonly CachedFeatures[]): Promise<void>;
}

/** To be raised whenever images are prepared in another way, or this form changes. */
const FORMAT = 1;

const LIMITS = {
  ours: /^([0-9a-f]{32}-[0-9a-f]{16}\.features|[0-9a-f]{32}\.stamps)(\.\d+\.\d+\.tmp)?$/,
  mostFiles: 8192,
  mostBytes: 2 ** 32,
};

/** @param annotations the annotation file, which says where the cache lies */
export async function featureCache(annotations: string, source: FeatureSource, runsFolder?: RunsFolder): Promise<FeatureCache> {
  const folder = await cacheFolderFor(resolve(annotations), { name: 'features', runsFolder });
  const space = spaceOf(source);
  return {
    folder,
    space,
    read: (wanted, take) => readShards(folder, space, wanted, take),
    write: (features) => writeShard(folder, space, features).catch(() => undefined),
  };
}

/** Features of one space are the same numbers for the same image: also the programs that make them are part of its name. */
function spaceOf({ backbone, width, height, device, pooling, engine }: FeatureSource): string {
  const programs = [onnxRuntimeVersion(), sharp.versions.sharp, sharp.versions.vips, process.platform, process.arch];
  // Means have the name that they had before there was anything else.
  const pooled = pooling === 'average' ? [] : [{ pooling }];
  return digestOf([FORMAT, backbone, width, height, device, ...(engine ?? []), ...programs, ...pooled], 32);
}

function digestOf(what: unknown, length: number): string {
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, length);
}

/** A shard is a matrix with one row a key. What is damaged, cut or no file is passed over. */
async function readShards(
  folder: string,
  space: string,
  wanted: WantedFeatures,
  take: (found: CachedFeatures) => Promise<void>,
): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (wanted.isEmpty()) return;
    if (!entry.isFile() || !entry.name.startsWith(`${space}-`) || !LIMITS.ours.test(entry.name)) continue;
    const path = join(folder, entry.name);
    if (!keysIn(await readMetadata(path)).some(wanted.has)) continue;
    for (const found of await readShard(path)) {
      if (wanted.has(found.key)) await take(found);
    }
  }
}

async function readShard(path: string): Promise<CachedFeatures[]> {
  const file = await readTensors(path).catch((error: unknown) => {
    if (error instanceof LabelscopeError) return undefined;
    throw error;
  });
  const matrix = file?.tensors.features;
  if (!file || matrix?.dims.length !== 2) return [];
  const now = new Date();
  await utimes(path, now, now).catch(() => undefined);
  const width = matrix.dims[1]!;
  return keysIn(file.metadata).map((key, row) => ({ key, values: matrix.data.subarray(row * width, (row + 1) * width) }));
}

function keysIn({ keys = '[]' }: Readonly<Record<string, string>>): FeatureKey[] {
  try {
    const list: unknown = JSON.parse(keys);
    return Array.isArray(list) && list.every((key) => typeof key === 'string') ? (list as FeatureKey[]) : [];
  } catch {
    return [];
  }
}

async function writeShard(folder: string, space: string, features: readonly CachedFeatures[]): Promise<void> {
  const width = features[0]?.values.length;
  if (width === undefined) return;
  await makeFolders(folder, 0o700);
  const data = new Float32Array(features.length * width);
  features.forEach(({ values }, row) => data.set(values, row * width));
  const keys = features.map(({ key }) => key);
  await writeTensors(join(folder, `${space}-${digestOf(keys, 16)}.features`), {
    tensors: { features: { type: 'float32', dims: [features.length, width], data } },
    metadata: { keys: JSON.stringify(keys) },
  });
  await prune(folder, LIMITS);
}
