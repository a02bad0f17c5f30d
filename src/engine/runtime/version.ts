// Which ONNX Runtime this is.
import { createRequire } from 'node:module';

export function onnxRuntimeVersion(): string {
  return (createRequire(__filename)('onnxruntime-node/package.json') as { version: string }).version;
}
