"""Rolling statistics of data that break running sums, against exact whole-number arithmetic.

Every value is a whole number times one power of two, so Python integers hold the sums of all
windows exactly; the only roundings are the last division and square root. An error is measured
against the mean of absolute values in the window (sum and mean), the exact value (var, std, sem),
max(1, absolute exact value) (corr, skew, kurt, zscore), std(x) std(y) (cov), and std(x) over the
std of the rows (slope).
"""

import functools
import math
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest

from linewatch import rolling

N = 1500
WINDOWS = [5, 60, 500]
BOUND = 1e-12


# --- data --------------------------------------------------------------------------------------


def noise(rng):
    return rng.normal(size=N)


def offset(rng):
    return 1e9 + rng.normal(size=N)


def one_spike(rng):
    x = rng.normal(size=N)
    x[300] = 1e12
    return x


def spikes(rng):
    x = rng.normal(size=N)
    x[100::150] = 1e17 * rng.choice([-1, 1], size=len(x[100::150]))
    return x


def scale_falls(rng):
    return rng.normal(size=N) * np.where(np.arange(N) < N // 2, 1e8, 1.0)


def alternating_then_noise(rng):
    huge = 1e16 * (-1.0) ** np.arange(N)
    return np.where(np.arange(N) < N // 2, huge, rng.normal(size=N))


def decaying_sine(rng):
    i = np.arange(N)
    return np.sin(i / 7 + rng.random()) * 10.0 ** (-13 * i / (N - 1))


def octet_counter(rng):
    return np.cumsum(rng.integers(0, 10**7, N)).astype(np.float64)


def constant(rng):
    return np.full(N, 36743.6)


def plateaus(rng):
    return np.repeat(rng.normal(100, 30, size=N // 40 + 1), 40)[:N]


def noise_then_constant(rng):
    return np.where(np.arange(N) < N // 2, rng.normal(size=N), 0.1)


def gaps(rng):
    """Infinite and missing values come and go; both count as missing."""
    x = rng.normal(50, 1, size=N)
    x[100::131], x[130::171], x[90::213] = np.inf, -np.inf, np.nan
    x[700:720] = np.nan
    return x


CASES = [
    noise, offset, one_spike, spikes, scale_falls, alternating_then_noise, decaying_sine,
    octet_counter, constant, plateaus, noise_then_constant, gaps,
]  # fmt: skip


@functools.cache
def series(case, seed):
    x = case(np.random.default_rng(seed))
    x.flags.writeable = False
    return x


# --- exact answers -----------------------------------------------------------------------------


def whole_numbers(x):
    """Integers and the power of two that divides them; None where `x` is missing."""
    fractions = [Fraction(v) if math.isfinite(v) else None for v in x.tolist()]
    shift = max((f.denominator.bit_length() - 1 for f in fractions if f is not None), default=0)
    return [None if f is None else int(f * 2**shift) for f in fractions], shift


def running(values):
    return [0, *accumulate(values)]


def root(numerator, denominator):
    """sqrt(numerator / denominator) for integers of any size; NaN for 0 / 0."""
    if denominator == 0:
        return math.nan
    shift = (numerator.bit_length() - denominator.bit_length()) // 2 * 2
    ratio = numerator / (denominator << shift) if shift > 0 else (numerator << -shift) / denominator
    return math.ldexp(math.sqrt(ratio), shift // 2)


class Exact:
    """Sums of powers and products of every trailing window of two series."""

    def __init__(self, x, y, window):
        self.n = len(x)
        x, self.x_shift = whole_numbers(x)
        y, self.y_shift = whole_numbers(y)
        self.x = x
        self.bounds = [(max(0, i + 1 - window), i + 1) for i in range(self.n)]
        alone = [0 if a is None else a for a in x]
        self.count = running(int(a is not None) for a in x)
        self.absolute = running(abs(a) for a in alone)
        self.powers = [running(a**p for a in alone) for p in range(1, 5)]
        row = [i if a is not None else 0 for i, a in enumerate(x)]
        self.rows = [running(row), running(i * i for i in row), self._products(row, alone)]
        both = [(a, b) if None not in (a, b) else (0, 0) for a, b in zip(x, y)]
        self.pairs = running(int(None not in pair) for pair in zip(x, y))
        self.pair_sums = [
            running(a**p * b**q for a, b in both)
            for p, q in [(1, 0), (0, 1), (2, 0), (0, 2), (1, 1)]
        ]

    @staticmethod
    def _products(a, b):
        return running(p * q for p, q in zip(a, b))

    def _each(self, answer):
        out = []
        for i, (start, end) in enumerate(self.bounds):
            n = self.count[end] - self.count[start]
            sums = [power[end] - power[start] for power in self.powers]
            out.append(answer(i, n, *sums) if n else math.nan)
        return np.array(out)

    def sum(self):
        return self._each(lambda i, n, s, *_: s / 2**self.x_shift)

    def mean(self):
        return self._each(lambda i, n, s, *_: s / (n << self.x_shift))

    def mean_of_absolute(self):
        total = np.array([(self.absolute[e] - self.absolute[s]) / 2**self.x_shift
                          for s, e in self.bounds])  # fmt: skip
        present = np.array([self.count[e] - self.count[s] for s, e in self.bounds])
        return total / np.where(present == 0, 1, present)

    def var(self):
        def answer(i, n, s, ss, *_):
            return (n * ss - s * s) / (n * (n - 1) << 2 * self.x_shift) if n > 1 else math.nan

        return self._each(answer)

    def _root_of_variance(self, divisor):
        def answer(i, n, s, ss, *_):
            return root(n * ss - s * s, divisor(n) * n * (n - 1)) if n > 1 else math.nan

        return self._each(answer) * 2.0**-self.x_shift

    def std(self):
        return self._root_of_variance(lambda n: 1)

    def sem(self):
        return self._root_of_variance(lambda n: n)

    def zscore(self):
        def answer(i, n, s, ss, *_):
            if self.x[i] is None or n < 2:
                return math.nan
            distance = n * self.x[i] - s
            z = root(distance**2 * (n - 1), n * (n * ss - s * s))
            return math.copysign(z, distance)

        return self._each(answer)

    def skew(self):
        def answer(i, n, s, ss, sss, _):
            if n < 3:
                return math.nan
            m2, m3 = n * ss - s * s, n * n * sss - 3 * n * s * ss + 2 * s**3
            return math.copysign(root(n * (n - 1) * m3**2, (n - 2) ** 2 * m2**3), m3)

        return self._each(answer)

    def kurt(self):
        def answer(i, n, s, ss, sss, ssss):
            m2 = n * ss - s * s
            if n < 4 or m2 == 0:
                return math.nan
            m4 = n**3 * ssss - 4 * n * n * s * sss + 6 * n * s * s * ss - 3 * s**4
            return ((n * n - 1) * m4 - 3 * (n - 1) ** 2 * m2**2) / ((n - 2) * (n - 3) * m2**2)

        return self._each(answer)

    def slope(self):
        out = []
        for start, end in self.bounds:
            n = self.count[end] - self.count[start]
            t, tt, tx = (sums[end] - sums[start] for sums in self.rows)
            x = self.powers[0][end] - self.powers[0][start]
            spread = n * tt - t * t
            out.append((n * tx - t * x) / (spread << self.x_shift) if spread else math.nan)
        return np.array(out)

    def slope_scale(self):
        """std(x) / std(rows): the largest slope that the window could have."""
        out = []
        for start, end in self.bounds:
            n = self.count[end] - self.count[start]
            t, tt, _ = (sums[end] - sums[start] for sums in self.rows)
            x, xx = (power[end] - power[start] for power in self.powers[:2])
            out.append(root(n * xx - x * x, n * tt - t * t) if n > 1 else math.nan)
        return np.array(out) * 2.0**-self.x_shift

    def _co(self):
        for start, end in self.bounds:
            n = self.pairs[end] - self.pairs[start]
            x, y, xx, yy, xy = (sums[end] - sums[start] for sums in self.pair_sums)
            yield n, n * xx - x * x, n * yy - y * y, n * xy - x * y

    def corr(self):
        return np.array([math.copysign(root(c * c, a * b), c) for _, a, b, c in self._co()])

    def cov(self):
        shift = self.x_shift + self.y_shift
        return np.array([c / (n * (n - 1) << shift) if n > 1 else math.nan
                         for n, _, _, c in self._co()])  # fmt: skip

    def cov_scale(self):
        scale = 2.0 ** -(self.x_shift + self.y_shift)
        return np.array([math.sqrt(a * b) / (n * (n - 1)) * scale if n > 1 else math.nan
                         for n, a, b, _ in self._co()])  # fmt: skip


@functools.cache
def exact(case, window):
    return Exact(series(case, 1), series(case, 2), window)


def worst(ours, theirs, scale):
    """Largest error in units of `scale`; where the scale is 0 the answer must be exact."""
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    here = ~np.isnan(theirs)
    ours, theirs, scale = ours[here], theirs[here], scale[here]
    error = np.abs(ours - theirs)
    assert (error[scale == 0] == 0).all()
    scale = np.where(scale == 0, 1.0, scale)
    return (error / scale).max(initial=0)


# --- the bound ---------------------------------------------------------------------------------

RELATIVE_TO = {
    "sum": lambda exact, theirs: exact.mean_of_absolute(),
    "mean": lambda exact, theirs: exact.mean_of_absolute(),
    "var": lambda exact, theirs: np.abs(theirs),
    "std": lambda exact, theirs: np.abs(theirs),
    "sem": lambda exact, theirs: np.abs(theirs),
    "zscore": lambda exact, theirs: np.maximum(1, np.abs(theirs)),
    "skew": lambda exact, theirs: np.maximum(1, np.abs(theirs)),
    "kurt": lambda exact, theirs: np.maximum(1, np.abs(theirs)),
    "corr": lambda exact, theirs: np.maximum(1, np.abs(theirs)),
    "cov": lambda exact, theirs: exact.cov_scale(),
    "slope": lambda exact, theirs: exact.slope_scale(),
}

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)


def answers(name, case, window, **options):
    x, y = series(case, 1), series(case, 2)
    data = (x, y) if name in ("corr", "cov") else (x,)
    return getattr(rolling, name)(*data, window, min_periods=1, **options)


@cases
@pytest.mark.parametrize("name", RELATIVE_TO)
def test_no_value_leaves_a_trace(name, case):
    for window in WINDOWS:
        theirs = getattr(exact(case, window), name)()
        scale = RELATIVE_TO[name](exact(case, window), theirs)
        assert worst(answers(name, case, window), theirs, scale) <= BOUND, window


@cases
@pytest.mark.parametrize("name", ["sum", "mean"])
def test_compensated_sums_are_right_themselves(name, case):
    for window in WINDOWS:
        theirs = getattr(exact(case, window), name)()
        ours = answers(name, case, window, compensated=True)
        assert worst(ours, theirs, np.abs(theirs)) <= BOUND, window


@pytest.mark.parametrize("case", [constant, plateaus, noise_then_constant])
def test_equal_values_have_no_variance(case):
    for window in WINDOWS:
        for name in ("var", "std", "sem"):
            flat = exact(case, window).var() == 0
            assert flat.any()
            assert (answers(name, case, window)[flat] == 0).all()
        flat = exact(case, window).var() == 0
        for name in ("zscore", "skew", "kurt"):
            assert np.isnan(answers(name, case, window)[flat]).all()


@cases
def test_order_statistics_are_exact(case):
    x = series(case, 1)
    finite = np.where(np.isfinite(x), x, np.nan)
    for window in WINDOWS:
        padded = np.concatenate([np.full(window - 1, np.nan), finite])
        table = np.sort(np.lib.stride_tricks.sliding_window_view(padded, window), axis=1)
        count = (~np.isnan(table)).sum(axis=1)
        # NaN sort last, so the present values of a row are its first `count`.
        at = functools.partial(np.take_along_axis, table, axis=1)
        low = at(np.maximum((count - 1) // 2, 0)[:, None])[:, 0]
        high = at((count // 2)[:, None].clip(max=window - 1))[:, 0]
        np.testing.assert_array_equal(answers("min", case, window), np.fmin.reduce(table, axis=1))
        np.testing.assert_array_equal(answers("max", case, window), np.fmax.reduce(table, axis=1))
        middle = np.where(count == 0, np.nan, low / 2 + high / 2)
        np.testing.assert_array_max_ulp(answers("median", case, window), middle)
        lower = answers("quantile", case, window, q=0.5, interpolation="lower")
        higher = answers("quantile", case, window, q=0.5, interpolation="higher")
        np.testing.assert_array_equal(lower, low)
        np.testing.assert_array_equal(higher, np.where(count == 0, np.nan, high))


@pytest.mark.parametrize("case", [noise, offset, one_spike, spikes, scale_falls, octet_counter])
def test_the_median_deviation_is_measured_from_the_exact_median(case):
    x = series(case, 1)[:400]
    window = 20
    whole, shift = whole_numbers(x)
    theirs = []
    for i in range(len(x)):
        values = sorted(whole[max(0, i + 1 - window) : i + 1])
        n = len(values)
        twice = values[(n - 1) // 2] + values[n // 2]
        apart = sorted(abs(2 * v - twice) for v in values)
        theirs.append((apart[(n - 1) // 2] + apart[n // 2]) / (4 << shift))
    theirs = np.array(theirs)
    ours = rolling.mad(x, window, min_periods=1)
    assert worst(ours, theirs, theirs) <= BOUND


@pytest.mark.parametrize("name", ["mean", "var", "skew", "corr"])
def test_the_start_of_a_series_does_not_change_its_end(name):
    """The same rows give the same answer to the bound, whatever came before them."""
    for case in (spikes, scale_falls, alternating_then_noise):
        x, y = series(case, 1), series(case, 2)
        for window in WINDOWS:
            late = N // 2 + window
            data = (x, y) if name == "corr" else (x,)
            whole = getattr(rolling, name)(*data, window)[late:]
            tail = [d[late - window + 1 :] for d in data]
            part = getattr(rolling, name)(*tail, window)[window - 1 :]
            scale = exact(case, window).mean_of_absolute()[late:] if name == "mean" else 1
            scale = np.maximum(np.abs(part), 1) if name in ("skew", "corr") else scale
            scale = np.abs(part) if name == "var" else scale
            assert (np.abs(whole - part) / scale).max() <= 2 * BOUND


def test_ieee_infinities_leave_no_trace():
    """An infinite mean lasts as long as the infinite value stays in the window."""
    x = series(noise, 1).copy()
    x[[200, 700, 710]] = np.inf, np.inf, -np.inf
    finite = np.where(np.isinf(x), 0, x)
    for window in WINDOWS:
        ours = rolling.mean(x, window, min_periods=1, infinity="ieee")
        up = np.convolve(x == np.inf, np.ones(window))[:N] > 0
        down = np.convolve(x == -np.inf, np.ones(window))[:N] > 0
        assert (ours[up & ~down] == np.inf).all()
        assert (ours[down & ~up] == -np.inf).all()
        assert np.isnan(ours[up & down]).all()
        ordinary = ~(up | down)
        same = rolling.mean(finite, window, min_periods=1)
        np.testing.assert_allclose(ours[ordinary], same[ordinary], rtol=0, atol=BOUND)


# --- exponential weights -----------------------------------------------------------------------


def exact_ewm(x, bits):
    """Weighted mean and biased variance, with alpha = 2**-bits and adjusted weights."""
    whole, shift = whole_numbers(x)
    keep = 2**bits - 1
    means, variances, absolutes = [], [], []
    weight = total = squares = absolute = 0
    for i, v in enumerate(whole):
        # Every weight is a whole number of (2**-bits)**i.
        new = 1 << (bits * i)
        weight, total = weight * keep + new, total * keep + new * v
        squares, absolute = squares * keep + new * v * v, absolute * keep + new * abs(v)
        means.append(total / (weight << shift))
        absolutes.append(absolute / (weight << shift))
        variances.append((weight * squares - total**2) / (weight**2 << 2 * shift))
    return np.array(means), np.array(variances), np.array(absolutes)


@pytest.mark.parametrize("case", [c for c in CASES if c is not gaps], ids=lambda c: c.__name__)
def test_ewm_mean_and_variance_are_accurate(case):
    x = series(case, 1)[:600] if case is not scale_falls else series(case, 1)[500:1100]
    means, variances, absolutes = exact_ewm(x, bits=3)
    assert worst(rolling.ewm_mean(x, alpha=1 / 8), means, absolutes) <= BOUND
    ours = rolling.ewm_var(x, alpha=1 / 8, bias=True)
    assert worst(ours[1:], variances[1:], variances[1:]) <= BOUND


# --- single precision --------------------------------------------------------------------------


def test_single_precision_data_are_summed_in_double(rng):
    x = (1e4 + rng.normal(size=100_000)).astype(np.float32)
    double = x.astype(np.float64)
    for name in ("mean", "std", "var", "skew", "median"):
        ours = getattr(rolling, name)(x, 100)
        assert ours.dtype == np.float32
        theirs = getattr(rolling, name)(double, 100).astype(np.float32)
        np.testing.assert_array_equal(ours, theirs)
