"""Types of `linewatch.rolling`: Series or table in, the same kind out; else NumPy."""

from collections.abc import Iterable, Sequence
from typing import Any, Generic, Literal, NamedTuple, TypeVar, Unpack, overload

import pandas as pd  # type: ignore[import-untyped]  # its types are a package of their own
import polars as pl
from numpy.typing import ArrayLike, NDArray

from linewatch._core import ArrowArray, ArrowTable
from linewatch._typing import (
    Data,
    DataT,
    EwmOptions,
    Floats,
    RollingOptions,
    SeasonalOptions,
    SupportsArrow,
    Window,
)

__all__ = [
    "argmax",
    "argmin",
    "autocorr",
    "corr",
    "count",
    "cov",
    "cusum",
    "entropy",
    "ewm_corr",
    "ewm_cov",
    "ewm_mean",
    "ewm_std",
    "ewm_sum",
    "ewm_var",
    "first",
    "hampel",
    "hampel_repair",
    "kurt",
    "last",
    "mad",
    "max",
    "mean",
    "median",
    "min",
    "nunique",
    "quantile",
    "rank",
    "robust_zscore",
    "seasonal",
    "sem",
    "skew",
    "slope",
    "stats",
    "std",
    "sum",
    "var",
    "zscore",
]

@overload
def sum(
    x: DataT, window: Window, *, compensated: bool = ..., **options: Unpack[RollingOptions]
) -> DataT: ...
@overload
def sum(
    x: ArrayLike, window: Window, *, compensated: bool = ..., **options: Unpack[RollingOptions]
) -> Floats: ...
@overload
def sum(
    x: SupportsArrow, window: Window, *, compensated: bool = ..., **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def mean(
    x: DataT, window: Window, *, compensated: bool = ..., **options: Unpack[RollingOptions]
) -> DataT: ...
@overload
def mean(
    x: ArrayLike, window: Window, *, compensated: bool = ..., **options: Unpack[RollingOptions]
) -> Floats: ...
@overload
def mean(
    x: SupportsArrow, window: Window, *, compensated: bool = ..., **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def var(
    x: DataT, window: Window, *, ddof: int = ..., **options: Unpack[RollingOptions]
) -> DataT: ...
@overload
def var(
    x: ArrayLike, window: Window, *, ddof: int = ..., **options: Unpack[RollingOptions]
) -> Floats: ...
@overload
def var(
    x: SupportsArrow, window: Window, *, ddof: int = ..., **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def std(
    x: DataT, window: Window, *, ddof: int = ..., **options: Unpack[RollingOptions]
) -> DataT: ...
@overload
def std(
    x: ArrayLike, window: Window, *, ddof: int = ..., **options: Unpack[RollingOptions]
) -> Floats: ...
@overload
def std(
    x: SupportsArrow, window: Window, *, ddof: int = ..., **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def sem(
    x: DataT, window: Window, *, ddof: int = ..., **options: Unpack[RollingOptions]
) -> DataT: ...
@overload
def sem(
    x: ArrayLike, window: Window, *, ddof: int = ..., **options: Unpack[RollingOptions]
) -> Floats: ...
@overload
def sem(
    x: SupportsArrow, window: Window, *, ddof: int = ..., **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def count(x: DataT, window: Window, **options: Unpack[RollingOptions]) -> DataT: ...
@overload
def count(x: ArrayLike, window: Window, **options: Unpack[RollingOptions]) -> Floats: ...
@overload
def count(
    x: SupportsArrow, window: Window, **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def zscore(
    x: DataT, window: Window, *, ddof: int = ..., **options: Unpack[RollingOptions]
) -> DataT: ...
@overload
def zscore(
    x: ArrayLike, window: Window, *, ddof: int = ..., **options: Unpack[RollingOptions]
) -> Floats: ...
@overload
def zscore(
    x: SupportsArrow, window: Window, *, ddof: int = ..., **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def min(x: DataT, window: Window, **options: Unpack[RollingOptions]) -> DataT: ...
@overload
def min(x: ArrayLike, window: Window, **options: Unpack[RollingOptions]) -> Floats: ...
@overload
def min(
    x: SupportsArrow, window: Window, **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def max(x: DataT, window: Window, **options: Unpack[RollingOptions]) -> DataT: ...
@overload
def max(x: ArrayLike, window: Window, **options: Unpack[RollingOptions]) -> Floats: ...
@overload
def max(
    x: SupportsArrow, window: Window, **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def argmin(x: DataT, window: Window, **options: Unpack[RollingOptions]) -> DataT: ...
@overload
def argmin(x: ArrayLike, window: Window, **options: Unpack[RollingOptions]) -> Floats: ...
@overload
def argmin(
    x: SupportsArrow, window: Window, **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def argmax(x: DataT, window: Window, **options: Unpack[RollingOptions]) -> DataT: ...
@overload
def argmax(x: ArrayLike, window: Window, **options: Unpack[RollingOptions]) -> Floats: ...
@overload
def argmax(
    x: SupportsArrow, window: Window, **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def first(x: DataT, window: Window, **options: Unpack[RollingOptions]) -> DataT: ...
@overload
def first(x: ArrayLike, window: Window, **options: Unpack[RollingOptions]) -> Floats: ...
@overload
def first(
    x: SupportsArrow, window: Window, **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def last(x: DataT, window: Window, **options: Unpack[RollingOptions]) -> DataT: ...
@overload
def last(x: ArrayLike, window: Window, **options: Unpack[RollingOptions]) -> Floats: ...
@overload
def last(
    x: SupportsArrow, window: Window, **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def median(x: DataT, window: Window, **options: Unpack[RollingOptions]) -> DataT: ...
@overload
def median(x: ArrayLike, window: Window, **options: Unpack[RollingOptions]) -> Floats: ...
@overload
def median(
    x: SupportsArrow, window: Window, **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def mad(x: DataT, window: Window, **options: Unpack[RollingOptions]) -> DataT: ...
@overload
def mad(x: ArrayLike, window: Window, **options: Unpack[RollingOptions]) -> Floats: ...
@overload
def mad(
    x: SupportsArrow, window: Window, **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def robust_zscore(x: DataT, window: Window, **options: Unpack[RollingOptions]) -> DataT: ...
@overload
def robust_zscore(x: ArrayLike, window: Window, **options: Unpack[RollingOptions]) -> Floats: ...
@overload
def robust_zscore(
    x: SupportsArrow, window: Window, **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def hampel(
    x: DataT, window: Window, *, threshold: float = ..., **options: Unpack[RollingOptions]
) -> DataT: ...
@overload
def hampel(
    x: ArrayLike, window: Window, *, threshold: float = ..., **options: Unpack[RollingOptions]
) -> Floats: ...
@overload
def hampel(
    x: SupportsArrow, window: Window, *, threshold: float = ..., **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def hampel_repair(
    x: DataT, window: Window, *, threshold: float = ..., **options: Unpack[RollingOptions]
) -> DataT: ...
@overload
def hampel_repair(
    x: ArrayLike, window: Window, *, threshold: float = ..., **options: Unpack[RollingOptions]
) -> Floats: ...
@overload
def hampel_repair(
    x: SupportsArrow, window: Window, *, threshold: float = ..., **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def rank(
    x: DataT,
    window: Window,
    *,
    method: Literal["average", "min", "max"] = ...,
    ascending: bool = ...,
    pct: bool = ...,
    **options: Unpack[RollingOptions],
) -> DataT: ...
@overload
def rank(
    x: ArrayLike,
    window: Window,
    *,
    method: Literal["average", "min", "max"] = ...,
    ascending: bool = ...,
    pct: bool = ...,
    **options: Unpack[RollingOptions],
) -> Floats: ...
@overload
def rank(
    x: SupportsArrow,
    window: Window,
    *,
    method: Literal["average", "min", "max"] = ...,
    ascending: bool = ...,
    pct: bool = ...,
    **options: Unpack[RollingOptions],
) -> ArrowArray | ArrowTable: ...
@overload
def nunique(x: DataT, window: Window, **options: Unpack[RollingOptions]) -> DataT: ...
@overload
def nunique(x: ArrayLike, window: Window, **options: Unpack[RollingOptions]) -> Floats: ...
@overload
def nunique(
    x: SupportsArrow, window: Window, **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def skew(x: DataT, window: Window, **options: Unpack[RollingOptions]) -> DataT: ...
@overload
def skew(x: ArrayLike, window: Window, **options: Unpack[RollingOptions]) -> Floats: ...
@overload
def skew(
    x: SupportsArrow, window: Window, **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def kurt(x: DataT, window: Window, **options: Unpack[RollingOptions]) -> DataT: ...
@overload
def kurt(x: ArrayLike, window: Window, **options: Unpack[RollingOptions]) -> Floats: ...
@overload
def kurt(
    x: SupportsArrow, window: Window, **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def slope(x: DataT, window: Window, **options: Unpack[RollingOptions]) -> DataT: ...
@overload
def slope(x: ArrayLike, window: Window, **options: Unpack[RollingOptions]) -> Floats: ...
@overload
def slope(
    x: SupportsArrow, window: Window, **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def autocorr(
    x: DataT, window: Window, *, lag: int = ..., **options: Unpack[RollingOptions]
) -> DataT: ...
@overload
def autocorr(
    x: ArrayLike, window: Window, *, lag: int = ..., **options: Unpack[RollingOptions]
) -> Floats: ...
@overload
def autocorr(
    x: SupportsArrow, window: Window, *, lag: int = ..., **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def cov(
    x: DataT, y: Data, window: Window, *, ddof: int = ..., **options: Unpack[RollingOptions]
) -> DataT: ...
@overload
def cov(
    x: ArrayLike, y: Data, window: Window, *, ddof: int = ..., **options: Unpack[RollingOptions]
) -> Floats: ...
@overload
def cov(
    x: SupportsArrow, y: Data, window: Window, *, ddof: int = ..., **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def corr(x: DataT, y: Data, window: Window, **options: Unpack[RollingOptions]) -> DataT: ...
@overload
def corr(x: ArrayLike, y: Data, window: Window, **options: Unpack[RollingOptions]) -> Floats: ...
@overload
def corr(
    x: SupportsArrow, y: Data, window: Window, **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def entropy(
    x: DataT, window: Window, *, bins: int = ..., **options: Unpack[RollingOptions]
) -> DataT: ...
@overload
def entropy(
    x: ArrayLike, window: Window, *, bins: int = ..., **options: Unpack[RollingOptions]
) -> Floats: ...
@overload
def entropy(
    x: SupportsArrow, window: Window, *, bins: int = ..., **options: Unpack[RollingOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def ewm_mean(x: DataT, **options: Unpack[EwmOptions]) -> DataT: ...
@overload
def ewm_mean(x: ArrayLike, **options: Unpack[EwmOptions]) -> Floats: ...
@overload
def ewm_mean(x: SupportsArrow, **options: Unpack[EwmOptions]) -> ArrowArray | ArrowTable: ...
@overload
def ewm_sum(x: DataT, **options: Unpack[EwmOptions]) -> DataT: ...
@overload
def ewm_sum(x: ArrayLike, **options: Unpack[EwmOptions]) -> Floats: ...
@overload
def ewm_sum(x: SupportsArrow, **options: Unpack[EwmOptions]) -> ArrowArray | ArrowTable: ...
@overload
def ewm_var(x: DataT, *, bias: bool = ..., **options: Unpack[EwmOptions]) -> DataT: ...
@overload
def ewm_var(x: ArrayLike, *, bias: bool = ..., **options: Unpack[EwmOptions]) -> Floats: ...
@overload
def ewm_var(
    x: SupportsArrow, *, bias: bool = ..., **options: Unpack[EwmOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def ewm_std(x: DataT, *, bias: bool = ..., **options: Unpack[EwmOptions]) -> DataT: ...
@overload
def ewm_std(x: ArrayLike, *, bias: bool = ..., **options: Unpack[EwmOptions]) -> Floats: ...
@overload
def ewm_std(
    x: SupportsArrow, *, bias: bool = ..., **options: Unpack[EwmOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def ewm_cov(x: DataT, y: Data, *, bias: bool = ..., **options: Unpack[EwmOptions]) -> DataT: ...
@overload
def ewm_cov(
    x: ArrayLike, y: Data, *, bias: bool = ..., **options: Unpack[EwmOptions]
) -> Floats: ...
@overload
def ewm_cov(
    x: SupportsArrow, y: Data, *, bias: bool = ..., **options: Unpack[EwmOptions]
) -> ArrowArray | ArrowTable: ...
@overload
def ewm_corr(x: DataT, y: Data, **options: Unpack[EwmOptions]) -> DataT: ...
@overload
def ewm_corr(x: ArrayLike, y: Data, **options: Unpack[EwmOptions]) -> Floats: ...
@overload
def ewm_corr(
    x: SupportsArrow, y: Data, **options: Unpack[EwmOptions]
) -> ArrowArray | ArrowTable: ...

_Interpolation = Literal["linear", "lower", "higher", "midpoint", "nearest"]
_Statistics = Iterable[str | tuple[str, dict[str, Any]]]
_Entry = TypeVar("_Entry", str, tuple[str, dict[str, Any]], str | tuple[str, dict[str, Any]])
_T = TypeVar("_T")

@overload
def quantile(
    x: DataT,
    window: Window,
    q: float,
    *,
    interpolation: _Interpolation = ...,
    **options: Unpack[RollingOptions],
) -> DataT: ...
@overload
def quantile(
    x: pl.Series | pl.DataFrame,
    window: Window,
    q: Sequence[float],
    *,
    interpolation: _Interpolation = ...,
    **options: Unpack[RollingOptions],
) -> pl.DataFrame: ...
@overload
def quantile(
    x: NDArray[Any] | Sequence[Any],
    window: Window,
    q: float | Sequence[float],
    *,
    interpolation: _Interpolation = ...,
    **options: Unpack[RollingOptions],
) -> Floats: ...
@overload
def quantile(
    x: pd.Series | pd.DataFrame,
    window: Window,
    q: Sequence[float],
    *,
    interpolation: _Interpolation = ...,
    **options: Unpack[RollingOptions],
) -> pd.DataFrame: ...
@overload
def quantile(
    x: Data,
    window: Window,
    q: float | Sequence[float],
    *,
    interpolation: _Interpolation = ...,
    **options: Unpack[RollingOptions],
) -> Any: ...
@overload
def stats(
    x: pl.Series | pl.DataFrame,
    window: Window,
    statistics: _Statistics,
    *,
    y: Data | None = ...,
    **options: Unpack[RollingOptions],
) -> pl.DataFrame: ...
@overload
def stats(
    x: NDArray[Any] | Sequence[Any],
    window: Window,
    statistics: _Statistics,
    *,
    y: Data | None = ...,
    **options: Unpack[RollingOptions],
) -> dict[str, Floats]: ...
@overload
def stats(
    x: pd.Series | pd.DataFrame,
    window: Window,
    statistics: _Statistics,
    *,
    y: Data | None = ...,
    **options: Unpack[RollingOptions],
) -> pd.DataFrame: ...
@overload
def stats(  # type: ignore[overload-cannot-match]  # where pandas is Any
    x: Data,
    window: Window,
    statistics: _Statistics,
    *,
    y: Data | None = ...,
    **options: Unpack[RollingOptions],
) -> Any: ...
@overload
def seasonal(
    x: DataT,
    statistic: str = ...,
    *,
    window: int,
    keys: Data | None = ...,
    times: Data | None = ...,
    groups: Data | None = ...,
    **options: Unpack[SeasonalOptions],
) -> DataT: ...
@overload
def seasonal(
    x: pl.Series | pl.DataFrame,
    statistic: _Statistics,
    *,
    window: int,
    keys: Data | None = ...,
    times: Data | None = ...,
    groups: Data | None = ...,
    **options: Unpack[SeasonalOptions],
) -> pl.DataFrame: ...
@overload
def seasonal(
    x: NDArray[Any] | Sequence[Any],
    statistic: str = ...,
    *,
    window: int,
    keys: Data | None = ...,
    times: Data | None = ...,
    groups: Data | None = ...,
    **options: Unpack[SeasonalOptions],
) -> Floats: ...
@overload
def seasonal(
    x: NDArray[Any] | Sequence[Any],
    statistic: list[_Entry] | tuple[_Entry, ...],
    *,
    window: int,
    keys: Data | None = ...,
    times: Data | None = ...,
    groups: Data | None = ...,
    **options: Unpack[SeasonalOptions],
) -> dict[str, Floats]: ...
@overload
def seasonal(
    x: pd.Series | pd.DataFrame,
    statistic: list[_Entry] | tuple[_Entry, ...],
    *,
    window: int,
    keys: Data | None = ...,
    times: Data | None = ...,
    groups: Data | None = ...,
    **options: Unpack[SeasonalOptions],
) -> pd.DataFrame: ...
@overload
def seasonal(
    x: Data,
    statistic: str | _Statistics = ...,
    *,
    window: int,
    keys: Data | None = ...,
    times: Data | None = ...,
    groups: Data | None = ...,
    **options: Unpack[SeasonalOptions],
) -> Any: ...

class Cusum(NamedTuple, Generic[_T]):
    upper: _T
    lower: _T
    alarm: _T

@overload
def cusum(
    x: DataT,
    *,
    k: float = ...,
    h: float = ...,
    window: Window | None = ...,
    mean: float | Data | None = ...,
    std: float | Data | None = ...,
    reset: bool = ...,
    **options: Unpack[RollingOptions],
) -> Cusum[DataT]: ...
@overload
def cusum(
    x: ArrayLike,
    *,
    k: float = ...,
    h: float = ...,
    window: Window | None = ...,
    mean: float | Data | None = ...,
    std: float | Data | None = ...,
    reset: bool = ...,
    **options: Unpack[RollingOptions],
) -> Cusum[Floats]: ...
@overload
def cusum(
    x: SupportsArrow,
    *,
    k: float = ...,
    h: float = ...,
    window: Window | None = ...,
    mean: float | Data | None = ...,
    std: float | Data | None = ...,
    reset: bool = ...,
    **options: Unpack[RollingOptions],
) -> Cusum[ArrowArray | ArrowTable]: ...
