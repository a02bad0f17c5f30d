// The training panel of a run: its monitor's data, and what changes.
import { basename, join } from 'node:path';
import { Disposable, l10n } from 'vscode';
import { EVALUATION } from '../../engine/client/folder';
import { onNewStamps, type Runs, stampOf } from '../runs';
import type { PanelKind } from './panels';

export function trainingPanel(runs: Runs): PanelKind<'training'> {
  return {
    name: 'training',
    title: (folder) => l10n.t('Training: {0}', basename(folder)),
    open: async (folder) => {
      const monitor = runs.monitor(folder);
      await monitor.refresh();
      return { roots: [], calls: {}, data: () => monitor.data };
    },
    attach: (folder, window) => {
      const monitor = runs.monitor(folder);
      return Disposable.from(
        monitor.onDidChange((event) => {
          if (event === 'all') window.update();
          else window.tell(event);
        }),
        // A run at work tells its own changes; that it was evaluated is seen in its folder alone.
        onNewStamps(
          runs,
          () => stampOf(join(folder, EVALUATION)),
          () => monitor.refresh(),
        ),
      );
    },
  };
}
