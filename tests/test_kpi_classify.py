"""Classes of rows and of events, persistent cells, and files larger than memory."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from linewatch import datasets, kpi

MONDAY = datetime(2026, 1, 5)


def hours(n, start=MONDAY):
    return [start + timedelta(hours=i) for i in range(n)]


# --- rows --------------------------------------------------------------------------------------


def original(frame, k=1.5):
    """The original notebook's way, in plain pandas."""
    frame = frame.sort_values(["CELL_NAME", "DATETIME"])
    keys = [frame["CELL_NAME"], frame["DATETIME"].dt.day_of_week, frame["DATETIME"].dt.hour]
    rolling = frame.groupby(keys)["TRAFIC_CS"].rolling(24, min_periods=1)
    mean, std = rolling.mean(), rolling.std()
    mean, std = (a.droplevel([0, 1, 2]).reindex(frame.index) for a in (mean, std))
    value = frame["TRAFIC_CS"]
    above, below = value > mean + k * std, value < mean - k * std
    return np.where(above, "INCREASE", np.where(below, "DEGRADATION", "STABLE"))


@pytest.fixture(scope="module")
def traffic():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(8)
    n = 168 * 9
    return pd.DataFrame(
        {
            "CELL_NAME": np.repeat(["a", "b", "c"], n),
            "DATETIME": np.tile(np.array(hours(n), "datetime64[s]"), 3),
            "TRAFIC_CS": rng.gamma(20, 1, 3 * n),
        }
    )


def test_classes_are_those_of_the_original(traffic):
    ours = kpi.classify(traffic, parity=True)
    expected = original(traffic)
    assert ours["class"].tolist() == expected.tolist()
    assert set(expected) == {"INCREASE", "DEGRADATION", "STABLE"}


def test_with_four_rows_in_their_own_window_nothing_stands_out():
    times = [MONDAY + timedelta(weeks=i) for i in range(4)]
    frame = pl.DataFrame({"time": times, "traffic": [10.0, 10.1, 9.9, 1e6]})
    assert kpi.classify(frame, parity=True)["class"].to_list() == ["STABLE"] * 4
    assert kpi.classify(frame)["class"].to_list() == [None, None, None, "INCREASE"]


def test_parity_leaves_no_room_for_other_options(traffic):
    with pytest.raises(ValueError, match=r"^parity=True sets window itself, got 12$"):
        kpi.classify(traffic, parity=True, window=12)
    with pytest.raises(ValueError, match=r"^k must be a number above 0, got 0$"):
        kpi.classify(traffic, k=0)


def test_persistent_cells_are_those_of_the_original(traffic):
    n = len(traffic) // 3
    traffic = traffic.copy()
    value = traffic["TRAFIC_CS"].to_numpy().copy()
    value[n - 8 : n - 1] = 0.0  # cell a: seven of the last hours
    value[2 * n - 20 : 2 * n - 13] = 0.0  # cell b: seven hours, but before the last twelve
    traffic["TRAFIC_CS"] = value
    found = kpi.classify(traffic, parity=True)
    late = found[found["time"] >= found["time"].max() - np.timedelta64(12, "h")]
    bad = (late["class"] != "STABLE").astype(int)
    sums = bad.groupby(late["cell"]).rolling(12, min_periods=1).sum()
    expected = sorted(sums[sums >= 6].index.get_level_values(0).unique())
    kept = kpi.persistent(found)
    assert sorted(kept["cell"].unique()) == expected == ["a"]
    assert kept.equals(found[found["cell"] == "a"])
    losses = kpi.persistent(found, classes="DEGRADATION", min_anomalies=7)
    assert sorted(losses["cell"].unique()) == ["a"]
    detected = kpi.detect(traffic, rules={"z": {"threshold": 1.2}}, floor=0)
    assert "a" in set(kpi.persistent(detected)["cell"])


def test_persistent_refuses_what_cannot_be(traffic):
    found = kpi.classify(traffic[:100], parity=True)
    with pytest.raises(ValueError, match=r"^min_anomalies must be at most rows \(4\), got 6$"):
        kpi.persistent(found, rows=4)
    message = r"^classes must be of INCREASE, DEGRADATION, STABLE, got 'BAD'$"
    with pytest.raises(ValueError, match=message):
        kpi.persistent(found, classes=["BAD"])
    message = r'^column "class" is missing; use the frame of kpi.classify or kpi.detect$'
    with pytest.raises(ValueError, match=message):
        kpi.persistent(found.drop(columns="class"))


