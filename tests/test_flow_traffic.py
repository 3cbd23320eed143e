"""Analyses of flows: examples to check by hand, real flows, simulated anomalies, bad input."""

# Messages stand here as they are printed, on one line.
# ruff: noqa: E501

import os
from datetime import datetime, timedelta
from pathlib import Path

import flow_reference as reference
import numpy as np
import pandas as pd
import polars as pl
import pytest

from linewatch import flow

DATA = Path(os.environ.get("LINEWATCH_DATA", "data")) / "flows_nfdump_48col.csv.gz"
real = pytest.mark.skipif(
    not DATA.exists(), reason="set LINEWATCH_DATA to the folder of real flows"
)


@pytest.fixture(scope="module")
def recorded():
    """The 48-column sample as plain pandas reads it."""
    text = {name: str for name in ("sa", "da", "pr", "flg", "ismc")}
    table = pd.read_csv(DATA, skipfooter=3, engine="python", dtype=text)
    return table.assign(ts=pd.to_datetime(table["ts"]), te=pd.to_datetime(table["te"]))


@pytest.fixture
def small():
    """Four flows of two customers; one has no answer, one lasts no time."""
    at = datetime(2026, 1, 5, 9, 0)
    return pl.DataFrame(
        {
            "ts": [at, at + timedelta(seconds=30), at + timedelta(minutes=61), at],
            "td": [2.0, 0.0, 4.0, 0.0],
            "sa": ["10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2"],
            "da": ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1"],
            "dp": [443, 443, 53, 80],
            "pr": ["TCP", "TCP", "UDP", "TCP"],
            "flg": ["...AP.SF", "......S.", "........", "......S."],
            "ipkt": [3, 1, 1, 0],
            "ibyt": [300, 40, 60, 0],
            "opkt": [2, 0, 1, 0],
            "obyt": [600, 0, 120, 0],
            "ismc": ["02:00", "02:00", "02:01", "02:02"],
        }
    )


def test_zero_divisors_follow_ieee_754(small):
    found = flow.derive(small)
    assert found["total_bytes"].to_list() == [900, 40, 180, 0]
    assert found["byte_per_sec"].to_list()[:3] == [450.0, np.inf, 45.0]
    assert np.isnan(found["byte_per_sec"][3]), "0 / 0"
    assert found["pkt_per_sec"].to_list()[:3] == [2.5, np.inf, 0.5]
    assert found["byte_delivery_ratio"].to_list()[:3] == [0.5, np.inf, 0.5]
    assert np.isnan(found["byte_delivery_ratio"][3])
    assert found["pkt_delivery_ratio"].to_list()[:3] == [1.5, np.inf, 1.0]
    assert found["in_byte_per_ipkt"].to_list()[:3] == [100.0, 40.0, 60.0]
    assert found["out_byte_per_opkt"].to_list()[::2] == [300.0, 120.0]


def test_bytes_a_second_are_not_overwritten_by_packets(small):
    found = flow.derive(small, ["byte_per_sec", "pkt_per_sec"])
    assert found.columns[-2:] == ["byte_per_sec", "pkt_per_sec"]
    assert found["byte_per_sec"][0] == 450.0 and found["pkt_per_sec"][0] == 2.5


def test_usage_of_two_customers(small):
    a, b = flow.usage_by_source(small).to_dicts()
    assert a == {
        "sa": "10.0.0.1", "flows": 3, "total_bytes": 1120, "bytes_in": 400, "bytes_out": 720,
        "packets": 8, "distinct_ismc": 2, "distinct_ts": 3, "total_td": 6.0,
        "avg_bytes_per_mac": 1120 / 3, "bytes_per_second": 1120 / 6, "delivery_ratio": 400 / 720,
    }  # fmt: skip
    assert (b["total_bytes"], b["delivery_ratio"]) == (0, None)
    assert np.isnan(b["bytes_per_second"])


