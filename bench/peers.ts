// The peers that are set up on this machine (bench/peers/README.md), as programs of a case.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Program } from './contestant';

export interface Peer extends Program {
  /** What this peer's job has beside everybody's. */
  readonly job: object;
}

const FOLDER = join(__dirname, '..', 'bench', 'peers');

/** PyTorch in both memory layouts; empty where it is not set up. */
export function installedPeers(): Peer[] {
  const python = join(FOLDER, '.venv', 'bin', 'python');
  if (!existsSync(python)) return [];
  const torch = { command: python, args: [join(FOLDER, 'torch_step.py')] };
  return [
    { ...torch, name: 'PyTorch', job: { channelsLast: false } },
    { ...torch, name: 'PyTorch channels-last', job: { channelsLast: true } },
  ];
}
