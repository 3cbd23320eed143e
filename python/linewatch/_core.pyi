"""Types of the compiled kernels; private, called by the modules of linewatch."""

from collections.abc import Callable, Sequence
from typing import Any, final

from numpy import floating, int64
from numpy.typing import NDArray
from typing_extensions import CapsuleType

__all__ = [
    "STATISTICS",
    "ArrowArray",
    "ArrowTable",
    "FilterBank",
    "__version__",
    "arrow_numbers",
    "arrow_times",
    "cusum",
    "ewm",
    "group_runs",
    "rolling",
    "wavelet_cwt",
    "wavelet_names",
    "window_features",
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

# Wavelet.

@final
class FilterBank:
    def __new__(
        cls,
        dec_lo: Sequence[float],
        dec_hi: Sequence[float],
        rec_lo: Sequence[float],
        rec_hi: Sequence[float],
    ) -> FilterBank: ...
    @staticmethod
    def named(name: str) -> FilterBank: ...
    @property
    def filters(self) -> tuple[list[float], list[float], list[float], list[float]]: ...
    def wavedec(
        self, x: NDArray[floating[Any]], mode: str, level: int, axis: int
    ) -> list[NDArray[floating[Any]]]: ...
    def idwt(
        self, ca: NDArray[floating[Any]], cd: NDArray[floating[Any]], mode: str, axis: int
    ) -> NDArray[floating[Any]]: ...
    def downcoef(
        self, x: NDArray[floating[Any]], mode: str, level: int, is_detail: bool
    ) -> NDArray[floating[Any]]: ...
    def upcoef(
        self, coefficients: NDArray[floating[Any]], level: int, is_detail: bool
    ) -> NDArray[floating[Any]]: ...
    def swt(
        self,
        x: NDArray[floating[Any]],
        level: int,
        start_level: int,
        axis: int,
        factor: float,
        maximal_overlap: bool,
    ) -> list[NDArray[floating[Any]]]: ...
    def iswt(
        self,
        bands: Sequence[NDArray[floating[Any]]],
        axis: int,
        factor: float,
        maximal_overlap: bool,
    ) -> NDArray[floating[Any]]: ...

def wavelet_names() -> list[str]: ...
def wavelet_cwt(
    x: NDArray[floating[Any]],
    kernels: Sequence[NDArray[Any]],
    centers: Sequence[int],
    out: NDArray[floating[Any]],
    *,
    n_jobs: int | None = None,
) -> None: ...
def group_runs(codes: NDArray[int64]) -> tuple[NDArray[int64], NDArray[int64]] | None: ...
def window_features(
    x: NDArray[floating[Any]],
    starts: NDArray[int64],
    lengths: NDArray[int64],
    bank: FilterBank,
    features: Sequence[tuple[Any, ...]],
    *,
    mode: str,
    level: int,
    adapt: bool = False,
    n_jobs: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> NDArray[floating[Any]]: ...
