"""Baselines of cells: what is expected of a value, from what came before."""

from datetime import datetime, timedelta

import kpi_reference as reference
import numpy as np
import polars as pl
import pytest

from linewatch import kpi

MONDAY = datetime(2026, 1, 5)


def hours(n, start=MONDAY):
    return [start + timedelta(hours=i) for i in range(n)]


def series(values, name="traffic"):
    return pl.DataFrame({"time": hours(len(values)), name: values})


def noisy(rng, n):
    """Hours with a rhythm, gaps, zeros and repeats."""
    x = 20 + 10 * np.sin(np.arange(n) / 24 * 2 * np.pi) + rng.normal(0, 2, n)
    x[rng.random(n) < 0.05] = np.nan
    x[rng.random(n) < 0.03] = 0
    return x


def numbers(frame, name):
    return frame[name].fill_null(np.nan).to_numpy()


def test_three_mondays_make_the_baseline_of_the_fourth():
    value = np.full(168 * 4, 10.0)
    value[168 * np.arange(4)] = [8, 10, 12, 40]
    frame = kpi.baseline(series(value), floor=0)
    row = frame.row(168 * 3, named=True)
    assert row["cell"] == "" and row["kpi"] == "traffic" and row["value"] == 40
    assert row["baseline"] == pytest.approx(10) and row["scale"] == pytest.approx(2)
    assert frame["baseline"][: 168 * 3].null_count() == 168 * 3
    own = kpi.baseline(series(value), floor=0, include_current=True).row(168 * 3, named=True)
    assert own["baseline"] == pytest.approx(17.5)


@pytest.mark.parametrize(
    ("method", "window", "min_periods"),
    [
        ("hour of week", 3, 2),
        ("time of day", 4, 1),
        ("time of day", 28, 3),
        ("rolling", 7, 3),
        ("rolling", 168, 24),
        ("ewma", 12, 5),
    ],
)
@pytest.mark.parametrize("include_current", [False, True])
@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_baselines_match_their_definition(
    method, window, min_periods, include_current, statistic, rng
):
    if method == "ewma" and statistic == "median":
        return
    x = noisy(rng, 168 * 4 + 5)
    options = {"method": method, "window": window, "min_periods": min_periods}
    options |= {"include_current": include_current, "statistic": statistic}
    pairs = reference.baseline(x.tolist(), **options)
    for floor in (0.0, 0.7):
        found = kpi.baseline(series(x), floor=floor, **options)
        scales = reference.floored(pairs, floor) if floor else [s for _, s in pairs]
        centers = [b if s == s else s for (b, _), s in zip(pairs, scales, strict=True)]
        np.testing.assert_allclose(numbers(found, "baseline"), centers, rtol=1e-9)
        np.testing.assert_allclose(numbers(found, "scale"), scales, rtol=1e-9, atol=1e-12)


def test_a_seasonal_median_matches_its_definition(rng):
    x = noisy(rng, 168 * 6)
    found = kpi.baseline(series(x), method="seasonal median", window=48, floor=0)
    pairs = reference.baseline(x.tolist(), "seasonal median", 48, 24)
    np.testing.assert_allclose(numbers(found, "baseline"), [b for b, _ in pairs], rtol=1e-9)
    np.testing.assert_allclose(numbers(found, "scale"), [s for _, s in pairs], rtol=1e-9)
    assert found["baseline"].count() > 300


def test_the_original_window_is_that_of_pandas(rng):
    """24 weeks of the same hour of the week, the row itself included, sample deviation."""
    pd = pytest.importorskip("pandas")
    n, cells = 168 * 27, ["b", "a"]
    frame = pd.DataFrame(
        {
            "CELL_NAME": np.repeat(cells, n),
            "DATETIME": pd.to_datetime(np.tile(np.array(hours(n), "datetime64[s]"), 2)),
            "TRAFIC_CS": rng.gamma(2, 10, 2 * n).round(1),
        }
    )
    frame = frame[rng.random(2 * n) > 0.02]
    frame.loc[rng.random(len(frame)) < 0.02, "TRAFIC_CS"] = np.nan
    keys = [frame["CELL_NAME"], frame["DATETIME"].dt.day_of_week, frame["DATETIME"].dt.hour]
    rolling = frame.groupby(keys)["TRAFIC_CS"].rolling(24, min_periods=1)
    ours = kpi.baseline(
        frame.sample(frac=1, random_state=1),
        method="hour of week",
        window=24,
        min_periods=1,
        include_current=True,
        floor=0,
    )
    order = frame.sort_values(["CELL_NAME", "DATETIME"]).index
    mean = rolling.mean().droplevel([0, 1, 2]).loc[order].to_numpy()
    std = rolling.std().droplevel([0, 1, 2]).loc[order].to_numpy()
    assert (ours["cell"] == frame["CELL_NAME"].loc[order].to_numpy()).all()
    known = ~np.isnan(std)
    np.testing.assert_allclose(ours["baseline"].to_numpy()[known], mean[known], rtol=1e-12)
    np.testing.assert_allclose(ours["scale"].to_numpy()[known], std[known], rtol=1e-9, atol=1e-9)
    assert np.isnan(ours["baseline"].to_numpy()[~known]).all()


