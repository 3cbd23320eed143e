"""The `lw` accessor and `linewatch.pandas.install` against pandas itself."""

import os
import pathlib
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

pd = pytest.importorskip("pandas", minversion="2.2")

import linewatch.pandas
from linewatch.interop import pandas_kernels

try:
    import pyarrow
except ImportError:
    pyarrow = None

HERE = pathlib.Path(__file__).parent

METHODS = [
    ("sum", {}),
    ("mean", {}),
    ("median", {}),
    ("min", {}),
    ("max", {}),
    ("count", {}),
    ("skew", {}),
    ("kurt", {}),
    ("first", {}),
    ("last", {}),
    ("nunique", {}),
    ("var", {}),
    ("var", {"ddof": 0}),
    ("std", {}),
    ("std", {"ddof": 2}),
    ("sem", {}),
    ("quantile", {"q": 0.3}),
    ("quantile", {"q": 0.95, "interpolation": "nearest"}),
    ("quantile", {"q": 1.0}),
    ("rank", {}),
    ("rank", {"method": "min", "ascending": False}),
    ("rank", {"pct": True}),
    ("mean", {"numeric_only": True}),
]
METHODS = [method for method in METHODS if hasattr(pd.api.typing.Rolling, method[0])]
EWM_METHODS = [
    ("mean", {}),
    ("sum", {}),
    ("var", {}),
    ("var", {"bias": True}),
    ("std", {}),
    ("corr", {}),
    ("cov", {}),
]


# Random objects -------------------------------------------------------------------------------


def column(rng, n):
    """Numbers of a random dtype, with gaps where the dtype has them."""
    kind = rng.choice(
        ["float", "float", "gaps", "inf", "float32", "int", "bool", "uint8", "Int64", "Float64"]
        + ["boolean", "arrow"]
    )
    values = rng.integers(-8, 9, n) / 4 if rng.random() < 0.5 else rng.normal(10, 3, n)
    gaps = rng.random(n) < 0.3
    match kind:
        case "float":
            return pd.Series(values)
        case "float32":
            return pd.Series(values.astype(np.float32))
        case "gaps":
            return pd.Series(np.where(gaps, np.nan, values))
        case "inf":
            return pd.Series(np.where(gaps, np.inf, values))
        case "int" | "uint8":
            return pd.Series(rng.integers(0, 9, n).astype(kind))
        case "bool":
            return pd.Series(gaps)
        case "Int64":
            return pd.Series(rng.integers(0, 9, n)).astype("Int64").mask(gaps)
        case "Float64":
            return pd.Series(values).astype("Float64").mask(gaps)
        case "boolean":
            return pd.Series(values > 0).astype("boolean").mask(gaps)
        case _:
            dtype = "Float32" if pyarrow is None else "double[pyarrow]"
            return pd.Series(np.where(gaps, np.nan, values)).astype(dtype)


def index(rng, n, timed=False):
    """A random index of n labels; of times in order if `timed`."""
    kind = rng.choice(["range", "labels", "same", "times", "spans", "levels"])
    if timed:
        kind = rng.choice(["times", "times", "zone", "seconds", "spans", "back"])
    steps = np.cumsum(rng.integers(0 if rng.random() < 0.5 else 1, 40, n))
    times = pd.to_datetime(steps, unit="s")
    match kind:
        case "range":
            return pd.RangeIndex(n, name=rng.choice([None, "row"]))
        case "labels":
            return pd.Index([f"r{i}" for i in rng.permutation(n)], name="label")
        case "same":
            return pd.Index(rng.integers(0, 3, n))
        case "spans":
            return pd.to_timedelta(steps, unit="s")
        case "zone":
            return times.tz_localize("Europe/Berlin").rename("time")
        case "seconds":
            return times.as_unit("s")
        case "back":
            return times[::-1]
        case "levels":
            return pd.MultiIndex.from_arrays([rng.integers(0, 3, n), range(n)], names=["k", None])
    return times


