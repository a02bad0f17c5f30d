// labelscope compare: runs on the same images, each metric with its difference to the first run's and whether that can be told from chance.
import { resolve } from 'node:path';
import { comparison } from '../comparison';
import { writeAtomically } from '../../engine/client/atomic';
import { comparisonPage } from '../report';
import { counted } from '../io';
import { BOOTSTRAP_OPTIONS, bootstrapOf, defined, DONE, THRESHOLD_OR_SAVED, thresholdOrSaved, type Verb } from '../verb';

/** More runs than anybody reads side by side. */
const MOST_RUNS = 100;

export const compare: Verb = {
  spec: {
    positionals: 'RUN RUN…',
    count: [2, MOST_RUNS],
    help: 'Evaluated runs on the same images, compared with the first: what differs, and whether it can be told from chance.',
    options: {
      threshold: { ...THRESHOLD_OR_SAVED, help: `${THRESHOLD_OR_SAVED.help} (default: each run's own evaluation's)` },
      ...BOOTSTRAP_OPTIONS,
      html: { type: 'string', value: 'FILE.html', help: 'also write the comparison as one HTML page' },
    },
  },
  run: async (args, { io, engine, signal }) => {
    const params = {
      runs: args.positionals.map((place) => resolve(place)),
      bootstrap: bootstrapOf(args),
      ...defined({ threshold: thresholdOrSaved(args) }),
    };
    const result = await engine.request('compare', params, { signal, onProgress: counted(io, 'Comparing', 'resamples') });
    for (const { name, annotations, trainedOnThem } of result.runs)
      if (trainedOnThem)
        io.note(`${name} was evaluated on the file that it was trained on, ${annotations}: it looks better than it is.`);
    const html = args.text('html');
    if (html !== undefined) {
      await writeAtomically(resolve(html), [await comparisonPage(result)], signal);
      io.note(`Page ${resolve(html)}`);
    }
    io.result(result, () => comparison(result));
    return DONE;
  },
};
