"""Rolling statistics against examples done by hand, their definitions, and pandas."""

import numpy as np
import pandas as pd
import pytest

import reference
from linewatch import rolling

# Every statistic beside the options it is tested with; its definition has the same name in
# reference.py.
STATISTICS = [
    ("sum", {}),
    ("mean", {}),
    ("var", {}),
    ("var", {"ddof": 0}),
    ("std", {}),
    ("std", {"ddof": 2}),
    ("sem", {}),
    ("count", {}),
    ("min", {}),
    ("max", {}),
    ("argmin", {}),
    ("argmax", {}),
    ("median", {}),
    ("quantile", {"q": 0.9}),
    ("quantile", {"q": 0.35, "interpolation": "lower"}),
    ("quantile", {"q": 0.35, "interpolation": "higher"}),
    ("quantile", {"q": 0.35, "interpolation": "midpoint"}),
    ("quantile", {"q": 0.35, "interpolation": "nearest"}),
    ("mad", {}),
    ("skew", {}),
    ("kurt", {}),
    ("rank", {}),
    ("rank", {"method": "min", "ascending": False, "pct": True}),
    ("rank", {"method": "max"}),
    ("zscore", {}),
    ("zscore", {"ddof": 0}),
    ("robust_zscore", {}),
    ("hampel", {}),
    ("hampel", {"threshold": 1.0}),
    ("hampel_repair", {"threshold": 1.0}),
    ("slope", {}),
    ("autocorr", {}),
    ("autocorr", {"lag": 2}),
    ("corr", {}),
    ("cov", {}),
    ("cov", {"ddof": 0}),
    ("entropy", {"bins": 4}),
    ("first", {}),
    ("last", {}),
    ("nunique", {}),
]
NAMES = [name + "".join(f",{k}={v}" for k, v in options.items()) for name, options in STATISTICS]
OF_PAIRS = {"corr", "cov"}
LEAST = {"zscore": 2}  # rows without which a window is refused

statistic = pytest.mark.parametrize(("name", "options"), STATISTICS, ids=NAMES)


def linewatch(name, x, window, y=None, **options):
    """The public function; `y` stands second where it is needed."""
    data = (x, y) if name in OF_PAIRS else (x,)
    return getattr(rolling, name)(*data, window, **options)


def check(name, x, window, y, *, tolerance=1e-10, **options):
    """linewatch equals the definition; answers of both in a pair."""
    ours = linewatch(name, x, window, y, **options)
    options.pop("n_jobs", None)
    theirs = reference.rolling(name, x, window, y if name in OF_PAIRS else None, **options)
    message = f"{name}(n={len(x)}, window={window}, {options})"
    assert ours.shape == theirs.shape, message
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance, err_msg=message)
    return ours, theirs


def traffic(rng, n, missing=0.2, ties=False, dtype=np.float64):
    """Two series of measurements with gaps; `ties` rounds them to quarters."""
    x = rng.normal(3, 2, size=(2, n))
    if ties:
        x = np.round(x * 4) / 4
    x[rng.random(x.shape) < missing] = np.nan
    return x.astype(dtype)


# --- by hand -----------------------------------------------------------------------------------

NAN = np.nan
MBIT_PER_S = [100.0, 102, 98, 101, 99, 180]

BY_HAND = [
    ("sum", 3, {}, [NAN, NAN, 300, 301, 298, 380]),
    ("mean", 2, {}, [NAN, 101, 100, 99.5, 100, 139.5]),
    ("var", 2, {}, [NAN, 2, 8, 4.5, 2, 3280.5]),
    ("std", 2, {"ddof": 0}, [NAN, 1, 2, 1.5, 1, 40.5]),
    ("sem", 2, {}, [NAN, 1, 2, 1.5, 1, 40.5]),
    ("count", 3, {"min_periods": 1}, [1, 2, 3, 3, 3, 3]),
    ("min", 3, {}, [NAN, NAN, 98, 98, 98, 99]),
    ("max", 3, {}, [NAN, NAN, 102, 102, 101, 180]),
    ("median", 3, {}, [NAN, NAN, 100, 101, 99, 101]),
    ("quantile", 3, {"q": 0.25}, [NAN, NAN, 99, 99.5, 98.5, 100]),
    ("mad", 3, {}, [NAN, NAN, 2, 1, 1, 2]),
    ("rank", 3, {}, [NAN, NAN, 1, 2, 2, 3]),
    ("zscore", 5, {}, [NAN, NAN, NAN, NAN, -0.632456, 1.787110]),
    ("robust_zscore", 3, {}, [NAN, NAN, -0.6745, 0, 0, 79 * 0.6745 / 2]),
    ("hampel", 5, {}, [NAN, NAN, NAN, NAN, 0, 1]),
    ("hampel_repair", 5, {}, [100, 102, 98, 101, 99, 101]),
    ("slope", 3, {}, [NAN, NAN, -1, -0.5, 0.5, 39.5]),
    ("entropy", 4, {"bins": 2}, [NAN, NAN, NAN, 0.562335, np.log(2), 0.562335]),
    ("first", 3, {}, [NAN, NAN, 100, 102, 98, 101]),
    ("last", 3, {}, [NAN, NAN, 98, 101, 99, 180]),
    ("nunique", 3, {}, [NAN, NAN, 3, 3, 3, 3]),
]


