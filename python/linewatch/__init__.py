"""Find anomalies in telecom data.

Importing is cheap: a submodule is loaded when it is first used, so neither pandas nor Polars,
scikit-learn or matplotlib is imported before something needs it.

>>> import linewatch as lw
>>> lw.rolling.mean([10.0, 12, 11, 50], window=2)
array([ nan, 11. , 11.5, 30.5])
"""

from importlib import import_module
from typing import TYPE_CHECKING

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


# Type checkers see the names themselves, and so find one that is not there.
if TYPE_CHECKING:
    from linewatch import autoencoder as autoencoder
    from linewatch import cdr as cdr
    from linewatch import cli as cli
    from linewatch import dashboards as dashboards
    from linewatch import datasets as datasets
    from linewatch import downsample as downsample
    from linewatch import flow as flow
    from linewatch import iforest as iforest
    from linewatch import intrusion as intrusion
    from linewatch import kpi as kpi
    from linewatch import neighbors as neighbors
    from linewatch import packets as packets
    from linewatch import pandas as pandas
    from linewatch import plots as plots
    from linewatch import polars as polars
    from linewatch import privacy as privacy
    from linewatch import rolling as rolling
    from linewatch import spark as spark
    from linewatch import spectral as spectral
    from linewatch import streaming as streaming
    from linewatch import threshold as threshold
    from linewatch import wavelet as wavelet
    from linewatch._models import load as load
    from linewatch.autoencoder import AutoencoderDetector as AutoencoderDetector
    from linewatch.iforest import IsolationForest as IsolationForest
    from linewatch.neighbors import KNNDetector as KNNDetector
    from linewatch.neighbors import LocalOutlierFactor as LocalOutlierFactor
    from linewatch.threshold import ThresholdedDetector as ThresholdedDetector
    from linewatch.threshold import calibrate_threshold as calibrate_threshold
    from linewatch.wavelet import WaveletFeatures as WaveletFeatures
else:

    def __getattr__(name):
        if name in _submodules:
            return import_module(f"linewatch.{name}")
        if name in _names:
            return getattr(import_module(f"linewatch.{_names[name]}"), name)
        raise AttributeError(f"module 'linewatch' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
