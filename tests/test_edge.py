"""What callers hold becomes arrays without needless copies, and answers take the caller's kind."""

import array
import datetime as dt
import gc
import subprocess
import sys

import duckdb
import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from linewatch import _core, _edge

TRAFFIC = [100.0, 102.0, np.nan, 98.0]


def address(x):
    return x.__array_interface__["data"][0]


# Numbers in


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_arrays_are_not_copied_whatever_their_strides(dtype):
    x = np.arange(24, dtype=dtype)
    read_only = x.copy()
    read_only.flags.writeable = False
    matrix = x.reshape(6, 4)
    for view in [x, x[::2], x[::-1], matrix, matrix.T, matrix[::2, ::-1], read_only, x[:0]]:
        values = _edge.series(view).values
        assert np.shares_memory(values, view) or view.size == 0
        assert values.dtype == dtype and values.strides == view.strides
        np.testing.assert_array_equal(values, view)


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"])
def test_whole_numbers_and_booleans_become_float64(dtype):
    x = np.array([0, 1, 100]).astype(dtype)
    values = _edge.series(x).values
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, x.astype(np.float64))


def test_other_floats_become_the_nearest_kernel_type():
    assert _edge.series(np.array([1.5], np.float16)).values.dtype == np.float32
    assert _edge.series(np.array([1.5], np.longdouble)).values.dtype == np.float64
    swapped = np.array(TRAFFIC).astype(">f8")
    values = _edge.series(swapped).values
    assert values.dtype.isnative
    np.testing.assert_array_equal(values, TRAFFIC)


def test_unaligned_floats_are_copied():
    packed = np.zeros(5, dtype=[("flag", "u1"), ("traffic", "f8")])
    packed["traffic"] = np.arange(5.0)
    assert not packed["traffic"].flags.aligned
    values = _edge.series(packed["traffic"]).values
    assert values.flags.aligned
    np.testing.assert_array_equal(values, np.arange(5.0))


def test_masked_values_are_missing():
    x = np.ma.array([1, 2, 3], mask=[False, True, False])
    np.testing.assert_array_equal(_edge.series(x).values, [1, np.nan, 3])
    x = np.ma.array([1, 2, 3], mask=[False, True, False], dtype=np.float32)
    assert _edge.series(x).values.dtype == np.float32
    unmasked = np.ma.array([1.0, 2.0])
    assert np.shares_memory(_edge.series(unmasked).values, unmasked.data)


@pytest.mark.parametrize(
    "x",
    [
        [1, 2, 3],
        (1.0, 2.0, 3.0),
        range(1, 4),
        array.array("d", [1, 2, 3]),
        memoryview(np.array([1.0, 2.0, 3.0])),
        pd.Index([1, 2, 3]),
        pd.array([1, 2, 3], dtype="Int64"),
    ],
)
def test_lists_and_other_sequences(x):
    series = _edge.series(x)
    assert series.values.dtype == np.float64
    np.testing.assert_array_equal(series.values, [1, 2, 3])
    assert isinstance(series.wrap(series.values), np.ndarray)


def test_none_in_a_list_is_missing():
    np.testing.assert_array_equal(_edge.series([1, None, 2.5]).values, [1, np.nan, 2.5])
    nested = _edge.series([[1, None], [2, 3]]).values
    np.testing.assert_array_equal(nested, [[1, np.nan], [2, 3]])


def test_an_empty_list_has_no_rows():
    assert _edge.series([]).values.shape == (0,)


EXACT = 2**53


@pytest.mark.parametrize(
    "make",
    [
        np.array,
        list,
        lambda x: np.array(x, dtype=np.uint64),
        pd.Series,
        lambda x: pd.Series(x, dtype="Int64"),
        lambda x: pd.Series(x, dtype="int64[pyarrow]"),
        lambda x: pl.Series("calls", x),
        pa.array,
        lambda x: pa.array(x, type=pa.uint64()),
        lambda x: pa.chunked_array([x[:2], x[2:]], type=pa.int64()),
    ],
)
def test_whole_numbers_beyond_2_53_are_refused_with_their_row(make):
    np.testing.assert_array_equal(_edge.series(make([0, EXACT, 1])).values, [0, EXACT, 1])
    message = (
        f"x[2] is {EXACT + 1}; whole numbers beyond 2**53 are not exact as float64 "
        "(cast to float64 first to accept rounding)"
    )
    with pytest.raises(ValueError) as error:
        _edge.series(make([0, EXACT, EXACT + 1]))
    assert str(error.value) == message


