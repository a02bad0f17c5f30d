// The text of LICENSES.md: whose drawings the scenes are composed of, and under which licences.
import type { IconSet } from './icons';
import { SAMPLE_HEADING } from './directory';

/** Markdown. Its first line is also how a sample is known again. */
export function licences(sets: readonly IconSet[]): string {
  const rows = sets.map(({ title, version, split, licence, author }) => {
    const by = `[${author.name}](${author.url})`;
    return `| ${split}/ | ${title} (package version ${version}) | ${by} | [${licence.title}](${licence.url}) | ${licence.spdx} |`;
  });
  return `${SAMPLE_HEADING}

The images in train/ and val/ are composed of drawings from these emoji sets. The drawings were resized, turned, mirrored,
recoloured and put on backgrounds that were made for this data set. Each image uses one set only; its annotation file names
the licence of each image (\`license\` of the image, in the list \`licenses\`), and an image may be passed on under that licence.
The backgrounds, the layout and the annotations may be used without any condition.

| Folder | Set | Author | Licence | SPDX |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
