"""Events a second of the streaming rules, one core, beside the batch functions.

    python benches/streaming.py [--events N] [--keys K] [--batch B]

Then an `OnlineScorer`, `kpi.Monitor`, and the online forest after a drift, beside a frozen forest
and, where river is installed, its half-space trees.

Events of all keys come mixed, in batches of a thousand. Keys are text, whole numbers in the last
row. The answers of the stream and of the batch function over all events are compared. Times are CPU
time of one thread, the median of three; memory is that of a snapshot for each key.
"""

import argparse
import time
from importlib.util import find_spec

import numpy as np
import polars as pl
from sklearn.metrics import average_precision_score, roc_auc_score

from linewatch import AutoencoderDetector, IsolationForest, KNNDetector, datasets, kpi, rolling
from linewatch.streaming import (
    Count,
    Cusum,
    Ewm,
    Extremes,
    FlatRun,
    Hysteresis,
    OnlineIsolationForest,
    OnlineScorer,
    PageHinkley,
    Rolling,
    Seasonal,
    Stream,
    Value,
)

GOAL = 1_000_000


def cases(time_, groups):
    """Rules, the answer to compare and the batch function that gives it."""
    of = {"groups": groups, "n_jobs": 1}
    before = of | {"include_current": False}
    return {
        "mean, std, z of 96 rows": (
            Rolling(96, include_current=False),
            "mean",
            lambda x: rolling.stats(x, 96, ["mean", "std", "zscore"], **before)["mean"],
        ),
        "mean, std, z of 1 day": (
            Rolling("1d"),
            "mean",
            lambda x: rolling.stats(x, "1d", ["mean", "std", "zscore"], times=time_, **of)["mean"],
        ),
        "min, max of 96 rows": (
            Rolling(96, ["min", "max"]),
            "max",
            lambda x: rolling.stats(x, 96, ["min", "max"], **of)["max"],
        ),
        "EWMA mean, error, z": (
            Ewm(span=24),
            "mean",
            lambda x: rolling.ewm_mean(x, span=24, **of),
        ),
        "running extremes": (
            Extremes(2),
            "max",
            lambda x: rolling.max(x, "expanding", min_periods=2, **before),
        ),
        "flat run": (FlatRun(), "rows", None),
        "count of 1 day": (
            Count("1d"),
            "count",
            lambda x: rolling.count(x, "1d", times=time_, **of),
        ),
        "hour of week, last 4": (
            Seasonal(4, "mean"),
            "mean",
            lambda x: rolling.seasonal(
                x, "mean", window=4, times=time_, include_current=False, **of
            ),
        ),
        "CUSUM of 96 rows": (
            Cusum(window=96),
            "alarm",
            lambda x: rolling.cusum(x, window=96, **of).alarm,
        ),
        "Page-Hinkley": (PageHinkley(1.0, 50.0), "alarm", None),
        "hysteresis": (Hysteresis(110.0, 100.0), "state", None),
    }


def clocked(function):
    start = time.process_time()
    answer = function()
    return time.process_time() - start, answer


