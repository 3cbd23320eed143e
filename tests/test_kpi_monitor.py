"""The monitor against the batch, row for row, and what it refuses."""

import inspect
import pickle
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from linewatch import kpi
from linewatch.kpi._rules import BATCH_ONLY, METHODS, RULES

START = datetime(2026, 1, 5)
EVERY = [name for name in RULES if name not in BATCH_ONLY]
# Rules that answer within few rows, so that short series meet all of them.
SOON = {name: {"warm_up": 30} if "warm_up" in RULES[name] else None for name in EVERY}
OF_VALUE = {"of": "value", "on": {"drops": 6}, "off": {"drops": 3}}
VERDICT = [
    "cell", "kpi", "time", "value", "baseline", "scale", "score", "direction", "rule", "rules",
    "is_anomaly", "is_alarm", "event",
]  # fmt: skip


def cells(n_hours=600, more=0):
    """Three cells with gaps, an outage, a shift, a flat run and a spike, by time."""
    rng = np.random.default_rng(3)
    last = START + timedelta(hours=n_hours)
    hours = np.arange(n_hours := 600 + more)
    parts = []
    for number, name in enumerate(["A", "B", "C"]):
        traffic = 100 + 40 * np.sin(hours / 24 * 2 * np.pi) + rng.normal(0, 4, n_hours)
        drops = rng.poisson(3.0, n_hours).astype(float)
        traffic[400 + 20 * number : 412 + 20 * number] = 0.0
        traffic[500:] += 25.0 * number
        drops[450 + number] = 60.0
        drops[480:500] = 2.0
        traffic[rng.random(n_hours) < 0.04] = np.nan
        time = [START + timedelta(hours=int(h)) for h in hours]
        parts.append(
            pl.DataFrame({"time": time, "cell": name, "traffic": traffic, "drops": drops}).filter(
                pl.Series(rng.random(n_hours) > 0.03)
            )
        )
    return pl.concat(parts).filter(pl.col("time") < last).sort("time", "cell")


def watched(monitor, frame, rng, restore=True):
    """Feed a frame in batches of random length, through a snapshot now and then."""
    rows, opened, closed, at = [], [], [], 0
    while at < len(frame):
        to = at + int(rng.choice([1, 3, 40, 300]))
        told = monitor.update(frame[at:to])
        rows.append(told.rows)
        opened.append(told.opened)
        closed.append(told.closed)
        at = to
        if restore and rng.random() < 0.4:
            monitor = kpi.Monitor.restore(monitor.snapshot())
    order = {"traffic": 0, "drops": 1}
    found = pl.concat(rows).sort(pl.col("kpi").replace_strict(order), "cell", "time")
    return monitor, found, pl.concat(opened), pl.concat(closed)


def test_the_defaults_are_those_of_detect():
    batch = inspect.signature(kpi.detect).parameters
    for name, parameter in inspect.signature(kpi.Monitor).parameters.items():
        if name not in ("lateness", "restart_after"):
            assert parameter.default == batch[name].default, name
    assert set(batch) - set(inspect.signature(kpi.Monitor).parameters) == {
        "frame", "n_jobs", "progress",
    }  # fmt: skip


@pytest.mark.parametrize("method", list(METHODS))
def test_row_by_row_is_the_whole_table(method, rng):
    frame = cells()
    options = {"rules": SOON, "method": method, "direction": "both"}
    if method != "hour of week":
        options["window"] = 48
    _, found, _, _ = watched(kpi.Monitor(kpis=["traffic", "drops"], **options), frame, rng)
    batch = kpi.detect(frame, kpis=["traffic", "drops"], **options)
    assert batch["is_anomaly"].sum() > 20 and batch["event"].max() > 1
    exact = method in ("hour of week", "time of day", "ewma")
    close = {"check_exact": True} if exact else {"rel_tol": 1e-12, "abs_tol": 1e-9}
    assert_frame_equal(found.select(VERDICT), batch.select(VERDICT), **close)
    assert found["status"].unique().to_list() == ["taken"]


@pytest.mark.parametrize(
    "options",
    [
        {"statistic": "median", "method": "rolling", "window": 25},
        {"statistic": "median", "method": "time of day", "window": 6},
        {"include_current": True, "method": "rolling", "window": 30},
        {"include_current": True, "method": "ewma", "window": 30},
        {"floor": 0.0, "min_scale": {"traffic": 5.0}, "method": "time of day"},
        {"combine": 2, "persistence": (3, 6), "min_duration": 2, "method": "time of day"},
        {"combine": "all", "rules": ["z", "threshold"], "method": "time of day"},
        {"refractory": "12h", "merge_gap": "2h", "rules": {"z": {"threshold": 2.5}}},
        {"polarity": {"traffic": "high"}, "direction": "worse", "method": "time of day"},
        {"rules": {"threshold": OF_VALUE, "z": None}, "method": "time of day"},
    ],
)  # fmt: skip
def test_every_option_means_what_it_means_for_the_whole_table(options, rng):
    frame = cells(520)
    options = {"rules": SOON} | options
    _, found, _, _ = watched(kpi.Monitor(kpis=["traffic", "drops"], **options), frame, rng)
    batch = kpi.detect(frame, kpis=["traffic", "drops"], **options)
    assert_frame_equal(found.select(VERDICT), batch.select(VERDICT), rel_tol=1e-12, abs_tol=1e-9)


