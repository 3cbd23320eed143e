"""What holds for any data: layouts, symmetries, threads, and no way to a panic."""

import datetime
import inspect

import hypothesis.extra.numpy as arrays
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_rolling import LEAST, NAMES, OF_PAIRS, STATISTICS, linewatch

import reference
from linewatch import rolling

statistic = pytest.mark.parametrize(("name", "options"), STATISTICS, ids=NAMES)

# Quarters are exact in every type here, and equal values are frequent.
QUARTERS = st.integers(-400, 400).map(lambda v: v / 4)
GAPS = st.sampled_from([np.nan, np.nan, np.inf, -np.inf])
VALUES = st.one_of(QUARTERS, QUARTERS, QUARTERS, GAPS)
WINDOWS = st.integers(1, 12)


@st.composite
def series(draw, values=VALUES, lengths=None):
    """A window, and a series whose length is close to where windows go wrong."""
    window = draw(WINDOWS)
    if lengths is None:
        lengths = st.sampled_from([0, 1, window - 1, window, window + 1, 3 * window, 60])
    n = draw(lengths)
    return np.array(draw(st.lists(values, min_size=n, max_size=n)), dtype=np.float64), window


def answer(name, x, window, *y, **options):
    """The public function, with the narrowest window that it takes or a wider one."""
    return linewatch(name, x, max(window, LEAST.get(name, 1)), *y, **options)


def close(a, b, message=""):
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9, err_msg=message)


def equal(a, b):
    np.testing.assert_array_equal(a, b)


# --- data of any kind --------------------------------------------------------------------------


@statistic
@settings(max_examples=25)
@given(series(), st.integers(0, 4), st.booleans())
def test_any_series_matches_the_definition(name, options, data, min_periods, center):
    x, window = data[0], max(data[1], LEAST.get(name, 1))
    y = x[::-1] * 2 + 1
    extra = {"min_periods": min(min_periods, window), "center": center, **options}
    definition = reference.rolling(name, x, window, y if name in OF_PAIRS else None, **extra)
    close(answer(name, x, window, y, **extra), definition, f"{extra}")


def layouts(x):
    """The same numbers, stored in other ways."""
    spread = np.empty(2 * len(x), dtype=x.dtype)
    spread[::2] = x
    shut = x.copy()
    shut.flags.writeable = False
    bytes_between = np.zeros(len(x), dtype=[("flag", "i1"), ("value", x.dtype)])
    bytes_between["value"] = x
    yield "every second", spread[::2]
    yield "reversed", x[::-1].copy()[::-1]
    yield "read-only", shut
    yield "unaligned", bytes_between["value"]
    yield "other byte order", x.astype(x.dtype.newbyteorder())
    yield "a column", np.stack([x, x], axis=1)[:, 1]
    yield "list", x.tolist()
    yield "float32", x.astype(np.float32)


@statistic
def test_storage_does_not_matter(name, options, rng):
    x, y = np.round(rng.normal(size=(2, 50)) * 4) / 4
    x[::9] = np.nan
    for window in (LEAST.get(name, 1), 6, 50):
        expected = answer(name, x, window, y, min_periods=1, **options)
        for layout, same in layouts(x):
            ours = np.asarray(answer(name, same, window, y, min_periods=1, **options))
            tolerance = 1e-6 if layout == "float32" else 0
            np.testing.assert_allclose(
                ours, expected, rtol=tolerance, atol=tolerance, err_msg=layout
            )


@statistic
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_storage_of_a_table_does_not_matter(name, options, axis, rng):
    x, y = rng.normal(size=(2, 24, 20))
    expected = answer(name, x, 5, y, axis=axis, **options)
    big = np.zeros((48, 60))
    big[::2, ::3] = x
    for same in (np.asfortranarray(x), big[::2, ::3], x[::-1].copy()[::-1]):
        ours = answer(name, same, 5, y, axis=axis, **options)
        close(ours, expected)