@pytest.mark.parametrize(("name", "window", "options", "expected"), BY_HAND)
def test_a_traffic_spike_by_hand(name, window, options, expected):
    answer = linewatch(name, np.array(MBIT_PER_S), window, **options)
    np.testing.assert_allclose(answer, expected, rtol=1e-6)


def test_zscore_of_a_traffic_spike():
    z = rolling.zscore(np.array(MBIT_PER_S), window=5)
    assert np.isnan(z[:4]).all()
    np.testing.assert_allclose(z[4:], [-0.632456, 1.787110], rtol=1e-5)


def test_zscore_of_a_spike_against_the_values_before_it():
    z = rolling.zscore(np.array(MBIT_PER_S), window=5, include_current=False)
    # The five values before have mean 100 and variance 10 / 4.
    np.testing.assert_allclose(z[5], 80 / np.sqrt(2.5))


def test_correlation_of_two_links_that_rise_together():
    down = np.array([1.0, 2, 3, 4, 3])
    up = np.array([2.0, 4, 6, 8, 10])
    np.testing.assert_allclose(rolling.corr(down, up, 3), [NAN, NAN, 1, 1, 0], atol=1e-15)
    np.testing.assert_allclose(rolling.cov(down, up, 3), [NAN, NAN, 2, 2, 0], atol=1e-15)


def test_autocorrelation_of_a_sawtooth():
    x = np.array([0.0, 1, 0, 1, 0, 1])
    np.testing.assert_allclose(rolling.autocorr(x, 4), [NAN] * 3 + [-1] * 3)
    np.testing.assert_allclose(rolling.autocorr(x, 4, lag=2), [NAN] * 3 + [1] * 3)


def test_skew_and_kurtosis_of_one_high_value():
    x = np.array([0.0, 0, 0, 1])
    np.testing.assert_allclose(rolling.skew(x, 4)[3], 2)
    np.testing.assert_allclose(rolling.kurt(x, 4)[3], 4)


def test_half_of_an_odd_span_is_not_rounded():
    seconds = np.array([0, 22, 44, 45, 67, 90]).astype("datetime64[s]")
    sums = rolling.sum(np.arange(6.0) ** 2, "45s", times=seconds, center=True, min_periods=1)
    np.testing.assert_array_equal(sums, [1, 5, 14, 29, 25, 25])


def test_three_days_without_today_are_the_three_days_before():
    days = np.arange("2024-01-01", "2024-01-07", dtype="datetime64[D]")
    calls = np.array([1.0, 2, 4, 8, 16, 32])
    before = rolling.sum(calls, "3D", times=days, include_current=False, min_periods=3)
    np.testing.assert_array_equal(before, [NAN, NAN, NAN, 7, 14, 28])


@pytest.mark.parametrize("kind", ["expanding", "span", "step"])
def test_the_mean_of_equal_values_is_that_value(kind):
    x = np.array([3.7, NAN, *[0.1] * 700, 5.0, *[0.3] * 700])
    times = np.arange(len(x)).astype("datetime64[s]")
    window, options = {
        "expanding": ("expanding", {}),
        "span": ("7s", {"times": times}),
        "step": (7, {"step": 2, "min_periods": 1}),
    }[kind]
    series = x[2:702] if kind == "expanding" else x
    if kind == "span":
        options["times"] = times[: len(series)]
    means = rolling.mean(series, window, **options)
    sums = rolling.sum(series, window, **options)
    counts = rolling.count(series, window, **options)
    for k, row in enumerate(range(0, len(series), options.get("step", 1))):
        values = series[: row + 1] if kind == "expanding" else series[max(row - 6, 0) : row + 1]
        values = values[~np.isnan(values)]
        if len(set(values)) == 1:
            assert means[k] == values[0]
            assert sums[k] == values[0] * counts[k]


