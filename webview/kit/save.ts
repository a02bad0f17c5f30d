// What is shown as files: charts as SVG and PNG with the theme's colours in them, tables as CSV.
import { type TableData, valueOf } from './table';

/** What formulas begin with: a spreadsheet must not run a category's name. */
const FORMULA = /^[=+\-@\t\r]/;

/** RFC 4180, with a line break of its own after each row. Numbers are written in full; what is missing or still being computed is empty. */
export function csvOf({ columns, rows, whole }: TableData): string {
  const head = columns.map(({ title }) => title);
  return (
    [head, ...(whole?.rows() ?? rows).map(({ cells }) => cells.map(valueOf))]
      .map((cells) => cells.map(cellOf).join(','))
      .join('\r\n') + '\r\n'
  );
}

function cellOf(value: ReturnType<typeof valueOf>): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Properties in which charts differ from an SVG without style sheet. */
const KEPT = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'opacity', 'font-family', 'font-size', 'text-anchor'];

/** A chart as a file of its own: what the style sheet says is written into it, on the editor's background. */
export function svgOf(chart: SVGSVGElement): string {
  const copy = chart.cloneNode(true) as SVGSVGElement;
  const [shown, copied] = [chart, copy].map((root) => [root, ...root.querySelectorAll('*')]);
  shown!.forEach((element, k) => {
    const style = getComputedStyle(element);
    for (const name of KEPT) copied![k]!.setAttribute(name, style.getPropertyValue(name));
  });
  const { width, height } = chart.viewBox.baseVal;
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(height));
  const background = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  const colour = getComputedStyle(document.body).backgroundColor;
  for (const [name, value] of Object.entries({ width, height, fill: colour })) background.setAttribute(name, String(value));
  copy.prepend(background);
  return new XMLSerializer().serializeToString(copy);
}

/** Twice the chart's own size, for screens and papers. */
const SCALE = 2;

export async function pngOf(chart: SVGSVGElement): Promise<Uint8Array> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgOf(chart))}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  const { width, height } = chart.viewBox.baseVal;
  canvas.width = SCALE * width;
  canvas.height = SCALE * height;
  canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return pngOfCanvas(canvas);
}

export async function pngOfCanvas(canvas: HTMLCanvasElement): Promise<Uint8Array> {
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
  return new Uint8Array(await blob!.arrayBuffer());
}
