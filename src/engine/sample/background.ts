// The places in which the sample's scenes are set, drawn as SVG: sky and ground, or a wall and a floor.
import type { RandomStream } from '../../metrics/random';
import type { Habitat } from './catalogue';

export interface Place {
  readonly width: number;
  readonly height: number;
  /** The row in which the ground or the floor begins. */
  readonly horizon: number;
  readonly night: boolean;
}

/** Hue in degrees, saturation and lightness in percent. */
type Colour = readonly [number, number, number];

/** From the upper to the lower edge of the sky (or wall) and of the ground (or floor), and the ridge that stands between them. */
interface Palette {
  readonly sky: readonly [Colour, Colour];
  readonly ground: readonly [Colour, Colour];
  readonly ridge: Colour;
}

const PALETTES: Record<Habitat['name'], readonly Palette[]> = {
  meadow: [
    { sky: [c(208, 70, 62), c(200, 70, 86)], ground: [c(96, 45, 52), c(102, 50, 34)], ridge: c(110, 32, 46) },
    { sky: [c(28, 75, 70), c(48, 85, 86)], ground: [c(75, 40, 48), c(85, 45, 30)], ridge: c(90, 25, 40) },
  ],
  savanna: [
    { sky: [c(200, 60, 66), c(42, 70, 86)], ground: [c(42, 58, 64), c(36, 52, 46)], ridge: c(45, 30, 54) },
    { sky: [c(18, 72, 58), c(42, 90, 78)], ground: [c(34, 55, 54), c(28, 50, 36)], ridge: c(20, 35, 40) },
  ],
  forest: [
    { sky: [c(170, 25, 72), c(120, 25, 82)], ground: [c(100, 30, 34), c(80, 30, 22)], ridge: c(130, 32, 28) },
    { sky: [c(205, 25, 70), c(190, 20, 84)], ground: [c(50, 30, 38), c(35, 35, 24)], ridge: c(150, 22, 34) },
  ],
  snow: [
    { sky: [c(210, 45, 76), c(205, 40, 92)], ground: [c(205, 35, 94), c(210, 35, 84)], ridge: c(215, 22, 72) },
    { sky: [c(250, 25, 70), c(330, 35, 86)], ground: [c(220, 30, 90), c(230, 30, 78)], ridge: c(235, 18, 62) },
  ],
  street: [
    { sky: [c(210, 50, 70), c(205, 45, 88)], ground: [c(30, 5, 62), c(220, 6, 42)], ridge: c(20, 22, 58) },
    { sky: [c(215, 12, 70), c(215, 10, 84)], ground: [c(220, 5, 55), c(220, 6, 36)], ridge: c(5, 20, 48) },
  ],
  room: [
    { sky: [c(40, 40, 86), c(40, 35, 78)], ground: [c(28, 42, 50), c(26, 45, 36)], ridge: c(0, 0, 96) },
    { sky: [c(190, 22, 72), c(190, 20, 64)], ground: [c(24, 30, 40), c(24, 32, 28)], ridge: c(0, 0, 92) },
    { sky: [c(345, 30, 80), c(345, 25, 72)], ground: [c(38, 20, 66), c(38, 18, 52)], ridge: c(38, 20, 92) },
  ],
};

function c(hue: number, saturation: number, lightness: number): Colour {
  return [hue, saturation, lightness];
}

/** SVG elements that fill the whole picture. */
export function background(habitat: Habitat['name'], place: Place, random: RandomStream): string {
  const palettes = PALETTES[habitat];
  const palette = varied(palettes[random.integer(palettes.length)]!, place.night, random);
  return [
    ...fill('sky', palette.sky, 0, place.horizon, place),
    ...(place.night ? stars(place, random) : []),
    ...behind(habitat, palette, place, random),
    ...fill('ground', palette.ground, place.horizon, place.height, place),
    ...(habitat === 'room' ? floor(palette, place, random) : texture(habitat, palette, place, random)),
  ].join('');
}

