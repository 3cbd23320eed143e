"""Speed and memory of the KPI workflow, beside the pandas way of the original notebook.

    python benches/kpi.py            # everything: about five minutes, 2 GB of disk
    python benches/kpi.py --quick    # small sizes: does it run?

The pandas way is a groupby of cell, weekday and hour with a rolling window of 24 rows, mean and
standard deviation, and the three classes from them. Its classes must be equal to ours before either
is timed; both take their turns in one process, processor time on one thread, the median of the
repeats. The large case goes from a Parquet file of hourly rows, all cells of an hour together, to
ranked events in a process of its own, whose peak memory is what the system counted.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROWS_A_DAY = 24


def in_turn(calls, repeats, clock=time.process_time):
    """Median seconds of each call, which take turns so that a busy moment meets all of them."""
    seconds = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            began = clock()
            call()
            seconds[name].append(clock() - began)
    return {name: sorted(times)[len(times) // 2] for name, times in seconds.items()}


def verdict(value, goal, at_most=False):
    met = value <= goal if at_most else value >= goal
    return f"goal {goal:g}: {'met' if met else 'MISSED'}"


# --- the original's way ------------------------------------------------------------------------


def traffic(n_cells, n_weeks, seed=0):
    import pandas as pd

    rng = np.random.default_rng(seed)
    n = n_weeks * 168
    times = np.datetime64("2026-01-05", "s") + np.arange(n) * np.timedelta64(3600, "s")
    return pd.DataFrame(
        {
            "CELL_NAME": np.repeat([f"cell {i:05d}" for i in range(n_cells)], n),
            "DATETIME": np.tile(times, n_cells),
            "TRAFIC_CS": rng.gamma(4, 5, n_cells * n),
            "TRAFIC_DATA": rng.gamma(4, 500, n_cells * n),
        }
    )


KPIS = ["TRAFIC_CS", "TRAFIC_DATA"]


def original(frame, k=1.5):
    """Classes of both KPIs of a sorted frame, as the notebook makes them."""
    frame = frame.assign(WEEKDAY=frame["DATETIME"].dt.day_of_week, HOUR=frame["DATETIME"].dt.hour)
    rolling = frame.groupby(["CELL_NAME", "WEEKDAY", "HOUR"])[KPIS].rolling(24, min_periods=1)
    mean = rolling.mean().droplevel([0, 1, 2]).reindex(frame.index)
    std = rolling.std().droplevel([0, 1, 2]).reindex(frame.index)
    value = frame[KPIS]
    above, below = value > mean + k * std, value < mean - k * std
    return np.where(above, "INCREASE", np.where(below, "DEGRADATION", "STABLE"))


def parity(n_cells, n_weeks, repeats):
    from linewatch import kpi

    frame = traffic(n_cells, n_weeks)
    options = {"kpis": KPIS, "parity": True, "n_jobs": 1}
    theirs = original(frame).T.ravel()  # one KPI after the other, as ours
    ours = kpi.classify(frame, **options)["class"].to_numpy()
    assert (theirs == ours).all(), f"{(theirs != ours).sum()} classes differ"
    calls = {
        "pandas": lambda: original(frame),
        "linewatch": lambda: kpi.classify(frame, **options),
    }
    import polars as pl

    polars = pl.from_pandas(frame)
    calls["linewatch, Polars frame"] = lambda: kpi.classify(polars, **options)
    seconds = in_turn(calls, repeats)
    n = len(frame)
    print(f"\nclasses of {n_cells} cells x {n_weeks} weeks, {n:,} rows of 2 KPIs, all equal")
    for name, s in seconds.items():
        ratio = seconds["pandas"] / s
        goal = "" if name == "pandas" else verdict(ratio, 20)
        print(f"  {name:26} {s:8.2f} s  {1e9 * s / n:8.0f} ns a row  {ratio:6.1f} x  {goal}")


# --- from Parquet to events --------------------------------------------------------------------


def write(path, n_cells, n_days, seed=0):
    """Hourly traffic of cells with planted outages, a day in a row group, by hour and cell."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    names = pa.array([f"cell {i:06d}" for i in range(n_cells)])
    level = rng.lognormal(3.5, 0.6, n_cells)
    broken = rng.choice(n_cells, max(1, n_cells // 100), replace=False)
    index = pa.array(np.tile(np.arange(n_cells, dtype=np.int32), ROWS_A_DAY))
    cells = pa.DictionaryArray.from_arrays(index, names)
    start = np.datetime64("2026-01-05", "us")
    writer = None
    for day in range(n_days):
        hour = day * 24 + np.arange(24)
        shape = 1.2 + np.sin((hour % 24 - 8) / 24 * 2 * np.pi)
        value = shape[:, None] * level * np.exp(rng.normal(0, 0.08, (24, n_cells)))
        if day == n_days - 3:
            value[8:14, broken] *= 0.2
        stamps = np.repeat(start + hour * np.timedelta64(3600, "s"), n_cells)
        table = pa.table(
            {
                "time": stamps.astype("datetime64[us]"),
                "cell_id": cells,
                "traffic": value.ravel().round(3),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()
    return len(broken)


def peak_mb():
    """Peak memory of this process, in whole MB."""
    status = Path("/proc/self/status")
    if status.exists():  # what Linux reports elsewhere includes the parent
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) // 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**20


def scan_here(path):
    """In a process of its own: seconds, events and peak memory."""
    from linewatch import kpi

    before = peak_mb()
    wall, cpu = time.perf_counter(), time.process_time()
    events, cells = kpi.scan(path, kpis=["traffic"])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    sudden = events.filter(events["class"] == "SUDDEN_DECREASE")["cell"].n_unique()
    print(f"{wall} {cpu} {before} {peak_mb()} {len(events)} {len(cells)} {sudden}")


def large(n_cells, n_days):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kpis.parquet"
        broken = write(path, n_cells, n_days)
        n = n_cells * n_days * 24
        size = path.stat().st_size / 1e6
        answer = subprocess.run(
            [sys.executable, __file__, "--scan", str(path)],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ,
        ).stdout.split()
    wall, cpu = float(answer[0]), float(answer[1])
    before, peak, events, cells, sudden = map(int, answer[2:])
    what = f"{n_cells:,} cells x {n_days} days, {n:,} rows"
    print(f"\nParquet ({size:,.0f} MB) to ranked events: {what}")
    print(f"  wall {wall:.1f} s, processor {cpu:.1f} s, {1e9 * cpu / n:.0f} ns a row")
    print(f"  peak memory {peak:,} MB ({before:,} MB before the call)")
    print(f"  the three columns alone would be {n * 24 // 2**20:,} MB in memory")
    print(f"  {events:,} events, {cells:,} cells ranked, {sudden} of {broken} planted losses named")


# --- cells that face each other ----------------------------------------------------------------


def facing(n_cells):
    import polars as pl

    from linewatch import kpi

    rng = np.random.default_rng(0)
    n_sites = -(-n_cells // 3)
    site = np.repeat(np.arange(n_sites), 3)[:n_cells]
    latitude, longitude = rng.uniform(30, 35, n_sites), rng.uniform(-9, -2, n_sites)
    sites = pl.DataFrame(
        {
            "cell_id": [f"cell {i}" for i in range(n_cells)],
            "site_id": site,
            "latitude": latitude[site],
            "longitude": longitude[site],
            "azimuth": (rng.uniform(0, 120, n_sites)[site] + 120 * (np.arange(n_cells) % 3)) % 360,
        }
    )
    seconds = in_turn({"ours": lambda: kpi.facing_cells(sites, max_distance_km=10, n_jobs=1)}, 3)
    pairs = kpi.facing_cells(sites, max_distance_km=10)
    print(f"\ncells that face each other within 10 km: {n_cells:,} cells, {len(pairs):,} pairs")
    print(f"  {seconds['ours']:.2f} s of processor time on one thread")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--scan", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.scan:
        scan_here(options.scan)
        return
    quick = options.quick
    parity(20 if quick else 500, 26, 1 if quick else 3)
    facing(2_000 if quick else 50_000)
    large(1_000 if quick else 50_000, 30)


if __name__ == "__main__":
    main()
