"""The compiled window kernels of pandas, answered by linewatch.

pandas works out the bounds of every window itself (rows, spans of time, groups, custom indexers)
and then calls a compiled function, such as ``roll_mean(values, start, end, min_periods)``, that it
looks up in one module at the time of the call. `install` puts functions of ours into that module;
pandas' own stay at hand and answer whatever ours do not do exactly as they do. pandas offers no
supported hook for this, so the versions are listed on which its own tests pass with linewatch in
place; on any other `install` warns and changes nothing.

``roll_apply`` (a function of the user), the weighted windows of ``win_type`` and everything under
``engine="numba"`` stay with pandas.
"""

from __future__ import annotations

import functools
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandas._libs.window import aggregations

from .. import _core

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from linewatch._typing import Array


TESTED = ("2.2", "2.3", "3.0", "3.1")
VERSION = tuple(int(part) for part in pd.__version__.split(".")[:2])

_lock = threading.RLock()
_own = {}  # the kernels of pandas that are replaced just now, by name
_holders = 0  # blocks of `accelerated` under way
_installed = False
_warned = False
_calls = {}


class Unsupported(Exception):
    """Why a call is left to pandas."""


# Switching ------------------------------------------------------------------------------------


def install() -> bool:
    """Let linewatch compute the windows of ``rolling``, ``expanding`` and ``ewm`` in pandas.

    Every Series, frame and group in the process is served until `uninstall`. Calling it twice is
    the same as once.

    Returns
    -------
    bool
        Whether linewatch is in place; False, with one warning, on a pandas that is not tested.

    Notes
    -----
    pandas has no supported hook for its window kernels. Functions of its module
    ``pandas._libs.window.aggregations`` are replaced while linewatch is in place.

    Examples
    --------
    >>> import pandas as pd
    >>> import linewatch.pandas
    >>> linewatch.pandas.install()
    True
    >>> pd.Series([100.0, 102, 98, 101]).rolling(2).mean().tolist()
    [nan, 101.0, 100.0, 99.5]
    >>> linewatch.pandas.uninstall()
    """
    global _installed
    with _lock:
        if not _tested():
            return False
        _installed = True
        _switch()
        return True


def uninstall() -> None:
    """Give pandas its own window kernels back.

    A block of `accelerated` that is under way keeps linewatch in place until it ends.

    Examples
    --------
    >>> import linewatch.pandas
    >>> linewatch.pandas.install()
    True
    >>> linewatch.pandas.uninstall()
    """
    global _installed
    with _lock:
        _installed = False
        _switch()


@contextmanager
def accelerated() -> Iterator[None]:
    """Let linewatch compute the windows of pandas inside a ``with`` block.

    Other threads see the same pandas, so they are served too while the block runs.

    Examples
    --------
    >>> import pandas as pd
    >>> import linewatch.pandas
    >>> with linewatch.pandas.accelerated():
    ...     pd.Series([100.0, 102, 98, 180]).rolling(2).max().tolist()
    [nan, 102.0, 102.0, 180.0]
    """
    global _holders
    with _lock:
        held = _tested()
        if held:
            _holders += 1
            _switch()
    try:
        yield
    finally:
        if held:
            with _lock:
                _holders -= 1
                _switch()


def calls() -> dict[str, dict[str, Any]]:
    """Who has answered the calls since the start or `reset_calls`.

    Returns
    -------
    dict of str to dict
        For each kernel of pandas, such as ``"roll_mean"``, and each method of the accessor, such as
        ``"rolling.mean"``: ``"linewatch"`` and ``"pandas"``, the number of calls each has answered,
        and ``"reasons"``, why calls were left to pandas and how many.

    Examples
    --------
    >>> import pandas as pd
    >>> import linewatch.pandas
    >>> linewatch.pandas.reset_calls()
    >>> with linewatch.pandas.accelerated():
    ...     _ = pd.Series([1.0, 2, 4]).rolling(2).mean()
    >>> linewatch.pandas.calls()
    {'roll_mean': {'linewatch': 1, 'pandas': 0, 'reasons': {}}}
    """
    with _lock:
        return {name: {**call, "reasons": dict(call["reasons"])} for name, call in _calls.items()}


