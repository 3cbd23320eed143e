"""The same flows through every engine, against the definitions in plain pandas."""

import os
import shutil
import warnings

import flow_reference as reference
import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from linewatch import flow

ENGINES = ["pandas", "polars", "polars lazy", "pyarrow", "duckdb", "pyspark"]


def make_flows(n=600, seed=5):
    """Flows with ties, zeros, one-way traffic and sources that appear once."""
    rng = np.random.default_rng(seed)
    source = rng.zipf(1.4, n) % 60
    one_way = rng.random(n) < 0.3
    coming = np.where(rng.random(n) < 0.1, 0, rng.integers(1, 5000, n) * 10)
    going = np.where(one_way, 0, rng.integers(1, 2000, n) * 10)
    start = np.datetime64("2026-01-05T09:00:00", "us")
    ts = start + rng.integers(0, 7_200, n).astype("timedelta64[s]")
    td = np.where(rng.random(n) < 0.4, 0.0, rng.integers(1, 4000, n) / 1000)
    return pl.DataFrame(
        {
            "ts": ts,
            "td": td,
            "sa": [f"10.0.0.{k}" for k in source],
            "da": [f"192.0.2.{k}" for k in rng.integers(0, 30, n)],
            "sp": rng.integers(1024, 1040, n),
            "dp": rng.choice([53, 80, 443], n),
            "pr": rng.choice(["TCP", "UDP", "ICMP"], n, p=[0.6, 0.35, 0.05]),
            "flg": rng.choice(["......S.", "...AP.SF", "........"], n),
            "ipkt": np.where(coming > 0, coming // 400 + 1, 0),
            "ibyt": coming,
            "opkt": np.where(going > 0, going // 400 + 1, 0),
            "obyt": going,
            "ismc": [f"02:00:00:00:00:{k:02x}" for k in rng.integers(0, 9, n)],
        }
    )


@pytest.fixture(scope="module")
def flows():
    return make_flows()


@pytest.fixture(scope="module")
def plain(flows):
    return flows.to_pandas()


@pytest.fixture(scope="module")
def spark():
    """One session for the whole module; quick to start, and quiet."""
    pytest.importorskip("pyspark", reason='pip install "linewatch[spark]"')
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("PySpark needs Java (Debian: apt-get install default-jre-headless)")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    from pyspark.sql import SparkSession

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session = (
            SparkSession.builder.master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.memory", "1g")
            # Small tables: compiling a query would take longer than running it.
            .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            .config("spark.sql.adaptive.enabled", "false")
            .getOrCreate()
        )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def test_pyspark_names_the_services_that_polars_names(spark, flows):
    columns = ["source_port_class", "destination_service", "service_side", "service", "category"]
    expected = flow.classify_ports(flows, columns).select("sp", "dp", "pr", *columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = flow.classify_ports(spark.createDataFrame(flows.to_pandas()), columns)
        rows = [tuple(row) for row in found.select(expected.columns).collect()]
    found = pl.DataFrame(rows, schema=expected.schema, orient="row")
    assert found.sort(expected.columns).equals(expected.sort(expected.columns))


@pytest.fixture(scope="module")
def engine(request, flows):
    """The flows in one engine, and what makes a Polars frame of an answer."""
    name = request.param
    if name == "pandas":
        return flows.to_pandas(), pl.from_pandas
    if name == "polars":
        return flows, lambda answer: answer
    if name == "polars lazy":
        return flows.lazy(), lambda answer: answer.collect(engine="streaming")
    if name == "pyarrow":
        return flows.to_arrow(), pl.from_arrow
    if name == "duckdb":
        import duckdb

        connection = duckdb.connect()
        connection.execute("set timezone = 'UTC'")
        connection.register("flows", flows.to_arrow())
        return connection.table("flows"), lambda answer: answer.pl()
    session = request.getfixturevalue("spark")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = session.createDataFrame(flows.to_arrow()).cache()
    return frame, lambda answer: pl.from_arrow(answer.toArrow())


def same(found, expected, *, sorted_by=None):
    """Whole numbers and text equal, floats to 1e-6 of their size; the same rows in order."""
    if sorted_by:
        expected = expected.sort_values(sorted_by)
    expected = expected.reset_index(drop=True)
    assert found.columns == list(expected.columns)
    assert found.height == len(expected)
    for name in found.columns:
        ours, theirs = found[name], expected[name]
        if ours.dtype.is_float():
            ours = ours.fill_null(np.nan).to_numpy()
            np.testing.assert_allclose(ours, theirs.to_numpy(float), rtol=1e-6, err_msg=name)
        elif ours.dtype.is_temporal():
            theirs = theirs.to_numpy().astype("datetime64[us]")
            np.testing.assert_array_equal(
                ours.dt.replace_time_zone(None).to_numpy().astype("datetime64[us]"), theirs
            )
        else:
            assert ours.to_list() == theirs.to_list(), name


every_engine = pytest.mark.parametrize("engine", ENGINES, indirect=True)


@every_engine
def test_every_analysis_agrees_with_its_definition(engine, plain):
    frame, polars = engine
    kind = type(frame)
    order = ["sa", "ts", "da", "sp", "dp", "ibyt", "obyt", "td", "pr", "flg", "ismc"]

    found = flow.derive(frame)
    assert isinstance(found, kind)
    expected = reference.derive(plain)
    same(polars(found).sort(order), expected, sorted_by=order)

    found = flow.usage_by_source(frame)
    assert isinstance(found, kind)
    same(polars(found), reference.usage_by_source(plain, ["sa"]))
    by = ["sa", "pr"]
    same(polars(flow.usage_by_source(frame, by)), reference.usage_by_source(plain, by))

    same(polars(flow.protocol_table(frame)), reference.counted(plain, ["pr"]))
    by = ["pr", "flg"]
    same(polars(flow.protocol_table(frame, by)), reference.counted(plain, by))
    same(polars(flow.distribution_by_mac(frame)), reference.counted(plain, ["ismc", "sa"]))

    expected = reference.counted(plain, ["da"])
    same(polars(flow.top_talkers(frame, 7, by="da")), expected.head(7))
    expected = expected.sort_values(["flows", "da"], ascending=[False, True]).head(4)
    same(polars(flow.top_talkers(frame, 4, by="da", measure="flows")), expected)

    same(polars(flow.by_time(frame)), reference.by_time(plain, [], "min"))
    same(polars(flow.by_time(frame, "hour", by="sa")), reference.by_time(plain, ["sa"], "h"))
    found = flow.peaks(frame, by="sa")
    assert isinstance(found, kind)
    same(polars(found), reference.peak_of_each(plain, ["sa"], "min"))
    expected = reference.by_time(plain, [], "min")
    expected = expected.sort_values(["total_bytes", "time"], ascending=[False, True]).head(3)
    same(polars(flow.peaks(frame, top=3)), expected)


@every_engine
@pytest.mark.parametrize("of", ["destination", "mac"])
def test_segments_agree_with_their_definition(engine, plain, of):
    frame, polars = engine
    columns = {"destination": ["da", "dp", "pr"], "mac": ["ismc"]}[of]
    found = flow.ufm_segments(frame, connections=of)
    assert isinstance(found, type(frame))
    expected = reference.ufm_segments(plain, ["sa"], columns)
    same(polars(found), expected)
    table = flow.segment_table(found)
    means = expected.groupby("ufm_level").agg(usage=("usage", "mean"), customers=("usage", "size"))
    assert dict(table.select("ufm_level", "customers").rows()) == means["customers"].to_dict()
    for level, usage in table.select("ufm_level", "usage_mean").rows():
        assert usage == pytest.approx(means["usage"][level])


@every_engine
def test_delivery_ratios_agree_with_their_definition(engine, plain):
    frame, polars = engine
    z, unusual = reference.delivery_ratio(plain["ibyt"], plain["obyt"], 2.0)
    found = polars(flow.delivery_ratio(frame, threshold=2.0))
    assert unusual.any() and found["is_unusual_ratio"].sum() == unusual.sum()
    ours = np.sort(found["ratio_zscore"].fill_null(np.nan).to_numpy())
    np.testing.assert_allclose(ours, np.sort(z), rtol=1e-6, atol=1e-9)
    one_way = (plain["ibyt"] == 0) | (plain["obyt"] == 0)
    assert found["is_one_way"].sum() == one_way.sum()

    sums = plain.groupby("sa")[["ibyt", "obyt"]].sum()
    z, unusual = reference.delivery_ratio(sums["ibyt"], sums["obyt"], 2.0)
    found = polars(flow.delivery_ratio(frame, "sa", threshold=2.0))
    assert found["sa"].to_list() == list(sums.index)
    np.testing.assert_allclose(found["ratio_zscore"].fill_null(np.nan), z, rtol=1e-6, atol=1e-9)
    assert found["is_unusual_ratio"].to_list() == unusual.tolist()
    ratios = (sums["ibyt"] / sums["obyt"]).replace(np.inf, np.nan)
    np.testing.assert_allclose(found["byte_delivery_ratio"].fill_null(np.nan), ratios)


@every_engine
def test_a_summary_counts_what_is_not_finite(engine, plain):
    frame, _ = engine
    found = flow.summary(flow.derive(frame, ["byte_per_sec", "byte_delivery_ratio"]))
    expected = reference.derive(plain)
    for name, finite, infinite, nan, total, median in found.rows():
        values = expected[name].to_numpy()
        good = values[np.isfinite(values)]
        assert (finite, infinite) == (len(good), np.isinf(values).sum())
        assert nan == np.isnan(values).sum()
        assert total == pytest.approx(good.sum()) and median == pytest.approx(np.median(good))


@every_engine
def test_scores_do_not_depend_on_the_engine(engine, flows):
    frame, _ = engine
    found = flow.anomalies(frame, "15m", seed=3)
    expected = flow.anomalies(flows, "15m", seed=3)
    if not isinstance(found, pl.DataFrame):
        found = pl.DataFrame(found) if hasattr(found, "column_names") else pl.from_pandas(found)
    assert found.columns == expected.columns
    for name in expected.columns:
        ours = found[name].cast(expected[name].dtype)
        assert ours.to_list() == expected[name].to_list(), name


@pytest.mark.parametrize("name", ["duckdb", "pyspark"])
def test_an_engine_with_one_time_zone_a_session_refuses_another(name, request, flows):
    if name == "pyspark":
        frame = request.getfixturevalue("spark").createDataFrame(flows.head(5).to_arrow())
    else:
        import duckdb

        frame = duckdb.connect().from_arrow(flows.to_arrow())
    with pytest.raises(ValueError) as error:
        flow.by_time(frame, "7m")
    assert str(error.value) == (
        'every must divide a minute, an hour or a day on this engine, got "7m" (such as "15m" or '
        '"6h")'
    )
    with pytest.raises(ValueError) as error:
        flow.by_time(frame, time_zone="Europe/Madrid")
    assert str(error.value) == (
        f"{name} has one time zone a session, so time_zone= cannot be used (set the zone of the "
        "session, or convert ts before)"
    )


def test_a_narwhals_frame_comes_back_as_one(flows):
    found = flow.usage_by_source(nw.from_native(flows))
    assert isinstance(found, nw.DataFrame)
    assert found.to_native().equals(flow.usage_by_source(flows))


@pytest.mark.parametrize("kind", ["numpy", "nullable", "arrow"])
@pytest.mark.parametrize(
    "analysis",
    [
        flow.derive, flow.delivery_ratio, flow.usage_by_source, flow.protocol_table, flow.by_time,
        flow.peaks, flow.distribution_by_mac, flow.top_talkers,
        lambda flows: flow.delivery_ratio(flows, "sa"),
    ],
)  # fmt: skip
def test_counters_with_gaps_are_those_of_polars_in_every_kind_of_pandas_column(
    flows, analysis, kind
):
    gaps = flows.head(90).with_columns(
        pl.when(pl.int_range(90) % k == 0).then(None).otherwise(name).alias(name)
        for name, k in (("ibyt", 3), ("obyt", 5), ("ipkt", 7), ("opkt", 4))
    )
    given = gaps.to_pandas(use_pyarrow_extension_array=kind == "arrow")
    given = given.convert_dtypes() if kind == "nullable" else given
    ours, expected = analysis(given), analysis(gaps)
    assert list(ours.columns) == expected.columns
    for name, column in zip(expected.columns, expected.get_columns(), strict=True):
        if column.dtype.is_numeric():
            found = ours[name].to_numpy(dtype=float, na_value=np.nan)
            theirs = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
            np.testing.assert_allclose(found, theirs, rtol=1e-9, err_msg=name)
    assert given["ibyt"].isna().sum() == 30


def test_ratios_of_nothing_but_gaps_are_missing():
    nothing = pd.DataFrame({"ibyt": [None, None], "obyt": [1, 2]}, dtype="Int64")
    found = flow.delivery_ratio(nothing)
    assert found["ratio_zscore"].isna().all() and not found["is_unusual_ratio"].any()


def test_infinite_bytes_are_named():
    given = pd.DataFrame({"ibyt": [1.0, np.inf], "pr": ["TCP", "UDP"]})
    with pytest.raises(ValueError) as error:
        flow.protocol_table(given)
    text = 'column "ibyt" (bytes in) holds inf in row 1; expected whole numbers below 2**63'
    assert str(error.value) == text


def test_the_kinds_of_pandas_columns_do_not_matter(plain):
    frame = pd.DataFrame(plain).convert_dtypes(dtype_backend="pyarrow")
    frame["pr"] = plain["pr"].astype("category")
    found = flow.protocol_table(frame)
    assert found["pr"].tolist() == reference.counted(plain, ["pr"])["pr"].tolist()
    same(pl.from_pandas(flow.usage_by_source(frame)), reference.usage_by_source(plain, ["sa"]))


@pytest.mark.parametrize("n", [1, 2, 7, 60])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_few_flows_agree_with_the_definitions(n, seed):
    flows = make_flows(n, seed)
    plain, lazy = flows.to_pandas(), flows.lazy()
    found = flow.usage_by_source(lazy).collect(engine="streaming")
    same(found, reference.usage_by_source(plain, ["sa"]))
    found = flow.peaks(plain, by="sa")
    same(pl.from_pandas(found), reference.peak_of_each(plain, ["sa"], "min"))
    for of in (["ismc"], ["da", "dp", "pr"]):
        found = flow.ufm_segments(lazy, connections=of).collect()
        same(found, reference.ufm_segments(plain, ["sa"], of))
    if ((plain["ibyt"] > 0) & (plain["obyt"] > 0)).any():
        z, unusual = reference.delivery_ratio(plain["ibyt"], plain["obyt"], 3.5)
        found = flow.delivery_ratio(flows)
        np.testing.assert_allclose(found["ratio_zscore"].fill_null(np.nan), z, atol=1e-9)
        assert found["is_unusual_ratio"].to_list() == unusual.tolist()


@pytest.mark.parametrize("engine", [e for e in ENGINES if e != "pyspark"], indirect=True)
@pytest.mark.parametrize("key", ["da", "dp", "ismc"])
def test_a_key_may_be_a_column_that_is_counted_elsewhere(engine, flows, plain, key):
    frame, polars = engine
    same(polars(flow.usage_by_source(frame, key)), reference.usage_by_source(plain, [key]))
    of = ["da", "dp", "pr"]
    same(polars(flow.ufm_segments(frame, key)), reference.ufm_segments(plain, [key], of))
    found, expected = flow.anomalies(frame, by=key), flow.anomalies(flows, by=key)
    assert list(found["score"].to_numpy()) == expected["score"].to_list()


@every_engine
def test_services_are_the_same_on_every_engine(engine, flows):
    frame, polars = engine
    order = ["sa", "ts", "da", "sp", "dp", "ibyt", "obyt", "td", "pr", "flg", "ismc"]
    names = ["destination_service", "source_service", "service", "category"]
    found = polars(flow.classify_ports(frame)).sort(order)
    expected = flow.classify_ports(flows).sort(order)
    for name in names:
        assert found[name].cast(pl.String).to_list() == expected[name].cast(pl.String).to_list()
    top = polars(flow.top_talkers(flow.classify_ports(frame), 3, by="category"))
    assert top.rows() == flow.top_talkers(expected, 3, by="category").rows()
