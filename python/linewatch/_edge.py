"""The edge: what callers hold becomes arrays, and arrays become what callers hold.

`series` takes NumPy arrays and lists, pandas and Polars Series and DataFrames, pyarrow arrays and
tables, and anything that speaks the Arrow PyCapsule interface, such as a DuckDB relation. Float
columns are not copied. What comes back has the caller's kind, index, columns and names; a missing
answer is null in Polars, Arrow and the nullable types of pandas, and NaN elsewhere.

No library is imported here that the caller has not imported.
"""

import numbers
import sys

import numpy as np

from linewatch import _core
from linewatch._codes import codes
from linewatch._libraries import (
    is_arrow,
    is_narwhals,
    is_pandas_column,
    narwhals_of,
    pandas,
    polars,
    refuse_lazy,
)
from linewatch._times import span, times

__all__ = ["codes", "series", "span", "times"]

_EXACT = 2**53


def series(x, name="x"):
    """Numbers of a caller, with the way back to the caller's kind.

    Parameters
    ----------
    x : array-like, Series, DataFrame or Arrow object, shape (n,) or (n, n_series)
        Whole numbers and booleans become float64, float16 becomes float32. Masked, null and NA
        become NaN.
    name : str, default="x"
        What errors call it.

    Returns
    -------
    Numbers
        With ``values``, ``wrap`` and ``wrap_many``.

    Raises
    ------
    TypeError
        If `x` or one of its columns does not hold real numbers.
    ValueError
        If `x` has no or more than two dimensions, or whole numbers beyond 2**53.
    """
    if isinstance(x, np.ndarray | np.generic):
        return Numbers(_array(x, name), x)
    refuse_lazy(x, name)
    if is_narwhals(x):
        return _Narwhals(x, name)
    pd, pl = pandas(), polars()
    if pd is not None and isinstance(x, pd.Series):
        return _PandasSeries(_pandas_column(x, name), x)
    if pd is not None and isinstance(x, pd.DataFrame):
        return _PandasFrame(_pandas_frame(x, name), x)
    if is_pandas_column(x):
        return Numbers(_pandas_column(pd.Series(x), name), x)
    if pl is not None and isinstance(x, pl.Series):
        return _PolarsSeries(_polars_column(x, name), x)
    if pl is not None and isinstance(x, pl.DataFrame):
        columns = [_polars_column(c, _title(c.name, name)) for c in x.get_columns()]
        return _PolarsFrame(_stack(columns, len(x)), x)
    if is_arrow(x):
        is_table, columns = _core.arrow_numbers(x, name)
        names = [column for column, _ in columns]
        arrays = [array for _, array in columns]
        values = _stack(arrays, len(arrays[0]) if arrays else 0) if is_table else arrays[0]
        kind = _Pyarrow if type(x).__module__.partition(".")[0] == "pyarrow" else _Arrow
        return kind(values, x, names)
    return Numbers(_array(_listed(x, name), name), x)


class Numbers:
    """Arrays and lists: NumPy in, NumPy out. The other kinds build on it.

    Attributes
    ----------
    values : ndarray of float32 or float64, shape (n,) or (n, n_series)
        Of any strides, perhaps read-only, perhaps the caller's own memory.
    like : object
        What the caller gave.
    times : pandas.Index or None
        The index of a pandas object, if it holds times.
    """

    times = None

    def __init__(self, values, like):
        self.values = values
        self.like = like

    def __len__(self):
        return len(self.values)

    def wrap(self, array, rows=None, name=None):
        """Give `array` the caller's kind.

        Parameters
        ----------
        array : ndarray, shape (n,) or (n, n_series)
            One row for each row of `values`, or for each row that `rows` picks.
        rows : slice, optional
            Rows of `values` that the answers belong to.
        name : str, optional
            Name of the result, where a Series has one; the caller's by default.
        """
        return array

    def wrap_many(self, arrays, rows=None):
        """Give several named results the caller's kind.

        A dict of arrays for NumPy, else a table. The columns of a Series are the names; those of
        a table are pairs ``(column, name)`` in pandas, as its `agg` has them, and
        ``column_name`` elsewhere.
        """
        return {name: self.wrap(array, rows, name) for name, array in arrays.items()}


