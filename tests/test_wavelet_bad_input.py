"""What the wavelet functions say to input they cannot use."""

import re

import numpy as np
import pytest

from linewatch import spectral, wavelet
from linewatch._window_features import NAMES

X = np.arange(64.0)


def says(kind, text, call, *args, **kwargs):
    with pytest.raises(kind, match="^" + re.escape(text) + "$"):
        call(*args, **kwargs)


MODES = (
    "'zero', 'constant', 'symmetric', 'periodic', 'smooth', 'periodization', 'reflect', "
    "'antisymmetric', 'antireflect'"
)


def test_unknown_names_get_the_nearest_one():
    text = "unknown wavelet 'dbb4'; did you mean 'db4'? (wavelist() names all)"
    says(ValueError, text, wavelet.dwt, X, "dbb4")
    text = f"unknown mode 'symetric'; did you mean 'symmetric'? (modes: {MODES})"
    says(ValueError, text, wavelet.dwt, X, "db4", "symetric")
    says(ValueError, "mode must be from 0 to 8, got 9", wavelet.dwt, X, "db4", 9)
    text = "mode must be a name such as 'symmetric', got None"
    says(TypeError, text, wavelet.dwt, X, "db4", None)
    text = "unknown family 'dbb'; did you mean 'db'? (families() lists all)"
    says(ValueError, text, wavelet.wavelist, "dbb")
    text = (
        "The `Wavelet` class is for discrete wavelets, gaus1 is a continuous one "
        "(use ContinuousWavelet and cwt)"
    )
    says(ValueError, text, wavelet.Wavelet, "gaus1")
    text = "db4 is a discrete wavelet; expected a continuous one for cwt"
    says(ValueError, text, wavelet.ContinuousWavelet, "db4")
    known = ", ".join(NAMES)
    text = f"unknown feature 'bandenergy'; did you mean 'band_energy'? (features: {known})"
    says(ValueError, text, wavelet.features, X, 16, features=["bandenergy"])
    text = "unknown transform 'modtw'; did you mean 'modwt'? (swt, dwt, modwt)"
    says(ValueError, text, wavelet.mra, X, "db4", transform="modtw")


def test_data_that_are_no_numbers():
    says(TypeError, "data must be an array of numbers, got None", wavelet.dwt, None, "db4")
    says(ValueError, "data has dtype <U1; expected numbers", wavelet.dwt, ["a"], "db4")
    text = "data has dtype object; expected numbers"
    says(TypeError, text, wavelet.dwt, np.array([object()]), "db4")
    says(ValueError, "data must have a value along the axis, got 0", wavelet.dwt, [], "db4")


def test_axes_and_shapes():
    axis_error = np.exceptions.AxisError
    says(axis_error, "axis must be from -1 to 0, got 1", wavelet.dwt, X, "db4", axis=1)
    says(
        axis_error, "axis must be from -2 to 1, got 2", wavelet.wavedec, X[:, None], "haar", axis=2
    )
    text = "axis must be left out for a single number, got -1"
    says(axis_error, text, wavelet.dwt, 3.0, "db4")
    says(TypeError, "axis must be a whole number, got 0.5", wavelet.dwt, X, "db4", axis=0.5)
    text = "cA and cD must have the same shape, got (3,) and (4,)"
    says(ValueError, text, wavelet.idwt, X[:3], X[:4], "haar")
    text = "cA and cD are both None; at least one must hold coefficients"
    says(ValueError, text, wavelet.idwt, None, None, "haar")
    text = "coefficients must be at least 4 values long for a filter of 8 taps, got 3"
    says(ValueError, text, wavelet.idwt, X[:3], X[:3], "db4")
    says(ValueError, "data must have 1 dimension, got 2", wavelet.downcoef, "a", X[:, None], "haar")
    says(ValueError, "part must be 'a' or 'd', got 'x'", wavelet.downcoef, "x", X, "haar")
    text = "coefficients do not fit: an approximation of 3 values meets a detail of 5"
    says(ValueError, text, wavelet.waverec, [X[:3], X[:5]], "haar")
    says(ValueError, "coeffs must hold at least 1 array, got 0", wavelet.waverec, [], "haar")
    bands = wavelet.wavedec(X, "haar")
    says(ValueError, "length must be 63 or 64, got 9", wavelet.waverec, bands, "haar", length=9)


def test_one_value_cannot_be_mirrored_at_itself():
    text = 'x must be at least 2 values long in mode "reflect", got 1'
    says(ValueError, text, wavelet.dwt, [1.0], "db4", "reflect")
    # PyWavelets 1.9 never returns from this one.
    says(ValueError, text, wavelet.downcoef, "a", [1.0], "haar", mode="reflect")
    says(ValueError, text, wavelet.downcoef, "a", [1.0, 2], "haar", mode="reflect", level=2)


