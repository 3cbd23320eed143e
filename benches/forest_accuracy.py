"""Accuracy of the isolation forests: scikit-learn's beside every preset of linewatch.

    python benches/forest_accuracy.py                        # bundled and simulated sets
    LINEWATCH_DATA=FOLDER python benches/forest_accuracy.py  # and NSL-KDD, from that folder
    python benches/forest_accuracy.py --adbench FOLDER       # and ADBench's .npz files there
    python benches/forest_accuracy.py --seeds 3 --json out.json

A figure is the area under the ROC curve, the mean over seeds; a seed draws the rows of a set and
grows the forests. Forests are fitted on the rows they are judged on, without labels, but for
NSL-KDD, where they are fitted on normal rows and judged on others. All have 100 trees of 256 rows.

The classic preset is meant to be as accurate as scikit-learn's forest: the run fails (exit code 1)
if its mean over all sets is more than 0.003 below. The other presets are reported as they are.

Bundled sets, all of scikit-learn, with planted outlier classes:

- breast_cancer: benign rows are normal, 5 % of all rows are malignant ones.
- wine/k: class k is rare, 10 of its rows among all of the other two.
- digits/k: digit k is rare, 2 % of all rows, among all of the other nine.
"""

import argparse
import json
import os
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn import datasets as bundled
from sklearn.ensemble import IsolationForest as SklearnForest
from sklearn.metrics import roc_auc_score

from linewatch import IsolationForest

TOLERANCE = 0.003
METHODS = {
    "scikit-learn": SklearnForest,
    "classic": IsolationForest,
    "extended": lambda **given: IsolationForest(preset="extended", **given),
    "pooled": lambda **given: IsolationForest(preset="pooled", **given),
}


def planted(X, is_rare, share, seed):
    """All common rows and as many rare ones as make `share` of the result."""
    rng = np.random.default_rng(seed)
    common, rare = np.flatnonzero(~is_rare), np.flatnonzero(is_rare)
    count = share if isinstance(share, int) else round(share / (1 - share) * len(common))
    rows = np.r_[common, rng.choice(rare, min(count, len(rare)), replace=False)]
    return X[rows], X[rows], is_rare[rows]


def bundled_sets():
    """Names and functions of a seed that give the rows of the fit, the rows judged, the labels."""
    X, y = bundled.load_breast_cancer(return_X_y=True)
    yield "breast_cancer", lambda seed: planted(X, y == 0, 0.05, seed)
    for name, load, share in (
        ("wine", bundled.load_wine, 10),
        ("digits", bundled.load_digits, 0.02),
    ):
        X_set, classes = load(return_X_y=True)
        for k in np.unique(classes):
            yield (
                f"{name}/{k}",
                lambda seed, X=X_set, rare=classes == k, share=share: planted(X, rare, share, seed),
            )


def simulated_sets():
    """Sets whose anomalies are known because they were made."""

    def mixed(seed, anomalies):
        rng = np.random.default_rng(seed)
        normal = rng.normal(size=(2000, 8)) @ np.linalg.cholesky(0.5 * np.eye(8) + 0.5).T
        X = np.vstack([normal, anomalies(rng, normal)])
        return X, X, np.arange(len(X)) >= 2000

    def scattered(rng, normal):
        return rng.uniform(-5, 5, size=(60, 8))

    def clustered(rng, normal):
        return rng.normal([3.0] * 4 + [-3.0] * 4, 0.3, size=(60, 8))

    def one_column(rng, normal):
        rows = normal[rng.choice(2000, 60, replace=False)].copy()
        rows[np.arange(60), rng.integers(0, 8, 60)] += 4.5
        return rows

    def against_correlation(rng, normal):
        rows = normal[rng.choice(2000, 60, replace=False)].copy()
        rows[:, :4] *= -1.5
        return rows

    for anomalies in (scattered, clustered, one_column, against_correlation):
        name = f"simulated/{anomalies.__name__}"
        yield name, lambda seed, anomalies=anomalies: mixed(seed, anomalies)

    def cells(seed):
        from linewatch import datasets

        table = datasets.hourly_cells(n_cells=6, n_weeks=8, seed=seed)
        hour = table["time"].dt.hour().to_numpy()
        kpis = table.select("traffic_mbit_per_s", "active_users", "prb_utilization_percent")
        X = np.column_stack([hour, kpis.to_numpy()])
        keep = ~np.isnan(X).any(axis=1)  # scikit-learn before 1.8 knows no missing values here
        return X[keep], X[keep], table["is_degraded"].to_numpy()[keep]

    yield "simulated/hourly_cells", cells


