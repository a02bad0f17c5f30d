// The peers that are set up on this machine (bench/peers/README.md), as programs of a case.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Case, Options } from './cases';
import type { Program } from './contestant';

export interface Peer extends Program {
  /** What this peer's job has beside everybody's. */
  readonly job: object;
}

/** Where the peers' scripts lie. */
export const PEERS = join(__dirname, '..', 'bench', 'peers');

export const PYTHON = join(PEERS, '.venv', 'bin', 'python');

/** Python's readers of a COCO file; those that are not installed fail and are left out. */
export function installedCocoPeers(file: string): Program[] {
  if (!existsSync(PYTHON)) return [];
  const script = join(PEERS, 'coco_read.py');
  return ['json', 'orjson', 'pycocotools'].map((name) => ({ name, command: PYTHON, args: [script, name, file] }));
}

/** scikit-learn's logistic regression; undefined where it is not set up. */
export function regressionPeer(): Program | undefined {
  if (!existsSync(PYTHON)) return undefined;
  return { name: 'scikit-learn', command: PYTHON, args: [join(PEERS, 'regression.py')] };
}

/** scikit-learn's metrics at thresholds; undefined where it is not set up. */
export function thresholdsPeer(): Program | undefined {
  if (!existsSync(PYTHON)) return undefined;
  return { name: 'scikit-learn', command: PYTHON, args: [join(PEERS, 'thresholds.py')] };
}

/** PyTorch as it says what an image shows; undefined where it is not set up. */
export function predictPeer(python: string | undefined): Program | undefined {
  if (python === undefined && !existsSync(PYTHON)) return undefined;
  return { name: 'PyTorch', command: python ?? PYTHON, args: [join(PEERS, 'torch_predict.py')] };
}

/** PyTorch in both memory layouts, training steps also compiled by torch.compile; empty where it is not set up. */
export function installedPeers(kind: Case['kind'], { python, device, eager: alone }: Options): Peer[] {
  if (python === undefined && !existsSync(PYTHON)) return [];
  // Beside a GPU's programs it is left out where it has no CUDA.
  const torch = { command: python ?? PYTHON, args: [join(PEERS, 'torch_step.py')], optional: device !== 'cpu' };
  const eager = [
    { ...torch, name: 'PyTorch', job: { channelsLast: false } },
    { ...torch, name: 'PyTorch channels-last', job: { channelsLast: true } },
  ];
  const compiled = { ...torch, name: 'torch.compile', job: { channelsLast: true, compiled: true }, optional: true };
  return kind === 'step' && !alone ? [...eager, compiled] : eager;
}
