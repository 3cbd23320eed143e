"""Types of the compiled kernels; private, called by the modules of linewatch."""

from collections.abc import Sequence
from typing import Any, final

from numpy import floating, int64
from numpy.typing import NDArray
from typing_extensions import CapsuleType

__all__ = ["ArrowArray", "ArrowTable", "__version__", "arrow_numbers", "arrow_times"]

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