def test_covariance_of_values_beyond_the_range_of_squares():
    x = np.array([1e308, 1, 2, 3, -1e308, 4, 5, 6])
    y = np.array([0.2, 0.1, 0.5, 0.3, 0.8, 0.4, 0.9, 0.6])
    check("cov", x, 5, y)
    check("corr", x, 5, y)


@pytest.mark.parametrize("window", [10**15, 2**63 - 1, 2**64 - 1])
def test_a_window_beyond_any_series_is_an_expanding_one(window):
    x = np.arange(5.0)
    for name in ("mean", "std", "median", "min"):
        call = getattr(rolling, name)
        np.testing.assert_array_equal(call(x, window, min_periods=1), call(x, "expanding"))


@pytest.mark.parametrize("columns", [1, 7, 8, 9, 64])
@pytest.mark.parametrize("rows", [1, 7, 8, 9, 5000])
def test_tables_of_every_side_are_turned_back(rows, columns, rng):
    table = rng.normal(size=(rows, columns))
    groups = rng.integers(0, 3, rows)
    for options in ({}, {"groups": groups}, {"step": 1 + rows % 3}):
        if "step" in options and options["step"] == 1:
            continue
        found = rolling.max(table, 3, min_periods=1, **options)
        expected = rolling.max(np.asfortranarray(table), 3, min_periods=1, **options)
        for c in range(columns):
            alone = rolling.max(table[:, c].copy(), 3, min_periods=1, **options)
            np.testing.assert_array_equal(found[:, c], alone)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("step", [1, 3])
def test_long_tables_in_time_are_cut_and_joined(step, rng):
    table = rng.normal(size=(40_000, 3))
    times = np.cumsum(rng.integers(0, 3, 40_000)).astype("datetime64[s]")
    found = rolling.mean(table, "50s", times=times, step=step)
    for c in range(3):
        alone = rolling.mean(table[:, c].copy(), "50s", times=times, step=step)
        np.testing.assert_allclose(found[:, c], alone, rtol=1e-12, atol=1e-12)


def test_a_window_is_as_old_as_its_first_row():
    times = np.array(["2026-01-01T00:00:00", "2026-01-01T00:00:03", "2026-01-01T00:00:05"],
                     dtype="datetime64[s]")  # fmt: skip
    packets = np.array([1.0, 2, 4])
    # At second 5 the window runs from second 0, which is out, to second 5.
    np.testing.assert_array_equal(rolling.sum(packets, "5s", times=times), [1, 3, 6])


# --- the definition, where windows go wrong ----------------------------------------------------

SIZES = [(n, w) for w in (1, 2, 5, 8) for n in (0, 1, w - 1, w, w + 1, 2 * w, 8 * w - 1, 8 * w + 3)]


@statistic
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_answers_match_the_definition_at_every_size(name, options, dtype, rng):
    tolerance = 1e-6 if dtype is np.float32 else 1e-10
    for n, window in sorted(set(SIZES)):
        if window < LEAST.get(name, 1):
            continue
        for missing in (0, 0.2):
            x, y = traffic(rng, n, missing=missing, ties=window == 5, dtype=dtype)
            ours, _ = check(name, x, window, y, min_periods=1, tolerance=tolerance, **options)
            assert ours.dtype == dtype


@statistic
def test_long_series_match_the_definition(name, options, rng):
    for n, window in [(400, 30), (130, 129), (100, 121)]:
        x, y = traffic(rng, n, missing=0.1)
        check(name, x, window, y, min_periods=2, **options)


@statistic
@pytest.mark.parametrize("min_periods", [None, 0, 1, 2, 5])
def test_min_periods_counts_the_values_present(name, options, min_periods, rng):
    x, y = traffic(rng, 40, missing=0.4)
    x[10:17] = NAN
    check(name, x, 5, y, min_periods=min_periods, **options)


@statistic
@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("closed", [None, "right", "left", "both", "neither"])
def test_center_and_closed_choose_the_rows(name, options, center, closed, rng):
    x, y = traffic(rng, 30)
    for window in (LEAST.get(name, 1), 4, 5):
        for times, span in (None, window), (_times(rng, 30), window):
            kind = {"times": times} if times is not None else {}
            check_at(name, x, span, y, center=center, closed=closed, min_periods=1, **kind,
                     **options)  # fmt: skip


