"""Find anomalies in telecom data.

Importing is cheap: a submodule is loaded when it is first used, so neither pandas nor Polars,
scikit-learn or matplotlib is imported before something needs it.

>>> import linewatch as lw
>>> lw.rolling.mean([10.0, 12, 11, 50], window=2)
array([ nan, 11. , 11.5, 30.5])
"""

from importlib import import_module

from linewatch._core import __version__

_submodules = (
    "cli",
    "datasets",
    "kpi",
    "pandas",
    "plots",
    "polars",
    "privacy",
    "rolling",
    "spectral",
    "wavelet",
)
# Classes, and the module each comes from.
_names = {"WaveletFeatures": "wavelet"}

__all__ = ["__version__", *_names, *_submodules]


def __getattr__(name):
    if name in _submodules:
        return import_module(f"linewatch.{name}")
    if name in _names:
        return getattr(import_module(f"linewatch.{_names[name]}"), name)
    raise AttributeError(f"module 'linewatch' has no attribute {name!r}")


def __dir__():
    return __all__