@pytest.mark.parametrize("method", list(kpi.METHODS))
def test_nothing_looks_ahead(method, rng):
    x = noisy(rng, 168 * 5)
    before = kpi.baseline(series(x), method=method)
    x[500:] = 1e6
    after = kpi.baseline(series(x), method=method)
    assert after[:501].drop("value").equals(before[:501].drop("value"))


def test_cells_know_nothing_of_each_other_and_come_back_sorted(rng):
    a, b = noisy(rng, 400), noisy(rng, 400)
    both = pl.concat(
        [
            pl.DataFrame({"cell": name, "time": hours(400), "users": x, "drops": x**2})
            for name, x in [("b", b), ("a", a)]
        ]
    ).sample(fraction=1, shuffle=True, seed=1)
    found = kpi.baseline(both, method="time of day")
    assert found.select("kpi", "cell").unique(maintain_order=True).rows() == [
        ("users", "a"),
        ("users", "b"),
        ("drops", "a"),
        ("drops", "b"),
    ]
    alone = kpi.baseline(series(a, "users"), method="time of day")
    part = found.filter((pl.col("cell") == "a") & (pl.col("kpi") == "users"))
    assert part.drop("cell").equals(alone.drop("cell"))


def test_a_wide_window_and_one_thread_give_the_same(rng):
    x = noisy(rng, 1000)
    frame = pl.DataFrame(
        {"cell": np.repeat(np.arange(10), 100), "time": hours(100) * 10, "kpi_a": x}
    )
    options = {"cell": "cell", "kpis": ["kpi_a"], "method": "time of day", "window": 10**6}
    one, two = (kpi.baseline(frame, n_jobs=n, **options) for n in (1, 2))
    assert one.equals(two)
    assert one.schema["cell"] == pl.Int64


def test_a_floor_and_a_least_scale_keep_the_scale_up(rng):
    x = 100 + rng.normal(0, 5, 168 * 5)
    x[12 + 168 * np.arange(5)] = [100.0, 100.1, 99.9, 100, 103]
    bare, floored, least = (
        kpi.baseline(series(x), **o)["scale"][12 + 168 * 4]
        for o in ({"floor": 0}, {}, {"floor": 0, "min_scale": {"traffic": 7.5}})
    )
    assert bare < 0.2
    assert 3 < floored < 8
    assert least == 7.5


@pytest.mark.parametrize("backend", ["pandas", "pyarrow"])
def test_a_frame_comes_back_as_it_came(backend, rng):
    pytest.importorskip(backend)
    frame = series(noisy(rng, 200))
    theirs = frame.to_pandas() if backend == "pandas" else frame.to_arrow()
    found = kpi.baseline(theirs, method="time of day")
    assert type(found).__module__.startswith(backend)
    ours = kpi.baseline(frame, method="time of day")
    np.testing.assert_array_equal(np.asarray(found["scale"], float), numbers(ours, "scale"))


def test_hours_are_those_of_the_time_zone():
    times = pl.Series("time", hours(24 * 9)).dt.replace_time_zone("UTC")
    value = np.where(np.arange(24 * 9) % 24 == 23, 50.0, 1.0)  # midnight in Casablanca
    frame = pl.DataFrame({"time": times, "traffic": value})
    found = kpi.baseline(
        frame, method="time of day", min_periods=2, time_zone="Africa/Casablanca", floor=0
    )
    assert found.schema["time"] == pl.Datetime("us", "Africa/Casablanca")
    night = found.filter(pl.col("time").dt.hour() == 0)
    assert night["baseline"].drop_nulls().unique().to_list() == [50.0]


