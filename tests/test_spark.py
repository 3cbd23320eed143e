"""Every function of linewatch.spark beside its local twin, in local[2]."""

import hashlib
import re
import sys
import types

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import spark_session

import linewatch as lw
from linewatch import cdr, flow, intrusion, streaming
from linewatch.streaming import Rolling, Stream

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(scope="module")
def spark():
    """One session for the whole module."""
    spark_session.need_java()
    session = spark_session.start(spark__sql__shuffle__partitions=3, spark__default__parallelism=2)
    yield session
    session.stop()


def made_kpis(n=2500):
    """Cells of different sizes; gaps, a cell without a name, several rows of one time."""
    rng = np.random.default_rng(5)
    minutes = rng.permutation(n) // 2 * 2
    cell = rng.zipf(1.3, n) % 9
    frame = pl.DataFrame(
        {
            "cell": [None if k == 8 else f"cell {k}" for k in cell],
            "time": np.datetime64("2026-03-29", "us") + minutes.astype("timedelta64[m]"),
            "traffic": np.where(rng.random(n) < 0.05, np.nan, rng.gamma(4, 500, n)),
            "prb": rng.uniform(0, 100, n).astype(np.float32),
            "users": rng.integers(0, 300, n),
            "vendor": rng.choice(["north", "south"], n),
            "id": np.arange(n),
        }
    )
    return frame.with_columns(pl.col("time").dt.replace_time_zone("UTC"))


FEATURES = ["traffic", "prb", "users"]


@pytest.fixture(scope="module")
def kpis():
    return made_kpis()


@pytest.fixture(scope="module")
def frame(spark, kpis):
    """The same rows in Spark, far from their order."""
    return spark.createDataFrame(arrow(kpis)).repartition(5).cache()


def arrow(table):
    from linewatch.spark._workers import plain

    return plain(table.to_arrow())


def local(frame):
    """A Spark frame as a Polars frame."""
    return pl.DataFrame(frame.toArrow())


def core_network():
    return intrusion.simulate_core(600, seed=0)


def detectors(kpis):
    """One of each kind that linewatch.load reads, and the rows that it scores."""
    X = kpis.select(FEATURES)
    whole = X.fill_nan(0.0)
    mixed = kpis.select("traffic", "vendor")
    core = core_network()
    forest = lw.IsolationForest(n_estimators=20, random_state=0)
    return {
        "forest": (forest.fit(X), X),
        "forest with text": (
            lw.IsolationForest(
                n_estimators=20, random_state=0, categorical_features=["vendor"]
            ).fit(mixed),
            mixed,
        ),
        "outlier factor": (lw.LocalOutlierFactor(novelty=True, n_jobs=2).fit(whole[:300]), whole),
        "neighbors": (lw.KNNDetector().fit(whole[:300]), whole),
        "autoencoder": (lw.AutoencoderDetector(epochs=2, random_state=0).fit(whole), whole),
        "thresholded": (
            lw.ThresholdedDetector(
                lw.IsolationForest(n_estimators=20), rule={"contamination": 0.05}, random_state=0
            ).fit(X),
            X,
        ),
        "intrusion": (
            intrusion.IntrusionDetector(n_estimators=10, random_state=0).fit(core, core["attack"]),
            core,
        ),
    }


@pytest.fixture(scope="module")
def fitted(kpis):
    return detectors(kpis)


KINDS = ["forest", "forest with text", "outlier factor", "neighbors", "autoencoder"]
KINDS += ["thresholded", "intrusion"]


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_one_machine_to_the_last_bit(spark, fitted, kind):
    detector, rows = fitted[kind]
    table = rows.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    frame = spark.createDataFrame(arrow(table)).repartition(4)
    found = local(lw.spark.score(frame, detector, keep="row")).sort("row")
    assert found.columns == ["row", "score", "is_anomaly"]
    assert found["row"].to_list() == table["row"].to_list()
    expected = np.asarray(detector.score_samples(rows), dtype=np.float64)
    assert found["score"].to_numpy().tobytes() == expected.tobytes()
    assert found["is_anomaly"].to_list() == (detector.predict(rows) == -1).tolist()


