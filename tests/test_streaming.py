"""Streams against the batch functions, row for row; and what they refuse."""

import datetime
import pickle
import signal
import sys
import threading
import zlib

import numpy as np
import pandas as pd
import polars as pl
import pytest

from linewatch import rolling, streaming
from linewatch.streaming import (
    Count,
    Cusum,
    Ewm,
    Extremes,
    FlatRun,
    Hysteresis,
    Novelty,
    PageHinkley,
    Rolling,
    Seasonal,
    Stream,
    Value,
)

HOUR = np.timedelta64(3600, "s")
START = np.datetime64("2026-01-05T00:00", "ns")


def events(rng, n=600, n_keys=5, missing=0.1):
    """Keys, times (irregular, rising for each key) and values, some of them missing."""
    key = rng.integers(0, n_keys, n)
    time = START + np.cumsum(rng.integers(1, 3_000, n)) * np.timedelta64(1, "s")
    value = rng.normal(100, 10, n).round(1)
    value[rng.random(n) < missing] = np.nan
    value[rng.random(n) < 0.02] = np.inf
    value[200:240] = 90.0
    return key, time, value


def in_batches(stream, key, time, value, rng, restart=True):
    """Feed in batches of random length, with a snapshot and restore between some of them."""
    parts, at = [], 0
    while at < len(key):
        to = at + int(rng.choice([1, 2, 7, 100]))
        parts.append(stream.update(key[at:to], time[at:to], value[at:to]))
        if restart and rng.random() < 0.3:
            stream = Stream.restore(stream.snapshot())
        at = to
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def close(found, expected, value, mean=False):
    """Equal to 1e-12 of what the rolling statistics are measured against."""
    scale = np.nanmax(np.abs(np.where(np.isfinite(value), value, np.nan))) if mean else None
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * (scale or 1.0))


@pytest.mark.parametrize("window", [2, 7, 24, "3h", "1d"])
@pytest.mark.parametrize("include_current", [True, False])
def test_rolling_equals_the_batch_to_1e_12_and_its_extremes_bit_for_bit(
    rng, window, include_current
):
    key, time, value = events(rng)
    names = ["count", "sum", "mean", "var", "std", "zscore", "min", "max"]
    options = {"min_periods": 2, "include_current": include_current}
    stream = Stream(Rolling(window, names, **options))
    found = in_batches(stream, key, time, value, rng)
    batch = rolling.stats(value, window, names, times=time, groups=key, **options)
    for name in names:
        if name in ("count", "min", "max"):
            np.testing.assert_array_equal(found[name], batch[name], err_msg=name)
        else:
            close(found[name], batch[name], value, mean=name in ("sum", "mean"))


def test_every_row_of_a_window_is_forgotten_with_it():
    stream = Stream(Rolling(2, ["mean", "std"]))
    told = stream.update("a", range(6), [1e17, 1.0, 2.0, 4.0, np.inf, 4.0])
    np.testing.assert_array_equal(told["mean"][2:4], [1.5, 3.0])
    assert told["std"][3] == np.sqrt(2.0)


def test_ewm_equals_the_batch_bit_for_bit(rng):
    key, time, value = events(rng)
    stream = Stream({"e": Ewm(span=10, statistics=["mean", "var", "std"], min_periods=3)})
    found = in_batches(stream, key, time, value, rng)
    options = {"span": 10, "min_periods": 3, "groups": key}
    np.testing.assert_array_equal(found["e_mean"], rolling.ewm_mean(value, **options))
    np.testing.assert_array_equal(found["e_var"], rolling.ewm_var(value, **options))
    np.testing.assert_array_equal(found["e_std"], rolling.ewm_std(value, **options))


