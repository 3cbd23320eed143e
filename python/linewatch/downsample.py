"""Fewer points that draw the same line: ten million rows become a few thousand.

The picture keeps what a reader looks for: the extremes of each stretch (of two that stand side by
side the one that sticks out more), the gaps, and every row that is marked, such as an anomaly.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import numpy as np

from linewatch import _core, _edge

if TYPE_CHECKING:
    from linewatch._typing import Column, Int64


__all__ = ["indices"]


def indices(
    y: Column, n_out: int = 2000, *, x: Column | None = None, keep: Column | None = None
) -> Int64:
    """The rows of a series to draw, in order.

    MinMaxLTTB [1]_: of ``2 * n_out`` bins the lowest and the highest value, and of these the
    `n_out` that span the largest triangles [2]_. Linear in the rows.

    Parameters
    ----------
    y : array-like of shape (n,)
        The values; NaN and None are missing. Of each bin that misses values the first missing row
        is taken too, so that a line drawn through the rows breaks where the series does.
    n_out : int, default=2000
        How many rows are wanted, at least 4; a series no longer than that is taken whole.
    x : array-like of shape (n,), optional
        Places or times of the rows, none before the one above it; bins are then of equal width
        in `x` instead of equal numbers of rows.
    keep : array-like of bool of shape (n,), optional
        Rows to take in any case, beyond `n_out`.

    Returns
    -------
    numpy.ndarray of int64
        Row numbers, ascending.

    Raises
    ------
    ValueError
        If `n_out` is less than 4, lengths differ or `x` decreases or is missing somewhere.
    TypeError
        If `y` holds no numbers.

    References
    ----------
    .. [1] J. Van Der Donckt et al., "MinMaxLTTB: Leveraging MinMax-Preselection to Scale LTTB",
       IEEE VIS 2023.
    .. [2] S. Steinarsson, "Downsampling Time Series for Visual Representation", University of
       Iceland, 2013.

    Examples
    --------
    >>> import linewatch as lw, numpy as np
    >>> y = np.sin(np.arange(1_000_000) / 1e5)
    >>> y[654_321] = 5.0
    >>> rows = lw.downsample.indices(y, 100)
    >>> len(rows), 654_321 in rows
    (100, True)
    """
    if isinstance(n_out, bool) or not isinstance(n_out, int | np.integer):
        raise TypeError(f"n_out must be a whole number, got {n_out!r}")
    if n_out < 4:
        raise ValueError(f"n_out must be at least 4, got {n_out}")
    values = _numbers(y, "y")
    return _core.downsample(
        values,
        None if x is None else _places(x, len(values)),
        None if keep is None else _marks(keep, len(values)),
        min(int(n_out), 2**62),  # beyond any number of rows
    )


def _numbers(values, name):
    """One column of numbers as contiguous float64."""
    column = _edge.series(values, name).values
    if column.ndim != 1:
        raise ValueError(f"{name} must be one series, got an array of {column.ndim} dimensions")
    return np.ascontiguousarray(column, dtype=np.float64)


def _places(x, n):
    found = np.asarray(x)
    if found.dtype == object and len(found) and isinstance(found[0], datetime.date):
        # Times of a zone, or of Python; a missing one is refused.
        found = _edge.times(x, len(found), "x")[0].view("datetime64[ns]")
    if found.dtype.kind in "mM":
        if np.isnat(found).any():
            raise ValueError("x has missing times; leave those rows out")
        # Distances count, not dates nor the unit; in nanoseconds they are exact for a hundred
        # days, and to better than a microsecond beyond.
        found = (found - found[:1]).astype(np.float64)
    places = _numbers(found, "x")
    _same_length(places, n, "x")
    if np.isnan(places).any():
        raise ValueError("x has missing values; leave those rows out")
    return places


def _marks(keep, n):
    marks = np.asarray(keep)
    if marks.dtype != bool and marks.size:
        raise TypeError(f"keep must be booleans, got dtype {marks.dtype}")
    _same_length(marks, n, "keep")
    return np.ascontiguousarray(marks, dtype=bool)


def _same_length(found, n, name):
    if found.shape != (n,):
        raise ValueError(
            f"{name} must have one entry for each of the {n:,} rows, got {len(found):,}"
        )
