"""How well intrusions are found: the choice on training data, and its evaluation on the test.

    python benches/intrusion.py --choose --data FOLDER     # attack families left out; no test file
    python benches/intrusion.py --data FOLDER              # KDDTest+ and KDDTest-21, once

``--choose`` reads the first 20 % of KDDTrain+, which has the attacks' names, and normal rows of
the rest. For each family (and each of the classes DoS, probe and R2L) it fits on the others and
asks how much of the family left out is found, at false-positive rates set on normal rows kept out.

Without it every model is fitted and its threshold fixed before a test file is opened. The commit is
printed, and whether files differ from it, so that each evaluation can be listed.
"""

import argparse
import subprocess
import time
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.metrics import roc_auc_score

from linewatch import datasets, intrusion
from linewatch.intrusion._columns import raw_columns
from linewatch.intrusion._detector import _log_tail

FAMILIES = {
    "neptune": "neptune",
    "ipsweep": "ipsweep",
    "satan": "satan",
    "portsweep": "portsweep",
    "smurf": "smurf",
    "nmap": "nmap",
    "back": "back",
    "teardrop": "teardrop",
    "warezclient": "warezclient",
    "pod": "pod",
    "rare r2l": "guess_passwd warezmaster imap multihop phf ftp_write spy",
    "u2r": "buffer_overflow rootkit loadmodule perl",
    "all dos": "neptune smurf back teardrop pod land",
    "all probes": "ipsweep satan portsweep nmap",
    "all r2l": "warezclient guess_passwd warezmaster imap multihop phf ftp_write spy",
}
RATES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08)
SHOWN = ("accuracy", "f1", "auroc", "average_precision", "recall", "false_positive_rate")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", help="folder of NSL-KDD; LINEWATCH_DATA by default")
    arguments.add_argument("--choose", action="store_true", help="families left out, no test file")
    arguments.add_argument("--seeds", type=int, default=5)
    arguments.add_argument("--only-recommended", action="store_true", help="no other models")
    options = arguments.parse_args()
    print(f"commit {commit()}, {options.seeds} seeds")
    choose(options) if options.choose else evaluate(options)


def commit():
    def git(*words):
        run = subprocess.run(
            ["git", *words], capture_output=True, text=True, cwd=Path(__file__).parent
        )
        return run.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")


def choose(options):
    part = datasets.load_nsl_kdd("train20", options.data)
    rest = datasets.load_nsl_kdd("train", options.data)[len(part) :].filter(pl.col("attack") == 0)
    names = part["label"].to_numpy()
    found = {}
    for seed in range(options.seeds):
        rng = np.random.default_rng(seed)
        others = rest[rng.permutation(len(rest))[:6000]]
        normal = rng.permutation(np.flatnonzero(names == "normal"))[:12_500]
        for family, members in FAMILIES.items():
            out = np.isin(names, members.split())
            rows = part[np.sort(np.r_[normal, np.flatnonzero((names != "normal") & ~out)])]
            held = part[rng.permutation(np.flatnonzero(out))[:1000]]
            detector = intrusion.IntrusionDetector(random_state=seed).fit(rows, rows["attack"])
            scores = {}
            for which, frame in (("normal", others), ("held", held)):
                votes, distance = detector._parts(*detector._columns(*raw_columns(frame)))
                scores["forest alone", which] = _log_tail(votes, detector.calibration_forest_)
                scores["distance alone", which] = _log_tail(
                    distance, detector.calibration_distance_
                )
                scores["both", which] = detector._join(votes, distance)
            y = np.r_[np.zeros(len(others)), np.ones(len(held))]
            for which in ("forest alone", "distance alone", "both"):
                quiet, loud = scores[which, "normal"], scores[which, "held"]
                recall = [(loud < np.quantile(quiet, rate)).mean() for rate in RATES]
                auroc = roc_auc_score(y, -np.r_[quiet, loud])
                found.setdefault((which, family), []).append([auroc, *recall])
            print(
                f"seed {seed}, {family:12} left out: "
                + ", ".join(f"{w} {found[w, family][-1][0]:.3f}" for w, f in found if f == family),
                flush=True,
            )
    print(
        "\n| score | family left out | AUROC | " + " | ".join(f"recall at {r:.1%}" for r in RATES)
    )
    print("|" + "---|" * (3 + len(RATES)))
    for which in ("forest alone", "distance alone", "both"):
        table = np.array([np.mean(found[which, family], axis=0) for family in FAMILIES])
        for family, row in [*zip(FAMILIES, table), ("mean", table.mean(axis=0))]:
            if which == "both" or family == "mean":
                print(f"| {which} | {family} | " + " | ".join(f"{v:.3f}" for v in row) + " |")
        best = RATES[int(np.argmax(table.mean(axis=0)[1:] - np.array(RATES)))]
        print(f"| {which} | largest mean recall less false-positive rate at {best:.1%} |")


