"""Rolling statistics as Polars expressions: ``pl.col("prb").lw.rolling_zscore(96)``.

Importing this module registers the namespace ``lw`` on expressions and on series. Expressions run
inside the Polars engine, with no Python in between: in eager and lazy frames, in the streaming
engine, in ``over`` and in ``group_by().agg()``. They compute what `linewatch.rolling` computes; a
null and a NaN are missing, and where there is no answer there is a null.

Examples
--------
Two cells, a window for each.

>>> import polars as pl
>>> import linewatch.interop.polars  # registers pl.Expr.lw and pl.Series.lw
>>> prb = pl.DataFrame({"cell": ["a", "b"] * 3, "prb": [10.0, 70, 14, 74, 12, 72]})
>>> prb.select(pl.col("prb").lw.rolling_mean(2).over("cell"))["prb"].to_list()
[None, None, 12.0, 72.0, 13.0, 73.0]

With many small groups, `groups` is faster than ``over``: it calls the kernel once for all of them.

>>> prb.select(pl.col("prb").lw.rolling_mean(2, groups="cell"))["prb"].to_list()
[None, None, 12.0, 72.0, 13.0, 73.0]
"""

import ctypes
import functools
import inspect
from pathlib import Path

import polars as pl
from polars.plugins import register_plugin_function

from linewatch import _core
from linewatch._times import span

__all__ = ["Expressions", "Statistics"]

_REQUIRED = inspect.Parameter.empty
_SYMBOL = "_polars_plugin_rolling"

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
    "argmin": ("How many rows ago the smallest value was", {}),
    "argmax": ("How many rows ago the largest value was", {}),
    "median": ("Median", {}),
    "quantile": ("Quantile `q`", {"q": _REQUIRED, "interpolation": "linear"}),
    "mad": ("Median of absolute deviations from the median", {}),
    "skew": ("Skewness", {}),
    "kurt": ("Excess kurtosis", {}),
    "rank": ("Rank of the value", {"method": "average", "ascending": True, "pct": False}),
    "zscore": ("Distance of the value from the mean, in standard deviations", {"ddof": 1}),
    "robust_zscore": ("0.6745 times the distance from the median, in units of `mad`", {}),
    "hampel": ("1 where the absolute robust z-score exceeds `threshold`, else 0", {"threshold": 3}),
    "hampel_repair": ("The value, or the median where `hampel` flags it", {"threshold": 3}),
    "slope": ("Least-squares slope per row, or per second with `by`", {}),
    "autocorr": ("Correlation with the window shifted by `lag` rows", {"lag": 1}),
    "entropy": ("Shannon entropy of a histogram of `bins` bins", {"bins": 10}),
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
    "n_jobs": 1,
}

_DOCUMENTATION = """{summary}, in the window of each row.

Parameters
----------
{other}window : int, str, timedelta or "expanding"
    Rows in a window, the current one included; or a span of time such as "5s", which needs
    `by`; or all rows so far.
{own}min_periods : int, optional
    Values that must be present for an answer: by default `window`, and 1 for a span of time
    and "expanding".
center : bool, default=False
    Whether the row is in the middle of its window rather than at its end.
closed : {{"right", "left", "both", "neither"}}, optional
    Which ends belong to a window; "right" by default.
include_current : bool, default=True
    Whether the row is in its own window. Without it a value is held against the rows before.
by : {kind}, optional
    Times that do not go back: Datetime, Date, Duration, or whole numbers of nanoseconds.
groups : {kind} or list of them, optional
    Keys of groups; each has windows of its own. A row without a key has no answer.
infinity : {{"missing", "ieee"}}, default="missing"
    Whether an infinite value is missing, or takes part and is forgotten with its window.
n_jobs : int, default=1
    Threads to use. Polars already computes several expressions at once.

Returns
-------
{returns}
    Float32 for Float32, otherwise Float64. Null where fewer than `min_periods` values are
    present or the statistic is not defined.

See Also
--------
linewatch.rolling.{name} : The definition, its sources, and what it raises.
"""


def _rolling(x, statistics, window, *, other=None, many=False, by=None, groups=None, **options):
    rows = nanoseconds = None
    if isinstance(window, int) and not isinstance(window, bool):
        rows = window
    elif not isinstance(window, str) or window != "expanding":
        nanoseconds = span(window)
        if by is None:
            raise ValueError(f'window {window!r} is a span of time and needs by= (try by="time")')
    infinity = options.pop("infinity")
    if infinity not in ("missing", "ieee"):
        raise ValueError(f'infinity must be "missing" or "ieee", got {infinity!r}')
    keys = groups if isinstance(groups, list | tuple) else [groups]
    # A category travels as its code: its text is never looked at.
    keys = [_expression(key).to_physical() for key in keys if key is not None]
    return _plugin(
        "rolling",
        [x, *(_expression(column) for column in (other, by) if column is not None), *keys],
        statistics=statistics,
        many=many,
        pair=other is not None,
        timed=by is not None,
        rows=rows,
        span=nanoseconds,
        without_current=not options.pop("include_current"),
        ieee=infinity == "ieee",
        **options,
    )