def _times(rng, n):
    """Seconds with duplicates and gaps, as nanoseconds."""
    return np.sort(rng.integers(0, n, n)) * 10**9


def check_at(name, x, window, y, *, times=None, **options):
    """`check`, where `window` is in seconds if there are `times`."""
    if times is None:
        return check(name, x, window, y, **options)
    ours = linewatch(name, x, f"{window}s", y, times=times.astype("datetime64[ns]"), **options)
    theirs = reference.rolling(
        name, x, window * 10**9, y if name in OF_PAIRS else None, times=times, **options
    )
    np.testing.assert_allclose(
        ours, theirs, rtol=1e-10, atol=1e-10, err_msg=f"{name}({window}s, {options})"
    )
    return ours, theirs


@statistic
@pytest.mark.parametrize("step", [1, 2, 3, 50])
def test_step_keeps_every_nth_answer(name, options, step, rng):
    x, y = traffic(rng, 30)
    ours, _ = check(name, x, 4, y, step=step, min_periods=2, **options)
    every = linewatch(name, x, 4, y, min_periods=2, **options)
    np.testing.assert_allclose(ours, every[::step], rtol=1e-12, atol=1e-12)
    check_at(name, x, 4, y, times=_times(rng, 30), step=step, **options)


@statistic
def test_the_current_row_can_be_left_out(name, options, rng):
    x, y = traffic(rng, 40)
    for window in (LEAST.get(name, 1), 2, 7, 50):
        check(name, x, window, y, include_current=False, min_periods=1, **options)
    check(name, x, "expanding", y, include_current=False, **options)
    check_at(name, x, 5, y, times=_times(rng, 40), include_current=False, **options)


@statistic
def test_expanding_windows_never_forget(name, options, rng):
    for n in (0, 1, 2, 50):
        x, y = traffic(rng, n)
        check(name, x, "expanding", y, **options)
        check(name, x, "expanding", y, min_periods=3, **options)


@statistic
@pytest.mark.parametrize("layout", ["sorted", "scattered", "one missing", "one row each"])
def test_a_group_knows_only_its_own_rows(name, options, layout, rng):
    n = 60
    x, y = traffic(rng, n)
    groups = rng.integers(0, 4, n)
    if layout == "sorted":
        groups = np.sort(groups)
    if layout == "one missing":
        groups = np.where(groups == 2, NAN, groups)
    if layout == "one row each":
        groups = rng.permutation(n)
    check(name, x, 5, y, groups=groups, min_periods=1, **options)
    check_at(name, x, 6, y, times=_times(rng, n), groups=groups, **options)


@statistic
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_table_is_its_columns_side_by_side(name, options, order, rng):
    x = np.asarray(rng.normal(size=(50, 19)), order=order)
    y = np.asarray(rng.normal(size=(50, 19)), order=order)
    x[rng.random(x.shape) < 0.1] = NAN
    down = linewatch(name, x, 6, y, min_periods=2, **options)
    for c in range(19):
        alone = linewatch(name, x[:, c], 6, y[:, c], min_periods=2, **options)
        np.testing.assert_allclose(down[:, c], alone, rtol=1e-12, atol=1e-12)
    across = linewatch(name, x.T, 6, y.T, axis=1, min_periods=2, **options)
    np.testing.assert_array_equal(across, down.T)