/** The palette with its hues shifted a little, and dark and bluish at night. */
function varied({ sky, ground, ridge }: Palette, night: boolean, random: RandomStream): Palette {
  const vary = ([hue, saturation, lightness]: Colour): Colour => [
    hue + 16 * (random.next() - 0.5),
    saturation * (0.8 + 0.4 * random.next()),
    lightness + 8 * (random.next() - 0.5),
  ];
  const darken = ([hue, saturation, lightness]: Colour): Colour => [0.12 * hue + 0.88 * 228, saturation * 0.7, lightness * 0.38];
  const change = (colour: Colour) => (night ? darken(vary(colour)) : vary(colour));
  return { sky: [change(sky[0]), change(sky[1])], ground: [change(ground[0]), change(ground[1])], ridge: change(ridge) };
}

function css([hue, saturation, lightness]: Colour, lighter = 0): string {
  const percent = (value: number) => Math.min(100, Math.max(0, value)).toFixed(1);
  return `hsl(${hue.toFixed(1)},${percent(saturation)}%,${percent(lightness + lighter)}%)`;
}

function fill(id: string, [upper, lower]: readonly [Colour, Colour], from: number, to: number, { width }: Place): string[] {
  const stops = `<stop stop-color="${css(upper)}"/><stop offset="1" stop-color="${css(lower)}"/>`;
  return [
    `<linearGradient id="${id}" x2="0" y2="1">${stops}</linearGradient>`,
    `<rect y="${from}" width="${width}" height="${to - from}" fill="url(#${id})"/>`,
  ];
}

function stars({ width, horizon }: Place, random: RandomStream): string[] {
  return Array.from({ length: 20 + random.integer(40) }, () => {
    const [x, y, radius] = [width * random.next(), horizon * random.next(), 0.5 + random.next()];
    return `<circle cx="${x}" cy="${y}" r="${radius}" fill="#f4f1da" opacity="${0.4 + 0.5 * random.next()}"/>`;
  });
}

/** What stands behind the ground: hills, a line of trees, houses, or the pattern of a wall. */
function behind(habitat: Habitat['name'], palette: Palette, place: Place, random: RandomStream): string[] {
  if (habitat === 'room') return wallpaper(palette, place, random);
  if (habitat === 'street') return houses(palette, place, random);
  const layers = 1 + random.integer(3);
  return Array.from({ length: layers }, (_, layer) => {
    const height = place.height * (0.05 + 0.16 * random.next()) * (1 - layer / (layers + 1));
    return ridge(css(palette.ridge, 10 * (layers - 1 - layer)), height, habitat === 'forest' ? 1 : 0.25, place, random);
  });
}

/** A skyline of random heights up to `height` above the horizon, the steeper the rougher. */
function ridge(colour: string, height: number, roughness: number, { width, horizon }: Place, random: RandomStream): string {
  const step = Math.max(10, width * (0.16 - 0.13 * roughness));
  let path = `M0 ${horizon}`;
  for (let x = 0; x <= width + step; x += step) {
    const y = horizon - height * (0.35 + 0.65 * random.next());
    path += roughness > 0.5 ? ` L${x} ${y} L${x + step / 2} ${y + height * 0.3}` : ` S${x - step / 2} ${y} ${x} ${y}`;
  }
  return `<path d="${path} L${width + 2 * step} ${horizon + 1} L0 ${horizon + 1}Z" fill="${colour}"/>`;
}

function houses(palette: Palette, { width, height, horizon, night }: Place, random: RandomStream): string[] {
  const parts: string[] = [];
  for (let x = 0; x < width;) {
    const [w, h] = [width * (0.1 + 0.15 * random.next()), height * (0.12 + 0.3 * random.next())];
    const colour: Colour = [palette.ridge[0] + 60 * (random.next() - 0.5), palette.ridge[1], palette.ridge[2]];
    parts.push(
      `<rect x="${x}" y="${horizon - h}" width="${w + 1}" height="${h}" fill="${css(colour, 16 * (random.next() - 0.5))}"/>`,
    );
    const pane = w / 6;
    for (let y = horizon - h + pane; y < horizon - 1.5 * pane; y += 2 * pane) {
      for (let i = 0; i < 3; i++) {
        const lit = night ? (random.next() < 0.4 ? '#f5d98a' : '#2b3350') : '#c9dbe6';
        parts.push(`<rect x="${x + pane * (0.75 + 1.75 * i)}" y="${y}" width="${pane}" height="${pane * 1.2}" fill="${lit}"/>`);
      }
    }
    x += w;
  }
  return parts;
}

