// The status bar's word on running jobs: how far, how fast, one click away from the panel.
import * as vscode from 'vscode';
import type { Runs } from '../runs';
import { statusWord } from './trees';
import type { Closable } from '../closable';

/** Between two updates, in milliseconds: points come several times a second. */
const INTERVAL = 500;

export function runStatusBar(runs: Runs): Closable {
  const item = vscode.window.createStatusBarItem('labelscope.running', vscode.StatusBarAlignment.Left, 10);
  item.name = 'Labelscope';
  let timer: NodeJS.Timeout | undefined;
  const show = () => {
    const live = runs.live();
    void vscode.commands.executeCommand('setContext', 'labelscope.running', live.length > 0);
    clearTimeout(timer);
    const [first] = live;
    if (!first) {
      item.hide();
      return;
    }
    const { status, name, points, totalIterations, features, imagesPerSecond, run } = first.data;
    const done = points.at(-1)?.iteration ?? 0;
    const share = totalIterations > 0 ? done / totalIterations : features ? features.done / features.total : 0;
    const more = live.length > 1 ? ` +${live.length - 1}` : '';
    item.text = `$(${status === 'paused' ? 'debug-pause' : 'loading~spin'}) ${statusWord(status)} ${Math.floor(100 * share)} %${more}`;
    item.tooltip = `${name}: ${vscode.l10n.t('{0} of {1} iterations, {2} images/s', done, totalIterations, imagesPerSecond.toFixed(1))}`;
    item.command = { command: 'labelscope.openTraining', title: item.name!, arguments: [vscode.Uri.file(run)] };
    item.show();
    timer = setTimeout(show, INTERVAL);
  };
  const listening = runs.onDidChange(show);
  show();
  return vscode.Disposable.from(item, listening, new vscode.Disposable(() => clearTimeout(timer)));
}
