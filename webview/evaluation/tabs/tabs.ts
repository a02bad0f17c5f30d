// The tabs of the evaluation panel, in their order.
import type { TemplateResult } from 'lit';
import { t } from '../../kit/l10n';
import type { Panel } from '../state';
import { overviewTab } from './overview';

export interface Tab {
  readonly name: string;
  readonly title: () => string;
  readonly draw: (panel: Panel) => TemplateResult;
}

export const TABS: readonly [Tab, ...Tab[]] = [{ name: 'overview', title: () => t('Overview'), draw: overviewTab }];
