"""What rolling statistics refuse, and what they say; what they take though it is odd."""

import datetime
import re

import numpy as np
import pandas as pd
import pytest
from test_rolling import LEAST, OF_PAIRS, STATISTICS, linewatch

from linewatch import rolling

X = np.array([1.0, 2, 4, 8, 16])
Y = np.array([2.0, 1, 5, 3, 4])
TIMES = np.arange(5).astype("datetime64[s]")

NAMES = sorted({name for name, _ in STATISTICS})
OPTIONS = {"quantile": {"q": 0.5}, "entropy": {"bins": 3}}

every_name = pytest.mark.parametrize("name", NAMES)


def call(name, x=X, window=3, y=Y, **options):
    return linewatch(name, x, window, y, **{**OPTIONS.get(name, {}), **options})


def refused(text, kind=(ValueError, TypeError)):
    """The call raises an error that names what `text` names: all of it, in this order."""
    parts = [re.escape(part) for part in text.split("…")]
    return pytest.raises(kind, match=".*".join(parts))


# --- windows -----------------------------------------------------------------------------------


@every_name
def test_a_window_has_rows(name):
    with pytest.raises(ValueError, match=r"^window must be at least \d, got 0$"):
        call(name, window=0)
    with pytest.raises(ValueError, match=r"^window must be at least \d, got -3$"):
        call(name, window=-3)


@every_name
@pytest.mark.parametrize(
    "window", [2.5, np.float64(3), True, None, "nonsense", "", [3], (2, 3), {}, object()]
)
def test_a_window_is_a_number_of_rows_or_a_span(name, window):
    with refused("window"):
        call(name, window=window)


@every_name
def test_a_window_may_be_longer_than_the_series(name):
    assert np.isnan(call(name, window=50)).all() or name == "hampel_repair"
    assert len(call(name, window=10**15, min_periods=1)) == len(X)


@every_name
def test_a_window_is_any_kind_of_integer(name):
    for window in (np.int64(3), np.uint8(3)):
        np.testing.assert_array_equal(call(name, window=window), call(name, window=3))


@pytest.mark.parametrize("window", ["5s", datetime.timedelta(seconds=5), np.timedelta64(5, "s")])
def test_a_span_needs_times(window):
    with refused("window is a span of time…which needs times: one for each row"):
        rolling.mean(X, window)
    assert rolling.mean(X, window, times=TIMES)[4] == X.mean()


@pytest.mark.parametrize("window", ["0s", "-5s", datetime.timedelta(seconds=-1), "5 parsecs"])
def test_a_span_is_longer_than_nothing(window):
    with refused("window"):
        rolling.mean(X, window, times=TIMES)


def test_a_step_goes_forward():
    for step in (0, -1):
        with refused(f"step must be at least 1, got {step}", ValueError):
            rolling.mean(X, 3, step=step)
    for step in (1.5, "two", True):
        with refused("step"):
            rolling.mean(X, 3, step=step)
    assert len(rolling.mean(X, 3, step=10**12)) == 1


@pytest.mark.parametrize("closed", ["x", "Right", 1, True, []])
def test_closed_is_one_of_four(closed):
    with refused("closed"):
        rolling.mean(X, 3, closed=closed)


# --- min_periods -------------------------------------------------------------------------------


@every_name
def test_min_periods_does_not_exceed_the_window(name):
    expected = "min_periods must be at most the window of 3 rows, got 4"
    with pytest.raises(ValueError, match=f"^{expected}$"):
        call(name, min_periods=4)


@every_name
def test_min_periods_is_not_negative(name):
    with refused("min_periods…-1", ValueError):
        call(name, min_periods=-1)


@pytest.mark.parametrize("min_periods", [1.5, "one", [1], True])
def test_min_periods_is_a_whole_number(min_periods):
    with refused("min_periods"):
        rolling.mean(X, 3, min_periods=min_periods)


# --- data --------------------------------------------------------------------------------------


@every_name
def test_an_empty_series_has_no_answers(name):
    for empty in (np.array([]), [], np.empty(0, np.float32)):
        answer = np.asarray(call(name, empty, 3, empty))
        assert answer.shape == (0,)


@every_name
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (5, 0), (1, 1)])
def test_a_table_may_have_no_rows_or_columns(name, shape):
    assert call(name, np.ones(shape), 2, np.ones(shape)).shape == shape