def test_ewm_over_time_equals_the_batch_bit_for_bit(rng):
    key, time, value = events(rng)
    stream = Stream(Ewm(halflife="2h", statistics=["mean", "std"]))
    found = in_batches(stream, key, time, value, rng)
    options = {"halflife": "2h", "times": time, "groups": key}
    np.testing.assert_array_equal(found["mean"], rolling.ewm_mean(value, **options))
    np.testing.assert_array_equal(found["std"], rolling.ewm_std(value, **options))


def test_the_ewm_error_is_the_distance_from_the_mean_before(rng):
    value = rng.normal(size=50)
    told = Stream(Ewm(alpha=0.3, statistics=["error", "zscore"])).update("a", range(50), value)
    mean, std = rolling.ewm_mean(value, alpha=0.3), rolling.ewm_std(value, alpha=0.3)
    np.testing.assert_array_equal(told["error"][1:], value[1:] - mean[:-1])
    np.testing.assert_array_equal(told["zscore"][2:], ((value[1:] - mean[:-1]) / std[:-1])[1:])
    assert np.isnan(told["error"][0])


def test_extremes_equal_the_expanding_batch_bit_for_bit(rng):
    key, time, value = events(rng)
    found = in_batches(Stream(Extremes(min_periods=5)), key, time, value, rng)
    options = {"min_periods": 5, "include_current": False, "groups": key}
    low = rolling.min(value, "expanding", **options)
    high = rolling.max(value, "expanding", **options)
    np.testing.assert_array_equal(found["min"], low)
    np.testing.assert_array_equal(found["max"], high)
    x = np.where(np.isfinite(value), value, np.nan)
    outside = np.maximum(np.maximum(x - high, low - x), 0)
    np.testing.assert_array_equal(found["novelty"], outside / (high - low))


def test_novelty_by_hand():
    told = Stream(Extremes(min_periods=1)).update("a", range(6), [5.0, 5, 7, 6, 9, 1])
    np.testing.assert_array_equal(told["novelty"], [np.nan, 0, np.inf, 0, 1, 1])


def test_counts_equal_the_batch_bit_for_bit(rng):
    key, time, value = events(rng)
    time = time.astype("datetime64[h]").astype("datetime64[ns]")  # many at one time
    stream = Stream({"n": Count("2h")}, duplicates="keep")
    found = in_batches(stream, key, time, value, rng)
    expected = rolling.count(value, "2h", times=time, groups=key)
    np.testing.assert_array_equal(found["n"], expected)


@pytest.mark.parametrize("include_current", [True, False])
def test_seasonal_equals_the_batch_to_1e_12(rng, include_current):
    n = 24 * 7 * 8
    time = np.repeat(START + np.arange(n) * HOUR, 2)
    key = np.tile(["a", "b"], n)
    value = rng.normal(50, 5, 2 * n)
    value[rng.random(2 * n) < 0.1] = np.nan
    rule = Seasonal(4, ["mean", "std", "max"], min_periods=2, include_current=include_current)
    found = in_batches(Stream(rule), key.tolist(), time, value, rng, restart=False)
    batch = rolling.seasonal(
        value,
        ["mean", "std", "max"],
        window=4,
        times=time,
        groups=key,
        min_periods=2,
        include_current=include_current,
    )
    close(found["mean"], batch["mean"], value, mean=True)
    close(found["std"], batch["std"], value)
    np.testing.assert_array_equal(found["max"], batch["max"])


def test_a_seasonal_state_survives_a_snapshot(rng):
    time = START + np.arange(400) * HOUR
    value = rng.normal(size=400)
    whole = Stream(Seasonal(2, "mean")).update(1, time, value)["mean"]
    first = Stream(Seasonal(2, "mean"))
    first.update(1, time[:300], value[:300])
    again = Stream.restore(first.snapshot())
    np.testing.assert_array_equal(again.update(1, time[300:], value[300:])["mean"], whole[300:])