class _Pandas(Numbers):
    def __init__(self, values, like):
        super().__init__(values, like)
        if getattr(like.index.dtype, "kind", "") == "M":  # of NumPy, of a zone or of Arrow
            self.times = like.index

    def _index(self, rows):
        return self.like.index if rows is None else self.like.index[rows]


class _PandasSeries(_Pandas):
    def wrap(self, array, rows=None, name=None):
        x = self.like
        column = _pandas_array(array, x.dtype)
        name = x.name if name is None else name
        out = x._constructor(column, index=self._index(rows), copy=False)
        out = out.__finalize__(x, "linewatch")
        out.name = name
        return out

    def wrap_many(self, arrays, rows=None):
        x = self.like
        columns = {name: _pandas_array(array, x.dtype) for name, array in arrays.items()}
        return x._constructor_expanddim(columns, index=self._index(rows), copy=False)


class _PandasFrame(_Pandas):
    def wrap(self, array, rows=None, name=None):
        x, index = self.like, self._index(rows)
        if array.ndim == 1:
            return x._constructor_sliced(array, index=index, name=name, copy=False)
        if all(isinstance(dtype, np.dtype) for dtype in x.dtypes):
            out = x._constructor(array, index=index, columns=x.columns, copy=False)
        else:
            columns = {i: _pandas_array(array[:, i], dtype) for i, dtype in enumerate(x.dtypes)}
            out = x._constructor(columns, index=index, copy=False)
            out.columns = x.columns
        return out.__finalize__(x, "linewatch")

    def wrap_many(self, arrays, rows=None):
        pd = pandas()
        x = self.like
        columns, labels = {}, []
        for i, (label, dtype) in enumerate(zip(x.columns, x.dtypes, strict=True)):
            for name, array in arrays.items():
                columns[len(labels)] = _pandas_array(array[:, i], dtype)
                labels.append((*(label if isinstance(label, tuple) else (label,)), name))
        out = x._constructor(columns, index=self._index(rows), copy=False)
        if labels:
            out.columns = pd.MultiIndex.from_tuples(labels, names=[*x.columns.names, None])
        return out


class _PolarsSeries(Numbers):
    def wrap(self, array, rows=None, name=None):
        return _polars_series(self.like.name if name is None else name, array)

    def wrap_many(self, arrays, rows=None):
        pl = polars()
        return pl.DataFrame([_polars_series(name, array) for name, array in arrays.items()])


class _PolarsFrame(Numbers):
    def wrap(self, array, rows=None, name=None):
        if array.ndim == 1:
            return _polars_series(name or "", array)
        pl = polars()
        return pl.DataFrame(
            [_polars_series(c, array[:, i]) for i, c in enumerate(self.like.columns)]
        )

    def wrap_many(self, arrays, rows=None):
        pl = polars()
        columns = _flat(self.like.columns, arrays)
        return pl.DataFrame([_polars_series(name, array) for name, array in columns])


class _Arrow(Numbers):
    """Objects that only speak Arrow get an object of ours that speaks it, too."""

    def __init__(self, values, like, names):
        super().__init__(values, like)
        self.names = names

    def wrap(self, array, rows=None, name=None):
        if array.ndim == 1:
            return self._array(array)
        return self._table([(name, array[:, i]) for i, name in enumerate(self.names)])

    def wrap_many(self, arrays, rows=None):
        is_table = self.values.ndim == 2
        return self._table(_flat(self.names, arrays) if is_table else list(arrays.items()))

    def _array(self, array):
        return _lend(array)

    def _table(self, columns):
        return _core.ArrowTable([(name, np.ascontiguousarray(array)) for name, array in columns])