def fed(rules, key, time_, value, batch):
    """A stream that took all events, and its answers."""
    stream = Stream(rules)
    told = [
        stream.update(key[i : i + batch], time_[i : i + batch], value[i : i + batch])
        for i in range(0, len(value), batch)
    ]
    return stream, told


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--keys", type=int, default=1_000)
    parser.add_argument("--batch", type=int, default=1_000)
    arguments = parser.parse_args()
    n, keys, batch = arguments.events, arguments.keys, arguments.batch
    rng = np.random.default_rng(7)
    number = rng.integers(0, keys, n)
    names = [f"cell {k}" for k in number]
    step = 900_000_000_000 // keys  # a row of a key every quarter of an hour, about
    time_ = np.datetime64("2026-01-05", "ns") + np.cumsum(rng.integers(1, 2 * step, n))
    value = rng.normal(100, 10, n).round(1)
    table = cases(time_, number)
    every = {name: rule for name, (rule, _, _) in table.items()}
    some = {"z": table["mean, std, z of 96 rows"][0], "new": Extremes(30), "flat": FlatRun()}
    rows = [(name, rule, column, peer, names) for name, (rule, column, peer) in table.items()]
    rows += [
        ("z, extremes and flat run together", some, None, None, names),
        ("all of these together", every, None, None, names),
        ("running extremes, whole numbers as keys", Extremes(2), None, None, number),
    ]
    print(f"{n:,} events of {keys:,} keys in batches of {batch:,}\n")
    print("| rules | events/s a core | batch function | goal | bytes a key |")
    print("|---|---|---|---|---|")
    for name, rule, column, peer, key in rows:
        seconds, peers = [], []
        for _ in range(3):
            once, (stream, told) = clocked(lambda r=rule, k=key: fed(r, k, time_, value, batch))
            seconds.append(once)
            if peer is not None:
                once, expected = clocked(lambda p=peer: p(value))
                peers.append(once)
        if peer is not None:
            found = np.concatenate([part[column] for part in told])
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
        rate = n / sorted(seconds)[1]
        other = f"{n / sorted(peers)[1]:,.0f}" if peers else "-"
        met = "met" if rate >= GOAL else "missed"
        kept = len(stream.snapshot()) / keys
        print(f"| {name} | {rate:,.0f} | {other} | {GOAL:,}: {met} | {kept:,.0f} |")
    stream = Stream(some)
    single, _ = clocked(
        lambda: [stream.update("cell", int(i), v) for i, v in enumerate(value[:20_000].tolist())]
    )
    print(f"\none event at a time: {20_000 / single:,.0f} events/s")
    scored()
    monitored()
    followed()


def scored(n=200_000, keys=1_000, batch=1_000):
    """Events a second of a scorer: its rules, and the detector behind them."""
    rng = np.random.default_rng(7)
    key = rng.integers(0, keys, n)
    step = 900_000_000_000 // keys
    time_ = np.datetime64("2026-01-05", "ns") + np.cumsum(rng.integers(1, 2 * step, n))
    value, users = rng.normal(100, 10, n), rng.normal(20, 3, n)
    events = {"cell": key, "time": time_, "traffic": value, "users": users}
    rules = {
        "traffic": {"": Value(), "z": Rolling(96, "zscore", min_periods=2), "flat": FlatRun()},
        "users": {"e": Ewm(span=24)},
    }
    network = AutoencoderDetector(epochs=2, random_state=0)
    cases = {
        "IsolationForest, 8 trees": IsolationForest(n_estimators=8, random_state=0, n_jobs=1),
        "IsolationForest, 100 trees": IsolationForest(random_state=0, n_jobs=1),
        "KNNDetector (2,000 rows)": KNNDetector(n_jobs=1),
        "AutoencoderDetector": network,
        "OnlineIsolationForest": OnlineIsolationForest(random_state=0, n_jobs=1),
    }
    print(f"\n{n:,} events of {keys:,} keys in batches of {batch:,}, OnlineScorer, 7 features\n")
    print(
        "| detector | events/s a core | of it features alone | one dict at a time | bytes a key |"
    )
    print("|---|---|---|---|---|")
    for name, detector in cases.items():
        past = {column: values[:5_000] for column, values in events.items()}
        scorer = OnlineScorer(detector, rules, key="cell", time="time").fit(past)
        empty = len(scorer.snapshot())
        parts = [
            {column: values[i : i + batch] for column, values in events.items()}
            for i in range(5_000, n, batch)
        ]
        twin = OnlineScorer.restore(scorer.snapshot())
        seconds, _ = clocked(lambda s=scorer, p=parts: [s.update(part) for part in p])
        features, _ = clocked(lambda s=twin, p=parts: [s.transform(part) for part in p])
        grown = (len(scorer.snapshot()) - empty) / keys
        time_after = time_[-1] + np.arange(1, 1_001)
        single = [{"cell": 1, "time": t, "traffic": 100.0, "users": 20.0} for t in time_after]
        alone, _ = clocked(lambda s=scorer, e=single: [s.update(one) for one in e])
        done = n - 5_000
        print(
            f"| {name} | {done / seconds:,.0f} | {done / features:,.0f} | "
            f"{len(single) / alone:,.0f} | {grown:,.0f} |"
        )