def table(rng, timed=False):
    """A Series or a frame of numbers, sometimes with a column of words or of times to roll on."""
    n = int(rng.choice([0, 1, 2, 7, 30, 60]))
    rows = index(rng, n, timed)
    if rng.random() < 0.4:
        out = column(rng, n)
        out.name = rng.choice([None, "prb"])
    else:
        width = int(rng.integers(1, 5))
        out = pd.DataFrame({f"c{i}": column(rng, n) for i in range(width)})
        if rng.random() < 0.1:
            out["word"] = "x"
        out.columns.name = rng.choice([None, "kpi"])
    out.index = rows
    return out


def arguments(rng, timed):
    """Random arguments of ``rolling``; a few do not fit together."""
    out = {"window": int(rng.choice([1, 2, 3, 5, 10, 100]))}
    if timed:
        out["window"] = rng.choice(
            ["45s", "2min", "1s", pd.Timedelta("90s"), pd.offsets.Second(30)]
        )
    if rng.random() < 0.6:
        out["min_periods"] = int(rng.choice([0, 1, 2, 4]))
    if rng.random() < 0.3:
        out["center"] = True
    if rng.random() < 0.4:
        out["closed"] = str(rng.choice(["left", "right", "both", "neither"]))
    if rng.random() < 0.2:
        out["step"] = int(rng.choice([1, 2, 3]))
    return out


def outcome(function):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function()
    except Exception as error:
        return error


def assert_same(ours, theirs):
    """The same index, names, dtypes and values, or the same kind of error."""
    if isinstance(theirs, Exception):
        assert type(ours) is type(theirs), (ours, theirs)
        return
    if isinstance(ours, Exception):
        raise ours
    if isinstance(theirs, pd.Series):
        pd.testing.assert_series_equal(ours, theirs, rtol=1e-9, atol=1e-9)
    else:
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-9, atol=1e-9)


def methods_for(given):
    """Of a centred window pandas keeps a rank of before when the window shrinks at the end."""
    stale = given.get("center") or given.get("closed") in ("left", "neither")
    return [method for method in METHODS if not (stale and method[0] == "rank")]


def compare(windows, name, parameters):
    """One method of the accessor and of pandas; windows(x) opens them on an object or accessor."""
    theirs = outcome(lambda: getattr(windows(lambda obj: obj), name)(**parameters))
    ours = outcome(lambda: getattr(windows(lambda obj: obj.lw), name)(**parameters))
    assert_same(ours, theirs)


# The accessor against pandas ------------------------------------------------------------------


@pytest.mark.parametrize("case", range(150))
@pytest.mark.parametrize("timed", [False, True], ids=["rows", "times"])
def test_rolling_of_the_accessor_is_that_of_pandas(case, timed):
    rng = np.random.default_rng([case, timed])
    data = table(rng, timed)
    given = arguments(rng, timed)
    methods = methods_for(given)
    for i in rng.choice(len(methods), 5, replace=False):
        compare(lambda of: of(data).rolling(**given), *methods[i])


@pytest.mark.parametrize("case", range(40))
def test_expanding_of_the_accessor_is_that_of_pandas(case):
    rng = np.random.default_rng(case)
    data = table(rng)
    least = [None, 0, 1, 2, 4][rng.integers(5)]
    for i in rng.choice(len(METHODS), 5, replace=False):
        compare(lambda of: of(data).expanding(least), *METHODS[i])


@pytest.mark.parametrize("case", range(60))
def test_rolling_on_a_column_of_times(case):
    rng = np.random.default_rng(case)
    data = table(rng)
    if isinstance(data, pd.Series):
        data = data.to_frame("a")
    at = int(rng.integers(0, data.shape[1] + 1))
    data.insert(at, "time", index(rng, len(data), timed=True))
    given = arguments(rng, timed=bool(rng.random() < 0.7)) | {"on": "time"}
    methods = methods_for(given)
    for i in rng.choice(len(methods), 5, replace=False):
        compare(lambda of: of(data).rolling(**given), *methods[i])


