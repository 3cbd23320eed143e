"""Features of windows as Polars expressions: the numbers of `wavelet.features`, in every engine."""

import numpy as np
import polars as pl
import pytest
from polars_engines import ENGINES as ALL_ENGINES
from polars_engines import streaming

import linewatch.polars  # noqa: F401, registers pl.Expr.lw
from linewatch import spectral, wavelet
from linewatch._window_features import NAMES
from linewatch.interop import _polars_plugin

try:
    _polars_plugin.library()
except ImportError:
    pytest.skip("built without the Polars expressions", allow_module_level=True)

# All of them, with parameters of their own.
OPTIONS = {
    "features": NAMES,
    "wavelet": "db2",
    "level": 2,
    "mode": "periodization",
    "q": 3.0,
    "bands": [(0, 1), (1, 2.5)],
    "sampling_rate": 5.0,
    "order": 4,
    "delay": 2,
    "normalize": False,
}


# An aggregation beside other columns is a number for each row.
ENGINES = {name: run for name, run in ALL_ENGINES.items() if name != "with_columns"}
engines = pytest.mark.parametrize("engine", ENGINES)
collects = pytest.mark.parametrize("collect", [pl.LazyFrame.collect, streaming])


@pytest.fixture
def frame(rng):
    n = 400
    return pl.DataFrame(
        {
            "cell": rng.choice(["a", "b", "c"], n, p=[0.5, 0.45, 0.05]),
            "x": rng.normal(100, 20, n).cumsum(),
        }
    )


def expected(x, window=None, hop=None, **options):
    """The same of an array: a table with the last row of each window."""
    options = {**OPTIONS, **options}
    if window is None:
        found = wavelet.features(x, groups=np.zeros(len(x)), **options)
        del found["count"]
        rows = np.array([len(x) - 1])
    else:
        found = wavelet.features(x, window, hop, groups=np.zeros(len(x)), **options)
        rows = found.pop("row")
    del found["group"]
    return pl.DataFrame({"row": rows.astype(np.uint32), **found})


def check(found, wanted):
    """Same columns, same numbers, and null where there is no number."""
    assert found.columns == wanted.columns
    for name in wanted.columns:
        one, other = found[name], wanted[name].fill_nan(None) if name != "row" else wanted[name]
        assert one.dtype == other.dtype
        assert one.is_null().to_list() == other.is_null().to_list()
        tol = 1e-5 if one.dtype == pl.Float32 else 1e-12
        np.testing.assert_allclose(one.to_numpy(), other.to_numpy(), rtol=tol, atol=tol)


@engines
def test_all_rows_are_one_window_and_one_struct(frame, engine):
    found = ENGINES[engine](frame, pl.col("x").lw.wavelet_features(**OPTIONS))
    assert found.columns == ["x"] and found.height == 1
    check(found.unnest("x"), expected(frame["x"].to_numpy()).drop("row"))


@engines
@pytest.mark.parametrize(("window", "hop"), [(32, None), (32, 5), (401, None), (400, 1)])
def test_a_window_gives_a_struct_for_each_window(frame, engine, window, hop):
    found = ENGINES[engine](frame, pl.col("x").lw.wavelet_features(window, hop, **OPTIONS))
    check(found.unnest("x"), expected(frame["x"].to_numpy(), window, hop))


@engines
@pytest.mark.parametrize("window", [None, 20])
def test_groups_in_one_call_come_as_they_appear(frame, engine, window):
    e = pl.col("x").lw.wavelet_features(window, groups="cell", **OPTIONS)
    parts = []
    for cell in frame["cell"].unique(maintain_order=True):
        rows = frame.with_row_index().filter(cell=cell)
        part = expected(rows["x"].to_numpy(), window)
        parts.append(part.with_columns(row=rows["index"].gather(part["row"])))
    check(ENGINES[engine](frame, e).unnest("x"), pl.concat(parts))


@engines
@pytest.mark.parametrize("groups", [None, "cell"])
def test_every_row_has_the_answer_of_the_window_that_ends_there(frame, engine, groups):
    e = pl.col("x").lw.wavelet_features(24, 7, every_row=True, groups=groups, **OPTIONS)
    found = ENGINES[engine](frame, e)
    compact = frame.select(pl.col("x").lw.wavelet_features(24, 7, groups=groups, **OPTIONS))
    compact = compact.unnest("x").sort("row")
    assert found.height == frame.height
    kept = found.with_row_index("row").drop_nulls("x").unnest("x")
    check(kept, compact)


