"""Types of the compiled kernels; private, called by the modules of linewatch."""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, final

from numpy import bool_, float64, floating, int64, uint32
from numpy.typing import NDArray
from typing_extensions import CapsuleType

__all__ = [
    "PACKET_FEATURES",
    "STATISTICS",
    "ArrowArray",
    "ArrowTable",
    "CdrBatches",
    "CdrCalls",
    "CdrDataset",
    "CdrTable",
    "CryptoPan",
    "FilterBank",
    "FlowFiles",
    "FlowReader",
    "Forest",
    "NeighborIndex",
    "PacketFile",
    "PacketReader",
    "StreamState",
    "__version__",
    "arrow_numbers",
    "arrow_times",
    "average_path_length",
    "classify_ports",
    "cusum",
    "downsample",
    "ewm",
    "facing_cells",
    "find_infinite",
    "group_runs",
    "kpi_baseline",
    "kpi_detect",
    "kpi_shapes",
    "model_from_bytes",
    "model_to_bytes",
    "neighbors_distinct",
    "neighbors_unit_rows",
    "packet_features",
    "port_registry",
    "port_table",
    "read_model",
    "rolling",
    "snapshot_metadata",
    "wavelet_cwt",
    "wavelet_names",
    "window_features",
    "write_model",
    "write_packets",
]

__version__: str

