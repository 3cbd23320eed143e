"""One-call answers from a wavelet transform: scaling, variance by scale, noise, deviation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np

from linewatch import _edge
from linewatch._wavelets import as_discrete
from linewatch._window_features import MOST_LEVELS, real, whole
from linewatch.wavelet._dwt import wavedec, waverec
from linewatch.wavelet._swt import imodwt, modwt
from linewatch.wavelet._threshold import threshold as shrink

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal

    import polars as pl
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

    from linewatch._typing import Array, Column, Floats, SeriesT
    from linewatch._wavelets import Wavelet


def _series(x, least, name="x"):
    """A series without gaps."""
    held = _edge.series(x, name)
    values = held.values
    if values.ndim != 1:
        raise ValueError(f"{name} must have 1 dimension, got {values.ndim}")
    if len(values) < least:
        raise ValueError(f"{name} must have at least {least} values, got {len(values)}")
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise ValueError(
            f"{name} must be finite, but {name}[{bad[0]}] is {values[bad[0]]} (fill gaps first)"
        )
    return held


@dataclass(frozen=True)
class LogScaleDiagram:
    """Energy by octave and the line through it, as `hurst` finds them.

    Attributes
    ----------
    hurst, low, high : float
        The Hurst exponent and its confidence interval.
    alpha : float
        Slope of the line: the scaling exponent.
    octaves : ndarray of int
        All octaves with coefficients free of the ends; 1 is the finest.
    log2_energy : ndarray
        Logarithm of the mean energy of each octave, freed of its bias.
    sigma : ndarray
        Its standard deviation.
    counts : ndarray of int
        Its coefficients.
    fitted : tuple of int
        First and last octave of the line.
    intercept : float
        The line at octave 0.

    Examples
    --------
    >>> import numpy as np
    >>> from linewatch import wavelet
    >>> noise = np.random.default_rng(0).normal(size=4096)
    >>> found = wavelet.hurst(noise)
    >>> float(round(found.hurst, 1))
    0.5
    """

    hurst: float
    low: float
    high: float
    alpha: float
    octaves: np.ndarray
    log2_energy: np.ndarray
    sigma: np.ndarray
    counts: np.ndarray
    fitted: tuple[int, int]
    intercept: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the diagram with 95 % intervals.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        if ax is None:
            try:
                import matplotlib.pyplot as plt
            except ImportError:
                raise ImportError('plot needs matplotlib: pip install "linewatch[plots]"') from None
            _, ax = plt.subplots(figsize=(6, 4), layout="constrained")
        ax.errorbar(
            self.octaves, self.log2_energy, 1.96 * self.sigma, fmt="o", capsize=3, color="C0"
        )
        ends = np.array(self.fitted)
        label = f"H = {self.hurst:.2f} ({self.low:.2f} to {self.high:.2f})"
        ax.plot(ends, self.intercept + self.alpha * ends, color="C3", label=label)
        ax.set(xlabel="octave (1 is the finest)", ylabel="log2 of mean energy")
        ax.legend()
        return ax


def hurst(
    x: Column,
    wavelet: str | Wavelet = "db3",
    *,
    octaves: tuple[int, int] | None = None,
    kind: Literal["noise", "motion"] = "noise",
    confidence: float = 0.95,
) -> LogScaleDiagram:
    """Hurst exponent of traffic from the log-scale diagram of Abry and Veitch.

    Parameters
    ----------
    x : array-like of float, shape (n,)
        Equally spaced values, such as packets per 10 ms. No gaps.
    wavelet : str or Wavelet, default="db3"
        With more vanishing moments than the degree of a polynomial trend.
    octaves : (int, int), optional
        First and last octave of the line; by default from 3 to the last with 8 coefficients. Look
        at the diagram: the line should pass through the intervals.
    kind : {"noise", "motion"}, default="noise"
        Stationary increments such as counts, or their running sum.
    confidence : float, default=0.95
        Of the interval.

    Returns
    -------
    LogScaleDiagram
        With ``hurst``, ``low``, ``high`` and ``plot()``. 0.5 is no memory; above it a busy second
        makes the next ones likely to be busy.

    Raises
    ------
    ValueError
        If there are gaps, too few values for two octaves, or octaves that `x` does not have.

    Notes
    -----
    Coefficients that feel the ends are left out. The interval assumes Gaussian coefficients
    without correlation, as the paper does.

    References
    ----------
    .. [1] Abry, P. and Veitch, D. (1998). Wavelet analysis of long-range-dependent traffic. IEEE
       Transactions on Information Theory 44(1), 2-15.

    Examples
    --------
    >>> import numpy as np
    >>> from linewatch import wavelet
    >>> noise = np.random.default_rng(1).normal(size=20_000)
    >>> found = wavelet.hurst(noise)
    >>> bool(found.low < 0.5 < found.high)
    True
    """
    from scipy.special import digamma, ndtri, zeta

    if kind not in ("noise", "motion"):
        raise ValueError(f"kind must be 'noise' or 'motion', got {kind!r}")
    if not 0 < real(confidence, "confidence") < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    wavelet = as_discrete(wavelet)
    taps = wavelet.dec_len
    values = _series(x, 4 * taps).values.astype(np.float64)
    most = max(int(np.log2(len(values) / (taps - 1))), 1)
    details = wavedec(values, wavelet, "zero", most)[:0:-1]
    found = []
    first, end = 0, len(values)
    for octave, detail in enumerate(details, 1):
        # Coefficient i reads places 2 i + 2 - taps to 2 i + 1 of the octave before.
        first, end = (first + taps - 1) // 2, end // 2
        inner = detail[first:end]
        if len(inner) < 2:
            break
        found.append((octave, len(inner), np.mean(inner**2)))
    js, counts, energies = map(np.array, zip(*found))
    # What rounding alone leaves in an octave.
    rounding = (4 * np.finfo(np.float64).eps * np.abs(values).max()) ** 2 * 2.0**js
    half = counts / 2
    with np.errstate(divide="ignore"):
        energy = np.log2(energies)
    y = energy - (digamma(half) / np.log(2) - np.log2(half))
    sigma = np.sqrt(zeta(2, half)) / np.log(2)
    enough = js[counts >= 8]
    if octaves is None:
        last = int(enough[-1]) if len(enough) else int(js[-1])
        low_octave, high_octave = (3 if last >= 4 else 1), last
    else:
        low_octave, high_octave = (whole(j, "octaves", 1) for j in octaves)
    if not low_octave < high_octave <= js[-1]:
        raise ValueError(
            f"octaves must be two from 1 to {js[-1]}, the first below the last, got "
            f"({low_octave}, {high_octave})"
        )
    use = slice(low_octave - 1, high_octave)
    if not np.all(energies[use] > rounding[use]):
        raise ValueError("x has an octave without energy; a constant or smooth x has no exponent")
    j, weight = js[use].astype(float), sigma[use] ** -2
    s0, s1, s2 = weight.sum(), (weight * j).sum(), (weight * j * j).sum()
    slope = (s0 * j - s1) * weight / (s0 * s2 - s1**2)
    alpha = float(slope @ y[use])
    spread = float(np.sqrt(np.sum((slope * sigma[use]) ** 2)))
    intercept = float((weight @ y[use] - alpha * s1) / s0)
    reach = float(ndtri(0.5 + confidence / 2)) * spread / 2
    exponent = (alpha + 1) / 2 if kind == "noise" else (alpha - 1) / 2
    return LogScaleDiagram(
        exponent,
        exponent - reach,
        exponent + reach,
        alpha,
        js,
        y,
        sigma,
        counts,
        (low_octave, high_octave),
        intercept,
    )


class WaveletVariance(NamedTuple):
    """Variance by scale, as `variance` finds it.

    Examples
    --------
    >>> import numpy as np
    >>> from linewatch import wavelet
    >>> noise = np.random.default_rng(0).normal(size=4096)
    >>> found = wavelet.variance(noise)
    >>> bool(abs(sum(found.variance) - 1) < 0.1)
    True
    """

    scale: np.ndarray
    variance: np.ndarray
    low: np.ndarray
    high: np.ndarray


def variance(
    x: Column, wavelet: str | Wavelet = "db4", level: int | None = None, *, confidence: float = 0.95
) -> WaveletVariance:
    """Variance of a series by scale: how much its averages over each scale change.

    Parameters
    ----------
    x : array-like of float, shape (n,)
        Equally spaced values without gaps.
    wavelet : str or Wavelet, default="db4"
        An orthogonal one.
    level : int, optional
        Scales; by default as many as have coefficients free of the ends.
    confidence : float, default=0.95
        Of the interval.

    Returns
    -------
    WaveletVariance
        ``scale`` (1, 2, 4, ... rows), ``variance`` in the squared unit of `x`, and its interval
        ``low``, ``high``. Of a stationary series the variances add up to its variance.

    Raises
    ------
    ValueError
        If there are gaps, too few values, or `level` is too high.

    References
    ----------
    .. [1] Percival, D. B. (1995). On estimation of the wavelet variance. Biometrika 82, 619-631.
       The unbiased estimator; the interval has max(M / 2**j, 1) degrees of freedom.

    Examples
    --------
    White noise halves its variance with every scale.

    >>> import numpy as np
    >>> from linewatch import wavelet
    >>> noise = np.random.default_rng(1).normal(size=50_000)
    >>> wavelet.variance(noise, level=3).variance.round(2)
    array([0.5 , 0.25, 0.12])
    """
    from scipy.special import chdtri

    if not 0 < real(confidence, "confidence") < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    wavelet = as_discrete(wavelet)
    if not wavelet.orthogonal:
        raise ValueError(f"wavelet must be orthogonal, got {wavelet.name!r}")
    taps = wavelet.dec_len
    values = _series(x, taps).values.astype(np.float64)
    n = len(values)
    # Coefficients of level j read (2**j - 1) (taps - 1) + 1 values.
    most = int(np.log2((n - 1) / (taps - 1) + 1))
    level = most if level is None else whole(level, "level", 1)
    if level > most:
        raise ValueError(f"level must be at most {most} for {n} values, got {level}")
    details = modwt(values, wavelet, level)[:0:-1]
    scale = 2 ** np.arange(level)
    found, low, high = np.empty((3, level))
    for j, detail in enumerate(details, 1):
        inner = detail[(2**j - 1) * (taps - 1) :]
        found[j - 1] = np.mean(inner**2)
        freedom = max(len(inner) / 2**j, 1.0)
        tail = (1 - confidence) / 2
        low[j - 1] = freedom * found[j - 1] / chdtri(freedom, tail)
        high[j - 1] = freedom * found[j - 1] / chdtri(freedom, 1 - tail)
    return WaveletVariance(scale, found, low, high)


@overload
def denoise(
    x: SeriesT,
    wavelet: str | Wavelet = ...,
    level: int | None = ...,
    mode: str | int = ...,
    *,
    threshold: Literal["soft", "hard", "garrote"] = ...,
    sigma: float | None = ...,
) -> SeriesT: ...
@overload
def denoise(
    x: ArrayLike,
    wavelet: str | Wavelet = ...,
    level: int | None = ...,
    mode: str | int = ...,
    *,
    threshold: Literal["soft", "hard", "garrote"] = ...,
    sigma: float | None = ...,
) -> Floats: ...
def denoise(x, wavelet="sym8", level=None, mode="symmetric", *, threshold="soft", sigma=None):
    """The series without its noise: small details are taken for noise.

    Parameters
    ----------
    x : array-like of float, shape (n,)
        Equally spaced values without gaps.
    wavelet, level, mode
        As for `wavedec`.
    threshold : {"soft", "hard", "garrote"}, default="soft"
        As `mode` of `linewatch.wavelet.threshold`.
    sigma : float, optional
        Standard deviation of the noise; by default the median absolute detail of the finest level
        over 0.6745, which a few events do not disturb.

    Returns
    -------
    Same kind as `x`
        In its unit.

    Raises
    ------
    ValueError
        If there are gaps, or an argument is unknown.

    References
    ----------
    .. [1] Donoho, D. L. and Johnstone, I. M. (1994). Ideal spatial adaptation by wavelet
       shrinkage. Biometrika 81(3), 425-455: the universal threshold, sigma sqrt(2 ln n).

    Examples
    --------
    >>> import numpy as np
    >>> from linewatch import wavelet
    >>> clean = np.repeat([1.0, 5.0], 200)
    >>> noisy = clean + np.random.default_rng(1).normal(size=400)
    >>> better = wavelet.denoise(noisy, "haar")
    >>> bool(np.std(better - clean) < 0.5 * np.std(noisy - clean))
    True
    """
    if threshold not in ("soft", "hard", "garrote"):
        raise ValueError(f"threshold must be 'soft', 'hard' or 'garrote', got {threshold!r}")
    held = _series(x, 2)
    values = held.values
    bands = wavedec(values, wavelet, mode, level)
    if sigma is None:
        sigma = float(np.median(np.abs(bands[-1]))) / 0.6745 if len(bands) > 1 else 0.0
    elif not np.isfinite(sigma) or sigma < 0:
        raise ValueError(f"sigma must be at least 0, got {sigma}")
    limit = float(sigma) * np.sqrt(2 * np.log(len(values)))
    if limit > 0:
        bands[1:] = [shrink(band, values.dtype.type(limit), threshold) for band in bands[1:]]
    return held.wrap(waverec(bands, wavelet, mode)[: len(values)].astype(values.dtype))


@overload
def deviation(
    x: NDArray[Any] | Sequence[float],
    window: int,
    wavelet: str | Wavelet = ...,
    *,
    high: int = ...,
    mid: int = ...,
    weights: tuple[float, float] = ...,
    threshold: float = ...,
    robust: bool = ...,
) -> dict[str, Array]: ...
@overload
def deviation(
    x: pl.Series,
    window: int,
    wavelet: str | Wavelet = ...,
    *,
    high: int = ...,
    mid: int = ...,
    weights: tuple[float, float] = ...,
    threshold: float = ...,
    robust: bool = ...,
) -> pl.DataFrame: ...
@overload
def deviation(
    x: Column,
    window: int,
    wavelet: str | Wavelet = ...,
    *,
    high: int = ...,
    mid: int = ...,
    weights: tuple[float, float] = ...,
    threshold: float = ...,
    robust: bool = ...,
) -> Any: ...
def deviation(
    x, window, wavelet="db4", *, high=2, mid=5, weights=(0.5, 0.5), threshold=2.0, robust=True
):
    """Deviation score of traffic: how lively the fine structure is here, against elsewhere.

    A detector in one call, after Barford et al. [1]_: outages, flash crowds, attacks and faults of
    measurement show as a sharp rise of the local variance of the filtered signal.

    Parameters
    ----------
    x : array-like of float, shape (n,)
        Equally spaced values without gaps, such as bytes per 5 minutes.
    window : int
        Rows of the moving window, about as long as the anomalies looked for.
    wavelet : str or Wavelet, default="db4"
        See `wavelist`.
    high, mid : int, default=2 and 5
        Levels 1 to `high` make the high part (changes within ``2 ** high`` rows), those up to
        `mid` the mid part; what is slower, such as day and week, is left out.
    weights : (float, float), default=(0.5, 0.5)
        Of the high and the mid part in the score.
    threshold : float, default=2.0
        Scores above it are anomalies.
    robust : bool, default=True
        Parts are scaled by their median absolute value rather than their standard deviation, so
        that a large anomaly does not hide others.

    Returns
    -------
    Table or dict of the kind of `x`
        ``score``, the weighted sum of the local variances of both parts, each over that of the
        whole series: about 1 where nothing happens. ``is_anomaly``, whether it exceeds
        `threshold`.

    Raises
    ------
    ValueError
        If there are gaps, too few values for the levels, or an argument is out of range.

    Notes
    -----
    From the paper is the idea: a sharp increase of the local variance of filtered traffic exposes
    its four classes of anomalies. How the score is made here is ours, and no figure of the paper
    was reproduced: the wavelet (the paper has a pseudo-spline filter), the levels of the two parts,
    taken from a maximal-overlap transform of the signal and its mirror image, their scale, the
    centered window, the weighted sum and its threshold.

    References
    ----------
    .. [1] Barford, P., Kline, J., Plonka, D. and Ron, A. (2002). A signal analysis of network
       traffic anomalies. Proceedings of the 2nd ACM SIGCOMM Workshop on Internet Measurement,
       71-82.

    Examples
    --------
    >>> import numpy as np
    >>> from linewatch import wavelet
    >>> traffic = np.random.default_rng(1).normal(100, 1, 600)
    >>> traffic[300:310] += [20, -20] * 5
    >>> found = wavelet.deviation(traffic, window=12)
    >>> int(found["score"].argmax()) in range(295, 315)
    True
    """
    from linewatch import rolling

    window = whole(window, "window", 2)
    high, mid = whole(high, "high", 1), whole(mid, "mid", 1, MOST_LEVELS)
    if mid <= high:
        raise ValueError(f"mid must be above high ({high}), got {mid}")
    if len(weights) != 2 or min(weights) < 0 or sum(weights) <= 0:
        raise ValueError(f"weights must be two numbers of at least 0, got {weights!r}")
    threshold = real(threshold, "threshold")
    held = _series(x, max(2**mid, window))
    values = held.values.astype(np.float64)
    n = len(values)
    both = np.concatenate([values, values[::-1]])
    bands = modwt(both, wavelet, mid)
    score = np.zeros(n)
    # The bands from the second on are the details, from `mid` down to 1.
    choices = [range(mid - high + 1, mid + 1), range(1, mid - high + 1)]
    for weight, kept in zip(weights, choices):
        chosen = [b if k in kept else np.zeros_like(b) for k, b in enumerate(bands)]
        part = imodwt(chosen, wavelet)[:n]
        scale = np.median(np.abs(part)) / 0.6745 if robust else part.std()
        if scale > 0:
            local = rolling.var(part / scale, window, center=True, min_periods=2)
            score += weight / sum(weights) * local
    return held.wrap_many({"score": score, "is_anomaly": score > threshold})
