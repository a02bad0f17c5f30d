// Parts of a chart that can be chosen: one of them is in the tab order, arrow keys go on, Enter and Space choose.

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

/** For the `keydown` of what holds elements of the class `choice`. */
export function choiceKeys(event: KeyboardEvent): void {
  const choice = (event.target as Element).closest<SVGElement>('.choice');
  if (!choice) return;
  if (event.key === 'Enter' || event.key === ' ') choice.dispatchEvent(new MouseEvent('click', { bubbles: true }));
  else if (!move(choice, event)) return;
  event.preventDefault();
}

function move(choice: SVGElement, { key, currentTarget }: KeyboardEvent): boolean {
  const all = [...(currentTarget as Element).querySelectorAll<SVGElement>('.choice')];
  const at = all.indexOf(choice);
  const to = key === 'Home' ? 0 : key === 'End' ? all.length - 1 : at + (STEPS[key] ?? 0);
  const next = all[to];
  if (!next || next === choice) return key in STEPS;
  choice.setAttribute('tabindex', '-1');
  next.setAttribute('tabindex', '0');
  next.focus();
  return true;
}
