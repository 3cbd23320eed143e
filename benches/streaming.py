"""Events a second of the streaming rules, one core, beside the batch functions.

    python benches/streaming.py [--events N] [--keys K] [--batch B]

Events of all keys come mixed, in batches of a thousand. Keys are text, whole numbers in the last
row. The answers of the stream and of the batch function over all events are compared. Times are CPU
time of one thread, the median of three; memory is that of a snapshot for each key.
"""

import argparse
import time

import numpy as np
import polars as pl

from linewatch import datasets, kpi, rolling
from linewatch.streaming import (
    Count,
    Cusum,
    Ewm,
    Extremes,
    FlatRun,
    Hysteresis,
    PageHinkley,
    Rolling,
    Seasonal,
    Stream,
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
    monitored()


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
