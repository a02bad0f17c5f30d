// Moving about a picture that is larger than its space: dragging, and what stays in place when the size changes.

export interface Point {
  readonly clientX: number;
  readonly clientY: number;
}

/** Changes the size such that what lies at the point (the middle, unless given) stays there. */
export function zoomAround(stage: Element, resize: () => void, point?: Point): void {
  const box = stage.getBoundingClientRect();
  const x = point ? point.clientX - box.left : box.width / 2;
  const y = point ? point.clientY - box.top : box.height / 2;
  const [across, down] = [(stage.scrollLeft + x) / stage.scrollWidth, (stage.scrollTop + y) / stage.scrollHeight];
  resize();
  stage.scrollLeft = across * stage.scrollWidth - x;
  stage.scrollTop = down * stage.scrollHeight - y;
}

/** Drags with the first button; sliders on the stage keep their own. */
export function dragged(event: PointerEvent): void {
  const stage = event.currentTarget;
  if (!(stage instanceof HTMLElement) || event.button !== 0 || event.target instanceof HTMLInputElement) return;
  const move = ({ movementX, movementY }: PointerEvent) => stage.scrollBy(-movementX, -movementY);
  stage.addEventListener('pointermove', move);
  const end = () => stage.removeEventListener('pointermove', move);
  for (const name of ['pointerup', 'pointercancel', 'pointerleave']) stage.addEventListener(name, end, { once: true });
}
