"""A simulated network and the truth about its faults."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from linewatch import kpi


@pytest.fixture(scope="module")
def network():
    return kpi.simulate(n_sites=7, n_weeks=7, seed=3)


def of_cell(frame, cell, start, hours):
    when = pl.col("time").is_between(start, start + timedelta(hours=hours - 1))
    return frame.filter((pl.col("cell_id") == cell) & when)


def test_the_same_seed_gives_the_same_network(network):
    again = kpi.simulate(n_sites=7, n_weeks=7, seed=3)
    for name in ("kpis", "sites", "truth"):
        assert getattr(network, name).equals(getattr(again, name))
    other = kpi.simulate(n_sites=7, n_weeks=7, seed=4)
    assert not network.kpis.equals(other.kpis)


def test_every_kind_is_planted_after_the_quiet_weeks(network):
    assert set(network.truth["fault"]) == set(kpi.FAULTS)
    start = network.kpis["time"].min()
    assert network.truth["start"].min() >= start + timedelta(weeks=4)
    assert network.truth["end"].max() <= network.kpis["time"].max()
    assert network.kpis.height == pytest.approx(21 * 7 * 168, rel=0.003)
    holiday = network.truth.filter(pl.col("fault") == "holiday")
    assert holiday["cell_id"].n_unique() == 21 and not holiday["is_degradation"].any()
    assert holiday["size"].null_count() == 21
    assert holiday["start"][0].weekday() < 5 and holiday["start"][0].hour == 0


def test_the_kpis_of_an_hour_agree_with_each_other(network):
    rows = network.kpis
    assert rows["prb_percent"].is_between(0, 100).all()
    assert (rows["dropped_calls"] <= rows["calls"]).all()
    rate = 100 * rows["dropped_calls"] / rows["calls"]
    np.testing.assert_allclose(rate.fill_nan(None), rows["drop_rate_percent"], atol=6e-4)
    busy = rows.filter(pl.col("prb_percent") > 50)["throughput_mbit_per_s"].mean()
    assert busy < 0.8 * rows.filter(pl.col("prb_percent") < 20)["throughput_mbit_per_s"].mean()
    of_day = rows.group_by(pl.col("time").dt.hour()).agg(pl.col("traffic_gb").mean())
    assert of_day["traffic_gb"].max() > 3 * of_day["traffic_gb"].min()


def test_each_fault_does_what_it_is_named_for():
    start = datetime(2026, 2, 10, 10)
    at = {"start": start, "hours": 24}

    def both(kind, **changes):
        fault = {"kind": kind, "cell": "S001-1"} | at | changes
        quiet, hit = (
            kpi.simulate(7, 8, faults=faults, missing=0, seed=5) for faults in ([], [fault])
        )
        rows = [of_cell(n.kpis, "S001-1", start, fault["hours"]) for n in (quiet, hit)]
        return quiet, hit, *rows

    quiet, hit, before, after = both("outage")
    assert after["traffic_gb"].sum() < 0.02 * before["traffic_gb"].sum()
    assert after["throughput_mbit_per_s"].max() == 0
    changed = quiet.kpis.filter(quiet.kpis["traffic_gb"] != hit.kpis["traffic_gb"])
    near = set(kpi.facing_cells(hit.sites, "S001-1", max_distance_km=3.0)["neighbor_id"])
    assert set(changed["cell_id"]) == near | {"S001-1"}
    lost = (before["traffic_gb"] - after["traffic_gb"]).sum()
    took = (hit.kpis["traffic_gb"] - quiet.kpis["traffic_gb"]).sum() + lost
    assert took / lost == pytest.approx(0.6, abs=0.06)
    _, _, before, after = both("sleeping cell", size=0.2)
    assert after["traffic_gb"].sum() / before["traffic_gb"].sum() == pytest.approx(0.2, abs=0.02)
    assert after["throughput_mbit_per_s"].mean() > before["throughput_mbit_per_s"].mean()
    _, _, before, after = both("drift", size=0.6, hours=300)
    ratio = (after["throughput_mbit_per_s"] / before["throughput_mbit_per_s"]).to_numpy()
    assert ratio[:10].mean() > 0.97 and ratio[-10:].mean() < 0.62
    assert after["dropped_calls"][-100:].sum() > 1.5 * before["dropped_calls"][-100:].sum()
    _, _, before, after = both("congestion", size=2.5, hours=6)
    assert (after["prb_percent"] > before["prb_percent"] + 10).all()
    assert (after["throughput_mbit_per_s"] < before["throughput_mbit_per_s"]).all()
    quiet, hit, before, after = both("swap", hours=168)
    other = of_cell(quiet.kpis, "S001-2", start, 168)["traffic_gb"].to_numpy()
    assert np.corrcoef(after["traffic_gb"].to_numpy(), other)[0, 1] > 0.95
    assert hit.truth["cell_id"].to_list() == ["S001-1", "S001-2"]


def test_a_whole_site_can_go_out():
    fault = {"kind": "outage", "site": "S002", "start": "2026-02-10 10:00", "hours": 5}
    network = kpi.simulate(3, 6, faults=[fault], missing=0)
    assert network.truth["cell_id"].to_list() == ["S002-1", "S002-2", "S002-3"]
    assert network.truth["scope"].unique().to_list() == ["site"]
    labelled = network.labelled()
    assert labelled["is_fault"].sum() == 15
    silent = labelled.filter("is_fault")
    assert silent["traffic_gb"].max() < 0.5
    assert labelled.filter(~pl.col("is_fault"))["fault"].null_count() == labelled.height - 15


def test_sites_stand_apart_and_look_around(network):
    places = network.sites.unique("site_id")
    assert places.height == 7
    pairs = kpi.facing_cells(network.sites, max_distance_km="max_distance_km")
    assert pairs.filter(~pl.col("is_same_site"))["distance_km"].min() > 0.5
    turns = network.sites["azimuth"].to_numpy().reshape(7, 3)
    np.testing.assert_array_equal(np.diff(turns) % 360, 120)


@pytest.mark.parametrize("backend", ["pandas", "pyarrow"])
def test_frames_of_the_kind_asked_for(backend):
    network = kpi.simulate(2, 6, faults=["outage"], backend=backend, seed=2)
    kinds = {type(part).__module__.split(".")[0] for part in (network.kpis, network.truth)}
    assert kinds == {type(network.labelled()).__module__.split(".")[0]} == {backend}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_sites": 0}, "n_sites must be a whole number from 1 on, got 0"),
        ({"n_weeks": 1.5}, "n_weeks must be a whole number from 1 on, got 1.5"),
        ({"missing": 1}, "missing must be from 0 to below 1, got 1"),
        (
            {"faults": ["fire"]},
            "faults has 'fire'; known are outage, sleeping cell, drift, congestion, holiday, swap",
        ),
        (
            {"faults": [{"kind": "outage", "where": 1}]},
            'a fault has no "where"; it has kind, cell, site, start, hours, size',
        ),
        (
            {"faults": [{"kind": "outage", "cell": "X"}]},
            'cell "X" is not among the simulated ones',
        ),
        (
            {"faults": [{"kind": "outage", "site": "X"}]},
            'site "X" is not among the simulated ones',
        ),
        (
            {"faults": [{"kind": "outage", "start": "2027-01-01", "hours": 2}]},
            "outage from 2027-01-01 00:00:00 for 2 hours is outside the simulated weeks",
        ),
        (
            {"n_weeks": 4, "faults": ["drift"]},
            "drift of 307 hours does not fit after quiet_weeks=4; ask for more weeks",
        ),
        ({"n_sites": 1, "faults": ["swap"] * 9}, "swap finds no room; ask for fewer faults"),
    ],
)
def test_networks_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError) as error:
        kpi.simulate(**({"n_sites": 2, "n_weeks": 8} | options))
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"cell": "nope"}, 'cell "nope" is not among the simulated ones'),
        ({"start": "x"}, "start of a fault must be a local time such as "),
        ({"start": "2026-01-06T00:00+01:00"}, "start of a fault must be a local time such as "),
    ],
)
def test_a_fault_that_cannot_be_is_named_in_a_short_simulation_too(fault, message):
    outage = {"kind": "outage", "start": "2026-01-06 10:00", "hours": 3} | fault
    with pytest.raises(ValueError, match=f"^{message}"):
        kpi.simulate(2, 2, faults=[outage])


def test_a_start_that_is_no_time_is_refused_by_name():
    with pytest.raises(ValueError, match='^start must be a local time such as "2026-01-05" or'):
        kpi.simulate(2, 6, start="x")
