"""Fewer points that draw the same line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linewatch import downsample


def reference(y, points):
    """MinMaxLTTB spelled out: bins of rows, their extremes, then the largest triangles."""
    n, bins = len(y), 2 * points
    candidates = []
    for k in range(bins):
        start, end = k * n // bins, (k + 1) * n // bins
        if start == end:
            continue
        part = y[start:end]
        candidates += sorted({start + int(np.argmin(part)), start + int(np.argmax(part))})
    candidates = sorted({0, *candidates, n - 1})
    if len(candidates) <= points:
        return candidates
    inner, buckets = len(candidates) - 2, points - 2
    ends = [1 + k * inner // buckets for k in range(buckets + 1)]
    chosen = [candidates[0]]
    for k in range(buckets):
        here = candidates[ends[k] : ends[k + 1]]
        last = k + 1 == buckets
        following = candidates[-1:] if last else candidates[ends[k + 1] : ends[k + 2]]
        mean_x, mean_y = np.mean(following), np.mean(y[following])
        x0, y0 = chosen[-1], y[chosen[-1]]
        areas = [abs((x0 - mean_x) * (y[i] - y0) - (x0 - i) * (mean_y - y0)) for i in here]
        chosen.append(here[int(np.argmax(areas))])
    return [*chosen, candidates[-1]]


@given(st.integers(0, 2**32 - 1), st.integers(40, 3000), st.integers(4, 60))
@settings(max_examples=60, deadline=None)
def test_rows_are_those_of_the_definition(seed, n, points):
    y = np.random.default_rng(seed).normal(size=n).cumsum()
    found = downsample.indices(y, points)
    expected = reference(y, points) if n > points else range(n)
    np.testing.assert_array_equal(found, list(expected))


def test_a_peak_survives():
    y = np.zeros(1_000_000)
    y[123_456] = 1.0
    assert 123_456 in downsample.indices(y, 50)


def test_marked_rows_are_kept():
    keep = np.zeros(10_000, dtype=bool)
    keep[[17, 5000]] = True
    found = downsample.indices(np.sin(np.arange(10_000)), 20, keep=keep)
    assert {17, 5000} <= set(found.tolist())
    assert (np.diff(found) > 0).all()


def test_a_gap_breaks_the_line():
    y = np.arange(10_000, dtype=float)
    y[4000:5000] = np.nan
    found = downsample.indices(y, 40)
    assert np.isnan(y[found]).any()


def test_times_are_places():
    hours = np.datetime64("2026-01-01") + np.arange(1000).astype("timedelta64[h]")
    late = np.concatenate([hours[:500], hours[500:] + np.timedelta64(3650, "D")])
    y = np.sin(np.arange(1000.0))
    rows = downsample.indices(y, 40, x=late)
    assert 0 in rows and 999 in rows
    assert len(rows) < len(downsample.indices(y, 40, x=hours)) + 40


def test_times_of_a_zone_and_of_python_are_times():
    pd = pytest.importorskip("pandas")
    hours = pd.date_range("2026-03-28", periods=100, freq="h", tz="Europe/Berlin")
    y = np.sin(np.arange(100.0))
    expected = downsample.indices(y, 10, x=np.arange(100.0)).tolist()
    for x in (hours, pd.Series(hours), hours.to_pydatetime().tolist(), hours.tz_localize(None)):
        assert len(downsample.indices(y, 10, x=x)) == len(expected)
    for x in (hours, pd.Series(hours), hours.to_pydatetime().tolist()):
        assert downsample.indices(y, 10, x=x).tolist() == expected


def test_times_may_be_centuries_apart():
    days = np.array(["1000-01-01", "2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"], "M8[D]")
    assert set(downsample.indices(np.arange(5.0), 4, x=days)) >= {0, 4}


def test_short_series_are_whole():
    assert downsample.indices([1.0, None, 3.0], 10).tolist() == [0, 1, 2]
    assert downsample.indices([], 10).tolist() == []
    assert downsample.indices([], 10, x=[], keep=[]).tolist() == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0], 3), ValueError, "n_out must be at least 4, got 3"),
        (([1.0], 4.0), TypeError, "n_out must be a whole number, got 4.0"),
        ((["a"], 4), TypeError, "y"),
        (([[1.0, 2.0]], 4), ValueError, "y must be one series, got an array of 2 dimensions"),
    ],
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        downsample.indices(*arguments)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"x": [0.0]}, ValueError, "x must have one entry for each of the 2 rows, got 1"),
        ({"x": [1.0, 0.0]}, ValueError, "x must not decrease, but row 1 is earlier than row 0"),
        ({"x": [0.0, np.nan]}, ValueError, "x has missing values; leave those rows out"),
        ({"keep": [True]}, ValueError, "keep must have one entry for each of the 2 rows, got 1"),
        ({"keep": [1, 0]}, TypeError, "keep must be booleans, got dtype int64"),
    ],
)
def test_bad_companions_are_named(options, error, message):
    with pytest.raises(error, match=message):
        downsample.indices([1.0, 2.0], 10, **options)