def drifting(kind, seed, n=10_000, n_features=5, share=0.01):
    """Correlated rows with planted anomalies, and a change in the middle or throughout."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_features)) @ rng.normal(size=(n_features, n_features))
    is_planted = rng.random(n) < share
    way = rng.normal(size=(is_planted.sum(), n_features))
    way /= np.linalg.norm(way, axis=1)[:, None]
    X[is_planted] += way * X.std(axis=0) * rng.uniform(4, 7, (len(way), 1))
    place = np.arange(n)
    weight = {
        "none": 0.0 * place,
        "sudden": 1.0 * (place >= n // 2),
        "gradual": np.clip(3 * place / n - 1, 0, 1),
        "daily": (np.sin(2 * np.pi * place / 500) + 1) / 2,
    }
    if kind == "wider":
        return X * np.where(place >= n // 2, 3.0, 1.0)[:, None], is_planted
    way = rng.normal(size=n_features)
    return X + weight[kind][:, None] * 6 * X.std(axis=0) * way / np.linalg.norm(way), is_planted


def followed(seeds=3):
    """Area under ROC and precision-recall from 2,500 rows after the middle on."""
    detectors = {
        "frozen": lambda X: IsolationForest(random_state=0).fit(X[:2_000]).score_samples(X),
        "online": lambda X: OnlineIsolationForest(random_state=0).score_and_learn(X),
    }
    if find_spec("river") is not None:
        detectors["river"] = half_space_trees
    print("\nRanking of planted anomalies (1 %) after a drift: mean AUROC / average precision\n")
    print(f"| drift | {' | '.join(detectors)} |")
    print(f"|---|{'---|' * len(detectors)}")
    seconds = dict.fromkeys(detectors, 0.0)
    rows = 0
    for kind in ("none", "sudden", "gradual", "wider", "daily"):
        cells = {name: [] for name in detectors}
        for seed in range(seeds):
            X, is_planted = drifting(kind, seed)
            rows += len(X)
            for name, score in detectors.items():
                once, scores = clocked(lambda s=score, x=X: s(x))
                seconds[name] += once
                y, found = is_planted[len(X) // 2 + 2_500 :], -scores[len(X) // 2 + 2_500 :]
                cells[name].append([roc_auc_score(y, found), average_precision_score(y, found)])
        means = {name: np.mean(found, axis=0) for name, found in cells.items()}
        print(f"| {kind} | {' | '.join(f'{a:.3f} / {p:.3f}' for a, p in means.values())} |")
    rates = " | ".join(f"{rows / each:,.0f}" for each in seconds.values())
    print(f"| rows/s a core | {rates} |")


def half_space_trees(X):
    """river's detector with its defaults, one row at a time; ranges as the rows show them."""
    from river import anomaly, preprocessing

    model = preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=0)
    scores = np.empty(len(X))
    for k, row in enumerate(X.tolist()):
        named = dict(enumerate(row))
        scores[k] = -model.score_one(named)
        model.learn_one(named)
    return scores


def monitored(n_cells=500, n_weeks=4):
    """Rows a second of `kpi.Monitor` with its default rules; they are those of `kpi.detect`."""
    frame = datasets.hourly_cells(n_cells=n_cells, n_weeks=n_weeks, seed=1).sort("time")
    name = "traffic_mbit_per_s"
    options = {"kpis": [name], "method": "time of day"}
    seconds, expected = clocked(lambda: kpi.detect(frame, n_jobs=1, **options))
    print(f"\n{len(frame):,} rows of {n_cells} cells, kpi.Monitor, default rules\n")
    print("| rows at a time | rows/s a core |")
    print("|---|---|")
    for batch in (1_000, 10_000):
        monitor = kpi.Monitor(**options)
        once, told = clocked(
            lambda m=monitor, b=batch: [
                m.update(frame[i : i + b]).rows for i in range(0, len(frame), b)
            ]
        )
        found = pl.concat(told).drop("status").sort("cell", "time")
        assert found.equals(expected)
        print(f"| {batch:,} | {len(frame) / once:,.0f} |")
    rows = frame[:10_000].to_dicts()
    monitor = kpi.Monitor(**options)
    once, _ = clocked(lambda: [monitor.update(row) for row in rows])
    print(f"| 1 (dicts) | {len(rows) / once:,.0f} |")
    print(f"| all (kpi.detect) | {len(frame) / seconds:,.0f} |")


if __name__ == "__main__":
    main()