def test_large_negative_whole_numbers_are_refused():
    with pytest.raises(ValueError, match=r"x\[0\] is -9223372036854775808; whole numbers"):
        _edge.series(np.array([-(2**63)]))


MIXED = pd.DataFrame({"prb": [0.5, 0.7], "caller": ["a", "b"]})
ARROW_TEXT = "expected numbers (try casting it to float64)"


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.array([1.0], object), 'x has dtype object; expected numbers (try x.astype("float64"))'),
        (np.array(["1"]), 'x has dtype <U1; expected numbers (try x.astype("float64"))'),
        (["1", "2"], 'x has dtype <U1; expected numbers (try x.astype("float64"))'),
        ([1, "a", None], 'x has dtype object; expected numbers (try x.astype("float64"))'),
        (
            np.array([1j]),
            "x has dtype complex128; expected real numbers (try abs(x), x.real or x.imag)",
        ),
        (
            np.array(["2024-01-01"], "M8[s]"),
            "x has dtype datetime64[s]; expected numbers (times belong in times=)",
        ),
        (
            np.array([1], "m8[s]"),
            'x has dtype timedelta64[s]; expected numbers (try x / np.timedelta64(1, "s"))',
        ),
        (
            pd.Series([1.0, 2.0], dtype=object),
            'x has dtype object; expected numbers (try x.astype("float64"))',
        ),
        (
            pd.Series([1, 2], dtype="category"),
            'x has dtype category; expected numbers (try x.astype("float64"))',
        ),
        (
            pd.Series(pd.date_range("2024", periods=2, tz="UTC", unit="us")),
            "x has dtype datetime64[us, UTC]; expected numbers (times belong in times=)",
        ),
        (
            MIXED,
            f'column "caller" of x has dtype {MIXED["caller"].dtype}; expected numbers '
            '(try x.astype("float64"))',
        ),
        (
            pl.Series(["a"]),
            "x has dtype String; expected numbers (try casting it to pl.Float64)",
        ),
        (
            pl.DataFrame({"start": [dt.date(2024, 1, 1)]}),
            'column "start" of x has dtype Date; expected numbers (times belong in times=)',
        ),
        (pa.array(["a"]), f"x has Arrow type Utf8; {ARROW_TEXT}"),
        (pa.table({"caller": ["a"]}), f'column "caller" of x has Arrow type Utf8; {ARROW_TEXT}'),
        (
            pl.LazyFrame({"prb": [1.0]}),
            "x is a Polars LazyFrame; expected data (try x.collect())",
        ),
        (pl.col("prb"), "x is a Polars expression; expected data (select it from a frame)"),
        (None, "x is None; expected an array, Series or DataFrame of numbers"),
        ("prb", "x is of type str; expected an array, Series or DataFrame of numbers"),
        ({"prb": [1]}, "x is of type dict; expected an array, Series or DataFrame of numbers"),
        (object(), "x is of type object; expected an array, Series or DataFrame of numbers"),
        (iter([1.0]), "x is of type list_iterator; expected data (try list(x))"),
    ],
)
def test_what_is_not_numbers_is_refused_by_name(x, message):
    with pytest.raises(TypeError) as error:
        _edge.series(x)
    assert str(error.value) == message


@pytest.mark.parametrize("x", [1.0, np.float64(1), np.zeros((2, 2, 2)), [[[1.0]]]])
def test_series_have_one_or_two_dimensions(x):
    with pytest.raises(ValueError, match="prb must have 1 or 2 dimensions, got [03]"):
        _edge.series(x, "prb")


def test_ragged_lists_are_refused():
    with pytest.raises(ValueError, match="x has rows of different lengths"):
        _edge.series([[1, 2], [3]])


# No copy


def test_floats_of_every_library_stay_where_they_are():
    x = np.array([1.0, 2.0, 3.0])
    chunk = pa.array(x)
    for column, home in [
        (pd.Series(x), None),
        (pd.Series(chunk, dtype="double[pyarrow]"), None),
        (pl.Series(x), None),
        (chunk, chunk.buffers()[1].address),
        (chunk[1:], chunk.buffers()[1].address + 8),
        (pa.chunked_array([chunk]), chunk.buffers()[1].address),
    ]:
        values = _edge.series(column).values
        home = home or address(np.asarray(column))
        assert address(values) == home, type(column)
    frame = pd.DataFrame(np.asfortranarray(np.ones((3, 2))), copy=False)
    assert np.shares_memory(_edge.series(frame).values, frame.to_numpy())


