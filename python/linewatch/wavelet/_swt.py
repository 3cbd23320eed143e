"""Transforms without decimation: stationary and maximal-overlap."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, overload

import numpy as np

from linewatch._wavelets import as_discrete
from linewatch._window_features import whole
from linewatch.wavelet._arrays import as_axis, as_numbers, bands_of, by_parts, check_filled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal

    from numpy.typing import ArrayLike

    from linewatch._typing import Array, Column
    from linewatch._wavelets import Wavelet


_ROOT = float(np.sqrt(0.5))


def swt_max_level(input_len: int) -> int:
    """Times that `input_len` can be halved: levels of the stationary transform.

    Raises
    ------
    ValueError
        If `input_len` is below 1.

    Warns
    -----
    UserWarning
        If it is odd.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.swt_max_level(96)
    5
    """
    n = whole(input_len, "input_len", 1)
    if n % 2:
        warnings.warn(
            f"{n} is odd: no level of the stationary transform is possible (modwt takes any "
            "length)",
            stacklevel=2,
        )
    return (n & -n).bit_length() - 1


@overload
def swt(
    data: Column,
    wavelet: str | Wavelet,
    level: int | None = ...,
    start_level: int = ...,
    axis: int = ...,
    trim_approx: Literal[False] = ...,
    norm: bool = ...,
) -> list[tuple[Array, Array]]: ...
@overload
def swt(
    data: Column,
    wavelet: str | Wavelet,
    level: int | None = ...,
    start_level: int = ...,
    axis: int = ...,
    *,
    trim_approx: Literal[True],
    norm: bool = ...,
) -> list[Array]: ...
@overload
def swt(
    data: Column,
    wavelet: str | Wavelet,
    level: int | None = ...,
    start_level: int = ...,
    axis: int = ...,
    trim_approx: bool = ...,
    norm: bool = ...,
) -> list[Any]: ...
def swt(data, wavelet, level=None, start_level=0, axis=-1, trim_approx=False, norm=False):
    """Stationary transform: every band has as many values as the signal.

    Parameters
    ----------
    data, wavelet, axis
        As for `dwt`; the signal is taken as periodic, and its length must be a multiple of
        ``2 ** level`` (`modwt` takes any length).
    level : int, optional
        Levels; `swt_max_level` by default.
    start_level : int, default=0
        Levels left out before the first.
    trim_approx : bool, default=False
        Return a list as `wavedec` does, with the last approximation alone.
    norm : bool, default=False
        Filters over the root of 2, so that an orthogonal wavelet with `trim_approx` keeps the
        energy.

    Returns
    -------
    list of (ndarray, ndarray)
        Approximation and detail of each level, coarse ones first.

    Raises
    ------
    ValueError
        If the length is odd or the level too high for it.

    References
    ----------
    .. [1] Nason, G. P. and Silverman, B. W. (1995). The stationary wavelet transform and some
       statistical applications. Wavelets and Statistics, Springer, 281-299.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> [(approximation, detail)] = wavelet.swt([1.0, 3, 2, 2], "haar", level=1)
    >>> detail.round(3)
    array([-1.414,  0.707,  0.   ,  0.707])
    """
    data = as_numbers(data)
    wavelet = as_discrete(wavelet)
    axis = as_axis(axis, data.ndim)
    n = data.shape[axis]
    if norm and not wavelet.orthogonal:
        warnings.warn(
            "norm=True, but the wavelet is not orthogonal: \n"
            "\tThe conditions for energy preservation are not satisfied.",
            stacklevel=2,
        )
    check_filled(data, axis)
    if n % 2:
        raise ValueError(f"data must have an even length along the axis, got {n} (see modwt)")
    most = swt_max_level(n)
    start_level = whole(start_level, "start_level", 0)
    if start_level >= most:
        raise ValueError(f"start_level must be below {most} for {n} values, got {start_level}")
    if level is None:
        level = most - start_level
    level = whole(level, "level", 1)
    if start_level + level > most:
        raise ValueError(
            f"level must be at most {most - start_level} for {n} values after start_level "
            f"{start_level}, got {level} (modwt takes any length)"
        )
    factor = _ROOT if norm else 1.0
    bank = wavelet._bank
    bands = by_parts(lambda x: bank.swt(x, level, start_level, axis, factor, False), data)
    pairs = [(bands[2 * j], bands[2 * j + 1]) for j in reversed(range(level))]
    return _trimmed(pairs) if trim_approx else pairs


def _trimmed(pairs):
    return [pairs[0][0], *(detail for _, detail in pairs)]


def iswt(
    coeffs: Sequence[Any], wavelet: str | Wavelet, norm: bool = False, axis: int = -1
) -> Array:
    """Signal from the coefficients of `swt`.

    Parameters
    ----------
    coeffs : list
        As `swt` returns it, with or without `trim_approx`.
    wavelet, norm, axis
        As for `swt`.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If `coeffs` is empty or its arrays differ in shape.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> bands = wavelet.swt([1.0, 3, 2, 2], "db2", level=2)
    >>> wavelet.iswt(bands, "db2").round(12)
    array([1., 3., 2., 2.])
    """
    if not isinstance(coeffs, list | tuple) or not len(coeffs):
        raise ValueError("coeffs must be a list with at least 1 level")
    trimmed = not isinstance(coeffs[0], list | tuple)
    bands = list(coeffs) if trimmed else [coeffs[0][0], *(detail for _, detail in coeffs)]
    wavelet = as_discrete(wavelet)
    bands, axis = bands_of(bands, axis)
    n, levels = bands[0].shape[axis], len(bands) - 1
    if n == 0 or n % 2**levels:
        raise ValueError(
            f"coefficients of {levels} levels must have a multiple of {2**levels} values along "
            f"the axis, got {n}"
        )
    factor = 1 / _ROOT if norm else 1.0
    bank = wavelet._bank
    return by_parts(lambda *b: bank.iswt(list(b), axis, factor, False), *bands)


def modwt(
    data: Column, wavelet: str | Wavelet, level: int | None = None, axis: int = -1
) -> list[Array]:
    """Maximal-overlap transform: like `swt`, of any length, with the energy of the signal.

    Parameters
    ----------
    data, wavelet, axis
        As for `dwt`; the signal is taken as periodic.
    level : int, optional
        Levels; ``floor(log2(n))`` by default.

    Returns
    -------
    list of ndarray
        The approximation (scaling coefficients), then the details (wavelet coefficients) from
        coarse to fine, each of the shape of `data`. Coefficient ``t`` of a band looks at values
        up to ``t``.

    Raises
    ------
    ValueError
        If the axis is empty or `level` below 1 or above ``floor(log2(n))``.

    References
    ----------
    .. [1] Percival, D. B. and Walden, A. T. (2000). Wavelet Methods for Time Series Analysis.
       Cambridge University Press, chapter 5.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> approximation, detail = wavelet.modwt([1.0, 3, 5], "haar", level=1)
    >>> approximation
    array([3., 2., 4.])
    """
    data = as_numbers(data)
    axis = as_axis(axis, data.ndim)
    wavelet = as_discrete(wavelet)
    n = data.shape[axis]
    check_filled(data, axis)
    most = max(n.bit_length() - 1, 1)
    level = most if level is None else whole(level, "level", 1)
    if level > most:
        raise ValueError(f"level must be at most {most} for {n} values, got {level}")
    bank = wavelet._bank
    bands = by_parts(lambda x: bank.swt(x, level, 0, axis, _ROOT, True), data)
    return [bands[2 * level - 2], *(bands[2 * j + 1] for j in reversed(range(level)))]


def imodwt(coeffs: Sequence[ArrayLike], wavelet: str | Wavelet, axis: int = -1) -> Array:
    """Signal from the coefficients of `modwt`.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.imodwt(wavelet.modwt([1.0, 3, 5], "db2"), "db2").round(12)
    array([1., 3., 5.])
    """
    if not isinstance(coeffs, list | tuple) or len(coeffs) < 2:
        raise ValueError("coeffs must be a list of an approximation and at least 1 detail")
    bands, axis = bands_of(coeffs, axis)
    check_filled(bands[0], axis, "coefficients")
    bank = as_discrete(wavelet)._bank
    return by_parts(lambda *b: bank.iswt(list(b), axis, _ROOT, True), *bands)
