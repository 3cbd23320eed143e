"""Types of the compiled kernels; private, called by the modules of linewatch."""

from collections.abc import Callable, Sequence
from typing import Any, final

from numpy import float64, floating, int64, uint32
from numpy.typing import NDArray
from typing_extensions import CapsuleType

__all__ = [
    "STATISTICS",
    "ArrowArray",
    "ArrowTable",
    "CryptoPan",
    "FilterBank",
    "__version__",
    "arrow_numbers",
    "arrow_times",
    "cusum",
    "ewm",
    "facing_cells",
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

# kpi

def facing_cells(
    latitude: NDArray[float64],
    longitude: NDArray[float64],
    azimuth: NDArray[float64],
    radius_km: NDArray[float64],
    site: NDArray[int64],
    cells: NDArray[uint32],
    *,
    half_width_deg: float,
    n_jobs: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> tuple[NDArray[uint32], NDArray[uint32], NDArray[float64], NDArray[float64]]: ...

# privacy

@final
class CryptoPan:
    def __new__(cls, key: bytes) -> CryptoPan: ...
    def numbers(
        self, addresses: NDArray[uint32], *, restore: bool = False, n_jobs: int | None = None
    ) -> NDArray[uint32]: ...
    def text(
        self, addresses: Sequence[str], *, restore: bool = False, n_jobs: int | None = None
    ) -> list[str]: ...
