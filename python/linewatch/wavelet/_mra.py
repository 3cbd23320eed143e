"""Multiresolution analysis: parts of a signal that add up to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linewatch._wavelets import nearest
from linewatch.wavelet._arrays import as_axis, as_numbers
from linewatch.wavelet._dwt import wavedec, waverec
from linewatch.wavelet._swt import imodwt, iswt, modwt, swt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from numpy.typing import ArrayLike

    from linewatch._typing import Array, Column
    from linewatch._wavelets import Wavelet


def mra(
    data: Column,
    wavelet: str | Wavelet,
    level: int | None = None,
    axis: int = -1,
    transform: Literal["swt", "dwt", "modwt"] = "swt",
    mode: str = "periodization",
) -> list[Array]:
    """Multiresolution analysis: parts of the signal, one for each band, that add up to it.

    Parameters
    ----------
    data, wavelet, level, axis
        As for `swt`, `wavedec` or `modwt`.
    transform : {"swt", "dwt", "modwt"}, default="swt"
        Which transform; ``"modwt"`` takes any length.
    mode : str, default="periodization"
        As for `dwt`; the other two transforms know only this one.

    Returns
    -------
    list of ndarray
        Smooth part first, then the details from coarse to fine, each of the shape of `data`.

    Raises
    ------
    ValueError
        As for the transform.

    References
    ----------
    .. [1] Percival, D. B. and Mofjeld, H. O. (1997). Analysis of subtidal coastal sea level
       fluctuations using wavelets. Journal of the American Statistical Association 92, 868-880.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> parts = wavelet.mra([1.0, 3, 2, 2], "haar", level=1)
    >>> sum(parts).round(12)
    array([1., 3., 2., 2.])
    """
    if transform not in ("swt", "dwt", "modwt"):
        hint = nearest(transform, ["swt", "dwt", "modwt"])
        raise ValueError(f"unknown transform {transform!r}{hint} (swt, dwt, modwt)")
    if transform != "dwt" and mode != "periodization":
        raise ValueError(f"transform {transform!r} only supports mode='periodization'")
    data = as_numbers(data)
    axis = as_axis(axis, data.ndim)
    if transform == "swt":
        bands = swt(data, wavelet, level, axis=axis, trim_approx=True, norm=True)
    elif transform == "modwt":
        bands = modwt(data, wavelet, level, axis)
    else:
        bands = wavedec(data, wavelet, mode, level, axis)
    parts = []
    for place in range(len(bands)):
        alone = [band if k == place else np.zeros_like(band) for k, band in enumerate(bands)]
        if transform == "swt":
            part = iswt(alone, wavelet, norm=True, axis=axis)
        elif transform == "modwt":
            part = imodwt(alone, wavelet, axis)
        else:
            part = waverec(alone, wavelet, mode, axis)
        parts.append(part[tuple(slice(n) for n in data.shape)])
    return parts


def imra(mra_coeffs: Sequence[ArrayLike]) -> Array:
    """Signal from its parts: their sum.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.imra(wavelet.mra([1.0, 3, 2, 2], "db2", level=1)).round(12)
    array([1., 3., 2., 2.])
    """
    if not len(mra_coeffs):
        raise ValueError("mra_coeffs must hold at least 1 array, got 0")
    total = np.array(mra_coeffs[0])
    for part in mra_coeffs[1:]:
        total = total + part
    return total
