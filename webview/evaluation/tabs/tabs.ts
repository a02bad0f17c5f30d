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
  /** Whether the threshold moves what it shows. */
  readonly isJudged: boolean;
  readonly draw: (panel: Panel) => TemplateResult;
}

export const TABS: readonly [Tab, ...Tab[]] = [
  { name: 'overview', isJudged: true, title: () => t('Overview'), draw: overviewTab },
  { name: 'failures', isJudged: true, title: () => t('Failures'), draw: failuresTab },
  { name: 'thresholds', isJudged: false, title: () => t('Thresholds'), draw: thresholdsTab },
  { name: 'calibration', isJudged: false, title: () => t('Calibration'), draw: calibrationTab },
  { name: 'looking', isJudged: false, title: () => t('Where It Looks'), draw: lookingTab },
];
