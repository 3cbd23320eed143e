"""Random numbers by name, for scenarios."""

import hashlib
import math

import numpy as np


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

    def __init__(self, *names):
        self.names = names
        text = "\x1f".join(f"{type(name).__name__}:{name}" for name in names)
        digest = hashlib.sha256(text.encode()).digest()
        self._bits = np.random.Philox(key=int.from_bytes(digest[:16], "little"))

    def fork(self, *names):
        """A generator of its own under further names."""
        return Draws(*self.names, *names)

    def uniform(self, low=0.0, high=1.0, size=None):
        """Numbers in [low, high)."""
        bits = self._bits.random_raw(1 if size is None else math.prod(np.atleast_1d(size)))
        values = low + (high - low) * ((bits >> np.uint64(11)) * 2.0**-53)
        return float(values[0]) if size is None else values.reshape(size)

    def integers(self, low, high, size=None):
        """Whole numbers from `low` to before `high`."""
        if high <= low:
            raise ValueError(f"high must be above low ({low}), got {high}")
        values = low + (self.uniform(size=size) * (high - low)) // 1
        return int(values) if size is None else values.astype(np.int64)

    def chance(self, probability):
        """True with this probability."""
        return self.uniform() < probability

    def choice(self, values, weights=None):
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

    def sample(self, n, count):
        """`count` different whole numbers below `n`, in random order."""
        if count > n:
            raise ValueError(f"count must be at most {n}, got {count}")
        moved, taken = {}, []
        for k in range(count):
            at = self.integers(k, n)
            taken.append(moved.get(at, at))
            moved[at] = moved.get(k, k)
        return taken

    def seconds(self, center, least=1, most=7200):
        """A duration in seconds: log-logistic of scale one half around the median `center`."""
        u = self.uniform()
        return min(max(int(center * math.sqrt((u + 1e-9) / (1.0 - u))), least), most)

    def times(self, count, first, last, hours=None):
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
