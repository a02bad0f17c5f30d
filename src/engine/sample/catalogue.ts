// What the sample scenes are made of: the twelve categories with COCO's ids, the emoji sets, the habitats and their props.

/** Where the lower edge of a thing may stand: on the ground, in the sky, on a wall. */
type Position = 'ground' | 'sky' | 'wall';

/** Smallest and largest size of an icon's longer side, as a share of the shorter side of the image. */
type SizeRange = readonly [number, number];

export interface Category {
  /** COCO's category id, name and supercategory. */
  readonly id: number;
  readonly name: string;
  readonly supercategory: string;
  /** Names of the icons in the sets; no set has all of them. */
  readonly icons: readonly string[];
  readonly size: SizeRange;
  /** How often one is in the air rather than on the ground. */
  readonly flying?: number;
}

/** In the order of the reference example. */
export const CATEGORIES: readonly Category[] = [
  animal(18, 'dog', [0.35, 0.6], 'dog dog-face poodle guide-dog service-dog dogside'),
  animal(17, 'cat', [0.3, 0.55], 'cat cat-face black-cat catside'),
  {
    ...animal(
      16,
      'bird',
      [0.22, 0.45],
      'bird eagle owl parrot dove duck flamingo rooster chicken goose swan peacock turkey baby-chick black-bird blackbird ' +
        'penguin doveofpeace babychick',
    ),
    flying: 0.4,
  },
  animal(19, 'horse', [0.45, 0.75], 'horse horse-face horseface'),
  animal(20, 'sheep', [0.35, 0.6], 'ewe ram sheep'),
  animal(21, 'cow', [0.45, 0.7], 'cow cow-face cowface ox water-buffalo waterbuffalo'),
  animal(23, 'bear', [0.4, 0.7], 'bear polar-bear bear-face'),
  animal(25, 'giraffe', [0.6, 0.95], 'giraffe'),
  animal(24, 'zebra', [0.45, 0.75], 'zebra'),
  animal(22, 'elephant', [0.5, 0.85], 'elephant'),
  { id: 64, name: 'potted plant', supercategory: 'furniture', icons: ['potted-plant'], size: [0.3, 0.6] },
  { id: 63, name: 'couch', supercategory: 'furniture', icons: ['couch-and-lamp'], size: [0.5, 0.8] },
];

function animal(id: number, name: string, size: SizeRange, icons: string): Category {
  return { id, name, supercategory: 'animal', size, icons: icons.split(' ') };
}

export interface Habitat {
  readonly name: 'meadow' | 'savanna' | 'forest' | 'snow' | 'street' | 'room';
  /** The categories at home here; others come as rare guests. */
  readonly categories: readonly string[];
  readonly props: readonly string[];
}

export const HABITATS: readonly Habitat[] = [
  { name: 'meadow', ...living('horse,sheep,cow,dog,bird,cat', 'sun,cloud,tree,fir,flower,rock,house,tractor') },
  { name: 'savanna', ...living('giraffe,zebra,elephant,bird', 'sun,cloud,palm,tree,rock,cactus') },
  { name: 'forest', ...living('bear,bird,dog,horse', 'cloud,tree,fir,mushroom,rock,log,flower') },
  { name: 'snow', ...living('bear,dog,bird', 'cloud,fir,snowman,rock,house') },
  { name: 'street', ...living('dog,cat,bird,potted plant', 'sun,cloud,tree,house,car,bicycle,ball') },
  { name: 'room', ...living('couch,potted plant,dog,cat', 'picture,clock,television,chair,books,teddy,ball,bed') },
];

function living(categories: string, props: string): Pick<Habitat, 'categories' | 'props'> {
  return { categories: categories.split(','), props: props.split(',') };
}

/** Things without a category of ours, so that not everything in a picture is worth a label. */
export interface Prop {
  readonly name: string;
  readonly icons: readonly string[];
  readonly position: Position;
  readonly size: SizeRange;
}

export const PROPS: readonly Prop[] = [
  prop('sun', 'sky', [0.15, 0.3], 'sun sunrays'),
  prop('cloud', 'sky', [0.15, 0.4], 'cloud'),
  prop('moon', 'sky', [0.12, 0.22], 'crescent-moon crescentmoon'),
  prop('star', 'sky', [0.04, 0.09], 'star'),
  prop('tree', 'ground', [0.4, 0.8], 'deciduous-tree deciduoustree'),
  prop('fir', 'ground', [0.4, 0.8], 'evergreen-tree'),
  prop('palm', 'ground', [0.4, 0.8], 'palm-tree palmtree'),
  prop('cactus', 'ground', [0.2, 0.4], 'cactus'),
  prop('flower', 'ground', [0.1, 0.2], 'tulip sunflower blossom rose hibiscus'),
  prop('mushroom', 'ground', [0.1, 0.2], 'mushroom'),
  prop('rock', 'ground', [0.1, 0.25], 'rock'),
  prop('log', 'ground', [0.15, 0.3], 'wood'),
  prop('house', 'ground', [0.4, 0.7], 'house house-with-garden housewithgarden'),
  prop('tractor', 'ground', [0.25, 0.45], 'tractor'),
  prop('car', 'ground', [0.3, 0.5], 'automobile'),
  prop('bicycle', 'ground', [0.25, 0.45], 'bicycle'),
  prop('ball', 'ground', [0.08, 0.15], 'soccer-ball soccerball'),
  prop('snowman', 'ground', [0.25, 0.45], 'snowman-without-snow snowmanwithoutsnow'),
  prop('picture', 'wall', [0.2, 0.35], 'framed-picture framewithpicture'),
  prop('clock', 'wall', [0.15, 0.25], 'mantelpiece-clock'),
  prop('television', 'ground', [0.3, 0.45], 'television'),
  prop('chair', 'ground', [0.35, 0.55], 'chair'),
  prop('books', 'ground', [0.12, 0.22], 'books'),
  prop('teddy', 'ground', [0.15, 0.25], 'teddy-bear'),
  prop('bed', 'ground', [0.4, 0.6], 'bed'),
];

function prop(name: string, position: Position, size: SizeRange, icons: string): Prop {
  return { name, position, size, icons: icons.split(' ') };
}

export type Split = 'train' | 'val';

/** The npm packages `@iconify-json/<name>`. A set is in one split only: validation asks for a way of drawing never seen. */
export const SETS: readonly { readonly name: string; readonly split: Split }[] = [
  { name: 'noto', split: 'train' },
  { name: 'twemoji', split: 'train' },
  { name: 'openmoji', split: 'train' },
  { name: 'emojione', split: 'train' },
  { name: 'fxemoji', split: 'train' },
  { name: 'fluent-emoji-flat', split: 'val' },
];