def test_the_earlier_of_two_equal_minutes_is_the_peak():
    at = [datetime(2026, 1, 5, 9, m) for m in (3, 1, 2)]
    flows = pl.DataFrame({"ts": at, "sa": "a", "ibyt": [500, 300, 500], "obyt": [0, 0, 0]})
    assert flow.peaks(flows, by="sa")["time"].to_list() == [datetime(2026, 1, 5, 9, 2)]
    assert flow.peaks(flows)["time"].to_list() == [datetime(2026, 1, 5, 9, 2)]
    assert flow.peaks(flows, top=2)["time"].dt.minute().to_list() == [2, 3]


COUNTED = [flow.usage_by_source, flow.protocol_table, flow.by_time, flow.derive, flow.ufm_segments]


@pytest.mark.parametrize("function", COUNTED)
@pytest.mark.parametrize("convert", [lambda f: f, lambda f: f.to_pandas(), lambda f: f.to_arrow()])
def test_counters_below_zero_and_of_text_are_named(small, function, convert):
    wrong = small.with_columns(
        ibyt=pl.when(pl.int_range(pl.len()) == 0).then(-65).otherwise("ibyt")
    )
    with pytest.raises(
        ValueError, match=r'^column "ibyt" \(bytes in\) must not be negative, got -65$'
    ):
        function(convert(wrong))
    with pytest.raises(
        TypeError, match=r'^column "ibyt" \(bytes in\) has dtype String; expected num'
    ):
        function(convert(small.with_columns(pl.col("ibyt").cast(pl.String))))
    with pytest.raises(
        TypeError, match=r'^column "ibyt" \(bytes in\) has dtype String; expected num'
    ):
        function(small.lazy().with_columns(pl.col("ibyt").cast(pl.String)))


@pytest.mark.parametrize("function", [flow.by_time, flow.peaks])
@pytest.mark.parametrize("engine", ["polars", "lazy", "pandas", "pyarrow", "duckdb"])
def test_a_time_zone_that_is_none_is_named_alike_on_every_engine(small, function, engine):
    frame = small
    if engine == "duckdb":
        duckdb = pytest.importorskip("duckdb")
        frame = duckdb.connect().from_arrow(small.to_arrow())
    elif engine != "polars":
        names = {"lazy": "lazy", "pandas": "to_pandas", "pyarrow": "to_arrow"}
        frame = getattr(small, names[engine])()
    with pytest.raises(ValueError, match=r"^time zone 'Mars' is not known; write it as in Africa"):
        function(frame, "hour", time_zone="Mars")
    with pytest.raises(TypeError, match=r"^time_zone must be text, got 5$"):
        function(frame, "hour", time_zone=5)


@pytest.mark.parametrize("convert", [pl.DataFrame, lambda f: f.to_pandas(), lambda f: f.to_arrow()])
def test_sums_beyond_whole_numbers_are_refused(convert):
    flows = pl.DataFrame({"sa": ["a", "a", "b"], "ibyt": [2**62, 2**61, 5], "obyt": [2**62, 0, 5]})
    with pytest.raises(ValueError) as error:
        flow.usage_by_source(convert(flows))
    assert str(error.value) == (
        "the sum of ibyt and obyt is 1.15292e+19, which is beyond 2**63 (leave out the rows that "
        "cannot be true)"
    )


def test_large_sums_that_are_known_are_given():
    flows = pl.DataFrame({"sa": ["a", "a", "b"], "ibyt": [2**61, 2**61, 5], "obyt": [7, 0, 5]})
    for convert in (pl.DataFrame, lambda f: f.to_pandas()):
        assert int(flow.usage_by_source(convert(flows))["total_bytes"][0]) == 2**62 + 7


def test_hours_of_another_time_zone(small):
    found = flow.by_time(small, "hour", time_zone="Asia/Kolkata")
    assert found["time"].to_list() == [datetime(2026, 1, 5, 14), datetime(2026, 1, 5, 15)]
    aware = small.with_columns(pl.col("ts").dt.replace_time_zone("America/New_York"))
    found = flow.by_time(aware, "hour", time_zone="UTC")
    assert found["time"].to_list() == [datetime(2026, 1, 5, 14), datetime(2026, 1, 5, 15)]


