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
    "autoencoder",
    "cdr",
    "cli",
    "dashboards",
    "datasets",
    "downsample",
    "flow",
    "iforest",
    "intrusion",
    "kpi",
    "neighbors",
    "packets",
    "pandas",
    "plots",
    "polars",
    "privacy",
    "rolling",
    "spark",
    "spectral",
    "streaming",
    "threshold",
    "wavelet",
)

# Classes and functions at the top level, and the module that has them.
_names = {
    "AutoencoderDetector": "autoencoder",
    "IsolationForest": "iforest",
    "KNNDetector": "neighbors",
    "LocalOutlierFactor": "neighbors",
    "ThresholdedDetector": "threshold",
    "WaveletFeatures": "wavelet",
    "calibrate_threshold": "threshold",
    "load": "_models",
}

__all__ = ["__version__", *_submodules, *_names]


def __getattr__(name):
    if name in _submodules:
        return import_module(f"linewatch.{name}")
    if name in _names:
        return getattr(import_module(f"linewatch.{_names[name]}"), name)
    raise AttributeError(f"module 'linewatch' has no attribute {name!r}")


def __dir__():
    return __all__
