// Where the pretrained network lies that ships with the program.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LabelscopeError } from '../../protocol/errors';

/**
 * The path of the shipped ResNet-50: models/resnet50.onnx beside the running bundle or one folder above it. The environment
 * variable LABELSCOPE_BACKBONE names another file.
 * @throws LabelscopeError backbone-missing
 */
export function defaultBackbonePath(): string {
  const override = process.env.LABELSCOPE_BACKBONE;
  const candidates = override ? [override] : ['.', '..'].map((folder) => join(__dirname, folder, 'models', 'resnet50.onnx'));
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  const remedy = override ? 'Correct or unset LABELSCOPE_BACKBONE.' : 'Run `npm run build`, or install the extension again.';
  throw new LabelscopeError('backbone-missing', `The pretrained network ${candidates[0]!} is missing. ${remedy}`);
}