def test_equal_customers_have_equal_scores_where_quartiles_coincide():
    flows = pl.DataFrame(
        {
            "sa": [f"c{k}" for k in range(8)],
            "da": "x", "dp": 443, "pr": "TCP", "ts": datetime(2026, 1, 5), "ismc": "02:00",
            "ibyt": [5, 5, 5, 5, 5, 5, 5, 9], "obyt": 0,
        }
    )  # fmt: skip
    found = flow.ufm_segments(flows)
    assert found["ufm_group"].to_list() == ["111"] * 7 + ["411"]
    assert found["value_level"].to_list() == ["No Value"] * 7 + ["High"]
    assert found["ufm_level"].to_list() == ["Possible Customer Loss"] * 7 + ["Needs Attention"]


def test_both_scales_are_kept_and_may_disagree():
    flows = flow.simulate(n_flows=4_000, seed=2)
    found = flow.ufm_segments(flows, connections="mac")
    pairs = flow.segment_table(found, ["value_level", "ufm_level"])
    medium = pairs.filter(pl.col("value_level") == "Medium")
    assert pairs["customers"].sum() == found.height == flows["sa"].n_unique()
    assert set(found["value_level"]) == set(flow.VALUE_LEVELS)
    assert medium.height >= 1
    plain = flows.to_pandas()
    edges = pd.qcut(found["ufm_score"].to_pandas(), 4, labels=list(flow.VALUE_LEVELS))
    assert found["value_level"].to_list() == edges.tolist(), "as pandas.qcut"
    assert found["usage"].sum() == plain["ibyt"].sum() + plain["obyt"].sum()


def test_a_customer_may_be_any_key_and_flows_without_one_are_left_out(small):
    flows = small.with_columns(customer=pl.Series([7, 7, None, 8]), plan=pl.lit("gold"))
    found = flow.usage_by_source(flows, ["plan", "customer"])
    assert found.select("plan", "customer", "flows").rows() == [("gold", 7, 2), ("gold", 8, 1)]
    assert flow.ufm_segments(flows, "customer")["customer"].to_list() == [7, 8]
    assert flow.peaks(flows, by="customer")["customer"].to_list() == [7, 8]