@pytest.mark.parametrize("baseline", [{"mean": 100.0, "std": 10.0}, {"window": 24}])
def test_cusum_equals_the_batch(rng, baseline):
    key, time, value = events(rng, missing=0.0)
    value[300:] += 8.0
    found = in_batches(Stream(Cusum(h=4, **baseline)), key, time, value, rng)
    order = np.argsort(key, kind="stable")
    exact = "mean" in baseline
    for name in ("upper", "lower", "alarm"):
        batch = rolling.cusum(value, h=4, groups=key, **baseline)
        expected = getattr(batch, name)
        if exact or name == "alarm":
            np.testing.assert_array_equal(found[name][order], expected[order], err_msg=name)
        else:
            np.testing.assert_allclose(found[name], expected, rtol=1e-11, atol=1e-11)
    assert (found["alarm"] == 1).any()


def test_page_hinkley_equals_its_definition(rng):
    value = np.concatenate([rng.normal(0, 1, 200), rng.normal(2, 1, 100)])
    value[17] = np.nan
    told = Stream(PageHinkley(0.5, 20.0, min_periods=10)).update("a", range(300), value)
    count = mean = upper = lower = 0.0
    alarms = []
    for row, x in enumerate(value):
        if np.isnan(x):
            assert np.isnan(told["upper"][row])
            continue
        count += 1
        mean += (x - mean) / count
        if count >= 10:
            upper, lower = max(0.0, upper + x - mean - 0.5), max(0.0, lower + mean - x - 0.5)
            np.testing.assert_allclose(told["upper"][row], upper, atol=1e-12)
            np.testing.assert_allclose(told["lower"][row], lower, atol=1e-12)
        if max(upper, lower) > 20:
            alarms.append(row)
            count = mean = upper = lower = 0.0
    assert np.flatnonzero(told["alarm"]).tolist() == alarms
    assert 200 < alarms[0] < 230


def slow_novelty(value, span, warm_up, floor=0.001):
    """Novelty of value, change, level and spread by their definitions."""
    views, seen, mean = {"value": [], "change": [], "level": [], "spread": []}, [], None
    for x in value[~np.isnan(value)]:
        views["value"].append(x)
        views["change"].append(np.nan if mean is None else x - mean)
        mean = x if mean is None else mean + 2 / (span + 1) * (x - mean)
        seen.append(x)
        last, full = seen[-span:], len(seen) >= span
        views["level"].append(np.mean(last) if full else np.nan)
        reach = max(seen) - min(seen)
        spread = np.log(max(np.std(last, ddof=1), floor * reach)) if full and reach else np.nan
        views["spread"].append(spread)
    told = {}
    for name, view in views.items():
        told[name] = np.full(len(value), np.nan)
        answers = []
        for row, x in enumerate(view):
            before = [y for y in view[:row] if not np.isnan(y)]
            if np.isnan(x) or len(before) < warm_up:
                answers.append(np.nan)
            else:
                low, high = min(before), max(before)
                outside = max(x - high, low - x, 0.0)
                answers.append(outside / (high - low) if outside else 0.0)
        told[name][~np.isnan(value)] = answers
    return told


def test_novelty_equals_its_definition(rng):
    value = rng.normal(0, 1, 120)
    value[rng.random(120) < 0.1] = np.nan
    value[60] = 9.0
    value[80:] = 2.0
    found = in_batches(Stream(Novelty(6, 15)), np.zeros(120, int), np.arange(120), value, rng)
    expected = slow_novelty(value, 6, 15)
    for name, view in expected.items():
        np.testing.assert_allclose(found[name], view, rtol=1e-9, atol=1e-9, err_msg=name)
    known = np.fmax.reduce(list(expected.values()))
    np.testing.assert_allclose(found["score"], known, rtol=1e-9, atol=1e-9)
    assert known[60] > 1 and found["spread"][85] > 0.5


