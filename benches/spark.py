"""Rows a second on Spark: linewatch, the same work the usual way, and the transport alone.

    python benches/spark.py                 # two million rows, some minutes
    python benches/spark.py --quick         # a tenth of them: does it run and agree?

`local[2]`, Parquet in, Spark's `noop` sink out, the paths in turn after one pass each to start the
Python workers; the median of the repeats, wall time. The usual way is scikit-learn's
IsolationForest in `mapInPandas` and pandas' `rolling` in `applyInPandas`. Before anything is timed
the answers are compared: scores row by row with those of one machine, rolling means with each
other.
"""

import argparse
import os
import sys
import tempfile
import time
import warnings

import numpy as np

FEATURES = [f"kpi_{k}" for k in range(8)]
WINDOW = 96


def median(values):
    return sorted(values)[len(values) // 2]


def session(cores):
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master(f"local[{cores}]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.memory", "3g")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", str(2 * cores))
        .config("spark.python.authenticate.socketTimeout", "600s")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def write(path, n_cells, n_rows):
    """Rows of cells every quarter of an hour, all cells of an instant together."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    names = np.array([f"cell {k:05d}" for k in range(n_cells)])
    times = np.datetime64("2026-01-05", "us") + np.arange(n_rows) * np.timedelta64(900, "s")
    columns = {
        "cell": np.tile(names, n_rows),
        "time": pa.array(np.repeat(times, n_cells), pa.timestamp("us", "UTC")),
        "id": np.arange(n_cells * n_rows),
    }
    columns |= {name: rng.normal(size=n_cells * n_rows) for name in FEATURES}
    table = pa.table(columns)
    pq.write_table(table, path, row_group_size=max(1, len(table) // 8))
    return table


def timed(calls, repeats):
    """Median seconds of each call; they take turns."""
    for call in calls.values():
        call()
    seconds = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - began)
    return {name: median(values) for name, values in seconds.items()}


def show(title, n, seconds, base, peer):
    print(f"\n{title}, {n:,} rows")
    print(f"  {'path':46} {'s':>7} {'krow/s':>8} {'x scan':>7} {'x peer':>7}")
    for name, s in seconds.items():
        ratio = f"{seconds[peer] / s:7.2f}" if peer in seconds else ""
        print(f"  {name:46} {s:7.2f} {n / s / 1e3:8.0f} {s / base:7.1f} {ratio}")


def noop(df):
    df.write.format("noop").mode("overwrite").save()


def scoring(spark, path, table, repeats):
    import pandas as pd
    from sklearn.ensemble import IsolationForest

    import linewatch as lw

    X = np.column_stack([table[name].to_numpy() for name in FEATURES])
    ours = lw.IsolationForest(random_state=0).fit(X[:50_000])
    theirs = IsolationForest(random_state=0).fit(X[:50_000])
    df = spark.read.parquet(path)
    narrow = df.select("id", *FEATURES)
    scored = lw.spark.score(df, ours, columns=FEATURES, keep="id")

    def by_sklearn(frames):
        for frame in frames:
            scores = theirs.score_samples(frame[FEATURES].to_numpy())
            yield pd.DataFrame({"id": frame["id"], "score": scores})

    def by_linewatch(frames):
        ours.n_jobs = 1
        for frame in frames:
            scores = ours.score_samples(frame[FEATURES].to_numpy())
            yield pd.DataFrame({"id": frame["id"], "score": scores})

    def identity(batches):
        yield from batches

    def one_column(batches):
        import pyarrow as pa

        for batch in batches:
            arrays = [batch.column("id"), batch.column(FEATURES[0])]
            yield pa.RecordBatch.from_arrays(arrays, ["id", "score"])

    schema = "id long, score double"
    found = scored.toArrow().sort_by("id")["score"].to_numpy()
    assert found.tobytes() == ours.score_samples(X).tobytes()
    peer = "mapInPandas, scikit-learn"
    few = narrow.limit(20_000)
    expected = {row.id: row.score for row in few.mapInPandas(by_sklearn, schema).collect()}
    places = np.array(list(expected))
    np.testing.assert_allclose(list(expected.values()), theirs.score_samples(X[places]), rtol=1e-12)
    calls = {
        "scan of the nine columns": lambda: noop(narrow),
        "mapInArrow, identity": lambda: noop(narrow.mapInArrow(identity, narrow.schema)),
        "mapInArrow, nine columns in, two back": lambda: noop(
            narrow.mapInArrow(one_column, schema)
        ),
        "linewatch.spark.score": lambda: noop(scored),
        "mapInPandas, linewatch": lambda: noop(narrow.mapInPandas(by_linewatch, schema)),
        peer: lambda: noop(narrow.mapInPandas(by_sklearn, schema)),
    }
    seconds = timed(calls, repeats)
    title = "Scores of 100 trees, 8 features"
    show(title, len(table), seconds, seconds["scan of the nine columns"], peer)


def windows(spark, path, table, repeats):
    import linewatch as lw

    df = spark.read.parquet(path).select("cell", "time", "id", "kpi_0")
    ours = lw.spark.rolling(df, "cell", "time", WINDOW, ["mean", "std"], columns="kpi_0", keep="id")
    schema = "cell string, time timestamp, id long, kpi_0_mean double, kpi_0_std double"

    def by_pandas(frame):
        frame = frame.sort_values("time")
        rolling = frame["kpi_0"].rolling(WINDOW)
        made = {"kpi_0_mean": rolling.mean(), "kpi_0_std": rolling.std()}
        return frame[["cell", "time", "id"]].assign(**made)

    def sort_only(batches):
        yield from batches

    theirs = df.groupBy("cell").applyInPandas(by_pandas, schema)
    one, two = (frame.toArrow().sort_by("id") for frame in (ours, theirs))
    local = lw.rolling.stats(
        table.select(["kpi_0"]), WINDOW, ["mean", "std"], groups=table["cell"], n_jobs=1
    )
    for name in ("kpi_0_mean", "kpi_0_std"):
        a, b, c = (t[name].to_numpy() for t in (one, two, local))
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
        assert a.tobytes() == c.tobytes(), name
    peer = "applyInPandas, pandas rolling"
    rows = df.repartition("cell").sortWithinPartitions("cell", "time")
    calls = {
        "scan of the four columns": lambda: noop(df),
        "shuffle and sort": lambda: noop(rows),
        "shuffle, sort and mapInArrow, identity": lambda: noop(
            rows.mapInArrow(sort_only, rows.schema)
        ),
        "linewatch.spark.rolling": lambda: noop(ours),
        peer: lambda: noop(theirs),
    }
    seconds = timed(calls, repeats)
    cells = len(table["cell"].unique())
    title = f"Mean and std of {WINDOW} rows for {cells:,} cells"
    show(title, len(table), seconds, seconds["scan of the four columns"], peer)


def calls_made(spark, folder, users, days):
    import linewatch as lw

    config = {"users": users, "days": days, "seed": 1}
    began = time.perf_counter()
    made = lw.spark.generate_cdr(spark, config, f"{folder}/cdr")
    seconds = time.perf_counter() - began
    n = made["calls"].count()
    assert n == lw.cdr.generate(config=config).rows
    print(f"\nCall records of {users:,} users and {days} days, {n:,} rows, as Parquet")
    print(f"  linewatch.spark.generate_cdr {seconds:25.2f} s {n / seconds / 1e3:8.0f} krow/s")


def sampling(spark, path, table, repeats):
    import linewatch as lw

    df = spark.read.parquet(path)
    calls = {
        "sample of 25,600 rows by key": lambda: lw.spark.sample(
            df, 25_600, columns=FEATURES, key="id"
        ).toArrow(),
        "sample of 25,600 rows by all values": lambda: lw.spark.sample(
            df, 25_600, columns=FEATURES
        ).toArrow(),
    }
    seconds = timed(calls, repeats)
    print(f"\nSamples of {len(table):,} rows")
    for name, s in seconds.items():
        print(f"  {name:46} {s:7.2f} {len(table) / s / 1e3:8.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    n_cells, n_rows = (100, 2000) if options.quick else (1000, 2000)
    warnings.simplefilter("ignore")
    spark = session(options.cores)
    import pyspark

    print(f"PySpark {pyspark.__version__}, local[{options.cores}]")
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/kpis.parquet"
        table = write(path, n_cells, n_rows)
        scoring(spark, path, table, options.repeats)
        windows(spark, path, table, options.repeats)
        sampling(spark, path, table, options.repeats)
        calls_made(spark, folder, n_cells * 10, 10)
    spark.stop()


if __name__ == "__main__":
    main()