def _expression(column):
    return pl.col(column) if isinstance(column, str) else column


def _plugin(function, inputs, **kwargs):
    return register_plugin_function(
        plugin_path=_library(),
        function_name=function,
        args=inputs,
        # Read once for each group of an `over`: the shorter, the faster.
        kwargs={k: v for k, v in kwargs.items() if v is not None and v is not False},
        # A window reads other rows, so none of these may ever be true.
        is_elementwise=False,
        changes_length=False,
        returns_scalar=False,
    )


@functools.cache
def _library():
    """The shared library of this package, if it was built with the expressions."""
    path = Path(_core.__file__)
    if not hasattr(ctypes.CDLL(str(path)), _SYMBOL):
        raise ImportError(
            "this build of linewatch has no Polars expressions (build it with "
            "`maturin develop --release --features polars`, or use linewatch.rolling on a Series)"
        )
    return path


def _methods(kind, returns):
    """Gives a namespace `rolling_<statistic>` for every statistic, each with its signature."""

    def decorate(namespace):
        for name, (summary, own) in _STATISTICS.items():
            method = _method(name, own)
            method.__qualname__ = f"{namespace.__name__}.{method.__name__}"
            method.__doc__ = _DOCUMENTATION.format(
                name=name,
                summary=summary,
                kind=kind,
                returns=returns,
                other=f"other : {kind}\n    The second column of the pair.\n" * (name in _PAIRS),
                own="".join(f"{p} : default={v!r}\n" for p, v in own.items() if v is not _REQUIRED),
            )
            setattr(namespace, method.__name__, method)
        return namespace

    return decorate


def _method(name, own):
    required = ["other"] * (name in _PAIRS) + ["window"]
    required += [p for p, default in own.items() if default is _REQUIRED]
    keyword = {p: default for p, default in own.items() if p not in required} | _OPTIONS
    parameter = inspect.Parameter
    signature = inspect.Signature(
        [parameter(p, parameter.POSITIONAL_OR_KEYWORD) for p in ["self", *required]]
        + [parameter(p, parameter.KEYWORD_ONLY, default=d) for p, d in keyword.items()]
    )

    def method(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        options = bound.arguments
        self = options.pop("self")
        return self._rolling(name, {p: options.pop(p) for p in own}, **options)

    method.__name__ = f"rolling_{name}"
    method.__signature__ = signature
    return method


@pl.api.register_expr_namespace("lw")
@_methods("expression or column name", "Expr")
class Expressions:
    """Rolling statistics of an expression."""

    def __init__(self, expr):
        self._expr = expr

    def _rolling(self, name, own, window, **options):
        return _rolling(self._expr, [(name, name, own)], window, **options)

    def rolling_stats(self, window, statistics, **options):
        """Several statistics of each window in one pass.

        Parameters
        ----------
        window, **options
            As in `rolling_mean`.
        statistics : list of str
            Their names; "q95" is the quantile 0.95.

        Returns
        -------
        Expr
            A struct with a field for each of them, in their order.

        Examples
        --------
        >>> import polars as pl
        >>> import linewatch.interop.polars
        >>> prb = pl.DataFrame({"prb": [10.0, 14, 12, 70]})
        >>> prb.select(pl.col("prb").lw.rolling_stats(3, ["median", "max"])).unnest("prb").rows()
        [(None, None), (None, None), (12.0, 14.0), (14.0, 70.0)]
        """
        wanted = [_named(statistic) for statistic in statistics]
        return _rolling(self._expr, wanted, window, many=True, **{**_OPTIONS, **options})


def _named(statistic):
    """Field, name and parameters of a statistic by its name."""
    if statistic[0] == "q" and statistic[1:].isdigit():
        return statistic, "quantile", {"q": int(statistic[1:]) / 100, "interpolation": "linear"}
    name, own = statistic, _STATISTICS[statistic][1]
    return statistic, name, own


@pl.api.register_series_namespace("lw")
@_methods("Series", "Series")
class Statistics:
    """Rolling statistics of a series, by `linewatch.rolling`."""

    def __init__(self, series):
        self._series = series

    def _rolling(self, name, own, window, *, other=None, by=None, **options):
        from linewatch import rolling

        pair = [] if other is None else [other]
        return getattr(rolling, name)(self._series, *pair, window, times=by, **own, **options)