def test_a_flat_run_is_counted_in_rows_and_seconds():
    time = START + np.array([0, 10, 20, 30, 40, 50]) * np.timedelta64(1, "s")
    stream = Stream(FlatRun(tolerance=0.5))
    told = stream.update("a", time, [3.0, 7.0, 7.4, np.nan, 6.6, 6.0])
    np.testing.assert_array_equal(told["rows"], [1, 1, 2, np.nan, 3, 1])
    np.testing.assert_allclose(told["seconds"], [0, 0, 10, np.nan, 30, 0])


def slow_flat_runs(key, time, value, tolerance):
    """Rows and seconds of the run of each row, looked up from its first row."""
    rows, seconds = np.full((2, len(key)), np.nan)
    for k in np.unique(key):
        first = last = None
        for i in np.flatnonzero(key == k):
            if not np.isfinite(value[i]):
                continue
            if first is None or abs(value[i] - value[first]) > tolerance:
                first, last = i, 0
            last += 1
            rows[i], seconds[i] = last, (time[i] - time[first]) / np.timedelta64(1, "s")
    return rows, seconds


@pytest.mark.parametrize("tolerance", [0.0, 4.0])
def test_flat_runs_equal_their_definition(rng, tolerance):
    key, time, value = events(rng)
    value = value.round(0)
    found = in_batches(Stream(FlatRun(tolerance)), key, time, value, rng)
    rows, seconds = slow_flat_runs(key, time, value, tolerance)
    np.testing.assert_array_equal(found["rows"], rows)
    np.testing.assert_allclose(found["seconds"], seconds, rtol=1e-15)


def test_a_value_goes_through_as_it_is_unless_it_is_infinite(rng):
    key, time, value = events(rng)
    found = in_batches(Stream(Value()), key, time, value, rng)
    np.testing.assert_array_equal(found["value"], np.where(np.isinf(value), np.nan, value))


def test_an_alarm_with_hysteresis_goes_off_later():
    high = Stream({"on": Hysteresis(on=6, off=3)})
    values = [1.0, 6.0, 3.0, np.nan, 2.9, 5.0]
    np.testing.assert_array_equal(high.update("a", range(6), values)["on"], [0, 1, 1, 1, 0, 0])
    low = Stream({"on": Hysteresis(on=3, off=6)})
    np.testing.assert_array_equal(low.update("a", range(4), [9.0, 3, 6, 7])["on"], [0, 1, 1, 0])


def test_one_event_at_a_time_is_a_batch(rng):
    key, time, value = events(rng, n=60)
    rules = {"r": Rolling(5, min_periods=2), "x": Extremes(3)}
    batch = Stream(rules).update(key, time, value)
    stream = Stream(rules)
    for row in range(60):
        told = stream.update(int(key[row]), time[row], value[row])
        assert told["status"] == "taken"
        for name in stream.columns:
            np.testing.assert_array_equal(told[name], batch[name][row])


# Time and keys.


def test_a_late_event_does_not_count_and_a_duplicate_neither():
    stream = Stream({"n": Rolling(9, "sum", min_periods=1)})
    told = stream.update("a", [10, 20, 15, 20, 30], [1.0, 2, 4, 8, 16])
    assert [streaming.STATUS[s] for s in told["status"]] == [
        "taken", "taken", "late", "duplicate", "taken",
    ]  # fmt: skip
    np.testing.assert_array_equal(told["n"], [1, 3, np.nan, np.nan, 19])
    # Another key has a clock of its own.
    assert stream.update("b", 5, 1.0) == {"n": 1.0, "status": "taken"}
    assert stream.counts == {
        "rows": 6, "taken": 4, "late": 1, "duplicate": 1, "restarted": 0, "waiting": 0, "keys": 2,
    }  # fmt: skip
    assert stream.newest == {"a": 30, "b": 5}