@pytest.mark.parametrize("refractory", [None, "20h"])
def test_events_open_and_close_as_those_of_the_whole_table(rng, refractory):
    frame = cells()
    options = {"rules": ["z", "drop_out"], "method": "time of day", "merge_gap": "4h"}
    options["refractory"] = refractory
    monitor, _, opened, closed = watched(kpi.Monitor(**options), frame, rng)
    # A year later all are over.
    last = frame[-3:].with_columns(pl.col("time") + timedelta(days=365))
    after = monitor.update(last)
    closed = pl.concat([closed, after.closed]).sort("kpi", "cell", "start")
    batch = kpi.events(kpi.detect(frame, **options)).sort("kpi", "cell", "start")
    assert len(batch) > 4
    columns = [name for name in batch.columns if name in closed.columns]
    assert {"start", "end", "n_anomalies", "worst_time", "excess", "rule"} <= set(columns)
    assert_frame_equal(
        closed.select(columns), batch.select(columns), rel_tol=1e-9, check_dtypes=False
    )
    began = opened.sort("kpi", "cell", "start").select("cell", "kpi", "start", "event")
    assert_frame_equal(began, batch.select("cell", "kpi", "start", "event"))


def test_an_event_goes_on_over_a_snapshot():
    rules = {"z": {"threshold": np.int64(5)}}
    monitor = kpi.Monitor(rules=rules, method="rolling", merge_gap=timedelta(hours=3))
    for hour in range(100):
        monitor.update({"time": START + timedelta(hours=hour), "traffic": 20.0 + hour % 2})
    told = monitor.update({"time": START + timedelta(hours=100), "traffic": 0.0})
    [event] = told.opened
    assert (event["start"], event["direction"]) == (START + timedelta(hours=100), -1)
    monitor = pickle.loads(pickle.dumps(monitor))
    assert repr(monitor) == "<Monitor of 1 cell, traffic: 1 event goes on>"
    told = monitor.update({"time": START + timedelta(hours=101), "traffic": 1.0})
    assert not told.opened and told.rows[0]["event"] == 1
    told = monitor.update({"time": START + timedelta(hours=105), "traffic": 20.0})
    [event] = told.closed
    assert event["n_anomalies"] == 2 and event["end"] == START + timedelta(hours=101)


def test_rows_out_of_order_wait_and_are_scored_in_order(rng):
    frame = cells(200)
    by = frame["time"].cast(pl.Int64).to_numpy() + rng.integers(0, 5 * 3_600_000_000, len(frame))
    shuffled = frame[np.argsort(by)]
    options = {"kpis": ["traffic"], "rules": ["z"], "method": "time of day"}
    monitor = kpi.Monitor(lateness="6h", **options)
    parts = [monitor.update(shuffled[at : at + 50]).rows for at in range(0, len(frame), 50)]
    monitor = kpi.Monitor.restore(monitor.snapshot())
    parts.append(monitor.flush().rows)
    found = pl.concat(parts).sort("cell", "time")
    assert found["status"].unique().to_list() == ["taken"]
    assert_frame_equal(found.select(VERDICT), kpi.detect(frame, **options).select(VERDICT))


def test_one_row_after_the_other_is_told_as_a_frame_is():
    frame = cells(260)[500:]
    options = {"rules": {"z": {"threshold": 2.0}}, "method": "time of day", "floor": 0.0}
    columns = {"kpis": ["traffic", "drops"]}
    one, whole = kpi.Monitor(**options, **columns), kpi.Monitor(**options, **columns)
    rows, opened, closed = [], [], []
    for row in frame.to_dicts():
        told = one.update(row)
        rows += told.rows
        opened += told.opened
        closed += told.closed
    expected = whole.update(frame)
    assert len(opened) > 2 and closed

    def ordered(found):
        return sorted(map(str, found))

    assert ordered(rows) == ordered(expected.rows.to_dicts())
    begun = [{name: event[name] for name in ("cell", "kpi", "start", "event")} for event in opened]
    starts = expected.opened.select("cell", "kpi", "start", "event").to_dicts()
    assert ordered(begun) == ordered(starts)
    last = [one.update(row | {"time": START + timedelta(days=90)}) for row in frame[-3:].to_dicts()]
    closed += [event for told in last for event in told.closed]
    after = whole.update(frame[-3:].with_columns(time=START + timedelta(days=90)))
    assert ordered(closed) == ordered(pl.concat([expected.closed, after.closed]).to_dicts())


