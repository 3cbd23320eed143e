"""Rolling statistics as Polars expressions: the numbers of `linewatch.rolling`, in every engine."""

import datetime
import pickle
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from polars_engines import ENGINES, streaming

import linewatch.interop.polars as lwp
from linewatch import rolling
from linewatch.interop import _polars_plugin

try:
    _polars_plugin.library()
except ImportError:
    pytest.skip("built without the Polars expressions", allow_module_level=True)

WINDOW = 5

STATISTICS = [
    ("sum", {}),
    ("mean", {}),
    ("var", {"ddof": 0}),
    ("std", {}),
    ("sem", {}),
    ("count", {}),
    ("min", {}),
    ("max", {}),
    ("argmin", {}),
    ("argmax", {}),
    ("median", {}),
    ("quantile", {"q": 0.9}),
    ("quantile", {"q": 0.35, "interpolation": "lower"}),
    ("mad", {}),
    ("skew", {}),
    ("kurt", {}),
    ("rank", {"method": "min", "pct": True}),
    ("zscore", {}),
    ("robust_zscore", {}),
    ("hampel", {"threshold": 1.0}),
    ("hampel_repair", {"threshold": 1.0}),
    ("slope", {}),
    ("autocorr", {"lag": 2}),
    ("entropy", {"bins": 4}),
    ("first", {}),
    ("last", {}),
    ("nunique", {}),
    ("corr", {}),
    ("cov", {}),
]
NAMES = [name + "".join(f",{k}={v}" for k, v in own.items()) for name, own in STATISTICS]
statistic = pytest.mark.parametrize(("name", "own"), STATISTICS, ids=NAMES)


@pytest.fixture
def frame(rng):
    n = 300
    x = np.round(rng.normal(100, 20, n), 1)
    x[::11] = np.nan
    y = x + rng.normal(0, 10, n)
    frame = pl.DataFrame(
        {
            "cell": rng.choice(["a", "b", "c"], n),
            "hour": np.arange(n) // 20,
            "time": np.cumsum(rng.integers(0, 3, n)) * 1_000_000,
            "x": x,
            "y": y,
        }
    )
    # Some measurements are null, some NaN: both are missing.
    return frame.with_columns(
        pl.col("time").cast(pl.Datetime("us", "UTC")),
        x=pl.when(pl.int_range(pl.len()) % 7 == 0).then(None).otherwise(pl.col("x")),
    )


def expression(name, own, **options):
    """`pl.col("x").lw.rolling_<name>(5)` with three values required."""
    options = {"window": WINDOW, "min_periods": 3, **own, **options}
    if name in ("corr", "cov"):
        options["other"] = "y"
    return getattr(pl.col("x").lw, f"rolling_{name}")(**options)


def expected(name, own, frame, **options):
    """The same of NumPy arrays."""
    options = {"min_periods": 3, **own, **options}
    window = options.pop("window", WINDOW)
    x = frame["x"].to_numpy()
    pair = [frame["y"].to_numpy()] if name in ("corr", "cov") else []
    if name == "quantile":
        return rolling.quantile(x, window, options.pop("q"), **options)
    return getattr(rolling, name)(x, *pair, window, **options)


def check(series, values):
    """Same numbers, and null where there is no number."""
    assert series.dtype == (pl.Float32 if values.dtype == np.float32 else pl.Float64)
    assert series.is_nan().sum() == 0
    assert series.is_null().to_list() == np.isnan(values).tolist()
    tol = 1e-5 if values.dtype == np.float32 else 1e-11
    np.testing.assert_allclose(series.to_numpy(), values, rtol=tol, atol=tol)


@statistic
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_the_numbers_of_rolling(frame, name, own, engine):
    answer = ENGINES[engine](frame, expression(name, own))
    check(answer.to_series(), expected(name, own, frame))