def test_a_model_file_without_names_takes_columns_in_order(frame, kpis, tmp_path):
    X = kpis.select(FEATURES).to_numpy()
    detector = lw.IsolationForest(n_estimators=20, random_state=0).fit(X)
    detector.save(tmp_path / "forest.lw")
    found = lw.spark.score(frame, tmp_path / "forest.lw", columns=FEATURES, keep=["id", "users"])
    found = local(found).sort("id")
    assert found["score"].to_numpy().tobytes() == detector.score_samples(X).tobytes()
    assert found["users"].to_list() == kpis["users"].to_list()
    with pytest.raises(ValueError) as error:
        lw.spark.score(frame, detector, keep="id")
    assert str(error.value) == (
        "the model takes 3 columns and knows no names, but there are 6; name them in order with "
        "columns=[...]"
    )


def test_a_frame_that_does_not_fit_the_model_is_refused_before_a_job(spark, frame, fitted):
    detector, _ = fitted["forest"]
    jobs = spark.sparkContext.statusTracker()
    before = len(jobs.getJobIdsForGroup())
    for make, text in [
        (
            lambda: lw.spark.score(frame.drop("prb"), detector),
            'column "prb" of the model is missing; the frame has "cell", "time", "traffic", '
            '"users", "vendor", "id"',
        ),
        (
            lambda: lw.spark.score(frame, detector, columns=FEATURES),
            "columns is for a model without column names; this one knows them",
        ),
        (
            lambda: lw.spark.score(frame, detector, keep=["row"]),
            'keep: column "row" is missing; the frame has "cell", "time", "traffic", "prb", '
            '"users", "vendor", "id"',
        ),
        (
            lambda: lw.spark.score(frame.withColumnRenamed("id", "score"), detector),
            'column "score" would be written twice; rename it in the frame',
        ),
    ]:
        with pytest.raises(ValueError) as error:
            make()
        assert str(error.value) == text
    with pytest.raises(TypeError) as error:
        lw.spark.score(frame.withColumn("users", frame["vendor"]), detector)
    assert str(error.value) == (
        "model: column \"users\" has type string; expected numbers (try df.withColumn('users', "
        "df['users'].cast('double')))"
    )
    with pytest.raises(TypeError) as error:
        lw.spark.score(frame, object())
    assert str(error.value) == (
        "model is of type object; expected a detector of linewatch or the path of its file"
    )
    assert len(jobs.getJobIdsForGroup()) == before


def test_a_value_that_a_worker_refuses_is_named(spark, frame, fitted):
    from pyspark.errors import PythonException

    detector, _ = fitted["neighbors"]
    with pytest.raises(PythonException, match="KNNDetector has no rule for missing values"):
        lw.spark.score(frame, detector).count()


def sorted_as(found, like):
    return found.sort("cell", "time", "traffic", "prb", "users")


def expected_rolling(kpis, window, stats, **options):
    """The local answers, rows of one time in order of their values."""
    rows = kpis.sort("cell", "time", *FEATURES, nulls_last=False)
    if isinstance(window, str) and window != "expanding":
        options["times"] = rows["time"]
    answers = lw.rolling.stats(rows.select(FEATURES), window, stats, groups=rows["cell"], **options)
    return rows.select("cell", "time", "id").hstack(answers)


EXACT = ["count", "min", "max", "median", "q95", "first", "last", "rank", "mad"]
SUMS = ["mean", ("std", {"ddof": 0}), "zscore", "skew"]


def rolled(frame, window, stats, **options):
    found = lw.spark.rolling(
        frame, "cell", "time", window, stats, columns=FEATURES, keep="id", **options
    )
    return local(found).sort("id")


