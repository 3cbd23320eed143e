"""Types that many signatures share; read by type checkers, never imported at run time."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypedDict, TypeVar

import narwhals as nw
import numpy as np
from narwhals.typing import IntoDataFrame, IntoFrame
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import polars as pl

    from linewatch.autoencoder import AutoencoderDetector
    from linewatch.iforest import IsolationForest
    from linewatch.intrusion import IntrusionDetector
    from linewatch.neighbors import KNNDetector, LocalOutlierFactor
    from linewatch.streaming import OnlineIsolationForest, OnlineScorer
    from linewatch.threshold import ThresholdedDetector


class SupportsArrow(Protocol):
    """Speaks the Arrow PyCapsule interface, as a DuckDB relation or a pyarrow table does."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...


class SparseMatrix(Protocol):
    """A sparse matrix or array of SciPy."""

    def tocsr(self, *args: Any, **kwargs: Any) -> Any: ...


class NativeSeries(Protocol):
    """A Series of pandas or Polars, a pyarrow array."""

    def __len__(self) -> int: ...
    def filter(self, *args: Any, **kwargs: Any) -> Any: ...
    def unique(self, *args: Any, **kwargs: Any) -> Any: ...
    def value_counts(self, *args: Any, **kwargs: Any) -> Any: ...
    def to_numpy(self, *args: Any, **kwargs: Any) -> Any: ...


Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.floating[Any]]
Float64: TypeAlias = NDArray[np.float64]
Int64: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Texts: TypeAlias = NDArray[np.object_]

AnySeries: TypeAlias = NativeSeries | nw.Series[Any]
AnyFrame: TypeAlias = IntoDataFrame | nw.DataFrame[Any] | SupportsArrow
AnyTable: TypeAlias = IntoFrame | nw.DataFrame[Any] | nw.LazyFrame[Any]
Column: TypeAlias = ArrayLike | Sequence[Any] | AnySeries | SupportsArrow
Data: TypeAlias = Column | IntoDataFrame | nw.DataFrame[Any]

Matrix: TypeAlias = Data | SparseMatrix

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

# What comes back has the kind of what goes in.
SeriesT = TypeVar("SeriesT", bound=AnySeries)
DataT = TypeVar("DataT", bound=AnySeries | IntoDataFrame | nw.DataFrame[Any])
FrameT = TypeVar("FrameT", bound=IntoDataFrame)
MatrixT = TypeVar("MatrixT", bound=IntoDataFrame | nw.DataFrame[Any])
TableT = TypeVar("TableT", bound=AnyTable)

PathLike: TypeAlias = str | os.PathLike[str]
Progress: TypeAlias = bool | Callable[[int], object] | None
Span: TypeAlias = str | timedelta | np.timedelta64
Time: TypeAlias = str | datetime
Window: TypeAlias = int | str | timedelta | np.timedelta64
Expression: TypeAlias = "str | pl.Expr"
Keys: TypeAlias = "str | pl.Expr | Sequence[str | pl.Expr]"
Backend: TypeAlias = Literal["polars", "pandas", "pyarrow"]
Theme: TypeAlias = Literal["light", "dark"]
RandomState: TypeAlias = int | np.random.RandomState | None
RuleSpec: TypeAlias = tuple[str, dict[str, Any], list[str]]
Rules: TypeAlias = Sequence[str] | Mapping[str, Mapping[str, Any]]
Polarity: TypeAlias = Mapping[str, Literal["high", "low", "both"]]

# What `linewatch.load` reads.
DetectorT = TypeVar(
    "DetectorT",
    "AutoencoderDetector",
    "IntrusionDetector",
    "IsolationForest",
    "KNNDetector",
    "LocalOutlierFactor",
    "OnlineIsolationForest",
    "OnlineScorer",
    "ThresholdedDetector",
)


class SeasonalOptions(TypedDict, total=False):
    """The options of `linewatch.rolling.seasonal`; see `linewatch.rolling`."""

    min_periods: int | None
    center: bool
    closed: Literal["right", "left", "both", "neither"] | None
    step: int | None
    include_current: bool
    axis: int
    infinity: Literal["missing", "ieee"]
    n_jobs: int | None
    progress: Progress


class RollingOptions(SeasonalOptions, total=False):
    """The options that all rolling statistics share; see `linewatch.rolling`."""

    times: Data | None
    groups: Data | None


class EwmOptions(TypedDict, total=False):
    """The options of exponentially weighted statistics; see `linewatch.rolling.ewm_mean`."""

    com: float | None
    span: float | None
    halflife: float | Span | None
    alpha: float | None
    adjust: bool
    ignore_na: bool
    min_periods: int
    times: Data | None
    groups: Data | None
    axis: int
    infinity: Literal["missing", "ieee"]
    n_jobs: int | None
    progress: Progress