def test_events_out_of_order_wait_for_the_watermark():
    stream = Stream({"sum": Rolling(9, "sum", min_periods=1)}, lateness=10)
    told = stream.update("a", [100, 95, 104, 93], [1.0, 2, 4, 8])
    assert told["row"].tolist() == [3] and told["status"].tolist() == [1]  # 93 is before 94
    told = stream.update("a", [110, 101], [16.0, 32.0])
    assert told["time"].tolist() == [95, 100]
    assert told["sum"].tolist() == [2.0, 3.0]
    assert told["row"].tolist() == [1, 0]
    stream = Stream.restore(stream.snapshot())
    told = stream.flush()
    assert told["time"].tolist() == [101, 104, 110]
    assert told["sum"].tolist() == [35.0, 39.0, 55.0]
    assert told["key"] == ["a"] * 3
    assert stream.flush()["row"].size == 0
    assert stream.update("a", 105, 1.0)["status"].tolist() == [1]


def test_events_shuffled_within_the_lateness_are_the_events_in_order(rng):
    key, time, value = events(rng, missing=0.0)
    order = np.argsort(time + rng.integers(0, 7_200, len(time)) * np.timedelta64(1, "s"))
    rules = {"r": Rolling(6, min_periods=1)}
    stream = Stream(rules, lateness="2h")
    parts = [stream.update(key[p], time[p], value[p]) for p in np.array_split(order, 9)]
    parts.append(stream.flush())
    told = {name: np.concatenate([part[name] for part in parts]) for name in ("r_mean", "time")}
    plain = Stream(rules).update(key, time, value)
    assert (np.concatenate([part["status"] for part in parts]) == 0).all()
    back = np.argsort(told["time"])
    np.testing.assert_array_equal(told["time"][back], time)
    np.testing.assert_array_equal(told["r_mean"][back], plain["r_mean"])


def test_a_clock_that_was_put_back_restarts_its_key():
    stream = Stream({"sum": Rolling(9, "sum", min_periods=1)}, restart_after=3)
    told = stream.update("a", [100, 101, 1, 2, 3, 4], [1.0, 1, 1, 1, 1, 1])
    assert told["status"].tolist() == [0, 0, 1, 1, 3, 0]
    np.testing.assert_array_equal(told["sum"], [1, 2, np.nan, np.nan, 1, 2])


def test_keys_and_values_come_from_any_library():
    time = START + np.arange(4) * HOUR
    frame = pd.DataFrame({"cell": list("abab"), "time": time, "x": [1.0, 2, 3, 4]})
    expected = [1.0, 2.0, 4.0, 6.0]
    rule = {"s": Rolling(2, "sum", min_periods=1)}
    for columns in (
        (frame["cell"], frame["time"], frame["x"]),
        (frame["cell"].astype("category"), frame["time"].dt.tz_localize("UTC"), frame["x"]),
        tuple(pl.from_pandas(frame).get_columns()),
        (pl.Series([1, 2, 1, 2]), pl.from_pandas(frame)["time"], [1, 2, 3, 4]),
        tuple(pl.from_pandas(frame).to_arrow().columns),
        (np.array(["a", "b"] * 2), time.tolist(), [True, 2, 3, 4]),
    ):
        try:
            told = Stream(rule).update(*columns)
        except TypeError as error:  # integers as nanoseconds are whole numbers
            raise AssertionError(columns) from error
        assert told["s"].tolist() == expected


def test_a_datetime_is_a_time():
    stream = Stream({"n": Count("5s")})
    time = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    assert stream.update("a", time)["n"] == 1.0
    assert stream.update("a", time + datetime.timedelta(seconds=4))["n"] == 2.0
    assert stream.newest == {"a": np.datetime64("2026-01-01T00:00:04")}


def test_a_forgotten_key_starts_afresh():
    stream = Stream({"n": Rolling(9, "count", min_periods=1)})
    stream.update(["a", "b"], [1, 50], [1.0, 1.0])
    assert stream.forget("a") and not stream.forget("a")
    assert stream.update("a", 0, 1.0)["n"] == 1.0
    assert stream.forget_before(50) == 1
    assert list(stream.newest) == ["b"]


# Snapshots.


