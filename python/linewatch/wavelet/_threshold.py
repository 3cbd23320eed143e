"""Coefficients with the small ones taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Literal

    from numpy.typing import ArrayLike

    from linewatch._typing import Array


def threshold(
    data: ArrayLike,
    value: float,
    mode: Literal["soft", "hard", "garrote", "greater", "less"] = "soft",
    substitute: float = 0,
) -> Array:
    """Coefficients with the small ones taken out.

    Parameters
    ----------
    data : array-like of float or complex
        Coefficients.
    value : float
        The threshold.
    mode : {"soft", "hard", "garrote", "greater", "less"}, default="soft"
        ``"soft"`` shrinks what is left by `value`; ``"hard"`` leaves it; ``"garrote"`` shrinks by
        ``value ** 2 / abs(data)``; ``"greater"`` and ``"less"`` keep what is not below, not above
        `value`.
    substitute : float, default=0
        What stands for the small ones.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        For another mode, or ``"greater"`` and ``"less"`` of complex data.

    References
    ----------
    .. [1] Donoho, D. L. and Johnstone, I. M. (1994). Ideal spatial adaptation by wavelet
       shrinkage. Biometrika 81(3), 425-455.
    .. [2] Gao, H.-Y. (1998). Wavelet shrinkage denoising using the non-negative garrote. Journal
       of Computational and Graphical Statistics 7(4), 469-488.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.threshold([-3.0, 1.0, 2.5], 2)
    array([-1. ,  0. ,  0.5])
    """
    known = ["garotte", "garrote", "greater", "hard", "less", "soft"]
    if mode not in known:
        text = ", ".join(map(repr, known))
        raise ValueError(f"The mode parameter only takes values from: {text}.")
    data = np.asarray(data)
    if mode in ("greater", "less"):
        if np.iscomplexobj(data):
            raise ValueError(f"{mode} thresholding only supports real data")
        gone = data < value if mode == "greater" else data > value
        return np.where(gone, substitute, data)
    magnitude = np.abs(data)
    gone = magnitude < value
    if mode == "hard":
        return np.where(gone, substitute, data)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = value / magnitude
        kept = 1 - (ratio if mode == "soft" else ratio**2)
    kept = data * np.clip(kept, 0, None)
    return kept if substitute == 0 else np.where(gone, substitute, kept)


def threshold_firm(data: ArrayLike, value_low: float, value_high: float) -> Array:
    """Soft below, hard above: 0 up to `value_low`, unchanged beyond `value_high`.

    Parameters
    ----------
    data : array-like of float or complex
        Coefficients.
    value_low, value_high : float
        Between them ``x`` becomes ``x * value_high * (1 - value_low / abs(x)) / (value_high -
        value_low)``.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If `value_low` is negative or `value_high` below it.

    References
    ----------
    .. [1] Gao, H.-Y. and Bruce, A. G. (1997). WaveShrink with firm shrinkage. Statistica Sinica
       7, 855-874.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.threshold_firm([1.0, 3, 5], 2, 4)
    array([0., 2., 5.])
    """
    if value_low < 0:
        raise ValueError(f"value_low must be at least 0, got {value_low}")
    if value_high < value_low:
        raise ValueError(f"value_high must be at least value_low ({value_low}), got {value_high}")
    data = np.asarray(data)
    magnitude = np.abs(data)
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = value_high * (1 - value_low / magnitude) / (value_high - value_low)
        kept = data * np.clip(kept, 0, None)
    return np.where(magnitude > value_high, data, kept)