# --- events ------------------------------------------------------------------------------------

N = 24 * 42
FROM = 24 * 38  # when the trouble begins


def usual(rng, level=100.0):
    """Six weeks of hourly traffic with a daily rhythm and 5 % noise."""
    hour = np.arange(N)
    return level * (1 + 0.5 * np.sin(hour / 24 * 2 * np.pi)) * (1 + rng.normal(0, 0.05, N))


def outage(x, rng):
    x[FROM : FROM + 10] = 0


def missing(x, rng):
    x[FROM : FROM + 10] = np.nan


def stuck(x, rng):
    x[FROM : FROM + 24] = x[FROM]


def half(x, rng):
    x[FROM : FROM + 4] *= 0.3


def double(x, rng):
    x[FROM : FROM + 4] *= 2


def lower(x, rng):
    x[FROM:] *= 0.85


def sinking(x, rng):
    x[FROM:] *= np.linspace(1, 0.72, N - FROM)


def scattered(x, rng):
    x[FROM : FROM + 72] *= 1 + rng.choice([-0.2, 0.2], 72)


def turned(x, rng):
    x[FROM : FROM + 72] = x[FROM - 12 : FROM + 60].copy()


FAULTS = {
    outage: "DROP_OUT",
    missing: "DROP_OUT",
    stuck: "FLAT_LINE",
    half: "SUDDEN_DECREASE",
    double: "SUDDEN_INCREASE",
    lower: "LEVEL_SHIFT",
    sinking: "DRIFT",
    scattered: "VARIANCE_SHIFT",
    turned: "SEASONAL_BREAK",
}


@pytest.mark.parametrize("direction", ["worse", "both"])
@pytest.mark.parametrize("amplitude", [0.3, 0.8])
def test_one_hour_out_of_line_is_no_break_of_the_rhythm(direction, amplitude):
    spike = FROM + 18
    for seed in range(3):
        noise = 1 + np.random.default_rng(seed).normal(0, 0.1, N)
        x = 5 * (1 + amplitude * np.sin(np.arange(N) / 24 * 2 * np.pi)) * noise
        x[spike] = 40
        frame = pl.DataFrame({"time": hours(N), "traffic": x})
        found = kpi.detect(frame, direction=direction)
        events = kpi.classify_events(found).filter(pl.col("end") >= hours(N)[spike])
        assert events.height
        events = events.filter(pl.col("end") <= hours(N)[spike] + timedelta(hours=48))
        assert set(events["class"]) == {"SUDDEN_INCREASE"}
        assert set(events["direction"]) == {1}
        assert set(events["onset"]) == {hours(N)[spike]}
        assert not events["is_worse"].any()


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_gets_its_name(fault):
    names, starts = [], []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x = usual(rng)
        fault(x, rng)
        frame = pl.DataFrame({"time": hours(N), "traffic": x})
        found = kpi.detect(frame, method="time of day", direction="both")
        events = kpi.classify_events(found)
        first = events.filter(pl.col("end") >= hours(N)[FROM]).row(0, named=True)
        names.append(first["class"])
        starts.append(first["onset"])
        assert first["direction"] == (1 if fault is double else first["direction"])
        assert first["is_worse"] == (first["direction"] == -1)
        assert events.filter(pl.col("end") < hours(N)[FROM]).height == 0
    assert names == [FAULTS[fault]] * 3
    if fault not in (sinking, stuck, scattered, turned, missing):
        near = [abs(start - hours(N)[FROM]) <= timedelta(hours=3) for start in starts]
        assert all(near), starts