@statistic
def test_lazy_schema_is_the_dtype_of_the_data(frame, name, own):
    for dtype, answer in [(pl.Float32, pl.Float32), (pl.Float64, pl.Float64)]:
        lazy = frame.lazy().with_columns(pl.col("x", "y").cast(dtype)).select(expression(name, own))
        assert lazy.collect_schema()["x"] == answer
        assert lazy.collect().schema["x"] == answer
    f32 = frame.with_columns(pl.col("x", "y").cast(pl.Float32))
    check(f32.select(expression(name, own)).to_series(), expected(name, own, f32))


@statistic
@pytest.mark.parametrize("engine", ["eager", "lazy", "streaming", "chunked"])
def test_over_computes_each_cell_alone(frame, name, own, engine):
    answer = ENGINES[engine](frame, expression(name, own).over("cell")).to_series()
    values = np.full(frame.height, np.nan)
    for cell in "abc":
        rows = (frame["cell"] == cell).to_numpy()
        values[rows] = expected(name, own, frame.filter(cell=cell))
    check(answer, values)


@statistic
@pytest.mark.parametrize("engine", ["eager", "streaming", "chunked"])
def test_groups_in_one_call_equal_over(frame, name, own, engine):
    one = ENGINES[engine](frame, expression(name, own, groups="cell")).to_series()
    many = frame.select(expression(name, own).over("cell")).to_series()
    check(one, many.fill_null(np.nan).to_numpy())


@statistic
def test_aggregation_gives_a_list_for_each_group(frame, name, own):
    for collect in (lambda lazy: lazy.collect(), streaming):
        lazy = frame.lazy().group_by("cell").agg(expression(name, own))
        answer = collect(lazy)
        assert lazy.collect_schema()["x"] == pl.List(pl.Float64)
        for cell, values in answer.iter_rows():
            check(pl.Series(values, dtype=pl.Float64), expected(name, own, frame.filter(cell=cell)))


@statistic
def test_filter_and_slice_afterwards_see_the_same_numbers(frame, name, own):
    values = expected(name, own, frame)
    lazy = frame.lazy().with_columns(answer=expression(name, own))
    for collect in (lambda lazy: lazy.collect(), streaming):
        check(collect(lazy.slice(100, 50))["answer"], values[100:150])
        check(collect(lazy.head(10))["answer"], values[:10])
        check(collect(lazy.filter(pl.col("hour") == 7))["answer"], values[140:160])


@statistic
def test_a_slice_of_a_column_stands_alone(frame, name, own):
    part = frame.slice(37, 100)
    check(part.select(expression(name, own)).to_series(), expected(name, own, part))


@statistic
def test_nothing_in_gives_nothing_out(frame, name, own):
    for empty in (frame.head(0), frame.head(0).cast({"x": pl.Float32, "y": pl.Float32})):
        answer = empty.select(
            plain=expression(name, own), grouped=expression(name, own, groups="cell")
        )
        assert answer.height == 0
        assert answer.schema["plain"] == empty.schema["x"]
    nulls = frame.with_columns(x=pl.lit(None, dtype=pl.Float64))
    if name != "sum" and name != "count":
        assert nulls.select(expression(name, own)).to_series().null_count() == frame.height