@pytest.mark.parametrize("case", range(150))
def test_groups_of_the_accessor_are_those_of_pandas(case):
    rng = np.random.default_rng(case)
    timed = bool(rng.random() < 0.5)
    data = table(rng, timed)
    if isinstance(data, pd.Series):
        data = data.to_frame("a")
    n = len(data)
    given = arguments(rng, timed)
    given.pop("step", None)
    if timed and rng.random() < 0.5:
        data.insert(0, "time", data.index)
        data = data.reset_index(drop=True)
        given["on"] = "time"
    keys = ["cell"]
    cells = rng.integers(0, 5, n)
    match rng.choice(["numbers", "words", "missing", "two", "categories", "sorted"]):
        case "numbers":
            data["cell"] = cells
        case "words":
            data["cell"] = np.array(list("dacbe"))[cells]
        case "missing":
            data["cell"] = np.where(cells == 0, np.nan, cells)
        case "two":
            data["cell"] = cells
            data["band"] = rng.integers(0, 2, n)
            keys = ["band", "cell"]
        case "categories":
            data["cell"] = pd.Categorical.from_codes(cells, list("abcdefg"))
        case "sorted":
            data["cell"] = np.sort(cells)
    how = {
        "sort": bool(rng.random() < 0.7),
        "dropna": bool(rng.random() < 0.7),
        "as_index": bool(rng.random() < 0.8),
        "observed": bool(rng.random() < 0.5),
    }
    chosen = None
    if rng.random() < 0.3:
        chosen = "c0" if "c0" in data else "a"

    def windows(of):
        groups = of(data).groupby(keys, **how)
        groups = groups if chosen is None else groups[chosen]
        return groups.rolling(**given)

    methods = methods_for(given)
    for i in rng.choice(len(methods), 5, replace=False):
        compare(windows, *methods[i])


@pytest.mark.parametrize("case", range(80))
def test_exponential_weights_of_the_accessor_are_those_of_pandas(case):
    rng = np.random.default_rng(case)
    data = table(rng)
    given = [{"com": 2.5}, {"span": 4}, {"halflife": 3}, {"alpha": 0.3}][rng.integers(4)]
    given |= {"adjust": bool(rng.random() < 0.6), "ignore_na": bool(rng.random() < 0.5)}
    given |= {"min_periods": int(rng.integers(0, 4))}
    if rng.random() < 0.3:
        times = pd.to_datetime(np.cumsum(rng.integers(1, 40, len(data))), unit="s")
        given = given | {"halflife": "60s", "times": times}
        given = {key: given[key] for key in given if key not in ("com", "span", "alpha")}
    for i in rng.choice(len(EWM_METHODS), 4, replace=False):
        compare(lambda of: of(data).ewm(**given), *EWM_METHODS[i])
    cells = rng.integers(0, 3, len(data))
    given.pop("times", None)
    if "halflife" in given and isinstance(given["halflife"], str):
        given["halflife"] = 2.0
    for i in rng.choice(len(EWM_METHODS) - 2, 3, replace=False):
        compare(lambda of: of(data).groupby(cells).ewm(**given), *EWM_METHODS[i])


@pytest.mark.parametrize("case", range(60))
def test_several_statistics_at_once_are_those_of_pandas(case):
    rng = np.random.default_rng(case)
    data = table(rng)
    given = arguments(rng, timed=False)
    names = [str(name) for name in rng.permutation(["mean", "std", "count", "max", "median"])[:3]]
    asked = [names, names[0], {"c0": names}, {"c0": names[0]}, {"c0": names[:2], "c1": names[2]}]
    asked = asked[rng.integers(len(asked))]
    compare(lambda of: of(data).rolling(**given), "agg", {"func": asked})
    cells = rng.integers(0, 3, len(data))
    given.pop("step", None)
    compare(lambda of: of(data).groupby(cells).rolling(**given), "agg", {"func": asked})


@pytest.mark.parametrize("case", range(60))
def test_pairs_are_those_of_pandas(case):
    rng = np.random.default_rng(case)
    data = table(rng)
    other = column(rng, len(data)).set_axis(data.index)
    if rng.random() < 0.2:
        other = other.iloc[::2]
    other.name = rng.choice([None, "prb", "other"])
    given = arguments(rng, timed=False)
    for name in ("corr", "cov"):
        for parameters in ({}, {"other": other}, {"other": other, "pairwise": True}):
            compare(lambda of: of(data).rolling(**given), name, parameters)


