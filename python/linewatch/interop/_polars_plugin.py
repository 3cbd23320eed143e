"""How the expressions of this package reach its shared library."""

import ctypes
import functools
import os
from pathlib import Path

import polars as pl

from linewatch import _core

SYMBOL = "_polars_plugin_rolling"


@functools.cache
def library():
    """The shared library of this package, if it was built with the expressions."""
    path = Path(_core.__file__)
    if not hasattr(ctypes.CDLL(str(path)), SYMBOL):
        raise ImportError(
            "this build of linewatch has no Polars expressions (build it with "
            "`maturin develop --release --features polars`, or use linewatch.rolling on a Series)"
        )
    return path


def expression(column):
    """A column by its name, or an expression as it is."""
    return pl.col(column) if isinstance(column, str) else column


def keys(groups):
    """The key or the list of keys in `groups` as expressions; none for None."""
    groups = groups if isinstance(groups, list | tuple) else [groups]
    # A category travels as its code: its text is never looked at.
    return [expression(key).to_physical() for key in groups if key is not None]


def threads(n_jobs):
    """`n_jobs` as the plugin wants it: None for one thread."""
    from linewatch._arguments import whole_number

    if n_jobs is None:
        n_jobs = int(os.environ.get("LINEWATCH_NUM_THREADS") or -1)
    return None if n_jobs == 1 else whole_number("n_jobs", n_jobs)
