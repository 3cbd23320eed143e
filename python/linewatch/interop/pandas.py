"""The ``lw`` accessor of pandas: ``df.lw.rolling(...)`` for ``df.rolling(...)``.

It takes the arguments of pandas, has its methods and gives its results; see `pandas_windows`.
"""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd
from pandas.tseries.offsets import BaseOffset

from .pandas_groups import Groups
from .pandas_kernels import Unsupported, is_tested
from .pandas_windows import Ewm, Rolling

if TYPE_CHECKING:
    from typing import Any


class _Opens:
    """Opens windows over a pandas object or its groups."""

    def __init__(self, obj: Any) -> None:
        self._obj = obj

    def rolling(self, window: Any, *args: Any, **kwargs: Any) -> Any:
        """Windows of rows or of time; arguments as in pandas' ``rolling``."""
        own = self._obj.rolling(window, *args, **kwargs)
        return own if own.win_type is not None else Rolling(own)

    def expanding(self, *args: Any, **kwargs: Any) -> Rolling:
        """Windows of all rows so far; arguments as in pandas' ``expanding``."""
        return Rolling(self._obj.expanding(*args, **kwargs))

    def ewm(self, *args: Any, **kwargs: Any) -> Ewm:
        """Exponential weights; arguments as in pandas' ``ewm``."""
        return Ewm(self._obj.ewm(*args, **kwargs))


@pd.api.extensions.register_series_accessor("lw")
@pd.api.extensions.register_dataframe_accessor("lw")
class Accessor(_Opens):
    """Windows over a Series or DataFrame, computed by linewatch.

    Examples
    --------
    >>> import pandas as pd
    >>> import linewatch.pandas
    >>> prb = pd.Series([40.0, 42, 38, 41, 39, 95], name="prb")
    >>> prb.lw.rolling(5, min_periods=1).median().tolist()
    [40.0, 41.0, 40.0, 40.5, 40.0, 41.0]
    >>> prb.to_frame().lw.rolling(5).agg(["mean", "mad"]).iloc[-1].tolist()
    [51.0, 2.0]
    """

    def groupby(self, *args: Any, **kwargs: Any) -> GroupBy:
        """Groups of rows, each with windows of its own; arguments as in pandas' ``groupby``."""
        return GroupBy(self._obj.groupby(*args, **kwargs))


class GroupBy(_Opens):
    """A pandas ``groupby`` whose windows are linewatch's; all else is pandas' own."""

    def __getitem__(self, key: Any) -> GroupBy:
        return GroupBy(self._obj[key])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self._obj, name)
        return GroupBy(value) if isinstance(value, type(self._obj)) else value

    def rolling(self, window: Any, *args: Any, **kwargs: Any) -> Any:
        """Windows of rows or of time in each group; arguments as in pandas' ``groupby.rolling``."""
        if isinstance(window, (str, timedelta, BaseOffset)) and is_tested():
            own = self._rolling_by_time(window, *args, **kwargs)
            if own is not None:
                return own
        return super().rolling(window, *args, **kwargs)

    def _rolling_by_time(self, window, *args, **kwargs):
        """As pandas, which looks at the times of one group after the other, in one pass.

        pandas checks the arguments on the first row alone. None if it has to see more.
        """
        grouped = self._obj
        try:
            groups = Groups(grouped._grouper)
        except Unsupported:
            return None
        try:
            arguments = inspect.signature(grouped.rolling).bind(window, *args, **kwargs).arguments
        except TypeError:
            return None  # pandas says what is wrong
        if len(grouped._selected_obj) == 0 or arguments.get("win_type") is not None:
            return None
        first = grouped._selected_obj.iloc[:1].rolling(**arguments)
        own = grouped.rolling(**(arguments | {"window": 1, "min_periods": None}))
        own.window = first.window
        own.min_periods = first.min_periods
        own._win_freq_i8 = first._win_freq_i8
        if own._index_array is None or own._on.hasnans:
            return None
        return Rolling(own, groups) if groups.are_sorted(groups.take(own._index_array)) else None
