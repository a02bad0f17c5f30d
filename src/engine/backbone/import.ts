// The build step `node import-backbone.js OUT_FOLDER CACHE_FOLDER`: gets the pretrained ResNet-50 and writes it as ONNX.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buildBackbone } from './resnet50';

const [, script, outFolder, cacheFolder] = process.argv;
if (script === undefined || outFolder === undefined || cacheFolder === undefined) {
  console.error('Usage: node import-backbone.js OUT_FOLDER CACHE_FOLDER');
  process.exitCode = 2;
} else {
  // The bundle's own bytes are its version: any change of the importer imports again.
  const stamp = createHash('sha256').update(readFileSync(script)).digest('hex');
  buildBackbone(outFolder, cacheFolder, stamp).then(
    (written) => console.log(written ? `Wrote ${outFolder}/resnet50.onnx` : `${outFolder}/resnet50.onnx is up to date`),
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    },
  );
}