def test_late_and_repeated_rows_are_not_scored():
    monitor = kpi.Monitor(kpis="traffic", rules=["z"], method="rolling")
    hours = [0, 2, 1, 2, 3]
    rows = {"time": [START + timedelta(hours=h) for h in hours], "traffic": [1.0] * 5}
    told = monitor.update(pl.DataFrame(rows))
    assert told.rows["status"].to_list() == ["taken", "taken", "late", "duplicate", "taken"]
    assert told.rows["is_anomaly"].to_list() == [False, False, None, None, False]


def test_a_clock_that_was_put_back_starts_its_cell_afresh():
    monitor = kpi.Monitor(rules=["z"], method="rolling", min_periods=5, floor=0.0, restart_after=2)
    for hour in range(20):
        monitor.update({"time": START + timedelta(hours=hour), "traffic": 20.0 + hour % 2})
    assert len(monitor.update({"time": START + timedelta(hours=20), "traffic": 0.0}).opened) == 1
    past = START - timedelta(days=400)
    assert monitor.update({"time": past, "traffic": 9.0}).rows[0]["status"] == "late"
    told = monitor.update({"time": past + timedelta(hours=1), "traffic": 9.0})
    assert told.rows[0]["status"] == "restarted" and told.rows[0]["baseline"] is None
    assert len(told.closed) == 1


def test_any_frame_gives_a_frame_of_its_kind():
    time = [START + timedelta(hours=h) for h in range(60)]
    columns = {"time": time, "cell": [7] * 60, "traffic": [20.0 + h % 2 for h in range(59)] + [0.0]}
    options = {"rules": ["z"], "method": "rolling"}
    told = kpi.Monitor(**options).update(pd.DataFrame(columns))
    assert isinstance(told.rows, pd.DataFrame) and isinstance(told.opened, pd.DataFrame)
    assert told.opened["cell"].tolist() == [7] and len(told.closed) == 0
    told = kpi.Monitor(**options).update(pl.DataFrame(columns).to_arrow())
    assert type(told.rows).__module__.startswith("pyarrow")


@pytest.mark.parametrize("zone", ["Africa/Casablanca", "America/New_York", None])
def test_hours_are_read_from_the_clocks_of_the_cells(zone, rng):
    # In Casablanca clocks go back for Ramadan; in New York they go forward on 8 March.
    start = datetime(2026, 2, 1)
    own = "Europe/Paris"
    utc = pl.datetime_range(start, start + timedelta(days=60), "1h", time_zone="UTC", eager=True)
    hours = utc.dt.convert_time_zone(zone or own).dt.hour()
    traffic = hours.to_numpy() * 5.0 + rng.normal(size=len(utc))
    traffic[900:905] = 900.0
    frame = pl.DataFrame({"time": utc.dt.convert_time_zone(own), "traffic": traffic})
    options = {"time_zone": zone, "method": "time of day", "rules": ["z"], "direction": "both"}
    monitor = kpi.Monitor(**options)
    found, opened, closed = (pl.concat(x) for x in zip(
        *(monitor.update(frame[i : i + 100]) for i in range(0, len(frame), 100)), strict=True
    ))  # fmt: skip
    batch = kpi.detect(frame, **options)
    assert found["time"].dtype == batch["time"].dtype == pl.Datetime("us", zone or own)
    assert_frame_equal(found.select(VERDICT), batch.select(VERDICT), check_exact=True)
    starts = kpi.events(batch)["start"].to_list()
    assert opened["start"].to_list() == starts and closed["start"].to_list() == starts
    one = kpi.Monitor.restore(kpi.Monitor(**options).snapshot())
    one.update(frame[:1])
    told = [event for row in frame[1:].to_dicts() for event in one.update(row).opened]
    assert [event["start"] for event in told] == starts
    with pytest.raises(TypeError, match='^column "time" holds times without a time zone; those'):
        monitor.update({"time": datetime(2027, 1, 1), "traffic": 1.0})


def test_a_missing_value_is_a_row():
    monitor = kpi.Monitor(kpis=["traffic"], rules=["z"], method="rolling")
    told = monitor.update({"time": START, "cell": "A", "traffic": None})
    assert told.rows[0]["value"] is None and told.rows[0]["status"] == "taken"


