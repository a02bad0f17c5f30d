// A report: the panels of a run on a page of their own, with the data in it. It needs neither VS Code nor a network.
import './style.css';
import type { ReportData, WindowData, WindowName } from '../../src/protocol/windows';
import { compareView } from '../compare/view';
import { evaluationView } from '../evaluation/view';
import type { Host } from '../kit/host';
import { suspectsReport } from '../review/report';
import { trainingView } from '../training/view';

const { training, evaluation, comparison, reviews } = JSON.parse(document.querySelector('#data')!.textContent) as ReportData;
const root = document.querySelector<HTMLElement>('#root')!;
if (training) trainingView(section(), pageHost(training));
if (evaluation) evaluationView(section(), pageHost(evaluation));
if (comparison) compareView(section(), pageHost(comparison));
for (const review of reviews) suspectsReport(section(), review, { call: onPage });

function section(): HTMLElement {
  return root.appendChild(document.createElement('section'));
}

/** Data that never change; files are saved as downloads; there is nothing to command. */
function pageHost<W extends WindowName>(data: WindowData<W>): Host<W> {
  return {
    isEditor: false,
    kept: undefined,
    keep: () => undefined,
    listen: (onData) => onData(data),
    call: onPage,
  };
}

function onPage(call: string, params: unknown): Promise<never> {
  if (call === 'save') download(params as { name: string; content: string | Uint8Array });
  return Promise.resolve(null as never);
}

function download({ name, content }: { name: string; content: string | Uint8Array }): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([typeof content === 'string' ? content : new Uint8Array(content)]));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