def test_a_stream_can_be_pickled_and_says_what_it_is():
    stream = Stream({"n": Rolling(3, "count", min_periods=1)})
    stream.update("a", 1, 1.0)
    again = pickle.loads(pickle.dumps(stream))
    assert again.update("a", 2, 1.0)["n"] == 2.0
    assert repr(again) == "<Stream of 1 keys, 2 events: ['n']>"


def test_a_state_takes_kilobytes():
    time = START + np.arange(24 * 7 * 5) * HOUR
    rules = {"r": Rolling(96), "e": Ewm(span=24), "x": Extremes(), "f": FlatRun(), "s": Seasonal()}
    stream = Stream(rules)
    for key in range(20):
        stream.update(key, time, np.ones(len(time)))
    assert len(stream.snapshot()) / 20 < 16_000


def test_a_snapshot_that_is_not_sound_is_refused():
    stream = Stream({"n": Rolling(3, "mean")})
    stream.update("a", range(5), np.arange(5.0))
    good = stream.snapshot()

    def refusal(snapshot):
        with pytest.raises(ValueError) as error:
            Stream.restore(snapshot)
        return str(error.value)

    assert refusal(b"") == "the snapshot is not a linewatch snapshot"
    assert refusal(b"x" * 100) == "the snapshot is not a linewatch snapshot"
    n = len(good)
    assert refusal(good[:-64]) == f"the snapshot is cut short: {n - 64} bytes of {n}"
    damaged = bytearray(good)
    damaged[-70] ^= 4
    assert refusal(bytes(damaged)) == (
        "the snapshot is damaged (its checksum is wrong): copy or take the snapshot again"
    ) or refusal(bytes(damaged)).startswith("the snapshot is damaged")
    newer = bytearray(good)
    newer[8] = 2
    assert refusal(bytes(newer)) == (
        "the snapshot has version 2 of the format, but this linewatch reads version 1 "
        "(update linewatch, or take the snapshot again)"
    )
    with pytest.raises(TypeError, match="^snapshot must be bytes, got str$"):
        Stream.restore("text")


def test_no_damage_goes_unnoticed(rng):
    stream = Stream({"n": Rolling(3, "mean"), "s": Seasonal(2, "mean")})
    stream.update("a", START + np.arange(5) * HOUR, np.arange(5.0))
    good = stream.snapshot()
    for place in rng.integers(0, len(good), 300):
        bad = bytearray(good)
        bad[place] ^= 1 << int(rng.integers(8))
        with pytest.raises(ValueError, match="the snapshot"):
            Stream.restore(bytes(bad))
    for length in range(0, len(good), 61):
        with pytest.raises(ValueError, match="the snapshot"):
            Stream.restore(good[:length])


def test_a_snapshot_made_to_deceive_does_no_harm(rng):
    rules = {
        "r": Rolling("1d", ["std", "max"]),
        "s": Seasonal(2, "mean"),
        "c": Cusum(window=5),
        "n": Count("1d"),
        "v": Novelty(3, 4),
        "e": Ewm(halflife="1h"),
    }
    stream = Stream(rules, lateness="2h")
    stream.update("a", START + np.arange(9) * HOUR, np.arange(9.0))
    good = stream.snapshot()
    read = 0
    for _ in range(400):
        bad = bytearray(good)
        for place in rng.integers(16, len(good), 2):
            bad[place] = int(rng.integers(256))
        bad[12:16] = zlib.crc32(bad[16:]).to_bytes(4, "little")
        try:
            again = Stream.restore(bytes(bad))
            again.update("a", START + np.arange(9, 30) * HOUR, np.arange(21.0))
            again.snapshot()
            read += 1
        except (ValueError, TypeError):  # a panic would be a RuntimeError
            pass
    assert read > 5


# Several threads, long batches.


