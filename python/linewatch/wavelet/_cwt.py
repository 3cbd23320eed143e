"""The continuous transform, and the frequencies of its scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from linewatch import _core
from linewatch._wavelets import DiscreteContinuousWavelet
from linewatch.wavelet._arrays import as_axis, as_numbers, check_filled

if TYPE_CHECKING:
    from typing import Any, Literal

    from numpy.typing import ArrayLike

    from linewatch._typing import Array, Column, Floats
    from linewatch._wavelets import ContinuousWavelet, Wavelet

# Values of the filters of all scales together: two gigabytes.
_MOST_TAPS = 2**28


def integrate_wavelet(
    wavelet: str | Wavelet | ContinuousWavelet, precision: int = 8
) -> tuple[Array, ...]:
    """Running integral of the wavelet over ``2 ** precision`` steps.

    Parameters
    ----------
    wavelet : str, Wavelet or ContinuousWavelet
        See `wavelist`.
    precision : int, default=8
        As `level` of `wavefun`.

    Returns
    -------
    integral, x : ndarray
        Of a biorthogonal wavelet those of the analysis and of the synthesis wavelet, and `x`.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> integral, x = wavelet.integrate_wavelet("haar", precision=1)
    >>> integral
    array([0. , 0.5, 0. , 0. ])
    """
    if isinstance(wavelet, str):
        wavelet = DiscreteContinuousWavelet(wavelet)
    *curves, x = wavelet.wavefun(precision)
    step = x[1] - x[0]
    # Of `phi, psi` and `phi_d, psi_d, phi_r, psi_r` the wavelets.
    return *(np.cumsum(psi) * step for psi in (curves[1::2] or curves)), x


def central_frequency(wavelet: str | Wavelet | ContinuousWavelet, precision: int = 8) -> float:
    """Frequency of the wavelet at scale 1, in cycles per sample: the peak of its spectrum.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.central_frequency("cmor1.5-1.0")
    1.0
    """
    if isinstance(wavelet, str):
        wavelet = DiscreteContinuousWavelet(wavelet)
    *curves, x = wavelet.wavefun(precision)
    psi = curves[0] if len(curves) == 1 else curves[1]
    peak = int(np.argmax(np.abs(np.fft.fft(psi)[1:]))) + 1
    if peak + 1 > len(psi) / 2:
        peak = len(psi) - peak
    return peak / float(x[-1] - x[0])


@overload
def scale2frequency(
    wavelet: str | Wavelet | ContinuousWavelet, scale: float, precision: int = ...
) -> float: ...
@overload
def scale2frequency(
    wavelet: str | Wavelet | ContinuousWavelet, scale: ArrayLike, precision: int = ...
) -> Any: ...
def scale2frequency(wavelet, scale, precision=8):
    """Frequency that a scale of `cwt` stands for, in cycles per sample.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.scale2frequency("cmor1.5-1.0", 20)
    0.05
    """
    return central_frequency(wavelet, precision) / scale


@overload
def frequency2scale(
    wavelet: str | Wavelet | ContinuousWavelet, freq: float, precision: int = ...
) -> float: ...
@overload
def frequency2scale(
    wavelet: str | Wavelet | ContinuousWavelet, freq: ArrayLike, precision: int = ...
) -> Any: ...
def frequency2scale(wavelet, freq, precision=8):
    """Scale of `cwt` that stands for a frequency in cycles per sample.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.frequency2scale("cmor1.5-1.0", 0.05)
    20.0
    """
    return central_frequency(wavelet, precision) / freq


def cwt(
    data: Column,
    scales: ArrayLike,
    wavelet: str | ContinuousWavelet,
    sampling_period: float = 1.0,
    method: Literal["conv", "fft"] = "conv",
    axis: int = -1,
    *,
    precision: int = 12,
    n_jobs: int | None = None,
) -> tuple[Array, Floats]:
    """Continuous transform: how much of each scale there is at each time.

    Parameters
    ----------
    data : array-like of float or complex
        Along `axis` equally spaced values of a signal.
    scales : float or array-like of float, shape (n_scales,)
        Above 0; see `frequency2scale`.
    wavelet : str or ContinuousWavelet
        One of ``wavelist(kind="continuous")``, such as ``"cmor1.5-1.0"`` or ``"morl"``.
    sampling_period : float, default=1.0
        Seconds between values; only the frequencies depend on it.
    method : {"conv", "fft"}, default="conv"
        For PyWavelets' sake; the answer and the time are the same.
    axis : int, default=-1
        The axis to transform.
    precision : int, default=12
        The wavelet is tabled at ``2 ** precision`` points.
    n_jobs : int, optional
        Threads, as in scikit-learn; the answers do not depend on it.

    Returns
    -------
    coefs : ndarray, shape (n_scales, ...)
        Complex if the wavelet or the data are.
    frequencies : ndarray, shape (n_scales,)
        In hertz if `sampling_period` is in seconds.

    Raises
    ------
    ValueError
        If a scale is not above 0, too small for the table or so large that the filters of all
        scales have more than ``2 ** 28`` values; or if the wavelet is a discrete one.

    References
    ----------
    .. [1] Torrence, C. and Compo, G. P. (1998). A practical guide to wavelet analysis. Bulletin
       of the American Meteorological Society 79, 61-78.

    Examples
    --------
    A wave with a period of 20 samples stands out at the scale of its frequency.

    >>> import numpy as np
    >>> from linewatch import wavelet
    >>> wave = np.sin(2 * np.pi * np.arange(400) / 20)
    >>> coefs, frequencies = wavelet.cwt(wave, [10, 20, 40], "cmor1.5-1.0")
    >>> frequencies
    array([0.1  , 0.05 , 0.025])
    >>> int(np.abs(coefs[:, 200]).argmax())
    1
    """
    data = as_numbers(data)
    axis = as_axis(axis, data.ndim)
    check_filled(data, axis)
    if method not in ("conv", "fft"):
        raise ValueError(f"method must be 'conv' or 'fft', got {method!r}")
    if isinstance(wavelet, str):
        wavelet = DiscreteContinuousWavelet(wavelet)
    if not hasattr(wavelet, "complex_cwt"):
        raise ValueError(
            f"{wavelet.name} is a discrete wavelet; expected a continuous one "
            "(wavelist(kind='continuous') names all)"
        )
    scales = np.atleast_1d(scales)
    is_real = scales.ndim == 1 and scales.dtype.kind in "fiu"
    if not is_real or not np.all((scales > 0) & np.isfinite(scales)):
        raise ValueError(f"scales must be numbers above 0, got {scales}")
    _check_size(scales, wavelet)
    kernels, centers = _kernels(scales, wavelet, data.dtype, precision)
    rows = np.moveaxis(data, axis, -1)
    shape = rows.shape
    rows = rows.reshape(-1, shape[-1])

    kind = np.result_type(rows.real.dtype, np.complex64) if wavelet.complex_cwt else rows.real.dtype

    def transform(x):
        out = np.empty((len(scales), *rows.shape), kind)
        if not len(scales):
            return out
        parts = out.view(x.dtype)
        _core.wavelet_cwt(np.ascontiguousarray(x), kernels, centers, parts, n_jobs=n_jobs)
        return out

    if data.dtype.kind == "c":
        out = transform(rows.real) + 1j * transform(rows.imag)
    else:
        out = transform(rows)
    out = np.moveaxis(out.reshape(len(scales), *shape), -1, axis + 1)
    frequencies = scale2frequency(wavelet, scales, precision) / sampling_period
    return np.ascontiguousarray(out), frequencies


def _check_size(scales, wavelet):
    """Refuses scales whose filters would not fit into memory."""
    width = wavelet.upper_bound - wavelet.lower_bound
    taps = float(np.sum(np.asarray(scales, np.float64) * width + 1))
    if taps > _MOST_TAPS:
        raise ValueError(
            f"scales need filters of {taps:.3g} values in all; expected at most {_MOST_TAPS} "
            "(the width of the wavelet times the sum of the scales)"
        )


def _kernels(scales, wavelet, dtype, precision):
    """The filter of each scale and the place of the current sample in it.

    The wavelet's integral is read at the nearest earlier point of its table, as PyWavelets does;
    its differences are the filter.
    """
    integral, x = integrate_wavelet(wavelet, precision)
    single = dtype in (np.float32, np.complex64)
    integral = np.conj(integral)
    if single:
        integral = integral.astype(np.complex64 if wavelet.complex_cwt else np.float32)
        x = x.astype(np.float32)
    wide = integral.astype(np.complex128 if wavelet.complex_cwt else np.float64)
    kernels, centers = [], []
    for scale in scales:
        step = x[1] - x[0]
        places = (np.arange(scale * (x[-1] - x[0]) + 1) / (scale * step)).astype(np.int64)
        read = wide[places[places < len(wide)]][::-1]
        if len(read) < 2:
            raise ValueError(f"Selected scale of {scale} too small.")
        kernel = -np.sqrt(float(scale)) * np.diff(read, prepend=0, append=0)
        kernels.append(kernel.astype(integral.dtype))
        centers.append((len(read) - 2) // 2 + 1)
    return kernels, centers
