"""What callers hold, as the arrays that the transforms take."""

import numpy as np

from linewatch import _edge
from linewatch._libraries import is_arrow, is_narwhals, is_pandas_column


def as_numbers(x, name="data"):
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


def as_axis(axis, ndim, name="axis"):
    """`axis` counted from the front."""
    if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
        raise TypeError(f"{name} must be a whole number, got {axis!r}")
    if not -ndim <= axis < ndim:
        known = f"from {-ndim} to {ndim - 1}" if ndim else "left out for a single number"
        raise np.exceptions.AxisError(f"{name} must be {known}, got {axis}")
    return int(axis) % ndim


def by_parts(call, *arrays):
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


def alike(*arrays):
    """Arrays in one dtype: the double of a kind where they differ."""
    dtypes = {array.dtype for array in arrays}
    if len(dtypes) == 1:
        return arrays
    kind = np.complex128 if any(dtype.kind == "c" for dtype in dtypes) else np.float64
    return tuple(array.astype(kind, copy=False) for array in arrays)


def check_filled(data, axis, name="data"):
    """Refuses an axis without values."""
    if data.shape[axis] == 0:
        raise ValueError(f"{name} must have a value along the axis, got 0")


def bands_of(coeffs, axis):
    """Coefficients of bands of one shape, in one dtype, and the axis counted from the front."""
    bands = alike(*(as_numbers(band, "coeffs") for band in coeffs))
    for band in bands:
        if band.shape != bands[0].shape:
            shapes = f"{bands[0].shape} and {band.shape}"
            raise ValueError(f"coefficients must have the same shape, got {shapes}")
    return bands, as_axis(axis, bands[0].ndim)
