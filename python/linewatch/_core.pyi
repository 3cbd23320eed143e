"""Types of the compiled kernels; private, called by the modules of linewatch."""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, final

from numpy import float64, floating, int64
from numpy.typing import NDArray
from typing_extensions import CapsuleType

__all__ = [
    "STATISTICS",
    "ArrowArray",
    "ArrowTable",
    "CdrBatches",
    "CdrCalls",
    "CdrDataset",
    "CdrTable",
    "NeighborIndex",
    "__version__",
    "arrow_numbers",
    "arrow_times",
    "cusum",
    "ewm",
    "neighbors_distinct",
    "neighbors_unit_rows",
    "rolling",
]

__version__: str

# Edge: columns in and out.

def arrow_numbers(
    object: Any, title: str
) -> tuple[bool, list[tuple[str, NDArray[floating[Any]]]]]: ...
def arrow_times(object: Any, title: str) -> tuple[NDArray[int64], bool]: ...

@final
class ArrowArray:
    def __new__(cls, values: NDArray[floating[Any]], *, nan_is_null: bool = True) -> ArrowArray: ...
    def __len__(self) -> int: ...
    def __arrow_c_array__(
        self, requested_schema: CapsuleType | None = None
    ) -> tuple[CapsuleType, CapsuleType]: ...

@final
class ArrowTable:
    def __new__(
        cls, columns: Sequence[tuple[str, NDArray[floating[Any]]]], *, nan_is_null: bool = True
    ) -> ArrowTable: ...
    @property
    def column_names(self) -> list[str]: ...
    def __len__(self) -> int: ...
    def __arrow_c_stream__(self, requested_schema: CapsuleType | None = None) -> CapsuleType: ...

# Call records.

@final
class CdrDataset:
    def __new__(cls, settings: dict[str, Any]) -> CdrDataset: ...
    @property
    def quotas(self) -> list[tuple[int, int]]: ...
    def calls(self, first: int, last: int, size: int, n_jobs: int | None) -> CdrCalls: ...
    def write(
        self,
        path: str | PathLike[str],
        format: str,
        days: tuple[int, int],
        *,
        n_jobs: int | None = None,
        progress: Callable[[int], Any] | None = None,
    ) -> tuple[list[int], list[int], list[int]]: ...
    def actors(self) -> CdrTable: ...
    def users(self) -> CdrTable: ...
    def towers(self) -> CdrTable: ...
    def communities(self) -> CdrTable: ...
    def papers(self, first: int, last: int) -> CdrTable: ...

@final
class CdrCalls:
    def __arrow_c_stream__(self, requested_schema: CapsuleType | None = None) -> CapsuleType: ...
    def __iter__(self) -> CdrBatches: ...

@final
class CdrBatches:
    def __iter__(self) -> CdrBatches: ...
    def __next__(self) -> CdrTable: ...

@final
class CdrTable:
    def __len__(self) -> int: ...
    def __arrow_c_stream__(self, requested_schema: CapsuleType | None = None) -> CapsuleType: ...

# Rolling.

_Floats = NDArray[floating[Any]]
_Progress = Callable[[int], Any] | None

STATISTICS: tuple[str, ...]

def rolling(
    x: _Floats,
    statistics: Sequence[tuple[str, dict[str, Any]]],
    window: int | str | tuple[Any, ...],
    *,
    y: _Floats | None = None,
    times: NDArray[int64] | None = None,
    groups: NDArray[int64] | None = None,
    center: bool = False,
    closed: str | None = None,
    step: int = 1,
    min_periods: int | None = None,
    include_current: bool = True,
    ieee: bool = False,
    time_unit: float = 1e-9,
    n_jobs: int | None = None,
    progress: _Progress = None,
) -> list[_Floats]: ...
def ewm(
    x: _Floats,
    statistics: Sequence[str],
    *,
    alpha: float,
    adjust: bool = True,
    ignore_na: bool = False,
    bias: bool = False,
    min_periods: int = 0,
    y: _Floats | None = None,
    times: NDArray[int64] | None = None,
    halflife_s: float | None = None,
    time_unit: float = 1e-9,
    groups: NDArray[int64] | None = None,
    ieee: bool = False,
    n_jobs: int | None = None,
    progress: _Progress = None,
) -> list[_Floats]: ...
def cusum(
    x: _Floats,
    *,
    k: float,
    h: float,
    reset: bool = True,
    groups: NDArray[int64] | None = None,
    n_jobs: int | None = None,
    progress: _Progress = None,
) -> list[_Floats]: ...

# Neighbors.

@final
class NeighborIndex:
    def __new__(
        cls,
        x: _Floats,
        metric: str,
        *,
        p: float = 2.0,
        leaf_size: int = 30,
        flat: bool = False,
    ) -> NeighborIndex: ...
    def kneighbors(
        self,
        x: _Floats,
        queries: NDArray[float64] | None,
        k: int,
        *,
        n_jobs: int | None = None,
        progress: _Progress = None,
    ) -> tuple[NDArray[float64], NDArray[int64]]: ...
    def lof(
        self, x: _Floats, k: int, *, n_jobs: int | None = None, progress: _Progress = None
    ) -> tuple[NDArray[float64], NDArray[float64], NDArray[float64]]: ...
    def lof_score(
        self,
        x: _Floats,
        queries: NDArray[float64],
        reach: NDArray[float64],
        density: NDArray[float64],
        k: int,
        *,
        n_jobs: int | None = None,
        progress: _Progress = None,
    ) -> NDArray[float64]: ...
    def knn(
        self,
        x: _Floats,
        queries: NDArray[float64] | None,
        k: int,
        method: str,
        *,
        n_jobs: int | None = None,
        progress: _Progress = None,
    ) -> NDArray[float64]: ...
    def knn_shares(
        self,
        x: _Floats,
        queries: NDArray[float64],
        k: int,
        method: str,
        *,
        n_jobs: int | None = None,
        progress: _Progress = None,
    ) -> NDArray[float64]: ...

def neighbors_distinct(x: _Floats) -> tuple[NDArray[int64], NDArray[int64]]: ...
def neighbors_unit_rows(x: _Floats) -> NDArray[float64]: ...