@pytest.mark.parametrize("columns", [3, 16, 21])
@pytest.mark.parametrize("window", [3, 4, 60, 199])
@pytest.mark.parametrize("name", ["sum", "mean", "min", "max"])
def test_a_row_major_table_is_answered_as_its_columns(name, window, columns, rng):
    """Rows that lie side by side in memory take a way of their own."""
    n = 400
    level = rng.normal(100, 5, (n, columns))
    steps = np.repeat(rng.integers(0, 3, (-(-n // 90), columns)) * 0.1, 90, axis=0)[:n]
    for kind in ("full", "gaps", "one gap", "infinite", "steps", "steps with gaps", "huge"):
        x = steps.copy() if "steps" in kind else level.copy()
        if "gaps" in kind:
            x[rng.random(x.shape) < 0.1] = np.nan
        if kind == "one gap":
            x[n // 2, columns // 2] = np.nan
        if kind == "infinite":
            x[n // 3, :], x[n // 2, 0] = np.inf, -np.inf
        if kind == "huge":
            x *= 1e306
        for extra in (
            {},
            {"min_periods": 1},
            {"min_periods": 2, "center": True, "closed": "both"},
            {"min_periods": 1, "include_current": False, "infinity": "ieee"},
            {"min_periods": 3, "groups": np.arange(n) // 130},
        ):
            for dtype in (np.float64, np.float32)[: 1 if extra or kind == "huge" else 2]:
                table = x.astype(dtype)
                ours = answer(name, table, window, axis=0, **extra)
                alone = [answer(name, table[:, c].copy(), window, **extra) for c in range(columns)]
                tolerance = 0 if name in ("min", "max") else 1e-6 if dtype == np.float32 else 1e-13
                np.testing.assert_allclose(
                    ours, np.stack(alone, axis=1), rtol=tolerance, err_msg=f"{kind} {extra} {dtype}"
                )
                if kind == "steps" and name == "mean" and window > 3 and not extra:
                    equal = answer("min", table, window) == answer("max", table, window)
                    np.testing.assert_array_equal(ours[equal], table[equal])


def test_a_long_row_major_table_is_answered_as_its_columns(rng):
    """A long table is cut into pieces of some columns and rows."""
    for n, columns, window in ((70_000, 20, 50), (9_000, 30, 3_000), (300, 600, 10)):
        x = rng.normal(100, 5, (n, columns))
        x[rng.random(x.shape) < 1e-4] = np.nan
        ours = answer("mean", x, window, min_periods=5, axis=0, n_jobs=1)
        assert np.array_equal(
            ours, answer("mean", x, window, min_periods=5, axis=0, n_jobs=2), equal_nan=True
        )
        by_columns = answer("mean", np.asfortranarray(x), window, min_periods=5, axis=0)
        np.testing.assert_allclose(ours, by_columns, rtol=1e-12)


@statistic
def test_the_data_are_not_changed(name, options, rng):
    x, y = rng.normal(size=(2, 50))
    x[::7] = np.inf
    before = x.copy(), y.copy()
    answer(name, x, 6, y, min_periods=1, **options)
    equal(x, before[0])
    equal(y, before[1])


# --- symmetries --------------------------------------------------------------------------------

FINITE = series(values=QUARTERS)


@given(FINITE, st.integers(-1000, 1000))
def test_a_shift_moves_the_level_and_not_the_spread(data, shift):
    x, window = data
    for name in ("mean", "min", "max", "median", "first", "last"):
        close(answer(name, x + shift, window), answer(name, x, window) + shift)
    for name in ("var", "std", "mad", "skew", "kurt", "zscore", "slope", "rank", "argmax",
                 "nunique", "autocorr"):  # fmt: skip
        close(answer(name, x + shift, window), answer(name, x, window), name)


@given(series(), st.integers(-6, 6))
def test_a_power_of_two_scales_every_bit(data, power):
    x, window = data
    scale = 2.0**power
    for name in ("sum", "mean", "std", "sem", "min", "max", "median", "mad", "slope", "first"):
        equal(answer(name, x * scale, window, min_periods=1),
              answer(name, x, window, min_periods=1) * scale)  # fmt: skip
    for name in ("skew", "kurt", "zscore", "rank", "argmin", "count", "nunique", "autocorr"):
        equal(answer(name, x * scale, window, min_periods=1),
              answer(name, x, window, min_periods=1))  # fmt: skip


@given(series())
def test_a_mirror_swaps_low_and_high(data):
    x, window = data
    for name, mirrored in [("min", "max"), ("argmin", "argmax")]:
        sign = -1 if name == "min" else 1
        equal(answer(name, -x, window, min_periods=1),
              sign * answer(mirrored, x, window, min_periods=1))  # fmt: skip
    close(answer("quantile", -x, window, q=0.25), -answer("quantile", x, window, q=0.75))
    equal(answer("mad", -x, window), answer("mad", x, window))


@given(series(), st.sampled_from(["sum", "mean", "std", "min", "median", "skew", "count", "mad"]))
def test_a_centred_odd_window_looks_the_same_both_ways(data, name):
    x, window = data
    options = {"min_periods": 1, "center": True}
    window += 1 - window % 2
    close(answer(name, x[::-1], window, **options)[::-1], answer(name, x, window, **options))


@given(series())
def test_statistics_stand_in_their_order(data):
    x, window = data
    low, q25, middle, q75, high = (
        answer(name, x, window, min_periods=1, **options)
        for name, options in [("min", {}), ("quantile", {"q": 0.25}), ("median", {}),
                              ("quantile", {"q": 0.75}), ("max", {})]
    )  # fmt: skip
    present = ~np.isnan(low)
    for small, large in [(low, q25), (q25, middle), (middle, q75), (q75, high)]:
        assert (small[present] <= large[present]).all()
    average = answer("mean", x, window, min_periods=1)
    assert (average[present] >= low[present] - 1e-9).all()
    assert (average[present] <= high[present] + 1e-9).all()
    assert not (answer("var", x, window) < 0).any()
    assert not (np.abs(answer("corr", x, window, x[::-1])) > 1).any()


@given(series(lengths=st.integers(1, 80)), st.data())
def test_later_answers_do_not_know_the_distant_past(data, draw):
    x, window = data
    cut = draw.draw(st.integers(0, len(x)))
    for name in ("sum", "mean", "var", "min", "median", "rank", "skew", "slope", "argmin", "mad"):
        whole = answer(name, x, window, min_periods=1)[cut + window - 1 :]
        part = answer(name, x[cut:], window, min_periods=1)[window - 1 :]
        close(part, whole, name)


@given(series(), st.integers(1, 4), st.integers(0, 3))
def test_groups_are_series_of_their_own(data, groups, seed):
    x, window = data
    codes = np.random.default_rng(seed).integers(0, groups, len(x))
    for name in ("mean", "std", "max", "median", "rank", "count"):
        ours = answer(name, x, window, groups=codes, min_periods=1)
        for code in range(groups):
            rows = codes == code
            equal(ours[rows], answer(name, x[rows], window, min_periods=1))


@settings(max_examples=20)
@given(st.integers(0, 5), st.sampled_from([1, 30, 999, 20_000]), st.sampled_from([0, 0.1]))
def test_threads_do_not_change_a_bit(seed, window, missing):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(30_000 + seed, 2))
    x[rng.random(x.shape) < missing] = np.nan
    for name in ("mean", "std", "min", "median", "argmax", "zscore"):
        one, two, many = (
            answer(name, x, window, min_periods=1, n_jobs=jobs).view(np.int64) for jobs in (1, 2, 7)
        )
        equal(one, two)
        equal(one, many)


# --- garbage -----------------------------------------------------------------------------------

TIMES = pd.date_range("2026-01-01", periods=6, freq="s")

GARBAGE = [
    None, True, False, 0, 1, 2, 3, 6, 7, -1, -5, 2**31, 2**63 - 1, 2**63, -(2**63), 2**80,
    0.0, 0.5, 1.5, -0.0, np.nan, np.inf, -np.inf, 1e300, 5e-324, 1j,
    np.int8(3), np.uint64(2**64 - 1), np.float32(2), np.bool_(True), np.array(3), np.array([3]),
    "", "x", "5s", "0s", "-3s", "expanding", "linear", "left", "both", "min", "ieee", "missing",
    "1000000000000d", "NaT", "\x00", "é",
    b"5s", [], [1], [0.5, 0.5], [[1]], (), (1, 2), ("span", 5), ("bounds", 1, 2), {}, {"a": 1},
    set(), object(), len, Ellipsis, datetime.timedelta(seconds=2), datetime.timedelta(0),
    datetime.timedelta.max, np.timedelta64(2, "s"), np.timedelta64("NaT"), pd.NaT, pd.NA,
    pd.Timedelta("3s"), datetime.date(2026, 1, 1), np.datetime64("2026-01-01"),
]  # fmt: skip

COLUMNS = [
    np.arange(6.0), np.arange(6), np.arange(6.0)[::-1], np.full(6, np.nan), np.empty(0),
    np.arange(6.0, dtype=np.float32), np.arange(6.0, dtype=np.float16), np.ones((6, 2)),
    np.ones((0, 3)), np.ones((6, 0)), np.ones((2, 3, 4)), np.arange(6, dtype=np.uint64) << 61,
    np.array([1e308, -1e308, 1e308, 5e-324, np.inf, -np.inf]),
    np.array([1, None, "a", 2, 3, 4], dtype=object), np.arange(6).astype("datetime64[s]"),
    np.arange(6).astype("timedelta64[s]"), np.zeros(6, dtype=[("a", "f8")]), np.arange(6) * 1j,
    np.ma.masked_array(np.arange(6.0), mask=[0, 1, 0, 0, 1, 0]), np.arange(6.0).astype(">f8"),
    np.broadcast_to(1.0, 6), np.broadcast_to(np.arange(6.0), (6, 6)), np.array(["a"] * 6),
    np.longdouble([1, 2, 3, 4, 5, 6]), np.array([True] * 6),
    list(range(6)), [1, None, 3, 4, 5, 6], [[1, 2], [3]], range(6), tuple("abcdef"),
    pd.Series(np.arange(6.0), index=TIMES), pd.Series([1, None, 3] * 2, dtype="Int64"),
    pd.Series(list("abcabc")), pd.Series(list("abcabc"), dtype="category"), pd.Series(TIMES),
    pd.DataFrame({"a": range(6), "b": list("abcdef")}), pd.DataFrame({"a": np.ones(6)}),
    pd.DataFrame(), pl.Series("a", [1, None, 3, 4, 5, 6]), pl.Series("a", ["x"] * 6),
    pl.DataFrame({"a": [1.0] * 6, "b": [2] * 6}), pl.Series("t", TIMES), TIMES, TIMES[::-1],
    pd.DatetimeIndex([pd.NaT] * 6), TIMES.tz_localize("Europe/Rome"), TIMES.values.astype("M8[D]"),
    np.array([2**62, -(2**62)] * 3), np.array([-(2**63), 0, 1, 2, 3, 2**63 - 1]),
    np.array([-1, 0, 1, -1, 0, 5]), np.array([2**40, 0, 1, -7, 3, 2]), list("aabbcc"),
    *GARBAGE,
]  # fmt: skip

ARRAYS = arrays.arrays(
    st.one_of(arrays.floating_dtypes(), arrays.integer_dtypes(), arrays.boolean_dtypes()),
    arrays.array_shapes(max_dims=2, max_side=7, min_side=0),
)

FUNCTIONS = [
    function
    for name, function in sorted(vars(rolling).items())
    if inspect.isfunction(function)
    and not name.startswith("_")
    and function.__module__.startswith("linewatch")
]

SERIES_LIKE = {"x", "y", "times", "keys", "groups", "mean", "std"}
SHARED = ["min_periods", "center", "closed", "step", "times", "groups", "include_current", "axis",
          "infinity", "n_jobs"]  # fmt: skip
OF_EWM = ["com", "span", "halflife", "alpha", "adjust", "ignore_na", "min_periods", "times",
          "groups", "axis", "infinity", "n_jobs"]  # fmt: skip


def arguments_of(function):
    """Names of the arguments it must and may have."""
    of_ewm = function.__name__.startswith("ewm")
    required = {"alpha"} if of_ewm else set()
    optional = set(OF_EWM if of_ewm else SHARED)
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        (required if parameter.default is parameter.empty else optional).add(name)
    return required, optional


def sane(required):
    x = np.arange(6.0)
    everything = {"x": x, "y": x[::-1], "window": 3, "q": 0.5, "alpha": 0.5,
                  "statistics": ["mean", "median"], "keys": [1, 2, 1, 2, 1, 2]}  # fmt: skip
    return {name: everything[name] for name in sorted(required)}


def survives(function, arguments):
    """It answers, or raises a ValueError or a TypeError that speaks of the caller's arguments."""
    try:
        function(**arguments)
    except (ValueError, TypeError) as error:
        text = str(error)
        assert len(text) < 1000
        assert "unwrap" not in text
        assert "panic" not in text
    except BaseException as error:
        raise AssertionError(f"{function.__name__}(**{arguments}): {error!r}") from error


functions = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)


@functions
def test_one_argument_of_garbage_is_no_way_to_a_panic(function):
    required, optional = arguments_of(function)
    for name in sorted(required | optional):
        for value in COLUMNS if name in SERIES_LIKE else GARBAGE:
            survives(function, {**sane(required), name: value})
            if name in ("times", "groups", "keys", "min_periods"):
                window = {"window": "2s"} if "window" in required | optional else {}
                survives(function, {**sane(required), **window, "times": TIMES, name: value})


@settings(max_examples=2000)
@given(st.data())
def test_several_arguments_of_garbage_are_no_way_to_a_panic(data):
    function = data.draw(st.sampled_from(FUNCTIONS))
    required, optional = arguments_of(function)
    arguments = sane(required)
    for name in data.draw(st.lists(st.sampled_from(sorted(required | optional)), max_size=5)):
        columns = st.one_of(st.sampled_from(COLUMNS), ARRAYS)
        values = columns if name in SERIES_LIKE else st.sampled_from(GARBAGE)
        arguments[name] = data.draw(values, label=name)
    survives(function, arguments)


@settings(max_examples=300)
@given(
    arrays.arrays(np.float64, st.integers(0, 40), elements=st.floats(width=64)),
    st.integers(1, 45),
    st.sampled_from(["missing", "ieee"]),
)
def test_floats_of_any_bits_give_answers(x, window, infinity):
    for name, options in STATISTICS:
        got = answer(name, x, window, x[::-1], min_periods=0, infinity=infinity, **options)
        assert got.shape == x.shape
