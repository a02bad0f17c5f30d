// A list of tabs as WAI-ARIA describes it: one of them takes part in the Tab order, the arrow keys, Home and End go from one to the next.
import { html, type TemplateResult } from 'lit';

export interface TabTitle {
  readonly name: string;
  readonly title: string;
}

/** `choose` is called with the name of a tab that is clicked or reached by a key. Its page has the id `page-<name>`. */
export function tabList(tabs: readonly TabTitle[], chosen: string, choose: (name: string) => void): TemplateResult {
  const onKey = (event: KeyboardEvent) => {
    const next = tabAfter(event.key, tabs, chosen);
    if (!next) return;
    event.preventDefault();
    choose(next.name);
    (event.currentTarget as Element).querySelector<HTMLElement>(`#tab-${next.name}`)?.focus();
  };
  return html`<div class="tabs" role="tablist" @keydown=${onKey}>
    ${tabs.map(
      ({ name, title }) =>
        html`<button
          id="tab-${name}"
          role="tab"
          aria-selected=${name === chosen}
          aria-controls="page-${name}"
          tabindex=${name === chosen ? 0 : -1}
          @click=${() => choose(name)}
        >
          ${title}
        </button>`,
    )}
  </div>`;
}

function tabAfter(key: string, tabs: readonly TabTitle[], chosen: string): TabTitle | undefined {
  const at = tabs.findIndex(({ name }) => name === chosen);
  switch (key) {
    case 'ArrowLeft':
      return tabs.at(at - 1);
    case 'ArrowRight':
      return tabs[(at + 1) % tabs.length];
    case 'Home':
      return tabs[0];
    case 'End':
      return tabs.at(-1);
    default:
      return undefined;
  }
}