class _Pyarrow(_Arrow):
    def _array(self, array):
        pa = sys.modules["pyarrow"]
        array = pa.array(_lend(array))
        return pa.chunked_array([array]) if isinstance(self.like, pa.ChunkedArray) else array

    def _table(self, columns):
        pa = sys.modules["pyarrow"]
        kind = pa.RecordBatch if isinstance(self.like, pa.RecordBatch) else pa.Table
        arrays = [pa.array(_lend(array)) for _, array in columns]
        return kind.from_arrays(arrays, names=[name for name, _ in columns])


class _Narwhals(Numbers):
    """A narwhals Series or DataFrame: its native object, and narwhals on the way back."""

    def __init__(self, x, name):
        self.native = series(x.to_native(), name)
        super().__init__(self.native.values, x)
        self.times = self.native.times
        self.narwhals = narwhals_of(x)

    def back(self, native):
        return self.narwhals.from_native(native, allow_series=True)

    def wrap(self, array, rows=None, name=None):
        return self.back(self.native.wrap(array, rows, name))

    def wrap_many(self, arrays, rows=None):
        return self.back(self.native.wrap_many(arrays, rows))


def _title(column, name):
    return f'column "{column}" of {name}'


def _flat(columns, arrays):
    """The columns of several results side by side, as ``column_name``."""
    return [
        (f"{column}_{name}", array[:, i])
        for i, column in enumerate(columns)
        for name, array in arrays.items()
    ]


def _stack(columns, n):
    """Columns as one array, each of them contiguous."""
    if len(columns) == 1:
        return columns[0].reshape(n, 1)
    single = bool(columns) and all(column.dtype == np.float32 for column in columns)
    out = np.empty((n, len(columns)), np.float32 if single else np.float64, order="F")
    for i, column in enumerate(columns):
        out[:, i] = column
    return out


def _lend(array):
    """An array for readers of Arrow, NaN as null."""
    if array.dtype.kind != "f":
        return array
    return _core.ArrowArray(np.ascontiguousarray(array))


def _listed(x, name):
    """A list or another array-like as an array; None among numbers is missing."""
    if isinstance(x, range):
        return np.arange(x.start, x.stop, x.step)
    if x is None or isinstance(x, str | bytes | dict | set | frozenset):
        raise TypeError(f"{name} is {_a(x)}; expected an array, Series or DataFrame of numbers")
    if hasattr(x, "__next__"):
        raise TypeError(f"{name} is {_a(x)}; expected data (try list({name}))")
    try:
        array = np.asarray(x)
    except ValueError:
        raise ValueError(f"{name} has rows of different lengths") from None
    if array.ndim == 0 and array.dtype == object:
        raise TypeError(f"{name} is {_a(x)}; expected an array, Series or DataFrame of numbers")
    if array.dtype == object and isinstance(x, list | tuple):
        kinds = {type(value) for value in array.flat}
        if all(kind is type(None) or issubclass(kind, numbers.Real) for kind in kinds):
            for row, value in enumerate(array.flat):
                if isinstance(value, numbers.Integral) and abs(value) > _EXACT:
                    raise _inexact(name, row if array.ndim == 1 else "...", value)
            array = array.astype(np.float64)
    return array


def _a(x):
    return "None" if x is None else f"of type {type(x).__name__}"


def _array(array, name):
    """A NumPy array as aligned native floats of one or two dimensions."""
    if array.ndim not in (1, 2):
        raise ValueError(f"{name} must have 1 or 2 dimensions, got {array.ndim}")
    return _floats(array, name)


