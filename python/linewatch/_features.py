"""Tables of features for detectors: arrays and frames in, names checked, explanations out."""

import re
import sys

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from linewatch import _core, _edge
from linewatch._libraries import is_arrow, is_narwhals, narwhals_of, pandas, polars, refuse_lazy


def frame(X):
    """`X` as a pandas or Polars frame if it is a frame of any kind; None for all else.

    Arrow tables become Polars frames that share their memory.
    """
    refuse_lazy(X, "X")
    if is_narwhals(X):
        X = X.to_native()
    pd, pl = pandas(), polars()
    if pd is not None and isinstance(X, pd.DataFrame):
        return X
    if pl is not None and isinstance(X, pl.DataFrame):
        return X
    if (pd is not None and isinstance(X, pd.Series)) or (
        pl is not None and isinstance(X, pl.Series)
    ):
        return None
    if is_arrow(X) and (hasattr(X, "columns") or hasattr(X, "column_names")):
        import polars as pl

        return pl.DataFrame(X)
    return None


def check_names(estimator, X, *, reset):
    """Set or check ``n_features_in_`` and ``feature_names_in_`` by the frame `X`."""
    try:
        validate_data(estimator, X, skip_check_array=True, reset=reset)
    except ValueError as error:
        text = str(error)
        if "must be in the same order" in text:
            expected = list(estimator.feature_names_in_)
            place = next(
                i for i, (a, b) in enumerate(zip(X.columns, expected, strict=True)) if a != b
            )
            raise ValueError(
                f'{text}Column {place} of X is "{X.columns[place]}", expected "{expected[place]}" '
                "(try X[list(detector.feature_names_in_)])"
            ) from None
        raise


def matrix(estimator, X, *, reset, allow_nan=False, accept_sparse=False, dtype=np.float64):
    """`X` as a 2-D array of floats after scikit-learn's checks; infinity is the caller's to check.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_`` and ``feature_names_in_`` if `reset`, else `X` must fit them.
    X : array-like, sparse matrix or frame, shape (n_samples, n_features)
    allow_nan : bool
        Whether NaN may pass.
    accept_sparse : str or False
        Format of sparse matrices, if they may come.
    dtype : dtype or list of dtypes
        As `sklearn.utils.check_array` has it.
    """
    table = frame(X)
    if table is not None:
        check_names(estimator, table, reset=reset)
        values = numbers(table)
        X = check_array(values, dtype=dtype, ensure_all_finite=False, estimator=estimator)
    else:
        refuse_text(X)
        X = validate_data(
            estimator,
            exact(X),
            reset=reset,
            dtype=dtype,
            accept_sparse=accept_sparse,
            ensure_all_finite=False,
        )
    if not allow_nan:
        refuse_missing(estimator, X)
        refuse_infinite(estimator, X)
    return X


def numbers(X):
    """The values of a frame or an array of numbers, exact as floats."""
    try:
        return _edge.series(X, "X").values
    except TypeError as error:
        text = str(error).replace("times belong in times=", "make it a number of seconds")
        raise TypeError(text) from None


def exact(X):
    """`X`, unless it is an array of text, times, or whole numbers that float64 cannot hold.

    Masked values are missing ones.
    """
    if X is None:
        raise TypeError("X is None; expected an array or a frame of numbers")
    array = np.asarray(X) if isinstance(X, list | tuple) else X
    if isinstance(array, np.ndarray) and array.ndim == 2:
        masked = isinstance(array, np.ma.MaskedArray) and array.dtype.kind in "biuf"
        if masked or array.dtype.kind in "iuUSMm":
            return numbers(array)
    return X


def refuse_text(X):
    """Text among the values, by name; scikit-learn would speak of one string only."""
    if isinstance(X, np.ndarray):
        array = X
    elif isinstance(X, list | tuple) and X and isinstance(X[0], list | tuple):
        flat = next((v for row in X if isinstance(row, list | tuple) for v in row), None)
        array = np.asarray(X, dtype=object) if isinstance(flat, str) else None
    else:
        array = None
    if array is None or array.ndim != 2:
        return
    found = None
    if array.dtype.kind in "US" and array.size:
        found = (0, 0)
    elif array.dtype == object:
        found = next((place for place, v in np.ndenumerate(array) if isinstance(v, str)), None)
        if found is not None and _is_number(array[found]):
            return
    if found is not None:
        raise ValueError(
            f"X has the text {str(array[found])!r} in row {found[0]}, column {found[1]}; expected "
            "numbers (encode the column, or pass a frame to a detector with categorical_features)"
        )


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def refuse_infinite(estimator, X):
    """Infinity, by row and column."""
    if (found := infinite_at(X)) is not None:
        row, column = found
        raise ValueError(
            f"X must be finite, got {X[row, column]} in row {row}, column "
            f"{column_name(estimator, column)}"
        )


