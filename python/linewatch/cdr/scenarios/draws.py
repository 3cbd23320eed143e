"""Random numbers by name, for scenarios."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, overload

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from linewatch._typing import Float64, Int64, T


class Draws:
    """A generator of random numbers that hangs on names alone.

    Two generators of the same seed and names give the same numbers on every machine, whatever was
    drawn elsewhere before. Bits come from Philox 4x64 [1]_; only additions, multiplications,
    divisions and square roots turn them into numbers, so no platform's mathematics matters.

    References
    ----------
    .. [1] Salmon, J. K., Moraes, M. A., Dror, R. O., Shaw, D. E. (2011). Parallel random numbers:
       as easy as 1, 2, 3. SC11.

    Examples
    --------
    >>> from linewatch.cdr.scenarios import Draws
    >>> Draws(7, "sim_box", 1).integers(0, 100, 4) == Draws(7, "sim_box", 1).integers(0, 100, 4)
    array([ True,  True,  True,  True])
    """

    names: tuple[Any, ...]

    def __init__(self, *names: object) -> None:
        self.names = names
        text = "\x1f".join(f"{type(name).__name__}:{name}" for name in names)
        digest = hashlib.sha256(text.encode()).digest()
        self._bits = np.random.Philox(key=int.from_bytes(digest[:16], "little"))

    def fork(self, *names: object) -> Draws:
        """A generator of its own under further names."""
        return Draws(*self.names, *names)

    @overload
    def uniform(self, low: float = ..., high: float = ..., size: None = ...) -> float: ...
    @overload
    def uniform(self, low: float, high: float, size: int | tuple[int, ...]) -> Float64: ...
    @overload
    def uniform(
        self, low: float = ..., high: float = ..., *, size: int | tuple[int, ...]
    ) -> Float64: ...
    def uniform(self, low=0.0, high=1.0, size=None):
        """Numbers in [low, high)."""
        bits = self._bits.random_raw(1 if size is None else math.prod(np.atleast_1d(size)))
        values = low + (high - low) * ((bits >> np.uint64(11)) * 2.0**-53)
        return float(values[0]) if size is None else values.reshape(size)

    @overload
    def integers(self, low: int, high: int, size: None = ...) -> int: ...
    @overload
    def integers(self, low: int, high: int, size: int | tuple[int, ...]) -> Int64: ...
    def integers(self, low, high, size=None):
        """Whole numbers from `low` to before `high`."""
        if high <= low:
            raise ValueError(f"high must be above low ({low}), got {high}")
        values = low + (self.uniform(size=size) * (high - low)) // 1
        return int(values) if size is None else values.astype(np.int64)

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.uniform() < probability

    def choice(self, values: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """One of `values`, by `weights` if there are any."""
        values = list(values)
        if weights is None:
            return values[self.integers(0, len(values))]
        # Added one by one: newer Pythons' sum() rounds otherwise.
        total, at = 0, self.uniform()
        for weight in weights:
            total += weight
        for value, weight in zip(values, weights):
            at -= weight / total
            if at < 0:
                return value
        return values[-1]

    def sample(self, n: int, count: int) -> list[int]:
        """`count` different whole numbers below `n`, in random order."""
        if count > n:
            raise ValueError(f"count must be at most {n}, got {count}")
        moved, taken = {}, []
        for k in range(count):
            at = self.integers(k, n)
            taken.append(moved.get(at, at))
            moved[at] = moved.get(k, k)
        return taken

    def seconds(self, center: float, least: int = 1, most: int = 7200) -> int:
        """A duration in seconds: log-logistic of scale one half around the median `center`."""
        u = self.uniform()
        return min(max(int(center * math.sqrt((u + 1e-9) / (1.0 - u))), least), most)

    def times(
        self, count: int, first: int, last: int, hours: Sequence[float] | None = None
    ) -> list[int]:
        """Sorted seconds from `first` to before `last`, by weights of the 24 hours of the day."""
        if hours is None:
            return sorted(int(t) for t in self.integers(first, last, count))
        slots = range(first // 3600, -(-last // 3600))
        weights = [
            hours[slot % 24] * (min(last, slot * 3600 + 3600) - max(first, slot * 3600))
            for slot in slots
        ]
        if sum(weights) <= 0:
            raise ValueError("hours must have a weight above 0 between first and last")
        times = []
        for _ in range(count):
            slot = self.choice(slots, weights)
            times.append(self.integers(max(first, slot * 3600), min(last, slot * 3600 + 3600)))
        return sorted(times)