def test_views_of_arrow_memory_are_read_only_and_keep_it_alive():
    values = _edge.series(pa.array(np.arange(100_000.0))).values
    gc.collect()
    assert not values.flags.writeable
    with pytest.raises(ValueError, match="WRITEABLE"):
        values.flags.writeable = True
    np.testing.assert_array_equal(values, np.arange(100_000.0))


def test_results_reach_arrow_without_a_copy_and_go_with_their_reader():
    x = np.array(TRAFFIC)
    lent = pa.array(_core.ArrowArray(x))
    assert lent.buffers()[1].address == address(x)
    assert lent.to_pylist() == [100.0, 102.0, None, 98.0]
    assert not x.flags.writeable
    before = sys.getrefcount(x)
    del lent
    gc.collect()
    assert sys.getrefcount(x) < before
    assert pa.array(_core.ArrowArray(x, nan_is_null=False)).null_count == 0
    assert pl.Series("prb", _core.ArrowArray(x)).null_count() == 1
    assert len(pa.array(_core.ArrowArray(x[:0]))) == 0


def test_only_contiguous_floats_are_lent_to_arrow():
    with pytest.raises(ValueError, match="expected a contiguous array"):
        _core.ArrowArray(np.ones(4)[::2])
    for x in [np.ones(2, np.int64), np.ones((2, 2)), [1.0]]:
        with pytest.raises(TypeError, match="one-dimensional NumPy array of float32 or float64"):
            _core.ArrowArray(x)


# Arrow in


def test_nulls_chunks_and_slices_of_arrow_columns():
    x = pa.array([1.0, None, 3.0, 4.0, None])
    np.testing.assert_array_equal(_edge.series(x).values, [1, np.nan, 3, 4, np.nan])
    np.testing.assert_array_equal(_edge.series(x[1:4]).values, [np.nan, 3, 4])
    chunks = pa.chunked_array([x[:2], x[:0], x[3:]])
    np.testing.assert_array_equal(_edge.series(chunks).values, [1, np.nan, 4, np.nan])
    assert _edge.series(pa.chunked_array([], type=pa.float32())).values.dtype == np.float32
    table = pa.table({"a": x, "b": [1, 2, 3, 4, 5]})
    expected = [[np.nan, 2], [3, 3]]
    np.testing.assert_array_equal(_edge.series(table[1:3]).values, expected)
    [batch] = table.to_batches()
    np.testing.assert_array_equal(_edge.series(batch[1:3]).values, expected)


@pytest.mark.parametrize(
    ("type_", "dtype"),
    [(t, np.float64) for t in ("int8", "int16", "int32", "int64", "double", "bool", "null")]
    + [(t, np.float64) for t in ("uint8", "uint16", "uint32", "uint64")]
    + [("float", np.float32), ("halffloat", np.float32)],
)
def test_every_numeric_arrow_type(type_, dtype):
    whole = [None, None, None] if type_ == "null" else [1, None, 0]
    x = pa.nulls(3) if type_ == "null" else pa.array(whole, pa.float64()).cast(type_)
    assert _edge.series(x).values.dtype == dtype
    np.testing.assert_array_equal(_edge.series(x).values, np.array(whole, dtype))
    np.testing.assert_array_equal(_edge.series(x[1:]).values, np.array(whole[1:], dtype))


def test_decimals_become_float64():
    x = pa.array(["1.25", None, "-3.10"]).cast(pa.decimal128(10, 2))
    np.testing.assert_array_equal(_edge.series(x).values, [1.25, np.nan, -3.1])


def test_a_duckdb_relation_goes_in_and_its_answer_comes_back_to_sql():
    calls = duckdb.sql("SELECT i AS cell, i / 2 AS prb FROM range(4) t(i) ORDER BY i")
    series = _edge.series(calls)
    np.testing.assert_array_equal(series.values, [[0, 0], [1, 0.5], [2, 1], [3, 1.5]])
    answer = series.wrap(series.values * 2)
    assert duckdb.sql("SELECT sum(prb) FROM answer").fetchall() == [(6.0,)]
    assert pl.DataFrame(answer).columns == pa.table(answer).column_names == ["cell", "prb"]
    assert repr(answer).startswith('<linewatch ArrowTable: 4 rows, columns ["cell", "prb"]')


