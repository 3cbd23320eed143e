"""Window objects of the ``lw`` accessor: pandas' own, answered straight from the arrays.

pandas has checked the arguments when it built the window object. Windows of rows or of time over
numbers go to the kernel as arrays, with no bounds to prepare, and come back under the index, names
and dtype that pandas would give. All else runs pandas' own method, with the kernels of
`pandas_kernels` in place for that one call.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd
from pandas.api import typing as own_windows
from pandas.api.indexers import BaseIndexer
from pandas.api.types import is_list_like, is_numeric_dtype

from .. import _core
from .pandas_groups import Groups
from .pandas_kernels import (
    VERSION,
    Unsupported,
    accelerated,
    check_halves,
    check_range,
    check_shape,
    count,
    is_tested,
    times_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Self


# Parameters of the statistics and their defaults, by the name of the method.
ROLLING: dict[str, dict[str, Any]] = {
    **{name: {} for name in ("sum", "mean", "median", "min", "max", "count", "skew", "kurt")},
    **{name: {} for name in ("first", "last", "nunique")},
    **{name: {"ddof": 1} for name in ("var", "std", "sem")},
    "quantile": {"q": 0.5, "interpolation": "linear"},
    "rank": {"method": "average", "ascending": True, "pct": False},
}
BEYOND_PANDAS: dict[str, dict[str, Any]] = {
    "mad": {},
    "zscore": {"ddof": 1},
    "robust_zscore": {},
    "hampel": {"threshold": 3.0},
    "hampel_repair": {"threshold": 3.0},
    "slope": {},
    "autocorr": {"lag": 1},
    "entropy": {"bins": 10},
    "argmin": {},
    "argmax": {},
}
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}  # in a unit of times
EWM: dict[str, dict[str, Any]] = {
    "mean": {},
    "sum": {},
    "var": {"bias": False},
    "std": {"bias": False},
}


class _Windows:
    """A pandas window object whose common methods are answered straight from the arrays."""

    _kind = ""
    _statistics: ClassVar = {}
    _pair_parameters: ClassVar = {}

    def __init__(self, own: Any, groups: Groups | None = None) -> None:
        self._own = own
        self._given_groups = groups

    def __getitem__(self, key: Any) -> Self:
        return type(self)(self._own[key])

    def __iter__(self) -> Iterator[Any]:
        return iter(self._own)

    def __repr__(self) -> str:
        return repr(self._own)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self._own, name)
        if isinstance(value, type(self._own)):
            return type(self)(value)  # a column, as in df.lw.rolling(5).prb
        return functools.partial(self._by_pandas, name) if inspect.ismethod(value) else value

    def aggregate(self, func: Any = None, *args: Any, **kwargs: Any) -> Any:
        """One or several statistics at once, as in pandas; linewatch's own names are known too."""
        if isinstance(func, str) and func in self._statistics:
            return getattr(self, func)(*args, **kwargs)
        if not args and not kwargs and self._knows(func):
            return self._several(list(func))
        if not args and not kwargs and isinstance(func, dict) and self._has_columns(func):
            return self._by_column(func)
        return self._by_pandas("aggregate", func, *args, **kwargs)

    agg = aggregate

    def cov(
        self, other: Any = None, pairwise: bool | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Covariance with another Series, or of columns; as in pandas."""
        return self._pair("cov", other, pairwise, args, kwargs)

    def corr(
        self, other: Any = None, pairwise: bool | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Correlation with another Series, or of columns; as in pandas."""
        return self._pair("corr", other, pairwise, args, kwargs)

    # Ways to an answer

    def _by_pandas(self, name, *args, **kwargs):
        with accelerated():
            return getattr(self._own, name)(*args, **kwargs)

    def _one(self, name, parameters, numeric_only=False):
        return self._answers([(name, parameters)], self._data(numeric_only))[0]

    def _several(self, names):
        """A column for each statistic (of each column), from one call of the kernel if it can."""
        answers = None
        try:
            data = self._data()
            if self._own.on is not None or (data.ndim == 2 and data.columns.nlevels > 1):
                raise Unsupported("several statistics with `on` or columns of several levels")
            if self._groups is not None and not getattr(self._own, "_as_index", True):
                raise Unsupported("several statistics beside columns of keys")
            answers = self._answers([(name, self._statistics[name]) for name in names], data)
            count(f"{self._kind}.agg")
        except Unsupported as reason:
            count(f"{self._kind}.agg", str(reason))
        if answers is None:
            if set(names).isdisjoint(BEYOND_PANDAS):
                return self._by_pandas("aggregate", names)
            data = self._own._selected_obj
            answers = [getattr(self, name)() for name in names]
        columns = pd.Index(names)
        if data.ndim == 2:
            keys = [answers[0].columns, columns]
            columns = pd.MultiIndex.from_product(keys, names=[data.columns.name, None])
        values = np.stack([answer.to_numpy() for answer in answers], axis=-1)
        values = values.reshape(len(values), len(columns))
        return pd.DataFrame(values, index=answers[0].index, columns=columns, copy=False)

    def _by_column(self, names):
        """A dict of column to statistics, each column by itself."""
        if any(is_list_like(name) for name in names.values()):
            names = {key: [name] if isinstance(name, str) else name for key, name in names.items()}
        parts = {key: self[key].aggregate(name) for key, name in names.items()}
        out = pd.concat(list(parts.values()), axis=1, keys=list(parts))
        return out.rename_axis(columns=[self._own.obj.columns.name, *out.columns.names[1:]])

    def _knows(self, names):
        """Whether these are several different statistics that need no arguments."""
        return (
            is_list_like(names)
            and not isinstance(names, (dict, set))
            and all(isinstance(name, str) for name in names)
            and 0 < len(names) == len(set(names))
            and set(names) <= self._statistics.keys() - {"quantile"}
        )

    def _has_columns(self, func):
        """Whether a dict asks for known statistics of plain columns."""
        columns = getattr(self._own._selected_obj, "columns", None)
        return (
            columns is not None
            and self._own._selection is None
            and columns.nlevels == 1
            and columns.is_unique
            and self._own.on is None
            and len(func) > 0
            and all(key in columns for key in func)
            and all(
                self._knows([names] if isinstance(names, str) else names) for names in func.values()
            )
        )

    def _pair(self, name, other, pairwise, args, kwargs):
        own = self._own
        mine = own._selected_obj
        try:
            if mine.ndim == 2 or getattr(other, "ndim", 1) == 2:
                raise Unsupported("pairs of columns")
            if args or set(kwargs) - self._pair_parameters[name].keys():
                raise Unsupported("further arguments are given")
            if self._groups is not None or getattr(own, "step", None) is not None:
                raise Unsupported("pairs in groups or with a step")
            other = mine if other is None else other
            if not isinstance(other, pd.Series) or not mine.index.equals(other.index):
                raise Unsupported("the two series have not the same index")
            y = _numbers(other)
            answer = self._answers([(name, self._pair_parameters[name] | kwargs)], mine, y=y)[0]
            answer.name = (mine.iloc[:0] + other.iloc[:0]).name
        except Unsupported as reason:
            count(f"{self._kind}.{name}", str(reason))
            return self._by_pandas(name, other, pairwise, *args, **kwargs)
        count(f"{self._kind}.{name}")
        return answer

    # What goes into the kernel and comes out

    @functools.cached_property
    def _groups(self):
        if self._given_groups is not None:
            return self._given_groups
        grouper = getattr(self._own, "_grouper", None)
        return None if grouper is None else Groups(grouper)

    def _data(self, numeric_only=False):
        """The Series or frame of numbers, without the column of times, in its own order of rows."""
        own = self._own
        data = own._selected_obj
        if not is_tested():
            raise Unsupported("this pandas is not tested")
        if own.method != "single":
            raise Unsupported("method is not 'single'")
        if self._groups is not None and own._selection is not None and own.on is not None:
            raise Unsupported("columns chosen from groups with `on`")
        if data.ndim == 1:
            return data
        if not data.columns.is_unique:
            raise Unsupported("columns share a name")
        if isinstance(own.on, pd.Index):
            raise Unsupported("`on` is an index")
        if own.on is not None:
            data = data[[name for name in data.columns if name != own.on]]
        return own._make_numeric_only(data) if numeric_only else data

    def _answers(self, statistics, data, y=None):
        """A Series or frame for each statistic."""
        if data.size == 0 or (self._groups is not None and len(self._groups.codes) == 0):
            raise Unsupported("nothing to compute")
        names = [name for name, _ in statistics]
        arrays = {}
        try:
            if names != ["count"]:
                x = self._in_order(_numbers(data))
                if "sem" in names:
                    self._check_sem(x)
                asked = [statistic for statistic in statistics if statistic[0] != "count"]
                arrays = dict(
                    zip((name for name, _ in asked), self._arrays(x, asked, y), strict=True)
                )
            if "count" in names:
                # Of every dtype. The min_periods of pandas asks for rows here, missing or not.
                present = self._in_order(data.notna().to_numpy(dtype=np.float64))
                (arrays["count"],) = self._arrays(present, [("sum", {})], None)
        except (TypeError, ValueError, OverflowError) as error:
            raise Unsupported(f"refused: {error}") from error
        return [self._wrap(arrays[name], data) for name in names]

    def _check_sem(self, x):
        """pandas divides the frame of std, keys and times included, by the frame of counts."""
        if VERSION < (3, 0):
            raise Unsupported("sem before pandas 3, which divides by the number less ddof")
        if self._own.on is not None or not getattr(self._own, "_as_index", True):
            raise Unsupported("sem of a result with times or keys in it")
        if np.isinf(x).any():
            raise Unsupported("sem of infinite values, which pandas counts but leaves out of std")

    def _in_order(self, x):
        """The rows of `x` group by group."""
        if self._groups is None or self._groups.order is None:
            return x
        return x.T.take(self._groups.order, axis=-1).T  # columns stay contiguous

    def _wrap(self, array, data):
        """What pandas would return for `data`, around an array of the kernel."""
        step = getattr(self._own, "step", None) or 1
        rows = data.index[::step] if self._groups is None else self._rows_of_groups
        if data.ndim == 1:
            out = data._constructor(array, index=rows, name=data.name, copy=False)
        else:
            out = data._constructor(array, index=rows, columns=data.columns, copy=False)
            if self._own.on is not None:
                self._insert_on(out, data, step)
        if self._groups is not None and not getattr(self._own, "_as_index", True):
            keys = rows.nlevels - data.index.nlevels
            out = out.reset_index(level=list(range(keys)))
        return out

    @functools.cached_property
    def _rows_of_groups(self):
        return self._groups.index(self._own.obj.index)

    def _insert_on(self, out, data, step):
        """Put the column of times back where it was, as pandas does unless it is the index."""
        times = self._own._on
        in_order = times if self._groups is None else self._groups.take(times)
        index = data.index if self._groups is None else self._groups.take(data.index)
        if times.equals(index) or times.name in data.index.names:
            return
        if (step > 1 or in_order is not times) and not data.index.is_unique:
            raise Unsupported("`on` with labels that are not unique")
        columns = self._own._selected_obj.columns
        at = out.shape[1]
        if times.name in columns:
            at = len(out.columns.intersection(columns[: columns.get_loc(times.name)]))
        out.insert(at, times.name, in_order[::step])


def _numbers(data):
    """Float64 values of a Series or frame, (n,) or (n, k); no copy where they are float64."""
    dtypes = [data.dtype] if data.ndim == 1 else data.dtypes
    for dtype in dtypes:
        if not is_numeric_dtype(dtype) or isinstance(dtype, pd.SparseDtype) or dtype.kind == "c":
            raise Unsupported("the values are not real numbers")
    if all(isinstance(dtype, np.dtype) for dtype in dtypes):
        return data.to_numpy(dtype=np.float64)
    return data.to_numpy(dtype=np.float64, na_value=np.nan)


class Rolling(_Windows):
    """Rolling and expanding windows; the methods are those of pandas and some of linewatch.

    Beyond pandas: ``mad zscore robust_zscore hampel hampel_repair slope autocorr entropy argmin
    argmax``, as in `linewatch.rolling`. A slope is per row in windows of rows, per second in
    windows of time.
    """

    _kind = "rolling"
    _statistics = ROLLING | BEYOND_PANDAS
    _pair_parameters: ClassVar = {"cov": {"ddof": 1}, "corr": {}}

    def _arrays(self, x, statistics, y):
        window, options = self._arguments
        if options["min_periods"] == 0 and {"rank", "nunique"} & {name for name, _ in statistics}:
            raise Unsupported("min_periods is 0: pandas answers 0 in an empty window")
        if {"skew", "kurt"} & {name for name, _ in statistics}:
            check_shape()
        if y is not None:
            check_range(x[np.isfinite(x)], y[np.isfinite(y)])
        if any(parameters.get("ddof", 0) < 0 for _, parameters in statistics):
            raise Unsupported("ddof is below 0")
        return _core.rolling(x, statistics, window, y=y, **options)

    @functools.cached_property
    def _arguments(self):
        """The window and options of the kernel that say the same as pandas' window object."""
        own = self._own
        groups = self._groups
        options = {"groups": None if groups is None else groups.codes}
        if isinstance(own, own_windows.Expanding):
            return "expanding", options | {"min_periods": int(own.min_periods or 0)}
        if isinstance(own.window, BaseIndexer):
            raise Unsupported("a custom indexer")
        options |= {"center": bool(own.center), "closed": own.closed}
        if own._win_freq_i8 is None:
            if own.window < 1 or own.step == 0:
                raise Unsupported("a window or step of 0")
            rows = int(own.window)
            least = rows if own.min_periods is None else int(own.min_periods)
            return rows, options | {"min_periods": least, "step": int(own.step or 1)}
        times = own._index_array
        if times is None or isinstance(own._on, pd.PeriodIndex) or own._win_freq_i8 < 1:
            raise Unsupported("times that are periods, or an empty span")
        if groups is not None:
            times = groups.take(times)
        elif not own._on.is_monotonic_increasing:
            raise Unsupported("times that go back")
        if groups is not None and not groups.are_sorted(times):
            raise Unsupported("times that go back")
        span = int(own._win_freq_i8)
        unit = SECONDS[getattr(own._on, "unit", None) or own._on.dtype.pyarrow_dtype.unit]
        if own.center and span % 2:  # half of it has to be a whole number
            if np.abs(times).max() >= 1 << 62:
                raise Unsupported("times too large to be doubled")
            times, span, unit = 2 * times, 2 * span, unit / 2
        options |= {"times": np.ascontiguousarray(times), "time_unit": unit}
        return ("span", span), options | {"min_periods": int(own.min_periods)}

    def _beyond(self, name, parameters, numeric_only):
        """A statistic that pandas has not: straight, or with the bounds pandas works out."""
        try:
            answer = self._one(name, parameters, numeric_only)
        except Unsupported as reason:
            count(f"rolling.{name}", str(reason))
            if name == "slope" and getattr(self._own, "_win_freq_i8", None) is not None:
                way_out = "try linewatch.rolling.slope on sorted rows"
                raise ValueError(f"slope in a window of time: {reason} ({way_out})") from None
            step = getattr(self._own, "step", None) or 1

            def kernel(values, start, end, min_periods):
                bounds = ("bounds", start, end)
                options = {"min_periods": int(min_periods), "step": step}
                return _core.rolling(values, [(name, parameters)], bounds, **options)[0]

            return self._own._apply(kernel, name=name, numeric_only=numeric_only)
        count(f"rolling.{name}")
        return answer


class Ewm(_Windows):
    """Exponential weights; the methods are those of pandas."""

    _kind = "ewm"
    _statistics = EWM
    _pair_parameters: ClassVar = {"cov": {"bias": False}, "corr": {}}

    def _arrays(self, x, statistics, y):
        own = self._own
        groups = self._groups
        names = [name for name, _ in statistics]
        bias = {bool(parameters.get("bias", False)) for _, parameters in statistics}
        if len(bias) > 1:
            raise Unsupported("statistics with and without bias")
        if own.times is not None and names != ["mean"]:
            raise Unsupported("times are for the mean only")
        if "sum" in names and not own.adjust:
            raise Unsupported("sum without adjust")
        if own.times is None and "mean" in names:
            check_halves(x, own._com, own.adjust, own.ignore_na)
        codes = None if groups is None else groups.codes
        options = {} if own.times is None else times_of(own._deltas, codes)
        return _core.ewm(
            x,
            names,
            alpha=1 / (1 + own._com),
            adjust=bool(own.adjust),
            ignore_na=bool(own.ignore_na),
            bias=bias.pop(),
            min_periods=int(own.min_periods),
            y=y,
            groups=codes,
            **options,
        )


# The methods ------------------------------------------------------------------------------------


def _like_pandas(pattern, name, defaults):
    """A method with the arguments and words of pandas' own."""
    signature = inspect.signature(pattern)

    @functools.wraps(pattern)
    def method(self, *args, **kwargs):
        given = signature.bind(self, *args, **kwargs).arguments
        given.pop("self")
        parameters = {key: given.pop(key, default) for key, default in defaults.items()}
        numeric_only = given.pop("numeric_only", False)
        try:
            if any(value is not None for value in given.values()):
                raise Unsupported("an engine or further arguments are given")
            answer = self._one(name, parameters, numeric_only)
        except Unsupported as reason:
            count(f"{self._kind}.{name}", str(reason))
            return self._by_pandas(name, *args, **kwargs)
        count(f"{self._kind}.{name}")
        return answer

    return method


def _beyond_pandas(name, defaults):
    """A method for a statistic that pandas has not."""
    given = ", ".join(f"{key}={value}" for key, value in defaults.items())

    def method(self, numeric_only=False, **parameters):
        unknown = parameters.keys() - defaults.keys()
        if unknown:
            raise TypeError(f"{name}() got an unexpected argument {min(unknown)!r}")
        return self._beyond(name, defaults | parameters, numeric_only)

    method.__name__ = name
    method.__doc__ = f"As `linewatch.rolling.{name}`; parameters by name: {given or 'none'}."
    return method


def _give_methods():
    for name, defaults in ROLLING.items():
        pattern = getattr(own_windows.Rolling, name, None)
        made = _beyond_pandas(name, defaults)  # older pandas has no first, last, nunique
        setattr(Rolling, name, _like_pandas(pattern, name, defaults) if pattern else made)
    for name, defaults in BEYOND_PANDAS.items():
        setattr(Rolling, name, _beyond_pandas(name, defaults))
    for name, defaults in EWM.items():
        pattern = getattr(own_windows.ExponentialMovingWindow, name)
        setattr(Ewm, name, _like_pandas(pattern, name, defaults))


_give_methods()
