// labelscope pointing: whether Grad-CAM maps look at the objects, and whether they depend on the weights.
import type { PointingSummary } from '../../metrics/pointing';
import type { MapSimilarity, PointingResult, SanityResult } from '../../protocol/looking';
import { counted, decimal, span, table } from '../io';
import type { Arguments } from '../usage';
import { defined, DEVICE, deviceOf, DONE, IMAGES, seedOf, type Verb } from '../verb';

/** Examples that are listed; all cases are in pointing.json. */
const WORST = 10;

export const pointing: Verb = {
  spec: {
    positionals: 'RUN|MODEL [ANNOTATIONS]',
    count: [1, 2],
    help: 'Whether Grad-CAM maps look at the objects: pointing game and energy in the boxes.',
    options: {
      images: IMAGES,
      sample: { type: 'string', value: 'N', help: 'look at N images, drawn by the seed (default: 500, for --sanity 50)' },
      seed: { type: 'string', value: 'N', help: 'same seed, same images and same random weights (default: 0)' },
      tolerance: {
        type: 'string',
        value: 'PIXELS',
        help: 'a map that points so close to a box hits too (default: 0; Zhang et al.: 15)',
      },
      sanity: { type: 'boolean', help: 'check too that the maps change when the weights are made random' },
      device: DEVICE,
    },
  },
  run: async (args, { io, engine, signal }) => {
    const params = paramsOf(args);
    const tolerance = args.number('tolerance', { min: 0, max: 100_000 });
    const found = await engine.request(
      'pointing',
      { ...params, ...defined({ tolerance }) },
      { signal, onProgress: counted(io, 'Pointing') },
    );
    const random = args.flag('sanity')
      ? await engine.request('sanity', params, { signal, onProgress: counted(io, 'Randomising weights') })
      : undefined;
    for (const { error } of found.failed) io.note(`left out: ${error}`);
    if (found.savedTo !== undefined) io.note(`Kept in ${found.savedTo}.`);
    const result = { ...found, ...defined({ sanity: random }) };
    io.result(result, () => [...pointingLines(found), ...(random ? ['', ...sanityLines(random)] : [])]);
    return DONE;
  },
};

function paramsOf(args: Arguments) {
  const [model, annotations] = args.positionals;
  return {
    model: model!,
    device: deviceOf(args),
    ...defined({
      annotations,
      images: args.text('images'),
      sample: args.number('sample', { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true }),
      seed: seedOf(args),
    }),
  };
}

function pointingLines(result: PointingResult): string[] {
  const { images, available, overall, predicted, difficult, macro, perCategory, cases, tolerance } = result;
  const sample = images < available ? ` of ${available}, drawn at random` : '';
  const misses = cases.filter(({ hit }) => !hit).sort((a, b) => b.score - a.score);
  return [
    `${images} images${sample}; ${overall.cases} cases of an image and one of its categories${tolerance > 0 ? `, tolerance ${tolerance} pixels` : ''}`,
    '',
    ...table([
      ['', 'cases', 'hits', 'rate', '95 %', 'anywhere', 'centre', 'energy', '95 %', 'area'],
      ['all', ...rowOf(overall)],
      ['predicted', ...rowOf(predicted)],
      ['difficult', ...rowOf(difficult)],
      [
        'mean of categories',
        '',
        '',
        decimal(macro.rate),
        '',
        ...[macro.chance, macro.centre, macro.energy].map(decimal),
        '',
        decimal(macro.area),
      ],
      ...perCategory.filter((row) => row.cases > 0).map((row) => [row.category, ...rowOf(row)]),
    ]),
    '',
    ...notesOf(result),
    ...(misses.length === 0 ? [] : ['', 'Where the model is surest and looks elsewhere:', '']),
    ...(misses.length === 0
      ? []
      : table([
          ['image', 'category', 'score', 'energy', 'pixels away'],
          ...misses
            .slice(0, WORST)
            .map(({ file, category, score, energy, distance }) => [
              file,
              category,
              score.toFixed(2),
              decimal(energy),
              distance?.toFixed(0) ?? '–',
            ]),
        ])),
  ];
}

function rowOf({ cases, hits, rate, rateInterval, chance, centre, energy, energyInterval, area }: PointingSummary): string[] {
  return [
    ...[String(cases), String(hits), decimal(rate), span(rateInterval), decimal(chance), decimal(centre)],
    ...[decimal(energy), span(energyInterval), decimal(area)],
  ];
}

function notesOf({ overall, withoutBox }: PointingResult): string[] {
  return [
    'predicted: the model says so; difficult: boxes under a quarter of the image, other categories in it.',
    'anywhere: the rate of points drawn at random; centre: that of always the middle; area: the energy of a map that is the same everywhere.',
    ...(overall.flat > 0 ? [`${overall.flat} maps are the same everywhere and point nowhere: misses.`] : []),
    ...(withoutBox > 0 ? [`${withoutBox} labels have no box and are left out.`] : []),
  ];
}

const VERDICTS: Readonly<Record<SanityResult['verdict'], string>> = {
  depend: 'The maps depend on the weights: made random, they give other maps.',
  'do-not-depend': 'The maps do not depend on the weights: random ones give nearly the same maps. Do not trust them.',
  unclear: 'Whether the maps depend on the weights is not clear from these images. Look at more with --sample.',
};

function sanityLines({ images, stages, cascading, independent, otherImage, verdict }: SanityResult): string[] {
  const numbers = ({ rankCorrelation, ssim }: MapSimilarity) => [decimal(rankCorrelation), decimal(ssim)];
  return [
    `Maps of ${images} images before and after weights were made random (1: the same map):`,
    '',
    ...table([
      ['stage', 'weights', 'down to here: rank correlation', 'SSIM', 'alone: rank correlation', 'SSIM'],
      ...stages.map(({ name, values }, k) => [name, String(values), ...numbers(cascading[k]!), ...numbers(independent[k]!)]),
      ['other images', '', ...numbers(otherImage), '', ''],
    ]),
    '',
    VERDICTS[verdict],
  ];
}
