// A run, or several side by side, as one HTML file: the panels' own script and style sheet, and the data, in it. Nothing is fetched.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { readDecisions } from '../dataset/decisions';
import { readEvaluation, readEvaluationResult, readImport, readRun } from '../engine/client/folder';
import { readLooking } from '../engine/client/looking';
import { readImageFacts } from '../engine/client/image-facts';
import { readSuspects, REVIEWS, reviewsOf } from '../engine/client/reviews';
import { readSideBySide } from '../engine/client/side-by-side';
import type { CompareResult } from '../protocol/compare';
import type { CountProgress } from '../protocol/messages';
import { LabelscopeError } from '../protocol/errors';
import type { ReviewedSuspects } from '../protocol/review';
import type { RunRecord } from '../protocol/run';
import type { EvaluationData, ReportData, TrainingData } from '../protocol/windows';

export interface Report {
  readonly page: string;
  /** For who asked for it. */
  readonly notes: readonly string[];
}

interface ReportOptions {
  readonly given?: GivenReview | undefined;
  readonly signal?: AbortSignal;
  /** Told how many of the parts of the work are done. */
  readonly onProgress?: (count: CountProgress) => void;
}

/** Reading the run, its evaluation and the suspect labels; making the page. */
const PARTS = 4;

/**
 * @param given a file with suspect labels, and one with what was decided of them; without it, those that were found in the run's annotation files and
 *   are kept beside it
 * @throws the signal's reason; LabelscopeError 'run-missing', 'run-unreadable', 'evaluation-unreadable', 'report-empty', 'suspects-unreadable', 'dataset-changed';
 *   DatasetError where what was decided of the suspects is damaged
 */
export async function reportOf(place: string, { given, signal, onProgress }: ReportOptions = {}): Promise<Report> {
  const folder = resolve(place);
  const tell = (done: number) => {
    signal?.throwIfAborted();
    onProgress?.({ done, total: PARTS });
  };
  tell(0);
  const imported = await readImport(folder);
  const training = imported ? null : await trainingOf(folder);
  tell(1);
  const evaluation = await evaluationOf(folder, imported?.name ?? training?.name ?? basename(folder), training?.record ?? null);
  if (!evaluation && !training?.points.length)
    throw new LabelscopeError(
      'report-empty',
      `${folder} has neither a history nor an evaluation to report. Evaluate the model first.`,
    );
  tell(2);
  const own = ownFiles(training, evaluation);
  const reviews = given ? [await givenReview(given, own)] : await reviewsOf(join(dirname(folder), REVIEWS), own.paths);
  tell(3);
  const title = `Labelscope: ${training?.name ?? imported?.name ?? basename(folder)}`;
  const made = await page(title, { training, evaluation, comparison: null, reviews });
  tell(PARTS);
  return { page: made, notes: reviewNotes(reviews, own) };
}

interface GivenReview {
  readonly review: string;
  readonly decisions: string | undefined;
}

/** @throws LabelscopeError 'suspects-unreadable', 'dataset-changed'; DatasetError where decisions are damaged */
async function givenReview({ review, decisions }: GivenReview, own: OwnFiles): Promise<ReviewedSuspects> {
  const read = await readSuspects(resolve(review));
  const { annotations, fingerprint } = read.result;
  const isOwn = own.paths.includes(annotations) || own.fingerprints.includes(fingerprint);
  const list = { ...read, ...(!isOwn && { foreign: true as const }) };
  if (decisions === undefined) return list;
  const file = await readDecisions(resolve(decisions));
  if (file.fingerprint !== undefined && file.fingerprint !== fingerprint)
    throw new LabelscopeError(
      'dataset-changed',
      `${resolve(decisions)} decides on another content of the annotation file than the one whose suspects ${resolve(review)} lists (${annotations}). ` +
        'Give the decisions of that review. (A file of decisions without "fingerprint" is taken with whatever list is named.)',
    );
  return { ...list, decisions: file.decisions };
}

