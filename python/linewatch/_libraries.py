"""What an object of another library is, without importing that library.

An object of a library that is not loaded cannot arrive, so asking `sys.modules` is enough.
"""

import sys


def pandas():
    """The module pandas if somebody imported it."""
    return sys.modules.get("pandas")


def polars():
    """The module polars if somebody imported it."""
    return sys.modules.get("polars")


def is_pandas_column(x):
    """Whether `x` is a pandas Series, Index or extension array."""
    pd = pandas()
    return pd is not None and isinstance(x, pd.Series | pd.Index | pd.api.extensions.ExtensionArray)


def is_narwhals(x):
    """Whether `x` is a Series or a frame of narwhals."""
    return type(x).__module__.partition(".")[0] == "narwhals" and hasattr(x, "to_native")


def narwhals_of(x):
    """The interface of narwhals that `x` is of: the stable ones have classes of their own."""
    module = type(x).__module__.split(".")
    stable = len(module) > 2 and module[1] == "stable"
    return sys.modules[".".join(module[:3]) if stable else "narwhals"]


def is_arrow(x):
    """Whether `x` exports its data through the Arrow PyCapsule interface."""
    return hasattr(x, "__arrow_c_stream__") or hasattr(x, "__arrow_c_array__")


def refuse_lazy(x, name):
    """Refuse what holds no data yet, with the way to get it."""
    pl = polars()
    if pl is None:
        return
    if isinstance(x, pl.LazyFrame):
        raise TypeError(f"{name} is a Polars LazyFrame; expected data (try {name}.collect())")
    if isinstance(x, pl.Expr):
        raise TypeError(f"{name} is a Polars expression; expected data (select it from a frame)")
