"""Columns of categories, such as a protocol or a vendor, as whole codes and back."""

import numpy as np

from linewatch import _edge
from linewatch._libraries import pandas

MOST = 65_535  # codes that the kernels can hold, less one for what was not seen


def chosen(features, names, n_features, table):
    """Column numbers that `features` names.

    Parameters
    ----------
    features : None, "from_dtype", or array-like of int, bool or str
    names : sequence of str or None
        Of the columns.
    n_features : int
    table : DataFrame or None
        For ``"from_dtype"``: columns of text or categories.
    """
    if features is None:
        return []
    if isinstance(features, str):
        if features != "from_dtype":
            raise ValueError(
                'categorical_features must be None, "from_dtype" or a list of columns, '
                f"got {features!r} (a single column: [{features!r}])"
            )
        if table is None:
            raise ValueError('categorical_features="from_dtype" needs a frame, got an array')
        return [j for j in range(n_features) if _is_category(table, j)]
    given = np.asarray(features)
    if given.ndim != 1:
        raise ValueError(f"categorical_features must have 1 dimension, got {given.ndim}")
    if given.dtype == bool:
        if len(given) != n_features:
            raise ValueError(
                f"categorical_features has {len(given)} booleans, but X has {n_features} features"
            )
        return list(map(int, np.flatnonzero(given)))
    columns = []
    for feature in given.tolist():
        if isinstance(feature, str):
            if names is None:
                raise ValueError(
                    f'categorical_features names "{feature}", but X has no column names; '
                    "give column numbers, or X as a frame"
                )
            if feature not in list(names):
                raise ValueError(f'categorical_features names "{feature}"; X has {_quoted(names)}')
            columns.append(list(names).index(feature))
        elif isinstance(feature, int):
            if not -n_features <= feature < n_features:
                raise ValueError(
                    f"categorical_features has column {feature}, but X has {n_features} features"
                )
            columns.append(feature % n_features)
        else:
            raise TypeError(
                f"categorical_features must hold column names or numbers, got {feature!r}"
            )
    return sorted(set(columns))


def _is_category(table, column):
    pd = pandas()
    if pd is not None and isinstance(table, pd.DataFrame):
        dtype = table.dtypes.iloc[column]
        is_text = pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype)
        return is_text or isinstance(dtype, pd.CategoricalDtype)
    import polars as pl

    return table.dtypes[column] in (pl.String, pl.Categorical, pl.Enum)


def _quoted(names):
    shown = ", ".join(f'"{name}"' for name in list(names)[:8])
    return shown + (", ..." if len(names) > 8 else "")


def values(X, column):
    """The values of a column as an array; None, NaN, NA and null are None among objects."""
    pd = pandas()
    if pd is not None and isinstance(X, pd.DataFrame):
        series = X.iloc[:, column]
        array = series.astype(object).to_numpy()
        missing = series.isna().to_numpy()
        return np.where(missing, None, array) if missing.any() else array
    if isinstance(X, np.ndarray):
        return X[:, column]
    return np.array(X.to_series(column).to_list(), dtype=object)


def learned(array, known, title):
    """The categories of a column: those `known`, then new ones in order.

    Raises
    ------
    TypeError
        If a category is neither text nor a number.
    ValueError
        If there are more than the kernels can hold.
    """
    seen = set(known)
    try:
        new = {_item(value) for value in _distinct(array)} - seen - {None}
    except TypeError:  # a list cannot be a category
        new = None
    if new is None or not all(isinstance(value, str | int | float) for value in new):
        raise TypeError(f"column {title} must hold text, numbers or booleans as categories")
    try:
        new = sorted(new)
    except TypeError:
        new = sorted(new, key=lambda value: (type(value).__name__, value))
    categories = [*known, *new]
    if len(categories) > MOST:
        raise ValueError(
            f"column {title} has {len(categories)} categories; at most {MOST} can be told apart"
        )
    return categories


def coded(array, categories):
    """Codes of the values as float64: NaN where missing, ``len(categories)`` where not known."""
    numbers = {value: code for code, value in enumerate(categories)}
    unknown = len(categories)
    if array.dtype.kind in "biuf":
        distinct, inverse = np.unique(array, return_inverse=True)
        codes = [_code(_item(value), numbers, unknown) for value in distinct]
        return np.array(codes, dtype=np.float64)[inverse.reshape(array.shape)]
    return np.array([_code(_item(value), numbers, unknown) for value in array], np.float64)


def _code(value, numbers, unknown):
    if value is None:
        return np.nan
    try:
        return numbers.get(value, unknown)
    except TypeError:  # what cannot be a key was never seen
        return unknown


def _distinct(array):
    return np.unique(array) if array.dtype.kind in "biuf" else set(array.tolist())


def _item(value):
    """A Python value; None for what is missing."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, str):
        return str(value)
    return value


def numbers(X, columns):
    """The other columns of a frame or an array with categories, as float64, shape (n, k)."""
    if not columns:
        return np.empty((len(X), 0))
    pd = pandas()
    if pd is not None and isinstance(X, pd.DataFrame):
        return _edge.series(X.iloc[:, columns], "X").values
    if not isinstance(X, np.ndarray):
        return _edge.series(X[:, columns], "X").values
    part = X[:, columns]
    if part.dtype.kind in "biuf":
        return _edge.series(part, "X").values
    out = np.empty(part.shape)
    for k, column in enumerate(columns):
        for row, value in enumerate(part[:, k]):
            try:
                out[row, k] = np.nan if value is None else float(value)
            except (TypeError, ValueError):
                raise ValueError(
                    f"X has {value!r} in row {row}, column {column}; expected a number (name the "
                    "column in categorical_features if it holds categories)"
                ) from None
    return out
