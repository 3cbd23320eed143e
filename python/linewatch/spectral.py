"""What the spectrum and the order of the values in a window tell.

Every function takes windows as the rows of an array or frame, or one window, and gives a number for
each. `linewatch.wavelet.features` cuts the windows out of series and groups itself. A window with a
missing or infinite value has NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from linewatch._window_features import of_rows, plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import polars as pl
    from numpy.typing import NDArray

    from linewatch._typing import AnySeries, Data, Floats


__all__ = ["band_power", "dominant_frequency", "entropy", "permutation_entropy", "teager_energy"]


@overload
def entropy(x: pl.DataFrame, *, normalize: bool = ..., n_jobs: int | None = ...) -> pl.Series: ...
@overload
def entropy(x: AnySeries, *, normalize: bool = ..., n_jobs: int | None = ...) -> float: ...
@overload
def entropy(x: Data, *, normalize: bool = ..., n_jobs: int | None = ...) -> Any: ...
def entropy(x, *, normalize=True, n_jobs=None):
    """Entropy of the power spectrum: near 1 for noise, near 0 for a pure tone.

    Parameters
    ----------
    x : array-like of float, shape (n_windows, n) or (n,)
        Each row a window of at least 2 values, or one window.
    normalize : bool, default=True
        Over the logarithm of the number of bins, ``n // 2 + 1``; in bits otherwise.
    n_jobs : int, optional
        Threads, as in scikit-learn; the answers do not depend on it.

    Returns
    -------
    Same kind as `x`, shape (n_windows,); of one window a float
        0 for a window of equal values.

    Raises
    ------
    TypeError, ValueError
        If `x` does not hold numbers in one or two dimensions, or has no values in a window.

    Notes
    -----
    The mean is taken off; the spectrum is the one-sided one of `scipy.signal.periodogram`: bins
    that stand for two frequencies count twice, the zero frequency is 0.

    References
    ----------
    .. [1] Inouye, T. et al. (1991). Quantification of EEG irregularity by use of the entropy of the
       power spectrum. Electroencephalography and Clinical Neurophysiology 79(3), 204-210.

    Examples
    --------
    >>> import numpy as np
    >>> from linewatch import spectral
    >>> t = np.arange(128)
    >>> tone = np.sin(2 * np.pi * t / 8)
    >>> noise = np.random.default_rng(1).normal(size=128)
    >>> spectral.entropy(np.stack([tone, noise])).round(2)
    array([0.  , 0.88])
    """
    chosen = plan("spectral_entropy", normalize=normalize)
    return of_rows(x, chosen, n_jobs=n_jobs, scalar=True)


@overload
def band_power(
    x: pl.DataFrame,
    bands: Sequence[tuple[float, float]],
    *,
    sampling_rate: float = ...,
    n_jobs: int | None = ...,
) -> pl.DataFrame: ...
@overload
def band_power(
    x: AnySeries | NDArray[Any] | Sequence[Any],
    bands: Sequence[tuple[float, float]],
    *,
    sampling_rate: float = ...,
    n_jobs: int | None = ...,
) -> Floats: ...
@overload
def band_power(
    x: Data,
    bands: Sequence[tuple[float, float]],
    *,
    sampling_rate: float = ...,
    n_jobs: int | None = ...,
) -> Any: ...
def band_power(x, bands, *, sampling_rate=1.0, n_jobs=None):
    """Power of windows between frequencies.

    Parameters
    ----------
    x, n_jobs
        As for `entropy`.
    bands : sequence of (float, float)
        Lowest frequency, included, and highest, left out unless it is the highest of all, in hertz.
    sampling_rate : float, default=1.0
        Values a second.

    Returns
    -------
    ndarray, shape (n_windows, n_bands) or (n_bands,)
        In the squared unit of `x`; bands that cover all frequencies add up to the variance. Of a
        frame a frame.

    Raises
    ------
    ValueError
        If a band does not go from low to high.

    Examples
    --------
    >>> import numpy as np
    >>> from linewatch import spectral
    >>> tone = np.sin(2 * np.pi * np.arange(128) / 8)
    >>> spectral.band_power(tone, [(0, 0.1), (0.1, 0.5)]).round(6)
    array([0. , 0.5])
    """
    chosen = plan("band_power", bands=bands, sampling_rate=sampling_rate)
    return of_rows(x, chosen, n_jobs=n_jobs)


@overload
def dominant_frequency(
    x: pl.DataFrame, *, sampling_rate: float = ..., n_jobs: int | None = ...
) -> pl.Series: ...
@overload
def dominant_frequency(
    x: AnySeries, *, sampling_rate: float = ..., n_jobs: int | None = ...
) -> float: ...
@overload
def dominant_frequency(x: Data, *, sampling_rate: float = ..., n_jobs: int | None = ...) -> Any: ...
def dominant_frequency(x, *, sampling_rate=1.0, n_jobs=None):
    """Frequency with the most power in each window.

    Parameters
    ----------
    x, n_jobs
        As for `entropy`.
    sampling_rate : float, default=1.0
        Values a second.

    Returns
    -------
    Same kind as `x`, shape (n_windows,); of one window a float
        In hertz; 0 for a window of equal values.

    Examples
    --------
    Beacons every 8 seconds:

    >>> import numpy as np
    >>> from linewatch import spectral
    >>> packets = 10 + 3 * np.cos(2 * np.pi * np.arange(128) / 8)
    >>> spectral.dominant_frequency(packets)
    0.125
    """
    chosen = plan("dominant_frequency", sampling_rate=sampling_rate)
    return of_rows(x, chosen, n_jobs=n_jobs, scalar=True)


@overload
def permutation_entropy(
    x: pl.DataFrame,
    order: int = ...,
    delay: int = ...,
    *,
    normalize: bool = ...,
    n_jobs: int | None = ...,
) -> pl.Series: ...
@overload
def permutation_entropy(
    x: AnySeries,
    order: int = ...,
    delay: int = ...,
    *,
    normalize: bool = ...,
    n_jobs: int | None = ...,
) -> float: ...
@overload
def permutation_entropy(
    x: Data, order: int = ..., delay: int = ..., *, normalize: bool = ..., n_jobs: int | None = ...
) -> Any: ...
def permutation_entropy(x, order=3, delay=1, *, normalize=True, n_jobs=None):
    """Entropy of the order in which neighbouring values stand: low for regular windows.

    Parameters
    ----------
    x, n_jobs
        As for `entropy`.
    order : int, default=3
        Values in a pattern, from 2 to 8.
    delay : int, default=1
        Rows from one value of a pattern to the next.
    normalize : bool, default=True
        Over the logarithm of the number of patterns, ``order!``; in bits otherwise.

    Returns
    -------
    Same kind as `x`, shape (n_windows,); of one window a float
        NaN for a window too short for a pattern. Of equal values the earlier counts as the smaller.

    Raises
    ------
    ValueError
        If `order` or `delay` is out of range.

    References
    ----------
    .. [1] Bandt, C. and Pompe, B. (2002). Permutation entropy: a natural complexity measure for
       time series. Physical Review Letters 88, 174102.

    Examples
    --------
    The example of the paper:

    >>> from linewatch import spectral
    >>> x = [4.0, 7, 9, 10, 6, 11, 3]
    >>> round(spectral.permutation_entropy(x, order=3, normalize=False), 3)
    1.522
    """
    chosen = plan("permutation_entropy", order=order, delay=delay, normalize=normalize)
    return of_rows(x, chosen, n_jobs=n_jobs, scalar=True)


@overload
def teager_energy(x: pl.DataFrame, *, n_jobs: int | None = ...) -> pl.Series: ...
@overload
def teager_energy(x: AnySeries, *, n_jobs: int | None = ...) -> float: ...
@overload
def teager_energy(x: Data, *, n_jobs: int | None = ...) -> Any: ...
def teager_energy(x, *, n_jobs=None):
    """Mean of ``x[i] ** 2 - x[i - 1] * x[i + 1]``: grows with amplitude and frequency.

    Parameters
    ----------
    x, n_jobs
        As for `entropy`.

    Returns
    -------
    Same kind as `x`, shape (n_windows,); of one window a float
        In the squared unit of `x`; NaN for fewer than 3 values.

    References
    ----------
    .. [1] Kaiser, J. F. (1990). On a simple algorithm to calculate the energy of a signal.
       Proceedings of ICASSP, 381-384.

    Examples
    --------
    >>> from linewatch import spectral
    >>> spectral.teager_energy([0.0, 2, 0, -2, 0])
    4.0
    """
    return of_rows(x, plan("teager_energy"), n_jobs=n_jobs, scalar=True)