def test_what_a_layout_lacks_is_left_out_or_named(small):
    flows = small.drop("obyt", "opkt", "ismc")
    usage = flow.usage_by_source(flows)
    assert usage["total_bytes"].to_list() == [400, 0] and usage["packets"].to_list() == [5, 0]
    assert {"delivery_ratio", "bytes_out", "distinct_ismc"}.isdisjoint(usage.columns)
    assert "bytes_out" not in flow.by_time(flows).columns
    has = 'the table has "ts", "td", "sa", "da", "dp", "pr", "flg", "ipkt", "ibyt"'
    for call, message in (
        (
            lambda: flow.derive(flows),
            f'column "obyt" (bytes out) is missing, so there is no total_bytes; it comes from nfdump -B -o csv up to 1.7.3, or %obyt in a csv: layout; {has}',
        ),
        (
            lambda: flow.delivery_ratio(flows, "sa"),
            f'column "obyt" (bytes out) is missing, so there is no delivery ratio; it comes from nfdump -B -o csv up to 1.7.3, or %obyt in a csv: layout; {has}',
        ),
        (
            lambda: flow.ufm_segments(flows, connections="mac"),
            f'column "ismc" (MAC address of the source) is missing, so there is no count of connections (see connections=); it comes from nfdump -o csv up to 1.7.3, or %ismc in a csv: layout; {has}',
        ),
        (
            lambda: flow.usage_by_source(flows, "customer"),
            f'column "customer" is missing, so there is no usage by source; {has}',
        ),
    ):
        with pytest.raises(ValueError) as error:
            call()
        assert str(error.value) == message


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda f: flow.derive([1]), TypeError, "flows has type list; expected a frame of pandas, Polars, pyarrow, DuckDB or PySpark"),
        (lambda f: flow.derive(f, ["speed"]), ValueError, "columns has 'speed'; known are total_bytes, byte_per_sec, pkt_per_sec, in_byte_per_ipkt, out_byte_per_opkt, byte_delivery_ratio, pkt_delivery_ratio"),
        (lambda f: flow.usage_by_source(f, []), TypeError, "by must be the name of a column or a list of names, got []"),
        (lambda f: flow.usage_by_source(f, ["sa", "sa"]), ValueError, "by names a column twice: sa, sa"),
        (lambda f: flow.top_talkers(f, 0), ValueError, "n must be a whole number from 1 on, got 0"),
        (lambda f: flow.top_talkers(f, measure="td"), ValueError, "measure must be \"total_bytes\" or \"flows\", got 'td'"),
        (lambda f: flow.by_time(f, "fortnight"), ValueError, "every must be \"second\", \"minute\", \"hour\", \"day\" or such as \"15m\", got 'fortnight'"),
        (lambda f: flow.by_time(f.with_columns(pl.col("ts").cast(pl.String))), TypeError, 'column "ts" has type String; expected times (read the flows with flow.read_nfdump)'),
        (lambda f: flow.peaks(f, by="sa", top=2), ValueError, "top must be 1 with by=, which gives the peak of each, got 2"),
        (lambda f: flow.delivery_ratio(f, threshold=0), ValueError, "threshold must be above 0, got 0"),
        (lambda f: flow.anomalies(f, threshold=7), ValueError, "threshold must be above 0 and up to 1, got 7"),
        (lambda f: flow.delivery_ratio(f, threshold="high"), TypeError, "threshold must be a number, got 'high'"),
        (lambda f: flow.ufm_segments(f, connections="port"), ValueError, "connections must be \"destination\", \"mac\" or a list of columns, got 'port'"),
        (lambda f: flow.segment_table(f), ValueError, 'column "ufm_level" is missing, so there is no table of segments; the table has "ts", "td", "sa", "da", "dp", "pr", "flg", "ipkt", "ibyt", "opkt", "obyt", "ismc"'),
        (lambda f: flow.summary(f), ValueError, "flows has none of the derived columns (try flow.derive(flows) first)"),
        (lambda f: flow.drill_down(f, "10.9.9.9"), ValueError, 'no flow has sa = "10.9.9.9"'),
        (lambda f: flow.anomalies(f.clear()), ValueError, "flows has no rows with a time and a source"),
        (lambda f: flow.simulate(anomalies=["worm"]), ValueError, "anomalies has 'worm'; known are port_scan, host_scan, exfiltration"),
        (lambda f: flow.simulate(n_customers=0), ValueError, "n_customers must be a whole number from 1 on, got 0"),
        (lambda f: flow.simulate(backend="dask"), ValueError, "backend must be \"polars\", \"pandas\" or \"pyarrow\", got 'dask'"),
    ],
)  # fmt: skip
def test_bad_input_is_named(small, call, kind, message):
    with pytest.raises(kind) as error:
        call(small)
    assert str(error.value) == message


def test_empty_flows_give_empty_tables(small):
    none = small.clear()
    assert flow.derive(none).height == 0
    assert flow.usage_by_source(none).height == 0
    assert flow.peaks(none, by="sa").height == 0
    assert flow.ufm_segments(none).height == 0
    assert flow.delivery_ratio(none, "sa").height == 0
    assert flow.segment_table(flow.ufm_segments(none)).height == 0


def test_a_drill_down_shows_one_source_from_all_sides(small):
    found = flow.drill_down(small, "10.0.0.1")
    assert found["usage"]["total_bytes"].to_list() == [1120]
    assert found["by_time"]["total_bytes"].to_list() == [940, 180]
    assert found["destinations"].rows() == [("192.0.2.1", 2, 940), ("192.0.2.2", 1, 180)]
    assert found["destination_ports"].rows() == [(443, "TCP", 2, 940), (53, "UDP", 1, 180)]
    assert found["protocols"].rows() == [("TCP", 2, 940), ("UDP", 1, 180)]
    lazy = flow.drill_down(small.lazy(), "10.0.0.1")
    assert lazy["destinations"].collect().equals(found["destinations"])