function wallpaper(palette: Palette, { width, horizon }: Place, random: RandomStream): string[] {
  const skirting = `<rect y="${horizon - 8}" width="${width}" height="8" fill="${css(palette.ridge)}"/>`;
  const step = 18 + random.integer(40);
  const tint = css(palette.sky[0], random.next() < 0.5 ? 5 : -5);
  const columns = Array.from({ length: Math.ceil(width / step) }, (_, i) => i * step);
  const patterns = [
    () => '',
    () => columns.map((x) => `<rect x="${x}" width="${step / 2}" height="${horizon}" fill="${tint}"/>`).join(''),
    () =>
      columns
        .flatMap((x, i) =>
          columns.map((y) => `<circle cx="${x}" cy="${y + (i % 2) * (step / 2)}" r="${step / 7}" fill="${tint}"/>`),
        )
        .join(''),
  ];
  const clip = `<clipPath id="wall"><rect width="${width}" height="${horizon}"/></clipPath>`;
  return [clip, `<g clip-path="url(#wall)">${patterns[random.integer(patterns.length)]!()}</g>`, skirting];
}

/** Boards that run towards the middle of the horizon, and sometimes a rug. */
function floor(palette: Palette, { width, height, horizon }: Place, random: RandomStream): string[] {
  const boards = Array.from({ length: 25 }, (_, i) => {
    const x = (i / 24 - 0.5) * width;
    const line = `x1="${width / 2 + x}" y1="${horizon}" x2="${width / 2 + 2.4 * x}" y2="${height}"`;
    return `<line ${line} stroke="${css(palette.ground[1], -6)}" stroke-width="1.5"/>`;
  });
  if (random.next() < 0.5) return boards;
  const colour: Colour = [360 * random.next(), 35, 55];
  const [cx, cy] = [width * (0.3 + 0.4 * random.next()), horizon + (height - horizon) * 0.6];
  const [rx, ry] = [width * (0.2 + 0.15 * random.next()), (height - horizon) * 0.28];
  const rug = (share: number, lighter: number) =>
    `<ellipse cx="${cx}" cy="${cy}" rx="${rx * share}" ry="${ry * share}" fill="${css(colour, lighter)}"/>`;
  return [...boards, rug(1, 0), rug(0.82, 10), rug(0.6, 0)];
}

/** Blades, tufts, drifts or cracks, smaller towards the horizon. */
function texture(habitat: Habitat['name'], palette: Palette, place: Place, random: RandomStream): string[] {
  const { width, height, horizon } = place;
  const many = habitat === 'street' ? 30 : 60 + random.integer(160);
  const strokes = Array.from({ length: many }, () => {
    const depth = Math.sqrt(random.next());
    const [x, y] = [width * random.next(), horizon + (height - horizon) * depth];
    const size = (0.3 + depth) * height * 0.025;
    const colour = css(palette.ground[random.integer(2)]!, 18 * (random.next() - 0.5));
    if (habitat === 'snow' || habitat === 'street') {
      const [rx, ry] = [size * (2 + 3 * random.next()), size * 0.35];
      return `<ellipse cx="${x}" cy="${y}" rx="${rx}" ry="${ry}" fill="${colour}"/>`;
    }
    const blades = `M${x} ${y} l${-size / 2} ${-size} M${x} ${y} l0 ${-1.3 * size} M${x} ${y} l${size / 2} ${-size}`;
    return `<path d="${blades}" stroke="${colour}" stroke-width="${1 + depth}" fill="none"/>`;
  });
  return habitat === 'street' ? [...strokes, ...road(place)] : strokes;
}

function road({ width, height, horizon, night }: Place): string[] {
  const top = horizon + (height - horizon) * 0.55;
  const dashes = Array.from({ length: 6 }, (_, i) => {
    const y = top + (height - top) * 0.5;
    return `<rect x="${(i * width) / 5}" y="${y}" width="${width / 10}" height="4" fill="${night ? '#8a8a92' : '#e8e6df'}"/>`;
  });
  return [`<rect y="${top}" width="${width}" height="${height - top}" fill="${night ? '#26262c' : '#55565c'}"/>`, ...dashes];
}