def test_levels():
    text = "Level value of 9 is too high: all coefficients will experience boundary effects."
    with pytest.warns(UserWarning, match=re.escape(text)):
        wavelet.wavedec(X, "db4", level=9)
    says(ValueError, "level must be at least 0, got -1", wavelet.wavedec, X, "db4", level=-1)
    text = "level must be at most 3 for windows of 64 values and a filter of 8, got 4"
    says(ValueError, text, wavelet.band_energy, X)
    says(ValueError, text, wavelet.features, X, 64)
    text = "data must have an even length along the axis, got 7 (see modwt)"
    says(ValueError, text, wavelet.swt, X[:7], "haar", 1)
    text = (
        "level must be at most 1 for 6 values after start_level 0, got 2 (modwt takes any length)"
    )
    says(ValueError, text, wavelet.swt, X[:6], "haar", 2)
    says(ValueError, "level must be at most 2 for 7 values, got 3", wavelet.modwt, X[:7], "haar", 3)
    with pytest.warns(UserWarning, match="no level of the stationary transform"):
        wavelet.swt_max_level(7)
    text = "deepest of this tree is 2"
    with pytest.raises(IndexError, match=text):
        wavelet.WaveletPacket(X[:4], "haar")["aaa"]


def test_windows():
    text = "window must be at most the 64 values of x, got 65"
    says(ValueError, text, wavelet.features, X, 65)
    says(ValueError, "hop must be at least 1, got 0", wavelet.features, X, 16, 0)
    says(TypeError, "window must be a whole number, got 1.5", wavelet.features, X, 1.5)
    text = "features needs window=, the rows in a window (or groups=)"
    says(TypeError, text, wavelet.features, X)
    text = "hop needs window: without it a group is one window"
    says(ValueError, text, wavelet.features, X, hop=3, groups=np.zeros(64))
    text = "groups has 3 values, expected 64"
    says(ValueError, text, wavelet.features, X, groups=[1, 2, 3])
    text = "features must name at least one feature, got none"
    says(ValueError, text, wavelet.features, X, 16, features=[])
    text = "q must be a number above 0 other than 1, got 1"
    says(ValueError, text, wavelet.wavelet_tsallis_entropy, X, "haar", q=1)
    says(ValueError, "x must have at least 1 value in a window, got 0", spectral.entropy, [])


def test_spectral_settings():
    text = "a band must go from low to high, got (0.3, 0.1)"
    says(ValueError, text, spectral.band_power, X, [(0.3, 0.1)])
    says(
        ValueError,
        "the band (25, 50) lies above 0.5 hertz, the highest frequency that sampling_rate=1 can "
        "show",
        spectral.band_power,
        X,
        [(0, 25), (25, 50)],
    )
    text = "bands must hold at least one pair of frequencies, got none"
    says(ValueError, text, spectral.band_power, X, [])
    text = "bands must be pairs of frequencies, as in [(0, 0.1), (0.1, 0.5)], got [0.1]"
    says(ValueError, text, spectral.band_power, X, [0.1])
    says(ValueError, "order must be from 2 to 8, got 9", spectral.permutation_entropy, X, 9)
    says(ValueError, "delay must be at least 1, got 0", spectral.permutation_entropy, X, 3, 0)
    text = "sampling_rate must be above 0, got -1"
    says(ValueError, text, spectral.dominant_frequency, X, sampling_rate=-1)


def test_continuous_settings():
    says(ValueError, "scales must be numbers above 0, got [0]", wavelet.cwt, X, 0, "morl")
    says(
        ValueError, "method must be 'conv' or 'fft', got 'x'", wavelet.cwt, X, 1, "morl", method="x"
    )
    text = (
        "db4 is a discrete wavelet; expected a continuous one "
        "(wavelist(kind='continuous') names all)"
    )
    says(ValueError, text, wavelet.cwt, X, 1, "db4")
    with pytest.warns(FutureWarning, match="cmor without parameters"):
        wavelet.cwt(X, 2, "cmor")


def test_gaps_in_estimates():
    gap = X.copy()
    gap[7] = np.nan
    text = "x must be finite, but x[7] is nan (fill gaps first)"
    for call in (wavelet.hurst, wavelet.variance, wavelet.denoise):
        says(ValueError, text, call, gap)
    says(ValueError, text, wavelet.deviation, gap, 8)
    text = "x must have at least 24 values, got 3"
    says(ValueError, text, wavelet.hurst, X[:3])
    text = "octaves must be two from 1 to 3, the first below the last, got (2, 9)"
    says(ValueError, text, wavelet.hurst, np.sin(X**2), octaves=(2, 9))
    text = "wavelet must be orthogonal, got 'bior2.2'"
    says(ValueError, text, wavelet.variance, X, "bior2.2")
    says(ValueError, "mid must be above high (2), got 2", wavelet.deviation, X, 8, mid=2)
    text = "threshold must be 'soft', 'hard' or 'garrote', got 'firm'"
    says(ValueError, text, wavelet.denoise, X, threshold="firm")


@pytest.mark.parametrize("x", [np.ones(256), np.full(999, 1e9 / 3), np.zeros(256)])
def test_a_constant_has_no_hurst_exponent(x):
    text = "x has an octave without energy; a constant or smooth x has no exponent"
    says(ValueError, text, wavelet.hurst, x)


@pytest.mark.parametrize("method", ["conv", "fft"])
def test_no_scales_have_no_coefficients(method):
    coefs, frequencies = wavelet.cwt([1.0, 2, 3], [], "cmor1.5-1.0", method=method)
    assert coefs.shape == (0, 3) and coefs.dtype == complex and len(frequencies) == 0