def nsl_kdd_sets(folder):
    """KDDTrain+ alone, so that the official test set stays unseen; the 38 numeric columns."""
    import polars as pl

    path = Path(folder) / "nsl_kdd_train_binary.parquet"
    if not path.exists():
        print(f"left out: {path.name} is not in LINEWATCH_DATA", file=sys.stderr)
        return
    table = pl.read_parquet(path)
    is_attack = table["attack"].to_numpy() == 1
    X = table.drop("attack").select(pl.selectors.numeric()).to_numpy().astype(np.float64)

    def split(seed):
        rng = np.random.default_rng(seed)
        normal, attacks = (rng.permutation(np.flatnonzero(is_attack == flag)) for flag in (0, 1))
        judged = np.r_[normal[20_000:30_000], attacks[:10_000]]
        return X[normal[:20_000]], X[judged], is_attack[judged]

    yield "nsl_kdd_train", split


def adbench_sets(folder, rows):
    """Every .npz file with X and y in `folder`; at most `rows` rows of each, drawn by the seed."""
    paths = sorted(Path(folder).glob("*.npz"))
    if not paths:
        raise SystemExit(f"{folder} holds no .npz files")
    for path in paths:
        with np.load(path, allow_pickle=False) as file:
            X, y = file["X"].astype(np.float64), file["y"].ravel() == 1

        def drawn(seed, X=X, y=y):
            keep = np.sort(np.random.default_rng(seed).permutation(len(X))[:rows])
            return X[keep], X[keep], y[keep]

        yield path.stem, drawn


def measure(draw, seeds):
    """AUROC of every method, shape (methods, seeds)."""
    found = np.full((len(METHODS), seeds), np.nan)
    for seed in range(seeds):
        X, judged, is_anomaly = draw(seed)
        if is_anomaly.all() or not is_anomaly.any():
            continue
        for row, method in enumerate(METHODS.values()):
            forest = method(n_estimators=100, max_samples=min(256, len(X)), random_state=seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scores = forest.fit(X).score_samples(judged)
            found[row, seed] = roc_auc_score(is_anomaly, -scores)
    return found


def line(name, means, spread=None):
    """A row of the table; the spread is that of scikit-learn's forest over seeds."""
    figures = "".join(f"{mean:>14.4f}" for mean in means)
    tail = "" if spread is None else f"{spread:>10.4f}"
    return f"{name:<32}{figures}{means[1] - means[0]:>+10.4f}{tail}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--adbench", metavar="FOLDER", help="folder of ADBench's .npz files")
    parser.add_argument("--rows", type=int, default=5000, help="most rows of an ADBench set")
    parser.add_argument("--only", metavar="TEXT", help="sets whose name has this text")
    parser.add_argument("--json", metavar="FILE", help="write every figure")
    options = parser.parse_args(arguments)
    sets = [*bundled_sets(), *simulated_sets()]
    if os.environ.get("LINEWATCH_DATA"):
        sets += nsl_kdd_sets(os.environ["LINEWATCH_DATA"])
    if options.adbench:
        sets += adbench_sets(options.adbench, options.rows)
    sets = [(name, draw) for name, draw in sets if not options.only or options.only in name]
    print(f"AUROC, mean of {options.seeds} seeds")
    heads = "".join(f"{name:>14}" for name in METHODS)
    print(f"{'set':<32}{heads}{'classic-sk':>10}{'sd of sk':>10}")
    figures = {}
    for name, draw in sets:
        found = measure(draw, options.seeds)
        figures[name] = dict(zip(METHODS, found.tolist(), strict=True))
        print(line(name, np.nanmean(found, axis=1), np.nanstd(found[0])), flush=True)
    means = np.array(
        [[np.nanmean(f[method]) for method in METHODS] for f in figures.values()]
    ).mean(axis=0)
    print(line(f"mean of {len(figures)} sets", means))
    for k, method in list(enumerate(METHODS))[2:]:
        print(f"{method} - scikit-learn: {means[k] - means[0]:+.4f}")
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=1))
    met = means[1] >= means[0] - TOLERANCE
    print(
        f"classic within {TOLERANCE} of scikit-learn: {'met' if met else 'MISSED'} "
        f"({means[1] - means[0]:+.4f})"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
