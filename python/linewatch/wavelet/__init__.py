"""Wavelet transforms of one dimension, and what they tell about windows of traffic.

The transforms have the names, modes, lengths, warnings and values of PyWavelets, so that code moves
over by its import. They read any layout, read-only arrays, float32, float64 and complex, along any
axis; what they return are NumPy arrays. Two dimensions and more are PyWavelets' field.

`features` and its parts turn windows of traffic into numbers for a detector; `hurst`, `variance`,
`denoise` and `deviation` answer a question each.
"""

import warnings

import numpy as np

from linewatch import _core, _edge
from linewatch._libraries import is_arrow, is_narwhals, is_pandas_column
from linewatch._wavelets import (
    ContinuousWavelet,
    DiscreteContinuousWavelet,
    Modes,
    Wavelet,
    as_discrete,
    families,
    mode_name,
    nearest,
    wavelist,
)
from linewatch._window_features import TWELVE, of_groups, of_rows, of_series, plan
from linewatch.wavelet._estimates import (
    LogScaleDiagram,
    WaveletVariance,
    denoise,
    deviation,
    hurst,
    variance,
)
from linewatch.wavelet._packet import WaveletPacket

__all__ = [
    "ContinuousWavelet",
    "DiscreteContinuousWavelet",
    "LogScaleDiagram",
    "Modes",
    "Wavelet",
    "WaveletFeatures",  # loaded when it is asked for
    "WaveletPacket",
    "WaveletVariance",
    "band_energy",
    "central_frequency",
    "cwt",
    "denoise",
    "deviation",
    "downcoef",
    "dwt",
    "dwt_coeff_len",
    "dwt_max_level",
    "families",
    "features",
    "frequency2scale",
    "hurst",
    "idwt",
    "imodwt",
    "imra",
    "integrate_wavelet",
    "iswt",
    "modwt",
    "mra",
    "relative_band_energy",
    "scale2frequency",
    "spectral_entropy",
    "swt",
    "swt_max_level",
    "threshold",
    "threshold_firm",
    "upcoef",
    "variance",
    "wavedec",
    "wavelet_entropy",
    "wavelet_log_energy",
    "wavelet_tsallis_entropy",
    "wavelist",
    "waverec",
]


def __getattr__(name):
    # A class of scikit-learn, which takes long to import.
    if name == "WaveletFeatures":
        from linewatch.wavelet._transformer import WaveletFeatures

        return WaveletFeatures
    raise AttributeError(f"module 'linewatch.wavelet' has no attribute {name!r}")


# What callers hold -----------------------------------------------------------------------------


def _data(x, name="data"):
    """Numbers of the caller as an array of float32, float64 or their complex kin."""
    if x is None or isinstance(x, str):
        raise TypeError(f"{name} must be an array of numbers, got {x!r}")
    if not isinstance(x, np.ndarray) and (is_narwhals(x) or is_pandas_column(x) or is_arrow(x)):
        x = _edge.series(x, name).values
    array = np.asarray(x)
    if array.dtype == object:
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            raise TypeError(f"{name} has dtype object; expected numbers") from None
    dtype = array.dtype
    if dtype.kind == "f":
        kind = np.float32 if dtype.itemsize < 8 else np.float64
    elif dtype.kind == "c":
        kind = np.complex64 if dtype.itemsize <= 8 else np.complex128
    elif dtype.kind in "biu":
        kind = np.float64
    else:
        raise ValueError(f"{name} has dtype {dtype}; expected numbers")
    if not (array.dtype == kind and array.dtype.isnative and array.flags.aligned):
        array = array.astype(kind)
    return np.asarray(array)


def _axis(axis, ndim, name="axis"):
    """`axis` counted from the front."""
    if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
        raise TypeError(f"{name} must be a whole number, got {axis!r}")
    if not -ndim <= axis < ndim:
        known = f"from {-ndim} to {ndim - 1}" if ndim else "left out for a single number"
        raise np.exceptions.AxisError(f"{name} must be {known}, got {axis}")
    return int(axis) % ndim