# Answers out


def test_pandas_series_keep_index_name_attributes_and_class():
    class Traffic(pd.Series):
        _metadata = ["_name", "unit"]

        @property
        def _constructor(self):
            return Traffic

    x = Traffic(TRAFFIC, index=list("abcd"), name="prb")
    x.unit = "Mbit/s"
    series = _edge.series(x)
    answer = series.wrap(series.values * 2)
    assert type(answer) is Traffic and answer.name == "prb" and answer.unit == "Mbit/s"
    pd.testing.assert_index_equal(answer.index, x.index)
    np.testing.assert_array_equal(answer, np.array(TRAFFIC) * 2)
    assert series.wrap(series.values, name="mean").name == "mean"
    assert x.name == "prb"
    every_other = series.wrap(series.values[::2], rows=slice(None, None, 2))
    assert list(every_other.index) == ["a", "c"]


def test_pandas_frames_keep_index_columns_and_class():
    class Cells(pd.DataFrame):
        @property
        def _constructor(self):
            return Cells

    x = Cells({"prb": TRAFFIC, 7: [1, 2, 3, 4]}, index=pd.date_range("2024", periods=4))
    x.columns.name = "kpi"
    series = _edge.series(x)
    assert series.values.flags.f_contiguous and series.times is x.index
    answer = series.wrap(series.values)
    assert type(answer) is Cells
    pd.testing.assert_frame_equal(pd.DataFrame(answer), pd.DataFrame(x).astype(float))
    many = series.wrap_many({"mean": series.values, "max": series.values + 1})
    assert list(many.columns) == [("prb", "mean"), ("prb", "max"), (7, "mean"), (7, "max")]
    np.testing.assert_array_equal(many[(7, "max")], [2, 3, 4, 5])
    column = series.wrap(series.values[:, 0])
    assert isinstance(column, pd.Series) and column.index.equals(x.index)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("Int64", "Float64"),
        ("boolean", "Float64"),
        ("Float64", "Float64"),
        ("Float32", "Float32"),
        ("int64[pyarrow]", "double[pyarrow]"),
        ("double[pyarrow]", "double[pyarrow]"),
        ("float[pyarrow]", "float[pyarrow]"),
    ],
)
def test_nullable_pandas_answers_are_nullable(dtype, expected):
    x = pd.Series([1, None, 0], dtype=dtype, name="prb")
    series = _edge.series(x)
    np.testing.assert_array_equal(series.values, [1, np.nan, 0])
    answer = series.wrap(series.values.copy())
    assert str(answer.dtype) == expected
    assert answer.isna().tolist() == [False, True, False]
    frame = _edge.series(pd.DataFrame({"prb": x, "plain": [1.0, 2.0, 3.0]}))
    answer = frame.wrap(frame.values.copy())
    kind = "Float64" if expected.startswith("Float") else "double[pyarrow]"
    assert [str(dtype) for dtype in answer.dtypes] == [kind, "float64"]
    many = frame.wrap_many({"mean": frame.values.copy()})
    assert str(many[("prb", "mean")].dtype) == kind


def test_sparse_pandas_series_are_densified():
    x = pd.Series(pd.arrays.SparseArray([0.0, 1.0, 0.0]))
    np.testing.assert_array_equal(_edge.series(x).values, [0, 1, 0])


def test_polars_answers_have_the_name_and_null_for_missing():
    x = pl.Series("prb", [1.0, None, 3.0])
    series = _edge.series(x)
    answer = series.wrap(series.values.copy())
    assert answer.equals(x) and answer.name == "prb"
    many = series.wrap_many({"mean": series.values.copy(), "max": series.values.copy()})
    assert many.equals(pl.DataFrame({"mean": x, "max": x}))
    frame = pl.DataFrame({"prb": x, "calls": [1, 2, 3]})
    series = _edge.series(frame)
    assert series.wrap(series.values.copy()).equals(frame.cast(pl.Float64))
    many = series.wrap_many({"mean": series.values, "max": series.values})
    assert many.columns == ["prb_mean", "prb_max", "calls_mean", "calls_max"]