@collects
def test_aggregation_gives_one_struct_for_each_group(frame, collect):
    e = pl.col("x").lw.wavelet_features(**OPTIONS)
    lazy = frame.lazy().group_by("cell").agg(e, n=pl.len())
    found = collect(lazy)
    assert found.schema == lazy.collect_schema()
    assert isinstance(found.schema["x"], pl.Struct)
    for cell, part in found.group_by("cell"):
        wanted = expected(frame.filter(cell=cell[0])["x"].to_numpy()).drop("row")
        check(part.select("x").unnest("x"), wanted)


@collects
@pytest.mark.parametrize("every_row", [False, True])
def test_aggregation_of_windows_gives_a_list_for_each_group(frame, collect, every_row):
    e = pl.col("x").lw.wavelet_features(32, 8, every_row=every_row, **OPTIONS)
    if every_row:
        e = e.drop_nulls()
    lazy = frame.lazy().group_by("cell").agg(e)
    found = collect(lazy)
    assert found.schema == lazy.collect_schema()
    assert found.filter(cell="c")["x"].list.len().item() == 0  # too short for a window
    for cell in ("a", "b"):
        part = found.filter(cell=cell).select("x").explode("x").unnest("x")
        wanted = expected(frame.filter(cell=cell)["x"].to_numpy(), 32, 8)
        check(part, wanted.drop("row") if every_row else wanted)


@pytest.mark.parametrize("engine", ["eager", "lazy", "streaming", "chunked"])
def test_over_gives_each_row_the_features_of_its_group(frame, engine):
    e = pl.col("x").lw.wavelet_features(**OPTIONS).over("cell")
    found = ENGINES[engine](frame, e).with_columns(frame["cell"]).unnest("x")
    for cell in "abc":
        part = found.filter(cell=cell).drop("cell")
        assert part.n_unique() == 1
        wanted = expected(frame.filter(cell=cell)["x"].to_numpy()).drop("row")
        check(part.head(1), wanted)


@pytest.mark.parametrize("engine", ["eager", "lazy", "streaming", "chunked"])
def test_over_with_every_row_equals_groups(frame, engine):
    options = {"window": 16, "hop": 3, "every_row": True, **OPTIONS}
    over = ENGINES[engine](frame, pl.col("x").lw.wavelet_features(**options).over("cell"))
    one = frame.select(pl.col("x").lw.wavelet_features(groups="cell", **options))
    assert over["x"].is_not_null().sum() > 50
    assert over.equals(one)


def test_over_can_join_the_windows_of_a_group(frame):
    e = pl.col("x").lw.wavelet_features(32, **OPTIONS).over("cell", mapping_strategy="join")
    found = frame.with_columns(e)
    short = found.filter(cell="a").head(1).explode("x").unnest("x").drop("cell")
    check(short, expected(frame.filter(cell="a")["x"].to_numpy(), 32))


NUMBERS = {
    "wavelet_entropy": wavelet.wavelet_entropy,
    "wavelet_tsallis_entropy": wavelet.wavelet_tsallis_entropy,
    "wavelet_log_energy": wavelet.wavelet_log_energy,
    "spectral_entropy": spectral.entropy,
    "dominant_frequency": spectral.dominant_frequency,
    "permutation_entropy": spectral.permutation_entropy,
    "teager_energy": spectral.teager_energy,
}


@pytest.mark.parametrize("name", NUMBERS)
def test_one_feature_is_a_number(frame, name):
    own = {"wavelet": "sym3", "level": 1} if name.startswith("wavelet") else {}
    own |= {"sampling_rate": 10} if name == "dominant_frequency" else {}
    own |= {"q": 0.5} if "tsallis" in name else {}
    e = getattr(pl.col("x").lw, name)(**own)
    for engine in ENGINES.values():
        found = engine(frame, e)
        assert found.schema == {"x": pl.Float64}
        assert found.item() == NUMBERS[name](frame["x"].to_numpy(), **own)
    grouped = frame.group_by("cell").agg(e)
    assert grouped.schema["x"] == pl.Float64
    over = frame.with_columns(found=e.over("cell"))
    for cell, value in grouped.iter_rows():
        x = frame.filter(cell=cell)["x"].to_numpy()
        assert value == NUMBERS[name](x, **own)
        assert over.filter(cell=cell)["found"].unique().to_list() == [value]


