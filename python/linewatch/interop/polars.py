"""Rolling statistics as Polars expressions: ``pl.col("prb").lw.rolling_zscore(96)``.

Importing this module registers the namespace ``lw`` on expressions and on series. Expressions run
inside the Polars engine, with no Python in between, in eager and lazy frames, in the streaming
engine, in ``over`` and in ``group_by().agg()``.

Examples
--------
Two cells, their own window each.

>>> import polars as pl
>>> import linewatch.interop.polars  # registers pl.Expr.lw and pl.Series.lw
>>> prb = pl.DataFrame({"cell": ["a", "b"] * 3, "prb": [10.0, 70, 14, 74, 12, 72]})
>>> prb.select(pl.col("prb").lw.rolling_mean(2).over("cell"))["prb"].to_list()
[None, None, 12.0, 72.0, 13.0, 73.0]

Many small groups go through one call of the kernel with ``groups``, several times faster.

>>> prb.select(pl.col("prb").lw.rolling_mean(2, groups="cell"))["prb"].to_list()
[None, None, 12.0, 72.0, 13.0, 73.0]
"""

from __future__ import annotations

import ctypes
import datetime
import functools
import inspect
import re
from pathlib import Path

import polars as pl
from polars.plugins import register_plugin_function

from linewatch import _core

__all__ = ["Expressions", "SeriesStatistics"]

_EMPTY = inspect.Parameter.empty

# What each statistic is, and its own parameters with their defaults.
_STATISTICS = {
    "sum": ("Sum", {}),
    "mean": ("Mean", {}),
    "var": ("Variance", {"ddof": 1}),
    "std": ("Standard deviation", {"ddof": 1}),
    "sem": ("Standard error of the mean", {"ddof": 1}),
    "count": ("Number of values present", {}),
    "min": ("Smallest value", {}),
    "max": ("Largest value", {}),
    "argmin": ("Rows back to the smallest value", {}),
    "argmax": ("Rows back to the largest value", {}),
    "median": ("Median", {}),
    "quantile": ("Quantile", {"q": _EMPTY, "interpolation": "linear"}),
    "mad": ("Median absolute deviation", {}),
    "skew": ("Skewness", {}),
    "kurt": ("Excess kurtosis", {}),
    "rank": ("Rank of the current value", {"method": "average", "ascending": True, "pct": False}),
    "zscore": ("Distance from the mean in standard deviations", {"ddof": 1}),
    "robust_zscore": ("Distance from the median in scaled absolute deviations", {}),
    "hampel": ("Whether the value lies far from the median", {"threshold": 3.0}),
    "hampel_repair": ("The value, or the median where it lies far from it", {"threshold": 3.0}),
    "slope": ("Least-squares slope", {}),
    "autocorr": ("Correlation with the window shifted by `lag` rows", {"lag": 1}),
    "entropy": ("Shannon entropy of a histogram", {"bins": 10}),
    "first": ("First value present", {}),
    "last": ("Last value present", {}),
    "nunique": ("Number of distinct values", {}),
    "corr": ("Pearson correlation with `other`", {}),
    "cov": ("Covariance with `other`", {"ddof": 1}),
}
_PAIRS = ("corr", "cov")

_OPTIONS = {
    "min_periods": None,
    "center": False,
    "closed": None,
    "include_current": True,
    "by": None,
    "groups": None,
    "infinity": "missing",
    "n_jobs": None,
}


def _rolling(
    x,
    statistics,
    window,
    *,
    other=None,
    many=False,
    min_periods=None,
    center=False,
    closed=None,
    include_current=True,
    by=None,
    groups=None,
    infinity="missing",
    n_jobs=None,
):
    rows, span = _window(window, by)
    if infinity not in ("missing", "ieee"):
        raise ValueError(f'infinity must be "missing" or "ieee", got {infinity!r}')
    keys = [] if groups is None else groups if isinstance(groups, (list, tuple)) else [groups]
    inputs = [x]
    inputs += [] if other is None else [_expression(other)]
    inputs += [] if by is None else [_expression(by)]
    # A category travels as its code, so that no text is compared.
    inputs += [_expression(key).to_physical() for key in keys]
    return _plugin(
        "rolling",
        inputs,
        statistics=statistics,
        many=many,
        pair=other is not None,
        timed=by is not None,
        rows=rows,
        span=span,
        center=center,
        closed=closed,
        without_current=not include_current,
        min_periods=min_periods,
        ieee=infinity == "ieee",
        n_jobs=n_jobs,
    )


def _plugin(function, inputs, **kwargs):
    return register_plugin_function(
        plugin_path=_library(),
        function_name=function,
        args=inputs,
        # Read once for each group of an `over`: the shorter the faster.
        kwargs={k: v for k, v in kwargs.items() if v is not None and v is not False},
        is_elementwise=False,
        changes_length=False,
        returns_scalar=False,
    )


@functools.cache
def _library():
    """The shared library of the package, if it was built with the Polars expressions."""
    path = Path(_core.__file__)
    if not hasattr(ctypes.CDLL(str(path)), "_polars_plugin_rolling"):
        raise ImportError(
            "this build of linewatch has no Polars expressions "
            "(build it with `maturin develop --release --features polars`, "
            "or use linewatch.rolling on a Series)"
        )
    return path


def _expression(column):
    return pl.col(column) if isinstance(column, str) else column


_UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "min": 60 * 10**9}
_UNITS |= {"h": 3600 * 10**9, "d": 86400 * 10**9, "w": 7 * 86400 * 10**9}


def _window(window, by):
    """Rows or nanoseconds in a window; neither for "expanding"."""
    if isinstance(window, str) and window == "expanding":
        return None, None
    if isinstance(window, datetime.timedelta):
        span = round(window / datetime.timedelta(microseconds=1)) * 1000
    elif isinstance(window, str):
        parts = re.findall(r"(\d+)\s*([a-z]+)", window.lower())
        span = sum(int(count) * _UNITS[unit] for count, unit in parts)
    else:
        return int(window), None
    if by is None:
        raise ValueError(f'window {window!r} is a span of time and needs by= (try by="time")')
    return None, span


def _document(summary, own, *, pair):
    return summary


def _methods(cls):
    """Adds `rolling_<statistic>` for every statistic, with its own signature."""
    for name, (summary, own) in _STATISTICS.items():
        setattr(cls, f"rolling_{name}", _method(name, summary, own))
    return cls


def _method(name, summary, own):
    pair = name in _PAIRS
    parameter = inspect.Parameter
    positional = ["self", *(["other"] if pair else []), "window", *(["q"] if "q" in own else [])]
    keyword = {**{k: v for k, v in own.items() if k != "q"}, **_OPTIONS}
    signature = inspect.Signature(
        [parameter(p, parameter.POSITIONAL_OR_KEYWORD) for p in positional]
        + [parameter(p, parameter.KEYWORD_ONLY, default=v) for p, v in keyword.items()]
    )

    def method(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments
        self, window = given.pop("self"), given.pop("window")
        params = {p: given.pop(p) for p in own}
        return self._answer(name, window, params, given)

    method.__name__ = method.__qualname__ = f"rolling_{name}"
    method.__signature__ = signature
    method.__doc__ = summary
    return method


@pl.api.register_expr_namespace("lw")
@_methods
class Expressions:
    """Rolling statistics of an expression."""

    def __init__(self, expr):
        self._expr = expr

    def _answer(self, name, window, params, options):
        return _rolling(self._expr, [(name, name, params)], window, **options)

    def rolling_stats(self, window, statistics, **options):
        fields = [(s, s, {}) for s in statistics]
        return _rolling(self._expr, fields, window, many=True, **options)