def evaluate(options):
    train = datasets.load_nsl_kdd("train", options.data)
    y = train["attack"].to_numpy()
    fitted = {}
    for seed in range(options.seeds):
        start = time.process_time()
        fitted["recommended", seed] = intrusion.train(train, y, random_state=seed)
        seconds = time.process_time() - start
        point = fitted["recommended", seed].operating_point_
        print(
            f"seed {seed}: fitted in {seconds:.0f} s; threshold {point.threshold:.3f}", flush=True
        )
    others = () if options.only_recommended else ("isolation_forest", "random_forest", "xgboost")
    for model in others:
        for seed in range(min(options.seeds, 3)):
            detector = intrusion.BaselineDetector(model, random_state=seed, n_jobs=1)
            fitted[model, seed] = detector.fit(train, y)
        print(f"{model} fitted", flush=True)

    print("\n| model | rows | seeds | " + " | ".join(SHOWN) + " |\n|" + "---|" * (3 + len(SHOWN)))
    illusion(train, y, options, others)
    for part in ("test", "test21"):
        test = datasets.load_nsl_kdd(part, options.data)
        truth = test["attack"].to_numpy()
        for model in ("recommended", *others):
            found = [
                intrusion.evaluate(truth, detector.score_samples(test), detector.predict(test))
                for (name, _), detector in fitted.items()
                if name == model
            ]
            row(model, {"test": "KDDTest+", "test21": "KDDTest-21"}[part], found)
    five_classes(options)


def illusion(train, y, options, others):
    """What a random split of the training file makes of the same models."""
    order = np.random.default_rng(0).permutation(len(y))
    part, rest = order[: len(y) * 4 // 5], order[len(y) * 4 // 5 :]
    detectors = {"recommended": intrusion.IntrusionDetector(random_state=0)}
    detectors |= {m: intrusion.BaselineDetector(m, random_state=0, n_jobs=1) for m in others}
    for name, detector in detectors.items():
        detector.fit(train[part], y[part])
        scores, predicted = detector.score_samples(train[rest]), detector.predict(train[rest])
        row(name, "random fifth of KDDTrain+", [intrusion.evaluate(y[rest], scores, predicted)])


def row(model, rows, found):
    median = [np.median([one[name] for one in found]) for name in SHOWN]
    print(f"| {model} | {rows} | {len(found)} | " + " | ".join(f"{v:.3f}" for v in median) + " |")


def five_classes(options):
    """Normal, DoS, probe, R2L, U2R: trained on the rows that carry names."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import f1_score, recall_score

    part = datasets.load_nsl_kdd("train20", options.data)
    test = datasets.load_nsl_kdd("test", options.data)
    kinds = ["normal", "dos", "probe", "r2l", "u2r"]
    y, truth = (intrusion.attack_category(frame["label"]) for frame in (part, test))
    encoder = intrusion.Encoder().fit(part)
    columns, unseen = encoder.transform(part), encoder.transform(test)
    figures = []
    for seed in range(3):
        forest = RandomForestClassifier(150, class_weight="balanced_subsample", random_state=seed)
        predicted = forest.fit(columns, y).predict(unseen)
        figures.append(
            [
                (predicted == truth).mean(),
                f1_score(truth, predicted, labels=kinds, average="macro"),
                *recall_score(truth, predicted, labels=kinds, average=None),
            ]
        )
    print("\nfive classes, random forest trained on the 20 % file, KDDTest+, median of 3 seeds")
    print("| accuracy | macro F1 | " + " | ".join(f"recall {kind}" for kind in kinds) + " |")
    print("|" + "---|" * 7)
    print("| " + " | ".join(f"{v:.3f}" for v in np.median(figures, axis=0)) + " |")


if __name__ == "__main__":
    main()
