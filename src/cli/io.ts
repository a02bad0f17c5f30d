// Where words go: results to stdout, everything else to stderr, a progress bar where a person watches.
import type { CountProgress, InspectProgress } from '../protocol/messages';
import { paced } from '../protocol/pace';

type Severity = 'error' | 'warning' | 'info';

export interface Io {
  /** True with --json: stdout then carries one JSON object and nothing else. */
  readonly json: boolean;
  /** The result: an object for programs, lines for people. */
  result(value: object, lines: () => readonly string[]): void;
  /** A line for people on stderr. */
  note(text: string): void;
  /** What is wrong, as a line on stderr. */
  problem(severity: Severity, text: string): void;
  /** Replaces the progress line. Where nobody watches, nothing is written; whoever has started this process is told the count. */
  progress(text: string, count?: CountProgress): void;
}

/** With problems told as lines `FILE:1:1: severity: text`, which editors and CI find in an output. */
export function withPlaces(io: Io, file: string): Io {
  return { ...io, problem: (severity, text) => io.note(`${file}:1:1: ${severity}: ${text}`) };
}

export function terminalIo(json: boolean): Io {
  const watched = process.stderr.isTTY;
  let shown = false;
  const clear = () => {
    if (shown) process.stderr.write('\r\x1b[2K');
    shown = false;
  };
  const note = (text: string) => {
    clear();
    process.stderr.write(harmless(text) + '\n');
  };
  return {
    json,
    result: (value, lines) => {
      clear();
      process.stdout.write(json ? JSON.stringify(value) + '\n' : lines().map(onOneLine).join('\n') + '\n');
    },
    note,
    problem: (severity, text) => note(severity === 'error' ? text : `${severity}: ${text}`),
    progress: (text, count) => {
      // The editor, if anybody: it may be gone by then.
      if (count && process.connected) process.send?.(count, () => undefined);
      if (!watched) return;
      clear();
      process.stderr.write(onOneLine(text).slice(0, (process.stderr.columns || 80) - 1));
      shown = true;
    },
  };
}

/** Category and file names come from strangers' files: they may not move the cursor, colour the terminal or turn the direction of the text. */
function harmless(text: string): string {
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

/** Nor look like another line. */
function onOneLine(text: string): string {
  return harmless(text).replace(/[\t\n]/g, '\ufffd');
}

/** Columns padded to their widest cell, as it is shown; numbers to the right. The first row is the head. */
export function table(rows: readonly (readonly (string | number)[])[]): string[] {
  const cells = rows.map((row) => row.map((cell) => onOneLine(String(cell))));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const isNumber = (column: number) => rows.slice(1).every((row) => /^[-–\d.,%e+]*$/.test(String(row[column] ?? '')));
  const pad = (cell: string, column: number) =>
    isNumber(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!);
  const lines = cells.map((row) => row.map(pad).join('  ').trimEnd());
  return [lines[0] ?? '', widths.map((width) => '─'.repeat(width)).join('  '), ...lines.slice(1)];
}

/** Three decimals, or a dash where there is no number. */
export function decimal(value: number | null | undefined): string {
  return typeof value === 'number' ? value.toFixed(3) : '–';
}

/** An interval with three decimals, 0.790–0.834, or a dash where there is none. */
export function span(interval: readonly [number, number] | null): string {
  return interval === null ? '–' : `${decimal(interval[0])}–${decimal(interval[1])}`;
}

/** Of lists that are told to people the JSON has the numbers; one that is the same for all is a number. */
export function thresholdWords(threshold: number | readonly number[]): string {
  if (typeof threshold === 'number') return String(threshold);
  const [first] = threshold;
  return first !== undefined && threshold.every((one) => one === first) ? String(first) : 'of each category its own';
}

/** Hears how far work is. */
type Count = (progress: CountProgress) => void;

/** Tells how far work is: a bar, how much of how much is done, and after two seconds how long the rest takes. @param unit 'images', 'MB' of bytes, '%' */
export function counted(io: Io, title: string, unit = 'images'): Count {
  return paced((progress, left) => {
    const { done, total } = progress;
    const rest = left === undefined ? '' : `, ${left} left`;
    io.progress(`${title}  ${bar(done, total)}  ${amount(done, total, unit)}${rest}`, progress);
  });
}

function amount(done: number, total: number, unit: string): string {
  if (unit === '%') return `${Math.floor((100 * done) / Math.max(1, total))} %`;
  const [some, all] = unit === 'MB' ? [(done / 1e6).toFixed(0), (total / 1e6).toFixed(0)] : [done, total];
  return `${some} of ${all} ${unit}`;
}

/** Of an annotation file that is read or copied, and of its images where they are looked at. */
export function countedFile(io: Io, title: string): (progress: InspectProgress) => void {
  const [file, images] = [counted(io, title, 'MB'), counted(io, 'Looking at images')];
  return (progress) => (progress.images ? images(progress.images) : file({ done: progress.bytes, total: progress.totalBytes }));
}

/** A bar of 24 cells: ████████░░░░. */
export function bar(done: number, total: number): string {
  const filled = total > 0 ? Math.min(24, Math.round((24 * done) / total)) : 0;
  return '█'.repeat(filled) + '░'.repeat(24 - filled);
}