def test_a_state_takes_kilobytes():
    frame = cells(840, more=240)
    monitor = kpi.Monitor(kpis=["traffic"])
    monitor.update(frame)
    assert len(monitor.snapshot()) / 3 < 12_000  # five weeks of values


def test_a_snapshot_that_is_not_sound_is_refused(rng):
    monitor = kpi.Monitor(rules=["z"], method="rolling")
    monitor.update(cells()[:300])
    good = monitor.snapshot()

    def refusal(snapshot):
        with pytest.raises(ValueError) as error:
            kpi.Monitor.restore(snapshot)
        return str(error.value)

    assert refusal(b"text") == "the snapshot is not one of kpi.Monitor"
    n = len(good)
    assert refusal(good[:20]) == "the snapshot is cut short"
    assert refusal(good[: n // 2]) == f"the snapshot is cut short: {n // 2} bytes of {n}"
    newer = bytearray(good)
    newer[8] = 9
    assert refusal(bytes(newer)) == (
        "the snapshot has version 9, but this linewatch reads version 1 (use the linewatch that "
        "took it, or feed the monitor its history again)"
    )
    for place in rng.integers(16, n, 50):
        bad = bytearray(good)
        bad[place] ^= 1 << int(rng.integers(8))
        assert refusal(bytes(bad)).startswith("the snapshot ")
    with pytest.raises(TypeError, match="^snapshot must be bytes, got str$"):
        kpi.Monitor.restore("text")


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"rules": ["z", "peers"]}, ValueError, "peers needs all rows at once: use kpi.detect"),
        (
            {"rules": ["isolation_forest"]},
            ValueError,
            "isolation_forest needs all rows at once: use kpi.detect",
        ),
        (
            {"rules": ["z"], "combine": 2},
            ValueError,
            "combine must be at most the number of rules (1), got 2",
        ),
        (
            {"rules": ["z"], "window": 10**9},
            ValueError,
            "window must be between 1 and 65536 rows, got 1000000000",
        ),
        ({"kpis": []}, ValueError, "kpis must name at least one column, got none"),
        ({"restart_after": 0}, ValueError, "restart_after must be at least 1, got 0"),
        (
            {"lateness": 5},
            TypeError,
            'lateness must be a span of time such as "5s", got 5',
        ),
        (
            {"time_zone": "Casablanca"},
            ValueError,
            "time zone 'Casablanca' is not known; write it as in Africa/Casablanca",
        ),
    ],
)  # fmt: skip
def test_a_monitor_that_cannot_be_is_refused(options, kind, message):
    with pytest.raises(kind) as error:
        kpi.Monitor(**options)
    assert str(error.value) == message


def test_rows_that_cannot_be_are_refused_and_nothing_is_taken():
    monitor = kpi.Monitor(rules=["z"], method="rolling")
    with pytest.raises(ValueError, match="^flush needs a monitor with lateness"):
        monitor.flush()
    with pytest.raises(ValueError, match="^the first rows say which column is which, but there"):
        monitor.update(cells()[:0])
    row = {"time": START, "cell": "A", "traffic": 1.0, "drops": 2.0}
    monitor.update(row)
    assert monitor.update(cells()[:0]).rows.is_empty()
    later = row | {"time": START + timedelta(hours=1)}
    without = {name: value for name, value in later.items() if name != "drops"}
    with pytest.raises(ValueError) as error:
        monitor.update(without)
    assert str(error.value) == (
        'column "drops" is missing; the rows have "time", "cell", "traffic"'
    )
    with pytest.raises(ValueError, match='^column "cell" has 1 missing name of a cell$'):
        monitor.update(later | {"cell": None})
    with pytest.raises(ValueError, match='^column "drops" holds'):
        monitor.update(later | {"drops": "many"})
    with pytest.raises(ValueError, match="^key must be text, as the keys before, got whole"):
        monitor.update(later | {"cell": 7})
    assert [r["status"] for r in monitor.update(later).rows] == ["taken", "taken"]


@pytest.mark.parametrize("kind", ["pandas", "untyped", "polars", "pyarrow"])
def test_a_batch_of_no_rows_is_answered_with_nothing(kind):
    pd = pytest.importorskip("pandas")
    frame = pl.DataFrame({"time": [datetime(2026, 3, 1)], "cell": ["A"], "users": [1.0]})
    monitor = kpi.Monitor()
    monitor.update(frame)
    nothing = {
        "pandas": lambda: frame.to_pandas()[:0],
        "untyped": lambda: pd.DataFrame(columns=frame.columns),
        "polars": frame.clear,
        "pyarrow": lambda: frame.clear().to_arrow(),
    }[kind]()
    assert [len(part) for part in monitor.update(nothing)] == [0, 0, 0]