def assert_same(found, expected, exact=True):
    expected = expected.sort("id")
    assert found.columns == expected.columns
    for name in found.columns:
        if exact or not re.search("_(mean|std|zscore|skew)$", name):
            assert found[name].equals(expected[name]), name
        else:
            ours, theirs = (c[name].fill_null(np.nan).to_numpy() for c in (found, expected))
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("partitions", [1, 4])
def test_rolling_is_the_same_for_any_number_of_partitions(spark, frame, kpis, partitions):
    spark.conf.set("spark.sql.shuffle.partitions", partitions)
    try:
        found = rolled(frame.repartition(6 - partitions), 12, [*EXACT, *SUMS], min_periods=3)
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", 3)
    assert_same(found, expected_rolling(kpis, 12, [*EXACT, *SUMS], min_periods=3))


@pytest.mark.parametrize(
    ("window", "options"),
    [
        ("2h", {"include_current": False}),
        ("expanding", {}),
        (7, {"center": True, "min_periods": 1}),
    ],
)
def test_rolling_takes_the_windows_of_one_machine(frame, kpis, window, options):
    stats = ["mean", "std", "max"]
    assert_same(
        rolled(frame, window, stats, **options), expected_rolling(kpis, window, stats, **options)
    )


def test_rolling_in_parts_gives_the_whole(monkeypatch, kpis):
    """What a worker does with a key larger than its memory, batch by batch."""
    from linewatch.spark import _workers

    monkeypatch.setattr(_workers, "_BLOCK", 50)
    rows = kpis.sort("cell", "time", *FEATURES, nulls_last=False)
    for window, stats in [(12, EXACT + SUMS[:3]), ("2h", EXACT + SUMS)]:
        plan = {
            "by": ["cell"], "on": "time", "keep": ["id"], "columns": FEATURES, "window": window,
            "span": None if window == 12 else 7_200_000_000_000, "stats": stats,
            "made": [f"{c}_{s if isinstance(s, str) else s[0]}" for c in FEATURES for s in stats],
            "options": {}, "bounded": True, "split": False, "rows_in_memory": 60,
        }  # fmt: skip
        for size in (1, 17, 1000):
            batches = arrow(rows).to_batches(max_chunksize=size)
            parts = list(_workers.rolling(iter(batches), plan))
            assert len(parts) > 8
            found = pl.DataFrame(pa.Table.from_batches(parts)).sort("id")
            assert_same(found, expected_rolling(kpis, window, stats), exact=window == 12)


@pytest.mark.parametrize(("window", "split"), [(12, 40), ("2h", "5h")])
def test_long_series_may_be_split_between_tasks(frame, kpis, window, split):
    stats = ["count", "max", "mean", "std"]
    found = rolled(frame, window, stats, split=split)
    assert_same(found, expected_rolling(kpis, window, stats), exact=window == 12)


def test_rolling_refuses_what_it_cannot_do(frame):
    from linewatch.spark import rolling

    for make, kind, text in [
        (
            lambda: rolling(frame, "site", "time", 3, "mean"),
            ValueError,
            'by: column "site" is missing; the frame has "cell", "time", "traffic", "prb", '
            '"users", "vendor", "id"',
        ),
        (
            lambda: rolling(frame, "cell", "prb", 3, "mean"),
            TypeError,
            'on: column "prb" has type float; expected timestamps, dates or whole numbers',
        ),
        (
            lambda: rolling(frame, "cell", "id", "1h", "mean"),
            TypeError,
            "window is a span of time ('1h'), which needs timestamps, but on names whole numbers "
            '("id")',
        ),
        (
            lambda: rolling(frame, "cell", "time", 3, ["corr"]),
            ValueError,
            "corr has two series; use applyInArrow with linewatch.rolling",
        ),
        (
            lambda: rolling(frame, "cell", "time", 3, "mean", n_jobs=2),
            TypeError,
            "there is no option 'n_jobs' (linewatch.spark sets it); the options are min_periods, "
            "center, closed, include_current, infinity",
        ),
        (
            lambda: rolling(frame, "cell", "time", 0, "mean"),
            ValueError,
            "window must be at least 1, got 0",
        ),
        (
            lambda: rolling(frame, "cell", "time", 20, "mean", split=30),
            ValueError,
            "split must be at least twice the window (40), got 30",
        ),
        (
            lambda: rolling(frame, "cell", "time", 3, "mean", columns="vendor"),
            TypeError,
            'columns: column "vendor" has type string; expected numbers (try '
            "df.withColumn('vendor', df['vendor'].cast('double')))",
        ),
    ]:
        with pytest.raises(kind) as error:
            make()
        assert str(error.value) == text


