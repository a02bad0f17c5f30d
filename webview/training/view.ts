// The training panel: live curves, how far and how fast, and the run's buttons.
import { html, nothing, render, type TemplateResult } from 'lit';
import type { HistoryPoint } from '../../src/protocol/messages';
import type { RunStatus, TrainingData, WindowCommand } from '../../src/protocol/windows';
import { type Card, cardOf } from '../kit/card';
import { lineChart, type Series } from '../kit/chart';
import { count, duration, fixed, short } from '../kit/format';
import type { Host } from '../kit/host';
import { t } from '../kit/l10n';
import { tileList } from '../kit/tiles';
import type { Row } from '../kit/table';

interface ViewState {
  smooth: boolean;
  logarithmic: boolean;
  readonly tables: Set<string>;
}

export function trainingView(root: HTMLElement, host: Host<'training'>): void {
  let data: TrainingData | undefined;
  let due = 0;
  const view: ViewState = {
    smooth: host.kept?.smooth === true,
    logarithmic: host.kept?.logarithmic === true,
    tables: new Set(),
  };
  const draw = () => {
    due = 0;
    if (data) render(page(data, view, actions, host), root);
  };
  // Many events between two frames are one drawing.
  const soon = () => (due ||= requestAnimationFrame(draw));
  const actions: Actions = {
    command: (command) => void host.call('command', { command }).catch(() => undefined),
    set: (change) => {
      Object.assign(view, change);
      host.keep({ smooth: view.smooth, logarithmic: view.logarithmic });
      soon();
    },
    toggle: (name) => {
      if (!view.tables.delete(name)) view.tables.add(name);
      soon();
    },
  };
  host.listen(
    (all) => {
      data = all;
      soon();
    },
    ({ points, ...event }) => {
      if (!data) return;
      data = { ...data, ...event, points: points ? [...data.points, ...points] : data.points };
      soon();
    },
  );
}

interface Actions {
  readonly command: (command: WindowCommand) => void;
  readonly set: (change: Partial<Pick<ViewState, 'smooth' | 'logarithmic'>>) => void;
  readonly toggle: (name: string) => void;
}

function statusWord(status: RunStatus): string {
  const words: Record<RunStatus, string> = {
    preparing: t('preparing'),
    training: t('training'),
    paused: t('paused'),
    stopping: t('stopping'),
    finished: t('finished'),
    stopped: t('stopped'),
    failed: t('failed'),
    interrupted: t('interrupted'),
  };
  return words[status];
}

function page(data: TrainingData, view: ViewState, actions: Actions, host: Host<'training'>): TemplateResult {
  const { name, status, error, record } = data;
  return html`<header class="row spread">
      <div class="row">
        <h1>${name}</h1>
        <span class="badge" role="status">${statusWord(status)}</span>
      </div>
      <div class="row">${host.isEditor ? buttons(data, actions) : nothing}</div>
    </header>
    ${error === null ? nothing : html`<p class="notice error" role="alert">${error}</p>`}
    ${status === 'interrupted' && record ? html`<p class="notice warning">${t('Its process is gone. Resume it: at most the work since the last checkpoint is done again.')}</p>` : nothing}
    ${progressOf(data)} ${tiles(data)}
    <div class="grid">${cardOf(curves(data, view, actions), view.tables, actions.toggle, host)}</div>
    ${settings(data)} ${messages(data)}`;
}

/** Which buttons make sense, by how the run stands. */
const BUTTONS: Readonly<Record<RunStatus, readonly WindowCommand[]>> = {
  preparing: ['stopRun'],
  training: ['pauseRun', 'stopRun'],
  paused: ['continueRun', 'stopRun'],
  stopping: [],
  finished: ['evaluate', 'exportModel', 'exportReport', 'revealRun'],
  stopped: ['resumeRun', 'evaluate', 'revealRun'],
  failed: ['resumeRun', 'showOutput', 'revealRun'],
  interrupted: ['resumeRun', 'evaluate', 'revealRun'],
};

/** A finished run that was evaluated is there to be looked at. */
function offeredBy({ status, record, microF1 }: TrainingData): readonly WindowCommand[] {
  const offered = BUTTONS[status].filter((name) => record !== null || name === 'stopRun' || name === 'showOutput');
  if (microF1 === null || !offered.includes('evaluate')) return offered;
  return offered.flatMap((name) => (name === 'evaluate' ? ['openEvaluation', name] : [name]));
}

function buttons(data: TrainingData, { command }: Actions): TemplateResult[] {
  const words: Partial<Record<WindowCommand, string>> = {
    pauseRun: t('Pause'),
    continueRun: t('Continue'),
    stopRun: t('Stop'),
    resumeRun: t('Resume'),
    evaluate: data.microF1 === null ? t('Evaluate') : t('Evaluate Again…'),
    openEvaluation: t('Open Evaluation'),
    exportModel: t('Export ONNX…'),
    exportReport: t('Report…'),
    revealRun: t('Reveal Folder'),
    showOutput: t('Show Output'),
  };
  return offeredBy(data).map(
    (name, k) =>
      html`<button class=${k === 0 ? 'primary' : ''} data-command=${name} @click=${() => command(name)}>${words[name]}</button>`,
  );
}

function progressOf({ features, points, totalIterations, status }: TrainingData): TemplateResult | typeof nothing {
  if (status === 'finished') return nothing;
  const [done, total] = features ? [features.done, features.total] : [points.at(-1)?.iteration ?? 0, totalIterations];
  const label = features
    ? t('Features: {0} of {1} images', count(done), count(total))
    : t('{0} of {1} iterations', count(done), count(total));
  if (total === 0) return status === 'preparing' ? html`<progress aria-label=${t('Preparing')}></progress>` : nothing;
  return html`<progress max=${total} value=${done} aria-label=${label}></progress>
    <p class="quiet">${label}</p>`;
}