def test_a_mean_of_prb_per_cell_by_hand():
    df = pd.DataFrame({"cell": ["b", "a", "b", "a"], "prb": [10.0, 40.0, 30.0, 60.0]})
    mean = df.lw.groupby("cell").rolling(2, min_periods=1).mean()
    assert list(mean.index) == [("a", 1), ("a", 3), ("b", 0), ("b", 2)]
    assert mean["prb"].tolist() == [40.0, 50.0, 10.0, 20.0]


@pytest.mark.parametrize("closed", ["left", "right", "both", "neither"])
def test_rows_of_the_same_time_count_as_in_pandas(closed):
    times = pd.to_datetime([39, 39, 48, 48, 48, 90], unit="s")
    s = pd.Series([1.0, 2, 4, 8, 16, 32], index=times)
    compare(lambda of: of(s).rolling("45s", closed=closed), "sum", {})
    cells = [0, 0, 0, 1, 1, 1]
    compare(lambda of: of(s).groupby(cells).rolling("45s", closed=closed), "sum", {})


def test_what_pandas_refuses_is_refused_in_its_words():
    s = pd.Series([1.0, 2.0])
    with pytest.raises(ValueError, match="min_periods 5 must be <= window 2"):
        s.lw.rolling(2, min_periods=5)
    with pytest.raises(ValueError, match="not in \\[0, 1\\]"):
        s.lw.rolling(2).quantile(1.5)
    with pytest.raises(TypeError):
        s.lw.rolling(2).mean(nonsense=1)
    with pytest.raises(pd.errors.DataError):
        pd.Series(["a", "b"]).lw.rolling(2).mean()
    with pytest.raises(AttributeError):
        s.lw.rolling(2).nonsense  # noqa: B018, asking is the test


@pytest.mark.parametrize("weight", [{"alpha": 0.5}, {"com": 1}, {"span": 3}, {"halflife": 1}])
def test_half_weights_over_a_gap_are_those_of_pandas(weight):
    s = pd.Series([1.0, None, 0.0, 2.0, None, None, 5.0])
    compare(lambda of: of(s).ewm(adjust=False, **weight), "mean", {})
    compare(lambda of: of(s).groupby([0, 0, 0, 1, 1, 1, 1]).ewm(adjust=False, **weight), "mean", {})
    theirs = s.ewm(adjust=False, **weight).agg(["mean", "var"])
    pd.testing.assert_frame_equal(s.lw.ewm(adjust=False, **weight).agg(["mean", "var"]), theirs)
    theirs = s.ewm(adjust=False, **weight).mean()
    with linewatch.pandas.accelerated():
        pd.testing.assert_series_equal(s.ewm(adjust=False, **weight).mean(), theirs)


def test_words_are_not_counted_as_numbers_only():
    s = pd.Series(["a", "b"], dtype=object)
    with pytest.raises(NotImplementedError, match="count does not implement numeric_only"):
        s.lw.rolling(1).count(numeric_only=True)
    assert s.lw.rolling(1).count().tolist() == [1, 1]