def _parts(call, *arrays):
    """`call` on arrays, on real and imaginary parts apart if they are complex."""
    if arrays[0].dtype.kind != "c":
        return call(*arrays)
    real, imaginary = call(*(a.real for a in arrays)), call(*(a.imag for a in arrays))
    if isinstance(real, list):
        return [_complex(r, i) for r, i in zip(real, imaginary)]
    return _complex(real, imaginary)


def _complex(real, imaginary):
    out = np.empty(real.shape, np.result_type(real.dtype, np.complex64))
    out.real, out.imag = real, imaginary
    return out


def _alike(*arrays):
    """Arrays in one dtype: the double of a kind where they differ."""
    dtypes = {array.dtype for array in arrays}
    if len(dtypes) == 1:
        return arrays
    kind = np.complex128 if any(dtype.kind == "c" for dtype in dtypes) else np.float64
    return tuple(array.astype(kind, copy=False) for array in arrays)


def _whole(value, name, least):
    """A whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


# One level -------------------------------------------------------------------------------------


def dwt(data, wavelet, mode="symmetric", axis=-1):
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
    data = _data(data)
    axis = _axis(axis, data.ndim)
    bank, mode = as_discrete(wavelet)._bank, mode_name(mode)
    _filled(data, axis)
    low, high = _parts(lambda x: bank.wavedec(x, mode, 1, axis), data)
    return low, high


def _filled(data, axis, name="data"):
    if data.shape[axis] == 0:
        raise ValueError(f"{name} must have a value along the axis, got 0")


def idwt(cA, cD, wavelet, mode="symmetric", axis=-1):
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
    low = None if cA is None else _data(cA, "cA")
    high = None if cD is None else _data(cD, "cD")
    low = np.zeros_like(high) if low is None else low
    high = np.zeros_like(low) if high is None else high
    low, high = _alike(low, high)
    axis = _axis(axis, low.ndim)
    bank, mode = as_discrete(wavelet)._bank, mode_name(mode)
    if low.shape != high.shape:
        raise ValueError(f"cA and cD must have the same shape, got {low.shape} and {high.shape}")
    return _parts(lambda a, d: bank.idwt(a, d, mode, axis), low, high)


def downcoef(part, data, wavelet, mode="symmetric", level=1):
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
    data = _data(data)
    if data.ndim != 1:
        raise ValueError(f"data must have 1 dimension, got {data.ndim}")
    detail, level = _part(part), _whole(level, "level", 1)
    bank, mode = as_discrete(wavelet)._bank, mode_name(mode)
    return _parts(lambda x: bank.downcoef(x, mode, level, detail), data)


def _part(part):
    if part not in ("a", "d"):
        raise ValueError(f"part must be 'a' or 'd', got {part!r}")
    return part == "d"


def upcoef(part, coeffs, wavelet, level=1, take=0):
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
    coeffs = _data(coeffs, "coeffs")
    if coeffs.ndim != 1 or not coeffs.size:
        raise ValueError(f"coeffs must have 1 dimension and a value, got shape {coeffs.shape}")
    detail, level = _part(part), _whole(level, "level", 1)
    bank = as_discrete(wavelet)._bank
    out = _parts(lambda x: bank.upcoef(x, level, detail), coeffs)
    spare = len(out) - take
    if take > 0 and spare > 0:
        out = out[spare // 2 : spare // 2 + take]
    return out


# Lengths and levels ----------------------------------------------------------------------------


def dwt_max_level(data_len, filter_len):
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
    whole = int(data_len) // (int(filter_len) - 1)
    return max(whole.bit_length() - 1, 0)


def dwt_coeff_len(data_len, filter_len, mode="symmetric"):
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
    data_len, taps = _whole(data_len, "data_len", 1), _whole(taps, "filter_len", 1)
    if mode_name(mode) == "periodization":
        return (data_len + 1) // 2
    return (data_len + taps - 1) // 2


def swt_max_level(input_len):
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
    n = _whole(input_len, "input_len", 1)
    if n % 2:
        warnings.warn(
            f"{n} is odd: no level of the stationary transform is possible (modwt takes any "
            "length)",
            stacklevel=2,
        )
    return (n & -n).bit_length() - 1


def _check_level(n, taps, level):
    most = dwt_max_level(n, taps)
    if level is None:
        return most
    if isinstance(level, bool) or not isinstance(level, int | np.integer):
        raise TypeError(f"level must be a whole number, got {level!r}")
    if level < 0:
        raise ValueError(f"level must be at least 0, got {level}")
    if level > most:
        warnings.warn(
            f"Level value of {level} is too high: all coefficients will experience "
            "boundary effects.",
            stacklevel=3,
        )
    return int(level)


# Many levels -----------------------------------------------------------------------------------


def wavedec(data, wavelet, mode="symmetric", level=None, axis=-1):
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
    data = _data(data)
    axis = _axis(axis, data.ndim)
    wavelet, mode = as_discrete(wavelet), mode_name(mode)
    level = _check_level(data.shape[axis], wavelet.dec_len, level)
    _filled(data, axis)
    return _parts(lambda x: wavelet._bank.wavedec(x, mode, level, axis), data)


def waverec(coeffs, wavelet, mode="symmetric", axis=-1, *, length=None):
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
        axis = _axis(axis, low.ndim)
        length = _whole(length, "length", 0)
        if not low.shape[axis] - 1 <= length <= low.shape[axis]:
            most = low.shape[axis]
            raise ValueError(f"length must be {most - 1} or {most}, got {length}")
        low = low[(slice(None),) * axis + (slice(length),)]
    return low


def _shortened(low, high, axis):
    """`low` without the value that an odd length has made too many."""
    axis = _axis(axis, min(low.ndim, high.ndim))
    if low.shape[axis] == high.shape[axis] + 1:
        return low[tuple(slice(n) for n in high.shape)]
    if low.shape[axis] != high.shape[axis]:
        raise ValueError(
            f"coefficients do not fit: an approximation of {low.shape[axis]} values "
            f"meets a detail of {high.shape[axis]}"
        )
    return low


# Without decimation ----------------------------------------------------------------------------

_ROOT = float(np.sqrt(0.5))


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
    data = _data(data)
    wavelet = as_discrete(wavelet)
    axis = _axis(axis, data.ndim)
    n = data.shape[axis]
    if norm and not wavelet.orthogonal:
        warnings.warn(
            "norm=True, but the wavelet is not orthogonal: \n"
            "\tThe conditions for energy preservation are not satisfied.",
            stacklevel=2,
        )
    _filled(data, axis)
    if n % 2:
        raise ValueError(f"data must have an even length along the axis, got {n} (see modwt)")
    most = swt_max_level(n)
    start_level = _whole(start_level, "start_level", 0)
    if start_level >= most:
        raise ValueError(f"start_level must be below {most} for {n} values, got {start_level}")
    if level is None:
        level = most - start_level
    level = _whole(level, "level", 1)
    if start_level + level > most:
        raise ValueError(
            f"level must be at most {most - start_level} for {n} values after start_level "
            f"{start_level}, got {level} (modwt takes any length)"
        )
    factor = _ROOT if norm else 1.0
    bank = wavelet._bank
    bands = _parts(lambda x: bank.swt(x, level, start_level, axis, factor, False), data)
    pairs = [(bands[2 * j], bands[2 * j + 1]) for j in reversed(range(level))]
    return _trimmed(pairs) if trim_approx else pairs


def _trimmed(pairs):
    return [pairs[0][0], *(detail for _, detail in pairs)]


def iswt(coeffs, wavelet, norm=False, axis=-1):
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
    bands = _alike(*(_data(band, "coeffs") for band in bands))
    axis = _axis(axis, bands[0].ndim)
    for band in bands:
        if band.shape != bands[0].shape:
            shapes = f"{bands[0].shape} and {band.shape}"
            raise ValueError(f"coefficients must have the same shape, got {shapes}")
    n, levels = bands[0].shape[axis], len(bands) - 1
    if n == 0 or n % 2**levels:
        raise ValueError(
            f"coefficients of {levels} levels must have a multiple of {2**levels} values along "
            f"the axis, got {n}"
        )
    factor = 1 / _ROOT if norm else 1.0
    bank = wavelet._bank
    return _parts(lambda *b: bank.iswt(list(b), axis, factor, False), *bands)


def modwt(data, wavelet, level=None, axis=-1):
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
    data = _data(data)
    axis = _axis(axis, data.ndim)
    wavelet = as_discrete(wavelet)
    n = data.shape[axis]
    _filled(data, axis)
    most = max(n.bit_length() - 1, 1)
    level = most if level is None else _whole(level, "level", 1)
    if level > most:
        raise ValueError(f"level must be at most {most} for {n} values, got {level}")
    bank = wavelet._bank
    bands = _parts(lambda x: bank.swt(x, level, 0, axis, _ROOT, True), data)
    return [bands[2 * level - 2], *(bands[2 * j + 1] for j in reversed(range(level)))]


def imodwt(coeffs, wavelet, axis=-1):
    """Signal from the coefficients of `modwt`.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.imodwt(wavelet.modwt([1.0, 3, 5], "db2"), "db2").round(12)
    array([1., 3., 5.])
    """
    if not isinstance(coeffs, list | tuple) or len(coeffs) < 2:
        raise ValueError("coeffs must be a list of an approximation and at least 1 detail")
    bands = _alike(*(_data(band, "coeffs") for band in coeffs))
    axis = _axis(axis, bands[0].ndim)
    for band in bands:
        if band.shape != bands[0].shape:
            shapes = f"{bands[0].shape} and {band.shape}"
            raise ValueError(f"coefficients must have the same shape, got {shapes}")
    _filled(bands[0], axis, "coefficients")
    bank = as_discrete(wavelet)._bank
    return _parts(lambda *b: bank.iswt(list(b), axis, _ROOT, True), *bands)


def mra(data, wavelet, level=None, axis=-1, transform="swt", mode="periodization"):
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
    data = _data(data)
    axis = _axis(axis, data.ndim)
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


def imra(mra_coeffs):
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


# Continuous ------------------------------------------------------------------------------------


def integrate_wavelet(wavelet, precision=8):
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


def central_frequency(wavelet, precision=8):
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


def scale2frequency(wavelet, scale, precision=8):
    """Frequency that a scale of `cwt` stands for, in cycles per sample.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.scale2frequency("cmor1.5-1.0", 20)
    0.05
    """
    return central_frequency(wavelet, precision) / scale


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
    data,
    scales,
    wavelet,
    sampling_period=1.0,
    method="conv",
    axis=-1,
    *,
    precision=12,
    n_jobs=None,
):
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
        If a scale is not above 0 or too small for the table, or the wavelet a discrete one.

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
    data = _data(data)
    axis = _axis(axis, data.ndim)
    _filled(data, axis)
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
    if scales.ndim != 1 or scales.dtype.kind not in "fiu" or not np.all(scales > 0):
        raise ValueError(f"scales must be numbers above 0, got {scales}")
    kernels, centers = _kernels(scales, wavelet, data.dtype, precision)
    rows = np.moveaxis(data, axis, -1)
    shape = rows.shape
    rows = rows.reshape(-1, shape[-1])

    kind = np.result_type(rows.real.dtype, np.complex64) if wavelet.complex_cwt else rows.real.dtype

    def transform(x):
        out = np.empty((len(scales), *rows.shape), kind)
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


# Thresholds ------------------------------------------------------------------------------------


def threshold(data, value, mode="soft", substitute=0):
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


def threshold_firm(data, value_low, value_high):
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


# Windows ---------------------------------------------------------------------------------------


def features(
    x,
    window=None,
    hop=None,
    wavelet="db4",
    level=4,
    mode="symmetric",
    *,
    features=TWELVE,
    groups=None,
    q=2.0,
    bands=None,
    sampling_rate=1.0,
    order=3,
    delay=1,
    normalize=True,
    n_jobs=None,
    progress=None,
):
    """What windows of a series, or of each group, show of their bands, spectrum and order.

    Parameters
    ----------
    x : array-like of float, shape (n,) or (n, n_series)
        Rows in time order.
    window : int, optional
        Rows in a window. May be left out with `groups`: each group is one window then.
    hop : int, optional
        Rows from one window to the next; `window` by default, so that windows do not overlap.
    wavelet : str or Wavelet, default="db4"
        See `wavelist`.
    level : int, default=4
        Levels of the bands. A group too short for them, as its own window, is split as far as
        `dwt_max_level` allows: its approximation stands in the first column, the details it does
        not have are NaN and take no part in entropies.
    mode : str, default="symmetric"
        How a window goes on beyond its ends; the columns name it. Only ``"periodization"`` splits
        the energy of a window exactly: the others count some of it twice, as they do in
        PyWavelets.
    features : sequence of str
        Which, in the order of their columns:

        ``band_energy``
            Sum of squared coefficients of each band, approximation first, then details from coarse
            to fine.
        ``relative_band_energy``
            Band energies over their sum; zeros for a window without energy.
        ``wavelet_entropy``
            Shannon entropy of the relative energies, in nats.
        ``wavelet_tsallis_entropy``
            ``(1 - sum(p ** q)) / (q - 1)``; 0 without energy.
        ``wavelet_log_energy``
            Sum of the logarithms of the energies, bands without energy left out.

        And those of `linewatch.spectral`: ``spectral_entropy``, ``band_power``,
        ``dominant_frequency``, ``permutation_entropy``, ``teager_energy``. By default band
        energies, relative band energies, wavelet and spectral entropy: twelve columns at level 4.
    groups : array-like of keys, shape (n,), optional
        A key for each row, or a list of keys: each group is a series of its own. Rows need not be
        sorted by group; those without a key are left out.
    q : float, default=2.0
        Order of the Tsallis entropy.
    bands : sequence of (float, float), optional
        Frequencies from and to, for ``band_power``.
    sampling_rate : float, default=1.0
        Rows a second; frequencies are in hertz then.
    order, delay, normalize
        As for `linewatch.spectral.permutation_entropy` and `linewatch.spectral.entropy`.
    n_jobs : int, optional
        Threads, as in scikit-learn; the answers do not depend on it.
    progress : bool or callable, optional
        True for a progress bar, or a function that is told how many windows were done.

    Returns
    -------
    Table of the kind of `x`, for arrays and lists a dict of arrays
        A row for each window, at the index of its last row. With `groups` the keys come first,
        then ``row``, the last row of the window, or ``count``, the rows of the group. A window with
        a missing or infinite value has NaN in every column.

    Raises
    ------
    ValueError
        If `window` is longer than `x`, `level` too high for it, or a name unknown.

    References
    ----------
    .. [1] Rosso, O. A. et al. (2001). Wavelet entropy: a new tool for analysis of short duration
       brain electrical signals. Journal of Neuroscience Methods 105, 65-75.

    Examples
    --------
    >>> import numpy as np
    >>> from linewatch import wavelet
    >>> packets = np.tile([5.0, 9.0], 32)
    >>> packets[40:] = 7
    >>> found = wavelet.features(packets, window=16, level=1, wavelet="haar")
    >>> found["band_energy_d1_symmetric"].round(9)
    array([64., 64., 32.,  0.])

    One row for each source:

    >>> source = np.repeat(["10.0.0.1", "10.0.0.2"], 32)
    >>> found = wavelet.features(packets, groups=source, features=["wavelet_entropy"])
    >>> found["group"].tolist(), found["count"].tolist()
    (['10.0.0.1', '10.0.0.2'], [32, 32])
    """
    chosen = plan(
        features,
        wavelet,
        level,
        mode,
        q=q,
        bands=bands,
        sampling_rate=sampling_rate,
        order=order,
        delay=delay,
        normalize=normalize,
    )
    options = {"n_jobs": n_jobs, "progress": progress}
    if groups is not None:
        return of_groups(x, chosen, groups, window, hop, **options)
    if window is None:
        raise TypeError("features needs window=, the rows in a window (or groups=)")
    return of_series(x, chosen, window, hop, **options)


def band_energy(x, wavelet="db4", level=4, mode="symmetric", *, n_jobs=None):
    """Energy of each band of windows: the sum of its squared coefficients.

    Parameters
    ----------
    x : array-like of float, shape (n_windows, n) or (n,)
        Each row a window, or one window.
    wavelet, level, mode, n_jobs
        As for `features`.

    Returns
    -------
    ndarray, shape (n_windows, level + 1) or (level + 1,)
        The approximation first, then details from coarse to fine; of a frame a frame.

    Raises
    ------
    ValueError
        If `level` is too high for the windows, or a name unknown.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.band_energy([1.0, 3, 2, 2], "haar", level=1).round(12)
    array([16.,  2.])
    """
    return of_rows(x, plan("band_energy", wavelet, level, mode), n_jobs=n_jobs)


def relative_band_energy(x, wavelet="db4", level=4, mode="symmetric", *, n_jobs=None):
    """Share of each band in the energy of windows; zeros for a window without energy.

    Parameters, answer and errors as for `band_energy`.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.relative_band_energy([1.0, -1, 1, 1], "haar", level=1).round(12)
    array([0.5, 0.5])
    """
    return of_rows(x, plan("relative_band_energy", wavelet, level, mode), n_jobs=n_jobs)


def wavelet_entropy(x, wavelet="db4", level=4, mode="symmetric", *, n_jobs=None):
    """Shannon entropy, in nats, of the shares of the bands in the energy of windows.

    Parameters and errors as for `band_energy`.

    Returns
    -------
    Same kind as `x`, shape (n_windows,); of one window a float

    Examples
    --------
    >>> from linewatch import wavelet
    >>> round(wavelet.wavelet_entropy([1.0, -1, 1, 1], "haar", level=1), 6)
    0.693147
    """
    chosen = plan("wavelet_entropy", wavelet, level, mode)
    return of_rows(x, chosen, n_jobs=n_jobs, scalar=True)


def wavelet_tsallis_entropy(x, wavelet="db4", level=4, mode="symmetric", *, q=2.0, n_jobs=None):
    """Tsallis entropy of order `q` of the shares of the bands: ``(1 - sum(p ** q)) / (q - 1)``.

    Parameters and errors as for `band_energy`; 0 for a window without energy.

    Returns
    -------
    Same kind as `x`, shape (n_windows,); of one window a float

    References
    ----------
    .. [1] Tsallis, C. (1988). Possible generalization of Boltzmann-Gibbs statistics. Journal of
       Statistical Physics 52, 479-487.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> round(wavelet.wavelet_tsallis_entropy([1.0, -1, 1, 1], "haar", level=1), 6)
    0.5
    """
    chosen = plan("wavelet_tsallis_entropy", wavelet, level, mode, q=q)
    return of_rows(x, chosen, n_jobs=n_jobs, scalar=True)


def wavelet_log_energy(x, wavelet="db4", level=4, mode="symmetric", *, n_jobs=None):
    """Sum of the logarithms of the band energies of windows, bands without energy left out.

    Parameters and errors as for `band_energy`.

    Returns
    -------
    Same kind as `x`, shape (n_windows,); of one window a float

    Examples
    --------
    >>> from linewatch import wavelet
    >>> round(wavelet.wavelet_log_energy([1.0, 3, 2, 2], "haar", level=1), 6)
    3.465736
    """
    chosen = plan("wavelet_log_energy", wavelet, level, mode)
    return of_rows(x, chosen, n_jobs=n_jobs, scalar=True)


def spectral_entropy(x, *, normalize=True, n_jobs=None):
    """Entropy of the power spectrum of windows; see `linewatch.spectral.entropy`.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.spectral_entropy([3.0, 3, 3, 3])
    0.0
    """
    from linewatch.spectral import entropy

    return entropy(x, normalize=normalize, n_jobs=n_jobs)
