"""Keys of groups as whole numbers."""

import numpy as np

from linewatch._libraries import (
    is_arrow,
    is_narwhals,
    is_pandas_column,
    pandas,
    polars,
    refuse_lazy,
)


def codes(groups, n, name="groups"):
    """One whole number for each row, equal where the keys are equal.

    Parameters
    ----------
    groups : array-like of keys, shape (n,), a table of keys, or a list of columns
        Whole numbers, text, categories, times: anything that can be equal. Several columns make
        one key. Rows are matched by position, not by index.
    n : int
        Rows they must describe.
    name : str, default="groups"
        What errors call it.

    Returns
    -------
    ndarray of int64, shape (n,)
        Not negative, but for -1 where a key, or a part of one, is missing. Whole numbers that
        are not negative are returned as they are, without a copy of int64.

    Raises
    ------
    TypeError
        If `groups` holds no keys.
    ValueError
        If there are not `n` of them.
    """
    columns = _columns(groups, name)
    if not columns:
        raise ValueError(f"{name} has no columns; expected one key per row")
    out = None
    for column in columns:
        if len(column) != n:
            raise ValueError(f"{name} has {len(column)} values, expected {n}")
        code = _code(column, name)
        out = code if out is None else _pair(out, code)
    return out


def _columns(groups, name):
    refuse_lazy(groups, name)
    if is_narwhals(groups):
        groups = groups.to_native()
    if is_pandas_column(groups):
        return [groups]
    pd = pandas()
    if pd is not None and isinstance(groups, pd.DataFrame):
        return [groups.iloc[:, i] for i in range(groups.shape[1])]
    if is_arrow(groups):
        return _arrow_columns(groups)
    if isinstance(groups, str | bytes) or not hasattr(groups, "__len__"):
        raise TypeError(f"{name} must hold one key per row, got {groups!r}")
    if isinstance(groups, list | tuple):
        if groups and all(map(_is_column, groups)):
            return [column for group in groups for column in _columns(group, name)]
        return [groups]
    array = np.asarray(groups)
    if array.ndim not in (1, 2):
        raise ValueError(f"{name} must have 1 or 2 dimensions, got {array.ndim}")
    return [array] if array.ndim == 1 else list(array.T)


def _arrow_columns(groups):
    import polars as pl

    if not isinstance(groups, pl.Series | pl.DataFrame):
        is_table = hasattr(groups, "columns") or hasattr(groups, "column_names")
        groups = pl.DataFrame(groups) if is_table else pl.Series(groups)
    return groups.get_columns() if isinstance(groups, pl.DataFrame) else [groups]


def _is_column(x):
    """Whether `x` is a column of keys and not itself a key, as text and tuples are."""
    return isinstance(x, list | np.ndarray) or is_pandas_column(x) or is_arrow(x)


def _code(column, name):
    if is_pandas_column(column):
        return _pandas(column)
    pl = polars()
    if pl is not None and isinstance(column, pl.Series):
        return _polars(column)
    if isinstance(column, np.ndarray):
        if column.dtype.kind in "biu":
            return _whole(column)
        if column.dtype.kind in "mM":
            return np.where(np.isnat(column), -1, _whole(column.view(np.int64)))
        column = column.tolist()
    elif column and all(type(key) is int for key in column):
        array = np.asarray(column)
        if array.dtype.kind in "iu":
            return _whole(array)
    return _hashed(column, name)


def _pandas(column):
    pd, dtype = pandas(), column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.Categorical(column).codes.astype(np.int64)
    if isinstance(dtype, np.dtype) and dtype.kind in "biu":
        return _whole(column.to_numpy())
    return pd.factorize(column)[0].astype(np.int64, copy=False)


def _whole(keys):
    """Whole numbers as codes: themselves if none is negative."""
    if keys.size == 0 or keys.dtype.kind == "b":
        return keys.astype(np.int64)
    low = int(keys.min())
    if low >= 0 and (keys.dtype != np.uint64 or int(keys.max()) < 2**63):
        return np.require(keys, np.int64, "A")
    high = int(keys.max())
    if keys.dtype.kind == "i" and high - low < 2**63:
        return keys.astype(np.int64) - low
    return _dense(keys)


def _dense(keys):
    return np.unique(keys, return_inverse=True)[1].astype(np.int64).reshape(keys.shape)


def _hashed(keys, name):
    """Codes in order of first appearance; None, NaN and NA are missing."""
    seen, pd = {}, pandas()
    na = None if pd is None else pd.NA
    try:
        return np.array(
            [
                -1 if key is None or key is na or key != key else seen.setdefault(key, len(seen))
                for key in keys
            ],
            dtype=np.int64,
        )
    except TypeError as error:
        raise TypeError(f"{name} holds what cannot be a key: {error}") from None


def _polars(column):
    import polars as pl

    if column.dtype == pl.String:
        column = column.cast(pl.Categorical)
    # Categories and times are whole numbers underneath.
    keys = column.to_physical()
    if keys.dtype == pl.Boolean:
        keys = keys.cast(pl.Int8)
    if keys.dtype.is_integer() and "128" not in str(keys.dtype):
        missing = keys.is_null().to_numpy()
        codes = _whole(keys.fill_null(0).to_numpy())
        return np.where(missing, -1, codes) if missing.any() else codes
    # Other keys: the row that has the key first.
    if keys.dtype.is_float():
        keys = keys.fill_nan(None)
    frame = pl.DataFrame({"key": keys}).with_row_index("row")
    first = pl.col("row").first().over("key").cast(pl.Int64)
    first = pl.when(pl.col("key").is_null()).then(-1).otherwise(first)
    return frame.select(first).to_series().to_numpy()


def _pair(a, b):
    """Codes of pairs of codes."""
    if a.size == 0:
        return a
    if (int(a.max()) + 1) * (int(b.max()) + 1) >= 2**63:
        a, b = (np.where(c < 0, -1, _dense(c)) for c in (a, b))
    return np.where((a < 0) | (b < 0), -1, a * (b.max() + 1) + b)