@pytest.mark.parametrize(
    "options",
    [
        {"center": True},
        {"closed": "left"},
        {"closed": "both"},
        {"closed": "neither"},
        {"include_current": False},
        {"min_periods": 1},
        {"window": "expanding"},
        {"infinity": "ieee"},
        {"n_jobs": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["mean", "median", "max"])
def test_options_mean_what_they_mean_in_rolling(frame, name, options):
    check(
        frame.select(expression(name, {}, **options)).to_series(),
        expected(name, {}, frame, **options),
    )


@pytest.mark.parametrize("window", ["6s", "500ms", datetime.timedelta(seconds=6)], ids=str)
@pytest.mark.parametrize("closed", [None, "both", "left", "neither"])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_a_span_of_time_reaches_back_from_each_row(frame, window, closed, unit):
    frame = frame.with_columns(pl.col("time").dt.cast_time_unit(unit))
    options = {"window": window, "closed": closed, "min_periods": 1}
    values = expected("mean", {}, frame, times=frame["time"], **options)
    check(frame.select(expression("mean", {}, by="time", **options)).to_series(), values)


def test_a_slope_is_per_second_of_times_and_per_unit_of_whole_numbers(frame):
    values = expected("slope", {}, frame, times=frame["time"])
    check(frame.select(expression("slope", {}, by="time")).to_series(), values)
    values = expected("slope", {}, frame, times=np.arange(frame.height) * 3)
    check(frame.select(expression("slope", {}, by=pl.int_range(pl.len()) * 3)).to_series(), values)


def test_a_span_of_time_within_each_cell(frame):
    options = {"window": "6s", "min_periods": 1, "by": "time"}
    one = frame.select(expression("std", {}, groups="cell", **options)).to_series()
    over = frame.select(expression("std", {}, **options).over("cell")).to_series()
    check(one, over.fill_null(np.nan).to_numpy())


NUMBERS = [
    *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
    *(pl.Boolean, pl.Decimal(20, 3), pl.Float32, pl.Float64),
]


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
def test_numbers_of_every_dtype_are_read(dtype):
    values = [1, 0, None, 1, 1, 0, None, 1]
    x = pl.concat([pl.Series("x", values[:3]), pl.Series("x", values[3:])], rechunk=False)
    x = x.cast(dtype)
    lazy = x.to_frame().lazy().select(pl.col("x").lw.rolling_mean(2, min_periods=1))
    answer = lazy.collect().to_series()
    assert lazy.collect_schema()["x"] == answer.dtype
    assert answer.dtype == (pl.Float32 if dtype == pl.Float32 else pl.Float64)
    assert answer.to_list() == [1, 0.5, 0, 1, 1, 0.5, 0, 1]


def test_a_column_of_nulls_only_has_no_answers():
    answer = pl.DataFrame({"x": [None, None]}).select(pl.col("x").lw.rolling_mean(1))
    assert answer.schema["x"] == pl.Float64
    assert answer["x"].to_list() == [None, None]


KEYS = {
    "strings": ["b", "a", "b", None, "a", "b"],
    "integers": [10**15, -3, 10**15, None, -3, 10**15],
    "booleans": [True, False, True, None, False, True],
    "dates": [datetime.date(2026, 3, d) if d else None for d in (2, 1, 2, 0, 1, 2)],
}


@pytest.mark.parametrize("kind", [*KEYS, "categories", "small", "unsigned"])
def test_groups_are_told_by_any_key(kind):
    if kind == "categories":
        key = pl.Series("key", KEYS["strings"], dtype=pl.Categorical)
    elif kind == "small":
        key = pl.Series("key", [2, 1, 2, None, 1, 2], dtype=pl.Int8)
    elif kind == "unsigned":
        key = pl.Series("key", [2**64 - 1, 1, 2**64 - 1, None, 1, 2**64 - 1], dtype=pl.UInt64)
    else:
        key = pl.Series("key", KEYS[kind])
    frame = pl.DataFrame({"x": [1.0, 10, 2, 5, 20, 3], "key": key})
    answer = frame.select(pl.col("x").lw.rolling_sum(2, groups=pl.col("key")))
    # A row without a key is in no group.
    assert answer["x"].to_list() == [None, None, 3, None, 30, 5]


def test_groups_of_several_columns():
    frame = pl.DataFrame({"x": [1.0, 2, 4, 8], "site": ["a", "a", "a", "b"], "band": [1, 2, 1, 1]})
    answer = frame.select(pl.col("x").lw.rolling_sum(2, min_periods=1, groups=["site", "band"]))
    assert answer["x"].to_list() == [1, 2, 5, 8]


def test_several_statistics_in_one_pass_are_a_struct(frame):
    e = pl.col("x").lw.rolling_stats(WINDOW, ["mean", "std", "q95"], min_periods=3)
    lazy = frame.lazy().select(e).unnest("x")
    names = ["mean", "std", "q95"]
    assert lazy.collect_schema() == dict.fromkeys(names, pl.Float64)
    own = {"mean": ("mean", {}), "std": ("std", {}), "q95": ("quantile", {"q": 0.95})}
    for answer in (lazy.collect(), streaming(lazy)):
        for field in names:
            check(answer[field], expected(*own[field], frame))
    over = frame.select(e.over("cell")).unnest("x")
    grouped = frame.select(
        pl.col("x").lw.rolling_stats(WINDOW, names, min_periods=3, groups="cell")
    ).unnest("x")
    assert over.equals(grouped)


def test_several_quantiles_in_one_pass_are_a_struct(frame):
    e = pl.col("x").lw.rolling_quantile(WINDOW, [0.25, 0.975], min_periods=3)
    answer = frame.select(e).unnest("x")
    assert answer.columns == ["q25", "q97.5"]
    check(answer["q97.5"], expected("quantile", {"q": 0.975}, frame))


EWM = [
    ("mean", {"alpha": 0.3}),
    ("mean", {"halflife": 4, "adjust": False, "ignore_na": True}),
    ("sum", {"com": 3}),
    ("var", {"span": 9, "bias": True, "min_periods": 4}),
    ("std", {"alpha": 0.3}),
    ("cov", {"alpha": 0.3}),
    ("corr", {"alpha": 0.3}),
    ("mean", {"halflife": "8s", "by": "time"}),
]


@pytest.mark.parametrize(("name", "options"), EWM, ids=str)
def test_exponential_weights_in_every_engine(frame, name, options):
    pair = ["y"] if name in ("cov", "corr") else []
    e = getattr(pl.col("x").lw, f"ewm_{name}")(*pair, **options)
    grouped = getattr(pl.col("x").lw, f"ewm_{name}")(*pair, groups="cell", **options)

    def of(frame):
        own = dict(options)
        if own.pop("by", None):
            own["times"] = frame["time"]
        columns = [frame[c].to_numpy() for c in ["x", *pair]]
        return getattr(rolling, f"ewm_{name}")(*columns, **own)

    for engine in ENGINES.values():
        check(engine(frame, e).to_series(), of(frame))
    values = np.full(frame.height, np.nan)
    for cell in "abc":
        values[(frame["cell"] == cell).to_numpy()] = of(frame.filter(cell=cell))
    check(frame.select(e.over("cell")).to_series(), values)
    check(frame.select(grouped).to_series(), values)


@pytest.mark.parametrize("baseline", ["window", "fixed", "columns"])
def test_cumulative_sums_of_deviations(frame, baseline):
    frame = frame.with_columns(level=pl.lit(100.0), spread=pl.lit(20.0))
    options = {
        "window": {"window": 20, "min_periods": 5},
        "fixed": {"mean": 100, "std": 20},
        "columns": {"mean": "level", "std": "spread"},
    }[baseline]
    e = pl.col("x").lw.cusum(k=0.25, h=2.0, **options)
    grouped = pl.col("x").lw.cusum(k=0.25, h=2.0, groups="cell", **options)
    if baseline == "columns":
        options = {"mean": 100, "std": 20}

    def of(frame):
        return rolling.cusum(frame["x"].to_numpy(), k=0.25, h=2.0, **options)

    for engine in ENGINES.values():
        answer = engine(frame, e).to_series().struct.unnest()
        for field, values in of(frame)._asdict().items():
            check(answer[field], values)
    assert answer["alarm"].drop_nulls().abs().sum() > 0
    over = frame.select(e.over("cell")).to_series()
    check(over.struct.field("upper"), _by_cell(frame, lambda part: of(part).upper))
    assert over.equals(frame.select(grouped).to_series(), null_equal=True)


def _by_cell(frame, of):
    values = np.full(frame.height, np.nan)
    for cell in "abc":
        values[(frame["cell"] == cell).to_numpy()] = of(frame.filter(cell=cell))
    return values


@pytest.mark.parametrize("options", [{}, {"keys": "hour"}, {"groups": "cell"}], ids=str)
def test_seasons(rng, options):
    n = 24 * 7 * 6
    frame = pl.DataFrame(
        {
            "time": pl.Series(range(n)) * 3_600_000_000,
            "hour": [i % 24 for i in range(n)],
            "cell": rng.choice(["a", "b"], n),
            "x": rng.normal(size=n),
        }
    ).with_columns(pl.col("time").cast(pl.Datetime("us", "Europe/Madrid")))
    given = {k: frame[v] for k, v in options.items()}
    by = {} if "keys" in options else {"by": "time"}
    times = {} if "keys" in options else {"times": frame["time"]}
    common = {"window": 3, "include_current": False, "min_periods": 2}
    e = pl.col("x").lw.seasonal("mad", **common, **by, **options)
    check(
        frame.select(e).to_series(),
        rolling.seasonal(frame["x"], "mad", **common, **times, **given).to_numpy(),
    )
    several = pl.col("x").lw.seasonal(["mean", "q90"], **common, **by, **options)
    answer = frame.select(several).unnest("x")
    values = rolling.seasonal(frame["x"], ["mean", "q90"], **common, **times, **given)
    for field in ("mean", "q90"):
        check(answer[field], values[field].to_numpy())


def test_several_expressions_of_one_context_do_not_meet(frame):
    answer = frame.select(
        pl.col("x").lw.rolling_mean(3).alias("short"),
        pl.col("x").lw.rolling_mean(50, min_periods=1).alias("long"),
        pl.col("y").lw.rolling_mean(3),
        pl.col("x", "y").lw.rolling_max(3).name.suffix("_max"),
    )
    assert answer.columns == ["short", "long", "y", "x_max", "y_max"]
    check(answer["y"], rolling.mean(frame["y"].to_numpy(), 3))


X = pl.col("x").lw
ERRORS = [
    (
        pl.col("cell").lw.rolling_mean(3),
        'column "cell" has dtype String; expected numbers (try casting it to pl.Float64)',
    ),
    (
        pl.col("time").lw.rolling_mean(3),
        "column \"time\" has dtype Datetime('μs', 'UTC'); expected numbers (times belong in by=)",
    ),
    (
        X.rolling_mean("5s", by="x"),
        'column "x" has dtype Float64; expected times (try .str.to_datetime())',
    ),
    (
        X.rolling_mean(3, groups="x"),
        'column "x" has dtype Float64; expected whole numbers, strings or categories (try casting '
        + "it to pl.String)",
    ),
    (
        (pl.col("hour") + 2**53).lw.rolling_mean(3),
        'column "hour" holds 9007199254740993; whole numbers beyond 2**53 are not exact as Float64 '
        + "(cast to Float64 first to accept rounding)",
    ),
    (
        X.rolling_mean("5s", by=pl.col("time").reverse()),
        "by must not decrease, but row",
    ),
    (
        X.rolling_mean("5s", by=pl.when(pl.col("hour") > 0).then("time")),
        "by[0] is missing; every row needs a time",
    ),
    (
        X.rolling_mean("5s", by=pl.col("time").dt.offset_by("400y")),
        "by[0] is outside the years 1678 to 2262 that int64 nanoseconds reach",
    ),
    (
        X.rolling_mean("5s", by=pl.lit(0).cast(pl.Datetime)),
        "by has 1 values, expected 300",
    ),
    (
        X.rolling_mean("5s", by="hour"),
        "by must be times when window is a span of time, got whole numbers "
        + '(try .cast(pl.Datetime("ns")))',
    ),
    (X.rolling_mean(3, groups=pl.lit(5)), "groups has 1 values, expected 300"),
    (X.rolling_corr(pl.lit(5), 3), "y has 1 values, expected 300"),
    (X.rolling_mean(3, min_periods=4), "min_periods must be at most the window of 3 rows, got 4"),
]


@pytest.mark.parametrize(("e", "text"), ERRORS, ids=[text[:40] for _, text in ERRORS])
def test_errors_say_what_to_mend(frame, e, text):
    with pytest.raises(pl.exceptions.ComputeError) as error:
        frame.select(e)
    assert text in str(error.value)


def test_errors_that_need_no_data_come_at_once():
    x = pl.col("x").lw
    with pytest.raises(ValueError) as error:
        x.rolling_mean("5s")
    assert str(error.value) == (
        "by must be given, one time for each row, when window is a span of time ('5s')"
    )
    with pytest.raises(ValueError) as error:
        x.rolling_mean(5, infinity="drop")
    assert str(error.value) == 'infinity must be "missing" or "ieee", got \'drop\''
    with pytest.raises(ValueError) as error:
        x.rolling_mean(5, closed="middle")
    assert str(error.value) == (
        'closed must be "right", "left", "both" or "neither", got \'middle\''
    )
    with pytest.raises(ValueError) as error:
        x.rolling_mean(0)
    assert str(error.value) == "window must be at least 1, got 0"
    with pytest.raises(ValueError) as error:
        x.seasonal(window=4)
    assert str(error.value) == "keys must be given, or by to make hours of the week from"
    with pytest.raises(TypeError, match="missing a required argument: 'window'"):
        x.rolling_mean()
    with pytest.raises(TypeError, match="unexpected keyword argument 'span'"):
        x.rolling_mean(5, span=3)


OF_WINDOWS = "min_periods, center, closed, include_current, by, groups, infinity, n_jobs"
OF_WEIGHTS = (
    "com, span, halflife, alpha, adjust, ignore_na, by, min_periods, groups, infinity, n_jobs"
)


@pytest.mark.parametrize(
    ("call", "option", "known"),
    [
        (lambda lw: lw.rolling_stats(3, ["mean"], min_period=1), "min_period", OF_WINDOWS),
        (lambda lw: lw.seasonal(window=3, keys="cell", step=2), "step", OF_WINDOWS),
        (lambda lw: lw.cusum(window=3, step=2), "step", OF_WINDOWS),
        (
            lambda lw: lw.cusum(mean=0.0, std=1.0, center=True),
            "center",
            "k, h, mean, std, reset, groups, n_jobs",
        ),
        (lambda lw: lw.ewm_mean(span=3, center=True), "center", OF_WEIGHTS),
        (lambda lw: lw.ewm_corr("y", spam=3), "spam", OF_WEIGHTS),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(call, option, known):
    with pytest.raises(TypeError) as error:
        call(pl.col("x").lw)
    assert str(error.value) == f"there is no option {option!r}; the options are {known}"


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda lw: lw.rolling_stats(3, "mean"),
            TypeError,
            """statistics must be a list of names such as ["mean", "q95"], got 'mean'""",
        ),
        (
            lambda lw: lw.rolling_stats(3, ["mean", "mean"]),
            ValueError,
            "statistics names 'mean' twice",
        ),
        (
            lambda lw: lw.rolling_stats(3, []),
            ValueError,
            "statistics must name at least one statistic, got none",
        ),
        (
            lambda lw: lw.rolling_quantile(3, [0.5, 0.5]),
            ValueError,
            "q must hold different numbers for a struct of fields, got [0.5, 0.5]",
        ),
    ],
)
def test_fields_of_a_struct_have_names_of_their_own(call, error, text):
    with pytest.raises(error) as raised:
        call(pl.col("x").lw)
    assert str(raised.value) == text


def test_quantiles_close_to_each_other_are_two_fields():
    found = pl.DataFrame({"x": [1.0, 2]}).select(pl.col("x").lw.rolling_quantile(2, [0.9999999, 1]))
    assert found.unnest("x").columns == ["q99.99999", "q100"]


def test_scalars_of_numpy_are_numbers(frame):
    x = pl.col("x").lw
    plain = [x.rolling_quantile(5, 0.25, min_periods=2), x.rolling_hampel(5, threshold=1.5)]
    numpy = [
        x.rolling_quantile(np.int64(5), np.float64(0.25), min_periods=np.int32(2)),
        x.rolling_hampel(np.int16(5), threshold=np.float32(1.5)),
    ]
    for one, other in zip(plain, numpy, strict=True):
        assert frame.select(one).equals(frame.select(other))
    several = frame.select(x.rolling_quantile(5, np.array([0.25]), min_periods=2)).unnest("x")
    assert several["q25"].equals(frame.select(plain[0])["x"])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"min_periods": "3"}, "min_periods must be a whole number, got '3'"),
        ({"center": 1}, "center must be True or False, got 1"),
        ({"n_jobs": 1.5}, "n_jobs must be a whole number, got 1.5"),
        ({"window": 2.5}, 'window must be a number of rows or a span such as "5s", got 2.5'),
    ],
)
def test_arguments_of_the_wrong_type_are_named(options, text):
    with pytest.raises(TypeError) as error:
        pl.col("x").lw.rolling_mean(**{"window": 5, **options})
    assert str(error.value) == text