@every_name
def test_one_row_and_nothing_but_gaps_are_ordinary(name):
    least = LEAST.get(name, 1)
    assert call(name, np.ones(1), least, np.ones(1)).shape == (1,)
    gaps = np.full(5, np.nan)
    answer = call(name, gaps, 3, gaps)
    # Nothing is present in any window; a window of rows may still be counted.
    assert np.isnan(answer).all() or (name == "count" and np.nanmax(answer) == 0)


@every_name
@pytest.mark.parametrize(
    "x",
    [
        np.array(["a", "b", "c", "d", "e"]),
        np.array([1, "b", None, 2, 3], dtype=object),
        np.arange(5) * 1j,
        np.arange(5).astype("datetime64[s]"),
        pd.Series(list("abcde")),
        "abcde",
        None,
        3.5,
        {"a": 1},
        np.ones((5, 2, 2)),
    ],
    ids=lambda x: type(x).__name__,
)
def test_data_are_numbers_in_rows(name, x):
    with refused("x"):
        call(name, x)


def test_text_is_refused_with_a_way_out():
    expected = 'x has dtype object; expected numbers (try x.astype("float64"))'
    with pytest.raises(TypeError, match=f"^{re.escape(expected)}$"):
        rolling.mean(np.array([1, 2, 3], dtype=object), 2)


def test_whole_numbers_beyond_double_precision_are_refused():
    with refused("2"):
        rolling.mean(np.array([1, 2**53 + 1, 3]), 2)
    np.testing.assert_array_equal(rolling.max(np.array([1, 2**53]), 1), [1, 2**53])


@pytest.mark.parametrize("infinity", ["x", None, 1])
def test_infinity_is_missing_or_ieee(infinity):
    with refused("infinity"):
        rolling.mean(X, 3, infinity=infinity)


@pytest.mark.parametrize("axis", [2, -3, "rows", 0.5])
def test_an_axis_exists(axis):
    with refused("axis"):
        rolling.mean(np.ones((3, 3)), 2, axis=axis)


@pytest.mark.parametrize("name", sorted(OF_PAIRS))
def test_two_series_have_the_same_length(name):
    with refused("y has 4 values, expected 5", ValueError):
        call(name, y=Y[:4])
    with refused("y"):
        call(name, y=None)
    with refused("y"):
        call(name, y=np.array(list("abcde")))


# --- times and groups --------------------------------------------------------------------------


def test_times_do_not_go_back():
    with refused("times", ValueError):
        rolling.mean(X, "2s", times=TIMES[::-1])
    expected = (
        "times must not decrease, but row 2 is earlier than row 1 (sort the rows by time first)"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        rolling.mean(X, "2s", times=TIMES[[0, 2, 1, 3, 4]])


def test_times_may_go_back_between_groups():
    groups = [0, 0, 1, 1, 1]
    rolling.mean(X, "2s", times=TIMES[[3, 4, 0, 1, 2]], groups=groups)
    with refused("times…row 4…row 1", ValueError):
        rolling.mean(X, "2s", times=TIMES[[0, 3, 1, 2, 2]], groups=[0, 1, 0, 0, 1])


def test_every_row_has_a_time():
    times = TIMES.copy()
    times[2] = "NaT"
    with refused("times", ValueError):
        rolling.mean(X, "2s", times=times)
    with refused("times has 4 values, expected 5", ValueError):
        rolling.mean(X, "2s", times=TIMES[:4])


@pytest.mark.parametrize("times", [list("abcde"), np.ones((5, 2)), 7, "now", [None] * 5])
def test_times_are_times(times):
    with refused("times"):
        rolling.mean(X, "2s", times=times)


def test_every_row_has_a_group():
    with refused("groups has 4 values, expected 5", ValueError):
        rolling.mean(X, 2, groups=[1, 2, 3, 4])
    with refused("groups"):
        rolling.mean(X, 2, groups=7)


def test_what_contradicts_itself_is_refused():
    for kind in ({"center": True}, {"closed": "both"}):
        with refused("include_current", ValueError):
            rolling.mean(X, 3, include_current=False, **kind)
        with refused("expanding", ValueError):
            rolling.mean(X, "expanding", **kind)
    with refused("step…groups", ValueError):
        rolling.mean(X, 3, groups=[0, 0, 1, 1, 1], step=2)


# --- options of single statistics --------------------------------------------------------------


@pytest.mark.parametrize("q", [-0.1, 1.1, np.nan, np.inf, "half", None, [0.5, 2.0], []])
def test_a_quantile_lies_between_0_and_1(q):
    with refused("q"):
        rolling.quantile(X, 3, q)


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("quantile", "interpolation", "cubic"),
        ("quantile", "interpolation", 1),
        ("rank", "method", "dense"),
        ("rank", "method", None),
        ("var", "ddof", "one"),
        ("var", "ddof", -1),
        ("autocorr", "lag", None),
        ("mean", "compensated", 1),
        ("rank", "pct", "yes"),
        ("std", "ddof", 1.5),
        ("autocorr", "lag", 0.5),
        ("autocorr", "lag", -1),
        ("entropy", "bins", 0),
        ("entropy", "bins", -4),
        ("entropy", "bins", 2.5),
        ("hampel", "threshold", -1.0),
        ("hampel", "threshold", np.nan),
        ("hampel", "threshold", "three"),
    ],
)
def test_an_option_out_of_place_is_named(name, option, value):
    with refused(option):
        call(name, **{option: value})


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"window": 1}, ValueError, "window must be at least 2, got 1"),
        (
            {"mean": 0.0, "std": 1.0, "step": 2},
            TypeError,
            "step is for windows; leave it out with mean and std",
        ),
        (
            {"mean": [0.0, 1.0], "std": 1.0},
            ValueError,
            "mean must be a number or of shape (5,), got shape (2,)",
        ),
        (
            {"mean": 0.0, "std": np.ones((5, 5))},
            ValueError,
            "std must be a number or of shape (5,), got shape (5, 5)",
        ),
        (
            {"mean": "low", "std": 1.0},
            TypeError,
            "mean must be a number or an array of numbers, got 'low'",
        ),
        ({"window": 3, "reset": "no"}, TypeError, "reset must be True or False, got 'no'"),
    ],
)
def test_a_baseline_of_cusum_fits_its_rows(arguments, error, text):
    with pytest.raises(error) as raised:
        rolling.cusum(X, **arguments)
    assert str(raised.value) == text