function bestOf(points: readonly HistoryPoint[]): HistoryPoint | undefined {
  const judged = points.filter(({ validationLoss }) => validationLoss !== undefined);
  return judged.reduce<HistoryPoint | undefined>(
    (best, point) => (best && best.validationLoss! <= point.validationLoss! ? best : point),
    undefined,
  );
}

function tiles(data: TrainingData): TemplateResult {
  const { points, totalIterations, imagesPerSecond, idleShare, secondsLeft, record, status, microF1 } = data;
  const last = points.at(-1);
  const best = bestOf(points);
  const ahead = status === 'training' || status === 'paused';
  const all: (readonly [string, string, string?])[] = [
    [t('Epoch'), last ? `${last.epoch} / ${record?.recipe.epochs ?? '–'}` : '–'],
    [t('Iteration'), last ? `${count(last.iteration)} / ${count(totalIterations)}` : '–'],
    [t('Loss'), fixed(last?.loss, 4)],
    [t('Best validation loss'), best ? t('{0} at {1}', fixed(best.validationLoss, 4), count(best.iteration)) : '–'],
    [t('Images per second'), imagesPerSecond > 0 ? fixed(imagesPerSecond, imagesPerSecond < 100 ? 1 : 0) : '–'],
    [
      t('Waiting for images'),
      idleShare === null || last === undefined ? '–' : t('{0} %', fixed(100 * idleShare, 1)),
      t('Share of the steps’ time in which they waited for their images'),
    ],
    ...(ahead ? [[t('Time left'), duration(secondsLeft)] as const] : []),
    [t('Learning rate'), last ? short(last.learnRate) : '–'],
    ...(microF1 === null ? [] : [[t('Micro F1'), fixed(microF1, 3), t('Of the newest evaluation')] as const]),
    [t('Device'), record?.device.device ?? '–', record?.device.reason ?? ''],
  ];
  return tileList(all.map(([name, value, title]) => ({ key: name, name, value, title: title ?? '' })));
}

/** Points that the moving average looks back on. */
const WINDOW = 20;

/** The mean of the last points, up to WINDOW of them. */
export function smoothed(points: Series['points']): Series['points'] {
  let sum = 0;
  return points.map(([x, y], k) => {
    sum += y - (k >= WINDOW ? points[k - WINDOW]![1] : 0);
    return [x, sum / Math.min(k + 1, WINDOW)] as const;
  });
}

function curves({ points }: TrainingData, { smooth, logarithmic }: ViewState, { set }: Actions): Card {
  const loss = points.map(({ iteration, loss: value }) => [iteration, value] as const);
  const validation = points.flatMap(({ iteration, validationLoss }) =>
    validationLoss === undefined ? [] : [[iteration, validationLoss] as const],
  );
  const best = bestOf(points);
  const rows: Row[] = points.map((point) => ({
    key: String(point.iteration),
    cells: [point.iteration, point.epoch, point.loss, point.validationLoss ?? null, point.learnRate],
  }));
  const series: Series[] = [
    { name: t('training loss'), points: smooth ? smoothed(loss) : loss },
    { name: t('validation loss'), points: validation, dots: validation.length < 100 },
  ];
  const label = t('Training and validation loss by iteration; the table holds the numbers');
  const marker = best && { at: best.iteration, text: t('best') };
  return {
    name: 'history',
    title: t('Loss'),
    wide: true,
    chart: lineChart({
      label,
      x: t('iteration'),
      y: t('loss, sum over categories'),
      series,
      logarithmic,
      wide: true,
      ...(marker && { marker }),
    }),
    table: {
      caption: t('History'),
      columns: [
        { title: t('Iteration'), numeric: true },
        { title: t('Epoch'), numeric: true },
        { title: t('Loss'), numeric: true, digits: 4 },
        { title: t('Validation loss'), numeric: true, digits: 4 },
        { title: t('Learning rate'), numeric: true, digits: 6 },
      ],
      rows,
    },
    // The newest first.
    tableOptions: { sorting: { column: 0, descending: true } },
    more: html`<div class="row">
      <label><input type="checkbox" .checked=${smooth} @change=${() => set({ smooth: !smooth })} /> ${t('Smooth')}</label>
      <label
        ><input type="checkbox" .checked=${logarithmic} @change=${() => set({ logarithmic: !logarithmic })} />
        ${t('Logarithmic')}</label
      >
    </div>`,
  };
}

function settings({ record }: TrainingData): TemplateResult | typeof nothing {
  if (!record) return nothing;
  const rows: (readonly [string, string])[] = [
    [t('Training data'), `${record.train.annotations} (${t('{0} images', count(record.train.count))})`],
    [t('Validation data'), `${record.validation.annotations} (${t('{0} images', count(record.validation.count))})`],
    [t('Categories'), record.categories.join(', ')],
    [t('Seed'), String(record.seed)],
    [t('Device'), record.device.reason],
    ...Object.entries(record.recipe).map(([key, value]) => [key, String(value)] as const),
  ];
  return html`<details>
    <summary>${t('Settings and data')}</summary>
    <table>
      <tbody>
        ${rows.map(
          ([name, value]) =>
            html`<tr>
              <th scope="row">${name}</th>
              <td>${value}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </details>`;
}

function messages({ messages: told }: TrainingData): TemplateResult | typeof nothing {
  if (told.length === 0) return nothing;
  const warnings = told.filter(({ level }) => level === 'warning');
  return html`<details ?open=${warnings.length > 0}>
    <summary>${t('Messages ({0})', told.length)}</summary>
    ${told.map(({ level, text }) => html`<p class=${level === 'warning' ? 'notice warning' : ''}>${text}</p>`)}
  </details>`;
}