def _floats(array, title):
    if isinstance(array, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(array)
        values = _floats(np.where(mask, 0, array.data) if mask.any() else array.data, title)
        return np.where(mask, values.dtype.type(np.nan), values) if mask.any() else values
    dtype = array.dtype
    if dtype in (np.float32, np.float64):
        # Same type but byte-swapped or unaligned: copied, since kernels read machine words.
        if dtype.isnative and array.flags.aligned:
            return np.asarray(array)
        return array.astype(dtype.newbyteorder("="), copy=True)
    if dtype.kind == "f":
        return array.astype(np.float32 if dtype.itemsize < 4 else np.float64)
    if dtype.kind not in "biu":
        raise TypeError(f"{title} has dtype {dtype}; expected {_expected(dtype)}")
    if dtype.itemsize == 8 and array.size and (array.max() > _EXACT or array.min() < -_EXACT):
        place = np.argwhere((array > _EXACT) | (array < -_EXACT))[0]
        raise _inexact(title, ", ".join(map(str, place)), array[tuple(place)])
    return array.astype(np.float64)


def _inexact(title, place, value):
    return ValueError(
        f"{title}[{place}] is {value}; whole numbers beyond 2**53 are not exact as float64 "
        "(cast to float64 first to accept rounding)"
    )


def _expected(dtype):
    """What was expected instead of `dtype`, with the way out."""
    if dtype.kind == "M":
        return "numbers (times belong in times=)"
    if dtype.kind == "m":
        return 'numbers (try x / np.timedelta64(1, "s"))'
    if dtype.kind == "c":
        return "real numbers (try abs(x), x.real or x.imag)"
    if dtype.kind == "V":
        return "numbers (take one field of it)"
    return 'numbers (try x.astype("float64"))'


def _pandas_frame(x, name):
    kinds = set(x.dtypes)
    if len(kinds) == 1 and kinds <= {np.dtype(np.float32), np.dtype(np.float64)}:
        return _floats(x.to_numpy(), name)
    columns = [
        _pandas_column(x.iloc[:, i], _title(label, name)) for i, label in enumerate(x.columns)
    ]
    return _stack(columns, len(x)) if columns else np.empty((len(x), 0))


def _pandas_column(column, title):
    pd = pandas()
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return _floats(column.to_numpy(), title)
    if isinstance(dtype, pd.ArrowDtype):
        [(_, array)] = _core.arrow_numbers(column.array.__arrow_array__(), title)[1]
        return array
    if isinstance(dtype, pd.SparseDtype):
        return _floats(np.asarray(column), title)
    if not (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)) or (
        isinstance(dtype, pd.CategoricalDtype)
    ):
        raise TypeError(f"{title} has dtype {dtype}; expected {_expected(dtype)}")
    # Nullable: the numbers, and NaN where NA is.
    missing = column.isna().to_numpy()
    values = column.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
    values = _floats(values, title)
    if missing.any():
        values = np.where(missing, values.dtype.type(np.nan), values)
    return values


def _pandas_array(array, dtype):
    """What a pandas column of answers holds when the column asked about has `dtype`."""
    pd = pandas()
    if isinstance(dtype, pd.ArrowDtype):
        pa = sys.modules["pyarrow"]
        return pd.arrays.ArrowExtensionArray(pa.array(_lend(array)))
    if isinstance(dtype, np.dtype) or not hasattr(dtype, "numpy_dtype"):
        return array
    if array.dtype.kind == "f":
        return pd.arrays.FloatingArray(array, np.isnan(array))
    return pd.array(array)


def _polars_column(column, title):
    dtype = column.dtype
    pl = polars()
    if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)):
        remedy = "times belong in times=" if dtype.is_temporal() else "try casting it to pl.Float64"
        raise TypeError(f"{title} has dtype {dtype}; expected numbers ({remedy})")
    if dtype == pl.Null:
        return np.full(len(column), np.nan)
    if "128" in str(dtype) and dtype.is_integer():  # unknown to other readers of Arrow
        far = column > _EXACT
        if dtype.is_signed_integer():
            far |= column < -_EXACT
        far = far.fill_null(False)
        if far.any():
            row = far.arg_max()
            raise _inexact(title, row, column[row])
        column = column.cast(pl.Int64)
    [(_, array)] = _core.arrow_numbers(column, title)[1]
    return array


def _polars_series(name, array):
    return polars().Series(_lend(array)).alias(name)