def reset_calls() -> None:
    """Count calls from zero.

    Examples
    --------
    >>> import linewatch.pandas
    >>> linewatch.pandas.reset_calls()
    >>> linewatch.pandas.calls()
    {}
    """
    with _lock:
        _calls.clear()


def is_tested() -> bool:
    """Whether linewatch is tested with this pandas."""
    return pd.__version__.startswith(tuple(f"{minor}." for minor in TESTED))


def _tested():
    global _warned
    if is_tested():
        return True
    if not _warned:
        _warned = True
        warnings.warn(
            f"linewatch is tested inside pandas {', '.join(TESTED)}; this is pandas "
            f"{pd.__version__}, which keeps its own window kernels",
            stacklevel=4,
        )
    return False


def _switch():
    """Put our kernels into pandas, or its own back, as is asked for just now."""
    wanted = _installed or _holders > 0
    if wanted and not _own:
        for name, answer in ANSWERS.items():
            if hasattr(aggregations, name):
                _own[name] = getattr(aggregations, name)
                setattr(aggregations, name, _replacement(name, answer, _own[name]))
    elif not wanted and _own:
        for name, own in _own.items():
            setattr(aggregations, name, own)
        _own.clear()


def _replacement(name, answer, own):
    @functools.wraps(own)
    def kernel(*args, **kwargs):
        try:
            result = answer(*args, **kwargs)
        except Unsupported as reason:
            count(name, str(reason))
        except (TypeError, ValueError) as error:
            count(name, f"refused: {error}")  # pandas' own kernel raises its own error, or answers
        else:
            count(name)
            return result
        return own(*args, **kwargs)

    return kernel


def count(name: str, reason: str | None = None) -> None:
    """Note one call of `name`, and the reason if it is left to pandas."""
    with _lock:
        call = _calls.setdefault(name, {"linewatch": 0, "pandas": 0, "reasons": {}})
        call["linewatch" if reason is None else "pandas"] += 1
        if reason is not None:
            call["reasons"][reason] = call["reasons"].get(reason, 0) + 1


# Answers --------------------------------------------------------------------------------------


def _rolling(statistic, values, start, end, minp, y=None, **parameters):
    for column in (values, values if y is None else y):
        if not _is_vector(column, np.float64):
            raise Unsupported("the values are not a vector of float64")
    if y is not None:
        if len(y) != len(values):
            raise Unsupported("the two series differ in length")
        check_range(values, y)
    least = _integer(minp)
    window, options = _window(start, end, len(values), least)
    return _core.rolling(
        values, [(statistic, parameters)], window, y=y, min_periods=least, **options
    )[0]


def _extreme(statistic, values, start, end, minp):
    if _is_vector(start, np.int64) and _is_vector(end, np.int64) and _go_back(start, end):
        raise Unsupported("the bounds go back, which pandas refuses")
    return _rolling(statistic, values, start, end, minp)


def _shape(statistic, values, start, end, minp):
    check_shape()
    return _rolling(statistic, values, start, end, minp)


def check_shape() -> None:
    """Refuse skewness and kurtosis where windows of equal values have one in pandas."""
    if VERSION < (3, 1):
        raise Unsupported("before 3.1 pandas gives equal values a skewness of 0, a kurtosis of -3")


def _var(values, start, end, minp, ddof=1):
    return _rolling("var", values, start, end, minp, ddof=_degrees(ddof))


def _cov(x, y, start, end, minp, ddof=1):
    return _rolling("cov", x, start, end, minp, y=y, ddof=_degrees(ddof))


