"""Writes the models of this folder, and rows with the scores and labels that Python gives them.

The files are kept as they are, so that a newer linewatch is seen to read them; run this only for
another case: ``python tests/models/make.py``.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from linewatch import IsolationForest, ThresholdedDetector

HERE = Path(__file__).parent


def write(name, detector, table):
    detector.save(HERE / f"{name}.lw")
    rows = table.assign(score=detector.score_samples(table), label=detector.predict(table))
    rows.to_csv(HERE / f"{name}.csv", index=False)


def cells(rng, n):
    """KPIs of cells with two columns of categories and gaps everywhere."""
    table = pd.DataFrame(
        {
            "prb": rng.uniform(5, 95, n).round(1),
            "mbit_per_s": rng.gamma(4, 10, n),
            "vendor": rng.choice(["alpha", "bêta", 'ga"mma'], n).astype(object),
            "bands": rng.choice([1.0, 3.0, 5.0], n),
        }
    )
    for column in table:
        table.loc[rng.uniform(size=n) < 0.1, column] = None if column == "vendor" else np.nan
    return table


def main():
    rng = np.random.default_rng(0)
    table = cells(rng, 200)
    forest = IsolationForest(
        n_estimators=6,
        max_samples=16,
        preset="pooled",
        contamination=0.1,
        categorical_features=["vendor", "bands"],
        random_state=0,
    ).fit(table)
    shown = table[~table["vendor"].eq('ga"mma')].head(40).copy()
    shown.loc[shown.index[:3], ["prb", "vendor", "bands"]] = [4000.0, "never seen", 77.0]
    write("forest", forest, shown)
    values = rng.normal(size=(300, 3))
    values[rng.uniform(size=values.shape) < 0.05] = np.nan
    detector = ThresholdedDetector(
        IsolationForest(n_estimators=6, max_samples=16, random_state=0),
        {"false_positive_rate": 0.1},
        random_state=0,
    ).fit(values)
    detector.save(HERE / "thresholded.lw")
    rows = np.vstack([values[:40], 20 * values[5:10]])
    out = pd.DataFrame(rows, columns=list("abc"))
    out["score"], out["label"] = detector.score_samples(rows), detector.predict(rows)
    out.to_csv(HERE / "thresholded.csv", index=False)


if __name__ == "__main__":
    main()
