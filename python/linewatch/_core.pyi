"""Types of the compiled kernels; private, called by the modules of linewatch."""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, final

from numpy import float64, floating, int64
from numpy.typing import NDArray
from typing_extensions import CapsuleType

__all__ = [
    "PACKET_FEATURES",
    "STATISTICS",
    "ArrowArray",
    "ArrowTable",
    "PacketFile",
    "PacketReader",
    "__version__",
    "arrow_numbers",
    "arrow_times",
    "cusum",
    "ewm",
    "packet_features",
    "rolling",
    "write_packets",
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

_Floats = NDArray[floating[Any]]
_Progress = Callable[[int], Any] | None

# Packets.

PACKET_FEATURES: tuple[str, ...]

@final
class PacketReader:
    def __new__(cls, source: Any, batch_rows: int, *, live: bool = False) -> PacketReader: ...
    @staticmethod
    def empty() -> ArrowTable: ...
    def next_batch(self) -> ArrowTable | None: ...
    def notes(self) -> list[str]: ...
    def bytes(self) -> int: ...

@final
class PacketFile:
    def __new__(cls, path: str | PathLike[str], batch_rows: int) -> PacketFile: ...
    def __arrow_c_stream__(self, requested_schema: CapsuleType | None = None) -> CapsuleType: ...

def packet_features(
    table: Any,
    times: NDArray[int64],
    features: Sequence[str],
    window: int,
    *,
    n_jobs: int | None = None,
    progress: _Progress = None,
) -> list[NDArray[float64]]: ...
def write_packets(
    table: Any, times: NDArray[int64], path: str | PathLike[str], snap_length: int
) -> None: ...

# Rolling.

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