@real
def test_real_flows_agree_with_the_definitions(recorded):
    flows = pl.from_pandas(recorded)
    usage = flow.usage_by_source(flows)
    assert (flows.height, usage.height) == (5121, 579)
    expected = reference.usage_by_source(recorded, ["sa"])
    assert usage["sa"].to_list() == expected["sa"].tolist()
    for name in ("flows", "total_bytes", "distinct_ismc", "distinct_ts"):
        assert usage[name].to_list() == expected[name].tolist()
    for name in ("bytes_per_second", "delivery_ratio", "avg_bytes_per_mac"):
        ours = usage[name].fill_null(np.nan).to_numpy()
        np.testing.assert_allclose(ours, expected[name].to_numpy(float), rtol=1e-6)
    for connections, of in (("mac", ["ismc"]), ("destination", ["da", "dp", "pr"])):
        found = flow.ufm_segments(flows, connections=connections)
        expected = reference.ufm_segments(recorded, ["sa"], of)
        for name in expected.columns:
            assert found[name].to_list() == expected[name].tolist(), name
    table = flow.protocol_table(flows, ["pr", "flg"])
    expected = reference.counted(recorded, ["pr", "flg"])
    assert table.rows() == list(expected.itertuples(index=False, name=None))


def test_the_same_seed_gives_the_same_flows_and_labels_change_nothing_else():
    flows = flow.simulate(n_flows=2_000, seed=4)
    assert flows.equals(flow.simulate(n_flows=2_000, seed=4))
    assert not flows.equals(flow.simulate(n_flows=2_000, seed=5))
    ordinary = flow.simulate(n_flows=2_000, seed=4, anomalies=[])
    assert flows.filter(~pl.col("is_anomaly")).equals(ordinary)
    assert ordinary.height == 2_000 and ordinary["ts"].is_sorted()
    assert flows["anomaly"].value_counts().drop_nulls().height == 3
    hours = ordinary.group_by(pl.col("ts").dt.hour()).len().sort("ts")["len"]
    assert hours[19:22].sum() > 3 * hours[2:5].sum(), "evenings are busy"
    pandas = flow.simulate(n_flows=100, backend="pandas", seed=1)
    assert isinstance(pandas, pd.DataFrame) and pandas["ts"].dtype.kind == "M"


@pytest.mark.parametrize("seed", [0, 1])
def test_planted_scans_and_exfiltration_come_first_with_reasons(seed):
    flows = flow.simulate(n_flows=40_000, n_customers=300, seed=seed)
    found = flow.anomalies(flows)
    planted = flows.filter("is_anomaly").with_columns(time=pl.col("ts").dt.truncate("10m"))
    planted = planted.group_by("sa", "time").agg(pl.col("anomaly").first())
    ranked = found.join(planted, on=["sa", "time"], how="left", maintain_order="left")
    n = planted.height
    assert n == 7 and ranked["anomaly"].head(n).null_count() == 0, "seven of the first seven"
    assert ranked["is_anomaly"].head(n).all()
    flagged = ranked.filter("is_anomaly")
    assert flagged["anomaly"].null_count() <= 1, "of some 18,000 ordinary windows"
    first = dict(
        flagged.drop_nulls("anomaly")
        .group_by("anomaly")
        .agg(pl.col("reason_1", "reason_2").first())
        .select("anomaly", pl.concat_list("reason_1", "reason_2"))
        .rows()
    )
    assert any("ports = " in text for text in first["port_scan"])
    assert any("peers = " in text for text in first["host_scan"])
    assert any(
        text.startswith(("delivery_ratio", "total_bytes", "packets"))
        for text in first["exfiltration"]
    )


def test_addresses_kept_as_categories_or_numbers_are_keys_as_well(tmp_path):
    flows = flow.simulate(n_flows=1_500, n_customers=30, anomalies=[], seed=6)
    flow.write_nfdump(flows, tmp_path / "flows.csv")
    tables = {
        kind: flow.read_nfdump(tmp_path / "flows.csv", addresses=kind)
        for kind in ("text", "category", "integer")
    }
    for analysis in (flow.usage_by_source, flow.ufm_segments, lambda f: flow.peaks(f, by="sa")):
        text, category, integer = (analysis(table) for table in tables.values())
        assert category.equals(text)
        back = integer.with_columns(sa=flow.address_text(integer["sa"])).sort("sa")
        assert back.equals(text)
    found = [flow.anomalies(table, seed=1) for table in tables.values()]
    assert found[1].equals(found[0])
    assert found[2].height == found[0].height