def check_range(*series: Any) -> None:
    """Refuse a pair of series with values whose squares overflow."""
    for x in series:
        if x.size and np.fmax.reduce(np.abs(x), axis=None) > 1e150:
            raise Unsupported("the squares of the values overflow")


def _corr(x, y, start, end, minp):
    return _rolling("corr", x, start, end, minp, y=y)


def _quantile(values, start, end, minp, quantile, interpolation):
    return _rolling(
        "quantile", values, start, end, minp, q=float(quantile), interpolation=interpolation
    )


def _rank(values, start, end, minp, percentile, method, ascending):
    if minp < 1:
        raise Unsupported("min_periods is 0: pandas gives the rank in an empty window as 0")
    return _rolling(
        "rank",
        values,
        start,
        end,
        minp,
        method=method,
        ascending=bool(ascending),
        pct=bool(percentile),
    )


def _nunique(values, start, end, minp):
    if minp < 1:
        raise Unsupported("min_periods is 0: pandas counts 0 different values in an empty window")
    return _rolling("nunique", values, start, end, minp)


def _ewm(values, start, end, minp, com, adjust, ignore_na, deltas=None, normalize=True):
    groups = _groups(start, end, values)
    if deltas is not None and not normalize:
        raise Unsupported("a sum over times, which pandas weighs by rows")
    if deltas is None and normalize:
        check_halves(values, com, adjust, ignore_na)
    options = {} if deltas is None else times_of(deltas, groups)
    return _core.ewm(
        values,
        ["mean" if normalize else "sum"],
        alpha=1 / (1 + com),
        adjust=bool(adjust),
        ignore_na=bool(ignore_na),
        bias=False,
        min_periods=_integer(minp),
        groups=groups,
        **options,
    )[0]


def check_halves(values: Array, com: float, adjust: bool, ignore_na: bool) -> None:
    """Refuse the mean with an alpha of a half over gaps, where pandas leaves its definition."""
    if com == 1 and not adjust and not ignore_na and not np.isfinite(values).all():
        raise Unsupported("alpha is 0.5 without adjust: pandas weighs the value after a gap more")


def _ewmcov(input_x, start, end, minp, input_y, com, adjust, ignore_na, bias):
    return _core.ewm(
        input_x,
        ["var" if input_y is input_x else "cov"],
        alpha=1 / (1 + com),
        adjust=bool(adjust),
        ignore_na=bool(ignore_na),
        bias=bool(bias),
        min_periods=_integer(minp),
        y=None if input_y is input_x else input_y,
        groups=_groups(start, end, input_x, input_y),
    )[0]


ANSWERS: dict[str, Any] = {
    "roll_sum": functools.partial(_rolling, "sum"),
    "roll_mean": functools.partial(_rolling, "mean"),
    "roll_var": _var,
    "roll_skew": functools.partial(_shape, "skew"),
    "roll_kurt": functools.partial(_shape, "kurt"),
    "roll_cov": _cov,
    "roll_corr": _corr,
    "roll_median_c": functools.partial(_rolling, "median"),
    "roll_quantile": _quantile,
    "roll_min": functools.partial(_extreme, "min"),
    "roll_max": functools.partial(_extreme, "max"),
    "roll_first": functools.partial(_rolling, "first"),
    "roll_last": functools.partial(_rolling, "last"),
    "roll_rank": _rank,
    "roll_nunique": _nunique,
    "ewm": _ewm,
    "ewmcov": _ewmcov,
}


# What pandas hands over -----------------------------------------------------------------------


def _is_vector(array, dtype):
    return isinstance(array, np.ndarray) and array.ndim == 1 and array.dtype == dtype


def _integer(value):
    if not isinstance(value, (int, np.integer)):
        raise Unsupported("min_periods or ddof is not an integer")
    return int(value)


def _degrees(ddof):
    if _integer(ddof) < 0:
        raise Unsupported("ddof is below 0")
    return int(ddof)


