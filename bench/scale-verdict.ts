// What the benchmark `scale` says of its targets: an image costs the same time and memory in a large data set as in a small one.
import type { ScaleReading } from './scale-run';

/** What was measured on so many image files. */
export interface Sized extends Pick<ScaleReading, 'imagesPerSecond' | 'memory'> {
  readonly files: number;
}

/** Figures count as the same up to this share. */
const SAME = 0.05;

/**
 * Three targets: the speed of both sets, memory along the large one, and memory of both. What a set takes more is told apart into what is
 * there at a quarter of the images (records, and what reading them left of the heap) and what has come since.
 *
 * @param long whether the run is long enough for the second: a few hundred images only fill the heap
 */
export function verdictLines(part: string, small: Sized, large: Sized, long: boolean): string[] {
  const [speed, slower] = [large.imagesPerSecond, large.imagesPerSecond / small.imagesPerSecond - 1];
  const [quarter, end] = [large.memory[0]!, large.memory.at(-1)!];
  const [most, least] = [Math.max(...large.memory), Math.min(...large.memory)];
  const before = small.memory.at(-1)!;
  const more = end - before;
  const kilobytes = (more * 1024) / (large.files - small.files);
  return [
    `target ${metIf(slower >= -SAME)}: ${part}: ${rounded(speed)} images/s of ${large.files} files, ${rounded(small.imagesPerSecond)} of ${small.files} (${percent(slower)}); should be no slower within 5 %`,
    ...(long
      ? [
          `target ${metIf(most / quarter - 1 <= SAME)}: ${part}: memory along the ${large.files} from ${quarter.toFixed(0)} MiB at a quarter to at most ${most.toFixed(0)} (${percent(most / quarter - 1)}), at least ${least.toFixed(0)}; should grow by no more than 5 %`,
        ]
      : []),
    `target ${metIf(more / before <= SAME)}: ${part}: ${end.toFixed(0)} MiB at the end of ${large.files}, ${before.toFixed(0)} of ${small.files} (${percent(more / before)}, ${kilobytes.toFixed(1)} KiB a file): ${mib(quarter - before)} at the first quarter (records, and what reading them left of the heap), and ${mib(end - quarter)} since; should be no more within 5 %`,
  ];
}

function metIf(met: boolean): string {
  return met ? 'met' : 'MISSED';
}

function percent(share: number): string {
  return `${signed(100 * share)} %`;
}

function mib(amount: number): string {
  return `${signed(amount)} MiB`;
}

function signed(value: number): string {
  const whole = Math.round(value);
  if (whole === 0) return '0';
  return whole < 0 ? `−${-whole}` : `+${whole}`;
}

/** Images a second, to three digits. */
export function rounded(speed: number): string {
  return speed < 100 ? speed.toPrecision(3) : speed.toFixed(0);
}
