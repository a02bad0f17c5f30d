"""scikit-learn's logistic regression, one a category, on standardised features: scores of each fold's test images as files of doubles."""
import json
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

VARIANTS = [
    {"C": 0.003},
    {"C": 0.01},
    {"C": 0.03},
    {"C": 0.003, "class_weight": "balanced"},
]


def rotated(train, others):
    """Both in the space that the training rows span. The optimum lies there because of L2, so it stays the same, and is found much faster."""
    _, _, axes = np.linalg.svd(train, full_matrices=False)
    return train @ axes.T, others @ axes.T


def scores_of(x, y, fit, judged, variant):
    scaler = StandardScaler().fit(x[fit])
    train, others = rotated(scaler.transform(x[fit]), scaler.transform(x[judged]))
    scores = np.zeros((len(judged), y.shape[1]))
    for category in range(y.shape[1]):
        labels = y[fit, category]
        if labels.min() == labels.max():
            scores[:, category] = labels[0]
            continue
        model = LogisticRegression(max_iter=1000, **variant).fit(train, labels)
        scores[:, category] = model.predict_proba(others)[:, 1]
    return scores


def main():
    job = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(job["folder"])
    x = np.fromfile(folder / "features.f32", dtype="<f4").reshape(job["images"], -1).astype(np.float64)
    y = np.fromfile(folder / "labels.u8", dtype=np.uint8).reshape(job["images"], -1)
    files = {}
    for variant in VARIANTS:
        parts = [scores_of(x, y, fold["train"], fold["test"], variant) for fold in job["folds"]]
        file = f"{len(files)}.f64"
        np.concatenate(parts).astype("<f8").tofile(folder / file)
        files["scikit-learn " + ", ".join(f"{key}={value}" for key, value in variant.items())] = file
    print(json.dumps(files))


main()
