// The loss of multilabel classification.
import type { GraphBuilder, Value } from './builder';
import { Expressions } from './expressions';

/**
 * Binary cross-entropy of sigmoid(logits): the sum over categories, averaged over images. With softplus(z) = ln(1 + eᶻ),
 * −(y·ln σ(z) + (1 − y)·ln(1 − σ(z))) = softplus(z) − y·z. Softplus is (z + |z|)/2 + ln(1 + e^−|z|): nothing overflows, the
 * derivative at 0 is ½ as it should be, and GPU providers have every operator.
 *
 * @param logits z, [images, categories]
 * @param labels y, [images, categories], 0 or 1 (or between)
 * @returns a scalar
 */
export function binaryCrossEntropyFromLogits(builder: GraphBuilder, logits: Value, labels: Value): Value {
  return builder.within('loss', () => {
    const m = new Expressions(builder);
    const size = m.abs(logits);
    const softplus = m.add(m.mul(m.add(logits, size), 0.5), m.log(m.add(m.exp(m.neg(size)), 1)));
    const terms = m.sub(softplus, m.mul(labels, logits));
    return m.div(m.sum(terms, [0, 1], false), logits.dims[0]!);
  });
}