def test_polars_columns_that_other_readers_of_arrow_do_not_know():
    np.testing.assert_array_equal(_edge.series(pl.Series([None, None])).values, [np.nan, np.nan])
    for dtype in (pl.Int128, getattr(pl, "UInt128", pl.Int128)):
        column = pl.Series("octets", [1, None, 2**53], dtype=dtype)
        np.testing.assert_array_equal(_edge.series(column).values, [1, np.nan, 2**53])
        with pytest.raises(ValueError) as error:
            _edge.series(pl.Series([1, 2**100], dtype=dtype))
        assert str(error.value).startswith(f"x[1] is {2**100}; whole numbers beyond 2**53 are not")


def test_float32_of_polars_and_arrow_stays_float32():
    for x in [pl.Series([1.5], dtype=pl.Float32), pa.array([1.5], type=pa.float32())]:
        series = _edge.series(x)
        answer = series.wrap(series.values.copy())
        assert (answer.dtype if isinstance(x, pl.Series) else answer.type) == (
            x.dtype if isinstance(x, pl.Series) else x.type
        )


def test_pyarrow_answers_have_the_caller_s_class():
    x = pa.array([1.0, None, 3.0])
    table = pa.table({"prb": x, "load": x})
    for like in [x, pa.chunked_array([x]), table, table.to_batches()[0]]:
        series = _edge.series(like)
        answer = series.wrap(series.values.copy())
        assert type(answer) is type(like) and answer.equals(like)
    many = _edge.series(x).wrap_many({"mean": np.ones(3), "max": np.ones(3)})
    assert many.column_names == ["mean", "max"]
    many = _edge.series(table).wrap_many({"mean": np.ones((3, 2))})
    assert many.column_names == ["prb_mean", "load_mean"]


def test_numpy_answers_are_the_arrays_themselves():
    series, answer = _edge.series(np.array(TRAFFIC)), np.ones(4)
    assert series.wrap(answer) is answer
    assert series.wrap_many({"mean": answer}) == {"mean": answer}


@pytest.mark.parametrize(
    "native", [pd.Series([1.0, 2.0], name="prb"), pl.Series("prb", [1.0, 2.0])]
)
def test_narwhals_goes_in_and_comes_out(native):
    x = nw.from_native(native, series_only=True)
    series = _edge.series(x)
    answer = series.wrap(series.values.copy())
    assert isinstance(answer, nw.Series) and answer.to_list() == [1.0, 2.0]


def test_boolean_answers_take_the_caller_s_kind():
    flags = np.array([True, False])
    assert _edge.series(pl.Series([1.0, 2.0])).wrap(flags).dtype == pl.Boolean
    assert _edge.series(pa.array([1.0, 2.0])).wrap(flags).type == pa.bool_()
    assert _edge.series(pd.Series([1, 2], dtype="Int64")).wrap(flags).dtype == "boolean"
    assert _edge.series(pd.Series([1, 2])).wrap(flags).dtype == bool


# Times

HOURS = pd.date_range("2024-03-31 00:30", periods=3, freq="h", unit="ns")
NANOSECONDS = HOURS.asi8


@pytest.mark.parametrize(
    "times",
    [
        HOURS,
        HOURS.to_series(),
        HOURS.as_unit("s"),
        HOURS.to_numpy(),
        HOURS.to_numpy()[:, None].repeat(2, axis=1)[:, 0],
        HOURS.to_numpy().astype("M8[ms]"),
        HOURS.to_numpy().astype("M8[m]"),
        HOURS.to_numpy().astype(">M8[us]"),
        HOURS.tz_localize("UTC"),
        HOURS.tz_localize("UTC").tz_convert("Europe/Berlin"),
        HOURS.tz_localize("UTC").tz_convert("Asia/Kolkata").to_series(),
        pd.Series(HOURS, dtype="timestamp[us][pyarrow]"),
        HOURS.to_pydatetime().tolist(),
        HOURS.tz_localize("UTC").tz_convert("Europe/Berlin").to_pydatetime().tolist(),
        list(HOURS),
        list(HOURS.tz_localize("UTC").tz_convert("Europe/Berlin")),
        list(HOURS.to_numpy()),
        *(pl.Series(HOURS.to_numpy()).cast(pl.Datetime(unit)) for unit in ("ms", "us", "ns")),
        pl.Series(HOURS.to_numpy()).dt.replace_time_zone("UTC"),
        *(pa.array(HOURS.to_numpy()).cast(pa.timestamp(unit)) for unit in ("s", "us", "ns")),
        pa.chunked_array([pa.array(HOURS[:1]), pa.array(HOURS[1:])]),
        nw.from_native(pl.Series(HOURS.to_numpy()), series_only=True),
    ],
)
def test_times_of_every_kind_are_nanoseconds(times):
    array, unit = _edge.times(times, 3)
    assert unit == "ns" and array.dtype == np.int64 and array.dtype.isnative
    np.testing.assert_array_equal(array, NANOSECONDS)