@pytest.mark.parametrize("method", ["time of day", "hour of week"])
@pytest.mark.parametrize("seed", range(4))
def test_a_slow_degradation_is_found_though_every_step_is_noise(method, seed):
    """A success rate of 98.4 becomes 97.1 and 96.3 within four days; one hour in 0.8 is noise."""
    day = np.arange(40 * 24) / 24
    course = np.interp(day, [0, 34, 36, 38], [98.4, 98.4, 97.1, 96.3])
    assert np.abs(np.diff(course)).max() < 0.8 / 20
    rate = course + np.random.default_rng(seed).normal(0, 0.8, day.size)
    frame = pl.DataFrame({"time": hours(day.size), "success_rate": rate})
    found = kpi.detect(frame, method=method)
    after = MONDAY + timedelta(days=34)
    events = kpi.classify_events(found).filter(pl.col("end") >= after).rows(named=True)
    assert events
    for event in events:
        assert event["class"] in ("DRIFT", "LEVEL_SHIFT")
        assert event["direction"] == -1 and event["is_worse"]
        assert abs(event["onset"] - after) < timedelta(days=1.5)
    assert events[0]["start"] < after + timedelta(days=4)
    assert -2.5 < events[-1]["size"] < -1.3


def test_the_better_direction_is_no_event_unless_asked_for(rng):
    x = usual(rng)
    double(x, rng)
    frame = pl.DataFrame({"time": hours(N), "traffic": x})
    assert not kpi.detect(frame, method="time of day", rules=["z"])["is_anomaly"].any()


def test_a_frame_without_events_gives_none(rng):
    frame = pl.DataFrame({"time": hours(N), "traffic": usual(rng)})
    events = kpi.classify_events(kpi.detect(frame, method="time of day"))
    assert events.height == 0
    assert events.columns[:5] == ["cell", "kpi", "event", "class", "start"]


def test_classify_events_wants_a_detected_frame(rng):
    frame = kpi.baseline(pl.DataFrame({"time": hours(N), "traffic": usual(rng)}))
    message = r'^column "score" is missing; use the frame that kpi.detect returns$'
    with pytest.raises(ValueError, match=message):
        kpi.classify_events(frame)


# --- files -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cells():
    return datasets.hourly_cells(n_cells=15, n_weeks=7, n_degradations=12, seed=4)


@pytest.mark.parametrize("chunk_rows", [100, 5000, 10**7])
@pytest.mark.parametrize("order", ["cell", "time", "random"])
def test_a_file_gives_what_the_table_gives(chunk_rows, order, cells, tmp_path):
    if order == "time":
        cells = cells.sort("time", "cell_id")
    elif order == "random":
        cells = cells.sample(fraction=1, shuffle=True, seed=3)
    path = tmp_path / "cells.parquet"
    cells.write_parquet(path, row_group_size=3000)
    options = {"kpis": ["traffic_mbit_per_s", "prb_utilization_percent"]}
    told = []
    events, ranked = kpi.scan(path, chunk_rows=chunk_rows, progress=told.append, **options)
    found = kpi.detect(cells, **options)
    expected = kpi.classify_events(found)
    key = ["kpi", "cell", "event"]
    assert events.sort(key).equals(expected.sort(key))
    assert events["score"].to_list() == sorted(events["score"], reverse=True)
    again = kpi.rank(found)
    assert ranked.select(again.columns).equals(again.cast(dict(ranked.schema)))
    assert sum(told) == len(cells) * 5
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_with_a_time_zone_gives_what_the_table_gives(cells, tmp_path):
    cells = cells.with_columns(pl.col("time").dt.replace_time_zone("UTC"))
    cells.write_parquet(tmp_path / "cells.parquet")
    options = {"kpis": ["traffic_mbit_per_s"], "time_zone": "Africa/Casablanca"}
    events, _ = kpi.scan(tmp_path / "cells.parquet", chunk_rows=5000, **options)
    expected = kpi.classify_events(kpi.detect(cells, **options))
    assert events.sort("cell", "event").equals(expected.sort("cell", "event"))
    assert events.schema["onset"] == pl.Datetime("us", "Africa/Casablanca")


def test_a_file_that_cannot_be_is_refused_and_leaves_nothing(cells, tmp_path):
    path = tmp_path / "cells.parquet"
    with pytest.raises(FileNotFoundError, match=r"does not exist$"):
        kpi.scan(path)
    path.write_text("time,traffic\n")
    with pytest.raises(ValueError, match=r"is no Parquet file \(kpi.detect takes frames"):
        kpi.scan(path)
    pl.concat([cells, cells[:1]]).write_parquet(path)
    with pytest.raises(ValueError, match=r"^1 row repeats a cell and a time, first 2026-01-05"):
        kpi.scan(path, kpis=["active_users"], folder=tmp_path)
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ValueError, match=r"^rule peers needs all cells at once: use kpi.detect$"):
        kpi.scan(path, rules=["peers"])