def test_a_sample_makes_the_same_forest_however_the_rows_lie(frame, tmp_path):
    found = set()
    for k, rows in enumerate([frame, frame.repartition(2), frame.orderBy("users").coalesce(1)]):
        for key in (["id"], None):
            forest = lw.IsolationForest(n_estimators=10, random_state=0)
            forest = lw.spark.sample_fit(rows, forest, n=900, columns=FEATURES, key=key, seed=3)
            path = tmp_path / f"{k}.lw"
            forest.save(path)
            found.add((key is None, hashlib.sha256(path.read_bytes()).hexdigest()))
            assert forest.feature_names_in_.tolist() == FEATURES
    assert len(found) == 2


def test_a_sample_draws_rows_that_are_there_and_equal_rows_as_often_as_others(spark):
    # Half of the rows are equal: about half of the sample is, too.
    rows = spark.range(4000, numPartitions=3).selectExpr("greatest(id - 2000, -1) AS x")
    drawn = np.array([row.x for row in lw.spark.sample(rows, 400).collect()])
    assert len(drawn) == 400
    assert len(set(drawn[drawn >= 0])) == (drawn >= 0).sum()
    assert 150 < (drawn == -1).sum() < 250
    other = np.array([row.x for row in lw.spark.sample(rows, 400, seed=1).collect()])
    assert sorted(other) != sorted(drawn)
    assert lw.spark.sample(rows, 9999).count() == 4000
    with pytest.raises(ValueError) as error:
        lw.spark.sample_fit(rows.limit(0), lw.IsolationForest())
    assert str(error.value) == "df has no rows to fit on"


def hash_by_day(table, start):
    """A digest of the sorted rows of each day."""
    by_day = table.with_columns(pl.col(start).dt.date().alias("day")).sort(table.columns)
    return {
        day[0]: (len(rows), hashlib.sha256(rows.write_csv().encode()).hexdigest())
        for day, rows in by_day.group_by("day")
    }


def test_calls_made_on_spark_are_those_of_the_command(spark, tmp_path):
    from linewatch.cli import main

    config = {"users": 80, "days": 3, "seed": 7}
    made = lw.spark.generate_cdr(
        spark, config, tmp_path / "spark", tables=["sms"], scenarios=["sim_box"]
    )
    command = "generate --users 80 --days 3 --seed 7 --tables sms --scenarios sim_box"
    main([*command.split(), "--no-picture", "--quiet", "--out", str(tmp_path / "local")])
    for name, stem, start in [
        ("calls", "cdr_call_records", "call_start_ts"),
        ("sms", "cdr_sms_records", "sms_ts"),
    ]:
        expected = pl.read_parquet(tmp_path / "local" / stem / "*.parquet")
        found = local(made[name])
        assert found["day"].n_unique() == 3
        assert hash_by_day(found.drop("day"), start) == hash_by_day(expected, start)
        assert (tmp_path / "spark" / stem / "day=2024-01-02").is_dir()
    for name, stem in [("users", "user_profiles"), ("truth_calls", "truth_calls")]:
        expected = pl.read_parquet(tmp_path / "local" / f"cdr_{stem}.parquet")
        found = local(made[name])
        assert found.sort(found.columns).equals(expected.sort(found.columns))
    with pytest.raises(FileExistsError, match="cdr_call_records exists; choose another folder"):
        lw.spark.generate_cdr(spark, config, tmp_path / "spark")
    with pytest.raises(TypeError, match="Config has no field"):
        lw.spark.generate_cdr(spark, config, tmp_path / "other", user=3)
    cdr.register("of_mine", lambda incident: None)
    try:
        with pytest.raises(ValueError, match="this process registered; the workers do not know"):
            lw.spark.generate_cdr(spark, config, tmp_path / "other", scenarios=["of_mine"])
    finally:
        cdr.unregister("of_mine")