def test_dates_are_midnights():
    days = [dt.date(1970, 1, 2), dt.date(1969, 12, 31)]
    for times in [days, np.array(days, "M8[D]"), pl.Series(days), pa.array(days)]:
        assert _edge.times(times, 2)[0].tolist() == [86_400 * 10**9, -86_400 * 10**9]


def test_nanoseconds_are_not_copied():
    times = HOURS.to_numpy()
    assert np.shares_memory(_edge.times(times, 3)[0], times)
    times = pa.array(HOURS)
    assert address(_edge.times(times, 3)[0]) == times.buffers()[1].address


def test_unaligned_times_and_keys_are_copied():
    packed = np.zeros(3, dtype=[("flag", "u1"), ("start", "M8[ns]"), ("cell", "i8")])
    packed["start"], packed["cell"] = HOURS, [4, 5, 6]
    for copy, expected in [
        (_edge.times(packed["start"], 3)[0], NANOSECONDS),
        (_edge.times(packed["cell"], 3)[0], [4, 5, 6]),
        (_edge.codes(packed["cell"], 3), [4, 5, 6]),
    ]:
        assert copy.flags.aligned
        np.testing.assert_array_equal(copy, expected)


def test_whole_numbers_are_times_in_a_unit_of_the_caller():
    for times in [[1, 2], np.array([1, 2], "i4"), pd.Series([1, 2]), pl.Series([1, 2])]:
        array, unit = _edge.times(times, 2)
        assert array.tolist() == [1, 2] and unit is None
    assert _edge.times(pd.Series([1, 2], dtype="Int64"), 2)[0].tolist() == [1, 2]
    assert _edge.times([], 0)[0].tolist() == []


@pytest.mark.parametrize(
    "times",
    [
        [dt.datetime(2024, 1, 1), None],
        np.array(["2024-01-01", "NaT"], "M8[ns]"),
        np.array(["2024-01-01", "NaT"], "M8[s]"),
        np.ma.array([1, 2], mask=[False, True]),
        pd.DatetimeIndex(["2024-01-01", None]),
        pd.Series(pd.DatetimeIndex(["2024-01-01", None], tz="UTC")),
        pd.Series([1, None], dtype="Int64"),
        pl.Series([dt.datetime(2024, 1, 1), None]),
        pa.array([dt.datetime(2024, 1, 1), None]),
        pa.array([1, None]),
    ],
)
def test_a_missing_time_is_an_error_that_names_its_row(times):
    with pytest.raises(ValueError) as error:
        _edge.times(times, 2)
    assert str(error.value) == "times[1] is missing; every row needs a time"


@pytest.mark.parametrize(
    "times",
    [
        np.array(["2024-01-01", "2300-01-01"], "M8[s]"),
        np.array(["2024", "1600"], "M8[Y]"),
        [dt.datetime(2024, 1, 1), dt.datetime(2300, 1, 1)],
        pl.Series([dt.datetime(2024, 1, 1), dt.datetime(1600, 1, 1)]),
    ],
)
def test_times_beyond_int64_nanoseconds_are_refused(times):
    with pytest.raises(ValueError) as error:
        _edge.times(times, 2)
    assert str(error.value) == (
        "times[1] is outside the years 1678 to 2262 that int64 nanoseconds reach"
    )


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0.5, 1.0], "times has dtype float64; expected times or whole numbers"),
        (["2024-01-01", "x"], "times has dtype <U10; expected times or whole numbers"),
        (np.array([1, 2], "m8[s]"), "times has dtype timedelta64"),
        (pl.Series([0.5, 1.0]), "times has Arrow type Float64; expected timestamps, dates or"),
        (pl.DataFrame({"a": [1], "b": [2]}), "times is a table of 2 columns; expected one column"),
        (pl.LazyFrame(), "times is a Polars LazyFrame"),
    ],
)
def test_what_is_no_time_is_refused(times, message):
    with pytest.raises(TypeError) as error:
        _edge.times(times, 2)
    assert str(error.value).startswith(message)