def refuse_missing(estimator, X):
    """NaN, by row and column."""
    missing = np.isnan(X)
    if missing.any():
        row, column = map(int, np.argwhere(missing)[0])
        raise ValueError(
            f"Input X contains NaN in row {row}, column {column_name(estimator, column)}; "
            f"{type(estimator).__name__} does not accept missing values (fill them, or use "
            "IsolationForest, which does)"
        )


def infinite_at(X):
    """Row and column of the first infinity, or None."""
    if np.isfinite(X.sum()):
        return None
    infinite = np.isinf(X)
    return tuple(map(int, np.argwhere(infinite)[0])) if infinite.any() else None


def column_name(estimator, column):
    """Name of a column in errors: its number, or its name in quotes."""
    names = getattr(estimator, "feature_names_in_", None)
    return str(column) if names is None else f'"{names[column]}"'


def feature_names(estimator):
    """Names of the features: those of the frame of `fit`, else x0, x1, ..."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        return [str(name) for name in names]
    return [f"x{i}" for i in range(estimator.n_features_in_)]


def like(X, array, names=None):
    """`array` as the kind of frame that `X` is; as it is where `X` is no frame.

    `names` are its columns; those of `X` by default.
    """
    if is_narwhals(X):
        return narwhals_of(X).from_native(like(X.to_native(), array, names))
    table = frame(X)
    if table is None:
        return array
    pd = pandas()
    if pd is not None and isinstance(X, pd.DataFrame):
        return pd.DataFrame(array, index=X.index, columns=X.columns if names is None else names)
    names = list(table.columns) if names is None else names
    if table is X:
        return polars().DataFrame(dict(zip(names, array.T, strict=True)))
    if type(X).__module__.partition(".")[0] == "pyarrow":
        pa = sys.modules["pyarrow"]
        kind = pa.RecordBatch if isinstance(X, pa.RecordBatch) else pa.Table
        return kind.from_arrays([pa.array(column) for column in array.T], names=names)
    if array.dtype.kind == "f":
        return _core.ArrowTable(
            [(name, np.ascontiguousarray(c)) for name, c in zip(names, array.T, strict=True)]
        )
    return polars().DataFrame(dict(zip(names, array.T, strict=True)))


def top_reasons(shares, texts, top):
    """The `top` largest positive shares of each row, as text.

    Parameters
    ----------
    shares : ndarray, shape (n, p)
        How much each feature adds to the anomaly.
    texts : function of rows and columns
        Gives the text of these cells.
    top : int

    Returns
    -------
    ndarray of str objects, shape (n, min(top, p))
        Empty where no further feature adds to the anomaly.
    """
    check_top(top)
    n, p = shares.shape
    top = min(int(top), p)
    if top < p:
        best = np.argpartition(-shares, top - 1, axis=1)[:, :top]
        best.sort(axis=1)  # equal shares in the order of the columns
        order = np.argsort(-np.take_along_axis(shares, best, axis=1), axis=1, kind="stable")
        best = np.take_along_axis(best, order, axis=1)
    else:
        best = np.argsort(-shares, axis=1, kind="stable")
    out = np.full((n, top), "", dtype=object)
    rows, places = np.nonzero(np.take_along_axis(shares, best, axis=1) > 0)
    out[rows, places] = texts(rows, best[rows, places])
    return out


def check_top(top):
    """How many reasons are asked for."""
    if isinstance(top, bool) or not isinstance(top, int | np.integer):
        raise TypeError(f"top must be a whole number, got {top!r}")
    if top < 1:
        raise ValueError(f"top must be at least 1, got {top}")


def named_reasons(estimator, X, values, shares, top):
    """The reasons of rows of numbers, as the kind of frame that `X` is."""
    names = feature_names(estimator)

    def texts(rows, columns):
        cells = zip(columns, values[rows, columns], strict=True)
        return [f"{names[column]} = {number_text(value)}" for column, value in cells]

    out = top_reasons(shares, texts, top)
    return like(X, out, [f"reason_{k + 1}" for k in range(out.shape[1])])


def number_text(value):
    """A measured value for an alarm: 5 digits, whole numbers in full."""
    if value != value:
        return "missing"
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return re.sub(r"e([+-])0+", r"e\1", f"{value:.5g}")
