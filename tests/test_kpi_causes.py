"""What moved with an event, what it cost, and tables of sites that are not as they should be."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from linewatch import kpi

START = datetime(2026, 2, 10, 10)
VOLUMES = ["traffic_gb", "prb_percent", "throughput_mbit_per_s", "drop_rate_percent"]


def baselined(network, kpis=VOLUMES):
    """The long frame of kpi.baseline from kpi.score."""
    parts = []
    for name in kpis:
        scored = kpi.score(network.kpis, time="time", cell="cell_id", value=name)
        parts.append(
            scored.select("time", "baseline", "scale", cell="cell_id", kpi=pl.lit(name), value=name)
        )
    return pl.concat(parts)


def event(cell, name="traffic_gb", hours=6, start=START):
    end = start + timedelta(hours=hours - 1)
    return pl.DataFrame({"cell": [cell], "kpi": [name], "start": [start], "end": [end]})


def planted(*faults, n_sites=7):
    given = [{"start": START, "hours": 6} | fault for fault in faults]
    return kpi.simulate(n_sites, 6, faults=given, missing=0, seed=5)


@pytest.fixture(scope="module")
def outage():
    network = planted({"kind": "outage", "cell": "S001-1"})
    return network, baselined(network)


@pytest.fixture(scope="module")
def congestion():
    network = planted({"kind": "congestion", "cell": "S002-1"})
    return network, baselined(network)


@pytest.fixture(scope="module")
def site_outage():
    network = planted({"kind": "outage", "site": "S003"})
    return network, baselined(network)


def test_the_neighbours_that_took_up_an_outage_are_named(outage):
    network, frame = outage
    out = kpi.impact(frame, event("S001-1"), network.sites)
    row = out.events.row(0, named=True)
    assert row["n_hours"] == 6 and row["n_missing"] == 0
    assert row["lost_share"] > 0.97
    assert row["site_share"] == pytest.approx(row["lost"] / _expected(frame, "S001"))
    assert row["taken_up_share"] == pytest.approx(0.6, abs=0.2)
    assert row["net_lost"] == pytest.approx(row["lost"] - row["taken_up"])
    pairs = kpi.facing_cells(network.sites, "S001-1", max_distance_km="max_distance_km")
    assert set(out.neighbors["neighbor_cell"]) == set(pairs["neighbor_id"])
    nearest = pairs.row(0, named=True)["neighbor_id"]
    took = out.neighbors.filter("took_up")
    assert nearest in took["neighbor_cell"].to_list()
    when = pl.col("time").is_between(START, START + timedelta(hours=5))
    for pair in out.neighbors.iter_rows(named=True):
        rows = frame.filter(when & (pl.col("cell") == pair["neighbor_cell"]))
        rows = rows.filter(pl.col("kpi") == "traffic_gb")
        excess = (rows["value"] - rows["baseline"]).sum()
        assert pair["excess"] == pytest.approx(excess)
        assert pair["z"] == pytest.approx(excess / np.sqrt((rows["scale"] ** 2).sum()))
        assert pair["took_up"] == (pair["z"] >= 3)
        assert pair["share_of_lost"] == pytest.approx(excess / row["lost"])
    assert out.events["traffic"][0] == "traffic_gb"
    assert out.cells["cell"].to_list()[0] == "S001-1"
    assert out.cells["is_anomaly"].to_list() == [True] + [False] * pairs.height
    place = network.sites.row(0, named=True)
    assert out.cells.row(0, named=True)["latitude"] == place["latitude"]


def _expected(frame, site):
    when = pl.col("time").is_between(START, START + timedelta(hours=5))
    mine = pl.col("cell").str.starts_with(site) & (pl.col("kpi") == "traffic_gb")
    return frame.filter(when & mine)["baseline"].sum()


def test_lost_traffic_is_the_sum_of_what_is_missing_to_the_baseline(outage):
    network, frame = outage
    events = pl.concat([event("S001-1"), event("S005-2"), event("S001-1", "prb_percent", 9)])
    out = kpi.impact(frame, events, network.sites)
    assert out.events["rank"].to_list() == [1, 2, 3]
    for row in out.events.iter_rows(named=True):
        when = pl.col("time").is_between(row["start"], row["end"])
        rows = frame.filter(when & (pl.col("cell") == row["cell"]), pl.col("kpi") == "traffic_gb")
        assert row["lost"] == pytest.approx((rows["baseline"] - rows["value"]).sum())
        assert row["kpi"] == events["kpi"][row["event"]]
    both = out.cells.filter(pl.col("cell") == "S001-1").row(0, named=True)
    longer = out.events.filter(pl.col("kpi") == "prb_percent").row(0, named=True)
    assert both["n_events"] == 2
    assert both["lost"] == pytest.approx(longer["lost"])  # the hours they share count once


def test_missing_hours_are_counted_rather_than_lost(outage):
    network, frame = outage
    gone = (pl.col("cell") == "S001-1") & (pl.col("time") == START)
    row = kpi.impact(frame.filter(~gone), event("S001-1"), network.sites).events.row(0, named=True)
    assert (row["n_hours"], row["n_missing"]) == (5, 1)


def test_the_other_kpis_of_a_congested_cell_explain_it(congestion):
    network, frame = congestion
    found = kpi.causes(frame, event("S002-1", "throughput_mbit_per_s"), network.sites)
    assert found["scope"].unique().to_list() == ["cell"]
    first = found.filter(pl.col("cause_cell") == "S002-1")
    assert first["relation"].unique().to_list() == ["cell"]
    assert {"traffic_gb", "prb_percent"} <= set(first["cause_kpi"])
    assert found.row(0, named=True)["cause_cell"] == "S002-1"
    traffic = first.filter(pl.col("cause_kpi") == "traffic_gb").row(0, named=True)
    assert traffic["direction"] == "increase" and traffic["deviation"] > 3
    assert traffic["lead_h"] == 0 and traffic["n_moved"] == 6


def test_a_site_that_is_out_is_named_as_the_scope(site_outage):
    network, frame = site_outage
    found = kpi.causes(frame, event("S003-2"), network.sites, top=20)
    assert found["scope"].unique().to_list() == ["site"]
    assert found["site_moved"][0] == 1
    mates = found.filter(pl.col("relation") == "site", pl.col("cause_kpi") == "traffic_gb")
    assert set(mates["cause_cell"]) == {"S003-1", "S003-3"}
    assert mates["direction"].unique().to_list() == ["decrease"]
    alone = kpi.causes(frame, event("S003-2"))
    assert alone["scope"][0] == "cell" and set(alone["relation"]) == {"cell"}


def test_a_holiday_is_of_the_region():
    network = planted({"kind": "holiday", "start": "2026-02-10", "hours": 24}, n_sites=9)
    frame = baselined(network, ["traffic_gb"])
    away = frame.filter(pl.col("time").is_between(START, START + timedelta(hours=5)))
    away = away.group_by("cell").agg(
        z=((pl.col("value") - pl.col("baseline")) / pl.col("scale")).mean()
    )
    worst = away.sort("z")["cell"][0]
    found = kpi.causes(frame, event(worst), network.sites)
    assert found["scope"][0] == "region"
    assert found["region_moved"][0] > 0.25


def test_what_moved_before_the_event_comes_first():
    times = [START + timedelta(hours=h) for h in range(-8, 4)]

    def rows(cell, name, moved):
        value = np.where(np.isin(np.arange(-8, 4), moved), 20.0, 10.0)
        return pl.DataFrame(
            {
                "cell": cell,
                "kpi": name,
                "time": times,
                "value": value,
                "baseline": 10.0,
                "scale": 1.0,
            }
        )

    frame = pl.concat(
        [
            rows("A", "traffic", range(4)),
            rows("A", "same time", range(4)),
            rows("A", "two hours ahead", range(-2, 4)),
            rows("A", "six hours ahead", range(-6, 4)),
            rows("A", "too early to tell", range(-8, -6)),
            rows("A", "an hour late", range(1, 4)),
        ]
    )
    found = kpi.causes(frame, event("A", "traffic", 4))
    assert found["cause_kpi"].to_list() == [
        "six hours ahead", "two hours ahead", "same time", "an hour late"
    ]  # fmt: skip
    assert found["lead_h"].to_list() == [6, 2, 0, -1]
    assert found["deviation"].to_list() == [10, 10, 10, 7.5]
    assert found["rank"].to_list() == [1, 2, 3, 4]
    assert found["was_off"].to_list() == [False] * 4
    assert kpi.causes(frame, event("A", "traffic", 4), top=2).height == 2
    long_ago = pl.concat([frame, rows("A", "off all along", range(-8, 4))])
    found = kpi.causes(long_ago, event("A", "traffic", 4))
    assert found["cause_kpi"][2] == "off all along" and found["was_off"][2]
    assert found["lead_h"][2] == 6


def test_an_event_beside_which_nothing_moved_has_one_row(outage):
    _network, frame = outage
    quiet = frame.filter(pl.col("cell") == "S006-3")
    found = kpi.causes(quiet, event("S006-3"))
    assert found.height == 1
    assert found.select("rank", "cause_cell", "cause_kpi").row(0) == (None, None, None)
    assert kpi.causes(quiet, event("S006-3").clear()).height == 0
    assert kpi.impact(quiet, event("S006-3").clear()).events.height == 0


@pytest.mark.parametrize("backend", ["pandas", "pyarrow"])
def test_frames_of_every_kind(outage, backend):
    network, frame = outage
    tables = (frame, event("S001-1"), network.sites)
    as_native = (lambda t: t.to_pandas()) if backend == "pandas" else (lambda t: t.to_arrow())
    native = [as_native(table) for table in tables]
    out, expected = kpi.impact(*native), kpi.impact(*tables)
    assert {type(part) for part in out} == {type(native[0])}
    np.testing.assert_allclose(
        np.asarray(out.neighbors["excess"]), expected.neighbors["excess"].to_numpy()
    )
    assert type(kpi.causes(*native)) is type(native[0])


def test_what_cannot_be_explained_is_refused(outage):
    network, frame = outage
    with pytest.raises(ValueError, match='events names cell "X", which the frame does not have'):
        kpi.impact(frame, event("X"))
    with pytest.raises(ValueError, match='column "start" of events is missing'):
        kpi.causes(frame, event("S001-1").drop("start"))
    with pytest.raises(
        ValueError, match=r'column "baseline" is missing; expected the frame of kpi'
    ):
        kpi.causes(frame.drop("baseline"), event("S001-1"))
    with pytest.raises(ValueError, match='"drop_rate_percent" is a ratio and has no sum'):
        kpi.impact(frame, event("S001-1"), kpi="drop_rate_percent")
    with pytest.raises(ValueError, match='KPI "x" is not in the frame; it has traffic_gb, prb'):
        kpi.impact(frame, event("S001-1"), kpi="x")
    with pytest.raises(ValueError, match='column "azimuth" is missing; sites has'):
        kpi.causes(frame, event("S001-1"), network.sites.drop("azimuth"))
    strangers = network.sites.with_columns(cell_id="x" + pl.col("cell_id"))
    with pytest.raises(ValueError, match='no cell of the events is among sites: "S001-1" there'):
        kpi.causes(frame, event("S001-1"), strangers)
    for options, message in (
        ({"threshold": 0}, "threshold must be above 0, got 0"),
        ({"top": 0}, "top must be a whole number from 1 on, got 0"),
        ({"site_share": 2}, "site_share must be above 0 and at most 1, got 2"),
    ):
        with pytest.raises(ValueError, match=message):
            kpi.causes(frame, event("S001-1"), **options)


def site_table(**changes):
    table = {
        "CELL_NAME": ["A1", "A2", "B1", "C1"],
        "SITE_BASE": ["A", "A", "B", "C"],
        "LATITUDE": [48.0, 48.0, 48.01, 48.02],
        "LONGITUDE": [2.0, 2.0, 2.0, 2.0],
        "AZIMUTH": [0.0, 120, 180, 0],
        "MAX_DISTANCE_BY_PROVINCE": [3.0, 3, 4, 5],
    }
    return pl.DataFrame(table | changes)


def test_sites_get_the_names_of_linewatch():
    sites, report = kpi.clean_sites(site_table())
    assert str(report) == "4 rows in, 4 cells out; nothing to mend"
    assert sites.columns == [
        "cell_id", "site_id", "latitude", "longitude", "azimuth", "max_distance_km"
    ]  # fmt: skip
    assert report.columns["max_distance_km"] == "MAX_DISTANCE_BY_PROVINCE"
    assert kpi.facing_cells(sites, max_distance_km="max_distance_km").height == 2


def test_sites_that_cannot_be_are_mended_and_counted():
    table = site_table(
        CELL_NAME=[" A1", "A2", "B1", None],
        AZIMUTH=[400.0, 120, None, 0],
        LATITUDE=[48.0, None, 48.01, 48.02],
        MAX_DISTANCE_BY_PROVINCE=[3.0, 3, -1, 5],
    )
    twice = pl.concat([table, table[:1], table[2:3].with_columns(AZIMUTH=pl.lit(90.0))])
    sites, report = kpi.clean_sites(twice)
    assert sites["cell_id"].to_list() == ["A1", "B1"]
    assert sites["azimuth"].to_list() == [None, None]
    assert sites["max_distance_km"].to_list() == [3, 3]
    assert dict(report.counts.select("problem", "n").rows()) == {
        "azimuth beyond 360 degrees": 1,
        "cell there twice": 1,
        "no name of a cell": 1,
        "no possible distance": 1,
        "no possible place": 1,
        "rows of one cell that differ": 1,
    }
    assert (
        report.repairs.filter(pl.col("problem") == "azimuth beyond 360 degrees")["before"][0]
        == "400.0"
    )
    last, _ = kpi.clean_sites(twice, duplicates="last")
    assert last["azimuth"].to_list() == [None, 90]
    assert kpi.facing_cells(sites, max_distance_km="max_distance_km").height == 2


def test_sites_that_say_too_little_are_refused():
    with pytest.raises(
        ValueError, match="sites has no column for the azimuth; say azimuth=; it has"
    ):
        kpi.clean_sites(site_table().drop("AZIMUTH"))
    with pytest.raises(ValueError, match='column "az" is missing; sites has "CELL_NAME"'):
        kpi.clean_sites(site_table(), azimuth="az")
    with pytest.raises(ValueError, match='cell "A1" is there more than once; say duplicates='):
        kpi.clean_sites(pl.concat([site_table()] * 2), duplicates="error")
    with pytest.raises(ValueError, match="no cell of sites has a place"):
        kpi.clean_sites(
            site_table(LATITUDE=[None] * 4).with_columns(pl.col("LATITUDE").cast(float))
        )
    with pytest.raises(ValueError, match="duplicates must be first, last or error, got 'all'"):
        kpi.clean_sites(site_table(), duplicates="all")
    with pytest.raises(ValueError, match="column \"LATITUDE\" holds 'north'; expected a number"):
        kpi.clean_sites(site_table(LATITUDE=["north", "48", "48", "48"]))
