// One scene: a place, props behind, and one to four animals or pieces of furniture in front, of one emoji set throughout.
import { randomStream, type RandomStream } from '../../metrics/random';
import { background, type Place } from './background';
import { visibility, type Box, type Canvas, type Placed } from './canvas';
import { CATEGORIES, HABITATS, PROPS, type Category, type Habitat, type Prop } from './catalogue';
import type { Icon, IconSet } from './icons';
import { renderSprite, renderSvg } from './sprite';

interface SceneObject {
  readonly category: Category;
  readonly placed: Placed;
  readonly box: Box;
  /** Visible pixels. */
  readonly area: number;
}

/** A scene before it is painted: put the backdrop's sprites, then the objects', on the canvas, each in order. */
export interface Scene {
  readonly canvas: Canvas;
  readonly backdrop: readonly Placed[];
  readonly objects: readonly SceneObject[];
}

/** Anything less visible is not put into the picture: nobody could tell what it is. */
export const LEAST_VISIBLE = 0.6;
const TRIES = 12;

/** Width and height in pixels, as photographs come. */
const SIZES = [
  [640, 480],
  [640, 427],
  [480, 640],
  [427, 640],
  [500, 375],
  [375, 500],
  [640, 360],
  [512, 512],
  [400, 400],
  [320, 240],
  [320, 480],
  [480, 320],
] as const;

/** A category and where one of it is to stand; `depth` is 0 at the horizon and 1 at the lower edge of the picture. */
interface Candidate {
  readonly category: Category;
  readonly depth: number;
  readonly sprite: Placed['sprite'];
  readonly flying: boolean;
}

/** Lays out the scene of these keys. It shows `anchor`, which the set must have, and most often more. */
export async function layOutScene(set: IconSet, anchor: Category, ...keys: (string | number)[]): Promise<Scene> {
  const random = randomStream(...keys);
  const habitat = chooseHabitat(anchor, random);
  const [width, height] = SIZES[random.integer(SIZES.length)]!;
  const horizon = Math.round(height * between(random, habitat.name === 'room' ? [0.5, 0.7] : [0.3, 0.55]));
  const night = habitat.name !== 'room' && random.next() < 0.12;
  const place: Place = { width, height, horizon, night };
  const data = withoutAlpha(await renderSvg(width, height, background(habitat.name, place, randomStream(...keys, 'background'))));
  const backdrop = await placeProps(set, habitat, place, random);
  const objects = await placeObjects(set, [anchor, ...companions(set, anchor, habitat, random)], place, random);
  return { canvas: { width, height, data }, backdrop, objects };
}

function withoutAlpha(rgba: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  // Byte by byte: a view of each pixel costs more than all else of a scene.
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    rgb[to++] = rgba[from]!;
    rgb[to++] = rgba[from + 1]!;
    rgb[to++] = rgba[from + 2]!;
  }
  return rgb;
}

/** Mostly one where the category lives, so that categories go together as they do in photographs; but not always. */
function chooseHabitat(anchor: Category, random: RandomStream): Habitat {
  const homes = HABITATS.filter(({ categories }) => categories.includes(anchor.name));
  const choice = random.next() < 0.8 ? homes : HABITATS;
  return choice[random.integer(choice.length)]!;
}

/** None to three more: another of the same, one that lives there, or now and then any. */
function companions(set: IconSet, anchor: Category, { categories }: Habitat, random: RandomStream): Category[] {
  const drawn = random.next();
  const count = [0.25, 0.6, 0.85].filter((limit) => drawn >= limit).length;
  const available = CATEGORIES.filter(({ name }) => set.icons.some(({ shows }) => shows === name));
  const local = available.filter(({ name }) => categories.includes(name));
  return Array.from({ length: count }, () => {
    const kind = random.next();
    if (kind < 0.2) return anchor;
    const choice = kind < 0.8 && local.length > 0 ? local : available;
    return choice[random.integer(choice.length)]!;
  });
}

async function placeProps(set: IconSet, habitat: Habitat, place: Place, random: RandomStream): Promise<Placed[]> {
  const skyAtNight = ['moon', 'star'];
  const names = place.night ? [...habitat.props.filter((name) => name !== 'sun'), ...skyAtNight] : habitat.props;
  const choice = random.shuffle(PROPS.filter(({ name }) => names.includes(name)));
  const count = random.integer(5) + (place.night ? 1 : 0);
  const placed: Placed[] = [];
  for (const prop of choice.slice(0, count)) {
    const icon = iconOf(set, prop.name, random);
    if (icon !== null) placed.push(await placeProp(icon, prop, place, random));
  }
  return placed.sort((a, b) => baseOf(a) - baseOf(b));
}