@statistic
def test_two_threads_give_the_same_bits_as_one(name, options, rng):
    x, y = traffic(rng, 70_000, missing=0.05)
    for kind in ({}, {"groups": np.arange(70_000) // 700}):
        one = linewatch(name, x, 50, y, min_periods=3, n_jobs=1, **kind, **options)
        two = linewatch(name, x, 50, y, min_periods=3, n_jobs=2, **kind, **options)
        np.testing.assert_array_equal(one.view(np.int64), two.view(np.int64))


@statistic
@pytest.mark.parametrize("window", [7, 60, 3000, "40s", "expanding"])
def test_answers_far_into_a_long_series_are_those_of_a_short_one(name, options, window, rng):
    """A long series is cut into pieces for the threads; no answer shows where."""
    n = 70_000
    x, y = traffic(rng, n, missing=0.05)
    x[30_000:33_500] = NAN
    kind = {"min_periods": 1}
    if window == "40s":
        times = np.cumsum(rng.integers(0, 3, n)).astype("datetime64[s]")
        kind["times"] = times
    ours = linewatch(name, x, window, y, **kind, **options)
    for i in rng.integers(0, n, 30).tolist() + [0, 16_383, 16_384, 30_100, 33_499, n - 1]:
        start = max(0, i - 2999) if window in (3000, "40s") else max(0, i - 59)
        if window == "expanding":
            start = 0
        near = {"times": times[start : i + 1]} if window == "40s" else {}
        alone = linewatch(name, x[start : i + 1], window, y[start : i + 1], min_periods=1,
                          n_jobs=1, **near, **options)  # fmt: skip
        np.testing.assert_allclose(alone[-1], ours[i], rtol=1e-9, atol=1e-9, err_msg=str(i))


@statistic
@pytest.mark.parametrize("infinity", ["missing", "ieee"])
def test_an_infinite_value_leaves_with_its_window(name, options, infinity, rng):
    x, y = traffic(rng, 50, missing=0)
    x[[7, 20, 22, 40]] = [np.inf, np.inf, -np.inf, -np.inf]
    check(name, x, 5, y, min_periods=1, infinity=infinity, **options)


def test_an_infinite_value_has_neighbours():
    """Half way between minus infinity and a number is minus infinity, as for the median."""
    x = np.array([-np.inf, 1.0, np.inf])
    ieee = {"min_periods": 1, "infinity": "ieee"}
    np.testing.assert_array_equal(rolling.median(x, 2, **ieee), [-np.inf, -np.inf, np.inf])
    for method in ("linear", "midpoint"):
        ours = rolling.quantile(x, 2, 0.4, interpolation=method, **ieee)
        np.testing.assert_array_equal(ours, [-np.inf, -np.inf, np.inf])
    # One value has no spread, unless it is infinite.
    np.testing.assert_array_equal(rolling.var(x, 1, ddof=0, **ieee), [NAN, 0, NAN])
    for a, b in ((x, x), ([1, 2, 3], x), (x, [1, 2, 3])):
        np.testing.assert_array_equal(rolling.cov(a, b, 1, ddof=0, **ieee), [NAN, 0, NAN])


@statistic
@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint16, bool])
def test_whole_numbers_become_floats(name, options, dtype, rng):
    x, y = rng.integers(0, 2 if dtype is bool else 90, (2, 40)).astype(dtype)
    ours, _ = check(name, x, 6, y, min_periods=3, **options)
    assert ours.dtype == np.float64


@pytest.mark.parametrize("q", [0, 0.01, 0.25, 0.5, 0.75, 0.99, 1])
@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantiles_stand_between_two_values(q, method, rng):
    for ties in (False, True):
        x, y = traffic(rng, 60, ties=ties)
        for window in (1, 3, 10, 40):
            check("quantile", x, window, y, q=q, interpolation=method, min_periods=1)


def test_several_quantiles_equal_one_at_a_time(rng):
    x, _ = traffic(rng, 500)
    q = [0.25, 0.5, 0.95]
    together = rolling.quantile(x, 40, q, min_periods=5)
    for column, one in enumerate(q):
        alone = rolling.quantile(x, 40, one, min_periods=5)
        np.testing.assert_array_equal(np.asarray(together)[..., column], alone)


def test_quantiles_close_to_each_other_are_two_columns():
    table = rolling.quantile(pd.Series([1.0, 2]), 2, [0.07, 0.9999999, 1])
    assert list(table.columns) == ["q7", "q99.99999", "q100"]


def test_statistics_of_one_pass_equal_single_calls(rng):
    x, _ = traffic(rng, 700, missing=0.1)
    names = ["mean", "std", "min", "max", "median", "q95", "zscore", "mad", "count", "skew", "sum"]
    for window, extra in [(2, {}), (20, {}), (20, {"center": True}), ("expanding", {}),
                          (20, {"groups": np.arange(700) % 3}), (20, {"step": 7})]:  # fmt: skip
        together = rolling.stats(x, window, names, min_periods=1, **extra)
        assert list(together) == names
        for name in names:
            quantile = name == "q95"
            alone = linewatch("quantile" if quantile else name, x, window, min_periods=1,
                              **({"q": 0.95} if quantile else {}), **extra)  # fmt: skip
            np.testing.assert_array_equal(together[name], alone, err_msg=f"{name}, {window}")