def test_tables_of_flows_run_on_spark(spark):
    from test_flow_engines import make_flows

    flows = make_flows(300)
    found = local(flow.usage_by_source(spark.createDataFrame(arrow(flows))))
    expected = flow.usage_by_source(flows)
    assert found.columns == expected.columns
    whole = [name for name in found.columns if not found[name].dtype.is_float()]
    assert found.select(whole).sort("sa").rows() == expected.select(whole).sort("sa").rows()


def test_a_batch_that_is_repeated_replaces_itself(frame, fitted, tmp_path):
    detector, _ = fitted["forest"]
    each = lw.spark.batch_scorer(detector, tmp_path / "out", keep="id")
    for batch_id in (0, 0):
        each(frame, batch_id)
    written = pl.read_parquet(tmp_path / "out" / "batch_id=0" / "*.parquet")
    assert written["id"].sort().to_list() == list(range(len(written)))
    seen = []
    each = lw.spark.batch_scorer(detector, lambda scored, batch_id: seen.append(scored.columns))
    each(frame, 1)
    assert seen == [["cell", "time", "vendor", "id", "score", "is_anomaly"]]
    with pytest.raises(TypeError) as error:
        lw.spark.batch_scorer(detector, 3)
    assert str(error.value) == "write must be a folder or a function, got int"


def test_a_streaming_frame_is_scored_as_any_other(spark, kpis, fitted, tmp_path):
    detector, X = fitted["forest"]
    for k, part in enumerate(kpis.select("id", *FEATURES).iter_slices(1500)):
        (tmp_path / "in").mkdir(exist_ok=True)
        part.write_parquet(tmp_path / "in" / f"{k}.parquet")
    schema = "id long, traffic double, prb float, users long"
    rows = spark.readStream.schema(schema).parquet(str(tmp_path / "in"))
    query = (
        lw.spark.score(rows, detector)
        .writeStream.option("checkpointLocation", str(tmp_path / "checkpoint"))
        .trigger(availableNow=True)
        .start(str(tmp_path / "out"), format="parquet")
    )
    query.awaitTermination()
    found = local(spark.read.parquet(str(tmp_path / "out"))).sort("id")
    assert found["score"].to_numpy().tobytes() == detector.score_samples(X).tobytes()
    for refused in (
        lambda: lw.spark.rolling(rows, "users", "id", 3, "mean"),
        lambda: lw.spark.sample(rows, 3),
    ):
        with pytest.raises(ValueError, match="^df is a stream"):
            refused()


def test_keyed_states_answer_as_a_local_stream(frame, kpis):
    rules = {"r": Rolling(12, ["mean", "max"]), "n": streaming.Count("2h")}
    answers = lw.spark.stream(frame, "cell", "time", "traffic", rules, duplicates="keep")
    # What is missing comes back as null.
    found = local(answers).with_columns(pl.col("traffic").fill_null(np.nan))
    found = found.sort("cell", "time", "traffic")
    assert found.columns == ["cell", "time", "traffic", "r_mean", "r_max", "n", "status"]
    assert found.schema["time"] == kpis.schema["time"]
    rows = kpis.sort("cell", "time", "traffic")
    key = rows["cell"].fill_null("none")
    answers = Stream(rules, duplicates="keep").update(key, rows["time"], rows["traffic"])
    assert found["cell"].equals(rows["cell"]) and found["time"].equals(rows["time"])
    for name in ("r_mean", "r_max", "n"):
        expected = pl.Series(answers[name]).fill_nan(None)
        assert found[name].to_list() == expected.to_list(), name