@pytest.mark.skipif(not hasattr(pl, "BaseExtension"), reason="this Polars has no such types")
def test_a_type_of_somebody_else_is_an_error_and_silent():
    code = (
        "import polars as pl, linewatch.interop.polars\n"
        "class Octets(pl.BaseExtension):\n"
        "    def __init__(self): super().__init__('octets', pl.Int64, None)\n"
        "pl.register_extension_type('octets', Octets)\n"
        "x = pl.Series('x', [1]).ext.to(Octets())\n"
        "try: x.to_frame().select(pl.col('x').lw.rolling_mean(1))\n"
        "except pl.exceptions.ComputeError: print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("refused\n", "")


@pytest.mark.parametrize("name", ["Float16", "Int128", "UInt128"])
def test_numbers_of_rare_widths_are_numbers(name):
    if not hasattr(pl, name):
        pytest.skip(f"this Polars has no {name}")
    x = pl.Series("x", [1, 2, None, 4], dtype=getattr(pl, name))
    found = x.to_frame().select(pl.col("x").lw.rolling_sum(2, min_periods=1))["x"]
    assert found.to_list() == [1, 3, 2, 4]
    assert found.dtype == (pl.Float32 if name == "Float16" else pl.Float64)


def test_every_statistic_of_rolling_is_an_expression():
    missing = {
        name
        for name in rolling.__all__
        if not hasattr(lwp.Expressions, f"rolling_{name}") and not hasattr(lwp.Expressions, name)
    }
    assert missing == set()


def test_without_the_feature_one_error_names_the_way_out(monkeypatch):
    _polars_plugin.library.cache_clear()
    monkeypatch.setattr(_polars_plugin, "SYMBOL", "_no_such_symbol")
    with pytest.raises(ImportError) as error:
        pl.col("x").lw.rolling_mean(5)
    _polars_plugin.library.cache_clear()
    assert str(error.value) == (
        "this build of linewatch has no Polars expressions (build it with "
        "`maturin develop --release --features polars`, or use linewatch.rolling on a Series)"
    )


@statistic
def test_a_series_has_the_same_methods(frame, name, own):
    own = {**own, "min_periods": 3}
    if name in ("corr", "cov"):
        own["other"] = frame["y"]
    answer = getattr(frame["x"].lw, f"rolling_{name}")(window=WINDOW, **own)
    own.pop("other", None), own.pop("min_periods")
    assert answer.name == "x"
    check(answer, expected(name, own, frame))


def test_a_series_has_the_other_methods_of_rolling(frame):
    x, y, time = (frame[column] for column in ("x", "y", "time"))
    found = [
        x.lw.rolling_stats(WINDOW, ["mean", "q95"], min_periods=3)["q95"],
        x.lw.ewm_mean(halflife="8s", by=time),
        x.lw.ewm_corr(other=y, alpha=0.3),
        x.lw.cusum(window=20, min_periods=5).upper,
    ]
    assert [series.name for series in found] == ["q95", "x", "x", "x"]
    check(found[1], rolling.ewm_mean(x.to_numpy(), halflife="8s", times=time))
    check(found[2], rolling.ewm_corr(x.to_numpy(), y.to_numpy(), alpha=0.3))
    with pytest.raises(AttributeError) as error:
        x.lw.rolling_nothing(3)
    assert str(error.value) == "a series has no lw.rolling_nothing"


def test_an_expression_can_be_pickled(frame):
    e = pickle.loads(pickle.dumps(pl.col("x").lw.rolling_mean(WINDOW, min_periods=3)))
    check(frame.select(e).to_series(), expected("mean", {}, frame))