def test_several_aggregations_of_one_context_do_not_meet(frame):
    found = frame.group_by("cell").agg(
        pl.col("x").mean().alias("mean"),
        pl.col("x").lw.spectral_entropy().alias("entropy"),
        pl.col("x").lw.teager_energy().alias("teager"),
    )
    for cell, mean, entropy, teager in found.iter_rows():
        x = frame.filter(cell=cell)["x"].to_numpy()
        assert mean == pytest.approx(x.mean())
        assert (entropy, teager) == (spectral.entropy(x), spectral.teager_energy(x))


def test_float32_stays_float32(frame):
    f32 = frame.cast({"x": pl.Float32})
    for e in (
        pl.col("x").lw.wavelet_features(**OPTIONS),
        pl.col("x").lw.wavelet_features(32, 9, **OPTIONS),
    ):
        lazy = f32.lazy().select(e)
        found = lazy.collect()
        assert found.schema == lazy.collect_schema()
        dtypes = {field.name: field.dtype for field in found.schema["x"].fields}
        assert set(dtypes.values()) - {pl.UInt32} == {pl.Float32}
    check(found.unnest("x"), expected(f32["x"].to_numpy(), 32, 9))


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt64, pl.Boolean, pl.Decimal(20, 3)], ids=str)
def test_other_numbers_become_float64(dtype):
    x = pl.Series("x", [1, 0, 0, 1, 1, 0, 1, 1]).cast(dtype)
    found = x.to_frame().select(pl.col("x").lw.teager_energy())
    assert found.schema == {"x": pl.Float64}
    assert found.item() == spectral.teager_energy([1.0, 0, 0, 1, 1, 0, 1, 1])


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf")], ids=str)
def test_a_window_with_a_missing_value_has_nulls(frame, missing):
    x = frame["x"].to_list()
    x[70] = missing
    holed = pl.DataFrame({"x": pl.Series(x, dtype=pl.Float64, strict=False)})
    found = holed.select(pl.col("x").lw.wavelet_features(50, **OPTIONS)).unnest("x")
    values = np.array([np.nan if v is None else v for v in x])
    check(found, expected(values, 50))
    assert found[1].null_count().sum_horizontal().item() == found.width - 1
    # A window of nulls is a window all the same: its struct is there.
    every = holed.select(pl.col("x").lw.wavelet_features(50, every_row=True, **OPTIONS))["x"]
    assert every.is_not_null().arg_true().to_list() == list(range(49, 400, 50))


def test_a_slice_of_a_column_stands_alone(frame):
    part = frame.slice(37, 100)
    e = pl.col("x").lw.wavelet_features(32, 9, **OPTIONS)
    check(part.select(e).unnest("x"), expected(part["x"].to_numpy(), 32, 9))


@collects
def test_filter_and_slice_afterwards_see_the_same_answers(frame, collect):
    e = pl.col("x").lw.wavelet_features(32, 4, every_row=True, **OPTIONS).alias("found")
    whole = frame.with_columns(e)
    lazy = frame.lazy().with_columns(e)
    assert collect(lazy.slice(100, 50)).equals(whole.slice(100, 50))
    assert collect(lazy.filter(pl.col("cell") == "b")).equals(whole.filter(cell="b"))
    compact = pl.col("x").lw.wavelet_features(32, 4, **OPTIONS)
    assert collect(frame.lazy().select(compact).slice(3, 2)).equals(frame.select(compact)[3:5])


def test_rows_without_a_key_are_in_no_window(frame):
    keys = pl.when(pl.col("cell") != "a").then("cell")
    e = pl.col("x").lw.wavelet_features(groups=[keys, pl.col("cell").cast(pl.Categorical)])
    found = frame.select(e).unnest("x")
    assert frame["cell"].gather(found["row"]).sort().to_list() == ["b", "c"]