/** The annotation files that a run learned from and was judged on. */
interface OwnFiles {
  readonly paths: readonly string[];
  readonly fingerprints: readonly string[];
}

function ownFiles(training: TrainingData | null, evaluation: EvaluationData | null): OwnFiles {
  const { record } = training ?? {};
  const paths = [evaluation?.result.annotations, record?.validation.annotations, record?.train.annotations];
  const fingerprints = [record?.validation.fingerprint, record?.train.fingerprint];
  return { paths: [...new Set(paths.flatMap((path) => path ?? []))], fingerprints: fingerprints.flatMap((one) => one ?? []) };
}

function reviewNotes(reviews: readonly ReviewedSuspects[], { paths }: OwnFiles): string[] {
  if (reviews.length === 0) return ['No suspect labels are kept beside the run: --review FILE.json adds them.'];
  return reviews
    .filter(({ foreign }) => foreign)
    .map(
      ({ result }) =>
        `The suspect labels are of ${result.annotations}, which the run neither learned from nor was judged on (${paths.join(', ')}); the page says so.`,
    );
}

/** @throws LabelscopeError as `readSideBySide` */
export async function comparisonPage(result: CompareResult): Promise<string> {
  const runs = (await readSideBySide(result.runs.map(({ run }) => run))).map(({ folder, name, history }) => ({
    folder,
    name,
    points: history,
  }));
  const title = `Labelscope: ${runs.map(({ name }) => name).join(', ')}`;
  return page(title, { training: null, evaluation: null, comparison: { runs, settings: result.settings, result }, reviews: [] });
}

async function trainingOf(folder: string): Promise<TrainingData> {
  const { record, history } = await readRun(folder);
  const evaluated = await readEvaluationResult(folder);
  return {
    run: folder,
    name: record.name ?? basename(folder),
    status: record.state === 'running' ? 'interrupted' : record.state,
    record,
    messages: [],
    features: null,
    points: history,
    totalIterations: record.result?.iterations ?? history.at(-1)?.iteration ?? 0,
    imagesPerSecond: record.result?.imagesPerSecond ?? 0,
    idleShare: record.result?.idleShare ?? null,
    secondsLeft: 0,
    microF1: evaluated?.evaluation.micro.f1 ?? null,
    error: record.error ?? null,
  };
}

async function evaluationOf(folder: string, name: string, record: RunRecord | null): Promise<EvaluationData | null> {
  const stored = await readEvaluation(folder);
  if (!stored) return null;
  const { result, scores } = stored;
  const indices = new Map(result.evaluation.categories.map((category, k) => [category, k]));
  const images = scores.images.map(({ path, labels, scores: row, uncalibrated }) => ({
    file: path,
    uri: '',
    labels: labels.flatMap((label) => indices.get(label) ?? []),
    scores: row,
    ...(uncalibrated && { uncalibrated }),
  }));
  const facts = (await readImageFacts(folder, result.split, scores)) ?? null;
  return { folder, name, record, result, images, facts, looking: await readLooking(folder) };
}

async function page(title: string, data: ReportData): Promise<string> {
  const folder = join(__dirname, 'webview');
  const script = harmless(await readFile(join(folder, 'report.js'), 'utf8'));
  const style = harmless(await readFile(join(folder, 'report.css'), 'utf8'));
  const worker = await readFile(join(folder, 'fitting-worker.js'), 'utf8');
  const policy = `default-src 'none'; script-src '${hashOf(script)}'; worker-src blob:; style-src '${hashOf(style)}'; img-src data: blob:`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<main id="root"></main>
<script type="application/json" id="data">${asData(data)}</script>
<script type="application/json" id="fitting-worker">${asData(worker)}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** JSON as text of a page, in which no tag can begin. */
function asData(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

/** An end tag within a script or style would end it. In our bundles such text stands in strings and comments only. */
function harmless(text: string): string {
  return text.replace(/<\/(script|style)/gi, '<\\/$1');
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