@pytest.mark.parametrize("dtype", ["datetime64[s]", "datetime64[ns, Asia/Kolkata]", "arrow"])
def test_an_index_of_times_is_found(dtype):
    if dtype == "arrow":
        pytest.importorskip("pyarrow")
        dtype = "timestamp[us][pyarrow]"
    hours = pd.date_range("2026-01-01", periods=4, freq="h", tz="UTC" if "Asia" in dtype else None)
    s = pd.Series([1.0, 3, 5, 7], index=pd.Index(hours).astype(dtype))
    assert rolling.mean(s, "2h").tolist() == [1, 2, 4, 6]
    assert rolling.seasonal(s, window=1).tolist() == [1, 3, 5, 7]
    assert rolling.mean(s, "2h").index is s.index


def test_a_slope_is_per_second_where_there_are_times(rng):
    times = np.array([0, 1, 3, 10, 11]).astype("datetime64[s]")
    x = 5.0 + 2 * np.array([0, 1, 3, 10, 11])
    np.testing.assert_allclose(rolling.slope(x, 3, times=times), [NAN, NAN, 2, 2, 2])
    np.testing.assert_allclose(rolling.slope(x, "5s", times=times), [NAN, 2, 2, NAN, 2])
    late = times.astype("datetime64[ns]") + np.timedelta64(1_800_000_000, "s")
    noisy = x + rng.normal(size=5)
    np.testing.assert_allclose(
        rolling.slope(noisy, 3, times=late), rolling.slope(noisy, 3, times=times), rtol=1e-12
    )


def test_cumulative_sums_find_a_lasting_shift():
    x = [10.0, 14, 14, NAN, 14, 14, 4, 4]
    found = rolling.cusum(x, k=0.5, h=4, mean=10.0, std=2.0)
    np.testing.assert_array_equal(found.upper, [0, 1.5, 3, NAN, 4.5, 1.5, 0, 0])
    np.testing.assert_array_equal(found.lower, [0, 0, 0, NAN, 0, 0, 2.5, 5])
    np.testing.assert_array_equal(found.alarm, [0, 0, 0, 0, 1, 0, 0, -1])


def test_a_baseline_of_cusum_is_for_all_rows_for_each_row_or_for_each_series(rng):
    x = rng.normal(size=(30, 4))
    middle, spread = x.mean(axis=0), x.std(axis=0)
    columns = [rolling.cusum(x[:, c], mean=middle[c], std=spread[c]).upper for c in range(4)]
    expected = np.stack(columns, axis=1)
    of_rows = {"mean": np.tile(middle, (30, 1)), "std": np.tile(spread, (30, 1))}
    np.testing.assert_array_equal(rolling.cusum(x, mean=middle, std=spread).upper, expected)
    np.testing.assert_array_equal(rolling.cusum(x, **of_rows).upper, expected)
    turned = rolling.cusum(x.T, mean=of_rows["mean"].T, std=spread, axis=1)
    np.testing.assert_array_equal(turned.upper, expected.T)


@pytest.mark.parametrize("reset", [True, False])
def test_cumulative_sums_match_their_definition(reset, rng):
    x, _ = traffic(rng, 300, missing=0.1)
    x[150:] += 2
    groups = rng.integers(0, 3, 300)
    z = reference.rolling("zscore", x, 20, groups=groups, include_current=False, min_periods=5)
    ours = rolling.cusum(x, k=0.5, h=4, window=20, groups=groups, min_periods=5, reset=reset)
    for group in range(3):
        rows = groups == group
        definition = reference.cusum(z[rows], 0.5, 4, reset)
        for answer, expected in zip(ours, definition, strict=True):
            np.testing.assert_allclose(answer[rows], expected, rtol=1e-9, atol=1e-9)


# --- exponential weights -----------------------------------------------------------------------

EWM = ["mean", "sum", "var", "std", "cov", "corr"]


def ewm(name, x, y, **options):
    data = (x, y) if name in OF_PAIRS else (x,)
    return getattr(rolling, f"ewm_{name}")(*data, **options)


def test_ewm_mean_by_hand():
    # Weights 1, then 1/2 and 1, then 1/4, 1/2 and 1.
    x = np.array([1.0, 4, 7])
    np.testing.assert_allclose(rolling.ewm_mean(x, alpha=0.5), [1, 3, 5.285714], rtol=1e-6)
    np.testing.assert_allclose(rolling.ewm_mean(x, alpha=0.5, adjust=False), [1, 2.5, 4.75])


