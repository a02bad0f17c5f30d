"""scikit-learn's numbers at one threshold after the other: those that the evaluation panel's slider moves, each from the whole table of scores."""
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.metrics import accuracy_score, hamming_loss, jaccard_score, multilabel_confusion_matrix, precision_recall_fscore_support


def numbers_at(y, scores, threshold):
    predicted = (scores >= threshold).astype(np.uint8)
    micro = precision_recall_fscore_support(y, predicted, average="micro", zero_division=0)
    macro = precision_recall_fscore_support(y, predicted, average="macro", zero_division=0)
    precision_recall_fscore_support(y, predicted, average=None, zero_division=0)
    multilabel_confusion_matrix(y, predicted)
    return {
        "micro": micro[2],
        "macro": macro[2],
        "jaccard": jaccard_score(y, predicted, average="samples", zero_division=1),
        "hammingLoss": hamming_loss(y, predicted),
        "exactMatch": accuracy_score(y, predicted),
    }


def main():
    job = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(job["folder"])
    scores = np.fromfile(folder / "scores.f64", dtype="<f8").reshape(job["images"], -1)
    y = np.fromfile(folder / "labels.u8", dtype=np.uint8).reshape(job["images"], -1)
    warnings.simplefilter("ignore")
    numbers, milliseconds = [], []
    numbers_at(y, scores, 0.5)
    for threshold in job["thresholds"]:
        start = time.perf_counter()
        numbers.append(numbers_at(y, scores, threshold))
        milliseconds.append(1000 * (time.perf_counter() - start))
    print(json.dumps({"version": sklearn.__version__, "milliseconds": milliseconds, "numbers": numbers}))


main()
