"""KPIs over longer periods, and KPIs on one scale."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from linewatch import kpi

START = datetime(2026, 1, 5)


def hourly(n, start=START, zone=None, **columns):
    time = pl.datetime_range(start, start + timedelta(hours=n - 1), "1h", eager=True)
    if zone:
        time = time.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    return pl.DataFrame({"time": time} | columns)


def test_a_ratio_of_sums_is_not_the_mean_of_ratios():
    frame = hourly(24, calls=[1000.0] * 12 + [10.0] * 12, dropped=[10.0] * 12 + [1.0] * 12)
    day = kpi.resample(frame, "1d", {"calls": "sum"}, ratios={"drop": ("dropped", "calls", 100)})
    assert day["drop"][0] == pytest.approx(100 * 132 / 12120)
    assert day["calls"].to_list() == [12120]


def test_sum_mean_max_and_min_by_hand():
    frame = hourly(4, a=[1.0, 2, 3, 6], b=[1.0, 2, 3, 6], c=[1.0, 2, 3, 6], d=[1.0, 2, 3, 6])
    how = {"a": "sum", "b": "mean", "c": "max", "d": "min"}
    out = kpi.resample(frame, "2h", how)
    assert out.select(list(how)).rows() == [(3, 1.5, 2, 1), (9, 4.5, 6, 3)]
    assert out["time"].to_list() == [START, START + timedelta(hours=2)]


def test_coverage_counts_what_is_missing_and_empty_days_are_there():
    value = np.arange(96.0)
    value[5:11] = np.nan
    frame = hourly(96, users=value).with_row_index("n").filter(~pl.col("n").is_between(48, 71))
    out = kpi.resample(frame.drop("n"), "1d", {"users": "sum"})
    assert out["n_rows"].to_list() == [24, 24, 0, 24]
    assert out["coverage"].to_list() == [1, 1, 0, 1]
    assert out["users_coverage"].to_list() == [0.75, 1, 0, 1]
    assert out["users"].is_null().to_list() == [False, False, True, False]
    strict = kpi.resample(frame.drop("n"), "1d", {"users": "sum"}, min_coverage=0.8)
    assert strict["users"].is_null().to_list() == [True, False, True, False]


@pytest.mark.parametrize(
    ("day", "n"), [(datetime(2026, 3, 29), 23), (datetime(2026, 10, 25), 25), (START, 24)]
)
def test_days_of_23_and_25_hours_are_whole(day, n):
    paris = "Europe/Paris"
    time = pl.datetime_range(
        day, day + timedelta(days=2), "1h", time_zone=paris, eager=True, closed="left"
    )
    frame = pl.DataFrame({"time": time, "users": np.ones(len(time))})
    naive = frame.with_columns(pl.col("time").dt.replace_time_zone(None))
    utc = frame.with_columns(pl.col("time").dt.convert_time_zone("UTC"))
    for given, zone in ((frame, None), (naive, paris), (utc, paris)):
        out = kpi.resample(given, "1d", {"users": "sum"}, time_zone=zone)
        assert out["users"].to_list() == [n, 24]
        assert out["n_expected"].to_list() == [n, 24]
        assert out["coverage"].to_list() == [1, 1]
        assert out["time"].dt.hour().to_list() == [0, 0]
    quarters = kpi.resample(frame, "6h", {"users": "sum"})
    assert quarters["n_expected"].to_list() == [n - 18, 6, 6, 6, 6, 6, 6, 6]
    assert (quarters["coverage"] == 1).all()
    two = kpi.resample(frame, "2h", {"users": "sum"})
    assert (two["coverage"] == 1).all() and two["n_rows"].sum() == len(time)
    hour = kpi.resample(frame, "1h", {"users": "sum"})
    assert hour["n_rows"].to_list() == [1] * len(time)
    week = kpi.resample(frame, "1w", {"users": "sum"})
    assert week["n_expected"][0] == 168 + n - 24


def test_resampling_matches_its_definition_in_cells_and_quarters_of_an_hour(rng):
    n = 3000
    minute = rng.choice(20_000, n, replace=False) * 15
    cell = rng.choice(["A", "B", "C"], n)
    value, calls = rng.normal(5, 2, n), rng.poisson(4, n).astype(float)
    frame = pl.DataFrame(
        {
            "time": np.datetime64(START, "us") + minute * np.timedelta64(60_000_000, "us"),
            "cell": cell,
            "users": value,
            "calls": calls,
        }
    )
    out = kpi.resample(
        frame, "1d", {"users": "max"}, ratios={"q": ("users", "calls")}, step="15min"
    )
    for row in out.filter(pl.col("n_rows") > 0).sample(60, seed=1).iter_rows(named=True):
        first = (row["time"] - START).days * 1440
        mine = (cell == row["cell"]) & (minute >= first) & (minute < first + 1440)
        assert row["n_rows"] == mine.sum() and row["n_expected"] == 96
        assert row["users"] == value[mine].max()
        if calls[mine].sum():
            assert row["q"] == pytest.approx(value[mine].sum() / calls[mine].sum())
        else:
            assert row["q"] is None


@pytest.mark.parametrize("backend", ["pandas", "pyarrow"])
def test_a_frame_comes_back_as_its_kind(backend):
    frame = hourly(48, cell=["A"] * 48, users=np.ones(48))
    native = frame.to_pandas() if backend == "pandas" else frame.to_arrow()
    out = kpi.resample(native, "1d", {"users": "sum"}, cell="cell")
    assert type(out) is type(native)
    assert np.asarray(out["users"]).tolist() == [24, 24]


@pytest.mark.parametrize(
    ("every", "how", "options", "message"),
    [
        (
            "1d",
            {"drop_rate": "mean"},
            {},
            '"drop_rate" is a ratio, whose mean says nothing; name what it is made of, as in '
            'ratios={"drop_rate": (numerator, denominator)}, or take its max',
        ),
        (
            "1d",
            {"users": "median"},
            {},
            "how[\"users\"] must be sum, mean, max or min, got 'median'",
        ),
        ("1d", None, {}, 'say how= (such as {"traffic_gb": "sum"}) or ratios='),
        (
            "1d",
            None,
            {"ratios": {"q": ("users",)}},
            'ratios["q"] must be (numerator, denominator) or (numerator, denominator, factor), '
            "got ('users',)",
        ),
        (
            "1d",
            {"users": "sum"},
            {"ratios": {"users": ("users", "drop_rate")}},
            '"users" is in how and in ratios; choose one',
        ),
        (
            "1mo",
            {"users": "sum"},
            {},
            'every must be such as "15min", "1h", "1d" or "1w", got \'1mo\'',
        ),
        (
            "15min",
            {"users": "sum"},
            {},
            "every='15min' is shorter than the step of the rows, 1:00:00",
        ),
        (
            "1d",
            {"users": "sum"},
            {"min_coverage": 2},
            "min_coverage must be between 0 and 1, got 2",
        ),
        (
            "1d",
            {"calls": "sum"},
            {},
            'column "calls" is missing; the table has "time", "users", "drop_rate"',
        ),
    ],
)
def test_options_of_resample_that_cannot_be_are_refused(every, how, options, message):
    frame = hourly(24, users=np.ones(24), drop_rate=np.ones(24))
    with pytest.raises(ValueError) as error:
        kpi.resample(frame, every, how, **options)
    assert str(error.value) == message


def test_rows_that_cannot_be_resampled_are_refused():
    frame = hourly(24, users=np.ones(24))
    with pytest.raises(ValueError, match="several rows at 2026-01-05 00:00; kpi.clean keeps one"):
        kpi.resample(pl.concat([frame, frame[:1]]), "1d", {"users": "sum"})
    with pytest.raises(ValueError, match="1 local time that clocks skip; kpi.clean takes it"):
        kpi.resample(
            hourly(24, datetime(2026, 3, 29), users=np.ones(24)),
            "1d",
            {"users": "sum"},
            time_zone="Europe/Paris",
        )
    with pytest.raises(ValueError, match="no cell has two rows to tell the step from; say step="):
        kpi.resample(frame[:1], "1d", {"users": "sum"})


@pytest.fixture
def cells(rng):
    users = np.r_[rng.normal(100, 10, 50), rng.normal(5, 1, 50), np.full(3, 7.0)]
    users[4] = np.nan
    return pl.DataFrame(
        {
            "time": [*hourly(50)["time"], *hourly(50)["time"], *hourly(3)["time"]],
            "cell": ["A"] * 50 + ["B"] * 50 + ["C"] * 3,
            "users": users,
            "load": users**2,
        }
    )


@pytest.mark.parametrize("method", ["z", "robust", "min-max"])
@pytest.mark.parametrize("by", ["cell", "all"])
def test_what_is_normalized_comes_back(cells, method, by):
    scaled, parameters = kpi.normalize(cells, method=method, by=by)
    back = kpi.denormalize(scaled, parameters)
    for name in ("users", "load"):
        np.testing.assert_allclose(back[name].to_numpy(), cells[name].to_numpy(), rtol=1e-12)
    assert parameters.height == 2 * (3 if by == "cell" else 1)
    again, _ = kpi.normalize(cells, parameters=parameters)
    assert again.equals(scaled)


def test_each_method_by_its_definition(cells):
    a = cells.filter(pl.col("cell") == "A")
    x = a["users"].to_numpy()
    present = x[~np.isnan(x)]
    median = np.median(present)
    expected = {
        "z": (x - present.mean()) / present.std(ddof=1),
        "robust": (x - median) / (1.4826 * np.median(abs(present - median))),
        "min-max": (x - present.min()) / (present.max() - present.min()),
    }
    for method, answer in expected.items():
        scaled, _ = kpi.normalize(cells, method=method, values="users")
        found = scaled.filter(pl.col("cell") == "A")["users"].to_numpy()
        np.testing.assert_allclose(found, answer, rtol=1e-12)


def test_a_kpi_without_spread_becomes_zero(cells):
    scaled, parameters = kpi.normalize(cells, values=["users"])
    assert scaled.filter(pl.col("cell") == "C")["users"].to_list() == [0, 0, 0]
    row = parameters.filter(pl.col("cell") == "C").row(0, named=True)
    assert (row["center"], row["scale"], row["n_values"]) == (7, 1, 3)


def test_rows_without_a_cell_share_a_scale_of_their_own(cells):
    lost = cells.with_columns(cell=pl.when(pl.col("cell") != "B").then("cell"))
    scaled, parameters = kpi.normalize(lost, values="users")
    assert parameters["cell"].to_list() == ["A", "C", None]
    mine = scaled.filter(pl.col("cell").is_null())["users"]
    assert mine.mean() == pytest.approx(0) and mine.std() == pytest.approx(1)


def test_pandas_keeps_its_index_when_normalized(cells):
    pytest.importorskip("pandas")
    frame = cells.to_pandas()
    frame.index = frame.index[::-1]
    scaled, parameters = kpi.normalize(frame, by="all")
    assert scaled.index.equals(frame.index)
    back = kpi.denormalize(scaled, parameters)
    np.testing.assert_allclose(back["users"], frame["users"])


def test_options_of_normalize_that_cannot_be_are_refused(cells):
    with pytest.raises(ValueError, match="method must be z, robust or min-max, got 'log'"):
        kpi.normalize(cells, method="log")
    with pytest.raises(ValueError, match="by must be cell or all, got 'site'"):
        kpi.normalize(cells, by="site")
    _, parameters = kpi.normalize(cells.filter(pl.col("cell") == "A"))
    with pytest.raises(ValueError, match="parameters of column \"users\" say nothing of cell 'B'"):
        kpi.normalize(cells, parameters=parameters)
    with pytest.raises(ValueError, match='parameters lack "center"'):
        kpi.denormalize(cells, parameters.drop("center"))


@pytest.mark.parametrize("name", ["coverage", "n_rows", "calls_coverage"])
def test_a_kpi_of_the_name_of_a_count_is_refused_rather_than_overwritten(name):
    frame = pl.DataFrame({"time": ["2026-01-05", "2026-01-06"], "calls": [1, 2], name: [3, 4]})
    with pytest.raises(ValueError, match=f'^"{name}" is the name of a column that resample makes'):
        kpi.resample(frame, "1d", {"calls": "sum", name: "max"}, step="1d")
