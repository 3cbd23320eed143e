"""Keys and values of events, from whatever holds them."""

import datetime

import numpy as np

from linewatch import _edge
from linewatch._libraries import is_arrow, is_pandas_column, polars


def is_column(x):
    """Whether it is several values rather than one."""
    if isinstance(x, str | bytes | datetime.date | np.generic | int | float | None):
        return False
    return hasattr(x, "__len__") or is_arrow(x) or np.ndim(x) > 0


def values_of(value, n):
    plain = isinstance(value, np.ndarray) and value.dtype == np.float64 and value.ndim == 1
    values = value if plain else _edge.series(value, "value").values
    if values.ndim != 1:
        raise ValueError(f"value must have 1 dimension, got {values.ndim}")
    if len(values) != n:
        raise ValueError(f"value has {len(values)} values, expected {n}")
    return np.ascontiguousarray(values, np.float64)


def keys_of(key, n):
    """A key, an int64 array of keys or a list of them."""
    if isinstance(key, str):
        return key
    if isinstance(key, int | np.integer) and not isinstance(key, bool):
        return int(_whole_keys(np.asarray([key]))[0])
    if not is_column(key):
        raise TypeError(f"key must be text or a whole number, got {key!r}")
    pl = polars()
    if is_pandas_column(key) or (pl is not None and isinstance(key, pl.Series)):
        numbers = key.to_numpy() if str(key.dtype).lower().startswith(("int", "uint")) else None
        key = numbers if numbers is not None else key.to_list()
    elif is_arrow(key) and hasattr(key, "to_pylist"):
        key = key.to_pylist()
    if isinstance(key, np.ndarray):
        if key.ndim != 1:
            raise ValueError(f"key must have 1 dimension, got {key.ndim}")
        if key.dtype.kind not in "iu":
            key = key.tolist()
    elif not isinstance(key, list):
        key = list(key)
    if len(key) != n:
        raise ValueError(f"key has {len(key)} values, expected {n}")
    if isinstance(key, list):
        if not key:
            return np.empty(0, np.int64)
        first = key[0]
        if not isinstance(first, int | np.integer) or isinstance(first, bool):
            return key
        array = np.asarray(key)
        if array.dtype.kind not in "iu" or any(isinstance(k, bool) for k in key):
            wrong = next(i for i, k in enumerate(key) if type(k) is not type(first))
            raise TypeError(
                f"key[{wrong}] is of type {type(key[wrong]).__name__}; expected text or whole "
                "numbers, one of them throughout"
            )
        key = array
    return _whole_keys(key)


def _whole_keys(key):
    if key.dtype == np.uint64 and key.size and key.max() > np.iinfo(np.int64).max:
        raise ValueError(f"key holds {key.max()}, which is beyond int64")
    return np.ascontiguousarray(key, np.int64)
