"""linewatch inside pandas: the ``lw`` accessor, and `install` for all of ``rolling``.

>>> import pandas as pd
>>> import linewatch.pandas
>>> pd.Series([100.0, 102, 98, 180]).lw.rolling(2).mean().tolist()
[nan, 101.0, 100.0, 139.0]
"""

try:
    from .interop.pandas import Accessor
except ModuleNotFoundError as _error:
    if _error.name != "pandas":
        raise
    raise ModuleNotFoundError(
        'linewatch.pandas needs pandas: pip install "linewatch[pandas]"', name="pandas"
    ) from None
from .interop.pandas_kernels import TESTED, accelerated, calls, install, reset_calls, uninstall

__all__ = ["TESTED", "Accessor", "accelerated", "calls", "install", "reset_calls", "uninstall"]
