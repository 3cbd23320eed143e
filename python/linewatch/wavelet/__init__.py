"""Wavelet transforms of one dimension, and what they tell about windows of traffic.

The transforms have the names, modes, lengths, warnings and values of PyWavelets, so that code moves
over by its import. They read any layout, read-only arrays, float32, float64 and complex, along any
axis; what they return are NumPy arrays. Two dimensions and more are PyWavelets' field.

`features` and its parts turn windows of traffic into numbers for a detector; `hurst`, `variance`,
`denoise` and `deviation` answer a question each.
"""

from typing import TYPE_CHECKING

from linewatch._wavelets import (
    ContinuousWavelet,
    DiscreteContinuousWavelet,
    Modes,
    Wavelet,
    families,
    wavelist,
)
from linewatch.wavelet._cwt import (
    central_frequency,
    cwt,
    frequency2scale,
    integrate_wavelet,
    scale2frequency,
)
from linewatch.wavelet._dwt import (
    downcoef,
    dwt,
    dwt_coeff_len,
    dwt_max_level,
    idwt,
    upcoef,
    wavedec,
    waverec,
)
from linewatch.wavelet._estimates import (
    LogScaleDiagram,
    WaveletVariance,
    denoise,
    deviation,
    hurst,
    variance,
)
from linewatch.wavelet._features import (
    band_energy,
    features,
    relative_band_energy,
    spectral_entropy,
    wavelet_entropy,
    wavelet_log_energy,
    wavelet_tsallis_entropy,
)
from linewatch.wavelet._mra import imra, mra
from linewatch.wavelet._packet import WaveletPacket
from linewatch.wavelet._swt import imodwt, iswt, modwt, swt, swt_max_level
from linewatch.wavelet._threshold import threshold, threshold_firm

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


if TYPE_CHECKING:
    from linewatch.wavelet._transformer import WaveletFeatures as WaveletFeatures
else:

    def __getattr__(name):
        # A class of scikit-learn, which takes long to import.
        if name == "WaveletFeatures":
            from linewatch.wavelet._transformer import WaveletFeatures

            return WaveletFeatures
        raise AttributeError(f"module 'linewatch.wavelet' has no attribute {name!r}")