def test_a_short_group_is_split_as_far_as_it_goes():
    frame = pl.DataFrame({"cell": ["a"] * 20 + ["b"] * 3 + ["c"], "x": np.arange(24.0) ** 2})
    found = frame.select(pl.col("x").lw.wavelet_features(groups="cell")).unnest("x")
    wanted = wavelet.features(frame["x"].to_numpy(), groups=frame["cell"])
    wanted = pl.DataFrame(wanted).drop("cell", "count").fill_nan(None)
    check(found.drop("row"), wanted)
    assert found["band_energy_d1_symmetric"].is_null().to_list() == [False, True, True]


def test_nothing_in_gives_nothing_out(frame):
    empty = frame.head(0)
    one = empty.select(pl.col("x").lw.wavelet_features()).unnest("x")
    assert one.height == 1 and one.null_count().sum_horizontal().item() == one.width
    found = empty.select(
        windows=pl.col("x").lw.wavelet_features(8, level=0),
        grouped=pl.col("x").lw.wavelet_features(groups="cell"),
        rows=pl.col("x").lw.wavelet_features(8, level=0, every_row=True),
    )
    assert found.height == 0
    assert empty.group_by("cell").agg(pl.col("x").lw.wavelet_entropy()).height == 0


def test_a_wavelet_of_its_own_filters(frame):
    filters = [[0.5**0.5] * 2, [-(0.5**0.5), 0.5**0.5], [0.5**0.5] * 2, [0.5**0.5, -(0.5**0.5)]]
    mine = wavelet.Wavelet("mine", filter_bank=filters)
    found = frame.select(pl.col("x").lw.wavelet_entropy(mine))
    assert found.equals(frame.select(pl.col("x").lw.wavelet_entropy("haar")))


def test_threads_do_not_change_the_answers(frame):
    one, two = (
        frame.select(pl.col("x").lw.wavelet_features(16, 1, n_jobs=n_jobs, level=1))
        for n_jobs in (1, 2)
    )
    assert one.equals(two)


X = pl.col("x").lw
ERRORS = [
    (
        pl.col("cell").lw.wavelet_features(),
        'column "cell" has dtype String; expected numbers (try casting it to pl.Float64)',
    ),
    (
        X.wavelet_features(32, level=9),
        "level must be at most 2 for windows of 32 values and a filter of 8, got 9",
    ),
    (X.wavelet_features(groups=pl.lit(5)), "groups has 1 values, expected 400"),
    (X.permutation_entropy(9), "order must be from 2 to 8, got 9"),
]


@pytest.mark.parametrize(("e", "text"), ERRORS, ids=[text[:30] for _, text in ERRORS])
def test_errors_say_what_to_mend(frame, e, text):
    with pytest.raises(pl.exceptions.ComputeError) as error:
        frame.select(e)
    assert text in str(error.value)


@pytest.mark.parametrize(
    ("error", "arguments", "text"),
    [
        (ValueError, {"window": 0}, "window must be at least 1, got 0"),
        (TypeError, {"window": 2.5}, "window must be a whole number, got 2.5"),
        (ValueError, {"hop": 3}, "hop needs window: without it a group is one window"),
        (ValueError, {"window": 8, "hop": 0}, "hop must be at least 1, got 0"),
        (ValueError, {"features": []}, "features must name at least one feature, got none"),
        (
            ValueError,
            {"every_row": True},
            "every_row needs window or groups: without them all rows are one window (over gives "
            "its answer to each row)",
        ),
        (
            TypeError,
            {"window": 8, "every_row": 1},
            "every_row must be True or False, got 1",
        ),
        (TypeError, {"n_jobs": 1.5}, "n_jobs must be a whole number, got 1.5"),
    ],
)
def test_errors_that_need_no_data_come_at_once(error, arguments, text):
    with pytest.raises(error) as raised:
        pl.col("x").lw.wavelet_features(**arguments)
    assert str(raised.value) == text


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(ValueError, match="unknown feature 'wavelet_entropi'; did you mean"):
        pl.col("x").lw.wavelet_features(features=["wavelet_entropi"])
    with pytest.raises(TypeError, match="unexpected keyword argument 'rate'"):
        pl.col("x").lw.wavelet_features(rate=5)
