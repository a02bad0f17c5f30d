// What is wrong with a data set: each finding with its weight, its remedy, examples, and the way to its images.
import { html, nothing, type TemplateResult } from 'lit';
import type { DatasetReport } from '../../src/protocol/messages';
import type { Card } from '../kit/card';
import { count } from '../kit/format';
import { t } from '../kit/l10n';
import { remedyOf } from './remedies';
import type { Actions, Severity, ViewState } from './state';

type Finding = DatasetReport['findings'][number];

const SEVERITIES: readonly Finding['severity'][] = ['error', 'warning', 'info'];

function severityWord(severity: Finding['severity']): string {
  return { error: t('Error'), warning: t('Warning'), info: t('Note') }[severity];
}

export function findingsCard({ findings }: DatasetReport, { severity }: ViewState, actions: Actions): Card {
  const shown = SEVERITIES.flatMap((one) =>
    findings.filter((finding) => finding.severity === one && (severity === 'all' || severity === one)),
  );
  return {
    name: 'findings',
    title: t('Findings'),
    wide: true,
    drawn: false,
    more: findings.length > 0 ? severityChoice(findings, severity, actions) : nothing,
    chart:
      findings.length === 0
        ? html`<p class="notice">${t('Nothing wrong was found.')}</p>`
        : html`<div>${shown.map((finding) => findingOf(finding, actions))}</div>`,
    table: {
      caption: t('Findings'),
      columns: [
        { title: t('Code') },
        { title: t('Severity') },
        { title: t('Count'), numeric: true },
        { title: t('Message') },
        { title: t('Remedy') },
        { title: t('Examples') },
      ],
      rows: shown.map((finding) => {
        const { code, severity: weight, count: cases, message, examples } = finding;
        return { key: code, cells: [code, severityWord(weight), cases, message, remedyOf(finding), examples.join('; ')] };
      }),
    },
  };
}

function severityChoice(findings: readonly Finding[], chosen: Severity, { change }: Actions): TemplateResult {
  const of = (severity: Finding['severity']) => findings.filter((finding) => finding.severity === severity).length;
  const all: (readonly [Severity, string])[] = [
    ['all', t('All ({0})', findings.length)],
    ...SEVERITIES.filter((severity) => of(severity) > 0).map(
      (severity) => [severity, `${severityWord(severity)} (${of(severity)})`] as const,
    ),
  ];
  return html`<div class="row choices" role="group" aria-label=${t('Severity')}>
    ${all.map(
      ([severity, words]) =>
        html`<button class="plain" aria-pressed=${severity === chosen} @click=${() => change({ severity })}>${words}</button>`,
    )}
  </div>`;
}

function findingOf(finding: Finding, { show }: Actions): TemplateResult {
  const { severity, code, message, examples, images } = finding;
  return html`<div class="notice finding ${severity}" data-finding=${code}>
    <div class="row spread">
      <p><strong>${severityWord(severity)}:</strong> ${message}</p>
      ${
        images && images.length > 0
          ? html`<button data-show=${code} @click=${() => show({ finding: code })}>
              ${t('Show images ({0})', count(images.length))}
            </button>`
          : nothing
      }
    </div>
    <p class="quiet">${remedyOf(finding)}</p>
    ${
      examples.length > 0
        ? html`<ul class="examples">
            ${examples.map((example) => html`<li>${example}</li>`)}
          </ul>`
        : nothing
    }
  </div>`;
}
