"""The decimated transform, one level or many, and its inverse."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from linewatch._wavelets import as_discrete, mode_name
from linewatch._window_features import MOST_LEVELS, whole
from linewatch.wavelet._arrays import alike, as_axis, as_numbers, by_parts, check_filled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from numpy.typing import ArrayLike

    from linewatch._typing import Array, Column
    from linewatch._wavelets import Wavelet


# One level -------------------------------------------------------------------------------------


def dwt(
    data: Column, wavelet: str | Wavelet, mode: str | int = "symmetric", axis: int = -1
) -> tuple[Array, Array]:
    """Approximation and detail of one level.

    Parameters
    ----------
    data : array-like of float or complex
        Along `axis` equally spaced values of a signal; the other axes hold more signals. Real and
        whole numbers become float64, float16 becomes float32.
    wavelet : str or Wavelet
        See `wavelist`.
    mode : str, default="symmetric"
        How the signal goes on beyond its ends: one of `Modes.modes`.
    axis : int, default=-1
        The axis to transform.

    Returns
    -------
    cA, cD : ndarray
        Along `axis` they have ``(n + taps - 1) // 2`` values, in mode ``"periodization"``
        ``ceil(n / 2)``.

    Raises
    ------
    ValueError
        For an unknown wavelet or mode, with the nearest known one; an empty axis; one value in a
        mode that mirrors at it.

    References
    ----------
    .. [1] Mallat, S. (1989). A theory for multiresolution signal decomposition. IEEE Transactions
       on Pattern Analysis and Machine Intelligence 11(7), 674-693.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> approximation, detail = wavelet.dwt([1, 2, 3, 4, 5, 6], "db1")
    >>> approximation
    array([2.12132034, 4.94974747, 7.77817459])
    >>> detail
    array([-0.70710678, -0.70710678, -0.70710678])
    """
    data = as_numbers(data)
    axis = as_axis(axis, data.ndim)
    bank, mode = as_discrete(wavelet)._bank, mode_name(mode)
    check_filled(data, axis)
    low, high = by_parts(lambda x: bank.wavedec(x, mode, 1, axis), data)
    return low, high


def idwt(
    cA: Column | None,
    cD: Column | None,
    wavelet: str | Wavelet,
    mode: str | int = "symmetric",
    axis: int = -1,
) -> Array:
    """Signal from the approximation and detail of one level.

    Parameters
    ----------
    cA, cD : array-like or None
        Coefficients of one shape; None stands for zeros.
    wavelet, mode, axis
        As for `dwt`.

    Returns
    -------
    ndarray
        Along `axis` ``2 * n - taps + 2`` values, in mode ``"periodization"`` ``2 * n``: one more
        than the signal had if that was of odd length.

    Raises
    ------
    ValueError
        If both are None, their shapes differ, or they are shorter than half the filter.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.idwt(*wavelet.dwt([1, 2, 3, 4, 5, 6], "db2"), "db2").round(12)
    array([1., 2., 3., 4., 5., 6.])
    """
    if cA is None and cD is None:
        raise ValueError("cA and cD are both None; at least one must hold coefficients")
    low = None if cA is None else as_numbers(cA, "cA")
    high = None if cD is None else as_numbers(cD, "cD")
    low = np.zeros_like(high) if low is None else low
    high = np.zeros_like(low) if high is None else high
    low, high = alike(low, high)
    axis = as_axis(axis, low.ndim)
    bank, mode = as_discrete(wavelet)._bank, mode_name(mode)
    if low.shape != high.shape:
        raise ValueError(f"cA and cD must have the same shape, got {low.shape} and {high.shape}")
    return by_parts(lambda a, d: bank.idwt(a, d, mode, axis), low, high)


def downcoef(
    part: Literal["a", "d"],
    data: Column,
    wavelet: str | Wavelet,
    mode: str | int = "symmetric",
    level: int = 1,
) -> Array:
    """Only the approximation, or only the detail, of one level.

    Parameters
    ----------
    part : {"a", "d"}
        Approximation or detail.
    data : array-like, shape (n,)
        The signal.
    wavelet, mode
        As for `dwt`.
    level : int, default=1
        Which level.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        As for `dwt`; also if `data` is not of one dimension, and where a mode that mirrors meets
        a single value on the way down.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.downcoef("a", [1, 2, 3, 4, 5, 6, 7, 8], "haar", level=3).round(6)
    array([12.727922])
    """
    data = as_numbers(data)
    if data.ndim != 1:
        raise ValueError(f"data must have 1 dimension, got {data.ndim}")
    detail, level = _part(part), whole(level, "level", 1, MOST_LEVELS)
    bank, mode = as_discrete(wavelet)._bank, mode_name(mode)
    return by_parts(lambda x: bank.downcoef(x, mode, level, detail), data)


def _part(part):
    if part not in ("a", "d"):
        raise ValueError(f"part must be 'a' or 'd', got {part!r}")
    return part == "d"


def upcoef(
    part: Literal["a", "d"], coeffs: Column, wavelet: str | Wavelet, level: int = 1, take: int = 0
) -> Array:
    """Signal that coefficients of one level alone make, ends included.

    Parameters
    ----------
    part : {"a", "d"}
        What the coefficients are: approximation or detail.
    coeffs : array-like, shape (n,)
        Coefficients of that level.
    wavelet : str or Wavelet
        See `wavelist`.
    level : int, default=1
        Which level.
    take : int, default=0
        If above 0, the middle of the result, of so many values.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If `coeffs` is empty or not of one dimension, or `level` below 1.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.upcoef("a", [2.0, 4.0], "haar").round(6)
    array([1.414214, 1.414214, 2.828427, 2.828427])
    """
    coeffs = as_numbers(coeffs, "coeffs")
    if coeffs.ndim != 1 or not coeffs.size:
        raise ValueError(f"coeffs must have 1 dimension and a value, got shape {coeffs.shape}")
    detail, level = _part(part), whole(level, "level", 1, MOST_LEVELS)
    bank = as_discrete(wavelet)._bank
    out = by_parts(lambda x: bank.upcoef(x, level, detail), coeffs)
    spare = len(out) - take
    if take > 0 and spare > 0:
        out = out[spare // 2 : spare // 2 + take]
    return out


# Lengths and levels ----------------------------------------------------------------------------


def dwt_max_level(data_len: int, filter_len: int | str | Wavelet) -> int:
    """Levels at which at least one coefficient is free of the boundary.

    Parameters
    ----------
    data_len : int
        Values of the signal.
    filter_len : int, str or Wavelet
        Taps of the filter, or a wavelet.

    Returns
    -------
    int
        ``floor(log2(data_len / (filter_len - 1)))``, at least 0.

    Raises
    ------
    ValueError
        If `filter_len` is below 2 or no whole number, or `data_len` negative.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.dwt_max_level(256, "db4"), wavelet.dwt_max_level(50, 8)
    (5, 2)
    """
    if isinstance(filter_len, str):
        filter_len = as_discrete(filter_len).dec_len
    elif hasattr(filter_len, "dec_len"):
        filter_len = filter_len.dec_len
    elif not (isinstance(filter_len, int | float | np.number) and filter_len == int(filter_len)):
        raise ValueError(f"filter_len must be a whole number, got {filter_len!r}")
    if filter_len < 2:
        raise ValueError(f"filter_len must be at least 2, got {filter_len}")
    if data_len < 0:
        raise ValueError(f"data_len must be at least 0, got {data_len}")
    times = int(data_len) // (int(filter_len) - 1)
    return max(times.bit_length() - 1, 0)


def dwt_coeff_len(
    data_len: int, filter_len: int | str | Wavelet, mode: str | int = "symmetric"
) -> int:
    """Coefficients of one level, for each of approximation and detail.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.dwt_coeff_len(257, "db4"), wavelet.dwt_coeff_len(257, 8, "periodization")
    (132, 129)
    """
    if isinstance(filter_len, str):
        filter_len = as_discrete(filter_len)
    taps = getattr(filter_len, "dec_len", filter_len)
    data_len, taps = whole(data_len, "data_len", 1), whole(taps, "filter_len", 1)
    if mode_name(mode) == "periodization":
        return (data_len + 1) // 2
    return (data_len + taps - 1) // 2


def _check_level(n, taps, level):
    most = dwt_max_level(n, taps)
    if level is None:
        return most
    if isinstance(level, bool) or not isinstance(level, int | np.integer):
        raise TypeError(f"level must be a whole number, got {level!r}")
    if not 0 <= level <= MOST_LEVELS:
        bound = "at least 0" if level < 0 else f"at most {MOST_LEVELS}"
        raise ValueError(f"level must be {bound}, got {level}")
    if level > most:
        warnings.warn(
            f"Level value of {level} is too high: all coefficients will experience "
            "boundary effects.",
            stacklevel=3,
        )
    return int(level)


# Many levels -----------------------------------------------------------------------------------


def wavedec(
    data: Column,
    wavelet: str | Wavelet,
    mode: str | int = "symmetric",
    level: int | None = None,
    axis: int = -1,
) -> list[Array]:
    """Approximation and details of several levels.

    Parameters
    ----------
    data, wavelet, mode, axis
        As for `dwt`.
    level : int, optional
        Levels; `dwt_max_level` by default. A higher one warns: its coefficients all feel the
        ends.

    Returns
    -------
    list of ndarray
        The approximation, then the details from coarse to fine.

    Raises
    ------
    ValueError
        As for `dwt`; also if `level` is negative.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> approximation, *details = wavelet.wavedec([1, 2, 3, 4, 5, 6, 7, 8], "haar", level=2)
    >>> approximation
    array([ 5., 13.])
    """
    data = as_numbers(data)
    axis = as_axis(axis, data.ndim)
    wavelet, mode = as_discrete(wavelet), mode_name(mode)
    level = _check_level(data.shape[axis], wavelet.dec_len, level)
    check_filled(data, axis)
    return by_parts(lambda x: wavelet._bank.wavedec(x, mode, level, axis), data)


def waverec(
    coeffs: Sequence[ArrayLike | None],
    wavelet: str | Wavelet,
    mode: str | int = "symmetric",
    axis: int = -1,
    *,
    length: int | None = None,
) -> Array:
    """Signal from the coefficients of `wavedec`.

    Parameters
    ----------
    coeffs : list of ndarray
        The approximation, then the details from coarse to fine.
    wavelet, mode, axis
        As for `wavedec`.
    length : int, optional
        Values of the signal along `axis`. Without it a signal of odd length comes back one value
        longer, as in PyWavelets.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If `coeffs` is empty, holds something else than arrays, or lengths that do not follow from
        each other.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> bands = wavelet.wavedec([3.0, 1, 4, 1, 5], "haar")
    >>> wavelet.waverec(bands, "haar", length=5).round(12)
    array([3., 1., 4., 1., 5.])
    """
    if not isinstance(coeffs, list | tuple):
        raise ValueError(f"coeffs must be a list of arrays, got {type(coeffs).__name__}")
    if not coeffs:
        raise ValueError("coeffs must hold at least 1 array, got 0")
    low = coeffs[0]
    for place, high in enumerate(coeffs[1:], 1):
        if high is not None and not isinstance(high, np.ndarray):
            raise ValueError(
                f"Unexpected detail coefficient type: {type(high)}. coeffs[{place}] must be an "
                "array as returned by wavedec"
            )
        if low is not None and high is not None:
            low = _shortened(np.asarray(low), high, axis)
        low = idwt(low, high, wavelet, mode, axis)
    if length is not None:
        low = np.asarray(low)
        axis = as_axis(axis, low.ndim)
        length = whole(length, "length", 0)
        if not low.shape[axis] - 1 <= length <= low.shape[axis]:
            most = low.shape[axis]
            raise ValueError(f"length must be {most - 1} or {most}, got {length}")
        low = low[(slice(None),) * axis + (slice(length),)]
    return low


def _shortened(low, high, axis):
    """`low` without the value that an odd length has made too many."""
    axis = as_axis(axis, min(low.ndim, high.ndim))
    if low.shape[axis] == high.shape[axis] + 1:
        return low[tuple(slice(n) for n in high.shape)]
    if low.shape[axis] != high.shape[axis]:
        raise ValueError(
            f"coefficients do not fit: an approximation of {low.shape[axis]} values "
            f"meets a detail of {high.shape[axis]}"
        )
    return low