_Floats = NDArray[floating[Any]]
_Progress = Callable[[int], Any] | None

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
    def rows_by_day(self, table: str) -> list[int]: ...
    def whereabouts(self, users: Sequence[int], seconds: Sequence[int]) -> list[int]: ...
    def calls(
        self, first: int, last: int, size: int, n_jobs: int | None, table: str = "calls"
    ) -> CdrCalls: ...
    def write_table(
        self,
        table: str,
        path: str | PathLike[str],
        format: str,
        days: tuple[int, int],
        *,
        n_jobs: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> None: ...
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

# Isolation forest.

def average_path_length(n: int) -> float: ...
def find_infinite(x: _Floats, *, n_jobs: int | None = None) -> tuple[int, int] | None: ...

@final
class Forest:
    @staticmethod
    def fit(
        x: _Floats,
        *,
        n_estimators: int = 100,
        max_samples: int = 256,
        max_features: int | None = None,
        bootstrap: bool = False,
        columns_per_split: int = 1,
        gain: float = 0.0,
        categorical: Sequence[int] | None = None,
        sample_weight: NDArray[float64] | None = None,
        seed: int = 0,
        first_tree: int = 0,
        present: tuple[int, Sequence[int] | NDArray[uint32]] | None = None,
        n_jobs: int | None = None,
        progress: _Progress = None,
    ) -> Forest: ...
    @staticmethod
    def sampled_rows(
        n_rows: int,
        *,
        n_estimators: int = 100,
        max_samples: int = 256,
        bootstrap: bool = False,
        sample_weight: NDArray[float64] | None = None,
        seed: int = 0,
        first_tree: int = 0,
    ) -> list[NDArray[uint32]]: ...
    def score_samples(
        self, x: _Floats, *, n_jobs: int | None = None, progress: _Progress = None
    ) -> NDArray[float64]: ...
    def depths(
        self, x: _Floats, *, n_jobs: int | None = None, progress: _Progress = None
    ) -> NDArray[float64]: ...
    def explain(
        self, x: _Floats, *, n_jobs: int | None = None, progress: _Progress = None
    ) -> tuple[NDArray[float64], float]: ...
    def importances(self) -> NDArray[float64]: ...
    def extended_by(self, other: Forest) -> Forest: ...
    def subset(self, start: int, stop: int) -> Forest: ...
    def arrays(self) -> dict[str, NDArray[Any]]: ...
    def to_bytes(self) -> bytes: ...
    @staticmethod
    def from_bytes(data: bytes) -> Forest: ...
    def save(
        self,
        path: str | PathLike[str],
        metadata_json: str = "{}",
        extra: dict[str, NDArray[Any]] | None = None,
    ) -> None: ...
    @staticmethod
    def load(path: str | PathLike[str]) -> tuple[Forest, str, dict[str, NDArray[Any]]]: ...
    @property
    def n_trees(self) -> int: ...
    @property
    def n_features(self) -> int: ...
    @property
    def n_nodes(self) -> int: ...
    @property
    def max_samples(self) -> int: ...
    @property
    def columns_per_split(self) -> int: ...
    @property
    def gain(self) -> float: ...
    @property
    def is_oblique(self) -> bool: ...
    @property
    def categorical(self) -> list[int]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ge__(self, other: object, /) -> bool: ...
    def __gt__(self, other: object, /) -> bool: ...
    def __le__(self, other: object, /) -> bool: ...
    def __lt__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...

# Downsample.

def downsample(
    y: NDArray[float64],
    x: NDArray[float64] | None,
    keep: NDArray[bool_] | None,
    points: int,
) -> NDArray[int64]: ...

# KPI.

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
def kpi_baseline(
    time: NDArray[int64],
    value: NDArray[float64],
    starts: NDArray[int64],
    baseline: NDArray[float64],
    scale: NDArray[float64],
    *,
    method: str,
    median: bool,
    window: int,
    min_periods: int,
    include_current: bool,
    floor: float,
    min_scale: float,
    n_jobs: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> None: ...
def kpi_detect(
    time: NDArray[int64],
    value: NDArray[float64],
    baseline: NDArray[float64],
    scale: NDArray[float64],
    starts: NDArray[int64],
    rules: list[tuple[str, dict[str, float]]],
    given: list[NDArray[float64]],
    *,
    polarity: str,
    need: int,
    persistence: tuple[int, int],
    min_duration: int,
    merge_gap: int,
    refractory: int,
    n_jobs: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> tuple[
    NDArray[float64],
    NDArray[Any],
    NDArray[Any],
    NDArray[Any],
    NDArray[Any],
    NDArray[Any],
    NDArray[Any],
]: ...
def kpi_shapes(
    z: NDArray[float64],
    series: NDArray[int64],
    first: NDArray[int64],
    last: NDArray[int64],
) -> tuple[NDArray[int64], NDArray[float64], NDArray[float64]]: ...

# Model files.

def model_from_bytes(bytes: bytes, what: str) -> tuple[str, str, dict[str, NDArray[Any]]]: ...
def model_to_bytes(kind: str, metadata_json: str, arrays: dict[str, NDArray[Any]]) -> bytes: ...
def read_model(
    path: str | PathLike[str], kind: str | None = None
) -> tuple[str, str, dict[str, NDArray[Any]]]: ...
def write_model(
    path: str | PathLike[str], kind: str, metadata_json: str, arrays: dict[str, NDArray[Any]]
) -> None: ...

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
    outs: Sequence[NDArray[float64]],
    window: int,
    *,
    n_jobs: int | None = None,
    progress: _Progress = None,
) -> None: ...
def write_packets(
    table: Any, times: NDArray[int64], path: str | PathLike[str], snap_length: int
) -> None: ...

# Flow.

@final
class FlowFiles:
    def __new__(
        cls,
        paths: Sequence[str],
        columns: Sequence[str] | None,
        addresses: str,
        *,
        skip: bool,
        batch_rows: int,
        n_jobs: int | None = None,
    ) -> FlowFiles: ...
    @property
    def column_names(self) -> list[str]: ...
    def empty(self, views: bool) -> ArrowTable: ...
    def reader(self, views: bool) -> FlowReader: ...
    def __arrow_c_stream__(self, requested_schema: CapsuleType | None = None) -> CapsuleType: ...

@final
class FlowReader:
    def next_batch(self) -> ArrowTable | None: ...
    def take_bad_rows(self) -> list[tuple[int, int, str]]: ...

def classify_ports(table: Any, wanted: Sequence[str], literal: bool, form: str) -> ArrowTable: ...
def port_registry() -> tuple[str, list[tuple[int, str]]]: ...
def port_table(literal: bool) -> ArrowTable: ...

# Privacy.

@final
class CryptoPan:
    def __new__(cls, key: bytes) -> CryptoPan: ...
    def numbers(
        self, addresses: NDArray[uint32], *, restore: bool = False, n_jobs: int | None = None
    ) -> NDArray[uint32]: ...
    def text(
        self, addresses: Sequence[str], *, restore: bool = False, n_jobs: int | None = None
    ) -> list[str]: ...

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

# Wavelets and windows.

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

# Streaming

_Events = tuple[
    NDArray[Any],
    NDArray[uint32],
    NDArray[int64],
    NDArray[float64],
    NDArray[Any],
    NDArray[float64],
]

@final
class StreamState:
    def __new__(
        cls,
        rules: Sequence[tuple[str, dict[str, Any]]],
        *,
        lateness: int = 0,
        keep_duplicates: bool = False,
        restart_after: int = 0,
    ) -> StreamState: ...
    @property
    def width(self) -> int: ...
    def counts(self) -> tuple[int, list[int], int]: ...
    def update(
        self,
        keys: str | int | list[str] | NDArray[int64],
        times: NDArray[int64],
        values: NDArray[float64],
    ) -> _Events: ...
    def flush(self) -> _Events: ...
    def keys_of(self, slots: NDArray[uint32]) -> list[str | int | None]: ...
    def keys(self) -> list[tuple[str | int, int | None]]: ...
    def forget(self, key: str | int) -> bool: ...
    def forget_before(self, time: int) -> int: ...
    def snapshot(self, metadata: str) -> bytes: ...
    def restore(self, bytes: bytes) -> None: ...

def snapshot_metadata(bytes: bytes) -> str: ...