def test_threads_may_feed_one_stream():
    stream = Stream({"n": Rolling(100_000, "count", min_periods=1)}, duplicates="keep")

    def feed(key):
        for at in range(20):
            stream.update(key, np.arange(at * 500, (at + 1) * 500), np.ones(500))

    threads = [threading.Thread(target=feed, args=(f"key {i}",)) for i in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert stream.counts["taken"] == 40_000
    assert stream.update("key 2", 20_000, 1.0)["n"] == 10_001


@pytest.mark.skipif(sys.platform == "win32", reason="needs an alarm signal")
def test_a_long_update_can_be_stopped_and_tells_how_far_it_came():
    class Stopped(Exception):
        pass

    def stop(*_):
        raise Stopped

    before = signal.signal(signal.SIGALRM, stop)
    rules = {f"rule {i}": Rolling(500, ["zscore", "max"]) for i in range(20)}
    stream, n = Stream(rules), 1_000_000
    times, values = np.arange(n), np.ones(n)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(Stopped):
            stream.update("a", times, values)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    rows = stream.counts["rows"]
    assert rows < n and stream.newest == ({"a": rows - 1} if rows else {})
    assert stream.update("a", n, 1.0)["status"] == "taken"


# Bad input.


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: Rolling(0), ValueError, "window must be at least 2, got 0"),
        (lambda: Rolling(0, "mean"), ValueError, "window must be at least 1, got 0"),
        (
            lambda: Rolling(5, "median"),
            ValueError,
            'statistics must be "count", "sum", "mean", "var", "std", "zscore", "min" or "max", '
            "got 'median'",
        ),
        (
            lambda: Rolling(5, []),
            ValueError,
            "statistics must name at least one of count, sum, mean, var, std, zscore, min, max, "
            "got none",
        ),
        (
            lambda: Rolling(5, min_periods=6),
            ValueError,
            "min_periods must be at most the window of 5 rows, got 6",
        ),
        (lambda: Rolling(5, ddof=-1), ValueError, "ddof must be at least 0, got -1"),
        (
            lambda: Rolling(5, include_current=1),
            TypeError,
            "include_current must be True or False, got 1",
        ),
        (
            lambda: Count(5),
            TypeError,
            'window must be a span of time such as "5s", got 5',
        ),
        (
            lambda: Ewm(alpha=0.5, span=3),
            ValueError,
            "give exactly one of alpha, span and halflife, got alpha and span",
        ),
        (
            lambda: Ewm(alpha=0.0),
            ValueError,
            "alpha must be a number above 0 and at most 1, got 0.0",
        ),
        (lambda: Ewm(span=0.5), ValueError, "span must be a number of at least 1, got 0.5"),
        (lambda: Extremes(0), ValueError, "min_periods must be at least 1, got 0"),
        (lambda: Novelty(span=1), ValueError, "span must be at least 2, got 1"),
        (
            lambda: Novelty(floor=0.0),
            ValueError,
            "floor must be a number above 0 and below 1, got 0.0",
        ),
        (
            lambda: FlatRun(-1.0),
            ValueError,
            "tolerance must be finite and not negative, got -1.0",
        ),
        (lambda: Hysteresis(1.0, np.nan), ValueError, "off must be a finite number, got nan"),
        (
            lambda: Seasonal(period="7d", season="5h"),
            ValueError,
            "period must be a whole number of seasons, at most a million, got '7d' in seasons of "
            "'5h'",
        ),
        (
            lambda: Cusum(),
            ValueError,
            "give either window, or mean and std, as the baseline of cusum",
        ),
        (
            lambda: Cusum(mean=0.0, std=0.0),
            ValueError,
            "std must be finite and above 0, got 0.0",
        ),
        (
            lambda: PageHinkley(-1.0, 5.0),
            ValueError,
            "delta must be finite and not negative, got -1.0",
        ),
        (
            lambda: Stream([Extremes()]),
            TypeError,
            "rules must be a rule or a dict of names and rules, got [Extremes(min_periods=30)]",
        ),
        (
            lambda: Stream({"a": "mean"}),
            TypeError,
            "rules must be a rule or a dict of names and rules, got 'a': 'mean'",
        ),
        (
            lambda: Stream({"a": Extremes(), "a_min": Count("5s")}),
            ValueError,
            "two answers would be called 'a_min'; choose other names",
        ),
        (
            lambda: Stream(Extremes(), duplicates="first"),
            ValueError,
            'duplicates must be "drop" or "keep", got \'first\'',
        ),
        (
            lambda: Stream(Extremes(), lateness=-1),
            ValueError,
            "lateness must be at least 0, got -1",
        ),
        (
            lambda: Stream(Count("5s"), lateness=5),
            TypeError,
            'lateness must be a span of time such as "10min", got 5',
        ),
    ],
)
def test_a_rule_that_cannot_be_is_refused(make, kind, message):
    with pytest.raises(kind) as error:
        make()
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("events", "kind", "message"),
    [
        ((["a", "b"], [1], [1.0]), ValueError, "key has 2 values, expected 1"),
        (("a", [1, 2], [1.0]), ValueError, "value has 1 values, expected 2"),
        (("a", [1, 2], [[1.0], [2.0]]), ValueError, "value must have 1 dimension, got 2"),
        (
            (["a", 5], [1, 2], [1.0, 2.0]),
            TypeError,
            "key[1] is of type int; expected text or whole numbers, one of them throughout",
        ),
        (
            ([5, "a"], [1, 2], [1.0, 2.0]),
            TypeError,
            "key[1] is of type str; expected text or whole numbers, one of them throughout",
        ),
        (
            (["a", None], [1, 2], [1.0, 2.0]),
            TypeError,
            "key[1] is of type NoneType; expected text or whole numbers, one of them throughout",
        ),
        ((None, 1, 1.0), TypeError, "key must be text or a whole number, got None"),
        (
            (7, 1, 1.0),
            ValueError,
            "key must be text, as the keys before, got whole numbers",
        ),
        (("a", None, 1.0), ValueError, "time is missing; every event needs one"),
        (("a", pd.NaT, 1.0), ValueError, "time is missing; every event needs one"),
        (
            ("a", START, 1.0),
            TypeError,
            "time must hold whole numbers, got times",
        ),
        (
            ("a", 1.5, 1.0),
            TypeError,
            "time has dtype float64; expected times or whole numbers (round to whole nanoseconds, "
            "or to whole numbers of your own unit)",
        ),
        (
            ("a", 1, "high"),
            TypeError,
            'value has dtype <U4; expected numbers (try x.astype("float64"))',
        ),
    ],
)
def test_events_that_cannot_be_are_refused_and_nothing_is_taken(events, kind, message):
    stream = Stream({"n": Rolling(9, "count", min_periods=1)})
    stream.update("a", 0, 1.0)
    with pytest.raises(kind) as error:
        stream.update(*events)
    assert str(error.value) == message
    assert stream.counts["rows"] == 1


def test_a_span_of_time_needs_times():
    with pytest.raises(TypeError, match="^time must hold times, got whole numbers$"):
        Stream(Count("5s")).update("a", 1, 1.0)


@pytest.mark.parametrize("lateness", [None, 5])
def test_an_empty_batch_has_no_answers(lateness):
    stream = Stream(Extremes(), lateness=lateness)
    for _ in range(2):
        told = stream.update([], [], [])
        assert told["novelty"].size == told["row"].size == 0
        stream.update("a", 1, 1.0)
    assert stream.counts["rows"] == 2


def test_one_key_is_forgotten_at_a_time():
    stream = Stream(Extremes())
    with pytest.raises(TypeError, match="^key must be text or a whole number, got 5.5$"):
        stream.forget(5.5)
    with pytest.raises(TypeError, match="^key must be one text or whole number, got "):
        stream.forget(["a", "b"])