def test_streams_are_refused_with_the_way_out(spark, frame):
    rule = Rolling(3)
    with pytest.raises(TypeError) as error:
        lw.spark.stream(frame, "cell", "id", "traffic", streaming.Count("2h"))
    assert str(error.value) == (
        'on: column "id" has type bigint, but the rules or the lateness need times'
    )
    provider = "spark.sql.streaming.stateStore.providerClass"
    spark.conf.set(provider, "org.example.HDFSBackedStateStoreProvider")
    try:
        with pytest.raises(ValueError) as error:
            lw.spark.stream(frame, "cell", "time", "traffic", rule)
    finally:
        spark.conf.set(provider, spark_session.ROCKSDB)
    assert str(error.value) == (
        "Spark keeps such states in RocksDB only, and this session in "
        "org.example.HDFSBackedStateStoreProvider; before the query starts: "
        f'spark.conf.set("{provider}", "{spark_session.ROCKSDB}")'
    )


def test_workers_tell_what_they_have(spark):
    [found] = lw.spark.workers(spark, tasks=2)
    assert found["linewatch"] == lw.__version__
    assert found["executable"] == sys.executable
    with pytest.raises(TypeError) as error:
        lw.spark.workers("spark")
    assert str(error.value) == "spark is a str; expected a SparkSession"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("raise ModuleNotFoundError(\"No module named 'linewatch'\")",
         "cannot import linewatch {0}: No module named 'linewatch'; every worker needs the"),
        ("__version__ = '0.0.3'", "has linewatch 0.0.3, the driver has {0}; every worker needs"),
    ],
)  # fmt: skip
def test_workers_without_the_same_linewatch_say_so(spark, frame, fitted, tmp_path, code, text):
    from pyspark.errors import PythonException

    (tmp_path / "linewatch").mkdir()
    (tmp_path / "linewatch" / "__init__.py").write_text(code + "\n")
    environment = spark.sparkContext.environment
    environment["PYTHONPATH"] = str(tmp_path)
    try:
        scored = lw.spark.score(frame, fitted["forest"][0])
        found = lw.spark.workers(spark, tasks=1)
        with pytest.raises(PythonException) as error:
            scored.count()
    finally:
        del environment["PYTHONPATH"]
    assert "the Spark worker on " in str(error.value)
    assert f"({sys.executable})" in str(error.value)
    assert text.format(lw.__version__) in str(error.value)
    assert found[0]["linewatch"] != lw.__version__


def test_a_frame_of_another_library_is_refused(kpis):
    pytest.importorskip("pyspark")
    with pytest.raises(TypeError) as error:
        lw.spark.score(kpis, "forest.lw")
    assert str(error.value) == (
        "df is a polars.DataFrame; expected a PySpark DataFrame (spark.createDataFrame makes one)"
    )


def test_pyspark_missing_or_old_is_told_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(ModuleNotFoundError) as error:
        lw.spark.score(None, None)
    assert str(error.value) == ('linewatch.spark needs PySpark 4: pip install "linewatch[spark]"')
    old = types.ModuleType("pyspark")
    old.__version__ = "3.5.7"
    monkeypatch.setitem(sys.modules, "pyspark", old)
    with pytest.raises(ImportError) as error:
        lw.spark.rolling(None, "cell", "time", 3, "mean")
    assert str(error.value) == (
        "linewatch.spark needs PySpark 4, and this is PySpark 3.5.7, which lacks the Arrow paths: "
        'pip install "linewatch[spark]"'
    )


def test_importing_the_module_imports_neither_pyspark_nor_pandas():
    import subprocess

    code = "import sys, linewatch.spark; print(sorted({'pyspark', 'pandas'} & set(sys.modules)))"
    out = subprocess.run(
        [sys.executable, "-c", code],
        env=spark_session.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert out.stdout.strip() == "[]"
