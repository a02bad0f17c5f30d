// The training panel of a run: its monitor's data, and what changes.
import { basename } from 'node:path';
import { l10n } from 'vscode';
import type { Runs } from '../runs';
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
    attach: (folder, window) =>
      runs.monitor(folder).onDidChange((event) => {
        if (event === 'all') window.update();
        else window.tell(event);
      }),
  };
}