def test_columns_of_quantiles_have_names_of_their_own():
    text = "q must hold different numbers for a table of columns, got [0.5, 0.5]"
    with refused(text, ValueError):
        rolling.quantile(pd.Series(X), 3, [0.5, 0.5])
    assert rolling.quantile(X, 3, [0.5, 0.5]).shape == (5, 2)


def test_an_unknown_option_is_refused():
    with pytest.raises(TypeError):
        rolling.mean(X, 3, minperiods=1)


def test_an_unknown_statistic_is_told_the_known_ones():
    with refused(
        "there is no statistic 'wibble'; there are q0 to q100, sum, mean, var, std", ValueError
    ):
        rolling.stats(X, 3, ["mean", "wibble"])
    for statistics in ([], ["q101"], [3], None, ["mean", "mean "]):
        with refused("statistic"):
            rolling.stats(X, 3, statistics)


@pytest.mark.parametrize("n_jobs", [0, 1.5, "two", True])
def test_jobs_are_counted(n_jobs):
    with refused("n_jobs"):
        rolling.mean(X, 3, n_jobs=n_jobs)


# --- exponential weights -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("alpha", 0), ("alpha", 1.5), ("alpha", np.nan), ("alpha", "x"), ("com", -1),
        ("span", 0.5), ("halflife", 0), ("halflife", -2), ("halflife", "7s"),
        ("min_periods", -1), ("min_periods", 1.5),
    ],
)  # fmt: skip
def test_a_decay_is_positive(option, value):
    options = {option: value} if option != "min_periods" else {"alpha": 0.5, option: value}
    with refused(option):
        rolling.ewm_mean(X, **options)


def test_exactly_one_decay_is_given():
    with refused("com"):
        rolling.ewm_mean(X)
    with refused("com"):
        rolling.ewm_mean(X, com=1, span=3)


# --- seasons -----------------------------------------------------------------------------------


def test_a_season_needs_a_key():
    with refused("keys"):
        rolling.seasonal(X, window=2, statistic="mean")
    with refused("keys has 4 values, expected 5", ValueError):
        rolling.seasonal(X, keys=[1, 2, 1, 2], window=2, statistic="mean")
    with refused("statistic"):
        rolling.seasonal(X, keys=[1, 2, 1, 2, 1], window=2, statistic="wibble")
    with refused("window"):
        rolling.seasonal(X, keys=[1, 2, 1, 2, 1], window=0, statistic="mean")