def test_times_must_fit_the_rows():
    with pytest.raises(ValueError, match="times has 2 values, expected 3"):
        _edge.times([1, 2], 3)
    with pytest.raises(ValueError, match="times must have 1 dimension, got 2"):
        _edge.times([[1, 2]], 1)
    with pytest.raises(ValueError, match="on holds times with a time zone and times without one"):
        _edge.times([dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 1, 1)], 2, "on")


# Keys

CELLS = ["a", "b", None, "a"]


@pytest.mark.parametrize(
    "groups",
    [
        CELLS,
        np.array(CELLS, object),
        np.array([1.5, 2.0, np.nan, 1.5]),
        np.array(["2024", "2023", "NaT", "2024"], "M8[s]"),
        ["a", "b", pd.NA, "a"],
        np.array(["a", "b", pd.NA, "a"], object),
        pd.Series(CELLS),
        pd.Series(CELLS, dtype=object),
        pd.Series(CELLS, dtype="category"),
        pd.Series(CELLS, dtype="string[pyarrow]"),
        pd.Index(CELLS),
        pd.Categorical(CELLS),
        pd.Series([3, -4, None, 3], dtype="Int64"),
        pl.Series(CELLS),
        pl.Series(CELLS, dtype=pl.Categorical),
        pl.Series(CELLS, dtype=pl.Enum(["b", "a"])),
        pl.Series([True, False, None, True]),
        pl.Series([3, -4, None, 3]),
        pl.Series([0.5, -4.0, float("nan"), 0.5]),
        pl.Series([dt.date(2024, 1, 1), dt.date(1960, 1, 1), None, dt.date(2024, 1, 1)]),
        pl.Series([{"a": 1}, {"a": 2}, None, {"a": 1}]),
        pa.array(CELLS),
        pa.array(CELLS).dictionary_encode(),
        pa.chunked_array([CELLS[:1], CELLS[1:]]),
        [("a", 1), ("b", 1), None, ("a", 1)],
        [CELLS, [1, 1, 1, 1]],
        [pd.Series([5, 5, 5, 5]), pl.Series(CELLS)],
        pd.DataFrame({"cell": CELLS, "day": [1, 1, 1, 1]}),
        pl.DataFrame({"cell": CELLS, "day": [1, 1, 1, 1]}),
        pa.table({"cell": CELLS, "day": [1, 1, 1, 1]}),
        nw.from_native(pl.Series(CELLS), series_only=True),
    ],
)
def test_equal_keys_have_equal_codes_and_a_missing_key_has_none(groups):
    codes = _edge.codes(groups, 4)
    assert codes.dtype == np.int64
    assert codes[0] == codes[3] != codes[1]
    assert codes[2] == -1 and min(codes[0], codes[1]) >= 0


def test_whole_numbers_are_their_own_codes_without_a_copy():
    keys = np.array([310_150_123_456_789, 0, 7])
    assert np.shares_memory(_edge.codes(keys, 3), keys)
    for groups in [pd.Series(keys), pl.Series(keys), pa.array(keys), keys.astype("u8")]:
        np.testing.assert_array_equal(_edge.codes(groups, 3), keys)


@pytest.mark.parametrize(
    "keys",
    [
        np.array([-128, 127, 0, -128], np.int8),
        np.array([-(2**63), 2**63 - 1, 0, -(2**63)]),
        np.array([2**64 - 1, 0, 1, 2**64 - 1], np.uint64),
        np.array([True, False, False, True]),
        [2**70, 1, 2, 2**70],
        [-1, 5, 6, -1],
    ],
)
def test_any_whole_number_can_be_a_key(keys):
    codes = _edge.codes(keys, 4)
    assert codes.min() >= 0
    assert codes[0] == codes[3] and len(set(codes.tolist())) == len(set(np.asarray(keys).tolist()))


def test_several_columns_make_one_key():
    rng = np.random.default_rng(5)
    big = rng.integers(0, 3, 200) * 2**61
    columns = [big, rng.integers(-2, 2, 200), rng.choice(["x", "y"], 200)]
    expected = list(zip(*(column.tolist() for column in columns), strict=True))
    codes = _edge.codes(columns, 200)
    pairs = set(zip(codes.tolist(), expected, strict=True))
    assert len(pairs) == len(set(expected)) == len(set(codes.tolist()))
    np.testing.assert_array_equal(_edge.codes(np.stack(columns[:1] * 2, axis=1), 200) >= 0, True)