@pytest.mark.parametrize("backend", ["polars", "pandas", "pyarrow"])
def test_the_hour_that_clocks_show_twice_is_two_rows(backend):
    """On 2026-10-25 clocks in Paris go from 3 back to 2."""
    pytest.importorskip(backend)
    utc = hours(24 * 6, datetime(2026, 10, 21))
    frame = pl.DataFrame({"time": pl.Series(utc).dt.replace_time_zone("UTC")})
    frame = frame.with_columns(traffic=pl.int_range(24 * 6).cast(pl.Float64))
    theirs = {"polars": frame, "pandas": frame.to_pandas(), "pyarrow": frame.to_arrow()}[backend]
    options = {"method": "time of day", "floor": 0, "min_periods": 2}
    found = kpi.baseline(theirs, time_zone="Europe/Paris", **options)
    found = (
        found
        if backend == "polars"
        else pl.from_pandas(found)
        if backend == "pandas"
        else (pl.from_arrow(found))
    )
    assert found.schema["time"].time_zone == "Europe/Paris"
    at = found["time"].dt.hour()
    night = found.filter((at == 2) & (found["time"].dt.day() == 25))
    assert night["value"].to_list() == [96.0, 97.0]  # midnight and 1 in UTC
    assert night["baseline"].to_list() == [36.0, 48.0]  # of 0, 24, 48, 72 and 96 in UTC
    again = kpi.detect(found, rules=["z"])
    assert again["time"].to_list() == found["time"].to_list()
    text = frame.with_columns(pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S+00:00"))
    assert kpi.baseline(text, time_zone="Europe/Paris", **options).equals(
        kpi.baseline(frame, time_zone="Europe/Paris", **options)
    )


def test_progress_counts_every_row_of_every_kpi(rng):
    frame = series(noisy(rng, 300)).with_columns(users=pl.col("traffic"))
    told = []
    kpi.baseline(frame, progress=told.append)
    assert sum(told) == 600


def test_three_rows_and_an_all_zero_kpi_are_no_error():
    short = kpi.baseline(series([1.0, 2.0, 3.0]))
    assert short["baseline"].null_count() == 3
    zero = kpi.baseline(series(np.zeros(24 * 8)), method="time of day")
    assert zero["scale"].drop_nulls().unique().to_list() == [0.0]


BAD = {
    "twice": (
        lambda f: pl.concat([f, f[:2]]),
        {},
        ValueError,
        "2 rows repeat a cell and a time, first 2026-01-05 00:00:00 (keep one of them: kpi.clean "
        "does)",
    ),
    "text": (
        lambda f: f.with_columns(traffic=pl.Series(["1"] * 49 + ["lots"])),
        {"kpis": ["traffic"]},
        ValueError,
        "column \"traffic\" holds 'lots'; expected a number",
    ),
    "no time": (
        lambda f: f.with_columns(pl.when(pl.int_range(50) != 3).then("time")),
        {},
        ValueError,
        'column "time" has 1 missing time',
    ),
    "no cell": (
        lambda f: f.with_columns(cell=pl.Series([None] + ["a"] * 49)),
        {"cell": "cell"},
        ValueError,
        'column "cell" has 1 missing name of a cell',
    ),
    "no column": (
        lambda f: f,
        {"kpis": ["users"]},
        ValueError,
        'column "users" is missing; the table has "time", "traffic"',
    ),
    "no rows": (lambda f: f[:0], {"kpis": ["traffic"], "time": "time"}, ValueError, None),
    "no dates": (
        lambda f: f.with_columns(pl.col("time").dt.time()),
        {},
        TypeError,
        'column "time" holds times of day; dates are needed, too (kpi.score does without them)',
    ),
    "method": (
        lambda f: f,
        {"method": "weekly"},
        ValueError,
        'method must be "hour of week", "time of day", "rolling", "ewma" or "seasonal median", got '
        "'weekly'",
    ),
    "median": (
        lambda f: f,
        {"method": "ewma", "statistic": "median"},
        ValueError,
        'statistic must be "mean" with method \'ewma\', got "median"',
    ),
    "window": (
        lambda f: f,
        {"window": 0},
        ValueError,
        "window must be at least 1, got 0",
    ),
    "periods": (
        lambda f: f,
        {"window": 5, "min_periods": 6},
        ValueError,
        "min_periods must be at most window (5), got 6",
    ),
    "floor": (
        lambda f: f,
        {"floor": -1},
        ValueError,
        "floor must be a number that is not negative, got -1",
    ),
    "current": (
        lambda f: f,
        {"method": "seasonal median", "include_current": True},
        ValueError,
        'include_current must be False with method "seasonal median", got True',
    ),
    "jobs": (
        lambda f: f,
        {"n_jobs": 0},
        ValueError,
        "n_jobs must be a number of threads, or negative to count back from all cores (-1), got 0",
    ),
    "kpis": (lambda f: f, {"kpis": []}, ValueError, "kpis must name at least one column, got none"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_refused_by_name(case):
    change, options, kind, message = BAD[case]
    frame = change(series(np.arange(50.0)))
    with pytest.raises(kind) as error:
        kpi.baseline(frame, **options)
    if message is not None:
        assert str(error.value) == message


def test_times_of_several_zones_are_refused():
    pd = pytest.importorskip("pandas")
    stamps = [pd.Timestamp("2026-01-05", tz=zone) for zone in ("UTC", "Africa/Casablanca")]
    frame = pd.DataFrame({"time": pd.Series(stamps, dtype=object), "traffic": [1.0, 2.0]})
    with pytest.raises(TypeError) as error:
        kpi.baseline(frame, time="time", kpis=["traffic"])
    assert str(error.value) == (
        'column "time" holds objects that make no column, such as times of several zones (convert '
        "them to one)"
    )
