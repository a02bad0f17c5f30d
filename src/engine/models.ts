// Opened models with their sessions, kept for the next request: a second prediction costs one image and one forward pass.
import { stat } from 'node:fs/promises';
import { encodeModel } from '../onnx/encode';
import { buildGradCam, withStage } from '../onnx/gradcam';
import { buildInferenceModel, withoutCalibration } from '../onnx/inference';
import type { DeviceUsed } from '../protocol/messages';
import { loadKept } from './kept-models';
import { targetOf } from './runtime/messages';
import type { Runtime } from './runtime/runtime';
import { locateModel, openTrained, type Trained } from './trained';

/** Models kept open. A ResNet-50 takes about 100 MB for its weights and as much again for its session. */
const MOST_KEPT = 2;

/** Categories that one run of the Grad-CAM graph explains; fewer are filled up, more take several runs. */
export const MAPS_AT_ONCE = 8;

interface OpenModel {
  readonly trained: Trained;
  /** image → probabilities and, where the network has one, the activations of the last convolutional stage under its name */
  readonly scoring: () => Promise<number>;
  /** image → probabilities without the calibration; the same session where there is none */
  readonly uncalibrated: () => Promise<number>;
  /** activations of one image and selection (MAPS_AT_ONCE rows) → maps. @throws OnnxError 'onnx-unsupported' */
  readonly mapping: () => Promise<number>;
}

export interface ModelCache {
  /** Opens the model, or takes the open one where its file is the same, for as long as the work takes. */
  use<T>(place: string, device: DeviceUsed, work: (model: OpenModel) => Promise<T>): Promise<T>;
}

interface Entry extends OpenModel {
  users: number;
  release(): Promise<void>;
}

export function modelCache(runtime: Runtime): ModelCache {
  const entries = new Map<string, Promise<Entry>>();
  const drop = (key: string) => {
    const entry = entries.get(key);
    entries.delete(key);
    void entry?.then((opened) => opened.release()).catch(() => undefined);
  };
  const shrink = async () => {
    for (const [key, entry] of entries) {
      if (entries.size <= MOST_KEPT) return;
      const opened = await entry.catch(() => undefined);
      if (opened?.users === 0) drop(key);
    }
  };
  const open = async (key: string, place: string, device: DeviceUsed): Promise<Entry> => {
    const known = entries.get(key);
    const entry = known ?? openTrained(place).then((trained) => entryOf(trained, runtime, device));
    // The one that was used last stands last: the first are the oldest.
    entries.delete(key);
    entries.set(key, entry);
    try {
      return await entry;
    } catch (error) {
      entries.delete(key);
      throw error;
    }
  };
  return {
    use: async (place, device, work) => {
      const entry = await open(`${await stampOf(place)} ${device.device} ${device.threads}`, place, device);
      entry.users++;
      try {
        return await work(entry);
      } finally {
        entry.users--;
        await shrink();
      }
    },
  };
}

/** A model file that is written anew is another one. */
async function stampOf(place: string): Promise<string> {
  const path = await locateModel(place);
  const { mtimeMs, size } = await stat(path);
  return `${path} ${mtimeMs} ${size}`;
}

function entryOf(trained: Trained, runtime: Runtime, device: DeviceUsed): Entry {
  const sessions = new Map<string, Promise<number>>();
  const once = (name: string, load: () => Promise<number>) => {
    const session = sessions.get(name) ?? load();
    sessions.set(name, session);
    session.catch(() => sessions.delete(name));
    return session;
  };
  const { classifier, path, card } = trained;
  const gradCam = () => encodeModel(buildGradCam(classifier, MAPS_AT_ONCE, targetOf(device)));
  const whole = () => encodeModel(withStage(buildInferenceModel(classifier, card), classifier));
  const scoring = () => once('scoring', () => loadKept(path, whole, runtime, device));
  const plain = () => encodeModel(buildInferenceModel(classifier, withoutCalibration(card)));
  return {
    trained,
    users: 0,
    scoring,
    uncalibrated: () => (card.calibration ? once('uncalibrated', async () => runtime.load(plain(), device)) : scoring()),
    mapping: () => once('mapping', async () => runtime.load(gradCam(), device)),
    release: async () => {
      for (const session of sessions.values()) await runtime.release({ session: await session });
    },
  };
}