@pytest.mark.parametrize("name", EWM)
@pytest.mark.parametrize("adjust", [True, False])
@pytest.mark.parametrize("ignore_na", [False, True])
def test_ewm_matches_its_definition(name, adjust, ignore_na, rng):
    if name == "sum" and not adjust:
        pytest.skip("a weighted sum is defined with adjusted weights only")
    for n in (0, 1, 2, 40):
        for missing in (0, 0.3):
            x, y = traffic(rng, n, missing=missing)
            options = {"adjust": adjust, "ignore_na": ignore_na, "min_periods": 2}
            ours = ewm(name, x, y, alpha=0.3, **options)
            theirs = reference.ewm(name, x, y if name in OF_PAIRS else None, alpha=0.3, **options)
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", EWM)
def test_ewm_matches_pandas(name, rng):
    for case in range(40):
        x, y = traffic(rng, int(rng.integers(0, 60)), missing=0.2)
        weight = [{"com": 4.0}, {"span": 9}, {"halflife": 2.5}, {"alpha": 0.2}][case % 4]
        options = dict(weight, ignore_na=bool(rng.integers(2)), min_periods=int(rng.integers(4)))
        options["adjust"] = True if name == "sum" else bool(rng.integers(2))
        theirs = getattr(pd.Series(x).ewm(**options), name)
        theirs = theirs(pd.Series(y)) if name in OF_PAIRS else theirs()
        np.testing.assert_allclose(
            ewm(name, x, y, **options), theirs, rtol=1e-9, atol=1e-9, err_msg=str(options)
        )


def test_ewm_mean_of_irregular_times_matches_pandas(rng):
    # pandas before 3.0 has times with adjust=True only.
    for adjust in (True, False) if int(pd.__version__.split(".")[0]) >= 3 else (True,):
        x, _ = traffic(rng, 50)
        times = pd.to_datetime(np.sort(rng.integers(0, 200, 50)), unit="s")
        theirs = pd.Series(x).ewm(halflife="7s", times=times, adjust=adjust).mean()
        ours = rolling.ewm_mean(x, halflife="7s", times=times, adjust=adjust)
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)


# --- seasons -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mean", "std", "median", "mad", "zscore"])
@pytest.mark.parametrize("include_current", [True, False])
def test_a_seasonal_baseline_is_made_of_rows_with_the_same_key(name, include_current, rng):
    x, _ = traffic(rng, 120, missing=0.1)
    keys = np.arange(120) % 24 // 6
    groups = rng.integers(0, 2, 120)
    for kind in ({}, {"groups": groups}):
        ours = rolling.seasonal(x, keys=keys, window=4, statistic=name, min_periods=2,
                                include_current=include_current, **kind)  # fmt: skip
        theirs = reference.seasonal(name, x, keys, 4, include_current=include_current,
                                    min_periods=2, **kind)  # fmt: skip
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


def test_the_season_of_a_time_is_its_hour_of_the_week(rng):
    times = np.datetime64("2026-01-01", "h") + np.arange(24 * 7 * 4)
    x = rng.normal(size=len(times))
    ours = rolling.seasonal(x, times=times, window=3, statistic="mean", include_current=False)
    theirs = reference.seasonal("mean", x, np.arange(len(x)) % 168, 3, include_current=False)
    np.testing.assert_allclose(ours, theirs)


# --- pandas ------------------------------------------------------------------------------------

IN_PANDAS = [
    ("sum", {}), ("mean", {}), ("var", {}), ("std", {"ddof": 0}), ("sem", {}), ("count", {}),
    ("min", {}), ("max", {}), ("median", {}), ("quantile", {"q": 0.9}),
    ("quantile", {"q": 0.4, "interpolation": "nearest"}), ("skew", {}), ("kurt", {}),
    ("rank", {}), ("rank", {"method": "min", "pct": True, "ascending": False}),
    ("first", {}), ("last", {}), ("nunique", {}), ("corr", {}), ("cov", {}),
]  # fmt: skip


PANDAS_2 = pd.__version__.startswith("2.")


