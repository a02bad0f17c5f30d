// The tabs of the evaluation panel, in their order.
import type { TemplateResult } from 'lit';
import { t } from '../../kit/l10n';
import type { Panel } from '../state';
import { calibrationTab } from './calibration';
import { lookingTab } from './looking';
import { failuresTab } from './failures';
import { overviewTab } from './overview';
import { thresholdsTab } from './thresholds';

export interface Tab {
  readonly name: string;
  readonly title: () => string;
  readonly draw: (panel: Panel) => TemplateResult;
}

export const TABS: readonly [Tab, ...Tab[]] = [
  { name: 'overview', title: () => t('Overview'), draw: overviewTab },
  { name: 'failures', title: () => t('Failures'), draw: failuresTab },
  { name: 'thresholds', title: () => t('Thresholds'), draw: thresholdsTab },
  { name: 'calibration', title: () => t('Calibration'), draw: calibrationTab },
  { name: 'looking', title: () => t('Where It Looks'), draw: lookingTab },
];
