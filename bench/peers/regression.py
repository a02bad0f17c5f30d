"""scikit-learn's logistic regression, one a category, on standardized features: scores of each fold's validation and test images as files of doubles."""
import json
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

STRENGTHS = [0.01]


def scores_of(x, y, fit, judged, strength):
    scaler = StandardScaler().fit(x[fit])
    train, others = scaler.transform(x[fit]), scaler.transform(x[judged])
    scores = np.zeros((len(judged), y.shape[1]))
    for category in range(y.shape[1]):
        labels = y[fit, category]
        if labels.min() == labels.max():
            scores[:, category] = labels[0]
            continue
        scores[:, category] = LogisticRegression(C=strength, max_iter=1000).fit(train, labels).predict_proba(others)[:, 1]
    return scores


def main():
    job = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(job["folder"])
    x = np.fromfile(folder / "features.f32", dtype="<f4").reshape(job["images"], -1).astype(np.float64)
    y = np.fromfile(folder / "labels.u8", dtype=np.uint8).reshape(job["images"], -1)
    files = {}
    for strength in STRENGTHS:
        for name, with_validation in [("train", False), ("train and validation", True)]:
            parts = []
            for fold in job["folds"]:
                fit = fold["train"] + (fold["validation"] if with_validation else [])
                # Thresholds are chosen on validation images, which may then be among those that were fitted to.
                parts.append(scores_of(x, y, fit, fold["validation"] + fold["test"], strength))
            file = f"{strength}-{int(with_validation)}.f64"
            np.concatenate(parts).astype("<f8").tofile(folder / file)
            files[f"scikit-learn C={strength}, {name}"] = file
    print(json.dumps(files))


main()