def random_case(name, rng):
    """Data and options of one random call, as linewatch and as pandas take them."""
    n = int(rng.integers(0, 40))
    x, y = traffic(rng, n, missing=rng.choice([0, 0.2, 0.6]), ties=bool(rng.integers(2)))
    if rng.random() < 0.2 and name not in ("count", "sem"):
        x[rng.random(n) < 0.1] = np.inf  # missing to pandas too, but for these two
    window = int(rng.integers(1, 9))
    options = {
        "min_periods": [None, 0, 1, window][rng.integers(4)],
        "center": bool(rng.integers(2)),
        "closed": [None, "left", "right", "both", "neither"][rng.integers(5)],
    }
    times = None
    if rng.random() < 0.4:
        times = _times(rng, n)
    elif rng.random() < 0.3:
        options["step"] = int(rng.integers(1, 4))
    if name in OF_PAIRS:
        options.pop("step", None)  # pandas has no step here
    if name == "rank":  # pandas 3.1.1: stale ranks when centred, 0 for an empty window
        options["center"] = False
        options["min_periods"] = options["min_periods"] or 1
    return x, y, window, times, options


def in_pandas(name, x, y, window, times, options, arguments):
    if PANDAS_2 and name in ("first", "last", "nunique"):
        pytest.skip("windows of pandas have first, last and nunique from 3.0 on")
    if PANDAS_2 and name == "sem":
        pytest.skip("pandas before 3.0 divides by the root of the number less ddof")
    index = None if times is None else pd.DatetimeIndex(times.astype("datetime64[ns]"))
    x, y = pd.Series(x, index=index), pd.Series(y, index=index)
    windows = x.rolling(window if times is None else f"{window}s", **options)
    if name in OF_PAIRS:
        return getattr(windows, name)(y, **arguments).to_numpy()
    return getattr(windows, name)(**arguments).to_numpy()


def same(a, b):
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize(("name", "arguments"), IN_PANDAS)
def test_random_calls_match_pandas(name, arguments, rng):
    different = []
    for _ in range(60):
        x, y, window, times, options = random_case(name, rng)
        ours, definition = check_at(name, x, window, y, times=times, **options, **arguments)
        assert same(ours, definition)
        if not same(ours, in_pandas(name, x, y, window, times, options, arguments)):
            different.append((x, y, window, times, options))
    assert len(different) <= 1, different


@pytest.mark.parametrize(("name", "arguments"), IN_PANDAS)
def test_definitions_match_pandas(name, arguments, rng):
    """The references themselves are right."""
    for _ in range(30):
        x, y, window, times, options = random_case(name, rng)
        theirs = in_pandas(name, x, y, window, times, options, arguments)
        span = window if times is None else window * 10**9
        definition = reference.rolling(
            name, x, span, y if name in OF_PAIRS else None, times=times, **options, **arguments
        )
        np.testing.assert_allclose(
            definition, theirs, rtol=1e-8, atol=1e-8, err_msg=f"{window} {times} {options}"
        )


@pytest.mark.parametrize("name", EWM)
def test_ewm_definitions_match_pandas(name, rng):
    for _ in range(20):
        x, y = traffic(rng, int(rng.integers(0, 25)), missing=0.3)
        options = {
            "adjust": True,
            "ignore_na": bool(rng.integers(2)),
            "min_periods": 2,
            "alpha": 0.3,
        }
        theirs = getattr(pd.Series(x).ewm(**options), name)
        theirs = theirs(pd.Series(y)) if name in OF_PAIRS else theirs()
        definition = reference.ewm(name, x, y if name in OF_PAIRS else None, **options)
        np.testing.assert_allclose(definition, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["mean", "std", "median", "min", "count"])
def test_grouped_calls_match_pandas(name, rng):
    frame = pd.DataFrame({"cell": rng.integers(0, 5, 200), "prb": traffic(rng, 200)[0]})
    theirs = frame.groupby("cell")["prb"].rolling(7, min_periods=2)
    theirs = getattr(theirs, name)().droplevel(0).sort_index().to_numpy()
    ours = linewatch(name, frame["prb"].to_numpy(), 7, groups=frame["cell"], min_periods=2)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["sum", "mean", "var", "median", "max", "skew", "count", "rank"])
def test_expanding_matches_pandas(name, rng):
    x, _ = traffic(rng, 60)
    for min_periods in (1, 4):
        theirs = getattr(pd.Series(x).expanding(min_periods), name)()
        ours = linewatch(name, x, "expanding", min_periods=min_periods)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("window", [1, 2, 3, 8, 16, 17, 64, 200])
def test_a_median_deviation_of_nothing_is_zero_and_not_negative_zero(window, rng):
    x = rng.integers(0, 3, 400).astype(float)
    mad = rolling.mad(x, window, min_periods=1)
    assert (mad == 0).any() and not np.signbit(mad).any()