def test_a_step_in_groups_is_refused_in_the_words_of_pandas():
    s = pd.Series([1.0, 2.0], index=pd.to_datetime([0, 1], unit="s"))
    messages = []
    for obj in (s, s.lw):
        # pandas before 3.0 takes the option and says that it does nothing.
        with pytest.raises((TypeError, NotImplementedError)) as error:
            obj.groupby([0, 0]).rolling("1s", step=2)
        messages.append(repr(error.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("names", [["mean"], ["mean", "std"]])
def test_several_statistics_beside_columns_of_keys_are_those_of_pandas(names):
    data = pd.DataFrame({"cell": [0, 1, 0, 1], "prb": [1.0, 2, 4, 8], "users": [5, 6, 7, 9]})
    groups = data.groupby("cell", as_index=False).rolling(2, min_periods=1)
    ours = data.lw.groupby("cell", as_index=False).rolling(2, min_periods=1).agg(names)
    pd.testing.assert_frame_equal(ours, groups.agg(names))


def test_a_chosen_column_has_no_columns_to_choose():
    data = pd.DataFrame({"prb": [1.0, 2, 4, 8], "users": [5, 6, 7, 9]})
    theirs = data.rolling(2)[["prb"]].agg({"prb": "mean"})
    pd.testing.assert_frame_equal(data.lw.rolling(2)[["prb"]].agg({"prb": "mean"}), theirs)


def test_methods_have_the_arguments_and_words_of_pandas():
    import inspect

    from linewatch.interop.pandas_windows import Ewm, Rolling

    for ours, theirs in [
        (Rolling, pd.api.typing.Rolling),
        (Ewm, pd.api.typing.ExponentialMovingWindow),
    ]:
        for name in ("mean", "std"):
            assert inspect.signature(getattr(ours, name)) == inspect.signature(
                getattr(theirs, name)
            )


def test_custom_indexers_and_functions_go_through_pandas():
    s = pd.Series([1.0, 2.0, 4.0, 8.0])
    ahead = pd.api.indexers.FixedForwardWindowIndexer(window_size=2)
    assert s.lw.rolling(ahead, min_periods=1).sum().tolist() == [3.0, 6.0, 12.0, 8.0]
    assert s.lw.rolling(2).apply(lambda w: w.iloc[-1] - w.iloc[0]).tolist()[1:] == [1.0, 2.0, 4.0]
    assert s.lw.rolling(ahead, min_periods=1).mad().tolist() == [0.5, 1.0, 2.0, 0.0]


# Beyond pandas --------------------------------------------------------------------------------


def median_deviation(window):
    window = window[~np.isnan(window)]
    return np.median(np.abs(window - np.median(window))) if len(window) else np.nan


@pytest.mark.parametrize("given", [{"window": 5}, {"window": "40s"}, {"window": 4, "step": 2}])
def test_mad_is_the_median_of_absolute_deviations(given):
    rng = np.random.default_rng(0)
    times = pd.to_datetime(np.cumsum(rng.integers(1, 20, 50)), unit="s")
    s = pd.Series(rng.normal(size=50), index=times, name="prb")
    s.iloc[::9] = np.nan
    given = given | {"min_periods": 1}
    expected = s.rolling(**given).apply(median_deviation, raw=True)
    pd.testing.assert_series_equal(s.lw.rolling(**given).mad(), expected)


def test_statistics_of_linewatch_in_groups_and_frames():
    rng = np.random.default_rng(1)
    df = pd.DataFrame(rng.normal(size=(40, 2)), columns=["a", "b"])
    df["cell"] = rng.integers(0, 3, 40)
    expected = df.groupby("cell").rolling(5, min_periods=1).apply(median_deviation, raw=True)
    pd.testing.assert_frame_equal(df.lw.groupby("cell").rolling(5, min_periods=1).mad(), expected)
    both = df[["a", "b"]].lw.rolling(5).agg(["zscore", "mean"])
    rolling = df[["a", "b"]].rolling(5)
    zscore = (df[["a", "b"]] - rolling.mean()) / rolling.std()
    pd.testing.assert_frame_equal(both.xs("zscore", axis=1, level=1), zscore)


def test_a_slope_is_per_row_or_per_second():
    times = pd.date_range("2026-01-01", periods=5, freq="10s")
    octets = pd.Series([0.0, 50, 100, 150, 200], index=times)
    assert octets.lw.rolling(3).slope().iloc[-1] == pytest.approx(50)
    assert octets.lw.rolling("25s").slope().iloc[-1] == pytest.approx(5)
    with pytest.raises(ValueError, match="slope in a window of time: times that go back"):
        octets[::-1].lw.rolling("25s").slope()


def test_a_centred_rank_is_right_where_pandas_keeps_an_old_one():
    s = pd.Series([5.0, 1, 4, 2, 3, 9])
    assert s.lw.rolling(5, center=True, min_periods=1).rank().tolist()[3:] == [5.0, 4.0, 3.0]


def test_an_unknown_parameter_is_refused_by_name():
    with pytest.raises(TypeError, match="mad.. got an unexpected argument 'scale'"):
        pd.Series([1.0]).lw.rolling(1).mad(scale=2)


# Inside pandas --------------------------------------------------------------------------------


@pytest.fixture
def own():
    """pandas' own kernels, put back after the test."""
    linewatch.pandas.reset_calls()
    yield pandas_kernels.aggregations.roll_mean
    linewatch.pandas.uninstall()


def test_importing_linewatch_leaves_pandas_alone():
    code = (
        "import pandas._libs.window.aggregations as a; before = dict(vars(a)); "
        "import linewatch.pandas; assert dict(vars(a)) == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_install_can_be_repeated_and_undone(own):
    kernels = pandas_kernels.aggregations
    assert linewatch.pandas.install()
    assert linewatch.pandas.install()
    assert kernels.roll_mean is not own
    linewatch.pandas.uninstall()
    assert kernels.roll_mean is own
    linewatch.pandas.uninstall()
    assert kernels.roll_mean is own


def test_accelerated_lasts_as_long_as_its_block(own):
    kernels = pandas_kernels.aggregations
    with linewatch.pandas.accelerated():
        with linewatch.pandas.accelerated():
            assert kernels.roll_mean is not own
        assert kernels.roll_mean is not own
        linewatch.pandas.install()
    assert kernels.roll_mean is not own
    linewatch.pandas.uninstall()
    assert kernels.roll_mean is own
    with pytest.raises(KeyError), linewatch.pandas.accelerated():
        raise KeyError
    assert kernels.roll_mean is own


def test_blocks_of_many_threads_end_with_pandas_as_it_was(own):
    s = pd.Series(np.arange(1000.0))
    expected = s.rolling(7).mean()
    failures = []

    def work():
        for _ in range(50):
            with linewatch.pandas.accelerated():
                if not np.allclose(s.rolling(7).mean(), expected, equal_nan=True):
                    failures.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert pandas_kernels.aggregations.roll_mean is own


def test_calls_are_counted_with_the_reasons_for_leaving_them(own):
    s = pd.Series([1.0, 2.0, 3.0])
    with linewatch.pandas.accelerated():
        s.rolling(2).mean()
        s.rolling(2, min_periods=0).rank()
    calls = linewatch.pandas.calls()
    assert calls["roll_mean"] == {"linewatch": 1, "pandas": 0, "reasons": {}}
    assert calls["roll_rank"]["pandas"] == 1
    assert "min_periods is 0" in next(iter(calls["roll_rank"]["reasons"]))


def test_an_untested_pandas_keeps_its_kernels_with_one_warning(own, monkeypatch):
    monkeypatch.setattr(pd, "__version__", "9.1.0")
    monkeypatch.setattr(pandas_kernels, "_warned", False)
    with pytest.warns(UserWarning, match="this is pandas 9.1.0, which keeps its own"):
        assert not linewatch.pandas.install()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not linewatch.pandas.install()
        with linewatch.pandas.accelerated():
            assert pandas_kernels.aggregations.roll_mean is own
        assert pd.Series([1.0, 3.0]).lw.rolling(2).mean().tolist()[1] == 2.0


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("closed", [None, "left", "both", "neither"])
@pytest.mark.parametrize("window", [1, 2, 5, 200])
def test_bounds_of_rows_are_known_as_such(own, window, closed, center):
    """Whatever the bounds are taken for, the answer is that of pandas."""
    rng = np.random.default_rng(0)
    s = pd.Series(rng.normal(size=50))
    rolling = s.rolling(window, min_periods=1, center=center, closed=closed)
    expected = rolling.max()
    with linewatch.pandas.accelerated():
        pd.testing.assert_series_equal(rolling.max(), expected)


# The window tests of pandas -------------------------------------------------------------------


def run_window_tests(*arguments, fault=None):
    environment = dict(os.environ)
    if fault:
        environment["LINEWATCH_PLANTED_FAULT"] = fault
    return subprocess.run(
        [sys.executable, HERE / "run_pandas_window_tests.py", "--jobs", "1", *arguments],
        capture_output=True,
        check=False,
        text=True,
        env=environment,
    )


def test_a_module_of_the_window_tests_of_pandas_passes():
    pytest.importorskip("pandas.tests.window.test_rolling_functions")
    done = run_window_tests("test_rolling_functions")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert "roll_mean" in done.stdout


@pytest.mark.parametrize("kernel", ["roll_mean", "roll_median_c"])
def test_a_planted_fault_turns_the_window_tests_of_pandas_red(kernel):
    pytest.importorskip("pandas.tests.window.test_rolling_functions")
    done = run_window_tests("test_rolling_functions", fault=kernel)
    assert done.returncode == 1, done.stdout[-5000:] + done.stderr
    assert "FAILED with linewatch only" in done.stdout