def _window(start, end, n, least):
    """The window and options of `_core.rolling` that say the same as the bounds."""
    if not (_is_vector(start, np.int64) and _is_vector(end, np.int64) and len(start) == len(end)):
        raise Unsupported("the bounds are not two vectors of int64 of one length")
    answers = len(start)
    if n == 0 or answers == 0:
        raise Unsupported("nothing to compute")
    if answers == n:
        rows = _fixed(start, end)
        if rows is not None and (rows[0] == "expanding" or rows[0] >= least):
            return rows
    if start.min() < 0 or end.max() > n:
        raise Unsupported("a window reaches beyond the series")
    if (end < start).any():
        raise Unsupported("a window ends before it starts")
    step = -(-n // answers)
    if -(-n // step) != answers:
        raise Unsupported("the number of answers fits no step")
    return ("bounds", np.ascontiguousarray(start), np.ascontiguousarray(end)), {"step": step}


def _go_back(start, end):
    same_end = end[1:] == end[:-1]
    return (end[1:] < end[:-1]).any() or (same_end & (start[1:] < start[:-1])).any()


_BLOCK = 1 << 13
_COUNTING = np.arange(1, _BLOCK + 1)


def _fixed(start, end):
    """Window and options if the bounds are of a fixed number of rows or of all rows so far.

    Compared in blocks that stay in the cache: building the expected bounds at once would cost
    more than a mean.
    """
    n = len(start)
    ahead = int(end[0]) - 1  # rows of the future in a window
    if ahead == 0 and start[-1] == 0:
        window, width, options = "expanding", n, {}
    else:
        window = width = n + ahead - int(start[-1])
        options = {-1: {"closed": "left"}, 0: {}}.get(ahead, {"center": True})
        if width < 1 or (options.get("center") and ahead != (width - 1) // 2):
            return None
    for first in range(0, n, _BLOCK):
        rows = slice(first, min(first + _BLOCK, n))
        ends = _COUNTING[: rows.stop - first] + (first + ahead)
        starts = ends - width
        if first + ahead < width or rows.stop + ahead > n:  # cut at an end of the series
            ends, starts = np.clip(ends, 0, n), np.clip(starts, 0, n)
        if (ends != end[rows]).any() or (starts != start[rows]).any():
            return None
    return window, options


def _groups(start, end, *values):
    """A code for each row where the bounds are of groups that follow one another; None for one."""
    n = len(values[0])
    if not all(_is_vector(column, np.float64) and len(column) == n for column in values):
        raise Unsupported("the values are not vectors of float64 of one length")
    if not (_is_vector(start, np.int64) and _is_vector(end, np.int64) and len(start) == len(end)):
        raise Unsupported("the bounds are not two vectors of int64 of one length")
    if len(start) == 0 or start[0] != 0 or end[-1] != n or (start[1:] != end[:-1]).any():
        raise Unsupported("the groups do not follow one another")
    if len(start) == 1:
        return None
    if (end < start).any():
        raise Unsupported("a window ends before it starts")
    return np.repeat(np.arange(len(start)), end - start)


def times_of(deltas: Any, groups: Any) -> dict[str, Any]:
    """Options of `_core.ewm` for rows that are `deltas` half-lives apart."""
    deltas = np.asarray(deltas, dtype=np.float64)
    if groups is not None:
        deltas = np.where(np.diff(groups) != 0, 0.0, deltas)  # no time passes between groups
    if not (deltas >= 0).all():
        raise Unsupported("the times go back")
    times = np.concatenate([[0.0], np.cumsum(deltas)])
    if times[-1] > 2.0**20:
        raise Unsupported("more than a million half-lives, too many for the digits of their sum")
    ticks = 2.0**42  # in a half-life, so that all of them fit into an integer
    times = np.rint(times * ticks).astype(np.int64)
    return {"times": times, "time_unit": 1 / ticks, "halflife_s": 1.0}