async function placeProp(icon: Icon, prop: Prop, place: Place, random: RandomStream): Promise<Placed> {
  const { width, height, horizon } = place;
  const size = Math.min(width, height) * between(random, prop.size);
  const angle = prop.position === 'wall' ? 0 : 4 * random.normal();
  const sprite = await renderSprite(icon, size, random.next() < 0.5, angle);
  const x = Math.round(width * random.next() - sprite.width / 2);
  const depth = random.next();
  const onGround = horizon + 0.4 * depth * (height - horizon) - sprite.height;
  const above = (horizon - sprite.height) * (0.1 + 0.7 * depth);
  return { sprite, x, y: Math.round(prop.position === 'ground' ? onGround : above), gains: gains(place, random) };
}

/** The objects from the farthest to the nearest. The first category is always among them; another is left out where it finds no room. */
async function placeObjects(set: IconSet, categories: Category[], place: Place, random: RandomStream): Promise<SceneObject[]> {
  let objects: SceneObject[] = [];
  for (const category of categories) {
    const icon = iconOf(set, category.name, random)!;
    const candidate = await renderCandidate(icon, category, categories.length, place, random);
    objects = withCandidate(objects, candidate, place, random);
  }
  return objects;
}

async function renderCandidate(
  icon: Icon,
  category: Category,
  crowd: number,
  place: Place,
  random: RandomStream,
): Promise<Candidate> {
  const depth = 0.15 + 0.85 * random.next();
  const flying = random.next() < (category.flying ?? 0);
  const near = (0.65 + 0.4 * depth) / (1 + 0.1 * (crowd - 1));
  const size = Math.min(place.width, place.height) * between(random, category.size) * near;
  const sprite = await renderSprite(icon, size, random.next() < 0.5, (flying ? 12 : 5) * random.normal());
  return { category, depth, sprite, flying };
}

/** The objects and the candidate, at the first of some places where it and all of them can be seen well enough. */
function withCandidate(objects: SceneObject[], candidate: Candidate, place: Place, random: RandomStream): SceneObject[] {
  const coloured = gains(place, random);
  for (let i = 0; i < TRIES; i++) {
    const placed = { sprite: candidate.sprite, ...position(candidate, place, random), gains: coloured };
    const result = observed([...objects, { category: candidate.category, placed }], place);
    if (result !== null) return result;
  }
  if (objects.length > 0) return objects;
  // The first is put into the middle, where it is whole: no sprite is wider or higher than the picture.
  const { sprite, category } = candidate;
  const [x, y] = [Math.round((place.width - sprite.width) / 2), place.height - sprite.height];
  return observed([{ category, placed: { sprite, x, y, gains: coloured } }], place)!;
}

function position(
  { sprite, depth, flying }: Candidate,
  { width, height, horizon }: Place,
  random: RandomStream,
): { x: number; y: number } {
  const x = Math.round((width + 0.2 * sprite.width) * random.next() - 0.6 * sprite.width);
  const ground = horizon + depth * 1.04 * (height - horizon) - sprite.height;
  const air = (horizon - 0.5 * sprite.height) * random.next();
  return { x, y: Math.round(flying ? air : ground) };
}

/** The objects in the order in which they are painted, with what is seen of them; null where one is too little visible. */
function observed(objects: readonly Pick<SceneObject, 'category' | 'placed'>[], place: Place): SceneObject[] | null {
  const ordered = [...objects].sort((a, b) => baseOf(a.placed) - baseOf(b.placed));
  const seen = visibility(
    place,
    ordered.map(({ placed }) => placed),
  );
  if (seen.some(({ share }) => share < LEAST_VISIBLE)) return null;
  return ordered.map(({ category, placed }, i) => ({ category, placed, box: seen[i]!.box!, area: seen[i]!.area }));
}

function baseOf({ sprite, y }: Placed): number {
  return y + sprite.height;
}

function iconOf(set: IconSet, subject: string, random: RandomStream): Icon | null {
  const icons = set.icons.filter(({ shows }) => shows === subject);
  return icons.length === 0 ? null : icons[random.integer(icons.length)]!;
}

/** A little brighter or darker, warmer or colder; bluish dark at night. */
function gains({ night }: Place, random: RandomStream): Placed['gains'] {
  const light = between(random, [0.85, 1.12]);
  const tint = () => light * between(random, [0.94, 1.06]);
  const [red, green, blue] = night ? [0.6, 0.64, 0.82] : [1, 1, 1];
  return [red * tint(), green * tint(), blue * tint()];
}

function between(random: RandomStream, [low, high]: readonly [number, number]): number {
  return low + (high - low) * random.next();
}