def test_groups_must_fit_the_rows():
    with pytest.raises(ValueError, match="groups has 2 values, expected 3"):
        _edge.codes([1, 2], 3)
    with pytest.raises(ValueError, match="groups has no columns; expected one key per row"):
        _edge.codes(pd.DataFrame(index=[0, 1]), 2)
    with pytest.raises(TypeError, match="groups must hold one key per row, got 'cell'"):
        _edge.codes("cell", 3)
    with pytest.raises(TypeError, match="groups is a Polars LazyFrame"):
        _edge.codes(pl.LazyFrame(), 3)
    with pytest.raises(TypeError, match="groups holds what cannot be a key: unhashable type"):
        _edge.codes([{1}, {2}, None], 3)
    assert _edge.codes([], 0).dtype == np.int64
    assert _edge.codes([pd.Series([], dtype=int), pd.Series([], dtype=str)], 0).size == 0


# Spans


@pytest.mark.parametrize(
    ("window", "seconds"),
    [
        ("5s", 5),
        ("15min", 900),
        ("15m", 900),
        ("1h", 3600),
        ("1H", 3600),
        ("h", 3600),
        ("1d", 86_400),
        ("7D", 7 * 86_400),
        ("1w", 7 * 86_400),
        ("96h", 96 * 3600),
        ("500ms", 0.5),
        ("10us", 1e-5),
        ("3ns", 3e-9),
        ("1.5h", 5400),
        ("1h30m", 5400),
        ("1 day 2 hours", 93_600),
        (dt.timedelta(seconds=5), 5),
        (np.timedelta64(5, "s"), 5),
        (np.timedelta64(2, "W"), 14 * 86_400),
        (pd.Timedelta("90min"), 5400),
        (pd.offsets.Hour(2), 7200),
        (pd.offsets.Minute(15), 900),
    ],
)
def test_spans_in_the_spelling_of_pandas_and_polars(window, seconds):
    ns = _edge.span(window)
    assert type(ns) is int and ns == round(seconds * 1e9)


@pytest.mark.parametrize("window", [None, 5, 2.5, True, np.int64(5), [5], pd.NaT])
def test_what_is_no_span_is_refused(window):
    with pytest.raises(TypeError) as error:
        _edge.span(window)
    assert str(error.value) == (
        f'window must be a number of rows or a span such as "5s", got {window!r}'
    )


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ("5", "window must be a number of rows or a span such as \"5s\", got '5'"),
        ("", "window must be a number of rows or a span such as \"5s\", got ''"),
        ("5 rows", "window must be a number of rows or a span such as \"5s\", got '5 rows'"),
        ("-5s", "window must be a number of rows or a span such as \"5s\", got '-5s'"),
        ("5mS", "window must be a number of rows or a span such as \"5s\", got '5mS'"),
        ("0s", "window must be longer than 0, got '0s'"),
        (dt.timedelta(-1), "window must be longer than 0, got datetime.timedelta(days=-1)"),
        ("1mo", "window must have a fixed length, got '1mo' (count days, such as '30d')"),
        ("1M", "window must have a fixed length, got '1M' (count days, such as '30d')"),
        ("1ME", "window must have a fixed length, got '1ME' (count days, such as '30d')"),
        (pd.offsets.MonthEnd(), "window must have a fixed length, got <MonthEnd>"),
        (
            np.timedelta64(1, "M"),
            f"window must have a fixed length in nanoseconds, got {np.timedelta64(1, 'M')!r}",
        ),
        ("0.5ns", "window must be a whole number of nanoseconds, got '0.5ns'"),
        ("300000d", "window must be below 292 years, got '300000d'"),
    ],
)
def test_spans_without_a_usable_length_are_refused(window, message):
    with pytest.raises(ValueError) as error:
        _edge.span(window)
    assert str(error.value) == message


# Importing


def test_importing_linewatch_imports_none_of_the_large_libraries():
    code = (
        "import sys, linewatch; large = {'pandas', 'polars', 'pyarrow', 'sklearn', 'matplotlib'};"
        "print(sorted(large & set(sys.modules)), linewatch.__version__)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.startswith("[] ")


def test_lists_need_no_library_but_numpy():
    code = (
        "import sys; from linewatch import _edge; _edge.series([1.0, 2]); _edge.codes(['a'], 1);"
        "_edge.times([1], 1); print({'pandas', 'polars', 'pyarrow'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
