// What a model file says of the thresholds and the calibration that were fitted to it, and the weights that they were fitted to.
import { createHash } from 'node:crypto';
import { rescaled } from '../../metrics/scaling';
import type { ScoredSet, Threshold } from '../../metrics/types';
import { type Classifier, HEAD_BIAS, HEAD_WEIGHT } from '../../onnx/classifier';
import type { ModelCard } from '../../onnx/inference';
import type { CalibrationRecord, Fitted, ThresholdsRecord } from '../../protocol/fitting';

/** Keys of the provenance under which a model file keeps the records. */
export const THRESHOLDS_RECORD = 'thresholds';
export const CALIBRATION_RECORD = 'calibration';

export function fittedOf({ thresholds, calibration, provenance }: ModelCard): Fitted {
  const [thresholdsRecord, calibrationRecord] = [provenance[THRESHOLDS_RECORD], provenance[CALIBRATION_RECORD]];
  return {
    thresholds,
    thresholdsRecord: isRecord(thresholdsRecord) ? thresholdsRecord : null,
    calibrationRecord: calibration && isRecord(calibrationRecord) ? calibrationRecord : null,
  };
}

/** Metadata are a stranger's text: what windows read of a record has to be there. */
function isRecord(value: unknown): value is ThresholdsRecord & CalibrationRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { images, annotations, seed } = value as Record<string, unknown>;
  return typeof images === 'number' && typeof seed === 'number' && typeof annotations === 'string';
}

/** A fingerprint of the head's weights, which every step of training changes and neither thresholds nor calibration do. */
export function weightsOf({ graph }: Classifier): string {
  const hash = createHash('sha256');
  for (const name of [HEAD_WEIGHT, HEAD_BIAS]) {
    const tensor = graph.initializers.get(name);
    if (tensor?.type === 'float32')
      hash.update(new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength));
  }
  return hash.digest('hex').slice(0, 32);
}

/** The network's scores as the model gives them. */
export function calibratedBy({ calibration }: ModelCard, uncalibrated: ScoredSet): ScoredSet {
  return calibration ? rescaled(uncalibrated, calibration) : uncalibrated;
}

/** What was asked for; 0.5 unless anything was. */
export function thresholdFor(asked: number | 'saved' | undefined, { thresholds }: ModelCard): Threshold {
  return asked === 'saved' ? thresholds : (asked ?? 0.5);
}
